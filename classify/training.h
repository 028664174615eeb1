/*
 * From vectors to classifiers: the Gram matrix once, then any number of trainings on its rows.
 *
 *     training_create(&dataset, dataset.count, &settings, parallel, &training, &error);
 *     training_fit(&training, samples, sample_count, NULL, &fit, &error);
 *     fit_decide(&fit, sample, decisions);              an image of the dataset, by the kernel
 *     fit_classifier(&fit, &classifier, &error);        or any vector, by weights
 *     fit_release(&fit);
 *     training_release(&training);
 *
 * What is fitted to the training part (the scaling of NORMALIZE_STANDARD, the price that is
 * searched, the sigmoids) sees nothing but its rows.
 */
#ifndef CLASSIFY_TRAINING_H
#define CLASSIFY_TRAINING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classify/calibration.h"
#include "classify/dataset.h"
#include "classify/linear.h"
#include "classify/scaling.h"
#include "classify/solver.h"
#include "common/error.h"
#include "common/parallel.h"

struct training_settings {
    struct solver_settings solver;
    bool search;       /* c is searched by cross-validation inside every training part */
    bool probability;  /* fit sigmoids */
    uint64_t seed;     /* decides the inner folds */
    size_t largest_kernel;  /* rows for which a kernel matrix is made; 0: as many as is sensible */
};

/* Up to here LIBSVM is the faster one, and its kernel takes 500 MB at most; see svm.h. */
enum { TRAINING_LARGEST_KERNEL = DATASET_LARGEST_GRAM };

/* Probabilities of a class with fewer images would be made up. */
enum { TRAINING_LEAST_CALIBRATED = 10 };

struct training {
    const struct dataset *dataset;
    const struct training_settings *settings;
    size_t count;               /* vectors that may be trained on or decided about */
    bool on_vectors;            /* too many of them for a kernel matrix */
    struct svm_kernel *kernel;  /* NULL where every training part has its own */
};

/* Prepares training on the first `count` samples of the dataset, in all views that it has; dataset
 * and settings must outlive it. Samples behind them do not change a bit of the result. FAILED when
 * these have fewer than two classes (the message says what there is instead), too many, or too few
 * images in one for probabilities; or as gram_create. */
int training_create(const struct dataset *dataset, size_t count,
                    const struct training_settings *settings, struct parallel *parallel,
                    struct training *training, struct error *error);
void training_release(struct training *training);

/* Who solves: "LIBSVM", or "coordinate descent" on vectors. */
const char *training_solver(bool on_vectors);

/* A classifier in terms of the kernel. */
struct fit {
    const struct training *training;
    struct svm_kernel *own;     /* the kernel of this training part; NULL: the training's */
    float *scaled;              /* the vectors that it is made of, if any */
    struct scaling scaling;     /* empty: none */
    double c;                   /* as given, or as chosen */
    struct solution solution;   /* its labels are classes of the dataset */
    struct sigmoid *sigmoids;   /* [solution.decisions]; NULL: no probabilities */
};

/* Trains on samples: [count], each below the count of training_create, with at least two classes.
 * May be called by several threads at once; `parallel`, which may be NULL, is what this one call
 * may use. FAILED as solver_solve and inner_calibrate. */
int training_fit(const struct training *training, const size_t *samples, size_t count,
                 struct parallel *parallel, struct fit *fit, struct error *error);
void fit_release(struct fit *fit);

/* Decides about a sample below the count of training_create, by the views that decide;
 * decisions: [fit->solution.decisions]. */
void fit_decide(const struct fit *fit, size_t sample, double *decisions);

/* A classifier that stands for itself, and what its classes are called in the dataset. */
struct classifier {
    struct linear linear;
    size_t *classes;            /* [linear.classes], ascending: classes of the dataset */
    struct sigmoid *sigmoids;   /* [linear.decisions]; NULL: no probabilities */
    double c;
    bool on_vectors;            /* as struct training's */
};

/* FAILED as linear_create. */
int fit_classifier(const struct fit *fit, struct classifier *classifier, struct error *error);
void classifier_release(struct classifier *classifier);

#endif
