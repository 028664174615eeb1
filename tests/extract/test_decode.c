/*
 * Decoding against the pixels that Pillow gives, and what must be refused.
 */
#include "extract/decode/decode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* jpeglib.h needs stdio.h before it: golden_images.h has it. */
#include "tests/extract/golden_images.h"

#include <jpeglib.h>

static int decode(const char *name, const void *bytes, size_t size, size_t pixels,
                  struct image *image, struct error *error)
{
    struct decode_info info;

    return decode_image(name, bytes, size, &(struct decode_limits){.pixels = pixels}, image, &info,
                        error);
}

/* Calls back with every fixture of cases.tsv and its pixels, [height][width][3]. */
static void each_case(void (*visit)(const char *name, const struct buffer *bytes, size_t width,
                                    size_t height, const unsigned char *pixels))
{
    struct npy pixels = golden_array("pixels.npy", NPY_UINT8);
    FILE *table = golden_table("cases.tsv");
    struct buffer bytes = {0};
    size_t width, height, at = 0, cases = 0;
    char name[64];

    while (fscanf(table, "%63s %zu %zu", name, &width, &height) == 3) {
        golden_read(name, &bytes);
        assert_in_range(at + width * height * 3, 1, pixels.count);
        visit(name, &bytes, width, height, (const unsigned char *)pixels.data + at);
        at += width * height * 3;
        cases++;
    }
    assert_int_equal(at, pixels.count);
    assert_in_range(cases, 60, 1000);
    fclose(table);
    buffer_release(&bytes);
    npy_release(&pixels);
}

static void check_pixels(const char *name, const struct buffer *bytes, size_t width,
                         size_t height, const unsigned char *pixels)
{
    struct image image = {0};
    struct decode_info info;
    struct error error;

    if (decode_image(name, bytes->data, bytes->size, &(struct decode_limits){0}, &image, &info,
                     &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(info.format, strstr(name, ".jpg") != NULL ? "jpeg" : "png");
    assert_int_equal(info.width, width);
    assert_int_equal(info.height, height);
    if (memcmp(image.pixels, pixels, width * height * 3) != 0)
        fail_msg("%s differs from Pillow's pixels", name);
    image_release(&image);
}

static void test_pixels_are_pillows(void **state)
{
    (void)state;
    each_case(check_pixels);
}

/* A JPEG of 16 x 16 grey pixels in arithmetic or Huffman coding, the coefficients the same. */
static size_t compress(boolean arithmetic, unsigned char **bytes)
{
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr manager;
    unsigned long size = 0;

    cinfo.err = jpeg_std_error(&manager);
    jpeg_create_compress(&cinfo);
    *bytes = NULL;
    jpeg_mem_dest(&cinfo, bytes, &size);
    cinfo.image_width = cinfo.image_height = 16;
    cinfo.input_components = 1;
    cinfo.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&cinfo);
    cinfo.arith_code = arithmetic;
    jpeg_start_compress(&cinfo, TRUE);
    for (int y = 0; y < 16; y++) {
        unsigned char row[16], *rows = row;

        for (int x = 0; x < 16; x++)
            row[x] = (unsigned char)(x * 13 + y * y);
        jpeg_write_scanlines(&cinfo, &rows, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    return size;
}

static void test_arithmetic_coding(void **state)
{
    unsigned char *bytes[2];
    size_t size[2] = {compress(FALSE, &bytes[0]), compress(TRUE, &bytes[1])};
    struct image image[2] = {{0}};
    struct error error;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(decode("x", bytes[i], size[i], 0, &image[i], &error), 0);
    assert_memory_equal(image[0].pixels, image[1].pixels, 16 * 16 * 3);
    for (int i = 0; i < 2; i++) {
        image_release(&image[i]);
        free(bytes[i]);
    }
}

static void check_cuts(const char *name, const struct buffer *bytes, size_t width, size_t height,
                       const unsigned char *pixels)
{
    struct image image = {0};
    struct error error;

    (void)width;
    (void)height;
    (void)pixels;
    if (strcmp(name, "garbage_tail.jpg") == 0)
        return;
    for (size_t size = 0; size < bytes->size; size++) {
        /* Exactly as much memory as there are bytes, so that a sanitizer sees one too many. */
        unsigned char *cut = malloc(size > 0 ? size : 1);

        assert_non_null(cut);
        if (size > 0)
            memcpy(cut, bytes->data, size);
        if (decode(name, cut, size, 0, &image, &error) == 0)
            fail_msg("%s is decoded from its first %zu of %zu bytes", name, size, bytes->size);
        free(cut);
    }
    image_release(&image);
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    each_case(check_cuts);
}

static void check_flips(const char *name, const struct buffer *bytes, size_t width, size_t height,
                        const unsigned char *pixels)
{
    enum { FILES = 60, FLIPS = 4 };
    unsigned char *damaged = malloc(bytes->size);
    struct image image = {0};
    struct error error;
    uint32_t seed = (uint32_t)bytes->size;

    (void)width;
    (void)height;
    (void)pixels;
    assert_non_null(damaged);
    for (int file = 0; file < FILES; file++) {
        memcpy(damaged, bytes->data, bytes->size);
        for (int flip = 0; flip < FLIPS; flip++) {
            seed = seed * 1664525 + 1013904223;
            damaged[(seed >> 8) % bytes->size] ^= (unsigned char)(1 + (seed >> 3) % 255);
        }
        /* Whatever comes out: the sanitizers watch. A flip may claim a large size. */
        if (decode(name, damaged, bytes->size, 1 << 20, &image, &error) == 0)
            assert_in_range(image.width * image.height, 1, 1 << 20);
        else
            assert_non_null(strstr(error.text, name));
    }
    image_release(&image);
    free(damaged);
}

static void test_damage_is_survived(void **state)
{
    (void)state;
    each_case(check_flips);
}

static uint32_t checksum(const unsigned char *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void put_32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void test_limit_on_pixels(void **state)
{
    struct buffer png = {0}, jpeg = {0};
    struct image image = {0};
    struct error error;
    unsigned char *frame;

    (void)state;
    golden_read("rgb_8.png", &png);
    assert_int_equal(decode("x", png.data, png.size, 13 * 9, &image, &error), 0);
    assert_int_equal(decode("x", png.data, png.size, 13 * 9 - 1, &image, &error), FAILED);
    assert_string_equal(error.text, "'x' has 13 x 9 pixels, more than the limit of 116");
    put_32(png.data + 16, 60000);
    put_32(png.data + 20, 60000);
    put_32(png.data + 29, checksum(png.data + 12, 17));
    image_release(&image);
    assert_int_equal(decode("x", png.data, png.size, 0, &image, &error), FAILED);
    assert_string_equal(error.text,
                        "'x' has 60000 x 60000 pixels, more than the limit of 100000000");
    assert_int_equal(image.capacity, 0);
    put_32(png.data + 16, 1);
    put_32(png.data + 20, 1000001);
    put_32(png.data + 29, checksum(png.data + 12, 17));
    assert_int_equal(decode("x", png.data, png.size, 0, &image, &error), FAILED);
    assert_string_equal(error.text, "'x' has 1 x 1000001 pixels, more than 1000000 on a side");

    golden_read("rgb_420.jpg", &jpeg);
    frame = memmem(jpeg.data, jpeg.size, "\xff\xc0\0\x11\x08", 5);
    assert_non_null(frame);
    memcpy(frame + 5, "\xea\x60\xea\x60", 4);
    assert_int_equal(decode("x", jpeg.data, jpeg.size, 0, &image, &error), FAILED);
    assert_string_equal(error.text,
                        "'x' has 60000 x 60000 pixels, more than the limit of 100000000");
    assert_int_equal(image.capacity, 0);
    buffer_release(&png);
    buffer_release(&jpeg);
}

/* A progressive file whose last scan comes again and again. */
static void test_endless_scans(void **state)
{
    enum { REPEATS = 600 };
    struct buffer jpeg = {0};
    struct image image = {0};
    struct error error;
    unsigned char *scan, *next, *bomb;
    size_t head, length;

    (void)state;
    golden_read("grey_progressive.jpg", &jpeg);
    scan = memmem(jpeg.data, jpeg.size, "\xff\xda", 2);
    assert_non_null(scan);
    for (;; scan = next) {
        next = memmem(scan + 2, jpeg.size - (size_t)(scan + 2 - jpeg.data), "\xff\xda", 2);
        if (next == NULL)
            break;
    }
    head = (size_t)(scan - jpeg.data);
    length = jpeg.size - 2 - head;
    bomb = malloc(head + length * REPEATS + 2);
    assert_non_null(bomb);
    memcpy(bomb, jpeg.data, head);
    for (size_t i = 0; i < REPEATS; i++)
        memcpy(bomb + head + i * length, scan, length);
    memcpy(bomb + head + REPEATS * length, "\xff\xd9", 2);
    assert_int_equal(decode("x", bomb, head + length * REPEATS + 2, 0, &image, &error), FAILED);
    assert_non_null(strstr(error.text, "'x' cannot be decoded as JPEG"));
    free(bomb);
    image_release(&image);
    buffer_release(&jpeg);
}

static void test_recognises_content(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum content_kind kind;
        const char *name;
    } cases[] = {
#define CASE(text, kind, name) {text, sizeof(text) - 1, kind, name}
        CASE("\xff\xd8\xff\xe0\0\x10JFIF", CONTENT_JPEG, "a JPEG"),
        CASE("\xff\xd8", CONTENT_JPEG, "a JPEG"),
        CASE("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", CONTENT_PNG, "a PNG"),
        CASE("GIF89a\1\0\1\0", CONTENT_OTHER_IMAGE, "a GIF"),
        CASE("BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0", CONTENT_OTHER_IMAGE, "a BMP"),
        CASE("BMW is a car, and this is a text about it.", CONTENT_NO_IMAGE, "a text"),
        CASE("II*\0\x08\0\0\0", CONTENT_OTHER_IMAGE, "a TIFF or raw photo"),
        CASE("MM\0*\0\0\0\x08", CONTENT_OTHER_IMAGE, "a TIFF or raw photo"),
        CASE("II*\0\x10\0\0\0CR\2\0", CONTENT_OTHER_IMAGE, "a Canon raw photo"),
        CASE("RIFF\x24\0\0\0WEBPVP8 ", CONTENT_OTHER_IMAGE, "a WebP"),
        CASE("RIFF\x24\0\0\0WAVEfmt ", CONTENT_NO_IMAGE, "a film or sound"),
        CASE("\0\0\0\x18" "ftypheic\0\0\0\0", CONTENT_OTHER_IMAGE, "a HEIC"),
        CASE("\0\0\0\x1c" "ftypavif\0\0\0\0", CONTENT_OTHER_IMAGE, "an AVIF"),
        CASE("\0\0\0\x18" "ftypisom\0\0\0\0", CONTENT_NO_IMAGE, "a film"),
        CASE("\0\0\0\x0cJXL \r\n\x87\n", CONTENT_OTHER_IMAGE, "a JPEG XL"),
        CASE("\0\0\0\x0cjP  \r\n\x87\n", CONTENT_OTHER_IMAGE, "a JPEG 2000"),
        CASE("8BPS\0\1", CONTENT_OTHER_IMAGE, "a Photoshop file"),
        CASE("P6\n4 4\n255\n", CONTENT_OTHER_IMAGE, "a Netpbm image"),
        CASE("P6 is a chip", CONTENT_OTHER_IMAGE, "a Netpbm image"),
        CASE("<?xml version=\"1.0\"?>\n<svg width=\"4\">", CONTENT_OTHER_IMAGE, "an SVG"),
        CASE("<html></html>", CONTENT_NO_IMAGE, "a text"),
        CASE("%PDF-1.7\n", CONTENT_NO_IMAGE, "a PDF"),
        CASE("PK\3\4\x14\0", CONTENT_NO_IMAGE, "a ZIP archive or office document"),
        CASE("SQLite format 3\0", CONTENT_NO_IMAGE, "an SQLite database"),
        CASE("\x7f" "ELF\2\1\1", CONTENT_NO_IMAGE, "a program"),
        CASE("path,label\n\xc3\xa4,1\n", CONTENT_NO_IMAGE, "a text"),
        CASE("\xff\xfep\0a\0", CONTENT_NO_IMAGE, "a text"),
        CASE("\1\2\3\4\5", CONTENT_NO_IMAGE, "no image that is known"),
        CASE("", CONTENT_DAMAGED, "empty"),
        CASE("\0\0\0\0\0\0", CONTENT_DAMAGED, "nothing but zeros"),
        CASE("\x89PNG\n\x1a\n\0\0\0\rIHDR", CONTENT_DAMAGED, "a PNG with a damaged signature"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name;
        enum content_kind kind = content_recognise((const unsigned char *)cases[i].bytes,
                                                   cases[i].size, &name);

        assert_string_equal(name, cases[i].name);
        assert_int_equal(kind, cases[i].kind);
        assert_int_equal(content_recognise((const unsigned char *)cases[i].bytes, cases[i].size,
                                           NULL), kind);
    }
}

static void test_refuses_by_name(void **state)
{
    struct image image = {0};
    struct error error;

    (void)state;
    assert_int_equal(decode("x.jpg", "GIF89a", 6, 0, &image, &error), FAILED);
    assert_string_equal(error.text, "'x.jpg' is a GIF: only JPEG and PNG are read");
    assert_int_equal(decode("x.jpg", "hello", 5, 0, &image, &error), FAILED);
    assert_string_equal(error.text, "'x.jpg' is a text: only JPEG and PNG are read");
    assert_int_equal(decode("x.jpg", "", 0, 0, &image, &error), FAILED);
    assert_string_equal(error.text, "'x.jpg' is empty");
    assert_int_equal(decode("x.jpg", "\xff\xd8\xff", 3, 0, &image, &error), FAILED);
    assert_string_equal(error.text, "'x.jpg' is a truncated JPEG");
    assert_int_equal(decode("x.png", "\x89PNG\r\n\x1a\n", 8, 0, &image, &error), FAILED);
    assert_string_equal(error.text, "'x.png' is a truncated PNG");
    image_release(&image);
}

static void test_room_is_reused_and_given_back(void **state)
{
    struct image image = {0};
    struct error error;
    const unsigned char *room;

    (void)state;
    assert_int_equal(image_reserve(&image, 100, 100, &error), 0);
    room = image.pixels;
    assert_int_equal(image_reserve(&image, 50, 60, &error), 0);
    assert_ptr_equal(image.pixels, room);
    assert_int_equal(image_reserve(&image, 4000, 4000, &error), 0);
    assert_int_equal(image.capacity, 48000000);
    assert_int_equal(image_reserve(&image, 50, 60, &error), 0);
    assert_int_equal(image.capacity, 9000);
    assert_int_equal(image_reserve(&image, SIZE_MAX / 2, 3, &error), FAILED);
    assert_null(image.pixels);
    image_release(&image);
}

/* The odd files' table says what Pillow makes of each. A GIF is ours to refuse, and so is a wrong
 * checksum. */
static void test_odd_files(void **state)
{
    const char *path = test_data("odd/pillow.tsv");
    FILE *table = path != NULL ? fopen(path, "r") : NULL;
    char *line = NULL, *rest;
    size_t room = 0, files = 0;
    struct buffer bytes = {0};
    struct image image = {0};
    struct error error;

    (void)state;
    if (table == NULL)
        skip();
    assert_true(getline(&line, &room, table) > 0);
    while (getline(&line, &room, table) > 0) {
        const char *file, *format, *width, *height, *verdict;
        char name[512];
        int outcome;

        rest = line;
        file = strsep(&rest, "\t");
        format = strsep(&rest, "\t");
        strsep(&rest, "\t");
        width = strsep(&rest, "\t");
        height = strsep(&rest, "\t");
        verdict = strsep(&rest, "\n");
        snprintf(name, sizeof name, "odd/%s", file);
        assert_int_equal(file_read(test_data(name), 1 << 24, &bytes, NULL, &error), 0);
        outcome = decode(file, bytes.data, bytes.size, 0, &image, &error);
        files++;
        if (strcmp(verdict, "decodes") != 0 || strcmp(format, "GIF") == 0) {
            if (outcome == 0)
                fail_msg("%s is not refused", file);
        } else if (outcome < 0) {
            assert_non_null(strstr(error.text, "CRC"));
        } else {
            /* The table's sizes are those before the orientation is applied. */
            size_t sides[2] = {strtoul(width, NULL, 10), strtoul(height, NULL, 10)};
            bool turned = image.width != sides[0];

            assert_int_equal(image.width, sides[turned]);
            assert_int_equal(image.height, sides[!turned]);
        }
    }
    assert_in_range(files, 190, 1000);
    fclose(table);
    free(line);
    buffer_release(&bytes);
    image_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels_are_pillows),
        cmocka_unit_test(test_arithmetic_coding),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_damage_is_survived),
        cmocka_unit_test(test_limit_on_pixels),
        cmocka_unit_test(test_endless_scans),
        cmocka_unit_test(test_recognises_content),
        cmocka_unit_test(test_refuses_by_name),
        cmocka_unit_test(test_room_is_reused_and_given_back),
        cmocka_unit_test(test_odd_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
