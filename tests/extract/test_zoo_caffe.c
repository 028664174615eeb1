/*
 * Real networks of Caffe (TESTDATA/zoo/caffe): where they are cut, their vectors, and the
 * preprocessing that their files tell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/npy.h"
#include "extract/network/network.h"
#include "extract/rules.h"
#include "tests/helpers.h"

/* ONNX Runtime's and our sums are in different orders. */
static const double tolerance = 1e-5;

/* The test data's file, or the test is skipped; the buffer is static. */
static const char *need(const char *name)
{
    const char *path = test_data(name);

    if (path == NULL)
        skip();
    return path;
}

static struct network *open_file(const char *name)
{
    struct network *network;
    struct error error;

    if (network_open(need(name), NULL, &network, &error) < 0)
        fail_msg("%s", error.text);
    return network;
}

static void prepare(struct network *network, const char *layer, size_t side)
{
    struct error error;

    if (network_prepare(network, &(struct network_request){
            .layers = &layer, .layer_count = layer != NULL, .height = side, .width = side,
            .batch = 2}, &error) < 0)
        fail_msg("%s", error.text);
}

/* Two vectors, to be released with free(). */
static float *run_two(struct network *network, const float *images)
{
    float *vectors = calloc(2 * network_output(network, 0)->dimension, sizeof *vectors);
    struct error error;

    assert_non_null(vectors);
    if (network_run(network, images, 2, &vectors, &error) < 0)
        fail_msg("%s", error.text);
    return vectors;
}

/* ---- where, how large, and from which pixels -------------------------------------------- */

struct file_case {
    const char *name;  /* of the .caffemodel */
    size_t channels, side, usual_side;
    const char *layer;
    enum pooling pooling;
    size_t dimension;
    const char *digest;  /* of both files */
    const char *rule;
};

static const struct file_case file_cases[] = {
    {"zoo/caffe/squeezenet1.0.caffemodel", 3, 227, 0, "fire9/concat", POOLING_AVERAGE, 512,
     "51a9823a053b3caa9517b1b7152b12226af4789a8108c9d625fe3be066ad3be1",
     "fit=squash,resize=256x256,crop=227x227,filter=opencv-linear,order=bgr,scale=1,"
     "mean=104:117:123,deviation=1"},
    {"zoo/caffe/cifar10_quick.caffemodel", 3, 32, 0, "pool3", POOLING_NONE, 1024,
     "ead5ac8485e0d4704614eba5281b06bc07f23a87bf7365866cf891260df70ef1",
     "fit=squash,resize=32x32,crop=32x32,filter=opencv-linear,order=rgb,scale=1,"
     "mean=125.306918:122.95039:113.865383,deviation=1"},
    {"zoo/caffe/lenet.caffemodel", 1, 0, 28, "pool2", POOLING_NONE, 800,
     "4907bb0da9bfdfa72caf529b667860a344ba8d9c2f292e6806f7587dc3ecfb39",
     "fit=squash,resize=28x28,crop=28x28,filter=opencv-linear,order=bgr,scale=1,"
     "mean=0,deviation=256"},
    {"zoo/caffe/mtcnn_det2.caffemodel", 3, 24, 0, "conv3", POOLING_NONE, 576,
     "228b29cef971e96664848c6e1cf2aee1ba8a41cde833ab4ae4d57e09c44e6fa6",
     "fit=squash,resize=24x24,crop=24x24,filter=opencv-linear,order=rgb,scale=1,"
     "mean=127.5,deviation=128"},
};

enum { FILE_CASES = sizeof file_cases / sizeof file_cases[0] };

static void test_file(void **state)
{
    const struct file_case *test = *state;
    struct network *network = open_file(test->name);
    const struct network_input *input = network_input(network);
    const struct model *model = network_model(network);
    size_t side = test->side > 0 ? test->side : test->usual_side;
    struct preprocess_rule rule;
    char text[RULE_TEXT], digest[HASH_TEXT];
    struct hash hash = model_digest(model);
    struct error error;

    assert_string_equal(model->format->name, "caffe");
    hash_to_text(&hash, digest);
    assert_string_equal(digest, test->digest);
    assert_int_equal(model->file_count, 2);
    assert_int_equal(input->channels, test->channels);
    assert_int_equal(input->height, test->side);
    assert_int_equal(input->width, test->side);
    assert_int_equal(model->usual_side, test->usual_side);
    assert_false(model->assumes_preprocess);
    if (rule_parse(NULL, model->preprocess, side, side, &rule, &error) < 0)
        fail_msg("%s", error.text);
    rule_to_text(&rule, text);
    assert_string_equal(text, test->rule);
    prepare(network, NULL, side);
    assert_string_equal(network_output(network, 0)->layer, test->layer);
    assert_int_equal(network_output(network, 0)->pooling, test->pooling);
    assert_int_equal(network_output(network, 0)->dimension, test->dimension);
    network_free(network);
}

/* ---- vectors ---------------------------------------------------------------------------- */

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
    struct network *network = open_file("zoo/caffe/squeezenet1.0.caffemodel");
    struct npy images, expected;
    float *ordered, *vectors;
    struct error error;

    (void)state;
    assert_int_equal(npy_read(need("zoo/reference/input_caffe227.npy"), &images, &error), 0);
    assert_int_equal(npy_read(need("zoo/reference/caffe_squeezenet1.0.npy"), &expected, &error),
                     0);
    assert_int_equal(images.shape[0], 2);
    ordered = interleave(images.data, 3, (size_t)227 * 227);
    prepare(network, NULL, 227);
    vectors = run_two(network, ordered);
    assert_true(relative_error(vectors, expected.data, expected.count) <= tolerance);
    free(vectors);
    free(ordered);
    npy_release(&images);
    npy_release(&expected);
    network_free(network);
}

/* The image for the other format's file: rows and columns change places, red and blue too. To be
 * released with free(). */
static float *mirror_images(const float *images, size_t side)
{
    float *out = calloc(2 * 3 * side * side, sizeof *out);

    assert_non_null(out);
    for (size_t i = 0; i < 2; i++)
        for (size_t y = 0; y < side; y++)
            for (size_t x = 0; x < side; x++)
                for (size_t c = 0; c < 3; c++)
                    out[((i * side + y) * side + x) * 3 + c] =
                        images[((i * side + x) * side + y) * 3 + 2 - c];
    return out;
}

/* mtcnn_det2 from its Caffe file, which sees its images on their side and in red, green and blue,
 * and from the MXNet file that was made from it and sees them upright, in blue, green and red. */
static void test_same_in_mxnet(void **state)
{
    enum { SIDE = 24, CHANNELS = 64, MAP = 3 };
    float *images, *mirrored, *vectors, *others, turned[2 * CHANNELS * MAP * MAP];
    struct network *caffe, *mxnet;
    struct error error;

    (void)state;
#ifndef HAVE_JANSSON
    skip();
#endif
    caffe = open_file("zoo/caffe/mtcnn_det2.caffemodel");
    images = seeded_images(2, 3, SIDE, SIDE);
    mirrored = mirror_images(images, SIDE);
    if (network_open(need("zoo/mxnet/mtcnn_det2-0001.params"), NULL, &mxnet, &error) < 0)
        fail_msg("%s", error.text);
    prepare(caffe, NULL, SIDE);
    prepare(mxnet, NULL, SIDE);
    assert_int_equal(network_output(mxnet, 0)->dimension, CHANNELS * MAP * MAP);
    vectors = run_two(caffe, images);
    others = run_two(mxnet, mirrored);
    for (size_t i = 0; i < 2 * CHANNELS; i++)
        for (size_t y = 0; y < MAP; y++)
            for (size_t x = 0; x < MAP; x++)
                turned[(i * MAP + y) * MAP + x] = others[(i * MAP + x) * MAP + y];
    assert_true(relative_error(turned, vectors, sizeof turned / sizeof turned[0]) <= tolerance);
    free(vectors);
    free(others);
    free(images);
    free(mirrored);
    network_free(caffe);
    network_free(mxnet);
}

/* ---- cut off ---------------------------------------------------------------------------- */

/* Only at the end of a layer can a part of a file be taken for a whole one. */
static void check_part(const char *weights, const char *definition, size_t size, size_t side)
{
    struct graph graph = {0};
    struct model model;
    struct error error;
    int outcome = model_open(weights, definition, &model, &error);

    if (outcome == 0)
        outcome = model_read(&model, side, side, &graph, &error);
    if (outcome < 0 && strstr(error.text, weights) == NULL)
        fail_msg("the message does not name the file of %zu bytes: %s", size, error.text);
    graph_release(&graph);
    model_close(&model);
}

static void test_cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILE_CASES; i++) {
        const struct file_case *test = &file_cases[i];
        size_t side = test->side > 0 ? test->side : test->usual_side;
        char *folder = scratch_create(), weights[256], definition[256];
        struct buffer file = {0};
        struct error error;

        snprintf(definition, sizeof definition, "%.*s%s", (int)(strlen(test->name) - 11),
                 test->name, test->side > 0 ? ".prototxt" : "_train_test.prototxt");
        snprintf(definition, sizeof definition, "%s", need(definition));
        snprintf(weights, sizeof weights, "%s/cut.caffemodel", folder);
        assert_int_equal(file_read(need(test->name), 1 << 24, &file, NULL, &error), 0);
        write_file(weights, file.data, file.size);
        for (size_t size = file.size / 1024 * 1024; size > 0; size -= 1024) {
            assert_int_equal(truncate(weights, (off_t)size), 0);
            check_part(weights, definition, size, side);
        }
        buffer_release(&file);
        scratch_remove(folder);
    }
}

/* ---- names ------------------------------------------------------------------------------ */

/* A blob and the layers that write it in place are one tensor with one name. */
static void test_names_in_place(void **state)
{
    static const char *const names[] = {"fire2/conv1x1_1", "fire2/relu_conv1x1_1"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct network *network = open_file("zoo/caffe/squeezenet1.0.caffemodel");

        prepare(network, names[i], 227);
        assert_string_equal(network_output(network, 0)->layer, "fire2/conv1x1_1");
        assert_string_equal(network_layer(network, network_layer_count(network) - 1).operation,
                            "convolution 1x1 + relu");
        network_free(network);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_same_in_mxnet),
        cmocka_unit_test(test_names_in_place),
        cmocka_unit_test(test_cut_off),
    };
    struct CMUnitTest files[FILE_CASES];
    int failed;

    for (size_t i = 0; i < FILE_CASES; i++)
        files[i] = (struct CMUnitTest){.name = file_cases[i].name, .test_func = test_file,
                                       .initial_state = (void *)(uintptr_t)&file_cases[i]};
    failed = cmocka_run_group_tests(files, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
