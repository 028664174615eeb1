/*
 * The ways to compute a convolution. layer_convolution.c chooses one for each layer, by shape
 * alone: the choice, and so every bit of the result, does not depend on batch or threads.
 */
#ifndef EXTRACT_NETWORK_CONVOLUTION_H
#define EXTRACT_NETWORK_CONVOLUTION_H

#include "extract/network/step.h"

struct convolution_way {
    /* True when it can do this layer, and does it better than the ways after it. */
    bool (*suits)(const struct layer *layer);
    /* Rows of the result that are computed together. */
    size_t row_grain;
    /* Numbers that a run reads for each weight of the file. */
    size_t weight_factor;
    /* As in struct layer_operations. weights: [out][in / groups][height][width]. */
    int (*prepare)(struct step *step, const struct kernels *kernels, const float *weights,
                   struct error *error);
    void (*run)(const struct step *step, const struct run *run);
    void (*release)(void *prepared);
};

extern const struct convolution_way convolution_depthwise;  /* channel by channel */
extern const struct convolution_way convolution_winograd;   /* 3x3, stride 1 */
extern const struct convolution_way convolution_product;    /* everything */

/* What the window slides over, seen from an output pixel. */
struct sliding {
    struct view source;
    const struct window *window;
    size_t kernel_width;  /* pointers per row of the window */
    size_t pad[2];        /* how far the window begins outside of the source */
    const float *zeros;   /* [channels]: what lies outside */
};

/* The pointers under the window of output pixel (y, x), row by row of the window. */
void sliding_gather(const struct sliding *sliding, size_t image, size_t y, size_t x,
                    const float **table);

/* The same for `count` output pixels of row y, from x on: those of tap t at table[t * stride]. */
void sliding_gather_row(const struct sliding *sliding, size_t image, size_t y, size_t x,
                        size_t count, const float **table, size_t stride);

#endif
