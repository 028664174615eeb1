/*
 * A simplified graph ready to run: a step per layer, its results laid out in memory (layout.h),
 * its weights packed.
 */
#ifndef EXTRACT_NETWORK_PLAN_H
#define EXTRACT_NETWORK_PLAN_H

#include "extract/network/layout.h"
#include "extract/network/strip_lanes.h"

struct plan {
    const struct graph *graph;
    const struct kernels *kernels;
    struct parallel *parallel;
    struct schedule schedule;
    struct strips strips;
    struct layout layout; /* after a run, the views are of the whole batch where they hold it */
    float **starts;       /* [graph->count]: the data of the views for the first image */
    struct step *steps;   /* [graph->count] */
    struct lane *lanes;   /* [threads]; NULL without strips. See strip_lanes.h */
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

/* input: [images][height][width][channels], images <= batch. The results of the outputs
 * are in plan->layout.views. */
void plan_run(struct plan *plan, const float *input, size_t images);

#endif
