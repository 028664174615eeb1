#include "tests/helpers.h"

#include <string.h>

#include "common/error.h"

static void test_set_and_wrap(void **state)
{
    struct error error;

    (void)state;
    assert_int_equal(error_set(&error, "'%s' has %d sides", "a box", 6), FAILED);
    assert_string_equal(error.text, "'a box' has 6 sides");
    assert_int_equal(error_wrap(&error, "cannot open %d", 1), FAILED);
    assert_string_equal(error.text, "cannot open 1: 'a box' has 6 sides");
    assert_int_equal(error_no_memory(&error), FAILED);
    assert_string_equal(error.text, "out of memory");
}

static void test_control_characters_are_escaped(void **state)
{
    static const struct {
        const char *raw, *escaped;
    } cases[] = {
        {"a\nb\tc", "a\\nb\\tc"},
        {"\033[2J\r\177", "\\x1b[2J\\x0d\\x7f"},
        {"\303\251t\303\251 \360\237\220\234", "\303\251t\303\251 \360\237\220\234"},
        {"\302\2332J", "\\xc2\2332J"},   /* U+009B, a terminal's "escape [" in one character */
        {"\302\240\302", "\302\240\302"}, /* U+00A0 is printed; a sequence that is cut off */
        {"100% \\n", "100% \\n"},
    };
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        error_set(&error, "%s", cases[i].raw);
        assert_string_equal(error.text, cases[i].escaped);
        error_wrap(&error, "in '%s'", "x\n");
        assert_memory_equal(error.text, "in 'x\\n': ", 10);
        assert_string_equal(error.text + 10, cases[i].escaped);
    }
}

static void test_long_messages_are_cut(void **state)
{
    enum { LONGER = 3000 };
    static const char fillers[] = {'a', '\n', '\001'};
    char text[LONGER + 1];
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof fillers; i++) {
        memset(text, fillers[i], LONGER);
        text[LONGER] = '\0';
        error_set(&error, "%s", text);
        assert_in_range(strlen(error.text), sizeof error.text - 10, sizeof error.text - 1);
        error_wrap(&error, "%s", text);
        assert_in_range(strlen(error.text), sizeof error.text - 10, sizeof error.text - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_wrap),
        cmocka_unit_test(test_control_characters_are_escaped),
        cmocka_unit_test(test_long_messages_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
