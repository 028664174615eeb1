#include "extract/graph/tensor.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

static const size_t type_sizes[] = {
    [TENSOR_FLOAT32] = 4, [TENSOR_FLOAT16] = 2, [TENSOR_FLOAT64] = 8, [TENSOR_INT8] = 1,
    [TENSOR_INT32] = 4,   [TENSOR_INT64] = 8,   [TENSOR_OTHER] = 0,
};

size_t tensor_type_size(enum tensor_type type)
{
    return type_sizes[type];
}

int tensor_set_shape(struct tensor *tensor, const int64_t *shape, size_t rank, struct error *error)
{
    if (rank > TENSOR_MAX_RANK)
        return error_set(error, "a tensor of %zu dimensions is not supported", rank);
    tensor->rank = rank;
    tensor->count = 1;
    for (size_t axis = 0; axis < rank; axis++) {
        if (shape[axis] < 0 || !size_multiply(tensor->count, (size_t)shape[axis], &tensor->count))
            return error_set(error, "a tensor's dimension %zu is %lld", axis,
                             (long long)shape[axis]);
        tensor->shape[axis] = (size_t)shape[axis];
    }
    return 0;
}

int tensor_allocate(struct tensor *tensor, struct error *error)
{
    size_t size;

    if (!size_multiply(tensor->count, type_sizes[tensor->type], &size))
        return error_no_memory(error);
    tensor->owned = memory_allocate(size, 1, error);
    if (tensor->owned == NULL)
        return FAILED;
    tensor->bytes = (struct bytes){tensor->owned, size};
    return 0;
}

void tensor_release(struct tensor *tensor)
{
    free(tensor->owned);
    *tensor = (struct tensor){0};
}

/* IEEE 754 binary16 to binary32: exact, subnormals, infinities and NaN included. */
static float half_to_float(uint16_t half)
{
    unsigned exponent = (half >> 10) & 31;
    unsigned mantissa = half & 1023;
    float value;

    if (exponent == 0)
        value = ldexpf((float)mantissa, -24);
    else if (exponent == 31)
        value = mantissa != 0 ? NAN : INFINITY;
    else
        value = ldexpf((float)(mantissa + 1024), (int)exponent - 25);
    return (half & 0x8000) != 0 ? -value : value;
}

static uint64_t read_bits(const struct tensor *tensor, size_t index)
{
    size_t size = type_sizes[tensor->type];
    const unsigned char *at = tensor->bytes.data + index * size;
    uint64_t bits = 0;

    for (size_t i = 0; i < size; i++)
        bits |= (uint64_t)at[i] << (8 * i);
    return bits;
}

double tensor_real(const struct tensor *tensor, size_t index)
{
    uint64_t bits = read_bits(tensor, index);
    double value = 0;

    switch (tensor->type) {
    case TENSOR_FLOAT32:
        return (double)float_of_bits((uint32_t)bits);
    case TENSOR_FLOAT16:
        return (double)half_to_float((uint16_t)bits);
    case TENSOR_FLOAT64:
        memcpy(&value, &bits, sizeof value);
        return value;
    case TENSOR_INT8:
        return (double)(int8_t)(uint8_t)bits;
    case TENSOR_INT32:
        return (double)(int32_t)(uint32_t)bits;
    case TENSOR_INT64:
        return (double)(int64_t)bits;
    case TENSOR_OTHER:
        break;
    }
    assert(false && "a tensor of a type that has no numbers");
    return value;
}

int64_t tensor_integer(const struct tensor *tensor, size_t index)
{
    double value;

    if (tensor->type == TENSOR_INT64)
        return (int64_t)read_bits(tensor, index);
    if (tensor->type == TENSOR_INT32)
        return (int32_t)(uint32_t)read_bits(tensor, index);
    value = tensor_real(tensor, index);
    /* Clamped: converting a double that does not fit is undefined. */
    if (!(value > -9e18))
        return INT64_MIN;
    return value < 9e18 ? (int64_t)value : INT64_MAX;
}

static void write_bits(struct tensor *tensor, size_t index, uint64_t bits)
{
    size_t size = type_sizes[tensor->type];
    unsigned char *at = (unsigned char *)tensor->owned + index * size;

    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(bits >> (8 * i));
}

void tensor_set_real(struct tensor *tensor, size_t index, double value)
{
    uint64_t bits = 0;
    float single = (float)value;
    uint32_t single_bits;

    if (tensor->type == TENSOR_FLOAT64) {
        memcpy(&bits, &value, sizeof bits);
    } else {
        assert(tensor->type == TENSOR_FLOAT32);
        memcpy(&single_bits, &single, sizeof single_bits);
        bits = single_bits;
    }
    write_bits(tensor, index, bits);
}

void tensor_set_integer(struct tensor *tensor, size_t index, int64_t value)
{
    assert(tensor_is_integer(tensor));
    write_bits(tensor, index, (uint64_t)value);
}

bool tensor_is_integer(const struct tensor *tensor)
{
    return tensor->type == TENSOR_INT8 || tensor->type == TENSOR_INT32 ||
           tensor->type == TENSOR_INT64;
}

int tensor_check_floats(const struct tensor *tensor, struct error *error)
{
    if (tensor->type == TENSOR_OTHER || tensor_is_integer(tensor))
        return error_set(error, "weights are not float, float16 or double");
    return 0;
}

int tensor_to_float(const struct tensor *tensor, float *out, struct error *error)
{
    if (tensor_check_floats(tensor, error) < 0)
        return FAILED;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (tensor->type == TENSOR_FLOAT32) {
        if (tensor->count > 0)
            memcpy(out, tensor->bytes.data, tensor->count * sizeof *out);
        return 0;
    }
#endif
    for (size_t i = 0; i < tensor->count; i++)
        out[i] = (float)tensor_real(tensor, i);
    return 0;
}
