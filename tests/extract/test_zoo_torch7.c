/*
 * Real networks of Torch7 (TESTDATA/zoo/torch7): where they are cut, and their vectors of
 * seeded_images() by what compare_torch7.py finds with PyTorch.
 */
#include <math.h>
#include <stdlib.h>

#include "extract/network/network.h"
#include "tests/helpers.h"

enum { FIRST = 3 };

struct file_case {
    const char *name;
    size_t channels, side;
    const char *layer;
    size_t dimension;
    double norm;          /* of two vectors together */
    double first[FIRST];  /* of the first vector, zeros left out */
};

static const struct file_case file_cases[] = {
    {"zoo/torch7/convnet_cuda.t7", 3, 256, "1.9", 1568, 23.560307228626563,
     {0.05175187448449059, 0.15414417748037484, 0.086344913042061}},
    {"zoo/torch7/convnet_double.t7", 1, 48, "7", 128, 11.276415095770012,
     {0.7481940798499058, 1.1190830889393655, 0.8400204685283289}},
};

enum { FILE_CASES = sizeof file_cases / sizeof file_cases[0] };

static void check_vectors(const float *vectors, const struct file_case *test)
{
    double squares = 0;
    size_t found = 0;

    for (size_t i = 0; i < 2 * test->dimension; i++) {
        squares += pow((double)vectors[i], 2);
        if (found < FIRST && fabsf(vectors[i]) > 0)
            assert_true(fabs((double)vectors[i] - test->first[found++]) <= 1e-5);
    }
    assert_int_equal(found, FIRST);
    assert_true(fabs(sqrt(squares) - test->norm) <= 1e-5 * test->norm);
}

static void test_file(void **state)
{
    const struct file_case *test = *state;
    const char *path = test_data(test->name);
    float *images, *vectors;
    struct network *network;
    struct error error;

    if (path == NULL)
        skip();
    if (network_open(path, NULL, &network, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(network_input(network)->channels, test->channels);
    assert_int_equal(network_input(network)->height, 0);
    assert_int_equal(network_model(network)->usual_side, test->side);
    assert_string_equal(network_model(network)->format->name, "torch7");
    if (network_prepare(network, &(struct network_request){
            .height = test->side, .width = test->side, .batch = 2}, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(network_output(network, 0)->layer, test->layer);
    assert_int_equal(network_output(network, 0)->pooling, POOLING_NONE);
    assert_int_equal(network_output(network, 0)->dimension, test->dimension);
    images = seeded_images(2, test->channels, test->side, test->side);
    vectors = calloc(2 * test->dimension, sizeof *vectors);
    assert_non_null(vectors);
    if (network_run(network, images, 2, &vectors, &error) < 0)
        fail_msg("%s", error.text);
    check_vectors(vectors, test);
    free(images);
    free(vectors);
    network_free(network);
}

int main(void)
{
    struct CMUnitTest files[FILE_CASES];

    for (size_t i = 0; i < FILE_CASES; i++)
        files[i] = (struct CMUnitTest){.name = file_cases[i].name, .test_func = test_file,
                                       .initial_state = (void *)(uintptr_t)&file_cases[i]};
    return cmocka_run_group_tests(files, NULL, NULL);
}
