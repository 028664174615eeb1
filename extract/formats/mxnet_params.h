/*
 * MXNet's file of parameters, PREFIX-NNNN.params: a list of arrays and their names, all of them
 * views into the file's bytes.
 *
 *     0x112 (64 bits), 0 (64 bits)
 *     how many arrays (64 bits), the arrays
 *     how many names (64 bits), the names: length (64 bits) and characters
 *
 * An array begins with its version: 0xF993FAC8 (V1), ...C9 (V2, with a kind of storage), ...CA
 * (V3, NumPy's shapes), or, in files from before versions (V0), with its number of dimensions.
 *
 * Source: NDArray::Load and NDArray::LegacyLoad in src/ndarray/ndarray.cc of MXNet.
 */
#ifndef EXTRACT_FORMATS_MXNET_PARAMS_H
#define EXTRACT_FORMATS_MXNET_PARAMS_H

#include <stdbool.h>

#include "common/bytes.h"
#include "common/error.h"
#include "extract/graph/names.h"
#include "extract/graph/tensor.h"

struct mxnet_array {
    char *name;  /* without "arg:" or "aux:" before it */
    struct tensor tensor;
};

struct mxnet_params {
    struct mxnet_array *arrays;
    size_t count;
    struct names names;  /* to indices of arrays */
};

/* True when the bytes begin as such a file does. */
bool mxnet_is_params(struct bytes bytes);

/* `bytes` must outlive *params. FAILED when they are damaged, an array has no name of its own, or
 * is sparse. In every case the caller releases *params. */
int mxnet_params_parse(struct bytes bytes, struct mxnet_params *params, struct error *error);
void mxnet_params_release(struct mxnet_params *params);

/* NULL when there is no array of that name. */
const struct tensor *mxnet_params_find(const struct mxnet_params *params, const char *name);

#endif
