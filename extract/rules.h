/*
 * Preprocessing rules: how an image becomes the numbers that a network was trained on. A rule
 * belongs to the weights and is part of the key of every cached vector.
 *
 *     rule_for_network(&digest, &known);                      known_files.h: known.preset
 *     rule_parse(text, known.preset, height, width, &rule, &error);
 *     rule_to_text(&rule, canonical);                          parses back to the same rule
 *
 * The text of a rule, as --preprocess takes it, is NAME, or NAME,KEY=VALUE,... or KEY=VALUE,...:
 *
 *     torchvision
 *     torchvision,filter=bicubic,mean=0.5,deviation=0.5
 *     scale=1/127.5,mean=1,deviation=1
 *
 *     fit        squash | shorter-side | pad
 *     resize     N or HEIGHTxWIDTH: both sides, the shorter side, or the box to fit into
 *     crop       N or HEIGHTxWIDTH: the centre, which is what the network gets
 *     filter     nearest | bilinear | bicubic | lanczos | opencv-linear | tf1-bilinear |
 *                half-pixel-bilinear
 *     order      rgb | bgr | gray: one channel, what Pillow's convert("L") makes of the image
 *     scale      a number: 0.017 or 1/255
 *     mean       a number, or three joined by ':' in the channel order
 *     deviation  likewise, above zero
 *
 * A network gets (pixel * scale - mean) / deviation, pixels being 0 to 255. Without `resize` a
 * rule keeps its preset's proportion of resize to crop; with fit=pad it is the crop.
 */
#ifndef EXTRACT_RULES_H
#define EXTRACT_RULES_H

#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

enum rule_fit {
    FIT_SQUASH,        /* to resize_height x resize_width, whatever the proportions */
    FIT_SHORTER_SIDE,  /* the shorter side becomes resize_height (== resize_width) */
    FIT_PAD            /* the largest that fits into the box, centred on black */
};

enum rule_filter {
    FILTER_NEAREST,             /* Pillow's */
    FILTER_BILINEAR,            /* Pillow's, with antialias */
    FILTER_BICUBIC,             /* Pillow's, a = -0.5, with antialias */
    FILTER_LANCZOS,             /* Pillow's, three lobes, with antialias */
    FILTER_OPENCV_LINEAR,       /* OpenCV's INTER_LINEAR on 8 bits, no antialias */
    FILTER_TF1_BILINEAR,        /* TensorFlow 1's resize_bilinear: float, corners at 0 */
    FILTER_HALF_PIXEL_BILINEAR  /* float, pixel centres at one half, no antialias */
};

enum rule_order { ORDER_RGB, ORDER_BGR, ORDER_GRAY };

struct preprocess_rule {
    enum rule_fit fit;
    size_t resize_height, resize_width;
    size_t height, width;         /* of the crop: what the network gets */
    enum rule_filter filter;
    enum rule_order order;
    double scale;
    double mean[3], deviation[3]; /* in the channel order; the same three for ORDER_GRAY */
};

/* The largest resize or crop side that a rule may ask for. */
enum { RULE_MAXIMUM_SIDE = 8192 };

/* Room for every canonical text with its NUL. */
enum { RULE_TEXT = 512 };

/* Reads a rule for a network that takes height x width images; 0 where it takes any size: the
 * preset's own size is then used, unless the text has a crop. `preset`: a NAME, or a rule that
 * begins with one. `text` may be NULL: the preset alone. A text without a NAME changes `preset`.
 * Gray images get the average of a preset's three means and deviations. FAILED for an unknown name
 * or key, a value that is out of range, a key given twice, or a crop that the network does not
 * take. */
int rule_parse(const char *text, const char *preset, size_t height, size_t width,
               struct preprocess_rule *rule, struct error *error);

/* Fits a rule to a network of so many channels: for one it becomes gray. FAILED when images cannot
 * have so many, and for a gray rule where the network takes three. */
int rule_take_channels(struct preprocess_rule *rule, size_t channels, struct error *error);

/* What a network gets of a pixel: 3, or 1 where the rule is gray. */
size_t rule_channels(const struct preprocess_rule *rule);

/* The numbers that a network gets of one view. */
size_t rule_numbers(const struct preprocess_rule *rule);

/* Every parameter, numbers with as many digits as give the same double again. */
void rule_to_text(const struct preprocess_rule *rule, char text[RULE_TEXT]);

/* Writes a line of help for every preset, each after `indent`. */
void rule_print_presets(FILE *out, const char *indent);

#endif
