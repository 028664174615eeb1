/* Two source pixels an axis, without antialias: OpenCV's bytes and TensorFlow's floats. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "extract/resample.h"

/* A pixel lies `share` of the way from source pixel `lower` to `upper`. */
struct between {
    uint32_t lower, upper;
    float share;
};

/* A pixel in OpenCV's fixed point: source pixels and weights of 1 / 2048, which sum to 2048. */
struct fixed {
    uint32_t lower, upper;
    int32_t lower_weight, upper_weight;
};

enum { WEIGHT_ONE = 2048 };

/* cv::resize's table for INTER_LINEAR: centres at one half. Left of the first and right of the
 * last centre of a row, `inside` takes that pixel alone; of a column OpenCV keeps the weights and
 * takes the pixel twice, which rounds otherwise. */
static void fixed_positions(size_t in, size_t out, size_t from, size_t count, bool inside,
                            struct fixed *positions)
{
    double scale = 1 / ((double)out / (double)in);

    for (size_t i = 0; i < count; i++) {
        float position = (float)(((double)(from + i) + 0.5) * scale - 0.5);
        int64_t lower = (int64_t)floorf(position), last = (int64_t)in - 1;
        float share = position - (float)lower;

        if (inside && (lower < 0 || lower >= last)) {
            lower = lower < 0 ? 0 : last;
            share = 0;
        }
        positions[i] = (struct fixed){
            .lower = (uint32_t)(lower < 0 ? 0 : lower > last ? last : lower),
            .upper = (uint32_t)(lower + 1 > last ? last : lower + 1),
            .lower_weight = (int32_t)lrintf((1.0f - share) * WEIGHT_ONE),
            .upper_weight = (int32_t)lrintf(share * WEIGHT_ONE),
        };
    }
}

/* source: one row of RGB; out: [count][3], in 1 / 2048 */
static void blend_row(const unsigned char *source, const struct fixed *columns, size_t count,
                      int32_t *out)
{
    for (size_t x = 0; x < count; x++) {
        const unsigned char *lower = source + (size_t)columns[x].lower * IMAGE_CHANNELS;
        const unsigned char *upper = source + (size_t)columns[x].upper * IMAGE_CHANNELS;

        for (size_t channel = 0; channel < IMAGE_CHANNELS; channel++)
            *out++ = lower[channel] * columns[x].lower_weight +
                     upper[channel] * columns[x].upper_weight;
    }
}

/* OpenCV drops 4 bits, multiplies, keeps the high 16 bits of each product and rounds the sum. */
static void blend_rows(const int32_t *lower, const int32_t *upper, const struct fixed *position,
                       size_t count, unsigned char *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (unsigned char)(((position->lower_weight * (lower[i] >> 4) >> 16) +
                                  (position->upper_weight * (upper[i] >> 4) >> 16) + 2) >> 2);
}

/* The mean of each 2 x 2 source pixels, rounded. */
static void halve(const struct image *image, const struct resample_window *window,
                  unsigned char *out, size_t stride)
{
    size_t row = image->width * IMAGE_CHANNELS;

    for (size_t y = 0; y < window->height; y++)
        for (size_t x = 0; x < window->width; x++) {
            const unsigned char *pixel = image->pixels + (window->top + y) * 2 * row +
                                         (window->left + x) * 2 * IMAGE_CHANNELS;

            for (size_t channel = 0; channel < IMAGE_CHANNELS; channel++, pixel++)
                out[y * stride + x * IMAGE_CHANNELS + channel] =
                    (unsigned char)((pixel[0] + pixel[IMAGE_CHANNELS] + pixel[row] +
                                     pixel[row + IMAGE_CHANNELS] + 2) >> 2);
        }
}

int resample_opencv(const struct image *image, const struct resample_window *window,
                    unsigned char *out, size_t stride, struct resample_scratch *scratch,
                    struct error *error)
{
    size_t elements = window->width * IMAGE_CHANNELS;
    struct fixed *columns, *rows;
    int32_t *lower, *upper;

    if (image->width == 2 * window->full_width && image->height == 2 * window->full_height) {
        halve(image, window, out, stride);
        return 0;
    }
    if (buffer_reserve(&scratch->taps_x, window->width * sizeof *columns, error) < 0 ||
        buffer_reserve(&scratch->taps_y, window->height * sizeof *rows, error) < 0 ||
        buffer_reserve(&scratch->sums, 2 * elements * sizeof *lower, error) < 0)
        return FAILED;
    columns = (struct fixed *)(void *)scratch->taps_x.data;
    rows = (struct fixed *)(void *)scratch->taps_y.data;
    lower = (int32_t *)(void *)scratch->sums.data;
    upper = lower + elements;
    fixed_positions(image->width, window->full_width, window->left, window->width, true, columns);
    fixed_positions(image->height, window->full_height, window->top, window->height, false, rows);
    for (size_t y = 0; y < window->height; y++) {
        size_t row = image->width * IMAGE_CHANNELS;

        blend_row(image->pixels + rows[y].lower * row, columns, window->width, lower);
        blend_row(image->pixels + rows[y].upper * row, columns, window->width, upper);
        blend_rows(lower, upper, &rows[y], elements, out + y * stride);
    }
    return 0;
}

/* TensorFlow's compute_interpolation_weights, all in float. */
static void positions_between(size_t in, size_t out, size_t from, size_t count, bool half_pixel,
                              struct between *positions)
{
    float scale = (float)in / (float)out;

    for (size_t i = 0; i < count; i++) {
        float at = (float)(from + i);
        float position = half_pixel ? (at + 0.5f) * scale - 0.5f : at * scale;
        int64_t lower = (int64_t)floorf(position), upper = (int64_t)ceilf(position);
        int64_t last = (int64_t)in - 1;

        positions[i] = (struct between){
            .lower = (uint32_t)(lower < 0 ? 0 : lower > last ? last : lower),
            .upper = (uint32_t)(upper < 0 ? 0 : upper > last ? last : upper),
            .share = position - (float)lower,
        };
    }
}

int resample_float(enum rule_filter filter, const struct image *image,
                   const struct resample_window *window, float *out, size_t stride,
                   struct resample_scratch *scratch, struct error *error)
{
    bool half_pixel = filter == FILTER_HALF_PIXEL_BILINEAR;
    struct between *columns, *rows;

    if (buffer_reserve(&scratch->taps_x, window->width * sizeof *columns, error) < 0 ||
        buffer_reserve(&scratch->taps_y, window->height * sizeof *rows, error) < 0)
        return FAILED;
    columns = (struct between *)(void *)scratch->taps_x.data;
    rows = (struct between *)(void *)scratch->taps_y.data;
    positions_between(image->width, window->full_width, window->left, window->width, half_pixel,
                      columns);
    positions_between(image->height, window->full_height, window->top, window->height, half_pixel,
                      rows);
    for (size_t y = 0; y < window->height; y++) {
        size_t row = image->width * IMAGE_CHANNELS;
        const unsigned char *above = image->pixels + rows[y].lower * row;
        const unsigned char *below = image->pixels + rows[y].upper * row;

        for (size_t x = 0; x < window->width; x++)
            for (size_t channel = 0; channel < IMAGE_CHANNELS; channel++) {
                size_t left = (size_t)columns[x].lower * IMAGE_CHANNELS + channel;
                size_t right = (size_t)columns[x].upper * IMAGE_CHANNELS + channel;
                float top = (float)above[left] +
                            (float)(above[right] - above[left]) * columns[x].share;
                float bottom = (float)below[left] +
                               (float)(below[right] - below[left]) * columns[x].share;

                out[y * stride + x * IMAGE_CHANNELS + channel] =
                    top + (bottom - top) * rows[y].share;
            }
    }
    return 0;
}
