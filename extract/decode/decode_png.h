/*
 * PNG (W3C PNG specification, second edition) through libpng; the only module that sees png.h.
 * decode.h is how it is used.
 */
#ifndef EXTRACT_DECODE_DECODE_PNG_H
#define EXTRACT_DECODE_DECODE_PNG_H

#include <stddef.h>

#include "common/error.h"
#include "extract/decode/image.h"

/* Decodes every colour type and depth, interlaced or not, of at most `pixels` pixels into
 * `image` as they are stored; *orientation becomes what an eXIf chunk says, 1 to 8. FAILED as
 * decode_image. */
int decode_png(const char *name, const unsigned char *bytes, size_t size, size_t pixels,
               struct image *image, int *orientation, struct error *error);

#endif
