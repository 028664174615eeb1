/*
 * The part of an ONNX graph that depends on no image: nodes on constants are worked out while the
 * file is read (shape arithmetic of exporters, weights that pass through Reshape or Identity).
 */
#ifndef EXTRACT_FORMATS_ONNX_FOLD_H
#define EXTRACT_FORMATS_ONNX_FOLD_H

#include "common/error.h"
#include "extract/formats/onnx_file.h"
#include "extract/graph/tensor.h"

/* Works out node->outputs[0]. inputs: one tensor per input of the node, NULL where it is left
 * out. The result may view the bytes of an input; where it does not, it owns them. FAILED when
 * the operator is not one of shape arithmetic, or the inputs do not fit. */
int onnx_fold(const struct onnx_node *node, const struct tensor *const *inputs,
              struct tensor *result, struct error *error);

/* Axes as an attribute gives them ("axes") or as input `index` does; *count is 0 when neither
 * is there. FAILED when there are more than TENSOR_MAX_RANK. */
int onnx_axes(const struct onnx_node *node, const char *attribute,
              const struct tensor *const *inputs, size_t index, int64_t *axes, size_t *count,
              struct error *error);

/* Replaces 0 (as in `from`, unless allow_zero) and -1 (what is left) in a Reshape's target. */
int onnx_resolve_reshape(const struct onnx_node *node, const struct tensor *from,
                         const struct tensor *target, struct tensor *result,
                         struct error *error);

#endif
