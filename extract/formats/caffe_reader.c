#include "extract/formats/caffe_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/caffe_files.h"
#include "extract/formats/caffe_reader_private.h"
#include "extract/formats/caffe_rule.h"

/* Numbers of our own in the graph (1 for each channel and the like), all layers together. */
enum { MAX_CONSTANTS = 1 << 24 };

/* ---- what the types ask ----------------------------------------------------------------- */

int caffe_input(const struct caffe_reader *reader, const struct caffe_layer *layer, size_t index,
                size_t *input, struct error *error)
{
    if (index >= layer->bottom_count)
        return error_set(error, "its input %zu is missing", index);
    if (names_find(&reader->blobs, layer->bottoms[index], input) < 0)
        return error_set(error, "its input '%s' is written by no layer before it",
                         layer->bottoms[index]);
    if (reader->graph->layers[*input].kind == LAYER_UNSUPPORTED)
        return error_set(error, "its input '%s' is not supported", layer->bottoms[index]);
    return 0;
}

const struct shape *caffe_shape(const struct caffe_reader *reader, size_t index)
{
    return &reader->graph->layers[index].shape;
}

int caffe_add(struct caffe_reader *reader, const struct caffe_layer *layer, struct layer *added,
              size_t *inputs, size_t *index, struct error *error)
{
    if (added->name == NULL)
        added->name = layer->top_count > 0 ? layer->tops[0] : layer->name;
    added->node = layer->name;
    added->operator = layer->type;
    added->inputs = inputs;
    return graph_add(reader->graph, added, index, error);
}

int caffe_name(struct caffe_reader *reader, const struct caffe_layer *layer, size_t top,
               size_t index, struct error *error)
{
    if (top >= layer->top_count)
        return 0;
    reader->last = index;
    return names_put(&reader->blobs, layer->tops[top], index, error);
}

int caffe_add_simple(struct caffe_reader *reader, const struct caffe_layer *layer,
                     struct layer *added, struct error *error)
{
    size_t *inputs, index;

    if (added->input_count == 0)
        added->input_count = 1;
    inputs = graph_allocate(reader->graph, added->input_count, sizeof *inputs, error);
    if (inputs == NULL)
        return FAILED;
    for (size_t i = 0; i < added->input_count; i++)
        if (caffe_input(reader, layer, i, &inputs[i], error) < 0)
            return FAILED;
    if (caffe_add(reader, layer, added, inputs, &index, error) < 0)
        return FAILED;
    return caffe_name(reader, layer, 0, index, error);
}

int caffe_add_reshape(struct caffe_reader *reader, const struct caffe_layer *layer, size_t input,
                      const struct shape *shape, size_t *index, struct error *error)
{
    struct layer added = {.kind = LAYER_RESHAPE, .input_count = 1, .shape = *shape};

    return caffe_add(reader, layer, &added, &input, index, error);
}

int caffe_size(const struct caffe_reader *reader, const struct caffe_layer *layer,
               const char *message, const char *name, size_t minimum, size_t maximum,
               size_t *value, struct error *error)
{
    uint64_t number = *value;

    if (prototext_unsigned(&reader->definition->text,
                           caffe_parameters(reader->definition, layer, message), name, minimum,
                           maximum, &number, error) < 0)
        return FAILED;
    *value = (size_t)number;
    return 0;
}

/* ---- weights ---------------------------------------------------------------------------- */

enum { LENGTHS_TEXT = 24 * TENSOR_MAX_RANK };

/* "96x3x7x7" */
static const char *lengths_to_text(const size_t *lengths, size_t rank,
                                   char text[static LENGTHS_TEXT])
{
    int used = 0;

    text[0] = '\0';
    for (size_t axis = 0; axis < rank; axis++)
        used += snprintf(text + used, LENGTHS_TEXT - (size_t)used, axis > 0 ? "x%zu" : "%zu",
                         lengths[axis]);
    return text;
}

/* Equal from the end on; what one has more is 1. */
static bool same_lengths(const size_t *a, size_t a_rank, const size_t *b, size_t b_rank)
{
    while (a_rank > 0 && b_rank > 0)
        if (a[--a_rank] != b[--b_rank])
            return false;
    while (a_rank > 0)
        if (a[--a_rank] != 1)
            return false;
    while (b_rank > 0)
        if (b[--b_rank] != 1)
            return false;
    return true;
}

int caffe_blob(const struct caffe_reader *reader, const struct caffe_layer *layer, size_t index,
               const size_t *dims, size_t rank, struct tensor *blob, struct error *error)
{
    const struct caffe_blobs *blobs = caffe_weights_find(reader->weights, layer->name);
    char got[LENGTHS_TEXT], expected[LENGTHS_TEXT];
    const struct tensor *found;

    if (blobs == NULL)
        return error_set(error, "the .caffemodel has no weights for it");
    if (index >= blobs->count)
        return error_set(error, "the .caffemodel has %zu blobs for it, blob %zu is missing",
                         blobs->count, index);
    found = &blobs->tensors[index];
    if (!same_lengths(found->shape, found->rank, dims, rank))
        return error_set(error, "its blob %zu is %s in the .caffemodel, its definition asks for "
                         "%s", index, lengths_to_text(found->shape, found->rank, got),
                         lengths_to_text(dims, rank, expected));
    *blob = *found;
    blob->owned = NULL;
    blob->rank = rank;
    memcpy(blob->shape, dims, rank * sizeof *dims);
    return 0;
}

float *caffe_blob_floats(const struct caffe_reader *reader, const struct caffe_layer *layer,
                         size_t index, size_t count, struct error *error)
{
    struct tensor blob = {0};

    if (caffe_blob(reader, layer, index, &count, 1, &blob, error) < 0)
        return NULL;
    return graph_floats(reader->graph, &blob, error);
}

float *caffe_constant(struct caffe_reader *reader, size_t count, float value,
                      struct error *error)
{
    float *floats;

    if (count > MAX_CONSTANTS - reader->constants) {
        error_set(error, "it has too many channels");
        return NULL;
    }
    floats = graph_allocate(reader->graph, count, sizeof *floats, error);
    if (floats == NULL)
        return NULL;
    reader->constants += count;
    for (size_t i = 0; i < count; i++)
        floats[i] = value;
    return floats;
}

/* ---- the walk --------------------------------------------------------------------------- */

static int add_input(struct caffe_reader *reader, size_t channels, size_t height, size_t width,
                     struct error *error)
{
    const char *name = reader->definition->input;
    struct layer layer = {.kind = LAYER_INPUT, .operator = "input", .name = name,
                          .shape = {SHAPE_MAP_RANK, {channels, height, width}}};
    size_t index;

    if (graph_add(reader->graph, &layer, &index, error) < 0)
        return FAILED;
    reader->last = index;
    return names_put(&reader->blobs, name, index, error);
}

static bool is_bottom(const struct caffe_layer *layer, const char *blob)
{
    for (size_t i = 0; i < layer->bottom_count; i++)
        if (strcmp(layer->bottoms[i], blob) == 0)
            return true;
    return false;
}

/* A blob has one layer that writes it, and others only in place. */
static int check_tops(const struct caffe_reader *reader, const struct caffe_layer *layer,
                      struct error *error)
{
    size_t index;

    for (size_t top = 0; top < layer->top_count; top++)
        if (names_find(&reader->blobs, layer->tops[top], &index) == 0 &&
            !is_bottom(layer, layer->tops[top])) {
            error_set(error, "it writes '%s', which another layer has written",
                      layer->tops[top]);
            error_wrap(error, "%s '%s'", layer->type, layer->name);
            return prototext_blame(layer->message, error);
        }
    return 0;
}

/* Every top as a layer that depends on the bottoms, as far as they are known. */
static int add_unsupported(struct caffe_reader *reader, const struct caffe_layer *layer,
                           const char *reason, struct error *error)
{
    size_t *inputs = memory_allocate(layer->bottom_count, sizeof *inputs, error);
    size_t count = 0, index;
    int outcome = 0;

    if (inputs == NULL)
        return FAILED;
    for (size_t i = 0; i < layer->bottom_count; i++)
        if (names_find(&reader->blobs, layer->bottoms[i], &inputs[count]) == 0)
            count++;
    for (size_t top = 0; outcome == 0 && top < layer->top_count; top++) {
        struct layer added = {.kind = LAYER_UNSUPPORTED, .input_count = count, .reason = reason,
                              .name = layer->tops[top]};

        outcome = caffe_add(reader, layer, &added, inputs, &index, error);
        if (outcome == 0)
            outcome = caffe_name(reader, layer, top, index, error);
    }
    free(inputs);
    return outcome;
}

static int translate(struct caffe_reader *reader, const struct caffe_layer *layer,
                     struct error *error)
{
    caffe_translate *function = caffe_find_type(layer->type);

    if (function == NULL)
        return error_set(error, "this type of layer is not supported");
    if (layer->top_count == 0 && strcmp(layer->type, "SoftmaxWithLoss") != 0)
        return error_set(error, "it has no result");
    return function(reader, layer, error);
}

static int read_layer(struct caffe_reader *reader, const struct caffe_layer *layer,
                      struct error *error)
{
    struct error reason;

    if (caffe_is_dropped(layer->type))
        return 0;
    if (check_tops(reader, layer, error) < 0)
        return FAILED;
    if (translate(reader, layer, &reason) == 0)
        return 0;
    return add_unsupported(reader, layer, reason.text, error);
}

/* For --layer: the names of layers mean their first result; those of blobs go before. */
static int bind_names(const struct caffe_reader *reader, struct error *error)
{
    const struct caffe_definition *definition = reader->definition;
    size_t index;

    for (size_t i = 0; i < definition->count; i++) {
        const struct caffe_layer *layer = &definition->layers[i];

        if (*layer->name != '\0' && layer->top_count > 0 &&
            names_find(&reader->blobs, layer->tops[0], &index) == 0 &&
            graph_bind(reader->graph, layer->name, index, error) < 0)
            return FAILED;
    }
    for (size_t i = 0; i < definition->count; i++)
        for (size_t top = 0; top < definition->layers[i].top_count; top++) {
            const char *blob = definition->layers[i].tops[top];

            if (names_find(&reader->blobs, blob, &index) == 0 &&
                graph_bind(reader->graph, blob, index, error) < 0)
                return FAILED;
        }
    names_find(&reader->blobs, definition->input, &index);
    return graph_bind(reader->graph, definition->input, index, error);
}

/* Up to the first InnerProduct, where only that is wanted. */
static int walk(struct caffe_reader *reader, size_t channels, size_t height, size_t width,
                struct error *error)
{
    if (add_input(reader, channels, height, width, error) < 0)
        return FAILED;
    for (size_t i = 0; i < reader->definition->count; i++) {
        if (reader->fit != NULL && reader->fit->met)
            return 0;
        if (read_layer(reader, &reader->definition->layers[i], error) < 0)
            return FAILED;
    }
    return 0;
}

/* ---- the format ------------------------------------------------------------------------- */

struct contents {
    struct caffe_weights weights;
    struct caffe_definition definition;
};

static int caffe_read(const struct model *model, size_t height, size_t width, struct graph *graph,
                      struct error *error)
{
    const struct contents *contents = model->contents;
    struct caffe_reader reader = {.definition = &contents->definition,
                                  .weights = &contents->weights, .graph = graph};
    int outcome = walk(&reader, model->input.channels, height, width, error);

    if (outcome == 0)
        outcome = bind_names(&reader, error);
    graph->output = reader.last;
    if (outcome == 0 && reader.last == 0)
        outcome = error_set(error, "it has no layer that depends on the image");
    names_release(&reader.blobs);
    return outcome;
}

/* ---- what the definition leaves open ---------------------------------------------------- */

/* The channels that the first convolution takes; 3 where there is none. */
static size_t find_channels(const struct contents *contents)
{
    const struct caffe_definition *definition = &contents->definition;

    for (size_t i = 0; i < definition->count; i++) {
        const struct caffe_layer *layer = &definition->layers[i];
        const struct caffe_blobs *blobs = caffe_weights_find(&contents->weights, layer->name);
        struct error ignored;
        uint64_t groups = 1;

        if (blobs == NULL || strcmp(layer->type, "Convolution") != 0)
            continue;
        if (blobs->tensors[0].rank == 4 && blobs->tensors[0].shape[1] <= CAFFE_MAX_EXTENT &&
            prototext_unsigned(&definition->text,
                               caffe_parameters(definition, layer, "convolution_param"), "group",
                               1, CAFFE_MAX_EXTENT, &groups, &ignored) == 0)
            return blobs->tensors[0].shape[1] * (size_t)groups;
    }
    return 3;
}

/* Images that are too small for a layer leave the fit as it is: nothing gets there. */
static int try_side(const struct model *model, size_t side, struct input_fit *fit,
                    struct error *error)
{
    const struct contents *contents = model->contents;
    struct graph graph = {0};
    struct caffe_reader reader = {.definition = &contents->definition,
                                  .weights = &contents->weights, .graph = &graph, .fit = fit};
    int outcome = walk(&reader, model->input.channels, side, side, error);

    names_release(&reader.blobs);
    graph_release(&graph);
    return outcome;
}

/* The size that the data layer cuts or its mean image has, else the one that fits. */
static int find_usual_side(struct model *model, const struct caffe_transform *transform,
                           const struct caffe_mean *mean, struct error *error)
{
    model->usual_side = transform->crop;
    if (model->usual_side == 0 && transform->given && mean->height == mean->width)
        model->usual_side = mean->height;
    if (model->usual_side > 0)
        return 0;
    return input_side_find(model, try_side, &model->usual_side, error);
}

static int complete_input(struct model *model, struct error *error)
{
    const struct contents *contents = model->contents;
    const struct caffe_definition *definition = &contents->definition;
    const struct caffe_transform *transform = definition->transform.given
                                                  ? &definition->transform
                                                  : &contents->weights.transform;
    const char *const names[2] = {definition->name, contents->weights.name};
    struct network_input images;
    struct caffe_mean mean;

    model->input = definition->size;
    if (model->input.channels == 0)
        model->input.channels = find_channels(contents);
    images = model->input;
    if (images.height == 0 && images.width == 0)
        images.height = images.width = transform->crop;
    if (caffe_read_mean(model->files[0].path, transform, &images, &mean, error) < 0)
        return FAILED;
    if (images.height == 0 && images.width == 0) {
        if (find_usual_side(model, transform, &mean, error) < 0)
            return FAILED;
        images.height = images.width = model->usual_side;
    } else if (model->input.height == 0) {
        model->usual_side = transform->crop;
    }
    return caffe_compose_rule(names, transform, &mean, &images, model->preprocess,
                              &model->assumes_preprocess, error);
}

static bool caffe_recognise(const struct model *model)
{
    return caffe_is_weights(model_bytes(model, 0));
}

static int open_definition(struct model *model, const char *path, struct error *error)
{
    struct contents *contents = model->contents;

    if (model_add_file(model, path, error) < 0)
        return FAILED;
    if (caffe_definition_parse(model_bytes(model, 1), &contents->definition, error) < 0)
        return error_wrap(error, "'%s'", path);
    return 0;
}

static int caffe_open(struct model *model, const char *definition, struct error *error)
{
    struct contents *contents = memory_allocate(1, sizeof *contents, error);
    const char *path = model->files[0].path;
    char *found = NULL;
    int outcome = FAILED;

    model->contents = contents;
    if (contents == NULL ||
        caffe_weights_parse(model_bytes(model, 0), &contents->weights, error) < 0)
        return FAILED;
    if (definition != NULL || caffe_find_definition(path, &found, error) == 0)
        outcome = open_definition(model, definition != NULL ? definition : found, error);
    free(found);
    if (outcome == 0)
        outcome = complete_input(model, error);
    return outcome;
}

static void caffe_close(struct model *model)
{
    struct contents *contents = model->contents;

    if (contents == NULL)
        return;
    caffe_weights_release(&contents->weights);
    caffe_definition_release(&contents->definition);
    free(contents);
}

const struct format caffe_format = {
    .name = "caffe",
    .title = "Caffe",
    .recognise = caffe_recognise,
    .open = caffe_open,
    .read = caffe_read,
    .close = caffe_close,
};
