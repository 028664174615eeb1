#include "extract/formats/tensorflow_fold.h"

#include <string.h>

#include "common/memory.h"
#include "extract/graph/tensor_arithmetic.h"

typedef int fold_function(const struct tensorflow_node *node, size_t port,
                          const struct tensor *const *inputs, struct tensor *result,
                          struct error *error);

/* The first `count` inputs are there, and hold numbers. */
static int need(const struct tensorflow_node *node, const struct tensor *const *inputs,
                size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (i >= node->input_count || inputs[i] == NULL || inputs[i]->type == TENSOR_OTHER)
            return error_set(error, "its input %zu is missing or of a type that is not supported",
                             i);
    return 0;
}

static void view(const struct tensor *input, struct tensor *result)
{
    *result = *input;
    result->owned = NULL;
}

static bool is_integers(const struct tensor *tensor)
{
    return tensor != NULL && tensor_is_integer(tensor) && tensor->rank <= 1;
}

/* ---- what layers ask too ---------------------------------------------------------------- */

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

static int fold_slice(const struct tensorflow_node *node, size_t port,
                      const struct tensor *const *inputs, struct tensor *result,
                      struct error *error)
{
    struct tensorflow_range ranges[TENSOR_MAX_RANK];
    int64_t begin[TENSOR_MAX_RANK], step[TENSOR_MAX_RANK];
    size_t count[TENSOR_MAX_RANK], rank;

    (void)port;
    if (need(node, inputs, 1, error) < 0)
        return FAILED;
    rank = inputs[0]->rank;
    if (tensorflow_ranges(node, inputs, inputs[0]->shape, rank, ranges, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < rank; axis++) {
        begin[axis] = ranges[axis].begin;
        step[axis] = ranges[axis].step;
        count[axis] = ranges[axis].count;
    }
    if (tensor_slice(inputs[0], begin, step, count, result, error) < 0)
        return FAILED;
    result->rank = 0;
    for (size_t axis = 0; axis < rank; axis++)
        if (!ranges[axis].dropped)
            result->shape[result->rank++] = count[axis];
    return 0;
}

/* ---- shapes ----------------------------------------------------------------------------- */

static int make_scalar(struct tensor *result, int64_t value, struct error *error)
{
    if (tensor_make(result, TENSOR_INT64, NULL, 0, error) < 0)
        return FAILED;
    tensor_set_integer(result, 0, value);
    return 0;
}

static int fold_identity(const struct tensorflow_node *node, size_t port,
                         const struct tensor *const *inputs, struct tensor *result,
                         struct error *error)
{
    (void)port;
    if (node->input_count == 0 || inputs[0] == NULL)
        return error_set(error, "its input is missing");
    view(inputs[0], result);
    return 0;
}

static int fold_shape(const struct tensorflow_node *node, size_t port,
                      const struct tensor *const *inputs, struct tensor *result,
                      struct error *error)
{
    (void)port;
    if (need(node, inputs, 1, error) < 0 ||
        tensor_make(result, TENSOR_INT64, &inputs[0]->rank, 1, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < inputs[0]->rank; axis++)
        tensor_set_integer(result, axis, (int64_t)inputs[0]->shape[axis]);
    return 0;
}

static int fold_rank(const struct tensorflow_node *node, size_t port,
                     const struct tensor *const *inputs, struct tensor *result,
                     struct error *error)
{
    (void)port;
    if (need(node, inputs, 1, error) < 0)
        return FAILED;
    return make_scalar(result, (int64_t)inputs[0]->rank, error);
}

static int fold_size(const struct tensorflow_node *node, size_t port,
                     const struct tensor *const *inputs, struct tensor *result,
                     struct error *error)
{
    (void)port;
    if (need(node, inputs, 1, error) < 0)
        return FAILED;
    return make_scalar(result, (int64_t)inputs[0]->count, error);
}

static int fold_reshape(const struct tensorflow_node *node, size_t port,
                        const struct tensor *const *inputs, struct tensor *result,
                        struct error *error)
{
    (void)port;
    if (need(node, inputs, 2, error) < 0)
        return FAILED;
    view(inputs[0], result);
    return tensorflow_reshape_shape(inputs[1], inputs[0]->count, result->shape, &result->rank,
                                    error);
}

static int fold_squeeze(const struct tensorflow_node *node, size_t port,
                        const struct tensor *const *inputs, struct tensor *result,
                        struct error *error)
{
    (void)port;
    if (need(node, inputs, 1, error) < 0)
        return FAILED;
    view(inputs[0], result);
    return tensorflow_squeezed_shape(node, 0, inputs[0]->shape, inputs[0]->rank, result->shape,
                                     &result->rank, error);
}

static int fold_expand_dims(const struct tensorflow_node *node, size_t port,
                            const struct tensor *const *inputs, struct tensor *result,
                            struct error *error)
{
    (void)port;
    if (need(node, inputs, 2, error) < 0 || inputs[0]->rank == TENSOR_MAX_RANK)
        return error_set(error, "its inputs do not fit");
    view(inputs[0], result);
    result->rank++;
    return tensorflow_expanded_shape(inputs[1], inputs[0]->shape, inputs[0]->rank, result->shape,
                                     error);
}

static int fold_transpose(const struct tensorflow_node *node, size_t port,
                          const struct tensor *const *inputs, struct tensor *result,
                          struct error *error)
{
    size_t permutation[TENSOR_MAX_RANK];

    (void)port;
    if (need(node, inputs, 2, error) < 0)
        return FAILED;
    if (!is_integers(inputs[1]) || inputs[1]->count != inputs[0]->rank)
        return error_set(error, "its permutation does not fit its input");
    for (size_t axis = 0; axis < inputs[0]->rank; axis++)
        permutation[axis] = (size_t)tensor_integer(inputs[1], axis);
    return tensor_transpose(inputs[0], permutation, result, error);
}

/* ConcatV2 has its axis behind what it joins, Concat before. */
static int fold_concat(const struct tensorflow_node *node, size_t port,
                       const struct tensor *const *inputs, struct tensor *result,
                       struct error *error)
{
    bool axis_first = strcmp(node->operator, "Concat") == 0;
    size_t axis;

    (void)port;
    if (need(node, inputs, node->input_count, error) < 0)
        return FAILED;
    if (node->input_count < 2)
        return error_set(error, "it has no inputs");
    if (tensorflow_constant_axis(inputs[axis_first ? 0 : node->input_count - 1],
                                 inputs[axis_first ? 1 : 0]->rank, &axis, error) < 0)
        return FAILED;
    return tensor_join(inputs + (axis_first ? 1 : 0), node->input_count - 1, axis, result, error);
}

/* A new axis in front of each input, along which they are joined; of scalars a list. */
static int fold_pack(const struct tensorflow_node *node, size_t port,
                     const struct tensor *const *inputs, struct tensor *result,
                     struct error *error)
{
    int64_t axis = tensorflow_integer(node, "axis", 0);
    size_t shape[TENSOR_MAX_RANK + 1];

    (void)port;
    if (need(node, inputs, node->input_count, error) < 0)
        return FAILED;
    if (node->input_count == 0 || axis != 0 || inputs[0]->rank == TENSOR_MAX_RANK)
        return error_set(error, "constants are packed along a first axis only");
    shape[0] = node->input_count;
    memcpy(shape + 1, inputs[0]->shape, inputs[0]->rank * sizeof *shape);
    for (size_t i = 0; i < node->input_count; i++)
        if (inputs[i]->rank != inputs[0]->rank ||
            memcmp(inputs[i]->shape, shape + 1, inputs[0]->rank * sizeof *shape) != 0)
            return error_set(error, "its inputs' shapes do not fit");
    if (tensor_make(result, inputs[0]->type == TENSOR_FLOAT16 ? TENSOR_FLOAT32 : inputs[0]->type,
                    shape, inputs[0]->rank + 1, error) < 0)
        return FAILED;
    for (size_t i = 0; i < result->count; i++)
        tensor_copy_element(inputs[i / inputs[0]->count], i % inputs[0]->count, result, i);
    return 0;
}

/* Result `port` is the part at that place of the first axis. */
static int fold_unpack(const struct tensorflow_node *node, size_t port,
                       const struct tensor *const *inputs, struct tensor *result,
                       struct error *error)
{
    struct tensor index = {0};
    int outcome;

    if (need(node, inputs, 1, error) < 0)
        return FAILED;
    if (tensorflow_integer(node, "axis", 0) != 0)
        return error_set(error, "constants are unpacked along a first axis only");
    if (make_scalar(&index, (int64_t)port, error) < 0)
        return FAILED;
    outcome = tensor_gather(inputs[0], &index, result, error);
    tensor_release(&index);
    return outcome;
}

static int fold_gather(const struct tensorflow_node *node, size_t port,
                       const struct tensor *const *inputs, struct tensor *result,
                       struct error *error)
{
    size_t axis = 0;

    (void)port;
    if (need(node, inputs, 2, error) < 0)
        return FAILED;
    if (node->input_count > 2 &&
        tensorflow_constant_axis(inputs[2], inputs[0]->rank, &axis, error) < 0)
        return FAILED;
    if (axis != 0)
        return error_set(error, "constants are gathered along a first axis only");
    return tensor_gather(inputs[0], inputs[1], result, error);
}

static int fold_cast(const struct tensorflow_node *node, size_t port,
                     const struct tensor *const *inputs, struct tensor *result,
                     struct error *error)
{
    int64_t to = tensorflow_data_type(node, "DstT", 0);
    enum tensor_type type = to == TENSORFLOW_INT64    ? TENSOR_INT64
                            : to == TENSORFLOW_INT32  ? TENSOR_INT32
                            : to == TENSORFLOW_DOUBLE ? TENSOR_FLOAT64
                                                      : TENSOR_FLOAT32;

    (void)port;
    if (need(node, inputs, 1, error) < 0)
        return FAILED;
    if (type == TENSOR_FLOAT32 && to != TENSORFLOW_FLOAT && to != TENSORFLOW_HALF)
        return error_set(error, "it casts to type %lld", (long long)to);
    return tensor_convert(inputs[0], type, result, error);
}

static int fold_fill(const struct tensorflow_node *node, size_t port,
                     const struct tensor *const *inputs, struct tensor *result,
                     struct error *error)
{
    size_t shape[TENSOR_MAX_RANK];

    (void)port;
    if (need(node, inputs, 2, error) < 0)
        return FAILED;
    if (!is_integers(inputs[0]) || inputs[0]->count > TENSOR_MAX_RANK || inputs[1]->count != 1)
        return error_set(error, "its shape is not a short list of integers");
    for (size_t i = 0; i < inputs[0]->count; i++) {
        shape[i] = (size_t)tensor_integer(inputs[0], i);
        if (tensor_integer(inputs[0], i) < 0)
            return error_set(error, "its shape is negative");
    }
    if (tensor_make(result, inputs[1]->type == TENSOR_FLOAT16 ? TENSOR_FLOAT32 : inputs[1]->type,
                    shape, inputs[0]->count, error) < 0)
        return FAILED;
    for (size_t i = 0; i < result->count; i++)
        tensor_copy_element(inputs[1], 0, result, i);
    return 0;
}

static int fold_range(const struct tensorflow_node *node, size_t port,
                      const struct tensor *const *inputs, struct tensor *result,
                      struct error *error)
{
    int64_t values[3] = {0};
    size_t count = 0;

    (void)port;
    if (need(node, inputs, 3, error) < 0)
        return FAILED;
    for (size_t i = 0; i < 3; i++) {
        if (!tensor_is_integer(inputs[i]) || inputs[i]->count != 1)
            return error_set(error, "its bounds are not integers");
        values[i] = tensor_integer(inputs[i], 0);
        if (values[i] > INT32_MAX || values[i] < -INT32_MAX)
            return error_set(error, "its bounds are too large");
    }
    if (values[2] == 0)
        return error_set(error, "its step is 0");
    if ((values[1] - values[0] > 0) == (values[2] > 0) && values[1] != values[0])
        count = (size_t)((values[1] - values[0] - (values[2] > 0 ? 1 : -1)) / values[2] + 1);
    if (tensor_make(result, TENSOR_INT64, &count, 1, error) < 0)
        return FAILED;
    for (size_t i = 0; i < count; i++)
        tensor_set_integer(result, i, values[0] + (int64_t)i * values[2]);
    return 0;
}

/* ---- arithmetic ------------------------------------------------------------------------- */

static const struct {
    const char *operator;
    enum tensor_operation operation;
} combinations[] = {
    {"Add", TENSOR_ADD},           {"AddV2", TENSOR_ADD},
    {"Div", TENSOR_DIVIDE},        {"FloorDiv", TENSOR_FLOOR_DIVIDE},
    {"FloorMod", TENSOR_FLOOR_MODULO}, {"Maximum", TENSOR_MAXIMUM},
    {"Minimum", TENSOR_MINIMUM},   {"Mul", TENSOR_MULTIPLY},
    {"Pow", TENSOR_POWER},         {"RealDiv", TENSOR_DIVIDE},
    {"Sub", TENSOR_SUBTRACT},      {"Prod", TENSOR_MULTIPLY},
    {"Sum", TENSOR_ADD},           {"Max", TENSOR_MAXIMUM},
    {"Min", TENSOR_MINIMUM},
};

static enum tensor_operation operation_of(const struct tensorflow_node *node)
{
    size_t i = 0;

    while (strcmp(combinations[i].operator, node->operator) != 0)
        i++;
    return combinations[i].operation;
}

static int fold_binary(const struct tensorflow_node *node, size_t port,
                       const struct tensor *const *inputs, struct tensor *result,
                       struct error *error)
{
    (void)port;
    if (need(node, inputs, 2, error) < 0)
        return FAILED;
    return tensor_combine(operation_of(node), inputs[0], inputs[1], result, error);
}

static const struct {
    const char *operator;
    enum tensor_function function;
} functions[] = {
    {"Inv", TENSOR_RECIPROCAL},   {"Neg", TENSOR_NEGATE},
    {"Reciprocal", TENSOR_RECIPROCAL}, {"Rsqrt", TENSOR_RECIPROCAL_ROOT},
    {"Sqrt", TENSOR_SQUARE_ROOT}, {"Square", TENSOR_SQUARE},
};

static int fold_function_of_one(const struct tensorflow_node *node, size_t port,
                                const struct tensor *const *inputs, struct tensor *result,
                                struct error *error)
{
    size_t i = 0;

    (void)port;
    if (need(node, inputs, 1, error) < 0)
        return FAILED;
    while (strcmp(functions[i].operator, node->operator) != 0)
        i++;
    return tensor_apply(functions[i].function, inputs[0], result, error);
}

/* All numbers of a list become one: the length of what a Flatten makes. */
static int fold_reduction(const struct tensorflow_node *node, size_t port,
                          const struct tensor *const *inputs, struct tensor *result,
                          struct error *error)
{
    size_t axis;

    (void)port;
    if (need(node, inputs, 2, error) < 0)
        return FAILED;
    if (inputs[0]->rank != 1 || inputs[0]->count == 0 ||
        tensorflow_constant_axis(inputs[1], 1, &axis, error) < 0)
        return error_set(error, "constants are reduced only where they are lists");
    if (tensor_reduce(operation_of(node), inputs[0], result, error) < 0)
        return FAILED;
    if (tensorflow_boolean(node, "keep_dims", false))
        result->shape[result->rank++] = 1;
    return 0;
}

/* ---- the table -------------------------------------------------------------------------- */

static const struct {
    const char *operator;
    fold_function *fold;
} operators[] = {
    {"Add", fold_binary},
    {"AddV2", fold_binary},
    {"Cast", fold_cast},
    {"CheckNumerics", fold_identity},
    {"Concat", fold_concat},
    {"ConcatV2", fold_concat},
    {"Div", fold_binary},
    {"ExpandDims", fold_expand_dims},
    {"Fill", fold_fill},
    {"FloorDiv", fold_binary},
    {"FloorMod", fold_binary},
    {"Gather", fold_gather},
    {"GatherV2", fold_gather},
    {"Identity", fold_identity},
    {"Inv", fold_function_of_one},
    {"Max", fold_reduction},
    {"Maximum", fold_binary},
    {"Min", fold_reduction},
    {"Minimum", fold_binary},
    {"Mul", fold_binary},
    {"Neg", fold_function_of_one},
    {"Pack", fold_pack},
    {"PlaceholderWithDefault", fold_identity},
    {"Pow", fold_binary},
    {"Prod", fold_reduction},
    {"Range", fold_range},
    {"Rank", fold_rank},
    {"RealDiv", fold_binary},
    {"Reciprocal", fold_function_of_one},
    {"Reshape", fold_reshape},
    {"Rsqrt", fold_function_of_one},
    {"Shape", fold_shape},
    {"Size", fold_size},
    {"Slice", fold_slice},
    {"Snapshot", fold_identity},
    {"Sqrt", fold_function_of_one},
    {"Square", fold_function_of_one},
    {"Squeeze", fold_squeeze},
    {"StopGradient", fold_identity},
    {"StridedSlice", fold_slice},
    {"Sub", fold_binary},
    {"Sum", fold_reduction},
    {"Transpose", fold_transpose},
    {"Unpack", fold_unpack},
};

size_t tensorflow_fold_count(const struct tensorflow_node *node)
{
    int64_t count = 1;

    if (strcmp(node->operator, "Unpack") == 0)
        count = tensorflow_integer(node, "num", 0);
    return count > 0 && count <= 64 ? (size_t)count : 1;
}

int tensorflow_fold(const struct tensorflow_node *node, size_t port,
                    const struct tensor *const *inputs, struct tensor *result,
                    struct error *error)
{
    *result = (struct tensor){0};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (strcmp(operators[i].operator, node->operator) == 0) {
            int outcome = operators[i].fold(node, port, inputs, result, error);

            if (outcome < 0)
                tensor_release(result);
            return outcome;
        }
    }
    return error_set(error, "it is not supported on constants");
}
