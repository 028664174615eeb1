/*
 * An evaluation on paper: as text for a reader, as JSON for a program.
 */
#ifndef CLASSIFY_REPORT_H
#define CLASSIFY_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "classify/dataset.h"
#include "classify/evaluation.h"
#include "classify/feature_set.h"
#include "common/error.h"

struct report {
    const struct feature_set *feature_set;
    const struct dataset *dataset;
    const struct evaluation *evaluation;
    const struct evaluation_settings *settings;
    enum normalize normalize;
    const char *train_split, *test_split;  /* NULL: cross-validation */
    size_t left_out;  /* images of the training split that are in the test split too */
    struct misclassified *misclassified;   /* [misclassified_count] */
    size_t misclassified_count;
};

/* A table that a terminal of 80 columns can show, and the list of what was misclassified. */
void report_text(const struct report *report, FILE *out);

/*
 * One object: feature_set, protocol ("cross-validation" or "hold-out"), folds, repeats, seed (null
 * for a hold-out), train_split, test_split (null for cross-validation), c, normalize, images
 * (tested), trained (null for cross-validation), classes, accuracy, correct, total, accuracy_low,
 * accuracy_high, interval ("corrected resampled" or "wilson"), balanced_accuracy, confusion (rows:
 * true, columns: predicted, in the order of classes; counts over all repeats), per_class,
 * misclassified, unlabelled, left_out.
 */
void report_json(const struct report *report, FILE *out);

#endif
