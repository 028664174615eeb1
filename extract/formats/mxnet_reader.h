/*
 * Translates an MXNet network, PREFIX-symbol.json with PREFIX-NNNN.params, into layers. Either
 * file names the network; the other is found beside it.
 *
 * The image is the variable that has no parameters and is the first input of an operator. Its
 * channels are what the first convolution takes. Its size is free, unless a shape was stored with
 * it; input_side.h says which one is usual.
 *
 * Source: the operators' descriptions in src/operator/ of MXNet 1.9 and of 0.8.
 */
#ifndef EXTRACT_FORMATS_MXNET_READER_H
#define EXTRACT_FORMATS_MXNET_READER_H

#include "extract/formats/model.h"

extern const struct format mxnet_format;

#endif
