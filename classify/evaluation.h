/*
 * How good a classifier is on images that it was not trained on: by repeated stratified
 * cross-validation, or by a hold-out. Results do not depend on the number of threads.
 *
 *     const struct evaluation_settings settings = {.folds = 5, .repeats = 10, .c = 1};
 *     evaluation_cross_validate(&dataset, &settings, parallel, &evaluation, &error);
 *     evaluation_release(&evaluation);
 */
#ifndef CLASSIFY_EVALUATION_H
#define CLASSIFY_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classify/dataset.h"
#include "classify/metrics.h"
#include "classify/statistics.h"
#include "common/error.h"
#include "common/parallel.h"

struct evaluation_settings {
    size_t folds, repeats;  /* cross-validation; at least 2 and 1 */
    uint64_t seed;
    double c;               /* the price of a margin violation, > 0 */
};

/* How the interval was made; see statistics.h. */
enum interval_method {
    INTERVAL_WILSON,              /* on the images tested */
    INTERVAL_CORRECTED_RESAMPLED  /* on the folds' accuracies */
};

struct evaluation {
    size_t first, count;    /* the dataset's samples first .. first + count - 1 were tested */
    size_t repeats;         /* how often each */
    size_t *predicted;      /* [repeats][count]: classes of the dataset */
    double *margins;        /* [repeats][count]: the score of the sample's own class less the
                               highest score of another one; below 0 where it is misclassified.
                               -infinity when the training part did not have its class */
    struct metrics metrics; /* over all repeats */
    struct interval interval;
    enum interval_method method;
};

/* Folds over the whole dataset. Each is tested by a classifier that was trained on the others.
 * Where all folds have the same accuracy, their variance says nothing and the interval is
 * Wilson's. FAILED as folds_create, training_create and training_fit. */
int evaluation_cross_validate(const struct dataset *dataset,
                              const struct evaluation_settings *settings,
                              struct parallel *parallel, struct evaluation *evaluation,
                              struct error *error);

/* Trains on the first `trained` samples and tests the others. FAILED when there are none of
 * either, or as training_create and training_fit. */
int evaluation_hold_out(const struct dataset *dataset, size_t trained,
                        const struct evaluation_settings *settings, struct parallel *parallel,
                        struct evaluation *evaluation, struct error *error);

void evaluation_release(struct evaluation *evaluation);

/* A tested sample that was misclassified at least once. */
struct misclassified {
    size_t sample;     /* of the dataset */
    size_t wrong;      /* in how many repeats */
    size_t predicted;  /* the wrong class that it was given most often */
    double margin;     /* the mean over the repeats */
};

/* Those samples, most often wrong first, then by margin, lowest first, then in the dataset's
 * order. The caller frees *list with free(). */
int evaluation_misclassified(const struct evaluation *evaluation, const struct dataset *dataset,
                             struct misclassified **list, size_t *count, struct error *error);

#endif
