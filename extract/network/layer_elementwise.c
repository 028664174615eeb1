/*
 * Layers that go through a map pixel by pixel: scale and shift, activation, and sums, differences,
 * products and quotients of two maps.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "extract/network/activation.h"
#include "extract/network/layers.h"

struct job {
    const struct step *step;
    const struct run *run;
    size_t first, pixels;  /* of one image */
};

/* Pixels that one task goes through. */
enum { BLOCK_PIXELS = 64 };

static size_t block_count(const struct job *job)
{
    return (job->pixels + BLOCK_PIXELS - 1) / BLOCK_PIXELS;
}

static size_t block_end(const struct job *job, size_t block)
{
    size_t end = (block + 1) * BLOCK_PIXELS;

    return job->first + (end < job->pixels ? end : job->pixels);
}

static void run_blocks(const struct step *step, const struct run *run, parallel_task *task)
{
    const struct shape *shape = &step->out->shape;
    struct job job = {.step = step, .run = run, .pixels = shape_pixels(shape)};

    if (shape_is_map(shape)) {
        job.pixels = run_rows(run, shape, &job.first) * shape->dims[SHAPE_WIDTH];
        job.first *= shape->dims[SHAPE_WIDTH];
    }
    run_tasks(run, run->images * block_count(&job), task, &job);
}

/* ---- scale and shift -------------------------------------------------------------------- */

struct prepared {
    float *scale, *shift;  /* per channel */
};

static int prepare_affine(struct step *step, const struct kernels *kernels, struct error *error)
{
    const struct affine *affine = &step->layer->affine;
    bool given = step->layer->kind == LAYER_AFFINE;
    size_t channels = shape_channels(&step->out->shape);
    struct prepared *prepared = memory_allocate(1, sizeof *prepared, error);

    (void)kernels;
    step->prepared = prepared;
    step->kernel = "by pixel";
    if (prepared == NULL)
        return FAILED;
    prepared->scale = memory_allocate(channels, sizeof(float), error);
    prepared->shift = memory_allocate(channels, sizeof(float), error);
    if (prepared->scale == NULL || prepared->shift == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        prepared->scale[c] = given && affine->scale != NULL ? affine->scale[c] : 1;
        prepared->shift[c] = given && affine->shift != NULL ? affine->shift[c] : 0;
    }
    return 0;
}

static void release_affine(struct step *step)
{
    struct prepared *prepared = step->prepared;

    if (prepared == NULL)
        return;
    free(prepared->scale);
    free(prepared->shift);
    free(prepared);
}

static void affine_block(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct step *step = job->step;
    const struct prepared *prepared = step->prepared;
    const struct activation *activation = &step->layer->activation;
    size_t image = job->run->first_image + task / block_count(job);
    size_t block = task % block_count(job);
    size_t channels = shape_channels(&step->out->shape);
    float low, high;

    (void)worker;
    activation_bounds(activation, &low, &high);
    for (size_t p = job->first + block * BLOCK_PIXELS; p < block_end(job, block); p++) {
        float *out = view_pixel(step->out, image, p);

        job->run->kernels->affine(view_pixel(step->in[0], image, p), prepared->scale,
                                  prepared->shift, channels, low, high, out);
        activation_apply(activation, out, channels, 0);
    }
}

static void run_affine(const struct step *step, const struct run *run)
{
    run_blocks(step, run, affine_block);
}

/* ---- two maps --------------------------------------------------------------------------- */

/* The pixel of an operand that belongs to pixel p of the result: a length of 1 is stretched. */
static const float *operand_pixel(const struct view *view, const struct shape *result,
                                  size_t image, size_t p)
{
    size_t y, x;

    if (!shape_is_map(&view->shape) || shape_pixels(&view->shape) == shape_pixels(result))
        return view_pixel(view, image, p);
    y = view->shape.dims[SHAPE_HEIGHT] == 1 ? 0 : p / result->dims[SHAPE_WIDTH];
    x = view->shape.dims[SHAPE_WIDTH] == 1 ? 0 : p % result->dims[SHAPE_WIDTH];
    return view_pixel(view, image, y * view->shape.dims[SHAPE_WIDTH] + x);
}

static void binary_block(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct step *step = job->step;
    const struct activation *activation = &step->layer->activation;
    const struct shape *shape = &step->out->shape;
    size_t image = job->run->first_image + task / block_count(job);
    size_t block = task % block_count(job);
    size_t channels = shape_channels(shape);
    size_t steps[2];
    float low, high;

    (void)worker;
    activation_bounds(activation, &low, &high);
    for (size_t i = 0; i < 2; i++)
        steps[i] = shape_channels(&step->in[i]->shape) == 1 ? 0 : 1;
    for (size_t p = job->first + block * BLOCK_PIXELS; p < block_end(job, block); p++) {
        float *out = view_pixel(step->out, image, p);

        job->run->kernels->binary[step->layer->binary](
            operand_pixel(step->in[0], shape, image, p), steps[0],
            operand_pixel(step->in[1], shape, image, p), steps[1], channels, low, high, out);
        activation_apply(activation, out, channels, 0);
    }
}

static int prepare_binary(struct step *step, const struct kernels *kernels, struct error *error)
{
    (void)kernels;
    (void)error;
    step->kernel = "by pixel";
    return 0;
}

static void run_binary(const struct step *step, const struct run *run)
{
    run_blocks(step, run, binary_block);
}

const struct layer_operations affine_operations = {
    .name = "scale", .prepare = prepare_affine, .run = run_affine, .release = release_affine,
    .row_grain = layer_grain_row};
const struct layer_operations activation_operations = {
    .name = "activation", .prepare = prepare_affine, .run = run_affine,
    .release = release_affine,
    .row_grain = layer_grain_row};
const struct layer_operations binary_operations = {
    .name = "by element", .prepare = prepare_binary, .run = run_binary,
    .row_grain = layer_grain_row};
