/*
 * The fixtures of golden-images/, which make_image_cases.py wrote.
 */
#ifndef TESTS_EXTRACT_GOLDEN_IMAGES_H
#define TESTS_EXTRACT_GOLDEN_IMAGES_H

#include <stdio.h>

#include "common/file.h"
#include "common/npy.h"
#include "extract/decode/decode.h"
#include "tests/helpers.h"

#define GOLDEN_IMAGES "tests/extract/golden-images/"

static inline void golden_read(const char *name, struct buffer *buffer)
{
    struct error error;

    assert_int_equal(file_read(scratch_path(GOLDEN_IMAGES, name), 1 << 20, buffer, NULL, &error),
                     0);
}

static inline struct npy golden_array(const char *name, enum npy_type type)
{
    struct npy npy;
    struct error error;

    assert_int_equal(npy_read(scratch_path(GOLDEN_IMAGES, name), &npy, &error), 0);
    assert_int_equal(npy.type, type);
    return npy;
}

/* Decodes a fixture that must be decodable. */
static inline void golden_decode(const char *name, struct image *image)
{
    struct buffer bytes = {0};
    struct decode_info info;
    struct error error = {""};

    golden_read(name, &bytes);
    if (decode_image(name, bytes.data, bytes.size, &(struct decode_limits){0}, image, &info,
                     &error) < 0)
        fail_msg("%s", error.text);
    buffer_release(&bytes);
}

static inline FILE *golden_table(const char *name)
{
    FILE *table = fopen(scratch_path(GOLDEN_IMAGES, name), "r");

    assert_non_null(table);
    return table;
}

#endif
