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
 * An image that is damaged is refused as a whole: half an image is never returned.
 */
#ifndef EXTRACT_DECODE_DECODE_H
#define EXTRACT_DECODE_DECODE_H

#include <stddef.h>

#include "common/error.h"
#include "extract/decode/content.h"
#include "extract/decode/image.h"

/* Bounds that are checked before the memory is asked for. IMAGE_MAXIMUM_SIDE is another. */
struct decode_limits {
    size_t pixels;  /* width * height; 0: DECODE_DEFAULT_PIXELS */
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
