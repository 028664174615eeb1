/*
 * Residual networks for images of 32x32: He et al. 2015, arXiv 1512.03385, section 4.2, with
 * identity shortcuts alone (option A). Source: akamaster/pytorch_resnet_cifar10 resnet.py.
 */
#include "extract/architectures/families.h"

enum { STAGES = 3, FIRST = 16 };

struct resnet_cifar {
    size_t blocks;  /* of each stage, the paper's n: 6 n + 2 layers */
};

static const struct architecture architectures[] = {
    {"ResNet-20 for CIFAR-10", &(const struct resnet_cifar){3}},
    {"ResNet-32 for CIFAR-10", &(const struct resnet_cifar){5}},
    {"ResNet-44 for CIFAR-10", &(const struct resnet_cifar){7}},
    {"ResNet-56 for CIFAR-10", &(const struct resnet_cifar){9}},
    {"ResNet-110 for CIFAR-10", &(const struct resnet_cifar){18}},
    {"ResNet-1202 for CIFAR-10", &(const struct resnet_cifar){200}},
};

static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "akamaster",
        .preprocess = "torchvision,resize=32,crop=32",
        .epsilon = 1e-5,
        .classifier = "linear",
    },
};

#define BLOCK "layer{stage}.{block}"

/* Every second pixel, with zeros as the new channels, half of them before the others. */
static struct result identity(struct builder *builder, struct result x, size_t channels)
{
    size_t added = channels - x.channels;

    x = build_subsample(builder, x, BLOCK ".subsample", 2);
    return build_pad_channels(builder, x, BLOCK ".shortcut", added / 2, added - added / 2);
}

static struct result block(struct builder *builder, struct result x, size_t channels,
                           size_t stride)
{
    struct result y;

    y = build_unit(builder, x, &(struct unit){
        .name = BLOCK ".conv1", .norm = BLOCK ".bn1", .activated = BLOCK ".relu",
        .activation = UNIT_RELU, .channels = channels, .kernel = 3, .stride = stride, .pad = 1});
    y = build_unit(builder, y, &(struct unit){
        .name = BLOCK ".conv2", .norm = BLOCK ".bn2", .channels = channels, .kernel = 3,
        .pad = 1});
    if (stride != 1)
        x = identity(builder, x, channels);
    x = build_sum(builder, y, x, BLOCK ".add");
    return build_activation(builder, x, BLOCK, UNIT_RELU);
}

static struct result features(struct builder *builder, const void *table)
{
    const struct resnet_cifar *resnet = table;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    x = build_unit(builder, x, &(struct unit){
        .name = "conv1", .norm = "bn1", .activated = "relu", .activation = UNIT_RELU,
        .channels = FIRST, .kernel = 3, .pad = 1});
    for (size_t stage = 0; stage < STAGES; stage++) {
        place->stage = stage + 1;
        for (place->block = 0; place->block < resnet->blocks; place->block++)
            x = block(builder, x, (size_t)FIRST << stage,
                      stage > 0 && place->block == 0 ? 2 : 1);
        build_name(builder, x, "layer{stage}");
    }
    return x;
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    (void)table;
    x = build_average(builder, x, "avgpool");
    x = build_flatten(builder, x, "flatten", 1);
    return build_dense(builder, x, "linear", 0, NULL, UNIT_LINEAR);
}

const struct family resnet_cifar_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
};
