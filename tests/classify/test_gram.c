#include "classify/gram.h"

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
    struct parallel *parallel = NULL;
    struct error error;
    float *gram;

    if (threads > 0)
        assert_int_equal(parallel_create(threads, &parallel, &error), 0);
    assert_int_equal(gram_create(rows, count, dimension, parallel, &gram, &error), 0);
    parallel_free(parallel);
    return gram;
}

static const struct {
    size_t count, dimension;
} shapes[] = {{1, 1}, {2, 3}, {5, 64}, {47, 10}, {96, 33}, {97, 400},
            {300, 1000}};

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
    for (size_t threads = 0; threads <= 5; threads++) {
        float *gram = gram_of(rows, count, dimension, threads);

        assert_memory_equal(gram, expected, count * count * sizeof *gram);
        free(gram);
    }
    free(expected);
    free(rows);
}

static void test_too_many_vectors_are_refused(void **state)
{
    struct error error;
    float *gram;

    (void)state;
    assert_int_equal(gram_create(NULL, 20001, 4, NULL, &gram, &error), FAILED);
    assert_string_equal(error.text, "cannot train on 20001 vectors of 4 numbers: the kernel matrix "
                        "is made for at most 20000");
    assert_null(gram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gram_agrees_with_double_sums),
        cmocka_unit_test(test_gram_does_not_depend_on_threads),
        cmocka_unit_test(test_too_many_vectors_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
