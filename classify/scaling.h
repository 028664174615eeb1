/*
 * Standardisation: every number of a vector less its mean, divided by its standard deviation, both
 * of the training part alone.
 *
 *     scaling_fit(vectors, dimension, rows, row_count, &scaling, &error);
 *     scaling_apply(&scaling, vectors, count, scaled);
 *     scaling_release(&scaling);
 */
#ifndef CLASSIFY_SCALING_H
#define CLASSIFY_SCALING_H

#include <stddef.h>

#include "common/error.h"

struct scaling {
    size_t dimension;
    double *mean;   /* [dimension] */
    double *scale;  /* [dimension]: 1 / standard deviation (of n, not n - 1); 1 where a number is
                       the same in all vectors */
};

/* From rows: [count] of vectors: [][dimension]; count > 0. 0 or FAILED. */
int scaling_fit(const float *vectors, size_t dimension, const size_t *rows, size_t count,
                struct scaling *scaling, struct error *error);
void scaling_release(struct scaling *scaling);

/* scaled: [count][dimension] from vectors: [count][dimension]. */
void scaling_apply(const struct scaling *scaling, const float *vectors, size_t count,
                   float *scaled);

#endif
