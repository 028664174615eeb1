/*
 * State dictionaries of PyTorch, as files of weights alone: .pth and .pt zip archives, the older
 * pickles with storages behind them, and .safetensors. The architecture is recognised from names
 * and shapes (extract/architectures).
 *
 * Nothing in a file is ever run: pickle.h.
 */
#ifndef EXTRACT_FORMATS_PYTORCH_READER_H
#define EXTRACT_FORMATS_PYTORCH_READER_H

#include "extract/formats/model.h"

extern const struct format pytorch_format;
extern const struct format safetensors_format;

#endif
