#include "extract/graph/tensor_arithmetic.h"

#include <math.h>
#include <string.h>

#include "common/memory.h"

enum { MAX_COMPUTED = 1 << 26 };

/* Whether a tensor's bytes are in the order of this machine. */
enum { HOST_ORDER = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ };

int tensor_make(struct tensor *result, enum tensor_type type, const size_t *shape, size_t rank,
                struct error *error)
{
    *result = (struct tensor){.type = type, .rank = rank, .count = 1};
    for (size_t axis = 0; axis < rank; axis++) {
        result->shape[axis] = shape[axis];
        if (!size_multiply(result->count, shape[axis], &result->count) ||
            result->count > MAX_COMPUTED)
            return error_set(error, "its constant result is too large");
    }
    return tensor_allocate(result, error);
}

void tensor_copy_element(const struct tensor *from, size_t index, struct tensor *to, size_t place)
{
    if (tensor_is_integer(to))
        tensor_set_integer(to, place, tensor_integer(from, index));
    else
        tensor_set_real(to, place, tensor_real(from, index));
}

static enum tensor_type result_type(const struct tensor *input)
{
    return input->type == TENSOR_FLOAT16 ? TENSOR_FLOAT32
           : input->type == TENSOR_INT8  ? TENSOR_INT32
                                         : input->type;
}

/* Weights of eight bits, a million at a time. */
static void widen(const struct tensor *input, float *result)
{
    const signed char *from = (const signed char *)input->bytes.data;

    for (size_t i = 0; i < input->count; i++)
        result[i] = (float)from[i];
}

int tensor_convert(const struct tensor *input, enum tensor_type type, struct tensor *result,
                   struct error *error)
{
    if (tensor_make(result, type, input->shape, input->rank, error) < 0)
        return FAILED;
    if (input->type == TENSOR_INT8 && type == TENSOR_FLOAT32 && HOST_ORDER) {
        widen(input, result->owned);
        return 0;
    }
    for (size_t i = 0; i < input->count; i++)
        tensor_copy_element(input, i, result, i);
    return 0;
}

/* The next index in row-major order. */
static void advance(size_t *index, const size_t *shape, size_t rank)
{
    for (size_t axis = rank; axis-- > 0;) {
        if (++index[axis] < shape[axis])
            return;
        index[axis] = 0;
    }
}

static void row_major_strides(const struct tensor *tensor, size_t *strides)
{
    size_t stride = 1;

    for (size_t axis = tensor->rank; axis-- > 0;) {
        strides[axis] = stride;
        stride *= tensor->shape[axis];
    }
}

int tensor_transpose(const struct tensor *input, const size_t *permutation,
                     struct tensor *result, struct error *error)
{
    size_t shape[TENSOR_MAX_RANK], strides[TENSOR_MAX_RANK], index[TENSOR_MAX_RANK] = {0};
    bool seen[TENSOR_MAX_RANK] = {false};

    for (size_t axis = 0; axis < input->rank; axis++) {
        if (permutation[axis] >= input->rank || seen[permutation[axis]])
            return error_set(error, "its permutation is not valid");
        seen[permutation[axis]] = true;
        shape[axis] = input->shape[permutation[axis]];
    }
    if (tensor_make(result, result_type(input), shape, input->rank, error) < 0)
        return FAILED;
    row_major_strides(input, strides);
    for (size_t i = 0; i < result->count; i++) {
        size_t from = 0;

        for (size_t axis = 0; axis < result->rank; axis++)
            from += index[axis] * strides[permutation[axis]];
        tensor_copy_element(input, from, result, i);
        advance(index, result->shape, result->rank);
    }
    return 0;
}

/* The shape of the inputs joined along `axis`. */
static int joined_shape(const struct tensor *const *inputs, size_t count, size_t axis,
                        size_t *shape, struct error *error)
{
    if (axis >= inputs[0]->rank)
        return error_set(error, "its axis is outside of its inputs");
    memcpy(shape, inputs[0]->shape, sizeof inputs[0]->shape);
    for (size_t i = 1; i < count; i++) {
        bool fits = inputs[i]->rank == inputs[0]->rank;

        for (size_t j = 0; fits && j < inputs[0]->rank; j++)
            fits = j == axis || inputs[i]->shape[j] == shape[j];
        if (!fits || __builtin_add_overflow(shape[axis], inputs[i]->shape[axis], &shape[axis]))
            return error_set(error, "its inputs' shapes do not fit");
    }
    return 0;
}

int tensor_join(const struct tensor *const *inputs, size_t count, size_t axis,
                struct tensor *result, struct error *error)
{
    size_t shape[TENSOR_MAX_RANK], outer = 1, place = 0;

    if (joined_shape(inputs, count, axis, shape, error) < 0 ||
        tensor_make(result, result_type(inputs[0]), shape, inputs[0]->rank, error) < 0)
        return FAILED;
    for (size_t i = 0; i < axis; i++)
        outer *= shape[i];
    for (size_t i = 0; i < outer; i++) {
        for (size_t j = 0; j < count; j++) {
            size_t run = inputs[j]->count / outer;

            for (size_t k = 0; k < run; k++)
                tensor_copy_element(inputs[j], i * run + k, result, place++);
        }
    }
    return 0;
}

int tensor_gather(const struct tensor *input, const struct tensor *indices,
                  struct tensor *result, struct error *error)
{
    size_t shape[2 * TENSOR_MAX_RANK], run = 1;

    if (input->rank == 0 || !tensor_is_integer(indices) ||
        indices->rank + input->rank - 1 > TENSOR_MAX_RANK)
        return error_set(error, "its inputs' shapes do not fit");
    memcpy(shape, indices->shape, indices->rank * sizeof *shape);
    memcpy(shape + indices->rank, input->shape + 1, (input->rank - 1) * sizeof *shape);
    if (tensor_make(result, result_type(input), shape, indices->rank + input->rank - 1, error) < 0)
        return FAILED;
    for (size_t axis = 1; axis < input->rank; axis++)
        run *= input->shape[axis];
    for (size_t i = 0; i < indices->count; i++) {
        int64_t length = (int64_t)input->shape[0], index = tensor_integer(indices, i);

        if (index < -length || index >= length) {
            tensor_release(result);
            return error_set(error, "it gathers outside of its input");
        }
        for (size_t j = 0; j < run; j++)
            tensor_copy_element(input, (size_t)(index < 0 ? index + length : index) * run + j,
                                result, i * run + j);
    }
    return 0;
}

int tensor_slice(const struct tensor *input, const int64_t *begin, const int64_t *step,
                 const size_t *count, struct tensor *result, struct error *error)
{
    size_t strides[TENSOR_MAX_RANK], index[TENSOR_MAX_RANK] = {0};

    if (tensor_make(result, result_type(input), count, input->rank, error) < 0)
        return FAILED;
    row_major_strides(input, strides);
    for (size_t i = 0; i < result->count; i++) {
        size_t from = 0;

        for (size_t axis = 0; axis < input->rank; axis++)
            from += (size_t)(begin[axis] + (int64_t)index[axis] * step[axis]) * strides[axis];
        tensor_copy_element(input, from, result, i);
        advance(index, result->shape, result->rank);
    }
    return 0;
}

static double combine_real(enum tensor_operation operation, double a, double b)
{
    switch (operation) {
    case TENSOR_ADD:
        return a + b;
    case TENSOR_SUBTRACT:
        return a - b;
    case TENSOR_MULTIPLY:
        return a * b;
    case TENSOR_DIVIDE:
        return a / b;
    case TENSOR_FLOOR_DIVIDE:
        return floor(a / b);
    case TENSOR_FLOOR_MODULO:
        return a - b * floor(a / b);
    case TENSOR_MAXIMUM:
        return a > b ? a : b;
    case TENSOR_MINIMUM:
        return a < b ? a : b;
    case TENSOR_POWER:
        break;
    }
    return pow(a, b);
}

/* By squaring, wrapping like the machine; below 1 as division leaves it. */
static int64_t power_integer(int64_t base, int64_t exponent)
{
    uint64_t result = 1, factor = (uint64_t)base;

    if (exponent < 0)
        return base == 1 ? 1 : 0;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            result *= factor;
        factor *= factor;
    }
    return (int64_t)result;
}

static int64_t divide_integer(enum tensor_operation operation, int64_t a, int64_t b)
{
    int64_t quotient, rest;

    if (b == 0 || (a == INT64_MIN && b == -1))
        return 0;
    quotient = a / b;
    rest = a % b;
    if (operation == TENSOR_DIVIDE)
        return quotient;
    if (rest != 0 && (rest < 0) != (b < 0)) {
        quotient--;
        rest += b;
    }
    return operation == TENSOR_FLOOR_DIVIDE ? quotient : rest;
}

/* Wraps like the machine instead of overflowing. */
static int64_t combine_integer(enum tensor_operation operation, int64_t a, int64_t b)
{
    switch (operation) {
    case TENSOR_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case TENSOR_SUBTRACT:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case TENSOR_MULTIPLY:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case TENSOR_MAXIMUM:
        return a > b ? a : b;
    case TENSOR_MINIMUM:
        return a < b ? a : b;
    case TENSOR_POWER:
        return power_integer(a, b);
    case TENSOR_DIVIDE:
    case TENSOR_FLOOR_DIVIDE:
    case TENSOR_FLOOR_MODULO:
        break;
    }
    return divide_integer(operation, a, b);
}

static int broadcast_shape(const struct tensor *a, const struct tensor *b, size_t *shape,
                           size_t *rank, struct error *error)
{
    *rank = a->rank > b->rank ? a->rank : b->rank;
    for (size_t axis = 0; axis < *rank; axis++) {
        size_t from_end = *rank - axis;
        size_t left = from_end <= a->rank ? a->shape[a->rank - from_end] : 1;
        size_t right = from_end <= b->rank ? b->shape[b->rank - from_end] : 1;

        if (left != right && left != 1 && right != 1)
            return error_set(error, "its inputs' shapes do not fit");
        shape[axis] = left == 1 ? right : left;
    }
    return 0;
}

static size_t broadcast_position(const struct tensor *tensor, const size_t *index, size_t rank)
{
    size_t position = 0;

    for (size_t axis = 0; axis < tensor->rank; axis++)
        position = position * tensor->shape[axis] +
                   (tensor->shape[axis] == 1 ? 0 : index[rank - tensor->rank + axis]);
    return position;
}

/* The product of weights and their scales: b has a number for every run of a's elements, which
 * may be all of them, or one. To the last bit what the general way gives: the product of two
 * floats is exact as a double. Returns false when the tensors are not of this kind. */
static bool multiply_runs(const struct tensor *a, const struct tensor *b, struct tensor *result)
{
    const unsigned char *from = a->bytes.data;
    float *to = result->owned;
    size_t run = 1;

    for (size_t axis = b->rank; axis-- > 0 && b->shape[axis] == 1;)
        run *= result->shape[axis];
    if (!HOST_ORDER || a->type != TENSOR_FLOAT32 || b->type != TENSOR_FLOAT32 ||
        b->rank != result->rank || a->count != result->count || b->count * run != a->count)
        return false;
    for (size_t i = 0; i < b->count; i++) {
        float factor = (float)tensor_real(b, i), value;

        for (size_t j = 0; j < run; j++, from += sizeof value) {
            memcpy(&value, from, sizeof value);
            *to++ = value * factor;
        }
    }
    return true;
}

int tensor_combine(enum tensor_operation operation, const struct tensor *a,
                   const struct tensor *b, struct tensor *result, struct error *error)
{
    size_t shape[TENSOR_MAX_RANK], index[TENSOR_MAX_RANK] = {0}, rank;

    if (broadcast_shape(a, b, shape, &rank, error) < 0 ||
        tensor_make(result, result_type(a), shape, rank, error) < 0)
        return FAILED;
    if (operation == TENSOR_MULTIPLY && multiply_runs(a, b, result))
        return 0;
    for (size_t i = 0; i < result->count; i++) {
        size_t left = broadcast_position(a, index, rank);
        size_t right = broadcast_position(b, index, rank);

        if (tensor_is_integer(result))
            tensor_set_integer(result, i, combine_integer(operation, tensor_integer(a, left),
                                                          tensor_integer(b, right)));
        else
            tensor_set_real(result, i, combine_real(operation, tensor_real(a, left),
                                                    tensor_real(b, right)));
        advance(index, shape, rank);
    }
    return 0;
}

int tensor_reduce(enum tensor_operation operation, const struct tensor *input,
                  struct tensor *result, struct error *error)
{
    if (tensor_make(result, result_type(input), NULL, 0, error) < 0)
        return FAILED;
    tensor_copy_element(input, 0, result, 0);
    for (size_t i = 1; i < input->count; i++) {
        if (tensor_is_integer(result))
            tensor_set_integer(result, 0, combine_integer(operation, tensor_integer(result, 0),
                                                          tensor_integer(input, i)));
        else
            tensor_set_real(result, 0, combine_real(operation, tensor_real(result, 0),
                                                    tensor_real(input, i)));
    }
    return 0;
}

static double apply_real(enum tensor_function function, double x)
{
    switch (function) {
    case TENSOR_NEGATE:
        return -x;
    case TENSOR_SQUARE:
        return x * x;
    case TENSOR_SQUARE_ROOT:
        return sqrt(x);
    case TENSOR_RECIPROCAL_ROOT:
        return 1 / sqrt(x);
    case TENSOR_RECIPROCAL:
        break;
    }
    return 1 / x;
}

int tensor_apply(enum tensor_function function, const struct tensor *input,
                 struct tensor *result, struct error *error)
{
    if (tensor_is_integer(input) && function != TENSOR_NEGATE && function != TENSOR_SQUARE)
        return error_set(error, "roots and reciprocals of integers are not supported");
    if (tensor_make(result, result_type(input), input->shape, input->rank, error) < 0)
        return FAILED;
    for (size_t i = 0; i < result->count; i++) {
        uint64_t x;

        if (!tensor_is_integer(input)) {
            tensor_set_real(result, i, apply_real(function, tensor_real(input, i)));
            continue;
        }
        x = (uint64_t)tensor_integer(input, i);
        tensor_set_integer(result, i, (int64_t)(function == TENSOR_NEGATE ? -x : x * x));
    }
    return 0;
}
