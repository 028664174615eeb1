#include "extract/preprocess.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/resample.h"

struct preprocess {
    struct preprocess_rule rule;
    const struct kernels *kernels;
    float table[IMAGE_CHANNELS][256];  /* the arithmetic of every byte, by channel of the source */
    unsigned char *crop;               /* [height][width][3], where the filter gives bytes */
    struct resample_scratch scratch;
};

/* Where the resized image lies relative to the crop. */
struct placement {
    struct resample_window window;  /* the part of it that the crop shows; may be empty */
    size_t x, y;                    /* of that part in the crop */
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

    *preprocess = NULL;
    if (made == NULL)
        return FAILED;
    made->rule = *rule;
    made->kernels = kernels_best();
    for (size_t channel = 0; channel < IMAGE_CHANNELS; channel++)
        for (int value = 0; value < 256; value++)
            made->table[channel][value] = normalise(rule, value, channel);
    if (preprocess_gives_bytes(rule->filter)) {
        made->crop = memory_allocate(rule->height, rule->width * IMAGE_CHANNELS, error);
        if (made->crop == NULL) {
            preprocess_free(made);
            return FAILED;
        }
    }
    *preprocess = made;
    return 0;
}

void preprocess_free(struct preprocess *preprocess)
{
    if (preprocess == NULL)
        return;
    resample_scratch_release(&preprocess->scratch);
    free(preprocess->crop);
    free(preprocess);
}

bool preprocess_gives_bytes(enum rule_filter filter)
{
    return filter != FILTER_TF1_BILINEAR && filter != FILTER_HALF_PIXEL_BILINEAR;
}

/* side * numerator / denominator, rounded down; all below 2^40, the result at least 1. */
static size_t scale_down(size_t side, size_t numerator, size_t denominator)
{
    size_t scaled = side * numerator / denominator;

    return scaled > 0 ? scaled : 1;
}

/* The size of the whole resized image. */
static void resized_size(const struct preprocess_rule *rule, size_t image_width,
                         size_t image_height, struct resample_window *window)
{
    size_t width = rule->resize_width, height = rule->resize_height;

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
    window->full_width = width;
    window->full_height = height;
}

/* Where a line of `full` pixels begins in the crop's coordinates, below zero when the crop cuts
 * it: half of the difference, rounded to even as Python's round() in torchvision's center_crop;
 * rounded down where the line is shorter than the crop. */
static int64_t centre(size_t full, size_t crop)
{
    size_t offset;

    if (full <= crop)
        return (int64_t)((crop - full) / 2);
    offset = (full - crop) / 2;
    if ((full - crop) % 2 == 1 && offset % 2 == 1)
        offset++;
    return -(int64_t)offset;
}

/* Where the image begins in the crop: with FIT_PAD it stands in the middle of the box first
 * (Pillow's ImageOps.pad, rounded to even too). */
static int64_t begin(const struct preprocess_rule *rule, size_t full, size_t box, size_t crop)
{
    if (rule->fit != FIT_PAD)
        return centre(full, crop);
    return (int64_t)rint((double)(box - full) * 0.5) + centre(box, crop);
}

/* Cuts a line of `full` pixels that begins at `at` of the crop to what lies within the crop. */
static void cut(int64_t at, size_t full, size_t crop, size_t *first, size_t *count, size_t *place)
{
    int64_t end = at + (int64_t)full < (int64_t)crop ? at + (int64_t)full : (int64_t)crop;

    *place = at > 0 ? (size_t)at : 0;
    *first = at < 0 ? (size_t)-at : 0;
    *count = end > (int64_t)*place ? (size_t)end - *place : 0;
}

static struct placement place(const struct preprocess_rule *rule, size_t image_width,
                              size_t image_height)
{
    struct placement placement = {0};
    struct resample_window *window = &placement.window;

    resized_size(rule, image_width, image_height, window);
    cut(begin(rule, window->full_width, rule->resize_width, rule->width), window->full_width,
        rule->width, &window->left, &window->width, &placement.x);
    cut(begin(rule, window->full_height, rule->resize_height, rule->height), window->full_height,
        rule->height, &window->top, &window->height, &placement.y);
    return placement;
}

static bool fills_crop(const struct placement *placement, const struct preprocess_rule *rule)
{
    return placement->window.width == rule->width && placement->window.height == rule->height;
}

static bool is_empty(const struct placement *placement)
{
    return placement->window.width == 0 || placement->window.height == 0;
}

struct image_window preprocess_window(const void *context, size_t width, size_t height)
{
    const struct preprocess *preprocess = context;
    const struct preprocess_rule *rule = &preprocess->rule;
    struct placement placement = place(rule, width, height);
    const struct resample_window *shown = &placement.window;
    size_t left, right, top, bottom;

    if (is_empty(&placement))
        return (struct image_window){.width = width, .height = height};
    resample_source(rule->filter, width, shown->full_width, shown->left, shown->width, &left,
                    &right);
    resample_source(rule->filter, height, shown->full_height, shown->top, shown->height, &top,
                    &bottom);
    return (struct image_window){.left = left, .top = top, .width = right - left,
                                 .height = bottom - top};
}

int preprocess_crop(struct preprocess *preprocess, const struct image *image,
                    unsigned char *crop, struct error *error)
{
    const struct preprocess_rule *rule = &preprocess->rule;
    struct placement placement = place(rule, image->width, image->height);
    size_t stride = rule->width * IMAGE_CHANNELS;
    unsigned char *out = crop + placement.y * stride + placement.x * IMAGE_CHANNELS;
    int outcome;

    assert(preprocess_gives_bytes(rule->filter));
    if (!fills_crop(&placement, rule))
        memset(crop, 0, rule->height * stride);
    if (is_empty(&placement))
        return 0;
    if (rule->filter == FILTER_NEAREST)
        outcome = resample_nearest(image, &placement.window, out, stride, &preprocess->scratch,
                                   error);
    else if (rule->filter == FILTER_OPENCV_LINEAR)
        outcome = resample_opencv(image, &placement.window, out, stride, &preprocess->scratch,
                                  error);
    else
        outcome = resample_antialias(rule->filter, preprocess->kernels, image, &placement.window,
                                     out, stride, &preprocess->scratch, error);
    resample_scratch_trim(&preprocess->scratch);
    return outcome;
}

void preprocess_arithmetic(const struct preprocess *preprocess, const unsigned char *crop,
                           float *out)
{
    const struct preprocess_rule *rule = &preprocess->rule;
    size_t pixels = rule->height * rule->width;
    size_t red = channel_place(rule, 0), blue = channel_place(rule, 2);

    for (size_t i = 0; i < pixels; i++, crop += IMAGE_CHANNELS, out += IMAGE_CHANNELS) {
        out[red] = preprocess->table[0][crop[0]];
        out[1] = preprocess->table[1][crop[1]];
        out[blue] = preprocess->table[2][crop[2]];
    }
}

/* The arithmetic on pixels in float, in place. */
static void normalise_floats(const struct preprocess_rule *rule, float *values)
{
    size_t pixels = rule->height * rule->width;

    for (size_t i = 0; i < pixels; i++, values += IMAGE_CHANNELS) {
        float normalised[IMAGE_CHANNELS];

        for (size_t channel = 0; channel < IMAGE_CHANNELS; channel++)
            normalised[channel_place(rule, channel)] =
                normalise(rule, (double)values[channel], channel);
        memcpy(values, normalised, sizeof normalised);
    }
}

static int preprocess_floats(struct preprocess *preprocess, const struct image *image, float *out,
                             struct error *error)
{
    const struct preprocess_rule *rule = &preprocess->rule;
    struct placement placement = place(rule, image->width, image->height);
    size_t stride = rule->width * IMAGE_CHANNELS;
    float *begin_at = out + placement.y * stride + placement.x * IMAGE_CHANNELS;
    int outcome = 0;

    if (!fills_crop(&placement, rule))
        memset(out, 0, rule->height * stride * sizeof *out);
    if (!is_empty(&placement))
        outcome = resample_float(rule->filter, image, &placement.window, begin_at, stride,
                                 &preprocess->scratch, error);
    resample_scratch_trim(&preprocess->scratch);
    normalise_floats(rule, out);
    return outcome;
}

int preprocess_image(struct preprocess *preprocess, const struct image *image, float *out,
                     struct error *error)
{
    if (!preprocess_gives_bytes(preprocess->rule.filter))
        return preprocess_floats(preprocess, image, out, error);
    if (preprocess_crop(preprocess, image, preprocess->crop, error) < 0)
        return FAILED;
    preprocess_arithmetic(preprocess, preprocess->crop, out);
    return 0;
}
