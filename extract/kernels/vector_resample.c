/*
 * The two passes of a resize in whole numbers, kernels.h says which. A vector of LANES numbers
 * holds LANES / 4 pixels of four channels, so that the taps of one pixel, and then neighbouring
 * pixels, are computed together. A photo of 500 x 375 to a crop of 224: 0.71 ms with a plain
 * loop, 0.19 with AVX-512, 0.24 with AVX2, 0.55 with the baseline.
 */
#include "extract/kernels/kernels_private.h"
#include "extract/kernels/vector.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

typedef int32_t numbers __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(4),
                                       may_alias));

enum { PIXELS = LANES / KERNEL_RESAMPLE_CHANNELS };
enum { ONE_HALF = 1 << (KERNEL_RESAMPLE_BITS - 1) };

/* The numbers of two vectors at these places, which count through both. */
#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (numbers){__VA_ARGS__})
#endif

#if defined(__AVX2__)

/* The pixels from `rgb` on, a number for each channel and a fourth that is 0. Spelt for the
 * processor: the conversion of GCC's vector extension goes byte by byte until GCC 13. */
#if defined(__AVX512F__)
static inline numbers load_pixels(const unsigned char *rgb)
{
    const __m128i places = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)rgb);

    return (numbers)_mm512_cvtepu8_epi32(_mm_shuffle_epi8(bytes, places));
}
#else
static inline numbers load_pixels(const unsigned char *rgb)
{
    const __m128i places = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)rgb);

    return (numbers)_mm256_cvtepu8_epi32(_mm_shuffle_epi8(bytes, places));
}
#endif

/* One weight a pixel, repeated for its channels. */
static inline numbers load_weights(const int32_t *weights)
{
    numbers values = *(const numbers *)weights;

#if defined(__AVX512F__)
    return SHUFFLE(values, values, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
#else
    return SHUFFLE(values, values, 0, 0, 0, 0, 1, 1, 1, 1);
#endif
}

/* The sum over the taps of a pixel, in as many parts as there are pixels in a vector. */
static inline __attribute__((always_inline)) numbers weigh(const unsigned char *rgb,
                                                           const int32_t *weights, size_t count)
{
    numbers sum = {0};

    for (size_t at = 0; at < count; at += PIXELS)
        sum += load_pixels(rgb + at * 3) * load_weights(weights + at);
    return sum;
}

#else

/* Without a product of 32 bits, vectors are slower than numbers. */
static inline __attribute__((always_inline)) numbers weigh(const unsigned char *rgb,
                                                           const int32_t *weights, size_t count)
{
    int32_t red = 0, green = 0, blue = 0;

    for (size_t at = 0; at < count; at++, rgb += 3) {
        red += rgb[0] * weights[at];
        green += rgb[1] * weights[at];
        blue += rgb[2] * weights[at];
    }
    return (numbers){red, green, blue, 0};
}

#endif

/* sums: [PIXELS] of weigh(), which become the pixels of one vector. */
static inline __attribute__((always_inline)) numbers add_parts(const numbers *sums)
{
#if defined(__AVX512F__)
#define FIRST 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define SECOND 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define EVEN 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define ODD 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
    numbers left = SHUFFLE(sums[0], sums[1], FIRST) + SHUFFLE(sums[0], sums[1], SECOND);
    numbers right = SHUFFLE(sums[2], sums[3], FIRST) + SHUFFLE(sums[2], sums[3], SECOND);

    return SHUFFLE(left, right, EVEN) + SHUFFLE(left, right, ODD);
#elif defined(__AVX2__)
    return SHUFFLE(sums[0], sums[1], 0, 1, 2, 3, 8, 9, 10, 11) +
           SHUFFLE(sums[0], sums[1], 4, 5, 6, 7, 12, 13, 14, 15);
#else
    return sums[0];
#endif
}

static inline __attribute__((always_inline)) numbers round_to_byte(numbers sum)
{
    numbers value = (sum + ONE_HALF) >> KERNEL_RESAMPLE_BITS;

    value &= value > 0;
    return (value | (value > 255)) & 255;
}

void VARIANT(resample_row)(const struct resample_row *job)
{
    const struct resample_row row = *job;  /* what is written could change *job */

    for (size_t x = 0; x < row.pixels; x += PIXELS) {
        numbers sums[PIXELS];

#pragma GCC unroll 4
        for (size_t i = 0; i < PIXELS; i++)
            sums[i] = weigh(row.source + (size_t)row.taps[x + i].first * 3,
                            row.weights + (x + i) * row.stride, row.taps[x + i].count);
        *(numbers *)(row.out + x * KERNEL_RESAMPLE_CHANNELS) = round_to_byte(add_parts(sums));
    }
}

void VARIANT(resample_add)(const int32_t *row, int32_t weight, size_t pixels, int32_t *sums)
{
    for (size_t i = 0; i < pixels * KERNEL_RESAMPLE_CHANNELS; i += LANES)
        *(numbers *)(sums + i) += *(const numbers *)(row + i) * weight;
}

void VARIANT(resample_finish)(const int32_t *restrict sums, size_t pixels,
                              unsigned char *restrict out)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t channel = 0; channel < 3; channel++) {
            int32_t value = (sums[i * KERNEL_RESAMPLE_CHANNELS + channel] + ONE_HALF) >>
                            KERNEL_RESAMPLE_BITS;

            value = value < 0 ? 0 : value;
            value = value > 255 ? 255 : value;
            out[i * 3 + channel] = (unsigned char)value;
        }
}
