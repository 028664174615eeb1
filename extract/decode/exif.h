/*
 * The orientation out of Exif metadata (Exif 2.32, TIFF 6.0), which comes from hostile files.
 */
#ifndef EXTRACT_DECODE_EXIF_H
#define EXTRACT_DECODE_EXIF_H

#include <stddef.h>

/* tiff: the block that begins with "II*" or "MM*", as a PNG's eXIf chunk holds it and a JPEG's
 * APP1 segment after "Exif\0\0". Returns 1 to 8; 1 where there is none or it is not valid. */
int exif_orientation(const unsigned char *tiff, size_t size);

#endif
