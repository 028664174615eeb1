/*
 * Convolution, pooling, and means over a map.
 */
#include <string.h>

#include "extract/formats/onnx_fold.h"
#include "extract/formats/onnx_reader_private.h"

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
    if (bytes_are(mode, "SAME_UPPER") || bytes_are(mode, "SAME_LOWER")) {
        pad_same(window, input, bytes_are(mode, "SAME_LOWER"));
    } else if (!bytes_are(mode, "VALID")) {
        for (size_t axis = 0; axis < 2; axis++) {
            window->pad_begin[axis] = pads[axis];
            window->pad_end[axis] = pads[axis + 2];
        }
    }
    return 0;
}

int translate_convolution(struct reader *reader, const struct onnx_node *node, struct error *error)
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
    if (read_window(node, reader_shape(reader, input), &convolution->window, error) < 0)
        return FAILED;
    if (bias != NULL) {
        if (bias->count != weights->shape[0])
            return error_set(error, "its bias has %zu numbers for %zu channels", bias->count,
                             weights->shape[0]);
        convolution->shift = reader_floats(reader, bias, error);
        if (convolution->shift == NULL)
            return FAILED;
    } else if (node->input_count > 2 && *node->inputs[2] != '\0') {
        return error_set(error, "its bias is not a constant");
    }
    layer.input_count = 1;
    return reader_add(reader, node, 0, &layer, &input, error);
}

int translate_pool(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_POOL};
    struct pool *pool = &layer.pool;
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0 ||
        read_window(node, reader_shape(reader, input), &pool->window, error) < 0)
        return FAILED;
    pool->maximum = node->operator[0] == 'M';
    pool->ceiling = onnx_integer(node, "ceil_mode", 0) != 0;
    pool->count_padding = onnx_integer(node, "count_include_pad", 0) != 0;
    layer.input_count = 1;
    return reader_add(reader, node, 0, &layer, &input, error);
}

int translate_global_pool(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    struct layer layer = {
        .kind = LAYER_POOL,
        .pool = {.global = true, .maximum = strcmp(node->operator, "GlobalMaxPool") == 0},
    };

    return reader_add_simple(reader, node, &layer, error);
}

/* Sets a window that covers one or both axes of a map: a mean over them is a pooling. */
static int mean_window(struct pool *pool, const struct shape *input, const int64_t *axes,
                       size_t count, struct error *error)
{
    pool->window = (struct window){.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    for (size_t i = 0; i < count; i++) {
        size_t axis;

        if (reader_axis(axes[i], input->rank, &axis, error) < 0)
            return FAILED;
        if (axis == SHAPE_CHANNELS)
            return error_set(error, "a mean over channels is not supported");
        pool->window.kernel[axis - SHAPE_HEIGHT] = input->dims[axis];
    }
    return 0;
}

/* Makes a map of (channels, places), as a mean over one axis leaves it, so that the mean over the
 * other is a pooling too. */
static int add_column_map(struct reader *reader, const struct onnx_node *node, size_t *input,
                          struct error *error)
{
    const struct shape *from = reader_shape(reader, *input);
    struct layer layer = {
        .kind = LAYER_RESHAPE,
        .input_count = 1,
        .shape = {SHAPE_MAP_RANK, {from->dims[0], from->dims[1], 1}},
    };

    if (reader_add(reader, node, 0, &layer, input, error) < 0)
        return FAILED;
    *input = reader->graph->count - 1;
    return 0;
}

int translate_mean(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    const struct tensor *inputs[2] = {NULL, reader_constant(reader, node, 1)};
    struct layer layer = {.kind = LAYER_POOL, .input_count = 1};
    bool drop[SHAPE_MAX_RANK] = {false}, keep = onnx_integer(node, "keepdims", 1) != 0;
    int64_t axes[TENSOR_MAX_RANK];
    size_t count, input, rank;

    if (onnx_axes(node, "axes", inputs, 1, axes, &count, error) < 0 ||
        reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    rank = reader_shape(reader, input)->rank;
    if ((rank != 2 && rank != SHAPE_MAP_RANK) || count == 0)
        return error_set(error, "a mean is supported over the height and width of a map only");
    if (rank == 2 && add_column_map(reader, node, &input, error) < 0)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        if (axes[i] < 0)
            axes[i] += (int64_t)rank + 1;
        if (axes[i] > 0 && axes[i] <= (int64_t)rank)
            drop[axes[i] - 1] = !keep;
    }
    if (mean_window(&layer.pool, reader_shape(reader, input), axes, count, error) < 0 ||
        reader_add(reader, node, 0, &layer, &input, error) < 0)
        return FAILED;
    drop[2] = drop[2] || rank == 2;
    if (keep && rank == SHAPE_MAP_RANK)
        return 0;
    return reader_add_dropped(reader, node, reader->graph->count - 1, drop, error);
}
