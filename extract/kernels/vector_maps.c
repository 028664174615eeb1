/*
 * Everything that works channel by channel on maps: depthwise convolution, pooling, scale and
 * shift, sums and products of two maps.
 */
#include "extract/kernels/kernels_private.h"
#include "extract/kernels/vector.h"

/* Pixels that share one reading of the weights, and the most taps that may be registers. */
enum { DEPTHWISE_PIXELS = 8, DEPTHWISE_TAPS = 9 };

/* `count` channels from channel `c` on, of `pixels` pixels from pixel `first` on. */
static inline __attribute__((always_inline)) void
depthwise_block(const struct depthwise *job, size_t first, size_t pixels, size_t c, size_t count)
{
    vector shift = vector_load_some(job->shift + c, count);

    for (size_t pixel = first; pixel < first + pixels; pixel++) {
        const float *in = job->in + pixel * job->in_step + c;
        vector sum = shift;

        for (size_t tap = 0; tap < job->taps; tap++)
            sum += vector_load_some(in + job->tap_offsets[tap], count) *
                   vector_load_some(job->weights[tap] + c, count);
        vector_store_some(job->out + pixel * job->out_stride + c,
                          vector_clip(sum, job->low, job->high), count);
    }
}

/* The same for a constant number of taps and whole vectors of channels. Returns the first channel
 * that is left. */
static inline __attribute__((always_inline)) size_t
depthwise_taps(const struct depthwise *job, size_t first, size_t pixels, size_t taps)
{
    size_t offsets[DEPTHWISE_TAPS], c = 0;

    /* Copies: what is stored might be what the job points to, for all that the compiler knows. */
#pragma GCC unroll 9
    for (size_t tap = 0; tap < taps; tap++)
        offsets[tap] = job->tap_offsets[tap];
    for (; c + LANES <= job->channels; c += LANES) {
        const float *in = job->in + first * job->in_step + c;
        float *out = job->out + first * job->out_stride + c;
        size_t in_step = job->in_step, out_stride = job->out_stride;
        vector shift = vector_load(job->shift + c), weights[DEPTHWISE_TAPS];
        float low = job->low, high = job->high;

#pragma GCC unroll 9
        for (size_t tap = 0; tap < taps; tap++)
            weights[tap] = vector_load(job->weights[tap] + c);
        for (size_t pixel = 0; pixel < pixels; pixel++) {
            vector sum = shift;

#pragma GCC unroll 9
            for (size_t tap = 0; tap < taps; tap++)
                sum += vector_load(in + offsets[tap]) * weights[tap];
            vector_store(out, vector_clip(sum, low, high));
            in += in_step;
            out += out_stride;
        }
    }
    return c;
}

/* All channels. The taps of 3x3 windows, whole, at an edge and in a corner, gain threefold by
 * being cases of their own (MobileNetV2). */
static void depthwise_pixels(const struct depthwise *job, size_t first, size_t pixels)
{
    size_t c = 0;

    if (job->taps == 9)
        c = depthwise_taps(job, first, pixels, 9);
    else if (job->taps == 6)
        c = depthwise_taps(job, first, pixels, 6);
    else if (job->taps == 4)
        c = depthwise_taps(job, first, pixels, 4);
    for (; c + LANES <= job->channels; c += LANES)
        depthwise_block(job, first, pixels, c, LANES);
    if (c < job->channels)
        depthwise_block(job, first, pixels, c, job->channels - c);
}

void VARIANT(depthwise)(const struct depthwise *job)
{
    for (size_t first = 0; first < job->pixels; first += DEPTHWISE_PIXELS) {
        size_t left = job->pixels - first;

        depthwise_pixels(job, first, left < DEPTHWISE_PIXELS ? left : DEPTHWISE_PIXELS);
    }
}

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
