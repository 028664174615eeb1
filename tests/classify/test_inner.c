#include "classify/inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/gram.h"
#include "classify/training.h"
#include "tests/classify/clouds.h"

struct part {
    struct svm_kernel *kernel;
    size_t rows[CLOUDS_MOST];
    struct inner_part part;
};

/* Every second row of the clouds. */
static struct part make_part(const struct clouds *clouds)
{
    struct part part = {.part = {.dataset = &clouds->dataset, .seed = 9}};
    struct parallel *parallel = clouds_threads(1);
    struct error error;
    float *gram;

    assert_int_equal(gram_create(clouds->vectors, clouds->dataset.count, CLOUDS_DIMENSION,
                                 parallel, &gram, &error), 0);
    assert_int_equal(svm_kernel_create(gram, clouds->dataset.count, clouds->dataset.count,
                                       &part.kernel, &error), 0);
    for (size_t i = 1; i < clouds->dataset.count; i += 2)
        part.rows[part.part.count++] = i;
    part.part.kernel = part.kernel;
    parallel_free(parallel);
    free(gram);
    return part;
}

static double choose(struct part *part, const struct solver_settings *settings, size_t threads)
{
    struct parallel *parallel = threads > 0 ? clouds_threads(threads) : NULL;
    struct error error;
    double c;

    part->part.samples = part->rows;
    assert_int_equal(inner_choose(&part->part, settings, parallel, &c, &error), 0);
    parallel_free(parallel);
    return c;
}

/* A value of the grid, whatever the threads, and whatever stands in the rows of the test part. */
static void test_choice_sees_the_training_part_alone(void **state)
{
    const struct solver_settings settings = {.c = 1};
    struct clouds *clouds = clouds_make(150, 3, 0.25, 3);
    struct part part = make_part(clouds);
    double c = choose(&part, &settings, 0);
    bool known = false;

    (void)state;
    for (size_t i = 0; i < INNER_GRID; i++)
        known = known || fabs(c - inner_grid[i]) <= 0;
    assert_true(known);
    for (size_t threads = 1; threads <= 3; threads++)
        assert_true(fabs(choose(&part, &settings, threads) - c) <= 0);
    svm_kernel_free(part.kernel);
    for (size_t i = 0; i < 150; i += 2) {
        clouds->samples[i].class = (clouds->samples[i].class + 1) % 3;
        memset(clouds->vectors + i * CLOUDS_DIMENSION, 0x3f,
               CLOUDS_DIMENSION * sizeof clouds->vectors[0]);
    }
    part = make_part(clouds);
    assert_true(fabs(choose(&part, &settings, 1) - c) <= 0);
    svm_kernel_free(part.kernel);
    free(clouds);
}

/* Separated classes: every price is right, the lowest is taken. */
static void test_ties_go_to_the_lowest(void **state)
{
    const struct solver_settings settings = {.c = 1};
    struct clouds *clouds = clouds_make(60, 2, 30, 3);
    struct part part = make_part(clouds);

    (void)state;
    assert_true(fabs(choose(&part, &settings, 1) - 0.01) <= 0);
    svm_kernel_free(part.kernel);
    free(clouds);
}

/* A single image of a class, or nothing but one in all: a price comes out all the same. */
static void test_tiny_parts(void **state)
{
    const struct solver_settings settings = {.c = 1};
    struct clouds *clouds = clouds_make(40, 2, 0.5, 3);
    struct part part = make_part(clouds);

    (void)state;
    for (size_t i = 0; i < 40; i++)
        clouds->samples[i].class = i == 1 ? 0 : 1;
    assert_true(choose(&part, &settings, 1) > 0);
    part.part.count = 2;
    assert_true(choose(&part, &settings, 1) > 0);
    svm_kernel_free(part.kernel);
    free(clouds);
}

/* Sigmoids fitted to unseen images: probabilities of the half that was not trained on are right on
 * the average, within five standard errors. */
static void test_calibration(void **state)
{
    static const enum strategy strategies[] = {STRATEGY_OVO, STRATEGY_OVR};

    (void)state;
    for (size_t s = 0; s < 2; s++) {
        const struct training_settings settings = {
            .solver = {.c = 1, .strategy = strategies[s]}, .probability = true,
        };
        struct clouds *clouds = clouds_make(300, 3, 1, 8);
        struct part part = make_part(clouds);
        struct parallel *parallel = clouds_threads(2);
        double given = 0, right = 0;
        struct training training;
        struct error error;
        struct fit fit;

        assert_int_equal(training_create(&clouds->dataset, 300, &settings, parallel, &training,
                                         &error), 0);
        assert_int_equal(training_fit(&training, part.rows, part.part.count, parallel, &fit,
                                      &error), 0);
        for (size_t i = 0; i < 300; i += 2) {
            double decisions[3], scratch[12], probabilities[3], scores[3];
            size_t won;

            fit_decide(&fit, i, decisions);
            won = strategy_vote(strategies[s], 3, decisions, scores);
            probabilities_couple(strategies[s], 3, fit.sigmoids, decisions, scratch,
                                 probabilities);
            given += probabilities[won];
            right += fit.solution.labels[won] == clouds->samples[i].class;
        }
        assert_true(right > 80);
        assert_true(fabs(given - right) < 5 * sqrt(150 * 0.2));
        fit_release(&fit);
        training_release(&training);
        svm_kernel_free(part.kernel);
        parallel_free(parallel);
        free(clouds);
    }
}

static void test_too_few_images_for_probabilities(void **state)
{
    const struct training_settings settings = {.solver = {.c = 1}, .probability = true};
    struct clouds *clouds = clouds_make(29, 3, 1, 8);
    struct parallel *parallel = clouds_threads(1);
    struct training training;
    struct error error;

    (void)state;
    assert_int_equal(training_create(&clouds->dataset, 29, &settings, parallel, &training, &error),
                     FAILED);
    assert_string_equal(error.text, "no probabilities: 'c2' has 9 images, and fewer than 10 do not "
                        "tell how often a score is right; do without --probability, or add "
                        "images");
    parallel_free(parallel);
    free(clouds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice_sees_the_training_part_alone),
        cmocka_unit_test(test_ties_go_to_the_lowest),
        cmocka_unit_test(test_tiny_parts),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_too_few_images_for_probabilities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
