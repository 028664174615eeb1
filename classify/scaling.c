#include "classify/scaling.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "classify/matrix.h"
#include "common/memory.h"

/* A spread below this part of a number's size is that of rounding. */
static const double least_spread = 10 * (double)FLT_EPSILON;

/* Turns the sum of squared differences into the scale. */
static double scale_of(double squares, double mean, size_t count)
{
    double deviation = sqrt(squares / (double)count);

    return deviation > least_spread * fabs(mean) ? 1 / deviation : 1;
}

int scaling_fit(const float *vectors, size_t dimension, const size_t *rows, size_t count,
                struct scaling *scaling, struct error *error)
{
    assert(count > 0);
    *scaling = (struct scaling){
        .dimension = dimension,
        .mean = memory_allocate(dimension, sizeof *scaling->mean, error),
        .scale = memory_allocate(dimension, sizeof *scaling->scale, error),
    };
    if (scaling->mean == NULL || scaling->scale == NULL) {
        scaling_release(scaling);
        return FAILED;
    }
    for (size_t r = 0; r < count; r++)
        matrix_add_scaled(scaling->mean, 1 / (double)count, vectors + rows[r] * dimension,
                          dimension);
    for (size_t r = 0; r < count; r++) {
        const float *vector = vectors + rows[r] * dimension;

        for (size_t i = 0; i < dimension; i++) {
            double difference = (double)vector[i] - scaling->mean[i];

            scaling->scale[i] += difference * difference;
        }
    }
    for (size_t i = 0; i < dimension; i++)
        scaling->scale[i] = scale_of(scaling->scale[i], scaling->mean[i], count);
    return 0;
}

void scaling_release(struct scaling *scaling)
{
    free(scaling->mean);
    free(scaling->scale);
    *scaling = (struct scaling){0};
}

void scaling_apply(const struct scaling *scaling, const float *vectors, size_t count,
                   float *scaled)
{
    for (size_t row = 0; row < count; row++) {
        const float *vector = vectors + row * scaling->dimension;
        float *out = scaled + row * scaling->dimension;

        for (size_t i = 0; i < scaling->dimension; i++)
            out[i] = (float)(((double)vector[i] - scaling->mean[i]) * scaling->scale[i]);
    }
}
