/*
 * Units: samples that must stand on one side of every split, because one would give the other away.
 *
 *     units_group_by(&dataset, "^(.*)_[0-9]+\\.jpg$", &error);     groups out of the paths
 *     units_number(&dataset, &error);                              same image, same group
 *     units_join(&dataset, pairs, pair_count, &error);             near-identical images too
 */
#ifndef CLASSIFY_UNITS_H
#define CLASSIFY_UNITS_H

#include <stddef.h>

#include "classify/dataset.h"
#include "common/error.h"

/* Gives every sample whose path a POSIX extended regular expression matches the group that its
 * first parenthesis matched, or all of it where there is none; the others are in no group. FAILED
 * when it is no regular expression, when it matches no path, or memory is short. */
int units_group_by(struct dataset *dataset, const char *expression, struct error *error);

/* Joins samples that share an image or a group, and numbers the units from 0 in order of first
 * appearance. 0 or FAILED. */
int units_number(struct dataset *dataset, struct error *error);

struct sample_pair {
    size_t a, b;
    double distance;  /* 1 - cosine */
};

/* Joins the units of each pair of samples, and numbers those that are left anew. */
int units_join(struct dataset *dataset, const struct sample_pair *pairs, size_t count,
               struct error *error);

#endif
