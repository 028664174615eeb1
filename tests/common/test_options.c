#include "tests/helpers.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/options.h"

enum { MOST_ARGUMENTS = 12 };

struct settings {
    bool quiet, verbose;
    const char *database, *pool;
    size_t batch;
    double cost;
    struct text_list layers;
};

static const char *const pools[] = {"auto", "none", "avg", NULL};

static const struct option table[] = {
    {'d', "db", OPTION_TEXT, offsetof(struct settings, database), .argument = "FILE",
     .help = "the database (default features.db)"},
    {'b', "batch", OPTION_COUNT, offsetof(struct settings, batch), .argument = "N", .minimum = 1,
     .maximum = 4096, .help = "images a batch"},
    {'C', "cost", OPTION_REAL, offsetof(struct settings, cost), .argument = "C",
     .minimum = 1e-6, .maximum = 1e6, .help = "weight of an error"},
    {'p', "pool", OPTION_CHOICE, offsetof(struct settings, pool), .argument = "KIND",
     .choices = pools, .help = "how a map becomes a vector:\nauto, none or avg"},
    {'l', "layer", OPTION_LIST, offsetof(struct settings, layers), .argument = "NAME",
     .help = "cut here"},
    {'q', "quiet", OPTION_FLAG, offsetof(struct settings, quiet), .help = "say nothing"},
    {0, "verbose-beyond-all-measure", OPTION_FLAG, offsetof(struct settings, verbose),
     .help = "say all"},
    {'h', "help", OPTION_HELP, .help = "this text"},
    {0}
};

struct parsed {
    struct settings settings;
    struct text_list operands;
    struct error error;
    int outcome;
};

static struct parsed parse(const char *const *arguments)
{
    struct parsed parsed = {.settings = {.database = "features.db", .batch = 8, .cost = 1}};
    char *copy[MOST_ARGUMENTS];
    int count = 0;

    for (; arguments[count] != NULL; count++)
        copy[count] = (char *)(uintptr_t)arguments[count];
    parsed.outcome = options_parse(table, count, copy, &parsed.settings, &parsed.operands,
                                   &parsed.error);
    return parsed;
}

static void release(struct parsed *parsed)
{
    text_list_release(&parsed->settings.layers);
    text_list_release(&parsed->operands);
}

static void test_defaults_stay(void **state)
{
    struct parsed parsed = parse((const char *const[]){NULL});

    (void)state;
    assert_int_equal(parsed.outcome, 0);
    assert_int_equal(parsed.operands.count, 0);
    assert_string_equal(parsed.settings.database, "features.db");
    assert_int_equal(parsed.settings.batch, 8);
    assert_false(parsed.settings.quiet);
    release(&parsed);
}

static void test_every_way_to_write_a_value(void **state)
{
    static const char *const ways[][MOST_ARGUMENTS] = {
        {"-d", "x.db", "-b", "16", "-C", "0.5", "-p", "avg", "-q"},
        {"-dx.db", "-b16", "-C0.5", "-pavg", "-q"},
        {"--db", "x.db", "--batch", "16", "--cost", "0.5", "--pool", "avg", "--quiet"},
        {"--db=x.db", "--batch=16", "--cost=5e-1", "--pool=avg", "--quiet"},
        {"-qdx.db", "-b", "1", "--batch=16", "-C.5", "-p", "auto", "-p", "avg"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct parsed parsed = parse(ways[i]);

        assert_int_equal(parsed.outcome, 0);
        assert_string_equal(parsed.settings.database, "x.db");
        assert_int_equal(parsed.settings.batch, 16);
        assert_true(parsed.settings.cost > 0.499 && parsed.settings.cost < 0.501);
        assert_string_equal(parsed.settings.pool, "avg");
        assert_true(parsed.settings.quiet);
        assert_false(parsed.settings.verbose);
        assert_int_equal(parsed.operands.count, 0);
        release(&parsed);
    }
}

static void test_operands(void **state)
{
    struct parsed parsed = parse((const char *const[]){
        "one", "-q", "", "-", "--verbose-beyond-all-measure", "--", "-b", "--", "--db", NULL});
    static const char *const expected[] = {"one", "", "-", "-b", "--", "--db"};

    (void)state;
    assert_int_equal(parsed.outcome, 0);
    assert_true(parsed.settings.quiet && parsed.settings.verbose);
    assert_int_equal(parsed.operands.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < parsed.operands.count; i++)
        assert_string_equal(parsed.operands.items[i], expected[i]);
    release(&parsed);
}

static void test_lists(void **state)
{
    struct parsed parsed = parse((const char *const[]){"-l", "a", "--layer=b", "-lc", "--layer",
                                                       "-q", NULL});
    static const char *const expected[] = {"a", "b", "c", "-q"};
    struct text_list list = {0};

    (void)state;
    assert_int_equal(parsed.outcome, 0);
    assert_int_equal(parsed.settings.layers.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(parsed.settings.layers.items[i], expected[i]);
    assert_false(parsed.settings.quiet);
    release(&parsed);

    for (size_t i = 0; i < 100; i++)
        assert_int_equal(text_list_append(&list, expected[i % 4], &parsed.error), 0);
    for (size_t i = 0; i < 100; i++)
        assert_ptr_equal(list.items[i], expected[i % 4]);
    text_list_release(&list);
    assert_int_equal(list.count, 0);
    assert_null(list.items);
}

static void test_help_ends_at_once(void **state)
{
    static const char *const ways[][MOST_ARGUMENTS] = {
        {"--help", "--nonsense"},
        {"-h", "-b", "nonsense"},
        {"-qh", "--db"},
        {"operand", "-hb"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct parsed parsed = parse(ways[i]);

        assert_int_equal(parsed.outcome, OPTIONS_HELP);
        release(&parsed);
    }
}

static void test_errors(void **state)
{
    static const struct {
        const char *arguments[MOST_ARGUMENTS];
        const char *message;
    } cases[] = {
        {{"--nonsense"}, "unknown option '--nonsense'"},
        {{"--nonsense=3"}, "unknown option '--nonsense'"},
        {{"--d", "x"}, "unknown option '--d'"},
        {{"--db2", "x"}, "unknown option '--db2'"},
        {{"--=x"}, "unknown option '--'"},
        {{"-x"}, "unknown option '-x'"},
        {{"-qx"}, "unknown option '-x'"},
        {{"-q-"}, "unknown option '--'"},
        {{"--quiet=yes"}, "--quiet takes no value"},
        {{"--help=yes"}, "--help takes no value"},
        {{"--db"}, "--db needs a value: FILE"},
        {{"one", "-qd"}, "-d needs a value: FILE"},
        {{"-b", "many"}, "--batch takes a whole number from 1 to 4096, not 'many'"},
        {{"-b0"}, "--batch takes a whole number from 1 to 4096, not '0'"},
        {{"-b", "4097"}, "--batch takes a whole number from 1 to 4096, not '4097'"},
        {{"-b", "-1"}, "--batch takes a whole number from 1 to 4096, not '-1'"},
        {{"-b", "+1"}, "--batch takes a whole number from 1 to 4096, not '+1'"},
        {{"-b", " 1"}, "--batch takes a whole number from 1 to 4096, not ' 1'"},
        {{"-b", "1 "}, "--batch takes a whole number from 1 to 4096, not '1 '"},
        {{"-b", "1.5"}, "--batch takes a whole number from 1 to 4096, not '1.5'"},
        {{"-b", "0x10"}, "--batch takes a whole number from 1 to 4096, not '0x10'"},
        {{"--batch="}, "--batch takes a whole number from 1 to 4096, not ''"},
        {{"-b", "18446744073709551617"},
         "--batch takes a whole number from 1 to 4096, not '18446744073709551617'"},
        {{"-C", "much"}, "--cost takes a number from 1e-06 to 1e+06, not 'much'"},
        {{"-C", ""}, "--cost takes a number from 1e-06 to 1e+06, not ''"},
        {{"-C", " 1"}, "--cost takes a number from 1e-06 to 1e+06, not ' 1'"},
        {{"-C", "1x"}, "--cost takes a number from 1e-06 to 1e+06, not '1x'"},
        {{"-C", "0"}, "--cost takes a number from 1e-06 to 1e+06, not '0'"},
        {{"-C", "1e7"}, "--cost takes a number from 1e-06 to 1e+06, not '1e7'"},
        {{"-C", "nan"}, "--cost takes a number from 1e-06 to 1e+06, not 'nan'"},
        {{"-C", "inf"}, "--cost takes a number from 1e-06 to 1e+06, not 'inf'"},
        {{"-C", "1e999"}, "--cost takes a number from 1e-06 to 1e+06, not '1e999'"},
        {{"-p", "max"}, "--pool takes one of auto, none, avg, not 'max'"},
        {{"-p", ""}, "--pool takes one of auto, none, avg, not ''"},
        {{"-p", "av"}, "--pool takes one of auto, none, avg, not 'av'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed parsed = parse(cases[i].arguments);

        assert_int_equal(parsed.outcome, FAILED);
        assert_string_equal(parsed.error.text, cases[i].message);
        release(&parsed);
    }
}

static void test_print(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    options_print(table, out);
    fclose(out);
    assert_string_equal(text,
        "  -d, --db FILE             the database (default features.db)\n"
        "  -b, --batch N             images a batch\n"
        "  -C, --cost C              weight of an error\n"
        "  -p, --pool KIND           how a map becomes a vector:\n"
        "                            auto, none or avg\n"
        "  -l, --layer NAME          cut here\n"
        "  -q, --quiet               say nothing\n"
        "      --verbose-beyond-all-measure\n"
        "                            say all\n"
        "  -h, --help                this text\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_stay),
        cmocka_unit_test(test_every_way_to_write_a_value),
        cmocka_unit_test(test_operands),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_help_ends_at_once),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_print),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
