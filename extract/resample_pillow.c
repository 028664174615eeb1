/* Pillow's two ways to resize. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/resample.h"

/* Weights are whole numbers of 1 / 2^22: with 8 bits of pixel and a factor of two for negative
 * lobes they fill 32 bits. */
enum { PRECISION = 32 - 8 - 2, HALF = 1 << (PRECISION - 1) };

enum { LANES = 8 };
typedef unsigned char byte_lanes __attribute__((vector_size(LANES)));
typedef int32_t sum_lanes __attribute__((vector_size(LANES * sizeof(int32_t))));

/* The source pixels that make one pixel: `count` of them from `first`. */
struct tap {
    uint32_t first, count;
};

/* Taps and weights of one axis, for the pixels of the window. */
struct axis {
    struct tap *taps;  /* [window] */
    int32_t *weights;  /* [window][size] */
    size_t size;       /* the most weights that a pixel can have */
};

static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* Keys' cubic convolution with a = -0.5. */
static double cubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static double sinc(double x)
{
    if (!(fabs(x) > 0))
        return 1;
    x *= M_PI;
    return sin(x) / x;
}

static double lanczos(double x)
{
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

struct kernel {
    double (*weight)(double x);
    double support;  /* the weight is zero beyond it */
};

static struct kernel kernel_of(enum rule_filter filter)
{
    switch (filter) {
    case FILTER_BICUBIC:
        return (struct kernel){cubic, 2};
    case FILTER_LANCZOS:
        return (struct kernel){lanczos, 3};
    case FILTER_BILINEAR:
    case FILTER_NEAREST:
    case FILTER_OPENCV_LINEAR:
    case FILTER_TF1_BILINEAR:
    case FILTER_HALF_PIXEL_BILINEAR:
        break;
    }
    return (struct kernel){triangle, 1};
}

/* One pixel whose centre lies at `centre` of the source: its taps and its weights, which sum to
 * one. `exact` has room for the weights. */
static struct tap weigh(const struct kernel *kernel, double centre, double widening, size_t in,
                        double *exact, int32_t *weights)
{
    double support = kernel->support * widening, sum = 0;
    int64_t first = (int64_t)(centre - support + 0.5), end = (int64_t)(centre + support + 0.5);
    size_t count;

    if (first < 0)
        first = 0;
    if (end > (int64_t)in)
        end = (int64_t)in;
    count = (size_t)(end - first);
    for (size_t i = 0; i < count; i++) {
        exact[i] = kernel->weight(((double)i + (double)first - centre + 0.5) * (1 / widening));
        sum += exact[i];
    }
    for (size_t i = 0; i < count; i++) {
        double weight = fabs(sum) > 0 ? exact[i] / sum : exact[i];

        weights[i] = (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << PRECISION));
    }
    return (struct tap){.first = (uint32_t)first, .count = (uint32_t)count};
}

/* Prepares an axis that turns `in` pixels into `out`, for the `count` pixels from `from`. */
static int prepare_axis(const struct kernel *kernel, size_t in, size_t out, size_t from,
                        size_t count, struct buffer *taps, struct buffer *weights,
                        struct axis *axis, struct error *error)
{
    double scale = (double)in / (double)out, widening = scale < 1 ? 1 : scale;
    size_t bytes;
    double *exact;

    assert(in <= UINT32_MAX && count > 0 && from + count <= out);
    axis->size = (size_t)ceil(kernel->support * widening) * 2 + 1;
    if (!size_multiply(count, axis->size * sizeof *axis->weights, &bytes))
        return error_no_memory(error);
    exact = memory_allocate(axis->size, sizeof *exact, error);
    if (exact == NULL)
        return FAILED;
    if (buffer_reserve(weights, bytes, error) < 0 ||
        buffer_reserve(taps, count * sizeof *axis->taps, error) < 0) {
        free(exact);
        return FAILED;
    }
    axis->taps = (struct tap *)(void *)taps->data;
    axis->weights = (int32_t *)(void *)weights->data;
    for (size_t i = 0; i < count; i++)
        axis->taps[i] = weigh(kernel, ((double)(from + i) + 0.5) * scale, widening, in, exact,
                              axis->weights + i * axis->size);
    free(exact);
    return 0;
}

static unsigned char to_byte(int32_t sum)
{
    int32_t value = sum >> PRECISION;

    return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* source: one row of RGB; out: [count][3] */
static void resize_row(const unsigned char *source, const struct axis *axis, size_t count,
                       unsigned char *out)
{
    for (size_t x = 0; x < count; x++, out += IMAGE_CHANNELS) {
        const unsigned char *pixel = source + (size_t)axis->taps[x].first * IMAGE_CHANNELS;
        const int32_t *weights = axis->weights + x * axis->size;
        int32_t red = HALF, green = HALF, blue = HALF;

        for (uint32_t i = 0; i < axis->taps[x].count; i++, pixel += IMAGE_CHANNELS) {
            red += pixel[0] * weights[i];
            green += pixel[1] * weights[i];
            blue += pixel[2] * weights[i];
        }
        out[0] = to_byte(red);
        out[1] = to_byte(green);
        out[2] = to_byte(blue);
    }
}

/* sums[i] += row[i] * weight; both [count]. Spelt in vectors, which -O2 does not make
 * by itself. */
static void add_weighted(const unsigned char *row, int32_t weight, size_t count, int32_t *sums)
{
    size_t i = 0;

    for (; i + LANES <= count; i += LANES) {
        byte_lanes bytes;
        sum_lanes wide;

        memcpy(&bytes, row + i, sizeof bytes);
        memcpy(&wide, sums + i, sizeof wide);
        wide += __builtin_convertvector(bytes, sum_lanes) * weight;
        memcpy(sums + i, &wide, sizeof wide);
    }
    for (; i < count; i++)
        sums[i] += row[i] * weight;
}

static void start_sums(int32_t *sums, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] = HALF;
}

static void finish_sums(const int32_t *sums, size_t count, unsigned char *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = to_byte(sums[i]);
}

/* Both passes in one walk down the source: each of its rows is resized once, then added to the
 * rows of the window that it is part of. Only these few rows of sums are alive at a time, so
 * that memory does not depend on the source's height. */
static void walk_rows(const struct image *image, const struct resample_window *window,
                      const struct axis *columns, const struct axis *rows, unsigned char *row,
                      int32_t *sums, size_t alive, unsigned char *out, size_t stride)
{
    size_t elements = window->width * IMAGE_CHANNELS, first = 0, next = 0;
    uint32_t last_row = rows->taps[window->height - 1].first +
                        rows->taps[window->height - 1].count;

    for (uint32_t y = rows->taps[0].first; y < last_row; y++) {
        resize_row(image->pixels + (size_t)y * image->width * IMAGE_CHANNELS, columns,
                   window->width, row);
        for (; next < window->height && rows->taps[next].first <= y; next++)
            start_sums(sums + next % alive * elements, elements);
        for (size_t i = first; i < next; i++)
            if (y - rows->taps[i].first < rows->taps[i].count)
                add_weighted(row, rows->weights[i * rows->size + y - rows->taps[i].first],
                             elements, sums + i % alive * elements);
        for (; first < next && rows->taps[first].first + rows->taps[first].count == y + 1;
             first++)
            finish_sums(sums + first % alive * elements, elements, out + first * stride);
    }
}

/* How many rows of the window one row of the source can be part of. */
static size_t rows_alive(const struct axis *axis, size_t count)
{
    size_t most = 1;

    for (size_t i = 0, first = 0; i < count; i++) {
        while (axis->taps[first].first + axis->taps[first].count <= axis->taps[i].first)
            first++;
        if (i - first + 1 > most)
            most = i - first + 1;
    }
    return most;
}

int resample_antialias(enum rule_filter filter, const struct image *image,
                       const struct resample_window *window, unsigned char *out, size_t stride,
                       struct resample_scratch *scratch, struct error *error)
{
    struct kernel kernel = kernel_of(filter);
    size_t elements = window->width * IMAGE_CHANNELS, alive;
    struct axis columns, rows;

    if (prepare_axis(&kernel, image->width, window->full_width, window->left, window->width,
                     &scratch->taps_x, &scratch->weights_x, &columns, error) < 0 ||
        prepare_axis(&kernel, image->height, window->full_height, window->top, window->height,
                     &scratch->taps_y, &scratch->weights_y, &rows, error) < 0)
        return FAILED;
    alive = rows_alive(&rows, window->height);
    if (buffer_reserve(&scratch->row, elements, error) < 0 ||
        buffer_reserve(&scratch->sums, alive * elements * sizeof(int32_t), error) < 0)
        return FAILED;
    walk_rows(image, window, &columns, &rows, scratch->row.data,
              (int32_t *)(void *)scratch->sums.data, alive, out, stride);
    return 0;
}

/* The source position of every pixel of the window: the middle of its share of the source, added
 * up from the left as Pillow does. An image beyond any that Pillow could make is not added up. */
static void nearest_positions(size_t in, size_t out, size_t from, size_t count,
                              uint32_t *positions)
{
    enum { ADDED_UP = 1 << 22 };
    double share = (double)in / (double)out, position = share * 0.5;
    size_t at = 0;

    if (from > ADDED_UP) {
        at = from;
        position = ((double)from + 0.5) * share;
    }
    for (; at < from + count; at++, position += share)
        if (at >= from)
            positions[at - from] = position < (double)in ? (uint32_t)position
                                                         : (uint32_t)(in - 1);
}

int resample_nearest(const struct image *image, const struct resample_window *window,
                     unsigned char *out, size_t stride, struct resample_scratch *scratch,
                     struct error *error)
{
    uint32_t *columns, *rows;

    if (buffer_reserve(&scratch->taps_x, window->width * sizeof *columns, error) < 0 ||
        buffer_reserve(&scratch->taps_y, window->height * sizeof *rows, error) < 0)
        return FAILED;
    columns = (uint32_t *)(void *)scratch->taps_x.data;
    rows = (uint32_t *)(void *)scratch->taps_y.data;
    nearest_positions(image->width, window->full_width, window->left, window->width, columns);
    nearest_positions(image->height, window->full_height, window->top, window->height, rows);
    for (size_t y = 0; y < window->height; y++) {
        const unsigned char *source = image->pixels +
                                      (size_t)rows[y] * image->width * IMAGE_CHANNELS;

        for (size_t x = 0; x < window->width; x++)
            memcpy(out + y * stride + x * IMAGE_CHANNELS,
                   source + (size_t)columns[x] * IMAGE_CHANNELS, IMAGE_CHANNELS);
    }
    return 0;
}
