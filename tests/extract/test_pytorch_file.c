/*
 * The tensors of PyTorch's files: little files that torch.save wrote (make_pytorch_cases.py), and
 * hand-made ones that lie about their tensors and storages.
 */
#include "extract/formats/pytorch_file.h"

#include <stdio.h>
#include <string.h>

#include "tests/extract/pytorch_writer.h"

#define FOLDER "tests/extract/golden-pytorch/"

static int parse(struct bytes bytes, struct pytorch_file *file, struct error *error)
{
    if (pytorch_is_zip(bytes))
        return pytorch_parse_zip(bytes, file, error);
    if (pytorch_is_legacy(bytes))
        return pytorch_parse_legacy(bytes, file, error);
    if (safetensors_is_file(bytes))
        return safetensors_parse(bytes, file, error);
    *file = (struct pytorch_file){0};
    return error_set(error, "no format");
}

static void read_case(const char *name, struct buffer *buffer)
{
    struct error error;

    if (file_read(scratch_path(FOLDER, name), 1 << 20, buffer, NULL, &error) < 0)
        fail_msg("%s", error.text);
}

/* ---- what torch.save wrote -------------------------------------------------------------- */

static const struct expected {
    const char *name;
    size_t rank, shape[2];
    double values[6];
} expected[] = {
    {"float", 2, {2, 3}, {0, 1, 2, 3, 4, 5}},
    {"turned", 2, {3, 2}, {6, 9, 7, 10, 8, 11}},
    {"every.other", 1, {6}, {12, 14, 16, 18, 20, 22}},
    {"double", 1, {3}, {0, 1 / 3.0, 2 / 3.0}},
    {"half", 1, {3}, {0, 0.5, 1}},
    {"brain", 1, {3}, {0, 0.5, 1}},
    {"count", 0, {0}, {7}},
    {"empty", 2, {0, 3}, {0}},
    {"parameter", 1, {1}, {1.5}},
};

enum { EXPECTED = sizeof expected / sizeof expected[0] };

static void check_tensor(const struct pytorch_file *file, size_t index)
{
    struct graph graph = {0};
    struct tensor tensor;
    struct error error;

    assert_string_equal(file->tensors[index].name, expected[index].name);
    if (pytorch_load(file, index, &graph, &tensor, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(tensor.rank, expected[index].rank);
    for (size_t axis = 0; axis < tensor.rank; axis++)
        assert_int_equal(tensor.shape[axis], expected[index].shape[axis]);
    for (size_t i = 0; i < tensor.count; i++)
        assert_true(fabs(tensor_real(&tensor, i) - expected[index].values[i]) < 1e-12);
    graph_release(&graph);
}

static const char *const readable[] = {
    "small_zip.pth", "small_legacy.pth", "small_zip_checkpoint.pth",
    "small_legacy_checkpoint.pth", "small_zip_protocol_4.pth", "small_legacy_protocol_4.pth",
};

enum { READABLE = sizeof readable / sizeof readable[0] };

static void test_what_torch_wrote(void **state)
{
    (void)state;
    for (size_t i = 0; i < READABLE; i++) {
        struct buffer buffer = {0};
        struct pytorch_file file;
        struct error error;

        read_case(readable[i], &buffer);
        if (parse((struct bytes){buffer.data, buffer.size}, &file, &error) < 0)
            fail_msg("%s: %s", readable[i], error.text);
        assert_int_equal(file.tensor_count, EXPECTED);
        for (size_t j = 0; j < EXPECTED; j++)
            check_tensor(&file, j);
        pytorch_release(&file);
        buffer_release(&buffer);
    }
}

/* What lies in the file as it is needed is not copied. */
static void test_views(void **state)
{
    struct buffer buffer = {0};
    struct pytorch_file file;
    struct graph graph = {0};
    struct tensor tensor;
    struct error error;

    (void)state;
    read_case("small_zip.pth", &buffer);
    assert_int_equal(parse((struct bytes){buffer.data, buffer.size}, &file, &error), 0);
    assert_int_equal(pytorch_load(&file, 0, &graph, &tensor, &error), 0);
    assert_true(tensor.bytes.data > buffer.data && tensor.bytes.data < buffer.data + buffer.size);
    assert_int_equal(graph.block_count, 0);
    assert_int_equal(pytorch_load(&file, 1, &graph, &tensor, &error), 0);
    assert_int_equal(graph.block_count, 1);
    graph_release(&graph);
    pytorch_release(&file);
    buffer_release(&buffer);
}

static const struct {
    const char *name, *message;
} refused[] = {
    {"small_zip_module.pth", "its pickle asks for 'torch.nn.modules.container.Sequential', "},
    {"small_torchscript.pth", "it is a TorchScript program; "},
    {"small_zip_tensor.pth", "it holds no state dictionary "},
    {"small_plain_pickle.pth", "no format"},
};

static void test_what_is_no_state_dictionary(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct buffer buffer = {0};
        struct pytorch_file file;
        struct error error;

        read_case(refused[i].name, &buffer);
        assert_int_equal(parse((struct bytes){buffer.data, buffer.size}, &file, &error), FAILED);
        if (strncmp(error.text, refused[i].message, strlen(refused[i].message)) != 0)
            fail_msg("%s: %s", refused[i].name, error.text);
        pytorch_release(&file);
        buffer_release(&buffer);
    }
}

/* A file cut off gives an error; changed anywhere, an error or tensors within the file. */
static void test_damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < READABLE; i++) {
        struct buffer buffer = {0};
        struct error error;

        read_case(readable[i], &buffer);
        for (size_t at = 0; at < 2 * buffer.size; at++) {
            size_t size = at < buffer.size ? at : buffer.size;
            unsigned char *copy = malloc(size + 1);
            struct graph graph = {0};
            struct pytorch_file file;
            struct tensor tensor;

            assert_non_null(copy);
            copy = realloc(memcpy(copy, buffer.data, size), size > 0 ? size : 1);
            if (at >= buffer.size)
                copy[at - buffer.size] ^= 0x81;
            if (parse((struct bytes){copy, size}, &file, &error) == 0) {
                if (at < buffer.size)
                    fail_msg("%s can be read with %zu bytes", readable[i], at);
                for (size_t j = 0; j < file.tensor_count; j++)
                    if (pytorch_load(&file, j, &graph, &tensor, &error) == 0 &&
                        tensor.type != TENSOR_OTHER && tensor.count > 0)
                        (void)tensor_real(&tensor, tensor.count - 1);
            }
            graph_release(&graph);
            pytorch_release(&file);
            free(copy);
        }
        buffer_release(&buffer);
    }
}

/* ---- lies ------------------------------------------------------------------------------- */

/* One tensor, and a storage of 16 bytes in the archive. */
static const struct lie {
    const char *type, *key;
    size_t elements, offset, rank, shape[4], strides[4];
    const char *message;
} lies[] = {
    {"FloatStorage", "0", 4, 0, 1, {4}, {1}, ""},
    {"FloatStorage", "0", 4, 3, 1, {1}, {1}, ""},
    {"FloatStorage", "0", 4, 0, 2, {2, 2}, {1, 2}, ""},
    {"FloatStorage", "0", 4, 0, 1, {5}, {1}, "'x' has 5 elements, its storage 4"},
    {"FloatStorage", "0", 4, 1, 1, {4}, {1}, "'x' reaches out of its storage"},
    {"FloatStorage", "0", 4, 0, 2, {2, 2}, {3, 1}, "'x' reaches out of its storage"},
    {"FloatStorage", "0", 4, 0, 1, {2}, {SIZE_MAX / 2}, "'x' reaches out of its storage"},
    {"FloatStorage", "0", 4, SIZE_MAX / 2, 1, {1}, {1}, "'x' reaches out of its storage"},
    {"FloatStorage", "0", 4, 0, 2, {4, 4}, {0, 0}, "'x' has 16 elements, its storage 4"},
    {"FloatStorage", "0", 4, 0, 2, {(size_t)1 << 62, 8}, {0, 0}, "a tensor's dimension 1 is 8"},
    {"FloatStorage", "0", 4, 0, 1, {SIZE_MAX}, {1},
     "its pickle describes a tensor in an unknown way"},
    {"FloatStorage", "0", 5, 0, 1, {5}, {1},
     "'a/data/0' in the archive has 16 bytes, too few for 5 numbers"},
    {"FloatStorage", "0", SIZE_MAX / 2, 0, 1, {5}, {1}, "'a/data/0' in the archive has 16 bytes"},
    {"DoubleStorage", "0", 4, 0, 1, {4}, {1}, "'a/data/0' in the archive has 16 bytes"},
    {"FloatStorage", "1", 4, 0, 1, {4}, {1}, "'a/data/1' is missing in the archive"},
    {"FloatStorage", "../x", 4, 0, 1, {4}, {1}, "'a/data/../x' is missing in the archive"},
    {"Size", "0", 4, 0, 1, {4}, {1}, "its pickle describes a tensor in an unknown way"},
};

static void test_lies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        const struct lie *lie = &lies[i];
        struct zip_writer zip = {0};
        struct buffer pickle = {0};
        struct pytorch_file file;
        struct error error = {""};

        pickle_code(&pickle, "\x80\2}");
        pickle_text(&pickle, "x");
        pickle_tensor(&pickle, lie->type, lie->key, lie->elements, lie->offset, lie->shape,
                      lie->strides, lie->rank);
        pickle_code(&pickle, "s.");
        zip_writer_add(&zip, &(struct zip_member){
            .name = "a/data.pkl", .data = pickle.data, .size = pickle.size});
        zip_writer_add(&zip, &(struct zip_member){
            .name = "a/data/0", .data = "0123456789abcdef", .size = 16});
        zip_writer_finish(&zip);
        if (parse((struct bytes){zip.file.data, zip.file.size}, &file, &error) < 0 &&
            *lie->message == '\0')
            fail_msg("lie %zu: %s", i, error.text);
        if (strncmp(error.text, lie->message, strlen(lie->message)) != 0)
            fail_msg("lie %zu: '%s'", i, error.text);
        pytorch_release(&file);
        zip_writer_release(&zip);
        buffer_release(&pickle);
    }
}

/* Headers in front of 8 bytes of data. */
static const struct {
    const char *header, *message;
} headers[] = {
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", ""},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}}", ""},
    {"{\"x\":{\"dtype\":\"BF16\",\"shape\":[2,2],\"data_offsets\":[0,8]}}", ""},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[8,8]}}", ""},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
     "'x' has 8 bytes, too many or too few for its shape"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
     "'x' lies at 4 to 12, outside of the file's 8 bytes of data"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "'x' lies at 8 to 0"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", "'x' lies at -8 to 0"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}", "'x' lies at -1 to -1"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
     "'x' has a shape that is none"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807],"
     "\"data_offsets\":[0,8]}}", "'x' has a shape that is none"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
     "'x' has no shape, or one of more than 8 dimensions"},
    {"{\"x\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}",
     "'x' is of the unknown type 'F33'"},
    {"{\"x\":3}", "'x' is of the unknown type ''"},
    {"{\"x\":{}, \"x\":{}}", "it"},
    {"{\"x\":", "it"},
    {"{\"x\":[[[[[[[[[", "it"},
};

static void test_safetensors(void **state)
{
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "x");

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct buffer buffer = {0};
        struct pytorch_file file;
        struct error error = {""};

        safetensors_save(headers[i].header, "01234567", 8, path);
        assert_int_equal(file_read(path, 1 << 20, &buffer, NULL, &error), 0);
        if (parse((struct bytes){buffer.data, buffer.size}, &file, &error) < 0 &&
            *headers[i].message == '\0')
            fail_msg("header %zu: %s", i, error.text);
        if (strncmp(error.text, headers[i].message, strlen(headers[i].message)) != 0)
            fail_msg("header %zu: '%s'", i, error.text);
        pytorch_release(&file);
        buffer_release(&buffer);
    }
    scratch_remove(folder);
}

#if defined HAVE_LIBZIP && defined HAVE_JANSSON

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_torch_wrote),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_what_is_no_state_dictionary),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_safetensors),
    };

    return cmocka_run_group_tests_name("PyTorch's files", tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skip: built without libzip or jansson");
    return 0;
}

#endif
