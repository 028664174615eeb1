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

/* Every unit tested alone, once: as many folds as units. FAILED when a class has one unit only, or
 * memory is short. */
int folds_leave_one_out(const struct dataset *dataset, struct folds *out, struct error *error);

/* Folds inside a training part: over rows: [count] of the dataset, by their position in that list,
 * once. There are at most `most` of them and as many as the smallest class has units, but two at
 * least: a class of a single unit is then missing from the training part of its fold. */
int folds_create_inside(const struct dataset *dataset, const size_t *rows, size_t count,
                        size_t most, uint64_t seed, struct folds *out, struct error *error);

void folds_release(struct folds *folds);

#endif
