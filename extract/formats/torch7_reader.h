/*
 * Translates a network of Torch7 (torch.save of an nn module, .t7) into layers.
 *
 * A module is known by its place, as print() and net:get() count: "3.1" is the first module of the
 * third; or by its field `name`, as loadcaffe writes it. The file holds either the network or a
 * table with it, as training scripts save one. The image has the channels that the first
 * convolution takes; its size is free, and input_side.h says which one is usual.
 *
 * Modules are translated as they work after evaluate(). Images come in a batch: dimension 2 of
 * Concat, JoinTable and the like is the channels.
 *
 * Source: the modules of torch/nn and soumith/cudnn.torch.
 */
#ifndef EXTRACT_FORMATS_TORCH7_READER_H
#define EXTRACT_FORMATS_TORCH7_READER_H

#include "extract/formats/model.h"

extern const struct format torch7_format;

#endif
