/*
 * The arithmetic of the network, and of resizing its images: pure functions on pointers and sizes,
 * without allocation, state or threads. Each is compiled once per instruction set from the
 * vector_*.c sources (GCC's vector extension, vector.h) and chosen when the network is prepared.
 *
 *     const struct kernels *kernels = kernels_best();
 *     kernels->tiles[vectors](&tile);
 *
 * Every number of a result is computed by the same operations in the same order wherever it
 * stands in a tile: results do not depend on how the work is cut up. Clips let a NaN through.
 */
#ifndef EXTRACT_KERNELS_KERNELS_H
#define EXTRACT_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { KERNEL_MAX_VECTORS = 4, KERNEL_MAX_ROWS = 12, KERNEL_MAX_LANES = 16 };

/*
 * A register tile of a matrix product:
 *
 *     out[row][column] = clip(shift[column] + residual[row][column] +
 *                             sum over run, k of in[run][row][k] * packed[run][k][column])
 *
 * for a fixed number of rows and `vectors * lanes` columns. The rows of the left matrix are
 * gathered through pointers, so that a convolution reads its input in place: a run is what lies
 * together in memory under the kernel's window.
 */
enum { KERNEL_TILE_CHUNK = 4 };
struct tile {
    const float *const *in;        /* [runs][in_stride], the first `rows` of each are read */
    size_t in_stride, in_offset;   /* in_offset: floats added to every pointer */
    size_t runs, run_length;
    const float *packed;           /* [runs][run_length][vectors * lanes], aligned to 64 bytes */
    const float *shift;            /* [vectors * lanes] */
    const float *const *residual;  /* [rows] pointers to [columns], or NULL */
    float *const *out;             /* [rows] pointers to [columns]; equal pointers are allowed, and
                                      a row's may be its residual's */
    size_t out_offset;             /* floats added to every pointer of out and residual */
    size_t columns;                /* how many are real: 1 .. vectors * lanes */
    float low, high;               /* the bounds of the clip; infinite for none */
    const float *ahead;            /* what is needed next, for instance the weights of the next */
    size_t ahead_step;             /* tile: fetched into the second-level cache on the way, so */
};                                 /* many floats for every KERNEL_TILE_CHUNK steps of k */
typedef void tile_function(const struct tile *tile);

/*
 * Per channel, along a row of pixels that all have the same taps within the map:
 *
 *     out[pixel][c] = clip(shift[c] + sum over tap of
 *                          in[tap_offsets[tap] + pixel * in_step + c] * weights[tap][c])
 */
struct depthwise {
    const float *in;
    const size_t *tap_offsets;    /* [taps] floats from `in` */
    size_t taps, in_step;         /* in_step: floats from a pixel's window to the next one's */
    size_t pixels, channels;
    const float *const *weights;  /* [taps] pointers to [channels] */
    const float *shift;           /* [channels] */
    float *out;                   /* [pixels][out_stride] */
    size_t out_stride;
    float low, high;
};
typedef void depthwise_function(const struct depthwise *job);

/*
 * The same for 3 x 3 taps, strides of 1 or 2 and one row of the result or two, which share what
 * they read:
 *
 *     out[row][pixel][c] = clip(shift[c] + sum over i, j < 3 of
 *                               in[row * stride + i][pixel * stride + j][c] * weights[i][j][c])
 */
enum { KERNEL_DEPTHWISE_MOST = 2 };
struct depthwise_3x3 {
    const float *const *in;  /* [(rows - 1) * stride + 3][(pixels - 1) * stride + 3] pointers to
                                [channels] */
    size_t rows, stride;     /* 1 .. KERNEL_DEPTHWISE_MOST */
    size_t pixels, channels; /* pixels >= 1 */
    const float *weights;    /* [3][3][channels] */
    const float *shift;      /* [channels] */
    float *out[KERNEL_DEPTHWISE_MOST];  /* [rows] pointers to [pixels][out_stride] */
    size_t out_stride;
    float low, high;
};
typedef void depthwise_3x3_function(const struct depthwise_3x3 *job);

/* out[c] = max over tap of in[tap][c] (a NaN is the largest), or factor * the sum. taps >= 1. */
typedef void pool_function(const float *const *in, size_t taps, size_t channels, float factor,
                           float *out);

/* out[i] = clip(in[i] * scale[i] + shift[i]); in and out may be the same. */
typedef void affine_function(const float *in, const float *scale, const float *shift,
                             size_t count, float low, float high, float *out);

/* out[i] = clip(a[i * a_step] op b[i * b_step]); steps are 0 or 1; out may be an operand whose
 * step is 1. */
typedef void binary_function(const float *a, size_t a_step, const float *b, size_t b_step,
                             size_t count, float low, float high, float *out);

/* Winograd's F(4x4, 3x3): the side of a tile of the input, and of the results it gives. */
enum { KERNEL_WINOGRAD_IN = 6, KERNEL_WINOGRAD_OUT = 4 };

/* The transform of a tile of the input. in: [6][6] pointers to [channels]; out: [36][out_stride],
 * of which [channels] are written. */
typedef void winograd_input_function(const float *const *in, size_t channels, float *out,
                                     size_t out_stride);

/* The transform of the products back to 4 x 4 results, which are clipped and stored. */
struct winograd_output {
    const float *in;               /* [36][in_stride], [channels] of each are read */
    size_t in_stride, channels;
    const float *shift;            /* [channels] */
    const float *const *residual;  /* [4][4] pointers to [channels], or NULL */
    float *const *out;             /* [4][4] pointers to [channels]; NULL: outside of the map */
    float low, high;
};
typedef void winograd_output_function(const struct winograd_output *job);

/*
 * Resizing photos, in whole numbers of 1 / 2^22 as Pillow does it: the same bits everywhere. Rows
 * of numbers have four channels, R, G, B and one that means nothing; `pixels` of them is a
 * multiple of KERNEL_RESAMPLE_PIXELS.
 */
enum { KERNEL_RESAMPLE_BITS = 22, KERNEL_RESAMPLE_CHANNELS = 4, KERNEL_RESAMPLE_PIXELS = 4 };

/* The source pixels that make one pixel: `count` of them from `first`. */
struct resample_tap {
    uint32_t first, count;
};

/* So many bytes behind the last tap of a pixel, and numbers behind its last weight, are read and
 * have no effect. */
enum { KERNEL_RESAMPLE_OVERRUN = 15 };

/* out[x] = the sum over tap of source[first + tap] * weights[x][tap], rounded and clipped to 0 to
 * 255. */
struct resample_row {
    const unsigned char *source;      /* a row of RGB */
    const struct resample_tap *taps;  /* [pixels] */
    const int32_t *weights;           /* [pixels][stride], 0 from the tap's count to the next
                                         multiple of KERNEL_RESAMPLE_PIXELS */
    size_t stride, pixels;
    int32_t *out;                     /* [pixels][4] */
};
typedef void resample_row_function(const struct resample_row *job);

/* sums[i] += row[i] * weight; both [pixels][4]. */
typedef void resample_add_function(const int32_t *row, int32_t weight, size_t pixels,
                                   int32_t *sums);

/* The sums rounded and clipped to bytes. sums: [pixels][4]; out: [pixels][3], for any number of
 * pixels. */
typedef void resample_finish_function(const int32_t *sums, size_t pixels, unsigned char *out);

struct kernels {
    const char *name;                          /* "baseline", "avx2", "avx512" */
    size_t lanes;                              /* floats in a vector */
    size_t max_vectors;                        /* the widest tile, in vectors */
    size_t tile_rows[KERNEL_MAX_VECTORS + 1];  /* by vectors; [0] is unused */
    tile_function *tiles[KERNEL_MAX_VECTORS + 1];
    depthwise_function *depthwise;
    depthwise_3x3_function *depthwise_3x3;
    pool_function *pool_maximum, *pool_sum;
    affine_function *affine;
    binary_function *binary[4];                /* by enum binary_kind: add, subtract, multiply,
                                                  divide */
    winograd_input_function *winograd_input;
    winograd_output_function *winograd_output;
    resample_row_function *resample_row;
    resample_add_function *resample_add;
    resample_finish_function *resample_finish;
};

/* The fastest that this processor has. */
const struct kernels *kernels_best(void);

/* By name; NULL with a message when there is none of this name, or the processor lacks it. */
const struct kernels *kernels_find(const char *name, struct error *error);

#endif
