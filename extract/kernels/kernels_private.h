/*
 * The names of the compiled variants of vector_*.c.
 */
#ifndef EXTRACT_KERNELS_KERNELS_PRIVATE_H
#define EXTRACT_KERNELS_KERNELS_PRIVATE_H

#include "extract/kernels/kernels.h"

#define DECLARE_VARIANT(set)                                                         \
    extern const struct kernels kernels_##set;                                       \
    tile_function tile_1_##set, tile_2_##set, tile_3_##set, tile_4_##set;            \
    depthwise_function depthwise_##set;                                              \
    depthwise_3x3_function depthwise_3x3_##set;                                      \
    pool_function pool_maximum_##set, pool_sum_##set;                                \
    affine_function affine_##set;                                                    \
    binary_function binary_add_##set, binary_subtract_##set, binary_multiply_##set,  \
        binary_divide_##set;                                                         \
    winograd_input_function winograd_input_##set;                                    \
    winograd_output_function winograd_output_##set;                                  \
    resample_row_function resample_row_##set;                                        \
    resample_add_function resample_add_##set;                                        \
    resample_finish_function resample_finish_##set;

DECLARE_VARIANT(baseline)
DECLARE_VARIANT(avx2)
DECLARE_VARIANT(avx512)

#endif
