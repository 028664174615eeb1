/*
 * Depthwise convolution: every channel has a filter of its own.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "extract/network/activation.h"
#include "extract/network/convolution.h"

/* Of 3 x 3 windows. MOST_COLUMNS: of the input, that the windows of one pass move over: what a few
 * rows hold there stays in the first-level cache until the next vector of channels is read. Rows
 * of MobileNet's maps are so long, or a multiple. */
enum {
    SIDE = 3,
    MOST_ROWS = KERNEL_DEPTHWISE_MOST,
    MOST_COLUMNS = 14,
    MOST_TABLE = ((MOST_ROWS - 1) * KERNEL_DEPTHWISE_MOST + SIDE) * (MOST_COLUMNS + SIDE - 1)
};

struct prepared {
    float *weights;  /* [taps][channels] */
    float *shift;    /* [channels] */
    float *zeros;    /* [channels] */
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
    size_t first_row, rows;
};

/* ---- any window ------------------------------------------------------------------------- */

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

/* ---- 3 x 3 ------------------------------------------------------------------------------ */

static bool is_3x3(const struct window *window)
{
    for (size_t axis = 0; axis < 2; axis++)
        if (window->kernel[axis] != SIDE || window->dilation[axis] != 1 ||
            window->stride[axis] != window->stride[0])
            return false;
    return window->stride[0] <= KERNEL_DEPTHWISE_MOST;
}

/* `pixels` pixels from column x on, of the rows that the filter is for. */
static void filter_pixels(const struct job *job, size_t image, size_t y, size_t x,
                          struct depthwise_3x3 *filter)
{
    const struct layer *layer = job->step->layer;
    const struct view *out = job->step->out;
    size_t width = out->shape.dims[SHAPE_WIDTH];
    const float *table[MOST_TABLE];
    struct window window = {
        .kernel = {(filter->rows - 1) * filter->stride + SIDE,
                   (filter->pixels - 1) * filter->stride + SIDE},
        .stride = {filter->stride, filter->stride},
        .dilation = {1, 1},
    };
    struct sliding sliding = {
        .source = *job->step->in[0],
        .window = &window,
        .kernel_width = window.kernel[1],
        .pad = {layer->convolution.window.pad_begin[0], layer->convolution.window.pad_begin[1]},
        .zeros = job->prepared->zeros,
    };

    filter->in = table;
    sliding_gather(&sliding, image, y, x, table);
    for (size_t row = 0; row < filter->rows; row++)
        filter->out[row] = view_pixel(out, image, (y + row) * width + x);
    job->run->kernels->depthwise_3x3(filter);
    for (size_t row = 0; row < filter->rows && !activation_is_clip(&layer->activation); row++)
        for (size_t i = 0; i < filter->pixels; i++)
            activation_apply(&layer->activation, filter->out[row] + i * filter->out_stride,
                             filter->channels, 0);
}

static size_t row_tasks(const struct job *job)
{
    return (job->rows + MOST_ROWS - 1) / MOST_ROWS;
}

/* Task: MOST_ROWS rows of output pixels, or those that are left. */
static void filter_rows(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct layer *layer = job->step->layer;
    const struct view *out = job->step->out;
    size_t width = out->shape.dims[SHAPE_WIDTH], stride = layer->convolution.window.stride[1];
    size_t parts = (width * stride + MOST_COLUMNS - 1) / MOST_COLUMNS;
    size_t tasks = row_tasks(job), first = task % tasks * MOST_ROWS;
    struct depthwise_3x3 filter = {
        .rows = job->rows - first < MOST_ROWS ? job->rows - first : MOST_ROWS,
        .stride = stride,
        .channels = out->shape.dims[SHAPE_CHANNELS],
        .weights = job->prepared->weights,
        .shift = job->prepared->shift,
        .out_stride = out->pixel_stride,
    };

    (void)worker;
    activation_bounds(&layer->activation, &filter.low, &filter.high);
    for (size_t part = 0; part < parts; part++) {
        size_t x = width * part / parts;

        filter.pixels = width * (part + 1) / parts - x;
        filter_pixels(job, job->run->first_image + task / tasks, job->first_row + first, x,
                      &filter);
    }
}

static void run(const struct step *step, const struct run *run)
{
    struct job job = {.step = step, .run = run, .prepared = step->prepared};

    job.rows = run_rows(run, &step->out->shape, &job.first_row);
    if (is_3x3(&step->layer->convolution.window))
        run_tasks(run, run->images * row_tasks(&job), filter_rows, &job);
    else
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
