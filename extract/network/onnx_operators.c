#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/network/onnx_fold.h"
#include "extract/network/onnx_reader_private.h"

/* Windows, paddings and the like above this are no network's; it keeps sums from overflowing. */
enum { MAX_EXTENT = 1 << 14 };

static const struct shape *shape_of(const struct reader *reader, size_t layer)
{
    return &reader->graph->layers[layer].shape;
}

static bool text_is(struct bytes text, const char *expected)
{
    return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

/* Adds a layer with a single input, the node's first. */
static int add_simple(struct reader *reader, const struct onnx_node *node, struct layer *layer,
                      struct error *error)
{
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    layer->input_count = 1;
    return reader_add(reader, node, 0, layer, &input, error);
}

/* ONNX counts axes with the batch; a layer's shape has none. */
static int image_axis(int64_t axis, size_t rank, size_t *result, struct error *error)
{
    if (axis < 0)
        axis += (int64_t)rank + 1;
    if (axis < 0 || axis > (int64_t)rank)
        return error_set(error, "its axis is outside of its input");
    if (axis == 0)
        return error_set(error, "it works across the images of a batch, which is not supported");
    *result = (size_t)axis - 1;
    return 0;
}

/* A constant as floats that live with the graph. */
static float *constant_floats(struct reader *reader, const struct tensor *tensor,
                              struct error *error)
{
    float *values = graph_allocate(reader->graph, tensor->count, sizeof *values, error);

    if (values == NULL || tensor_to_float(tensor, values, error) < 0)
        return NULL;
    return values;
}

/* True when the constant, broadcast as ONNX does, has one value for each channel of `shape` or
 * one for all. */
static bool is_per_channel(const struct tensor *tensor, const struct shape *shape)
{
    size_t rank = shape->rank + 1;

    if (tensor->rank > rank || tensor->type == TENSOR_OTHER)
        return false;
    for (size_t axis = 0; axis < tensor->rank; axis++) {
        size_t full_axis = rank - tensor->rank + axis;

        if (tensor->shape[axis] != 1 && full_axis != 1)
            return false;
    }
    return shape->rank > 0 && (shape_is_map(shape) || shape->rank == 1) &&
           (tensor->count == 1 || tensor->count == shape->dims[SHAPE_CHANNELS]);
}

/* The constant's value for every channel. */
static float *channel_floats(struct reader *reader, const struct tensor *tensor, size_t channels,
                             struct error *error)
{
    float *values = graph_allocate(reader->graph, channels, sizeof *values, error);

    for (size_t i = 0; values != NULL && i < channels; i++)
        values[i] = (float)tensor_real(tensor, tensor->count == 1 ? 0 : i);
    return values;
}

/* ---- windows ---------------------------------------------------------------------------- */

/* Reads a list of 2 (per axis) or 4 (begin and end) numbers of at least `minimum`. */
static int read_extents(const struct onnx_node *node, const char *name, size_t count,
                        int64_t minimum, size_t *values, struct error *error)
{
    int64_t numbers[4];
    size_t found = onnx_integers(node, name, numbers, 4);

    if (found == 0)
        return 0;
    if (found != count)
        return error_set(error, "its '%s' has %zu numbers, %zu are supported", name, found, count);
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] < minimum || numbers[i] > MAX_EXTENT)
            return error_set(error, "its '%s' is %lld", name, (long long)numbers[i]);
        values[i] = (size_t)numbers[i];
    }
    return 0;
}

/* auto_pad SAME: as many windows as strides, the odd padding at the end (UPPER) or the
 * beginning (LOWER). */
static void pad_same(struct window *window, const struct shape *input, bool lower)
{
    for (size_t axis = 0; axis < 2; axis++) {
        size_t length = input->dims[SHAPE_HEIGHT + axis];
        size_t extent = window->dilation[axis] * (window->kernel[axis] - 1) + 1;
        size_t windows = (length + window->stride[axis] - 1) / window->stride[axis];
        size_t covered = (windows - 1) * window->stride[axis] + extent;
        size_t padding = covered > length ? covered - length : 0;

        window->pad_begin[axis] = lower ? padding - padding / 2 : padding / 2;
        window->pad_end[axis] = padding - window->pad_begin[axis];
    }
}

static int read_window(const struct onnx_node *node, const struct shape *input,
                       struct window *window, struct error *error)
{
    struct bytes mode = onnx_text(node, "auto_pad");
    size_t pads[4] = {0};

    for (size_t axis = 0; axis < 2; axis++)
        window->stride[axis] = window->dilation[axis] = 1;
    if (read_extents(node, "kernel_shape", 2, 1, window->kernel, error) < 0 ||
        read_extents(node, "strides", 2, 1, window->stride, error) < 0 ||
        read_extents(node, "dilations", 2, 1, window->dilation, error) < 0 ||
        read_extents(node, "pads", 4, 0, pads, error) < 0)
        return FAILED;
    if (window->kernel[0] == 0 || window->kernel[1] == 0)
        return error_set(error, "its 'kernel_shape' is missing");
    if (!shape_is_map(input))
        return error_set(error, "its input is not a map of channels, height and width");
    if (text_is(mode, "SAME_UPPER") || text_is(mode, "SAME_LOWER")) {
        pad_same(window, input, text_is(mode, "SAME_LOWER"));
    } else if (!text_is(mode, "VALID")) {
        for (size_t axis = 0; axis < 2; axis++) {
            window->pad_begin[axis] = pads[axis];
            window->pad_end[axis] = pads[axis + 2];
        }
    }
    return 0;
}

static int translate_convolution(struct reader *reader, const struct onnx_node *node,
                                 struct error *error)
{
    const struct tensor *weights = reader_constant(reader, node, 1);
    const struct tensor *bias = reader_constant(reader, node, 2);
    struct layer layer = {.kind = LAYER_CONVOLUTION};
    struct convolution *convolution = &layer.convolution;
    int64_t groups = onnx_integer(node, "group", 1);
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    if (weights == NULL || weights->rank != 4)
        return error_set(error, "its weights are not a constant of four dimensions");
    for (size_t axis = 0; axis < 2; axis++) {
        if (weights->shape[2 + axis] > MAX_EXTENT)
            return error_set(error, "its weights are too large");
        convolution->window.kernel[axis] = weights->shape[2 + axis];
    }
    if (groups < 1 || groups > MAX_EXTENT)
        return error_set(error, "its 'group' is %lld", (long long)groups);
    convolution->groups = (size_t)groups;
    convolution->weights = *weights;
    if (read_window(node, shape_of(reader, input), &convolution->window, error) < 0)
        return FAILED;
    if (bias != NULL) {
        if (bias->count != weights->shape[0])
            return error_set(error, "its bias has %zu numbers for %zu channels", bias->count,
                             weights->shape[0]);
        convolution->shift = constant_floats(reader, bias, error);
        if (convolution->shift == NULL)
            return FAILED;
    } else if (node->input_count > 2 && *node->inputs[2] != '\0') {
        return error_set(error, "its bias is not a constant");
    }
    layer.input_count = 1;
    return reader_add(reader, node, 0, &layer, &input, error);
}

static int translate_pool(struct reader *reader, const struct onnx_node *node,
                          struct error *error)
{
    struct layer layer = {.kind = LAYER_POOL};
    struct pool *pool = &layer.pool;
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0 ||
        read_window(node, shape_of(reader, input), &pool->window, error) < 0)
        return FAILED;
    pool->maximum = node->operator[0] == 'M';
    pool->ceiling = onnx_integer(node, "ceil_mode", 0) != 0;
    pool->count_padding = onnx_integer(node, "count_include_pad", 0) != 0;
    layer.input_count = 1;
    return reader_add(reader, node, 0, &layer, &input, error);
}

static int translate_global_pool(struct reader *reader, const struct onnx_node *node,
                                 struct error *error)
{
    struct layer layer = {
        .kind = LAYER_POOL,
        .pool = {.global = true, .maximum = strcmp(node->operator, "GlobalMaxPool") == 0},
    };

    return add_simple(reader, node, &layer, error);
}

/* Sets a window that covers one or both axes of a map: a mean over them is a pooling. */
static int mean_window(struct pool *pool, const struct shape *input, const int64_t *axes,
                       size_t count, struct error *error)
{
    pool->window = (struct window){.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    for (size_t i = 0; i < count; i++) {
        size_t axis;

        if (image_axis(axes[i], input->rank, &axis, error) < 0)
            return FAILED;
        if (axis == SHAPE_CHANNELS)
            return error_set(error, "a mean over channels is not supported");
        pool->window.kernel[axis - SHAPE_HEIGHT] = input->dims[axis];
    }
    return 0;
}

/* Drops the axes of length 1 that `drop` marks. */
static int add_dropped(struct reader *reader, const struct onnx_node *node, size_t input,
                       const bool *drop, struct error *error)
{
    const struct shape *from = shape_of(reader, input);
    struct layer layer = {.kind = LAYER_RESHAPE, .input_count = 1};

    for (size_t axis = 0; axis < from->rank; axis++)
        if (!drop[axis])
            layer.shape.dims[layer.shape.rank++] = from->dims[axis];
    if (layer.shape.rank == 0)
        layer.shape = (struct shape){1, {1}};
    return reader_add(reader, node, 0, &layer, &input, error);
}

static int translate_mean(struct reader *reader, const struct onnx_node *node,
                          struct error *error)
{
    const struct tensor *inputs[2] = {NULL, reader_constant(reader, node, 1)};
    struct layer layer = {.kind = LAYER_POOL};
    bool drop[SHAPE_MAX_RANK] = {false};
    int64_t axes[TENSOR_MAX_RANK];
    size_t count, input;

    if (onnx_axes(node, "axes", inputs, 1, axes, &count, error) < 0 ||
        reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    if (!shape_is_map(shape_of(reader, input)) || count == 0)
        return error_set(error, "a mean is supported over the height and width of a map only");
    if (mean_window(&layer.pool, shape_of(reader, input), axes, count, error) < 0)
        return FAILED;
    layer.input_count = 1;
    if (reader_add(reader, node, 0, &layer, &input, error) < 0)
        return FAILED;
    if (onnx_integer(node, "keepdims", 1) != 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        drop[axes[i] < 0 ? axes[i] + SHAPE_MAP_RANK : axes[i] - 1] = true;
    return add_dropped(reader, node, reader->graph->count - 1, drop, error);
}

/* ---- per channel ------------------------------------------------------------------------ */

/* y = gamma (x - mean) / sqrt(variance + epsilon) + beta, as a scale and a shift. */
static int translate_batch_norm(struct reader *reader, const struct onnx_node *node,
                                struct error *error)
{
    const struct tensor *parameters[4];
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    double epsilon = (double)onnx_float(node, "epsilon", 1e-5f);
    float *scale, *shift;
    size_t input, channels;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    channels = shape_channels(shape_of(reader, input));
    for (size_t i = 0; i < 4; i++) {
        parameters[i] = reader_constant(reader, node, i + 1);
        if (parameters[i] == NULL || parameters[i]->type == TENSOR_OTHER ||
            parameters[i]->count != channels)
            return error_set(error, "its parameter %zu is not a constant with %zu numbers", i + 1,
                             channels);
    }
    if (onnx_integer(node, "training_mode", 0) != 0 || onnx_integer(node, "spatial", 1) == 0)
        return error_set(error, "it is not in the form used for inference");
    scale = graph_allocate(reader->graph, channels, sizeof *scale, error);
    shift = graph_allocate(reader->graph, channels, sizeof *shift, error);
    if (scale == NULL || shift == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        double factor = tensor_real(parameters[0], c) / sqrt(tensor_real(parameters[3], c) + epsilon);

        scale[c] = (float)factor;
        shift[c] = (float)(tensor_real(parameters[1], c) - factor * tensor_real(parameters[2], c));
    }
    layer.affine = (struct affine){scale, shift};
    return reader_add(reader, node, 0, &layer, &input, error);
}

static int add_activation(struct reader *reader, const struct onnx_node *node,
                          enum activation_kind kind, float a, float b, struct error *error)
{
    struct layer layer = {.kind = LAYER_ACTIVATION, .activation = {.kind = kind, .a = a, .b = b}};

    return add_simple(reader, node, &layer, error);
}

static int translate_relu(struct reader *reader, const struct onnx_node *node,
                          struct error *error)
{
    return add_activation(reader, node, ACTIVATION_CLIP, 0, INFINITY, error);
}

/* The bounds are attributes up to opset 10, inputs from 11 on. */
static int translate_clip(struct reader *reader, const struct onnx_node *node,
                          struct error *error)
{
    float bounds[2] = {onnx_float(node, "min", -INFINITY), onnx_float(node, "max", INFINITY)};

    for (size_t i = 0; i < 2; i++) {
        const struct tensor *bound = reader_constant(reader, node, i + 1);

        if (bound != NULL && bound->count == 1 && bound->type != TENSOR_OTHER)
            bounds[i] = (float)tensor_real(bound, 0);
        else if (i + 1 < node->input_count && *node->inputs[i + 1] != '\0')
            return error_set(error, "its bounds are not constant numbers");
    }
    return add_activation(reader, node, ACTIVATION_CLIP, bounds[0], bounds[1], error);
}

static int translate_leaky_relu(struct reader *reader, const struct onnx_node *node,
                                struct error *error)
{
    return add_activation(reader, node, ACTIVATION_LEAKY, onnx_float(node, "alpha", 0.01f), 0,
                          error);
}

static int translate_elu(struct reader *reader, const struct onnx_node *node,
                         struct error *error)
{
    return add_activation(reader, node, ACTIVATION_ELU, onnx_float(node, "alpha", 1), 0, error);
}

static int translate_sigmoid(struct reader *reader, const struct onnx_node *node,
                             struct error *error)
{
    return add_activation(reader, node, ACTIVATION_SIGMOID, 0, 0, error);
}

static int translate_hard_sigmoid(struct reader *reader, const struct onnx_node *node,
                                  struct error *error)
{
    return add_activation(reader, node, ACTIVATION_HARD_SIGMOID, onnx_float(node, "alpha", 0.2f),
                          onnx_float(node, "beta", 0.5f), error);
}

static int translate_hard_swish(struct reader *reader, const struct onnx_node *node,
                                struct error *error)
{
    return add_activation(reader, node, ACTIVATION_HARD_SWISH, 0, 0, error);
}

static int translate_tanh(struct reader *reader, const struct onnx_node *node,
                          struct error *error)
{
    return add_activation(reader, node, ACTIVATION_TANH, 0, 0, error);
}

static int translate_prelu(struct reader *reader, const struct onnx_node *node,
                           struct error *error)
{
    const struct tensor *slopes = reader_constant(reader, node, 1);
    struct layer layer = {.kind = LAYER_ACTIVATION, .activation = {.kind = ACTIVATION_PRELU}};
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    if (slopes == NULL || !is_per_channel(slopes, shape_of(reader, input)))
        return error_set(error, "its slopes are not a constant for each channel");
    layer.activation.slopes =
        channel_floats(reader, slopes, shape_channels(shape_of(reader, input)), error);
    if (layer.activation.slopes == NULL)
        return FAILED;
    return add_simple(reader, node, &layer, error);
}

static int translate_lrn(struct reader *reader, const struct onnx_node *node,
                         struct error *error)
{
    int64_t size = onnx_integer(node, "size", 0);
    struct layer layer = {
        .kind = LAYER_LRN,
        .lrn = {.alpha = onnx_float(node, "alpha", 0.0001f),
                .beta = onnx_float(node, "beta", 0.75f),
                .bias = onnx_float(node, "bias", 1)},
    };

    if (size < 1 || size > MAX_EXTENT)
        return error_set(error, "its 'size' is %lld", (long long)size);
    layer.lrn.size = (size_t)size;
    return add_simple(reader, node, &layer, error);
}

/* Up to opset 12 the input is flattened from `axis` on; from 13 on it is that axis alone. */
static int translate_softmax(struct reader *reader, const struct onnx_node *node,
                             struct error *error)
{
    bool one_axis = reader->file->opset >= 13;
    struct layer layer = {.kind = LAYER_SOFTMAX};
    const struct shape *shape;
    size_t input, axis;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    shape = shape_of(reader, input);
    if (image_axis(onnx_integer(node, "axis", one_axis ? -1 : 1), shape->rank, &axis, error) < 0)
        return FAILED;
    if (axis != 0 || (one_axis && !shape_is_map(shape) && shape->rank != 1))
        return error_set(error, "it is supported over channels only");
    layer.softmax_channels = one_axis;
    return add_simple(reader, node, &layer, error);
}

/* ---- two operands ----------------------------------------------------------------------- */

static enum binary_kind binary_kind_of(const struct onnx_node *node)
{
    switch (node->operator[0]) {
    case 'S':
        return strcmp(node->operator, "Sum") == 0 ? BINARY_ADD : BINARY_SUBTRACT;
    case 'M':
        return BINARY_MULTIPLY;
    case 'D':
        return BINARY_DIVIDE;
    default:
        return BINARY_ADD;
    }
}

/* layer (operation) constant, or the reverse, with one constant a channel: a scale or a shift. */
static int add_channel_operation(struct reader *reader, const struct onnx_node *node,
                                 size_t input, const struct tensor *constant,
                                 bool constant_first, struct error *error)
{
    enum binary_kind kind = binary_kind_of(node);
    size_t channels = shape_channels(shape_of(reader, input));
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    float *values = channel_floats(reader, constant, channels, error);
    float *negative = NULL;

    if (values == NULL)
        return FAILED;
    if (kind == BINARY_SUBTRACT && constant_first) {
        negative = graph_allocate(reader->graph, channels, sizeof *negative, error);
        if (negative == NULL)
            return FAILED;
    }
    for (size_t c = 0; c < channels; c++) {
        if (negative != NULL)
            negative[c] = -1;
        else if (kind == BINARY_SUBTRACT)
            values[c] = -values[c];
        else if (kind == BINARY_DIVIDE)
            values[c] = 1 / values[c];
    }
    if (kind == BINARY_ADD || kind == BINARY_SUBTRACT)
        layer.affine = (struct affine){negative, values};
    else
        layer.affine = (struct affine){values, NULL};
    return reader_add(reader, node, 0, &layer, &input, error);
}

/* Row-major [c][h][w] to the memory order of a map, [h][w][c]. */
static void store_map(const float *values, const struct shape *shape, float *stored)
{
    size_t channels = shape->dims[SHAPE_CHANNELS], pixels = shape_pixels(shape);

    for (size_t c = 0; c < channels; c++)
        for (size_t p = 0; p < pixels; p++)
            stored[p * channels + c] = values[c * pixels + p];
}

/* A constant as a layer that is the same for every image, of the rank of `like`. */
static int add_constant_layer(struct reader *reader, const struct onnx_node *node,
                              const struct tensor *constant, const struct shape *like,
                              size_t *index, struct error *error)
{
    struct layer layer = {.kind = LAYER_CONSTANT, .name = "constant", .node = node->name,
                          .operator = node->operator};
    size_t skip = constant->rank > like->rank ? 1 : 0;
    size_t offset = like->rank + skip - constant->rank;
    float *values, *stored;

    if (constant->rank > like->rank + 1 || (skip == 1 && constant->shape[0] != 1))
        return error_set(error, "its constant does not fit its other input");
    layer.shape.rank = like->rank;
    for (size_t axis = 0; axis < like->rank; axis++)
        layer.shape.dims[axis] = axis < offset ? 1 : constant->shape[axis - offset + skip];
    values = constant_floats(reader, constant, error);
    stored = graph_allocate(reader->graph, constant->count, sizeof *stored, error);
    if (values == NULL || stored == NULL)
        return FAILED;
    if (shape_is_map(&layer.shape))
        store_map(values, &layer.shape, stored);
    else
        memcpy(stored, values, constant->count * sizeof *stored);
    layer.constant = stored;
    return graph_add(reader->graph, &layer, index, error);
}

static int add_binary(struct reader *reader, const struct onnx_node *node, size_t *inputs,
                      struct error *error)
{
    struct layer layer = {.kind = LAYER_BINARY, .binary = binary_kind_of(node), .input_count = 2};

    if (shape_of(reader, inputs[0])->rank != shape_of(reader, inputs[1])->rank)
        return error_set(error, "its inputs have different numbers of dimensions");
    return reader_add(reader, node, 0, &layer, inputs, error);
}

static int translate_binary(struct reader *reader, const struct onnx_node *node,
                            struct error *error)
{
    size_t inputs[2];
    int constant_at = reader_constant(reader, node, 0) != NULL   ? 0
                      : reader_constant(reader, node, 1) != NULL ? 1
                                                                 : -1;
    const struct tensor *constant;
    const struct shape *shape;
    size_t other;

    if (constant_at < 0) {
        if (reader_layer(reader, node, 0, &inputs[0], error) < 0 ||
            reader_layer(reader, node, 1, &inputs[1], error) < 0)
            return FAILED;
        return add_binary(reader, node, inputs, error);
    }
    other = constant_at == 0 ? 1 : 0;
    constant = reader_constant(reader, node, (size_t)constant_at);
    if (reader_layer(reader, node, other, &inputs[other], error) < 0)
        return FAILED;
    shape = shape_of(reader, inputs[other]);
    if (is_per_channel(constant, shape) &&
        !(constant_at == 0 && binary_kind_of(node) == BINARY_DIVIDE))
        return add_channel_operation(reader, node, inputs[other], constant, constant_at == 0,
                                     error);
    if (add_constant_layer(reader, node, constant, shape, &inputs[constant_at], error) < 0)
        return FAILED;
    return add_binary(reader, node, inputs, error);
}

/* Any number of operands, added from left to right. */
static int translate_sum(struct reader *reader, const struct onnx_node *node,
                         struct error *error)
{
    size_t inputs[2];

    if (reader_layer(reader, node, 0, &inputs[0], error) < 0)
        return FAILED;
    if (node->input_count == 1)
        return reader_alias(reader, node, inputs[0], error);
    for (size_t i = 1; i < node->input_count; i++) {
        if (reader_layer(reader, node, i, &inputs[1], error) < 0 ||
            add_binary(reader, node, inputs, error) < 0)
            return FAILED;
        inputs[0] = reader->graph->count - 1;
    }
    return 0;
}

static int translate_gemm(struct reader *reader, const struct onnx_node *node,
                          struct error *error)
{
    const struct tensor *weights = reader_constant(reader, node, 1);
    const struct tensor *bias = reader_constant(reader, node, 2);
    struct layer layer = {.kind = LAYER_DENSE};
    float beta = onnx_float(node, "beta", 1);
    size_t outputs;
    float *shift;

    if (weights == NULL || weights->rank != 2)
        return error_set(error, "its second factor is not a constant matrix");
    if (onnx_integer(node, "transA", 0) != 0)
        return error_set(error, "a transposed first factor is not supported");
    layer.dense = (struct dense){
        .weights = *weights,
        .transposed = onnx_integer(node, "transB", 0) != 0,
        .factor = onnx_float(node, "alpha", 1),
    };
    outputs = weights->shape[layer.dense.transposed ? 0 : 1];
    if (bias != NULL) {
        if ((bias->count != 1 && bias->count != outputs) || bias->type == TENSOR_OTHER)
            return error_set(error, "its bias has %zu numbers for %zu outputs", bias->count,
                             outputs);
        shift = channel_floats(reader, bias, outputs, error);
        if (shift == NULL)
            return FAILED;
        for (size_t i = 0; i < outputs; i++)
            shift[i] *= beta;
        layer.dense.shift = shift;
    } else if (node->input_count > 2 && *node->inputs[2] != '\0') {
        return error_set(error, "its bias is not a constant");
    }
    return add_simple(reader, node, &layer, error);
}

static int translate_matrix_product(struct reader *reader, const struct onnx_node *node,
                                    struct error *error)
{
    const struct tensor *weights = reader_constant(reader, node, 1);
    struct layer layer = {.kind = LAYER_DENSE};

    if (weights == NULL || weights->rank != 2)
        return error_set(error, "its second factor is not a constant matrix");
    layer.dense = (struct dense){.weights = *weights, .factor = 1};
    return add_simple(reader, node, &layer, error);
}

/* ---- shapes ----------------------------------------------------------------------------- */

static int translate_alias(struct reader *reader, const struct onnx_node *node,
                           struct error *error)
{
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    return reader_alias(reader, node, input, error);
}

static int translate_cast(struct reader *reader, const struct onnx_node *node,
                          struct error *error)
{
    int64_t to = onnx_integer(node, "to", 1);

    if (to != 1 && to != 10 && to != 11)
        return error_set(error, "a cast to type %lld is not supported", (long long)to);
    return translate_alias(reader, node, error);
}

static int translate_concat(struct reader *reader, const struct onnx_node *node,
                            struct error *error)
{
    struct layer layer = {.kind = LAYER_CONCAT, .input_count = node->input_count};
    size_t *inputs = memory_allocate(node->input_count, sizeof *inputs, error);
    int outcome = FAILED;

    if (inputs == NULL)
        return FAILED;
    if (node->input_count == 0) {
        error_set(error, "it has no inputs");
        goto out;
    }
    for (size_t i = 0; i < node->input_count; i++)
        if (reader_layer(reader, node, i, &inputs[i], error) < 0)
            goto out;
    if (image_axis(onnx_integer(node, "axis", 1), shape_of(reader, inputs[0])->rank,
                   &layer.concat_axis, error) == 0)
        outcome = reader_add(reader, node, 0, &layer, inputs, error);
out:
    free(inputs);
    return outcome;
}

/* A reshape to dimensions that include the batch, which must stay in front. */
static int add_reshape(struct reader *reader, const struct onnx_node *node, size_t input,
                       const struct tensor *target, struct error *error)
{
    struct layer layer = {.kind = LAYER_RESHAPE, .input_count = 1};

    if (target->rank < 1 || target->shape[0] != (size_t)reader->batch ||
        target->rank > SHAPE_MAX_RANK + 1)
        return error_set(error, "a reshape that moves the batch is not supported");
    layer.shape.rank = target->rank - 1;
    for (size_t axis = 0; axis < layer.shape.rank; axis++)
        layer.shape.dims[axis] = target->shape[axis + 1];
    if (layer.shape.rank == 0)
        layer.shape = (struct shape){1, {1}};
    return reader_add(reader, node, 0, &layer, &input, error);
}

/* The shape of a layer's result with the batch, as ONNX sees it. */
static struct tensor full_shape(const struct reader *reader, size_t layer)
{
    const struct shape *shape = shape_of(reader, layer);
    struct tensor full = {.type = TENSOR_FLOAT32, .rank = shape->rank + 1};

    full.shape[0] = (size_t)reader->batch;
    full.count = full.shape[0] * shape_count(shape);
    memcpy(full.shape + 1, shape->dims, shape->rank * sizeof shape->dims[0]);
    return full;
}

static int translate_reshape(struct reader *reader, const struct onnx_node *node,
                             struct error *error)
{
    const struct tensor *target = reader_constant(reader, node, 1);
    struct tensor from, to = {0};
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    if (target == NULL)
        return error_set(error, "its target shape is not a constant");
    from = full_shape(reader, input);
    if (onnx_resolve_reshape(node, &from, target, &to, error) < 0)
        return FAILED;
    return add_reshape(reader, node, input, &to, error);
}

static int translate_flatten(struct reader *reader, const struct onnx_node *node,
                             struct error *error)
{
    int64_t axis = onnx_integer(node, "axis", 1);
    struct tensor to = {.rank = 2};
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    if (axis < 0)
        axis += (int64_t)shape_of(reader, input)->rank + 1;
    to.shape[0] = to.shape[1] = 1;
    for (size_t i = 0; i <= shape_of(reader, input)->rank; i++)
        to.shape[(int64_t)i < axis ? 0 : 1] *= full_shape(reader, input).shape[i];
    return add_reshape(reader, node, input, &to, error);
}

static int translate_squeeze(struct reader *reader, const struct onnx_node *node,
                             struct error *error)
{
    const struct tensor *inputs[2] = {NULL, reader_constant(reader, node, 1)};
    bool drop[SHAPE_MAX_RANK] = {false};
    int64_t axes[TENSOR_MAX_RANK];
    const struct shape *shape;
    size_t input, count;

    if (reader_layer(reader, node, 0, &input, error) < 0 ||
        onnx_axes(node, "axes", inputs, 1, axes, &count, error) < 0)
        return FAILED;
    shape = shape_of(reader, input);
    for (size_t axis = 0; axis < shape->rank; axis++)
        drop[axis] = count == 0 && shape->dims[axis] == 1;
    for (size_t i = 0; i < count; i++) {
        size_t axis;

        if (image_axis(axes[i], shape->rank, &axis, error) < 0)
            return FAILED;
        if (shape->dims[axis] != 1)
            return error_set(error, "it drops a dimension of %zu", shape->dims[axis]);
        drop[axis] = true;
    }
    return add_dropped(reader, node, input, drop, error);
}

static int translate_unsqueeze(struct reader *reader, const struct onnx_node *node,
                               struct error *error)
{
    const struct tensor *inputs[2] = {NULL, reader_constant(reader, node, 1)};
    struct layer layer = {.kind = LAYER_RESHAPE, .input_count = 1};
    bool added[SHAPE_MAX_RANK] = {false};
    int64_t axes[TENSOR_MAX_RANK];
    const struct shape *shape;
    size_t input, count, from = 0;

    if (reader_layer(reader, node, 0, &input, error) < 0 ||
        onnx_axes(node, "axes", inputs, 1, axes, &count, error) < 0)
        return FAILED;
    shape = shape_of(reader, input);
    layer.shape.rank = shape->rank + count;
    if (layer.shape.rank > SHAPE_MAX_RANK)
        return error_set(error, "its result has too many dimensions");
    for (size_t i = 0; i < count; i++) {
        size_t axis;

        if (image_axis(axes[i], layer.shape.rank, &axis, error) < 0)
            return FAILED;
        if (axis >= layer.shape.rank || added[axis])
            return error_set(error, "its axes are not valid");
        added[axis] = true;
    }
    for (size_t axis = 0; axis < layer.shape.rank; axis++)
        layer.shape.dims[axis] = added[axis] ? 1 : shape->dims[from++];
    return reader_add(reader, node, 0, &layer, &input, error);
}

static int translate_transpose(struct reader *reader, const struct onnx_node *node,
                               struct error *error)
{
    struct layer layer = {.kind = LAYER_TRANSPOSE};
    int64_t permutation[TENSOR_MAX_RANK];
    size_t count = onnx_integers(node, "perm", permutation, TENSOR_MAX_RANK);
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    if (count != shape_of(reader, input)->rank + 1 || permutation[0] != 0)
        return error_set(error, "a transposition that moves the batch is not supported");
    for (size_t axis = 0; axis + 1 < count; axis++)
        layer.permutation[axis] = (size_t)(permutation[axis + 1] - 1);
    return add_simple(reader, node, &layer, error);
}

/* A slice that takes everything. */
static struct slice whole_slice(const struct shape *shape)
{
    struct slice slice = {0};

    for (size_t axis = 0; axis < shape->rank; axis++) {
        slice.step[axis] = 1;
        slice.count[axis] = shape->dims[axis];
    }
    return slice;
}

static int translate_split(struct reader *reader, const struct onnx_node *node,
                           struct error *error)
{
    const struct tensor *inputs[2] = {NULL, reader_constant(reader, node, 1)};
    int64_t sizes[64];
    size_t input, axis, count, begin = 0;
    const struct shape *shape;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    shape = shape_of(reader, input);
    if (image_axis(onnx_integer(node, "axis", 0), shape->rank, &axis, error) < 0)
        return FAILED;
    count = onnx_integers(node, "split", sizes, 64);
    if (inputs[1] != NULL && tensor_is_integer(inputs[1])) {
        count = inputs[1]->count;
        for (size_t i = 0; i < count && i < 64; i++)
            sizes[i] = tensor_integer(inputs[1], i);
    }
    if (node->output_count > 64 || axis >= shape->rank || node->output_count == 0 ||
        (count != 0 && count != node->output_count))
        return error_set(error, "its parts do not fit its outputs");
    for (size_t i = 0; i < node->output_count; i++) {
        struct layer layer = {.kind = LAYER_SLICE, .input_count = 1};
        size_t length = shape_of(reader, input)->dims[axis];
        int64_t size = count != 0 ? sizes[i] : (int64_t)(length / node->output_count);

        if (size < 1 || size > (int64_t)length)
            return error_set(error, "one of its parts has %lld channels", (long long)size);
        layer.slice = whole_slice(shape_of(reader, input));
        layer.slice.begin[axis] = begin;
        layer.slice.count[axis] = (size_t)size;
        begin += (size_t)size;
        if (reader_add(reader, node, i, &layer, &input, error) < 0)
            return FAILED;
    }
    return 0;
}

/* One axis of a Slice: negative positions count from the end, bounds are clamped. */
static int slice_axis(struct slice *slice, size_t axis, size_t dims, int64_t begin, int64_t end,
                      int64_t step, struct error *error)
{
    int64_t length = (int64_t)dims;
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? length : length - 1;

    if (step == 0 || step > MAX_EXTENT || step < -MAX_EXTENT)
        return error_set(error, "its step is %lld", (long long)step);
    begin = begin < -length ? low : begin < 0 ? begin + length : begin;
    end = end < -length ? low : end < 0 ? end + length : end;
    begin = begin < low ? low : begin > high ? high : begin;
    end = end < low ? low : end > high ? high : end;
    if ((end - begin) * (step > 0 ? 1 : -1) <= 0)
        return error_set(error, "its result is empty");
    slice->begin[axis] = (size_t)begin;
    slice->step[axis] = step;
    slice->count[axis] = (size_t)((end - begin + step - (step > 0 ? 1 : -1)) / step);
    return 0;
}

static int translate_slice(struct reader *reader, const struct onnx_node *node,
                           struct error *error)
{
    const struct tensor *inputs[5] = {NULL};
    struct layer layer = {.kind = LAYER_SLICE};
    int64_t begin[TENSOR_MAX_RANK], end[TENSOR_MAX_RANK], axes[TENSOR_MAX_RANK];
    int64_t steps[TENSOR_MAX_RANK];
    size_t begins, ends, axis_count, step_count, input;

    for (size_t i = 1; i < 5; i++)
        inputs[i] = reader_constant(reader, node, i);
    if (reader_layer(reader, node, 0, &input, error) < 0 ||
        onnx_axes(node, "starts", inputs, 1, begin, &begins, error) < 0 ||
        onnx_axes(node, "ends", inputs, 2, end, &ends, error) < 0 ||
        onnx_axes(node, "axes", inputs, 3, axes, &axis_count, error) < 0 ||
        onnx_axes(node, "steps", inputs, 4, steps, &step_count, error) < 0)
        return FAILED;
    if (begins == 0 || ends != begins || (axis_count != 0 && axis_count != begins) ||
        (step_count != 0 && step_count != begins))
        return error_set(error, "its bounds are not constants that fit each other");
    layer.slice = whole_slice(shape_of(reader, input));
    for (size_t i = 0; i < begins; i++) {
        const struct shape *shape = shape_of(reader, input);
        int64_t full_axis = axis_count != 0 ? axes[i] : (int64_t)i;
        size_t axis;

        /* The whole batch may be named. */
        if (full_axis == 0 && begin[i] == 0 && end[i] >= reader->batch)
            continue;
        if (image_axis(full_axis, shape->rank, &axis, error) < 0 ||
            slice_axis(&layer.slice, axis, shape->dims[axis], begin[i], end[i],
                       step_count != 0 ? steps[i] : 1, error) < 0)
            return FAILED;
    }
    return add_simple(reader, node, &layer, error);
}

/* The amounts are an attribute up to opset 10, an input from 11 on. */
static int read_pads(const struct reader *reader, const struct onnx_node *node, size_t rank,
                     struct pad *pad, struct error *error)
{
    int64_t pads[2 * TENSOR_MAX_RANK];
    size_t count = onnx_integers(node, "pads", pads, 2 * TENSOR_MAX_RANK);
    const struct tensor *input = reader_constant(reader, node, 1);

    if (input != NULL && tensor_is_integer(input)) {
        count = input->count;
        for (size_t i = 0; i < count && i < 2 * TENSOR_MAX_RANK; i++)
            pads[i] = tensor_integer(input, i);
    }
    if (count != 2 * (rank + 1))
        return error_set(error, "its amounts are not constants that fit its input");
    for (size_t i = 0; i < count; i++)
        if (pads[i] < 0 || pads[i] > MAX_EXTENT || (i % (rank + 1) == 0 && pads[i] != 0))
            return error_set(error, "it pads by %lld", (long long)pads[i]);
    for (size_t axis = 0; axis < rank; axis++) {
        pad->before[axis] = (size_t)pads[axis + 1];
        pad->after[axis] = (size_t)pads[axis + 1 + rank + 1];
    }
    return 0;
}

static int translate_pad(struct reader *reader, const struct onnx_node *node,
                         struct error *error)
{
    struct layer layer = {.kind = LAYER_PAD};
    struct bytes mode = onnx_text(node, "mode");
    const struct tensor *value = reader_constant(reader, node, 2);
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0 ||
        read_pads(reader, node, shape_of(reader, input)->rank, &layer.pad, error) < 0)
        return FAILED;
    if (text_is(mode, "reflect"))
        layer.pad.mode = PAD_REFLECT;
    else if (text_is(mode, "edge"))
        layer.pad.mode = PAD_EDGE;
    else if (mode.size > 0 && !text_is(mode, "constant"))
        return error_set(error, "its mode is not supported");
    layer.pad.value = onnx_float(node, "value", 0);
    if (value != NULL && value->count == 1 && value->type != TENSOR_OTHER)
        layer.pad.value = (float)tensor_real(value, 0);
    return add_simple(reader, node, &layer, error);
}

static const struct {
    const char *operator;
    translate_function *translate;
} operators[] = {
    {"Add", translate_binary},
    {"AveragePool", translate_pool},
    {"BatchNormalization", translate_batch_norm},
    {"Cast", translate_cast},
    {"Clip", translate_clip},
    {"Concat", translate_concat},
    {"Conv", translate_convolution},
    {"Div", translate_binary},
    {"Dropout", translate_alias},
    {"Elu", translate_elu},
    {"Flatten", translate_flatten},
    {"Gemm", translate_gemm},
    {"GlobalAveragePool", translate_global_pool},
    {"GlobalMaxPool", translate_global_pool},
    {"HardSigmoid", translate_hard_sigmoid},
    {"HardSwish", translate_hard_swish},
    {"Identity", translate_alias},
    {"LRN", translate_lrn},
    {"LeakyRelu", translate_leaky_relu},
    {"MatMul", translate_matrix_product},
    {"MaxPool", translate_pool},
    {"Mul", translate_binary},
    {"PRelu", translate_prelu},
    {"Pad", translate_pad},
    {"ReduceMean", translate_mean},
    {"Relu", translate_relu},
    {"Reshape", translate_reshape},
    {"Sigmoid", translate_sigmoid},
    {"Slice", translate_slice},
    {"Softmax", translate_softmax},
    {"Split", translate_split},
    {"Squeeze", translate_squeeze},
    {"Sub", translate_binary},
    {"Sum", translate_sum},
    {"Tanh", translate_tanh},
    {"Transpose", translate_transpose},
    {"Unsqueeze", translate_unsqueeze},
};

translate_function *onnx_find_operator(const char *operator)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (strcmp(operators[i].operator, operator) == 0)
            return operators[i].translate;
    return NULL;
}
