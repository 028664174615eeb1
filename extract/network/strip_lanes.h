/*
 * Strips at work: every thread takes an image through all of them, alone, in memory of its own.
 */
#ifndef EXTRACT_NETWORK_STRIP_LANES_H
#define EXTRACT_NETWORK_STRIP_LANES_H

#include "extract/network/layout.h"

/* What a thread has for itself. */
struct lane {
    struct view *views;   /* [strips->end] */
    struct step *steps;   /* [strips->end], which share what was prepared */
    struct view **inputs; /* of all steps, one after the other */
    float *memory;        /* the rows: a part of layout->strip_arena */
    double *seconds;      /* [strips->end]: what the steps took, in all images */
};

/* *lanes: [threads], or NULL where there are no strips. steps: [strips->end], prepared; they
 * outlive the lanes. Release with lanes_free. */
int lanes_create(struct lane **lanes, const struct step *steps, const struct layout *layout,
                 const struct strips *strips, size_t threads, struct error *error);
/* lanes may be NULL. */
void lanes_free(struct lane *lanes, size_t threads);

/* Runs all strips for run->images images. layout->views say where the results that are no strips
 * lie. The time that each step takes, as if it had all threads, is added to step_seconds [end],
 * unless that is NULL. */
void lanes_run(struct lane *lanes, const struct layout *layout, const struct strips *strips,
               const struct run *run, double *step_seconds);

#endif
