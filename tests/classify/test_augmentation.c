/* Which views are used: what every image has, and what is said about the others. */
#include "classify/augmentation.h"

#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

/* Two images a split and one without a label; two feature sets. Each has the original. */
enum { IMAGES = 5, SETS = 2 };

static const char *const splits[IMAGES] = {"train", "train", "val", "val", "val"};

struct fixture {
    char *folder;
    struct store *store;
    int64_t images[IMAGES], sets[SETS];
};

/* images: a digit for each that gets the view */
static void put_view(const struct fixture *fixture, size_t set, const char *view,
                     const char *images)
{
    static const float vector[] = {1, 2};
    struct error error;

    for (; *images != '\0'; images++)
        assert_int_equal(store_put_vector(fixture->store, fixture->sets[set],
                                          fixture->images[*images - '0'], view, vector, 2,
                                          &error), 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct store_network network = {.name = "n.onnx", .format = "onnx", .bytes = 1};
    struct store_feature_set set = {.pooling = "avg", .preprocessing = "p", .engine = 1,
                                    .dimension = 2};
    struct error error;

    assert_non_null(fixture);
    fixture->folder = scratch_create();
    assert_int_equal(store_open(scratch_path(fixture->folder, "f.db"), STORE_CREATE,
                                &fixture->store, &error), 0);
    assert_int_equal(store_put_network(fixture->store, &network, &set.network_id, &error), 0);
    for (size_t i = 0; i < SETS; i++) {
        set.layer = i == 0 ? "a" : "b";
        assert_int_equal(store_put_feature_set(fixture->store, &set, &fixture->sets[i], &error),
                         0);
    }
    for (size_t i = 0; i < IMAGES; i++) {
        const char path[] = {(char)('0' + i), '\0'};
        struct store_image image = {.hash = hash_bytes(path, 1), .format = "png", .width = 1,
                                    .height = 1, .bytes = 1};
        struct store_sample sample = {.path = path, .split = splits[i],
                                      .label = i == 4 ? NULL : "ants"};

        assert_int_equal(store_put_image(fixture->store, &image, &sample.image_id, &error), 0);
        assert_int_equal(store_put_sample(fixture->store, &sample, &error), 0);
        fixture->images[i] = sample.image_id;
    }
    for (size_t i = 0; i < SETS; i++)
        put_view(fixture, i, STORE_VIEW_ORIGINAL, "01234");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    store_close(fixture->store);
    scratch_remove(fixture->folder);
    free(fixture);
    return 0;
}

struct asked {
    const char *use, *train, *test, *names[2];
    size_t sets;
};

static int choose(const struct fixture *fixture, const struct asked *asked,
                  struct augmentation *augmentation, struct error *error)
{
    struct text_list names = {0};
    struct augmentation_request request = {
        .feature_sets = fixture->sets, .count = asked->sets > 0 ? asked->sets : 1,
        .splits = {asked->train, asked->test}, .labelled = true, .asked = asked->use,
        .names = &names,
    };
    int outcome;

    for (size_t i = 0; i < 2 && asked->names[i] != NULL; i++)
        assert_int_equal(text_list_append(&names, asked->names[i], error), 0);
    outcome = augmentation_choose(fixture->store, &request, augmentation, error);
    text_list_release(&names);
    return outcome;
}

/* `views` is what comes out, "both flip rotate=30"; or the beginning of a message. */
static void expect(const struct fixture *fixture, struct asked asked, const char *views,
                   size_t left_aside)
{
    struct augmentation augmentation;
    struct error error = {""};
    char text[200];

    if (choose(fixture, &asked, &augmentation, &error) < 0) {
        if (strstr(error.text, views) == NULL)
            fail_msg("%s", error.text);
        return;
    }
    snprintf(text, sizeof text, "%s", augment_names[augmentation.use]);
    for (size_t i = 0; i < augmentation.count; i++) {
        strcat(text, " ");
        strcat(text, augmentation.views[i]);
    }
    assert_string_equal(text, views);
    assert_int_equal(augmentation.left_aside, left_aside);
    augmentation_release(&augmentation);
}

static void test_originals_alone(void **state)
{
    expect(*state, (struct asked){0}, "none", 0);
    expect(*state, (struct asked){.use = "none"}, "none", 0);
    expect(*state, (struct asked){.use = "both"},
           "--views both: the images have no views besides the original; run", 0);
    expect(*state, (struct asked){.use = "train", .names = {"flip"}},
           "no image has a view 'flip': 'list' shows", 0);
    /* Without images somebody else has something to say. */
    expect(*state, (struct asked){.use = "both", .train = "nothing"}, "none", 0);
}

static void test_what_every_image_has(void **state)
{
    const struct fixture *fixture = *state;

    put_view(fixture, 0, "rotate=30", "0123");  /* the image without a label does not count */
    put_view(fixture, 0, "flip", "0123");
    put_view(fixture, 0, "crop=top-left", "01");
    expect(fixture, (struct asked){0}, "both flip rotate=30", 1);
    expect(fixture, (struct asked){.use = "none"}, "none", 0);
    expect(fixture, (struct asked){.use = "train"}, "train flip rotate=30", 1);
    expect(fixture, (struct asked){.names = {"rotate=30"}}, "both rotate=30", 0);
    expect(fixture, (struct asked){.names = {"rotate=30", "flip"}}, "both flip rotate=30", 0);
    expect(fixture, (struct asked){.names = {"crop=top-left"}},
           "the view 'crop=top-left' is missing for 2 of the images", 0);
    /* Of a hold-out, only what is trained on has to have them, unless they decide. */
    expect(fixture, (struct asked){.use = "train", .train = "train", .test = "val"},
           "train crop=top-left flip rotate=30", 0);
    expect(fixture, (struct asked){.train = "train", .test = "val"}, "both flip rotate=30", 1);
    expect(fixture, (struct asked){.use = "both", .train = "train", .test = "val",
                                   .names = {"crop=top-left"}},
           "the view 'crop=top-left' is missing for 2 of the images", 0);
    expect(fixture, (struct asked){.train = "val"}, "both flip rotate=30", 0);
    /* Several feature sets: what all have. */
    expect(fixture, (struct asked){.sets = 2}, "none", 3);
    put_view(fixture, 1, "flip", "0123");
    expect(fixture, (struct asked){.sets = 2}, "both flip", 2);
}

static void test_some_images_have_views(void **state)
{
    const struct fixture *fixture = *state;

    put_view(fixture, 0, "flip", "02");
    expect(fixture, (struct asked){0}, "none", 1);
    expect(fixture, (struct asked){.use = "both"},
           "--views both: no view besides the original is there for all of the images; run", 0);
}

static void test_counts(void **state)
{
    const struct fixture *fixture = *state;
    struct view_counts counts;
    struct error error;

    put_view(fixture, 0, "rotate=1", "014");
    put_view(fixture, 0, "flip", "3");
    assert_int_equal(view_counts_load(fixture->store, fixture->sets[0], NULL, false, &counts,
                                      &error), 0);
    assert_int_equal(counts.count, 3);
    assert_string_equal(counts.items[0].name, "flip");
    assert_string_equal(counts.items[1].name, "original");
    assert_int_equal(counts.items[0].samples, 1);
    assert_int_equal(view_counts_find(&counts, "original")->samples, 5);
    assert_int_equal(view_counts_find(&counts, "rotate=1")->samples, 3);
    assert_null(view_counts_find(&counts, "rotate=2"));
    view_counts_release(&counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_originals_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_every_image_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_some_images_have_views, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
