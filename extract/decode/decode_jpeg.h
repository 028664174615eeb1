/*
 * JPEG (ITU-T T.81) through libjpeg-turbo; the only module that sees jpeglib.h. decode.h is how
 * it is used.
 */
#ifndef EXTRACT_DECODE_DECODE_JPEG_H
#define EXTRACT_DECODE_DECODE_JPEG_H

#include <stddef.h>

#include "common/error.h"
#include "extract/decode/decode.h"

/* Decodes baseline, progressive and arithmetic-coded JPEGs, grey, RGB, YCbCr, CMYK and YCCK, and
 * turns them as Exif says. limits->pixels is not 0. FAILED as decode_image. */
int decode_jpeg(const char *name, const unsigned char *bytes, size_t size,
                const struct decode_limits *limits, struct image *image, struct error *error);

#endif
