#include "classify/evaluation.h"

#include <math.h>
#include <stdlib.h>

#include "classify/folds.h"
#include "classify/training.h"
#include "common/memory.h"

static int evaluation_create(const struct dataset *dataset, size_t first, size_t repeats,
                             struct evaluation *evaluation, struct error *error)
{
    size_t cells;

    *evaluation = (struct evaluation){
        .first = first, .count = dataset->count - first, .repeats = repeats,
    };
    if (!size_multiply(evaluation->count, repeats, &cells))
        return error_no_memory(error);
    evaluation->predicted = memory_allocate(cells, sizeof *evaluation->predicted, error);
    evaluation->margins = memory_allocate(cells, sizeof *evaluation->margins, error);
    if (evaluation->predicted == NULL || evaluation->margins == NULL)
        return FAILED;
    return metrics_create(dataset->class_count, &evaluation->metrics, error);
}

void evaluation_release(struct evaluation *evaluation)
{
    free(evaluation->predicted);
    free(evaluation->margins);
    metrics_release(&evaluation->metrics);
    *evaluation = (struct evaluation){0};
}

static double margin_of(const struct classifier *classifier, const double *scores, size_t class)
{
    double own = -INFINITY, other = -INFINITY;

    for (size_t i = 0; i < classifier->linear.classes; i++) {
        if (classifier->classes[i] == class)
            own = scores[i];
        else
            other = fmax(other, scores[i]);
    }
    return own - other;
}

/* Tests samples: [count] of the dataset in one repeat. */
static int test_samples(const struct classifier *classifier, const struct dataset *dataset,
                        const size_t *samples, size_t count, size_t repeat,
                        struct evaluation *evaluation, struct error *error)
{
    const struct linear *linear = &classifier->linear;
    double *decisions = memory_allocate(linear->decisions, sizeof *decisions, error);
    double *scores = memory_allocate(linear->classes, sizeof *scores, error);
    int outcome = decisions != NULL && scores != NULL ? 0 : FAILED;

    for (size_t i = 0; i < count && outcome == 0; i++) {
        size_t cell = repeat * evaluation->count + samples[i] - evaluation->first;

        evaluation->predicted[cell] =
            classifier_decide(classifier, dataset->vectors + samples[i] * dataset->dimension,
                              decisions, scores);
        evaluation->margins[cell] =
            margin_of(classifier, scores, dataset->samples[samples[i]].class);
    }
    free(decisions);
    free(scores);
    return outcome;
}

static void compute_metrics(const struct dataset *dataset, struct evaluation *evaluation)
{
    for (size_t i = 0; i < evaluation->repeats * evaluation->count; i++) {
        size_t sample = evaluation->first + i % evaluation->count;

        metrics_count(&evaluation->metrics, dataset->samples[sample].class,
                      evaluation->predicted[i]);
    }
    metrics_finish(&evaluation->metrics);
}

/* Cross-validation in progress. A worker has scratch memory of its own, and notes its failure. */
struct validation {
    const struct dataset *dataset;
    const struct folds *folds;
    const struct training *training;
    double c;
    struct evaluation *evaluation;
    size_t *rows;           /* [workers][dataset->count] */
    struct error *errors;   /* [workers] */
    bool *failed;           /* [workers] */
};

/* Task: one fold of one repeat. */
static void validate_fold(void *context, size_t task, size_t worker)
{
    struct validation *validation = context;
    const size_t count = validation->dataset->count;
    const size_t repeat = task / validation->folds->folds;
    const size_t *fold = validation->folds->fold + repeat * count;
    size_t *rows = validation->rows + worker * count;
    size_t trained = 0, tested = count;
    struct classifier classifier;

    if (validation->failed[worker])
        return;
    /* The training part from the front, the test part from the back. */
    for (size_t i = 0; i < count; i++) {
        if (fold[i] == task % validation->folds->folds)
            rows[--tested] = i;
        else
            rows[trained++] = i;
    }
    validation->failed[worker] = true;
    if (training_fit(validation->training, rows, trained, validation->c, &classifier,
                     &validation->errors[worker]) < 0)
        return;
    if (test_samples(&classifier, validation->dataset, rows + tested, count - tested, repeat,
                     validation->evaluation, &validation->errors[worker]) == 0)
        validation->failed[worker] = false;
    classifier_release(&classifier);
}

static int run_folds(struct validation *validation, struct parallel *parallel,
                     struct error *error)
{
    const size_t workers = parallel_threads(parallel);
    int outcome = FAILED;
    size_t cells;

    if (!size_multiply(workers, validation->dataset->count, &cells))
        return error_no_memory(error);
    validation->rows = memory_allocate(cells, sizeof *validation->rows, error);
    validation->errors = memory_allocate(workers, sizeof *validation->errors, error);
    validation->failed = memory_allocate(workers, sizeof *validation->failed, error);
    if (validation->rows == NULL || validation->errors == NULL || validation->failed == NULL)
        goto out;
    parallel_for(parallel, validation->folds->folds * validation->folds->repeats, validate_fold,
                 validation);
    outcome = 0;
    for (size_t worker = 0; worker < workers && outcome == 0; worker++) {
        if (validation->failed[worker]) {
            *error = validation->errors[worker];
            outcome = FAILED;
        }
    }
out:
    free(validation->rows);
    free(validation->errors);
    free(validation->failed);
    return outcome;
}

/* accuracies: [repeats * folds]. Returns whether they differ at all. */
static bool fold_accuracies(const struct dataset *dataset, const struct folds *folds,
                            const struct evaluation *evaluation, double *accuracies)
{
    const size_t count = folds->count;
    double lowest = 1, highest = 0;

    for (size_t task = 0; task < folds->repeats * folds->folds; task++) {
        size_t repeat = task / folds->folds, tested = 0, correct = 0;

        for (size_t i = 0; i < count; i++) {
            if (folds->fold[repeat * count + i] != task % folds->folds)
                continue;
            tested++;
            correct += evaluation->predicted[repeat * count + i] == dataset->samples[i].class;
        }
        accuracies[task] = (double)correct / (double)tested;
        lowest = fmin(lowest, accuracies[task]);
        highest = fmax(highest, accuracies[task]);
    }
    return highest > lowest;
}

static int compute_interval(const struct dataset *dataset, const struct folds *folds,
                            struct evaluation *evaluation, struct error *error)
{
    const struct metrics *metrics = &evaluation->metrics;
    size_t count = folds->repeats * folds->folds;
    double *accuracies = memory_allocate(count, sizeof *accuracies, error);

    if (accuracies == NULL)
        return FAILED;
    if (fold_accuracies(dataset, folds, evaluation, accuracies)) {
        evaluation->method = INTERVAL_CORRECTED_RESAMPLED;
        evaluation->interval = corrected_resampled_interval(
            metrics->accuracy, accuracies, count, 1 / (double)(folds->folds - 1));
    } else {
        evaluation->method = INTERVAL_WILSON;
        evaluation->interval = wilson_interval(metrics->correct / evaluation->repeats,
                                               evaluation->count);
    }
    free(accuracies);
    return 0;
}

int evaluation_cross_validate(const struct dataset *dataset,
                              const struct evaluation_settings *settings,
                              struct parallel *parallel, struct evaluation *evaluation,
                              struct error *error)
{
    struct folds folds = {0};
    struct training training = {0};
    struct validation validation = {
        .dataset = dataset, .folds = &folds, .training = &training, .c = settings->c,
        .evaluation = evaluation,
    };
    int outcome = FAILED;

    if (evaluation_create(dataset, 0, settings->repeats, evaluation, error) < 0 ||
        training_create(dataset, dataset->count, parallel, &training, error) < 0 ||
        folds_create(dataset, settings->folds, settings->repeats, settings->seed, &folds,
                     error) < 0 ||
        run_folds(&validation, parallel, error) < 0)
        goto out;
    compute_metrics(dataset, evaluation);
    outcome = compute_interval(dataset, &folds, evaluation, error);
out:
    folds_release(&folds);
    training_release(&training);
    if (outcome < 0)
        evaluation_release(evaluation);
    return outcome;
}

int evaluation_hold_out(const struct dataset *dataset, size_t trained,
                        const struct evaluation_settings *settings, struct parallel *parallel,
                        struct evaluation *evaluation, struct error *error)
{
    struct training training = {0};
    struct classifier classifier = {0};
    size_t *rows = memory_allocate(dataset->count, sizeof *rows, error);
    int outcome = FAILED;

    *evaluation = (struct evaluation){0};
    if (trained == dataset->count) {
        error_set(error, "nothing to test: there are no images");
        goto out;
    }
    if (rows == NULL || evaluation_create(dataset, trained, 1, evaluation, error) < 0 ||
        training_create(dataset, trained, parallel, &training, error) < 0)
        goto out;
    for (size_t i = 0; i < dataset->count; i++)
        rows[i] = i;
    if (training_fit(&training, rows, trained, settings->c, &classifier, error) < 0 ||
        test_samples(&classifier, dataset, rows + trained, dataset->count - trained, 0,
                     evaluation, error) < 0)
        goto out;
    compute_metrics(dataset, evaluation);
    evaluation->method = INTERVAL_WILSON;
    evaluation->interval = wilson_interval(evaluation->metrics.correct, evaluation->count);
    outcome = 0;
out:
    classifier_release(&classifier);
    training_release(&training);
    free(rows);
    if (outcome < 0)
        evaluation_release(evaluation);
    return outcome;
}

/* The class that was wrongly predicted most often for the tested sample; among equals the first.
 * counts: [class_count], zero before and after. */
static size_t most_frequent_error(const struct evaluation *evaluation, size_t tested,
                                  size_t truth, size_t *counts)
{
    size_t most = 0, chosen = 0;

    for (size_t repeat = 0; repeat < evaluation->repeats; repeat++) {
        size_t class = evaluation->predicted[repeat * evaluation->count + tested];

        if (class == truth)
            continue;
        counts[class]++;
        if (counts[class] > most || (counts[class] == most && class < chosen)) {
            most = counts[class];
            chosen = class;
        }
    }
    for (size_t repeat = 0; repeat < evaluation->repeats; repeat++)
        counts[evaluation->predicted[repeat * evaluation->count + tested]] = 0;
    return chosen;
}

static int compare_misclassified(const void *a, const void *b)
{
    const struct misclassified *left = a, *right = b;

    if (left->wrong != right->wrong)
        return left->wrong > right->wrong ? -1 : 1;
    if (left->margin < right->margin || left->margin > right->margin)
        return left->margin < right->margin ? -1 : 1;
    return (left->sample > right->sample) - (left->sample < right->sample);
}

int evaluation_misclassified(const struct evaluation *evaluation, const struct dataset *dataset,
                             struct misclassified **list, size_t *count, struct error *error)
{
    size_t *counts = memory_allocate(dataset->class_count, sizeof *counts, error);

    *count = 0;
    *list = memory_allocate(evaluation->count, sizeof **list, error);
    if (counts == NULL || *list == NULL) {
        free(counts);
        free(*list);
        *list = NULL;
        return FAILED;
    }
    for (size_t tested = 0; tested < evaluation->count; tested++) {
        struct misclassified one = {.sample = evaluation->first + tested};
        size_t truth = dataset->samples[one.sample].class;

        for (size_t repeat = 0; repeat < evaluation->repeats; repeat++) {
            size_t cell = repeat * evaluation->count + tested;

            one.wrong += evaluation->predicted[cell] != truth;
            one.margin += evaluation->margins[cell] / (double)evaluation->repeats;
        }
        one.predicted = most_frequent_error(evaluation, tested, truth, counts);
        if (one.wrong > 0)
            (*list)[(*count)++] = one;
    }
    qsort(*list, *count, sizeof **list, compare_misclassified);
    free(counts);
    return 0;
}
