/*
 * Translates an ONNX graph (opset 7 to 15) into layers.
 *
 * Every image-like input [n, c, h, w] becomes the input layer; n, h and w may be free or fixed. A
 * node that cannot be translated becomes an unsupported layer that carries the reason: it is an
 * error only where the cut needs it.
 *
 * Source: github.com/onnx/onnx, docs/Operators.md and docs/Changelog.md.
 */
#ifndef EXTRACT_NETWORK_ONNX_READER_H
#define EXTRACT_NETWORK_ONNX_READER_H

#include "extract/network/graph.h"
#include "extract/network/network.h"
#include "extract/network/onnx_file.h"

/* The image that the file's input takes; FAILED when it has none, or more than one. */
int onnx_find_input(const struct onnx_file *file, struct network_input *input,
                    struct error *error);

/* Fills an empty graph; *file must outlive it. height, width: of the images, for inputs whose
 * size is free; otherwise they must agree with the file. */
int onnx_read(const struct onnx_file *file, size_t height, size_t width, struct graph *graph,
              struct error *error);

#endif
