/*
 * PNG (W3C PNG specification, second edition) through libpng; the only module that sees png.h.
 * decode.h is how it is used.
 */
#ifndef EXTRACT_DECODE_DECODE_PNG_H
#define EXTRACT_DECODE_DECODE_PNG_H

#include <stddef.h>

#include "common/error.h"
#include "extract/decode/decode.h"

/* Decodes every colour type and depth, interlaced or not, and turns them as an eXIf chunk says;
 * always all pixels. limits->pixels is not 0. FAILED as decode_image. */
int decode_png(const char *name, const unsigned char *bytes, size_t size,
               const struct decode_limits *limits, struct image *image, struct error *error);

#endif
