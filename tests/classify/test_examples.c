#include "classify/examples.h"

#include <stdio.h>

#include "tests/classify/stored.h"

enum { DIMENSION = 4 };

/* Three ants and three bees of each split; a picture of one split is in the other too, and a group
 * reaches over both. */
static const struct stored_sample samples[] = {
    {"train/a1.jpg", "ants", "train", NULL, NULL, {1, 0, 0, 0.1f}},
    {"train/a2.jpg", "ants", "train", "nest", NULL, {1, 0.1f, 0, 0}},
    {"train/a3.jpg", "ants", "train", NULL, "leaked", {1, 0, 0.2f, 0}},
    {"train/b1.jpg", "bees", "train", NULL, NULL, {0, 1, 0, 0.1f}},
    {"train/b2.jpg", "bees", "train", NULL, NULL, {0.1f, 1, 0, 0}},
    {"train/b3.jpg", NULL, "train", NULL, NULL, {0, 1, 0.2f, 0}},
    {"val/a4.jpg", "ants", "val", "nest", NULL, {1, 0, 0, 0.3f}},
    {"val/a5.jpg", "ants", "val", NULL, "leaked", {1, 0, 0.2f, 0}},
    {"val/b4.jpg", "bees", "val", NULL, NULL, {0, 1, 0, 0.3f}},
};

static struct stored *store_samples(void)
{
    struct stored *stored = stored_create();

    stored_set(stored, "n.onnx", DIMENSION);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        stored_put(stored, 1, &samples[i]);
    stored_open(stored);
    return stored;
}

static int load(const struct stored *stored, const struct learning *learning,
                const struct protocol *protocol, struct examples *examples, struct error *error)
{
    const struct examples_request request = {
        .database = &stored->database, .features = &stored->database.sets.items[0],
        .learning = learning, .protocol = protocol,
    };

    return examples_load(&request, examples, error);
}

static const struct learning defaults = LEARNING_DEFAULTS;
static const struct protocol folds = PROTOCOL_DEFAULTS;

static void test_everything_with_a_label(void **state)
{
    struct stored *stored = store_samples();
    struct examples examples;
    struct error error;

    (void)state;
    assert_int_equal(load(stored, &defaults, &folds, &examples, &error), 0);
    assert_int_equal(examples.dataset.count, 8);
    assert_int_equal(examples.dataset.unlabelled, 1);
    assert_int_equal(examples.trained, 0);
    assert_int_equal(examples.left_out, 0);
    assert_int_equal(examples.near_identical, 0);
    /* Two pictures that are the same, and a group of two. */
    assert_int_equal(examples.dataset.unit_count, 6);
    examples_release(&examples);
    stored_remove(stored);
}

/* What the test part has, by file or by group, is not trained on. */
static void test_hold_out(void **state)
{
    const struct protocol protocol = {.train_split = "train", .test_split = "val"};
    struct stored *stored = store_samples();
    struct examples examples;
    struct error error;
    char *note = NULL;
    size_t size;
    FILE *notes = open_memstream(&note, &size);

    (void)state;
    assert_non_null(notes);
    assert_int_equal(load(stored, &defaults, &protocol, &examples, &error), 0);
    assert_int_equal(examples.trained, 3);
    assert_int_equal(examples.left_out, 2);
    assert_int_equal(examples.dataset.count, 6);
    assert_string_equal(examples.dataset.samples[0].path, "train/a1.jpg");
    assert_string_equal(examples.dataset.samples[2].path, "train/b2.jpg");
    assert_string_equal(examples.dataset.samples[3].path, "val/a4.jpg");
    examples_note(&examples, notes);
    fclose(notes);
    assert_string_equal(note, "1 image without a label passed over\n"
                        "2 images left out of training: in the test split too\n");
    free(note);
    examples_release(&examples);
    stored_remove(stored);
}

static void test_splits_that_are_not_there(void **state)
{
    static const struct {
        struct protocol protocol;
        const char *message;
    } cases[] = {
        {{.train_split = "train", .test_split = "tset"},
         "no images with vectors of this feature set in split 'tset': the database has the splits "
         "'train', 'val'"},
        {{.train_split = "tarin", .test_split = "val"},
         "no images with vectors of this feature set in split 'tarin': the database has the splits "
         "'train', 'val'"},
    };
    struct stored *stored = store_samples();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct examples examples;
        struct error error;

        assert_int_equal(load(stored, &defaults, &cases[i].protocol, &examples, &error), FAILED);
        assert_string_equal(error.text, cases[i].message);
    }
    stored_remove(stored);
}

static void test_nothing_left_to_train_on(void **state)
{
    const struct protocol protocol = {.train_split = "train", .test_split = "val"};
    struct learning learning = defaults;
    struct stored *stored = store_samples();
    struct examples examples;
    struct error error;

    (void)state;
    /* Everything is one group. */
    learning.group_by = "jpg";
    assert_int_equal(load(stored, &learning, &protocol, &examples, &error), FAILED);
    assert_string_equal(error.text, "nothing to train on: every image of the training split is in "
                        "the test split too, or near-identical to one, or in a group with one");
    learning.group_by = "(";
    assert_int_equal(load(stored, &learning, &folds, &examples, &error), FAILED);
    stored_remove(stored);
}

/* Thirty pictures, two of which were saved again: with their originals unless that is allowed. */
static void test_near_identical_images(void **state)
{
    struct stored *stored = stored_create();
    struct learning learning = defaults;
    struct examples examples;
    struct error error;
    char paths[32][16];

    (void)state;
    stored_set(stored, "n.onnx", 32);
    for (size_t i = 0; i < 32; i++) {
        struct stored_sample sample = {.path = paths[i], .label = i % 2 > 0 ? "a" : "b"};
        size_t like = i < 30 ? i : i - 25;

        snprintf(paths[i], sizeof paths[i], "%02zu.jpg", i);
        sample.vector[like] = 1;
        sample.vector[31] = 0.3f + 0.001f * (float)i;
        stored_put(stored, 1, &sample);
    }
    stored_open(stored);
    assert_int_equal(load(stored, &learning, &folds, &examples, &error), 0);
    assert_int_equal(examples.near_identical, 2);
    assert_int_equal(examples.dataset.unit_count, 30);
    assert_int_equal(examples.dataset.samples[5].unit, examples.dataset.samples[30].unit);
    assert_int_equal(examples.dataset.samples[6].unit, examples.dataset.samples[31].unit);
    examples_release(&examples);

    learning.allow_duplicates = true;
    assert_int_equal(load(stored, &learning, &folds, &examples, &error), 0);
    assert_int_equal(examples.near_identical, 0);
    assert_int_equal(examples.dataset.unit_count, 32);
    examples_release(&examples);
    stored_remove(stored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_with_a_label),
        cmocka_unit_test(test_hold_out),
        cmocka_unit_test(test_splits_that_are_not_there),
        cmocka_unit_test(test_nothing_left_to_train_on),
        cmocka_unit_test(test_near_identical_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
