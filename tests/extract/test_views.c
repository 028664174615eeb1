/* Views as texts, presets and files. */
#include "extract/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extract/geometry.h"
#include "tests/helpers.h"

static void test_names_are_canonical(void **state)
{
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"original", "original"},
        {"  original\t", "original"},
        {"flip", "flip"},
        {"crop=centre", "original"},
        {"crop=0:0:1:1,rotate=0,shift=0:0", "original"},
        {"crop=top-left", "crop=top-left"},
        {"flip,crop=bottom-right", "crop=bottom-right,flip"},
        {" flip , shift=0.10:-0 , rotate=-0.50, crop=2/6:0:1:4/6",
         "crop=1/3:0:1:2/3,rotate=-0.5,shift=0.1:0,flip"},
        {"crop=0.25:1/4:3/4:0.750000", "crop=0.25:0.25:0.75:0.75"},
        {"rotate=180", "rotate=180"},
        {"rotate=360/7", "rotate=360/7"},
        {"rotate=-179.999999", "rotate=-179.999999"},
        {"shift=-1:0.000001", "shift=-1:0.000001"},
        {"crop=999998/999999:0:1:1,rotate=-179999819/999999", NULL},
        {"crop=1/999999:1/999998:999998/999999:999997/999998,rotate=-999983/5557,"
         "shift=-999998/999999:-1/999999,flip",
         "crop=1/999999:1/999998:999998/999999:999997/999998,rotate=-999983/5557,"
         "shift=-999998/999999:-1/999999,flip"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct view view, again;
        struct error error;

        if (cases[i].name == NULL) {
            assert_int_equal(view_parse(cases[i].text, &view, &error), FAILED);
            continue;
        }
        if (view_parse(cases[i].text, &view, &error) < 0)
            fail_msg("%s", error.text);
        assert_string_equal(view.name, cases[i].name);
        assert_int_equal(view_parse(view.name, &again, &error), 0);
        assert_string_equal(again.name, view.name);
        assert_true(view_is_twin(&view, &again));
    }
}

static void test_what_is_no_view(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "'' is no part of a view"},
        {"mirror", "'mirror' is no part of a view"},
        {"flip,", "'' is no part of a view"},
        {"flip,flip", "'flip' twice in a view"},
        {"flip=1", "'flip=1' is no part of a view"},
        {"original,flip", "'original' is no part of a view"},
        {"cropped=1", "'cropped=1' is no part of a view"},
        {"crop", "'crop' is no part of a view"},
        {"crop=top-left,crop=0:0:1:1", "'crop' twice in a view"},
        {"crop=left", "'crop=left': crop takes LEFT:TOP:RIGHT:BOTTOM"},
        {"crop=0:0:1", "crop takes LEFT:TOP:RIGHT:BOTTOM"},
        {"crop=0:0:1:1:1", "crop takes LEFT:TOP:RIGHT:BOTTOM"},
        {"crop=0:0:1:", "crop takes LEFT:TOP:RIGHT:BOTTOM"},
        {"crop=0:0:1:2", "edges are shares from 0 to 1"},
        {"crop=-0.1:0:1:1", "edges are shares from 0 to 1"},
        {"crop=0.5:0:0.5:1", "'crop=0.5:0:0.5:1' is empty"},
        {"crop=0:2/3:1:1/3", "is empty"},
        {"crop=0:0:1/0:1", "crop takes"},
        {"crop=0:0:1:0.1234567", "crop takes"},
        {"crop=0:0:1:1/1000001", "crop takes"},
        {"crop=0:0:1:0x1", "crop takes"},
        {"crop=0:0:1:1e0", "crop takes"},
        {"crop=0:0:1: 1", "crop takes"},
        {"rotate=", "rotate takes degrees"},
        {"rotate=-180", "rotate takes degrees above -180 and up to 180"},
        {"rotate=180.1", "rotate takes degrees"},
        {"rotate=nan", "rotate takes degrees"},
        {"rotate=inf", "rotate takes degrees"},
        {"rotate=--1", "rotate takes degrees"},
        {"rotate=1.", "rotate takes degrees"},
        {"rotate=.5", "rotate takes degrees"},
        {"rotate=99999999999999999999999999", "rotate takes degrees"},
        {"shift=0.1", "shift takes RIGHT:DOWN"},
        {"shift=1.1:0", "shift takes RIGHT:DOWN"},
        {"shift=0:-1.000001", "shift takes RIGHT:DOWN"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct view view;
        struct error error = {""};

        if (view_parse(cases[i].text, &view, &error) != FAILED)
            fail_msg("'%s' became '%s'", cases[i].text, view.name);
        if (strstr(error.text, cases[i].message) == NULL)
            fail_msg("'%s': %s", cases[i].text, error.text);
    }
}

static void join(const struct views *views, char *text, size_t size)
{
    size_t used = 0;

    *text = '\0';
    for (size_t i = 0; i < views->count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "",
                                 views->items[i].name);
}

static void test_presets(void **state)
{
    static const char *const wanted[] = {
        [VIEWS_NONE] = "original",
        [VIEWS_FLIP] = "original flip",
        [VIEWS_FIVE_CROP] = "original crop=top-left crop=top-right crop=bottom-left "
                            "crop=bottom-right",
        [VIEWS_TEN_CROP] = "original flip crop=top-left crop=top-left,flip crop=top-right "
                           "crop=top-right,flip crop=bottom-left crop=bottom-left,flip "
                           "crop=bottom-right crop=bottom-right,flip",
        [VIEWS_RAZAVIAN] = "original flip crop=0:0:2/3:2/3 crop=0:0:2/3:2/3,flip "
                           "crop=1/3:0:1:2/3 crop=1/3:0:1:2/3,flip crop=0:1/3:2/3:1 "
                           "crop=0:1/3:2/3:1,flip crop=1/3:1/3:1:1 crop=1/3:1/3:1:1,flip "
                           "crop=1/6:1/6:5/6:5/6 crop=1/6:1/6:5/6:5/6,flip rotate=30 "
                           "rotate=30,flip rotate=-30 rotate=-30,flip",
    };
    char text[2048];

    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct views views;

        assert_non_null(views_presets[i]);
        views_preset(i, &views);
        join(&views, text, sizeof text);
        assert_string_equal(text, wanted[i]);
    }
    assert_null(views_presets[sizeof wanted / sizeof *wanted]);
}

/* A file of so many different views. */
static void write_many(const char *path, int count)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (int i = 1; i <= count; i++)
        fprintf(file, "rotate=%d\n", i);
    assert_int_equal(fclose(file), 0);
}

static void test_files(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;          /* 0: a text */
        const char *views;    /* or NULL */
        const char *message;
    } cases[] = {
        {"flip\n", 0, "original flip", NULL},
        {"flip", 0, "original flip", NULL},
        {"\xef\xbb\xbf# comment\r\n\r\n  rotate=5 , flip # and more\r\nrotate=5\r\n", 0,
         "original rotate=5,flip rotate=5", NULL},
        {"rotate=5\nrotate=6\nrotate=5,flip\nflip\noriginal\n", 0,
         "original flip rotate=5 rotate=5,flip rotate=6", NULL},
        {"original\n", 0, "original", NULL},
        {"", 0, NULL, "'%s': no view in it"},
        {"# none\n\n", 0, NULL, "'%s': no view in it"},
        {"flip\n\nspin\n", 0, NULL, "'%s' line 3: 'spin' is no part of a view"},
        {"flip rotate=3\n", 0, NULL, "'%s' line 1: 'flip rotate=3' is no part of a view"},
        {"flip\rrotate=3\n", 0, NULL, "'%s' line 1: 'flip\\x0drotate=3' is no part of a view"},
        {"rotate=200", 0, NULL, "'%s' line 1: 'rotate=200': rotate takes"},
        {"flip\ncrop=centre,flip\n", 0, NULL, "'%s' line 2: the view 'flip' is in line 1 already"},
        {"original\n\noriginal", 0, NULL, "'%s' line 3: the view 'original' is in line 1 already"},
        {"flip\0\n", 6, NULL, "'%s' is no file of views: it holds a NUL"},
        {"\x1b[2J\n", 0, NULL, "'%s' line 1: '\\x1b[2J' is no part of a view"},
        {"crop=0000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "00000000000000000000000000000000:0:1:1", 0, NULL, "' is too long for a view"},
    };
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "views.txt");
    struct views views;
    struct error error;
    char text[2048];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = cases[i].size > 0 ? cases[i].size : strlen(cases[i].bytes);

        write_file(path, cases[i].bytes, size);
        if (cases[i].views != NULL) {
            if (views_read(path, &views, &error) < 0)
                fail_msg("case %zu: %s", i, error.text);
            join(&views, text, sizeof text);
            assert_string_equal(text, cases[i].views);
            continue;
        }
        assert_int_equal(views_read(path, &views, &error), FAILED);
        snprintf(text, sizeof text, "%s", cases[i].message);
        if (strncmp(text, "'%s'", 4) == 0)
            snprintf(text, sizeof text, "'%s'%s", path, cases[i].message + 4);
        if (strstr(error.text, text) == NULL)
            fail_msg("case %zu: %s", i, error.text);
    }
    write_many(path, VIEWS_MOST - 1);
    assert_int_equal(views_read(path, &views, &error), 0);
    assert_int_equal(views.count, VIEWS_MOST);
    write_many(path, VIEWS_MOST);
    assert_int_equal(views_read(path, &views, &error), FAILED);
    assert_non_null(strstr(error.text, "line 64: more than 64 views"));
    assert_int_equal(views_read(folder, &views, &error), FAILED);
    scratch_remove(folder);
}

/* ---- where the pixels are --------------------------------------------------------------- */

static void test_parts_of_an_image(void **state)
{
    static const struct {
        const char *view;
        size_t width, height;
        struct image_window part;
    } cases[] = {
        {"original", 7, 5, {0, 0, 7, 5}},
        {"crop=0:0:2/3:2/3", 500, 375, {0, 0, 333, 250}},
        {"crop=1/3:1/3:1:1", 500, 375, {167, 125, 333, 250}},
        {"crop=1/6:1/6:5/6:5/6", 500, 375, {83, 63, 334, 250}},
        {"crop=0.5:0:1:0.5", 1, 1, {0, 0, 1, 1}},
        {"crop=0.5:0.5:0.500001:0.500001", 10, 3, {5, 2, 1, 1}},
        {"crop=0.999999:0:1:1", 10, 3, {9, 0, 1, 3}},
        {"crop=1/3:0:2/3:1", 1000000, 2, {333333, 0, 333334, 2}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image_window part;
        struct view view;
        struct error error;

        assert_int_equal(view_parse(cases[i].view, &view, &error), 0);
        part = view_part(&view, cases[i].width, cases[i].height);
        assert_memory_equal(&part, &cases[i].part, sizeof part);
    }
}

static void test_places_need_room(void **state)
{
    static const struct {
        const char *rule;
        size_t preset;
        int outcome;
    } cases[] = {
        {"torchvision", VIEWS_TEN_CROP, 0},
        {"torchvision,resize=224", VIEWS_FIVE_CROP, 0},
        {"keras-tf", VIEWS_FIVE_CROP, FAILED},
        {"keras-tf", VIEWS_RAZAVIAN, 0},
        {"keras-tf,resize=256", VIEWS_FIVE_CROP, 0},
        {"keras-tf,fit=pad", VIEWS_TEN_CROP, FAILED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct preprocess_rule rule;
        struct views views;
        struct error error;

        assert_int_equal(rule_parse(cases[i].rule, "torchvision", 0, 0, &rule, &error), 0);
        views_preset(cases[i].preset, &views);
        assert_int_equal(geometry_check(&views, &rule, &error), cases[i].outcome);
        if (cases[i].outcome < 0)
            assert_non_null(strstr(error.text, "say --preprocess resize=256"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_canonical), cmocka_unit_test(test_what_is_no_view),
        cmocka_unit_test(test_presets),             cmocka_unit_test(test_files),
        cmocka_unit_test(test_parts_of_an_image),   cmocka_unit_test(test_places_need_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
