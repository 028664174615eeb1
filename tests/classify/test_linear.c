#include "classify/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

/* w = 2 * row 1 - 0.5 * row 3, over more columns than one block. */
static void test_recover_and_decide(void **state)
{
    enum { DIMENSION = 1500, ROWS = 4 };
    size_t labels[] = {0, 1}, rows[] = {1, 3};
    double coefficients[] = {2, -0.5}, decision, expected = 0.25;
    struct svm_machine machine = {
        .supports = 2, .rows = rows, .coefficients = coefficients, .bias = 0.25,
    };
    struct solution solution = {
        .classes = 2, .decisions = 1, .labels = labels, .machines = &machine,
    };
    float *vectors = malloc(ROWS * DIMENSION * sizeof *vectors);
    struct linear linear;
    struct error error;

    (void)state;
    assert_non_null(vectors);
    for (size_t i = 0; i < ROWS * DIMENSION; i++)
        vectors[i] = (float)((i * 7919) % 1000) / 1000;
    assert_int_equal(linear_create(STRATEGY_OVO, 2, DIMENSION, &linear, &error), 0);
    linear_recover(&linear, &solution, vectors);
    for (size_t k = 0; k < DIMENSION; k++) {
        double weight = 2 * (double)vectors[DIMENSION + k] -
                        0.5 * (double)vectors[3 * DIMENSION + k];

        assert_true(fabs(linear.weights[k] - weight) < 1e-15);
        expected += weight * (double)vectors[k];
    }
    linear_decide(&linear, vectors, &decision);
    assert_true(fabs(decision - expected) < 1e-10);
    linear_release(&linear);
    free(vectors);
}

/* f(z) = <v, z> + b on z = (x - mean) * scale, computed straight, against the absorbed weights. */
static void test_absorb_scaling(void **state)
{
    static const float vectors[] = {1, 10, 2, -20, 4, 5};
    size_t labels[] = {0, 1}, rows[] = {0, 2};
    double coefficients[] = {1.5, -1}, mean[] = {2, -1}, scale[] = {0.5, 0.1};
    struct svm_machine machine = {
        .supports = 2, .rows = rows, .coefficients = coefficients, .bias = -0.75,
    };
    struct solution solution = {
        .classes = 2, .decisions = 1, .labels = labels, .machines = &machine,
    };
    const struct scaling scaling = {.dimension = 2, .mean = mean, .scale = scale};
    struct linear linear;
    struct error error;

    (void)state;
    assert_int_equal(linear_create(STRATEGY_OVO, 2, 2, &linear, &error), 0);
    linear_recover(&linear, &solution, vectors);
    linear_absorb(&linear, &solution, &scaling);
    for (size_t x = 0; x < 3; x++) {
        double decision, expected = -0.75;

        for (size_t s = 0; s < 2; s++)
            for (size_t k = 0; k < 2; k++)
                expected += coefficients[s] *
                            ((double)vectors[2 * rows[s] + k] - mean[k]) * scale[k] *
                            ((double)vectors[2 * x + k] - mean[k]) * scale[k];
        linear_decide(&linear, vectors + 2 * x, &decision);
        assert_true(fabs(decision - expected) < 1e-12);
    }
    linear_release(&linear);
}

static void test_too_many_classes_are_refused(void **state)
{
    struct linear linear;
    struct error error;

    (void)state;
    assert_int_equal(linear_create(STRATEGY_OVO, 10000, 2048, &linear, &error), FAILED);
    assert_string_equal(error.text, "10000 classes make 49995000 decisions, 819 GB of weights for "
                        "vectors of 2048 numbers: say --strategy ovr, or use fewer classes or "
                        "shorter vectors");
    assert_int_equal(linear_create(STRATEGY_OVR, 1000000, 2048, &linear, &error), FAILED);
    assert_string_equal(error.text, "1000000 classes make 1000000 decisions, 16 GB of weights for "
                        "vectors of 2048 numbers: use fewer classes or shorter vectors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recover_and_decide),
        cmocka_unit_test(test_absorb_scaling),
        cmocka_unit_test(test_too_many_classes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
