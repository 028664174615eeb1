#include "extract/network/layers.h"

static const struct layer_operations *const operations[LAYER_KINDS] = {
    [LAYER_CONVOLUTION] = &convolution_operations,
    [LAYER_DENSE] = &dense_operations,
    [LAYER_POOL] = &pool_operations,
    [LAYER_AFFINE] = &affine_operations,
    [LAYER_ACTIVATION] = &activation_operations,
    [LAYER_BINARY] = &binary_operations,
    [LAYER_CONCAT] = &concat_operations,
    [LAYER_SLICE] = &slice_operations,
    [LAYER_PAD] = &pad_operations,
    [LAYER_RESHAPE] = &reshape_operations,
    [LAYER_TRANSPOSE] = &transpose_operations,
    [LAYER_SHUFFLE] = &shuffle_operations,
    [LAYER_LRN] = &lrn_operations,
    [LAYER_SOFTMAX] = &softmax_operations,
};

const struct layer_operations *layer_operations(enum layer_kind kind)
{
    return operations[kind];
}

size_t layer_grain_row(const struct layer *layer)
{
    (void)layer;
    return 1;
}
