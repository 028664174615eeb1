/* Learning from views and deciding by them: nothing leaks, nothing is counted twice. */
#include "classify/evaluation.h"

#include <math.h>
#include <string.h>

#include "tests/classify/clouds.h"

enum { COUNT = 60, VIEWS = 4 };

/* Gives every sample further views: its own vector, with so much noise in every number. */
static void add_views(struct dataset *dataset, bool decide, double noise)
{
    const size_t dimension = dataset->dimension;
    struct generator generator = generator_seed(77);

    dataset->further = VIEWS - 1;
    dataset->views_decide = decide;
    dataset->all = calloc(dataset->count * VIEWS, dimension * sizeof *dataset->all);
    assert_non_null(dataset->all);
    for (size_t row = 0; row < dataset->count * VIEWS; row++) {
        float *vector = dataset->all + row * dimension;

        memcpy(vector, dataset->vectors + row / VIEWS * dimension, dimension * sizeof *vector);
        for (size_t k = 0; k < dimension && row % VIEWS > 0; k++)
            vector[k] += (float)(noise * ((double)(generator_next(&generator) >> 40) / 16777216.0 -
                                          0.5));
    }
}

static void release(struct clouds *clouds)
{
    free(clouds->dataset.all);
    free(clouds);
}

static struct evaluation evaluate(const struct dataset *dataset,
                                  const struct evaluation_settings *settings, size_t trained)
{
    struct parallel *parallel = clouds_threads(2);
    struct evaluation evaluation;
    struct error error;
    int outcome = trained > 0 ? evaluation_hold_out(dataset, trained, settings, parallel,
                                                    &evaluation, &error)
                              : evaluation_cross_validate(dataset, settings, parallel, &evaluation,
                                                          &error);

    if (outcome < 0)
        fail_msg("%s", error.text);
    parallel_free(parallel);
    return evaluation;
}

/* Labels that have nothing to do with the vectors: only who has seen a view of the test image in
 * training can do better than guess. */
static void test_views_never_leak(void **state)
{
    static const bool search[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct evaluation_settings settings = {
            .folds = 5, .repeats = 3, .seed = 4,
            .training = {.solver.c = 100, .search = search[i]},
        };
        struct clouds *clouds = clouds_make(COUNT, 2, 0, 11);
        struct evaluation evaluation;

        add_views(&clouds->dataset, true, 1e-3);
        evaluation = evaluate(&clouds->dataset, &settings, 0);
        assert_true(evaluation.metrics.accuracy < 0.7);
        assert_int_equal(evaluation.metrics.total, 3 * COUNT);
        assert_int_equal(evaluation.count, COUNT);
        assert_true(fabs(evaluation.test_share - 0.25) < 1e-9);
        for (size_t class = 0; class < 2; class++)
            assert_int_equal(evaluation.metrics.per_class[class].support, 3 * COUNT / 2);
        evaluation_release(&evaluation);
        release(clouds);
    }
}

/* Views that all are the original say what the original says, for a price shared among them. */
static void check_equal_views(bool decide, enum normalize normalize, size_t trained)
{
    struct evaluation_settings settings = {.folds = 4, .repeats = 2, .training.solver.c = 1};
    struct clouds *clouds = clouds_make(COUNT, 3, 0.4, 5);
    struct evaluation plain, views;

    clouds->dataset.normalize = normalize;
    plain = evaluate(&clouds->dataset, &settings, trained);
    add_views(&clouds->dataset, decide, 0);
    settings.training.solver.c = 1.0 / VIEWS;
    views = evaluate(&clouds->dataset, &settings, trained);
    assert_int_equal(plain.repeats * plain.count, views.repeats * views.count);
    for (size_t i = 0; i < plain.repeats * plain.count; i++)
        assert_true(fabs(plain.margins[i] - views.margins[i]) < 0.02);
    evaluation_release(&plain);
    evaluation_release(&views);
    release(clouds);
}

static void test_equal_views_change_nothing(void **state)
{
    (void)state;
    for (size_t trained = 0; trained <= 40; trained += 40) {
        check_equal_views(false, NORMALIZE_L2, trained);
        check_equal_views(true, NORMALIZE_L2, trained);
        check_equal_views(true, NORMALIZE_STANDARD, trained);
    }
}

/* The decisions by the kernel, and by the weights that a model would hold; about the original, or
 * the mean over the views. */
static void check_decisions(bool decide)
{
    const struct training_settings settings = {.solver.c = 1};
    struct clouds *clouds = clouds_make(COUNT, 3, 0.3, 6);
    const struct dataset *dataset = &clouds->dataset;
    struct training training;
    struct fit fit;
    struct classifier classifier;
    struct error error;
    size_t samples[40];

    add_views(&clouds->dataset, decide, 0.3);
    for (size_t i = 0; i < 40; i++)
        samples[i] = i;
    assert_int_equal(training_create(dataset, COUNT, &settings, NULL, &training, &error), 0);
    assert_int_equal(training_fit(&training, samples, 40, NULL, &fit, &error), 0);
    assert_int_equal(fit_classifier(&fit, &classifier, &error), 0);
    for (size_t sample = 40; sample < COUNT; sample++) {
        const float *rows = dataset_rows(dataset) + sample * VIEWS * dataset->dimension;
        double by_kernel[3], by_weights[3], mean[3] = {0}, one[3];

        fit_decide(&fit, sample, by_kernel);
        linear_decide_mean(&classifier.linear, rows, dataset_deciding(dataset), by_weights);
        for (size_t view = 0; view < dataset_deciding(dataset); view++) {
            linear_decide(&classifier.linear, rows + view * dataset->dimension, one);
            for (size_t d = 0; d < 3; d++)
                mean[d] += one[d] / (double)dataset_deciding(dataset);
        }
        for (size_t d = 0; d < 3; d++) {
            assert_true(fabs(by_kernel[d] - by_weights[d]) < 1e-5);
            assert_true(fabs(mean[d] - by_weights[d]) < 1e-12);
        }
    }
    classifier_release(&classifier);
    fit_release(&fit);
    training_release(&training);
    release(clouds);
}

static void test_decisions_are_means(void **state)
{
    (void)state;
    check_decisions(false);
    check_decisions(true);
}

/* Of a hold-out, the views of what is tested have no part unless they decide; and what is trained
 * does not depend on what stands behind it. */
static void test_views_of_tested_images(void **state)
{
    const struct evaluation_settings settings = {.training.solver.c = 1};
    struct evaluation evaluations[2][2];

    (void)state;
    for (size_t decide = 0; decide < 2; decide++) {
        struct clouds *clouds = clouds_make(COUNT, 2, 0.2, 8);
        const size_t row = VIEWS * clouds->dataset.dimension;

        add_views(&clouds->dataset, decide == 1, 0.3);
        evaluations[decide][0] = evaluate(&clouds->dataset, &settings, 40);
        for (size_t sample = 40; sample < COUNT; sample++)
            memset(clouds->dataset.all + sample * row + clouds->dataset.dimension, 0,
                   (row - clouds->dataset.dimension) * sizeof(float));
        evaluations[decide][1] = evaluate(&clouds->dataset, &settings, 40);
        release(clouds);
    }
    assert_memory_equal(evaluations[0][0].margins, evaluations[0][1].margins, 20 * sizeof(double));
    assert_memory_not_equal(evaluations[1][0].margins, evaluations[1][1].margins,
                            20 * sizeof(double));
    for (size_t i = 0; i < 4; i++)
        evaluation_release(&evaluations[i / 2][i % 2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views_never_leak),
        cmocka_unit_test(test_equal_views_change_nothing),
        cmocka_unit_test(test_decisions_are_means),
        cmocka_unit_test(test_views_of_tested_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
