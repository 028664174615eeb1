#include "extract/formats/onnx_fold.h"

#include <string.h>

#include "common/memory.h"
#include "extract/graph/tensor_arithmetic.h"

typedef int fold_function(const struct onnx_node *node, const struct tensor *const *inputs,
                          struct tensor *result, struct error *error);

static const struct tensor *need(const struct onnx_node *node, const struct tensor *const *inputs,
                                 size_t index, struct error *error)
{
    if (index < node->input_count && inputs[index] != NULL &&
        inputs[index]->type != TENSOR_OTHER)
        return inputs[index];
    error_set(error, "its input %zu is missing or of a type that is not supported", index);
    return NULL;
}

static int allocate_list(struct tensor *result, size_t count, struct error *error)
{
    return tensor_make(result, TENSOR_INT64, &count, 1, error);
}

static int view(const struct tensor *input, struct tensor *result)
{
    *result = *input;
    result->owned = NULL;
    return 0;
}

int onnx_axes(const struct onnx_node *node, const char *attribute,
              const struct tensor *const *inputs, size_t index, int64_t *axes, size_t *count,
              struct error *error)
{
    const struct tensor *input = index < node->input_count ? inputs[index] : NULL;

    *count = onnx_integers(node, attribute, axes, TENSOR_MAX_RANK);
    if (input != NULL && tensor_is_integer(input)) {
        *count = input->count;
        for (size_t i = 0; i < input->count && i < TENSOR_MAX_RANK; i++)
            axes[i] = tensor_integer(input, i);
    }
    return *count <= TENSOR_MAX_RANK ? 0 : error_set(error, "its '%s' are too many", attribute);
}

int onnx_resolve_reshape(const struct onnx_node *node, const struct tensor *from,
                         const struct tensor *target, struct tensor *result,
                         struct error *error)
{
    bool allow_zero = onnx_integer(node, "allowzero", 0) != 0;
    int64_t shape[TENSOR_MAX_RANK];
    size_t known = 1, open = SIZE_MAX;

    if (!tensor_is_integer(target) || target->count > TENSOR_MAX_RANK)
        return error_set(error, "its target shape is not a short list of integers");
    for (size_t axis = 0; axis < target->count; axis++) {
        shape[axis] = tensor_integer(target, axis);
        if (shape[axis] == 0 && !allow_zero && axis < from->rank)
            shape[axis] = (int64_t)from->shape[axis];
        if (shape[axis] == -1 && open == SIZE_MAX)
            open = axis;
        else if (shape[axis] < 0 || !size_multiply(known, (size_t)shape[axis], &known))
            return error_set(error, "its target shape is not valid");
    }
    if (open != SIZE_MAX)
        shape[open] = known > 0 ? (int64_t)(from->count / known) : 0;
    if (tensor_set_shape(result, shape, target->count, error) < 0)
        return FAILED;
    if (result->count != from->count)
        return error_set(error, "it makes %zu numbers from %zu", result->count, from->count);
    return 0;
}

/* A Constant's value as a tensor, or in one of the short forms of opset 12. */
static int fold_constant(const struct onnx_node *node, const struct tensor *const *inputs,
                         struct tensor *result, struct error *error)
{
    int64_t integers[TENSOR_MAX_RANK] = {0};
    float reals[TENSOR_MAX_RANK] = {0};
    bool scalar = onnx_has(node, "value_float") || onnx_has(node, "value_int");
    size_t integer_count = onnx_integers(node, "value_ints", integers, TENSOR_MAX_RANK);
    size_t real_count = onnx_floats(node, "value_floats", reals, TENSOR_MAX_RANK);
    size_t count = integer_count + real_count;
    bool real = real_count > 0 || onnx_has(node, "value_float");

    (void)inputs;
    if (!scalar && count == 0)
        return onnx_tensor(node, "value", result, error);
    if (count > TENSOR_MAX_RANK)
        return error_set(error, "it has more than %d numbers", TENSOR_MAX_RANK);
    if (tensor_make(result, real ? TENSOR_FLOAT32 : TENSOR_INT64, &count, scalar ? 0 : 1,
                    error) < 0)
        return FAILED;
    reals[0] = onnx_float(node, "value_float", reals[0]);
    integers[0] = onnx_integer(node, "value_int", integers[0]);
    for (size_t i = 0; i < result->count; i++) {
        if (real)
            tensor_set_real(result, i, (double)reals[i]);
        else
            tensor_set_integer(result, i, integers[i]);
    }
    return 0;
}

static int fold_constant_of_shape(const struct onnx_node *node,
                                  const struct tensor *const *inputs, struct tensor *result,
                                  struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);
    size_t shape[TENSOR_MAX_RANK];
    struct tensor value = {.type = TENSOR_FLOAT32};
    int outcome = FAILED;

    if (input == NULL)
        return FAILED;
    if (input->count > TENSOR_MAX_RANK || !tensor_is_integer(input))
        return error_set(error, "its shape is not a short list of integers");
    for (size_t i = 0; i < input->count; i++) {
        int64_t length = tensor_integer(input, i);

        if (length < 0)
            return error_set(error, "its shape is negative");
        shape[i] = (size_t)length;
    }
    if (onnx_has(node, "value") && onnx_tensor(node, "value", &value, error) < 0)
        return FAILED;
    if (value.type == TENSOR_OTHER)
        error_set(error, "its value is of a type that is not supported");
    else
        outcome = tensor_make(result,
                              value.type == TENSOR_FLOAT16 ? TENSOR_FLOAT32 : value.type, shape,
                              input->count, error);
    for (size_t i = 0; outcome == 0 && value.count > 0 && i < result->count; i++)
        tensor_copy_element(&value, 0, result, i);
    tensor_release(&value);
    return outcome;
}

static int fold_shape(const struct onnx_node *node, const struct tensor *const *inputs,
                      struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);

    if (input == NULL || allocate_list(result, input->rank, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < input->rank; axis++)
        tensor_set_integer(result, axis, (int64_t)input->shape[axis]);
    return 0;
}

static int fold_identity(const struct onnx_node *node, const struct tensor *const *inputs,
                         struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);

    return input != NULL ? view(input, result) : FAILED;
}

static int fold_cast(const struct onnx_node *node, const struct tensor *const *inputs,
                     struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);
    int64_t to = onnx_integer(node, "to", 0);
    enum tensor_type type = to == 7    ? TENSOR_INT64
                            : to == 6  ? TENSOR_INT32
                            : to == 11 ? TENSOR_FLOAT64
                                       : TENSOR_FLOAT32;

    if (input == NULL)
        return FAILED;
    if (to != 1 && to != 6 && to != 7 && to != 10 && to != 11)
        return error_set(error, "it casts to type %lld", (long long)to);
    return tensor_convert(input, type, result, error);
}

static int fold_reshape(const struct onnx_node *node, const struct tensor *const *inputs,
                        struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);
    const struct tensor *target = input != NULL ? need(node, inputs, 1, error) : NULL;

    if (target == NULL)
        return FAILED;
    view(input, result);
    return onnx_resolve_reshape(node, input, target, result, error);
}

static bool contains(const int64_t *axes, size_t count, size_t axis, size_t rank)
{
    for (size_t i = 0; i < count; i++)
        if (axes[i] == (int64_t)axis || axes[i] + (int64_t)rank == (int64_t)axis)
            return true;
    return false;
}

static int fold_squeeze(const struct onnx_node *node, const struct tensor *const *inputs,
                        struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);
    int64_t axes[TENSOR_MAX_RANK];
    size_t count;

    if (input == NULL || onnx_axes(node, "axes", inputs, 1, axes, &count, error) < 0)
        return FAILED;
    view(input, result);
    result->rank = 0;
    for (size_t axis = 0; axis < input->rank; axis++) {
        bool drop = count > 0 ? contains(axes, count, axis, input->rank) : input->shape[axis] == 1;

        if (drop && input->shape[axis] != 1)
            return error_set(error, "it drops a dimension of %zu", input->shape[axis]);
        if (!drop)
            result->shape[result->rank++] = input->shape[axis];
    }
    return 0;
}

static int fold_unsqueeze(const struct onnx_node *node, const struct tensor *const *inputs,
                          struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);
    int64_t axes[TENSOR_MAX_RANK];
    size_t count, from = 0;

    if (input == NULL || onnx_axes(node, "axes", inputs, 1, axes, &count, error) < 0)
        return FAILED;
    if (input->rank + count > TENSOR_MAX_RANK)
        return error_set(error, "its result has too many dimensions");
    view(input, result);
    result->rank = input->rank + count;
    for (size_t axis = 0; axis < result->rank; axis++) {
        bool added = contains(axes, count, axis, result->rank);

        if (!added && from == input->rank)
            return error_set(error, "its axes are not valid");
        result->shape[axis] = added ? 1 : input->shape[from++];
    }
    return 0;
}

static int fold_transpose(const struct onnx_node *node, const struct tensor *const *inputs,
                          struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);
    int64_t given[TENSOR_MAX_RANK];
    size_t permutation[TENSOR_MAX_RANK];
    size_t count = onnx_integers(node, "perm", given, TENSOR_MAX_RANK);

    if (input == NULL)
        return FAILED;
    if (count != 0 && count != input->rank)
        return error_set(error, "its permutation is not valid");
    for (size_t axis = 0; axis < input->rank; axis++)
        permutation[axis] = count == 0 ? input->rank - 1 - axis : (size_t)given[axis];
    return tensor_transpose(input, permutation, result, error);
}

static int fold_concat(const struct onnx_node *node, const struct tensor *const *inputs,
                       struct tensor *result, struct error *error)
{
    for (size_t i = 0; i < node->input_count; i++) {
        const struct tensor *input = need(node, inputs, i, error);

        if (input == NULL)
            return FAILED;
        if (input->rank != 1)
            return error_set(error, "constants are joined only where they are lists");
    }
    if (node->input_count == 0)
        return error_set(error, "it has no inputs");
    return tensor_join(inputs, node->input_count, 0, result, error);
}

static int fold_gather(const struct onnx_node *node, const struct tensor *const *inputs,
                       struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);
    const struct tensor *indices = input != NULL ? need(node, inputs, 1, error) : NULL;

    if (indices == NULL)
        return FAILED;
    if (input->rank != 1)
        return error_set(error, "constants are gathered only from lists");
    return tensor_gather(input, indices, result, error);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static int fold_slice(const struct onnx_node *node, const struct tensor *const *inputs,
                      struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);
    int64_t begin[TENSOR_MAX_RANK], end[TENSOR_MAX_RANK];
    size_t begins, ends, count;
    int64_t length, step = 1;

    if (input == NULL || onnx_axes(node, "starts", inputs, 1, begin, &begins, error) < 0 ||
        onnx_axes(node, "ends", inputs, 2, end, &ends, error) < 0)
        return FAILED;
    if (input->rank != 1 || begins != 1 || ends != 1 || node->input_count > 4)
        return error_set(error, "constants are sliced only where they are lists");
    length = (int64_t)input->count;
    begin[0] = clamp(begin[0] < 0 ? begin[0] + length : begin[0], 0, length);
    end[0] = clamp(end[0] < 0 ? end[0] + length : end[0], begin[0], length);
    count = (size_t)(end[0] - begin[0]);
    return tensor_slice(input, begin, &step, &count, result, error);
}

static int fold_binary(const struct onnx_node *node, const struct tensor *const *inputs,
                       struct tensor *result, struct error *error)
{
    const struct tensor *a = need(node, inputs, 0, error);
    const struct tensor *b = a != NULL ? need(node, inputs, 1, error) : NULL;
    enum tensor_operation operation = node->operator[0] == 'A'   ? TENSOR_ADD
                                      : node->operator[0] == 'S' ? TENSOR_SUBTRACT
                                      : node->operator[0] == 'M' ? TENSOR_MULTIPLY
                                                                 : TENSOR_DIVIDE;

    return b != NULL ? tensor_combine(operation, a, b, result, error) : FAILED;
}

static int fold_sqrt(const struct onnx_node *node, const struct tensor *const *inputs,
                     struct tensor *result, struct error *error)
{
    const struct tensor *input = need(node, inputs, 0, error);

    return input != NULL ? tensor_apply(TENSOR_SQUARE_ROOT, input, result, error) : FAILED;
}

static const struct {
    const char *operator;
    fold_function *fold;
} operators[] = {
    {"Add", fold_binary},        {"Cast", fold_cast},           {"Concat", fold_concat},
    {"Constant", fold_constant}, {"ConstantOfShape", fold_constant_of_shape},
    {"Div", fold_binary},        {"Dropout", fold_identity},    {"Gather", fold_gather},
    {"Identity", fold_identity}, {"Mul", fold_binary},          {"Reshape", fold_reshape},
    {"Shape", fold_shape},       {"Slice", fold_slice},         {"Sqrt", fold_sqrt},
    {"Squeeze", fold_squeeze},   {"Sub", fold_binary},          {"Transpose", fold_transpose},
    {"Unsqueeze", fold_unsqueeze},
};

int onnx_fold(const struct onnx_node *node, const struct tensor *const *inputs,
              struct tensor *result, struct error *error)
{
    *result = (struct tensor){0};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (strcmp(operators[i].operator, node->operator) == 0) {
            int outcome = operators[i].fold(node, inputs, result, error);

            if (outcome < 0)
                tensor_release(result);
            return outcome;
        }
    }
    return error_set(error, "it is not supported on constants");
}
