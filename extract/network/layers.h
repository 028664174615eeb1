/*
 * The operations of each kind of layer.
 */
#ifndef EXTRACT_NETWORK_LAYERS_H
#define EXTRACT_NETWORK_LAYERS_H

#include "extract/network/step.h"

struct layer_operations {
    const char *name;  /* for --describe */
    /* Reads the weights and puts them into the kernels' order; sets step->kernel, the scratch
     * sizes and step->prepared. The views are final but for the input's data. On FAILED, release
     * is called all the same. */
    int (*prepare)(struct step *step, const struct kernels *kernels, struct error *error);
    /* Computes step->out for run->images images; where it works by rows, the rows of the run. */
    void (*run)(const struct step *step, const struct run *run);
    /* Frees step->prepared. May be NULL. */
    void (*release)(struct step *step);
    /* Multiply-adds for one image. NULL: none to speak of. */
    double (*cost)(const struct layer *layer, const struct graph *graph);
    /* Numbers of prepared weights that a run reads. NULL: none. */
    double (*weights)(const struct layer *layer);
    /* Rows of the result that are computed together, from a multiple of that on; 0 where this
     * layer is not computed by rows. NULL: none of the kind is. */
    size_t (*row_grain)(const struct layer *layer);
};

/* For kinds that are computed row by row. */
size_t layer_grain_row(const struct layer *layer);

/* NULL for inputs and constants, which need no work. */
const struct layer_operations *layer_operations(enum layer_kind kind);

/* From the layer_*.c files. */
extern const struct layer_operations convolution_operations, dense_operations, pool_operations;
extern const struct layer_operations affine_operations, activation_operations, binary_operations;
extern const struct layer_operations concat_operations, slice_operations, pad_operations;
extern const struct layer_operations reshape_operations, transpose_operations;
extern const struct layer_operations shuffle_operations, lrn_operations, softmax_operations;

#endif
