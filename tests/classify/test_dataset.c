#include "classify/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

/* Samples as the store would give them; `content` names the image. */
static const struct row {
    const char *path, *label, *split, *group;
    unsigned char content;
    float vector[3];
} rows[] = {
    {"a.jpg", "two words", "train", NULL, 1, {3, 0, 4}},
    {"b.jpg", "ants", "train", "nest", 2, {0, 0, 0}},
    {"c.jpg", NULL, "train", NULL, 3, {1, 2, 3}},
    {"d.jpg", "\xf0\x9f\x90\x9d", "val", "nest", 4, {1, 1, 1}},
    {"e.jpg", "ants", "val", NULL, 1, {3, 0, 4}},
    {"f.jpg", "ants", "val", NULL, 5, {-2, 0, 0}},
    {"g.jpg", "Zebra", NULL, "hive", 4, {1, 1, 1}},
    {"h.jpg", "Zebra", NULL, "hive", 6, {0, 1e-30f, 0}},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static struct hash content_of(unsigned char number)
{
    return hash_bytes(&number, 1);
}

static void put_row(struct store *store, const struct row *row, int64_t feature_set)
{
    struct store_image image = {
        .hash = content_of(row->content), .format = "png", .width = 1, .height = 1, .bytes = 1,
    };
    struct store_sample sample = {
        .path = row->path, .label = row->label, .split = row->split, .group = row->group,
    };
    struct error error;

    assert_int_equal(store_put_image(store, &image, &sample.image_id, &error), 0);
    assert_int_equal(store_put_vector(store, feature_set, sample.image_id, STORE_VIEW_ORIGINAL,
                                      row->vector, 3, &error), 0);
    assert_int_equal(store_put_sample(store, &sample, &error), 0);
}

static struct store *fill_store(const char *path)
{
    struct store_network network = {.name = "n.onnx", .format = "onnx", .bytes = 1};
    struct store_feature_set set = {
        .layer = "l", .pooling = "avg", .preprocessing = "p", .engine = 1, .dimension = 3,
    };
    struct store *store;
    struct error error;
    int64_t id;

    assert_int_equal(store_open(path, STORE_CREATE, &store, &error), 0);
    assert_int_equal(store_begin(store, &error), 0);
    assert_int_equal(store_put_network(store, &network, &set.network_id, &error), 0);
    assert_int_equal(store_put_feature_set(store, &set, &id, &error), 0);
    /* Not in the order of paths. */
    for (size_t i = 0; i < ROWS; i++)
        put_row(store, &rows[(i * 3 + 1) % ROWS], id);
    assert_int_equal(store_commit(store, &error), 0);
    return store;
}

struct fixture {
    char *folder;
    struct store *store;
    struct feature_sets sets;
};

static int set_up(void **state)
{
    struct fixture *fixture = malloc(sizeof *fixture);
    struct error error;

    assert_non_null(fixture);
    fixture->folder = scratch_create();
    fixture->store = fill_store(scratch_path(fixture->folder, "f.db"));
    assert_int_equal(feature_sets_load(fixture->store, &fixture->sets, &error), 0);
    assert_int_equal(fixture->sets.count, 1);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    feature_sets_release(&fixture->sets);
    store_close(fixture->store);
    scratch_remove(fixture->folder);
    free(fixture);
    return 0;
}

static struct dataset load(const struct fixture *fixture, enum normalize normalize,
                           const char *first, const char *second, bool labelled)
{
    const struct dataset_request request = {
        .feature_set = &fixture->sets.items[0], .normalize = normalize,
        .splits = {first, second}, .labelled = labelled,
    };
    struct dataset dataset;
    struct error error;

    assert_int_equal(dataset_load(fixture->store, &request, &dataset, &error), 0);
    return dataset;
}

static void test_rows_classes_and_units(void **state)
{
    static const char *const classes[] = {"Zebra", "ants", "two words", "\xf0\x9f\x90\x9d"};
    /* a and e are the same image; b and d a group; d, g the same image, and so h by its group. */
    static const size_t units[] = {0, 1, 1, 0, 2, 1, 1};
    static const size_t kept[] = {0, 1, 3, 4, 5, 6, 7};
    struct dataset dataset = load(*state, NORMALIZE_NONE, NULL, NULL, true);

    assert_int_equal(dataset.count, 7);
    assert_int_equal(dataset.unlabelled, 1);
    assert_int_equal(dataset.class_count, 4);
    assert_int_equal(dataset.unit_count, 3);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(dataset.classes[i], classes[i]);
    for (size_t i = 0; i < dataset.count; i++) {
        const struct row *row = &rows[kept[i]];
        struct hash content = content_of(row->content);

        assert_string_equal(dataset.samples[i].path, row->path);
        assert_string_equal(dataset.samples[i].label, row->label);
        assert_string_equal(dataset.classes[dataset.samples[i].class], row->label);
        assert_true(hash_equal(&dataset.samples[i].image, &content));
        assert_int_equal(dataset.samples[i].unit, units[i]);
        assert_memory_equal(dataset.vectors + 3 * i, row->vector, sizeof row->vector);
    }
    dataset_release(&dataset);
}

static void test_unlabelled_rows(void **state)
{
    struct dataset dataset = load(*state, NORMALIZE_NONE, NULL, NULL, false);

    assert_int_equal(dataset.count, ROWS);
    assert_int_equal(dataset.unlabelled, 0);
    assert_null(dataset.samples[2].label);
    assert_int_equal(dataset.samples[2].class, DATASET_NO_CLASS);
    dataset_release(&dataset);
}

static void test_splits_follow_each_other(void **state)
{
    static const char *const paths[] = {"d.jpg", "e.jpg", "f.jpg", "a.jpg", "b.jpg"};
    struct dataset dataset = load(*state, NORMALIZE_NONE, "val", "train", true);

    assert_int_equal(dataset.count, 5);
    for (size_t i = 0; i < dataset.count; i++)
        assert_string_equal(dataset.samples[i].path, paths[i]);
    dataset_release(&dataset);
    dataset = load(*state, NORMALIZE_NONE, "nothing", NULL, true);
    assert_int_equal(dataset.count, 0);
    dataset_release(&dataset);
}

static void test_normalisation(void **state)
{
    static const float expected[7][3] = {
        {0.6f, 0, 0.8f}, {0, 0, 0}, {0.57735026919f, 0.57735026919f, 0.57735026919f},
        {0.6f, 0, 0.8f}, {-1, 0, 0}, {0.57735026919f, 0.57735026919f, 0.57735026919f}, {0, 1, 0},
    };
    struct dataset dataset = load(*state, NORMALIZE_L2, NULL, NULL, true);

    for (size_t i = 0; i < 21; i++)
        assert_true(fabs((double)dataset.vectors[i] - (double)expected[i / 3][i % 3]) < 1e-7);
    dataset_release(&dataset);
    dataset = load(*state, NORMALIZE_POWER, NULL, NULL, true);
    /* The signed roots of 3, 0, 4, divided by the root of 7; -2 becomes -1. */
    assert_true(fabs((double)dataset.vectors[0] - sqrt(3.0 / 7)) < 1e-7);
    assert_true(fabs((double)dataset.vectors[2] - sqrt(4.0 / 7)) < 1e-7);
    assert_true(fabs((double)dataset.vectors[12] + 1) < 1e-7);
    assert_true(fabs((double)dataset.vectors[3]) < 1e-7);
    dataset_release(&dataset);
    dataset = load(*state, NORMALIZE_STANDARD, NULL, NULL, true);
    assert_memory_equal(dataset.vectors, rows[0].vector, sizeof rows[0].vector);
    dataset_release(&dataset);
    assert_int_equal(normalize_find("l2"), NORMALIZE_L2);
    assert_int_equal(normalize_find("none"), NORMALIZE_NONE);
}

static void test_keep(void **state)
{
    static const bool keep[] = {false, true, false, false, true, true, false};
    struct dataset dataset = load(*state, NORMALIZE_NONE, NULL, NULL, true);
    struct error error;

    assert_int_equal(dataset_compute_gram(&dataset, NULL, &error), 0);
    dataset_keep(&dataset, keep);
    for (size_t i = 0; i < 9; i++) {
        double product = 0;

        for (size_t k = 0; k < 3; k++)
            product += (double)dataset.vectors[i / 3 * 3 + k] *
                       (double)dataset.vectors[i % 3 * 3 + k];
        assert_true(fabs((double)dataset.gram[i] - product) < 1e-6);
    }
    assert_int_equal(dataset.count, 3);
    assert_string_equal(dataset.samples[0].path, "b.jpg");
    assert_string_equal(dataset.samples[1].path, "f.jpg");
    assert_string_equal(dataset.samples[2].path, "g.jpg");
    assert_memory_equal(dataset.vectors + 3, rows[5].vector, sizeof rows[5].vector);
    assert_memory_equal(dataset.vectors + 6, rows[6].vector, sizeof rows[6].vector);
    assert_string_equal(dataset.classes[2], "two words");
    dataset_release(&dataset);
}

/* A view of every labelled image but those whose content is `without`: each number plus one. */
static void put_views(struct store *store, const char *view, unsigned char without)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct hash content = content_of(rows[i].content);
        struct error error;
        float vector[3];
        int64_t id;

        if (rows[i].content == without || rows[i].label == NULL)
            continue;
        for (size_t k = 0; k < 3; k++)
            vector[k] = rows[i].vector[k] + 1;
        assert_int_equal(store_find_image(store, &content, &id, &error), 0);
        assert_int_equal(store_put_vector(store, 1, id, view, vector, 3, &error), 0);
    }
}

static char flip[] = "flip", turned[] = "rotate=30";
static char *view_names[] = {flip, turned};

static void test_views_stand_behind_their_original(void **state)
{
    static const size_t kept[] = {0, 1, 3, 4, 5, 6, 7};
    static const size_t samples[] = {2, 0};
    static const bool keep[] = {false, true, true, false, true, true, false};
    const struct fixture *fixture = *state;
    const struct augmentation augmentation = {AUGMENT_BOTH, view_names, 2, 0};
    struct dataset_request request = {
        .feature_set = &fixture->sets.items[0], .normalize = NORMALIZE_NONE, .labelled = true,
        .augmentation = &augmentation,
    };
    struct dataset dataset;
    struct error error;
    size_t expanded[6], classes[6];

    put_views(fixture->store, "rotate=30", 99);
    put_views(fixture->store, "flip", 99);
    assert_int_equal(dataset_load(fixture->store, &request, &dataset, &error), 0);
    assert_int_equal(dataset.count, 7);
    assert_int_equal(dataset_views(&dataset), 3);
    assert_int_equal(dataset_deciding(&dataset), 3);
    for (size_t i = 0; i < 7 * 9; i++) {
        double offset = i % 9 < 3 ? 0 : 1;

        assert_true(fabs((double)dataset_rows(&dataset)[i] -
                         (double)rows[kept[i / 9]].vector[i % 3] - offset) < 1e-6);
    }
    dataset_expand(&dataset, samples, 2, expanded, classes);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(expanded[i], samples[i / 3] * 3 + i % 3);
        assert_int_equal(classes[i], dataset.samples[samples[i / 3]].class);
    }
    dataset_keep(&dataset, keep);
    assert_int_equal(dataset.count, 4);
    assert_memory_equal(dataset_rows(&dataset) + 9, rows[3].vector, sizeof rows[3].vector);
    assert_memory_equal(dataset_rows(&dataset) + 27, rows[6].vector, sizeof rows[6].vector);
    dataset_release(&dataset);
    request.normalize = NORMALIZE_L2;
    assert_int_equal(dataset_load(fixture->store, &request, &dataset, &error), 0);
    for (size_t i = 0; i < 3; i++)  /* 4, 1, 5 and its length */
        assert_true(fabs((double)dataset_rows(&dataset)[3 + i] -
                         ((double)rows[0].vector[i] + 1) / sqrt(42)) < 1e-6);
    dataset_release(&dataset);
}

/* f.jpg, the last of val, has no view; with AUGMENT_TRAIN val needs none. */
static void test_missing_views(void **state)
{
    const struct fixture *fixture = *state;
    struct augmentation augmentation = {AUGMENT_BOTH, view_names, 1, 0};
    struct dataset_request request = {
        .feature_set = &fixture->sets.items[0], .labelled = true, .augmentation = &augmentation,
    };
    struct dataset dataset;
    struct error error;

    put_views(fixture->store, "flip", 5);
    assert_int_equal(dataset_load(fixture->store, &request, &dataset, &error), FAILED);
    assert_non_null(strstr(error.text, "'f.jpg' has no view 'flip': run bottleneck-extract"));
    request.allow_incomplete = true;
    assert_int_equal(dataset_load(fixture->store, &request, &dataset, &error), 0);
    for (size_t i = 0; i < dataset.count; i++)
        assert_int_equal(dataset.samples[i].incomplete, i == 4);
    dataset_release(&dataset);
    request.allow_incomplete = false;
    request.splits[0] = "train";
    request.splits[1] = "val";
    assert_int_equal(dataset_load(fixture->store, &request, &dataset, &error), FAILED);
    augmentation.use = AUGMENT_TRAIN;
    assert_int_equal(dataset_load(fixture->store, &request, &dataset, &error), 0);
    assert_int_equal(dataset_views(&dataset), 2);
    assert_int_equal(dataset_deciding(&dataset), 1);
    dataset_release(&dataset);
}

static void test_digest_tells_samples_apart(void **state)
{
    struct dataset all = load(*state, NORMALIZE_NONE, NULL, NULL, true);
    struct dataset normal = load(*state, NORMALIZE_L2, NULL, NULL, true);
    struct hash first, second;
    struct error error;

    assert_int_equal(dataset_digest(&all, &first, &error), 0);
    assert_int_equal(dataset_digest(&normal, &second, &error), 0);
    assert_true(hash_equal(&first, &second));
    strcpy(normal.samples[6].label, "Zebrb");
    assert_int_equal(dataset_digest(&normal, &second, &error), 0);
    assert_false(hash_equal(&first, &second));
    dataset_release(&all);
    dataset_release(&normal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_classes_and_units, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unlabelled_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_splits_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_normalisation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_views_stand_behind_their_original, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_missing_views, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_digest_tells_samples_apart, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
