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
enum { PRECISION = KERNEL_RESAMPLE_BITS };
_Static_assert(PRECISION == 32 - 8 - 2, "the kernels compute in Pillow's precision");

enum { CHANNELS = KERNEL_RESAMPLE_CHANNELS };

/* Taps and weights of one axis, for the pixels of the window, rounded up as the kernels ask. */
struct axis {
    struct resample_tap *taps;  /* [pixels]; those behind the window have none */
    int32_t *weights;           /* [pixels][stride] */
    size_t pixels, stride;
};

static size_t round_up(size_t count)
{
    return (count + KERNEL_RESAMPLE_PIXELS - 1) / KERNEL_RESAMPLE_PIXELS * KERNEL_RESAMPLE_PIXELS;
}

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
static struct resample_tap weigh(const struct kernel *kernel, double centre, double widening,
                                 size_t in, double *exact, int32_t *weights)
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
    for (size_t i = count; i % KERNEL_RESAMPLE_PIXELS != 0; i++)
        weights[i] = 0;
    return (struct resample_tap){.first = (uint32_t)first, .count = (uint32_t)count};
}

/* Prepares an axis that turns `in` pixels into `out`, for the `count` pixels from `from`. */
static int prepare_axis(const struct kernel *kernel, size_t in, size_t out, size_t from,
                        size_t count, struct buffer *taps, struct buffer *weights,
                        struct axis *axis, struct error *error)
{
    double scale = (double)in / (double)out, widening = scale < 1 ? 1 : scale;
    size_t most = (size_t)ceil(kernel->support * widening) * 2 + 1, bytes;
    double *exact;

    assert(in <= UINT32_MAX && count > 0 && from + count <= out);
    axis->pixels = round_up(count);
    axis->stride = round_up(most);
    if (!size_multiply(axis->pixels, axis->stride * sizeof *axis->weights, &bytes))
        return error_no_memory(error);
    exact = memory_allocate(most, sizeof *exact, error);
    if (exact == NULL)
        return FAILED;
    if (buffer_reserve(weights, bytes + KERNEL_RESAMPLE_OVERRUN * sizeof *axis->weights,
                       error) < 0 ||
        buffer_reserve(taps, axis->pixels * sizeof *axis->taps, error) < 0) {
        free(exact);
        return FAILED;
    }
    axis->taps = (struct resample_tap *)(void *)taps->data;
    axis->weights = (int32_t *)(void *)weights->data;
    for (size_t i = 0; i < count; i++)
        axis->taps[i] = weigh(kernel, ((double)(from + i) + 0.5) * scale, widening, in, exact,
                              axis->weights + i * axis->stride);
    for (size_t i = count; i < axis->pixels; i++)
        axis->taps[i] = (struct resample_tap){0};
    free(exact);
    return 0;
}

/* Row `y` of the image; a copy of it where the kernels would read behind the last one. */
static const unsigned char *source_row(const struct image *image, size_t y, unsigned char *copy)
{
    size_t bytes = image->width * IMAGE_CHANNELS;
    const unsigned char *row = image->pixels + y * bytes;

    if ((image->height - 1 - y) * bytes >= KERNEL_RESAMPLE_OVERRUN)
        return row;
    memcpy(copy, row, bytes);
    memset(copy + bytes, 0, KERNEL_RESAMPLE_OVERRUN);
    return copy;
}

/* Where the passes keep their numbers. */
struct workspace {
    unsigned char *copy;  /* of a row of the source, with room behind it */
    int32_t *row;         /* [columns' pixels][4]: a row of the source, resized */
    int32_t *sums;        /* [alive][columns' pixels][4]: rows of the window in the making */
    size_t alive;
};

/* Both passes in one walk down the source: each of its rows is resized once, then added to the
 * rows of the window that it is part of. Only these few rows of sums are alive at a time, so
 * that memory does not depend on the source's height. */
static void walk_rows(const struct kernels *kernels, const struct image *image,
                      const struct resample_window *window, const struct axis *columns,
                      const struct axis *rows, const struct workspace *workspace,
                      unsigned char *out, size_t stride)
{
    const struct resample_tap *taps = rows->taps;
    size_t elements = columns->pixels * CHANNELS, first = 0, next = 0;
    uint32_t end = taps[window->height - 1].first + taps[window->height - 1].count;
    struct resample_row job = {
        .taps = columns->taps, .weights = columns->weights, .stride = columns->stride,
        .pixels = columns->pixels, .out = workspace->row,
    };

    for (uint32_t y = taps[0].first; y < end; y++) {
        job.source = source_row(image, y, workspace->copy);
        kernels->resample_row(&job);
        for (; next < window->height && taps[next].first <= y; next++)
            memset(workspace->sums + next % workspace->alive * elements, 0,
                   elements * sizeof *workspace->sums);
        for (size_t i = first; i < next; i++)
            if (y - taps[i].first < taps[i].count)
                kernels->resample_add(job.out, rows->weights[i * rows->stride + y - taps[i].first],
                                      columns->pixels,
                                      workspace->sums + i % workspace->alive * elements);
        for (; first < next && taps[first].first + taps[first].count == y + 1; first++)
            kernels->resample_finish(workspace->sums + first % workspace->alive * elements,
                                     window->width, out + first * stride);
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

int resample_antialias(enum rule_filter filter, const struct kernels *kernels,
                       const struct image *image, const struct resample_window *window,
                       unsigned char *out, size_t stride, struct resample_scratch *scratch,
                       struct error *error)
{
    struct kernel kernel = kernel_of(filter);
    struct workspace workspace;
    struct axis columns, rows;
    size_t row_bytes;

    if (prepare_axis(&kernel, image->width, window->full_width, window->left, window->width,
                     &scratch->taps_x, &scratch->weights_x, &columns, error) < 0 ||
        prepare_axis(&kernel, image->height, window->full_height, window->top, window->height,
                     &scratch->taps_y, &scratch->weights_y, &rows, error) < 0)
        return FAILED;
    row_bytes = columns.pixels * CHANNELS * sizeof(int32_t);
    workspace.alive = rows_alive(&rows, window->height);
    if (buffer_reserve(&scratch->edge, image->width * IMAGE_CHANNELS + KERNEL_RESAMPLE_OVERRUN,
                       error) < 0 ||
        buffer_reserve(&scratch->row, row_bytes, error) < 0 ||
        buffer_reserve(&scratch->sums, workspace.alive * row_bytes, error) < 0)
        return FAILED;
    workspace.copy = scratch->edge.data;
    workspace.row = (int32_t *)(void *)scratch->row.data;
    workspace.sums = (int32_t *)(void *)scratch->sums.data;
    walk_rows(kernels, image, window, &columns, &rows, &workspace, out, stride);
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
