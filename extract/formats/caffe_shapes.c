/*
 * Layers that move numbers and do not change them, and the softmax.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/caffe_reader_private.h"

int caffe_axis(int64_t full_axis, size_t rank, size_t *axis, struct error *error)
{
    int64_t number = full_axis < 0 ? full_axis + (int64_t)rank + 1 : full_axis;

    if (number < 1 || number > (int64_t)rank)
        return error_set(error, "axis %lld is not supported", (long long)full_axis);
    *axis = (size_t)number - 1;
    return 0;
}

/* A layer's `axis`, or what it was called before. */
static int read_axis(const struct caffe_reader *reader, const struct caffe_layer *layer,
                     const char *message, const char *old_name, size_t rank, size_t *axis,
                     struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *parameters =
        caffe_parameters(reader->definition, layer, message);
    int64_t number = 1;

    if (prototext_integer(text, parameters, old_name, -TENSOR_MAX_RANK, TENSOR_MAX_RANK, &number,
                          error) < 0 ||
        prototext_integer(text, parameters, "axis", -TENSOR_MAX_RANK, TENSOR_MAX_RANK, &number,
                          error) < 0)
        return FAILED;
    return caffe_axis(number, rank, axis, error);
}

/* Dropout and Split: every result is the input. */
int caffe_translate_alias(struct caffe_reader *reader, const struct caffe_layer *layer,
                          struct error *error)
{
    size_t input;

    if (caffe_input(reader, layer, 0, &input, error) < 0)
        return FAILED;
    for (size_t top = 0; top < layer->top_count; top++)
        if (caffe_name(reader, layer, top, input, error) < 0)
            return FAILED;
    return 0;
}

int caffe_translate_concat(struct caffe_reader *reader, const struct caffe_layer *layer,
                           struct error *error)
{
    struct layer added = {.kind = LAYER_CONCAT, .input_count = layer->bottom_count};
    size_t input;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        read_axis(reader, layer, "concat_param", "concat_dim", caffe_shape(reader, input)->rank,
                  &added.concat_axis, error) < 0)
        return FAILED;
    return caffe_add_simple(reader, layer, &added, error);
}

/* Where each result begins, and behind the last where that ends; out: [top_count + 1]. */
static int read_slice_points(const struct caffe_reader *reader, const struct caffe_layer *layer,
                             size_t length, size_t *points, struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *field =
        prototext_find(text, caffe_parameters(reader->definition, layer, "slice_param"),
                       "slice_point");
    size_t tops = layer->top_count, count = 0;

    for (; field != NULL; field = prototext_find_next(text, field, "slice_point")) {
        int64_t point;

        if (prototext_integer_of(field, (int64_t)points[count] + 1, (int64_t)length - 1, &point,
                                 error) < 0)
            return FAILED;
        if (++count >= tops)
            break;
        points[count] = (size_t)point;
    }
    if (count == 0 && length % tops == 0)
        while (++count < tops)
            points[count] = count * (length / tops);
    else
        count++;
    if (count != tops)
        return error_set(error, "it cannot be cut into %zu results", tops);
    points[tops] = length;
    return 0;
}

static int add_slices(struct caffe_reader *reader, const struct caffe_layer *layer, size_t input,
                      size_t axis, const size_t *points, struct error *error)
{
    for (size_t top = 0; top < layer->top_count; top++) {
        struct layer added = {.kind = LAYER_SLICE, .input_count = 1};
        const struct shape *shape = caffe_shape(reader, input);
        size_t index;

        for (size_t i = 0; i < shape->rank; i++) {
            added.slice.step[i] = 1;
            added.slice.count[i] = shape->dims[i];
        }
        added.slice.begin[axis] = points[top];
        added.slice.count[axis] = points[top + 1] - points[top];
        added.name = layer->tops[top];
        if (caffe_add(reader, layer, &added, &input, &index, error) < 0 ||
            caffe_name(reader, layer, top, index, error) < 0)
            return FAILED;
    }
    return 0;
}

int caffe_translate_slice(struct caffe_reader *reader, const struct caffe_layer *layer,
                          struct error *error)
{
    size_t *points = memory_allocate(layer->top_count + 1, sizeof *points, error);
    size_t input, axis;
    int outcome = FAILED;

    if (points == NULL)
        return FAILED;
    if (caffe_input(reader, layer, 0, &input, error) == 0 &&
        read_axis(reader, layer, "slice_param", "slice_dim", caffe_shape(reader, input)->rank,
                  &axis, error) == 0 &&
        read_slice_points(reader, layer, caffe_shape(reader, input)->dims[axis], points,
                          error) == 0)
        outcome = add_slices(reader, layer, input, axis, points, error);
    free(points);
    return outcome;
}

int caffe_translate_flatten(struct caffe_reader *reader, const struct caffe_layer *layer,
                            struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message =
        caffe_parameters(reader->definition, layer, "flatten_param");
    int64_t first = 1, last = -1;
    const struct shape *from;
    struct shape to = {0};
    size_t input, index, begin = 0, end = 0;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        prototext_integer(text, message, "axis", -TENSOR_MAX_RANK, TENSOR_MAX_RANK, &first,
                          error) < 0 ||
        prototext_integer(text, message, "end_axis", -TENSOR_MAX_RANK, TENSOR_MAX_RANK, &last,
                          error) < 0)
        return FAILED;
    from = caffe_shape(reader, input);
    if (caffe_axis(first, from->rank, &begin, error) < 0 ||
        caffe_axis(last, from->rank, &end, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < from->rank; axis++) {
        if (axis > begin && axis <= end)
            to.dims[to.rank - 1] *= from->dims[axis];
        else
            to.dims[to.rank++] = from->dims[axis];
    }
    if (caffe_add_reshape(reader, layer, input, &to, &index, error) < 0)
        return FAILED;
    return caffe_name(reader, layer, 0, index, error);
}

/* ---- reshape ---------------------------------------------------------------------------- */

/* A shape with the batch before it; its length stands as 1. */
struct full_shape {
    int64_t dims[TENSOR_MAX_RANK];
    size_t rank;
};

static int append(struct full_shape *shape, int64_t length, struct error *error)
{
    if (shape->rank == TENSOR_MAX_RANK)
        return error_set(error, "its shape has too many dimensions");
    shape->dims[shape->rank++] = length;
    return 0;
}

/* The axes of `from` that `axis` and `num_axes` name are replaced by the lengths of `shape`, of
 * which 0 copies and -1 stays to be worked out. */
static int replace_axes(const struct caffe_reader *reader, const struct caffe_layer *layer,
                        const struct full_shape *from, struct full_shape *to, struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message =
        caffe_parameters(reader->definition, layer, "reshape_param");
    const struct prototext_field *field = prototext_find(
        text, prototext_find(text, message, "shape"), "dim");
    int64_t begin = 0, count = -1, rank = (int64_t)from->rank;

    if (prototext_integer(text, message, "axis", -rank - 1, rank, &begin, error) < 0)
        return FAILED;
    begin = begin < 0 ? begin + rank + 1 : begin;
    if (prototext_integer(text, message, "num_axes", -1, rank - begin, &count, error) < 0)
        return FAILED;
    count = count < 0 ? rank - begin : count;
    for (int64_t axis = 0; axis < begin; axis++)
        append(to, from->dims[axis], error);
    for (; field != NULL; field = prototext_find_next(text, field, "dim")) {
        int64_t length;

        if (prototext_integer_of(field, -1, 1 << 28, &length, error) < 0)
            return FAILED;
        if (length == 0 && to->rank >= from->rank)
            return error_set(error, "its shape copies an axis that its input does not have");
        if (append(to, length == 0 ? from->dims[to->rank] : length, error) < 0)
            return FAILED;
    }
    for (int64_t axis = begin + count; axis < rank; axis++)
        if (append(to, from->dims[axis], error) < 0)
            return FAILED;
    return 0;
}

/* Works out the length that is -1. A batch that was worked out to 1 stays the batch. */
static int resolve(struct full_shape *shape, size_t count, struct error *error)
{
    size_t known = 1, open = TENSOR_MAX_RANK;

    for (size_t axis = 0; axis < shape->rank; axis++) {
        if (shape->dims[axis] < 0) {
            if (open < TENSOR_MAX_RANK)
                return error_set(error, "its shape leaves more than one length open");
            open = axis;
        } else if (!size_multiply(known, (size_t)shape->dims[axis], &known)) {
            return error_set(error, "its shape is too large");
        }
    }
    if (open == TENSOR_MAX_RANK)
        return 0;
    if (known == 0 || count % known != 0)
        return error_set(error, "its shape does not divide %zu numbers", count);
    shape->dims[open] = (int64_t)(count / known);
    return 0;
}

int caffe_translate_reshape(struct caffe_reader *reader, const struct caffe_layer *layer,
                            struct error *error)
{
    struct full_shape from = {.dims = {1}, .rank = 1}, to = {.rank = 0};
    const struct shape *shape;
    struct shape result = {0};
    size_t input, index;

    if (caffe_input(reader, layer, 0, &input, error) < 0)
        return FAILED;
    shape = caffe_shape(reader, input);
    for (size_t axis = 0; axis < shape->rank; axis++)
        if (append(&from, (int64_t)shape->dims[axis], error) < 0)
            return FAILED;
    if (replace_axes(reader, layer, &from, &to, error) < 0 ||
        resolve(&to, shape_count(shape), error) < 0)
        return FAILED;
    if (to.rank < 2 || to.rank > SHAPE_MAX_RANK + 1 || to.dims[0] != 1)
        return error_set(error, "its shape does not keep the images apart");
    result.rank = to.rank - 1;
    for (size_t axis = 0; axis < result.rank; axis++)
        result.dims[axis] = (size_t)to.dims[axis + 1];
    if (caffe_add_reshape(reader, layer, input, &result, &index, error) < 0)
        return FAILED;
    return caffe_name(reader, layer, 0, index, error);
}

/* ---- the rest --------------------------------------------------------------------------- */

/* With a loss, the probabilities are its second result. */
int caffe_translate_softmax(struct caffe_reader *reader, const struct caffe_layer *layer,
                            struct error *error)
{
    bool loss = strcmp(layer->type, "SoftmaxWithLoss") == 0;
    struct layer added = {.kind = LAYER_SOFTMAX, .input_count = 1};
    size_t input, index, axis, rank;

    if (caffe_input(reader, layer, 0, &input, error) < 0)
        return FAILED;
    rank = caffe_shape(reader, input)->rank;
    if (read_axis(reader, layer, "softmax_param", "axis", rank, &axis, error) < 0)
        return FAILED;
    if (axis != 0 || (rank != 1 && rank != SHAPE_MAP_RANK))
        return error_set(error, "it is supported over channels only");
    added.softmax_channels = rank == SHAPE_MAP_RANK;
    if (caffe_add(reader, layer, &added, &input, &index, error) < 0)
        return FAILED;
    reader->last = index;
    return caffe_name(reader, layer, loss ? 1 : 0, index, error);
}

int caffe_translate_shuffle(struct caffe_reader *reader, const struct caffe_layer *layer,
                            struct error *error)
{
    struct layer added = {.kind = LAYER_SHUFFLE, .input_count = 1, .shuffle_groups = 1};
    const struct shape *shape;
    size_t input;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        caffe_size(reader, layer, "shuffle_channel_param", "group", 1, CAFFE_MAX_EXTENT,
                   &added.shuffle_groups, error) < 0)
        return FAILED;
    shape = caffe_shape(reader, input);
    if (!shape_is_map(shape) || shape->dims[SHAPE_CHANNELS] % added.shuffle_groups != 0)
        return error_set(error, "its input is no map whose channels make %zu groups",
                         added.shuffle_groups);
    return caffe_add_simple(reader, layer, &added, error);
}
