#include "tests/helpers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"

static int set_up(void **state)
{
    *state = scratch_create();
    return 0;
}

static int tear_down(void **state)
{
    scratch_remove(*state);
    return 0;
}

static size_t count_entries(const char *folder)
{
    DIR *stream = opendir(folder);
    size_t count = 0;

    assert_non_null(stream);
    while (readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count - 2;  /* "." and ".." */
}

static void expect_content(const char *path, const char *expected)
{
    struct buffer buffer = {0};
    struct error error;

    assert_int_equal(file_read(path, 1 << 20, &buffer, NULL, &error), 0);
    assert_int_equal(buffer.size, strlen(expected));
    assert_memory_equal(buffer.data, expected, buffer.size);
    buffer_release(&buffer);
}

static void test_read(void **state)
{
    enum { SIZE = 100000 };
    unsigned char *data = malloc(SIZE);
    const char *path = scratch_path(*state, "a file");
    struct buffer buffer = {0};
    struct file_times times, again;
    struct error error;
    size_t capacity;

    assert_non_null(data);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(i * 7 + i / 256);
    write_file(path, data, SIZE);
    assert_int_equal(file_read(path, SIZE, &buffer, &times, &error), 0);
    assert_int_equal(buffer.size, SIZE);
    assert_memory_equal(buffer.data, data, SIZE);
    assert_int_equal(times.size, SIZE);
    assert_int_equal(file_stat(path, &again, &error), 0);
    assert_memory_equal(&times, &again, sizeof times);

    /* A shorter file replaces the content and keeps the room. */
    capacity = buffer.capacity;
    write_file(path, "short", 5);
    assert_int_equal(file_read(path, SIZE, &buffer, NULL, &error), 0);
    assert_int_equal(buffer.size, 5);
    assert_memory_equal(buffer.data, "short", 5);
    assert_int_equal(buffer.capacity, capacity);
    write_file(path, "", 0);
    assert_int_equal(file_read(path, 0, &buffer, NULL, &error), 0);
    assert_int_equal(buffer.size, 0);
    buffer_release(&buffer);
    assert_null(buffer.data);
    free(data);
}

static void test_modification_time_has_nanoseconds(void **state)
{
    const char *path = scratch_path(*state, "x");
    const struct timespec set[2] = {{1, 2}, {1234567890, 123456789}};
    struct file_times times;
    struct error error;

    write_file(path, "", 0);
    assert_int_equal(utimensat(AT_FDCWD, path, set, 0), 0);
    assert_int_equal(file_stat(path, &times, &error), 0);
    assert_int_equal(times.modified_ns, 1234567890123456789);
}

static void test_limit(void **state)
{
    const char *path = scratch_path(*state, "ten");
    struct buffer buffer = {0};
    struct error error;

    write_file(path, "0123456789", 10);
    assert_int_equal(file_read(path, 10, &buffer, NULL, &error), 0);
    assert_int_equal(file_read(path, 9, &buffer, NULL, &error), FAILED);
    assert_non_null(strstr(error.text, "ten': it is longer than 9 bytes"));
    /* A file of /proc has no size before it is read: the limit still holds. */
    assert_int_equal(file_read("/proc/self/status", 10, &buffer, NULL, &error), FAILED);
    assert_string_equal(error.text, "cannot read '/proc/self/status': it is longer than 10 bytes");
    assert_int_equal(file_read("/proc/self/status", 1 << 20, &buffer, NULL, &error), 0);
    assert_true(buffer.size > 10);
    buffer_release(&buffer);
}

static bool want(const struct buffer *head)
{
    return head->size < 4 || memcmp(head->data, "0123", 4) == 0;
}

static bool refuse(const struct buffer *head)
{
    (void)head;
    return false;
}

/* What is not wanted is not read on, whatever its length. */
static void test_read_if(void **state)
{
    const char *path = scratch_path(*state, "ten");
    struct buffer buffer = {0};
    struct file_times times;
    struct error error;

    write_file(path, "0123456789", 10);
    for (size_t head = 0; head <= 12; head++) {
        assert_int_equal(file_read_if(path, head, want, 10, &buffer, &times, &error), 0);
        assert_int_equal(buffer.size, 10);
        assert_memory_equal(buffer.data, "0123456789", 10);
        assert_int_equal(times.size, 10);
        assert_int_equal(file_read_if(path, head, refuse, 3, &buffer, &times, &error),
                         FILE_UNWANTED);
        assert_int_equal(buffer.size, head < 10 ? head : 10);
        if (head > 0)
            assert_memory_equal(buffer.data, "0123456789", buffer.size);
        assert_int_equal(file_read_if(path, head, want, 9, &buffer, NULL, &error), FAILED);
        assert_non_null(strstr(error.text, "ten': it is longer than 9 bytes"));
    }
    assert_int_equal(file_read_if("/proc/self/status", 10, refuse, 1000, &buffer, NULL, &error),
                     FILE_UNWANTED);
    assert_int_equal(buffer.size, 10);
    buffer_release(&buffer);
}

static void test_not_a_regular_file(void **state)
{
    const char *fifo = scratch_path(*state, "fifo"), *folder = *state;
    const struct {
        const char *path, *cause;
    } cases[] = {
        {folder, "it is a directory"},
        {fifo, "it is a FIFO"},
        {"/dev/null", "it is a device"},
        {scratch_path(*state, "missing"), "No such file or directory"},
        {"", "No such file or directory"},
    };
    struct buffer buffer = {0};
    struct file_times times;
    struct file_map map;
    struct error error;

    assert_int_equal(mkfifo(fifo, 0600), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char quoted[300];

        snprintf(quoted, sizeof quoted, "'%s': %s", cases[i].path, cases[i].cause);
        assert_int_equal(file_read(cases[i].path, 100, &buffer, NULL, &error), FAILED);
        assert_non_null(strstr(error.text, quoted));
        assert_int_equal(file_read_if(cases[i].path, 10, want, 100, &buffer, NULL, &error),
                         FAILED);
        assert_non_null(strstr(error.text, quoted));
        assert_int_equal(file_stat(cases[i].path, &times, &error), FAILED);
        assert_non_null(strstr(error.text, quoted));
        assert_int_equal(file_map_open(cases[i].path, &map, &error), FAILED);
        assert_non_null(strstr(error.text, quoted));
        assert_null(map.data);
    }
    buffer_release(&buffer);
}

static void test_map(void **state)
{
    const char *path = scratch_path(*state, "mapped");
    struct file_map map;
    struct error error;

    write_file(path, "content", 7);
    assert_int_equal(file_map_open(path, &map, &error), 0);
    assert_int_equal(map.size, 7);
    assert_memory_equal(map.data, "content", 7);
    file_map_rest(&map);
    assert_memory_equal(map.data, "content", 7);
    file_map_close(&map);
    assert_null(map.data);
    file_map_close(&map);

    write_file(path, "", 0);
    assert_int_equal(file_map_open(path, &map, &error), FAILED);
    assert_non_null(strstr(error.text, "mapped': it is empty"));
}

static void test_buffer_reserve(void **state)
{
    struct buffer buffer = {0};
    struct error error;

    (void)state;
    assert_int_equal(buffer_reserve(&buffer, 10, &error), 0);
    memcpy(buffer.data, "0123456789", 10);
    assert_int_equal(buffer_reserve(&buffer, 5, &error), 0);
    assert_int_equal(buffer.capacity, 10);
    assert_int_equal(buffer_reserve(&buffer, 100000, &error), 0);
    assert_memory_equal(buffer.data, "0123456789", 10);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX / 2, &error), FAILED);
    assert_string_equal(error.text, "out of memory");
    assert_memory_equal(buffer.data, "0123456789", 10);
    assert_int_equal(buffer.capacity, 100000);
    buffer_release(&buffer);
}

static void test_output_appears_at_the_commit(void **state)
{
    const char *path = scratch_path(*state, "out");
    struct file_output output;
    struct stat status;
    struct error error;
    mode_t mask = umask(027);

    write_file(path, "old", 3);
    assert_int_equal(file_output_open(path, &output, &error), 0);
    fputs("new and longer", output.stream);
    fflush(output.stream);
    expect_content(path, "old");
    assert_int_equal(file_output_commit(&output, &error), 0);
    umask(mask);
    expect_content(path, "new and longer");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(count_entries(*state), 1);
    file_output_discard(&output);
    expect_content(path, "new and longer");
}

static void test_output_discarded(void **state)
{
    const char *path = scratch_path(*state, "out");
    struct file_output output;
    struct error error;

    assert_int_equal(file_output_open(path, &output, &error), 0);
    fputs("never seen", output.stream);
    file_output_discard(&output);
    assert_int_equal(count_entries(*state), 0);
    file_output_discard(&output);
}

static void test_output_that_cannot_be_opened(void **state)
{
    const struct {
        const char *path, *cause;
    } cases[] = {
        {scratch_path(*state, "no such folder/out"), "out': No such file or directory"},
        {*state, "': Is a directory"},
    };
    struct file_output output;
    struct error error;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(file_output_open(cases[i].path, &output, &error), FAILED);
        assert_non_null(strstr(error.text, cases[i].cause));
        file_output_discard(&output);
    }
    assert_int_equal(count_entries(*state), 0);
}

static void test_output_that_cannot_be_renamed(void **state)
{
    const char *path = scratch_path(*state, "out");
    struct file_output output;
    struct error error;

    assert_int_equal(file_output_open(path, &output, &error), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(file_output_commit(&output, &error), FAILED);
    assert_non_null(strstr(error.text, "out': Is a directory"));
    assert_int_equal(count_entries(*state), 1);
}

/* A write may be noticed as failed when the stream's buffer fills, when it is flushed, or when it
 * is closed: "lost" is what the caller writes, "early" whether it flushes by itself. */
static void test_output_to_a_full_device(void **state)
{
    static const struct {
        size_t lost;
        bool early;
    } cases[] = {{1, false}, {4096, true}, {200000, false}};
    struct file_output output;
    struct error error;

    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(file_output_open("/dev/full", &output, &error), 0);
        assert_null(output.temporary);
        for (size_t k = 0; k < cases[i].lost; k++)
            fputc('x', output.stream);
        if (cases[i].early)
            fflush(output.stream);
        errno = 0;
        assert_int_equal(file_output_commit(&output, &error), FAILED);
        assert_non_null(strstr(error.text, "cannot write '/dev/full': "));
        assert_null(strstr(error.text, "Success"));
    }
    assert_int_equal(access("/dev/full", W_OK), 0);
}

/* A limit on the size of files stands in for a full disk. */
static void test_output_on_a_full_disk(void **state)
{
    const char *path = scratch_path(*state, "out");
    pid_t child;
    int status;

    write_file(path, "old", 3);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {1000, 1000};
        struct file_output output;
        struct error error;

        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || file_output_open(path, &output, &error) < 0)
            _exit(1);
        for (size_t i = 0; i < 2000; i++)
            fputc('x', output.stream);
        _exit(file_output_commit(&output, &error) == FAILED &&
              strstr(error.text, "out': File too large") != NULL ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_content(path, "old");
    assert_int_equal(count_entries(*state), 1);
}

static void test_output_to_a_device_is_direct(void **state)
{
    struct file_output output;
    struct error error;

    (void)state;
    assert_int_equal(file_output_open("/dev/null", &output, &error), 0);
    fputs("gone", output.stream);
    assert_int_equal(file_output_commit(&output, &error), 0);
    assert_int_equal(access("/dev/null", W_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_modification_time_has_nanoseconds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_if, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_a_regular_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_map, set_up, tear_down),
        cmocka_unit_test(test_buffer_reserve),
        cmocka_unit_test_setup_teardown(test_output_appears_at_the_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_output_discarded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_output_that_cannot_be_opened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_output_that_cannot_be_renamed, set_up, tear_down),
        cmocka_unit_test(test_output_to_a_full_device),
        cmocka_unit_test_setup_teardown(test_output_on_a_full_disk, set_up, tear_down),
        cmocka_unit_test(test_output_to_a_device_is_direct),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
