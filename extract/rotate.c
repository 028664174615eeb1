#include "extract/rotate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* To 15 decimals, as Python's round(). */
static double round_decimals(double value)
{
    char text[32];

    snprintf(text, sizeof text, "%.15f", value);
    return strtod(text, NULL);
}

struct rotation rotation_of(double degrees, size_t width, size_t height)
{
    double angle = -((degrees < 0 ? degrees + 360 : degrees) * (M_PI / 180));
    double cosine = round_decimals(cos(angle)), sine = round_decimals(sin(angle));
    double x = (double)width / 2, y = (double)height / 2;

    return (struct rotation){
        .across = {cosine, sine, cosine * -x + sine * -y + x},
        .down = {-sine, cosine, -sine * -x + cosine * -y + y},
        .width = width, .height = height,
    };
}

/* What lies `at` pixels from the left and top comes from here. */
static double trace(const double by[3], double x, double y)
{
    return by[0] * x + by[1] * y + by[2];
}

/* The pixels of a line of `size` that the positions from `low` to `high` are interpolated from. */
static void bound(double low, double high, size_t size, int64_t *first, size_t *count)
{
    double begin = floor(low - 1), end = ceil(high + 1);

    *first = begin > 0 ? (int64_t)fmin(begin, (double)size) : 0;
    end = fmin(end, (double)size);
    *count = end > (double)*first ? (size_t)end - (size_t)*first : 0;
}

struct frame rotation_source(const struct rotation *rotation, const struct frame *crop)
{
    double left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
    struct frame source;

    for (int corner = 0; corner < 4; corner++) {
        double x = (double)crop->left + (corner % 2 == 0 ? 0 : (double)crop->width);
        double y = (double)crop->top + (corner / 2 == 0 ? 0 : (double)crop->height);

        left = fmin(left, trace(rotation->across, x, y));
        right = fmax(right, trace(rotation->across, x, y));
        top = fmin(top, trace(rotation->down, x, y));
        bottom = fmax(bottom, trace(rotation->down, x, y));
    }
    bound(left, right, rotation->width, &source.left, &source.width);
    bound(top, bottom, rotation->height, &source.top, &source.height);
    return source;
}

static int64_t clip(int64_t at, size_t size)
{
    return at < 0 ? 0 : at < (int64_t)size ? at : (int64_t)size - 1;
}

/* One pixel from around (x, y) of the canvas, which lies within it. */
static void interpolate(const struct rotation *rotation, const struct frame *source,
                        const float *pixels, double x, double y, bool whole, float *out)
{
    double x_floor = floor(x - 0.5), y_floor = floor(y - 0.5);
    double right = x - 0.5 - x_floor, down = y - 0.5 - y_floor;
    int64_t columns[2], rows[2];
    const float *corners[2][2];

    for (int i = 0; i < 2; i++) {
        columns[i] = clip((int64_t)x_floor + i, rotation->width) - source->left;
        rows[i] = clip((int64_t)y_floor + i, rotation->height) - source->top;
    }
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            corners[i][j] = pixels + ((size_t)rows[i] * source->width + (size_t)columns[j]) *
                                     IMAGE_CHANNELS;
    for (int channel = 0; channel < IMAGE_CHANNELS; channel++) {
        double line[2], value;

        for (int i = 0; i < 2; i++) {
            double first = (double)corners[i][0][channel];

            line[i] = first + ((double)corners[i][1][channel] - first) * right;
        }
        value = line[0] + (line[1] - line[0]) * down;
        out[channel] = (float)(whole ? trunc(value) : value);
    }
}

static bool is_inside(double x, double y, size_t width, size_t height)
{
    return x >= 0 && x < (double)width && y >= 0 && y < (double)height;
}

void rotation_sample(const struct rotation *rotation, const struct frame *crop,
                     const struct frame *source, const float *pixels, bool whole, float *out)
{
    for (size_t row = 0; row < crop->height; row++) {
        for (size_t column = 0; column < crop->width; column++, out += IMAGE_CHANNELS) {
            double x = (double)(crop->left + (int64_t)column) + 0.5;
            double y = (double)(crop->top + (int64_t)row) + 0.5;
            double from_x = trace(rotation->across, x, y);
            double from_y = trace(rotation->down, x, y);

            if (is_inside(x, y, rotation->width, rotation->height) &&
                is_inside(from_x, from_y, rotation->width, rotation->height))
                interpolate(rotation, source, pixels, from_x, from_y, whole, out);
            else
                out[0] = out[1] = out[2] = 0;
        }
    }
}
