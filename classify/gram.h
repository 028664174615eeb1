/*
 * The Gram matrix of a dataset: every inner product, computed once. All folds, all settings and
 * all pairs of classes then train on parts of it.
 */
#ifndef CLASSIFY_GRAM_H
#define CLASSIFY_GRAM_H

#include <stddef.h>

#include "common/error.h"
#include "common/parallel.h"

/* gram: [count][count], symmetric to the bit, for vectors: [count][dimension]; the caller frees
 * *gram with free(). Its bits do not depend on the number of threads: a task is always the same
 * block, and OpenBLAS, which only this module sees, runs on one thread inside it. `parallel` may
 * be NULL: the caller's thread alone, which is the way inside a task. FAILED when OpenBLAS cannot
 * be loaded or memory is short. */
int gram_create(const float *vectors, size_t count, size_t dimension, struct parallel *parallel,
                float **gram, struct error *error);

/* Some rows of it, where the whole would be too large: products: [height][count], those of the
 * vectors first .. first + height - 1 with all. FAILED as gram_create. */
int gram_strip(const float *vectors, size_t count, size_t dimension, size_t first, size_t height,
               struct parallel *parallel, float *products, struct error *error);

#endif
