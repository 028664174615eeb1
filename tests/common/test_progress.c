#include "tests/helpers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/progress.h"

/* A terminal to draw on, and the side from which the test reads what was drawn. */
struct terminal {
    int reader;
    FILE *writer;
};

static void terminal_open(struct terminal *terminal)
{
    terminal->reader = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal->reader < 0 || grantpt(terminal->reader) != 0 || unlockpt(terminal->reader) != 0)
        skip();
    terminal->writer = fopen(ptsname(terminal->reader), "w");
    assert_non_null(terminal->writer);
    assert_int_equal(fcntl(terminal->reader, F_SETFL, O_NONBLOCK), 0);
}

/* What has been drawn since the last call. */
static const char *terminal_read(const struct terminal *terminal)
{
    static char text[1000];
    ssize_t got = read(terminal->reader, text, sizeof text - 1);

    text[got > 0 ? got : 0] = '\0';
    return text;
}

static void terminal_close(struct terminal *terminal)
{
    fclose(terminal->writer);
    close(terminal->reader);
}

static void test_nothing_is_drawn_into_a_file(void **state)
{
    struct progress progress;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    progress_start(&progress, out, "images");
    progress_show(&progress, 1, 2, "note");
    progress_clear(&progress);
    progress_end(&progress);
    fclose(out);
    assert_int_equal(size, 0);
    free(text);
}

/* `elapsed` seconds are pretended by moving the start back. */
static void expect_line(size_t done, size_t total, double elapsed, const char *note,
                        const char *expected)
{
    struct terminal terminal;
    struct progress progress;

    terminal_open(&terminal);
    progress_start(&progress, terminal.writer, "images");
    progress.started -= elapsed;
    progress_show(&progress, done, total, note);
    assert_string_equal(terminal_read(&terminal), expected);
    terminal_close(&terminal);
}

static void test_lines(void **state)
{
    (void)state;
    expect_line(0, 0, 1e6, NULL, "\r\033[K0 images");
    expect_line(0, 400, 1e6, "", "\r\033[K0/400 images");
    expect_line(100, 0, 1000, NULL, "\r\033[K100 images, 0.1/s");
    expect_line(100, 150, 100, NULL, "\r\033[K100/150 images, 1.0/s, 50 s left");
    expect_line(1000, 2200, 1000, "2 refused",
                "\r\033[K1000/2200 images, 1.0/s, 20 min left, 2 refused");
    expect_line(1000, 10000, 2000, NULL, "\r\033[K1000/10000 images, 0.5/s, 5.0 h left");
    expect_line(1000, 1000, 2000, NULL, "\r\033[K1000/1000 images, 0.5/s");
    expect_line(1001, 1000, 2002, NULL, "\r\033[K1001/1000 images, 0.5/s");
}

static void test_redrawing_and_clearing(void **state)
{
    struct terminal terminal;
    struct progress progress;

    (void)state;
    terminal_open(&terminal);
    progress_start(&progress, terminal.writer, "images");
    progress_clear(&progress);
    assert_string_equal(terminal_read(&terminal), "");

    progress_show(&progress, 0, 9, NULL);
    assert_string_equal(terminal_read(&terminal), "\r\033[K0/9 images");
    progress.last = progress_clock() + 60;   /* drawn just now, however slow this machine is */
    progress_show(&progress, 0, 9, NULL);
    assert_string_equal(terminal_read(&terminal), "");
    progress.last = progress_clock() - 1;
    progress_show(&progress, 0, 8, NULL);
    assert_string_equal(terminal_read(&terminal), "\r\033[K0/8 images");

    progress_clear(&progress);
    assert_string_equal(terminal_read(&terminal), "\r\033[K");
    progress_clear(&progress);
    assert_string_equal(terminal_read(&terminal), "");
    progress_show(&progress, 0, 7, NULL);   /* at once: the line is not there */
    assert_string_equal(terminal_read(&terminal), "\r\033[K0/7 images");
    progress_end(&progress);
    assert_string_equal(terminal_read(&terminal), "\r\033[K");
    terminal_close(&terminal);
}

static void test_clock_never_goes_back(void **state)
{
    double before = progress_clock();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        double now = progress_clock();

        assert_true(now >= before);
        before = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_drawn_into_a_file),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_redrawing_and_clearing),
        cmocka_unit_test(test_clock_never_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
