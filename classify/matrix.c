#include "classify/matrix.h"

#include <assert.h>
#include <string.h>

#include <cblas.h>

/* The side of a block of the Gram matrix: large enough for sgemm to reach its speed, small enough
 * that a few hundred images already keep several threads busy. */
enum { BLOCK = 128 };

struct gram {
    const float *rows;
    size_t count, dimension;
    float *values;
};

static size_t length_of(const struct gram *gram, size_t block)
{
    size_t start = block * BLOCK;

    return gram->count - start < BLOCK ? gram->count - start : BLOCK;
}

/* Computes the task-th block on or below the diagonal, counted row by row, and mirrors it. */
static void compute_block(void *context, size_t task, size_t worker)
{
    const struct gram *gram = context;
    size_t down = 0, across = task, height, width;
    float *block;

    (void)worker;
    while (across > down)
        across -= ++down;
    height = length_of(gram, down);
    width = length_of(gram, across);
    block = gram->values + down * BLOCK * gram->count + across * BLOCK;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)height, (int)width,
                (int)gram->dimension, 1.0f, gram->rows + down * BLOCK * gram->dimension,
                (int)gram->dimension, gram->rows + across * BLOCK * gram->dimension,
                (int)gram->dimension, 0.0f, block, (int)gram->count);
    for (size_t row = 0; row < height; row++) {
        size_t i = down * BLOCK + row;
        size_t end = down == across ? row : width;

        for (size_t column = 0; column < end; column++)
            gram->values[(across * BLOCK + column) * gram->count + i] =
                block[row * gram->count + column];
    }
}

void matrix_gram(const float *rows, size_t count, size_t dimension, float *gram,
                 struct parallel *parallel)
{
    struct gram job = {rows, count, dimension, gram};
    size_t blocks = (count + BLOCK - 1) / BLOCK;

    assert(count <= MATRIX_LIMIT && dimension > 0 && dimension <= MATRIX_LIMIT);
    openblas_set_num_threads(1);
    parallel_for(parallel, blocks * (blocks + 1) / 2, compute_block, &job);
}

/* Two doubles in one register: what every x86-64 and ARMv8 processor has. Written out, since the
 * compiler may not reorder a sum by itself. */
typedef double pair __attribute__((vector_size(16)));

static pair load(const double *at)
{
    return (pair){at[0], at[1]};
}

static pair widen(const float *at)
{
    return (pair){(double)at[0], (double)at[1]};
}

double matrix_dot(const double *weights, const float *vector, size_t dimension)
{
    pair sums[4] = {{0}};
    pair sum;
    size_t i = 0;

    for (; i + 8 <= dimension; i += 8) {
        sums[0] += load(weights + i) * widen(vector + i);
        sums[1] += load(weights + i + 2) * widen(vector + i + 2);
        sums[2] += load(weights + i + 4) * widen(vector + i + 4);
        sums[3] += load(weights + i + 6) * widen(vector + i + 6);
    }
    sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; i < dimension; i++)
        sum[0] += weights[i] * (double)vector[i];
    return sum[0] + sum[1];
}

double matrix_squares(const float *vector, size_t dimension)
{
    pair sums[4] = {{0}};
    pair sum;
    size_t i = 0;

    for (; i + 8 <= dimension; i += 8) {
        for (size_t lane = 0; lane < 4; lane++) {
            pair numbers = widen(vector + i + 2 * lane);

            sums[lane] += numbers * numbers;
        }
    }
    sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; i < dimension; i++)
        sum[0] += (double)vector[i] * (double)vector[i];
    return sum[0] + sum[1];
}

void matrix_add_scaled(double *sum, double scale, const float *vector, size_t dimension)
{
    const pair scales = {scale, scale};
    size_t i = 0;

    for (; i + 4 <= dimension; i += 4) {
        pair first = load(sum + i) + scales * widen(vector + i);
        pair second = load(sum + i + 2) + scales * widen(vector + i + 2);

        memcpy(sum + i, &first, sizeof first);
        memcpy(sum + i + 2, &second, sizeof second);
    }
    for (; i < dimension; i++)
        sum[i] += scale * (double)vector[i];
}
