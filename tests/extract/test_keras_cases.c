/*
 * Every layer, setting and kind of file of the Keras reader, against golden cases: golden-keras/
 * holds a small network each, and what its layer "result" gives for seeded_images().
 * make_keras_cases.py says what the cases are and writes them.
 */
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"
#include "extract/formats/keras_reader.h"
#include "extract/network/network.h"
#include "tests/helpers.h"

#define FOLDER "tests/extract/golden-keras"

/* Relative to the norm of the expected numbers, which double precision gave. */
static const double tolerance = 1e-5;

static struct network *open_case(const char *path, const struct npy *expected)
{
    static const char *const layers[] = {"result"};
    struct network_request request = {
        .layers = layers, .layer_count = 1, .pooling = POOLING_NONE,
        .batch = expected->shape[0]};
    struct network *network;
    struct error error;

    if (network_open(path, NULL, &network, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(network_model(network)->format->name, "keras");
    request.height = network_input(network)->height;
    request.width = network_input(network)->width;
    if (network_prepare(network, &request, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(network_output(network, 0)->dimension, expected->shape[1]);
    return network;
}

static void test_case(void **state)
{
    const char *path = *state;
    size_t stem = strlen(path) - strlen(strrchr(path, '.'));
    const struct network_input *input;
    struct network *network;
    struct npy expected;
    struct error error;
    char name[256];
    float *images, *vectors;
    double worst;

    snprintf(name, sizeof name, "%.*s.out.npy", (int)stem, path);
    if (npy_read(name, &expected, &error) < 0)
        fail_msg("%s", error.text);
    network = open_case(path, &expected);
    input = network_input(network);
    images = seeded_images(expected.shape[0], input->channels, input->height, input->width);
    vectors = calloc(expected.count, sizeof *vectors);
    assert_non_null(vectors);
    if (network_run(network, images, expected.shape[0], &vectors, &error) < 0)
        fail_msg("%s", error.text);
    worst = relative_error(vectors, expected.data, expected.count);
    if (!(worst <= tolerance))
        fail_msg("relative error %g", worst);
    free(vectors);
    free(images);
    network_free(network);
    npy_release(&expected);
}

int main(void)
{
    struct CMUnitTest *tests;
    glob_t found;
    int failed;

    if (glob(FOLDER "/*.h5", 0, NULL, &found) != 0 ||
        glob(FOLDER "/*.keras", GLOB_APPEND, NULL, &found) != 0)
        return 1;
    tests = calloc(found.gl_pathc, sizeof *tests);
    if (tests == NULL)
        return 1;
    for (size_t i = 0; i < found.gl_pathc; i++)
        tests[i] = (struct CMUnitTest){.name = strrchr(found.gl_pathv[i], '/') + 1,
                                       .test_func = test_case,
                                       .initial_state = found.gl_pathv[i]};
    failed = _cmocka_run_group_tests("golden Keras cases", tests, found.gl_pathc, NULL, NULL);
    free(tests);
    globfree(&found);
    return failed;
}
