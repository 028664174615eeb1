/*
 * Winograd's minimal filtering F(4x4, 3x3) on maps with the channels last: 4 x 4 results of a 3 x 3
 * convolution from 36 multiplications a channel instead of 144. The transforms are those of
 * A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308,
 * section 4, for the points 0, 1, -1, 2, -2 and infinity.
 */
#include "extract/kernels/kernels_private.h"
#include "extract/kernels/vector.h"

enum { IN = KERNEL_WINOGRAD_IN, OUT = KERNEL_WINOGRAD_OUT };

/* One line of the input's transform: out = B' in, for six numbers. */
static inline __attribute__((always_inline)) void transform_in(const vector *in, vector *out,
                                                               size_t out_step)
{
    vector four = vector_fill(4), five = vector_fill(5), two = vector_fill(2);
    vector even = in[4] - four * in[2];  /* of the pair of lines 1 and 2 */
    vector odd = in[3] - four * in[1];
    vector wide = in[4] - in[2];         /* of the pair of lines 3 and 4 */
    vector tall = in[3] - in[1];

    out[0] = four * in[0] + (in[4] - five * in[2]);
    out[out_step] = even + odd;
    out[2 * out_step] = even - odd;
    out[3 * out_step] = wide + two * tall;
    out[4 * out_step] = wide - two * tall;
    out[5 * out_step] = four * in[1] + (in[5] - five * in[3]);
}

/* One line of the result's transform: four numbers out of six. */
static inline __attribute__((always_inline)) void transform_out(const vector *in, vector *out,
                                                                size_t out_step)
{
    vector near_sum = in[1] + in[2], near_difference = in[1] - in[2];
    vector far_sum = in[3] + in[4], far_difference = in[3] - in[4];

    out[0] = in[0] + near_sum + far_sum;
    out[out_step] = near_difference + vector_fill(2) * far_difference;
    out[2 * out_step] = near_sum + vector_fill(4) * far_sum;
    out[3 * out_step] = near_difference + vector_fill(8) * far_difference + in[5];
}

/* Column by column as they are read, then row by row as they are written: 36 numbers are more than
 * there are registers, and so each goes through memory once between the two. */
static inline __attribute__((always_inline)) void input_channels(const float *const *in,
                                                                 size_t c, size_t count,
                                                                 float *out, size_t out_stride)
{
    vector half[IN * IN];

#pragma GCC unroll 6
    for (size_t column = 0; column < IN; column++) {
        vector line[IN];

#pragma GCC unroll 6
        for (size_t row = 0; row < IN; row++)
            line[row] = vector_load_some(in[row * IN + column] + c, count);
        transform_in(line, half + column, IN);
    }
#pragma GCC unroll 6
    for (size_t row = 0; row < IN; row++) {
        vector line[IN];

        transform_in(half + row * IN, line, 1);
#pragma GCC unroll 6
        for (size_t column = 0; column < IN; column++)
            vector_store_some(out + (row * IN + column) * out_stride + c, line[column], count);
    }
}

void VARIANT(winograd_input)(const float *const *in, size_t channels, float *out,
                             size_t out_stride)
{
    size_t c = 0;

    for (; c + LANES <= channels; c += LANES)
        input_channels(in, c, LANES, out, out_stride);
    if (c < channels)
        input_channels(in, c, channels - c, out, out_stride);
}

static inline __attribute__((always_inline)) void
output_channels(const struct winograd_output *job, size_t c, size_t count)
{
    vector half[OUT * IN], shift = vector_load_some(job->shift + c, count);
    const float *const *residual = job->residual;
    float *const *out = job->out, low = job->low, high = job->high;

#pragma GCC unroll 6
    for (size_t column = 0; column < IN; column++) {
        vector line[IN];

#pragma GCC unroll 6
        for (size_t row = 0; row < IN; row++)
            line[row] = vector_load_some(job->in + (row * IN + column) * job->in_stride + c, count);
        transform_out(line, half + column, IN);
    }
#pragma GCC unroll 4
    for (size_t row = 0; row < OUT; row++) {
        vector line[OUT];

        transform_out(half + row * IN, line, 1);
#pragma GCC unroll 4
        for (size_t column = 0; column < OUT; column++) {
            size_t i = row * OUT + column;
            vector sum = line[column] + shift;

            if (out[i] == NULL)
                continue;
            if (residual != NULL)
                sum += vector_load_some(residual[i] + c, count);
            vector_store_some(out[i] + c, vector_clip(sum, low, high), count);
        }
    }
}

void VARIANT(winograd_output)(const struct winograd_output *job)
{
    size_t c = 0;

    for (; c + LANES <= job->channels; c += LANES)
        output_channels(job, c, LANES);
    if (c < job->channels)
        output_channels(job, c, job->channels - c);
}
