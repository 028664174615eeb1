#include "classify/units.h"

#include <stdlib.h>
#include <string.h>

#include "tests/classify/clouds.h"

static void expect_units(const struct clouds *clouds, const size_t *units, size_t count,
                         size_t unit_count)
{
    assert_int_equal(clouds->dataset.unit_count, unit_count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(clouds->samples[i].unit, units[i]);
}

static void free_groups(struct clouds *clouds)
{
    for (size_t i = 0; i < clouds->dataset.count; i++) {
        free(clouds->samples[i].group);
        clouds->samples[i].group = NULL;
    }
}

static void test_pairs_are_joined(void **state)
{
    static const size_t first[] = {0, 1, 2, 1, 3, 0}, second[] = {0, 0, 1, 0, 2, 0};
    static const struct sample_pair pairs[] = {{.a = 1, .b = 3}, {.a = 5, .b = 0}};
    static const struct sample_pair more[] = {{.a = 3, .b = 5}};
    struct clouds *clouds = clouds_make(6, 2, 1, 1);
    struct error error;

    (void)state;
    assert_int_equal(units_number(&clouds->dataset, &error), 0);
    assert_int_equal(clouds->dataset.unit_count, 6);
    assert_int_equal(units_join(&clouds->dataset, pairs, 2, &error), 0);
    expect_units(clouds, first, 6, 4);
    /* What was joined stays so. */
    assert_int_equal(units_join(&clouds->dataset, more, 1, &error), 0);
    expect_units(clouds, second, 6, 3);
    free(clouds);
}

/* After samples are gone, numbers are without gaps again. */
static void test_numbers_after_samples_are_gone(void **state)
{
    static const size_t units[] = {0, 1, 2};
    struct clouds *clouds = clouds_make(6, 2, 1, 1);
    struct error error;

    (void)state;
    memmove(clouds->samples, clouds->samples + 3, 3 * sizeof clouds->samples[0]);
    clouds->dataset.count = 3;
    assert_int_equal(units_join(&clouds->dataset, NULL, 0, &error), 0);
    expect_units(clouds, units, 3, 3);
    free(clouds);
}

static void test_groups_out_of_paths(void **state)
{
    static const struct {
        const char *paths[4], *expression, *groups[4];
    } cases[] = {
        {{"a/nest1_01.jpg", "a/nest1_02.jpg", "b/nest2_01.jpg", "b/x.jpg"}, "(nest[0-9]+)_",
         {"nest1", "nest1", "nest2", NULL}},
        {{"a/1.jpg", "b/1.jpg", "b/2.jpg", "c"}, "[0-9]+", {"1", "1", "2", NULL}},
        {{"k1", "k", "j", "j9"}, "^k([0-9]*)", {"1", NULL, NULL, NULL}},
        {{"p\xc3\xa4ir-1", "p\xc3\xa4ir-2", "x", "y"}, "^(.*)-[0-9]$",
         {"p\xc3\xa4ir", "p\xc3\xa4ir", NULL, NULL}},
        {{"left", "right", "x", "y"}, "(left)|(right)", {"left", "right", NULL, NULL}},
    };

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct clouds *clouds = clouds_make(4, 2, 1, 1);
        struct error error;

        clouds->samples[3].group = strdup("from the store");
        for (size_t i = 0; i < 4; i++)
            snprintf(clouds->paths[i], sizeof clouds->paths[i], "%s", cases[c].paths[i]);
        assert_int_equal(units_group_by(&clouds->dataset, cases[c].expression, &error), 0);
        for (size_t i = 0; i < 4; i++) {
            if (cases[c].groups[i] == NULL)
                assert_null(clouds->samples[i].group);
            else
                assert_string_equal(clouds->samples[i].group, cases[c].groups[i]);
        }
        free_groups(clouds);
        free(clouds);
    }
}

static void test_expressions_that_are_none(void **state)
{
    struct clouds *clouds = clouds_make(4, 2, 1, 1);
    struct error error;

    (void)state;
    assert_int_equal(units_group_by(&clouds->dataset, "(", &error), FAILED);
    assert_non_null(strstr(error.text, "--group-by takes a POSIX extended regular expression, not "
                                       "'(': "));
    assert_int_equal(units_group_by(&clouds->dataset, "nothing", &error), FAILED);
    assert_string_equal(error.text, "--group-by 'nothing' matches no path; the first is "
                                    "'c0/000.jpg'");
    free(clouds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_are_joined),
        cmocka_unit_test(test_numbers_after_samples_are_gone),
        cmocka_unit_test(test_groups_out_of_paths),
        cmocka_unit_test(test_expressions_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
