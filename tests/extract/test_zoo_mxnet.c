/*
 * Real networks of MXNet (TESTDATA/zoo/mxnet): where they are cut, their vectors whichever of
 * their two files is named, and the preprocessing that the symbol tells. That mtcnn_det2 gives
 * the same vectors from its Caffe file is in test_zoo_caffe.c.
 */
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"
#include "extract/network/network.h"
#include "extract/rules.h"
#include "tests/helpers.h"

/* ONNX Runtime's and our sums are in different orders. */
static const double tolerance = 1e-5;

struct file_case {
    const char *name;
    size_t usual_side, side;
    const char *layer;
    enum pooling pooling;
    size_t dimension;
    const char *preprocess;
    const char *digest;  /* of both files; it begins so */
};

static const struct file_case file_cases[] = {
    {"zoo/mxnet/squeezenet1.1-0000.params", 0, 224, "squeezenet0_concat7", POOLING_AVERAGE, 512,
     "torchvision", "446135ad7006ff35"},
    {"zoo/mxnet/squeezenet1.1-symbol.json", 0, 224, "squeezenet0_concat7", POOLING_AVERAGE, 512,
     "torchvision", "446135ad7006ff35"},
    {"zoo/mxnet/mtcnn_det2-0001.params", 24, 24, "prelu3", POOLING_NONE, 576, "",
     "d36b505b8c6ea4ba"},
    {"zoo/mxnet/mtcnn_det2-symbol.json", 24, 24, "prelu3", POOLING_NONE, 576, "",
     "d36b505b8c6ea4ba"},
};

enum { FILE_CASES = sizeof file_cases / sizeof file_cases[0] };

/* Opened and prepared for two images of side x side; or the test is skipped. */
static struct network *open_network_file(const char *name, size_t side)
{
    const char *path = test_data(name);
    struct network *network;
    struct error error;

#ifndef HAVE_JANSSON
    path = NULL;
#endif
    if (path == NULL)
        skip();
    if (network_open(path, NULL, &network, &error) < 0 ||
        network_prepare(network, &(struct network_request){
            .height = side, .width = side, .batch = 2}, &error) < 0)
        fail_msg("%s", error.text);
    return network;
}

static void test_file(void **state)
{
    const struct file_case *test = *state;
    struct network *network = open_network_file(test->name, test->side);
    const struct model *model = network_model(network);
    const struct hash digest = model_digest(model);
    char text[HASH_TEXT];
    struct preprocess_rule rule;
    struct error error;

    hash_to_text(&digest, text);
    assert_memory_equal(text, test->digest, strlen(test->digest));
    assert_string_equal(model->format->name, "mxnet");
    assert_int_equal(model->file_count, 2);
    assert_int_equal(model->usual_side, test->usual_side);
    assert_int_equal(model->input.channels, 3);
    assert_string_equal(model->preprocess, test->preprocess);
    if (*test->preprocess != '\0')
        assert_int_equal(rule_parse(NULL, model->preprocess, test->side, test->side, &rule, &error),
                         0);
    assert_string_equal(network_output(network, 0)->layer, test->layer);
    assert_int_equal(network_output(network, 0)->pooling, test->pooling);
    assert_int_equal(network_output(network, 0)->dimension, test->dimension);
    network_free(network);
}

/* [channels][pixels] to [pixels][channels] for each of two images; to be released with free(). */
static float *interleave(const float *images, size_t channels, size_t pixels)
{
    float *out = calloc(2 * channels * pixels, sizeof *out);

    assert_non_null(out);
    for (size_t i = 0; i < 2; i++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                out[(i * pixels + p) * channels + c] = images[(i * channels + c) * pixels + p];
    return out;
}

static void test_reference(void **state)
{
    struct network *network = open_network_file("zoo/mxnet/squeezenet1.1-0000.params", 224);
    const char *expected_path = test_data("zoo/reference/mxnet_squeezenet1.1.npy");
    struct npy images, expected;
    float *ordered, *vectors = calloc(2 * 512, sizeof *vectors);
    struct error error;

    (void)state;
    assert_non_null(vectors);
    assert_int_equal(npy_read(expected_path, &expected, &error), 0);
    assert_int_equal(npy_read(test_data("zoo/reference/input_torch224.npy"), &images, &error), 0);
    assert_int_equal(images.shape[0], 2);
    ordered = interleave(images.data, 3, (size_t)224 * 224);
    if (network_run(network, ordered, 2, &vectors, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(relative_error(vectors, expected.data, expected.count) <= tolerance);
    free(vectors);
    free(ordered);
    npy_release(&images);
    npy_release(&expected);
    network_free(network);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
    };
    struct CMUnitTest files[FILE_CASES];
    int failed;

    for (size_t i = 0; i < FILE_CASES; i++)
        files[i] = (struct CMUnitTest){.name = file_cases[i].name, .test_func = test_file,
                                       .initial_state = (void *)(uintptr_t)&file_cases[i]};
    failed = cmocka_run_group_tests(files, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
