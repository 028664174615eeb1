/*
 * What is compared: several feature sets, normalisations and prices, all on the same images and in
 * the same folds.
 *
 *     const struct lineup_request request = {.database = &database, .learning = &learning, ...};
 *     lineup_create(&request, &lineup, &error);
 *     lineup.candidates[i]                                   one row of the table
 *     lineup_release(&lineup);
 */
#ifndef CLASSIFY_LINEUP_H
#define CLASSIFY_LINEUP_H

#include <stddef.h>

#include "classify/command.h"
#include "classify/examples.h"
#include "classify/learning.h"

struct lineup_request {
    const char *path;                        /* of the database, for messages */
    const struct command_database *database;
    const struct learning *learning;         /* but for cost and normalisation */
    const struct protocol *protocol;
    struct parallel *parallel;
    const char *const *features;             /* [feature_count]: numbers of feature sets as texts;
                                                none: all that the database has */
    const char *const *costs, *const *normalizations;  /* [cost_count], [normalization_count] */
    const char *const *views;                /* [view_count] of augment_names; one NULL: as
                                                augmentation_choose. All with the same views */
    size_t feature_count, cost_count, normalization_count, view_count;
};

/* One way of representing the images: a feature set, normalised, with a use of its views. */
struct representation {
    struct learning learning;  /* with this normalisation and use of views */
    struct examples examples;
};

/* One row of the table. */
struct candidate {
    const struct representation *representation;
    struct learning learning;  /* with this normalisation, use of views and cost */
};

struct lineup {
    const struct feature_set **features;     /* [feature_count] */
    struct augmentation augmentation;        /* whose views all candidates use that use views */
    struct representation *representations;  /* [representation_count], all of the same samples and
                                                units */
    struct candidate *candidates;            /* [count] */
    size_t feature_count, representation_count, count;
    size_t left_aside;                       /* images that some have and others do not */
};

/* Every feature set with every normalisation, use of views and price. Samples that are
 * near-identical by one representation stay together in all. FAILED when there is one candidate
 * only, the feature sets have no images in common, or as examples_load. */
int lineup_create(const struct lineup_request *request, struct lineup *lineup,
                  struct error *error);
void lineup_release(struct lineup *lineup);

#endif
