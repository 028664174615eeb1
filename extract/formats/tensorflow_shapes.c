/*
 * What changes shapes and places but not numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/tensorflow_extents.h"
#include "extract/formats/tensorflow_reader_private.h"

/* Above this no network splits its channels. */
enum { MAX_PARTS = 256 };

int tensorflow_alias(struct reader *reader, const struct tensorflow_node *node,
                     struct error *error)
{
    struct value value;

    if (tensorflow_input_in_pieces(reader, node, 0, &value, error) < 0)
        return FAILED;
    return tensorflow_set(reader, node, 0, &value, error);
}

int tensorflow_cast(struct reader *reader, const struct tensorflow_node *node,
                    struct error *error)
{
    int64_t to = tensorflow_data_type(node, "DstT", 0);

    if (to != TENSORFLOW_FLOAT && to != TENSORFLOW_HALF && to != TENSORFLOW_DOUBLE)
        return error_set(error, "a cast to type %lld is not supported", (long long)to);
    return tensorflow_alias(reader, node, error);
}

/* ConcatV2 has its axis behind what it joins, Concat before. */
static int add_concat(struct reader *reader, const struct tensorflow_node *node, size_t *inputs,
                      struct error *error)
{
    size_t first = strcmp(node->operator, "Concat") == 0 ? 1 : 0, rank, axis;
    const struct tensor *given = tensorflow_constant(reader, node,
                                                     first == 1 ? 0 : node->input_count - 1);
    struct layer layer = {.kind = LAYER_CONCAT, .input_count = node->input_count - 1};
    struct value value, other;

    if (tensorflow_input(reader, node, first, &value, error) < 0)
        return FAILED;
    rank = tensorflow_layer_shape(reader, &value)->rank + 1;
    if (tensorflow_constant_axis(given, rank, &axis, error) < 0 ||
        tensorflow_axis(reader, &value, (int64_t)axis, &layer.concat_axis, error) < 0)
        return FAILED;
    inputs[0] = value.layer;
    for (size_t i = 1; i < layer.input_count; i++) {
        if (tensorflow_input(reader, node, first + i, &other, error) < 0 ||
            tensorflow_turn(reader, node, value.channels_first, &other, error) < 0)
            return FAILED;
        inputs[i] = other.layer;
    }
    return tensorflow_add(reader, node, 0, &layer, inputs, &value, error);
}

int tensorflow_concat(struct reader *reader, const struct tensorflow_node *node,
                      struct error *error)
{
    size_t *inputs;
    int outcome;

    if (node->input_count < 2)
        return error_set(error, "it has no inputs");
    inputs = memory_allocate(node->input_count, sizeof *inputs, error);
    if (inputs == NULL)
        return FAILED;
    outcome = add_concat(reader, node, inputs, error);
    free(inputs);
    return outcome;
}

int tensorflow_reshape(struct reader *reader, const struct tensorflow_node *node,
                       struct error *error)
{
    const struct tensor *target = tensorflow_constant(reader, node, 1);
    size_t from[TENSOR_MAX_RANK], to[TENSOR_MAX_RANK], rank, count = 1;
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    rank = tensorflow_file_shape(reader, &value, from);
    for (size_t axis = 0; axis < rank; axis++)
        count *= from[axis];
    if (tensorflow_reshape_shape(target, count, to, &rank, error) < 0)
        return FAILED;
    return tensorflow_add_reshape(reader, node, 0, &value, to, rank, error);
}

int tensorflow_squeeze(struct reader *reader, const struct tensorflow_node *node,
                       struct error *error)
{
    size_t from[TENSOR_MAX_RANK], to[TENSOR_MAX_RANK], rank;
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    rank = tensorflow_file_shape(reader, &value, from);
    if (tensorflow_squeezed_shape(node, 1, from, rank, to, &rank, error) < 0)
        return FAILED;
    return tensorflow_add_reshape(reader, node, 0, &value, to, rank, error);
}

int tensorflow_expand_dims(struct reader *reader, const struct tensorflow_node *node,
                           struct error *error)
{
    size_t from[TENSOR_MAX_RANK], to[TENSOR_MAX_RANK], rank;
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    rank = tensorflow_file_shape(reader, &value, from);
    if (tensorflow_expanded_shape(tensorflow_constant(reader, node, 1), from, rank, to, error) < 0)
        return FAILED;
    return tensorflow_add_reshape(reader, node, 0, &value, to, rank + 1, error);
}

static bool is_identity(const size_t *permutation, size_t rank)
{
    for (size_t axis = 0; axis < rank; axis++)
        if (permutation[axis] != axis)
            return false;
    return true;
}

/* The axes of a map change their order in the file, but perhaps not their meaning: from (height,
 * width, channels) to (channels, height, width) nothing moves. */
static int add_transpose(struct reader *reader, const struct tensorflow_node *node,
                         const struct value *value, const size_t *given, struct error *error)
{
    struct layer layer = {.kind = LAYER_TRANSPOSE};
    struct value turned = *value;
    size_t rank = tensorflow_layer_shape(reader, value)->rank;

    for (size_t tries = 0; tries < 2; tries++) {
        turned.channels_first = value->channels_first != (tries == 0);
        for (size_t axis = 1; axis <= rank; axis++)
            layer.permutation[tensorflow_graph_axis(reader, &turned, axis)] =
                tensorflow_graph_axis(reader, value, given[axis]);
        if (is_identity(layer.permutation, rank))
            return tensorflow_set(reader, node, 0, &turned, error);
    }
    return tensorflow_add_simple(reader, node, &layer, value, error);
}

int tensorflow_transpose(struct reader *reader, const struct tensorflow_node *node,
                         struct error *error)
{
    const struct tensor *permutation = tensorflow_constant(reader, node, 1);
    size_t given[TENSOR_MAX_RANK];
    struct value value;
    size_t rank;

    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    rank = tensorflow_layer_shape(reader, &value)->rank + 1;
    if (permutation == NULL || !tensor_is_integer(permutation) || permutation->count != rank)
        return error_set(error, "its permutation is not a constant that fits its input");
    for (size_t axis = 0; axis < rank; axis++) {
        int64_t from = tensor_integer(permutation, axis);

        if (from < 0 || from >= (int64_t)rank)
            return error_set(error, "its permutation is not valid");
        if ((axis == 0) != (from == 0))
            return error_set(error, "a transposition that moves the batch is not supported");
        given[axis] = (size_t)from;
    }
    return add_transpose(reader, node, &value, given, error);
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

int tensorflow_slice(struct reader *reader, const struct tensorflow_node *node,
                     struct error *error)
{
    const struct tensor *inputs[4] = {NULL};
    struct tensorflow_range ranges[TENSOR_MAX_RANK];
    size_t shape[TENSOR_MAX_RANK], left[TENSOR_MAX_RANK], rank, kept = 0;
    struct layer layer = {.kind = LAYER_SLICE};
    struct value value;

    for (size_t i = 1; i < 4; i++)
        inputs[i] = tensorflow_constant(reader, node, i);
    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    rank = tensorflow_file_shape(reader, &value, shape);
    if (tensorflow_ranges(node, inputs, shape, rank, ranges, error) < 0)
        return FAILED;
    if (ranges[0].count != shape[0] || ranges[0].step != 1 || ranges[0].dropped)
        return error_set(error, "it takes some images of a batch, which is not supported");
    for (size_t axis = 0; axis < rank; axis++) {
        if (axis > 0) {
            size_t at = tensorflow_graph_axis(reader, &value, axis);

            layer.slice.begin[at] = (size_t)ranges[axis].begin;
            layer.slice.step[at] = ranges[axis].step;
            layer.slice.count[at] = ranges[axis].count;
        }
        if (!ranges[axis].dropped)
            left[kept++] = ranges[axis].count;
    }
    if (tensorflow_add_simple(reader, node, &layer, &value, error) < 0)
        return FAILED;
    if (kept == rank)
        return 0;
    value.layer = reader->graph->count - 1;
    return tensorflow_add_reshape(reader, node, 0, &value, left, kept, error);
}

/* Split (axis, tensor) makes equal parts, SplitV (tensor, sizes, axis) parts of these sizes. */
static int read_parts(const struct reader *reader, const struct tensorflow_node *node,
                      size_t length, size_t *sizes, size_t *count, struct error *error)
{
    const struct tensor *given = tensorflow_constant(reader, node, 1);
    int64_t parts = tensorflow_integer(node, "num_split", 0), rest = (int64_t)length;
    bool equal = strcmp(node->operator, "Split") == 0;
    size_t open = SIZE_MAX;

    if (parts < 1 || parts > MAX_PARTS || (equal && length % (size_t)parts != 0) ||
        (!equal && (given == NULL || !tensor_is_integer(given) ||
                    given->count != (size_t)parts)))
        return error_set(error, "its parts do not fit its input");
    *count = (size_t)parts;
    for (size_t i = 0; i < *count; i++) {
        int64_t size = equal ? (int64_t)length / parts : tensor_integer(given, i);

        if (size == -1 && open == SIZE_MAX) {
            open = i;
            continue;
        }
        if (size < 1 || size > rest)
            return error_set(error, "one of its parts has a length of %lld", (long long)size);
        sizes[i] = (size_t)size;
        rest -= size;
    }
    if (open != SIZE_MAX)
        sizes[open] = (size_t)rest;
    return open != SIZE_MAX || rest == 0 ? 0
                                         : error_set(error, "its parts do not fit its input");
}

int tensorflow_split(struct reader *reader, const struct tensorflow_node *node,
                     struct error *error)
{
    bool equal = strcmp(node->operator, "Split") == 0;
    size_t sizes[MAX_PARTS], count = 0, axis, begin = 0, rank;
    struct value value;

    if (tensorflow_input(reader, node, equal ? 1 : 0, &value, error) < 0)
        return FAILED;
    rank = tensorflow_layer_shape(reader, &value)->rank + 1;
    if (tensorflow_constant_axis(tensorflow_constant(reader, node, equal ? 0 : 2), rank, &axis,
                                 error) < 0 ||
        tensorflow_axis(reader, &value, (int64_t)axis, &axis, error) < 0 ||
        read_parts(reader, node, tensorflow_layer_shape(reader, &value)->dims[axis], sizes,
                   &count, error) < 0)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        struct layer layer = {.kind = LAYER_SLICE, .input_count = 1};
        size_t input = value.layer;

        layer.slice = whole_slice(tensorflow_layer_shape(reader, &value));
        layer.slice.begin[axis] = begin;
        layer.slice.count[axis] = sizes[i];
        begin += sizes[i];
        if (tensorflow_add(reader, node, i, &layer, &input, &value, error) < 0)
            return FAILED;
    }
    return 0;
}

/* Amounts before and after each axis; those of the batch are 0. */
static int read_amounts(const struct reader *reader, const struct tensorflow_node *node,
                        const struct value *value, struct pad *pad, struct error *error)
{
    const struct tensor *amounts = tensorflow_constant(reader, node, 1);
    size_t rank = tensorflow_layer_shape(reader, value)->rank + 1;

    if (amounts == NULL || !tensor_is_integer(amounts) || amounts->count != 2 * rank)
        return error_set(error, "its amounts are not constants that fit its input");
    for (size_t i = 0; i < 2 * rank; i++) {
        int64_t amount = tensor_integer(amounts, i);
        size_t axis = i / 2;

        if (amount < 0 || amount > TENSORFLOW_MAX_EXTENT || (axis == 0 && amount != 0))
            return error_set(error, "it pads by %lld", (long long)amount);
        if (axis > 0)
            (i % 2 == 0 ? pad->before : pad->after)[tensorflow_graph_axis(reader, value, axis)] =
                (size_t)amount;
    }
    return 0;
}

int tensorflow_pad(struct reader *reader, const struct tensorflow_node *node, struct error *error)
{
    const struct tensor *number = tensorflow_constant(reader, node, 2);
    struct layer layer = {.kind = LAYER_PAD};
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0 ||
        read_amounts(reader, node, &value, &layer.pad, error) < 0)
        return FAILED;
    if (strcmp(node->operator, "MirrorPad") == 0) {
        if (!bytes_are(tensorflow_text(node, "mode"), "REFLECT"))
            return error_set(error, "its mode is not supported");
        layer.pad.mode = PAD_REFLECT;
    }
    if (strcmp(node->operator, "PadV2") == 0) {
        if (number == NULL || number->count != 1 || number->type == TENSOR_OTHER)
            return error_set(error, "its number is not a constant");
        layer.pad.value = (float)tensor_real(number, 0);
    }
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}
