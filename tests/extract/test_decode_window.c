/*
 * Where only a window of an image is needed: its pixels are those of the whole image to the bit,
 * and the file is judged as if all of it were needed.
 */
#include "extract/decode/decode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* jpeglib.h needs stdio.h before it: golden_images.h has it. */
#include "tests/extract/golden_images.h"

#include <jpeglib.h>

static struct image_window given(const void *context, size_t width, size_t height)
{
    const struct image_window *window = context;

    assert_true(window->left + window->width <= width);
    assert_true(window->top + window->height <= height);
    return *window;
}

static int decode_window(const void *bytes, size_t size, const struct image_window *window,
                         struct image *image, struct error *error)
{
    struct decode_limits limits = {.choose_window = given, .context = window};
    struct decode_info info;

    return decode_image("x", bytes, size, &limits, image, &info, error);
}

static int decode_whole(const void *bytes, size_t size, struct image *image, struct error *error)
{
    struct decode_info info;

    return decode_image("x", bytes, size, &(struct decode_limits){0}, image, &info, error);
}

static bool is_same(const struct image *part, const struct image *whole,
                    const struct image_window *window)
{
    size_t row = whole->width * IMAGE_CHANNELS;

    assert_int_equal(part->width, whole->width);
    assert_int_equal(part->height, whole->height);
    for (size_t y = window->top; y < window->top + window->height; y++) {
        size_t at = y * row + window->left * IMAGE_CHANNELS;

        if (memcmp(part->pixels + at, whole->pixels + at, window->width * IMAGE_CHANNELS) != 0)
            return false;
    }
    return true;
}

/* Windows at every corner, in the middle, of single pixels, lines and all. */
static size_t list_windows(size_t width, size_t height, struct image_window windows[16])
{
    size_t half_width = (width + 1) / 2, half_height = (height + 1) / 2;
    const struct image_window list[] = {
        {0, 0, width, height},
        {0, 0, half_width, half_height},
        {width - half_width, height - half_height, half_width, half_height},
        {width / 4, height / 4, half_width, half_height},
        {width / 3, 0, 1, height},
        {0, height / 3, width, 1},
        {width - 1, height - 1, 1, 1},
        {width - 1, 0, 1, 1},
        {0, height - 1, 1, 1},
        {width / 2, height / 2, 1, 1},
        {width * 2 / 3, height / 5, width - width * 2 / 3, half_height},
        {width / 5, height * 2 / 3, half_width, height - height * 2 / 3},
    };

    memcpy(windows, list, sizeof list);
    return sizeof list / sizeof list[0];
}

static void check_windows(const char *what, const void *bytes, size_t size)
{
    struct image whole = {0}, part = {0};
    struct image_window windows[16];
    struct error error;
    size_t count;

    if (decode_whole(bytes, size, &whole, &error) < 0)
        fail_msg("%s: %s", what, error.text);
    count = list_windows(whole.width, whole.height, windows);
    assert_int_equal(image_reserve(&part, whole.width, whole.height, &error), 0);
    for (size_t i = 0; i < count; i++) {
        memset(part.pixels, 0x5a, whole.width * whole.height * IMAGE_CHANNELS);
        if (decode_window(bytes, size, &windows[i], &part, &error) < 0)
            fail_msg("%s, window %zu: %s", what, i, error.text);
        if (!is_same(&part, &whole, &windows[i]))
            fail_msg("%s, window %zu: other pixels than of the whole image", what, i);
    }
    image_release(&part);
    image_release(&whole);
}

/* Calls back with every fixture. */
static void each_file(void (*visit)(const char *name, const struct buffer *bytes))
{
    FILE *table = golden_table("cases.tsv");
    struct buffer bytes = {0};
    size_t width, height;
    char name[64];

    while (fscanf(table, "%63s %zu %zu", name, &width, &height) == 3) {
        golden_read(name, &bytes);
        visit(name, &bytes);
    }
    fclose(table);
    buffer_release(&bytes);
}

static void check_file(const char *name, const struct buffer *bytes)
{
    check_windows(name, bytes->data, bytes->size);
}

static void test_golden_images(void **state)
{
    (void)state;
    each_file(check_file);
}

/* ---- JPEGs of many blocks --------------------------------------------------------------- */

struct jpeg_kind {
    size_t width, height;
    int horizontal, vertical;  /* luma samples a chroma sample */
    bool progressive;
    bool unrefined;            /* without the last bits: the library smooths the blocks */
    int restart;               /* blocks between two markers */
};

static void write_rows(struct jpeg_compress_struct *cinfo)
{
    unsigned char *row = malloc((size_t)cinfo->image_width * 3);
    uint32_t seed = cinfo->image_width;

    assert_non_null(row);
    for (JDIMENSION y = 0; y < cinfo->image_height; y++) {
        for (JDIMENSION x = 0; x < cinfo->image_width * 3; x++) {
            seed = seed * 1664525 + 1013904223;
            row[x] = (unsigned char)(x * 2 + y * (x % 3) + (seed >> 27));
        }
        jpeg_write_scanlines(cinfo, &row, 1);
    }
    free(row);
}

/* The scans of each colour, without the lowest bit of its coefficients. */
static const jpeg_scan_info rough_scans[] = {
    {.comps_in_scan = 3, .component_index = {0, 1, 2}, .Al = 0},
    {.comps_in_scan = 1, .component_index = {0}, .Ss = 1, .Se = 63, .Al = 1},
    {.comps_in_scan = 1, .component_index = {1}, .Ss = 1, .Se = 63, .Al = 1},
    {.comps_in_scan = 1, .component_index = {2}, .Ss = 1, .Se = 63, .Al = 1},
};

static size_t compress(const struct jpeg_kind *kind, unsigned char **bytes)
{
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr manager;
    unsigned long size = 0;

    cinfo.err = jpeg_std_error(&manager);
    jpeg_create_compress(&cinfo);
    *bytes = NULL;
    jpeg_mem_dest(&cinfo, bytes, &size);
    cinfo.image_width = (JDIMENSION)kind->width;
    cinfo.image_height = (JDIMENSION)kind->height;
    cinfo.input_components = 3;
    cinfo.in_color_space = JCS_RGB;
    jpeg_set_defaults(&cinfo);
    cinfo.comp_info[0].h_samp_factor = kind->horizontal;
    cinfo.comp_info[0].v_samp_factor = kind->vertical;
    cinfo.restart_interval = (unsigned)kind->restart;
    if (kind->progressive)
        jpeg_simple_progression(&cinfo);
    if (kind->unrefined) {
        cinfo.scan_info = rough_scans;
        cinfo.num_scans = sizeof rough_scans / sizeof rough_scans[0];
    }
    jpeg_start_compress(&cinfo, TRUE);
    write_rows(&cinfo);
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    return size;
}

static void test_many_blocks(void **state)
{
    static const struct jpeg_kind kinds[] = {
        {150, 130, 2, 2, .restart = 0},        {150, 130, 2, 1, .restart = 0},
        {150, 130, 1, 2, .restart = 0},        {150, 130, 1, 1, .restart = 0},
        {150, 130, 4, 1, .restart = 0},        {160, 128, 2, 2, .restart = 3},
        {161, 129, 2, 2, .progressive = true}, {161, 129, 2, 1, .progressive = true},
        {150, 130, 1, 1, .progressive = true}, {33, 200, 2, 2, .restart = 1},
        {200, 33, 2, 2, .progressive = true},  {150, 130, 2, 2, .unrefined = true},
        {150, 130, 1, 1, .unrefined = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        unsigned char *bytes;
        size_t size = compress(&kinds[i], &bytes);
        char what[64];

        snprintf(what, sizeof what, "%zu x %zu, %d x %d%s%s", kinds[i].width, kinds[i].height,
                 kinds[i].horizontal, kinds[i].vertical,
                 kinds[i].progressive ? ", progressive" : "",
                 kinds[i].unrefined ? ", unrefined" : "");
        check_windows(what, bytes, size);
        free(bytes);
    }
}

/* ---- damage outside of the window ------------------------------------------------------- */

static const struct image_window pixel = {.width = 1, .height = 1};

static void check_cuts(const char *name, const struct buffer *bytes)
{
    struct image image = {0};
    struct error error;

    if (strcmp(name, "garbage_tail.jpg") == 0)
        return;
    for (size_t size = 0; size < bytes->size; size++) {
        unsigned char *cut = malloc(size > 0 ? size : 1);

        assert_non_null(cut);
        if (size > 0)
            memcpy(cut, bytes->data, size);
        if (decode_window(cut, size, &pixel, &image, &error) == 0)
            fail_msg("%s is decoded from its first %zu of %zu bytes", name, size, bytes->size);
        free(cut);
    }
    image_release(&image);
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    each_file(check_cuts);
}

/* A flipped byte in the data behind the headers. */
static void check_verdicts(const unsigned char *bytes, size_t size)
{
    enum { FILES = 400, HEADERS = 700 };
    unsigned char *damaged = malloc(size);
    struct image whole = {0}, part = {0};
    struct error error, part_error;
    size_t refused = 0;

    assert_non_null(damaged);
    for (size_t file = 0; file < FILES; file++) {
        size_t at = HEADERS + file * (size - HEADERS) / FILES;
        int outcome;

        memcpy(damaged, bytes, size);
        damaged[at] ^= (unsigned char)(1 + file % 255);
        outcome = decode_whole(damaged, size, &whole, &error);
        assert_int_equal(decode_window(damaged, size, &pixel, &part, &part_error), outcome);
        if (outcome == 0)
            assert_true(is_same(&part, &whole, &pixel));
        else
            refused++;
    }
    assert_in_range(refused, 1, FILES - 1);
    image_release(&whole);
    image_release(&part);
    free(damaged);
}

static void test_verdict_is_that_of_the_whole(void **state)
{
    static const struct jpeg_kind kinds[] = {
        {150, 130, 2, 2, .restart = 0},
        {150, 130, 1, 1, .restart = 7},
        {150, 130, 2, 2, .progressive = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        unsigned char *bytes;
        size_t size = compress(&kinds[i], &bytes);

        check_verdicts(bytes, size);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_images),
        cmocka_unit_test(test_many_blocks),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_verdict_is_that_of_the_whole),
    };

    return cmocka_run_group_tests_name("decode_window", tests, NULL, NULL);
}
