/*
 * Winograd's minimal filtering F(4x4, 3x3) on maps with the channels last: 4 x 4 results of a 3 x 3
 * convolution from 36 multiplications a channel instead of 144. The transforms are those of
 * A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308,
 * section 4, for the points 0, 1, -1, 2, -2 and infinity.
 */
#include "extract/kernels/kernels_private.h"
#include "extract/kernels/vector.h"

enum { IN = KERNEL_WINOGRAD_IN, OUT = KERNEL_WINOGRAD_OUT };

/* One line of the input's transform: out = B' in, for six numbers `step` apart. */
static inline __attribute__((always_inline)) void transform_in(const vector *in, vector *out,
                                                               size_t step)
{
    vector four = vector_fill(4), five = vector_fill(5), two = vector_fill(2);
    vector even = in[4 * step] - four * in[2 * step];  /* of the pair of lines 1 and 2 */
    vector odd = in[3 * step] - four * in[step];
    vector wide = in[4 * step] - in[2 * step];         /* of the pair of lines 3 and 4 */
    vector tall = two * (in[3 * step] - in[step]);

    out[0] = four * in[0] - five * in[2 * step] + in[4 * step];
    out[step] = even + odd;
    out[2 * step] = even - odd;
    out[3 * step] = wide + tall;
    out[4 * step] = wide - tall;
    out[5 * step] = four * in[step] - five * in[3 * step] + in[5 * step];
}

/* One line of the result's transform: four numbers out of six. */
static inline __attribute__((always_inline)) void transform_out(const vector *in, vector *out,
                                                                size_t step, size_t out_step)
{
    vector near_sum = in[step] + in[2 * step], near_difference = in[step] - in[2 * step];
    vector far_sum = in[3 * step] + in[4 * step];
    vector far_difference = in[3 * step] - in[4 * step];

    out[0] = in[0] + near_sum + far_sum;
    out[out_step] = near_difference + vector_fill(2) * far_difference;
    out[2 * out_step] = near_sum + vector_fill(4) * far_sum;
    out[3 * out_step] = near_difference + vector_fill(8) * far_difference + in[5 * step];
}

static inline __attribute__((always_inline)) void input_channels(const float *const *in,
                                                                 size_t channels, size_t c,
                                                                 size_t count, float *out)
{
    vector tile[IN * IN], half[IN * IN];

    for (size_t i = 0; i < IN * IN; i++)
        tile[i] = vector_load_some(in[i] + c, count);
    for (size_t column = 0; column < IN; column++)
        transform_in(tile + column, half + column, IN);
    for (size_t row = 0; row < IN; row++)
        transform_in(half + row * IN, tile + row * IN, 1);
    for (size_t i = 0; i < IN * IN; i++)
        vector_store_some(out + i * channels + c, tile[i], count);
}

void VARIANT(winograd_input)(const float *const *in, size_t channels, float *out)
{
    size_t c = 0;

    for (; c + LANES <= channels; c += LANES)
        input_channels(in, channels, c, LANES, out);
    if (c < channels)
        input_channels(in, channels, c, channels - c, out);
}

static inline __attribute__((always_inline)) void
output_channels(const struct winograd_output *job, size_t c, size_t count)
{
    vector tile[IN * IN], half[OUT * IN], result[OUT * OUT];
    vector shift = vector_load_some(job->shift + c, count);

    for (size_t i = 0; i < IN * IN; i++)
        tile[i] = vector_load_some(job->in + i * job->in_stride + c, count);
    for (size_t column = 0; column < IN; column++)
        transform_out(tile + column, half + column, IN, IN);
    for (size_t row = 0; row < OUT; row++)
        transform_out(half + row * IN, result + row * OUT, 1, 1);
    for (size_t i = 0; i < OUT * OUT; i++) {
        vector sum = result[i] + shift;

        if (job->out[i] == NULL)
            continue;
        if (job->residual != NULL)
            sum += vector_load_some(job->residual[i] + c, count);
        vector_store_some(job->out[i] + c, vector_clip(sum, job->low, job->high), count);
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
