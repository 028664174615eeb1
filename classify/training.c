#include "classify/training.h"

#include <stdlib.h>

#include "classify/gram.h"
#include "common/memory.h"

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

int training_create(const struct dataset *dataset, size_t count, struct parallel *parallel,
                    struct training *training, struct error *error)
{
    float *gram = NULL;
    int outcome = FAILED;

    *training = (struct training){.dataset = dataset};
    if (check_classes(dataset, count, error) == 0 &&
        gram_create(dataset->vectors, count, dataset->dimension, parallel, &gram, error) == 0)
        outcome = svm_kernel_create(gram, count, &training->kernel, error);
    free(gram);
    return outcome;
}

void training_release(struct training *training)
{
    svm_kernel_free(training->kernel);
    *training = (struct training){0};
}

static size_t count_classes(const struct dataset *dataset, const size_t *rows, size_t count,
                            bool *present)
{
    size_t classes = 0;

    for (size_t i = 0; i < count; i++) {
        size_t class = dataset->samples[rows[i]].class;

        classes += !present[class];
        present[class] = true;
    }
    return classes;
}

int training_fit(const struct training *training, const size_t *rows, size_t count, double c,
                 struct classifier *classifier, struct error *error)
{
    const struct dataset *dataset = training->dataset;
    bool *present = memory_allocate(dataset->class_count, sizeof *present, error);
    size_t *labels = memory_allocate(count, sizeof *labels, error);
    struct svm_solution solution = {0};
    int outcome = FAILED;

    *classifier = (struct classifier){0};
    if (present == NULL || labels == NULL)
        goto out;
    for (size_t i = 0; i < count; i++)
        labels[i] = dataset->samples[rows[i]].class;
    /* The room for the weights comes first: it is where too many classes are refused. */
    if (linear_create(count_classes(dataset, rows, count, present), dataset->dimension,
                      &classifier->linear, error) < 0 ||
        svm_solve(training->kernel, rows, labels, count, c, &solution, error) < 0)
        goto out;
    linear_recover(&classifier->linear, &solution, dataset->vectors);
    classifier->classes = solution.labels;
    solution.labels = NULL;
    outcome = 0;
out:
    if (outcome < 0)
        classifier_release(classifier);
    svm_solution_release(&solution);
    free(labels);
    free(present);
    return outcome;
}

size_t classifier_decide(const struct classifier *classifier, const float *vector,
                         double *decisions, double *scores)
{
    linear_decide(&classifier->linear, vector, decisions);
    return classifier->classes[linear_vote(&classifier->linear, decisions, scores)];
}

void classifier_release(struct classifier *classifier)
{
    linear_release(&classifier->linear);
    free(classifier->classes);
    *classifier = (struct classifier){0};
}
