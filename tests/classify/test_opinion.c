#include "classify/opinion.h"

#include <math.h>
#include <string.h>

#include "tests/helpers.h"

static struct opinion make(enum strategy strategy, size_t classes, const size_t *labels,
                           const struct sigmoid *sigmoids, const double *decisions)
{
    struct opinion opinion = {
        .strategy = strategy, .classes = classes, .labels = labels, .sigmoids = sigmoids,
    };
    struct error error;

    assert_int_equal(opinion_allocate(&opinion, &error), 0);
    memcpy(opinion.decisions, decisions,
           strategy_decisions(strategy, classes) * sizeof *decisions);
    return opinion;
}

/* Classes are those of the dataset, which may have more than were trained. */
static void test_labels_are_classes_of_the_dataset(void **state)
{
    static const size_t labels[] = {2, 5, 9};
    static const struct {
        enum strategy strategy;
        size_t classes;
        double decisions[3];
        size_t won;
    } cases[] = {
        {STRATEGY_OVO, 2, {0.5}, 2},
        {STRATEGY_OVO, 2, {-0.5}, 5},
        {STRATEGY_OVO, 3, {1, 1, 1}, 2},
        {STRATEGY_OVO, 3, {-1, 1, 1}, 5},
        {STRATEGY_OVO, 3, {-1, -1, -1}, 9},
        {STRATEGY_OVR, 3, {-0.1, -0.2, -0.3}, 2},
        {STRATEGY_OVR, 3, {-0.3, -0.2, 0.1}, 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct opinion opinion = make(cases[i].strategy, cases[i].classes, labels, NULL,
                                      cases[i].decisions);

        assert_int_equal(opinion_form(&opinion), cases[i].won);
        assert_null(opinion.probabilities);
        opinion_release(&opinion);
    }
}

static void test_rank(void **state)
{
    static const size_t labels[] = {1, 3, 4};
    static const double decisions[] = {0.2, -0.4, 0.9};
    static const struct {
        size_t truth;
        double margin;
        size_t before;
    } cases[] = {{4, 0.7, 0}, {1, -0.7, 1}, {3, -1.3, 2}};
    struct opinion opinion = make(STRATEGY_OVR, 3, labels, NULL, decisions);
    double margin;
    size_t before;

    (void)state;
    assert_int_equal(opinion_form(&opinion), 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        opinion_rank(&opinion, cases[i].truth, &margin, &before);
        assert_true(fabs(margin - cases[i].margin) < 1e-12);
        assert_int_equal(before, cases[i].before);
    }
    /* A class that was not trained comes after all others. */
    opinion_rank(&opinion, 0, &margin, &before);
    assert_true(isinf(margin) && margin < 0);
    assert_int_equal(before, 3);
    opinion_release(&opinion);
}

/* Of equal scores the first class is meant, so only it has none before it. */
static void test_rank_among_equals(void **state)
{
    static const size_t labels[] = {0, 1, 2};
    static const double decisions[] = {0.5, 0.5, 0.5};
    struct opinion opinion = make(STRATEGY_OVR, 3, labels, NULL, decisions);

    (void)state;
    assert_int_equal(opinion_form(&opinion), 0);
    for (size_t truth = 0; truth < 3; truth++) {
        double margin;
        size_t before;

        opinion_rank(&opinion, truth, &margin, &before);
        assert_true(fabs(margin) <= 0);
        assert_int_equal(before, truth);
    }
    opinion_release(&opinion);
}

/* Probabilities beside the label, which stays that of the scores. */
static void test_probabilities(void **state)
{
    static const size_t labels[] = {7, 8, 9};
    static const struct sigmoid sigmoids[] = {{-2, 0}, {-2, 0}, {-2, 0}};
    static const struct sigmoid reversed[] = {{2, 0}};
    static const double three[] = {1, 1, -0.5}, one[] = {1};
    struct opinion opinion = make(STRATEGY_OVO, 3, labels, sigmoids, three);

    (void)state;
    assert_int_equal(opinion_form(&opinion), 7);
    assert_true(fabs(opinion.probabilities[0] + opinion.probabilities[1] +
                     opinion.probabilities[2] - 1) < 1e-9);
    assert_true(opinion.probabilities[0] > opinion.probabilities[2]);
    assert_true(opinion.probabilities[2] > opinion.probabilities[1]);
    opinion_release(&opinion);

    opinion = make(STRATEGY_OVO, 2, labels, reversed, one);
    assert_int_equal(opinion_form(&opinion), 7);
    assert_true(fabs(opinion.probabilities[0] - 1 / (1 + exp(2))) < 1e-12);
    assert_true(fabs(opinion.probabilities[1] - 1 / (1 + exp(-2))) < 1e-12);
    opinion_release(&opinion);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_classes_of_the_dataset),
        cmocka_unit_test(test_rank),
        cmocka_unit_test(test_rank_among_equals),
        cmocka_unit_test(test_probabilities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
