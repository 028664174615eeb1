/*
 * The Gram matrix of a dataset: every inner product, computed once. All folds, all settings and
 * all pairs of classes then train on parts of it.
 */
#ifndef CLASSIFY_GRAM_H
#define CLASSIFY_GRAM_H

#include <stddef.h>

#include "common/error.h"
#include "common/parallel.h"

/* gram: [count][count] for vectors: [count][dimension]; the caller frees *gram with free().
 * FAILED when it does not fit into memory: the message says how large it would be. */
int gram_create(const float *vectors, size_t count, size_t dimension, struct parallel *parallel,
                float **gram, struct error *error);

#endif
