/*
 * Exact nearest neighbours by cosine, and what is too near to be chance: the same photograph saved
 * again, scaled, or taken a moment later.
 *
 *     neighbours_find(&dataset, parallel, &neighbours, &error);
 *     units_join(&dataset, neighbours.pairs, neighbours.pair_count, &error);
 *     neighbours_release(&neighbours);
 *
 * How near two different images come depends on the network and on the set, and within a set on
 * the class, so there is no fixed threshold. With distance = 1 - cosine, two images are
 * near-identical when their distance is at most NEIGHBOURS_LOCAL times that from either to its
 * sixth neighbour, or at most NEIGHBOURS_GLOBAL times the median of those (where a burst of images
 * is its own neighbourhood). Photographs saved again at another quality lie at 0.01 to 0.2 of the
 * former, different images of a uniform class (motorbikes on white) above 0.42.
 */
#ifndef CLASSIFY_NEIGHBOURS_H
#define CLASSIFY_NEIGHBOURS_H

#include <stddef.h>

#include "classify/units.h"
#include "common/error.h"

#define NEIGHBOURS_LOCAL 0.35
#define NEIGHBOURS_GLOBAL 0.1

enum {
    NEIGHBOURS_ORDER = 6,    /* the neighbour that makes the scale */
    NEIGHBOURS_LEAST = 20    /* images; below, there is no scale, and no pair is found */
};

struct neighbours {
    size_t count;
    size_t *nearest;            /* [count]: of each image, the first among equals */
    double *distances;          /* [count]: to it, 1 - cosine; 0 for a single image */
    struct sample_pair *pairs;  /* [pair_count]: near-identical ones, a < b, by a, then by b. Where
                                   several are one group, as many as connect it */
    size_t pair_count;
};

/* Among all vectors of the dataset, whose products are computed and, where they are not too many,
 * kept there. A vector of zeros has cosine 0 with all others, and 1 with its like. `parallel` may
 * be NULL. FAILED as gram_create. */
int neighbours_find(struct dataset *dataset, struct parallel *parallel,
                    struct neighbours *neighbours, struct error *error);
void neighbours_release(struct neighbours *neighbours);

#endif
