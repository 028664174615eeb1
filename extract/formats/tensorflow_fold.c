#include "extract/formats/tensorflow_fold.h"

#include <string.h>

#include "extract/formats/tensorflow_attributes.h"
#include "extract/formats/tensorflow_extents.h"
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

/* ---- shapes ----------------------------------------------------------------------------- */

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
