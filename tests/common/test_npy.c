#include "tests/helpers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"

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

static void write_array(const char *path, enum npy_type type, size_t rank, const size_t *shape,
                        const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    npy_write_header(file, type, rank, shape);
    assert_int_equal(ftell(file) % 64, 0);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void test_round_trip(void **state)
{
    static const struct {
        enum npy_type type;
        size_t size, rank, shape[NPY_MAX_RANK], count;
    } cases[] = {
        {NPY_FLOAT32, 4, 2, {3, 5}, 15},
        {NPY_FLOAT64, 8, 1, {7}, 7},
        {NPY_UINT8, 1, 4, {2, 4, 4, 3}, 96},
        {NPY_INT64, 8, 0, {0}, 1},
        {NPY_FLOAT32, 4, 3, {2, 0, 5}, 0},
        {NPY_UINT8, 1, NPY_MAX_RANK, {1, 2, 1, 2, 1, 2, 1, 2}, 16},
    };
    const char *path = scratch_path(*state, "array.npy");
    unsigned char data[256];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(255 - i);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error;
        struct npy npy;

        write_array(path, cases[i].type, cases[i].rank, cases[i].shape, data,
                    cases[i].count * cases[i].size);
        assert_int_equal(npy_read(path, &npy, &error), 0);
        assert_int_equal(npy.type, cases[i].type);
        assert_int_equal(npy.rank, cases[i].rank);
        assert_memory_equal(npy.shape, cases[i].shape, npy.rank * sizeof *npy.shape);
        assert_int_equal(npy.count, cases[i].count);
        assert_memory_equal(npy.data, data, cases[i].count * cases[i].size);
        npy_release(&npy);
        assert_null(npy.data);
    }
}

/* What numpy.save writes, byte for byte. */
static void test_header_is_numpys(void **state)
{
    static const char expected[] =
        "\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
        "                                                          \n";
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    npy_write_header(out, NPY_FLOAT32, 2, (const size_t[]){2, 3});
    fclose(out);
    assert_int_equal(size, 128);
    assert_int_equal(sizeof expected - 1, 128);
    assert_memory_equal(text, expected, 128);
    free(text);
}

/* A file with the given version and header, and `bytes` zeros behind it. */
static void write_raw(const char *path, int version, const char *header, size_t claimed,
                      size_t bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    fwrite("\x93NUMPY", 1, 6, file);
    fputc(version, file);
    fputc(0, file);
    for (int i = 0; i < (version == 1 ? 2 : 4); i++)
        fputc((int)(claimed >> (8 * i) & 0xff), file);
    fputs(header, file);
    for (size_t i = 0; i < bytes; i++)
        fputc(0, file);
    assert_int_equal(fclose(file), 0);
}

static void test_headers_of_others(void **state)
{
    static const struct {
        int version;
        const char *header;
        size_t bytes, rank, count;
    } cases[] = {
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24, 2, 6},
        {2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24, 2, 6},
        {1, "{'shape':(4,),'fortran_order':False,'descr':'|u1'}", 4, 1, 4},
        {1, "{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", 8, 0, 1},
    };
    const char *path = scratch_path(*state, "array.npy");

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error;
        struct npy npy;

        write_raw(path, cases[i].version, cases[i].header, strlen(cases[i].header),
                  cases[i].bytes);
        assert_int_equal(npy_read(path, &npy, &error), 0);
        assert_int_equal(npy.rank, cases[i].rank);
        assert_int_equal(npy.count, cases[i].count);
        npy_release(&npy);
    }
}

static void test_hostile_headers(void **state)
{
    static const struct {
        int version;
        const char *header;
        size_t bytes;
    } cases[] = {
        {1, "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8},
        {1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", 4},
        {1, "{'descr': '<f44', 'fortran_order': False, 'shape': (2,), }", 8},
        {1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", 8},
        {1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", 8},
        {1, "{'descr': '<f4', 'shape': (2,), }", 8},
        {1, "{'fortran_order': False, 'shape': (2,), }", 8},
        {1, "{'descr': '<f4', 'fortran_order': False, }", 8},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': 2, }", 8},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", 8},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2.5,), }", 8},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,", 8},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape':", 8},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape'", 8},
        {1, "{'fortran_order': False, 'shape': (2,), 'descr':", 0},
        {1, "{'fortran_order': False, 'shape': (2,), 'descr': ", 0},
        {1, "{'fortran_order': False, 'shape': (2,), 'descr': '", 0},
        {1, "{'fortran_order': False, 'shape': (2,), 'descr': '<f4", 0},
        {1, "{'shape': (2,), 'descr': '<f4', 'fortran_order':", 0},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 9},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905,), }", 4},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 0},
        {1, "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }", 0},
        {1, "", 100},
        {3, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 8},
    };
    const char *path = scratch_path(*state, "array.npy");

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error;
        struct npy npy;

        write_raw(path, cases[i].version, cases[i].header, strlen(cases[i].header),
                  cases[i].bytes);
        assert_int_equal(npy_read(path, &npy, &error), FAILED);
        assert_non_null(strstr(error.text, "array.npy"));
        assert_null(npy.data);
    }
}

static void test_lengths_that_lie(void **state)
{
    static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    const char *path = scratch_path(*state, "array.npy");
    struct error error;
    struct npy npy;

    write_raw(path, 1, header, 0xffff, 8);
    assert_int_equal(npy_read(path, &npy, &error), FAILED);
    write_raw(path, 2, header, 0xffffffff, 8);
    assert_int_equal(npy_read(path, &npy, &error), FAILED);
    write_raw(path, 1, header, 10, 8);
    assert_int_equal(npy_read(path, &npy, &error), FAILED);
}

/* Cut off after every byte. */
static void test_cut_off(void **state)
{
    const char *path = scratch_path(*state, "array.npy"), *cut = scratch_path(*state, "cut.npy");
    static const float data[] = {1, 2, 3};
    char bytes[128 + sizeof data];
    FILE *file;

    write_array(path, NPY_FLOAT32, 1, (const size_t[]){3}, data, sizeof data);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    fclose(file);
    for (size_t length = 0; length < sizeof bytes; length++) {
        struct error error;
        struct npy npy;

        write_file(cut, bytes, length);
        assert_int_equal(npy_read(cut, &npy, &error), FAILED);
        assert_non_null(strstr(error.text, "cut.npy"));
    }
}

static void test_files_that_are_none(void **state)
{
    struct error error;
    struct npy npy;

    assert_int_equal(npy_read(scratch_path(*state, "missing.npy"), &npy, &error), FAILED);
    assert_non_null(strstr(error.text, "missing.npy': No such file or directory"));
    assert_int_equal(npy_read(*state, &npy, &error), FAILED);
    assert_non_null(strstr(error.text, "it is a directory"));
    write_file(scratch_path(*state, "text.npy"), "just some text of some length", 29);
    assert_int_equal(npy_read(scratch_path(*state, "text.npy"), &npy, &error), FAILED);
    assert_non_null(strstr(error.text, "text.npy' is not a NumPy array"));
    npy_release(&npy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test(test_header_is_numpys),
        cmocka_unit_test_setup_teardown(test_headers_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lengths_that_lie, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_are_none, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
