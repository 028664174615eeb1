/*
 * State dictionaries as networks: the same vectors from every kind of file, as PyTorch computes
 * them (make_pytorch_cases.py), names with prefixes, and files that are cut off or miss something.
 */
#include <stdio.h>
#include <string.h>

#include "common/npy.h"
#include "extract/network/network.h"
#include "tests/extract/pytorch_writer.h"

#define FOLDER "tests/extract/golden-pytorch/"

static const double tolerance = 1e-5;

typedef void save_function(const struct state *state, const char *prefix, const char *path);

static const struct network_case {
    const char *name, *title;
    void (*add)(struct state *state);
    size_t channels, side, dimension;
    bool fixed;             /* takes no other size */
    const char *preprocess;
} networks[] = {
    {"lenet", "LeNet-5 (PyTorch's tutorials)", state_add_lenet, 1, 28, 256, true,
     "keras-tf,fit=shorter-side,filter=bilinear"},
    {"resnet20", "ResNet-20 for CIFAR-10 (akamaster)", state_add_resnet20, 3, 32, 64, false,
     "torchvision,resize=32,crop=32"},
};

/* Two images through a file; vectors: [2][dimension]. */
static int run_file(const char *path, const struct network_case *expected, float *vectors,
                    struct error *error)
{
    struct network *network;
    float *images;
    int outcome = FAILED;

    if (network_open(path, NULL, &network, error) < 0)
        return FAILED;
    assert_string_equal(network_model(network)->architecture, expected->title);
    assert_string_equal(network_model(network)->preprocess, expected->preprocess);
    assert_int_equal(network_input(network)->channels, expected->channels);
    assert_int_equal(network_input(network)->height, expected->fixed ? expected->side : 0);
    images = seeded_images(2, expected->channels, expected->side, expected->side);
    if (network_prepare(network, &(struct network_request){
            .height = expected->side, .width = expected->side}, error) == 0) {
        assert_int_equal(network_output(network, 0)->dimension, expected->dimension);
        outcome = network_run(network, images, 2, &vectors, error);
    }
    free(images);
    network_free(network);
    return outcome;
}

static void check_file(const char *path, const struct network_case *network,
                       const struct npy *golden)
{
    float *vectors = calloc(2 * network->dimension, sizeof *vectors);
    struct error error;

    assert_non_null(vectors);
    if (run_file(path, network, vectors, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(golden->count, 2 * network->dimension);
    assert_true(relative_error(vectors, golden->data, golden->count) <= tolerance);
    free(vectors);
}

static void test_vectors(void **state)
{
    static save_function *const save[] = {state_save_zip, state_save_legacy,
                                          state_save_safetensors};
    static const char *const prefixes[] = {"", "module.", "network.backbone."};
    char *folder = scratch_create();

    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        struct state weights = {0};
        struct npy golden;
        struct error error;
        char path[256];

        networks[i].add(&weights);
        snprintf(path, sizeof path, FOLDER "%s.npy", networks[i].name);
        assert_int_equal(npy_read(path, &golden, &error), 0);
        for (size_t j = 0; j < 3; j++) {
            const char *file = scratch_path(folder, "weights");

            save[j](&weights, prefixes[j], file);
            check_file(file, &networks[i], &golden);
        }
        npy_release(&golden);
        state_release(&weights);
    }
    scratch_remove(folder);
}

/* A compressed archive of half-precision weights that all lie in one storage gives the same as
 * float weights apart. */
static void test_compressed_archive(void **state)
{
    const struct network_case *network = &networks[0];
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "weights");
    struct state weights = {0};
    float got[2 * 256], expected[2 * 256];
    struct error error;

    (void)state;
    network->add(&weights);
    for (size_t i = 0; i < weights.count; i++)
        for (size_t j = 0; j < weights.tensors[i].count; j++)
            weights.tensors[i].values[j] = 1 / 64.0f;
    state_save_legacy(&weights, "", path);
    if (run_file(path, network, expected, &error) < 0 ||
        run_file(FOLDER "lenet_deflated.pth", network, got, &error) < 0)
        fail_msg("%s", error.text);
    assert_memory_equal(got, expected, sizeof got);
    state_release(&weights);
    scratch_remove(folder);
}

/* ---- what is refused -------------------------------------------------------------------- */

static void expect_refusal(const struct state *state, const char *folder, const char *reason)
{
    const char *path = scratch_path(folder, "weights");
    char expected[2048];
    struct network *network;
    struct error error;

    state_save_safetensors(state, "", path);
    assert_int_equal(network_open(path, NULL, &network, &error), FAILED);
    snprintf(expected, sizeof expected, "cannot read the network '%s': %s", path, reason);
    assert_string_equal(error.text, expected);
}

#define UNKNOWN "its weights are of no architecture that is known here; "
#define NEAREST UNKNOWN "the nearest is ResNet-20 for CIFAR-10 (akamaster), where "

static void test_nearest_architecture(void **state)
{
    char *folder = scratch_create();
    struct state weights = {0};
    struct state_tensor *last;

    (void)state;
    state_add_resnet20(&weights);
    last = &weights.tensors[5];
    assert_string_equal(last->name, "layer1.0.conv1.weight");
    strcpy(last->name, "layer1.0.conv9.weight");
    expect_refusal(&weights, folder, NEAREST "'layer1.0.conv1.weight' (16x16x3x3) is missing");
    strcpy(last->name, "layer1.0.conv1.weight");
    last->shape[1] = 8;
    last->shape[2] = 6;
    expect_refusal(&weights, folder, NEAREST "'layer1.0.conv1.weight' is 16x8x6x3, not 16x16x3x3");
    last->shape[1] = 16;
    last->shape[2] = 3;
    state_add(&weights, "layer1.0.se.fc.weight", (const size_t[]){4, 16}, 2);
    expect_refusal(&weights, folder, NEAREST "it has no 'layer1.0.se.fc.weight'");
    state_release(&weights);
    state_add(&weights, "encoder.weight", (const size_t[]){4, 16}, 2);
    expect_refusal(&weights, folder, UNKNOWN "the first is 'encoder.weight'");
    state_release(&weights);
    scratch_remove(folder);
}

/* The classifier lies behind the cut: another one, or none, is no difference. */
static void test_other_classifiers(void **state)
{
    const struct network_case *network = &networks[1];
    const char *path;
    char *folder = scratch_create();
    struct state weights = {0};
    struct error error;
    struct npy golden;

    (void)state;
    assert_int_equal(npy_read(FOLDER "resnet20.npy", &golden, &error), 0);
    path = scratch_path(folder, "weights");
    network->add(&weights);
    for (size_t i = 0; i < 2; i++)
        free(weights.tensors[--weights.count].values);
    state_save_zip(&weights, "", path);
    check_file(path, network, &golden);
    state_add(&weights, "linear.0.weight", (const size_t[]){7, 64}, 2);
    state_save_zip(&weights, "", path);
    check_file(path, network, &golden);
    state_release(&weights);
    npy_release(&golden);
    scratch_remove(folder);
}

static void test_cut_off(void **state)
{
    static save_function *const save[] = {state_save_zip, state_save_legacy,
                                          state_save_safetensors};
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "weights"), *cut = scratch_path(folder, "cut");
    struct state weights = {0};
    struct network *network;
    struct buffer file = {0};
    struct error error;

    (void)state;
    state_add_lenet(&weights);
    for (size_t i = 0; i < 3; i++) {
        save[i](&weights, "", path);
        assert_int_equal(file_read(path, 1 << 20, &file, NULL, &error), 0);
        for (size_t size = 1; size < file.size; size += size < 2000 ? 1 : 1000) {
            write_file(cut, file.data, size);
            if (network_open(cut, NULL, &network, &error) == 0)
                fail_msg("file %zu can be read with %zu of %zu bytes", i, size, file.size);
            assert_non_null(strstr(error.text, cut));
        }
    }
    buffer_release(&file);
    state_release(&weights);
    scratch_remove(folder);
}

/* A pickle that asks for a command is refused by that name, and the command has not run. */
static void test_nothing_runs(void **state)
{
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "weights"), *marker = scratch_path(folder, "marker");
    struct zip_writer zip = {0};
    struct buffer pickle = {0};
    struct network *network;
    struct error error;
    char command[5000];

    (void)state;
    snprintf(command, sizeof command, "touch %s", marker);
    pickle_code(&pickle, "\x80\2cos\nsystem\n(");
    pickle_text(&pickle, command);
    pickle_code(&pickle, "tR.");
    zip_writer_add(&zip, &(struct zip_member){
        .name = "archive/data.pkl", .data = pickle.data, .size = pickle.size});
    zip_writer_save(&zip, path);
    assert_int_equal(network_open(path, NULL, &network, &error), FAILED);
    assert_non_null(strstr(error.text, "its pickle asks for 'os.system'"));
    assert_int_equal(file_read(marker, 1, &pickle, NULL, &error), FAILED);
    buffer_release(&pickle);
    scratch_remove(folder);
}

/* ---- files that people have ------------------------------------------------------------- */

static void test_zoo(void **state)
{
    const char *paths[2] = {test_data("zoo/pytorch/fashion_lenet_zip.pth"),
                            test_data("zoo/pytorch/resnet20_cifar10_legacy.th")};
    struct error error;

    (void)state;
    if (paths[0] == NULL || paths[1] == NULL)
        skip();
    for (size_t i = 0; i < 2; i++) {
        float vectors[2 * 256];

        if (run_file(paths[i], &networks[i], vectors, &error) < 0)
            fail_msg("%s", error.text);
    }
}

#if defined HAVE_LIBZIP && defined HAVE_JANSSON

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_compressed_archive),
        cmocka_unit_test(test_nearest_architecture),
        cmocka_unit_test(test_other_classifiers),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_nothing_runs),
        cmocka_unit_test(test_zoo),
    };

    return cmocka_run_group_tests_name("PyTorch's state dictionaries", tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skip: built without libzip or jansson");
    return 0;
}

#endif
