#include "extract/formats/tensorflow_extents.h"

#include <string.h>

#include "common/memory.h"
#include "extract/formats/tensorflow_attributes.h"

static bool is_integers(const struct tensor *tensor)
{
    return tensor != NULL && tensor_is_integer(tensor) && tensor->rank <= 1;
}

int tensorflow_constant_axis(const struct tensor *tensor, size_t rank, size_t *axis,
                             struct error *error)
{
    int64_t value;

    if (!is_integers(tensor) || tensor->count != 1)
        return error_set(error, "its axis is not a constant integer");
    value = tensor_integer(tensor, 0);
    if (value < 0)
        value += (int64_t)rank;
    if (value < 0 || value >= (int64_t)rank)
        return error_set(error, "its axis is outside of its input");
    *axis = (size_t)value;
    return 0;
}

int tensorflow_reshape_shape(const struct tensor *target, size_t count, size_t *shape,
                             size_t *rank, struct error *error)
{
    size_t known = 1, open = SIZE_MAX;

    if (!is_integers(target) || target->count > TENSOR_MAX_RANK)
        return error_set(error, "its target shape is not a short list of constant integers");
    *rank = target->count;
    for (size_t axis = 0; axis < *rank; axis++) {
        int64_t length = tensor_integer(target, axis);

        if (length == -1 && open == SIZE_MAX)
            open = axis;
        else if (length < 0 || !size_multiply(known, (size_t)length, &known))
            return error_set(error, "its target shape is not valid");
        shape[axis] = (size_t)length;
    }
    if (open != SIZE_MAX)
        shape[open] = known > 0 ? count / known : 0;
    if ((open != SIZE_MAX ? known * shape[open] : known) != count)
        return error_set(error, "it makes %zu numbers from %zu", known, count);
    return 0;
}

int tensorflow_squeezed_shape(const struct tensorflow_node *node, size_t first,
                              const size_t *shape, size_t rank, size_t *squeezed,
                              size_t *squeezed_rank, struct error *error)
{
    int64_t axes[TENSOR_MAX_RANK];
    size_t count = tensorflow_integers(node, "squeeze_dims", axes, TENSOR_MAX_RANK);
    bool drop[TENSOR_MAX_RANK] = {false};

    if (count > TENSOR_MAX_RANK)
        return error_set(error, "its 'squeeze_dims' are too many");
    for (size_t axis = first; axis < rank; axis++)
        drop[axis] = count == 0 && shape[axis] == 1;
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + (int64_t)rank : axes[i];

        if (axis < (int64_t)first || axis >= (int64_t)rank)
            return error_set(error, "it drops axis %lld", (long long)axes[i]);
        if (shape[axis] != 1)
            return error_set(error, "it drops a dimension of %zu", shape[axis]);
        drop[axis] = true;
    }
    *squeezed_rank = 0;
    for (size_t axis = 0; axis < rank; axis++)
        if (!drop[axis])
            squeezed[(*squeezed_rank)++] = shape[axis];
    return 0;
}

int tensorflow_expanded_shape(const struct tensor *axis, const size_t *shape, size_t rank,
                              size_t *expanded, struct error *error)
{
    size_t place;

    if (rank == TENSOR_MAX_RANK)
        return error_set(error, "its result has too many dimensions");
    if (tensorflow_constant_axis(axis, rank + 1, &place, error) < 0)
        return FAILED;
    memcpy(expanded, shape, place * sizeof *shape);
    expanded[place] = 1;
    memcpy(expanded + place + 1, shape + place, (rank - place) * sizeof *shape);
    return 0;
}

/* ---- slices ----------------------------------------------------------------------------- */

struct bound {
    int64_t begin, end, step;
    bool open_begin, open_end, dropped;
};

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Positions below 0 count from the end; bounds outside are clamped. */
static int set_range(struct tensorflow_range *range, const struct bound *bound, size_t length,
                     struct error *error)
{
    int64_t size = (int64_t)length, step = bound->step;
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    int64_t begin = bound->begin < 0 && bound->begin >= -size ? bound->begin + size : bound->begin;
    int64_t end = bound->end < 0 && bound->end >= -size ? bound->end + size : bound->end;
    int64_t span;

    if (bound->dropped) {
        if (begin < 0 || begin >= size || step < 1)
            return error_set(error, "it takes a place outside of its input");
        *range = (struct tensorflow_range){begin, 1, 1, true};
        return 0;
    }
    if (step == 0 || step > INT32_MAX || step < -INT32_MAX)
        return error_set(error, "its step is %lld", (long long)step);
    begin = bound->open_begin ? (step > 0 ? low : high) : clamp(begin, low, high);
    end = bound->open_end ? (step > 0 ? high : low) : clamp(end, low, high);
    span = step > 0 ? end - begin : begin - end;
    *range = (struct tensorflow_range){begin, step, 0, false};
    if (span > 0)
        range->count = (size_t)((span - 1) / (step > 0 ? step : -step) + 1);
    return 0;
}

static bool has_bit(const struct tensorflow_node *node, const char *mask, size_t bit)
{
    return bit < 32 && (tensorflow_integer(node, mask, 0) >> bit & 1) != 0;
}

/* inputs: the tensor, begin, end, strides; a bit of a mask belongs to a place of these lists. */
static int strided_ranges(const struct tensorflow_node *node, const struct tensor *const *inputs,
                          const size_t *shape, size_t rank, struct tensorflow_range *ranges,
                          struct error *error)
{
    size_t count = inputs[1]->count, axis = 0;

    if (inputs[2]->count != count || inputs[3]->count != count || count > TENSOR_MAX_RANK)
        return error_set(error, "its bounds do not fit each other");
    if (tensorflow_integer(node, "new_axis_mask", 0) != 0)
        return error_set(error, "new axes are not supported");
    for (size_t i = 0; i < count; i++) {
        struct bound bound = {
            tensor_integer(inputs[1], i), tensor_integer(inputs[2], i),
            tensor_integer(inputs[3], i), has_bit(node, "begin_mask", i),
            has_bit(node, "end_mask", i), has_bit(node, "shrink_axis_mask", i),
        };

        if (has_bit(node, "ellipsis_mask", i)) {
            axis = rank + i + 1 >= count ? rank + i + 1 - count : 0;
            continue;
        }
        if (axis >= rank)
            return error_set(error, "its bounds are for more than %zu axes", rank);
        if (set_range(&ranges[axis], &bound, shape[axis], error) < 0)
            return FAILED;
        axis++;
    }
    return 0;
}

/* inputs: the tensor, begin, size; a size of -1 goes to the end. */
static int sized_ranges(const struct tensor *const *inputs, const size_t *shape, size_t rank,
                        struct tensorflow_range *ranges, struct error *error)
{
    if (inputs[1]->count != rank || inputs[2]->count != rank)
        return error_set(error, "its bounds do not fit its input");
    for (size_t axis = 0; axis < rank; axis++) {
        int64_t begin = tensor_integer(inputs[1], axis), size = tensor_integer(inputs[2], axis);
        int64_t length = (int64_t)shape[axis];

        if (begin < 0 || begin > length || size < -1 || size > length - begin)
            return error_set(error, "it takes places outside of its input");
        ranges[axis] = (struct tensorflow_range){
            begin, 1, (size_t)(size < 0 ? length - begin : size), false};
    }
    return 0;
}

int tensorflow_ranges(const struct tensorflow_node *node, const struct tensor *const *inputs,
                      const size_t *shape, size_t rank, struct tensorflow_range *ranges,
                      struct error *error)
{
    bool strided = strcmp(node->operator, "StridedSlice") == 0;
    size_t bounds = strided ? 3 : 2;

    for (size_t i = 1; i <= bounds; i++)
        if (i >= node->input_count || !is_integers(inputs[i]))
            return error_set(error, "its bounds are not constant integers");
    for (size_t axis = 0; axis < rank; axis++)
        ranges[axis] = (struct tensorflow_range){0, 1, shape[axis], false};
    return strided ? strided_ranges(node, inputs, shape, rank, ranges, error)
                   : sized_ranges(inputs, shape, rank, ranges, error);
}
