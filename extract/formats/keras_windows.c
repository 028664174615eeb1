/*
 * Convolutions and poolings: what slides a window over a map.
 */
#include <string.h>

#include "extract/formats/keras_kernel.h"
#include "extract/formats/keras_reader_private.h"

/* ---- the window ------------------------------------------------------------------------- */

/* TensorFlow's SAME: as many windows as strides, the odd padding at the end. */
static void pad_same(struct window *window, const struct shape *input)
{
    for (size_t axis = 0; axis < 2; axis++) {
        size_t length = input->dims[SHAPE_HEIGHT + axis];
        size_t extent = window->dilation[axis] * (window->kernel[axis] - 1) + 1;
        size_t windows = (length + window->stride[axis] - 1) / window->stride[axis];
        size_t covered = (windows - 1) * window->stride[axis] + extent;
        size_t padding = covered > length ? covered - length : 0;

        window->pad_begin[axis] = padding / 2;
        window->pad_end[axis] = padding - padding / 2;
    }
}

/* Everything but the kernel, which comes from the weights or the setting pool_size. The stride of
 * a pooling is its size where nothing is said. */
static int read_window(const struct keras_reader *reader, const struct keras_node *node,
                       size_t input, const size_t kernel[2], bool pooling, struct window *window,
                       struct error *error)
{
    const struct shape *shape = keras_shape(reader, input);
    bool same = keras_setting_is(node->config, "padding", "same");

    memcpy(window->kernel, kernel, sizeof window->kernel);
    if (keras_check_order(reader, node, error) < 0 ||
        keras_setting_pair(node->config, "strides", 1, 0, window->stride, error) < 0 ||
        keras_setting_pair(node->config, "dilation_rate", 1, 1, window->dilation, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < 2; axis++)
        if (window->stride[axis] == 0)
            window->stride[axis] = pooling ? kernel[axis] : 1;
    if (!same && !keras_setting_is(node->config, "padding", "valid"))
        return error_set(error, "its 'padding' is neither 'same' nor 'valid'");
    if (!shape_is_map(shape))
        return error_set(error, "its input is not a map of channels, height and width");
    if (same)
        pad_same(window, shape);
    return 0;
}

/* ---- kernels ---------------------------------------------------------------------------- */

/* Keras 1 stores kernels in the order of its data, Keras 2 and 3 always in TensorFlow's. */
static enum keras_kernel_order order_of(const struct keras_node *node)
{
    return keras_setting_is(node->config, "dim_ordering", "th") ? KERAS_OIHW : KERAS_HWIO;
}

/* Weight `index` as the kernel of a convolution; its window must be that of the settings. */
static int read_kernel(struct keras_reader *reader, const struct keras_node *node, size_t index,
                       enum keras_kernel_order order, struct tensor *kernel, struct error *error)
{
    bool pointwise = order == KERAS_HWIO && index > 0;
    size_t sides[2];
    struct tensor tensor;

    if (keras_weight(reader, node, index, &tensor, error) < 0 ||
        keras_setting_pair(node->config, "kernel_size", 1, 0, sides, error) < 0)
        return FAILED;
    if (keras_charge(reader, tensor.count, sizeof(float), error) < 0 ||
        keras_kernel_arrange(reader->file, &tensor, order, reader->graph, kernel, error) < 0)
        return error_wrap(error, "its weights '%s'", node->weights.items[index]->path);
    for (size_t axis = 0; axis < 2; axis++) {
        size_t wanted = pointwise ? 1 : sides[axis];

        if (kernel->shape[2 + axis] > KERAS_MAX_EXTENT ||
            (wanted != 0 && kernel->shape[2 + axis] != wanted))
            return error_set(error, "its kernel is %zux%zu, its weights are for %zux%zu", sides[0],
                             sides[1], kernel->shape[2], kernel->shape[3]);
    }
    return 0;
}

/* The bias, weight `index`, where there is one. */
static int read_bias(struct keras_reader *reader, const struct keras_node *node, size_t index,
                     struct convolution *convolution, struct error *error)
{
    if (!keras_setting_flag(node->config, "use_bias", true))
        return 0;
    convolution->shift = keras_weight_floats(reader, node, index, convolution->weights.shape[0],
                                             error);
    return convolution->shift != NULL ? 0 : FAILED;
}

/* ---- layers ----------------------------------------------------------------------------- */

/* Adds the convolution and its activation. */
static int add_convolution(struct keras_reader *reader, const struct keras_node *node,
                           struct layer *layer, size_t input, size_t *result,
                           struct error *error)
{
    layer->kind = LAYER_CONVOLUTION;
    layer->input_count = 1;
    if (keras_add(reader, node, layer, &input, result, error) < 0)
        return FAILED;
    return keras_activate(reader, node, keras_setting(node->config, "activation"), *result,
                          result, error);
}

int keras_convolution(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                      struct error *error)
{
    struct layer layer = {0};
    struct convolution *convolution = &layer.convolution;
    size_t input;

    if (keras_input(node, &input, error) < 0 ||
        keras_setting_size(node->config, "groups", 1, 1, &convolution->groups, error) < 0 ||
        read_kernel(reader, node, 0, order_of(node), &convolution->weights, error) < 0 ||
        read_window(reader, node, input, convolution->weights.shape + 2, false,
                    &convolution->window, error) < 0 ||
        read_bias(reader, node, 1, convolution, error) < 0)
        return FAILED;
    return add_convolution(reader, node, &layer, input, result, error);
}

/* The depthwise convolution alone; its kernel is weight 0. */
static int read_depthwise(struct keras_reader *reader, const struct keras_node *node, size_t input,
                          struct convolution *convolution, struct error *error)
{
    if (order_of(node) == KERAS_OIHW)
        return error_set(error, "with the channels first it is not supported in Keras 1");
    if (read_kernel(reader, node, 0, KERAS_HWCM, &convolution->weights, error) < 0)
        return FAILED;
    convolution->groups = shape_channels(keras_shape(reader, input));
    return read_window(reader, node, input, convolution->weights.shape + 2, false,
                       &convolution->window, error);
}

int keras_depthwise(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                    struct error *error)
{
    struct layer layer = {0};
    size_t input;

    if (keras_input(node, &input, error) < 0 ||
        read_depthwise(reader, node, input, &layer.convolution, error) < 0 ||
        read_bias(reader, node, 1, &layer.convolution, error) < 0)
        return FAILED;
    return add_convolution(reader, node, &layer, input, result, error);
}

/* A depthwise convolution, then one of 1x1. */
int keras_separable(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                    struct error *error)
{
    struct layer depthwise = {.kind = LAYER_CONVOLUTION, .input_count = 1};
    struct layer pointwise = {.convolution = {
        .window = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}}, .groups = 1}};
    size_t input;

    if (keras_input(node, &input, error) < 0 ||
        read_depthwise(reader, node, input, &depthwise.convolution, error) < 0 ||
        keras_add(reader, node, &depthwise, &input, &input, error) < 0 ||
        read_kernel(reader, node, 1, KERAS_HWIO, &pointwise.convolution.weights, error) < 0 ||
        read_bias(reader, node, 2, &pointwise.convolution, error) < 0)
        return FAILED;
    return add_convolution(reader, node, &pointwise, input, result, error);
}

int keras_pool(struct keras_reader *reader, const struct keras_node *node, size_t *result,
               struct error *error)
{
    struct layer layer = {.kind = LAYER_POOL, .input_count = 1};
    size_t kernel[2], input;

    layer.pool.maximum = node->class_name[0] == 'M';
    if (keras_input(node, &input, error) < 0 ||
        keras_setting_pair(node->config, "pool_size", 1, 2, kernel, error) < 0 ||
        read_window(reader, node, input, kernel, true, &layer.pool.window, error) < 0)
        return FAILED;
    return keras_add(reader, node, &layer, &input, result, error);
}

int keras_global_pool(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                      struct error *error)
{
    struct layer layer = {.kind = LAYER_POOL, .pool = {.global = true}};
    struct shape vector = {.rank = 1};

    layer.pool.maximum = strcmp(node->class_name, "GlobalMaxPooling2D") == 0;
    if (keras_check_order(reader, node, error) < 0 ||
        keras_add_simple(reader, node, &layer, result, error) < 0)
        return FAILED;
    vector.dims[0] = keras_shape(reader, *result)->dims[SHAPE_CHANNELS];
    if (keras_setting_flag(node->config, "keepdims", false))
        return 0;
    return keras_add_reshape(reader, node, *result, &vector, result, error);
}
