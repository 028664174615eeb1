/*
 * Resize, crop and arithmetic: pixels become a network's input as a rule asks, once for every view.
 *
 *     preprocess_create(&rule, &preprocess, &error);             one per thread: it owns scratch
 *     preprocess_image(preprocess, &image, slot, &error);        slot: rule_numbers() floats
 *     preprocess_views(preprocess, &image, &list, slots, &error);
 *     preprocess_free(preprocess);
 *
 * Only what a crop shows is computed, so that memory is bounded by the source and the crop,
 * whatever the proportions of the image. geometry.h has the sizes and offsets.
 */
#ifndef EXTRACT_PREPROCESS_H
#define EXTRACT_PREPROCESS_H

#include <stdbool.h>

#include "common/error.h"
#include "extract/decode/image.h"
#include "extract/rules.h"
#include "extract/views.h"

struct preprocess;

int preprocess_create(const struct preprocess_rule *rule, struct preprocess **preprocess,
                      struct error *error);

/* NULL is allowed. */
void preprocess_free(struct preprocess *preprocess);

/* The original view. out: [rule.height][rule.width][rule_channels()], in the rule's channel order.
 * FAILED only without memory. */
int preprocess_image(struct preprocess *preprocess, const struct image *image, float *out,
                     struct error *error);

/* Views of one image; at least one. */
struct view_list {
    const struct view *items[VIEWS_MOST];
    size_t count;
};

/* out: [views->count][rule.height][rule.width][rule_channels()]. A mirror that comes right behind
 * its twin takes no more than the arithmetic. FAILED only without memory. */
int preprocess_views(struct preprocess *preprocess, const struct image *image,
                     const struct view_list *views, float *out, struct error *error);

/* The part of an image of this size that the crops of all views are made of. context: a struct
 * preprocess_window. What decode_limits asks for. */
struct preprocess_window {
    const struct preprocess *preprocess;
    const struct view_list *views;
};
struct image_window preprocess_window(const void *context, size_t width, size_t height);

/* False for the two filters that compute in float. */
bool preprocess_gives_bytes(enum rule_filter filter);

/* A view's pixels before the arithmetic, for a filter that gives bytes.
 * crop: [rule.height][rule.width][3] RGB, three times the same where the rule is gray. FAILED only
 * without memory. */
int preprocess_crop(struct preprocess *preprocess, const struct image *image,
                    const struct view *view, unsigned char *crop, struct error *error);

#endif
