#include "classify/calibration.h"

#include <math.h>

#include "tests/helpers.h"

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.10g is not within %g of %.10g", value, tolerance, expected);
}

/* make_references.py statistics: the minimum that SciPy's BFGS finds for the same targets. */
static void test_sigmoid_against_scipy(void **state)
{
    static const double values[] = {
        2.491, -1.066, -0.567, 1.208, -1.389, -0.598, 0.799, -2.355, 0.418, 1.4, -1.225, -0.772,
        1.305, -0.861, -0.843, -0.653, -0.045, -0.476, 1.074, -2.127, 1.051, 0.954, -0.987, 1.429,
        0.755, -2.051, -1.005, -1.488, 0.449, -1.016, 0.057, 0.472, -2.251, 1.335, -2.664, -1.262,
        -0.404, 0.862, 1.166, 0.471,
    };
    enum { COUNT = sizeof values / sizeof values[0] };
    struct sigmoid sigmoid;
    bool positive[COUNT];

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        positive[i] = i % 3 == 0;
    sigmoid = sigmoid_fit(values, positive, COUNT);
    assert_near(sigmoid.slope, -0.962063889, 1e-5);
    assert_near(sigmoid.offset, 0.606952917, 1e-5);
    assert_near(sigmoid_apply(&sigmoid, 0), 1 / (1 + exp(0.606952917)), 1e-5);
}

/* Separated classes, one class alone, decisions that say nothing: all stays finite. */
static void test_sigmoid_of_extremes(void **state)
{
    static const double separated[] = {-3, -2, -1, 1, 2, 3}, flat[] = {1, 1, 1, 1, 1, 1},
                        huge[] = {-1e6, -1e5, -1, 1, 1e5, 1e6};
    static const bool upper[] = {false, false, false, true, true, true},
                      all[] = {true, true, true, true, true, true};
    struct sigmoid sigmoid = sigmoid_fit(separated, upper, 6);

    (void)state;
    assert_true(sigmoid_apply(&sigmoid, 3) > 0.7 && sigmoid_apply(&sigmoid, 3) < 1);
    assert_near(sigmoid_apply(&sigmoid, 0), 0.5, 1e-4);
    /* The mean of the targets, 4/5 and 1/5. */
    sigmoid = sigmoid_fit(flat, upper, 6);
    assert_near(sigmoid_apply(&sigmoid, 1), 0.5, 1e-4);
    sigmoid = sigmoid_fit(flat, all, 6);
    assert_near(sigmoid_apply(&sigmoid, 1), 7.0 / 8, 1e-4);
    sigmoid = sigmoid_fit(huge, upper, 6);
    assert_true(isfinite(sigmoid.slope) && isfinite(sigmoid.offset));
    assert_true(isfinite(sigmoid_apply(&sigmoid, 1e300)));
    assert_true(isfinite(sigmoid_apply(&sigmoid, -1e300)));
}

static double logit(double probability)
{
    return log(probability / (1 - probability));
}

/* The pairwise probabilities of make_references.py, and the exact minimum that it solves for; the
 * method stops within 0.005 / classes. */
static void test_coupling_against_the_exact_minimum(void **state)
{
    static const double pairs[] = {0.7, 0.6, 0.9, 0.45, 0.8, 0.65};
    static const double expected[] = {0.45200894, 0.210621, 0.26380343, 0.07356664};
    const struct sigmoid identity = {-1, 0};
    struct sigmoid sigmoids[6];
    double decisions[6], scratch[20], probabilities[4], sum = 0;

    (void)state;
    assert_int_equal(probabilities_scratch(4), 20);
    for (size_t i = 0; i < 6; i++) {
        sigmoids[i] = identity;
        decisions[i] = logit(pairs[i]);
    }
    probabilities_couple(STRATEGY_OVO, 4, sigmoids, decisions, scratch, probabilities);
    for (size_t i = 0; i < 4; i++) {
        assert_near(probabilities[i], expected[i], 3e-3);
        sum += probabilities[i];
    }
    assert_near(sum, 1, 1e-12);
}

/* Pairs that a distribution really has are coupled to that distribution. */
static void test_coupling_of_consistent_pairs(void **state)
{
    static const double truth[] = {0.5, 0.3, 0.2};
    const struct sigmoid sigmoids[] = {{-1, 0}, {-1, 0}, {-1, 0}};
    const double decisions[] = {logit(5.0 / 8), logit(5.0 / 7), logit(3.0 / 5)};
    double scratch[12], probabilities[3];

    (void)state;
    probabilities_couple(STRATEGY_OVO, 3, sigmoids, decisions, scratch, probabilities);
    for (size_t i = 0; i < 3; i++)
        assert_near(probabilities[i], truth[i], 3e-3);
}

static void test_two_classes_and_the_rest(void **state)
{
    const struct sigmoid sigmoids[] = {{-2, 0.5}, {-1, 0}, {-1, 0}};
    const double decisions[] = {0.75, logit(0.2), logit(0.4)};
    double scratch[12], probabilities[3], first = 1 / (1 + exp(-1));

    (void)state;
    probabilities_couple(STRATEGY_OVO, 2, sigmoids, decisions, scratch, probabilities);
    assert_near(probabilities[0], first, 1e-12);
    assert_near(probabilities[1], 1 - first, 1e-12);
    probabilities_couple(STRATEGY_OVR, 3, sigmoids, decisions, scratch, probabilities);
    assert_near(probabilities[0], first / (first + 0.6), 1e-12);
    assert_near(probabilities[2], 0.4 / (first + 0.6), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sigmoid_against_scipy),
        cmocka_unit_test(test_sigmoid_of_extremes),
        cmocka_unit_test(test_coupling_against_the_exact_minimum),
        cmocka_unit_test(test_coupling_of_consistent_pairs),
        cmocka_unit_test(test_two_classes_and_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
