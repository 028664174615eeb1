/*
 * Turning a canvas about its middle: the frame of the turned canvas that a crop shows, and nothing
 * else of it.
 *
 *     rotation = rotation_of(30, canvas.width, canvas.height);
 *     source = rotation_source(&rotation, &crop);
 *     ... fill pixels: [source.height][source.width][3] from the canvas ...
 *     rotation_sample(&rotation, &crop, &source, pixels, true, out);
 *
 * It is Pillow's Image.rotate(degrees, BILINEAR) (libImaging/Geometry.c): a pixel is interpolated
 * between the four around where it comes from, the outermost ones reach half a pixel out to the
 * edge of the canvas, and black is what comes from beyond it or lies beyond it.
 */
#ifndef EXTRACT_ROTATE_H
#define EXTRACT_ROTATE_H

#include <stdbool.h>
#include <stddef.h>

#include "extract/geometry.h"

struct rotation {
    double across[3], down[3];  /* x and y of the source are across[0] * x + across[1] * y +
                                   across[2] and likewise, for the middles of pixels */
    size_t width, height;       /* of the canvas */
};

/* Counter-clockwise, above -180 and up to 180 degrees. */
struct rotation rotation_of(double degrees, size_t width, size_t height);

/* The part of the canvas that the frame `crop` of the turned canvas is made of; width or height 0
 * when there is none. It is at most about 1.5 times as wide and high as the crop's longer side. */
struct frame rotation_source(const struct rotation *rotation, const struct frame *crop);

/* source: what rotation_source gave, pixels: [source->height][source->width][3]; not read where
 * that is empty. out: [crop->height][crop->width][3]. `whole`: results are cut off to whole
 * numbers, which for pixels of whole numbers is Pillow's result to the bit. */
void rotation_sample(const struct rotation *rotation, const struct frame *crop,
                     const struct frame *source, const float *pixels, bool whole, float *out);

#endif
