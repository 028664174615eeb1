/*
 * Networks put together layer by layer in a test, with random weights.
 */
#ifndef TESTS_EXTRACT_GRAPH_BUILDER_H
#define TESTS_EXTRACT_GRAPH_BUILDER_H

#include "extract/graph/graph.h"
#include "tests/extract/kernel_helpers.h"

struct graph_builder {
    struct graph graph;
    uint64_t state;  /* of the random numbers */
};

static inline float *graph_numbers(struct graph_builder *builder, size_t count)
{
    struct error error;
    float *numbers = graph_allocate(&builder->graph, count, sizeof *numbers, &error);

    assert_non_null(numbers);
    fill_random(numbers, count, &builder->state);
    return numbers;
}

/* A layer with one input, or with as many as it says. */
static inline size_t add(struct graph_builder *builder, struct layer *layer, const char *name,
                         size_t first, size_t second)
{
    size_t inputs[2] = {first, second}, index;
    struct error error;

    layer->name = name;
    layer->node = layer->operator = "";
    layer->inputs = inputs;
    if (layer->input_count == 0)
        layer->input_count = 1;
    if (graph_add(&builder->graph, layer, &index, &error) < 0)
        fail_msg("%s: %s", name, error.text);
    return index;
}

#define SQUARE(size, step, spread, pad)                                                         \
    (struct window){{(size), (size)}, {(step), (step)}, {(spread), (spread)}, {(pad), (pad)},   \
                    {(pad), (pad)}}
#define RELU (struct activation){ACTIVATION_CLIP, 0, INFINITY, NULL}

/* residual: a second input, or SIZE_MAX. */
static inline size_t add_convolution(struct graph_builder *builder, const char *name,
                                     size_t input, size_t outputs, struct window window,
                                     size_t groups, size_t residual)
{
    size_t channels = builder->graph.layers[input].shape.dims[SHAPE_CHANNELS] / groups;
    struct layer layer = {.kind = LAYER_CONVOLUTION, .activation = RELU};
    struct tensor *weights = &layer.convolution.weights;

    layer.convolution.window = window;
    layer.convolution.groups = groups;
    *weights = (struct tensor){.type = TENSOR_FLOAT32, .rank = 4,
                               .shape = {outputs, channels, window.kernel[0], window.kernel[1]}};
    weights->count = outputs * channels * window.kernel[0] * window.kernel[1];
    weights->bytes.data = (unsigned char *)graph_numbers(builder, weights->count);
    weights->bytes.size = weights->count * sizeof(float);
    layer.convolution.shift = graph_numbers(builder, outputs);
    layer.convolution.residual = residual != SIZE_MAX;
    layer.input_count = residual != SIZE_MAX ? 2 : 1;
    return add(builder, &layer, name, input, residual);
}

static inline size_t add_pool(struct graph_builder *builder, const char *name, size_t input,
                              struct window window, bool maximum, bool ceiling)
{
    struct layer layer = {.kind = LAYER_POOL};

    layer.pool = (struct pool){.window = window, .maximum = maximum, .ceiling = ceiling};
    return add(builder, &layer, name, input, 0);
}

static inline size_t add_concat(struct graph_builder *builder, const char *name, size_t first,
                                size_t second)
{
    struct layer layer = {.kind = LAYER_CONCAT, .input_count = 2};

    layer.concat_axis = SHAPE_CHANNELS;
    return add(builder, &layer, name, first, second);
}

static inline size_t add_sum(struct graph_builder *builder, const char *name, size_t first,
                             size_t second)
{
    struct layer layer = {.kind = LAYER_BINARY, .input_count = 2};

    layer.binary = BINARY_ADD;
    return add(builder, &layer, name, first, second);
}

static inline size_t add_affine(struct graph_builder *builder, const char *name, size_t input)
{
    size_t channels = builder->graph.layers[input].shape.dims[SHAPE_CHANNELS];
    struct layer layer = {.kind = LAYER_AFFINE};

    layer.affine.scale = graph_numbers(builder, channels);
    layer.affine.shift = graph_numbers(builder, channels);
    return add(builder, &layer, name, input, 0);
}

static inline size_t add_leaky(struct graph_builder *builder, const char *name, size_t input)
{
    struct layer layer = {.kind = LAYER_ACTIVATION,
                          .activation = {ACTIVATION_LEAKY, 0.1f, 0, NULL}};

    return add(builder, &layer, name, input, 0);
}

static inline size_t add_input(struct graph_builder *builder, size_t channels, size_t height,
                               size_t width)
{
    struct layer layer = {.kind = LAYER_INPUT, .name = "image", .node = "", .operator = ""};
    struct error error;
    size_t index;

    layer.shape = (struct shape){SHAPE_MAP_RANK, {channels, height, width}};
    assert_int_equal(graph_add(&builder->graph, &layer, &index, &error), 0);
    return index;
}

#endif
