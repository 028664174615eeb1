/*
 * One layer made ready to run: where its inputs and its result lie in memory, and what was
 * prepared for it. plan.h makes the steps, layers.h has the operations per kind of layer.
 */
#ifndef EXTRACT_NETWORK_STEP_H
#define EXTRACT_NETWORK_STEP_H

#include "common/parallel.h"
#include "extract/graph/graph.h"
#include "extract/kernels/kernels.h"

/* A layer's result for a batch. Channel c of pixel p of image i of a map is
 * data[i * image_stride + p * pixel_stride + c]; a part of a larger map (an input of a
 * concatenation) has the larger one's strides. Anything but a map lies row-major at
 * data + i * image_stride. */
struct view {
    float *data;
    struct shape shape;
    size_t pixel_stride, image_stride;
};

static inline float *view_pixel(const struct view *view, size_t image, size_t pixel)
{
    return view->data + image * view->image_stride + pixel * view->pixel_stride;
}

struct step {
    const struct layer *layer;
    struct view *out;
    struct view **in;       /* [layer->input_count] */
    const char *kernel;     /* what --describe says about how it is computed */
    size_t image_scratch;   /* floats that running needs for each image of the batch */
    size_t worker_scratch;  /* bytes that running needs for each thread */
    void *prepared;         /* weights in the kernels' order; the layer's own */
};

/* What is the same for all steps of a run. */
struct run {
    const struct kernels *kernels;
    struct parallel *parallel;      /* NULL: run in the caller alone */
    size_t first_image, images;
    size_t first_row, last_row;     /* of the result that are to be computed, for steps that work
                                       by rows; the rest of the map is left as it is */
    float *image_scratch;           /* [images][the largest step->image_scratch] */
    unsigned char *worker_scratch;  /* [threads][worker_scratch_size] */
    size_t worker_scratch_size;
};

/* The rows to compute of a map: from *first on. Returns how many. */
static inline size_t run_rows(const struct run *run, const struct shape *shape, size_t *first)
{
    size_t height = shape->dims[SHAPE_HEIGHT];
    size_t last = run->last_row < height ? run->last_row : height;

    *first = run->first_row;
    return last > *first ? last - *first : 0;
}

/* parallel_for, or a plain loop without threads. */
static inline void run_tasks(const struct run *run, size_t count, parallel_task *task,
                             void *context)
{
    if (run->parallel != NULL) {
        parallel_for(run->parallel, count, task, context);
        return;
    }
    for (size_t i = 0; i < count; i++)
        task(context, i, 0);
}

static inline size_t run_threads(const struct run *run)
{
    return run->parallel != NULL ? parallel_threads(run->parallel) : 1;
}

static inline void *run_scratch(const struct run *run, size_t worker)
{
    return run->worker_scratch + worker * run->worker_scratch_size;
}

#endif
