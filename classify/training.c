#include "classify/training.h"

#include <stdlib.h>
#include <string.h>

#include "classify/gram.h"
#include "classify/inner.h"
#include "common/memory.h"

const char *training_solver(bool on_vectors)
{
    return on_vectors ? "coordinate descent" : "LIBSVM";
}

/* Whether so many rows are too many for a kernel matrix. */
static bool is_for_vectors(const struct training_settings *settings, size_t count)
{
    size_t largest = settings->largest_kernel;

    return count > (largest > 0 ? largest : TRAINING_LARGEST_KERNEL);
}

static int check_classes(const struct dataset *dataset, size_t count, struct error *error)
{
    const struct dataset_sample *samples = dataset->samples;

    if (count == 0 && dataset->unlabelled > 0)
        return error_set(error, "nothing to train on: none of the %zu images has a label; extract "
                         "folders whose sub-folders are the labels, or use --labels",
                         dataset->unlabelled);
    if (count == 0)
        return error_set(error, "nothing to train on: there are no images");
    for (size_t i = 1; i < count; i++)
        if (samples[i].class != samples[0].class)
            return 0;
    return error_set(error, "nothing to tell apart: every image has the label '%s'; at least two "
                     "labels are needed", samples[0].label);
}

/* The images of every class among the first `count`: enough for probabilities, if asked for, and
 * not too many classes for the strategy. */
static int check_counts(const struct dataset *dataset, size_t count,
                        const struct training_settings *settings, struct error *error)
{
    size_t *sizes = memory_allocate(dataset->class_count, sizeof *sizes, error);
    size_t classes = 0;
    int outcome = 0;

    if (sizes == NULL)
        return FAILED;
    for (size_t i = 0; i < count; i++)
        classes += sizes[dataset->samples[i].class]++ == 0;
    for (size_t class = 0; class < dataset->class_count && outcome == 0; class++)
        if (settings->probability && sizes[class] > 0 && sizes[class] < TRAINING_LEAST_CALIBRATED)
            outcome = error_set(error, "no probabilities: '%s' has %zu image%s, and fewer than %d "
                                "do not tell how often a score is right; do without "
                                "--probability, or add images", dataset->classes[class],
                                sizes[class], sizes[class] == 1 ? "" : "s",
                                TRAINING_LEAST_CALIBRATED);
    if (outcome == 0)
        outcome = solver_check(settings->solver.strategy, classes, error);
    if (outcome == 0 && is_for_vectors(settings, count * dataset_views(dataset)))
        outcome = linear_check(settings->solver.strategy, classes, dataset->dimension, error);
    free(sizes);
    return outcome;
}

/* vectors: [training->count][dimension]; they must outlive a kernel that is vectors. */
static int create_kernel(const struct training *training, const float *vectors,
                         struct parallel *parallel, struct svm_kernel **kernel,
                         struct error *error)
{
    const size_t count = training->count, dimension = training->dataset->dimension;
    float *gram;
    int outcome;

    if (training->on_vectors)
        return svm_kernel_create_on_vectors(vectors, dimension, kernel, error);
    outcome = gram_create(vectors, count, dimension, parallel, &gram, error);
    if (outcome == 0)
        outcome = svm_kernel_create(gram, count, count, kernel, error);
    free(gram);
    return outcome;
}

int training_create(const struct dataset *dataset, size_t count,
                    const struct training_settings *settings, struct parallel *parallel,
                    struct training *training, struct error *error)
{
    const size_t rows = count * dataset_views(dataset);

    *training = (struct training){
        .dataset = dataset, .settings = settings, .count = rows,
        .on_vectors = is_for_vectors(settings, rows),
    };
    if (check_classes(dataset, count, error) < 0 ||
        check_counts(dataset, count, settings, error) < 0)
        return FAILED;
    if (dataset->normalize == NORMALIZE_STANDARD)
        return 0;
    if (dataset->gram != NULL && dataset->further == 0 && !training->on_vectors)
        return svm_kernel_create(dataset->gram, count, dataset->count, &training->kernel, error);
    return create_kernel(training, dataset_rows(dataset), parallel, &training->kernel, error);
}

void training_release(struct training *training)
{
    svm_kernel_free(training->kernel);
    *training = (struct training){0};
}

/* ---- one training part ------------------------------------------------------------------ */

/* The kernel of the vectors as the training part scales them. */
static int scale_part(struct fit *fit, const size_t *rows, size_t count,
                      struct parallel *parallel, struct error *error)
{
    const struct training *training = fit->training;
    const struct dataset *dataset = training->dataset;
    int outcome;

    if (scaling_fit(dataset_rows(dataset), dataset->dimension, rows, count, &fit->scaling,
                    error) < 0)
        return FAILED;
    fit->scaled = memory_allocate_aligned(training->count * dataset->dimension,
                                          sizeof *fit->scaled, error);
    if (fit->scaled == NULL)
        return FAILED;
    scaling_apply(&fit->scaling, dataset_rows(dataset), training->count, fit->scaled);
    outcome = create_kernel(training, fit->scaled, parallel, &fit->own, error);
    if (!training->on_vectors) {
        free(fit->scaled);
        fit->scaled = NULL;
    }
    return outcome;
}

static const struct svm_kernel *kernel_of(const struct fit *fit)
{
    return fit->own != NULL ? fit->own : fit->training->kernel;
}

static int calibrate(const struct inner_part *part, const struct solver_settings *settings,
                     struct parallel *parallel, struct fit *fit, struct error *error)
{
    fit->sigmoids = memory_allocate(fit->solution.decisions, sizeof *fit->sigmoids, error);
    if (fit->sigmoids == NULL)
        return FAILED;
    return inner_calibrate(part, settings, &fit->solution, parallel, fit->sigmoids, error);
}

/* Price, machines and sigmoids on a kernel that is there; set: the vectors of samples: [count]. */
static int fit_part(struct fit *fit, const struct solver_set *set, const size_t *samples,
                    size_t count, struct parallel *parallel, struct error *error)
{
    const struct training_settings *asked = fit->training->settings;
    const struct inner_part part = {
        .dataset = fit->training->dataset, .kernel = kernel_of(fit), .samples = samples,
        .count = count, .seed = asked->seed,
    };
    struct solver_settings settings = asked->solver;

    if (asked->search && inner_choose(&part, &settings, parallel, &settings.c, error) < 0)
        return FAILED;
    fit->c = settings.c;
    if (solver_solve(part.kernel, set, &settings, NULL, &fit->solution, error) < 0)
        return FAILED;
    return asked->probability ? calibrate(&part, &settings, parallel, fit, error) : 0;
}

int training_fit(const struct training *training, const size_t *samples, size_t count,
                 struct parallel *parallel, struct fit *fit, struct error *error)
{
    const size_t vectors = count * dataset_views(training->dataset);
    size_t *rows = memory_allocate(vectors, sizeof *rows, error);
    size_t *labels = memory_allocate(vectors, sizeof *labels, error);
    const struct solver_set set = {.rows = rows, .labels = labels, .count = vectors};
    int outcome = FAILED;

    *fit = (struct fit){.training = training};
    if (rows != NULL && labels != NULL) {
        dataset_expand(training->dataset, samples, count, rows, labels);
        if (training->kernel != NULL || scale_part(fit, rows, vectors, parallel, error) == 0)
            outcome = fit_part(fit, &set, samples, count, parallel, error);
    }
    if (outcome < 0)
        fit_release(fit);
    free(rows);
    free(labels);
    return outcome;
}

void fit_release(struct fit *fit)
{
    svm_kernel_free(fit->own);
    free(fit->scaled);
    scaling_release(&fit->scaling);
    solution_release(&fit->solution);
    free(fit->sigmoids);
    *fit = (struct fit){0};
}

void fit_decide(const struct fit *fit, size_t sample, double *decisions)
{
    const struct dataset *dataset = fit->training->dataset;

    solution_decide_mean(&fit->solution, kernel_of(fit), sample * dataset_views(dataset),
                         dataset_deciding(dataset), decisions);
}

/* ---- by weights ------------------------------------------------------------------------- */

static int copy_sigmoids(const struct fit *fit, struct classifier *classifier,
                         struct error *error)
{
    size_t decisions = fit->solution.decisions;

    if (fit->sigmoids == NULL)
        return 0;
    classifier->sigmoids = memory_allocate(decisions, sizeof *classifier->sigmoids, error);
    if (classifier->sigmoids == NULL)
        return FAILED;
    memcpy(classifier->sigmoids, fit->sigmoids, decisions * sizeof *fit->sigmoids);
    return 0;
}

int fit_classifier(const struct fit *fit, struct classifier *classifier, struct error *error)
{
    const struct solution *solution = &fit->solution;
    const struct dataset *dataset = fit->training->dataset;

    *classifier = (struct classifier){.c = fit->c, .on_vectors = fit->training->on_vectors};
    if (linear_create(solution->strategy, solution->classes, dataset->dimension,
                      &classifier->linear, error) < 0)
        return FAILED;
    classifier->classes = memory_allocate(solution->classes, sizeof *classifier->classes, error);
    if (classifier->classes == NULL || copy_sigmoids(fit, classifier, error) < 0) {
        classifier_release(classifier);
        return FAILED;
    }
    memcpy(classifier->classes, solution->labels, solution->classes * sizeof *solution->labels);
    linear_recover(&classifier->linear, solution, dataset_rows(dataset));
    if (fit->scaling.mean != NULL)
        linear_absorb(&classifier->linear, solution, &fit->scaling);
    return 0;
}

void classifier_release(struct classifier *classifier)
{
    linear_release(&classifier->linear);
    free(classifier->classes);
    free(classifier->sigmoids);
    *classifier = (struct classifier){0};
}
