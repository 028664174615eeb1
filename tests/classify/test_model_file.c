#include "classify/model_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "tests/helpers.h"

enum { CLASSES = 3, DECISIONS = 3, DIMENSION = 4 };

static char name[] = "n\xc3\xa4t.onnx", layer[] = "concat22", pooling[] = "avg",
            rule[] = "shorter side 256, centre 224", first[] = "Tab\there", second[] = "ants",
            third[] = "line\nbreak \"and\" \xf0\x9f\x90\x9d";
static char *labels[CLASSES] = {first, second, third};
static char flip[] = "flip", turned[] = "rotate=30";
static char *views[] = {flip, turned};
static double bias[DECISIONS] = {-0.0, 1e-310, 0.1};
static double weights[DECISIONS * DIMENSION] = {
    1.0 / 3, -2e300, 5e-324, 3.141592653589793, -0.0, 7, 8, 9, 1e-17, 11, 12, 0.30000000000000004,
};

static struct sigmoid sigmoids[DECISIONS] = {{-1.25, 1e-300}, {-3e7, 0.7}, {-0.1, -0.2}};

static struct model sample_model(void)
{
    struct model model = {
        .program = "bottleneck-classify 9.8.7",
        .features = {.id = 3, .vectors = 4, .network_name = name, .layer = layer,
                     .pooling = pooling, .preprocessing = rule, .engine = -5,
                     .dimension = DIMENSION},
        .normalize = NORMALIZE_POWER, .c = 0.1, .images = 120, .labels = labels,
        .augmentation = {.use = AUGMENT_BOTH, .views = views, .count = 2},
        .linear = {.classes = CLASSES, .decisions = DECISIONS, .dimension = DIMENSION,
                   .weights = weights, .bias = bias},
        .sigmoids = sigmoids,
    };

    for (size_t i = 0; i < HASH_BYTES; i++)
        model.features.network.bytes[i] = (unsigned char)(i * 9);
    return model;
}

/* The bytes of the sample model's file; to be released with buffer_release. */
static struct buffer sample_bytes(const char *folder)
{
    const char *path = scratch_path(folder, "sample.model");
    struct model model = sample_model();
    struct buffer bytes = {0};
    struct error error;

    assert_int_equal(model_write(path, &model, &error), 0);
    assert_int_equal(file_read(path, 1 << 20, &bytes, NULL, &error), 0);
    return bytes;
}

static int set_up(void **state)
{
    *state = scratch_create();
    return 0;
}

static int tear_down(void **state)
{
    scratch_remove(*state);
    return 0;
}

static void test_round_trip_is_exact(void **state)
{
    const char *path = scratch_path(*state, "a.model");
    struct model written = sample_model(), read;
    struct error error;
    char difference[100];

    assert_int_equal(model_write(path, &written, &error), 0);
    assert_int_equal(model_read(path, &read, &error), 0);
    assert_string_equal(read.program, written.program);
    assert_int_equal(feature_set_difference(&read.features, &written.features, difference,
                                            sizeof difference), 0);
    assert_string_equal(read.features.network_name, name);
    assert_int_equal(read.features.id, 0);
    assert_int_equal(read.normalize, NORMALIZE_POWER);
    assert_memory_equal(&read.c, &written.c, sizeof read.c);
    assert_int_equal(read.images, 120);
    assert_int_equal(read.linear.classes, CLASSES);
    assert_int_equal(read.linear.decisions, DECISIONS);
    assert_int_equal(read.linear.dimension, DIMENSION);
    for (size_t i = 0; i < CLASSES; i++)
        assert_string_equal(read.labels[i], labels[i]);
    assert_memory_equal(read.linear.bias, bias, sizeof bias);
    assert_memory_equal(read.linear.weights, weights, sizeof weights);
    assert_int_equal(read.linear.strategy, STRATEGY_OVO);
    assert_memory_equal(read.sigmoids, sigmoids, sizeof sigmoids);
    assert_int_equal(read.augmentation.use, AUGMENT_BOTH);
    assert_int_equal(read.augmentation.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(read.augmentation.views[i], views[i]);
    model_release(&read);
}

/* One against the rest, without probabilities. */
static void test_other_kinds(void **state)
{
    const char *path = scratch_path(*state, "b.model");
    struct model written = sample_model(), read;
    struct error error;

    written.sigmoids = NULL;
    written.linear.strategy = STRATEGY_OVR;
    written.augmentation = (struct augmentation){0};
    assert_int_equal(model_write(path, &written, &error), 0);
    assert_int_equal(model_read(path, &read, &error), 0);
    assert_int_equal(read.linear.strategy, STRATEGY_OVR);
    assert_int_equal(read.linear.decisions, CLASSES);
    assert_null(read.sigmoids);
    assert_int_equal(read.augmentation.use, AUGMENT_NONE);
    assert_int_equal(read.augmentation.count, 0);
    assert_memory_equal(read.linear.weights, weights, sizeof weights);
    model_release(&read);
}

static int read_bytes(const char *folder, const unsigned char *bytes, size_t size,
                      struct error *error)
{
    const char *path = scratch_path(folder, "changed.model");
    struct model model;
    int outcome;

    write_file(path, bytes, size);
    outcome = model_read(path, &model, error);
    if (outcome == 0)
        model_release(&model);
    else
        assert_null(model.owned);
    return outcome;
}

static void test_cut_off_anywhere(void **state)
{
    struct buffer bytes = sample_bytes(*state);
    struct error error;

    assert_int_equal(read_bytes(*state, bytes.data, bytes.size, &error), 0);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_int_equal(read_bytes(*state, bytes.data, size, &error), FAILED);
        assert_non_null(strstr(error.text, size < 8 ? "is no model" : "damaged or cut off"));
    }
    buffer_release(&bytes);
}

static void test_flipped_bytes(void **state)
{
    struct buffer bytes = sample_bytes(*state);
    struct error error;

    for (size_t i = 0; i < bytes.size; i++) {
        bytes.data[i] ^= 0x10;
        assert_int_equal(read_bytes(*state, bytes.data, bytes.size, &error), FAILED);
        bytes.data[i] ^= 0x10;
    }
    bytes.data[8] = 1;
    assert_int_equal(read_bytes(*state, bytes.data, bytes.size, &error), FAILED);
    assert_non_null(strstr(error.text, "is a model of format version 1, version 3 is read here"));
    buffer_release(&bytes);
}

static void seal(struct buffer *bytes)
{
    struct hash checksum = hash_bytes(bytes->data, bytes->size - HASH_BYTES);

    memcpy(bytes->data + bytes->size - HASH_BYTES, checksum.bytes, HASH_BYTES);
}

/* Every byte set to extremes, with a checksum that fits: no crash, and what is read is sound. */
static void test_hostile_bytes_with_a_checksum(void **state)
{
    static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct buffer bytes = sample_bytes(*state);
    struct error error;
    size_t refused = 0;

    for (size_t i = 12; i < bytes.size - HASH_BYTES; i++) {
        unsigned char kept = bytes.data[i];

        for (size_t v = 0; v < sizeof values; v++) {
            bytes.data[i] = values[v];
            seal(&bytes);
            refused += read_bytes(*state, bytes.data, bytes.size, &error) < 0;
        }
        bytes.data[i] = kept;
    }
    assert_true(refused > 0);
    buffer_release(&bytes);
}

/* Writes `size` bytes over those of `old`, where the file has them first. */
static void replace(struct buffer *bytes, const void *old, const void *new, size_t size)
{
    unsigned char *found = memmem(bytes->data, bytes->size, old, size);

    assert_non_null(found);
    memcpy(found, new, size);
    seal(bytes);
}

static void expect_fault(const char *folder, const void *old, const void *new, size_t size,
                         const char *fault)
{
    struct buffer bytes = sample_bytes(folder);
    struct error error;
    char expected[100];

    replace(&bytes, old, new, size);
    assert_int_equal(read_bytes(folder, bytes.data, bytes.size, &error), FAILED);
    snprintf(expected, sizeof expected, "is no valid model: its %s cannot be", fault);
    assert_non_null(strstr(error.text, expected));
    buffer_release(&bytes);
}

static void test_impossible_fields(void **state)
{
    const double not_finite = NAN, negative = -1, c = 0.1;
    const uint64_t dimension = DIMENSION, huge = UINT64_MAX, zero = 0, wrap = (uint64_t)1 << 61;

    expect_fault(*state, &c, &negative, 8, "C");
    expect_fault(*state, &c, &not_finite, 8, "C");
    expect_fault(*state, &weights[3], &not_finite, 8, "weights");
    expect_fault(*state, &bias[1], &not_finite, 8, "bias");
    expect_fault(*state, &dimension, &huge, 8, "number of weights");
    expect_fault(*state, &dimension, &zero, 8, "number of weights");
    expect_fault(*state, &dimension, &wrap, 8, "number of weights");
    expect_fault(*state, "\5\0\0\0power", "\5\0\0\0tower", 9, "normalisation");
    expect_fault(*state, "\4\0\0\0both", "\4\0\0\0moth", 8, "use of views");
    expect_fault(*state, "\4\0\0\0both", "\4\0\0\0none", 8, "number of views");
    expect_fault(*state, "\2\0\0\0\4\0\0\0flip", "\0\0\0\0\4\0\0\0flip", 12, "number of views");
    expect_fault(*state, "\2\0\0\0\4\0\0\0flip", "\377\377\377\377\4\0\0\0flip", 12,
                 "number of views");
    expect_fault(*state, "flip", "slip", 4, "order of views");
    expect_fault(*state, "\3\0\0\0ovo", "\3\0\0\0ove", 7, "strategy");
    expect_fault(*state, "\3\0\0\0ovo", "\3\0\0\0ov\0", 7, "strategy");
    expect_fault(*state, &sigmoids[1].slope, &not_finite, 8, "sigmoids");
    expect_fault(*state, "ants", "Aaaa", 4, "order of labels");
    expect_fault(*state, "ants", "a\0ts", 4, "labels");
    expect_fault(*state, "\3\0\0\0\10\0\0\0Tab", "\1\0\0\0\10\0\0\0Tab", 11,
                 "number of classes");
    expect_fault(*state, "\3\0\0\0\10\0\0\0Tab", "\377\377\377\377\10\0\0\0Tab", 11,
                 "number of classes");
    expect_fault(*state, "\10\0\0\0concat22", "\377\377\377\377concat22", 12, "layer");
}

static void test_no_file(void **state)
{
    struct model model;
    struct error error;

    assert_int_equal(model_read(scratch_path(*state, "none"), &model, &error), FAILED);
    assert_int_equal(model_read(*state, &model, &error), FAILED);
    model = sample_model();
    assert_int_equal(model_write(scratch_path(*state, "no/folder"), &model, &error), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip_is_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flipped_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_bytes_with_a_checksum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_impossible_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_file, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
