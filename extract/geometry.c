#include "extract/geometry.h"

#include <math.h>

/* ---- the part of the image -------------------------------------------------------------- */

/* share * side, rounded half up; the share is from 0 to 1. */
static size_t edge_of(struct share share, size_t side)
{
    uint64_t numerator = (uint64_t)share.numerator, denominator = (uint64_t)share.denominator;

    return (size_t)((2 * numerator * side + denominator) / (2 * denominator));
}

/* The pixels between two edges; the last one, or the one at the first edge, where they meet. */
static void span(struct share from, struct share to, size_t side, size_t *first, size_t *count)
{
    size_t end = edge_of(to, side);

    *first = edge_of(from, side);
    if (*first == side)
        *first = side - 1;
    *count = end > *first ? end - *first : 1;
}

struct image_window view_part(const struct view *view, size_t width, size_t height)
{
    struct image_window part;

    span(view->left, view->right, width, &part.left, &part.width);
    span(view->top, view->bottom, height, &part.top, &part.height);
    return part;
}

/* ---- the canvas ------------------------------------------------------------------------- */

/* side * numerator / denominator, rounded down; all below 2^40, the result at least 1. */
static size_t scale_down(size_t side, size_t numerator, size_t denominator)
{
    size_t scaled = side * numerator / denominator;

    return scaled > 0 ? scaled : 1;
}

struct canvas canvas_of(const struct preprocess_rule *rule, size_t image_width,
                        size_t image_height)
{
    size_t width = rule->resize_width, height = rule->resize_height;
    struct canvas canvas = {0};

    switch (rule->fit) {
    case FIT_SQUASH:
        break;
    case FIT_SHORTER_SIDE:  /* torchvision's _compute_resized_output_size */
        if (image_width <= image_height)
            height = scale_down(image_height, width, image_width);
        else
            width = scale_down(image_width, height, image_height);
        break;
    case FIT_PAD:  /* Pillow's ImageOps.contain */
        if (image_width * height > image_height * width)
            height = (size_t)fmax(1, rint((double)image_height / (double)image_width *
                                          (double)width));
        else
            width = (size_t)fmax(1, rint((double)image_width / (double)image_height *
                                         (double)height));
        break;
    }
    canvas = (struct canvas){width, height, width, height, 0, 0};
    if (rule->fit == FIT_PAD) {  /* Pillow's ImageOps.pad, rounded to even too */
        canvas.width = rule->resize_width;
        canvas.height = rule->resize_height;
        canvas.left = (size_t)rint((double)(canvas.width - width) * 0.5);
        canvas.top = (size_t)rint((double)(canvas.height - height) * 0.5);
    }
    return canvas;
}

/* ---- the frame -------------------------------------------------------------------------- */

/* Where a crop begins on a line of `full` pixels, below zero when it is longer: half of the
 * difference, rounded to even as Python's round() in torchvision's center_crop; rounded down where
 * the line is shorter than the crop. */
static int64_t centre(size_t full, size_t crop)
{
    size_t offset;

    if (full <= crop)
        return -(int64_t)((crop - full) / 2);
    offset = (full - crop) / 2;
    if ((full - crop) % 2 == 1 && offset % 2 == 1)
        offset++;
    return (int64_t)offset;
}

/* share * side, rounded half away from zero; the share is from -1 to 1. */
static int64_t distance_of(struct share share, size_t side)
{
    struct share magnitude = {share.numerator < 0 ? -share.numerator : share.numerator,
                              share.denominator};
    int64_t distance = (int64_t)edge_of(magnitude, side);

    return share.numerator < 0 ? -distance : distance;
}

struct frame view_frame(const struct view *view, const struct preprocess_rule *rule,
                        const struct canvas *canvas)
{
    enum view_place place = view->place;
    bool left = place == PLACE_TOP_LEFT || place == PLACE_BOTTOM_LEFT;
    bool top = place == PLACE_TOP_LEFT || place == PLACE_TOP_RIGHT;
    struct frame frame = {
        .left = centre(canvas->width, rule->width), .top = centre(canvas->height, rule->height),
        .width = rule->width, .height = rule->height,
    };

    if (place != PLACE_CENTRE && canvas->width > rule->width)
        frame.left = left ? 0 : (int64_t)(canvas->width - rule->width);
    if (place != PLACE_CENTRE && canvas->height > rule->height)
        frame.top = top ? 0 : (int64_t)(canvas->height - rule->height);
    frame.left += distance_of(view->right_shift, rule->width);
    frame.top += distance_of(view->down_shift, rule->height);
    return frame;
}

int geometry_check(const struct views *views, const struct preprocess_rule *rule,
                   struct error *error)
{
    if (rule->fit == FIT_SHORTER_SIDE || rule->resize_width > rule->width ||
        rule->resize_height > rule->height)
        return 0;
    for (size_t i = 0; i < views->count; i++)
        if (views->items[i].place != PLACE_CENTRE)
            return error_set(error, "the view '%s' would show what the original does: this "
                             "preprocessing resizes to %zu x %zu, which the network takes whole; "
                             "say --preprocess resize=%zu, or choose views with "
                             "crop=LEFT:TOP:RIGHT:BOTTOM", views->items[i].name,
                             rule->resize_width, rule->resize_height,
                             (rule->width > rule->height ? rule->width : rule->height) * 8 / 7);
    return 0;
}

/* Cuts a line of `full` pixels that begins at `at` of the frame to what lies within it. */
static void cut(int64_t at, size_t full, size_t frame, size_t *first, size_t *count, size_t *place)
{
    int64_t end = at + (int64_t)full < (int64_t)frame ? at + (int64_t)full : (int64_t)frame;

    *place = at > 0 ? (size_t)at : 0;
    *first = at < 0 ? (size_t)-at : 0;
    *count = end > (int64_t)*place ? (size_t)end - *place : 0;
}

struct placement placement_of(const struct canvas *canvas, const struct frame *frame)
{
    struct placement placement = {
        .window = {.full_width = canvas->image_width, .full_height = canvas->image_height},
    };
    struct resample_window *window = &placement.window;

    cut((int64_t)canvas->left - frame->left, window->full_width, frame->width, &window->left,
        &window->width, &placement.x);
    cut((int64_t)canvas->top - frame->top, window->full_height, frame->height, &window->top,
        &window->height, &placement.y);
    return placement;
}

bool placement_is_empty(const struct placement *placement)
{
    return placement->window.width == 0 || placement->window.height == 0;
}
