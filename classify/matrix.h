/*
 * Sums over vectors, in double. Their bits depend on nothing but the numbers.
 *
 *     value = matrix_dot(weights, vector, dimension) + bias;
 */
#ifndef CLASSIFY_MATRIX_H
#define CLASSIFY_MATRIX_H

#include <stddef.h>

/* The inner product of weights: [dimension] and vector: [dimension], summed in double. */
double matrix_dot(const double *weights, const float *vector, size_t dimension);

/* The sum of the squares of vector: [dimension], in double: so it is finite just when all of the
 * vector is. */
double matrix_squares(const float *vector, size_t dimension);

/* sum: [dimension] += scale * vector: [dimension]. */
void matrix_add_scaled(double *sum, double scale, const float *vector, size_t dimension);

#endif
