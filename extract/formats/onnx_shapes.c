/*
 * What changes shapes and places but not numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/onnx_fold.h"
#include "extract/formats/onnx_reader_private.h"

int translate_alias(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    return reader_alias(reader, node, input, error);
}

int translate_cast(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    int64_t to = onnx_integer(node, "to", 1);

    if (to != 1 && to != 10 && to != 11)
        return error_set(error, "a cast to type %lld is not supported", (long long)to);
    return translate_alias(reader, node, error);
}

int translate_concat(struct reader *reader, const struct onnx_node *node, struct error *error)
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
    if (reader_axis(onnx_integer(node, "axis", 1), reader_shape(reader, inputs[0])->rank,
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
    const struct shape *shape = reader_shape(reader, layer);
    struct tensor full = {.type = TENSOR_FLOAT32, .rank = shape->rank + 1};

    full.shape[0] = (size_t)reader->batch;
    full.count = full.shape[0] * shape_count(shape);
    memcpy(full.shape + 1, shape->dims, shape->rank * sizeof shape->dims[0]);
    return full;
}

int translate_reshape(struct reader *reader, const struct onnx_node *node, struct error *error)
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

int translate_flatten(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    int64_t axis = onnx_integer(node, "axis", 1);
    struct tensor to = {.rank = 2};
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    if (axis < 0)
        axis += (int64_t)reader_shape(reader, input)->rank + 1;
    to.shape[0] = to.shape[1] = 1;
    for (size_t i = 0; i <= reader_shape(reader, input)->rank; i++)
        to.shape[(int64_t)i < axis ? 0 : 1] *= full_shape(reader, input).shape[i];
    return add_reshape(reader, node, input, &to, error);
}

int translate_squeeze(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    const struct tensor *inputs[2] = {NULL, reader_constant(reader, node, 1)};
    bool drop[SHAPE_MAX_RANK] = {false};
    int64_t axes[TENSOR_MAX_RANK];
    const struct shape *shape;
    size_t input, count;

    if (reader_layer(reader, node, 0, &input, error) < 0 ||
        onnx_axes(node, "axes", inputs, 1, axes, &count, error) < 0)
        return FAILED;
    shape = reader_shape(reader, input);
    for (size_t axis = 0; axis < shape->rank; axis++)
        drop[axis] = count == 0 && shape->dims[axis] == 1;
    for (size_t i = 0; i < count; i++) {
        size_t axis;

        if (reader_axis(axes[i], shape->rank, &axis, error) < 0)
            return FAILED;
        if (shape->dims[axis] != 1)
            return error_set(error, "it drops a dimension of %zu", shape->dims[axis]);
        drop[axis] = true;
    }
    return reader_add_dropped(reader, node, input, drop, error);
}

int translate_unsqueeze(struct reader *reader, const struct onnx_node *node, struct error *error)
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
    shape = reader_shape(reader, input);
    layer.shape.rank = shape->rank + count;
    if (layer.shape.rank > SHAPE_MAX_RANK)
        return error_set(error, "its result has too many dimensions");
    for (size_t i = 0; i < count; i++) {
        size_t axis;

        if (reader_axis(axes[i], layer.shape.rank, &axis, error) < 0)
            return FAILED;
        if (axis >= layer.shape.rank || added[axis])
            return error_set(error, "its axes are not valid");
        added[axis] = true;
    }
    for (size_t axis = 0; axis < layer.shape.rank; axis++)
        layer.shape.dims[axis] = added[axis] ? 1 : shape->dims[from++];
    return reader_add(reader, node, 0, &layer, &input, error);
}

int translate_transpose(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_TRANSPOSE};
    int64_t permutation[TENSOR_MAX_RANK];
    size_t count = onnx_integers(node, "perm", permutation, TENSOR_MAX_RANK);
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    if (count != reader_shape(reader, input)->rank + 1 || permutation[0] != 0)
        return error_set(error, "a transposition that moves the batch is not supported");
    for (size_t axis = 0; axis + 1 < count; axis++)
        layer.permutation[axis] = (size_t)(permutation[axis + 1] - 1);
    return reader_add_simple(reader, node, &layer, error);
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

/* Parts as equal as can be: only the last one is smaller ("num_outputs" of opset 18). */
static int64_t equal_part(size_t length, size_t parts, size_t part)
{
    size_t size = length / parts + (length % parts != 0), begin = part * size;

    return begin >= length ? 0 : (int64_t)(length - begin < size ? length - begin : size);
}

int translate_split(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    const struct tensor *inputs[2] = {NULL, reader_constant(reader, node, 1)};
    int64_t sizes[64];
    size_t input, axis, count, begin = 0;
    const struct shape *shape;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    shape = reader_shape(reader, input);
    if (reader_axis(onnx_integer(node, "axis", 0), shape->rank, &axis, error) < 0)
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
        size_t length = reader_shape(reader, input)->dims[axis];
        int64_t size = count != 0 ? sizes[i] : equal_part(length, node->output_count, i);

        if (size < 1 || size > (int64_t)length)
            return error_set(error, "one of its parts has %lld channels", (long long)size);
        layer.slice = whole_slice(reader_shape(reader, input));
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

int translate_slice(struct reader *reader, const struct onnx_node *node, struct error *error)
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
    layer.slice = whole_slice(reader_shape(reader, input));
    for (size_t i = 0; i < begins; i++) {
        const struct shape *shape = reader_shape(reader, input);
        int64_t full_axis = axis_count != 0 ? axes[i] : (int64_t)i;
        size_t axis;

        /* The whole batch may be named. */
        if (full_axis == 0 && begin[i] == 0 && end[i] >= reader->batch)
            continue;
        if (reader_axis(full_axis, shape->rank, &axis, error) < 0 ||
            slice_axis(&layer.slice, axis, shape->dims[axis], begin[i], end[i],
                       step_count != 0 ? steps[i] : 1, error) < 0)
            return FAILED;
    }
    return reader_add_simple(reader, node, &layer, error);
}

/* One place of an axis, which is dropped: x[:, 0] of torchvision's networks that re-map their
 * input. */
int translate_gather(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    const struct tensor *index = reader_constant(reader, node, 1);
    struct layer layer = {.kind = LAYER_SLICE, .input_count = 1};
    bool drop[SHAPE_MAX_RANK] = {false};
    const struct shape *shape;
    size_t input, axis;
    int64_t place;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    shape = reader_shape(reader, input);
    if (index == NULL || index->rank != 0 || !tensor_is_integer(index))
        return error_set(error, "it is supported for a single constant index only");
    if (reader_axis(onnx_integer(node, "axis", 0), shape->rank, &axis, error) < 0)
        return FAILED;
    place = tensor_integer(index, 0);
    layer.slice = whole_slice(shape);
    if (axis >= shape->rank ||
        slice_axis(&layer.slice, axis, shape->dims[axis], place,
                   place == -1 ? INT64_MAX : place + 1, 1, error) < 0)
        return error_set(error, "its index is outside of its input");
    drop[axis] = true;
    if (reader_add(reader, node, 0, &layer, &input, error) < 0)
        return FAILED;
    return reader_add_dropped(reader, node, reader->graph->count - 1, drop, error);
}

/* From opset 18 on, the amounts may be for some axes: those of an input. Sets amounts for all. */
static int spread_pads(const struct reader *reader, const struct onnx_node *node, size_t full_rank,
                       int64_t pads[2 * TENSOR_MAX_RANK], size_t *count, struct error *error)
{
    const struct tensor *axes = reader_constant(reader, node, 3);
    int64_t given[2 * TENSOR_MAX_RANK];

    if (axes == NULL)
        return 0;
    if (!tensor_is_integer(axes) || axes->count > TENSOR_MAX_RANK || *count != 2 * axes->count)
        return error_set(error, "its amounts do not fit its axes");
    memcpy(given, pads, sizeof given);
    *count = 2 * full_rank;
    memset(pads, 0, 2 * TENSOR_MAX_RANK * sizeof *pads);
    for (size_t i = 0; i < axes->count; i++) {
        int64_t axis = tensor_integer(axes, i);

        axis += axis < 0 ? (int64_t)full_rank : 0;
        if (axis < 0 || axis >= (int64_t)full_rank)
            return error_set(error, "it has no axis %lld", (long long)tensor_integer(axes, i));
        pads[axis] = given[i];
        pads[(size_t)axis + full_rank] = given[i + axes->count];
    }
    return 0;
}

/* The amounts are an attribute up to opset 10, an input from 11 on. */
static int read_pads(const struct reader *reader, const struct onnx_node *node, size_t rank,
                     struct pad *pad, struct error *error)
{
    int64_t pads[2 * TENSOR_MAX_RANK] = {0};
    size_t count = onnx_integers(node, "pads", pads, 2 * TENSOR_MAX_RANK);
    const struct tensor *input = reader_constant(reader, node, 1);

    if (input != NULL && tensor_is_integer(input)) {
        count = input->count;
        for (size_t i = 0; i < count && i < 2 * TENSOR_MAX_RANK; i++)
            pads[i] = tensor_integer(input, i);
    }
    if (spread_pads(reader, node, rank + 1, pads, &count, error) < 0)
        return FAILED;
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

int translate_pad(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_PAD};
    struct bytes mode = onnx_text(node, "mode");
    const struct tensor *value = reader_constant(reader, node, 2);
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0 ||
        read_pads(reader, node, reader_shape(reader, input)->rank, &layer.pad, error) < 0)
        return FAILED;
    if (bytes_are(mode, "reflect"))
        layer.pad.mode = PAD_REFLECT;
    else if (bytes_are(mode, "edge"))
        layer.pad.mode = PAD_EDGE;
    else if (mode.size > 0 && !bytes_are(mode, "constant"))
        return error_set(error, "its mode is not supported");
    layer.pad.value = onnx_float(node, "value", 0);
    if (value != NULL && value->count == 1 && value->type != TENSOR_OTHER)
        layer.pad.value = (float)tensor_real(value, 0);
    return reader_add_simple(reader, node, &layer, error);
}
