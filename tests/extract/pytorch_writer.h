/*
 * State dictionaries for tests, in the three ways in which files hold them. The pickles are those
 * of torch.save (torch/_utils.py, torch/serialization.py), protocol 2.
 *
 *     struct state state = {0};
 *     state_add(&state, "conv1.weight", (const size_t[]){6, 1, 5, 5}, 4);    seeded numbers
 *     state_save_zip(&state, "", path);
 *     state_release(&state);
 */
#ifndef TESTS_EXTRACT_PYTORCH_WRITER_H
#define TESTS_EXTRACT_PYTORCH_WRITER_H

#include <math.h>
#include <stdio.h>

#include "extract/graph/tensor.h"
#include "tests/extract/zip_writer.h"

enum { STATE_TENSORS = 160 };

struct state_tensor {
    char name[80];
    size_t rank, shape[4], count;
    float *values;
};

struct state {
    struct state_tensor tensors[STATE_TENSORS];
    size_t count;
};

/* The numbers that make_pytorch_cases.py gives the tensor of this number: matrices and kernels
 * scaled by their inputs, vectors around 0 or 1. */
static inline void state_seed(struct state_tensor *tensor, size_t number)
{
    const char *kind = strrchr(tensor->name, '.') + 1;
    float *numbers = seeded_numbers(tensor->count, (uint32_t)number << 20);
    size_t inputs = tensor->count / tensor->shape[0];
    float factor = tensor->rank > 1 ? 1 / sqrtf((float)inputs) : 0.125f;
    float base = tensor->rank > 1 || strcmp(kind, "bias") == 0 ||
                 strcmp(kind, "running_mean") == 0 ? 0 : 1;

    for (size_t i = 0; i < tensor->count; i++)
        numbers[i] = numbers[i] * factor + base;
    tensor->values = numbers;
}

static inline void state_add(struct state *state, const char *name, const size_t *shape,
                             size_t rank)
{
    struct state_tensor *tensor = &state->tensors[state->count];

    assert_true(state->count < STATE_TENSORS);
    *tensor = (struct state_tensor){.rank = rank, .count = 1};
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    for (size_t axis = 0; axis < rank; axis++) {
        tensor->shape[axis] = shape[axis];
        tensor->count *= shape[axis];
    }
    state_seed(tensor, state->count++);
}

static inline void state_release(struct state *state)
{
    for (size_t i = 0; i < state->count; i++)
        free(state->tensors[i].values);
    state->count = 0;
}

/* ---- pickles ---------------------------------------------------------------------------- */

static inline void pickle_code(struct buffer *out, const char *code)
{
    zip_append(out, code, strlen(code));
}

static inline void pickle_text(struct buffer *out, const char *text)
{
    pickle_code(out, "X");
    zip_append_number(out, strlen(text), 4);
    pickle_code(out, text);
}

static inline void pickle_number(struct buffer *out, size_t number)
{
    pickle_code(out, "\x8a\x08");
    zip_append_number(out, number, 8);
}

static inline void pickle_numbers(struct buffer *out, const size_t *numbers, size_t count)
{
    pickle_code(out, "(");
    for (size_t i = 0; i < count; i++)
        pickle_number(out, numbers[i]);
    pickle_code(out, "t");
}

/* A tensor of `type` ("FloatStorage"), row-major unless strides are given. */
static inline void pickle_tensor(struct buffer *out, const char *type, const char *key,
                                 size_t elements, size_t offset, const size_t *shape,
                                 const size_t *strides, size_t rank)
{
    size_t own[4], stride = 1;

    for (size_t axis = rank; axis-- > 0; stride *= shape[axis])
        own[axis] = stride;
    pickle_code(out, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_text(out, "storage");
    pickle_code(out, "ctorch\n");
    pickle_code(out, type);
    pickle_code(out, "\n");
    pickle_text(out, key);
    pickle_text(out, "cpu");
    pickle_number(out, elements);
    pickle_code(out, "tQ");
    pickle_number(out, offset);
    pickle_numbers(out, shape, rank);
    pickle_numbers(out, strides != NULL ? strides : own, rank);
    pickle_code(out, "\x89""ccollections\nOrderedDict\n)RtR");
}

/* OrderedDict of all tensors, their names behind `prefix`, their storages called by number. */
static inline void pickle_state(struct buffer *out, const struct state *state, const char *prefix)
{
    pickle_code(out, "ccollections\nOrderedDict\n)R(");
    for (size_t i = 0; i < state->count; i++) {
        const struct state_tensor *tensor = &state->tensors[i];
        char text[120];

        snprintf(text, sizeof text, "%s%s", prefix, tensor->name);
        pickle_text(out, text);
        snprintf(text, sizeof text, "%zu", i);
        pickle_tensor(out, "FloatStorage", text, tensor->count, 0, tensor->shape, NULL,
                      tensor->rank);
    }
    pickle_code(out, "u");
}

/* ---- files ------------------------------------------------------------------------------ */

static inline void state_save_zip(const struct state *state, const char *prefix, const char *path)
{
    struct zip_writer zip = {0};
    struct buffer pickle = {0};

    pickle_code(&pickle, "\x80\2");
    pickle_state(&pickle, state, prefix);
    pickle_code(&pickle, ".");
    zip_writer_add(&zip, &(struct zip_member){
        .name = "archive/data.pkl", .data = pickle.data, .size = pickle.size});
    zip_writer_add(&zip, &(struct zip_member){
        .name = "archive/byteorder", .data = "little", .size = 6});
    for (size_t i = 0; i < state->count; i++) {
        char name[40];

        snprintf(name, sizeof name, "archive/data/%zu", i);
        zip_writer_add(&zip, &(struct zip_member){
            .name = name, .data = state->tensors[i].values,
            .size = state->tensors[i].count * sizeof(float)});
    }
    zip_writer_save(&zip, path);
    buffer_release(&pickle);
}

/* Magic number, protocol and machine, as every old file begins. */
static inline void legacy_begin(struct buffer *out)
{
    static const char preamble[] = "\x80\2\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19.\x80\2M\xe9\3."
                                   "\x80\2}(X\x0d\0\0\0little_endian\x88u.";

    zip_append(out, preamble, sizeof preamble - 1);
}

static inline void state_save_legacy(const struct state *state, const char *prefix,
                                     const char *path)
{
    struct buffer out = {0};

    legacy_begin(&out);
    pickle_code(&out, "\x80\2}(");
    pickle_text(&out, "epoch");
    pickle_number(&out, 3);
    pickle_text(&out, "state_dict");
    pickle_state(&out, state, prefix);
    pickle_code(&out, "u.\x80\2](");
    for (size_t i = state->count; i-- > 0;) {
        char key[24];

        snprintf(key, sizeof key, "%zu", i);
        pickle_text(&out, key);
    }
    pickle_code(&out, "e.");
    for (size_t i = state->count; i-- > 0;) {
        zip_append_number(&out, state->tensors[i].count, 8);
        zip_append(&out, state->tensors[i].values, state->tensors[i].count * sizeof(float));
    }
    write_file(path, out.data, out.size);
    buffer_release(&out);
}

/* A file of safetensors: the header's length, the header, the data. */
static inline void safetensors_save(const char *header, const void *data, size_t size,
                                    const char *path)
{
    struct buffer out = {0};

    zip_append_number(&out, strlen(header), 8);
    zip_append(&out, header, strlen(header));
    zip_append(&out, data, size);
    write_file(path, out.data, out.size);
    buffer_release(&out);
}

static inline void state_save_safetensors(const struct state *state, const char *prefix,
                                          const char *path)
{
    struct buffer header = {0}, data = {0};
    char text[200];

    pickle_code(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < state->count; i++) {
        const struct state_tensor *tensor = &state->tensors[i];

        snprintf(text, sizeof text, ",\"%s%s\":{\"dtype\":\"F32\",\"shape\":[", prefix,
                 tensor->name);
        pickle_code(&header, text);
        for (size_t axis = 0; axis < tensor->rank; axis++) {
            snprintf(text, sizeof text, axis > 0 ? ",%zu" : "%zu", tensor->shape[axis]);
            pickle_code(&header, text);
        }
        snprintf(text, sizeof text, "],\"data_offsets\":[%zu,%zu]}", data.size,
                 data.size + tensor->count * sizeof(float));
        pickle_code(&header, text);
        zip_append(&data, tensor->values, tensor->count * sizeof(float));
    }
    zip_append(&header, "}", 2);
    safetensors_save((const char *)header.data, data.data, data.size, path);
    buffer_release(&header);
    buffer_release(&data);
}

/* ---- networks --------------------------------------------------------------------------- */

static inline void state_add_norm(struct state *state, const char *layer, size_t channels)
{
    static const char *const kinds[] = {"weight", "bias", "running_mean", "running_var"};
    char name[80];

    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%.60s.%s", layer, kinds[i]);
        state_add(state, name, &channels, 1);
    }
}

static inline void state_add_lenet(struct state *state)
{
    static const struct {
        const char *name;
        size_t rank, shape[4];
    } tensors[] = {
        {"conv1.weight", 4, {6, 1, 5, 5}},  {"conv1.bias", 1, {6}},
        {"conv2.weight", 4, {16, 6, 5, 5}}, {"conv2.bias", 1, {16}},
        {"fc1.weight", 2, {120, 256}},      {"fc1.bias", 1, {120}},
        {"fc2.weight", 2, {84, 120}},       {"fc2.bias", 1, {84}},
        {"fc3.weight", 2, {10, 84}},        {"fc3.bias", 1, {10}},
    };

    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        state_add(state, tensors[i].name, tensors[i].shape, tensors[i].rank);
}

static inline void state_add_resnet20(struct state *state)
{
    size_t before = 16;
    char name[80];

    state_add(state, "conv1.weight", (const size_t[]){16, 3, 3, 3}, 4);
    state_add_norm(state, "bn1", 16);
    for (size_t i = 0; i < 18; i++) {
        size_t stage = i / 6 + 1, channels = (size_t)8 << stage;

        snprintf(name, sizeof name, "layer%zu.%zu.conv%zu.weight", stage, i % 6 / 2, i % 2 + 1);
        state_add(state, name, (const size_t[]){channels, before, 3, 3}, 4);
        snprintf(name, sizeof name, "layer%zu.%zu.bn%zu", stage, i % 6 / 2, i % 2 + 1);
        state_add_norm(state, name, channels);
        before = channels;
    }
    state_add(state, "linear.weight", (const size_t[]){10, 64}, 2);
    state_add(state, "linear.bias", (const size_t[]){10}, 1);
}

#endif
