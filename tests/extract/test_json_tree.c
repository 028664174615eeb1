#include <stdlib.h>
#include <string.h>

#include "extract/formats/json_tree.h"
#include "tests/helpers.h"

static int parse(const char *text, struct json_tree **tree, struct error *error)
{
    return json_tree_parse((struct bytes){(const unsigned char *)text, strlen(text)}, tree, error);
}

static void need_library(void)
{
#ifndef HAVE_JANSSON
    skip();
#endif
}

static void test_values(void **state)
{
    const struct json_value *root, *list;
    struct json_tree *tree;
    struct error error;
    int64_t integer = -1;
    double real = -1;
    bool truth = false;

    (void)state;
    need_library();
    assert_int_equal(parse("{\"name\": \"conv\\u0031\", \"list\": [3, 2.0, 2.5, true, null, -7]}",
                           &tree, &error), 0);
    root = json_tree_root(tree);
    list = json_tree_get(root, "list");
    assert_true(json_tree_is_object(root));
    assert_true(json_tree_is_list(list));
    assert_int_equal(json_tree_count(root), 2);
    assert_int_equal(json_tree_count(list), 6);
    assert_string_equal(json_tree_text(json_tree_get(root, "name")), "conv1");
    assert_true(json_tree_integer(json_tree_at(list, 0), &integer));
    assert_int_equal(integer, 3);
    assert_true(json_tree_integer(json_tree_at(list, 1), &integer));
    assert_int_equal(integer, 2);
    assert_false(json_tree_integer(json_tree_at(list, 2), &integer));
    assert_false(json_tree_integer(json_tree_at(list, 3), &integer));
    assert_int_equal(integer, 2);
    assert_true(json_tree_real(json_tree_at(list, 2), &real));
    assert_float_equal(real, 2.5, 0);
    assert_true(json_tree_real(json_tree_at(list, 5), &real));
    assert_float_equal(real, -7, 0);
    assert_true(json_tree_boolean(json_tree_at(list, 3), &truth));
    assert_true(truth);
    assert_false(json_tree_boolean(json_tree_at(list, 0), &truth));
    json_tree_free(tree);
}

/* Whatever is asked of nothing, or of a value of another kind, nothing is there. */
static void test_absent(void **state)
{
    const struct json_value *root;
    struct json_tree *tree;
    struct error error;
    double real;

    (void)state;
    need_library();
    assert_int_equal(parse("[\"text\", {\"a\": 1e300}]", &tree, &error), 0);
    root = json_tree_root(tree);
    assert_null(json_tree_get(root, "a"));
    assert_null(json_tree_get(json_tree_at(root, 1), "b"));
    assert_null(json_tree_at(root, 2));
    assert_null(json_tree_at(json_tree_at(json_tree_at(root, 7), 1), 1));
    assert_null(json_tree_text(json_tree_at(root, 1)));
    assert_int_equal(json_tree_count(json_tree_at(root, 0)), 0);
    assert_int_equal(json_tree_count(NULL), 0);
    assert_null(json_tree_first(root).key);
    assert_null(json_tree_first(NULL).key);
    assert_false(json_tree_real(NULL, &real));
    assert_false(json_tree_integer(json_tree_get(json_tree_at(root, 1), "a"), &(int64_t){0}));
    json_tree_free(tree);
}

static void test_members_in_order(void **state)
{
    static const char *const keys[] = {"z", "a", "m"};
    const struct json_value *root;
    struct json_tree *tree;
    struct error error;
    size_t count = 0;

    (void)state;
    need_library();
    assert_int_equal(parse("{\"z\": 0, \"a\": 1, \"m\": 2}", &tree, &error), 0);
    root = json_tree_root(tree);
    for (struct json_member member = json_tree_first(root); member.key != NULL;
         member = json_tree_next(root, &member)) {
        int64_t value;

        assert_string_equal(member.key, keys[count]);
        assert_true(json_tree_integer(member.value, &value));
        assert_int_equal(value, count++);
    }
    assert_int_equal(count, 3);
    json_tree_free(tree);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "its JSON is not valid in line 1"},
        {"{\"a\": 1", "its JSON is not valid in line 1"},
        {"{\n\"a\": 1,\n\"a\": 2}", "its JSON is not valid in line 3: duplicate object key"},
        {"[\"\\u0000\"]", "its JSON is not valid in line 1"},
        {"[\"\xff\"]", "its JSON is not valid in line 1"},
        {"[123456789012345678901234567890]", "its JSON is not valid in line 1"},
        {"[NaN]", "its JSON is not valid in line 1"},
        {"[1] 2", "its JSON is not valid in line 1"},
        {"7", "its JSON is not valid in line 1"},
        {"[\"unfinished\\", "its JSON is not valid in line 1"},
    };
    struct json_tree *tree;
    struct error error;

    (void)state;
    need_library();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].text, &tree, &error), FAILED);
        assert_null(tree);
        if (strncmp(error.text, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("'%s': %s", cases[i].text, error.text);
    }
}

/* `count` times `piece` between `begin` and `end`. */
static char *repeated(const char *begin, const char *piece, size_t count, const char *end)
{
    size_t length = strlen(piece);
    char *text = malloc(strlen(begin) + count * length + strlen(end) + 1);
    char *at;

    assert_non_null(text);
    at = stpcpy(text, begin);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, piece);
    strcpy(at, end);
    return text;
}

static void test_extent(void **state)
{
    struct json_tree *tree;
    struct error error;
    char *text;

    (void)state;
    need_library();
    text = repeated("", "[", JSON_TREE_DEPTH + 1, "");
    assert_int_equal(parse(text, &tree, &error), FAILED);
    assert_string_equal(error.text, "its JSON is nested deeper than 200");
    free(text);
    text = repeated("[", "{},", 1 << 20, "{}]");
    assert_int_equal(parse(text, &tree, &error), FAILED);
    assert_string_equal(error.text, "its JSON has more than 1048576 values");
    free(text);
    text = repeated("[\"", "[{,", 1000, "\\\"[[\"]");
    assert_int_equal(parse(text, &tree, &error), 0);
    json_tree_free(tree);
    free(text);
}

/* Without the library, a message that says what to install. */
static void test_library_absent(void **state)
{
#ifdef HAVE_JANSSON
    (void)state;
    skip();
#else
    struct json_tree *tree;
    struct error error;

    (void)state;
    assert_int_equal(parse("{}", &tree, &error), FAILED);
    assert_non_null(strstr(error.text, "libjansson-dev"));
    json_tree_free(tree);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_members_in_order),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_extent),
        cmocka_unit_test(test_library_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
