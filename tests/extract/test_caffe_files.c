/*
 * What belongs to a .caffemodel: the prototxt beside it, the mean image, the preprocessing that
 * they tell, the phases of a definition, and the size of its images.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extract/formats/model.h"
#include "tests/extract/wire_helpers.h"
#include "tests/helpers.h"

/* Field numbers of caffe.proto. */
enum { NET_NAME = 1, NET_LAYER = 100, LAYER_NAME = 1, LAYER_TYPE = 2, LAYER_BLOBS = 7,
       LAYER_TRANSFORM = 100, BLOB_NUM = 1, BLOB_DATA = 5, BLOB_SHAPE = 7,
       TRANSFORM_SCALE = 1, TRANSFORM_CROP = 3, TRANSFORM_MEAN_FILE = 4, TRANSFORM_MEAN = 5 };

/* A BlobProto of `count` times `value`. */
static void put_blob(struct message *layer, unsigned field, const int64_t *shape, size_t rank,
                     size_t count, float value)
{
    struct message blob = {.size = 0}, dims = {.size = 0}, lengths = {.size = 0};
    float *values = calloc(count, sizeof *values);

    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = value;
    for (size_t i = 0; i < rank; i++)
        put_varint(&lengths, (uint64_t)shape[i]);
    put_bytes(&dims, 1, lengths.data, lengths.size);
    put_message(&blob, BLOB_SHAPE, &dims);
    put_bytes(&blob, BLOB_DATA, values, count * sizeof *values);
    put_message(layer, field, &blob);
    free(values);
}

/* A data layer of the training, as the .caffemodel keeps it. */
struct training {
    const char *name;       /* of the network */
    float scale;            /* 0: none of these */
    int64_t crop;
    const char *mean_file;
    size_t mean_count;
    float means[3];
    bool transforms;        /* there is a transform_param, even if it is empty */
};

static void put_training(struct message *net, const struct training *training)
{
    struct message layer = {.size = 0}, transform = {.size = 0};

    put_text(net, NET_NAME, training->name != NULL ? training->name : "net");
    put_text(&layer, LAYER_NAME, "images");
    put_text(&layer, LAYER_TYPE, "Data");
    if (training->scale > 0)
        put_float(&transform, TRANSFORM_SCALE, training->scale);
    if (training->crop > 0)
        put_integer(&transform, TRANSFORM_CROP, training->crop);
    if (training->mean_file != NULL)
        put_text(&transform, TRANSFORM_MEAN_FILE, training->mean_file);
    for (size_t i = 0; i < training->mean_count; i++)
        put_float(&transform, TRANSFORM_MEAN, training->means[i]);
    if (training->transforms || transform.size > 0)
        put_message(&layer, LAYER_TRANSFORM, &transform);
    put_message(net, NET_LAYER, &layer);
}

/* conv: three channels to two, 1 x 1. */
static void write_weights(const char *path, const struct training *training)
{
    struct message net = {.size = 0}, layer = {.size = 0};

    put_training(&net, training);
    put_text(&layer, LAYER_NAME, "conv");
    put_text(&layer, LAYER_TYPE, "Convolution");
    put_blob(&layer, LAYER_BLOBS, (int64_t[]){2, 3, 1, 1}, 4, 6, 0.5f);
    put_message(&net, NET_LAYER, &layer);
    write_file(path, net.data, net.size);
}

#define INPUT(side) \
    "input: 'data' input_dim: 1 input_dim: 3 input_dim: " side " input_dim: " side "\n"
#define CONV \
    "layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv'\n" \
    "        convolution_param { num_output: 2 kernel_size: 1 bias_term: false } }\n"

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

/* ---- the definition --------------------------------------------------------------------- */

struct beside_case {
    const char *weights;
    const char *files[4];  /* in the folder */
    const char *definition, *found;  /* found NULL: refused */
};

static void test_definition(void **state)
{
    static const struct beside_case cases[] = {
        {"a.caffemodel", {"a.prototxt", "deploy.prototxt"}, NULL, "a.prototxt"},
        {"a.caffemodel", {"a_deploy.prototxt", "deploy.prototxt", "b.prototxt"}, NULL,
         "a_deploy.prototxt"},
        {"a.caffemodel", {"a-deploy.prototxt", "deploy.prototxt"}, NULL, "a-deploy.prototxt"},
        {"a.caffemodel", {"a_train_val.prototxt", "a_train_test.prototxt"}, NULL,
         "a_train_test.prototxt"},
        {"a.caffemodel", {"a_train_val.prototxt", "deploy.prototxt"}, NULL,
         "a_train_val.prototxt"},
        {"a-model.caffemodel", {"a-deploy.prototxt", "deploy.prototxt"}, NULL,
         "a-deploy.prototxt"},
        {"a_model.caffemodel", {"a.prototxt", "b.prototxt"}, NULL, "a.prototxt"},
        {"a.caffemodel", {"train_val.prototxt", "deploy.prototxt", "solver.prototxt"}, NULL,
         "deploy.prototxt"},
        {"a.caffemodel", {"other.prototxt"}, NULL, "other.prototxt"},
        {"a.caffemodel", {"other.prototxt", "solver.prototxt"}, NULL, "other.prototxt"},
        {"a", {"a.prototxt", "deploy.prototxt"}, NULL, "a.prototxt"},
        {"a.caffemodel", {"a.prototxt", "b.prototxt"}, "b.prototxt", "b.prototxt"},
        {"a.caffemodel", {"b.prototxt", "c.prototxt"}, NULL, NULL},
        {"a.caffemodel", {"a.txt"}, NULL, NULL},
        {"a.caffemodel", {"a.prototxt"}, "absent.prototxt", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct beside_case *test = &cases[i];
        char *folder = scratch_create(), weights[256], found[256], definition[256];
        struct model model;
        struct error error;

        for (size_t j = 0; j < 4 && test->files[j] != NULL; j++)
            write_text(scratch_path(folder, test->files[j]), INPUT("8") CONV);
        snprintf(weights, sizeof weights, "%s/%s", folder, test->weights);
        snprintf(found, sizeof found, "%s/%s", folder, test->found != NULL ? test->found : "");
        snprintf(definition, sizeof definition, "%s/%s", folder,
                 test->definition != NULL ? test->definition : "");
        write_weights(weights, &(struct training){.name = "net"});
        if (model_open(weights, test->definition != NULL ? definition : NULL, &model,
                       &error) == 0) {
            assert_non_null(test->found);
            assert_int_equal(model.file_count, 2);
            assert_string_equal(model.files[1].path, found);
        } else {
            assert_null(test->found);
            assert_non_null(strstr(error.text, test->weights));
            assert_non_null(strstr(error.text, "prototxt"));
        }
        model_close(&model);
        scratch_remove(folder);
    }
}

/* ---- preprocessing ---------------------------------------------------------------------- */

struct rule_case {
    const char *what, *definition;
    struct training training;
    const char *mean_name;  /* a mean image of mean_side, its channels 10, 20, 30 and so on */
    int64_t mean_channels, mean_side;
    const char *rule;
    bool assumed;
    size_t usual_side;
};

#define NAMED(name) "name: '" name "'\n"
/* A training network: the data layer's parameters. */
#define DATA(parameters) \
    "layer { name: 'images' type: 'Data' top: 'data' top: 'label' include { phase: TEST }\n" \
    "        " parameters " }\n"
#define DATA_TRAIN(parameters) \
    "layer { name: 'images' type: 'Data' top: 'data' top: 'label' include { phase: TRAIN }\n" \
    "        " parameters " }\n"

static const struct rule_case rule_cases[] = {
    {"nothing is known", INPUT("32") CONV, {0}, .rule = "caffe", .assumed = true},
    {"nothing is known of a network of 224", INPUT("224") CONV, {0}, .rule = "caffe-alexnet",
     .assumed = true},
    {"nothing is known of a network of 227", INPUT("227") CONV, {0}, .rule = "caffe-alexnet",
     .assumed = true},

    {"the family", NAMED("CaffeNet") INPUT("227") CONV, {0}, .rule = "caffe-alexnet"},
    {"the family, AlexNet", NAMED("AlexNet") INPUT("227") CONV, {0}, .rule = "caffe-alexnet"},
    {"the family, GoogLeNet", NAMED("GoogleNet") INPUT("224") CONV, {0},
     .rule = "caffe-googlenet"},
    {"the family, VGG", NAMED("VGG_ILSVRC_16_layers") INPUT("224") CONV, {0},
     .rule = "caffe-vgg"},
    {"the family, ResNet", NAMED("ResNet-50") INPUT("224") CONV, {0}, .rule = "caffe-vgg"},
    {"the family, SENet", NAMED("SE-ResNet-50") INPUT("224") CONV, {0},
     .rule = "caffe-vgg,mean=104:117:123"},
    {"the family, SqueezeNet", NAMED("squeezenet_v1.1") INPUT("227") CONV, {0},
     .rule = "caffe-squeezenet"},
    {"the family, MobileNet", NAMED("MOBILENET_V2") INPUT("224") CONV, {0},
     .rule = "caffe-mobilenet"},
    {"the family, DenseNet", NAMED("DENSENET_121") INPUT("224") CONV, {0},
     .rule = "caffe-mobilenet"},
    {"the family, by the weights' name", INPUT("224") CONV, {.name = "VGG_ILSVRC_19_layer"},
     .rule = "caffe-vgg"},
    {"the definition's name goes first", NAMED("SqueezeNet") INPUT("224") CONV,
     {.name = "VGG_ILSVRC_19_layer"}, .rule = "caffe-squeezenet"},

    {"means of the training", INPUT("32") CONV,
     {.mean_count = 3, .means = {1, 2.5f, 103.939f}}, .rule = "caffe,mean=1:2.5:103.939,"
     "deviation=1"},
    {"one mean", INPUT("32") CONV, {.mean_count = 1, .means = {127.5f}, .scale = 0.0078125f},
     .rule = "caffe,mean=127.5,deviation=1/0.0078125"},
    {"the training takes nothing off", INPUT("32") CONV, {.transforms = true},
     .rule = "caffe,mean=0,deviation=1"},
    {"a scale alone", INPUT("32") CONV, {.scale = 0.017f},
     .rule = "caffe,mean=0,deviation=1/0.017"},
    {"a family that was trained otherwise", NAMED("MobileNet") INPUT("224") CONV,
     {.mean_count = 1, .means = {127.5f}, .scale = 0.5f},
     .rule = "caffe-mobilenet,mean=127.5,deviation=1/0.5"},
    {"the definition's data layer", DATA("transform_param { crop_size: 20 mean_value: 1 "
                                         "mean_value: 2 mean_value: 3 scale: 0.5 }") CONV,
     {.mean_count = 1, .means = {99}}, .rule = "caffe,mean=1:2:3,deviation=1/0.5",
     .usual_side = 20},
    {"the data layer of the test", DATA_TRAIN("transform_param { crop_size: 20 mean_value: 1 }")
     DATA("transform_param { crop_size: 24 mean_value: 5 }") CONV, {0},
     .rule = "caffe,mean=5,deviation=1", .usual_side = 24},
    {"the data layer of the training alone", INPUT("16")
     DATA_TRAIN("transform_param { crop_size: 16 mean_value: 1 }") CONV, {0},
     .rule = "caffe,mean=1,deviation=1"},
    {"as it stood before transform_param", DATA("data_param { crop_size: 20 scale: 0.25 }") CONV,
     {0}, .rule = "caffe,mean=0,deviation=1/0.25", .usual_side = 20},

    {"a mean image", INPUT("24") CONV, {0}, "a_mean.binaryproto", 3, 24,
     .rule = "caffe,resize=24x24,mean=10:20:30"},
    {"a larger mean image", INPUT("16") CONV, {.crop = 16, .mean_file = "x/y/train.binaryproto"},
     "train.binaryproto", 3, 20, .rule = "caffe,resize=20x20,mean=10:20:30,deviation=1"},
    {"a mean image that is called mean", INPUT("16") CONV, {0}, "mean.binaryproto", 3, 20,
     .rule = "caffe,resize=20x20,mean=10:20:30"},
    {"a mean image of a family", NAMED("CaffeNet") INPUT("16") CONV, {0}, "mean.binaryproto", 3,
     20, .rule = "caffe-alexnet,mean=10:20:30"},
    {"the only mean image", INPUT("16") CONV, {.crop = 16, .mean_file = "m"}, "b.binaryproto", 3,
     20, .rule = "caffe,resize=20x20,mean=10:20:30,deviation=1"},
    {"an image that is named nowhere", INPUT("16") CONV, {0}, "b.binaryproto", 3, 20,
     .rule = "caffe", .assumed = true},
    {"the mean image of smaller images", INPUT("32") CONV, {0}, "mean.binaryproto", 3, 20,
     .rule = "caffe", .assumed = true},
    {"the mean image of images that would have to be cut", INPUT("16") CONV,
     {.mean_file = "mean.binaryproto"}, "mean.binaryproto", 3, 20,
     .rule = "caffe,deviation=1", .assumed = true},
    {"the mean image of grey images", INPUT("16") CONV, {0}, "mean.binaryproto", 1, 20,
     .rule = "caffe", .assumed = true},
    {"means go before a mean image", INPUT("16") CONV, {.mean_count = 1, .means = {7}},
     "mean.binaryproto", 3, 16, .rule = "caffe,mean=7,deviation=1"},
    {"a mean image that is not there", INPUT("16") CONV, {.mean_file = "m.binaryproto"},
     .rule = "caffe,deviation=1", .assumed = true},
    {"the size of a mean image", DATA("transform_param { mean_file: 'mean.binaryproto' }") CONV,
     {0}, "mean.binaryproto", 3, 20, .rule = "caffe,resize=20x20,mean=10:20:30,deviation=1",
     .usual_side = 20},
};

enum { RULE_CASES = sizeof rule_cases / sizeof rule_cases[0] };

static void write_mean(const char *path, int64_t channels, int64_t side)
{
    struct message blob = {.size = 0};
    size_t pixels = (size_t)(side * side), count = (size_t)channels * pixels;
    float *values = calloc(count, sizeof *values);

    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(10 * (i / pixels + 1)) + (i % 2 == 0 ? 1 : -1);
    put_integer(&blob, BLOB_NUM, 1);
    put_integer(&blob, BLOB_NUM + 1, channels);
    put_integer(&blob, BLOB_NUM + 2, side);
    put_integer(&blob, BLOB_NUM + 3, side);
    put_bytes(&blob, BLOB_DATA, values, count * sizeof *values);
    write_file(path, blob.data, blob.size);
    free(values);
}

static void test_rule(void **state)
{
    const struct rule_case *test = *state;
    char *folder = scratch_create();
    struct model model;
    struct error error;

    write_weights(scratch_path(folder, "a.caffemodel"), &test->training);
    write_text(scratch_path(folder, "a.prototxt"), test->definition);
    if (test->mean_name != NULL)
        write_mean(scratch_path(folder, test->mean_name), test->mean_channels, test->mean_side);
    if (model_open(scratch_path(folder, "a.caffemodel"), NULL, &model, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(model.preprocess, test->rule);
    assert_int_equal(model.assumes_preprocess, test->assumed);
    assert_int_equal(model.usual_side, test->usual_side);
    assert_int_equal(model.input.channels, 3);
    model_close(&model);
    scratch_remove(folder);
}

static void test_bad_preprocessing(void **state)
{
    static const struct {
        const char *definition, *expected;
    } cases[] = {
        {DATA("transform_param { scale: 0 }") CONV, "scales by 0"},
        {DATA("transform_param { scale: -1 }") CONV, "scales by -1"},
        {DATA("transform_param { mean_value: 1e9 }") CONV, "a mean of 1e+09"},
        {DATA("transform_param { mean_value: nan }") CONV, "'mean_value' is nan"},
        {DATA("transform_param { crop_size: -4 }") CONV, "line 2: 'crop_size' is -4"},
        {DATA("transform_param { mean_file: 7 }") CONV, "'mean_file' is 7, not a text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = scratch_create();
        struct model model;
        struct error error;

        write_weights(scratch_path(folder, "a.caffemodel"), &(struct training){0});
        write_text(scratch_path(folder, "a.prototxt"), cases[i].definition);
        assert_int_equal(model_open(scratch_path(folder, "a.caffemodel"), NULL, &model, &error),
                         FAILED);
        if (strstr(error.text, cases[i].expected) == NULL)
            fail_msg("not '%s': %s", cases[i].expected, error.text);
        model_close(&model);
        scratch_remove(folder);
    }
}

/* A mean image that is cut off or lies about its size. */
static void test_bad_mean(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x08\x01", 1},
        {"\x08\x01\x10\x03\x18\x20\x20\x20\x2a\x7f", 10},
        {"\x08\x01\x10\x03\x18\x20\x20\x20\x2a\x04\0\0\0\0", 14},
        {"\x3a\x04\x0a\x02\x01\x01\x2a\x04\0\0\0\0", 12},
        {"\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x18\x01\x20\x01", 17},
        {"\x08\x01\x10\x03\x18\x20\x20\x20\x2a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 18},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = scratch_create();
        struct model model;
        struct error error;

        write_weights(scratch_path(folder, "a.caffemodel"), &(struct training){0});
        write_text(scratch_path(folder, "a.prototxt"), INPUT("8") CONV);
        write_file(scratch_path(folder, "mean.binaryproto"), cases[i].bytes, cases[i].size);
        assert_int_equal(model_open(scratch_path(folder, "a.caffemodel"), NULL, &model, &error),
                         FAILED);
        assert_non_null(strstr(error.text, "mean.binaryproto"));
        model_close(&model);
        scratch_remove(folder);
    }
}

/* ---- phases ----------------------------------------------------------------------------- */

static void test_phases(void **state)
{
    /* Rules of a layer, and whether it is there in the test phase. */
    static const struct {
        const char *state, *rules;
        bool there;
    } cases[] = {
        {"", "", true},
        {"", "include { phase: TEST }", true},
        {"", "include { phase: TRAIN }", false},
        {"", "include { phase: 1 }", true},
        {"", "include { phase: TRAIN } include { phase: TEST }", true},
        {"", "exclude { phase: TRAIN }", true},
        {"", "exclude { phase: TEST }", false},
        {"", "exclude { phase: TRAIN } exclude { phase: TEST }", false},
        {"", "include { stage: 'deploy' }", false},
        {"", "include { not_stage: 'deploy' }", true},
        {"", "exclude { stage: 'deploy' }", true},
        {"state { stage: 'deploy' }", "include { stage: 'deploy' }", true},
        {"state { stage: 'deploy' }", "exclude { stage: 'deploy' }", false},
        {"state { stage: 'a' stage: 'b' }", "include { stage: 'b' stage: 'a' }", true},
        {"state { stage: 'a' }", "include { stage: 'b' stage: 'a' }", false},
        {"state { stage: 'a' }", "include { not_stage: 'a' }", false},
        {"", "include { min_level: 0 }", true},
        {"", "include { min_level: 1 }", false},
        {"state { level: 2 }", "include { min_level: 1 max_level: 2 }", true},
        {"state { level: 3 }", "include { min_level: 1 max_level: 2 }", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = scratch_create(), text[1024];
        struct graph graph = {0};
        struct model model;
        struct error error;
        size_t index;

        snprintf(text, sizeof text, "%s\n" INPUT("8") CONV "layer { name: 'r' type: 'ReLU' "
                 "bottom: 'conv' top: 'r' %s }", cases[i].state, cases[i].rules);
        write_weights(scratch_path(folder, "a.caffemodel"), &(struct training){0});
        write_text(scratch_path(folder, "a.prototxt"), text);
        if (model_open(scratch_path(folder, "a.caffemodel"), NULL, &model, &error) < 0 ||
            model_read(&model, 8, 8, &graph, &error) < 0)
            fail_msg("%s", error.text);
        if ((names_find(&graph.names, "r", &index) == 0) != cases[i].there)
            fail_msg("%s %s", cases[i].state, cases[i].rules);
        graph_release(&graph);
        model_close(&model);
        scratch_remove(folder);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_bad_preprocessing),
        cmocka_unit_test(test_bad_mean),
        cmocka_unit_test(test_phases),
    };
    struct CMUnitTest rules[RULE_CASES];
    int failed;

    for (size_t i = 0; i < RULE_CASES; i++)
        rules[i] = (struct CMUnitTest){.name = rule_cases[i].what, .test_func = test_rule,
                                       .initial_state = (void *)(uintptr_t)&rule_cases[i]};
    failed = cmocka_run_group_tests(rules, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
