/*
 * Where every result lies in memory: one arena, in which results whose lifetimes do not meet share
 * their place. The inputs of a concatenation are written into its result directly wherever that
 * is possible, slices of channels and reshapes that move nothing are views.
 */
#ifndef EXTRACT_NETWORK_LAYOUT_H
#define EXTRACT_NETWORK_LAYOUT_H

#include "extract/network/step.h"

/* How many images pass through a step together: the first layers, with their large maps, take
 * small groups that stay in the caches; the last ones, with their many weights, the whole
 * batch. */
struct schedule {
    size_t batch;
    size_t split, group;  /* steps before `split` run for `group` images at a time */
};

/* Fills views [graph->count]; those of inputs have no data yet. whole [graph->count]: the view
 * holds the whole batch; else the group that is on its way. *arena: *floats floats, to be
 * released with free(). outputs [count] are kept to the end. */
int layout_create(const struct graph *graph, const struct schedule *schedule,
                  const size_t *outputs, size_t count, struct view *views, bool *whole,
                  float **arena, size_t *floats, struct error *error);

#endif
