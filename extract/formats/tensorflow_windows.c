/*
 * Convolution, pooling, and means over a map.
 */
#include <string.h>

#include "extract/formats/tensorflow_reader_private.h"

enum { FILTER_HEIGHT, FILTER_WIDTH, FILTER_IN, FILTER_OUT, FILTER_RANK };

/* ---- sizes ------------------------------------------------------------------------------ */

/* Takes the two numbers of height and width out of four, those of batch and channels being 1. */
static int set_extents(const char *name, const int64_t *numbers, bool channels_first,
                       size_t *values, struct error *error)
{
    size_t height = channels_first ? 2 : 1, channel = channels_first ? 1 : 3;

    if (numbers[0] != 1 || numbers[channel] != 1)
        return error_set(error, "its '%s' goes across images or channels", name);
    for (size_t axis = 0; axis < 2; axis++) {
        if (numbers[height + axis] < 1 || numbers[height + axis] > TENSORFLOW_MAX_EXTENT)
            return error_set(error, "its '%s' is %lld", name, (long long)numbers[height + axis]);
        values[axis] = (size_t)numbers[height + axis];
    }
    return 0;
}

/* Four numbers of an attribute; absent: 1. */
static int read_extents(const struct tensorflow_node *node, const char *name, size_t *values,
                        struct error *error)
{
    int64_t numbers[4];
    size_t count = tensorflow_integers(node, name, numbers, 4);

    values[0] = values[1] = 1;
    if (count == 0)
        return 0;
    if (count != 4)
        return error_set(error, "its '%s' has %zu numbers, not 4", name, count);
    return set_extents(name, numbers, tensorflow_is_channels_first(node), values, error);
}

/* Four numbers of a constant input. */
static int read_extents_input(const struct reader *reader, const struct tensorflow_node *node,
                              size_t index, const char *name, size_t *values,
                              struct error *error)
{
    const struct tensor *input = tensorflow_constant(reader, node, index);
    int64_t numbers[4];

    if (input == NULL || !tensor_is_integer(input) || input->count != 4)
        return error_set(error, "its '%s' is not a constant of four integers", name);
    for (size_t i = 0; i < 4; i++)
        numbers[i] = tensor_integer(input, i);
    return set_extents(name, numbers, tensorflow_is_channels_first(node), values, error);
}

/* As many windows as strides fit; where the padding is odd, the end gets one more. */
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

/* Before and after each of the four axes. */
static int pad_explicit(const struct tensorflow_node *node, struct window *window,
                        struct error *error)
{
    size_t height = tensorflow_is_channels_first(node) ? 2 : 1;
    int64_t pads[8] = {0};

    if (tensorflow_integers(node, "explicit_paddings", pads, 8) != 8)
        return error_set(error, "its 'explicit_paddings' are not 8 numbers");
    for (size_t i = 0; i < 8; i++) {
        bool across = i / 2 != height && i / 2 != height + 1;

        if (pads[i] < 0 || pads[i] > TENSORFLOW_MAX_EXTENT || (across && pads[i] != 0))
            return error_set(error, "its 'explicit_paddings' have a %lld", (long long)pads[i]);
    }
    for (size_t axis = 0; axis < 2; axis++) {
        window->pad_begin[axis] = (size_t)pads[2 * (height + axis)];
        window->pad_end[axis] = (size_t)pads[2 * (height + axis) + 1];
    }
    return 0;
}

/* Sets the padding of a window that is known otherwise. */
static int read_padding(const struct tensorflow_node *node, const struct shape *input,
                        struct window *window, struct error *error)
{
    struct bytes padding = tensorflow_text(node, "padding");

    if (!shape_is_map(input))
        return error_set(error, "its input is not a map of channels, height and width");
    if (bytes_are(padding, "EXPLICIT"))
        return pad_explicit(node, window, error);
    if (bytes_are(padding, "SAME"))
        pad_same(window, input);
    else if (!bytes_are(padding, "VALID"))
        return error_set(error, "its 'padding' is none of SAME, VALID and EXPLICIT");
    return 0;
}

/* ---- convolution ------------------------------------------------------------------------ */

/* [height][width][in][out] to [out][in][height][width], the order of the graph. */
static void turn_weights(const struct tensor *from, const size_t *shape, struct tensor *to)
{
    size_t size = tensor_type_size(from->type), in = shape[FILTER_IN], out = shape[FILTER_OUT];
    size_t places = shape[FILTER_HEIGHT] * shape[FILTER_WIDTH];
    unsigned char *write = to->owned;

    for (size_t o = 0; o < out; o++) {
        for (size_t i = 0; i < in; i++) {
            for (size_t place = 0; place < places; place++) {
                memcpy(write, from->bytes.data + ((place * in + i) * out + o) * size, size);
                write += size;
            }
        }
    }
}

/* The weights in the graph's order, in memory of the graph. A depthwise filter has several
 * outputs for each channel instead of several channels for each output. */
static int read_weights(struct reader *reader, const struct tensor *given, bool depthwise,
                        struct tensor *weights, struct error *error)
{
    size_t shape[FILTER_RANK];
    int64_t turned[FILTER_RANK];

    memcpy(shape, given->shape, sizeof shape);
    if (depthwise) {
        shape[FILTER_OUT] *= shape[FILTER_IN];
        shape[FILTER_IN] = 1;
    }
    turned[0] = (int64_t)shape[FILTER_OUT];
    turned[1] = (int64_t)shape[FILTER_IN];
    turned[2] = (int64_t)shape[FILTER_HEIGHT];
    turned[3] = (int64_t)shape[FILTER_WIDTH];
    *weights = (struct tensor){.type = given->type};
    if (tensor_set_shape(weights, turned, FILTER_RANK, error) < 0 ||
        tensorflow_charge(reader, given->bytes.size, error) < 0 ||
        tensor_allocate(weights, error) < 0)
        return FAILED;
    turn_weights(given, shape, weights);
    if (graph_adopt(reader->graph, weights->owned, error) < 0)
        return FAILED;
    weights->owned = NULL;
    return 0;
}

static int check_filter(const struct tensor *filter, const struct shape *input, bool depthwise,
                        size_t *groups, struct error *error)
{
    size_t channels = input->dims[SHAPE_CHANNELS], in;

    if (filter == NULL || filter->rank != FILTER_RANK || filter->count == 0 ||
        filter->type == TENSOR_OTHER || tensor_is_integer(filter))
        return error_set(error, "its weights are not a constant of four dimensions");
    if (!shape_is_map(input))
        return error_set(error, "its input is not a map of channels, height and width");
    for (size_t axis = 0; axis < 2; axis++)
        if (filter->shape[axis] > TENSORFLOW_MAX_EXTENT)
            return error_set(error, "its weights are too large");
    in = filter->shape[FILTER_IN];
    if (depthwise ? in != channels : channels % in != 0)
        return error_set(error, "its weights are for %zu channels, its input has %zu", in,
                         channels);
    *groups = depthwise ? channels : channels / in;
    return 0;
}

/* A convolution of the pieces that SpaceToBatchND made is one of the whole map with gaps between
 * the filter's weights (a trous; api_def_SpaceToBatchND.pbtxt). */
static int spread_window(struct window *window, const size_t *block, struct error *error)
{
    for (size_t axis = 0; axis < 2; axis++) {
        if (block[axis] == 1)
            continue;
        if (window->stride[axis] != 1 || window->dilation[axis] != 1)
            return error_set(error, "its strides or dilations behind SpaceToBatchND are not 1");
        window->dilation[axis] = block[axis];
        window->pad_begin[axis] *= block[axis];
        window->pad_end[axis] *= block[axis];
    }
    return 0;
}

int tensorflow_convolution(struct reader *reader, const struct tensorflow_node *node,
                           struct error *error)
{
    const struct tensor *filter = tensorflow_constant(reader, node, 1);
    bool depthwise = node->operator[0] == 'D';
    struct layer layer = {.kind = LAYER_CONVOLUTION};
    struct convolution *convolution = &layer.convolution;
    struct window *window = &convolution->window;
    struct shape pieces;
    struct value value;

    if (tensorflow_formatted_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    pieces = *tensorflow_layer_shape(reader, &value);
    if (check_filter(filter, &pieces, depthwise, &convolution->groups, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < 2; axis++) {
        window->kernel[axis] = filter->shape[axis];
        pieces.dims[SHAPE_HEIGHT + axis] /= value.block[axis];
    }
    if (read_extents(node, "strides", window->stride, error) < 0 ||
        read_extents(node, "dilations", window->dilation, error) < 0 ||
        read_padding(node, &pieces, window, error) < 0 ||
        spread_window(window, value.block, error) < 0 ||
        read_weights(reader, filter, depthwise, &convolution->weights, error) < 0)
        return FAILED;
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

/* ---- pieces ----------------------------------------------------------------------------- */

/* Two block lengths and two amounts for each of height and width. */
static int read_block(const struct reader *reader, const struct tensorflow_node *node,
                      size_t *block, size_t amounts[2][2], struct error *error)
{
    const struct tensor *lengths = tensorflow_constant(reader, node, 1);
    const struct tensor *pairs = tensorflow_constant(reader, node, 2);

    if (lengths == NULL || pairs == NULL || !tensor_is_integer(lengths) ||
        !tensor_is_integer(pairs) || lengths->count != 2 || pairs->count != 4)
        return error_set(error, "its block and amounts are not constants for height and width");
    for (size_t axis = 0; axis < 2; axis++) {
        int64_t length = tensor_integer(lengths, axis);

        if (length < 1 || length > TENSORFLOW_MAX_EXTENT)
            return error_set(error, "its block has a length of %lld", (long long)length);
        block[axis] = (size_t)length;
        for (size_t end = 0; end < 2; end++) {
            int64_t amount = tensor_integer(pairs, 2 * axis + end);

            if (amount < 0 || amount > TENSORFLOW_MAX_EXTENT)
                return error_set(error, "it pads or crops by %lld", (long long)amount);
            amounts[axis][end] = (size_t)amount;
        }
    }
    return 0;
}

/* The map stays whole here, with the zeros that are put around it. */
int tensorflow_space_to_batch(struct reader *reader, const struct tensorflow_node *node,
                              struct error *error)
{
    struct layer layer = {.kind = LAYER_PAD, .pad = {.mode = PAD_CONSTANT}};
    size_t block[2], amounts[2][2];
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0 ||
        read_block(reader, node, block, amounts, error) < 0)
        return FAILED;
    if (!shape_is_map(tensorflow_layer_shape(reader, &value)))
        return error_set(error, "its input is not a map of channels, height and width");
    if (tensorflow_turn(reader, node, false, &value, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < 2; axis++) {
        size_t length = tensorflow_layer_shape(reader, &value)->dims[SHAPE_HEIGHT + axis];

        layer.pad.before[SHAPE_HEIGHT + axis] = amounts[axis][0];
        layer.pad.after[SHAPE_HEIGHT + axis] = amounts[axis][1];
        if ((length + amounts[axis][0] + amounts[axis][1]) % block[axis] != 0)
            return error_set(error, "its block does not divide its input");
        value.block[axis] = block[axis];
    }
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

int tensorflow_batch_to_space(struct reader *reader, const struct tensorflow_node *node,
                              struct error *error)
{
    struct layer layer = {.kind = LAYER_SLICE};
    size_t block[2], amounts[2][2];
    const struct shape *shape;
    struct value value;

    if (tensorflow_input_in_pieces(reader, node, 0, &value, error) < 0 ||
        read_block(reader, node, block, amounts, error) < 0)
        return FAILED;
    if (block[0] != value.block[0] || block[1] != value.block[1])
        return error_set(error, "no SpaceToBatchND before it made such pieces");
    shape = tensorflow_layer_shape(reader, &value);
    if (!shape_is_map(shape))
        return error_set(error, "its input is not a map of channels, height and width");
    layer.slice.count[SHAPE_CHANNELS] = shape->dims[SHAPE_CHANNELS];
    layer.slice.step[SHAPE_CHANNELS] = 1;
    for (size_t axis = 0; axis < 2; axis++) {
        size_t length = shape->dims[SHAPE_HEIGHT + axis];

        if (amounts[axis][0] + amounts[axis][1] >= length)
            return error_set(error, "it crops all of its input");
        layer.slice.begin[SHAPE_HEIGHT + axis] = amounts[axis][0];
        layer.slice.step[SHAPE_HEIGHT + axis] = 1;
        layer.slice.count[SHAPE_HEIGHT + axis] = length - amounts[axis][0] - amounts[axis][1];
        value.block[axis] = 1;
    }
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

/* ---- pooling ---------------------------------------------------------------------------- */

int tensorflow_pool(struct reader *reader, const struct tensorflow_node *node,
                    struct error *error)
{
    struct layer layer = {.kind = LAYER_POOL, .pool = {.maximum = node->operator[0] == 'M'}};
    struct window *window = &layer.pool.window;
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0 ||
        tensorflow_turn(reader, node, tensorflow_is_channels_first(node), &value, error) < 0)
        return FAILED;
    window->dilation[0] = window->dilation[1] = 1;
    if (strcmp(node->operator, "MaxPoolV2") == 0) {
        if (read_extents_input(reader, node, 1, "ksize", window->kernel, error) < 0 ||
            read_extents_input(reader, node, 2, "strides", window->stride, error) < 0)
            return FAILED;
    } else if (read_extents(node, "ksize", window->kernel, error) < 0 ||
               read_extents(node, "strides", window->stride, error) < 0) {
        return FAILED;
    }
    if (read_padding(node, tensorflow_layer_shape(reader, &value), window, error) < 0)
        return FAILED;
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

/* Marks the axes that a Mean or Max goes over, as the file counts them. */
static int read_axes(const struct reader *reader, const struct tensorflow_node *node, size_t rank,
                     bool *over, struct error *error)
{
    const struct tensor *axes = tensorflow_constant(reader, node, 1);

    if (axes == NULL || !tensor_is_integer(axes) || axes->count == 0 || axes->count > rank)
        return error_set(error, "its axes are not constants that fit its input");
    for (size_t i = 0; i < axes->count; i++) {
        int64_t axis = tensor_integer(axes, i);

        if (axis < 0)
            axis += (int64_t)rank;
        if (axis < 1 || axis >= (int64_t)rank)
            return error_set(error, "it goes over axis %lld", (long long)axis);
        over[axis] = true;
    }
    return 0;
}

/* A list of places, (n, places, channels), as a map that is one pixel high. */
static int make_row(struct reader *reader, const struct tensorflow_node *node,
                    struct value *value, struct error *error)
{
    const struct shape *from = tensorflow_layer_shape(reader, value);
    size_t shape[] = {(size_t)reader->image->batch, 1, from->dims[0], from->dims[1]};

    if (tensorflow_add_reshape(reader, node, 0, value, shape, 4, error) < 0)
        return FAILED;
    value->layer = reader->graph->count - 1;
    value->channels_first = !reader->graph->flatten_channels_last;
    return tensorflow_turn(reader, node, false, value, error);
}

/* A mean or maximum over height and width is a pooling with a window of that size. */
int tensorflow_reduce(struct reader *reader, const struct tensorflow_node *node,
                      struct error *error)
{
    struct layer layer = {.kind = LAYER_POOL, .pool = {.maximum = node->operator[1] == 'a'}};
    struct window *window = &layer.pool.window;
    bool over[TENSOR_MAX_RANK] = {false}, keep = tensorflow_boolean(node, "keep_dims", false);
    size_t shape[TENSOR_MAX_RANK], reduced[TENSOR_MAX_RANK], rank, kept = 0;
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    rank = tensorflow_file_shape(reader, &value, shape);
    if (read_axes(reader, node, rank, over, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < rank; axis++)
        if (!over[axis] || keep)
            reduced[kept++] = over[axis] ? 1 : shape[axis];
    *window = (struct window){.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    if (rank == 3 && over[1] && !over[2]) {
        if (make_row(reader, node, &value, error) < 0)
            return FAILED;
        window->kernel[1] = shape[1];
    } else if (rank != 4 || over[value.channels_first ? 1 : 3]) {
        return error_set(error, "it is supported over the height and width of a map only");
    }
    for (size_t axis = 1; rank == 4 && axis < rank; axis++)
        if (over[axis])
            window->kernel[tensorflow_graph_axis(reader, &value, axis) - SHAPE_HEIGHT] =
                shape[axis];
    if (tensorflow_add_simple(reader, node, &layer, &value, error) < 0)
        return FAILED;
    if (rank == 4 && keep)
        return 0;
    value.layer = reader->graph->count - 1;
    return tensorflow_add_reshape(reader, node, 0, &value, reduced, kept, error);
}
