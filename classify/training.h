/*
 * From vectors to a classifier: the Gram matrix once, then any number of trainings on its rows.
 *
 *     training_create(&dataset, dataset.count, parallel, &training, &error);
 *     training_fit(&training, rows, row_count, 1.0, &classifier, &error);
 *     classifier_release(&classifier);
 *     training_release(&training);
 */
#ifndef CLASSIFY_TRAINING_H
#define CLASSIFY_TRAINING_H

#include <stddef.h>

#include "classify/dataset.h"
#include "classify/linear.h"
#include "classify/svm.h"
#include "common/error.h"
#include "common/parallel.h"

struct training {
    const struct dataset *dataset;
    struct svm_kernel *kernel;
};

/* Prepares training on the first `count` rows of the dataset, which must outlive it. Rows behind
 * them do not change a bit of the result. FAILED when these rows have fewer than two classes (the
 * message says what there is instead), are too many, or memory is short. */
int training_create(const struct dataset *dataset, size_t count, struct parallel *parallel,
                    struct training *training, struct error *error);
void training_release(struct training *training);

/* A classifier and what its classes are called in the dataset. */
struct classifier {
    struct linear linear;
    size_t *classes;  /* [linear.classes], ascending: classes of the dataset */
};

/* Trains on rows: [count], each below the count of training_create, with at least two classes.
 * `c` > 0 is the price of a margin violation. May be called by several threads at once. */
int training_fit(const struct training *training, const size_t *rows, size_t count, double c,
                 struct classifier *classifier, struct error *error);

/* Decides about vector: [dimension]. Returns the class of the dataset; decisions:
 * [linear.decisions] and scores: [linear.classes] as linear_decide and linear_vote. */
size_t classifier_decide(const struct classifier *classifier, const float *vector,
                         double *decisions, double *scores);

void classifier_release(struct classifier *classifier);

#endif
