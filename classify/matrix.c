#include "classify/matrix.h"

#include <string.h>

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
