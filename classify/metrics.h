/*
 * What a confusion matrix says about a classifier.
 *
 *     metrics_create(class_count, &metrics, &error);
 *     metrics_count(&metrics, truth, predicted);            for every prediction
 *     metrics_finish(&metrics);
 *     metrics_release(&metrics);
 */
#ifndef CLASSIFY_METRICS_H
#define CLASSIFY_METRICS_H

#include <stddef.h>

#include "common/error.h"

struct class_metrics {
    size_t support;    /* predictions whose truth is this class */
    size_t predicted;  /* predictions of this class */
    double precision;  /* correct / predicted; 0 when it was never predicted */
    double recall;     /* correct / support; 0 without support */
    double f1;         /* their harmonic mean; 0 when nothing was correct */
};

struct metrics {
    size_t classes;
    size_t *confusion;               /* [true class][predicted class] */
    size_t correct, total;
    double accuracy;                 /* correct / total; 0 when nothing was counted */
    double balanced_accuracy;        /* the mean recall of the classes with support */
    double macro_f1;                 /* the mean F1 of the classes with support */
    struct class_metrics *per_class; /* [classes] */
};

int metrics_create(size_t classes, struct metrics *metrics, struct error *error);
void metrics_count(struct metrics *metrics, size_t truth, size_t predicted);
void metrics_finish(struct metrics *metrics);
void metrics_release(struct metrics *metrics);

#endif
