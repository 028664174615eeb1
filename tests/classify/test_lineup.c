#include "classify/lineup.h"

#include <stdio.h>

#include "tests/classify/stored.h"

enum { IMAGES = 24 };

/* Two feature sets: the first has every image, the second all but the last. Image 7 is much like
 * image 3 to the second one alone. */
static struct stored *store_two_sets(void)
{
    struct stored *stored = stored_create();

    stored_set(stored, "a.onnx", 32);
    stored_set(stored, "b.onnx", 30);
    for (size_t i = 0; i < IMAGES; i++) {
        char path[16];
        struct stored_sample sample = {
            .path = path, .label = i % 2 > 0 ? "a" : "b", .split = i % 4 < 2 ? "train" : "val",
        };

        snprintf(path, sizeof path, "%02zu.jpg", i);
        sample.vector[i] = 1;
        stored_put(stored, 1, &sample);
        if (i == 7) {
            sample.vector[7] = 0.01f;
            sample.vector[3] = 1;
        }
        if (i < IMAGES - 1)
            stored_put(stored, 2, &sample);
    }
    stored_open(stored);
    return stored;
}

static const struct learning defaults = LEARNING_DEFAULTS;
static const struct protocol folds = PROTOCOL_DEFAULTS;
static const char *const costs[] = {"1", "auto"}, *const normalizations[] = {"l2", "none"};
static const char *const views[] = {NULL};

static struct lineup_request request_of(const struct stored *stored)
{
    return (struct lineup_request){
        .path = "f.db", .database = &stored->database, .learning = &defaults, .protocol = &folds,
        .costs = costs, .cost_count = 1, .normalizations = normalizations,
        .normalization_count = 1, .views = views, .view_count = 1,
    };
}

/* The images that both have, in the same order, and in the same units. */
static void test_common_images(void **state)
{
    struct stored *stored = store_two_sets();
    struct lineup_request request = request_of(stored);
    const struct dataset *first, *second;
    struct lineup lineup;
    struct error error;

    (void)state;
    assert_int_equal(lineup_create(&request, &lineup, &error), 0);
    assert_int_equal(lineup.count, 2);
    assert_int_equal(lineup.representation_count, 2);
    assert_int_equal(lineup.left_aside, 1);
    first = &lineup.representations[0].examples.dataset;
    second = &lineup.representations[1].examples.dataset;
    assert_int_equal(first->count, IMAGES - 1);
    assert_int_equal(second->count, IMAGES - 1);
    assert_int_equal(first->dimension, 32);
    assert_int_equal(second->dimension, 30);
    for (size_t i = 0; i < first->count; i++) {
        assert_string_equal(first->samples[i].path, second->samples[i].path);
        assert_int_equal(first->samples[i].unit, second->samples[i].unit);
        assert_int_equal(first->samples[i].class, second->samples[i].class);
    }
    assert_int_equal(first->unit_count, IMAGES - 2);
    assert_int_equal(first->samples[3].unit, first->samples[7].unit);
    lineup_release(&lineup);
    stored_remove(stored);
}

static void test_candidates(void **state)
{
    static const char *const features[] = {"2"};
    static const struct {
        const char *normalize, *cost;
    } expected[] = {{"l2", "1"}, {"l2", "auto"}, {"none", "1"}, {"none", "auto"}};
    struct stored *stored = store_two_sets();
    struct lineup_request request = request_of(stored);
    struct lineup lineup;
    struct error error;

    (void)state;
    request.features = features;
    request.feature_count = 1;
    request.cost_count = request.normalization_count = 2;
    assert_int_equal(lineup_create(&request, &lineup, &error), 0);
    assert_int_equal(lineup.count, 4);
    assert_int_equal(lineup.left_aside, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(lineup.candidates[i].learning.normalize, expected[i].normalize);
        assert_string_equal(lineup.candidates[i].learning.cost, expected[i].cost);
        assert_int_equal(lineup.candidates[i].representation->examples.features->id, 2);
    }
    lineup_release(&lineup);
    stored_remove(stored);
}

static void test_hold_out(void **state)
{
    const struct protocol protocol = {.train_split = "train", .test_split = "val"};
    struct stored *stored = store_two_sets();
    struct lineup_request request = request_of(stored);
    struct lineup lineup;
    struct error error;

    (void)state;
    request.protocol = &protocol;
    assert_int_equal(lineup_create(&request, &lineup, &error), 0);
    for (size_t r = 0; r < 2; r++) {
        const struct examples *examples = &lineup.representations[r].examples;

        assert_int_equal(examples->trained, 12);
        assert_int_equal(examples->dataset.count, IMAGES - 1);
        assert_string_equal(examples->dataset.samples[11].split, "train");
        assert_string_equal(examples->dataset.samples[12].split, "val");
    }
    lineup_release(&lineup);
    stored_remove(stored);
}

static void test_nothing_to_compare(void **state)
{
    static const char *const one[] = {"1"}, *const none[] = {"7"}, *const apart[] = {"1", "3"};
    static const struct {
        const char *const *features;
        size_t count;
        const char *message;
    } cases[] = {
        {one, 1, "nothing to compare: there is one feature set and one setting; extract other "
                 "layers or networks, or repeat --cost, --normalize or --views"},
        {none, 1, "'f.db' has no feature set 7, it holds 1 (a.onnx cut avg, 4 numbers), 2 (b.onnx "
                  "cut avg, 4 numbers), 3 (c.onnx cut avg, 4 numbers)"},
        {apart, 2, "nothing to compare: the feature sets have no images in common"},
    };
    struct stored *stored = stored_create();
    struct lineup_request request;

    (void)state;
    stored_set(stored, "a.onnx", 4);
    stored_set(stored, "b.onnx", 4);
    stored_set(stored, "c.onnx", 4);
    stored_put(stored, 1, &(struct stored_sample){.path = "x", .label = "a", .vector = {1}});
    stored_put(stored, 3, &(struct stored_sample){.path = "y", .label = "a", .vector = {1}});
    stored_open(stored);
    request = request_of(stored);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lineup lineup;
        struct error error;

        request.features = cases[i].features;
        request.feature_count = cases[i].count;
        assert_int_equal(lineup_create(&request, &lineup, &error), FAILED);
        assert_string_equal(error.text, cases[i].message);
    }
    stored_remove(stored);
}

static void test_empty_database(void **state)
{
    struct stored *stored = stored_create();
    struct lineup_request request;
    struct lineup lineup;
    struct error error;

    (void)state;
    stored_open(stored);
    request = request_of(stored);
    assert_int_equal(lineup_create(&request, &lineup, &error), FAILED);
    assert_string_equal(error.text, "'f.db' holds no vectors yet: run bottleneck-extract first");
    stored_remove(stored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_images),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_hold_out),
        cmocka_unit_test(test_nothing_to_compare),
        cmocka_unit_test(test_empty_database),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
