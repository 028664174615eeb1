/*
 * Pooling, scale and shift, sums and products of two maps: channel by channel.
 */
#include "extract/kernels/kernels_private.h"
#include "extract/kernels/vector.h"

static inline __attribute__((always_inline)) void maximum_channels(const float *const *in,
                                                                   size_t taps, size_t c,
                                                                   size_t count, float *out)
{
    vector best = vector_load_some(in[0] + c, count);

    for (size_t tap = 1; tap < taps; tap++) {
        vector value = vector_load_some(in[tap] + c, count);

        /* Neither comparison holds for a value that is a NaN, the second for a best that is. */
        best = vector_select((best >= value) | (best != best), best, value);
    }
    vector_store_some(out + c, best, count);
}

void VARIANT(pool_maximum)(const float *const *in, size_t taps, size_t channels, float factor,
                           float *out)
{
    size_t c = 0;

    (void)factor;
    for (; c + LANES <= channels; c += LANES)
        maximum_channels(in, taps, c, LANES, out);
    if (c < channels)
        maximum_channels(in, taps, c, channels - c, out);
}

static inline __attribute__((always_inline)) void sum_channels(const float *const *in,
                                                               size_t taps, size_t c,
                                                               size_t count, float factor,
                                                               float *out)
{
    vector sum = vector_load_some(in[0] + c, count);

    for (size_t tap = 1; tap < taps; tap++)
        sum += vector_load_some(in[tap] + c, count);
    vector_store_some(out + c, sum * vector_fill(factor), count);
}

void VARIANT(pool_sum)(const float *const *in, size_t taps, size_t channels, float factor,
                       float *out)
{
    size_t c = 0;

    for (; c + LANES <= channels; c += LANES)
        sum_channels(in, taps, c, LANES, factor, out);
    if (c < channels)
        sum_channels(in, taps, c, channels - c, factor, out);
}

void VARIANT(affine)(const float *in, const float *scale, const float *shift, size_t count,
                     float low, float high, float *out)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t part = count - i < LANES ? count - i : LANES;
        vector value = vector_load_some(in + i, part) * vector_load_some(scale + i, part) +
                       vector_load_some(shift + i, part);

        vector_store_some(out + i, vector_clip(value, low, high), part);
    }
}

static inline __attribute__((always_inline)) vector operand(const float *from, size_t step,
                                                            size_t i, size_t count)
{
    return step == 0 ? vector_fill(*from) : vector_load_some(from + i, count);
}

#define BINARY(name, operation)                                                                   \
    void VARIANT(name)(const float *a, size_t a_step, const float *b, size_t b_step,              \
                       size_t count, float low, float high, float *out)                           \
    {                                                                                             \
        for (size_t i = 0; i < count; i += LANES) {                                               \
            size_t part = count - i < LANES ? count - i : LANES;                                  \
            vector value = operand(a, a_step, i, part) operation operand(b, b_step, i, part);     \
                                                                                                  \
            vector_store_some(out + i, vector_clip(value, low, high), part);                      \
        }                                                                                         \
    }

BINARY(binary_add, +)
BINARY(binary_subtract, -)
BINARY(binary_multiply, *)
BINARY(binary_divide, /)
