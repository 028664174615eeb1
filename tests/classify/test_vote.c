#include "classify/vote.h"

#include <math.h>

#include "tests/helpers.h"

static void test_numbers_of_decisions(void **state)
{
    (void)state;
    assert_int_equal(strategy_decisions(STRATEGY_OVO, 2), 1);
    assert_int_equal(strategy_decisions(STRATEGY_OVR, 2), 1);
    assert_int_equal(strategy_decisions(STRATEGY_OVO, 5), 10);
    assert_int_equal(strategy_decisions(STRATEGY_OVR, 5), 5);
    assert_int_equal(strategy_find("ovr"), STRATEGY_OVR);
}

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
        const size_t classes = votes[i].classes;
        double scores[4];
        size_t first_best = 0;

        assert_int_equal(strategy_vote(STRATEGY_OVO, classes, votes[i].decisions, scores),
                         votes[i].winner);
        for (size_t class = 1; class < classes; class++)
            if (scores[class] > scores[first_best])
                first_best = class;
        if (classes > 2 || fabs(votes[i].decisions[0]) > 0)
            assert_int_equal(first_best, votes[i].winner);
    }
}

/* Votes 1, 2 and 0; the sums stand beside. */
static void test_scores(void **state)
{
    const double decisions[] = {-1, 2, 3};
    double scores[3];

    (void)state;
    assert_int_equal(strategy_vote(STRATEGY_OVO, 3, decisions, scores), 1);
    assert_true(fabs(scores[0] - (1 + 1.0 / (3 * 2))) < 1e-15);   /* -1 + 2 = 1 */
    assert_true(fabs(scores[1] - (2 + 4.0 / (3 * 5))) < 1e-15);   /* 1 + 3 = 4 */
    assert_true(fabs(scores[2] - (0 - 5.0 / (3 * 6))) < 1e-15);   /* -2 - 3 = -5 */
}

static void test_one_against_the_rest(void **state)
{
    const double decisions[] = {-0.5, -0.25, -0.25}, pair[] = {-3};
    double scores[3];

    (void)state;
    assert_int_equal(strategy_vote(STRATEGY_OVR, 3, decisions, scores), 1);
    assert_memory_equal(scores, decisions, sizeof decisions);
    assert_int_equal(strategy_vote(STRATEGY_OVR, 2, pair, scores), 1);
    assert_true(scores[1] > 2.9 && scores[0] < -2.9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_decisions),
        cmocka_unit_test(test_votes_as_libsvm),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_one_against_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
