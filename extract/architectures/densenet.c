/*
 * DenseNet: Huang et al. 2016, arXiv 1608.06993, table 1. Sources: pytorch/vision
 * models/densenet.py, keras applications densenet.py.
 */
#include "extract/architectures/families.h"

enum { STAGES = 4, BOTTLENECK = 4 };

struct densenet {
    size_t first;   /* channels of the first convolution */
    size_t growth;  /* channels that each layer adds, the paper's k */
    size_t layers[STAGES];
};

static const struct architecture architectures[] = {
    {"DenseNet-121", &(const struct densenet){64, 32, {6, 12, 24, 16}}},
    {"DenseNet-161", &(const struct densenet){96, 48, {6, 12, 36, 24}}},
    {"DenseNet-169", &(const struct densenet){64, 32, {6, 12, 32, 32}}},
    {"DenseNet-201", &(const struct densenet){64, 32, {6, 12, 48, 32}}},
};

/* {stage} and {block} count from 1. */
struct densenet_names {
    const char *first, *first_norm, *first_relu, *pool;
    const char *norms[2], *activated[2], *convolutions[2], *layer, *stage;
    const char *transition_norm, *transition_relu, *transition, *transition_pool;
    const char *last_norm, *last_relu, *average, *flat, *dense;
};

#define LAYER "features.denseblock{stage}.denselayer{block}."
#define TORCHVISION(norm, relu, conv) \
    .first = "features.conv0", \
    .first_norm = "features.norm0", \
    .first_relu = "features.relu0", \
    .pool = "features.pool0", \
    .norms = {LAYER norm "1", LAYER norm "2"}, \
    .activated = {LAYER relu "1", LAYER relu "2"}, \
    .convolutions = {LAYER conv "1", LAYER conv "2"}, \
    .layer = "features.denseblock{stage}.denselayer{block}", \
    .stage = "features.denseblock{stage}", \
    .transition_norm = "features.transition{stage}.norm", \
    .transition_relu = "features.transition{stage}.relu", \
    .transition = "features.transition{stage}.conv", \
    .transition_pool = "features.transition{stage}.pool", \
    .last_norm = "features.norm5", \
    .last_relu = "relu", \
    .average = "avgpool", \
    .flat = "flatten", \
    .dense = "classifier"

/* The second one are the names of before PyTorch 0.4, which the published files still have. */
static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "torchvision",
        .preprocess = "torchvision",
        .epsilon = 1e-5,
        .classifier = "classifier",
        .names = &(const struct densenet_names){TORCHVISION("norm", "relu", "conv")},
    },
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "torchvision",
        .preprocess = "torchvision",
        .epsilon = 1e-5,
        .classifier = "classifier",
        .names = &(const struct densenet_names){TORCHVISION("norm.", "relu.", "conv.")},
    },
    {
        .framework = FRAMEWORK_KERAS,
        .origin = "Keras",
        .preprocess = "keras-torch",
        .epsilon = 1.001e-5,
        .classifier = "fc1000 predictions",
        .names = &(const struct densenet_names){
            .first = "conv1/conv",
            .first_norm = "conv1/bn",
            .first_relu = "conv1/relu",
            .pool = "pool1",
            .norms = {"conv{stage+1}_block{block}_0_bn", "conv{stage+1}_block{block}_1_bn"},
            .activated = {"conv{stage+1}_block{block}_0_relu",
                          "conv{stage+1}_block{block}_1_relu"},
            .convolutions = {"conv{stage+1}_block{block}_1_conv",
                             "conv{stage+1}_block{block}_2_conv"},
            .layer = "conv{stage+1}_block{block}_concat",
            .transition_norm = "pool{stage+1}_bn",
            .transition_relu = "pool{stage+1}_relu",
            .transition = "pool{stage+1}_conv",
            .transition_pool = "pool{stage+1}_pool",
            .last_norm = "bn",
            .last_relu = "relu",
            .average = "avg_pool",
            .flat = "flatten",
            .dense = "fc1000",
        },
    },
};

/* Norm, relu, convolution, twice: 1x1 to four times the growth, then 3x3. */
static struct result dense_layer(struct builder *builder, size_t growth, struct result x)
{
    const struct densenet_names *names = builder->dialect->names;
    struct result parts[2] = {x};

    for (size_t i = 0; i < 2; i++) {
        x = build_norm(builder, x, names->norms[i], false);
        x = build_activation(builder, x, names->activated[i], UNIT_RELU);
        x = build_unit(builder, x, &(struct unit){
            .name = names->convolutions[i], .channels = i == 0 ? BOTTLENECK * growth : growth,
            .kernel = i == 0 ? 1 : 3, .pad = i});
    }
    parts[1] = x;
    return build_concat(builder, parts, 2, names->layer);
}

/* Halves channels and sides. */
static struct result transition(struct builder *builder, struct result x)
{
    const struct densenet_names *names = builder->dialect->names;

    x = build_norm(builder, x, names->transition_norm, false);
    x = build_activation(builder, x, names->transition_relu, UNIT_RELU);
    x = build_unit(builder, x, &(struct unit){
        .name = names->transition, .channels = x.channels / 2, .kernel = 1});
    return build_pool(builder, x, &(struct pooling_unit){
        .name = names->transition_pool, .kernel = 2, .stride = 2});
}

static struct result features(struct builder *builder, const void *table)
{
    const struct densenet *densenet = table;
    const struct densenet_names *names = builder->dialect->names;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    x = build_unit(builder, x, &(struct unit){
        .name = names->first, .norm = names->first_norm, .activated = names->first_relu,
        .activation = UNIT_RELU, .channels = densenet->first, .kernel = 7, .stride = 2,
        .pad = 3});
    x = build_pool(builder, x, &(struct pooling_unit){
        .name = names->pool, .maximum = true, .kernel = 3, .stride = 2, .pad = 1});
    for (size_t stage = 0; stage < STAGES; stage++) {
        place->stage = stage + 1;
        for (place->block = 1; place->block <= densenet->layers[stage]; place->block++)
            x = dense_layer(builder, densenet->growth, x);
        build_name(builder, x, names->stage);
        if (stage + 1 < STAGES)
            x = transition(builder, x);
    }
    x = build_norm(builder, x, names->last_norm, false);
    return build_activation(builder, x, names->last_relu, UNIT_RELU);
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    const struct densenet_names *names = builder->dialect->names;

    (void)table;
    x = build_average(builder, x, names->average);
    x = build_flatten(builder, x, names->flat, 1);
    return build_dense(builder, x, names->dense, 0, NULL, UNIT_LINEAR);
}

const struct family densenet_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
};
