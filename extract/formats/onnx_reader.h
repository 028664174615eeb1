/*
 * Translates an ONNX graph (opset 7 to 22) into layers.
 *
 * Every image-like input [n, c, h, w] becomes the input layer; n, h and w may be free or fixed. A
 * node that cannot be translated becomes an unsupported layer that carries the reason: it is an
 * error only where the cut needs it.
 *
 * Source: github.com/onnx/onnx, docs/Operators.md and docs/Changelog.md.
 */
#ifndef EXTRACT_FORMATS_ONNX_READER_H
#define EXTRACT_FORMATS_ONNX_READER_H

#include "extract/formats/model.h"

extern const struct format onnx_format;

#endif
