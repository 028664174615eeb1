/*
 * The protocol buffers text format: what is read, what is refused, and with which line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extract/formats/prototext.h"
#include "tests/helpers.h"

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const unsigned char *)text, strlen(text)};
}

static void parse(const char *source, struct prototext *text)
{
    struct error error;

    if (prototext_parse(bytes_of(source), text, &error) < 0)
        fail_msg("%s: %s", source, error.text);
}

/* ---- what is read ----------------------------------------------------------------------- */

/* Writes a message's fields in one form: name=value, name="text", name{...}, a space between. */
static void print_fields(const struct prototext *text, const struct prototext_field *message,
                         FILE *out)
{
    const struct prototext_field *field = prototext_first(text, message);

    for (; field != NULL; field = prototext_next(text, field)) {
        if (field->value == NULL) {
            fprintf(out, "%s{", field->name);
            print_fields(text, field, out);
            fputs("} ", out);
        } else {
            fprintf(out, field->quoted ? "%s=\"%s\" " : "%s=%s ", field->name, field->value);
        }
    }
}

static void test_syntax(void **state)
{
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"", ""},
        {" \n\t# nothing\n", ""},
        {"a: 1", "a=1 "},
        {"a:1b:2", NULL},
        {"a: 1 b: 2", "a=1 b=2 "},
        {"a:1,b:2;c:3", "a=1 b=2 c=3 "},
        {"a { b: 1 }", "a{b=1 } "},
        {"a: { b: 1 }", "a{b=1 } "},
        {"a < b: 1 >", "a{b=1 } "},
        {"a{}b{}", "a{} b{} "},
        {"a { b { c: 1 } } d: 2", "a{b{c=1 } } d=2 "},
        {"a: [1, 2, 3] b: 4", "a=1 a=2 a=3 b=4 "},
        {"a: []", ""},
        {"a [{ b: 1 }, { b: 2 }]", "a{b=1 } a{b=2 } "},
        {"a: -1.5e-3 b: +2 c: MAX d: 0x1F", "a=-1.5e-3 b=+2 c=MAX d=0x1F "},
        {"a: \"b\" c: 'd'", "a=\"b\" c=\"d\" "},
        {"a: \"b\" 'c'\n\"d\" e: 1", "a=\"bcd\" e=1 "},
        {"a: \"\"", "a=\"\" "},
        {"a: \"# no comment { } ' \"", "a=\"# no comment { } ' \" "},
        {"a: 1 # a comment\nb: 2", "a=1 b=2 "},
        {"a: '\\'\\\"\\\\\\n\\101\\x41\\7'", "a=\"'\"\\\nAA\7\" "},
        {"a: \"\303\244\"", "a=\"\303\244\" "},
        {"layer{name:\"x\"type:\"y\"}", "layer{name=\"x\" type=\"y\" } "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *printed = NULL;
        size_t size;
        struct prototext text;
        struct error error;
        FILE *out;

        if (cases[i].printed == NULL) {
            assert_int_equal(prototext_parse(bytes_of(cases[i].text), &text, &error), FAILED);
            prototext_release(&text);
            continue;
        }
        out = open_memstream(&printed, &size);
        assert_non_null(out);
        parse(cases[i].text, &text);
        print_fields(&text, text.root, out);
        fclose(out);
        assert_string_equal(printed, cases[i].printed);
        free(printed);
        prototext_release(&text);
    }
}

static void test_faults(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"a", "line 1: ':' or '{' is missing behind 'a'"},
        {"a 1", "line 1: ':' or '{' is missing behind 'a'"},
        {"a:", "line 1: the value of 'a' is missing"},
        {"a: }", "line 1: the value of 'a' is missing"},
        {"\n\na {\n b: 1", "line 4: the message that begins in line 3 does not end with '}'"},
        {"a {\n b: 1 >", "line 2: the message that begins in line 1 does not end with '}'"},
        {"a: 1\n}", "line 2: a bracket closes that was not opened"},
        {"{ a: 1 }", "line 1: the name of a field is expected"},
        {"a: 1 : 2", "line 1: the name of a field is expected"},
        {"a: [1 2]", "line 1: a list does not end with ']'"},
        {"a: [1,]", "line 1: the value of 'a' is missing"},
        {"a: \"b", "line 1: a text does not end"},
        {"a: \"b\n\"", "line 1: a text does not end on its line"},
        {"a: \"b\\", "line 1: a text has an escape sequence that is not known"},
        {"a: \"\\q\"", "line 1: a text has an escape sequence that is not known"},
        {"a: \"\\0\"", "line 1: a text has an escape sequence that is not known"},
        {"a: \"\\x\"", "line 1: a text has an escape sequence that is not known"},
        {"a: \"\\400\"", "line 1: a text has an escape sequence that is not known"},
        {"[a.b] { c: 1 }", "line 1: the name of a field is expected"},
        {"a: 1\n\xff", "line 2: the name of a field is expected"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct prototext text;
        struct error error;

        assert_int_equal(prototext_parse(bytes_of(cases[i].text), &text, &error), FAILED);
        assert_string_equal(error.text, cases[i].expected);
        prototext_release(&text);
    }
}

/* `count` times `open`, and behind it as often `close`. */
static void parse_nested(size_t count, const char *open, char close, struct prototext *text,
                         int expected, struct error *error)
{
    size_t length = strlen(open), size = count * (length + 1);
    char *source = calloc(size + 1, 1);

    assert_non_null(source);
    for (size_t i = 0; i < count; i++)
        memcpy(source + i * length, open, length);
    memset(source + count * length, close, count);
    assert_int_equal(prototext_parse((struct bytes){(const unsigned char *)source, size}, text,
                                     error), expected);
    free(source);
}

static void test_limits(void **state)
{
    struct prototext text;
    struct error error;

    (void)state;
    parse_nested(PROTOTEXT_MAX_DEPTH, "a{", '}', &text, 0, &error);
    prototext_release(&text);
    parse_nested(PROTOTEXT_MAX_DEPTH + 1, "a{", '}', &text, FAILED, &error);
    assert_string_equal(error.text, "line 1: it is nested too deep");
    prototext_release(&text);
    parse_nested(1 << 20, "a{", '}', &text, FAILED, &error);
    prototext_release(&text);
    parse_nested(PROTOTEXT_MAX_FIELDS, "a:1;", ' ', &text, FAILED, &error);
    assert_non_null(strstr(error.text, "too many fields"));
    prototext_release(&text);
    assert_int_equal(prototext_parse((struct bytes){(const unsigned char *)"", (size_t)1 << 40},
                                     &text, &error), FAILED);
    assert_non_null(strstr(error.text, "bytes"));
    prototext_release(&text);
}

/* ---- values ----------------------------------------------------------------------------- */

static void test_integers(void **state)
{
    static const struct {
        const char *value;
        int64_t number;  /* -1: refused */
    } cases[] = {
        {"0", 0}, {"17", 17}, {"0x10", 16}, {"010", 8}, {"100", 100}, {"101", -1}, {"-1", -1},
        {"1.5", -1}, {"\"17\"", -1}, {"true", -1}, {"0x", -1}, {"99999999999999999999", -1},
        {"{}", -1}, {"1 a: 1", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char source[64];
        struct prototext text;
        struct error error;
        uint64_t number = 55;
        int outcome;

        snprintf(source, sizeof source, "a: %s", cases[i].value);
        parse(source, &text);
        outcome = prototext_unsigned(&text, text.root, "a", 0, 100, &number, &error);
        assert_int_equal(outcome, cases[i].number < 0 ? FAILED : 0);
        assert_int_equal(number, cases[i].number < 0 ? 55 : cases[i].number);
        if (outcome < 0)
            assert_memory_equal(error.text, "line 1: 'a' ", 12);
        prototext_release(&text);
    }
}

static void test_other_values(void **state)
{
    static const char *const words[] = {"MAX", "AVE", NULL};
    struct prototext text;
    struct error error;
    float number = 0;
    bool flag = false;
    const char *name = NULL;
    size_t word = 9;

    (void)state;
    parse("f: 0.25f i: inf b: true c: f q: \"yes\" w: AVE n: 0 x: MIN m {}", &text);
    assert_int_equal(prototext_float(&text, text.root, "f", &number, &error), 0);
    assert_true(number > 0.24f && number < 0.26f);
    assert_int_equal(prototext_float(&text, text.root, "i", &number, &error), FAILED);
    assert_int_equal(prototext_float(&text, text.root, "q", &number, &error), FAILED);
    assert_int_equal(prototext_float(&text, text.root, "m", &number, &error), FAILED);
    assert_string_equal(error.text, "line 1: 'm' is a message, not a number");
    assert_int_equal(prototext_bool(&text, text.root, "b", &flag, &error), 0);
    assert_true(flag);
    assert_int_equal(prototext_bool(&text, text.root, "c", &flag, &error), 0);
    assert_false(flag);
    assert_int_equal(prototext_bool(&text, text.root, "q", &flag, &error), FAILED);
    assert_string_equal(error.text, "line 1: 'q' is \"yes\", not true or false");
    assert_int_equal(prototext_text(&text, text.root, "q", &name, &error), 0);
    assert_string_equal(name, "yes");
    assert_int_equal(prototext_text(&text, text.root, "w", &name, &error), FAILED);
    assert_int_equal(prototext_enum(&text, text.root, "w", words, &word, &error), 0);
    assert_int_equal(word, 1);
    assert_int_equal(prototext_enum(&text, text.root, "n", words, &word, &error), 0);
    assert_int_equal(word, 0);
    assert_int_equal(prototext_enum(&text, text.root, "x", words, &word, &error), FAILED);
    assert_int_equal(prototext_enum(&text, text.root, "absent", words, &word, &error), 0);
    assert_int_equal(prototext_float(&text, NULL, "f", &number, &error), 0);
    prototext_release(&text);
}

static void test_twice(void **state)
{
    struct prototext text;
    struct error error;
    float number;

    (void)state;
    parse("a: 1\n\na: 2", &text);
    assert_int_equal(prototext_float(&text, text.root, "a", &number, &error), FAILED);
    assert_string_equal(error.text, "line 3: 'a' stands twice, before in line 1");
    prototext_release(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_other_values),
        cmocka_unit_test(test_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
