/*
 * Convolution as a product whose rows are gathered under the window. Where the input has few
 * channels (the first layer), it is copied with its padding in place, so that a whole row of the
 * window is one run of numbers: 3 are too short for the tile's inner loop.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/network/convolution.h"
#include "extract/network/product.h"

/* Rows of the product that a task computes: their inputs stay in the second-level cache while
 * all panels of weights pass over them. */
enum { BLOCK_ROWS = 48, TABLE_ROWS = BLOCK_ROWS + KERNEL_MAX_ROWS };

/* Up to this many channels the padded copy pays. */
enum { FEW_CHANNELS = 8 };

struct prepared {
    struct product product;
    bool copies;          /* a row of the window is one run */
    struct shape padded;  /* the input's shape with its padding */
    float *zeros;         /* [channels] */
};

/* The copy is left out where the input can be read as it lies. */
static bool needs_copy(const struct step *step)
{
    const struct window *window = &step->layer->convolution.window;
    size_t padding = window->pad_begin[0] + window->pad_begin[1] + window->pad_end[0] +
                     window->pad_end[1];

    return padding > 0 || step->in[0]->pixel_stride != step->in[0]->shape.dims[SHAPE_CHANNELS];
}

static bool suits(const struct layer *layer)
{
    (void)layer;
    return true;
}

/* [out][in][tap] to [out][tap][in]: the order in which a window's numbers lie in memory. */
static float *order_weights(const struct tensor *tensor, const float *weights,
                            struct error *error)
{
    size_t channels = tensor->shape[1], taps = tensor->shape[2] * tensor->shape[3];
    float *ordered = memory_allocate_aligned(tensor->count, sizeof *ordered, error);

    for (size_t out = 0; ordered != NULL && out < tensor->shape[0]; out++) {
        const float *from = weights + out * channels * taps;
        float *to = ordered + out * channels * taps;

        for (size_t tap = 0; tap < taps; tap++)
            for (size_t c = 0; c < channels; c++)
                to[tap * channels + c] = from[c * taps + tap];
    }
    return ordered;
}

static int prepare(struct step *step, const struct kernels *kernels, const float *weights,
                   struct error *error)
{
    const struct convolution *convolution = &step->layer->convolution;
    const struct window *window = &convolution->window;
    const struct shape *input = &step->in[0]->shape;
    size_t taps = window->kernel[0] * window->kernel[1];
    size_t outputs = convolution->weights.shape[0];
    struct prepared *prepared = memory_allocate(1, sizeof *prepared, error);
    float *ordered;
    int outcome;

    step->prepared = prepared;
    if (prepared == NULL)
        return FAILED;
    prepared->copies = convolution->groups == 1 && window->dilation[1] == 1 &&
                       input->dims[SHAPE_CHANNELS] <= FEW_CHANNELS && window->kernel[1] > 1;
    prepared->padded = *input;
    for (size_t axis = 0; axis < 2; axis++)
        prepared->padded.dims[SHAPE_HEIGHT + axis] +=
            window->pad_begin[axis] + window->pad_end[axis];
    if (prepared->copies && needs_copy(step))
        step->image_scratch = shape_count(&prepared->padded);
    step->kernel = prepared->copies ? "product, padded copy"
                   : taps == 1      ? "product"
                                    : "product, gathered";
    step->worker_scratch =
        TABLE_ROWS * (2 + (prepared->copies ? window->kernel[0] : taps)) * sizeof(float *);
    prepared->zeros = memory_allocate(input->dims[SHAPE_CHANNELS], sizeof(float), error);
    ordered = order_weights(&convolution->weights, weights, error);
    if (prepared->zeros == NULL || ordered == NULL) {
        free(ordered);
        return FAILED;
    }
    outcome = product_prepare(&prepared->product, kernels, convolution->groups,
                              outputs / convolution->groups, convolution->weights.count / outputs,
                              ordered, convolution->scale, convolution->shift, error);
    free(ordered);
    return outcome;
}

static void release(void *memory)
{
    struct prepared *prepared = memory;

    product_release(&prepared->product);
    free(prepared->zeros);
    free(prepared);
}

struct job {
    const struct step *step;
    const struct run *run;
    const struct prepared *prepared;
    struct sliding sliding;
    size_t width;          /* of the map; all of its pixels where they are read as they lie */
    size_t first, pixels;  /* output pixels of an image: those to compute */
    size_t rows;           /* of all images */
    size_t first_copied, copied_rows;  /* of the padded copy */
    size_t parts;  /* into which the panels of a group are split */
};

/* ---- the padded copy -------------------------------------------------------------------- */

/* Task: one row of one image's padded copy, of those that are needed. */
static void copy_row(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct window *window = &job->step->layer->convolution.window;
    const struct view *in = job->step->in[0];
    size_t height = job->copied_rows;
    size_t padded_width = job->prepared->padded.dims[SHAPE_WIDTH];
    size_t width = in->shape.dims[SHAPE_WIDTH], channels = in->shape.dims[SHAPE_CHANNELS];
    size_t image = job->run->first_image + task / height;
    size_t padded_row = job->first_copied + task % height;
    size_t row = padded_row - window->pad_begin[0];
    float *to = view_pixel(&job->sliding.source, image, padded_row * padded_width);

    (void)worker;
    memset(to, 0, padded_width * channels * sizeof *to);
    if (row >= in->shape.dims[SHAPE_HEIGHT])
        return;
    to += window->pad_begin[1] * channels;
    if (in->pixel_stride == channels) {
        memcpy(to, view_pixel(in, image, row * width), width * channels * sizeof *to);
        return;
    }
    for (size_t x = 0; x < width; x++)
        memcpy(to + x * channels, view_pixel(in, image, row * width + x), channels * sizeof *to);
}

static void copy_input(struct job *job, size_t first, size_t rows)
{
    const struct shape *padded = &job->prepared->padded;
    const struct window *window = job->sliding.window;

    job->sliding.source = (struct view){
        .data = job->run->image_scratch,
        .shape = *padded,
        .pixel_stride = padded->dims[SHAPE_CHANNELS],
        .image_stride = shape_count(padded),
    };
    job->sliding.pad[0] = job->sliding.pad[1] = 0;
    job->first_copied = first * window->stride[0];
    job->copied_rows = (rows - 1) * window->stride[0] +
                       (window->kernel[0] - 1) * window->dilation[0] + 1;
    run_tasks(job->run, job->run->images * job->copied_rows, copy_row, job);
}

/* ---- the product ------------------------------------------------------------------------ */

/* Pointers to `count` pixels of a map from `pixel` on. */
static void list_pixels(const struct view *view, size_t image, size_t pixel, size_t count,
                        float **table)
{
    float *at = view_pixel(view, image, pixel);
    size_t step = view->pixel_stride;

    for (size_t k = 0; k < count; k++, at += step)
        table[k] = at;
}

/* Fills the tables for `count` output pixels from `first` on, and repeats the last one. */
static void fill_tables(const struct job *job, size_t first, size_t count, const float **in,
                        float **out, float **residual)
{
    size_t runs = job->sliding.window->kernel[0] * job->sliding.kernel_width;
    bool adds = job->step->layer->convolution.residual;
    size_t row = 0;

    while (row < count) {
        size_t image = job->run->first_image + (first + row) / job->pixels;
        size_t in_image = (first + row) % job->pixels, pixel = job->first + in_image;
        size_t x = pixel % job->width, part = count - row;

        if (part > job->width - x)
            part = job->width - x;
        if (part > job->pixels - in_image)
            part = job->pixels - in_image;
        sliding_gather_row(&job->sliding, image, pixel / job->width, x, part, in + row,
                           TABLE_ROWS);
        list_pixels(job->step->out, image, pixel, part, out + row);
        if (adds)
            list_pixels(job->step->in[1], image, pixel, part, residual + row);
        row += part;
    }
    for (; row < count + KERNEL_MAX_ROWS - 1; row++) {
        for (size_t run = 0; run < runs; run++)
            in[run * TABLE_ROWS + row] = in[run * TABLE_ROWS + count - 1];
        out[row] = out[count - 1];
        if (adds)
            residual[row] = residual[count - 1];
    }
}

/* Task: a block of rows, a group and a part of its panels. */
static void multiply_block(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct convolution *convolution = &job->step->layer->convolution;
    const struct product *product = &job->prepared->product;
    size_t runs = convolution->window.kernel[0] * job->sliding.kernel_width;
    size_t part = task % job->parts, group = task / job->parts % product->groups;
    size_t first = task / job->parts / product->groups * BLOCK_ROWS;
    size_t count = job->rows - first < BLOCK_ROWS ? job->rows - first : BLOCK_ROWS;
    float **out = run_scratch(job->run, worker);
    float **residual = out + TABLE_ROWS;
    const float **in = (void *)(residual + TABLE_ROWS);
    struct product_rows rows = {
        .in = in,
        .stride = TABLE_ROWS,
        .runs = runs,
        .run_length = product->depth / runs,
        .in_group_step = convolution->weights.shape[1],
        .out = out,
        .out_group_step = product->columns,
        .residual = convolution->residual ? (const float *const *)residual : NULL,
        .count = count,
    };

    fill_tables(job, first, count, in, out, residual);
    product_run(product, group, product->panels * part / job->parts,
                product->panels * (part + 1) / job->parts, &rows, &job->step->layer->activation);
}

/* Where every pixel of the result is computed from the one at its place, a map is one long row. */
static void join_rows(struct job *job)
{
    const struct window *window = job->sliding.window;
    struct shape *shape = &job->sliding.source.shape;

    for (size_t axis = 0; axis < 2; axis++)
        if (window->kernel[axis] != 1 || window->stride[axis] != 1 ||
            window->pad_begin[axis] != 0 || window->pad_end[axis] != 0)
            return;
    job->width = shape_pixels(shape);
    shape->dims[SHAPE_HEIGHT] = 1;
    shape->dims[SHAPE_WIDTH] = job->width;
}

static void run(const struct step *step, const struct run *run)
{
    const struct window *window = &step->layer->convolution.window;
    const struct prepared *prepared = step->prepared;
    const struct product *product = &prepared->product;
    struct job job = {
        .step = step,
        .run = run,
        .prepared = prepared,
        .sliding = {
            .source = *step->in[0],
            .window = window,
            .kernel_width = prepared->copies ? 1 : window->kernel[1],
            .pad = {window->pad_begin[0], window->pad_begin[1]},
            .zeros = prepared->zeros,
        },
    };
    size_t width = step->out->shape.dims[SHAPE_WIDTH], blocks, wanted, first;
    size_t rows = run_rows(run, &step->out->shape, &first);

    if (rows == 0)
        return;
    job.width = width;
    join_rows(&job);
    job.first = first * width;
    job.pixels = rows * width;
    job.rows = run->images * job.pixels;
    blocks = (job.rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    /* The last, small maps have few blocks: their panels are shared out as well. */
    wanted = 4 * run_threads(run) / (blocks * product->groups);
    if (prepared->copies && needs_copy(step))
        copy_input(&job, first, rows);
    job.parts = wanted < 1 ? 1 : wanted > product->panels ? product->panels : wanted;
    run_tasks(run, blocks * product->groups * job.parts, multiply_block, &job);
}

const struct convolution_way convolution_product = {
    .suits = suits,
    .row_grain = 1,
    .weight_factor = 1,
    .prepare = prepare,
    .run = run,
    .release = release,
};
