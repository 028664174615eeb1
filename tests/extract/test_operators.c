/*
 * Every operator and option of the readers of graphs, against golden cases: each folder holds small
 * networks of a format, and what a framework of that format computes from seeded_images(): ONNX
 * Runtime, OpenCV, TensorFlow.js, PyTorch. A case must give the same bits for any batch, position
 * in the batch and number of threads, on every instruction set that the processor has. The scripts
 * make_..._cases.py say what the cases are and write them.
 */
#include <glob.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"
#include "extract/kernels/kernels.h"
#include "extract/network/network.h"
#include "tests/helpers.h"

static const char *const patterns[] = {
    "tests/extract/golden-operators/*.onnx",
    "tests/extract/golden-caffe/*.caffemodel",
    "tests/extract/golden-tensorflow/*.pb",
#ifdef HAVE_JANSSON
    "tests/extract/golden-mxnet/*.params",
#endif
    "tests/extract/golden-torch7/*.t7",
};

enum { PATTERNS = sizeof patterns / sizeof patterns[0] };

/* Relative to the norm of the expected numbers; float32 gives 2e-7 to 1e-6. */
static const double tolerance = 1e-5;

/* Where a file leaves the size of its images free and no size is usual; FREE_SIZE in
 * make_operator_cases.py. */
enum { FREE_HEIGHT = 7, FREE_WIDTH = 6 };

/* What must not change a bit of a vector. */
struct manner {
    const char *name;
    bool single;  /* the network is prepared for one image a run, not for all of the case */
    size_t step;  /* images a run; 0: as many as the network is prepared for */
    size_t threads;
};

static const struct manner manners[] = {
    {"all images at once", .threads = 1},
    {"one at a time in a larger batch", .step = 1, .threads = 1},
    {"a batch of one", .single = true, .threads = 1},
    {"all images at once on three threads", .threads = 3},
    {"a batch of one on three threads", .single = true, .threads = 3},
};

/* A case on one instruction set. */
struct trial {
    const char *path, *instruction_set;
    const struct npy *expected;  /* [images][dimension] */
};

static struct network_input size_of_images(const struct network *network)
{
    struct network_input input = *network_input(network);
    size_t usual = network_model(network)->usual_side;

    if (input.height == 0)
        input.height = usual > 0 ? usual : FREE_HEIGHT;
    if (input.width == 0)
        input.width = usual > 0 ? usual : FREE_WIDTH;
    return input;
}

static struct network *open_network(const struct trial *trial, const struct manner *manner,
                                    struct parallel *parallel)
{
    static const char *const layers[] = {"result"};
    struct network_request request = {
        .layers = layers,
        .layer_count = 1,
        .pooling = POOLING_NONE,
        .batch = manner->single ? 1 : trial->expected->shape[0],
        .parallel = parallel,
        .instruction_set = trial->instruction_set,
    };
    struct network *network;
    struct error error;

    if (network_open(trial->path, NULL, &network, &error) < 0)
        fail_msg("%s", error.text);
    request.height = size_of_images(network).height;
    request.width = size_of_images(network).width;
    if (network_prepare(network, &request, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(network_output_count(network), 1);
    assert_int_equal(network_output(network, 0)->pooling, POOLING_NONE);
    assert_int_equal(network_output(network, 0)->dimension, trial->expected->shape[1]);
    return network;
}

/* Returns the vectors of all images, to be released with free(). */
static float *run_trial(const struct trial *trial, const struct manner *manner)
{
    size_t count = trial->expected->shape[0], dimension = trial->expected->shape[1];
    float *vectors = calloc(count * dimension, sizeof *vectors), *images;
    struct network_input input;
    struct parallel *parallel;
    struct network *network;
    struct error error;
    size_t step, size;

    assert_non_null(vectors);
    assert_int_equal(parallel_create(manner->threads, &parallel, &error), 0);
    network = open_network(trial, manner, parallel);
    input = size_of_images(network);
    images = seeded_images(count, input.channels, input.height, input.width);
    size = input.channels * input.height * input.width;
    step = manner->step > 0 ? manner->step : network_batch(network);
    for (size_t done = 0; done < count; done += step) {
        float *out = vectors + done * dimension;

        if (network_run(network, images + done * size, step, &out, &error) < 0)
            fail_msg("%s", error.text);
    }
    free(images);
    network_free(network);
    parallel_free(parallel);
    return vectors;
}

static void check_trial(const struct trial *trial)
{
    const struct npy *expected = trial->expected;
    float *first = run_trial(trial, &manners[0]);
    double worst = relative_error(first, expected->data, expected->count);

    if (!(worst <= tolerance))
        fail_msg("%s: relative error %g", trial->instruction_set, worst);
    for (size_t i = 1; i < sizeof manners / sizeof manners[0]; i++) {
        float *again = run_trial(trial, &manners[i]);

        if (memcmp(again, first, expected->count * sizeof *first) != 0)
            fail_msg("%s: %s gives other bits", trial->instruction_set, manners[i].name);
        free(again);
    }
    free(first);
}

static void test_case(void **state)
{
    static const char *const sets[] = {"baseline", "avx2", "avx512"};
    const char *path = *state;
    char expected_path[256];
    struct npy expected;
    struct error error;

    snprintf(expected_path, sizeof expected_path, "%.*s.out.npy",
             (int)(strrchr(path, '.') - path), path);
    assert_int_equal(npy_read(expected_path, &expected, &error), 0);
    assert_int_equal(expected.type, NPY_FLOAT32);
    assert_int_equal(expected.rank, 2);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (kernels_find(sets[i], &error) != NULL)
            check_trial(&(struct trial){path, sets[i], &expected});
    npy_release(&expected);
}

/* One test for each network of the folders, by the name of its file. */
static struct CMUnitTest *list_tests(const glob_t *files)
{
    struct CMUnitTest *tests = calloc(files->gl_pathc, sizeof *tests);

    for (size_t i = 0; tests != NULL && i < files->gl_pathc; i++)
        tests[i] = (struct CMUnitTest){.name = basename(files->gl_pathv[i]),
                                       .test_func = test_case,
                                       .initial_state = files->gl_pathv[i]};
    return tests;
}

int main(void)
{
    struct CMUnitTest *tests;
    glob_t files;
    int failed = 1;

    for (size_t i = 0; i < PATTERNS; i++)
        if (glob(patterns[i], i > 0 ? GLOB_APPEND : 0, NULL, &files) != 0) {
            printf("not ok - there are no cases %s\n", patterns[i]);
            return 1;
        }
    tests = list_tests(&files);
    /* What cmocka_run_group_tests stands for, with a count that is known only now. */
    if (tests != NULL)
        failed = _cmocka_run_group_tests("operators", tests, files.gl_pathc, NULL, NULL);
    free(tests);
    globfree(&files);
    return failed;
}
