/*
 * An evaluation on paper: as text for a reader, as JSON for a program.
 */
#ifndef CLASSIFY_REPORT_H
#define CLASSIFY_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include "classify/evaluation.h"
#include "classify/examples.h"
#include "classify/inner.h"
#include "classify/learning.h"

struct report {
    const struct examples *examples;
    const struct evaluation *evaluation;
    const struct evaluation_settings *settings;
    const struct learning *learning;
    const struct protocol *protocol;
    size_t top;       /* the accuracy of the first so many classes; 0: not of interest */
    struct misclassified *misclassified;   /* [misclassified_count] */
    size_t misclassified_count;
};

/* A table that a terminal of 80 columns can show, and the list of what was misclassified. */
void report_text(const struct report *report, FILE *out);

/*
 * One object: feature_set; the keys of protocol_json, learning_json and augmentation_json; chosen
 * (null unless c is "auto": how often each value was); images (tested), trained (null but for a
 * hold-out), classes, accuracy, correct, total, accuracy_low, accuracy_high, interval ("corrected
 * resampled" or "wilson"), balanced_accuracy, macro_f1, top, top_accuracy, brier, reliability (null
 * without probabilities), confusion (rows: true, columns: predicted, in the order of classes;
 * counts over all repeats), per_class, misclassified, unlabelled, near_identical, left_out.
 */
void report_json(const struct report *report, FILE *out);

/* What report_json says of an evaluation's interval, for others who show one: how it was made, and
 * where that stands. */
const char *report_interval_name(enum interval_method method);
const char *report_interval_reference(enum interval_method method);

/* The values of C that an evaluation's searches ended at. */
struct report_choice {
    double c;
    size_t folds;  /* in how many */
};

/* choices: [INNER_GRID], ascending by c; returns how many there are. */
size_t report_choices(const struct evaluation *evaluation, struct report_choice *choices);

#endif
