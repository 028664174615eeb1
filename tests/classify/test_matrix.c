#include "classify/matrix.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/generator.h"
#include "tests/helpers.h"

/* A number from -1 to 1. */
static float random_number(struct generator *generator)
{
    return (float)((double)(generator_next(generator) >> 11) / 4503599627370496.0 - 1);
}

static void test_dot_and_add_scaled(void **state)
{
    struct generator generator = generator_seed(3);
    double weights[40], sum[40];
    float vector[40];

    (void)state;
    for (size_t dimension = 0; dimension <= 40; dimension++) {
        double expected = 0;

        for (size_t i = 0; i < 40; i++) {
            weights[i] = sum[i] = (double)random_number(&generator);
            vector[i] = random_number(&generator);
        }
        for (size_t i = 0; i < dimension; i++)
            expected += weights[i] * (double)vector[i];
        assert_true(fabs(matrix_dot(weights, vector, dimension) - expected) < 1e-14);
        matrix_add_scaled(sum, -0.75, vector, dimension);
        for (size_t i = 0; i < 40; i++) {
            double added = i < dimension ? -0.75 * (double)vector[i] : 0;

            assert_true(fabs(sum[i] - (weights[i] + added)) < 1e-15);
        }
    }
}

static void test_squares(void **state)
{
    struct generator generator = generator_seed(4);
    float vector[40];

    (void)state;
    for (size_t dimension = 0; dimension <= 40; dimension++) {
        double expected = 0;

        for (size_t i = 0; i < 40; i++)
            vector[i] = random_number(&generator);
        for (size_t i = 0; i < dimension; i++)
            expected += (double)vector[i] * (double)vector[i];
        assert_true(fabs(matrix_squares(vector, dimension) - expected) < 1e-14);
        for (size_t i = 0; i < dimension; i++) {
            const float not_finite[] = {NAN, INFINITY, -INFINITY};
            float kept = vector[i];

            vector[i] = not_finite[i % 3];
            assert_true(!isfinite(matrix_squares(vector, dimension)));
            vector[i] = FLT_MAX;
            assert_true(isfinite(matrix_squares(vector, dimension)));
            vector[i] = kept;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dot_and_add_scaled),
        cmocka_unit_test(test_squares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
