/*
 * Residual networks with the activations first: He et al. 2016, arXiv 1603.05027. Source: keras
 * applications resnet_common.py, which moves with the stride in the last block of a stage.
 */
#include "extract/architectures/families.h"

enum { STAGES = 4, EXPANSION = 4 };

struct resnet_v2 {
    size_t blocks[STAGES];
};

static const struct architecture architectures[] = {
    {"ResNet-50 v2", &(const struct resnet_v2){{3, 4, 6, 3}}},
    {"ResNet-101 v2", &(const struct resnet_v2){{3, 4, 23, 3}}},
    {"ResNet-152 v2", &(const struct resnet_v2){{3, 8, 36, 3}}},
};

/* {stage} and {block} count from 1. */
struct resnet_v2_names {
    const char *stem, *pad, *pool;
    const char *norm, *activated;  /* what every block begins with */
    const char *convolutions[3], *norms[2], *relus[2];
    const char *shortcut, *shortcut_pool, *sum;
    const char *last_norm, *last_relu, *average, *flat, *dense;
};

#define BLOCK "conv{stage+1}_block{block}"

static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_KERAS,
        .origin = "Keras",
        .preprocess = "keras-tf",
        .epsilon = 1.001e-5,
        .classifier = "probs predictions",
        .names = &(const struct resnet_v2_names){
            .stem = "conv1_conv",
            .pad = "pool1_pad",
            .pool = "pool1_pool",
            .norm = BLOCK "_preact_bn",
            .activated = BLOCK "_preact_relu",
            .convolutions = {BLOCK "_1_conv", BLOCK "_2_conv", BLOCK "_3_conv"},
            .norms = {BLOCK "_1_bn", BLOCK "_2_bn"},
            .relus = {BLOCK "_1_relu", BLOCK "_2_relu"},
            .shortcut = BLOCK "_0_conv",
            .shortcut_pool = "max_pooling2d_{stage}",
            .sum = BLOCK "_out",
            .last_norm = "post_bn",
            .last_relu = "post_relu",
            .average = "avg_pool",
            .flat = "flatten",
            .dense = "probs",
        },
    },
};

/* Norm and relu, then 1x1, 3x3 with the stride, 1x1. The first block of a stage has more channels
 * than what enters it: its shortcut is a convolution behind the relu. */
static struct result block(struct builder *builder, struct result x, size_t planes, size_t stride)
{
    const struct resnet_v2_names *names = builder->dialect->names;
    struct result y = build_activation(builder, build_norm(builder, x, names->norm, false),
                                       names->activated, UNIT_RELU);

    if (builder->place.block == 1)
        x = build_unit(builder, y, &(struct unit){
            .name = names->shortcut, .channels = planes * EXPANSION, .kernel = 1,
            .stride = stride, .biased = true});
    else if (stride > 1)
        x = build_pool(builder, x, &(struct pooling_unit){
            .name = names->shortcut_pool, .maximum = true, .kernel = 1, .stride = stride});
    for (size_t i = 0; i < 2; i++)
        y = build_unit(builder, y, &(struct unit){
            .name = names->convolutions[i], .norm = names->norms[i],
            .activated = names->relus[i], .activation = UNIT_RELU, .channels = planes,
            .kernel = i == 0 ? 1 : 3, .pad = i, .stride = i == 0 ? 1 : stride});
    y = build_unit(builder, y, &(struct unit){
        .name = names->convolutions[2], .channels = planes * EXPANSION, .kernel = 1,
        .biased = true});
    return build_sum(builder, x, y, names->sum);
}

static struct result features(struct builder *builder, const void *table)
{
    const struct resnet_v2 *resnet = table;
    const struct resnet_v2_names *names = builder->dialect->names;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    x = build_unit(builder, x, &(struct unit){
        .name = names->stem, .channels = 64, .kernel = 7, .stride = 2, .pad = 3,
        .biased = true});
    x = build_pad(builder, x, names->pad, 1, 1);
    x = build_pool(builder, x, &(struct pooling_unit){
        .name = names->pool, .maximum = true, .kernel = 3, .stride = 2});
    for (size_t stage = 0; stage < STAGES; stage++) {
        size_t count = resnet->blocks[stage];

        place->stage = stage + 1;
        for (place->block = 1; place->block <= count; place->block++)
            x = block(builder, x, (size_t)64 << stage,
                      place->block == count && stage + 1 < STAGES ? 2 : 1);
    }
    x = build_norm(builder, x, names->last_norm, false);
    return build_activation(builder, x, names->last_relu, UNIT_RELU);
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    const struct resnet_v2_names *names = builder->dialect->names;

    (void)table;
    x = build_average(builder, x, names->average);
    x = build_flatten(builder, x, names->flat, 1);
    return build_dense(builder, x, names->dense, 0, NULL, UNIT_LINEAR);
}

const struct family resnet_v2_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
};
