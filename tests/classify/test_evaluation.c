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
    const struct evaluation_settings settings = {.folds = 4, .repeats = 3, .seed = seed, .c = 1};
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
    const struct evaluation_settings settings = {.c = 3};
    struct fixture *fixture = make(MOST, 3, 0.3);
    struct dataset training_part = fixture->dataset;
    struct parallel *parallel = threads(2);
    char *folder = scratch_create(), text[] = "x";
    const char *path = scratch_path(folder, "m");
    size_t rows[TRAINED];
    struct training training;
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
    assert_int_equal(training_create(&training_part, TRAINED, parallel, &training, &error), 0);
    assert_int_equal(training_fit(&training, rows, TRAINED, 3, &classifier, &error), 0);
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
    const struct evaluation_settings settings = {.c = 1};
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
    const struct evaluation_settings settings = {.folds = 2, .repeats = 1, .c = 1};
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
