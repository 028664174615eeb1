/*
 * Weights that an ONNX file keeps in other files of its folder, as PyTorch's exporter writes them.
 *
 * Source: "External Data" of ONNX (github.com/onnx/onnx, docs/ExternalData.md).
 */
#ifndef EXTRACT_FORMATS_ONNX_EXTERNAL_H
#define EXTRACT_FORMATS_ONNX_EXTERNAL_H

#include "extract/formats/model.h"
#include "extract/formats/onnx_file.h"

/* Maps the files that the initialisers of *file name, behind the model's own, and makes the
 * tensors views into them. Only files below the network's folder are opened. FAILED when one
 * cannot be, or does not hold what is asked of it; names the initialiser. */
int onnx_bind_external(struct model *model, struct onnx_file *file, struct error *error);

#endif
