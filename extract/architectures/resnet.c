/*
 * Residual networks: He et al. 2015, arXiv 1512.03385, table 1; the wide ones of arXiv 1605.07146
 * and ResNeXt, arXiv 1611.05431. Sources: pytorch/vision models/resnet.py, keras applications
 * resnet_common.py and, for the names of before Keras 2.2.5, resnet50.py.
 */
#include "extract/architectures/families.h"

enum { STAGES = 4, EXPANSION = 4 };

struct resnet {
    size_t blocks[STAGES];
    bool bottleneck;      /* three convolutions in a block instead of two */
    size_t groups;
    size_t group_width;   /* channels of each group in the first stage's blocks */
};

/* {stage} counts from 1, {block} from 0, {module} the activations from 1. */
struct resnet_names {
    const char *stem, *stem_norm, *stem_relu, *pool;
    const char *convolutions[3], *norms[3], *activated[3];
    const char *shortcut, *shortcut_norm, *sum, *block, *stage;
    const char *average, *flat, *dense;
    bool biased;         /* convolutions have a bias, in spite of the norms */
    bool first_strided;  /* the first convolution of a block of three moves with the stride */
};

static const struct architecture architectures[] = {
    {"ResNet-18", &(const struct resnet){{2, 2, 2, 2}, false, 1, 64}},
    {"ResNet-34", &(const struct resnet){{3, 4, 6, 3}, false, 1, 64}},
    {"ResNet-50", &(const struct resnet){{3, 4, 6, 3}, true, 1, 64}},
    {"ResNet-101", &(const struct resnet){{3, 4, 23, 3}, true, 1, 64}},
    {"ResNet-152", &(const struct resnet){{3, 8, 36, 3}, true, 1, 64}},
    {"ResNeXt-50 32x4d", &(const struct resnet){{3, 4, 6, 3}, true, 32, 4}},
    {"ResNeXt-101 32x8d", &(const struct resnet){{3, 4, 23, 3}, true, 32, 8}},
    {"ResNeXt-101 64x4d", &(const struct resnet){{3, 4, 23, 3}, true, 64, 4}},
    {"Wide ResNet-50-2", &(const struct resnet){{3, 4, 6, 3}, true, 1, 128}},
    {"Wide ResNet-101-2", &(const struct resnet){{3, 4, 23, 3}, true, 1, 128}},
};

#define KERAS_BLOCK "conv{stage+1}_block{block+1}"
#define OLD_KERAS(kind) kind "{stage+1}{letter}_branch"

/* The activated results are named as torch.fx counts the uses of the block's one `relu`. */
static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "torchvision",
        .preprocess = "torchvision",
        .epsilon = 1e-5,
        .classifier = "fc",
        .names = &(const struct resnet_names){
            .stem = "conv1",
            .stem_norm = "bn1",
            .stem_relu = "relu",
            .pool = "maxpool",
            .convolutions = {"layer{stage}.{block}.conv1", "layer{stage}.{block}.conv2",
                             "layer{stage}.{block}.conv3"},
            .norms = {"layer{stage}.{block}.bn1", "layer{stage}.{block}.bn2",
                      "layer{stage}.{block}.bn3"},
            .activated = {"layer{stage}.{block}.relu", "layer{stage}.{block}.relu_1",
                          "layer{stage}.{block}.relu_2"},
            .shortcut = "layer{stage}.{block}.downsample.0",
            .shortcut_norm = "layer{stage}.{block}.downsample.1",
            .sum = "layer{stage}.{block}.add",
            .block = "layer{stage}.{block}",
            .stage = "layer{stage}",
            .average = "avgpool",
            .flat = "flatten",
            .dense = "fc",
        },
    },
    {
        .framework = FRAMEWORK_KERAS,
        .origin = "Keras",
        .preprocess = "keras-caffe",
        .epsilon = 1.001e-5,
        .classifier = "probs predictions",
        .names = &(const struct resnet_names){
            .stem = "conv1_conv",
            .stem_norm = "conv1_bn",
            .stem_relu = "conv1_relu",
            .pool = "pool1_pool",
            .convolutions = {KERAS_BLOCK "_1_conv", KERAS_BLOCK "_2_conv", KERAS_BLOCK "_3_conv"},
            .norms = {KERAS_BLOCK "_1_bn", KERAS_BLOCK "_2_bn", KERAS_BLOCK "_3_bn"},
            .activated = {KERAS_BLOCK "_1_relu", KERAS_BLOCK "_2_relu", KERAS_BLOCK "_out"},
            .shortcut = KERAS_BLOCK "_0_conv",
            .shortcut_norm = KERAS_BLOCK "_0_bn",
            .sum = KERAS_BLOCK "_add",
            .average = "avg_pool",
            .flat = "flatten",
            .dense = "probs",
            .biased = true,
            .first_strided = true,
        },
    },
    {
        .framework = FRAMEWORK_KERAS,
        .origin = "Keras before 2.2.5",
        .preprocess = "keras-caffe",
        .epsilon = 1e-3,
        .classifier = "fc1000",
        .names = &(const struct resnet_names){
            .stem = "conv1",
            .stem_norm = "bn_conv1",
            .stem_relu = "activation_{module}",
            .pool = "max_pooling2d_1",
            .convolutions = {OLD_KERAS("res") "2a", OLD_KERAS("res") "2b", OLD_KERAS("res") "2c"},
            .norms = {OLD_KERAS("bn") "2a", OLD_KERAS("bn") "2b", OLD_KERAS("bn") "2c"},
            .activated = {"activation_{module}", "activation_{module}", "activation_{module}"},
            .shortcut = OLD_KERAS("res") "1",
            .shortcut_norm = OLD_KERAS("bn") "1",
            .sum = "add_{stage+1}{letter}",
            .average = "avg_pool",
            .flat = "flatten",
            .dense = "fc1000",
            .biased = true,
            .first_strided = true,
        },
    },
};

/* The convolutions of a block: 3x3, 3x3; or 1x1, 3x3, 1x1, where the one in the middle moves
 * with the stride in torchvision, the first one in Keras as in the paper. */
static struct result branch(struct builder *builder, const struct resnet *resnet, struct result x,
                            size_t planes, size_t stride)
{
    const struct resnet_names *names = builder->dialect->names;
    size_t last = resnet->bottleneck ? 2 : 1;
    size_t strided = resnet->bottleneck && !names->first_strided ? 1 : 0;

    for (size_t i = 0; i <= last; i++) {
        bool wide = !resnet->bottleneck || i == 1;
        size_t inner = resnet->bottleneck
            ? planes * resnet->group_width / 64 * resnet->groups : planes;

        x = build_unit(builder, x, &(struct unit){
            .name = names->convolutions[i],
            .norm = names->norms[i],
            .activated = names->activated[i],
            .activation = i < last ? UNIT_RELU : UNIT_LINEAR,
            .channels = i == 2 ? planes * EXPANSION : inner,
            .kernel = wide ? 3 : 1,
            .pad = wide ? 1 : 0,
            .stride = i == strided ? stride : 1,
            .groups = wide ? resnet->groups : 1,
            .biased = names->biased,
        });
        if (i < last)
            builder->place.module++;
    }
    return x;
}

static struct result block(struct builder *builder, const struct resnet *resnet, struct result x,
                           size_t planes, size_t stride)
{
    const struct resnet_names *names = builder->dialect->names;
    struct result y = branch(builder, resnet, x, planes, stride);

    if (stride != 1 || x.channels != y.channels)
        x = build_unit(builder, x, &(struct unit){
            .name = names->shortcut, .norm = names->shortcut_norm, .channels = y.channels,
            .kernel = 1, .stride = stride, .biased = names->biased});
    x = build_sum(builder, y, x, names->sum);
    x = build_activation(builder, x, names->activated[resnet->bottleneck ? 2 : 1], UNIT_RELU);
    builder->place.module++;
    build_name(builder, x, names->block);
    return x;
}

static struct result features(struct builder *builder, const void *table)
{
    const struct resnet *resnet = table;
    const struct resnet_names *names = builder->dialect->names;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    place->module = 1;
    x = build_unit(builder, x, &(struct unit){
        .name = names->stem, .norm = names->stem_norm, .activated = names->stem_relu,
        .activation = UNIT_RELU, .channels = 64, .kernel = 7, .stride = 2, .pad = 3,
        .biased = names->biased});
    place->module++;
    x = build_pool(builder, x, &(struct pooling_unit){
        .name = names->pool, .maximum = true, .kernel = 3, .stride = 2, .pad = 1});
    for (size_t stage = 0; stage < STAGES; stage++) {
        place->stage = stage + 1;
        for (place->block = 0; place->block < resnet->blocks[stage]; place->block++)
            x = block(builder, resnet, x, (size_t)64 << stage,
                      stage > 0 && place->block == 0 ? 2 : 1);
        build_name(builder, x, names->stage);
    }
    return x;
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    const struct resnet_names *names = builder->dialect->names;

    (void)table;
    x = build_average(builder, x, names->average);
    x = build_flatten(builder, x, names->flat, 1);
    return build_dense(builder, x, names->dense, 0, NULL, UNIT_LINEAR);
}

const struct family resnet_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
};
