/*
 * Image files become RGB pixels: JPEG and PNG, recognised by their bytes, never by their name.
 *
 *     struct image image = {0};
 *     decode_image(path, bytes, size, &(struct decode_limits){0}, &image, &info, &error);
 *     image_release(&image);
 *
 * The pixels are those of Pillow's ImageOps.exif_transpose(image).convert("RGB"): orientation
 * applied, grey repeated, palette looked up, alpha dropped (not blended), CMYK turned to RGB, 16
 * bits reduced to their high byte, no colour management.
 *
 * Where only a part is needed, decoding a JPEG takes less time: 9 % of a photo of 500 x 375 whose
 * middle is cut out, 14 % of one of 4000 x 3000, 40 % of one that the camera stored lying.
 *
 * An image that is damaged is refused as a whole: half an image is never returned.
 */
#ifndef EXTRACT_DECODE_DECODE_H
#define EXTRACT_DECODE_DECODE_H

#include <stddef.h>

#include "common/error.h"
#include "extract/decode/content.h"
#include "extract/decode/image.h"

/* The part of an image of this size, orientation applied, whose pixels are needed: not empty, and
 * within it. */
typedef struct image_window decode_choose_window(const void *context, size_t width,
                                                 size_t height);

struct decode_limits {
    /* width * height, checked before the memory is asked for; 0: DECODE_DEFAULT_PIXELS.
     * IMAGE_MAXIMUM_SIDE is another bound. */
    size_t pixels;
    /* The pixels outside of the window may stay undefined; the file is checked to its end all the
     * same. NULL: all are needed. */
    decode_choose_window *choose_window;
    const void *context;
};

/* 100 million pixels, 300 MB: above almost every camera of today, below what hurts. */
#define DECODE_DEFAULT_PIXELS ((size_t)100000000)

struct decode_info {
    const char *format;    /* "jpeg" or "png"; static */
    size_t width, height;  /* pixels, after the orientation was applied */
};

/* Decodes a whole file. `name` is what messages call it: "'x.gif' is a GIF: only JPEG and PNG
 * are read". FAILED when it is another format, truncated or damaged, has more pixels than the
 * limit, or memory is short; `image` then holds no pixels of use but must still be released. */
int decode_image(const char *name, const unsigned char *bytes, size_t size,
                 const struct decode_limits *limits, struct image *image,
                 struct decode_info *info, struct error *error);

#endif
