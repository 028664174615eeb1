/*
 * Convolution, pooling, and means over a map.
 */
#include <string.h>

#include "extract/formats/mxnet_reader_private.h"

/* A tuple of two numbers, for height and width; left as it is when absent. */
static int read_pair(const struct mxnet_node *node, const char *name, int64_t minimum,
                     size_t *pair, struct error *error)
{
    int64_t values[2];
    size_t count;

    if (mxnet_tuple(node, name, values, 2, &count, error) < 0)
        return FAILED;
    if (count == 0)
        return 0;
    if (count != 2)
        return error_set(error, "its '%s' has one number; two dimensions are supported", name);
    for (size_t axis = 0; axis < 2; axis++) {
        if (values[axis] < minimum || values[axis] > MXNET_MAX_EXTENT)
            return error_set(error, "its '%s' is %lld", name, (long long)values[axis]);
        pair[axis] = (size_t)values[axis];
    }
    return 0;
}

static int read_window(const struct mxnet_node *node, struct window *window, struct error *error)
{
    for (size_t axis = 0; axis < 2; axis++)
        window->stride[axis] = window->dilation[axis] = 1;
    if (read_pair(node, "kernel", 1, window->kernel, error) < 0 ||
        read_pair(node, "stride", 1, window->stride, error) < 0 ||
        read_pair(node, "dilate", 1, window->dilation, error) < 0 ||
        read_pair(node, "pad", 0, window->pad_begin, error) < 0)
        return FAILED;
    memcpy(window->pad_end, window->pad_begin, sizeof window->pad_end);
    if (window->kernel[0] == 0)
        return error_set(error, "its 'kernel' is missing");
    return 0;
}

static int check_layout(const struct mxnet_node *node, struct error *error)
{
    const char *layout = mxnet_attribute(node, "layout");

    if (layout == NULL || strcmp(layout, "NCHW") == 0)
        return 0;
    return error_set(error, "its layout '%s' is not supported, only NCHW", layout);
}

/* The weights' own shape must be what the attributes say. */
static int check_weights(const struct mxnet_node *node, const struct tensor *weights,
                         const struct convolution *convolution, struct error *error)
{
    int64_t filters;

    if (mxnet_integer(node, "num_filter", 0, &filters, error) < 0)
        return FAILED;
    if (weights->rank != 4 || filters < 0 || weights->shape[0] != (size_t)filters)
        return error_set(error, "its weights are not for %lld filters of two dimensions",
                         (long long)filters);
    for (size_t axis = 0; axis < 2; axis++)
        if (weights->shape[2 + axis] != convolution->window.kernel[axis])
            return error_set(error, "its weights are %zux%zu, its 'kernel' %zux%zu",
                             weights->shape[2], weights->shape[3], convolution->window.kernel[0],
                             convolution->window.kernel[1]);
    return 0;
}

/* The bias of a convolution or a fully connected layer; *shift NULL when it has none. */
static int read_bias(struct mxnet_reader *reader, const struct mxnet_node *node, size_t outputs,
                     const float **shift, struct error *error)
{
    const struct tensor *bias;
    bool absent;

    if (mxnet_boolean(node, "no_bias", false, &absent, error) < 0)
        return FAILED;
    if (absent)
        return 0;
    if (mxnet_need_parameter(reader, node, 2, "bias", &bias, error) < 0)
        return FAILED;
    if (bias->count != outputs)
        return error_set(error, "its bias has %zu numbers for %zu outputs", bias->count, outputs);
    *shift = mxnet_floats(reader, bias, error);
    return *shift != NULL ? 0 : FAILED;
}

int mxnet_convolution(struct mxnet_reader *reader, const struct mxnet_node *node,
                      struct error *error)
{
    struct layer layer = {.kind = LAYER_CONVOLUTION, .input_count = 1};
    struct convolution *convolution = &layer.convolution;
    const struct tensor *weights;
    int64_t groups;
    size_t input;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 || check_layout(node, error) < 0 ||
        read_window(node, &convolution->window, error) < 0 ||
        mxnet_integer(node, "num_group", 1, &groups, error) < 0 ||
        mxnet_need_parameter(reader, node, 1, "weight", &weights, error) < 0 ||
        check_weights(node, weights, convolution, error) < 0)
        return FAILED;
    if (groups < 1 || groups > MXNET_MAX_EXTENT)
        return error_set(error, "its 'num_group' is %lld", (long long)groups);
    convolution->groups = (size_t)groups;
    convolution->weights = *weights;
    if (read_bias(reader, node, weights->shape[0], &convolution->shift, error) < 0)
        return FAILED;
    return mxnet_add(reader, node, &layer, &input, error);
}

/* A matrix times all numbers of an image. */
int mxnet_dense(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_DENSE, .input_count = 1};
    const struct tensor *weights;
    int64_t outputs;
    bool flatten;
    size_t input = 0;

    if (mxnet_need_parameter(reader, node, 1, "weight", &weights, error) < 0 ||
        mxnet_integer(node, "num_hidden", 0, &outputs, error) < 0 ||
        mxnet_boolean(node, "flatten", true, &flatten, error) < 0)
        return FAILED;
    if (weights->rank != 2 || outputs < 0 || weights->shape[0] != (size_t)outputs)
        return error_set(error, "its weights are no matrix with %lld rows", (long long)outputs);
    if (mxnet_layer(reader, node, 0, &input, error) < 0) {
        input_fit_meet(reader->fit, weights->shape[1], 0);
        return FAILED;
    }
    input_fit_meet(reader->fit, weights->shape[1], shape_count(mxnet_shape(reader, input)));
    if (!flatten && mxnet_shape(reader, input)->rank != 1)
        return error_set(error, "it is supported for vectors only where 'flatten' is False");
    layer.dense = (struct dense){.weights = *weights, .transposed = true, .factor = 1};
    if (mxnet_flatten(reader, node, &input, error) < 0 ||
        read_bias(reader, node, weights->shape[0], &layer.dense.shift, error) < 0)
        return FAILED;
    return mxnet_add(reader, node, &layer, &input, error);
}

/* ---- pooling ---------------------------------------------------------------------------- */

/* The convention "full" rounds up. A window that then begins behind the map and its padding has
 * no numbers to pool, and MXNet gives it all the same. */
static int check_full(const struct window *window, const struct shape *input, struct error *error)
{
    for (int axis = 0; axis < 2; axis++) {
        size_t length = input->dims[SHAPE_HEIGHT + axis];
        size_t padded = length + 2 * window->pad_begin[axis], stride = window->stride[axis];

        if (padded >= window->kernel[axis] &&
            (padded - window->kernel[axis] + stride - 1) / stride + 1 !=
                window_output(window, axis, length, true))
            return error_set(error, "a window lies in the padding alone, which is not supported");
    }
    return 0;
}

/* The first version divides every average by the whole window, also where it ends behind the
 * padding: as if the padding went on. */
static void extend_padding(struct pool *pool, const struct shape *input)
{
    struct window *window = &pool->window;

    for (int axis = 0; axis < 2; axis++) {
        size_t length = input->dims[SHAPE_HEIGHT + axis];
        size_t windows = window_output(window, axis, length, pool->ceiling);
        size_t covered = (windows - 1) * window->stride[axis] + window->kernel[axis];

        if (windows > 0 && covered > length + 2 * window->pad_begin[axis])
            window->pad_end[axis] = covered - length - window->pad_begin[axis];
    }
    pool->ceiling = false;
}

static int read_pool(const struct mxnet_node *node, const struct shape *input, struct pool *pool,
                     struct error *error)
{
    bool first_version = strcmp(node->operator, "Pooling_v1") == 0;

    if (!shape_is_map(input))
        return error_set(error, "its input is not a map of channels, height and width");
    if (read_window(node, &pool->window, error) < 0 ||
        mxnet_boolean(node, "count_include_pad", true, &pool->count_padding, error) < 0)
        return FAILED;
    pool->ceiling = mxnet_attribute_is(node, "pooling_convention", "valid", "full");
    if (!pool->ceiling && !mxnet_attribute_is(node, "pooling_convention", "valid", "valid"))
        return error_set(error, "its convention '%s' is not supported",
                         mxnet_attribute(node, "pooling_convention"));
    if (pool->ceiling && check_full(&pool->window, input, error) < 0)
        return FAILED;
    if (first_version && !pool->maximum)
        extend_padding(pool, input);
    return 0;
}

int mxnet_pool(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_POOL, .input_count = 1};
    size_t input;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 || check_layout(node, error) < 0 ||
        mxnet_boolean(node, "global_pool", false, &layer.pool.global, error) < 0)
        return FAILED;
    layer.pool.maximum = mxnet_attribute_is(node, "pool_type", "max", "max");
    if (!layer.pool.maximum && !mxnet_attribute_is(node, "pool_type", "max", "avg"))
        return error_set(error, "its type '%s' is not supported",
                         mxnet_attribute(node, "pool_type"));
    if (!layer.pool.global &&
        read_pool(node, mxnet_shape(reader, input), &layer.pool, error) < 0)
        return FAILED;
    return mxnet_add(reader, node, &layer, &input, error);
}

/* To one pixel, as squeeze-and-excitation and class activation heads use it. */
int mxnet_adaptive_pool(struct mxnet_reader *reader, const struct mxnet_node *node,
                        struct error *error)
{
    struct layer layer = {.kind = LAYER_POOL, .pool.global = true};
    int64_t size[2];
    size_t count;

    if (mxnet_tuple(node, "output_size", size, 2, &count, error) < 0)
        return FAILED;
    for (size_t i = 0; i < count; i++)
        if (size[i] != 1)
            return error_set(error, "it is supported for a result of one pixel only");
    return mxnet_add_simple(reader, node, &layer, error);
}

/* Over height and width. */
int mxnet_mean(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_POOL, .pool.global = true};
    int64_t axes[2] = {0};
    size_t count, pooled;
    bool keep, exclude;

    if (mxnet_tuple(node, "axis", axes, 2, &count, error) < 0 ||
        mxnet_boolean(node, "keepdims", false, &keep, error) < 0 ||
        mxnet_boolean(node, "exclude", false, &exclude, error) < 0)
        return FAILED;
    for (size_t i = 0; i < count; i++)
        axes[i] += axes[i] < 0 ? SHAPE_MAP_RANK + 1 : 0;
    if (exclude || count != 2 || axes[0] + axes[1] != 2 + 3 || axes[0] < 2 || axes[1] < 2)
        return error_set(error, "a mean is supported over the height and width of a map only");
    if (mxnet_add_simple(reader, node, &layer, error) < 0)
        return FAILED;
    pooled = reader->graph->count - 1;
    return keep ? 0 : mxnet_flatten(reader, node, &pooled, error);
}
