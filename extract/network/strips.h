/*
 * The first layers of a network, with their large maps, strip by strip: so many rows of each
 * layer's result are computed as the next strip of the last one needs, then the next strip follows.
 * What lies between two layers is then a few rows that stay in a core's second-level cache; whole
 * maps would be written to the third-level one and read back. No row is computed twice: the rows
 * that windows of the next strip reach back to are kept.
 *
 * M. Alwani et al., "Fused-layer CNN accelerators", MICRO 2016 (there with other buffers).
 */
#ifndef EXTRACT_NETWORK_STRIPS_H
#define EXTRACT_NETWORK_STRIPS_H

#include "extract/graph/graph.h"

struct strips {
    size_t end;    /* the layers before this one; 0: none */
    size_t count;  /* strips of an image */
    size_t *rows;  /* [count + 1][end]: how many rows of a result exist after so many strips */
};

/* The most layers from the first on that can be computed by rows. */
size_t strips_longest(const struct graph *graph);

/* For `count` strips of layers 0 to end - 1; end <= strips_longest. kept: [end], which results are
 * wanted whole, by later layers or as outputs. Release with strips_release, also on FAILED. */
int strips_create(struct strips *strips, const struct graph *graph, const bool *kept, size_t end,
                  size_t count, struct error *error);
void strips_release(struct strips *strips);

/* The rows of layer `layer` that exist after `strip` strips. */
size_t strips_rows(const struct strips *strips, size_t strip, size_t layer);

/* The first row of layer `layer` that strip `strip` or a later one reads or computes. */
size_t strips_first(const struct strips *strips, const struct graph *graph, size_t strip,
                    size_t layer);

#endif
