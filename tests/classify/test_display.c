#include "classify/display.h"

#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

static const struct {
    const char *text, *written;
    size_t width;
} cases[] = {
    {"ants", "ants", 4},
    {"", "", 0},
    {"two words", "two words", 9},
    {"a\tb\nc\rd\\e", "a\\tb\\nc\\rd\\\\e", 13},
    {"\x1b[31m\x7f", "\\x1b[31m\\x7f", 12},
    {"\"quoted\", 'so'", "\"quoted\", 'so'", 14},
    {"b\xc3\xa4r", "b\xc3\xa4r", 3},
    {"e\xcc\x81", "e\xcc\x81", 1},                          /* a combining accent */
    {"\xe8\x9c\x82", "\xe8\x9c\x82", 2},                    /* a Chinese character */
    {"\xf0\x9f\x90\x9d!", "\xf0\x9f\x90\x9d!", 3},          /* an emoji */
    {"\xff\xfe", "\xff\xfe", 2},                            /* no UTF-8: a column a byte */
    {"\xe8\x9c", "\xe8\x9c", 2},                            /* a sequence that is cut off */
};

static char *written(void (*write)(FILE *, const char *, size_t), const char *text, size_t width)
{
    char *memory = NULL;
    size_t size;
    FILE *stream = open_memstream(&memory, &size);

    assert_non_null(stream);
    write(stream, text, width);
    assert_int_equal(fclose(stream), 0);
    return memory;
}

static void write_plain(FILE *out, const char *text, size_t width)
{
    (void)width;
    display_write(out, text);
}

static void test_escapes_and_widths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = written(write_plain, cases[i].text, 0);

        assert_string_equal(text, cases[i].written);
        assert_int_equal(display_width(cases[i].text), cases[i].width);
        free(text);
    }
    assert_int_equal(display_width(NULL), 0);
}

static void test_padding(void **state)
{
    char *text;

    (void)state;
    text = written(display_pad, "\xe8\x9c\x82", 4);
    assert_string_equal(text, "\xe8\x9c\x82  ");
    free(text);
    text = written(display_pad_left, "b\n", 4);
    assert_string_equal(text, " b\\n");
    free(text);
    text = written(display_pad, "longer", 3);
    assert_string_equal(text, "longer");
    free(text);
    text = written(display_pad, NULL, 2);
    assert_string_equal(text, "  ");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes_and_widths),
        cmocka_unit_test(test_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
