/*
 * The arithmetic of the Gram matrix: a register tile of 48 columns in GCC's vector extension,
 * compiled for several instruction sets and chosen when it runs.
 *
 * OpenBLAS would do, but for two things: on a processor that its release does not know it falls
 * back to kernels of 2004 (0.3.21 on Sapphire Rapids: a quarter of the speed), and it computes both
 * halves. Every number here is the sum of the same products in the same order wherever it stands,
 * so that it depends on its two vectors and on nothing else.
 */
#ifndef CLASSIFY_GRAM_STRIP_H
#define CLASSIFY_GRAM_STRIP_H

#include <stddef.h>

/* Columns of a strip; the last one of a matrix may have fewer. */
enum { GRAM_STRIP = 96 };

/* gram: [count][count] for vectors: [count][dimension]. Computes the strip of columns that begins
 * with number GRAM_STRIP * strip, from its first row of the diagonal down, and what mirrors it above
 * the diagonal. Strips write nothing in common. Sums are float32, in parts of some hundred products
 * that are then added up. */
void gram_strip(const float *vectors, size_t count, size_t dimension, size_t strip, float *gram);

#endif
