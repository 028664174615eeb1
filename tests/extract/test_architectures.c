/*
 * Recognising architectures: names and shapes of torchvision's weights, as
 * golden-pytorch/torchvision.tsv has them, are found again, built, and missed when one is missing,
 * different or too many.
 */
#include "extract/architectures/architecture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extract/architectures/builder.h"
#include "extract/network/bottleneck.h"
#include "tests/helpers.h"

#define SHAPES "tests/extract/golden-pytorch/torchvision.tsv"

struct expectation {
    const char *network, *title, *preprocess, *cut;
    size_t side, channels, pixels;  /* of the image; of the map at the cut */
};

static const struct expectation expectations[] = {
    {"alexnet", "AlexNet (torchvision)", "torchvision", "avgpool", 224, 256, 36},
    {"vgg11", "VGG-11 (torchvision)", "torchvision", "avgpool", 224, 512, 49},
    {"vgg13_bn", "VGG-13 with batch norm (torchvision)", "torchvision", "avgpool", 224, 512, 49},
    {"resnet18", "ResNet-18 (torchvision)", "torchvision", "avgpool", 224, 512, 1},
    {"resnet50", "ResNet-50 (torchvision)", "torchvision", "avgpool", 224, 2048, 1},
    {"resnext50_32x4d", "ResNeXt-50 32x4d (torchvision)", "torchvision", "avgpool", 224, 2048, 1},
    {"wide_resnet50_2", "Wide ResNet-50-2 (torchvision)", "torchvision", "avgpool", 224, 2048, 1},
    {"googlenet", "GoogLeNet (torchvision)", "torchvision-tf", "avgpool", 224, 1024, 1},
    {"inception_v3", "Inception v3 (torchvision)", "torchvision-tf,crop=299", "avgpool", 299,
     2048, 1},
    {"squeezenet1_0", "SqueezeNet 1.0 (torchvision)", "torchvision", "features.12", 224, 512, 169},
    {"squeezenet1_1", "SqueezeNet 1.1 (torchvision)", "torchvision", "features.12", 224, 512, 169},
    {"mobilenet_v2", "MobileNet v2, width 1 (torchvision)", "torchvision", "avgpool", 224, 1280,
     1},
    {"densenet121", "DenseNet-121 (torchvision)", "torchvision", "avgpool", 224, 1024, 1},
};

enum { EXPECTATIONS = sizeof expectations / sizeof expectations[0] };

/* Zeros; nothing here runs. */
static int load_zeros(void *context, const struct weight *weight, struct graph *graph,
                      struct tensor *tensor, struct error *error)
{
    size_t size;

    (void)context;
    *tensor = (struct tensor){.type = TENSOR_FLOAT32, .rank = weight->rank, .count = 1};
    for (size_t axis = 0; axis < weight->rank; axis++) {
        tensor->shape[axis] = weight->shape[axis];
        tensor->count *= weight->shape[axis];
    }
    size = tensor->count * sizeof(float);
    tensor->bytes = (struct bytes){graph_allocate(graph, size, 1, error), size};
    return tensor->bytes.data != NULL ? 0 : FAILED;
}

/* "layer.kind", "64x3x7x7", as the reader of PyTorch's files gives them on. */
static void add_line(struct weights *weights, char *line)
{
    static const char *const kinds[] = {"weight", "bias", "running_mean", "running_var"};
    struct weight weight = {0};
    char *shape = strchr(line, '\t'), name[256], *dot;
    struct error error;

    assert_non_null(shape);
    *shape++ = '\0';
    snprintf(name, sizeof name, "%s", line);
    dot = strrchr(line, '.');
    assert_non_null(dot);
    *dot = '\0';
    for (size_t i = 0; i < WEIGHT_ROLES; i++)
        if (strcmp(dot + 1, kinds[i]) == 0)
            weight.role = (enum weight_role)i;
    while (*shape != '\0' && *shape != '\n') {
        weight.shape[weight.rank++] = strtoul(shape, &shape, 10);
        shape += *shape == 'x';
    }
    assert_int_equal(weights_add(weights, line, name, &weight, &error), 0);
}

static struct weights read_weights(const char *network)
{
    struct weights weights = {.framework = FRAMEWORK_PYTORCH, .load = load_zeros};
    FILE *file = fopen(SHAPES, "r");
    char line[256];
    bool wanted = false;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '=')
            wanted = strcmp(line + 2, network) == 0;
        else if (wanted)
            add_line(&weights, line);
    }
    fclose(file);
    assert_true(weights.count > 0);
    return weights;
}

static void test_every_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        const struct expectation *expected = &expectations[i];
        struct weights weights = read_weights(expected->network);
        struct recognised found;
        struct graph graph = {0};
        const struct layer *cut;
        struct error error;

        if (architecture_recognise(&weights, &found, &error) < 0 ||
            architecture_build(&found, &weights, expected->side, expected->side, &graph,
                               &error) < 0)
            fail_msg("%s: %s", expected->network, error.text);
        assert_string_equal(found.title, expected->title);
        assert_string_equal(found.preprocess, expected->preprocess);
        assert_int_equal(found.channels, 3);
        assert_int_equal(found.side, 0);
        assert_false(found.headless);
        assert_int_equal(shape_count(&graph.layers[graph.output].shape), 1000);
        cut = &graph.layers[bottleneck_find(&graph)];
        assert_string_equal(cut->name, expected->cut);
        assert_int_equal(shape_channels(&cut->shape), expected->channels);
        assert_int_equal(shape_pixels(&cut->shape), expected->pixels);
        graph_release(&graph);
        weights_release(&weights);
    }
}

/* The names of modules are names of results. */
static void test_names(void **state)
{
    static const char *const cases[][3] = {
        {"resnet50", "layer3.5", "1024x14x14"},
        {"resnet50", "layer3", "1024x14x14"},
        {"resnet50", "layer1.0.bn2", "64x56x56"},
        {"resnet50", "fc", "1000"},
        {"resnet18", "layer4.1.relu_1", "512x7x7"},
        {"vgg11", "features.3", "128x112x112"},
        {"vgg11", "classifier.4", "4096"},
        {"densenet121", "features.denseblock2", "512x28x28"},
        {"googlenet", "inception4e.branch3", "128x14x14"},
        {"googlenet", "inception4e", "832x14x14"},
        {"mobilenet_v2", "features.14", "160x7x7"},
        {"squeezenet1_1", "features.3.squeeze", "16x55x55"},
    };
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct weights weights = read_weights(cases[i][0]);
        struct recognised found;
        struct graph graph = {0};
        char text[128];
        size_t layer;

        assert_int_equal(architecture_recognise(&weights, &found, &error), 0);
        assert_int_equal(architecture_build(&found, &weights, 224, 224, &graph, &error), 0);
        if (names_find(&graph.names, cases[i][1], &layer) < 0)
            fail_msg("%s has no '%s'", cases[i][0], cases[i][1]);
        assert_string_equal(shape_to_text(&graph.layers[layer].shape, text), cases[i][2]);
        graph_release(&graph);
        weights_release(&weights);
    }
}

/* Leaves out or changes one weight after the other: each is noticed, and the architecture is
 * still the nearest; those of the classifier are its own affair. */
static void test_every_weight_counts(void **state)
{
    struct weights weights = read_weights("squeezenet1_1");
    struct error error;

    (void)state;
    for (size_t i = 0; i < weights.count; i++) {
        struct weight *weight = &weights.items[i];
        bool classifier = strncmp(weight->layer, "classifier", 10) == 0;
        struct recognised found;

        weight->shape[0]++;
        assert_int_equal(architecture_recognise(&weights, &found, &error),
                         classifier ? 0 : FAILED);
        assert_string_equal(found.title, "SqueezeNet 1.1 (torchvision)");
        if (!classifier && (strstr(error.text, weight->name) == NULL || found.likeness > 0.99))
            fail_msg("%s: %s", weight->name, error.text);
        weight->shape[0]--;
    }
    weights_release(&weights);
}

/* Sizes of images that a classifier was not made for matter only there. */
static void test_other_sizes(void **state)
{
    static const struct {
        const char *network;
        size_t side;
        const char *cut;  /* NULL: where the network is to be cut is not supported */
    } cases[] = {
        {"vgg11", 448, "avgpool"}, {"vgg11", 256, NULL}, {"resnet18", 33, "avgpool"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct weights weights = read_weights(cases[i].network);
        struct recognised found;
        struct graph graph = {0};
        const struct layer *cut;
        struct error error;

        assert_int_equal(architecture_recognise(&weights, &found, &error), 0);
        assert_int_equal(architecture_build(&found, &weights, cases[i].side, cases[i].side,
                                            &graph, &error), 0);
        cut = &graph.layers[bottleneck_find(&graph)];
        if (cases[i].cut != NULL)
            assert_string_equal(cut->name, cases[i].cut);
        else
            assert_int_equal(cut->kind, LAYER_UNSUPPORTED);
        graph_release(&graph);
        weights_release(&weights);
    }
}

static void test_templates(void **state)
{
    static const struct place place = {.stage = 1, .block = 2, .step = 3, .module = 40, .count = 5};
    static const char *const cases[][2] = {
        {"conv1", "conv1"},
        {"features.{module}", "features.40"},
        {"features.{module+1}.x", "features.41.x"},
        {"layer{stage}.{block}.conv{step}", "layer1.2.conv3"},
        {"res{stage+1}{letter}_branch2{letter+1}", "res2c_branch2d"},
        {"conv2d_{count}", "conv2d_5"},
        {"", ""},
    };
    char text[BUILDER_NAME];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(builder_expand(&place, cases[i][0], text), cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_network),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_weight_counts),
        cmocka_unit_test(test_other_sizes),
        cmocka_unit_test(test_templates),
    };

    return cmocka_run_group_tests_name("architectures", tests, NULL, NULL);
}
