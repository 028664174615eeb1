/*
 * What changes shapes and places but not numbers.
 */
#include <string.h>

#include "common/memory.h"
#include "extract/formats/keras_reader_private.h"

/* What does nothing to the images of a trained network. */
int keras_identity(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                   struct error *error)
{
    (void)reader;
    return keras_input(node, result, error);
}

/* In the order of the graph; see keras_flattens_last. */
int keras_flatten(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                  struct error *error)
{
    struct shape vector = {.rank = 1};
    size_t input;

    if (keras_input(node, &input, error) < 0)
        return FAILED;
    vector.dims[0] = shape_count(keras_shape(reader, input));
    return keras_add_reshape(reader, node, input, &vector, result, error);
}

/* The dimensions of a target, one of which may be -1: what is left. */
static int read_target(const struct json_value *value, size_t count, struct shape *target,
                       struct error *error)
{
    size_t known = 1, unknown = SIZE_MAX;

    target->rank = json_tree_count(value);
    if (!json_tree_is_list(value) || target->rank == 0 || target->rank > SHAPE_MAX_RANK)
        return error_set(error, "its 'target_shape' is no list of 1 to %d sizes", SHAPE_MAX_RANK);
    for (size_t axis = 0; axis < target->rank; axis++) {
        int64_t length;

        if (!json_tree_integer(json_tree_at(value, axis), &length) || length == 0 || length < -1 ||
            (length == -1 && unknown != SIZE_MAX))
            return error_set(error, "its 'target_shape' is not valid");
        target->dims[axis] = (size_t)length;
        if (length == -1)
            unknown = axis;
        else if (!size_multiply(known, (size_t)length, &known))
            return error_set(error, "its 'target_shape' is too large");
    }
    if (unknown != SIZE_MAX)
        target->dims[unknown] = count / known;
    return 0;
}

/* Numbers stay in the order of the framework. Where that is not the order in which the graph
 * flattens, only shapes that are a vector in truth are the same in both. */
int keras_reshape(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                  struct error *error)
{
    struct shape target = {0}, shape = {0};
    const struct shape *from;
    size_t input;

    if (keras_input(node, &input, error) < 0)
        return FAILED;
    from = keras_shape(reader, input);
    if (read_target(keras_setting(node->config, "target_shape"), shape_count(from), &target,
                    error) < 0)
        return FAILED;
    shape.rank = target.rank;
    for (size_t axis = 0; axis < target.rank; axis++)
        shape.dims[keras_image_axis(reader, axis, target.rank)] = target.dims[axis];
    if (reader->graph->flatten_channels_last != reader->channels_last &&
        (shape_pixels(from) > 1 || shape_pixels(&shape) > 1))
        return error_set(error, "a reshape of a map with the channels first is not supported "
                         "beside a Flatten that moves them");
    return keras_add_reshape(reader, node, input, &shape, result, error);
}

int keras_permute(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                  struct error *error)
{
    const struct json_value *dims = keras_setting(node->config, "dims");
    struct layer layer = {.kind = LAYER_TRANSPOSE};
    size_t input, rank;

    if (keras_input(node, &input, error) < 0)
        return FAILED;
    rank = keras_shape(reader, input)->rank;
    if (json_tree_count(dims) != rank)
        return error_set(error, "its 'dims' are %zu, its input has %zu", json_tree_count(dims),
                         rank);
    for (size_t axis = 0; axis < rank; axis++) {
        int64_t from;

        if (!json_tree_integer(json_tree_at(dims, axis), &from) || from < 1 ||
            from > (int64_t)rank)
            return error_set(error, "its 'dims' are not valid");
        layer.permutation[keras_image_axis(reader, axis, rank)] =
            keras_image_axis(reader, (size_t)from - 1, rank);
    }
    return keras_add_simple(reader, node, &layer, result, error);
}

static int check_map(const struct keras_reader *reader, const struct keras_node *node,
                     size_t *input, struct error *error)
{
    if (keras_input(node, input, error) < 0 || keras_check_order(reader, node, error) < 0)
        return FAILED;
    if (!shape_is_map(keras_shape(reader, *input)))
        return error_set(error, "its input is not a map of channels, height and width");
    return 0;
}

int keras_padding(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                  struct error *error)
{
    struct layer layer = {.kind = LAYER_PAD, .pad = {.mode = PAD_CONSTANT}};
    size_t margins[2][2], input;

    if (check_map(reader, node, &input, error) < 0 ||
        keras_setting_margins(node->config, "padding", margins, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < 2; axis++) {
        layer.pad.before[SHAPE_HEIGHT + axis] = margins[axis][0];
        layer.pad.after[SHAPE_HEIGHT + axis] = margins[axis][1];
    }
    return keras_add_simple(reader, node, &layer, result, error);
}

/* A slice that leaves out `begin` and `end` of each axis. */
static int add_crop(struct keras_reader *reader, const struct keras_node *node, size_t input,
                    size_t margins[2][2], size_t *result, struct error *error)
{
    struct layer layer = {.kind = LAYER_SLICE};
    const struct shape *shape = keras_shape(reader, input);

    for (size_t axis = 0; axis < SHAPE_MAP_RANK; axis++) {
        size_t *count = &layer.slice.count[axis];

        layer.slice.step[axis] = 1;
        *count = shape->dims[axis];
        if (axis == SHAPE_CHANNELS)
            continue;
        layer.slice.begin[axis] = margins[axis - SHAPE_HEIGHT][0];
        if (margins[axis - SHAPE_HEIGHT][0] + margins[axis - SHAPE_HEIGHT][1] >= *count)
            return error_set(error, "it leaves nothing of its input");
        *count -= margins[axis - SHAPE_HEIGHT][0] + margins[axis - SHAPE_HEIGHT][1];
    }
    return keras_add_simple(reader, node, &layer, result, error);
}

int keras_cropping(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                   struct error *error)
{
    size_t margins[2][2], input;

    if (check_map(reader, node, &input, error) < 0 ||
        keras_setting_margins(node->config, "cropping", margins, error) < 0)
        return FAILED;
    return add_crop(reader, node, input, margins, result, error);
}

/* Nothing, where the images have the size already. */
int keras_resizing(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                   struct error *error)
{
    size_t height, width, input;
    const struct shape *shape;

    if (check_map(reader, node, &input, error) < 0 ||
        keras_setting_size(node->config, "height", 1, 0, &height, error) < 0 ||
        keras_setting_size(node->config, "width", 1, 0, &width, error) < 0)
        return FAILED;
    shape = keras_shape(reader, input);
    if (shape->dims[SHAPE_HEIGHT] != height || shape->dims[SHAPE_WIDTH] != width)
        return error_set(error, "a resize to %zux%zu inside the network is not supported", height,
                         width);
    *result = input;
    return 0;
}

int keras_concatenate(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                      struct error *error)
{
    struct layer layer = {.kind = LAYER_CONCAT, .input_count = node->input_count};
    int64_t axis = -1;

    if (node->input_count == 0)
        return error_set(error, "it has no input");
    json_tree_integer(keras_setting(node->config, "axis"), &axis);
    if (keras_axis(reader, axis, keras_shape(reader, node->inputs[0])->rank, &layer.concat_axis,
                   error) < 0)
        return FAILED;
    return keras_add(reader, node, &layer, node->inputs, result, error);
}
