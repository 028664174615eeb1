/*
 * Resizing against Pillow, OpenCV and a model of TensorFlow, to the bit where they give bytes;
 * geometry and arithmetic of whole rules.
 */
#include "extract/preprocess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/extract/golden_images.h"

static struct preprocess *prepare(const char *text, struct preprocess_rule *rule)
{
    struct preprocess *preprocess;
    struct error error;

    if (rule_parse(text, "torchvision", 0, 0, rule, &error) < 0 ||
        preprocess_create(rule, &preprocess, &error) < 0)
        fail_msg("%s", error.text);
    return preprocess;
}

static size_t elements_of(const struct preprocess_rule *rule)
{
    return rule->height * rule->width * 3;
}

static struct view view_of(const char *text)
{
    struct view view;
    struct error error;

    if (view_parse(text, &view, &error) < 0)
        fail_msg("%s", error.text);
    return view;
}

static void check_bytes(const char *text, const char *view_text, const struct image *image,
                        const unsigned char *wanted, size_t *at)
{
    struct preprocess_rule rule;
    struct preprocess *preprocess = prepare(text, &rule);
    const struct view view = view_of(view_text);
    size_t elements = elements_of(&rule);
    unsigned char *crop = malloc(elements);
    struct error error;

    assert_non_null(crop);
    assert_int_equal(preprocess_crop(preprocess, image, &view, crop, &error), 0);
    for (size_t i = 0; i < elements; i++)
        if (crop[i] != wanted[*at + i])
            fail_msg("%s, %s of %zu x %zu: %d instead of %d at %zu", text, view_text, image->width,
                     image->height, crop[i], wanted[*at + i], i);
    *at += elements;
    free(crop);
    preprocess_free(preprocess);
}

static void check_floats(const char *text, const char *view_text, const struct image *image,
                         const float *wanted, size_t *at)
{
    const struct view view = view_of(view_text);
    const struct view_list views = {{&view}, 1};
    struct preprocess_rule rule;
    struct preprocess *preprocess;
    struct error error;
    char plain[RULE_TEXT];
    size_t elements;
    float *out;

    snprintf(plain, sizeof plain, "%s,scale=1,mean=0,deviation=1", text);
    preprocess = prepare(plain, &rule);
    elements = elements_of(&rule);
    out = malloc(elements * sizeof *out);
    assert_non_null(out);
    assert_int_equal(preprocess_views(preprocess, image, &views, out, &error), 0);
    for (size_t i = 0; i < elements; i++)
        if (!(fabsf(out[i] - wanted[*at + i]) <= 1e-4f))
            fail_msg("%s, %s of %zu x %zu: %g instead of %g at %zu", text, view_text,
                     image->width, image->height, (double)out[i], (double)wanted[*at + i], i);
    *at += elements;
    free(out);
    preprocess_free(preprocess);
}

/* A table of cases: file, rule, view if it has any, and the kind of what is expected. */
static void check_table(const char *table_name, const char *crops_name, const char *floats_name,
                        bool has_views)
{
    struct npy crops = golden_array(crops_name, NPY_UINT8);
    struct npy floats = golden_array(floats_name, NPY_FLOAT32);
    FILE *table = golden_table(table_name);
    struct image image = {0};
    size_t byte_at = 0, float_at = 0;
    char name[64], rule[256], view[VIEW_NAME] = "original", kind[16];

    while (fscanf(table, "%63s %255s", name, rule) == 2) {
        assert_true(!has_views || fscanf(table, "%191s", view) == 1);
        assert_int_equal(fscanf(table, "%15s", kind), 1);
        golden_decode(name, &image);
        if (strcmp(kind, "bytes") == 0)
            check_bytes(rule, view, &image, crops.data, &byte_at);
        else
            check_floats(rule, view, &image, floats.data, &float_at);
    }
    assert_int_equal(byte_at, crops.count);
    assert_int_equal(float_at, floats.count);
    fclose(table);
    image_release(&image);
    npy_release(&crops);
    npy_release(&floats);
}

static void test_resizes_as_the_models_do(void **state)
{
    (void)state;
    check_table("resized.tsv", "crops.npy", "floats.npy", false);
}

/* Every view with every kind of rule, step by step as Pillow does it. */
static void test_views_as_pillow_does(void **state)
{
    (void)state;
    check_table("views.tsv", "view-crops.npy", "view-floats.npy", true);
}

/* What lies outside of the window that the crops of some views ask for has no part in them. */
static void check_window(const char *text, const struct view_list *views, struct image *image)
{
    struct preprocess_rule rule;
    struct preprocess *preprocess = prepare(text, &rule);
    const struct preprocess_window asked = {preprocess, views};
    struct image_window window = preprocess_window(&asked, image->width, image->height);
    size_t elements = views->count * elements_of(&rule);
    float *whole = malloc(2 * elements * sizeof *whole), *part = whole + elements;
    struct error error;

    assert_non_null(whole);
    assert_in_range(window.width, 1, image->width - window.left);
    assert_in_range(window.height, 1, image->height - window.top);
    assert_int_equal(preprocess_views(preprocess, image, views, whole, &error), 0);
    for (size_t y = 0; y < image->height; y++)
        for (size_t x = 0; x < image->width; x++)
            if (y < window.top || y >= window.top + window.height || x < window.left ||
                x >= window.left + window.width)
                memset(image->pixels + (y * image->width + x) * IMAGE_CHANNELS,
                       (int)(x * 50 + y * 70), IMAGE_CHANNELS);
    assert_int_equal(preprocess_views(preprocess, image, views, part, &error), 0);
    if (memcmp(whole, part, elements * sizeof *whole) != 0)
        fail_msg("%s, %zu views from %s of %zu x %zu depend on more than their window", text,
                 views->count, views->items[0]->name, image->width, image->height);
    free(whole);
    preprocess_free(preprocess);
}

/* The views of a window test: alone, and several together. */
static const char *const view_sets[][3] = {
    {"original"},
    {"crop=top-left", "crop=bottom-left,flip"},
    {"rotate=30"},
    {"crop=1/3:0.2:0.9:1,rotate=-100,shift=0.2:-0.3", "crop=0:0:0.1:0.1", "shift=1:1"},
};

static void check_windows(const char *text, const char *name)
{
    for (size_t i = 0; i < sizeof view_sets / sizeof *view_sets; i++) {
        struct image image = {0};
        struct view views[3];
        struct view_list list = {.count = 0};

        for (; list.count < 3 && view_sets[i][list.count] != NULL; list.count++) {
            views[list.count] = view_of(view_sets[i][list.count]);
            list.items[list.count] = &views[list.count];
        }
        golden_decode(name, &image);
        check_window(text, &list, &image);
        image_release(&image);
    }
}

static void test_window_is_enough(void **state)
{
    static const char *const filters[] = {"nearest", "bilinear", "bicubic", "lanczos",
                                          "opencv-linear", "tf1-bilinear", "half-pixel-bilinear"};
    static const char *const shapes[] = {
        "fit=shorter-side,resize=12x12,crop=5x3", "fit=shorter-side,resize=90x90,crop=20x31",
        "fit=squash,resize=40x40,crop=9x9", "fit=squash,resize=200x7,crop=11x3",
        "fit=squash,resize=10x10,crop=10x10", "fit=pad,resize=30x30,crop=12x12"};
    FILE *table = golden_table("cases.tsv");
    size_t width, height;
    char name[64], text[RULE_TEXT];

    (void)state;
    while (fscanf(table, "%63s %zu %zu", name, &width, &height) == 3)
        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
            for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++) {
                snprintf(text, sizeof text, "keras-raw,%s,filter=%s", shapes[j], filters[i]);
                check_windows(text, name);
            }
    fclose(table);
}

/* The same numbers whether views are made one by one or together, with the twin before or not. */
static void test_views_do_not_depend_on_each_other(void **state)
{
    static const char *const rules[] = {"torchvision,crop=9,resize=12",
                                        "tensorflow-mobilenet,crop=9,resize=12"};
    struct image image = {0};
    struct views views;

    (void)state;
    golden_decode("wide.png", &image);
    views_preset(VIEWS_RAZAVIAN, &views);
    assert_int_equal(views.count, 16);
    for (size_t r = 0; r < 2; r++) {
        struct preprocess_rule rule;
        struct preprocess *preprocess = prepare(rules[r], &rule);
        struct view_list list = {.count = views.count};
        float out[16][9][9][3], one[9][9][3];
        struct error error;

        for (size_t i = 0; i < views.count; i++)
            list.items[i] = &views.items[i];
        assert_int_equal(preprocess_views(preprocess, &image, &list, &out[0][0][0][0], &error), 0);
        for (size_t i = 0; i < views.count; i++) {
            const struct view_list alone = {{&views.items[i]}, 1};

            assert_int_equal(preprocess_views(preprocess, &image, &alone, &one[0][0][0], &error),
                             0);
            assert_memory_equal(one, out[i], sizeof one);
            for (int y = 0; y < 9 && i % 2 == 1; y++)
                for (int x = 0; x < 9; x++)
                    assert_memory_equal(out[i][y][x], out[i - 1][y][8 - x], sizeof out[i][y][x]);
        }
        assert_int_equal(preprocess_image(preprocess, &image, &one[0][0][0], &error), 0);
        assert_memory_equal(one, out[0], sizeof one);
        preprocess_free(preprocess);
    }
    image_release(&image);
}

/* The same size in and out: every filter gives the pixels back. */
static void test_no_resize_changes_nothing(void **state)
{
    static const char *const filters[] = {"nearest", "bilinear", "bicubic", "lanczos",
                                          "opencv-linear", "tf1-bilinear", "half-pixel-bilinear"};
    unsigned char pixels[5 * 7 * 3];
    const struct image image = {.pixels = pixels, .width = 7, .height = 5};

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 97);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct preprocess_rule rule;
        struct preprocess *preprocess;
        struct error error;
        float out[5 * 7 * 3];
        char text[RULE_TEXT];

        snprintf(text, sizeof text, "keras-raw,resize=5x7,crop=5x7,filter=%s", filters[i]);
        preprocess = prepare(text, &rule);
        assert_int_equal(preprocess_image(preprocess, &image, out, &error), 0);
        for (size_t j = 0; j < sizeof pixels; j++)
            assert_true((unsigned char)lrintf(out[j]) == pixels[j]);
        preprocess_free(preprocess);
    }
}

/* A gray rule gives what one channel of the image that Pillow's formula makes gray gives. */
static void test_gray(void **state)
{
    static const char *const rules[] = {
        "torchvision,resize=12,crop=9,mean=0.3,deviation=0.25",
        "tensorflow-mobilenet,resize=20,crop=9",
        "keras-raw,resize=9,crop=9"};
    static const char *const names[] = {"rgb_444.jpg", "wide.png", "grey.jpg"};
    struct image image = {0};
    struct views views;
    struct view_list list = {.count = 0};

    (void)state;
    views_preset(VIEWS_RAZAVIAN, &views);
    for (; list.count < views.count; list.count++)
        list.items[list.count] = &views.items[list.count];
    for (size_t i = 0; i < 9; i++) {
        struct preprocess_rule rule, gray_rule;
        struct preprocess *colour = prepare(rules[i / 3], &rule), *gray;
        float wanted[16][9 * 9][3], out[16][9 * 9];
        char text[RULE_TEXT];
        struct error error;

        snprintf(text, sizeof text, "%s,order=gray", rules[i / 3]);
        gray = prepare(text, &gray_rule);
        golden_decode(names[i % 3], &image);
        assert_int_equal(preprocess_views(gray, &image, &list, out[0], &error), 0);
        for (size_t at = 0; at < image.width * image.height * 3; at += 3) {
            unsigned char *pixel = image.pixels + at;

            memset(pixel, (int)lround((pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471) /
                                      65536.0), 3);
        }
        assert_int_equal(preprocess_views(colour, &image, &list, wanted[0][0], &error), 0);
        for (size_t view = 0; view < 16; view++)
            for (size_t at = 0; at < 9 * 9; at++)
                if (fabsf(out[view][at] - wanted[view][at][0]) > 1e-6f)
                    fail_msg("%s, %s: %g instead of %g", text, views.items[view].name,
                             (double)out[view][at], (double)wanted[view][at][0]);
        preprocess_free(colour);
        preprocess_free(gray);
    }
    image_release(&image);
}

static void test_arithmetic(void **state)
{
    static const struct {
        const char *rule;
        double wanted[3];  /* for the pixel 10, 100, 200 */
    } cases[] = {
        {"torchvision",
         {(10 / 255.0 - 0.485) / 0.229, (100 / 255.0 - 0.456) / 0.224,
          (200 / 255.0 - 0.406) / 0.225}},
        {"torchvision-tf", {10 / 127.5 - 1, 100 / 127.5 - 1, 200 / 127.5 - 1}},
        {"keras-caffe", {200 - 103.939, 100 - 116.779, 10 - 123.68}},
        {"keras-raw", {10, 100, 200}},
        {"caffe-alexnet", {200 - 104, 100 - 117, 10 - 123}},
        {"caffe-mobilenet",
         {(200 - 103.94) * 0.017, (100 - 116.78) * 0.017, (10 - 123.68) * 0.017}},
        {"tensorflow-inception-2015", {(10 - 128) / 128.0, (100 - 128) / 128.0, 72 / 128.0}},
        {"tensorflow-mobilenet", {10 / 127.5 - 1, 100 / 127.5 - 1, 200 / 127.5 - 1}},
        {"onnx-resnet-caffe2",
         {(200 / 255.0 - 0.406) / 0.225, (100 / 255.0 - 0.456) / 0.224,
          (10 / 255.0 - 0.485) / 0.229}},
        {"efficientnet-lite", {(10 - 127) / 128.0, (100 - 127) / 128.0, (200 - 127) / 128.0}},
    };
    unsigned char pixel[] = {10, 100, 200};
    const struct image image = {.pixels = pixel, .width = 1, .height = 1};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct preprocess_rule rule;
        struct preprocess *preprocess;
        struct error error;
        float out[4 * 4 * 3];
        char text[RULE_TEXT];

        snprintf(text, sizeof text, "%s,crop=4,resize=4", cases[i].rule);
        preprocess = prepare(text, &rule);
        assert_int_equal(preprocess_image(preprocess, &image, out, &error), 0);
        for (size_t j = 0; j < sizeof out / sizeof *out; j++)
            if (fabs((double)out[j] - cases[i].wanted[j % 3]) > 1e-5)
                fail_msg("%s: %g instead of %g", cases[i].rule, (double)out[j],
                         cases[i].wanted[j % 3]);
        preprocess_free(preprocess);
    }
}

/* Black around an image that is smaller than the crop goes through the arithmetic too. */
static void test_padding(void **state)
{
    static const char *const rules[] = {
        "fit=shorter-side,resize=2,crop=4x5,filter=bilinear,scale=1,mean=3,deviation=1",
        "fit=shorter-side,resize=2,crop=4x5,filter=tf1-bilinear,scale=1,mean=3,deviation=1",
        "fit=pad,resize=2x2,crop=4x5,filter=opencv-linear,scale=1,mean=3,deviation=1",
    };
    unsigned char pixels[3 * 3 * 3];
    const struct image image = {.pixels = pixels, .width = 3, .height = 3};

    (void)state;
    memset(pixels, 50, sizeof pixels);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct preprocess_rule rule;
        struct preprocess *preprocess = prepare(rules[i], &rule);
        struct error error;
        float out[4][5][3];

        assert_int_equal(preprocess_image(preprocess, &image, &out[0][0][0], &error), 0);
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 5; x++)
                for (int channel = 0; channel < 3; channel++) {
                    /* Two pixels of five begin at one, of four at one. */
                    bool inside = y >= 1 && y < 3 && x >= 1 && x < 3;

                    assert_int_equal(lrintf(out[y][x][channel]), inside ? 47 : -3);
                }
        preprocess_free(preprocess);
    }
}

/* Proportions that would ask for billions of pixels if the whole image were resized. */
static void test_extreme_proportions(void **state)
{
    static const size_t sizes[][2] = {{1, 1},     {3, 900},     {900, 3},     {20000, 1},
                                      {1, 20000}, {2000000, 1}, {1, 1000000}, {2, 65535}};
    static const char *const fits[] = {"shorter-side", "squash", "pad"};
    static const char *const filters[] = {"nearest", "bilinear", "lanczos", "opencv-linear",
                                          "tf1-bilinear", "half-pixel-bilinear"};
    unsigned char *pixels = malloc((size_t)6000000);

    (void)state;
    assert_non_null(pixels);
    memset(pixels, 200, 6000000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < 3 * sizeof filters / sizeof *filters; j++) {
            const struct image image = {
                .pixels = pixels, .width = sizes[i][0], .height = sizes[i][1]};
            struct preprocess_rule rule;
            struct preprocess *preprocess;
            struct error error;
            float out[24 * 20 * 3];
            size_t coloured = 0;
            char text[RULE_TEXT];

            snprintf(text, sizeof text, "keras-raw,fit=%s,crop=24x20,resize=26,filter=%s",
                     fits[j % 3], filters[j / 3]);
            preprocess = prepare(text, &rule);
            if (preprocess_image(preprocess, &image, out, &error) < 0)
                fail_msg("%s of %zu x %zu: %s", text, image.width, image.height, error.text);
            /* One colour stays that colour, and padding is black. */
            for (size_t k = 0; k < sizeof out / sizeof *out; k++) {
                assert_true(lrintf(out[k]) == 200 || (j % 3 == 2 && lrintf(out[k]) == 0));
                coloured += lrintf(out[k]) == 200;
            }
            assert_true(j % 3 == 2 ? coloured >= 20 * 3 : coloured == 24 * 20 * 3);
            preprocess_free(preprocess);
        }
    free(pixels);
}

/* Views of such images stay within the crop's memory, and within the image's colours. */
static void test_views_of_extreme_proportions(void **state)
{
    static const size_t sizes[][2] = {{1, 1}, {3, 900}, {20000, 1}, {1, 1000000}};
    static const char *const rules[] = {
        "keras-raw,fit=shorter-side,crop=24x20,resize=26,filter=bilinear",
        "keras-raw,fit=squash,crop=24x20,resize=26,filter=tf1-bilinear",
        "keras-raw,fit=pad,crop=24x20,resize=26,filter=nearest"};
    static const char *const texts[] = {
        "crop=0.4:0.4:0.6:0.6,rotate=45,flip", "crop=bottom-right,rotate=-91.5", "shift=-1:1",
        "crop=0.999999:0:1:1,rotate=180,shift=0.5:-0.5"};
    unsigned char *pixels = malloc((size_t)3000000);
    size_t coloured = 0;

    (void)state;
    assert_non_null(pixels);
    memset(pixels, 200, 3000000);
    for (size_t i = 0; i < 4 * 3 * 4; i++) {
        const struct image image = {
            .pixels = pixels, .width = sizes[i / 12][0], .height = sizes[i / 12][1]};
        const struct view view = view_of(texts[i % 4]);
        const struct view_list views = {{&view}, 1};
        struct preprocess_rule rule;
        struct preprocess *preprocess = prepare(rules[i / 4 % 3], &rule);
        struct error error;
        float out[24 * 20 * 3];

        if (preprocess_views(preprocess, &image, &views, out, &error) < 0)
            fail_msg("%s", error.text);
        for (size_t k = 0; k < sizeof out / sizeof *out; k++) {
            assert_true(out[k] >= 0 && out[k] <= 200);
            coloured += lrintf(out[k]) == 200;
        }
        preprocess_free(preprocess);
    }
    assert_true(coloured > 10000);
    free(pixels);
}

/* The reference photos' centre crops, as Pillow makes them. */
static void test_reference_crops(void **state)
{
    const char *path = test_data("reference/crops_224.npy"), *list;
    struct preprocess_rule rule;
    struct preprocess *preprocess;
    struct buffer bytes = {0};
    struct image image = {0};
    struct decode_info info;
    struct error error;
    struct npy crops;
    char line[512], name[1024];
    size_t index = 0, size = (size_t)224 * 224 * 3;
    const struct view original = view_of("original");
    unsigned char *crop;
    FILE *table;

    (void)state;
    if (path == NULL)
        skip();
    assert_int_equal(npy_read(path, &crops, &error), 0);
    list = test_data("reference/images.txt");
    assert_non_null(list);
    table = fopen(list, "r");
    assert_non_null(table);
    crop = malloc(size);
    assert_non_null(crop);
    preprocess = prepare("torchvision", &rule);
    for (; fgets(line, sizeof line, table) != NULL; index++) {
        const unsigned char *wanted = (const unsigned char *)crops.data + index * size;
        int largest = 0;

        line[strcspn(line, "\n")] = '\0';
        snprintf(name, sizeof name, "%s", line);
        assert_in_range(index, 0, crops.shape[0] - 1);
        assert_int_equal(file_read(test_data(name), 1 << 26, &bytes, NULL, &error), 0);
        assert_int_equal(decode_image(name, bytes.data, bytes.size, &(struct decode_limits){0},
                                      &image, &info, &error), 0);
        assert_int_equal(preprocess_crop(preprocess, &image, &original, crop, &error), 0);
        for (size_t i = 0; i < size; i++)
            if (abs(crop[i] - wanted[i]) > largest)
                largest = abs(crop[i] - wanted[i]);
        /* Another build of libjpeg may round one value otherwise; this one is exact. */
        if (largest > 1)
            fail_msg("%s: a value differs by %d from Pillow's", name, largest);
    }
    assert_int_equal(index, crops.shape[0]);
    fclose(table);
    free(crop);
    preprocess_free(preprocess);
    npy_release(&crops);
    buffer_release(&bytes);
    image_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resizes_as_the_models_do),
        cmocka_unit_test(test_views_as_pillow_does),
        cmocka_unit_test(test_window_is_enough),
        cmocka_unit_test(test_views_do_not_depend_on_each_other),
        cmocka_unit_test(test_no_resize_changes_nothing),
        cmocka_unit_test(test_gray),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_extreme_proportions),
        cmocka_unit_test(test_views_of_extreme_proportions),
        cmocka_unit_test(test_reference_crops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
