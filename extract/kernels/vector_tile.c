/*
 * The register tile of the matrix product. 6 x 4 vectors of 16 floats are 24 running sums in the
 * 32 registers of AVX-512; the other instruction sets have 16 registers, room for 6 x 2. Narrow
 * tiles have more rows, so that there are always enough independent sums to hide the latency
 * of a multiply-add.
 */
#include "extract/kernels/kernels_private.h"
#include "extract/kernels/vector.h"

enum { CACHE_LINE = 16 };  /* floats */

/* The last tile of a row of the result, which is not as wide as the others. */
static __attribute__((noinline)) void finish_part(const struct tile *tile, vector *sums,
                                                  size_t rows, size_t vectors)
{
    size_t columns = tile->columns, offset = tile->out_offset;

    for (size_t row = 0; row < rows && tile->residual != NULL; row++)
        for (size_t at = 0, v = row * vectors; at < columns; at += LANES, v++)
            sums[v] += vector_load_part(tile->residual[row] + offset + at,
                                        columns - at < LANES ? columns - at : LANES);
    for (size_t row = 0; row < rows; row++)
        for (size_t at = 0, v = row * vectors; at < columns; at += LANES, v++)
            vector_store_part(tile->out[row] + offset + at,
                              vector_clip(sums[v], tile->low, tile->high),
                              columns - at < LANES ? columns - at : LANES);
}

/* Returns where the next call shall begin. */
static inline __attribute__((always_inline)) const float *fetch_ahead(const float *ahead,
                                                                      size_t step)
{
    for (size_t at = 0; at < step; at += CACHE_LINE)
        __builtin_prefetch(ahead + at, 0, 2);
    return ahead + step;
}

/* Number k of every row times the weights for it. Returns where the next weights lie. Four at a
 * time: without the loop's own instructions ResNet-50 gains 3 %, and GoogLeNet 15 % where the core
 * is shared with other work. */
static inline __attribute__((always_inline)) const float *
add_products(const float *const *in, size_t k, const float *packed, size_t rows, size_t vectors,
             vector sums[][KERNEL_MAX_VECTORS])
{
    vector weights[KERNEL_MAX_VECTORS];

#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++)
        weights[v] = vector_load(packed + v * LANES);
#pragma GCC unroll 16
    for (size_t row = 0; row < rows; row++) {
        vector value = vector_fill(in[row][k]);

#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++)
            sums[row][v] += value * weights[v];
    }
    return packed + vectors * LANES;
}

/* What is read and written at the end is on its way while the sums are formed. */
static inline __attribute__((always_inline)) void fetch_results(const struct tile *tile,
                                                                size_t rows, size_t vectors)
{
#pragma GCC unroll 16
    for (size_t row = 0; row < rows; row++) {
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) {
            __builtin_prefetch(tile->out[row] + tile->out_offset + v * LANES, 1);
            if (tile->residual != NULL)
                __builtin_prefetch(tile->residual[row] + tile->out_offset + v * LANES);
        }
    }
}

static inline __attribute__((always_inline)) void form_sums(const struct tile *tile, size_t rows,
                                                            size_t vectors,
                                                            vector sums[][KERNEL_MAX_VECTORS])
{
    const float *packed = tile->packed, *ahead = tile->ahead;

#pragma GCC unroll 16
    for (size_t row = 0; row < rows; row++) {
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++)
            sums[row][v] = vector_load(tile->shift + v * LANES);
    }
    for (size_t run = 0; run < tile->runs; run++) {
        const float *in[KERNEL_MAX_ROWS];
        size_t k = 0;

#pragma GCC unroll 16
        for (size_t row = 0; row < rows; row++)
            in[row] = tile->in[run * tile->in_stride + row] + tile->in_offset;
        for (; k + KERNEL_TILE_CHUNK <= tile->run_length; k += KERNEL_TILE_CHUNK) {
            ahead = fetch_ahead(ahead, tile->ahead_step);
#pragma GCC unroll 4
            for (size_t i = 0; i < KERNEL_TILE_CHUNK; i++)
                packed = add_products(in, k + i, packed, rows, vectors, sums);
        }
        if (k < tile->run_length)
            ahead = fetch_ahead(ahead, tile->ahead_step);
        for (; k < tile->run_length; k++)
            packed = add_products(in, k, packed, rows, vectors, sums);
    }
}

/* All columns are real. Without a branch for each vector: up to 15 % where the sums are short. */
static inline __attribute__((always_inline)) void finish(const struct tile *tile, size_t rows,
                                                         size_t vectors,
                                                         vector sums[][KERNEL_MAX_VECTORS])
{
    float *out[KERNEL_MAX_ROWS], low, high;

    if (tile->residual != NULL) {
#pragma GCC unroll 16
        for (size_t row = 0; row < rows; row++) {
#pragma GCC unroll 4
            for (size_t v = 0; v < vectors; v++)
                sums[row][v] += vector_load(tile->residual[row] + tile->out_offset + v * LANES);
        }
    }
    /* Read before anything is stored: a store might change them, for all the compiler knows. */
    low = tile->low;
    high = tile->high;
#pragma GCC unroll 16
    for (size_t row = 0; row < rows; row++)
        out[row] = tile->out[row] + tile->out_offset;
#pragma GCC unroll 16
    for (size_t row = 0; row < rows; row++) {
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++)
            vector_store(out[row] + v * LANES, vector_clip(sums[row][v], low, high));
    }
}

static inline __attribute__((always_inline)) void run_tile(const struct tile *tile, size_t rows,
                                                           size_t vectors)
{
    vector sums[KERNEL_MAX_ROWS][KERNEL_MAX_VECTORS];

    fetch_results(tile, rows, vectors);
    form_sums(tile, rows, vectors, sums);
    /* What is needed from here on is read from here on: kept over the loop it would take registers
     * from the sums. */
    __asm__ volatile("" ::: "memory");
    if (tile->columns < vectors * LANES) {
        vector part[KERNEL_MAX_ROWS * KERNEL_MAX_VECTORS];

#pragma GCC unroll 16
        for (size_t row = 0; row < rows; row++) {
#pragma GCC unroll 4
            for (size_t v = 0; v < vectors; v++)
                part[row * vectors + v] = sums[row][v];
        }
        finish_part(tile, part, rows, vectors);
        return;
    }
    finish(tile, rows, vectors, sums);
}

#define TILE(name, rows, vectors)                \
    void VARIANT(name)(const struct tile *tile) \
    {                                           \
        run_tile(tile, rows, vectors);          \
    }

TILE(tile_1, TILE_ROWS_1, 1)
TILE(tile_2, TILE_ROWS_2, 2)
#if TILE_VECTORS == 4
TILE(tile_3, TILE_ROWS_3, 3)
TILE(tile_4, TILE_ROWS_4, 4)
#endif
