#include "classify/metrics.h"

#include <math.h>

#include "tests/helpers.h"

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-12);
}

static void fill(struct metrics *metrics, const size_t *confusion)
{
    for (size_t truth = 0; truth < metrics->classes; truth++)
        for (size_t class = 0; class < metrics->classes; class++)
            for (size_t n = 0; n < confusion[truth * metrics->classes + class]; n++)
                metrics_count(metrics, truth, class);
    metrics_finish(metrics);
}

/* By hand: 7 of 10, 4 of 8 and 3 of 4 are right, of 12, 7 and 3 that were predicted. */
static void test_worked_example(void **state)
{
    static const size_t confusion[] = {7, 3, 0, 4, 4, 0, 1, 0, 3};
    struct metrics metrics;
    struct error error;

    (void)state;
    assert_int_equal(metrics_create(3, &metrics, &error), 0);
    fill(&metrics, confusion);
    assert_memory_equal(metrics.confusion, confusion, sizeof confusion);
    assert_int_equal(metrics.correct, 14);
    assert_int_equal(metrics.total, 22);
    assert_near(metrics.accuracy, 14.0 / 22);
    assert_near(metrics.balanced_accuracy, (0.7 + 0.5 + 0.75) / 3);
    assert_int_equal(metrics.per_class[0].support, 10);
    assert_int_equal(metrics.per_class[0].predicted, 12);
    assert_near(metrics.per_class[0].precision, 7.0 / 12);
    assert_near(metrics.per_class[0].recall, 0.7);
    assert_near(metrics.per_class[0].f1, 2 * (7.0 / 12) * 0.7 / (7.0 / 12 + 0.7));
    assert_near(metrics.per_class[1].precision, 4.0 / 7);
    assert_near(metrics.per_class[1].f1, 2 * (4.0 / 7) * 0.5 / (4.0 / 7 + 0.5));
    assert_near(metrics.per_class[2].precision, 1);
    assert_near(metrics.macro_f1, (metrics.per_class[0].f1 + metrics.per_class[1].f1 +
                                   2 * 0.75 / 1.75) / 3);
    assert_near(metrics.per_class[2].recall, 0.75);
    metrics_release(&metrics);
}

/* A class without images does not count into the balanced accuracy; one that is never predicted
 * has no precision. */
static void test_missing_classes(void **state)
{
    static const size_t confusion[] = {2, 0, 2, 0, 0, 0, 0, 0, 0};
    struct metrics metrics;
    struct error error;

    (void)state;
    assert_int_equal(metrics_create(3, &metrics, &error), 0);
    fill(&metrics, confusion);
    assert_near(metrics.balanced_accuracy, 0.5);
    assert_near(metrics.macro_f1, 2.0 / 3);
    assert_near(metrics.per_class[1].precision, 0);
    assert_near(metrics.per_class[1].f1, 0);
    assert_near(metrics.per_class[2].recall, 0);
    assert_int_equal(metrics.per_class[2].predicted, 2);
    metrics_release(&metrics);
}

static void test_nothing_counted(void **state)
{
    struct metrics metrics;
    struct error error;

    (void)state;
    assert_int_equal(metrics_create(2, &metrics, &error), 0);
    metrics_finish(&metrics);
    assert_near(metrics.accuracy, 0);
    assert_near(metrics.balanced_accuracy, 0);
    metrics_release(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_example),
        cmocka_unit_test(test_missing_classes),
        cmocka_unit_test(test_nothing_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
