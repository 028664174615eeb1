/*
 * What moves numbers without changing them: joining, cutting, padding, other shapes.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "extract/formats/mxnet_reader_private.h"

/* CODES: the most numbers that a reshape is written with. */
enum { BATCH_RANK = SHAPE_MAX_RANK + 1, CODES = 16 };

int mxnet_concat(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    size_t *inputs = memory_allocate(node->input_count, sizeof *inputs, error);
    struct layer layer = {.kind = LAYER_CONCAT, .input_count = node->input_count};
    int outcome = FAILED;
    int64_t axis;

    if (inputs == NULL)
        return FAILED;
    if (node->input_count == 0) {
        error_set(error, "it has no inputs");
        goto out;
    }
    for (size_t i = 0; i < node->input_count; i++)
        if (mxnet_layer(reader, node, i, &inputs[i], error) < 0)
            goto out;
    if (mxnet_integer(node, "dim", 1, &axis, error) < 0 ||
        mxnet_axis(axis, mxnet_shape(reader, inputs[0])->rank, &layer.concat_axis, error) < 0)
        goto out;
    outcome = mxnet_add(reader, node, &layer, inputs, error);
out:
    free(inputs);
    return outcome;
}

int mxnet_flatten_node(struct mxnet_reader *reader, const struct mxnet_node *node,
                       struct error *error)
{
    size_t input;

    if (mxnet_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    mxnet_set_results(reader, node, input, 1);
    return mxnet_flatten(reader, node, &input, error);
}

/* ---- parts ------------------------------------------------------------------------------ */

static struct slice whole_slice(const struct shape *shape)
{
    struct slice slice = {0};

    for (size_t axis = 0; axis < shape->rank; axis++) {
        slice.step[axis] = 1;
        slice.count[axis] = shape->dims[axis];
    }
    return slice;
}

/* Equal parts along an axis, each a result of its own. */
int mxnet_slice_channel(struct mxnet_reader *reader, const struct mxnet_node *node,
                        struct error *error)
{
    struct layer layer = {.kind = LAYER_SLICE, .input_count = 1};
    size_t input, axis, length, first = reader->graph->count;
    int64_t parts, place;
    bool squeeze;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        mxnet_integer(node, "num_outputs", 0, &parts, error) < 0 ||
        mxnet_integer(node, "axis", 1, &place, error) < 0 ||
        mxnet_boolean(node, "squeeze_axis", false, &squeeze, error) < 0 ||
        mxnet_axis(place, mxnet_shape(reader, input)->rank, &axis, error) < 0)
        return FAILED;
    length = mxnet_shape(reader, input)->dims[axis];
    if (squeeze)
        return error_set(error, "'squeeze_axis' is not supported");
    if (parts < 1 || parts > MXNET_MAX_EXTENT || length % (size_t)parts != 0)
        return error_set(error, "%zu cannot be split into %lld equal parts", length,
                         (long long)parts);
    layer.slice = whole_slice(mxnet_shape(reader, input));
    layer.slice.count[axis] = length / (size_t)parts;
    for (int64_t i = 0; i < parts; i++) {
        layer.slice.begin[axis] = (size_t)i * layer.slice.count[axis];
        if (mxnet_add(reader, node, &layer, &input, error) < 0)
            return FAILED;
    }
    mxnet_set_results(reader, node, first, (size_t)parts);
    return 0;
}

int mxnet_slice_axis(struct mxnet_reader *reader, const struct mxnet_node *node,
                     struct error *error)
{
    struct layer layer = {.kind = LAYER_SLICE, .input_count = 1};
    int64_t place, begin, end, length;
    size_t input, axis;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        mxnet_integer(node, "axis", 0, &place, error) < 0 ||
        mxnet_axis(place, mxnet_shape(reader, input)->rank, &axis, error) < 0)
        return FAILED;
    length = (int64_t)mxnet_shape(reader, input)->dims[axis];
    if (mxnet_integer(node, "begin", 0, &begin, error) < 0 ||
        mxnet_integer(node, "end", length, &end, error) < 0)
        return FAILED;
    begin += begin < 0 ? length : 0;
    end += end < 0 ? length : 0;
    if (begin < 0 || end > length || begin >= end)
        return error_set(error, "it takes %lld to %lld of %lld", (long long)begin, (long long)end,
                         (long long)length);
    layer.slice = whole_slice(mxnet_shape(reader, input));
    layer.slice.begin[axis] = (size_t)begin;
    layer.slice.count[axis] = (size_t)(end - begin);
    return mxnet_add(reader, node, &layer, &input, error);
}

/* The widths are (before, after) for every axis, the batch included. */
int mxnet_pad(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_PAD, .input_count = 1};
    int64_t widths[2 * BATCH_RANK];
    size_t input, count, rank;
    double value;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        mxnet_tuple(node, "pad_width", widths, 2 * BATCH_RANK, &count, error) < 0 ||
        mxnet_real(node, "constant_value", 0, &value, error) < 0)
        return FAILED;
    rank = mxnet_shape(reader, input)->rank;
    if (count != 2 * (rank + 1) || widths[0] != 0 || widths[1] != 0)
        return error_set(error, "its 'pad_width' does not fit its input");
    for (size_t axis = 0; axis < rank; axis++) {
        const int64_t *pair = widths + 2 * (axis + 1);

        if (pair[0] < 0 || pair[0] > MXNET_MAX_EXTENT || pair[1] < 0 || pair[1] > MXNET_MAX_EXTENT)
            return error_set(error, "its 'pad_width' has %lld and %lld", (long long)pair[0],
                             (long long)pair[1]);
        layer.pad.before[axis] = (size_t)pair[0];
        layer.pad.after[axis] = (size_t)pair[1];
    }
    layer.pad.value = (float)value;
    if (mxnet_attribute_is(node, "mode", "constant", "edge"))
        layer.pad.mode = PAD_EDGE;
    else if (mxnet_attribute_is(node, "mode", "constant", "reflect"))
        layer.pad.mode = PAD_REFLECT;
    else if (!mxnet_attribute_is(node, "mode", "constant", "constant"))
        return error_set(error, "its mode '%s' is not supported", mxnet_attribute(node, "mode"));
    return mxnet_add(reader, node, &layer, &input, error);
}

/* ---- other shapes ----------------------------------------------------------------------- */

/* A shape with the batch before it, as MXNet's operators see it: a batch of one image. */
struct batch_shape {
    size_t rank;
    int64_t dims[BATCH_RANK];
};

static struct batch_shape with_batch(const struct shape *shape)
{
    struct batch_shape whole = {.rank = shape->rank + 1, .dims = {1}};

    for (size_t axis = 0; axis < shape->rank; axis++)
        whole.dims[axis + 1] = (int64_t)shape->dims[axis];
    return whole;
}

static int put_length(struct batch_shape *shape, int64_t length, struct error *error)
{
    if (shape->rank == BATCH_RANK || length < -1 || length == 0)
        return error_set(error, "its shape is not supported");
    shape->dims[shape->rank++] = length;
    return 0;
}

/* The code -4: a length becomes two, of which one may be left open. */
static int split_length(int64_t length, const int64_t *parts, struct batch_shape *to,
                        struct error *error)
{
    int64_t first = parts[0], second = parts[1], product;

    if (first == -1 && second > 0)
        first = length / second;
    else if (second == -1 && first > 0)
        second = length / first;
    if (first < 1 || second < 1 || __builtin_mul_overflow(first, second, &product) ||
        product != length)
        return error_set(error, "its shape cannot split %lld into %lld and %lld",
                         (long long)length, (long long)parts[0], (long long)parts[1]);
    return put_length(to, first, error) < 0 ? FAILED : put_length(to, second, error);
}

/* The codes of MXNet's Reshape: 0 copies a length, -1 is what remains, -2 copies all that follow,
 * -3 joins two, -4 splits one into the two numbers behind it. */
static int apply_codes(const struct batch_shape *from, const int64_t *codes, size_t count,
                       struct batch_shape *to, struct error *error)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        int outcome = 0;

        if (codes[i] == -2) {
            while (outcome == 0 && at < from->rank)
                outcome = put_length(to, from->dims[at++], error);
        } else if (codes[i] > 0 || codes[i] == -1) {
            outcome = put_length(to, codes[i], error);
            at++;
        } else if (at + (codes[i] == -3) >= from->rank ||
                   (codes[i] == -4 && count - i < 3)) {
            outcome = error_set(error, "its shape does not fit its input");
        } else if (codes[i] == 0) {
            outcome = put_length(to, from->dims[at++], error);
        } else if (codes[i] == -3) {
            outcome = put_length(to, from->dims[at] * from->dims[at + 1], error);
            at += 2;
        } else {
            outcome = split_length(from->dims[at++], codes + i + 1, to, error);
            i += 2;
        }
        if (outcome < 0)
            return FAILED;
    }
    return 0;
}

/* Works out the length that is left open, and drops the batch. */
static int finish_shape(struct batch_shape *whole, size_t elements, struct shape *shape,
                        struct error *error)
{
    int64_t product = 1, *open = NULL;

    for (size_t axis = 0; axis < whole->rank; axis++) {
        if (whole->dims[axis] > 0 &&
            __builtin_mul_overflow(product, whole->dims[axis], &product))
            return error_set(error, "its shape is too large");
        if (whole->dims[axis] == -1 && open != NULL)
            return error_set(error, "its shape leaves two lengths open");
        if (whole->dims[axis] == -1)
            open = &whole->dims[axis];
    }
    if (open != NULL)
        *open = (int64_t)elements / product;
    if (whole->rank < 2 || whole->dims[0] != 1)
        return error_set(error, "it works across the images of a batch, which is not supported");
    shape->rank = whole->rank - 1;
    for (size_t axis = 0; axis < shape->rank; axis++)
        shape->dims[axis] = (size_t)whole->dims[axis + 1];
    return 0;
}

/* Files of up to 0.8 say "target_shape", where 0 is what remains. */
static int read_codes(const struct mxnet_node *node, int64_t *codes, size_t *count,
                      struct error *error)
{
    bool reverse;

    if (mxnet_boolean(node, "reverse", false, &reverse, error) < 0 ||
        mxnet_tuple(node, "shape", codes, CODES, count, error) < 0)
        return FAILED;
    if (reverse)
        return error_set(error, "'reverse' is not supported");
    if (*count > 0)
        return 0;
    if (mxnet_tuple(node, "target_shape", codes, CODES, count, error) < 0)
        return FAILED;
    for (size_t i = 0; i < *count; i++)
        codes[i] = codes[i] == 0 ? -1 : codes[i];
    return 0;
}

int mxnet_reshape(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_RESHAPE, .input_count = 1};
    struct batch_shape from, to = {0};
    int64_t codes[CODES];
    size_t input, count;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        read_codes(node, codes, &count, error) < 0)
        return FAILED;
    from = with_batch(mxnet_shape(reader, input));
    if (apply_codes(&from, codes, count, &to, error) < 0 ||
        finish_shape(&to, shape_count(mxnet_shape(reader, input)), &layer.shape, error) < 0)
        return FAILED;
    return mxnet_add(reader, node, &layer, &input, error);
}

int mxnet_expand_dims(struct mxnet_reader *reader, const struct mxnet_node *node,
                      struct error *error)
{
    struct layer layer = {.kind = LAYER_RESHAPE, .input_count = 1};
    const struct shape *shape;
    size_t input, axis;
    int64_t place;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        mxnet_integer(node, "axis", 0, &place, error) < 0)
        return FAILED;
    shape = mxnet_shape(reader, input);
    if (mxnet_axis(place, shape->rank + 1, &axis, error) < 0)
        return FAILED;
    if (shape->rank == SHAPE_MAX_RANK)
        return error_set(error, "its result has too many dimensions");
    for (size_t i = 0; i < shape->rank + 1; i++)
        layer.shape.dims[i] = i == axis ? 1 : shape->dims[i < axis ? i : i - 1];
    layer.shape.rank = shape->rank + 1;
    return mxnet_add(reader, node, &layer, &input, error);
}

/* ---- other orders ----------------------------------------------------------------------- */

int mxnet_swap_axis(struct mxnet_reader *reader, const struct mxnet_node *node,
                    struct error *error)
{
    struct layer layer = {.kind = LAYER_TRANSPOSE, .input_count = 1};
    int64_t first, second;
    size_t input, rank, a, b;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        mxnet_integer(node, "dim1", 0, &first, error) < 0 ||
        mxnet_integer(node, "dim2", 0, &second, error) < 0)
        return FAILED;
    rank = mxnet_shape(reader, input)->rank;
    if (mxnet_axis(first, rank, &a, error) < 0 || mxnet_axis(second, rank, &b, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < rank; axis++)
        layer.permutation[axis] = axis == a ? b : axis == b ? a : axis;
    return mxnet_add(reader, node, &layer, &input, error);
}

int mxnet_transpose(struct mxnet_reader *reader, const struct mxnet_node *node,
                    struct error *error)
{
    struct layer layer = {.kind = LAYER_TRANSPOSE, .input_count = 1};
    int64_t axes[BATCH_RANK];
    size_t input, rank, count;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        mxnet_tuple(node, "axes", axes, BATCH_RANK, &count, error) < 0)
        return FAILED;
    rank = mxnet_shape(reader, input)->rank;
    if (count != rank + 1 || axes[0] != 0)
        return error_set(error, "its axes do not keep the images of a batch apart");
    for (size_t axis = 0; axis < rank; axis++)
        if (mxnet_axis(axes[axis + 1], rank, &layer.permutation[axis], error) < 0)
            return FAILED;
    return mxnet_add(reader, node, &layer, &input, error);
}
