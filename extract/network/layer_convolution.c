/*
 * Convolution, in three ways: a product whose rows are gathered under the window (every kind), a
 * product over a copy of the input with its padding in place, so that a row of the window is one
 * run (few channels: the first layer), and channel by channel (depthwise).
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/network/layers.h"
#include "extract/network/product.h"

/* Rows of the product that a task computes: their inputs stay in the second-level cache while
 * all panels of weights pass over them. */
enum { BLOCK_ROWS = 96, TABLE_ROWS = BLOCK_ROWS + KERNEL_MAX_ROWS };

/* Up to this many channels the padded copy pays: a run of 3 numbers is too short for the tile. */
enum { FEW_CHANNELS = 8 };

struct prepared {
    struct product product;
    bool copies;         /* the input is copied with its padding */
    struct shape padded; /* the copy's shape */
    float *zeros;        /* [channels]: what lies under the window outside of the map */
    float *depthwise;    /* weights [taps][channels], where the convolution is depthwise */
    float *shift;        /* [channels], likewise */
};

static bool is_depthwise(const struct layer *layer)
{
    const struct tensor *weights = &layer->convolution.weights;

    return layer->convolution.groups == weights->shape[0] && weights->shape[1] == 1 &&
           layer->convolution.groups > 1;
}

/* [out][in][height][width] to [out][height][width][in]: the order in which a window's numbers lie
 * in memory. */
static float *reorder_weights(const struct tensor *weights, struct error *error)
{
    size_t channels = weights->shape[1], taps = weights->shape[2] * weights->shape[3];
    float *given = memory_allocate_aligned(weights->count, sizeof *given, error);
    float *ordered = memory_allocate_aligned(weights->count, sizeof *ordered, error);

    if (given == NULL || ordered == NULL || tensor_to_float(weights, given, error) < 0) {
        free(given);
        free(ordered);
        return NULL;
    }
    for (size_t out = 0; out < weights->shape[0]; out++) {
        const float *from = given + out * channels * taps;
        float *to = ordered + out * channels * taps;

        for (size_t c = 0; c < channels; c++)
            for (size_t tap = 0; tap < taps; tap++)
                to[tap * channels + c] = from[c * taps + tap];
    }
    free(given);
    return ordered;
}

static int prepare_depthwise(struct prepared *prepared, const struct layer *layer,
                             const float *weights, struct error *error)
{
    const struct convolution *convolution = &layer->convolution;
    size_t channels = convolution->groups;
    size_t taps = convolution->window.kernel[0] * convolution->window.kernel[1];

    prepared->depthwise = memory_allocate_aligned(channels * taps, sizeof(float), error);
    prepared->shift = memory_allocate(channels, sizeof(float), error);
    if (prepared->depthwise == NULL || prepared->shift == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        float scale = convolution->scale != NULL ? convolution->scale[c] : 1;

        for (size_t tap = 0; tap < taps; tap++)
            prepared->depthwise[tap * channels + c] = weights[c * taps + tap] * scale;
        if (convolution->shift != NULL)
            prepared->shift[c] = convolution->shift[c];
    }
    return 0;
}

/* The copy is left out where the input can be read as it lies. */
static bool needs_copy(const struct step *step)
{
    const struct window *window = &step->layer->convolution.window;
    size_t padding = window->pad_begin[0] + window->pad_begin[1] + window->pad_end[0] +
                     window->pad_end[1];

    return padding > 0 || step->in[0]->pixel_stride != step->in[0]->shape.dims[SHAPE_CHANNELS];
}

/* Chooses between the padded copy and gathering; sets the scratch sizes. */
static void choose_way(struct step *step, struct prepared *prepared)
{
    const struct window *window = &step->layer->convolution.window;
    const struct shape *input = &step->in[0]->shape;
    size_t taps = window->kernel[0] * window->kernel[1];

    prepared->copies = step->layer->convolution.groups == 1 && window->dilation[1] == 1 &&
                       input->dims[SHAPE_CHANNELS] <= FEW_CHANNELS && window->kernel[1] > 1;
    prepared->padded = *input;
    for (size_t axis = 0; axis < 2; axis++)
        prepared->padded.dims[SHAPE_HEIGHT + axis] +=
            window->pad_begin[axis] + window->pad_end[axis];
    if (prepared->copies)
        step->image_scratch = needs_copy(step) ? shape_count(&prepared->padded) : 0;
    step->kernel = prepared->copies ? "product, padded copy" : taps == 1 ? "product"
                                                                         : "product, gathered";
    step->worker_scratch =
        TABLE_ROWS * (2 + (prepared->copies ? window->kernel[0] : taps)) * sizeof(float *);
}

static int prepare(struct step *step, const struct kernels *kernels, struct error *error)
{
    const struct layer *layer = step->layer;
    const struct convolution *convolution = &layer->convolution;
    struct prepared *prepared = memory_allocate(1, sizeof *prepared, error);
    size_t outputs = convolution->weights.shape[0];
    float *weights;
    int outcome;

    step->prepared = prepared;
    if (prepared == NULL)
        return FAILED;
    weights = reorder_weights(&convolution->weights, error);
    prepared->zeros =
        memory_allocate(step->in[0]->shape.dims[SHAPE_CHANNELS], sizeof(float), error);
    if (weights == NULL || prepared->zeros == NULL) {
        free(weights);
        return FAILED;
    }
    if (is_depthwise(layer)) {
        step->kernel = "depthwise";
        step->worker_scratch = layer->shape.dims[SHAPE_WIDTH] * convolution->window.kernel[0] *
                               convolution->window.kernel[1] * sizeof(float *);
        outcome = prepare_depthwise(prepared, layer, weights, error);
    } else {
        choose_way(step, prepared);
        outcome = product_prepare(&prepared->product, kernels, convolution->groups,
                                  outputs / convolution->groups,
                                  convolution->weights.count / outputs, weights,
                                  convolution->scale, convolution->shift, error);
    }
    free(weights);
    return outcome;
}

static void release(struct step *step)
{
    struct prepared *prepared = step->prepared;

    if (prepared == NULL)
        return;
    product_release(&prepared->product);
    free(prepared->zeros);
    free(prepared->depthwise);
    free(prepared->shift);
    free(prepared);
}

struct job {
    const struct step *step;
    const struct run *run;
    const struct prepared *prepared;
    struct view source;  /* what the window slides over: the input, or its padded copy */
    size_t pad[2];       /* how far the window begins outside of it */
    size_t rows;         /* output pixels of all images */
    size_t parts;        /* into which the panels of a group are split */
};

/* ---- the padded copy -------------------------------------------------------------------- */

/* Task: one row of one image's padded copy. */
static void copy_row(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct window *window = &job->step->layer->convolution.window;
    const struct view *in = job->step->in[0];
    size_t height = job->prepared->padded.dims[SHAPE_HEIGHT];
    size_t width = in->shape.dims[SHAPE_WIDTH], channels = in->shape.dims[SHAPE_CHANNELS];
    size_t image = task / height, row = task % height;
    float *to = view_pixel(&job->source, image, row * job->prepared->padded.dims[SHAPE_WIDTH]);

    (void)worker;
    memset(to, 0, job->prepared->padded.dims[SHAPE_WIDTH] * channels * sizeof *to);
    if (row < window->pad_begin[0] || row - window->pad_begin[0] >= in->shape.dims[SHAPE_HEIGHT])
        return;
    to += window->pad_begin[1] * channels;
    for (size_t x = 0; x < width; x++)
        memcpy(to + x * channels,
               view_pixel(in, image, (row - window->pad_begin[0]) * width + x),
               channels * sizeof *to);
}

static void copy_input(struct job *job)
{
    size_t channels = job->prepared->padded.dims[SHAPE_CHANNELS];

    job->source = (struct view){
        .data = job->run->image_scratch,
        .shape = job->prepared->padded,
        .pixel_stride = channels,
        .image_stride = shape_count(&job->prepared->padded),
    };
    job->pad[0] = job->pad[1] = 0;
    run_tasks(job->run, job->run->images * job->prepared->padded.dims[SHAPE_HEIGHT], copy_row,
              job);
}

/* ---- the product ------------------------------------------------------------------------ */

/* The pointers under the window of one output pixel, one a run, `stride` apart. */
static void gather(const struct job *job, size_t image, size_t y, size_t x, const float **table,
                   size_t stride)
{
    const struct window *window = &job->step->layer->convolution.window;
    const struct shape *shape = &job->source.shape;
    size_t kernel_width = job->prepared->copies ? 1 : window->kernel[1];
    size_t top = y * window->stride[0] - job->pad[0];
    size_t left = x * window->stride[1] - job->pad[1];

    for (size_t i = 0; i < window->kernel[0]; i++) {
        /* Outside above or left wraps around and is too large as well. */
        size_t row = top + i * window->dilation[0];

        for (size_t j = 0; j < kernel_width; j++, table += stride) {
            size_t column = left + j * window->dilation[1];

            if (row < shape->dims[SHAPE_HEIGHT] && column < shape->dims[SHAPE_WIDTH])
                *table = view_pixel(&job->source, image, row * shape->dims[SHAPE_WIDTH] + column);
            else
                *table = job->prepared->zeros;
        }
    }
}

/* Fills the tables for `count` output pixels from `first` on, and repeats the last one. */
static void fill_tables(const struct job *job, size_t first, size_t count, const float **in,
                        float **out, const float **residual)
{
    const struct view *to = job->step->out;
    size_t width = to->shape.dims[SHAPE_WIDTH], pixels = shape_pixels(&to->shape);
    size_t image = first / pixels, pixel = first % pixels;
    size_t y = pixel / width, x = pixel % width;

    for (size_t row = 0; row < count + KERNEL_MAX_ROWS - 1; row++) {
        gather(job, image, y, x, in + row, TABLE_ROWS);
        out[row] = view_pixel(to, image, y * width + x);
        if (job->step->layer->convolution.residual)
            residual[row] = view_pixel(job->step->in[1], image, y * width + x);
        if (row + 1 >= count)
            continue;
        if (++x == width) {
            x = 0;
            if (++y == to->shape.dims[SHAPE_HEIGHT]) {
                y = 0;
                image++;
            }
        }
    }
}

/* Task: a block of rows, a group and a part of its panels. */
static void multiply_block(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct convolution *convolution = &job->step->layer->convolution;
    const struct product *product = &job->prepared->product;
    size_t runs = convolution->window.kernel[0] *
                  (job->prepared->copies ? 1 : convolution->window.kernel[1]);
    size_t part = task % job->parts, group = task / job->parts % product->groups;
    size_t first = task / job->parts / product->groups * BLOCK_ROWS;
    size_t count = job->rows - first < BLOCK_ROWS ? job->rows - first : BLOCK_ROWS;
    float **out = run_scratch(job->run, worker);
    const float **residual = (void *)(out + TABLE_ROWS);
    const float **in = residual + TABLE_ROWS;
    struct product_rows rows = {
        .in = in,
        .stride = TABLE_ROWS,
        .runs = runs,
        .run_length = product->depth / runs,
        .in_group_step = convolution->weights.shape[1],
        .out = out,
        .residual = convolution->residual ? residual : NULL,
        .count = count,
    };

    fill_tables(job, first, count, in, out, residual);
    product_run(product, group, product->panels * part / job->parts,
                product->panels * (part + 1) / job->parts, &rows, &job->step->layer->activation);
}

static void run_product(struct job *job)
{
    const struct product *product = &job->prepared->product;
    size_t blocks, wanted;

    if (job->prepared->copies && needs_copy(job->step))
        copy_input(job);
    job->rows = job->run->images * shape_pixels(&job->step->out->shape);
    blocks = (job->rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    /* The last, small maps have few blocks: their panels are shared out as well. */
    wanted = 4 * run_threads(job->run) / (blocks * product->groups);
    job->parts = wanted < 1 ? 1 : wanted > product->panels ? product->panels : wanted;
    run_tasks(job->run, blocks * product->groups * job->parts, multiply_block, job);
}

/* ---- depthwise -------------------------------------------------------------------------- */

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
        .weights = job->prepared->depthwise,
        .shift = job->prepared->shift,
        .out = view_pixel(out, image, y * width),
        .out_stride = out->pixel_stride,
    };

    activation_bounds(&layer->activation, &filter.low, &filter.high);
    for (size_t x = 0; x < width; x++)
        gather(job, image, y, x, table + x * taps, 1);
    job->run->kernels->depthwise(&filter);
    for (size_t x = 0; x < width; x++)
        activation_apply(&layer->activation, filter.out + x * filter.out_stride, filter.channels,
                         0);
}

static void run(const struct step *step, const struct run *run)
{
    const struct window *window = &step->layer->convolution.window;
    struct job job = {
        .step = step,
        .run = run,
        .prepared = step->prepared,
        .source = *step->in[0],
        .pad = {window->pad_begin[0], window->pad_begin[1]},
    };

    if (job.prepared->depthwise != NULL)
        run_tasks(run, run->images * step->out->shape.dims[SHAPE_HEIGHT], filter_row, &job);
    else
        run_product(&job);
}

static double cost(const struct layer *layer, const struct graph *graph)
{
    (void)graph;
    return (double)layer->convolution.weights.count * (double)shape_pixels(&layer->shape);
}

const struct layer_operations convolution_operations = {
    .name = "convolution", .prepare = prepare, .run = run, .release = release, .cost = cost};
