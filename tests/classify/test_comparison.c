#include "classify/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/classify/clouds.h"

static struct evaluation evaluate(const struct clouds *clouds, double c, bool leave_one_out)
{
    const struct evaluation_settings settings = {
        .folds = 5, .repeats = 4, .leave_one_out = leave_one_out, .seed = 3,
        .training.solver.c = c,
    };
    struct parallel *parallel = clouds_threads(2);
    struct evaluation evaluation;
    struct error error;

    assert_int_equal(evaluation_cross_validate(&clouds->dataset, &settings, parallel, &evaluation,
                                               &error), 0);
    parallel_free(parallel);
    return evaluation;
}

/* Vectors with so much noise that they are plainly worse. */
static struct clouds *blur(const struct clouds *clouds, float noise)
{
    struct clouds *blurred = malloc(sizeof *blurred);
    struct generator generator = generator_seed(77);

    assert_non_null(blurred);
    memcpy(blurred, clouds, sizeof *blurred);
    blurred->dataset.vectors = blurred->vectors;
    for (size_t i = 0; i < clouds->dataset.count * CLOUDS_DIMENSION; i++)
        blurred->vectors[i] += noise * ((float)(generator_next(&generator) >> 40) / 16777216 -
                                        0.5f);
    return blurred;
}

static void test_best_first_and_ties(void **state)
{
    struct clouds *clouds = clouds_make(150, 3, 0.7, 4), *worse = blur(clouds, 2.5f);
    struct evaluation evaluations[4] = {
        evaluate(worse, 1, false), evaluate(clouds, 1, false), evaluate(clouds, 1, false),
        evaluate(clouds, 1.05, false),
    };
    struct comparison comparison;
    struct error error;

    (void)state;
    assert_int_equal(comparison_rank(evaluations, 4, &clouds->dataset, &comparison, &error), 0);
    assert_false(comparison.exact);
    assert_int_equal(comparison.entries[3].evaluation, 0);
    assert_false(comparison.entries[3].tie);
    assert_true(comparison.entries[3].test.difference < -0.05);
    assert_true(comparison.entries[3].test.interval.high < 0);
    assert_true(comparison.entries[1].tie && comparison.entries[2].tie);
    /* Holm: the smallest of three p times three. */
    assert_true(fabs(comparison.entries[3].adjusted - 3 * comparison.entries[3].test.p) < 1e-12);
    for (size_t i = 1; i < 4; i++) {
        const struct metrics *before =
            &evaluations[comparison.entries[i - 1].evaluation].metrics;
        const struct metrics *after = &evaluations[comparison.entries[i].evaluation].metrics;

        assert_true(before->correct >= after->correct);
    }
    comparison_release(&comparison);
    for (size_t i = 0; i < 4; i++)
        evaluation_release(&evaluations[i]);
    free(worse);
    free(clouds);
}

/* The same against itself: no difference, p = 1. */
static void test_itself_is_a_tie(void **state)
{
    struct clouds *clouds = clouds_make(90, 3, 0.5, 4);

    (void)state;
    for (int leave_one_out = 0; leave_one_out < 2; leave_one_out++) {
        struct evaluation evaluations[2] = {
            evaluate(clouds, 1, leave_one_out > 0), evaluate(clouds, 1, leave_one_out > 0),
        };
        struct comparison comparison;
        struct error error;

        assert_int_equal(comparison_rank(evaluations, 2, &clouds->dataset, &comparison, &error),
                         0);
        assert_int_equal(comparison.exact, leave_one_out);
        assert_int_equal(comparison.entries[0].evaluation, 0);
        assert_true(fabs(comparison.entries[1].test.difference) <= 0);
        assert_true(fabs(comparison.entries[1].test.p - 1) <= 1e-12);
        assert_true(comparison.entries[1].tie);
        comparison_release(&comparison);
        evaluation_release(&evaluations[0]);
        evaluation_release(&evaluations[1]);
    }
    free(clouds);
}

/* Six images that only the first gets right, of ten: p of six tosses alike is 2 / 64. */
static void test_images_of_a_hold_out(void **state)
{
    size_t all[10], some[10];
    struct clouds *clouds = clouds_make(10, 2, 1, 1);
    struct evaluation evaluations[2] = {
        {.count = 10, .repeats = 1, .predicted = some, .fold_count = 1,
         .metrics = {.correct = 4, .total = 10}},
        {.count = 10, .repeats = 1, .predicted = all, .fold_count = 1,
         .metrics = {.correct = 10, .total = 10}},
    };
    struct comparison comparison;
    struct error error;

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        all[i] = clouds->samples[i].class;
        some[i] = i < 4 ? all[i] : 1 - all[i];
    }
    assert_int_equal(comparison_rank(evaluations, 2, &clouds->dataset, &comparison, &error), 0);
    assert_true(comparison.exact);
    assert_int_equal(comparison.entries[0].evaluation, 1);
    assert_true(fabs(comparison.entries[1].test.difference + 0.6) < 1e-12);
    assert_true(fabs(comparison.entries[1].test.p - 2.0 / 64) < 1e-12);
    assert_false(comparison.entries[1].tie);
    comparison_release(&comparison);
    free(clouds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best_first_and_ties),
        cmocka_unit_test(test_itself_is_a_tie),
        cmocka_unit_test(test_images_of_a_hold_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
