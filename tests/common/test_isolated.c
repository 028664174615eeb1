/*
 * Work in a process of its own: what it gives comes back, and whatever goes wrong in it is an
 * error of the caller's, nothing more.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/isolated.h"
#include "tests/helpers.h"

enum { LARGE = 3 << 20 };

static const struct isolated_limits limits = {
    .seconds = 1, .memory = 64 << 20, .output = 4 << 20};

/* ---- what is run ------------------------------------------------------------------------ */

static int give_text(void *context, FILE *output, struct error *error)
{
    (void)error;
    fputs(context, output);
    fputs("lost", stdout);
    fputs("lost", stderr);
    return 0;
}

static int give_much(void *context, FILE *output, struct error *error)
{
    const size_t *count = context;

    (void)error;
    for (size_t i = 0; i < *count; i++)
        fputc((int)(i % 251), output);
    return 0;
}

static int give_nothing(void *context, FILE *output, struct error *error)
{
    (void)context;
    (void)output;
    (void)error;
    return 0;
}

static int give_up(void *context, FILE *output, struct error *error)
{
    (void)context;
    fputs("half", output);
    return error_set(error, "no %s", "luck");
}

static int crash(void *context, FILE *output, struct error *error)
{
    (void)context;
    (void)output;
    (void)error;
    raise(SIGSEGV);
    return 0;
}

static int leave(void *context, FILE *output, struct error *error)
{
    (void)context;
    (void)output;
    (void)error;
    _exit(0);
}

static _Noreturn int loop(void *context, FILE *output, struct error *error)
{
    volatile size_t *count = context;

    (void)output;
    (void)error;
    for (;;)
        ++*count;
}

/* Asks for much more than the limit, then for a little. */
static int hoard(void *context, FILE *output, struct error *error)
{
    void *much = malloc((size_t)1 << 30);
    void *little = malloc(1 << 20);

    (void)context;
    (void)error;
    fprintf(output, "%s %s", much != NULL ? "much" : "none", little != NULL ? "little" : "none");
    free(much);
    free(little);
    return 0;
}

/* ---- the tests -------------------------------------------------------------------------- */

static void test_gives(void **state)
{
    struct buffer output = {0};
    struct error error;
    char text[] = "what was read";
    size_t count = LARGE;

    (void)state;
    assert_int_equal(isolated_run(give_text, text, &limits, &output, &error), 0);
    assert_int_equal(output.size, strlen(text));
    assert_memory_equal(output.data, text, output.size);
    assert_int_equal(isolated_run(give_much, &count, &limits, &output, &error), 0);
    assert_int_equal(output.size, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        if (output.data[i] != i % 251)
            fail_msg("byte %zu is %d", i, output.data[i]);
    assert_int_equal(isolated_run(give_nothing, NULL, &limits, &output, &error), 0);
    assert_int_equal(output.size, 0);
    buffer_release(&output);
}

static void expect_error(isolated_work *work, void *context, const char *expected)
{
    struct buffer output = {0};
    struct error error;

    assert_int_equal(isolated_run(work, context, &limits, &output, &error), FAILED);
    if (strstr(error.text, expected) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, expected);
    buffer_release(&output);
}

static void test_fails(void **state)
{
    size_t count = 0, too_much = 5 << 20;

    (void)state;
    expect_error(give_up, NULL, "no luck");
    expect_error(crash, NULL, "Segmentation fault");
    expect_error(leave, NULL, "without a result");
    expect_error(loop, &count, "takes too long");
    expect_error(give_much, &too_much, "more than 4194304 bytes");
    assert_int_equal(count, 0);
}

static void test_memory(void **state)
{
    struct buffer output = {0};
    struct error error;

    (void)state;
    assert_int_equal(isolated_run(hoard, NULL, &limits, &output, &error), 0);
    assert_int_equal(output.size, strlen("none little"));
    assert_memory_equal(output.data, "none little", output.size);
    buffer_release(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives),
        cmocka_unit_test(test_fails),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
