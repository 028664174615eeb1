/*
 * A simplified graph laid out in memory and ready to run: a step per layer, and one arena in which
 * results whose lifetimes do not meet share their place. The inputs of a concatenation are written
 * into its result directly wherever that is possible, slices of channels and reshapes that move
 * nothing are views.
 */
#ifndef EXTRACT_NETWORK_PLAN_H
#define EXTRACT_NETWORK_PLAN_H

#include "extract/network/step.h"

struct plan {
    const struct graph *graph;
    const struct kernels *kernels;
    struct parallel *parallel;
    size_t batch;
    struct view *views;   /* [graph->count] */
    struct step *steps;   /* [graph->count] */
    size_t step_count;    /* how many were begun, for plan_release */
    float *arena;
    size_t arena_floats;
    float *image_scratch;
    unsigned char *worker_scratch;
    size_t worker_scratch_size;
    double *step_seconds; /* [graph->count], or NULL: not measured. See plan_measure */
};

/* outputs [count]: layers whose results are kept to the end. *graph must outlive the plan.
 * Release with plan_release, also on FAILED. */
int plan_create(struct plan *plan, const struct graph *graph, const size_t *outputs, size_t count,
                size_t batch, const struct kernels *kernels, struct parallel *parallel,
                struct error *error);
void plan_release(struct plan *plan);

/* From now on a run writes the time that each step took, divided by the images of the run, to
 * plan->step_seconds. */
int plan_measure(struct plan *plan, struct error *error);

/* input: [images][height][width][channels], images <= batch. The results are in plan->views. */
void plan_run(struct plan *plan, const float *input, size_t images);

#endif
