/*
 * What the beginning of a TensorFlow graph, and the names of its nodes, tell of the preprocessing
 * that belongs to it.
 */
#include <string.h>

#include "extract/network/network.h"
#include "extract/rules.h"
#include "tests/extract/tensorflow_helpers.h"
#include "tests/helpers.h"

enum { MAX_STEPS = 6, SIDE = 8 };

/* An operator between the image and the first convolution, with its constant. */
struct step {
    const char *operator;
    struct constant constant;
    struct attribute attribute;
    bool constant_first;
};

struct graph_case {
    const char *what;
    const char *rule;          /* of the program; "" where the file is no photo's network */
    bool assumed;
    const char *begin;         /* operator; NULL: Placeholder */
    int64_t type;              /* of a placeholder; 0: float */
    size_t rank;               /* of a placeholder's shape; 0: 4 */
    struct step steps[MAX_STEPS];
    const char *convolution;   /* its name; NULL: "conv" */
    const char *fed;           /* the node that the network is fed with; NULL: the first */
    size_t side;               /* of the network's images; 0: SIDE */
    bool free_size;
};

#define REAL(value) {"", FLOAT, .count = 1, .reals = {value}}
#define COLOURS(...) {"", FLOAT, .rank = 1, .shape = {3}, .count = 3, .reals = {__VA_ARGS__}}
#define INTEGERS(length, ...) \
    {"", INT32, .rank = 1, .shape = {length}, .count = length, .numbers = {__VA_ARGS__}}
#define RESIZE(...) {"ResizeBilinear", INTEGERS(2, 16, 16), {__VA_ARGS__}}
#define TO_FLOAT {"Cast", {0}, {"DstT", .type = FLOAT}}
#define EXPAND {"ExpandDims", {"", INT32, .count = 1}}

#define PIXELS "order=rgb,scale=1,mean=0,deviation=1"
#define SYMMETRIC "order=rgb,scale=1/127.5,mean=1,deviation=1"
#define AT8(filter) "fit=squash,resize=8x8,crop=8x8,filter=" filter ","
#define AT16(filter) "fit=squash,resize=16x16,crop=16x16,filter=" filter ","

static const struct graph_case cases[] = {
    /* retrain.py's Inception, and the ways in which later graphs do the same */
    {"decoded, resized and scaled", AT16("tf1-bilinear") "order=rgb,scale=1,mean=128,deviation=128",
     .begin = "DecodeJpeg", .fed = "step4", .side = 16,
     .steps = {TO_FLOAT, EXPAND, RESIZE(0), {"Sub", REAL(128)}, {"Mul", REAL(1 / 128.0f)}}},
    {"half-pixel centres", AT16("half-pixel-bilinear") PIXELS, .begin = "DecodePng",
     .fed = "step2", .side = 16,
     .steps = {TO_FLOAT, EXPAND, RESIZE("half_pixel_centers", .is_boolean = true, .numbers = {1})}},
    {"aligned corners, which no rule has", AT16("tf1-bilinear") PIXELS, .assumed = true,
     .begin = "DecodeImage", .fed = "step2", .side = 16,
     .steps = {TO_FLOAT, EXPAND, RESIZE("align_corners", .is_boolean = true, .numbers = {1})}},
    {"another filter", AT16("tf1-bilinear") PIXELS, .assumed = true, .begin = "DecodeBmp",
     .fed = "step2", .side = 16,
     .steps = {TO_FLOAT, EXPAND, {"ResizeBicubic", INTEGERS(2, 16, 16)}}},
    {"scaled before it is resized", AT16("tf1-bilinear")
     "order=rgb,scale=1,mean=127.5,deviation=127.5", .begin = "DecodeJpeg", .fed = "step5",
     .side = 16, .steps = {TO_FLOAT, {"Mul", REAL(1 / 255.0f)}, EXPAND, RESIZE(0),
                           {"Sub", REAL(0.5f)}, {"Mul", REAL(2)}}},
    {"a mean of each colour", AT16("tf1-bilinear")
     "order=rgb,scale=1,mean=123.68:116.779:103.939,deviation=1", .begin = "DecodeJpeg",
     .fed = "step3", .side = 16,
     .steps = {TO_FLOAT, EXPAND, RESIZE(0), {"Sub", COLOURS(123.68f, 116.779f, 103.939f)}}},
    {"sums and quotients", AT16("tf1-bilinear") "order=rgb,scale=1,mean=99,deviation=51",
     .begin = "DecodeJpeg", .fed = "step4", .side = 16,
     .steps = {TO_FLOAT, EXPAND, RESIZE(0), {"AddV2", REAL(-99), .constant_first = true},
               {"RealDiv", REAL(51)}}},
    {"decoded, of any size", "fit=squash,resize=224x224,crop=224x224,filter=tf1-bilinear," PIXELS,
     .begin = "DecodeJpeg", .fed = "step1", .free_size = true, .steps = {TO_FLOAT, EXPAND}},
    {"inverted, which no rule does", AT16("tf1-bilinear") PIXELS,
     .begin = "DecodeJpeg", .fed = "step2", .side = 16,
     .steps = {TO_FLOAT, EXPAND, RESIZE(0), {"Mul", REAL(-1)}}},

    /* Placeholders: what is fed is known by its type, or by what the graph does with it */
    {"bytes", AT8("tf1-bilinear") "order=rgb,scale=1,mean=127.5,deviation=127.5", .type = UINT8,
     .fed = "step2", .steps = {TO_FLOAT, {"Sub", REAL(127.5f)}, {"Mul", REAL(1 / 127.5f)}}},
    {"one image of bytes", AT8("tf1-bilinear") PIXELS, .type = UINT8, .rank = 3, .fed = "step1",
     .steps = {TO_FLOAT, EXPAND}},
    {"numbers from 0 to 255", AT8("tf1-bilinear") PIXELS,
     .steps = {{"Sub", REAL(127.5f)}, {"Mul", REAL(1 / 127.5f)}}},
    {"numbers from 0 to 255, scaled alone", AT8("tf1-bilinear") PIXELS,
     .steps = {{"Mul", REAL(1 / 255.0f)}}},
    {"numbers from 0 to 1", AT8("tf1-bilinear") "order=rgb,scale=1/255,mean=0,deviation=1",
     .steps = {{"Mul", REAL(2)}, {"Sub", REAL(1)}}},
    {"numbers that are resized", AT16("tf1-bilinear") "order=rgb,scale=1,mean=128,deviation=128",
     .fed = "step2", .side = 16,
     .steps = {RESIZE(0), {"Sub", REAL(128)}, {"Mul", REAL(1 / 128.0f)}}},
    {"numbers that nothing is known of", AT8("tf1-bilinear") SYMMETRIC, .assumed = true},
    {"numbers of one image", AT8("tf1-bilinear") SYMMETRIC, .assumed = true, .rank = 3,
     .fed = "step0", .steps = {EXPAND}},
    {"a constant in the way", AT8("tf1-bilinear") SYMMETRIC, .assumed = true,
     .steps = {{"Sub", REAL(128), .constant_first = true}}},

    /* Names */
    {"MobileNet", AT8("tf1-bilinear") SYMMETRIC,
     .convolution = "MobilenetV1/MobilenetV1/Conv2d_0/convolution"},
    {"MobileNet in another graph", AT8("tf1-bilinear") SYMMETRIC,
     .convolution = "FeatureExtractor/MobilenetV2/Conv/Conv2D"},
    {"Inception v3 of any size",
     "fit=squash,resize=299x299,crop=299x299,filter=tf1-bilinear," SYMMETRIC,
     .convolution = "InceptionV3/InceptionV3/Conv2d_1a_3x3/Conv2D", .free_size = true},
    {"Inception-ResNet", AT8("tf1-bilinear") SYMMETRIC,
     .convolution = "InceptionResnetV2/InceptionResnetV2/Conv2d_1a_3x3/Conv2D"},
    {"ResNet v2", AT8("tf1-bilinear") SYMMETRIC, .convolution = "resnet_v2_50/conv1/Conv2D"},
    {"ResNet v1", "fit=shorter-side,resize=9,crop=8x8,filter=tf1-bilinear,order=rgb,scale=1,"
     "mean=123.68:116.779:103.939,deviation=1", .convolution = "resnet_v1_50/conv1/Conv2D"},
    {"VGG", "fit=shorter-side,resize=9,crop=8x8,filter=tf1-bilinear,order=rgb,scale=1,"
     "mean=123.68:116.779:103.939,deviation=1", .convolution = "vgg_16/conv1/conv1_1/Conv2D"},
    {"the Android example's Inception", AT8("tf1-bilinear")
     "order=rgb,scale=1,mean=117,deviation=1", .convolution = "conv2d0_pre_relu/conv"},
    {"Keras's VGG", AT8("nearest") "order=bgr,scale=1,mean=103.939:116.779:123.68,deviation=1",
     .convolution = "block1_conv1/convolution"},
    {"Keras's MobileNet", AT8("nearest") SYMMETRIC, .convolution = "conv_dw_1/depthwise"},
    {"a name that only ends so", AT8("tf1-bilinear") SYMMETRIC, .assumed = true,
     .convolution = "my_vgg_16/conv1"},
};

enum { CASES = sizeof cases / sizeof cases[0] };

static void put_begin(struct message *graph, const struct graph_case *test)
{
    static const int64_t batch[] = {-1, SIDE, SIDE, 3}, one[] = {SIDE, SIDE, 3};
    static const int64_t free_batch[] = {-1, -1, -1, 3};
    struct node begin = {.name = "begin", .operator = "Placeholder"};

    if (test->begin != NULL) {
        put_node(graph, &(struct node){.name = "bytes", .operator = "Placeholder",
                                       .attributes = {{"dtype", .type = STRING}}});
        begin.operator = test->begin;
        begin.inputs[0] = "bytes";
        begin.attributes[0] = (struct attribute){"channels", .numbers = {3}};
    } else {
        begin.attributes[0] = (struct attribute){
            "dtype", .type = test->type != 0 ? test->type : FLOAT};
        begin.attributes[1] = (struct attribute){
            "shape", .count = test->rank != 0 ? test->rank : 4,
            .shape = test->rank == 3 ? one : test->free_size ? free_batch : batch};
    }
    put_node(graph, &begin);
}

static void put_graph(struct message *graph, const struct graph_case *test)
{
    static const char *const names[] = {"step0", "step1", "step2", "step3", "step4", "step5"};
    static const char *const constants[] = {"c0", "c1", "c2", "c3", "c4", "c5"};
    const char *at = "begin";

    put_begin(graph, test);
    for (size_t i = 0; i < MAX_STEPS && test->steps[i].operator != NULL; i++) {
        const struct step *step = &test->steps[i];
        struct constant constant = step->constant;
        struct node node = {names[i], step->operator, {at}, {step->attribute}};

        if (constant.name != NULL) {
            constant.name = constants[i];
            put_constant(graph, &constant);
            node.inputs[0] = step->constant_first ? constants[i] : at;
            node.inputs[1] = step->constant_first ? at : constants[i];
        }
        put_node(graph, &node);
        at = names[i];
    }
    put_constant(graph, &(struct constant){"weights", FLOAT, .rank = 4, .shape = {1, 1, 3, 2},
                                           .bytes = 24});
    put_node(graph, &(struct node){
        test->convolution != NULL ? test->convolution : "conv", "Conv2D", {at, "weights"},
        {{"padding", .text = "SAME"}, {"strides", .count = 4, .numbers = {1, 1, 1, 1}}}});
}

static void test_case(void **state)
{
    const struct graph_case *test = *state;
    size_t side = test->free_size ? 0 : test->side > 0 ? test->side : SIDE;
    const char *fed = test->fed != NULL ? test->fed : "begin";
    struct message graph = {.size = 0};
    char *folder = scratch_create(), text[RULE_TEXT];
    const char *path = scratch_path(folder, "graph.pb");
    struct preprocess_rule rule;
    struct network *network;
    struct error error;

    put_graph(&graph, test);
    write_file(path, graph.data, graph.size);
    if (network_open(path, NULL, &network, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(network_input(network)->height, side);
    assert_int_equal(network_input(network)->width, side);
    if (rule_parse(NULL, network_model(network)->preprocess, side, side, &rule, &error) < 0)
        fail_msg("%s", error.text);
    rule_to_text(&rule, text);
    assert_string_equal(text, test->rule);
    assert_int_equal(network_model(network)->assumes_preprocess, test->assumed);
    /* What is fed is a layer, what comes before it none that could be had. */
    if (network_prepare(network, &(struct network_request){
            .layers = &fed, .layer_count = 1, .height = side > 0 ? side : SIDE,
            .width = side > 0 ? side : SIDE}, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(network_output(network, 0)->layer, fed);
    network_free(network);
    scratch_remove(folder);
}

int main(void)
{
    struct CMUnitTest tests[CASES];

    for (size_t i = 0; i < CASES; i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].what, .test_func = test_case,
                                       .initial_state = (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
