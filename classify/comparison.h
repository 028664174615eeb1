/*
 * Several evaluations on the same images and folds, put in order and tested against the best.
 *
 *     comparison_rank(evaluations, count, &dataset, &comparison, &error);
 *     comparison.entries[0]                                  the best
 *     comparison_release(&comparison);
 */
#ifndef CLASSIFY_COMPARISON_H
#define CLASSIFY_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>

#include "classify/dataset.h"
#include "classify/evaluation.h"
#include "common/error.h"

/* What is above is called a tie. */
#define COMPARISON_LEVEL 0.05

struct comparison_entry {
    size_t evaluation;        /* which of those given */
    struct paired_test test;  /* its accuracy less that of the best; of the best itself empty */
    double adjusted;          /* p for as many tests as there are entries to test (Holm 1979) */
    bool tie;                 /* adjusted is above COMPARISON_LEVEL: no better and no worse */
};

struct comparison {
    size_t count;
    bool exact;                        /* McNemar's test on images that were tested once, by a
                                          hold-out or leave-one-out; else the
                                          corrected resampled t-test on the folds */
    struct comparison_entry *entries;  /* [count], the highest accuracy first; among equals as
                                          given */
};

/* evaluations: [count], all of the same samples of a dataset, with the same folds; count > 0. Where
 * the differences of all folds are the same and not 0, their variance says nothing, and McNemar's
 * test on the first repeat gives p and interval. 0 or FAILED. */
int comparison_rank(const struct evaluation *evaluations, size_t count,
                    const struct dataset *dataset, struct comparison *comparison,
                    struct error *error);
void comparison_release(struct comparison *comparison);

/* The second evaluation less the first, as an entry is tested. 0 or FAILED. */
int comparison_test(const struct evaluation *first, const struct evaluation *second,
                    const struct dataset *dataset, struct paired_test *test, struct error *error);

#endif
