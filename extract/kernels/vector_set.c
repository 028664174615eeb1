/*
 * The table of one instruction set.
 */
#include "extract/kernels/kernels_private.h"
#include "extract/kernels/vector.h"

#define NAME_(set) #set
#define NAME(set) NAME_(set)

const struct kernels VARIANT(kernels) = {
    .name = NAME(INSTRUCTION_SET),
    .lanes = LANES,
    .max_vectors = TILE_VECTORS,
#if TILE_VECTORS == 4
    .tile_rows = {0, TILE_ROWS_1, TILE_ROWS_2, TILE_ROWS_3, TILE_ROWS_4},
    .tiles = {NULL, VARIANT(tile_1), VARIANT(tile_2), VARIANT(tile_3), VARIANT(tile_4)},
#else
    .tile_rows = {0, TILE_ROWS_1, TILE_ROWS_2},
    .tiles = {NULL, VARIANT(tile_1), VARIANT(tile_2)},
#endif
    .depthwise = VARIANT(depthwise),
    .depthwise_3x3 = VARIANT(depthwise_3x3),
    .pool_maximum = VARIANT(pool_maximum),
    .pool_sum = VARIANT(pool_sum),
    .affine = VARIANT(affine),
    .binary = {VARIANT(binary_add), VARIANT(binary_subtract), VARIANT(binary_multiply),
               VARIANT(binary_divide)},
    .winograd_input = VARIANT(winograd_input),
    .winograd_output = VARIANT(winograd_output),
    .resample_row = VARIANT(resample_row),
    .resample_add = VARIANT(resample_add),
    .resample_finish = VARIANT(resample_finish),
};
