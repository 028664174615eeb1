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
    float *zeros;    /* [channels] */
};

static bool suits(const struct step *step)
{
    const struct convolution *convolution = &step->layer->convolution;

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
    step->worker_scratch = step->out->shape.dims[SHAPE_WIDTH] * taps * sizeof(float *);
    step->prepared = prepared;
    if (prepared == NULL)
        return FAILED;
    prepared->weights = memory_allocate_aligned(channels * taps, sizeof(float), error);
    prepared->shift = memory_allocate(channels, sizeof(float), error);
    prepared->zeros = memory_allocate(channels, sizeof(float), error);
    if (prepared->weights == NULL || prepared->shift == NULL || prepared->zeros == NULL)
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
    free(prepared->zeros);
    free(prepared);
}

struct job {
    const struct step *step;
    const struct run *run;
    const struct prepared *prepared;
    struct sliding sliding;
};

/* Task: one row of output pixels. */
static void filter_row(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct layer *layer = job->step->layer;
    const struct view *out = job->step->out;
    size_t width = out->shape.dims[SHAPE_WIDTH];
    size_t image = task / out->shape.dims[SHAPE_HEIGHT], y = task % out->shape.dims[SHAPE_HEIGHT];
    size_t taps = layer->convolution.window.kernel[0] * layer->convolution.window.kernel[1];
    const float **table = run_scratch(job->run, worker);
    struct depthwise filter = {
        .in = table,
        .pixels = width,
        .taps = taps,
        .channels = out->shape.dims[SHAPE_CHANNELS],
        .weights = job->prepared->weights,
        .shift = job->prepared->shift,
        .out = view_pixel(out, image, y * width),
        .out_stride = out->pixel_stride,
    };

    activation_bounds(&layer->activation, &filter.low, &filter.high);
    for (size_t x = 0; x < width; x++)
        sliding_gather(&job->sliding, image, y, x, table + x * taps, 1);
    job->run->kernels->depthwise(&filter);
    for (size_t x = 0; x < width; x++)
        activation_apply(&layer->activation, filter.out + x * filter.out_stride, filter.channels,
                         0);
}

static void run(const struct step *step, const struct run *run)
{
    const struct window *window = &step->layer->convolution.window;
    const struct prepared *prepared = step->prepared;
    struct job job = {
        .step = step,
        .run = run,
        .prepared = prepared,
        .sliding = {
            .source = *step->in[0],
            .window = window,
            .kernel_width = window->kernel[1],
            .pad = {window->pad_begin[0], window->pad_begin[1]},
            .zeros = prepared->zeros,
        },
    };

    run_tasks(run, run->images * step->out->shape.dims[SHAPE_HEIGHT], filter_row, &job);
}

const struct convolution_way convolution_depthwise = {
    .suits = suits, .prepare = prepare, .run = run, .release = release};
