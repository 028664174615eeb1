/*
 * What of an HDF5 file is listed, read as views and read through the library; and that links to
 * other files are not followed, and damaged or lying files end in an error.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "extract/formats/hdf5_file.h"
#include "tests/extract/hdf5_writer.h"
#include "tests/helpers.h"

#ifdef HAVE_HDF5

static const hsize_t matrix[] = {3, 4};
static const float values[12] = {0, 1, -2, 3.5f, 4, 5, 6, 7.25f, 8, -9, 10, 11};

/* A file that is written, mapped and opened. */
struct fixture {
    char *folder;
    const char *path;
    hid_t writer;
    struct file_map map;
    struct hdf5_file *file;
};

static struct fixture begin(void)
{
    struct fixture fixture = {.folder = scratch_create()};

    fixture.path = scratch_path(fixture.folder, "file.h5");
    fixture.writer = hdf5_writer_create(fixture.path);
    return fixture;
}

static int open_fixture(struct fixture *fixture, struct error *error)
{
    struct error ignored;

    if (fixture->writer >= 0)
        H5Fclose(fixture->writer);
    fixture->writer = -1;
    assert_int_equal(file_map_open(fixture->path, &fixture->map, &ignored), 0);
    return hdf5_open((struct bytes){fixture->map.data, fixture->map.size}, &fixture->file, error);
}

static void must_open(struct fixture *fixture)
{
    struct error error;

    if (open_fixture(fixture, &error) < 0)
        fail_msg("%s", error.text);
}

static void end(struct fixture *fixture)
{
    hdf5_close(fixture->file);
    file_map_close(&fixture->map);
    scratch_remove(fixture->folder);
}

/* The dataset has the values above; `view`: in the file's own bytes. */
static void check_values(const struct fixture *fixture, const char *path, bool view)
{
    const struct hdf5_object *object = hdf5_find(fixture->file, path);
    struct graph graph = {0};
    struct tensor tensor;
    struct error error;
    float got[12];

    assert_non_null(object);
    assert_int_equal(object->kind, HDF5_DATASET);
    assert_int_equal(object->tensor.bytes.data != NULL, view);
    if (hdf5_dataset(fixture->file, object, &graph, &tensor, &error) < 0)
        fail_msg("%s: %s", path, error.text);
    assert_int_equal(tensor.rank, 2);
    assert_int_equal(tensor.shape[0], 3);
    assert_int_equal(tensor.shape[1], 4);
    assert_int_equal(tensor.count, 12);
    assert_int_equal(tensor_to_float(&tensor, got, &error), 0);
    assert_memory_equal(got, values, sizeof got);
    graph_release(&graph);
}

static hid_t properties_of(bool chunked, bool compressed)
{
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);

    if (chunked)
        H5Pset_chunk(properties, 2, (const hsize_t[]){2, 3});
    if (compressed) {
        H5Pset_shuffle(properties);
        H5Pset_deflate(properties, 6);
    }
    return properties;
}

static void test_datasets(void **state)
{
    struct fixture fixture = begin();
    hid_t compact = H5Pcreate(H5P_DATASET_CREATE), half = H5Tcopy(H5T_IEEE_F32LE);

    (void)state;
    H5Pset_layout(compact, H5D_COMPACT);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    hdf5_writer_floats(fixture.writer, "a/b/plain", 2, matrix, values);
    hdf5_writer_dataset(fixture.writer, "chunked", 2, matrix, H5T_IEEE_F32LE,
                        properties_of(true, false), values);
    hdf5_writer_dataset(fixture.writer, "compressed", 2, matrix, H5T_IEEE_F64LE,
                        properties_of(true, true), values);
    hdf5_writer_dataset(fixture.writer, "big", 2, matrix, H5T_IEEE_F32BE,
                        properties_of(false, false), values);
    hdf5_writer_dataset(fixture.writer, "compact", 2, matrix, H5T_IEEE_F32LE, compact, values);
    hdf5_writer_dataset(fixture.writer, "half", 2, matrix, half, properties_of(false, false),
                        values);
    must_open(&fixture);
    check_values(&fixture, "a/b/plain", true);
    check_values(&fixture, "chunked", false);
    check_values(&fixture, "compressed", false);
    check_values(&fixture, "big", false);
    check_values(&fixture, "compact", false);
    check_values(&fixture, "half", true);
    assert_int_equal(hdf5_find(fixture.file, "half")->tensor.type, TENSOR_FLOAT16);
    assert_int_equal(hdf5_find(fixture.file, "a/b")->kind, HDF5_GROUP);
    assert_null(hdf5_find(fixture.file, "a/c"));
    assert_int_equal(hdf5_count(fixture.file), 9);
    assert_string_equal(hdf5_at(fixture.file, 0)->path, "");
    H5Tclose(half);
    end(&fixture);
}

static void test_other_datasets(void **state)
{
    struct fixture fixture = begin();
    struct graph graph = {0};
    struct tensor tensor;
    struct error error;

    (void)state;
    hdf5_writer_dataset(fixture.writer, "scalar", 0, NULL, H5T_IEEE_F32LE,
                        properties_of(false, false), &values[3]);
    hdf5_writer_dataset(fixture.writer, "counts", 2, matrix, H5T_STD_I64LE,
                        properties_of(false, false), values);
    hdf5_writer_dataset(fixture.writer, "bytes", 2, matrix, H5T_STD_U8LE,
                        properties_of(false, false), values);
    hdf5_writer_dataset(fixture.writer, "unwritten", 2, matrix, H5T_IEEE_F32LE,
                        properties_of(false, false), NULL);
    hdf5_writer_floats(fixture.writer, "deep", 9, (const hsize_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1},
                       values);
    must_open(&fixture);
    assert_int_equal(hdf5_find(fixture.file, "scalar")->tensor.count, 1);
    assert_int_equal(hdf5_find(fixture.file, "scalar")->tensor.rank, 0);
    assert_int_equal(hdf5_find(fixture.file, "counts")->tensor.type, TENSOR_INT64);
    assert_int_equal(hdf5_find(fixture.file, "bytes")->tensor.type, TENSOR_OTHER);
    assert_int_equal(hdf5_find(fixture.file, "deep")->tensor.type, TENSOR_OTHER);
    assert_int_equal(hdf5_dataset(fixture.file, hdf5_find(fixture.file, "bytes"), &graph, &tensor,
                                  &error), FAILED);
    assert_int_equal(hdf5_dataset(fixture.file, hdf5_find(fixture.file, "unwritten"), &graph,
                                  &tensor, &error), 0);
    for (size_t i = 0; i < 12; i++)
        assert_true(tensor_real(&tensor, i) >= 0 && tensor_real(&tensor, i) <= 0);
    graph_release(&graph);
    end(&fixture);
}

static void test_texts(void **state)
{
    static const char *const names[] = {"one", "the second", "3"};
    struct fixture fixture = begin();
    char text[100000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hdf5_writer_group(fixture.writer, "group");
    hdf5_writer_text(fixture.writer, "/", "long", text);
    hdf5_writer_texts(fixture.writer, "group", "names", names, 3);
    hdf5_writer_texts(fixture.writer, "group", "none", NULL, 0);
    hdf5_writer_texts(fixture.writer, "group", "split0", names, 2);
    hdf5_writer_texts(fixture.writer, "group", "split1", names + 2, 1);
    must_open(&fixture);
    assert_string_equal(hdf5_text(fixture.file, "", "long", 0), text);
    assert_null(hdf5_text(fixture.file, "", "long", 1));
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(hdf5_text(fixture.file, "group", "names", i), names[i]);
        assert_string_equal(hdf5_text(fixture.file, "group", "split", i), names[i]);
    }
    assert_null(hdf5_text(fixture.file, "group", "names", 3));
    assert_null(hdf5_text(fixture.file, "group", "split", 3));
    assert_null(hdf5_text(fixture.file, "group", "none", 0));
    assert_null(hdf5_text(fixture.file, "group", "long", 0));
    assert_null(hdf5_text(fixture.file, "nowhere", "names", 0));
    end(&fixture);
}

/* What lies in another file is not there, although that file is. */
static void test_links(void **state)
{
    struct fixture fixture = begin();
    const char *other_path = scratch_path(fixture.folder, "other.h5");
    const char *raw_path = scratch_path(fixture.folder, "raw");
    hid_t other = hdf5_writer_create(other_path);
    hid_t external = H5Pcreate(H5P_DATASET_CREATE), virtual = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(2, matrix, NULL);

    (void)state;
    hdf5_writer_floats(other, "secret", 2, matrix, values);
    H5Fclose(other);
    write_file(raw_path, values, sizeof values);
    H5Pset_external(external, raw_path, 0, sizeof values);
    H5Pset_virtual(virtual, space, other_path, "/secret", space);
    hdf5_writer_floats(fixture.writer, "own", 2, matrix, values);
    H5Lcreate_external(other_path, "/secret", fixture.writer, "linked", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external(other_path, "/", fixture.writer, "all", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/own", fixture.writer, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", fixture.writer, "lost", H5P_DEFAULT, H5P_DEFAULT);
    hdf5_writer_dataset(fixture.writer, "external", 2, matrix, H5T_IEEE_F32LE, external, NULL);
    hdf5_writer_dataset(fixture.writer, "virtual", 2, matrix, H5T_IEEE_F32LE, virtual, NULL);
    must_open(&fixture);
    assert_int_equal(hdf5_count(fixture.file), 2);
    check_values(&fixture, "own", true);
    H5Sclose(space);
    end(&fixture);
}

static void expect_refusal(struct fixture *fixture, const char *expected)
{
    struct error error;

    assert_int_equal(open_fixture(fixture, &error), FAILED);
    if (strstr(error.text, expected) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, expected);
    end(fixture);
}

/* A group that is in itself, and names without end. */
static void test_cycles(void **state)
{
    struct fixture fixture = begin(), branching = begin();
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

    (void)state;
    hdf5_writer_group(fixture.writer, "a/b");
    H5Lcreate_hard(fixture.writer, "/", fixture.writer, "a/b/root", H5P_DEFAULT, H5P_DEFAULT);
    expect_refusal(&fixture, "nested too deep");
    for (size_t i = 0; i < 8; i++)
        H5Lcreate_hard(branching.writer, "/", branching.writer, names[i], H5P_DEFAULT,
                       H5P_DEFAULT);
    expect_refusal(&branching, "nested too deep");
}

/* Zeros that take a thousand times as much room as they have in the file. */
static void test_bomb(void **state)
{
    static const hsize_t shape[] = {1 << 12, 1 << 12};
    struct fixture fixture = begin();
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    float *zeros = calloc(shape[0] * shape[1], sizeof *zeros);
    struct graph graph = {0};
    struct tensor tensor;
    struct error error;

    (void)state;
    assert_non_null(zeros);
    H5Pset_chunk(properties, 2, (const hsize_t[]){1 << 12, 64});
    H5Pset_deflate(properties, 9);
    hdf5_writer_dataset(fixture.writer, "bomb", 2, shape, H5T_IEEE_F32LE, properties, zeros);
    hdf5_writer_dataset(fixture.writer, "empty", 2, (const hsize_t[]){1 << 30, 1 << 30},
                        H5T_IEEE_F32LE, properties_of(true, false), NULL);
    hdf5_writer_floats(fixture.writer, "padding", 1, (const hsize_t[]){1 << 19}, NULL);
    hdf5_writer_dataset(fixture.writer, "later", 2, matrix, H5T_IEEE_F32LE,
                        properties_of(true, false), values);
    must_open(&fixture);
    assert_int_equal(hdf5_dataset(fixture.file, hdf5_find(fixture.file, "empty"), &graph, &tensor,
                                  &error), FAILED);
    assert_non_null(strstr(error.text, "claims 1152921504606846976 numbers"));
    check_values(&fixture, "later", false);
    assert_int_equal(hdf5_dataset(fixture.file, hdf5_find(fixture.file, "bomb"), &graph, &tensor,
                                  &error), FAILED);
    assert_non_null(strstr(error.text, "claims 16777216 numbers"));
    assert_int_equal(hdf5_dataset(fixture.file, hdf5_find(fixture.file, "later"), &graph, &tensor,
                                  &error), FAILED);
    assert_non_null(strstr(error.text, "behind damaged ones"));
    graph_release(&graph);
    free(zeros);
    end(&fixture);
}

/* A file with everything in it, for damaging. */
static void write_victim(hid_t writer)
{
    static const char *const names[] = {"kernel", "bias"};

    hdf5_writer_floats(writer, "layers/conv/kernel", 2, matrix, values);
    hdf5_writer_floats(writer, "layers/conv/bias", 1, (const hsize_t[]){4}, values);
    hdf5_writer_dataset(writer, "layers/chunked", 2, matrix, H5T_IEEE_F32LE,
                        properties_of(true, true), values);
    hdf5_writer_texts(writer, "layers/conv", "weight_names", names, 2);
    hdf5_writer_text(writer, "/", "model_config", "{\"class_name\": \"Sequential\"}");
}

/* Everything that a reader would ask of the bytes; what comes back does not matter. */
static void use_bytes(const unsigned char *data, size_t size)
{
    struct hdf5_file *file;
    struct error error = {""};
    struct graph graph = {0};
    struct tensor tensor;

    if (hdf5_open((struct bytes){data, size}, &file, &error) < 0) {
        assert_true(strlen(error.text) > 0);
        return;
    }
    for (size_t i = 0; i < hdf5_count(file); i++)
        if (hdf5_at(file, i)->kind == HDF5_DATASET && hdf5_at(file, i)->tensor.count < 1000)
            hdf5_dataset(file, hdf5_at(file, i), &graph, &tensor, &error);
    graph_release(&graph);
    hdf5_close(file);
}

/* Copies, so that the sanitizers see where they end. */
static void test_damage(void **state)
{
    struct fixture fixture = begin();
    uint64_t random = 0xbf58476d1ce4e5b9u;

    (void)state;
    write_victim(fixture.writer);
    must_open(&fixture);
    for (size_t size = 0; size < fixture.map.size; size += 97) {
        unsigned char *cut = malloc(size + 1);
        struct hdf5_file *file;
        struct error error;

        assert_non_null(cut);
        memcpy(cut, fixture.map.data, size);
        assert_int_equal(hdf5_open((struct bytes){cut, size}, &file, &error), FAILED);
        free(cut);
    }
    for (size_t round = 0; round < 300; round++) {
        unsigned char *damaged = malloc(fixture.map.size);

        assert_non_null(damaged);
        memcpy(damaged, fixture.map.data, fixture.map.size);
        for (size_t i = 0; i <= round % 4; i++) {
            /* Marsaglia 2003, xorshift with 64 bits. */
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            damaged[(random >> 16) % fixture.map.size] = (unsigned char)(random >> 8);
        }
        use_bytes(damaged, fixture.map.size);
        free(damaged);
    }
    end(&fixture);
}

static void test_not_hdf5(void **state)
{
    static const unsigned char text[] = "this is no HDF5 file, whatever its name says";
    struct hdf5_file *file;
    struct error error;

    (void)state;
    assert_false(hdf5_is_file((struct bytes){text, sizeof text}));
    assert_int_equal(hdf5_open((struct bytes){text, sizeof text}, &file, &error), FAILED);
    assert_null(file);
    assert_int_equal(hdf5_open((struct bytes){NULL, 0}, &file, &error), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datasets), cmocka_unit_test(test_other_datasets),
        cmocka_unit_test(test_texts),    cmocka_unit_test(test_links),
        cmocka_unit_test(test_cycles),   cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_damage),   cmocka_unit_test(test_not_hdf5),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_without_library(void **state)
{
    static const unsigned char start[] = "\x89HDF\r\n\x1a\n";
    struct hdf5_file *file;
    struct error error;

    (void)state;
    assert_true(hdf5_is_file((struct bytes){start, sizeof start}));
    assert_int_equal(hdf5_open((struct bytes){start, sizeof start}, &file, &error), FAILED);
    assert_non_null(strstr(error.text, "libhdf5-dev"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_without_library)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
