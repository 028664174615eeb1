/*
 * Real Keras files: what they are recognised as, the rule that comes with them, and their vectors
 * beside those that ONNX Runtime gives for the same weights. Prints the largest errors seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"
#include "extract/network/network.h"
#include "tests/helpers.h"

/* Of every single vector. */
static const double tolerance = 1e-4;

struct zoo_file {
    const char *name, *architecture, *rule;
    const char *layer;
    enum pooling pooling;
    size_t dimension, side;
    const char *input, *expected;  /* NULL: no reference */
};

static const struct zoo_file files[] = {
    {"squeezenet1.1_weights_tf_notop", "SqueezeNet 1.1 (Keras)", "keras-caffe,crop=227",
     "fire9/concat", POOLING_AVERAGE, 512, 227, "input_caffe227",
     "keras_squeezenet1.1_weights_tf_notop"},
    {"squeezenet1.1_weights_th_notop", "SqueezeNet 1.1 (Keras)", "keras-caffe,crop=227",
     "fire9/concat", POOLING_AVERAGE, 512, 227, "input_caffe227",
     "keras_squeezenet1.1_weights_tf_notop"},
    {"mobilenet_v2_0.35_model", "", "keras-tf",
     "global_average_pooling2d_GlobalAveragePooling2D1", POOLING_NONE, 1280, 224, "input_tf224",
     "keras_mobilenet_v2_0.35"},
    {"resnet8_cifar10_model", "", "", "average_pooling2d", POOLING_NONE, 64, 32, NULL, NULL},
};

static const char *zoo_path(const char *folder, const char *name, const char *ending)
{
    char path[256];

    snprintf(path, sizeof path, "zoo/%s/%s.%s", folder, name, ending);
    return test_data(path);
}

/* Vectors of the images [n][channels][height][width], to be released with free(). */
static float *run(struct network *network, const struct npy *images)
{
    size_t count = images->shape[0], channels = images->shape[1];
    size_t pixels = images->shape[2] * images->shape[3];
    float *turned = calloc(images->count, sizeof *turned);
    float *vectors = calloc(count * network_output(network, 0)->dimension, sizeof *vectors);
    const float *from = images->data;
    struct error error;

    assert_non_null(turned);
    assert_non_null(vectors);
    for (size_t i = 0; i < images->count; i++) {
        size_t image = i / (channels * pixels), place = i % (channels * pixels);

        turned[(image * pixels + place % pixels) * channels + place / pixels] = from[i];
    }
    if (network_run(network, turned, count, &vectors, &error) < 0)
        fail_msg("%s", error.text);
    free(turned);
    return vectors;
}

static struct network *open_file(const struct zoo_file *file, const char *path)
{
    const struct network_output *output;
    struct network *network;
    struct error error;

    if (network_open(path, NULL, &network, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(network_model(network)->architecture, file->architecture);
    assert_string_equal(network_model(network)->preprocess, file->rule);
    if (network_prepare(network, &(struct network_request){
            .height = file->side, .width = file->side, .batch = 2}, &error) < 0)
        fail_msg("%s", error.text);
    output = network_output(network, 0);
    assert_string_equal(output->layer, file->layer);
    assert_int_equal(output->pooling, file->pooling);
    assert_int_equal(output->dimension, file->dimension);
    return network;
}

static void test_file(void **state)
{
    const struct zoo_file *file = *state;
    const char *path = zoo_path("keras", file->name, "h5");
    struct network *network;
    struct npy images, expected;
    struct error error;
    float *vectors;
    double worst = 0;

    if (path == NULL)
        skip();
    network = open_file(file, path);
    if (file->input != NULL) {
        assert_int_equal(npy_read(zoo_path("reference", file->input, "npy"), &images, &error), 0);
        assert_int_equal(npy_read(zoo_path("reference", file->expected, "npy"), &expected,
                                  &error), 0);
        assert_int_equal(expected.count, images.shape[0] * file->dimension);
        vectors = run(network, &images);
        for (size_t i = 0; i < images.shape[0]; i++) {
            double difference = relative_error(
                vectors + i * file->dimension,
                (const float *)expected.data + i * file->dimension, file->dimension);

            worst = difference > worst ? difference : worst;
        }
        printf("# %s: relative L2 error at most %.2e\n", file->name, worst);
        assert_true(worst <= tolerance);
        free(vectors);
        npy_release(&images);
        npy_release(&expected);
    }
    network_free(network);
}

/* The two orders in which Keras stored the same weights give the same bits. */
static void test_both_orders(void **state)
{
    const char *path = zoo_path("reference", files[0].input, "npy");
    float *vectors[2];
    struct npy images;
    struct error error;

    (void)state;
    if (path == NULL)
        skip();
    assert_int_equal(npy_read(path, &images, &error), 0);
    for (size_t i = 0; i < 2; i++) {
        struct network *network = open_file(&files[i], zoo_path("keras", files[i].name, "h5"));

        vectors[i] = run(network, &images);
        network_free(network);
    }
    assert_memory_equal(vectors[0], vectors[1],
                        images.shape[0] * files[0].dimension * sizeof *vectors[0]);
    free(vectors[0]);
    free(vectors[1]);
    npy_release(&images);
}

int main(void)
{
    enum { FILES = sizeof files / sizeof files[0] };
    struct CMUnitTest tests[FILES + 1];

    for (size_t i = 0; i < FILES; i++)
        tests[i] = (struct CMUnitTest){.name = files[i].name, .test_func = test_file,
                                       .initial_state = (void *)(uintptr_t)&files[i]};
    tests[FILES] = (struct CMUnitTest){.name = "both orders give the same bits",
                                       .test_func = test_both_orders};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
