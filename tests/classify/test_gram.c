#include "classify/gram.h"

#include <dlfcn.h>
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

/* Strips of any height are the rows of the matrix. */
static void test_strips(void **state)
{
    static const size_t heights[] = {1, 7, 128, 300};
    const size_t count = 300, dimension = 55;
    float *rows = random_rows(count * dimension), *gram = gram_of(rows, count, dimension, 1);
    float *strip = malloc(count * count * sizeof *strip);
    struct parallel *parallel;
    struct error error;

    (void)state;
    assert_non_null(strip);
    assert_int_equal(parallel_create(2, &parallel, &error), 0);
    for (size_t h = 0; h < sizeof heights / sizeof heights[0]; h++) {
        size_t height = heights[h];

        for (size_t first = 0; first + height <= count; first += 50) {
            assert_int_equal(gram_strip(rows, count, dimension, first, height, parallel, strip,
                                        &error), 0);
            for (size_t i = 0; i < height * count; i++)
                assert_true(fabs((double)strip[i] - (double)gram[first * count + i]) < 1e-4);
        }
    }
    parallel_free(parallel);
    free(strip);
    free(gram);
    free(rows);
}

/* Not the kernels of 2004, however new the processor is, unless somebody asked for them. */
static void test_openblas_uses_the_processor(void **state)
{
#if defined(__x86_64__)
    void *library;
    char *(*core_name)(void);
    float one = 1, *gram = gram_of(&one, 1, 1, 0);

    (void)state;
    assert_true(fabs((double)gram[0] - 1) <= 0);
    free(gram);
    if (!__builtin_cpu_supports("avx2"))
        skip();
    library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(library);
    *(void **)(void *)&core_name = dlsym(library, "openblas_get_corename");
    assert_non_null(core_name);
    if (strcmp(getenv("OPENBLAS_CORETYPE"), "Prescott") != 0)
        assert_string_not_equal(core_name(), "Prescott");
    dlclose(library);
#else
    (void)state;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gram_agrees_with_double_sums),
        cmocka_unit_test(test_gram_does_not_depend_on_threads),
        cmocka_unit_test(test_strips),
        cmocka_unit_test(test_openblas_uses_the_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
