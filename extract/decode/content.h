/*
 * What a file is, told from its bytes and never from its name.
 */
#ifndef EXTRACT_DECODE_CONTENT_H
#define EXTRACT_DECODE_CONTENT_H

#include <stddef.h>

enum content_kind {
    CONTENT_JPEG,
    CONTENT_PNG,
    CONTENT_OTHER_IMAGE,  /* an image of a format that is not read */
    CONTENT_DAMAGED,      /* what may well be a photo that was lost: no bytes, only zeros, a PNG
                             with a broken signature */
    CONTENT_NO_IMAGE      /* plainly none: a text, a document, a program, unknown bytes. The only
                             kind that a folder walk passes over in silence */
};

/* Enough of a file's beginning for content_recognise. */
enum { CONTENT_HEAD = 4096 };

/* What a file is, from its bytes: the whole file, or its first CONTENT_HEAD bytes. *name becomes
 * what can follow "is": "a GIF", "a text", "empty" (static); it may be NULL. */
enum content_kind content_recognise(const unsigned char *bytes, size_t size, const char **name);

#endif
