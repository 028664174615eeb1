/*
 * Batch normalisation with fixed statistics (Ioffe and Szegedy 2015, algorithm 2), as the scale and
 * shift per channel that it is:
 *
 *     gamma (x - mean) / sqrt(variance + epsilon) + beta
 */
#ifndef EXTRACT_FORMATS_BATCH_NORM_H
#define EXTRACT_FORMATS_BATCH_NORM_H

#include "extract/graph/graph.h"

struct batch_norm {
    const struct tensor *gamma, *beta;       /* NULL: 1, 0 */
    const struct tensor *mean, *variance;
    double epsilon;
    bool inverse_deviation;  /* `variance` holds 1 / sqrt(variance + epsilon) already */
};

/* Arrays that live with the graph. FAILED when a tensor has not one number for each channel. */
int batch_norm_affine(struct graph *graph, const struct batch_norm *norm, size_t channels,
                      struct affine *affine, struct error *error);

#endif
