#include "extract/preprocess.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/geometry.h"
#include "extract/resample.h"
#include "extract/rotate.h"

struct preprocess {
    struct preprocess_rule rule;
    const struct kernels *kernels;
    float table[IMAGE_CHANNELS][256];  /* the arithmetic of every byte, by channel of the source */
    struct view original;
    unsigned char *crop;               /* [height][width][3], where the filter gives bytes */
    float *values;                     /* likewise, where it gives floats */
    struct resample_scratch scratch;
    struct image part;                 /* of an image, copied out of it; or all of it, gray */
    struct buffer canvas, turned;      /* what a turned crop is made of, and that crop, as floats */
    struct buffer canvas_bytes;
};

/* The place in the crop of the source's channel: the reverse order for BGR. */
static size_t channel_place(const struct preprocess_rule *rule, size_t channel)
{
    return rule->order == ORDER_BGR ? IMAGE_CHANNELS - 1 - channel : channel;
}

/* Rounded once, to float, whatever the framework's own steps: they differ in the last bit. */
static float normalise(const struct preprocess_rule *rule, double value, size_t channel)
{
    size_t place = channel_place(rule, channel);

    return (float)((value * rule->scale - rule->mean[place]) / rule->deviation[place]);
}

int preprocess_create(const struct preprocess_rule *rule, struct preprocess **preprocess,
                      struct error *error)
{
    struct preprocess *made = memory_allocate(1, sizeof *made, error);
    size_t row = rule->width * IMAGE_CHANNELS;

    *preprocess = NULL;
    if (made == NULL)
        return FAILED;
    made->rule = *rule;
    made->kernels = kernels_best();
    if (view_parse("original", &made->original, error) < 0)
        goto failed;
    for (size_t channel = 0; channel < IMAGE_CHANNELS; channel++)
        for (int value = 0; value < 256; value++)
            made->table[channel][value] = normalise(rule, value, channel);
    if (preprocess_gives_bytes(rule->filter))
        made->crop = memory_allocate(rule->height, row, error);
    else
        made->values = memory_allocate(rule->height, row * sizeof *made->values, error);
    if (made->crop == NULL && made->values == NULL)
        goto failed;
    *preprocess = made;
    return 0;
failed:
    preprocess_free(made);
    return FAILED;
}

void preprocess_free(struct preprocess *preprocess)
{
    if (preprocess == NULL)
        return;
    resample_scratch_release(&preprocess->scratch);
    image_release(&preprocess->part);
    buffer_release(&preprocess->canvas);
    buffer_release(&preprocess->canvas_bytes);
    buffer_release(&preprocess->turned);
    free(preprocess->crop);
    free(preprocess->values);
    free(preprocess);
}

bool preprocess_gives_bytes(enum rule_filter filter)
{
    return filter != FILTER_TF1_BILINEAR && filter != FILTER_HALF_PIXEL_BILINEAR;
}

/* ---- what is needed of an image --------------------------------------------------------- */

/* The part of the image that one view is made of; width 0 when its crop is all black. */
static struct image_window window_of(const struct preprocess_rule *rule, const struct view *view,
                                     size_t width, size_t height)
{
    struct image_window part = view_part(view, width, height);
    struct canvas canvas = canvas_of(rule, part.width, part.height);
    struct frame frame = view_frame(view, rule, &canvas);
    struct placement placement;
    const struct resample_window *shown = &placement.window;
    size_t left, right, top, bottom;

    if (view->degrees.numerator != 0) {
        struct rotation rotation = rotation_of(view_degrees(view), canvas.width, canvas.height);

        frame = rotation_source(&rotation, &frame);
    }
    placement = placement_of(&canvas, &frame);
    if (placement_is_empty(&placement))
        return (struct image_window){0};
    resample_source(rule->filter, part.width, shown->full_width, shown->left, shown->width, &left,
                    &right);
    resample_source(rule->filter, part.height, shown->full_height, shown->top, shown->height, &top,
                    &bottom);
    return (struct image_window){.left = part.left + left, .top = part.top + top,
                                 .width = right - left, .height = bottom - top};
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

struct image_window preprocess_window(const void *context, size_t width, size_t height)
{
    const struct preprocess_window *asked = context;
    size_t left = width, right = 0, top = height, bottom = 0;

    for (size_t i = 0; i < asked->views->count; i++) {
        struct image_window window = window_of(&asked->preprocess->rule, asked->views->items[i],
                                               width, height);

        if (window.width == 0)
            continue;
        left = smaller(left, window.left);
        right = larger(right, window.left + window.width);
        top = smaller(top, window.top);
        bottom = larger(bottom, window.top + window.height);
    }
    if (right == 0)
        return (struct image_window){.width = width, .height = height};
    return (struct image_window){.left = left, .top = top, .width = right - left,
                                 .height = bottom - top};
}

/* ---- one frame -------------------------------------------------------------------------- */

static bool fills_frame(const struct placement *placement, const struct frame *frame)
{
    return placement->window.width == frame->width && placement->window.height == frame->height;
}

/* A frame of the canvas of an image, black beyond it. out: [frame->height][frame->width][3] */
static int render_bytes(struct preprocess *preprocess, const struct image *image,
                        const struct canvas *canvas, const struct frame *frame,
                        unsigned char *out, struct error *error)
{
    const enum rule_filter filter = preprocess->rule.filter;
    struct placement placement = placement_of(canvas, frame);
    size_t stride = frame->width * IMAGE_CHANNELS;
    unsigned char *begin_at = out + placement.y * stride + placement.x * IMAGE_CHANNELS;
    int outcome;

    if (!fills_frame(&placement, frame))
        memset(out, 0, frame->height * stride);
    if (placement_is_empty(&placement))
        return 0;
    if (filter == FILTER_NEAREST)
        outcome = resample_nearest(image, &placement.window, begin_at, stride,
                                   &preprocess->scratch, error);
    else if (filter == FILTER_OPENCV_LINEAR)
        outcome = resample_opencv(image, &placement.window, begin_at, stride,
                                  &preprocess->scratch, error);
    else
        outcome = resample_antialias(filter, preprocess->kernels, image, &placement.window,
                                     begin_at, stride, &preprocess->scratch, error);
    resample_scratch_trim(&preprocess->scratch);
    return outcome;
}

/* The same for a filter that gives floats. */
static int render_floats(struct preprocess *preprocess, const struct image *image,
                         const struct canvas *canvas, const struct frame *frame, float *out,
                         struct error *error)
{
    struct placement placement = placement_of(canvas, frame);
    size_t stride = frame->width * IMAGE_CHANNELS;
    int outcome = 0;

    if (!fills_frame(&placement, frame))
        memset(out, 0, frame->height * stride * sizeof *out);
    if (!placement_is_empty(&placement))
        outcome = resample_float(preprocess->rule.filter, image, &placement.window,
                                 out + placement.y * stride + placement.x * IMAGE_CHANNELS,
                                 stride, &preprocess->scratch, error);
    resample_scratch_trim(&preprocess->scratch);
    return outcome;
}

/* ---- one view --------------------------------------------------------------------------- */

/* Copies a part of an image out of it. */
static int copy_part(const struct image *image, const struct image_window *window,
                     struct image *part, struct error *error)
{
    size_t row = window->width * IMAGE_CHANNELS, stride = image->width * IMAGE_CHANNELS;
    const unsigned char *from = image->pixels + window->top * stride +
                                window->left * IMAGE_CHANNELS;

    if (image_reserve(part, window->width, window->height, error) < 0)
        return FAILED;
    for (size_t y = 0; y < window->height; y++)
        memcpy(part->pixels + y * row, from + y * stride, row);
    return 0;
}

/* Luma as Pillow's convert("L") rounds it (src/libImaging/Convert.c, ITU-R BT.601), in all three
 * channels, which stay the same through all that follows. */
static void make_gray(struct image *image)
{
    unsigned char *end = image->pixels + image->width * image->height * IMAGE_CHANNELS;

    for (unsigned char *pixel = image->pixels; pixel < end; pixel += IMAGE_CHANNELS) {
        unsigned luma = 19595u * pixel[0] + 38470u * pixel[1] + 7471u * pixel[2] + 0x8000u;

        memset(pixel, (int)(luma >> 16), IMAGE_CHANNELS);
    }
}

/* A frame as floats, whatever the filter gives; the caller has made room in the buffers. */
static int render_canvas(struct preprocess *preprocess, const struct image *image,
                         const struct canvas *canvas, const struct frame *frame,
                         struct error *error)
{
    float *out = (float *)(void *)preprocess->canvas.data;
    const unsigned char *bytes = preprocess->canvas_bytes.data;
    size_t count = frame->height * frame->width * IMAGE_CHANNELS;

    if (preprocess->crop == NULL)
        return render_floats(preprocess, image, canvas, frame, out, error);
    if (render_bytes(preprocess, image, canvas, frame, preprocess->canvas_bytes.data, error) < 0)
        return FAILED;
    for (size_t i = 0; i < count; i++)
        out[i] = bytes[i];
    return 0;
}

/* The crop of a view that is turned, as floats in preprocess->turned. */
static int render_turned(struct preprocess *preprocess, const struct image *image,
                         const struct view *view, const struct canvas *canvas,
                         const struct frame *crop, struct error *error)
{
    struct rotation rotation = rotation_of(view_degrees(view), canvas->width, canvas->height);
    struct frame source = rotation_source(&rotation, crop);
    size_t count = source.width * source.height * IMAGE_CHANNELS;

    if (buffer_reserve(&preprocess->canvas, count * sizeof(float), error) < 0 ||
        buffer_reserve(&preprocess->canvas_bytes, count, error) < 0 ||
        buffer_reserve(&preprocess->turned,
                       crop->width * crop->height * IMAGE_CHANNELS * sizeof(float), error) < 0)
        return FAILED;
    if (count > 0 && render_canvas(preprocess, image, canvas, &source, error) < 0)
        return FAILED;
    rotation_sample(&rotation, crop, &source, (const float *)(const void *)preprocess->canvas.data,
                    preprocess->crop != NULL, (float *)(void *)preprocess->turned.data);
    return 0;
}

/* The crop of a view, not mirrored yet, in preprocess->crop or ->values. */
static int render_view(struct preprocess *preprocess, const struct image *image,
                       const struct view *view, struct error *error)
{
    const struct preprocess_rule *rule = &preprocess->rule;
    struct image_window part = view_part(view, image->width, image->height);
    struct canvas canvas = canvas_of(rule, part.width, part.height);
    struct frame crop = view_frame(view, rule, &canvas);
    size_t count = rule->height * rule->width * IMAGE_CHANNELS;
    bool gray = rule->order == ORDER_GRAY;
    const float *turned;

    if (gray || part.width < image->width || part.height < image->height) {
        if (copy_part(image, &part, &preprocess->part, error) < 0)
            return FAILED;
        image = &preprocess->part;
        if (gray)
            make_gray(&preprocess->part);
    }
    if (view->degrees.numerator == 0)
        return preprocess->crop != NULL
                   ? render_bytes(preprocess, image, &canvas, &crop, preprocess->crop, error)
                   : render_floats(preprocess, image, &canvas, &crop, preprocess->values, error);
    if (render_turned(preprocess, image, view, &canvas, &crop, error) < 0)
        return FAILED;
    turned = (const float *)(const void *)preprocess->turned.data;
    for (size_t i = 0; i < count && preprocess->crop != NULL; i++)
        preprocess->crop[i] = (unsigned char)turned[i];
    if (preprocess->crop == NULL)
        memcpy(preprocess->values, turned, count * sizeof *turned);
    return 0;
}

/* Where the pixel stands whose result is written to a column. */
static size_t column_of(const struct preprocess_rule *rule, bool flip, size_t column)
{
    return (flip ? rule->width - 1 - column : column) * IMAGE_CHANNELS;
}

int preprocess_crop(struct preprocess *preprocess, const struct image *image,
                    const struct view *view, unsigned char *crop, struct error *error)
{
    const struct preprocess_rule *rule = &preprocess->rule;
    size_t stride = rule->width * IMAGE_CHANNELS;

    assert(preprocess_gives_bytes(rule->filter));
    if (render_view(preprocess, image, view, error) < 0)
        return FAILED;
    for (size_t y = 0; y < rule->height; y++)
        for (size_t x = 0; x < rule->width; x++, crop += IMAGE_CHANNELS)
            memcpy(crop, preprocess->crop + y * stride + column_of(rule, view->flip, x),
                   IMAGE_CHANNELS);
    return 0;
}

/* ---- the arithmetic --------------------------------------------------------------------- */

static void finish_bytes(const struct preprocess *preprocess, bool flip, float *out)
{
    const struct preprocess_rule *rule = &preprocess->rule;
    size_t stride = rule->width * IMAGE_CHANNELS, channels = rule_channels(rule);
    size_t red = channel_place(rule, 0), blue = channel_place(rule, 2);

    for (size_t y = 0; y < rule->height; y++) {
        const unsigned char *row = preprocess->crop + y * stride;

        for (size_t x = 0; x < rule->width; x++, out += channels) {
            const unsigned char *pixel = row + column_of(rule, flip, x);

            out[red] = preprocess->table[0][pixel[0]];
            if (channels == 1)
                continue;
            out[1] = preprocess->table[1][pixel[1]];
            out[blue] = preprocess->table[2][pixel[2]];
        }
    }
}

static void finish_floats(const struct preprocess *preprocess, bool flip, float *out)
{
    const struct preprocess_rule *rule = &preprocess->rule;
    size_t stride = rule->width * IMAGE_CHANNELS, channels = rule_channels(rule);

    for (size_t y = 0; y < rule->height; y++) {
        const float *row = preprocess->values + y * stride;

        for (size_t x = 0; x < rule->width; x++, out += channels) {
            const float *pixel = row + column_of(rule, flip, x);

            for (size_t channel = 0; channel < channels; channel++)
                out[channel_place(rule, channel)] = normalise(rule, (double)pixel[channel],
                                                              channel);
        }
    }
}

int preprocess_views(struct preprocess *preprocess, const struct image *image,
                     const struct view_list *views, float *out, struct error *error)
{
    size_t floats = rule_numbers(&preprocess->rule);

    for (size_t i = 0; i < views->count; i++, out += floats) {
        const struct view *view = views->items[i];

        if ((i == 0 || !view_is_twin(views->items[i - 1], view)) &&
            render_view(preprocess, image, view, error) < 0)
            return FAILED;
        if (preprocess->crop != NULL)
            finish_bytes(preprocess, view->flip, out);
        else
            finish_floats(preprocess, view->flip, out);
    }
    return 0;
}

int preprocess_image(struct preprocess *preprocess, const struct image *image, float *out,
                     struct error *error)
{
    const struct view_list original = {{&preprocess->original}, 1};

    return preprocess_views(preprocess, image, &original, out, error);
}
