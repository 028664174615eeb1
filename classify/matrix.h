/*
 * Products of vectors and matrices. This is the only module that sees BLAS.
 *
 *     matrix_gram(rows, count, dimension, gram, parallel);     gram[i][j] = <row i, row j>
 *     value = matrix_dot(weights, vector, dimension) + bias;
 *
 * Every result has the same bits whatever the number of threads: a task is always the same part
 * of the product, and BLAS runs on one thread inside it.
 */
#ifndef CLASSIFY_MATRIX_H
#define CLASSIFY_MATRIX_H

#include <limits.h>
#include <stddef.h>

#include "common/parallel.h"

/* The largest count and dimension that BLAS can be told. */
#define MATRIX_LIMIT ((size_t)INT_MAX)

/* rows: [count][dimension]; gram: [count][count], symmetric to the bit. Row-major, both counts
 * at most MATRIX_LIMIT. Sums are float32. */
void matrix_gram(const float *rows, size_t count, size_t dimension, float *gram,
                 struct parallel *parallel);

/* The inner product of weights: [dimension] and vector: [dimension], summed in double. Its bits
 * depend on nothing but these numbers. */
double matrix_dot(const double *weights, const float *vector, size_t dimension);

/* The sum of the squares of vector: [dimension], in double: so it is finite just when all of the
 * vector is. */
double matrix_squares(const float *vector, size_t dimension);

/* sum: [dimension] += scale * vector: [dimension]. */
void matrix_add_scaled(double *sum, double scale, const float *vector, size_t dimension);

#endif
