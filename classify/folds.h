/*
 * Stratified folds, repeated: which part of the data is tested when.
 *
 *     folds_create(&dataset, 5, 10, seed, &folds, &error);
 *     folds.fold[repeat * folds.count + sample]         in which fold of that repeat it is tested
 *     folds_release(&folds);
 *
 * Every sample is in one fold of every repeat. Samples of one unit (the same image, the same
 * group) are always in the same fold. Without such units, the folds' counts of a class differ by
 * at most one, and so do their sizes. The seed decides all of it, on every machine, and the
 * first repeats do not depend on how many follow.
 */
#ifndef CLASSIFY_FOLDS_H
#define CLASSIFY_FOLDS_H

#include <stddef.h>
#include <stdint.h>

#include "classify/dataset.h"
#include "common/error.h"

struct folds {
    size_t count;           /* samples */
    size_t folds, repeats;
    size_t *fold;           /* [repeats][count] */
};

/* folds >= 2, repeats >= 1; every sample of the dataset has a class. FAILED when a class has
 * fewer units than there are folds (the message says what would work), when groups leave no way
 * to have every class on both sides of every fold, or memory is short. */
int folds_create(const struct dataset *dataset, size_t folds, size_t repeats, uint64_t seed,
                 struct folds *out, struct error *error);
void folds_release(struct folds *folds);

#endif
