/*
 * Real graphs of TensorFlow (TESTDATA/zoo/tensorflow): where they are cut, their vectors, their
 * preprocessing, and what is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/npy.h"
#include "extract/formats/protobuf.h"
#include "extract/network/network.h"
#include "extract/rules.h"
#include "tests/helpers.h"

#define MOBILENET "zoo/tensorflow/mobilenet_v1_0.25_224_frozen.pb"

enum { SIDE = 224, CHANNELS = 3, PIXELS = SIDE * SIDE, DIMENSION = 256, KILOBYTE = 1024 };

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

static struct network *open_mobilenet(const char *layer)
{
    struct network *network;
    struct error error;

    if (network_open(need(MOBILENET), NULL, &network, &error) < 0 ||
        network_prepare(network, &(struct network_request){
            .layers = &layer, .layer_count = layer != NULL, .batch = 2}, &error) < 0)
        fail_msg("%s", error.text);
    return network;
}

static void test_description(void **state)
{
    struct network *network = open_mobilenet(NULL);
    const struct model *model = network_model(network);
    struct hash digest = model_digest(model);
    struct preprocess_rule rule;
    char text[RULE_TEXT], digest_text[HASH_TEXT];
    struct error error;

    (void)state;
    assert_string_equal(model->format->name, "tensorflow");
    assert_int_equal(network_input(network)->channels, CHANNELS);
    assert_int_equal(network_input(network)->height, SIDE);
    assert_int_equal(network_input(network)->width, SIDE);
    assert_string_equal(network_output(network, 0)->layer,
                        "MobilenetV1/Logits/AvgPool_1a/AvgPool");
    assert_int_equal(network_output(network, 0)->dimension, DIMENSION);
    assert_false(model->assumes_preprocess);
    if (rule_parse(NULL, model->preprocess, SIDE, SIDE, &rule, &error) < 0)
        fail_msg("%s", error.text);
    rule_to_text(&rule, text);
    assert_string_equal(text, "fit=squash,resize=224x224,crop=224x224,filter=tf1-bilinear,"
                              "order=rgb,scale=1/127.5,mean=1,deviation=1");
    hash_to_text(&digest, digest_text);
    assert_string_equal(digest_text,
                        "bf56de7d43277493cbf251dc97e5ce3332725f2d134cf62418d666278f9b5ff7");
    network_free(network);
}

/* [channels][pixels] to [pixels][channels] for each of two images; to be released with free(). */
static float *interleave(const float *images)
{
    float *out = calloc(2 * CHANNELS * PIXELS, sizeof *out);

    assert_non_null(out);
    for (size_t image = 0; image < 2; image++)
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t p = 0; p < PIXELS; p++)
                out[(image * PIXELS + p) * CHANNELS + c] =
                    images[(image * CHANNELS + c) * PIXELS + p];
    return out;
}

/* The average over the last map is the vector, wherever the cut is asked for. */
static void test_vectors(void **state)
{
    static const char *const layers[] = {
        NULL, "MobilenetV1/Logits/Dropout_1b/Identity",
        "MobilenetV1/MobilenetV1/Conv2d_13_pointwise/Relu6:0"};
    float *vectors = calloc(2 * DIMENSION, sizeof *vectors), *images;
    struct npy input, expected;
    struct error error;

    (void)state;
    assert_non_null(vectors);
    assert_int_equal(npy_read(need("zoo/reference/input_tf224.npy"), &input, &error), 0);
    assert_int_equal(npy_read(need("zoo/reference/tensorflow_mobilenet_v1_0.25_224.npy"),
                              &expected, &error), 0);
    assert_int_equal(input.count, 2 * CHANNELS * PIXELS);
    assert_int_equal(expected.count, 2 * DIMENSION);
    images = interleave(input.data);
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        struct network *network = open_mobilenet(layers[i]);
        double difference;

        assert_int_equal(network_output(network, 0)->dimension, DIMENSION);
        if (network_run(network, images, 2, &vectors, &error) < 0)
            fail_msg("%s", error.text);
        difference = relative_error(vectors, expected.data, expected.count);
        if (!(difference <= tolerance))
            fail_msg("relative error %g", difference);
        network_free(network);
    }
    free(images);
    free(vectors);
    npy_release(&expected);
    npy_release(&input);
}

static void test_control_flow(void **state)
{
    struct network *network;
    struct error error;

    (void)state;
    assert_int_equal(network_open(need("zoo/tensorflow/mtcnn_control_flow.pb"), NULL, &network,
                                  &error), 0);
    assert_int_equal(network_prepare(network, &(struct network_request){.batch = 1}, &error),
                     FAILED);
    assert_string_equal(error.text, "cannot use the network: Enter "
                                    "'pnet/while/ResizeBilinear/Enter': control flow is not "
                                    "supported");
    network_free(network);
}

/* True when the first `size` bytes are whole fields: a graph of fewer nodes, which nothing in the
 * format tells from a graph that was meant so. */
static bool is_whole(const struct buffer *file, size_t size)
{
    struct protobuf message = protobuf_from((struct bytes){file->data, size});
    struct protobuf_field field;

    while (protobuf_next(&message, &field))
        continue;
    return !message.damaged;
}

static void test_cut_off(void **state)
{
    const char *whole = need(MOBILENET);
    char *folder = scratch_create();
    struct buffer file = {0};
    struct error error;
    size_t refused = 0;

    (void)state;
    assert_int_equal(file_read(whole, 1 << 22, &file, NULL, &error), 0);
    for (size_t size = 0; size < file.size; size += KILOBYTE) {
        const char *path = scratch_path(folder, "cut.pb");
        struct network *network = NULL;

        /* A file that is truncated and written again would be flushed to the disk. */
        remove(path);
        write_file(path, file.data, size);
        if (network_open(path, NULL, &network, &error) < 0) {
            assert_non_null(strstr(error.text, "cut.pb"));
            refused++;
        } else if (!is_whole(&file, size)) {
            fail_msg("%zu of %zu bytes are a network", size, file.size);
        }
        network_free(network);
    }
    assert_true(refused > file.size / KILOBYTE - 4);
    buffer_release(&file);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_control_flow),
        cmocka_unit_test(test_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
