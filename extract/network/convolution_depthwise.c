/*
 * Depthwise convolution: every channel has a filter of its own.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "extract/network/activation.h"
#include "extract/network/convolution.h"

struct prepared {
    float *weights;  /* [taps][channels] */
    float *shift;    /* [channels] */
};

static bool suits(const struct layer *layer)
{
    const struct convolution *convolution = &layer->convolution;

    return convolution->groups == convolution->weights.shape[0] &&
           convolution->weights.shape[1] == 1 && convolution->groups > 1;
}

static int prepare(struct step *step, const struct kernels *kernels, const float *weights,
                   struct error *error)
{
    const struct convolution *convolution = &step->layer->convolution;
    size_t channels = convolution->groups;
    size_t taps = convolution->window.kernel[0] * convolution->window.kernel[1];
    struct prepared *prepared = memory_allocate(1, sizeof *prepared, error);

    (void)kernels;
    step->kernel = "depthwise";
    step->worker_scratch = taps * (sizeof(size_t) + sizeof(float *));
    step->prepared = prepared;
    if (prepared == NULL)
        return FAILED;
    prepared->weights = memory_allocate_aligned(channels * taps, sizeof(float), error);
    prepared->shift = memory_allocate(channels, sizeof(float), error);
    if (prepared->weights == NULL || prepared->shift == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        float scale = convolution->scale != NULL ? convolution->scale[c] : 1;

        for (size_t tap = 0; tap < taps; tap++)
            prepared->weights[tap * channels + c] = weights[c * taps + tap] * scale;
        if (convolution->shift != NULL)
            prepared->shift[c] = convolution->shift[c];
    }
    return 0;
}

static void release(void *memory)
{
    struct prepared *prepared = memory;

    free(prepared->weights);
    free(prepared->shift);
    free(prepared);
}

struct job {
    const struct step *step;
    const struct run *run;
    const struct prepared *prepared;
    size_t first_row, rows;
};

/* The taps that lie within the map, for output pixels of row y and columns like x. */
static void find_taps(const struct job *job, size_t y, size_t x, struct depthwise *filter,
                      size_t *offsets, const float **weights)
{
    const struct window *window = &job->step->layer->convolution.window;
    const struct view *in = job->step->in[0];

    filter->taps = 0;
    for (size_t i = 0; i < window->kernel[0]; i++) {
        /* Outside above or left wraps around and is too large as well. */
        size_t row = y * window->stride[0] + i * window->dilation[0] - window->pad_begin[0];

        for (size_t j = 0; j < window->kernel[1]; j++) {
            size_t column = x * window->stride[1] + j * window->dilation[1] -
                            window->pad_begin[1];

            if (row >= in->shape.dims[SHAPE_HEIGHT] || column >= in->shape.dims[SHAPE_WIDTH])
                continue;
            offsets[filter->taps] =
                (row * in->shape.dims[SHAPE_WIDTH] + column) * in->pixel_stride;
            weights[filter->taps++] =
                job->prepared->weights + (i * window->kernel[1] + j) * filter->channels;
        }
    }
}

/* How many output pixels from x on have all their columns within the map; 1 where x has not. */
static size_t equal_pixels(const struct job *job, size_t x)
{
    const struct window *window = &job->step->layer->convolution.window;
    size_t width = job->step->in[0]->shape.dims[SHAPE_WIDTH];
    size_t reach = (window->kernel[1] - 1) * window->dilation[1];
    size_t last = width + window->pad_begin[1];  /* beyond the last column, in padded ones */
    size_t end;

    if (x * window->stride[1] < window->pad_begin[1] || x * window->stride[1] + reach >= last)
        return 1;
    end = (last - 1 - reach) / window->stride[1] + 1;
    if (end > job->step->out->shape.dims[SHAPE_WIDTH])
        end = job->step->out->shape.dims[SHAPE_WIDTH];
    return end - x;
}

/* Task: one row of output pixels. */
static void filter_row(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct layer *layer = job->step->layer;
    const struct view *out = job->step->out;
    size_t width = out->shape.dims[SHAPE_WIDTH];
    size_t image = job->run->first_image + task / job->rows, y = job->first_row + task % job->rows;
    size_t taps = layer->convolution.window.kernel[0] * layer->convolution.window.kernel[1];
    size_t *offsets = run_scratch(job->run, worker);
    const float **weights = (void *)(offsets + taps);
    struct depthwise filter = {
        .in = view_pixel(job->step->in[0], image, 0),
        .tap_offsets = offsets,
        .in_step = layer->convolution.window.stride[1] * job->step->in[0]->pixel_stride,
        .channels = out->shape.dims[SHAPE_CHANNELS],
        .weights = weights,
        .shift = job->prepared->shift,
        .out_stride = out->pixel_stride,
    };

    activation_bounds(&layer->activation, &filter.low, &filter.high);
    for (size_t x = 0; x < width; x += filter.pixels) {
        filter.pixels = equal_pixels(job, x);
        filter.out = view_pixel(out, image, y * width + x);
        find_taps(job, y, x, &filter, offsets, weights);
        job->run->kernels->depthwise(&filter);
        for (size_t i = 0; i < filter.pixels && !activation_is_clip(&layer->activation); i++)
            activation_apply(&layer->activation, filter.out + i * filter.out_stride,
                             filter.channels, 0);
    }
}

static void run(const struct step *step, const struct run *run)
{
    struct job job = {.step = step, .run = run, .prepared = step->prepared};

    job.rows = run_rows(run, &step->out->shape, &job.first_row);
    run_tasks(run, run->images * job.rows, filter_row, &job);
}

const struct convolution_way convolution_depthwise = {
    .suits = suits,
    .row_grain = 1,
    .weight_factor = 1,
    .prepare = prepare,
    .run = run,
    .release = release,
};
