/*
 * An image in memory: RGB, 8 bits a channel, rows from the top. The room is kept between uses,
 * so that one struct serves image after image: start from {0}, release once.
 */
#ifndef EXTRACT_DECODE_IMAGE_H
#define EXTRACT_DECODE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

enum { IMAGE_CHANNELS = 3 };

/* Resizing takes time by the side: a line of a hundred million pixels would take minutes. */
enum { IMAGE_MAXIMUM_SIDE = 1000000 };

struct image {
    unsigned char *pixels;  /* [height][width][3], R G B */
    size_t width, height;
    size_t capacity;        /* bytes of room at `pixels` */
};

/* Sets the size and makes room; the pixels are undefined afterwards. Room that is much larger
 * than what is needed is given back, so that one huge image does not stay in memory. 0 or
 * FAILED, with the image released. */
int image_reserve(struct image *image, size_t width, size_t height, struct error *error);

/* image_reserve for a size that a file's header claims. FAILED, before any memory is asked for,
 * when it has none, more than `pixels` pixels or more than IMAGE_MAXIMUM_SIDE on a side; the
 * message calls the file `name`. */
int image_reserve_within(struct image *image, size_t width, size_t height, size_t pixels,
                         const char *name, struct error *error);

/* A part of an image, in pixels. */
struct image_window {
    size_t left, top, width, height;
};

/*
 * EXIF's orientation 1 to 8 (Exif 2.32, tag 0x0112), anything else is 1: what the camera stored
 * becomes what the photographer saw. Orientations 5 to 8 exchange width and height.
 */
bool image_exchanges_sides(int orientation);

/* The part of the stored image, [height][width], that becomes `window` when it is turned. */
struct image_window image_stored_window(const struct image_window *window, int orientation,
                                        size_t width, size_t height);

/* Writes a part of the stored image to where it belongs. image: of the size after turning; rows:
 * [window->height] rows of [window->width][3], `stride` bytes apart. */
void image_place(struct image *image, int orientation, const struct image_window *window,
                 const unsigned char *rows, size_t stride);

/* Turns a whole image. 0, or FAILED without memory. */
int image_orient(struct image *image, int orientation, struct error *error);

void image_release(struct image *image);

#endif
