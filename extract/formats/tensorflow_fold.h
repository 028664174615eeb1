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

#endif
