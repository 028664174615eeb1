/*
 * Where every result lies in memory: one arena, in which results whose lifetimes do not meet share
 * their place. The inputs of a concatenation are written into its result directly wherever that
 * is possible, slices of channels and reshapes that move nothing are views, and a convolution
 * replaces the residual that it adds by its result.
 */
#ifndef EXTRACT_NETWORK_LAYOUT_H
#define EXTRACT_NETWORK_LAYOUT_H

#include "extract/network/step.h"
#include "extract/network/strips.h"

/* How many images pass through a step together: the first layers, with their large maps, take
 * small groups that stay in the caches; the last ones, with their many weights, the whole
 * batch. */
struct schedule {
    size_t batch;
    size_t split, group;  /* steps before `split` run for `group` images at a time */
};

/* What a result's memory holds. */
enum home_kind {
    HOME_BATCH,  /* all images */
    HOME_GROUP,  /* the group of images that is on its way */
    HOME_STRIP   /* some rows of one image, in memory that every thread has for itself */
};

struct home {
    enum home_kind kind;
    size_t buffer;  /* HOME_STRIP: in strip_buffers */
    size_t offset;  /* HOME_STRIP: floats from the buffer's begin */
};

/* Rows of one result, or of several side by side, while the strips pass. */
struct strip_buffer {
    size_t offset;      /* floats, within a thread's memory */
    size_t row_floats;
    size_t *first;      /* [strips->count + 1]: the row at the buffer's begin, during a strip */
    size_t *end;        /* [strips->count + 1]: one behind the last row, after a strip */
};

struct layout {
    struct view *views;                 /* [graph->count]; those of inputs have no data yet, those
                                           of strips are the first thread's, for row 0 */
    struct home *homes;                 /* [graph->count] */
    float *arena;                       /* all but the strips */
    size_t arena_floats;
    struct strip_buffer *strip_buffers;
    size_t strip_buffer_count;
    float *strip_arena;                 /* [threads][strip_floats] */
    size_t strip_floats;
};

/* outputs [count] are kept to the end. Release with layout_release, also on FAILED. */
int layout_create(struct layout *layout, const struct graph *graph,
                  const struct schedule *schedule, const struct strips *strips, size_t threads,
                  const size_t *outputs, size_t count, struct error *error);
void layout_release(struct layout *layout);

#endif
