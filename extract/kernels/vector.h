/*
 * One vector type for the instruction set that the including source is compiled for, on GCC's
 * vector extension: the same text becomes AVX-512, AVX2 or whatever the baseline has.
 */
#ifndef EXTRACT_KERNELS_VECTOR_H
#define EXTRACT_KERNELS_VECTOR_H

#include <stddef.h>
#include <string.h>

#if defined(__AVX__)
#include <immintrin.h>
#endif

/* TILE_ROWS_n: the rows of a tile that is n vectors wide. */
#if defined(__AVX512F__)
enum { LANES = 16 };
#define TILE_VECTORS 4
enum { TILE_ROWS_1 = 8, TILE_ROWS_2 = 12, TILE_ROWS_3 = 8, TILE_ROWS_4 = 6 };
#elif defined(__AVX__)
enum { LANES = 8 };
#define TILE_VECTORS 2
enum { TILE_ROWS_1 = 8, TILE_ROWS_2 = 6 };
#else
enum { LANES = 4 };
#define TILE_VECTORS 2
enum { TILE_ROWS_1 = 8, TILE_ROWS_2 = 6 };
#endif

/* Unaligned in memory: activations begin at any channel of a pixel. */
typedef float vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
/* name_avx512, name_avx2, name_baseline */
#define VARIANT(name) JOIN(name, INSTRUCTION_SET)

static inline vector vector_load(const float *from)
{
    return *(const vector *)from;
}

static inline void vector_store(float *to, vector value)
{
    *(vector *)to = value;
}

/* The first `count` <= LANES numbers, the rest 0: never touches memory behind them. */
static inline vector vector_load_part(const float *from, size_t count)
{
#if defined(__AVX512F__)
    return (vector)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
#else
    vector value = {0};

    memcpy(&value, from, count * sizeof *from);
    return value;
#endif
}

static inline void vector_store_part(float *to, vector value, size_t count)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)value);
#else
    memcpy(to, &value, count * sizeof *to);
#endif
}

/* `count` <= LANES numbers; a constant count of LANES makes them the plain load and store. */
static inline __attribute__((always_inline)) vector vector_load_some(const float *from,
                                                                     size_t count)
{
    return count == LANES ? vector_load(from) : vector_load_part(from, count);
}

static inline __attribute__((always_inline)) void vector_store_some(float *to, vector value,
                                                                    size_t count)
{
    if (count == LANES)
        vector_store(to, value);
    else
        vector_store_part(to, value, count);
}

static inline vector vector_fill(float value)
{
    return value - (vector){0};
}

/* What comparing two vectors gives: all ones where it is true. */
typedef int mask __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

static inline vector vector_select(mask where, vector a, vector b)
{
    return (vector)(((mask)a & where) | ((mask)b & ~where));
}

/* a where a > b, else b, lane by lane: where b is a NaN it stays. GCC does not see that this is
 * one instruction of x86. */
static inline vector vector_larger(vector a, vector b)
{
#if defined(__AVX512F__)
    return (vector)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
    return (vector)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return vector_select(a > b, a, b);
#endif
}

static inline vector vector_smaller(vector a, vector b)
{
#if defined(__AVX512F__)
    return (vector)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
    return (vector)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return vector_select(a < b, a, b);
#endif
}

/* min(max(value, low), high); a NaN stays. */
static inline vector vector_clip(vector value, float low, float high)
{
    return vector_smaller(vector_fill(high), vector_larger(vector_fill(low), value));
}

#endif
