/* A multiplication and the addition behind it may become one instruction: that is the speed. The
 * strict C of the build forbids it, and nothing else here could be contracted. */
#pragma GCC optimize("O3", "fp-contract=fast")

#include "classify/gram_strip.h"

#include <stdbool.h>

enum {
    LANES = 16,      /* floats in a vector; where registers are shorter it is two or four of them */
    VECTORS = 3,     /* of a tile */
    COLUMNS = VECTORS * LANES,
    DEPTH = 512,     /* products in a part of a sum: the packed strip stays in the second cache */
    MOST_ROWS = 8
};

_Static_assert(GRAM_STRIP % COLUMNS == 0, "a strip is whole tiles");

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

/* The same at any address. */
typedef float loose_vector
    __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

/* sums[row][COLUMNS] = the products of `rows` vectors, depth numbers of each, with those packed:
 * [depth][COLUMNS]. */
INLINE void multiply_tile(const float *const *in, size_t rows, size_t depth, const float *packed,
                          float sums[][COLUMNS])
{
    vector tile[MOST_ROWS][VECTORS];

    /* The running sums stay in registers as long as nothing takes their address. */
#pragma GCC unroll 8
    for (size_t row = 0; row < rows; row++)
#pragma GCC unroll 3
        for (size_t v = 0; v < VECTORS; v++)
            tile[row][v] = (vector){0};
    for (size_t k = 0; k < depth; k++, packed += COLUMNS) {
        vector columns[VECTORS];

#pragma GCC unroll 3
        for (size_t v = 0; v < VECTORS; v++)
            columns[v] = *(const loose_vector *)(packed + v * LANES);
#pragma GCC unroll 8
        for (size_t row = 0; row < rows; row++) {
            vector value = in[row][k] - (vector){0};

#pragma GCC unroll 3
            for (size_t v = 0; v < VECTORS; v++)
                tile[row][v] += value * columns[v];
        }
    }
#pragma GCC unroll 8
    for (size_t row = 0; row < rows; row++)
#pragma GCC unroll 3
        for (size_t v = 0; v < VECTORS; v++)
            *(loose_vector *)(sums[row] + v * LANES) = tile[row][v];
}

typedef void tile_function(const float *const *in, size_t depth, const float *packed,
                           float sums[][COLUMNS]);

struct tile_kind {
    tile_function *run;
    size_t rows;  /* as many as there are registers for */
};

#define TILE(name, rows, attributes)                                                \
    attributes static void name(const float *const *in, size_t depth,              \
                                const float *packed, float sums[][COLUMNS])         \
    {                                                                               \
        multiply_tile(in, rows, depth, packed, sums);                               \
    }

TILE(tile_baseline, 1, )
#if defined(__x86_64__)
TILE(tile_avx2, 2, __attribute__((target("avx2,fma"))))
TILE(tile_avx512, 8, __attribute__((target("avx512f,fma"))))
#endif

static struct tile_kind best_tile(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return (struct tile_kind){tile_avx512, 8};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (struct tile_kind){tile_avx2, 2};
#endif
    return (struct tile_kind){tile_baseline, 1};
}

/* The vectors of a strip, `depth` numbers of each from `start`, turned: packed: [GRAM_STRIP /
 * COLUMNS][depth][COLUMNS], zeros behind the last vector. */
static void pack(const float *vectors, size_t count, size_t dimension, size_t first, size_t start,
                 size_t depth, float *packed)
{
    for (size_t column = 0; column < GRAM_STRIP; column++) {
        const float *vector_in = vectors + (first + column) * dimension + start;
        float *out = packed + column / COLUMNS * depth * COLUMNS + column % COLUMNS;

        for (size_t k = 0; k < depth; k++)
            out[k * COLUMNS] = first + column < count ? vector_in[k] : 0;
    }
}

/* Adds a part of the sums to the matrix, or sets it there. */
static void add_sums(float sums[][COLUMNS], size_t rows, size_t columns, size_t count,
                     bool first_part, float *gram)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            gram[row * count + column] = first_part ? sums[row][column]
                                                    : gram[row * count + column] +
                                                      sums[row][column];
}

/* One part of the sums of all rows from the diagonal down, for one tile's columns. */
static void multiply_part(const float *vectors, size_t count, size_t dimension, size_t first_row,
                          size_t column, size_t start, size_t depth, const float *packed,
                          float *gram)
{
    const struct tile_kind tile = best_tile();
    size_t columns = count - column < COLUMNS ? count - column : COLUMNS;

    for (size_t row = first_row; row < count; row += tile.rows) {
        float sums[MOST_ROWS][COLUMNS];
        const float *in[MOST_ROWS];
        size_t rows = count - row < tile.rows ? count - row : tile.rows;

        /* Behind the last row it is repeated. */
        for (size_t r = 0; r < tile.rows; r++)
            in[r] = vectors + (row + (r < rows ? r : rows - 1)) * dimension + start;
        tile.run(in, depth, packed, sums);
        add_sums(sums, rows, columns, count, start == 0, gram + row * count + column);
    }
}

void gram_strip(const float *vectors, size_t count, size_t dimension, size_t strip, float *gram)
{
    float packed[GRAM_STRIP * DEPTH] __attribute__((aligned(64)));
    size_t first = strip * GRAM_STRIP;

    for (size_t start = 0; start < dimension; start += DEPTH) {
        size_t depth = dimension - start < DEPTH ? dimension - start : DEPTH;

        pack(vectors, count, dimension, first, start, depth, packed);
        for (size_t tile = 0; tile < GRAM_STRIP / COLUMNS && first + tile * COLUMNS < count; tile++)
            multiply_part(vectors, count, dimension, first, first + tile * COLUMNS, start, depth,
                          packed + tile * depth * COLUMNS, gram);
    }
    for (size_t row = first + GRAM_STRIP; row < count; row++)
        for (size_t column = first; column < first + GRAM_STRIP; column++)
            gram[column * count + row] = gram[row * count + column];
}
