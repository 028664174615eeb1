#include "classify/scaling.h"

#include <math.h>

#include "tests/helpers.h"

/* Rows 0 and 2 alone: means 2, 5, 0.1; deviations 1, 0, 0. */
static void test_fitted_to_the_rows_given(void **state)
{
    static const float vectors[] = {1, 5, 0.1f, 100, 100, 100, 3, 5, 0.1f};
    static const float expected[] = {-1, 0, 0, 98, 95, 99.9f, 1, 0, 0};
    static const size_t rows[] = {0, 2};
    struct scaling scaling;
    struct error error;
    float scaled[9];

    (void)state;
    assert_int_equal(scaling_fit(vectors, 3, rows, 2, &scaling, &error), 0);
    assert_true(fabs(scaling.mean[0] - 2) < 1e-12);
    assert_true(fabs(scaling.scale[0] - 1) < 1e-12);
    /* A constant has no scale, not even by the rounding of its mean. */
    assert_true(fabs(scaling.scale[1] - 1) < 1e-12);
    assert_true(fabs(scaling.scale[2] - 1) < 1e-12);
    scaling_apply(&scaling, vectors, 3, scaled);
    for (size_t i = 0; i < 9; i++)
        assert_true(fabs((double)scaled[i] - (double)expected[i]) < 1e-5);
    scaling_release(&scaling);
}

/* Mean 0 and deviation 1 afterwards, as scikit-learn's StandardScaler: of n, not n - 1. */
static void test_standard(void **state)
{
    enum { COUNT = 7, DIMENSION = 5 };
    float vectors[COUNT * DIMENSION], scaled[COUNT * DIMENSION];
    size_t rows[COUNT];
    struct scaling scaling;
    struct error error;

    (void)state;
    for (size_t i = 0; i < COUNT * DIMENSION; i++)
        vectors[i] = (float)(i * 31 % 17) * (float)(i % DIMENSION + 1);
    for (size_t i = 0; i < COUNT; i++)
        rows[i] = i;
    assert_int_equal(scaling_fit(vectors, DIMENSION, rows, COUNT, &scaling, &error), 0);
    scaling_apply(&scaling, vectors, COUNT, scaled);
    for (size_t k = 0; k < DIMENSION; k++) {
        double sum = 0, squares = 0;

        for (size_t i = 0; i < COUNT; i++) {
            sum += (double)scaled[i * DIMENSION + k];
            squares += (double)scaled[i * DIMENSION + k] * (double)scaled[i * DIMENSION + k];
        }
        assert_true(fabs(sum) < 1e-5);
        assert_true(fabs(squares / COUNT - 1) < 1e-5);
    }
    scaling_release(&scaling);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fitted_to_the_rows_given),
        cmocka_unit_test(test_standard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
