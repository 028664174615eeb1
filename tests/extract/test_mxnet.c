/*
 * MXNet's files: finding the one that belongs to the other, and what becomes of files that are
 * damaged, lie, or hold what is not supported. The operators are in test_operators.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "extract/network/network.h"
#include "tests/helpers.h"

#define GOLDEN "tests/extract/golden-mxnet/"

enum { SIDE = 8 };

static void need_library(void)
{
#ifndef HAVE_JANSSON
    skip();
#endif
}

/* ---- a network in the making ------------------------------------------------------------ */

/* A file of parameters: version 0, floats. */
struct params {
    unsigned char bytes[4096];
    size_t size;
};

static void put(struct params *params, const void *bytes, size_t size)
{
    assert_true(params->size + size <= sizeof params->bytes);
    memcpy(params->bytes + params->size, bytes, size);
    params->size += size;
}

static void put_u32(struct params *params, uint32_t number)
{
    put(params, &number, sizeof number);
}

static void put_u64(struct params *params, uint64_t number)
{
    put(params, &number, sizeof number);
}

struct array {
    const char *name;
    uint32_t rank, shape[4];
};

static void put_head(struct params *params, uint64_t count)
{
    params->size = 0;
    put_u64(params, 0x112);
    put_u64(params, 0);
    put_u64(params, count);
}

static void put_arrays(struct params *params, const struct array *arrays, size_t count)
{
    put_head(params, count);
    for (size_t i = 0; i < count; i++) {
        size_t numbers = 1;

        put_u32(params, arrays[i].rank);
        for (size_t axis = 0; axis < arrays[i].rank; axis++) {
            put_u32(params, arrays[i].shape[axis]);
            numbers *= arrays[i].shape[axis];
        }
        put_u32(params, 1);
        put_u32(params, 0);
        put_u32(params, 0);
        for (size_t n = 0; n < numbers; n++)
            put(params, &(float){0.5f}, sizeof(float));
    }
    put_u64(params, count);
    for (size_t i = 0; i < count; i++) {
        put_u64(params, strlen(arrays[i].name));
        put(params, arrays[i].name, strlen(arrays[i].name));
    }
}

#define WEIGHTS {"arg:conv_weight", 4, {2, 3, 3, 3}}
#define BIAS {"arg:conv_bias", 1, {2}}

/* Variables 0 to 2 (the image, weights, bias), node 3 the convolution. `more` are further nodes,
 * `head` the last. */
static void make_symbol(char text[2048], const char *attributes, const char *more, int head)
{
    snprintf(text, 2048,
             "{\"nodes\": [{\"op\": \"null\", \"name\": \"data\", \"inputs\": []},"
             "{\"op\": \"null\", \"name\": \"conv_weight\", \"inputs\": []},"
             "{\"op\": \"null\", \"name\": \"conv_bias\", \"inputs\": []},"
             "{\"op\": \"Convolution\", \"name\": \"conv\", \"attrs\": {%s},"
             " \"inputs\": [[0, 0], [1, 0], [2, 0]]}%s],"
             "\"arg_nodes\": [0, 1, 2], \"heads\": [[%d, 0]]}",
             attributes, more, head);
}

#define CONVOLUTION "\"kernel\": \"(3, 3)\", \"num_filter\": \"2\""

/* Opens and prepares; `layer` NULL: the bottleneck. */
static int use(const char *path, const char *definition, const char *layer, struct error *error)
{
    struct network *network;
    size_t side;
    int outcome = network_open(path, definition, &network, error);

    if (outcome == 0) {
        side = network_model(network)->usual_side;
        outcome = network_prepare(network, &(struct network_request){
            .layers = &layer, .layer_count = layer != NULL, .height = side > 0 ? side : SIDE,
            .width = side > 0 ? side : SIDE, .batch = 1}, error);
        network_free(network);
    }
    return outcome;
}

static int use_texts(const char *folder, const char *symbol, const struct params *params,
                     const char *layer, struct error *error)
{
    write_file(scratch_path(folder, "net-symbol.json"), symbol, strlen(symbol));
    write_file(scratch_path(folder, "net-0000.params"), params->bytes, params->size);
    return use(scratch_path(folder, "net-0000.params"), NULL, layer, error);
}

static void expect_part(const struct error *error, const char *part)
{
    if (strstr(error->text, part) == NULL)
        fail_msg("'%s' does not say '%s'", error->text, part);
    assert_null(strchr(error->text, '\n'));
}

/* ---- which file belongs to which -------------------------------------------------------- */

static void test_other_file(void **state)
{
    const struct array arrays[] = {WEIGHTS, BIAS};
    char *folder = scratch_create(), symbol[2048];
    struct params params;
    struct error error;

    (void)state;
    need_library();
    make_symbol(symbol, CONVOLUTION, "", 3);
    put_arrays(&params, arrays, 2);
    assert_int_equal(use_texts(folder, symbol, &params, "conv", &error), 0);
    assert_int_equal(use_texts(folder, symbol, &params, "conv_output", &error), 0);
    assert_int_equal(use(scratch_path(folder, "net-symbol.json"), NULL, NULL, &error), 0);

    write_file(scratch_path(folder, "net-0007.params"), params.bytes, params.size);
    assert_int_equal(use(scratch_path(folder, "net-0007.params"), NULL, NULL, &error), 0);
    assert_int_equal(use(scratch_path(folder, "net-symbol.json"), NULL, NULL, &error), FAILED);
    expect_part(&error, "it has several files of parameters");
    assert_int_equal(use(scratch_path(folder, "net-symbol.json"),
                         scratch_path(folder, "net-0007.params"), NULL, &error), 0);

    write_file(scratch_path(folder, "other.params"), params.bytes, params.size);
    assert_int_equal(use(scratch_path(folder, "other.params"), NULL, NULL, &error), FAILED);
    expect_part(&error, "other-symbol.json");
    expect_part(&error, "--definition");
    assert_int_equal(use(scratch_path(folder, "other.params"),
                         scratch_path(folder, "net-symbol.json"), NULL, &error), 0);
    assert_int_equal(use(scratch_path(folder, "other.params"),
                         scratch_path(folder, "other.params"), NULL, &error), FAILED);
    expect_part(&error, "JSON");

    write_file(scratch_path(folder, "alone-symbol.json"), symbol, strlen(symbol));
    assert_int_equal(use(scratch_path(folder, "alone-symbol.json"), NULL, NULL, &error), FAILED);
    expect_part(&error, "'alone-NNNN.params' are not beside it");
    scratch_remove(folder);
}

/* ---- what does not fit together --------------------------------------------------------- */

static void test_refused(void **state)
{
    static const struct {
        const char *attributes, *more;
        int head;
        struct array arrays[3];
        size_t count;
        const char *message;
    } cases[] = {
        {CONVOLUTION, "", 3, {WEIGHTS}, 1, "Convolution 'conv': its parameter 'conv_bias' is "
         "missing"},
        {CONVOLUTION, "", 3, {WEIGHTS, BIAS, WEIGHTS}, 3, "two arrays of the name 'conv_weight'"},
        {CONVOLUTION, "", 3, {{"arg:conv_weight", 4, {4, 3, 3, 3}}, BIAS}, 2,
         "Convolution 'conv': its weights are not for 2 filters"},
        {CONVOLUTION, "", 3, {{"arg:conv_weight", 4, {2, 3, 3, 2}}, BIAS}, 2,
         "Convolution 'conv': its weights are 3x2, its 'kernel' 3x3"},
        {CONVOLUTION, "", 3, {WEIGHTS, {"arg:conv_bias", 1, {5}}}, 2,
         "Convolution 'conv': its bias has 5 numbers for 2 outputs"},
        {"\"num_filter\": \"2\"", "", 3, {WEIGHTS, BIAS}, 2, "its 'kernel' is missing"},
        {"\"kernel\": \"(3, x)\", \"num_filter\": \"2\"", "", 3, {WEIGHTS, BIAS}, 2,
         "its 'kernel' is '(3, x)', not a tuple of integers"},
        {"\"kernel\": \"(3,)\", \"num_filter\": \"2\"", "", 3, {WEIGHTS, BIAS}, 2,
         "its 'kernel' has one number; two dimensions are supported"},
        {CONVOLUTION ", \"stride\": \"(0, 1)\"", "", 3, {WEIGHTS, BIAS}, 2, "its 'stride' is 0"},
        {CONVOLUTION ", \"layout\": \"NHWC\"", "", 3, {WEIGHTS, BIAS}, 2, "its layout 'NHWC'"},
        {CONVOLUTION ", \"num_group\": \"3\"", "", 3, {WEIGHTS, BIAS}, 2,
         "its weights are for 3 channels in each of 3 groups"},
        {CONVOLUTION ", \"pad\": \"(99999999999999999999, 0)\"", "", 3, {WEIGHTS, BIAS}, 2,
         "not a tuple of integers"},
        {"\"kernel\": 3", "", 3, {WEIGHTS, BIAS}, 2, "its attribute 'kernel' is not a text"},
        {CONVOLUTION, ",{\"op\": \"UpSampling\", \"name\": \"up\", \"inputs\": [[3, 0]]}", 4,
         {WEIGHTS, BIAS}, 2, "UpSampling 'up': this operator is not supported"},
        {CONVOLUTION, ",{\"op\": \"Cast\", \"name\": \"a\", \"inputs\": [[3, 0]],"
         " \"attrs\": {\"dtype\": \"uint8\"}}", 4, {WEIGHTS, BIAS}, 2,
         "Cast 'a': its type 'uint8' is not supported"},
        {CONVOLUTION, ",{\"op\": \"mean\", \"name\": \"a\", \"inputs\": [[3, 0]],"
         " \"attrs\": {\"axis\": \"(2, 3)\", \"exclude\": \"True\"}}", 4, {WEIGHTS, BIAS}, 2,
         "a mean is supported over the height and width of a map only"},
        {CONVOLUTION, ",{\"op\": \"Flatten\", \"name\": \"a\", \"inputs\": [[5, 0]]},"
         "{\"op\": \"Flatten\", \"name\": \"b\", \"inputs\": [[4, 0]]}", 4, {WEIGHTS, BIAS}, 2,
         "Flatten 'a': it reads node 5, which does not come before it"},
        {CONVOLUTION, ",{\"op\": \"Flatten\", \"name\": \"a\", \"inputs\": [[4, 0]]}", 4,
         {WEIGHTS, BIAS}, 2, "it reads node 4, which does not come before it"},
        {CONVOLUTION, ",{\"op\": \"Flatten\", \"name\": \"a\", \"inputs\": [[-1, 0]]}", 4,
         {WEIGHTS, BIAS}, 2, "an input is not given as [node, output]"},
        {CONVOLUTION, ",{\"op\": \"Flatten\", \"name\": \"a\", \"inputs\": [[3, 1]]}", 4,
         {WEIGHTS, BIAS}, 2, "its input 'conv' has no result 1"},
        {CONVOLUTION, ",{\"name\": \"a\", \"inputs\": []}", 4, {WEIGHTS, BIAS}, 2,
         "its node 4 lacks 'op'"},
        {CONVOLUTION, "", 9, {WEIGHTS, BIAS}, 2, "its 'heads'"},
        {CONVOLUTION, "", 1, {WEIGHTS, BIAS}, 2,
         "its output 'conv_weight' does not depend on the image"},
        {CONVOLUTION, ",{\"op\": \"null\", \"name\": \"second\", \"inputs\": []},"
         "{\"op\": \"Flatten\", \"name\": \"a\", \"inputs\": [[4, 0]]}", 3, {WEIGHTS, BIAS}, 2,
         "it has more than one input: 'data' and 'second'"},
        {CONVOLUTION, "", 3, {BIAS}, 1, "does not say how many channels it has"},
    };
    char *folder = scratch_create(), symbol[2048];
    struct params params;
    struct error error;

    (void)state;
    need_library();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_symbol(symbol, cases[i].attributes, cases[i].more, cases[i].head);
        put_arrays(&params, cases[i].arrays, cases[i].count);
        if (use_texts(folder, symbol, &params, NULL, &error) == 0)
            fail_msg("case %zu works", i);
        expect_part(&error, cases[i].message);
    }
    scratch_remove(folder);
}

/* What stands behind the cut may be anything. */
static void test_unsupported_behind(void **state)
{
    static const char more[] =
        ",{\"op\": \"UpSampling\", \"name\": \"up\", \"inputs\": [[3, 0]]}"
        ",{\"op\": \"Flatten\", \"name\": \"flat\", \"inputs\": [[4, 0]]}";
    const struct array arrays[] = {WEIGHTS, BIAS};
    char *folder = scratch_create(), symbol[2048];
    struct params params;
    struct error error;

    (void)state;
    need_library();
    make_symbol(symbol, CONVOLUTION, more, 5);
    put_arrays(&params, arrays, 2);
    assert_int_equal(use_texts(folder, symbol, &params, "conv", &error), 0);
    assert_int_equal(use_texts(folder, symbol, &params, "flat", &error), FAILED);
    expect_part(&error, "UpSampling 'up': this operator is not supported");
    scratch_remove(folder);
}

/* ---- damaged files ---------------------------------------------------------------------- */

static void read_golden(const char *name, struct buffer *file)
{
    struct error error;

    if (file_read(scratch_path(GOLDEN, name), 1 << 20, file, NULL, &error) < 0)
        fail_msg("%s", error.text);
}

/* Neither file works when it ends early. */
static void test_cut_off(void **state)
{
    static const char *const names[] = {"usual_side", "batch_norm_old", "params_v1", "params_v3",
                                        "slice_channel"};
    char *folder = scratch_create(), name[64];
    struct buffer params = {0}, symbol = {0};
    struct error error;

    (void)state;
    need_library();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(name, sizeof name, "%s-0000.params", names[i]);
        read_golden(name, &params);
        snprintf(name, sizeof name, "%s-symbol.json", names[i]);
        read_golden(name, &symbol);
        write_file(scratch_path(folder, "net-symbol.json"), symbol.data, symbol.size);
        for (size_t size = 1; size < params.size; size++) {
            write_file(scratch_path(folder, "net-0000.params"), params.data, size);
            if (use(scratch_path(folder, "net-0000.params"), NULL, NULL, &error) == 0)
                fail_msg("%s works with %zu bytes of parameters", names[i], size);
        }
        write_file(scratch_path(folder, "net-0000.params"), params.data, params.size);
        for (size_t size = 1; size + 2 < symbol.size; size += 3) {
            write_file(scratch_path(folder, "net-symbol.json"), symbol.data, size);
            if (use(scratch_path(folder, "net-0000.params"), NULL, NULL, &error) == 0)
                fail_msg("%s works with %zu bytes of symbol", names[i], size);
        }
    }
    buffer_release(&params);
    buffer_release(&symbol);
    scratch_remove(folder);
}

/* Lengths that no file has: refused before anything is allocated. */
static void test_lengths(void **state)
{
    const struct array arrays[] = {WEIGHTS, BIAS};
    static const size_t array_count = 16, rank = 24, first_dimension = 28;
    static const uint64_t hostile[] = {UINT64_C(1) << 63, UINT64_MAX, UINT64_C(1) << 40, 3};
    char *folder = scratch_create(), symbol[2048];
    struct params params, whole;
    struct error error;
    size_t names;

    (void)state;
    need_library();
    make_symbol(symbol, CONVOLUTION, "", 3);
    put_arrays(&whole, arrays, 2);
    names = whole.size - (8 + strlen("arg:conv_weight") + 8 + strlen("arg:conv_bias") + 8);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const size_t places[] = {array_count, names, names + 8};

        for (size_t j = 0; j < 3; j++) {
            params = whole;
            memcpy(params.bytes + places[j], &hostile[i], sizeof hostile[i]);
            assert_int_equal(use_texts(folder, symbol, &params, NULL, &error), FAILED);
        }
        for (size_t at = rank; at <= first_dimension; at += 4) {
            params = whole;
            memcpy(params.bytes + at, &(uint32_t){(uint32_t)(hostile[i] >> 32 | 7)}, 4);
            assert_int_equal(use_texts(folder, symbol, &params, NULL, &error), FAILED);
        }
    }
    scratch_remove(folder);
}

/* Arrays of other kinds, by the bytes behind the head of the list. */
static void test_arrays(void **state)
{
    static const struct {
        uint32_t words[12];
        size_t count;
        const char *message;
    } cases[] = {
        {{0xF993FAC9, 1, 0}, 3, "it is sparse"},
        {{0xF993FAC8, 1, 0, 0x80000000, 1, 0, 0}, 7, "a tensor's dimension 0 is"},
        {{0xF993FACA, 0, 1, 0, 0x40000000, 1, 0, 0}, 8, "larger than any file"},
        {{1, 2, 1, 0, 77, 0, 0}, 7, "its type has the unknown number 77"},
        {{9, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 10, "it has 9 dimensions"},
        {{1, 1000, 1, 0, 0, 0}, 6, "it ends within array 1 of 1"},
    };
    char *folder = scratch_create(), symbol[2048];
    struct params params;
    struct error error;

    (void)state;
    need_library();
    make_symbol(symbol, CONVOLUTION, "", 3);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_head(&params, 1);
        for (size_t j = 0; j < cases[i].count; j++)
            put_u32(&params, cases[i].words[j]);
        assert_int_equal(use_texts(folder, symbol, &params, NULL, &error), FAILED);
        expect_part(&error, cases[i].message);
    }
    scratch_remove(folder);
}

/* Built without the library, the format is known all the same. */
static void test_library_absent(void **state)
{
#ifdef HAVE_JANSSON
    (void)state;
    skip();
#else
    struct error error;

    (void)state;
    assert_int_equal(use(GOLDEN "grey-0000.params", NULL, NULL, &error), FAILED);
    expect_part(&error, "libjansson-dev");
#endif
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_file),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unsupported_behind), cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_library_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
