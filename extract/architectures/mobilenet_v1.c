/*
 * MobileNet: Howard et al. 2017, arXiv 1704.04861, table 1, at any width. Sources: keras
 * applications mobilenet.py; the naming that PyTorch's users gave it (marvis/pytorch-mobilenet).
 */
#include <stdio.h>

#include "extract/architectures/families.h"

enum { BLOCKS = 13, LAST = 1024 };

/* Channels are free: the width multiplies them, and the file has them. */
struct mobilenet_v1 {
    size_t strides[BLOCKS];  /* of the depthwise convolutions */
};

static const struct architecture architectures[] = {
    {"MobileNet v1", &(const struct mobilenet_v1){{1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1}}},
};

/* {block} counts from 1. */
struct mobilenet_v1_names {
    const char *first, *first_norm, *first_relu, *pad;
    const char *depthwise, *depthwise_norm, *depthwise_relu;
    const char *pointwise, *pointwise_norm, *pointwise_relu;
    const char *average, *flat, *scores, *last;
    enum unit_activation activation;
    bool pad_behind;  /* with a stride, zeros behind alone: TensorFlow's, for even sizes */
};

static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "PyTorch",
        .preprocess = "torchvision",
        .epsilon = 1e-5,
        .classifier = "fc",
        .names = &(const struct mobilenet_v1_names){
            .first = "model.0.0",
            .first_norm = "model.0.1",
            .first_relu = "model.0.2",
            .depthwise = "model.{block}.0",
            .depthwise_norm = "model.{block}.1",
            .depthwise_relu = "model.{block}.2",
            .pointwise = "model.{block}.3",
            .pointwise_norm = "model.{block}.4",
            .pointwise_relu = "model.{block}.5",
            .average = "model.14",
            .flat = "flatten",
            .scores = "fc",
            .last = "model.13.3",
            .activation = UNIT_RELU,
        },
    },
    {
        .framework = FRAMEWORK_KERAS,
        .origin = "Keras",
        .preprocess = "keras-tf",
        .epsilon = 1e-3,
        .classifier = "conv_preds",
        .names = &(const struct mobilenet_v1_names){
            .first = "conv1",
            .first_norm = "conv1_bn",
            .first_relu = "conv1_relu",
            .pad = "conv_pad_{block}",
            .depthwise = "conv_dw_{block}",
            .depthwise_norm = "conv_dw_{block}_bn",
            .depthwise_relu = "conv_dw_{block}_relu",
            .pointwise = "conv_pw_{block}",
            .pointwise_norm = "conv_pw_{block}_bn",
            .pointwise_relu = "conv_pw_{block}_relu",
            .average = "global_average_pooling2d",
            .scores = "conv_preds",
            .last = "conv_pw_13",
            .activation = UNIT_RELU6,
            .pad_behind = true,
        },
    },
};

/* A convolution 3x3, zeros around it as the framework has them. */
static struct result padded_unit(struct builder *builder, struct result x, struct unit unit)
{
    const struct mobilenet_v1_names *names = builder->dialect->names;

    unit.kernel = 3;
    unit.pad = 1;
    if (names->pad_behind && unit.stride == 2) {
        x = build_pad(builder, x, names->pad, 0, 1);
        unit.pad = 0;
    }
    return build_unit(builder, x, &unit);
}

static struct result features(struct builder *builder, const void *table)
{
    const struct mobilenet_v1 *mobilenet = table;
    const struct mobilenet_v1_names *names = builder->dialect->names;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    place->block = 0;
    x = padded_unit(builder, x, (struct unit){
        .name = names->first, .norm = names->first_norm, .activated = names->first_relu,
        .activation = names->activation, .stride = 2});
    for (place->block = 1; place->block <= BLOCKS; place->block++) {
        x = padded_unit(builder, x, (struct unit){
            .name = names->depthwise, .norm = names->depthwise_norm,
            .activated = names->depthwise_relu, .activation = names->activation,
            .stride = mobilenet->strides[place->block - 1], .depthwise = true});
        x = build_unit(builder, x, &(struct unit){
            .name = names->pointwise, .norm = names->pointwise_norm,
            .activated = names->pointwise_relu, .activation = names->activation, .kernel = 1});
    }
    return x;
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    const struct mobilenet_v1_names *names = builder->dialect->names;

    (void)table;
    x = build_average(builder, x, names->average);
    if (names->flat == NULL)
        return build_unit(builder, x, &(struct unit){
            .name = names->scores, .kernel = 1, .biased = true});
    x = build_flatten(builder, x, names->flat, 1);
    return build_dense(builder, x, names->scores, 0, NULL, UNIT_LINEAR);
}

static void describe(const struct builder *builder, char text[static 64])
{
    const struct mobilenet_v1_names *names = builder->dialect->names;
    size_t channels = builder_weight_size(builder, names->last, 0, LAST);

    snprintf(text, 64, ", width %.3g", (double)channels / LAST);
}

const struct family mobilenet_v1_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
    .describe = describe,
};
