#include "classify/learning.h"

#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

struct settings {
    struct learning learning;
    struct protocol protocol;
};

static const struct option options[] = {
    PROTOCOL_OPTIONS(struct settings),
    LEARNING_SETTING_OPTIONS(struct settings),
    LEARNING_OPTIONS(struct settings),
    LEARNING_RECORD_OPTION(struct settings),
    {0},
};

enum { MOST_ARGUMENTS = 32 };

/* Parses a command line that ends with NULL. */
static struct settings parse(const char *const *arguments)
{
    struct settings settings = {.learning = LEARNING_DEFAULTS, .protocol = PROTOCOL_DEFAULTS};
    char *copies[MOST_ARGUMENTS];
    struct text_list operands = {0};
    struct error error;
    int count = 0;

    for (; arguments[count] != NULL; count++)
        copies[count] = (char *)(uintptr_t)arguments[count];
    assert_int_equal(options_parse(options, count, copies, &settings, &operands, &error), 0);
    assert_int_equal(operands.count, 0);
    text_list_release(&operands);
    return settings;
}

static void test_costs(void **state)
{
    static const char *const good[] = {"1", "auto", "1e-9", "1e9", "0.5", "1e+2"};
    static const char *const bad[] = {"0", "-1", "1e10", "1e-10", "nan", "inf", "1x", "", "Auto",
                                      "1 "};
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(learning_check_cost(good[i], &error), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(learning_check_cost(bad[i], &error), FAILED);
        assert_non_null(strstr(error.text, "--cost takes a number from 1e-09 to 1e+09 or auto"));
        assert_non_null(strstr(error.text, bad[i]));
    }
}

static void test_class_weights_are_checked(void **state)
{
    static const struct {
        const char *text;
        int outcome;
    } cases[] = {
        {"ants=2", 0}, {"a=b=0.5", 0}, {"two words=1e6", 0}, {"\xf0\x9f\x90\x9d=1", 0},
        {"ants", FAILED}, {"=2", FAILED}, {"ants=", FAILED}, {"ants=0", FAILED},
        {"ants=-1", FAILED}, {"ants=nan", FAILED}, {"ants=1e7", FAILED}, {"ants=2x", FAILED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *arguments[] = {"--class-weight", cases[i].text, NULL};
        struct settings settings = parse(arguments);
        struct error error;

        assert_int_equal(learning_check(&settings.learning, &error), cases[i].outcome);
        if (cases[i].outcome < 0)
            assert_non_null(strstr(error.text, cases[i].text));
        text_list_release(&settings.learning.class_weights);
    }
}

static void test_protocols(void **state)
{
    static const struct {
        const char *arguments[8], *message;
    } cases[] = {
        {{NULL}, NULL},
        {{"--folds", "3", "--repeats", "2"}, NULL},
        {{"--leave-one-out"}, NULL},
        {{"--train-split", "a", "--test-split", "b"}, NULL},
        {{"--train-split", "a"}, "--train-split and --test-split belong together"},
        {{"--test-split", "b"}, "--train-split and --test-split belong together"},
        {{"--train-split", "a", "--test-split", "a"},
         "--train-split and --test-split are the same"},
        {{"--train-split", "a", "--test-split", "b", "--folds", "3"},
         "--folds, --repeats and --leave-one-out have no meaning with --train-split"},
        {{"--train-split", "a", "--test-split", "b", "--leave-one-out"},
         "--folds, --repeats and --leave-one-out have no meaning with --train-split"},
        {{"--leave-one-out", "--repeats", "3"},
         "--folds and --repeats have no meaning with --leave-one-out"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings = parse(cases[i].arguments);
        struct error error;
        int outcome = protocol_check(&settings.protocol, &error);

        assert_int_equal(outcome, cases[i].message == NULL ? 0 : FAILED);
        if (cases[i].message != NULL)
            assert_string_equal(error.text, cases[i].message);
    }
}

static char names[][16] = {"ants", "ants=bees", "two words"};
static char *classes[] = {names[0], names[1], names[2]};
static const struct dataset dataset = {.class_count = 3, .classes = classes};

static void test_resolving(void **state)
{
    static const char *const plain[] = {NULL};
    static const char *const full[] = {
        "-C", "auto", "--strategy", "ovr", "--balanced", "--seed", "7", "--folds", "3",
        "--class-weight", "two words=2", "--class-weight", "ants=bees=0.5", NULL,
    };
    static const char *const unknown[] = {"--class-weight", "bees=2", NULL};
    struct settings settings = parse(plain);
    struct evaluation_settings protocol;
    struct learning_plan plan;
    struct error error;

    (void)state;
    assert_int_equal(learning_resolve(&settings.learning, &dataset, &plan, &error), 0);
    protocol = protocol_resolve(&settings.protocol, &plan);
    assert_true(plan.training.solver.c >= 1 && plan.training.solver.c <= 1);
    assert_int_equal(plan.training.solver.strategy, STRATEGY_OVO);
    assert_false(plan.training.search);
    assert_null(plan.training.solver.weights);
    assert_int_equal(protocol.folds, 5);
    assert_int_equal(protocol.repeats, 10);
    learning_plan_release(&plan);

    settings = parse(full);
    assert_int_equal(learning_resolve(&settings.learning, &dataset, &plan, &error), 0);
    protocol = protocol_resolve(&settings.protocol, &plan);
    assert_int_equal(plan.training.solver.strategy, STRATEGY_OVR);
    assert_true(plan.training.search && plan.training.solver.balanced);
    assert_int_equal(protocol.seed, 7);
    assert_int_equal(protocol.folds, 3);
    assert_int_equal(protocol.repeats, 10);
    for (size_t class = 0; class < 3; class++) {
        static const double expected[] = {1, 0.5, 2};

        assert_memory_equal(&plan.training.solver.weights[class], &expected[class],
                            sizeof expected[class]);
    }
    learning_plan_release(&plan);
    text_list_release(&settings.learning.class_weights);

    settings = parse(unknown);
    assert_int_equal(learning_resolve(&settings.learning, &dataset, &plan, &error), FAILED);
    assert_string_equal(error.text, "--class-weight: no image has the label 'bees'");
    text_list_release(&settings.learning.class_weights);
}

/* What an experiment is kept with, as JSON, to be released with free(). */
static void write_arguments(const struct settings *settings, char **text)
{
    size_t size;
    struct json json = {.out = open_memstream(text, &size)};

    assert_non_null(json.out);
    json_open(&json, NULL, '[');
    learning_arguments(&settings->learning, &json);
    learning_setting_arguments(&settings->learning, &json);
    protocol_arguments(&settings->protocol, &json);
    json_close(&json);
    fclose(json.out);
}

/* The texts of a JSON array, in place; no escapes. */
static void read_texts(char *json, const char **texts)
{
    size_t count = 0;
    char *quote = strchr(json, '"');

    while (quote != NULL) {
        texts[count++] = quote + 1;
        assert_in_range(count, 0, MOST_ARGUMENTS - 1);
        quote = strchr(quote + 1, '"');
        assert_non_null(quote);
        *quote = '\0';
        quote = strchr(quote + 1, '"');
    }
    texts[count] = NULL;
}

static char *describe(const struct settings *settings)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct json json = {.out = out};

    assert_non_null(out);
    learning_describe(&settings->learning, false, out);
    json_open(&json, NULL, '{');
    protocol_json(&settings->protocol, &settings->learning, &json);
    learning_json(&settings->learning, &json);
    json_close(&json);
    fclose(out);
    return text;
}

/* The options that are kept ask for the same again. */
static void test_arguments_ask_for_the_same(void **state)
{
    static const char *const lines[][MOST_ARGUMENTS] = {
        {NULL},
        {"-C", "auto", "--normalize", "power", "--strategy", "ovr", "--balanced", NULL},
        {"--class-weight", "a b=2", "--class-weight", "c=d=3", "--group-by", "^(.)_", NULL},
        {"--allow-duplicates", "--seed", "9007199254740992", "--leave-one-out", NULL},
        {"--train-split", "train", "--test-split", "val set", "-C", "0.125", NULL},
        {"--folds", "7", "--repeats", "3", "--normalize", "standard", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct settings settings = parse(lines[i]), again;
        char *arguments = NULL, *before = describe(&settings), *after;
        const char *texts[MOST_ARGUMENTS];

        write_arguments(&settings, &arguments);
        read_texts(arguments, texts);
        again = parse(texts);
        after = describe(&again);
        assert_string_equal(after, before);
        text_list_release(&settings.learning.class_weights);
        text_list_release(&again.learning.class_weights);
        free(arguments);
        free(before);
        free(after);
    }
}

static void test_descriptions(void **state)
{
    static const struct {
        const char *arguments[10];
        bool on_vectors;
        const char *expected;
    } cases[] = {
        {{NULL}, false, "linear SVM, C = 1, l2"},
        {{NULL}, true, "linear SVM, C = 1, l2, by coordinate descent"},
        {{"-C", "auto", "--normalize", "none", "--strategy", "ovr", "--balanced",
          "--class-weight", "tab\t=2"}, false,
         "linear SVM, C = auto, none, ovr, balanced, tab\\t=2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings = parse(cases[i].arguments);
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        learning_describe(&settings.learning, cases[i].on_vectors, out);
        fclose(out);
        assert_string_equal(text, cases[i].expected);
        text_list_release(&settings.learning.class_weights);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_costs),
        cmocka_unit_test(test_class_weights_are_checked),
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_resolving),
        cmocka_unit_test(test_arguments_ask_for_the_same),
        cmocka_unit_test(test_descriptions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
