/*
 * Where the pixels of a view come from: which part of the image, how large it is resized, and which
 * frame of that the network gets.
 *
 *     part = view_part(view, image_width, image_height);
 *     canvas = canvas_of(&rule, part.width, part.height);
 *     frame = view_frame(view, &rule, &canvas);
 *     placement = placement_of(&canvas, &frame);         what of the frame is image, and where
 *
 * Sizes and offsets are rounded as torchvision's Resize, CenterCrop and FiveCrop do; where the
 * canvas is smaller than the crop, it stands in the middle of black.
 */
#ifndef EXTRACT_GEOMETRY_H
#define EXTRACT_GEOMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "extract/decode/image.h"
#include "extract/resample.h"
#include "extract/rules.h"
#include "extract/views.h"

/* What the network's crop is cut out of: the resized image, or with FIT_PAD the black box in the
 * middle of which it stands. */
struct canvas {
    size_t width, height;
    size_t image_width, image_height;  /* the whole resized image */
    size_t left, top;                  /* where it begins on the canvas */
};

/* A rectangle in the canvas's coordinates, which may reach beyond it. */
struct frame {
    int64_t left, top;
    size_t width, height;
};

/* The part of a resized image that a frame shows. */
struct placement {
    struct resample_window window;  /* may be empty: width or height 0 */
    size_t x, y;                    /* where it begins in the frame */
};

/* The part of an image of this size that a view is made of: at least one pixel, within it. */
struct image_window view_part(const struct view *view, size_t width, size_t height);

/* The canvas of an image, or a part of one, of this size. */
struct canvas canvas_of(const struct preprocess_rule *rule, size_t width, size_t height);

/* The network's crop, [rule->height][rule->width], before it is mirrored and, if the view is
 * turned, in the coordinates of the canvas after that. */
struct frame view_frame(const struct view *view, const struct preprocess_rule *rule,
                        const struct canvas *canvas);

/* FAILED when a view asks for a place of the canvas though the rule makes it no larger than the
 * crop: it would be the original again. */
int geometry_check(const struct views *views, const struct preprocess_rule *rule,
                   struct error *error);

struct placement placement_of(const struct canvas *canvas, const struct frame *frame);
bool placement_is_empty(const struct placement *placement);

#endif
