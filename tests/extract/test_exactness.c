/*
 * Real networks on real photos: the reference crops through the three networks of the test data
 * must give the vectors that ONNX Runtime gave. Prints the largest errors that were seen.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/npy.h"
#include "extract/network/network.h"
#include "tests/helpers.h"

enum { SIDE = 224, CHANNELS = 3, IMAGE = SIDE * SIDE * CHANNELS, BATCH = 8 };

/* Of every single vector. */
static const double tolerance = 1e-4;

/* A pixel becomes (value / 255 - mean) / deviation. */
struct rule {
    double mean[CHANNELS], deviation[CHANNELS];
};

static const struct rule torchvision = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
/* value / 127.5 - 1 */
static const struct rule symmetric = {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};

struct reference {
    const char *name, *layer;
    enum pooling pooling;
    size_t dimension;
    const struct rule *rule;
};

static const struct reference references[] = {
    {"squeezenet1.1", "concat22", POOLING_AVERAGE, 512, &torchvision},
    {"mobilenet_v1_0.25_224", "globalaveragepool_82", POOLING_NONE, 256, &symmetric},
    {"mobilenet_v2_1.0_224", "globalaveragepool_150", POOLING_NONE, 1280, &symmetric},
};

/* crops: [count][SIDE][SIDE][CHANNELS] */
static void normalise(const uint8_t *crops, size_t count, const struct rule *rule, float *images)
{
    for (size_t i = 0; i < count * IMAGE; i++) {
        size_t channel = i % CHANNELS;

        images[i] = (float)((crops[i] / 255.0 - rule->mean[channel]) / rule->deviation[channel]);
    }
}

static struct network *open_reference(const struct reference *reference,
                                      struct parallel *parallel)
{
    char name[256];
    const char *path;
    struct network *network;
    struct error error;

    snprintf(name, sizeof name, "models/%s.onnx", reference->name);
    path = test_data(name);
    if (path == NULL)
        fail_msg("the test data has no %s", name);
    if (network_open(path, NULL, &network, &error) < 0 ||
        network_prepare(network, &(struct network_request){
            .height = SIDE, .width = SIDE, .batch = BATCH, .parallel = parallel}, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(network_output_count(network), 1);
    assert_string_equal(network_output(network, 0)->layer, reference->layer);
    assert_int_equal(network_output(network, 0)->pooling, reference->pooling);
    assert_int_equal(network_output(network, 0)->dimension, reference->dimension);
    return network;
}

static double largest_error(struct network *network, const struct reference *reference,
                            const struct npy *crops, const float *expected)
{
    size_t dimension = reference->dimension, count;
    float *images = calloc(BATCH, IMAGE * sizeof *images);
    float *vectors = calloc(BATCH, dimension * sizeof *vectors);
    double worst = 0;
    struct error error;

    assert_non_null(images);
    assert_non_null(vectors);
    for (size_t done = 0; done < crops->shape[0]; done += count) {
        count = crops->shape[0] - done < BATCH ? crops->shape[0] - done : BATCH;
        normalise((const uint8_t *)crops->data + done * IMAGE, count, reference->rule, images);
        if (network_run(network, images, count, &vectors, &error) < 0)
            fail_msg("%s", error.text);
        for (size_t i = 0; i < count; i++)
            worst = fmax(worst, relative_error(vectors + i * dimension,
                                               expected + (done + i) * dimension, dimension));
    }
    free(vectors);
    free(images);
    return worst;
}

static void test_reference(void **state)
{
    const struct reference *reference = *state;
    const char *crops_path = test_data("reference/crops_224.npy");
    struct npy crops, expected;
    struct parallel *parallel;
    struct network *network;
    struct error error;
    char name[256];
    double worst;

    if (crops_path == NULL)
        skip();
    snprintf(name, sizeof name, "reference/%s.onnx.features.npy", reference->name);
    assert_int_equal(npy_read(crops_path, &crops, &error), 0);
    assert_int_equal(npy_read(test_data(name), &expected, &error), 0);
    assert_int_equal(crops.type, NPY_UINT8);
    assert_int_equal(crops.count, crops.shape[0] * IMAGE);
    assert_int_equal(expected.type, NPY_FLOAT32);
    assert_int_equal(expected.count, crops.shape[0] * reference->dimension);
    assert_int_equal(parallel_create(0, &parallel, &error), 0);
    network = open_reference(reference, parallel);
    worst = largest_error(network, reference, &crops, expected.data);
    printf("# %s: relative L2 error of %zu vectors at most %.2e\n", reference->name,
           crops.shape[0], worst);
    assert_true(worst <= tolerance);
    network_free(network);
    parallel_free(parallel);
    npy_release(&expected);
    npy_release(&crops);
}

int main(void)
{
    enum { REFERENCES = sizeof references / sizeof references[0] };
    struct CMUnitTest tests[REFERENCES];

    for (size_t i = 0; i < REFERENCES; i++)
        tests[i] = (struct CMUnitTest){.name = references[i].name, .test_func = test_reference,
                                       .initial_state = (void *)(uintptr_t)&references[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
