/*
 * The part of a TensorFlow graph that depends on no image, worked out while the file is read:
 * weights behind an Identity, the arithmetic of a batch norm that is not one operator, shapes.
 */
#ifndef EXTRACT_FORMATS_TENSORFLOW_FOLD_H
#define EXTRACT_FORMATS_TENSORFLOW_FOLD_H

#include "common/error.h"
#include "extract/formats/tensorflow_file.h"
#include "extract/graph/tensor.h"

/* How many results a node has, of those that can be worked out. */
size_t tensorflow_fold_count(const struct tensorflow_node *node);

/* Works out result `port` of a node from its inputs, [node->input_count]. The result may view the
 * bytes of an input; where it does not, it owns them. FAILED when the operator is not one of
 * shape or weight arithmetic, or the inputs do not fit. */
int tensorflow_fold(const struct tensorflow_node *node, size_t port,
                    const struct tensor *const *inputs, struct tensor *result,
                    struct error *error);

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
