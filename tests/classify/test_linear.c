#include "classify/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

/* decisions (0,1) (0,2) (0,3) (1,2) (1,3) (2,3) -> winner; LIBSVM's rules. */
static const struct {
    size_t classes;
    double decisions[6];
    size_t winner;
} votes[] = {
    {2, {0.3}, 0},
    {2, {-0.3}, 1},
    {2, {0}, 1},                            /* nothing speaks for the first: the second */
    {3, {1, 1, 1}, 0},
    {3, {-1, 1, 1}, 1},
    {3, {-1, -1, -1}, 2},
    {3, {0.1, -5, 3}, 0},                   /* one vote each: the first */
    {3, {0, 0, 0}, 2},
    {4, {-1, -1, -1, 0.1, -9, 9}, 1},       /* 1, 2 and 3 with two votes each */
    {4, {1, 1, -1, 1, 1, 1}, 0},
    {4, {-1, -1, -1, -1, -1, -1}, 3},
};

static void test_votes_as_libsvm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof votes / sizeof votes[0]; i++) {
        struct linear linear = {.classes = votes[i].classes};
        double scores[4];
        size_t first_best = 0;

        linear.decisions = linear_decisions(linear.classes);
        assert_int_equal(linear_vote(&linear, votes[i].decisions, scores), votes[i].winner);
        for (size_t class = 1; class < linear.classes; class++)
            if (scores[class] > scores[first_best])
                first_best = class;
        if (linear.classes > 2 || fabs(votes[i].decisions[0]) > 0)
            assert_int_equal(first_best, votes[i].winner);
    }
}

/* Votes 1, 2 and 0; the sums stand beside. */
static void test_scores(void **state)
{
    const struct linear linear = {.classes = 3, .decisions = 3};
    const double decisions[] = {-1, 2, 3};
    double scores[3];

    (void)state;
    assert_int_equal(linear_vote(&linear, decisions, scores), 1);
    assert_true(fabs(scores[0] - (1 + 1.0 / (3 * 2))) < 1e-15);   /* -1 + 2 = 1 */
    assert_true(fabs(scores[1] - (2 + 4.0 / (3 * 5))) < 1e-15);   /* 1 + 3 = 4 */
    assert_true(fabs(scores[2] - (0 - 5.0 / (3 * 6))) < 1e-15);   /* -2 - 3 = -5 */
}

/* w = 2 * row 1 - 0.5 * row 3, over more columns than one block. */
static void test_recover_and_decide(void **state)
{
    enum { DIMENSION = 1500, ROWS = 4 };
    size_t labels[] = {0, 1}, starts[] = {0, 2}, rows[] = {1, 3};
    double bias[] = {0.25}, coefficients[] = {2, -0.5}, decision, expected = 0.25;
    struct svm_solution solution = {
        .classes = 2, .decisions = 1, .labels = labels, .bias = bias, .starts = starts,
        .rows = rows, .coefficients = coefficients,
    };
    float *vectors = malloc(ROWS * DIMENSION * sizeof *vectors);
    struct linear linear;
    struct error error;

    (void)state;
    assert_non_null(vectors);
    for (size_t i = 0; i < ROWS * DIMENSION; i++)
        vectors[i] = (float)((i * 7919) % 1000) / 1000;
    assert_int_equal(linear_create(2, DIMENSION, &linear, &error), 0);
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

static void test_too_many_classes_are_refused(void **state)
{
    struct linear linear;
    struct error error;

    (void)state;
    assert_int_equal(linear_create(10000, 2048, &linear, &error), FAILED);
    assert_string_equal(error.text, "10000 classes make 49995000 decisions between two of them, "
                        "819 GB of weights for vectors of 2048 numbers: use fewer classes or "
                        "shorter vectors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_votes_as_libsvm),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_recover_and_decide),
        cmocka_unit_test(test_too_many_classes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
