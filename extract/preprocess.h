/*
 * Resize, crop and arithmetic: pixels become a network's input as a rule asks.
 *
 *     preprocess_create(&rule, &preprocess, &error);             one per thread: it owns scratch
 *     preprocess_image(preprocess, &image, slot, &error);        slot: [height][width][3] floats
 *     preprocess_free(preprocess);
 *
 * Only what the crop shows is computed, so that memory is bounded by the source and the crop,
 * whatever the proportions of the image. Sizes and offsets are rounded as torchvision's Resize
 * and CenterCrop do; where the image is smaller than the crop, it stands in the middle of black.
 */
#ifndef EXTRACT_PREPROCESS_H
#define EXTRACT_PREPROCESS_H

#include <stdbool.h>

#include "common/error.h"
#include "extract/decode/image.h"
#include "extract/rules.h"

struct preprocess;

int preprocess_create(const struct preprocess_rule *rule, struct preprocess **preprocess,
                      struct error *error);

/* NULL is allowed. */
void preprocess_free(struct preprocess *preprocess);

/* out: [rule.height][rule.width][3], in the rule's channel order. FAILED only without memory. */
int preprocess_image(struct preprocess *preprocess, const struct image *image, float *out,
                     struct error *error);

/* The part of an image of this size that the crop is made of. context: a struct preprocess. What
 * decode_limits asks for. */
struct image_window preprocess_window(const void *context, size_t width, size_t height);

/* False for the two filters that compute in float. */
bool preprocess_gives_bytes(enum rule_filter filter);

/* The resized and cropped pixels before the arithmetic, for a filter that gives bytes.
 * crop: [rule.height][rule.width][3] RGB. FAILED only without memory. */
int preprocess_crop(struct preprocess *preprocess, const struct image *image,
                    unsigned char *crop, struct error *error);

/* The arithmetic alone. crop: [rule.height][rule.width][3] RGB; out: the same shape in the
 * rule's channel order. */
void preprocess_arithmetic(const struct preprocess *preprocess, const unsigned char *crop,
                           float *out);

#endif
