/*
 * JPEG (ITU-T T.81) through libjpeg-turbo; the only module that sees jpeglib.h. decode.h is how
 * it is used.
 */
#ifndef EXTRACT_DECODE_DECODE_JPEG_H
#define EXTRACT_DECODE_DECODE_JPEG_H

#include <stddef.h>

#include "common/error.h"
#include "extract/decode/image.h"

/* Decodes baseline, progressive and arithmetic-coded JPEGs, grey, RGB, YCbCr, CMYK and YCCK, of
 * at most `pixels` pixels, into `image` as they are stored; *orientation becomes what Exif says,
 * 1 to 8. FAILED as decode_image. */
int decode_jpeg(const char *name, const unsigned char *bytes, size_t size, size_t pixels,
                struct image *image, int *orientation, struct error *error);

#endif
