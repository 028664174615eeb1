#include "classify/matrix.h"

/* Eight numbers side by side, whatever the registers hold at a time: written out, since the
 * compiler may not reorder a sum by itself. */
typedef double eight __attribute__((vector_size(64)));

/* The same in memory, at any address. */
typedef double eight_stored __attribute__((vector_size(64), aligned(8), may_alias));
typedef float eight_floats __attribute__((vector_size(32), aligned(4), may_alias));

enum { LANES = 8 };

/* Compiled for several instruction sets, of which the loader chooses. All give the same bits: the
 * lanes are the same, and ISO C lets no multiplication be fused with an addition. */
#if defined(__x86_64__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

#define LOAD(at) (*(const eight_stored *)(at))
#define WIDEN(at) __builtin_convertvector(*(const eight_floats *)(at), eight)
#define ADD_UP(sums) \
    (((sums[0] + sums[2]) + (sums[4] + sums[6])) + ((sums[1] + sums[3]) + (sums[5] + sums[7])))

CLONES double matrix_dot(const double *weights, const float *vector, size_t dimension)
{
    eight sums = {0};
    double rest = 0;
    size_t i = 0;

    for (; i + LANES <= dimension; i += LANES)
        sums += LOAD(weights + i) * WIDEN(vector + i);
    for (; i < dimension; i++)
        rest += weights[i] * (double)vector[i];
    return ADD_UP(sums) + rest;
}

CLONES double matrix_squares(const float *vector, size_t dimension)
{
    eight sums = {0};
    double rest = 0;
    size_t i = 0;

    for (; i + LANES <= dimension; i += LANES)
        sums += WIDEN(vector + i) * WIDEN(vector + i);
    for (; i < dimension; i++)
        rest += (double)vector[i] * (double)vector[i];
    return ADD_UP(sums) + rest;
}

CLONES void matrix_add_scaled(double *sum, double scale, const float *vector, size_t dimension)
{
    size_t i = 0;

    for (; i + LANES <= dimension; i += LANES)
        *(eight_stored *)(sum + i) += scale * WIDEN(vector + i);
    for (; i < dimension; i++)
        sum[i] += scale * (double)vector[i];
}
