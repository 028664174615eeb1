/*
 * Views: versions of an image, each of which has a vector of its own.
 *
 *     views_preset(VIEWS_FLIP, &views);                    original; flip
 *     views_read("views.txt", &views, &error);
 *     views.items[i].name                                  "crop=top-left,flip": part of the key
 *
 * The text of a view is `original`, or one or more of these, joined by commas, in any order. They
 * are done in this order, as Pillow would do them:
 *
 *     crop=LEFT:TOP:RIGHT:BOTTOM   image.crop(): edges as shares of the image's sides; what is left
 *                                  goes through the preprocessing as an image of its own
 *     rotate=DEGREES               resized.rotate(DEGREES, BILINEAR): counter-clockwise about the
 *                                  middle, black where nothing is
 *     crop=PLACE                   the network's crop not from the centre, but top-left, top-right,
 *                                  bottom-left or bottom-right, as torchvision's FiveCrop
 *     shift=RIGHT:DOWN             the network's crop moved, by shares of its own sides; black
 *                                  beyond the image
 *     flip                         crop.transpose(FLIP_LEFT_RIGHT): the exact mirror
 *
 * Numbers are decimal, with at most six digits behind the point, or fractions such as 2/3; they
 * stay exact, and edges are rounded to pixels once, half up.
 *
 * A file holds one view a line; blanks around words, empty lines and what follows a # are passed
 * over. The original is always among the views, whether it is named or not.
 */
#ifndef EXTRACT_VIEWS_H
#define EXTRACT_VIEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

/* An exact number in lowest terms; the denominator is above zero. */
struct share {
    int64_t numerator, denominator;
};

enum view_place {
    PLACE_CENTRE, PLACE_TOP_LEFT, PLACE_TOP_RIGHT, PLACE_BOTTOM_LEFT, PLACE_BOTTOM_RIGHT
};

enum {
    VIEWS_MOST = 64,   /* views of an image */
    VIEW_NAME = 192    /* room for every name with its NUL */
};

struct view {
    char name[VIEW_NAME];  /* the text in canonical form: equal for equal views */
    struct share left, top, right, bottom;  /* of the part of the image, from 0 to 1 */
    enum view_place place;
    struct share degrees;                   /* above -180, at most 180 */
    struct share right_shift, down_shift;   /* from -1 to 1 */
    bool flip;
};

struct views {
    struct view items[VIEWS_MOST];  /* the original first; a mirror stands behind its twin */
    size_t count;
};

/* Reads the text of one view. FAILED for what it cannot be. */
int view_parse(const char *text, struct view *view, struct error *error);

/* By how much it is turned. */
double view_degrees(const struct view *view);

/* Whether two views are the same but for the flip. */
bool view_is_twin(const struct view *a, const struct view *b);

/* The names that --views takes, NULL at the end, and the views of the one at `preset`. The centre
 * of FiveCrop is the original. The ten are TenCrop's but for one: its crop out of the middle of
 * the mirrored image may lie a pixel beside the mirror of the centre, which is what it is here. */
extern const char *const views_presets[];
void views_preset(size_t preset, struct views *views);
enum { VIEWS_NONE, VIEWS_FLIP, VIEWS_FIVE_CROP, VIEWS_TEN_CROP, VIEWS_RAZAVIAN };

/* Reads a file of views. FAILED, with the number of the line, for what is no view, one that is
 * there twice, or too many; for a file without views, or one that cannot be read. */
int views_read(const char *path, struct views *views, struct error *error);

/* Writes lines of help for the presets, each after `indent`. */
void views_print_presets(FILE *out, const char *indent);

#endif
