#include "classify/statistics.h"

#include <math.h>

#include "tests/helpers.h"

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.10g is not within %g of %.10g", value, tolerance, expected);
}

/* Table I of Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
 * Medicine 17 (1998), method 3; and the ends. */
static void test_wilson(void **state)
{
    static const struct {
        size_t correct, total;
        double low, high;
    } cases[] = {
        {81, 263, 0.2553, 0.3662},
        {15, 148, 0.0624, 0.1605},
        {0, 20, 0, 0.1611},
        {1, 29, 0.0061, 0.1718},
        {20, 20, 0.8389, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct interval interval = wilson_interval(cases[i].correct, cases[i].total);

        assert_near(interval.low, cases[i].low, 0.00005);
        assert_near(interval.high, cases[i].high, 0.00005);
        assert_true(interval.low >= 0 && interval.high <= 1);
    }
}

/* Printed tables of Student's t. */
static void test_student_quantiles(void **state)
{
    static const struct {
        double probability, freedom, quantile;
    } cases[] = {
        {0.975, 1, 12.7062047}, {0.975, 2, 4.3026527},  {0.975, 4, 2.7764451},
        {0.975, 9, 2.2621572},  {0.975, 49, 2.0095752}, {0.95, 10, 1.8124611},
        {0.995, 30, 2.7499957}, {0.025, 9, -2.2621572}, {0.5, 5, 0},
        {0.975, 1e6, 1.9599664},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double quantile = student_t_quantile(cases[i].probability, cases[i].freedom);

        assert_near(quantile, cases[i].quantile, 2e-6);
        assert_near(student_t_cumulative(quantile, cases[i].freedom), cases[i].probability, 1e-9);
    }
    /* One degree of freedom is Cauchy's distribution. */
    assert_near(student_t_cumulative(1, 1), 0.75, 1e-12);
    assert_near(student_t_cumulative(-1, 1), 0.25, 1e-12);
}

/* By hand: mean 0.85, variance 0.025/4 = 0.00625; (1/5 + 1/4) * 0.00625 = 0.0028125, whose root is
 * 0.0530330; times 2.7764451 that is 0.1472433. */
static void test_corrected_resampled(void **state)
{
    static const double accuracies[] = {0.8, 0.9, 0.85, 0.95, 0.75};
    struct interval interval = corrected_resampled_interval(0.85, accuracies, 5, 0.25);

    (void)state;
    assert_near(interval.low, 0.85 - 0.1472433, 1e-6);
    assert_near(interval.high, 0.85 + 0.1472433, 1e-6);
    interval = corrected_resampled_interval(0.95, accuracies, 5, 0.25);
    assert_near(interval.high, 1, 0);
}

/* make_references.py statistics, by SciPy. */
static void test_corrected_resampled_t(void **state)
{
    static const double differences[] = {
        0.03, -0.01, 0.05, 0.02, 0.00, 0.04, 0.01, 0.03, -0.02, 0.06,
    };
    static const double equal[] = {0.25, 0.25, 0.25}, none[] = {0, 0, 0};
    struct paired_test test = corrected_resampled_test(differences, 10, 0.25);

    (void)state;
    assert_near(test.difference, 0.021, 1e-12);
    assert_near(test.p, 0.205527915104, 1e-9);
    assert_near(test.interval.low, -0.0138132194626, 1e-9);
    assert_near(test.interval.high, 0.0558132194626, 1e-9);
    test = corrected_resampled_test(equal, 3, 0.5);
    assert_near(test.difference, 0.25, 0);
    assert_near(test.p, 0, 0);
    test = corrected_resampled_test(none, 3, 0.5);
    assert_near(test.p, 1, 0);
}

/* SciPy's binomtest. */
static void test_mcnemar(void **state)
{
    static const struct {
        size_t first, second;
        double p;
    } cases[] = {
        {1, 8, 0.0390625}, {8, 1, 0.0390625}, {0, 0, 1}, {5, 5, 1}, {10, 2, 0.03857421875},
        {59, 6, 4.96465032713e-12}, {0, 5, 0.0625},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_near(mcnemar_exact(cases[i].first, cases[i].second), cases[i].p,
                    1e-9 * cases[i].p);
}

/* Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
 * paired data", Statistics in Medicine 17 (1998), method 10: his first example, (36, 12, 2, 0). */
static void test_paired_difference(void **state)
{
    struct interval interval = paired_difference_interval(36, 12, 2, 50);

    (void)state;
    assert_near(interval.low, 0.0569, 0.00005);
    assert_near(interval.high, 0.3404, 0.00005);
    /* Turned around it is the same, negated. */
    interval = paired_difference_interval(36, 2, 12, 50);
    assert_near(interval.high, -0.0569, 0.00005);
    /* Nothing differs: around 0. */
    interval = paired_difference_interval(30, 0, 0, 50);
    assert_near(interval.low, -interval.high, 1e-12);
    assert_true(interval.high > 0 && interval.high < 0.1);
    interval = paired_difference_interval(50, 0, 0, 50);
    assert_true(interval.high > 0 && interval.high < 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_student_quantiles),
        cmocka_unit_test(test_corrected_resampled),
        cmocka_unit_test(test_corrected_resampled_t),
        cmocka_unit_test(test_mcnemar),
        cmocka_unit_test(test_paired_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
