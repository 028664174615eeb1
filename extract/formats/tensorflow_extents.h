/*
 * Axes, shapes and slices as the constants and attributes of a node describe them: the same for
 * what a layer gives as for a constant.
 */
#ifndef EXTRACT_FORMATS_TENSORFLOW_EXTENTS_H
#define EXTRACT_FORMATS_TENSORFLOW_EXTENTS_H

#include <stdbool.h>

#include "common/error.h"
#include "extract/formats/tensorflow_file.h"
#include "extract/graph/tensor.h"

/* One axis of a slice. */
struct tensorflow_range {
    int64_t begin, step;
    size_t count;
    bool dropped;  /* a single place, whose axis the result does not have */
};

/* What a StridedSlice (inputs 1 to 3: begin, end, strides) or a Slice (begin, size) takes of
 * `shape` [rank]; ranges: [rank]. FAILED when its bounds are no constants that fit. */
int tensorflow_ranges(const struct tensorflow_node *node, const struct tensor *const *inputs,
                      const size_t *shape, size_t rank, struct tensorflow_range *ranges,
                      struct error *error);

/* The lengths that a Reshape to `target` gives to `count` numbers: -1 is what is left. shape:
 * [TENSOR_MAX_RANK] */
int tensorflow_reshape_shape(const struct tensor *target, size_t count, size_t *shape,
                             size_t *rank, struct error *error);

/* The lengths without those that a Squeeze drops. Where it drops every 1, axes before `first` are
 * kept all the same: a batch of one is no axis too many. */
int tensorflow_squeezed_shape(const struct tensorflow_node *node, size_t first,
                              const size_t *shape, size_t rank, size_t *squeezed,
                              size_t *squeezed_rank, struct error *error);

/* The rank + 1 lengths with the one that an ExpandDims adds; `axis` is its second input. */
int tensorflow_expanded_shape(const struct tensor *axis, const size_t *shape, size_t rank,
                              size_t *expanded, struct error *error);

/* A constant that holds one integer: an axis, counted from the end where it is negative. FAILED
 * when it is not that, or outside of `rank` axes. */
int tensorflow_constant_axis(const struct tensor *tensor, size_t rank, size_t *axis,
                             struct error *error);

#endif
