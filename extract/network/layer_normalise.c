/*
 * Local response normalisation and softmax: rare, and small beside the convolutions around them.
 */
#include <math.h>

#include "extract/network/layers.h"

struct job {
    const struct step *step;
    const struct run *run;
};

static int prepare(struct step *step, const struct kernels *kernels, struct error *error)
{
    (void)kernels;
    (void)error;
    step->kernel = "by pixel";
    return 0;
}

/* The window of `size` channels begins (size - 1) / 2 before the channel (ONNX). The running sum
 * is kept in double, so that what was added can be taken away again without a trace. */
static void normalise_pixel(const struct lrn *lrn, const float *in, size_t channels, float *out)
{
    size_t before = (lrn->size - 1) / 2, after = lrn->size - 1 - before;
    double sum = 0;

    for (size_t c = 0; c < channels && c < after; c++)
        sum += (double)in[c] * (double)in[c];
    for (size_t c = 0; c < channels; c++) {
        double base;

        if (c + after < channels)
            sum += (double)in[c + after] * (double)in[c + after];
        if (c > before)
            sum -= (double)in[c - before - 1] * (double)in[c - before - 1];
        base = (double)lrn->bias + (double)lrn->alpha / (double)lrn->size * sum;
        out[c] = in[c] * powf((float)base, -lrn->beta);
    }
}

/* Task: one row of pixels. */
static void normalise_row(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct view *in = job->step->in[0], *out = job->step->out;
    size_t height = out->shape.dims[SHAPE_HEIGHT], width = out->shape.dims[SHAPE_WIDTH];

    (void)worker;
    for (size_t x = 0; x < width; x++) {
        size_t p = task % height * width + x;

        normalise_pixel(&job->step->layer->lrn, view_pixel(in, task / height, p),
                        shape_channels(&out->shape), view_pixel(out, task / height, p));
    }
}

static void run_lrn(const struct step *step, const struct run *run)
{
    struct job job = {step, run};

    run_tasks(run, run->images * step->out->shape.dims[SHAPE_HEIGHT], normalise_row, &job);
}

/* Of pixels `first` to `last` - 1 together. The largest is taken off first, so that no power
 * overflows. */
static void softmax_pixels(const struct step *step, size_t image, size_t first, size_t last)
{
    size_t channels = shape_channels(&step->out->shape);
    float largest = -INFINITY, sum = 0;

    for (size_t p = first; p < last; p++)
        for (size_t c = 0; c < channels; c++)
            largest = fmaxf(largest, view_pixel(step->in[0], image, p)[c]);
    for (size_t p = first; p < last; p++)
        for (size_t c = 0; c < channels; c++) {
            float *out = view_pixel(step->out, image, p) + c;

            *out = expf(view_pixel(step->in[0], image, p)[c] - largest);
            sum += *out;
        }
    for (size_t p = first; p < last; p++)
        for (size_t c = 0; c < channels; c++)
            view_pixel(step->out, image, p)[c] /= sum;
}

/* Task: one image. */
static void softmax_image(void *context, size_t image, size_t worker)
{
    const struct job *job = context;
    size_t pixels = shape_pixels(&job->step->out->shape);

    (void)worker;
    if (!job->step->layer->softmax_channels) {
        softmax_pixels(job->step, image, 0, pixels);
        return;
    }
    for (size_t p = 0; p < pixels; p++)
        softmax_pixels(job->step, image, p, p + 1);
}

static void run_softmax(const struct step *step, const struct run *run)
{
    struct job job = {step, run};

    run_tasks(run, run->images, softmax_image, &job);
}

const struct layer_operations lrn_operations = {
    .name = "local response norm", .prepare = prepare, .run = run_lrn};
const struct layer_operations softmax_operations = {
    .name = "softmax", .prepare = prepare, .run = run_softmax};
