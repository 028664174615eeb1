#include "tests/helpers.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

/* A writer into memory. */
struct sink {
    struct json json;
    char *text;
    size_t size;
};

static void sink_open(struct sink *sink)
{
    *sink = (struct sink){0};
    sink->json.out = open_memstream(&sink->text, &sink->size);
    assert_non_null(sink->json.out);
}

static void sink_expect(struct sink *sink, const char *expected)
{
    assert_int_equal(fclose(sink->json.out), 0);
    assert_string_equal(sink->text, expected);
    free(sink->text);
}

static void test_nesting(void **state)
{
    struct sink sink;

    (void)state;
    sink_open(&sink);
    json_open(&sink.json, NULL, '{');
    json_text(&sink.json, "database", "features.db");
    json_text(&sink.json, "label", NULL);
    json_open(&sink.json, "classes", '[');
    json_text(&sink.json, NULL, "ants");
    json_open(&sink.json, NULL, '{');
    json_boolean(&sink.json, "yes", true);
    json_boolean(&sink.json, "no", false);
    json_close(&sink.json);
    json_close(&sink.json);
    json_open(&sink.json, "none", '[');
    json_close(&sink.json);
    json_open(&sink.json, "empty", '{');
    json_close(&sink.json);
    json_integer(&sink.json, "count", -3);
    json_close(&sink.json);
    sink_expect(&sink, "{\n"
                       "  \"database\": \"features.db\",\n"
                       "  \"label\": null,\n"
                       "  \"classes\": [\n"
                       "    \"ants\",\n"
                       "    {\n"
                       "      \"yes\": true,\n"
                       "      \"no\": false\n"
                       "    }\n"
                       "  ],\n"
                       "  \"none\": [],\n"
                       "  \"empty\": {},\n"
                       "  \"count\": -3\n"
                       "}\n");
}

static void test_deepest_nesting(void **state)
{
    struct sink sink;

    (void)state;
    sink_open(&sink);
    for (int depth = 0; depth < JSON_DEPTH; depth++)
        json_open(&sink.json, NULL, '[');
    for (int depth = 0; depth < JSON_DEPTH; depth++)
        json_close(&sink.json);
    assert_int_equal(fflush(sink.json.out), 0);
    for (int depth = 0; depth < JSON_DEPTH; depth++) {
        assert_int_equal(strcspn(sink.text, "[") != strlen(sink.text), 1);
        *strchr(sink.text, '[') = ' ';
        *strchr(sink.text, ']') = ' ';
    }
    assert_null(strpbrk(sink.text, "[]"));
    fclose(sink.json.out);
    free(sink.text);
}

static void test_strings(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a \"b\" \\ c / d", "\"a \\\"b\\\" \\\\ c / d\""},
        {"\n\t\r\b\001\037\177", "\"\\n\\t\\u000d\\u0008\\u0001\\u001f\177\""},
        {"\303\251\342\202\254\360\237\220\234", "\"\303\251\342\202\254\360\237\220\234\""},
        {"\377", "\"\\udcff\""},                          /* no such byte in UTF-8 */
        {"a\200b", "\"a\\udc80b\""},                      /* a continuation alone */
        {"\303", "\"\\udcc3\""},                          /* cut off */
        {"\342\202", "\"\\udce2\\udc82\""},
        {"\360\237\220", "\"\\udcf0\\udc9f\\udc90\""},
        {"\303(", "\"\\udcc3(\""},
        {"\300\200", "\"\\udcc0\\udc80\""},               /* longer than it has to be */
        {"\340\237\277", "\"\\udce0\\udc9f\\udcbf\""},
        {"\360\217\277\277", "\"\\udcf0\\udc8f\\udcbf\\udcbf\""},
        {"\355\240\200", "\"\\udced\\udca0\\udc80\""},    /* a surrogate, U+D800 */
        {"\355\237\277", "\"\355\237\277\""},             /* U+D7FF, the last before them */
        {"\364\217\277\277", "\"\364\217\277\277\""},     /* U+10FFFF, the last of all */
        {"\364\220\200\200", "\"\\udcf4\\udc90\\udc80\\udc80\""},
        {"\365\200\200\200", "\"\\udcf5\\udc80\\udc80\\udc80\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[200];
        struct sink sink;

        sink_open(&sink);
        json_text(&sink.json, NULL, cases[i].text);
        sink_expect(&sink, cases[i].json);

        sink_open(&sink);
        json_open(&sink.json, NULL, '{');
        json_integer(&sink.json, cases[i].text, 1);
        json_close(&sink.json);
        snprintf(expected, sizeof expected, "{\n  %s: 1\n}\n", cases[i].json);
        sink_expect(&sink, expected);
    }
}

static void test_integers(void **state)
{
    struct sink sink;

    (void)state;
    sink_open(&sink);
    json_open(&sink.json, NULL, '[');
    json_integer(&sink.json, NULL, INT64_MIN);
    json_integer(&sink.json, NULL, 0);
    json_integer(&sink.json, NULL, INT64_MAX);
    json_close(&sink.json);
    sink_expect(&sink, "[\n  -9223372036854775808,\n  0,\n  9223372036854775807\n]\n");
}

static void test_reals(void **state)
{
    static const struct {
        double value;
        const char *json;
    } cases[] = {
        {0.1, "0.1"},   {1, "1"},           {0.5, "0.5"},   {-0.25, "-0.25"},
        {1e300, "1e+300"}, {0.972, "0.972"}, {1.0 / 3, "0.3333333333333333"},
        {NAN, "null"},  {INFINITY, "null"}, {-INFINITY, "null"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sink sink;

        sink_open(&sink);
        json_real(&sink.json, NULL, cases[i].value);
        sink_expect(&sink, cases[i].json);
    }
}

static void expect_same_bits(double value)
{
    struct sink sink;
    double read;
    char *end;

    sink_open(&sink);
    json_real(&sink.json, NULL, value);
    assert_int_equal(fclose(sink.json.out), 0);
    read = strtod(sink.text, &end);
    assert_int_equal(*end, '\0');
    assert_memory_equal(&read, &value, sizeof value);
    free(sink.text);
}

static void test_reals_come_back_with_every_bit(void **state)
{
    static const double values[] = {0.0, -0.0, DBL_MIN, DBL_TRUE_MIN, DBL_MAX, -DBL_MAX,
                                    DBL_EPSILON, 1 + DBL_EPSILON, 2.0 / 3, 1e22};
    uint64_t random = 88172645463325252;

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        expect_same_bits(values[i]);
    for (int i = 0; i < 5000; i++) {
        double value;

        /* xorshift64 (Marsaglia 2003): every bit pattern but the zero. */
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        memcpy(&value, &random, sizeof value);
        if (isfinite(value))
            expect_same_bits(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_deepest_nesting),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_reals_come_back_with_every_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
