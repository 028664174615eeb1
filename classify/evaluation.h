/*
 * How good a classifier is on images that it was not trained on: by repeated stratified
 * cross-validation, or by a hold-out. Results do not depend on the number of threads.
 *
 *     const struct evaluation_settings settings = {.folds = 5, .repeats = 10,
 *                                                  .training.solver.c = 1};
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
#include "classify/training.h"
#include "common/error.h"
#include "common/parallel.h"

/* Called from the thread that asked for the evaluation, now and then. */
struct evaluation_progress {
    void (*show)(void *context, size_t done, size_t total);  /* NULL: nobody wants to know */
    void *context;
};

struct evaluation_settings {
    size_t folds, repeats;  /* cross-validation; at least 2 and 1 */
    bool leave_one_out;     /* every unit tested alone, once; folds and repeats have no meaning */
    uint64_t seed;
    size_t limit;           /* train on at most so many images of a class, chosen by the seed; the
                               choice for a higher limit holds that for a lower one. 0: on all */
    struct training_settings training;
    struct evaluation_progress progress;
};

/* How the interval was made; see statistics.h. */
enum interval_method {
    INTERVAL_WILSON,              /* on the images tested */
    INTERVAL_CORRECTED_RESAMPLED  /* on the folds' accuracies */
};

struct evaluation {
    size_t first, count;    /* the dataset's samples first .. first + count - 1 were tested */
    size_t repeats;         /* how often each */
    size_t classes;         /* of the dataset */
    bool leave_one_out;
    bool on_vectors;        /* as struct training's */
    size_t *predicted;      /* [repeats][count]: classes of the dataset */
    double *margins;        /* [repeats][count]: the score of the sample's own class less the
                               highest score of another one; below 0 where it is misclassified.
                               -infinity when the training part did not have its class */
    size_t *ranks;          /* [repeats][count]: how many classes come before the sample's own */
    double *scores;         /* [repeats][count][classes], -infinity for classes that were not
                               trained; NULL where they would be more than EVALUATION_MOST_SCORES */
    double *probabilities;  /* likewise, 0 for such classes; NULL unless asked for */
    size_t fold_count;      /* trainings: folds of all repeats */
    double *accuracies;     /* [fold_count] */
    double *chosen;         /* [fold_count]: C */
    double test_share;      /* images tested / not tested, the mean over the folds. A limit does
                               not count: it makes the folds' trainings less alike, not more */
    struct metrics metrics; /* over all repeats */
    struct interval interval;
    enum interval_method method;
};

enum { EVALUATION_MOST_SCORES = 1 << 24 };  /* 128 MB */

/* Folds over the whole dataset. Each is tested by a classifier that was trained on the others.
 * The interval is Wilson's where all folds have the same accuracy, since their variance then says
 * nothing, and for leave-one-out, whose folds are single images. FAILED as folds_create,
 * training_create and training_fit. */
int evaluation_cross_validate(const struct dataset *dataset,
                              const struct evaluation_settings *settings,
                              struct parallel *parallel, struct evaluation *evaluation,
                              struct error *error);

/* Trains on the first `trained` samples and tests the others. FAILED when there are none of
 * either, or as training_create, training_fit and fit_classifier. */
int evaluation_hold_out(const struct dataset *dataset, size_t trained,
                        const struct evaluation_settings *settings, struct parallel *parallel,
                        struct evaluation *evaluation, struct error *error);

void evaluation_release(struct evaluation *evaluation);

/* The share of predictions with the right class among the `top` highest scores. */
double evaluation_top_accuracy(const struct evaluation *evaluation, size_t top);

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

enum { RELIABILITY_BINS = 10 };

/* What the probabilities are worth. */
struct reliability {
    double brier;  /* the mean over predictions of the sum over classes of (probability - truth)^2
                      (Brier 1950): 0 is perfect, 2 the worst */
    struct {
        size_t count;        /* predictions whose label was given a probability in this tenth */
        double probability;  /* their mean */
        double right;        /* the share that was right */
    } bins[RELIABILITY_BINS];
};

/* The evaluation must have probabilities. */
struct reliability evaluation_reliability(const struct evaluation *evaluation,
                                          const struct dataset *dataset);

#endif
