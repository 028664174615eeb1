/*
 * SqueezeNet: Iandola et al. 2016, arXiv 1602.07360, table 1; 1.1 as its authors' repository has
 * it. Sources: pytorch/vision models/squeezenet.py, rcmalli/keras-squeezenet.
 */
#include "extract/architectures/families.h"

enum { STEPS = 13, FEATURES = 512 };

struct squeezenet {
    size_t channels, kernel;  /* of the first convolution */
    struct fire {
        size_t squeeze, expand;  /* squeeze 0: a max pooling */
    } fires[STEPS];              /* expand 0 behind the last */
};

#define POOL {0, 1}

static const struct architecture architectures[] = {
    {"SqueezeNet 1.0", &(const struct squeezenet){96, 7, {
        POOL, {16, 64}, {16, 64}, {32, 128},
        POOL, {32, 128}, {48, 192}, {48, 192}, {64, 256},
        POOL, {64, 256},
    }}},
    {"SqueezeNet 1.1", &(const struct squeezenet){64, 3, {
        POOL, {16, 64}, {16, 64},
        POOL, {32, 128}, {32, 128},
        POOL, {48, 192}, {48, 192}, {64, 256}, {64, 256},
    }}},
};

/* {module} counts every step, {block} the fire modules from 2, as the paper does; {stage} the
 * first convolution and the fire modules from 1. */
struct squeezenet_names {
    const char *first, *first_relu, *pool;
    const char *squeeze, *squeeze_relu, *expand[2], *expand_relu[2], *fire;
    const char *scores, *scores_relu, *average, *flat;
    bool ceiling;  /* of the poolings */
};

static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "torchvision",
        .preprocess = "torchvision",
        .classifier = "classifier",
        .names = &(const struct squeezenet_names){
            .first = "features.0",
            .first_relu = "features.1",
            .pool = "features.{module}",
            .squeeze = "features.{module}.squeeze",
            .squeeze_relu = "features.{module}.squeeze_activation",
            .expand = {"features.{module}.expand1x1", "features.{module}.expand3x3"},
            .expand_relu = {"features.{module}.expand1x1_activation",
                            "features.{module}.expand3x3_activation"},
            .fire = "features.{module}",
            .scores = "classifier.1",
            .scores_relu = "classifier.2",
            .average = "classifier.3",
            .flat = "flatten",
            .ceiling = true,
        },
    },
    {
        .framework = FRAMEWORK_KERAS,
        .origin = "Keras",
        .preprocess = "keras-caffe,crop=227",
        .classifier = "conv10 relu_conv10",
        .names = &(const struct squeezenet_names){
            .first = "conv1",
            .first_relu = "relu_conv1",
            .pool = "pool{stage}",
            .squeeze = "fire{block}/squeeze1x1",
            .squeeze_relu = "fire{block}/relu_squeeze1x1",
            .expand = {"fire{block}/expand1x1", "fire{block}/expand3x3"},
            .expand_relu = {"fire{block}/relu_expand1x1", "fire{block}/relu_expand3x3"},
            .fire = "fire{block}/concat",
            .scores = "conv10",
            .scores_relu = "relu_conv10",
            .average = "average",
            .flat = "flatten",
        },
    },
};

static struct result fire_module(struct builder *builder, const struct fire *fire, struct result x)
{
    const struct squeezenet_names *names = builder->dialect->names;
    struct result parts[2];

    x = build_unit(builder, x, &(struct unit){
        .name = names->squeeze, .activated = names->squeeze_relu, .activation = UNIT_RELU,
        .channels = fire->squeeze, .kernel = 1, .biased = true});
    for (size_t i = 0; i < 2; i++)
        parts[i] = build_unit(builder, x, &(struct unit){
            .name = names->expand[i], .activated = names->expand_relu[i],
            .activation = UNIT_RELU, .channels = fire->expand, .kernel = i == 0 ? 1 : 3,
            .pad = i == 0 ? 0 : 1, .biased = true});
    return build_concat(builder, parts, 2, names->fire);
}

static struct result features(struct builder *builder, const void *table)
{
    const struct squeezenet *squeezenet = table;
    const struct squeezenet_names *names = builder->dialect->names;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    x = build_unit(builder, x, &(struct unit){
        .name = names->first, .activated = names->first_relu, .activation = UNIT_RELU,
        .channels = squeezenet->channels, .kernel = squeezenet->kernel, .stride = 2,
        .biased = true});
    *place = (struct place){.stage = 1, .block = 2, .module = 2};
    for (size_t i = 0; i < STEPS && squeezenet->fires[i].expand > 0; i++, place->module++) {
        const struct fire *fire = &squeezenet->fires[i];

        if (fire->squeeze == 0) {
            x = build_pool(builder, x, &(struct pooling_unit){
                .name = names->pool, .maximum = true, .ceiling = names->ceiling, .kernel = 3,
                .stride = 2});
            continue;
        }
        x = fire_module(builder, fire, x);
        place->block++;
        place->stage++;
    }
    return x;
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    const struct squeezenet_names *names = builder->dialect->names;

    (void)table;
    x = build_unit(builder, x, &(struct unit){
        .name = names->scores, .activated = names->scores_relu, .activation = UNIT_RELU,
        .kernel = 1, .biased = true});
    x = build_average(builder, x, names->average);
    return build_flatten(builder, x, names->flat, 1);
}

const struct family squeezenet_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
};
