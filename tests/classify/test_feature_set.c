#include "classify/feature_set.h"

#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

static char onnx[] = "vgg16.onnx", other[] = "resnet50.onnx", layer[] = "flat", late[] = "late",
            none[] = "none", average[] = "avg", rule[] = "shorter side 256", squash[] = "squash";

static const struct feature_set base = {
    .id = 1, .vectors = 5, .network = {{1}}, .network_name = onnx, .layer = layer,
    .pooling = none, .preprocessing = rule, .engine = 1, .dimension = 25088,
};

static void expect_difference(const struct feature_set *set, size_t count, const char *expected)
{
    char text[300];

    assert_int_equal(feature_set_difference(&base, set, text, sizeof text), count);
    assert_string_equal(text, expected);
}

static void test_difference(void **state)
{
    struct feature_set set = base;

    (void)state;
    set.id = 7;
    set.vectors = 0;
    set.network_name = other;
    expect_difference(&set, 0, "");
    set.engine = 2;
    set.layer = late;
    expect_difference(&set, 2, "layer ('flat' against 'late'), engine (1 against 2)");
    set = base;
    set.network.bytes[31] = 9;
    set.pooling = average;
    set.preprocessing = squash;
    set.dimension = 512;
    expect_difference(&set, 4, "network (sha256 010000000000 against 010000000000), pooling "
                      "('none' against 'avg'), preprocessing ('shorter side 256' against "
                      "'squash'), dimension (25088 against 512)");
}

static void test_difference_is_cut(void **state)
{
    struct feature_set set = base;
    char text[12];

    (void)state;
    set.layer = late;
    set.engine = 2;
    assert_int_equal(feature_set_difference(&base, &set, text, sizeof text), 2);
    assert_string_equal(text, "layer ('fla");
}

static void test_what_differs_is_listed(void **state)
{
    static char first[] = "fit=squash,resize=256,crop=224x224,order=rgb",
                second[] = "fit=squash,resize=224,crop=224x224,order=bgr";
    struct feature_set items[3] = {base, base, base};
    struct feature_sets sets = {.items = items, .count = 3};
    const struct feature_set *chosen;
    struct error error;

    (void)state;
    items[0].preprocessing = first;
    items[1].preprocessing = second;
    items[1].id = 2;
    items[2].id = 3;
    items[2].pooling = average;
    assert_int_equal(feature_sets_choose(&sets, 0, "f.db", &chosen, &error), FAILED);
    assert_non_null(strstr(error.text, ": 1 (vgg16.onnx flat, 25088 numbers, resize=256, "
                           "order=rgb), 2 (vgg16.onnx flat, 25088 numbers, resize=224, "
                           "order=bgr), 3 (vgg16.onnx flat avg, 25088 numbers)"));
    items[1].preprocessing = first;
    items[1].network.bytes[0] = 0xab;
    assert_int_equal(feature_sets_choose(&sets, 0, "f.db", &chosen, &error), FAILED);
    assert_non_null(strstr(error.text, ": 1 (vgg16.onnx flat, 25088 numbers, sha256 010000000000), "
                           "2 (vgg16.onnx flat, 25088 numbers, sha256 ab0000000000), 3 ("));
}

static void test_choose_and_match(void **state)
{
    struct feature_set items[3] = {base, base, base};
    struct feature_sets sets = {.items = items, .count = 3};
    const struct feature_set *chosen;
    struct feature_set wanted = base;
    struct error error;

    (void)state;
    items[1].id = 2;
    items[1].layer = late;
    items[1].pooling = average;
    items[2].id = 4;
    items[2].engine = 3;
    assert_int_equal(feature_sets_choose(&sets, 4, "f.db", &chosen, &error), 0);
    assert_ptr_equal(chosen, &items[2]);
    assert_int_equal(feature_sets_choose(&sets, 0, "f.db", &chosen, &error), FAILED);
    assert_string_equal(error.text, "'f.db' holds 3 feature sets, choose one with --features ID: "
                        "1 (vgg16.onnx flat, 25088 numbers, engine 1), 2 (vgg16.onnx late avg, 25088 "
                        "numbers), 4 (vgg16.onnx flat, 25088 numbers, engine 3)");
    assert_int_equal(feature_sets_choose(&sets, 3, "f.db", &chosen, &error), FAILED);
    assert_non_null(strstr(error.text, "'f.db' has no feature set 3, it holds 1 ("));

    wanted.engine = 3;
    assert_int_equal(feature_sets_match(&sets, &wanted, 0, "f.db", &chosen, &error), 0);
    assert_ptr_equal(chosen, &items[2]);
    assert_int_equal(feature_sets_match(&sets, &wanted, 1, "f.db", &chosen, &error), FAILED);
    assert_string_equal(error.text, "the model was trained on vgg16.onnx flat, 25088 numbers; "
                        "'f.db' holds vgg16.onnx flat, 25088 numbers as feature set 1: they "
                        "differ in engine (3 against 1)");
    wanted.engine = 4;
    assert_int_equal(feature_sets_match(&sets, &wanted, 0, "f.db", &chosen, &error), FAILED);
    assert_non_null(strstr(error.text, "as feature set 1, the nearest: they differ in engine (4 "
                                       "against 1)"));
    sets.count = 1;
    assert_int_equal(feature_sets_choose(&sets, 0, "f.db", &chosen, &error), 0);
    assert_ptr_equal(chosen, &items[0]);
    sets.count = 0;
    assert_int_equal(feature_sets_choose(&sets, 0, "f.db", &chosen, &error), FAILED);
    assert_string_equal(error.text, "'f.db' holds no vectors yet: run bottleneck-extract first");
    assert_int_equal(feature_sets_match(&sets, &wanted, 0, "f.db", &chosen, &error), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_difference),
        cmocka_unit_test(test_difference_is_cut),
        cmocka_unit_test(test_what_differs_is_listed),
        cmocka_unit_test(test_choose_and_match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
