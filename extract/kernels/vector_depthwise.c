/*
 * Depthwise convolution: every channel has a filter of its own.
 */
#include "extract/kernels/kernels_private.h"
#include "extract/kernels/vector.h"

/* ---- any window ------------------------------------------------------------------------- */

/* `count` channels from channel `c` on. */
static inline __attribute__((always_inline)) void filter_channels(const struct depthwise *job,
                                                                  size_t c, size_t count)
{
    vector shift = vector_load_some(job->shift + c, count);

    for (size_t pixel = 0; pixel < job->pixels; pixel++) {
        const float *in = job->in + pixel * job->in_step + c;
        vector sum = shift;

        for (size_t tap = 0; tap < job->taps; tap++)
            sum += vector_load_some(in + job->tap_offsets[tap], count) *
                   vector_load_some(job->weights[tap] + c, count);
        vector_store_some(job->out + pixel * job->out_stride + c,
                          vector_clip(sum, job->low, job->high), count);
    }
}

void VARIANT(depthwise)(const struct depthwise *job)
{
    size_t c = 0;

    for (; c + LANES <= job->channels; c += LANES)
        filter_channels(job, c, LANES);
    if (c < job->channels)
        filter_channels(job, c, job->channels - c);
}

/* ---- 3 x 3 ------------------------------------------------------------------------------ */

enum {
    SIDE = 3,
    TAPS = SIDE * SIDE,
    MOST = KERNEL_DEPTHWISE_MOST,
    READ_ROWS = (MOST - 1) * MOST + SIDE
};

/* The window's next column or columns; those that the last pixel shares stay in registers. */
static inline __attribute__((always_inline)) void
move_window(vector window[][SIDE], const float *const *in, size_t read_rows, size_t read_columns,
            size_t stride, size_t c, size_t count)
{
#pragma GCC unroll 5
    for (size_t row = 0; row < read_rows; row++) {
#pragma GCC unroll 2
        for (size_t column = 0; column < SIDE - stride; column++)
            window[row][column] = window[row][column + stride];
#pragma GCC unroll 2
        for (size_t column = SIDE - stride; column < SIDE; column++)
            window[row][column] = vector_load_some(in[row * read_columns + column] + c, count);
    }
}

static inline __attribute__((always_inline)) vector
filter_window(vector window[][SIDE], const vector *weights, vector sum)
{
#pragma GCC unroll 9
    for (size_t tap = 0; tap < TAPS; tap++)
        sum += window[tap / SIDE][tap % SIDE] * weights[tap];
    return sum;
}

/* `count` channels from channel `c` on, of all pixels of one row of the result or of two. */
static inline __attribute__((always_inline)) void
slide_window(const struct depthwise_3x3 *job, size_t rows, size_t stride, size_t c, size_t count)
{
    size_t read_rows = (rows - 1) * stride + SIDE, pixels = job->pixels;
    size_t read_columns = (pixels - 1) * stride + SIDE, out_stride = job->out_stride;
    vector window[READ_ROWS][SIDE], weights[TAPS], shift = vector_load_some(job->shift + c, count);
    float *out[MOST] = {job->out[0] + c, job->out[rows - 1] + c}, low = job->low, high = job->high;
    const float *const *in = job->in;

#pragma GCC unroll 9
    for (size_t tap = 0; tap < TAPS; tap++)
        weights[tap] = vector_load_some(job->weights + tap * job->channels + c, count);
#pragma GCC unroll 5
    for (size_t row = 0; row < read_rows; row++) {
#pragma GCC unroll 2
        for (size_t column = stride; column < SIDE; column++)
            window[row][column] =
                vector_load_some(in[row * read_columns + column - stride] + c, count);
    }
#pragma GCC unroll 3
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        move_window(window, in + pixel * stride, read_rows, read_columns, stride, c, count);
#pragma GCC unroll 2
        for (size_t row = 0; row < rows; row++) {
            vector sum = filter_window(window + row * stride, weights, shift);

            vector_store_some(out[row] + pixel * out_stride, vector_clip(sum, low, high), count);
        }
    }
}

/* Channels that fill no vector. */
static __attribute__((noinline)) void slide_rest(const struct depthwise_3x3 *job, size_t c)
{
    slide_window(job, job->rows, job->stride, c, job->channels - c);
}

static inline __attribute__((always_inline)) void
slide_all(const struct depthwise_3x3 *job, size_t rows, size_t stride)
{
    size_t c = 0;

    for (; c + LANES <= job->channels; c += LANES)
        slide_window(job, rows, stride, c, LANES);
    if (c < job->channels)
        slide_rest(job, c);
}

/* A case for each, so that window and weights are registers. */
void VARIANT(depthwise_3x3)(const struct depthwise_3x3 *job)
{
    if (job->rows == 2 && job->stride == 1)
        slide_all(job, 2, 1);
    else if (job->rows == 2)
        slide_all(job, 2, 2);
    else if (job->stride == 1)
        slide_all(job, 1, 1);
    else
        slide_all(job, 1, 2);
}
