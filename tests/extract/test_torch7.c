/*
 * Torch7's files: what becomes of those that are damaged, lie, lead in circles, or hold what is not
 * supported. The modules are in test_operators.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "extract/network/network.h"
#include "tests/helpers.h"

#define GOLDEN "tests/extract/golden-torch7/"

enum { SIDE = 8 };

/* ---- a file in the making --------------------------------------------------------------- */

/* Values as torch.save writes them; objects get their index in the order of writing. */
struct writer {
    unsigned char bytes[1 << 16];
    size_t size;
    int32_t objects;
};

static void put(struct writer *writer, const void *bytes, size_t size)
{
    assert_true(writer->size + size <= sizeof writer->bytes);
    memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
}

static void put_integer(struct writer *writer, int32_t value)
{
    put(writer, &value, sizeof value);
}

static void put_long(struct writer *writer, int64_t value)
{
    put(writer, &value, sizeof value);
}

static void put_characters(struct writer *writer, const char *text)
{
    put_integer(writer, (int32_t)strlen(text));
    put(writer, text, strlen(text));
}

static void put_text(struct writer *writer, const char *text)
{
    put_integer(writer, 2);
    put_characters(writer, text);
}

static void put_number(struct writer *writer, double value)
{
    put_integer(writer, 1);
    put(writer, &value, sizeof value);
}

static void put_field(struct writer *writer, const char *name, double value)
{
    put_text(writer, name);
    put_number(writer, value);
}

/* A table, with `count` pairs to follow; returns its index. */
static int32_t put_table(struct writer *writer, int32_t count)
{
    put_integer(writer, 3);
    put_integer(writer, ++writer->objects);
    put_integer(writer, count);
    return writer->objects;
}

static void put_class(struct writer *writer, const char *name)
{
    put_integer(writer, 4);
    put_integer(writer, ++writer->objects);
    put_characters(writer, "V 1");
    put_characters(writer, name);
}

/* A module, with `count` fields to follow; returns its index. */
static int32_t put_module(struct writer *writer, const char *name, int32_t count)
{
    int32_t index;

    put_class(writer, name);
    index = writer->objects;
    put_table(writer, count);
    return index;
}

/* A container, with `count` pairs of a number and a module to follow. */
static int32_t put_container(struct writer *writer, const char *name, int32_t count)
{
    int32_t index = put_module(writer, name, 1);

    put_text(writer, "modules");
    put_table(writer, count);
    return index;
}

static void put_reference(struct writer *writer, int32_t index)
{
    put_integer(writer, 4);
    put_integer(writer, index);
}

struct view {
    int32_t rank;
    int64_t size[4], stride[4], offset;  /* from 1 */
    int64_t numbers;                     /* in the storage */
};

static const struct view plain_view = {4, {2, 3, 3, 3}, {27, 9, 3, 1}, 1, 54};

/* A FloatTensor with a storage of halves. */
static void put_tensor(struct writer *writer, const struct view *view)
{
    put_class(writer, "torch.FloatTensor");
    put_integer(writer, view->rank);
    put(writer, view->size, (size_t)view->rank * sizeof view->size[0]);
    put(writer, view->stride, (size_t)view->rank * sizeof view->stride[0]);
    put_long(writer, view->offset);
    put_class(writer, "torch.FloatStorage");
    put_long(writer, view->numbers);
    for (int64_t i = 0; i < view->numbers && i < 100; i++)
        put(writer, &(float){0.5f}, sizeof(float));
}

/* 3 to 2 channels, 3x3. */
static void put_convolution(struct writer *writer, const char *name, const struct view *weights)
{
    put_module(writer, name, 7);
    put_field(writer, "nInputPlane", 3);
    put_field(writer, "nOutputPlane", 2);
    put_field(writer, "kH", 3);
    put_field(writer, "kW", 3);
    put_field(writer, "dH", 1);
    put_field(writer, "dW", 1);
    put_text(writer, "weight");
    put_tensor(writer, weights);
}

static void put_item(struct writer *writer, int place)
{
    put_number(writer, place);
}

/* ---- using it --------------------------------------------------------------------------- */

static int use(const char *path, const char *layer, struct error *error)
{
    struct network *network;
    size_t side;
    int outcome;

    error->text[0] = '\0';
    outcome = network_open(path, NULL, &network, error);
    if (outcome == 0) {
        side = network_model(network)->usual_side;
        outcome = network_prepare(network, &(struct network_request){
            .layers = &layer, .layer_count = layer != NULL, .height = side > 0 ? side : SIDE,
            .width = side > 0 ? side : SIDE, .batch = 1}, error);
        network_free(network);
    }
    assert_null(strchr(error->text, '\n'));
    return outcome;
}

static int use_written(const struct writer *writer, const char *layer, struct error *error)
{
    char *folder = scratch_create();
    int outcome;

    write_file(scratch_path(folder, "net.t7"), writer->bytes, writer->size);
    outcome = use(scratch_path(folder, "net.t7"), layer, error);
    scratch_remove(folder);
    return outcome;
}

static void expect_refused(const struct writer *writer, const char *part)
{
    struct error error;

    if (use_written(writer, NULL, &error) == 0)
        fail_msg("it works, and should say '%s'", part);
    if (strstr(error.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, part);
}

/* ---- what is not supported -------------------------------------------------------------- */

static void test_unsupported(void **state)
{
    struct writer writer = {.size = 0};
    struct error error;

    (void)state;
    put_container(&writer, "nn.Sequential", 3);
    put_item(&writer, 1);
    put_convolution(&writer, "nn.SpatialConvolution", &plain_view);
    put_item(&writer, 2);
    put_module(&writer, "nn.SpatialConvolutionMap", 0);
    put_item(&writer, 3);
    put_module(&writer, "nn.ReLU", 0);
    assert_int_equal(use_written(&writer, "1", &error), 0);
    assert_int_equal(use_written(&writer, "3", &error), FAILED);
    assert_non_null(strstr(error.text,
                           "nn.SpatialConvolutionMap '2': this module is not supported"));
}

static void test_no_network(void **state)
{
    struct writer writer = {.size = 0};

    (void)state;
    put_table(&writer, 1);
    put_field(&writer, "epoch", 3);
    expect_refused(&writer, "it holds no network of nn modules");

    writer = (struct writer){.size = 0};
    put_module(&writer, "nn.gModule", 0);
    expect_refused(&writer, "nngraph");

    writer = (struct writer){.size = 0};
    put_container(&writer, "nn.Sequential", 1);
    put_item(&writer, 1);
    put_module(&writer, "nn.ReLU", 0);
    expect_refused(&writer, "it has no convolution");

    writer = (struct writer){.size = 0};
    put(&writer, "4\n1\n3\nV 1\n13\nnn.Sequential\n", 25);
    expect_refused(&writer, "form as text");
}

static void test_fields(void **state)
{
    static const struct {
        const char *field;
        double value;
        const char *message;
    } cases[] = {
        {"kH", 2.5, "its 'kH' is 2.5"},
        {"kH", -1, "its 'kH' is -1"},
        {"nOutputPlane", 1e300, "its 'nOutputPlane' is 1e+300"},
        {"nOutputPlane", 3, "its weights have 54 numbers, not 3x3x3x3"},
        {"nInputPlane", 0, "its 'nInputPlane' is 0"},
        {"groups", 2, "its weights have 54 numbers, not 2x1x3x3"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer writer = {.size = 0};

        put_container(&writer, "nn.Sequential", 1);
        put_item(&writer, 1);
        put_module(&writer, "nn.SpatialConvolution", 8);
        put_field(&writer, cases[i].field, cases[i].value);
        put_field(&writer, "nInputPlane", 3);
        put_field(&writer, "nOutputPlane", 2);
        put_field(&writer, "kH", 3);
        put_field(&writer, "kW", 3);
        put_field(&writer, "dH", 1);
        put_field(&writer, "dW", 1);
        put_text(&writer, "weight");
        put_tensor(&writer, &plain_view);
        expect_refused(&writer, cases[i].message);
    }
}

static void test_tensors(void **state)
{
    static const struct {
        struct view view;
        const char *message;
    } cases[] = {
        {{4, {2, 3, 3, 3}, {27, 9, 3, 1}, 2, 54}, "a tensor reaches outside of its storage"},
        {{4, {2, 3, 3, 3}, {27, 9, 3, INT64_MAX / 2}, 1, 54}, "strides that are not valid"},
        {{4, {2, 3, 3, 3}, {27, 9, 3, -1}, 10, 54}, "strides that are not valid"},
        {{4, {2, 3, 3, 3}, {0, 0, 0, 0}, 1, 10}, "a tensor is larger than its storage"},
        {{4, {2, -3, 3, 3}, {27, 9, 3, 1}, 1, 54}, "a tensor's dimension 1 is -3"},
        {{4, {2, 0, 3, 3}, {27, 9, 3, 1}, 1, 54}, "its 'weight': a tensor is empty"},
        {{4, {INT64_MAX, 3, 3, 3}, {27, 9, 3, 1}, 1, 54}, "a tensor's dimension 1 is 3"},
        {{4, {2, 3, 3, 3}, {27, 9, 3, 1}, 1, INT64_MIN}, "it is damaged"},
        {{4, {2, 3, 3, 3}, {27, 9, 3, 1}, 1, INT64_MAX}, "it is damaged"},
        {{4, {2, 3, 3, 3}, {27, 9, 3, 1}, -5, 54}, "it is damaged"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer writer = {.size = 0};

        put_container(&writer, "nn.Sequential", 1);
        put_item(&writer, 1);
        put_convolution(&writer, "nn.SpatialConvolution", &cases[i].view);
        expect_refused(&writer, cases[i].message);
    }
}

/* ---- circles and depths ----------------------------------------------------------------- */

static void test_contains_itself(void **state)
{
    struct writer writer = {.size = 0};
    int32_t outer, inner;

    (void)state;
    outer = put_container(&writer, "nn.Sequential", 2);
    put_item(&writer, 1);
    put_convolution(&writer, "nn.SpatialConvolution", &plain_view);
    put_item(&writer, 2);
    inner = put_container(&writer, "nn.Sequential", 2);
    put_item(&writer, 1);
    put_reference(&writer, outer);
    put_item(&writer, 2);
    put_reference(&writer, inner);
    expect_refused(&writer, "nn.Sequential '2.1' contains itself");
}

/* Each module holds the next twice: 2^40 of them, in a few bytes. */
static void test_shared_doubling(void **state)
{
    enum { LEVELS = 40 };
    struct writer writer = {.size = 0};
    int32_t indices[LEVELS];

    (void)state;
    put_container(&writer, "nn.Sequential", 2);
    put_item(&writer, 1);
    put_convolution(&writer, "nn.SpatialConvolution", &plain_view);
    put_item(&writer, 2);
    for (int level = 0; level < LEVELS; level++) {
        indices[level] = put_container(&writer, "nn.Sequential", level + 1 < LEVELS ? 2 : 0);
        if (level + 1 < LEVELS)
            put_item(&writer, 1);
    }
    for (int level = LEVELS - 1; level > 0; level--) {
        put_item(&writer, 2);
        put_reference(&writer, indices[level]);
    }
    expect_refused(&writer, "it has more than 65536 modules");
}

static void test_depth(void **state)
{
    struct writer writer = {.size = 0};

    (void)state;
    for (int i = 0; i < 70; i++) {
        put_container(&writer, "nn.Sequential", 1);
        put_item(&writer, 1);
    }
    put_convolution(&writer, "nn.SpatialConvolution", &plain_view);
    expect_refused(&writer, "it has no convolution");

    writer = (struct writer){.size = 0};
    put_container(&writer, "nn.Sequential", 2);
    put_item(&writer, 1);
    put_convolution(&writer, "nn.SpatialConvolution", &plain_view);
    put_item(&writer, 2);
    for (int i = 0; i < 70; i++) {
        put_container(&writer, "nn.Sequential", 1);
        put_item(&writer, 1);
    }
    put_module(&writer, "nn.ReLU", 0);
    expect_refused(&writer, "its modules are nested deeper than 64");

    writer = (struct writer){.size = 0};
    for (int i = 0; i < 2000; i++) {
        put_table(&writer, 1);
        put_number(&writer, 1);
    }
    put_number(&writer, 1);
    expect_refused(&writer, "its objects are nested deeper than 1000");
}

/* ---- damaged files ---------------------------------------------------------------------- */

static void read_golden(const char *name, struct buffer *file)
{
    struct error error;

    if (file_read(scratch_path(GOLDEN, name), 1 << 20, file, NULL, &error) < 0)
        fail_msg("%s", error.text);
}

/* No part of a network is a network. */
static void test_cut_off(void **state)
{
    static const char *const names[] = {"shared.t7", "checkpoint.t7", "long_of_four_bytes.t7",
                                        "without_version.t7", "convolution_offset.t7"};
    char *folder = scratch_create();
    struct buffer file = {0};
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        read_golden(names[i], &file);
        for (size_t size = 1; size < file.size; size++) {
            write_file(scratch_path(folder, "net.t7"), file.data, size);
            if (use(scratch_path(folder, "net.t7"), NULL, &error) == 0)
                fail_msg("%s works with %zu of %zu bytes", names[i], size, file.size);
        }
    }
    buffer_release(&file);
    scratch_remove(folder);
}

/* Every 32 bits become every hostile length, one after the other: works or is refused. */
static void test_lengths(void **state)
{
    static const uint32_t hostile[] = {0, 1, 4, 0x7fffffff, 0x80000000, 0xffffffff};
    static const char *const names[] = {"shared.t7", "linear_double.t7"};
    char *folder = scratch_create();
    struct buffer file = {0};
    struct error error;
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        read_golden(names[i], &file);
        for (size_t at = 0; at + 4 <= file.size && at < 1200; at++) {
            unsigned char saved[4];

            memcpy(saved, file.data + at, 4);
            memcpy(file.data + at, &hostile[at % 6], 4);
            write_file(scratch_path(folder, "net.t7"), file.data, file.size);
            refused += use(scratch_path(folder, "net.t7"), NULL, &error) < 0;
            memcpy(file.data + at, saved, 4);
        }
    }
    assert_true(refused > 500);
    buffer_release(&file);
    scratch_remove(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsupported),     cmocka_unit_test(test_no_network),
        cmocka_unit_test(test_fields),          cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_contains_itself), cmocka_unit_test(test_shared_doubling),
        cmocka_unit_test(test_depth),           cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
