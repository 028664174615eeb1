/* Decisions and labels against scikit-learn's SVC, converged (tol=1e-6; with its default of 1e-3 it
 * is itself off by up to 2e-3), for given folds and prices. */
#include "classify/training.h"

#include <math.h>
#include <string.h>

#include "tests/classify/svc_reference.h"
#include "tests/helpers.h"

struct fixture {
    struct dataset dataset;
    struct dataset_sample samples[SVC_COUNT];
    float vectors[SVC_COUNT * SVC_DIMENSION];
    char *classes[SVC_CLASSES];
};

static char names[SVC_CLASSES][2] = {"a", "b", "c"};

static void make(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    memcpy(fixture->vectors, svc_vectors, sizeof svc_vectors);
    for (size_t i = 0; i < SVC_COUNT; i++)
        fixture->samples[i] = (struct dataset_sample){
            .label = names[svc_labels[i]], .class = svc_labels[i], .unit = i,
        };
    for (size_t class = 0; class < SVC_CLASSES; class++)
        fixture->classes[class] = names[class];
    fixture->dataset = (struct dataset){
        .count = SVC_COUNT, .dimension = SVC_DIMENSION, .normalize = NORMALIZE_NONE,
        .vectors = fixture->vectors, .samples = fixture->samples, .class_count = SVC_CLASSES,
        .classes = fixture->classes, .unit_count = SVC_COUNT,
    };
}

/* Decisions differ by at most a thousandth, of themselves or, near the boundary, of a margin;
 * labels only where a decision is nearer to 0 than that. */
static void compare_image(const double *decisions, const double *expected)
{
    double scores[SVC_CLASSES], others[SVC_CLASSES];
    bool clear = true;

    for (size_t d = 0; d < 3; d++) {
        double tolerance = 1e-3 * fmax(1, fabs(expected[d]));

        if (!(fabs(decisions[d] - expected[d]) <= tolerance))
            fail_msg("%.8g is not %.8g", decisions[d], expected[d]);
        clear = clear && fabs(expected[d]) > tolerance;
    }
    if (clear)
        assert_int_equal(strategy_vote(STRATEGY_OVO, SVC_CLASSES, decisions, scores),
                         strategy_vote(STRATEGY_OVO, SVC_CLASSES, expected, others));
}

/* largest_kernel: 0 for LIBSVM, 1 for coordinate descent. */
static void compare_fold(const struct fixture *fixture, struct parallel *parallel,
                         size_t largest_kernel, size_t cost, size_t fold)
{
    const struct training_settings settings = {
        .solver = {.c = svc_costs[cost]}, .largest_kernel = largest_kernel,
    };
    size_t rows[SVC_COUNT], count = 0;
    struct training training;
    struct classifier classifier;
    struct error error;
    struct fit fit;

    for (size_t i = 0; i < SVC_COUNT; i++)
        if (svc_folds[i] != fold)
            rows[count++] = i;
    assert_int_equal(training_create(&fixture->dataset, SVC_COUNT, &settings, parallel, &training,
                                     &error), 0);
    assert_int_equal(training.on_vectors, largest_kernel > 0);
    assert_int_equal(training_fit(&training, rows, count, NULL, &fit, &error), 0);
    assert_int_equal(fit_classifier(&fit, &classifier, &error), 0);
    for (size_t i = 0; i < SVC_COUNT; i++) {
        const double *expected = svc_decisions + (cost * SVC_COUNT + i) * 3;
        double by_kernel[3], by_weights[3];

        if (svc_folds[i] != fold)
            continue;
        fit_decide(&fit, i, by_kernel);
        linear_decide(&classifier.linear, fixture->vectors + i * SVC_DIMENSION, by_weights);
        compare_image(by_kernel, expected);
        compare_image(by_weights, expected);
    }
    classifier_release(&classifier);
    fit_release(&fit);
    training_release(&training);
}

static void test_scikit_learn_agrees(void **state)
{
    struct parallel *parallel;
    struct fixture fixture;
    struct error error;

    (void)state;
    make(&fixture);
    assert_int_equal(parallel_create(1, &parallel, &error), 0);
    for (size_t cost = 0; cost < SVC_COSTS; cost++) {
        for (size_t fold = 0; fold < SVC_FOLDS; fold++) {
            compare_fold(&fixture, parallel, 0, cost, fold);
            compare_fold(&fixture, parallel, 1, cost, fold);
        }
    }
    parallel_free(parallel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scikit_learn_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
