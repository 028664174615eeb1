#include "common/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/helpers.h"

static void test_clean(void **state)
{
    static const char *const cases[][2] = {
        {"a", "a"},       {"./a", "a"},       {"a/", "a"},     {"a//b", "a/b"}, {"a/./b", "a/b"},
        {".", "."},       {"./", "."},        {"././.", "."},  {"/", "/"},      {"//", "/"},
        {"//a///b/", "/a/b"}, {"a/../b", "a/../b"}, {"..", ".."}, {"../", ".."}, {"./-", "-"},
        {".a/..b", ".a/..b"}, {"", ""},       {"/./", "/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[64];

        snprintf(path, sizeof path, "%s", cases[i][0]);
        path_clean(path);
        assert_string_equal(path, cases[i][1]);
    }
}

static void test_join(void **state)
{
    static const char *const cases[][3] = {
        {"a", "b", "a/b"},   {".", "b", "b"},   {"/", "b", "/b"},     {"a/", "./b", "a/b"},
        {"a", "/b", "/b"},   {"a", "../b", "a/../b"}, {".", ".", "."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error;
        char *path = path_join(cases[i][0], cases[i][1], &error);

        assert_string_equal(path, cases[i][2]);
        free(path);
    }
}

static void test_name(void **state)
{
    static const char *const cases[][2] = {
        {"a", "a"}, {"a/b", "b"}, {"/a", "a"}, {"./a.b/c.d", "c.d"}, {"a/", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(path_name(cases[i][0]), cases[i][1]);
}

static void test_folder(void **state)
{
    static const char *const cases[][2] = {
        {"a", "."}, {"a/b", "a"}, {"/a", "/"}, {"/a/b.csv", "/a"}, {"./a", "."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error;
        char *folder = path_folder(cases[i][0], &error);

        assert_string_equal(folder, cases[i][1]);
        free(folder);
    }
}

static void test_absolute(void **state)
{
    static const char *const cases[][2] = {
        {"/a/../b", "/b"}, {"/..", "/"}, {"/../../a", "/a"}, {"/a/b/../../c/.", "/c"},
        {"/a//b", "/a/b"}, {"/a/..b/...", "/a/..b/..."},
    };
    struct error error;
    char *path, current[4096];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        path = path_absolute(cases[i][0], &error);
        assert_string_equal(path, cases[i][1]);
        free(path);
    }
    assert_non_null(getcwd(current, sizeof current));
    path = path_absolute("x/../y", &error);
    assert_memory_equal(path, current, strlen(current));
    assert_string_equal(path + strlen(current), "/y");
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_absolute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
