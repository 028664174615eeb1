#include "classify/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/generator.h"
#include "classify/model_file.h"
#include "classify/training.h"
#include "tests/helpers.h"

enum { MOST = 120, DIMENSION = 9 };

/* Clouds of points, one a class, that overlap. */
struct fixture {
    struct dataset dataset;
    struct dataset_sample samples[MOST];
    float vectors[MOST * DIMENSION];
    char *classes[3];
};

static char names[3][8] = {"ants", "bees", "wasps"};

static struct fixture *make(size_t count, size_t classes, double distance)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct generator generator = generator_seed(21);

    assert_non_null(fixture);
    for (size_t i = 0; i < count; i++) {
        struct dataset_sample *sample = &fixture->samples[i];

        sample->class = i * 5 % classes;
        sample->unit = i;
        sample->label = names[sample->class];
        for (size_t k = 0; k < DIMENSION; k++)
            fixture->vectors[i * DIMENSION + k] =
                (float)((double)(generator_next(&generator) >> 40) / 16777216.0 +
                        (k == sample->class ? distance : 0));
        normalize_vector(NORMALIZE_L2, fixture->vectors + i * DIMENSION, DIMENSION);
    }
    for (size_t class = 0; class < classes; class++)
        fixture->classes[class] = names[class];
    fixture->dataset = (struct dataset){
        .count = count, .dimension = DIMENSION, .vectors = fixture->vectors,
        .samples = fixture->samples, .class_count = classes, .classes = fixture->classes,
        .unit_count = count,
    };
    return fixture;
}

static struct parallel *threads(size_t count)
{
    struct parallel *parallel;
    struct error error;

    assert_int_equal(parallel_create(count, &parallel, &error), 0);
    return parallel;
}

static struct evaluation cross_validate(const struct fixture *fixture, size_t thread_count,
                                        uint64_t seed)
{
    const struct evaluation_settings settings = {.folds = 4, .repeats = 3, .seed = seed,
                                                .training.solver.c = 1};
    struct parallel *parallel = threads(thread_count);
    struct evaluation evaluation;
    struct error error;

    assert_int_equal(evaluation_cross_validate(&fixture->dataset, &settings, parallel,
                                               &evaluation, &error), 0);
    parallel_free(parallel);
    return evaluation;
}

static void test_threads_change_nothing(void **state)
{
    struct fixture *fixture = make(MOST, 3, 0.3);
    struct evaluation expected = cross_validate(fixture, 1, 5);
    const size_t cells = 3 * MOST;

    (void)state;
    for (size_t count = 2; count <= 4; count++) {
        struct evaluation evaluation = cross_validate(fixture, count, 5);

        assert_memory_equal(evaluation.predicted, expected.predicted,
                            cells * sizeof *expected.predicted);
        assert_memory_equal(evaluation.margins, expected.margins,
                            cells * sizeof *expected.margins);
        assert_memory_equal(&evaluation.interval, &expected.interval, sizeof expected.interval);
        evaluation_release(&evaluation);
    }
    evaluation_release(&expected);
    free(fixture);
}

static void test_metrics_are_those_of_the_predictions(void **state)
{
    struct fixture *fixture = make(MOST, 3, 0.3);
    struct evaluation evaluation = cross_validate(fixture, 2, 0);
    size_t correct = 0;

    (void)state;
    assert_int_equal(evaluation.first, 0);
    assert_int_equal(evaluation.count, MOST);
    for (size_t i = 0; i < 3 * MOST; i++) {
        bool right = evaluation.predicted[i] == fixture->samples[i % MOST].class;

        correct += right;
        assert_true(right ? evaluation.margins[i] >= 0 : evaluation.margins[i] <= 0);
    }
    assert_int_equal(evaluation.metrics.total, 3 * MOST);
    assert_int_equal(evaluation.metrics.correct, correct);
    /* Neither perfect nor guessed, so the interval is that of the folds and holds the mean. */
    assert_in_range(correct, 150, 345);
    assert_int_equal(evaluation.method, INTERVAL_CORRECTED_RESAMPLED);
    assert_true(evaluation.interval.low < evaluation.metrics.accuracy);
    assert_true(evaluation.interval.high > evaluation.metrics.accuracy);
    evaluation_release(&evaluation);
    free(fixture);
}

/* All folds perfect: no variance to make an interval of, so Wilson's on the 40 images. */
static void test_interval_without_variance(void **state)
{
    struct fixture *fixture = make(40, 2, 40);
    struct evaluation evaluation = cross_validate(fixture, 1, 0);
    struct interval expected = wilson_interval(40, 40);

    (void)state;
    assert_int_equal(evaluation.metrics.correct, 120);
    assert_int_equal(evaluation.method, INTERVAL_WILSON);
    assert_memory_equal(&evaluation.interval, &expected, sizeof expected);
    evaluation_release(&evaluation);
    free(fixture);
}

/* A duplicate never helps: with labels by chance, pairs of identical images across folds would be
 * recognised; kept together they are guessed. */
static void test_units_do_not_leak(void **state)
{
    struct fixture *fixture = make(MOST, 2, 0);
    struct evaluation evaluation;
    size_t apart, together;

    (void)state;
    for (size_t i = 0; i + 1 < MOST; i += 2) {
        fixture->samples[i].class = fixture->samples[i + 1].class = i / 2 * 7 % 5 % 2;
        for (size_t k = 0; k < DIMENSION; k++) {
            float sign = generator_next(&(struct generator){{i, k, 3, 4}}) % 2 ? 1.0f : -1.0f;

            fixture->vectors[i * DIMENSION + k] *= 10 * sign;
        }
        memcpy(fixture->vectors + (i + 1) * DIMENSION, fixture->vectors + i * DIMENSION,
               DIMENSION * sizeof *fixture->vectors);
    }
    evaluation = cross_validate(fixture, 1, 0);
    apart = evaluation.metrics.correct;
    evaluation_release(&evaluation);
    for (size_t i = 0; i < MOST; i++)
        fixture->samples[i].unit = i / 2;
    fixture->dataset.unit_count = MOST / 2;
    evaluation = cross_validate(fixture, 1, 0);
    together = evaluation.metrics.correct;
    for (size_t i = 0; i < 3 * MOST; i += 2)
        assert_int_equal(evaluation.predicted[i], evaluation.predicted[i + 1]);
    evaluation_release(&evaluation);
    assert_true(together < apart);
    free(fixture);
}

/* The model that is trained on the training part, written, read again, gives to the last bit what
 * the hold-out scored. */
static void test_hold_out_equals_a_model_file(void **state)
{
    enum { TRAINED = 70 };
    const struct evaluation_settings settings = {.training.solver.c = 3};
    struct fixture *fixture = make(MOST, 3, 0.3);
    struct dataset training_part = fixture->dataset;
    struct parallel *parallel = threads(2);
    char *folder = scratch_create(), text[] = "x";
    const char *path = scratch_path(folder, "m");
    size_t rows[TRAINED];
    struct training training;
    struct fit fit;
    struct classifier classifier;
    struct evaluation evaluation;
    struct model model;
    struct error error;

    (void)state;
    training_part.count = TRAINED;
    for (size_t i = 0; i < TRAINED; i++)
        rows[i] = i;
    assert_int_equal(evaluation_hold_out(&fixture->dataset, TRAINED, &settings, parallel,
                                         &evaluation, &error), 0);
    assert_int_equal(training_create(&training_part, TRAINED, &settings.training, parallel,
                                     &training, &error), 0);
    assert_int_equal(training_fit(&training, rows, TRAINED, NULL, &fit, &error), 0);
    assert_int_equal(fit_classifier(&fit, &classifier, &error), 0);
    fit_release(&fit);
    assert_int_equal(model_write(path, &(struct model){
        .program = text, .c = 3, .labels = fixture->classes, .linear = classifier.linear,
        .features = {.network_name = text, .layer = text, .pooling = text, .preprocessing = text,
                     .dimension = DIMENSION},
    }, &error), 0);
    assert_int_equal(model_read(path, &model, &error), 0);
    for (size_t i = 0; i < evaluation.count; i++) {
        size_t sample = evaluation.first + i, class = fixture->samples[sample].class;
        double decisions[3], scores[3], other = -INFINITY, margin;

        linear_decide(&model.linear, fixture->vectors + sample * DIMENSION, decisions);
        assert_int_equal(linear_vote(&model.linear, decisions, scores), evaluation.predicted[i]);
        for (size_t k = 0; k < 3; k++)
            if (k != class)
                other = fmax(other, scores[k]);
        margin = scores[class] - other;
        assert_memory_equal(&margin, &evaluation.margins[i], sizeof margin);
    }
    assert_int_equal(evaluation.method, INTERVAL_WILSON);
    model_release(&model);
    classifier_release(&classifier);
    training_release(&training);
    evaluation_release(&evaluation);
    parallel_free(parallel);
    scratch_remove(folder);
    free(fixture);
}

static void test_class_that_was_not_trained(void **state)
{
    const struct evaluation_settings settings = {.training.solver.c = 1};
    struct fixture *fixture = make(40, 2, 5);
    struct parallel *parallel = threads(1);
    struct evaluation evaluation;
    struct misclassified *list;
    struct error error;
    size_t count;

    (void)state;
    fixture->classes[2] = names[2];
    fixture->dataset.class_count = 3;
    fixture->samples[39].class = 2;
    fixture->samples[39].label = names[2];
    assert_int_equal(evaluation_hold_out(&fixture->dataset, 30, &settings, parallel, &evaluation,
                                         &error), 0);
    assert_int_equal(evaluation.metrics.correct, 9);
    assert_int_equal(evaluation.metrics.total, 10);
    assert_true(isinf(evaluation.margins[9]));
    assert_int_equal(evaluation_misclassified(&evaluation, &fixture->dataset, &list, &count,
                                              &error), 0);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].sample, 39);
    free(list);
    evaluation_release(&evaluation);
    parallel_free(parallel);
    free(fixture);
}

static void test_misclassified_are_sorted(void **state)
{
    /* Truth 0, 1, 1, 0, 1; three repeats. */
    size_t predicted[] = {0, 2, 1, 1, 1, 0, 0, 1, 1, 2, 0, 2, 1, 1, 2};
    double margins[] = {1, -1, 1, -2, 1, 1, -1, 1, -3, -1, 1, -1, 1, -1, -2};
    const struct evaluation evaluation = {
        .first = 0, .count = 5, .repeats = 3, .predicted = predicted, .margins = margins,
    };
    static const size_t truth[] = {0, 1, 1, 0, 1};
    struct fixture *fixture = make(5, 3, 0);
    struct misclassified *list;
    struct error error;
    size_t count;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        fixture->samples[i].class = truth[i];
    assert_int_equal(evaluation_misclassified(&evaluation, &fixture->dataset, &list, &count,
                                              &error), 0);
    assert_int_equal(count, 3);
    assert_int_equal(list[0].sample, 3);
    assert_int_equal(list[0].wrong, 3);
    assert_int_equal(list[0].predicted, 1);
    assert_true(fabs(list[0].margin + 2) < 1e-12);
    assert_int_equal(list[1].sample, 1);
    assert_int_equal(list[1].wrong, 3);
    assert_int_equal(list[1].predicted, 2);
    assert_int_equal(list[2].sample, 4);
    assert_int_equal(list[2].wrong, 2);
    free(list);
    free(fixture);
}

static void test_what_cannot_be_evaluated(void **state)
{
    const struct evaluation_settings settings = {.folds = 2, .repeats = 1,
                                                .training.solver.c = 1};
    struct fixture *fixture = make(20, 2, 1);
    struct parallel *parallel = threads(1);
    struct evaluation evaluation;
    struct error error;

    (void)state;
    assert_int_equal(evaluation_hold_out(&fixture->dataset, 20, &settings, parallel, &evaluation,
                                         &error), FAILED);
    assert_string_equal(error.text, "nothing to test: there are no images");
    assert_int_equal(evaluation_hold_out(&fixture->dataset, 1, &settings, parallel, &evaluation,
                                         &error), FAILED);
    assert_string_equal(error.text, "nothing to tell apart: every image has the label 'ants'; at "
                        "least two labels are needed");
    fixture->dataset.count = 0;
    assert_int_equal(evaluation_cross_validate(&fixture->dataset, &settings, parallel,
                                               &evaluation, &error), FAILED);
    assert_string_equal(error.text, "nothing to train on: there are no images");
    fixture->dataset.unlabelled = 4;
    assert_int_equal(evaluation_cross_validate(&fixture->dataset, &settings, parallel,
                                               &evaluation, &error), FAILED);
    assert_string_equal(error.text, "nothing to train on: none of the 4 images has a label; "
                        "extract folders whose sub-folders are the labels, or use --labels");
    assert_null(evaluation.predicted);
    parallel_free(parallel);
    free(fixture);
}

/* Every image is tested by a classifier that was trained on all the others. */
static void test_leave_one_out(void **state)
{
    const struct evaluation_settings settings = {.leave_one_out = true, .training.solver.c = 1};
    struct fixture *fixture = make(30, 3, 0.3);
    struct parallel *parallel = threads(2);
    struct training training;
    struct evaluation evaluation;
    struct error error;

    (void)state;
    assert_int_equal(evaluation_cross_validate(&fixture->dataset, &settings, parallel, &evaluation,
                                               &error), 0);
    assert_int_equal(evaluation.fold_count, 30);
    assert_int_equal(evaluation.repeats, 1);
    assert_int_equal(evaluation.method, INTERVAL_WILSON);
    assert_int_equal(training_create(&fixture->dataset, 30, &settings.training, parallel,
                                     &training, &error), 0);
    for (size_t left = 0; left < 30; left += 7) {
        double decisions[3], scores[3];
        size_t rows[29], count = 0;
        struct fit fit;

        for (size_t i = 0; i < 30; i++)
            if (i != left)
                rows[count++] = i;
        assert_int_equal(training_fit(&training, rows, 29, NULL, &fit, &error), 0);
        fit_decide(&fit, left, decisions);
        assert_int_equal(strategy_vote(STRATEGY_OVO, 3, decisions, scores),
                         evaluation.predicted[left]);
        fit_release(&fit);
    }
    training_release(&training);
    evaluation_release(&evaluation);
    parallel_free(parallel);
    free(fixture);
}

/* More images, better classifiers; and a limit above what there is is none. */
static void test_limits(void **state)
{
    struct fixture *fixture = make(MOST, 3, 0.3);
    struct parallel *parallel = threads(2);
    size_t correct[3];
    static const size_t limits[] = {1, 1000, 0};
    struct error error;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct evaluation_settings settings = {
            .folds = 4, .repeats = 5, .limit = limits[i], .training.solver.c = 1,
        };
        struct evaluation evaluation;

        assert_int_equal(evaluation_cross_validate(&fixture->dataset, &settings, parallel,
                                                   &evaluation, &error), 0);
        assert_true(fabs(evaluation.test_share - 1.0 / 3) < 1e-9);
        correct[i] = evaluation.metrics.correct;
        evaluation_release(&evaluation);
    }
    assert_true(correct[0] + 50 < correct[1]);
    assert_int_equal(correct[1], correct[2]);
    parallel_free(parallel);
    free(fixture);
}

/* What is scaled, searched and calibrated does not look at the test part: a hold-out's classifier
 * is the same, to the bit, whatever stands there. */
static void test_nothing_is_learned_from_the_test_part(void **state)
{
    enum { TRAINED = 90 };
    const struct evaluation_settings settings = {
        .training = {.solver = {.c = 1}, .search = true, .probability = true},
    };
    struct fixture *fixture = make(MOST, 3, 0.4);
    struct parallel *parallel = threads(2);
    struct evaluation first, second;
    struct error error;

    (void)state;
    fixture->dataset.normalize = NORMALIZE_STANDARD;
    assert_int_equal(evaluation_hold_out(&fixture->dataset, TRAINED, &settings, parallel, &first,
                                         &error), 0);
    for (size_t i = (TRAINED + 1) * DIMENSION; i < MOST * DIMENSION; i++)
        fixture->vectors[i] = 1000 - fixture->vectors[i];
    assert_int_equal(evaluation_hold_out(&fixture->dataset, TRAINED, &settings, parallel, &second,
                                         &error), 0);
    assert_memory_equal(first.scores, second.scores, 3 * sizeof *first.scores);
    assert_memory_equal(first.probabilities, second.probabilities,
                        3 * sizeof *first.probabilities);
    assert_memory_equal(first.chosen, second.chosen, sizeof *first.chosen);
    assert_memory_not_equal(first.scores + 3, second.scores + 3, 3 * sizeof *first.scores);
    evaluation_release(&first);
    evaluation_release(&second);
    parallel_free(parallel);
    free(fixture);
}

/* Scaled by the training part and decided by the kernel, or by weights that absorbed the scaling:
 * the same decisions but for rounding. */
static void test_scaling_by_kernel_and_by_weights(void **state)
{
    const struct training_settings settings = {.solver = {.c = 0.1}};
    struct fixture *fixture = make(MOST, 3, 0.4);
    struct parallel *parallel = threads(1);
    size_t rows[MOST];
    struct training training;
    struct classifier classifier;
    struct error error;
    struct fit fit;

    (void)state;
    fixture->dataset.normalize = NORMALIZE_STANDARD;
    for (size_t i = 0; i < MOST / 2; i++)
        rows[i] = i * 2;
    assert_int_equal(training_create(&fixture->dataset, MOST, &settings, parallel, &training,
                                     &error), 0);
    assert_int_equal(training_fit(&training, rows, MOST / 2, NULL, &fit, &error), 0);
    assert_int_equal(fit_classifier(&fit, &classifier, &error), 0);
    for (size_t i = 0; i < MOST; i++) {
        double by_kernel[3], by_weights[3];

        fit_decide(&fit, i, by_kernel);
        linear_decide(&classifier.linear, fixture->vectors + i * DIMENSION, by_weights);
        for (size_t d = 0; d < 3; d++)
            assert_true(fabs(by_kernel[d] - by_weights[d]) < 1e-4);
    }
    classifier_release(&classifier);
    fit_release(&fit);
    training_release(&training);
    parallel_free(parallel);
    free(fixture);
}

static void test_top_and_reliability(void **state)
{
    /* Truth 0, 2, 1, 0. */
    size_t predicted[] = {0, 0, 1, 1}, ranks[] = {0, 2, 0, 1};
    double probabilities[] = {0.8, 0.15, 0.05, 0.5, 0.3, 0.2, 0, 1, 0, 0.3, 0.6, 0.1};
    const struct evaluation evaluation = {
        .count = 4, .repeats = 1, .classes = 3, .predicted = predicted, .ranks = ranks,
        .probabilities = probabilities,
    };
    struct fixture *fixture = make(4, 3, 0);
    struct reliability reliability = evaluation_reliability(&evaluation, &fixture->dataset);

    (void)state;
    assert_true(fabs(evaluation_top_accuracy(&evaluation, 1) - 0.5) < 1e-12);
    assert_true(fabs(evaluation_top_accuracy(&evaluation, 2) - 0.75) < 1e-12);
    assert_true(fabs(evaluation_top_accuracy(&evaluation, 3) - 1) < 1e-12);
    /* By hand: .04 + .0225 + .0025; .25 + .09 + .64; 0; .49 + .36 + .01; their mean. */
    assert_true(fabs(reliability.brier - (0.065 + 0.98 + 0 + 0.86) / 4) < 1e-12);
    assert_int_equal(reliability.bins[8].count, 1);
    assert_int_equal(reliability.bins[5].count, 1);
    assert_true(fabs(reliability.bins[5].right) < 1e-12);
    assert_int_equal(reliability.bins[9].count, 1);
    assert_true(fabs(reliability.bins[9].probability - 1) < 1e-12);
    assert_true(fabs(reliability.bins[9].right - 1) < 1e-12);
    assert_int_equal(reliability.bins[6].count, 1);
    free(fixture);
}

static void count_calls(void *context, size_t done, size_t total)
{
    size_t *calls = context;

    assert_true(done >= 1 && done <= total);
    assert_int_equal(total, 12);
    ++*calls;
}

static void test_progress_and_recorded_scores(void **state)
{
    struct fixture *fixture = make(MOST, 3, 0.3);
    struct parallel *parallel = threads(1);
    struct evaluation evaluation;
    struct error error;
    size_t calls = 0;
    const struct evaluation_settings settings = {
        .folds = 4, .repeats = 3, .training.solver.c = 1, .progress = {count_calls, &calls},
    };

    (void)state;
    assert_int_equal(evaluation_cross_validate(&fixture->dataset, &settings, parallel, &evaluation,
                                               &error), 0);
    assert_int_equal(calls, 12);
    for (size_t cell = 0; cell < 3 * MOST; cell++) {
        const double *scores = evaluation.scores + cell * 3;
        size_t best = 0;

        for (size_t class = 1; class < 3; class++)
            best = scores[class] > scores[best] ? class : best;
        assert_int_equal(best, evaluation.predicted[cell]);
        assert_int_equal(evaluation.ranks[cell] == 0,
                         best == fixture->samples[cell % MOST].class);
    }
    evaluation_release(&evaluation);
    parallel_free(parallel);
    free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_metrics_are_those_of_the_predictions),
        cmocka_unit_test(test_interval_without_variance),
        cmocka_unit_test(test_units_do_not_leak),
        cmocka_unit_test(test_hold_out_equals_a_model_file),
        cmocka_unit_test(test_class_that_was_not_trained),
        cmocka_unit_test(test_misclassified_are_sorted),
        cmocka_unit_test(test_what_cannot_be_evaluated),
        cmocka_unit_test(test_leave_one_out),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nothing_is_learned_from_the_test_part),
        cmocka_unit_test(test_scaling_by_kernel_and_by_weights),
        cmocka_unit_test(test_top_and_reliability),
        cmocka_unit_test(test_progress_and_recorded_scores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
