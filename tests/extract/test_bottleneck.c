/*
 * Where networks are cut: the bottleneck is found by itself in small networks with every kind of
 * classifier, or is the layers that were asked for, pooled as asked. The expected vectors are
 * ONNX Runtime's; make_operator_cases.py wrote them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"
#include "extract/network/network.h"
#include "tests/helpers.h"

#define FOLDER "tests/extract/golden-operators/"

static const double tolerance = 1e-5;

struct head {
    const char *name, *layer;
    enum pooling pooling;  /* POOLING_AUTO: a map of one pixel, where each way is the same */
    size_t dimension;
};

static const struct head heads[] = {
    {"net_residual", "features", POOLING_AUTO, 7},
    {"net_residual_average_pool", "features", POOLING_AUTO, 7},
    {"net_plain", "features", POOLING_NONE, 72},
    {"net_plain_view", "features", POOLING_NONE, 72},
    {"net_fire", "features", POOLING_AVERAGE, 14},
    {"net_fire_dropout", "features", POOLING_AVERAGE, 14},
    {"net_fire_average_pool", "features", POOLING_AVERAGE, 14},
    {"net_inverted_residual", "features", POOLING_AUTO, 11},
    {"net_inverted_residual_mean", "features", POOLING_AUTO, 11},
    {"net_inception", "features", POOLING_AUTO, 15},
    {"net_dense", "features", POOLING_AUTO, 12},
    {"net_excitation", "features", POOLING_AUTO, 16},
    {"net_excitation_convolutions", "features", POOLING_AUTO, 16},
    {"net_shuffle", "features", POOLING_AUTO, 12},
    {"net_headless_vector", "features", POOLING_AUTO, 6},
    {"net_headless_map", "result", POOLING_AVERAGE, 6},
};

static struct network *prepare(const char *name, const struct network_request *request)
{
    char path[256];
    struct network *network;
    struct error error;

    snprintf(path, sizeof path, FOLDER "%s.onnx", name);
    if (network_open(path, NULL, &network, &error) < 0 ||
        network_prepare(network, request, &error) < 0)
        fail_msg("%s", error.text);
    return network;
}

static void run(struct network *network, size_t count, float *const *vectors)
{
    const struct network_input *input = network_input(network);
    float *images = seeded_images(count, input->channels, input->height, input->width);
    struct error error;

    if (network_run(network, images, count, vectors, &error) < 0)
        fail_msg("%s", error.text);
    free(images);
}

static void test_head(void **state)
{
    const struct head *head = *state;
    struct network *network = prepare(head->name, &(struct network_request){0});
    const struct network_output *output = network_output(network, 0);
    struct npy expected;
    struct error error;
    char path[256];
    float *vectors;

    assert_int_equal(network_output_count(network), 1);
    assert_string_equal(output->layer, head->layer);
    assert_int_equal(output->dimension, head->dimension);
    assert_int_not_equal(output->pooling, POOLING_AUTO);
    if (head->pooling != POOLING_AUTO)
        assert_int_equal(output->pooling, head->pooling);
    snprintf(path, sizeof path, FOLDER "%s.bottleneck.npy", head->name);
    assert_int_equal(npy_read(path, &expected, &error), 0);
    assert_int_equal(expected.count, expected.shape[0] * head->dimension);
    vectors = calloc(expected.count, sizeof *vectors);
    assert_non_null(vectors);
    run(network, expected.shape[0], &vectors);
    assert_true(relative_error(vectors, expected.data, expected.count) <= tolerance);
    free(vectors);
    npy_release(&expected);
    network_free(network);
}

/* "features" of net_fire is a map of 14 channels of 4x4 pixels. */
enum { FIRE_CHANNELS = 14, FIRE_PIXELS = 4 * 4 };

static void run_fire(enum pooling pooling, size_t dimension, float *vector)
{
    static const char *const layers[] = {"features"};
    struct network *network = prepare("net_fire", &(struct network_request){
        .layers = layers, .layer_count = 1, .pooling = pooling});

    assert_int_equal(network_output(network, 0)->pooling, pooling);
    assert_int_equal(network_output(network, 0)->dimension, dimension);
    run(network, 1, &vector);
    network_free(network);
}

static void test_pooling(void **state)
{
    float flat[FIRE_CHANNELS * FIRE_PIXELS], average[FIRE_CHANNELS], maximum[FIRE_CHANNELS];

    (void)state;
    run_fire(POOLING_NONE, FIRE_CHANNELS * FIRE_PIXELS, flat);
    run_fire(POOLING_AVERAGE, FIRE_CHANNELS, average);
    run_fire(POOLING_MAX, FIRE_CHANNELS, maximum);
    for (size_t channel = 0; channel < FIRE_CHANNELS; channel++) {
        const float *pixels = flat + channel * FIRE_PIXELS;
        double sum = 0, largest = -INFINITY;

        for (size_t i = 0; i < FIRE_PIXELS; i++) {
            sum += (double)pixels[i];
            largest = fmax(largest, (double)pixels[i]);
        }
        assert_true(fabs((double)average[channel] - sum / FIRE_PIXELS) <= 1e-6 * largest);
        assert_true((double)maximum[channel] >= largest && (double)maximum[channel] <= largest);
    }
}

/* Several layers in one pass are the same to the last bit as one by one. "t0" is a convolution
 * and "t1" its Relu: asked for, both must be there, though they are one step otherwise. */
static void test_layers(void **state)
{
    enum { LAYERS = 4 };
    static const char *const layers[LAYERS] = {"features", "result", "t1", "t0"};
    struct network *network = prepare("net_fire", &(struct network_request){
        .layers = layers, .layer_count = LAYERS, .batch = 2});
    float *together[LAYERS];

    (void)state;
    assert_int_equal(network_output_count(network), LAYERS);
    for (size_t i = 0; i < LAYERS; i++) {
        assert_string_equal(network_output(network, i)->layer, layers[i]);
        together[i] = calloc(2 * network_output(network, i)->dimension, sizeof **together);
        assert_non_null(together[i]);
    }
    run(network, 2, together);
    for (size_t i = 0; i < LAYERS; i++) {
        struct network *single = prepare("net_fire", &(struct network_request){
            .layers = &layers[i], .layer_count = 1, .batch = 2});
        size_t size = 2 * network_output(single, 0)->dimension * sizeof **together;
        float *alone = calloc(size, 1);

        assert_non_null(alone);
        assert_int_equal(network_output(single, 0)->dimension,
                         network_output(network, i)->dimension);
        run(single, 2, &alone);
        assert_memory_equal(alone, together[i], size);
        free(alone);
        free(together[i]);
        network_free(single);
    }
    network_free(network);
}

static void test_node_name(void **state)
{
    static const char *const by_node[] = {"globalaveragepool31"}, *const by_tensor[] = {"features"};
    struct network *node = prepare("net_dense", &(struct network_request){
        .layers = by_node, .layer_count = 1});
    struct network *tensor = prepare("net_dense", &(struct network_request){
        .layers = by_tensor, .layer_count = 1});
    float first[12], second[12], *vector;

    (void)state;
    assert_string_equal(network_output(node, 0)->layer, "features");
    assert_int_equal(network_output(node, 0)->dimension, 12);
    vector = first;
    run(node, 1, &vector);
    vector = second;
    run(tensor, 1, &vector);
    assert_memory_equal(first, second, sizeof first);
    network_free(node);
    network_free(tensor);
}

int main(void)
{
    enum { HEADS = sizeof heads / sizeof heads[0] };
    static const struct CMUnitTest layers[] = {
        cmocka_unit_test(test_pooling),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_node_name),
    };
    struct CMUnitTest tests[HEADS];
    int failed;

    for (size_t i = 0; i < HEADS; i++)
        tests[i] = (struct CMUnitTest){.name = heads[i].name, .test_func = test_head,
                                       .initial_state = (void *)(uintptr_t)&heads[i]};
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(layers, NULL, NULL);
}
