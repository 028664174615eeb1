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

static float *random_rows(size_t count)
{
    struct generator generator = generator_seed(7);
    float *rows = malloc(count * sizeof *rows);

    assert_non_null(rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = random_number(&generator);
    return rows;
}

static float *gram_of(const float *rows, size_t count, size_t dimension, size_t threads)
{
    float *gram = malloc(count * count * sizeof *gram);
    struct parallel *parallel;
    struct error error;

    assert_non_null(gram);
    assert_int_equal(parallel_create(threads, &parallel, &error), 0);
    matrix_gram(rows, count, dimension, gram, parallel);
    parallel_free(parallel);
    return gram;
}

static const struct {
    size_t count, dimension;
} shapes[] = {{1, 1}, {2, 3}, {5, 64}, {127, 10}, {128, 33}, {129, 100}, {300, 257}};

static void test_gram_agrees_with_double_sums(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        size_t count = shapes[s].count, dimension = shapes[s].dimension;
        float *rows = random_rows(count * dimension);
        float *gram = gram_of(rows, count, dimension, 2);

        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < count; j++) {
                double expected = 0, size = 0;

                for (size_t k = 0; k < dimension; k++) {
                    double product = (double)rows[i * dimension + k] *
                                     (double)rows[j * dimension + k];

                    expected += product;
                    size += fabs(product);
                }
                assert_true(fabs((double)gram[i * count + j] - expected) <= 1e-6 * size);
                assert_memory_equal(&gram[i * count + j], &gram[j * count + i], sizeof *gram);
            }
        }
        free(gram);
        free(rows);
    }
}

static void test_gram_does_not_depend_on_threads(void **state)
{
    const size_t count = 300, dimension = 777;
    float *rows = random_rows(count * dimension);
    float *expected = gram_of(rows, count, dimension, 1);

    (void)state;
    for (size_t threads = 2; threads <= 5; threads++) {
        float *gram = gram_of(rows, count, dimension, threads);

        assert_memory_equal(gram, expected, count * count * sizeof *gram);
        free(gram);
    }
    free(expected);
    free(rows);
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
        cmocka_unit_test(test_gram_agrees_with_double_sums),
        cmocka_unit_test(test_gram_does_not_depend_on_threads),
        cmocka_unit_test(test_dot_and_add_scaled),
        cmocka_unit_test(test_squares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
