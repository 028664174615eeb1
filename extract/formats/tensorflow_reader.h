/*
 * Translates a frozen TensorFlow graph (a GraphDef with its weights as constants) into layers.
 *
 * What a node computes from constants alone is worked out while the file is read; what depends on
 * the image becomes a layer. Maps may lie either way in the file, (height, width, channels) or
 * (channels, height, width). A graph names no output: it is what no node reads, and of several
 * that depend on the image the one with the most layers before it. Control flow, quantised
 * operators and all else that cannot be translated become unsupported layers, named as the file
 * names them: an error only where the cut needs them.
 *
 * Source: the documentation of each operator in tensorflow/core/api_def/base_api, and
 * tensorflow/core/framework/common_shape_fns.cc for the sizes of windows.
 */
#ifndef EXTRACT_FORMATS_TENSORFLOW_READER_H
#define EXTRACT_FORMATS_TENSORFLOW_READER_H

#include "extract/formats/model.h"

extern const struct format tensorflow_format;

#endif
