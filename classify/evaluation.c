#include "classify/evaluation.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "classify/folds.h"
#include "classify/generator.h"
#include "classify/opinion.h"
#include "common/memory.h"

static int evaluation_create(const struct dataset *dataset, size_t first, size_t repeats,
                             size_t folds, bool probabilities, struct evaluation *evaluation,
                             struct error *error)
{
    size_t cells, scores;

    *evaluation = (struct evaluation){
        .first = first, .count = dataset->count - first, .repeats = repeats,
        .classes = dataset->class_count, .fold_count = folds,
    };
    if (!size_multiply(evaluation->count, repeats, &cells) ||
        !size_multiply(cells, dataset->class_count, &scores))
        return error_no_memory(error);
    evaluation->predicted = memory_allocate(cells, sizeof *evaluation->predicted, error);
    evaluation->margins = memory_allocate(cells, sizeof *evaluation->margins, error);
    evaluation->ranks = memory_allocate(cells, sizeof *evaluation->ranks, error);
    evaluation->accuracies = memory_allocate(folds, sizeof *evaluation->accuracies, error);
    evaluation->chosen = memory_allocate(folds, sizeof *evaluation->chosen, error);
    if (evaluation->predicted == NULL || evaluation->margins == NULL ||
        evaluation->ranks == NULL || evaluation->accuracies == NULL || evaluation->chosen == NULL)
        return FAILED;
    if (scores <= EVALUATION_MOST_SCORES) {
        evaluation->scores = memory_allocate(scores, sizeof *evaluation->scores, error);
        if (evaluation->scores == NULL)
            return FAILED;
    }
    if (probabilities) {
        evaluation->probabilities = memory_allocate(scores, sizeof *evaluation->probabilities,
                                                    error);
        if (evaluation->probabilities == NULL)
            return FAILED;
    }
    return metrics_create(dataset->class_count, &evaluation->metrics, error);
}

void evaluation_release(struct evaluation *evaluation)
{
    free(evaluation->predicted);
    free(evaluation->margins);
    free(evaluation->ranks);
    free(evaluation->scores);
    free(evaluation->probabilities);
    free(evaluation->accuracies);
    free(evaluation->chosen);
    metrics_release(&evaluation->metrics);
    *evaluation = (struct evaluation){0};
}

/* ---- one classifier's opinions ----------------------------------------------------------- */

static void record_scores(const struct opinion *opinion, size_t cell,
                          struct evaluation *evaluation)
{
    double *scores = evaluation->scores + cell * evaluation->classes;

    for (size_t class = 0; class < evaluation->classes; class++)
        scores[class] = -INFINITY;
    for (size_t i = 0; i < opinion->classes; i++)
        scores[opinion->labels[i]] = opinion->scores[i];
}

/* Records what the decisions about a sample mean; cell: where it is in the evaluation. */
static void record(struct opinion *opinion, size_t class, size_t cell,
                   struct evaluation *evaluation)
{
    evaluation->predicted[cell] = opinion_form(opinion);
    opinion_rank(opinion, class, &evaluation->margins[cell], &evaluation->ranks[cell]);
    if (evaluation->scores != NULL)
        record_scores(opinion, cell, evaluation);
    for (size_t i = 0; opinion->probabilities != NULL && i < opinion->classes; i++)
        evaluation->probabilities[cell * evaluation->classes + opinion->labels[i]] =
            opinion->probabilities[i];
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

/* ---- cross-validation ------------------------------------------------------------------- */

/* Cross-validation in progress. A worker has scratch memory of its own, and notes its failure. */
struct validation {
    const struct dataset *dataset;
    const struct evaluation_settings *settings;
    const struct folds *folds;
    const struct training *training;
    struct evaluation *evaluation;
    size_t *rows;           /* [workers][dataset->count] */
    size_t *chosen;         /* [workers][dataset->count] */
    size_t *sizes;          /* [workers][dataset->class_count] */
    double *shares;         /* [fold_count]: images tested / not tested */
    struct error *errors;   /* [workers] */
    bool *failed;           /* [workers] */
    atomic_size_t done;
};

static int compare_sizes(const void *a, const void *b)
{
    const size_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Keeps so many training rows of each class as the limit allows; returns how many are left. */
static size_t limit_rows(const struct validation *validation, size_t task, size_t worker,
                         size_t *rows, size_t count)
{
    const struct dataset *dataset = validation->dataset;
    size_t *order = validation->chosen + worker * dataset->count;
    size_t *sizes = validation->sizes + worker * dataset->class_count;
    struct generator generator = generator_seed(validation->settings->seed);
    size_t kept = 0;

    if (validation->settings->limit == 0)
        return count;
    /* A stream of its own for every fold. */
    generator = generator_seed(generator_next(&generator) + task);
    for (size_t i = 0; i < count; i++)
        order[i] = rows[i];
    for (size_t class = 0; class < dataset->class_count; class++)
        sizes[class] = 0;
    generator_shuffle(&generator, order, count);
    for (size_t i = 0; i < count; i++)
        if (sizes[dataset->samples[order[i]].class]++ < validation->settings->limit)
            rows[kept++] = order[i];
    qsort(rows, kept, sizeof *rows, compare_sizes);
    return kept;
}

/* Tests rows: [count] of the dataset. */
static int test_rows(const struct validation *validation, size_t task, const struct fit *fit,
                     const size_t *rows, size_t count, struct error *error)
{
    struct evaluation *evaluation = validation->evaluation;
    size_t repeat = task / validation->folds->folds, right = 0;
    struct opinion opinion = {
        .strategy = fit->solution.strategy, .classes = fit->solution.classes,
        .labels = fit->solution.labels, .sigmoids = fit->sigmoids,
    };
    int outcome = opinion_allocate(&opinion, error);

    for (size_t i = 0; i < count && outcome == 0; i++) {
        size_t cell = repeat * evaluation->count + rows[i];
        size_t class = validation->dataset->samples[rows[i]].class;

        fit_decide(fit, rows[i], opinion.decisions);
        record(&opinion, class, cell, evaluation);
        right += evaluation->predicted[cell] == class;
    }
    evaluation->accuracies[task] = (double)right / (double)count;
    opinion_release(&opinion);
    return outcome;
}

static void show_progress(struct validation *validation, size_t worker)
{
    const struct evaluation_progress *progress = &validation->settings->progress;
    size_t done = atomic_fetch_add(&validation->done, 1) + 1;

    /* The first worker is the thread that asked. */
    if (worker == 0 && progress->show != NULL)
        progress->show(progress->context, done, validation->evaluation->fold_count);
}

/* Task: one fold of one repeat. */
static void validate_fold(void *context, size_t task, size_t worker)
{
    struct validation *validation = context;
    const size_t count = validation->dataset->count;
    const size_t *fold = validation->folds->fold + task / validation->folds->folds * count;
    size_t *rows = validation->rows + worker * count;
    size_t trained = 0, tested = count;
    struct fit fit;

    if (validation->failed[worker])
        return;
    /* The training part from the front, the test part from the back. */
    for (size_t i = 0; i < count; i++) {
        if (fold[i] == task % validation->folds->folds)
            rows[--tested] = i;
        else
            rows[trained++] = i;
    }
    validation->shares[task] = (double)(count - tested) / (double)trained;
    trained = limit_rows(validation, task, worker, rows, trained);
    validation->failed[worker] = true;
    if (training_fit(validation->training, rows, trained, NULL, &fit,
                     &validation->errors[worker]) < 0)
        return;
    validation->evaluation->chosen[task] = fit.c;
    if (test_rows(validation, task, &fit, rows + tested, count - tested,
                  &validation->errors[worker]) == 0)
        validation->failed[worker] = false;
    fit_release(&fit);
    show_progress(validation, worker);
}

static void validation_release(struct validation *validation)
{
    free(validation->rows);
    free(validation->chosen);
    free(validation->sizes);
    free(validation->shares);
    free(validation->errors);
    free(validation->failed);
}

static int validation_allocate(struct validation *validation, size_t workers, struct error *error)
{
    size_t cells, classes;

    if (!size_multiply(workers, validation->dataset->count, &cells) ||
        !size_multiply(workers, validation->dataset->class_count, &classes))
        return error_no_memory(error);
    validation->rows = memory_allocate(cells, sizeof *validation->rows, error);
    validation->chosen = memory_allocate(cells, sizeof *validation->chosen, error);
    validation->sizes = memory_allocate(classes, sizeof *validation->sizes, error);
    validation->shares = memory_allocate(validation->evaluation->fold_count,
                                         sizeof *validation->shares, error);
    validation->errors = memory_allocate(workers, sizeof *validation->errors, error);
    validation->failed = memory_allocate(workers, sizeof *validation->failed, error);
    return validation->rows != NULL && validation->chosen != NULL && validation->sizes != NULL &&
           validation->shares != NULL && validation->errors != NULL &&
           validation->failed != NULL ? 0 : FAILED;
}

static int run_folds(struct validation *validation, struct parallel *parallel,
                     struct error *error)
{
    struct evaluation *evaluation = validation->evaluation;
    const size_t workers = parallel_threads(parallel);
    int outcome = validation_allocate(validation, workers, error);

    if (outcome == 0)
        parallel_for(parallel, evaluation->fold_count, validate_fold, validation);
    for (size_t worker = 0; worker < workers && outcome == 0; worker++) {
        if (validation->failed[worker]) {
            *error = validation->errors[worker];
            outcome = FAILED;
        }
    }
    for (size_t task = 0; task < evaluation->fold_count && outcome == 0; task++)
        evaluation->test_share += validation->shares[task] / (double)evaluation->fold_count;
    validation_release(validation);
    return outcome;
}

static bool all_equal(const double *numbers, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (numbers[i] < numbers[0] || numbers[i] > numbers[0])
            return false;
    return true;
}

static void compute_interval(const struct evaluation_settings *settings,
                             struct evaluation *evaluation)
{
    const struct metrics *metrics = &evaluation->metrics;

    if (!settings->leave_one_out &&
        !all_equal(evaluation->accuracies, evaluation->fold_count)) {
        evaluation->method = INTERVAL_CORRECTED_RESAMPLED;
        evaluation->interval = corrected_resampled_interval(
            metrics->accuracy, evaluation->accuracies, evaluation->fold_count,
            evaluation->test_share);
    } else {
        evaluation->method = INTERVAL_WILSON;
        evaluation->interval = wilson_interval(metrics->correct / evaluation->repeats,
                                               evaluation->count);
    }
}

int evaluation_cross_validate(const struct dataset *dataset,
                              const struct evaluation_settings *settings,
                              struct parallel *parallel, struct evaluation *evaluation,
                              struct error *error)
{
    struct folds folds = {0};
    struct training training = {0};
    struct validation validation = {
        .dataset = dataset, .settings = settings, .folds = &folds, .training = &training,
        .evaluation = evaluation,
    };
    int outcome = FAILED;

    *evaluation = (struct evaluation){0};
    if (training_create(dataset, dataset->count, &settings->training, parallel, &training,
                        error) < 0)
        goto out;
    if (settings->leave_one_out)
        outcome = folds_leave_one_out(dataset, &folds, error);
    else
        outcome = folds_create(dataset, settings->folds, settings->repeats, settings->seed, &folds,
                               error);
    if (outcome == 0)
        outcome = evaluation_create(dataset, 0, folds.repeats, folds.repeats * folds.folds,
                                    settings->training.probability, evaluation, error);
    if (outcome == 0)
        outcome = run_folds(&validation, parallel, error);
    if (outcome == 0) {
        evaluation->leave_one_out = settings->leave_one_out;
        evaluation->on_vectors = training.on_vectors;
        compute_metrics(dataset, evaluation);
        compute_interval(settings, evaluation);
    }
out:
    folds_release(&folds);
    training_release(&training);
    if (outcome < 0)
        evaluation_release(evaluation);
    return outcome;
}

/* ---- hold-out --------------------------------------------------------------------------- */

/* Tests the samples behind the training part by weights, as a model does. */
static int test_held_out(const struct dataset *dataset, const struct classifier *classifier,
                         struct evaluation *evaluation, struct error *error)
{
    struct opinion opinion = {
        .strategy = classifier->linear.strategy, .classes = classifier->linear.classes,
        .labels = classifier->classes, .sigmoids = classifier->sigmoids,
    };
    int outcome = opinion_allocate(&opinion, error);

    for (size_t i = 0; i < evaluation->count && outcome == 0; i++) {
        size_t sample = evaluation->first + i;

        linear_decide_mean(&classifier->linear,
                           dataset_rows(dataset) +
                               sample * dataset_views(dataset) * dataset->dimension,
                           dataset_deciding(dataset), opinion.decisions);
        record(&opinion, dataset->samples[sample].class, i, evaluation);
    }
    opinion_release(&opinion);
    return outcome;
}

/* Trains on the first rows. */
static int fit_first(const struct training *training, size_t trained, struct parallel *parallel,
                     struct classifier *classifier, struct error *error)
{
    size_t *rows = memory_allocate(trained, sizeof *rows, error);
    struct fit fit = {0};
    int outcome = FAILED;

    *classifier = (struct classifier){0};
    for (size_t i = 0; rows != NULL && i < trained; i++)
        rows[i] = i;
    if (rows != NULL && training_fit(training, rows, trained, parallel, &fit, error) == 0)
        outcome = fit_classifier(&fit, classifier, error);
    fit_release(&fit);
    free(rows);
    return outcome;
}

int evaluation_hold_out(const struct dataset *dataset, size_t trained,
                        const struct evaluation_settings *settings, struct parallel *parallel,
                        struct evaluation *evaluation, struct error *error)
{
    struct training training = {0};
    struct classifier classifier = {0};
    int outcome = FAILED;

    *evaluation = (struct evaluation){0};
    if (trained == dataset->count)
        return error_set(error, "nothing to test: there are no images");
    if (training_create(dataset, trained, &settings->training, parallel, &training, error) < 0 ||
        evaluation_create(dataset, trained, 1, 1, settings->training.probability, evaluation,
                          error) < 0 ||
        fit_first(&training, trained, parallel, &classifier, error) < 0 ||
        test_held_out(dataset, &classifier, evaluation, error) < 0)
        goto out;
    compute_metrics(dataset, evaluation);
    evaluation->on_vectors = training.on_vectors;
    evaluation->chosen[0] = classifier.c;
    evaluation->accuracies[0] = evaluation->metrics.accuracy;
    evaluation->test_share = (double)evaluation->count / (double)trained;
    evaluation->method = INTERVAL_WILSON;
    evaluation->interval = wilson_interval(evaluation->metrics.correct, evaluation->count);
    outcome = 0;
out:
    classifier_release(&classifier);
    training_release(&training);
    if (outcome < 0)
        evaluation_release(evaluation);
    return outcome;
}

/* ---- what the predictions say ----------------------------------------------------------- */

double evaluation_top_accuracy(const struct evaluation *evaluation, size_t top)
{
    size_t cells = evaluation->repeats * evaluation->count, right = 0;

    for (size_t cell = 0; cell < cells; cell++)
        right += evaluation->ranks[cell] < top;
    return (double)right / (double)cells;
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

struct reliability evaluation_reliability(const struct evaluation *evaluation,
                                          const struct dataset *dataset)
{
    const size_t cells = evaluation->repeats * evaluation->count;
    struct reliability reliability = {0};

    for (size_t cell = 0; cell < cells; cell++) {
        const double *probabilities = evaluation->probabilities + cell * evaluation->classes;
        size_t truth = dataset->samples[evaluation->first + cell % evaluation->count].class;
        double own = probabilities[evaluation->predicted[cell]];
        size_t bin = own < 1 ? (size_t)(own * RELIABILITY_BINS) : RELIABILITY_BINS - 1;

        for (size_t class = 0; class < evaluation->classes; class++) {
            double difference = probabilities[class] - (class == truth ? 1 : 0);

            reliability.brier += difference * difference / (double)cells;
        }
        reliability.bins[bin].count++;
        reliability.bins[bin].probability += own;
        reliability.bins[bin].right += evaluation->predicted[cell] == truth ? 1 : 0;
    }
    for (size_t bin = 0; bin < RELIABILITY_BINS; bin++) {
        if (reliability.bins[bin].count == 0)
            continue;
        reliability.bins[bin].probability /= (double)reliability.bins[bin].count;
        reliability.bins[bin].right /= (double)reliability.bins[bin].count;
    }
    return reliability;
}
