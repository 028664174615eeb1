/*
 * VGG: Simonyan and Zisserman 2014, arXiv 1409.1556, table 1; with batch norm as torchvision has
 * it. Sources: pytorch/vision models/vgg.py, keras applications vgg16.py, vgg19.py.
 */
#include "extract/architectures/families.h"

enum { POOL = 1, STEPS = 22, PIXELS = 7 * 7 };

struct vgg {
    size_t steps[STEPS];  /* channels of a convolution 3x3, POOL, or 0 behind the last */
    bool normalised;
};

/* {module} counts every step, {stage} the stages between poolings and {step} the convolutions in
 * a stage, from 1. */
struct vgg_names {
    const char *convolution, *norm, *relu, *pool, *average, *flat;
    const char *dense[3], *activated[3];
    bool always_flat;  /* the map is flattened even where the classifier is another one */
};

#define VGG_11 {64, POOL, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL}
#define VGG_13 {64, 64, POOL, 128, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL}
#define VGG_16 {64, 64, POOL, 128, 128, POOL, 256, 256, 256, POOL, 512, 512, 512, POOL, \
                512, 512, 512, POOL}
#define VGG_19 {64, 64, POOL, 128, 128, POOL, 256, 256, 256, 256, POOL, 512, 512, 512, 512, POOL, \
                512, 512, 512, 512, POOL}

static const struct architecture architectures[] = {
    {"VGG-11", &(const struct vgg){VGG_11, false}},
    {"VGG-11 with batch norm", &(const struct vgg){VGG_11, true}},
    {"VGG-13", &(const struct vgg){VGG_13, false}},
    {"VGG-13 with batch norm", &(const struct vgg){VGG_13, true}},
    {"VGG-16", &(const struct vgg){VGG_16, false}},
    {"VGG-16 with batch norm", &(const struct vgg){VGG_16, true}},
    {"VGG-19", &(const struct vgg){VGG_19, false}},
    {"VGG-19 with batch norm", &(const struct vgg){VGG_19, true}},
};

static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "torchvision",
        .preprocess = "torchvision",
        .epsilon = 1e-5,
        .classifier = "classifier",
        .names = &(const struct vgg_names){
            .convolution = "features.{module}",
            .norm = "features.{module+1}",
            .relu = "features.{module+1}",
            .pool = "features.{module}",
            .average = "avgpool",
            .flat = "flatten",
            .dense = {"classifier.0", "classifier.3", "classifier.6"},
            .activated = {"classifier.1", "classifier.4"},
            .always_flat = true,
        },
    },
    {
        .framework = FRAMEWORK_KERAS,
        .origin = "Keras",
        .preprocess = "keras-caffe",
        .epsilon = 1e-3,
        .classifier = "flatten fc1 fc2 predictions",
        .names = &(const struct vgg_names){
            .convolution = "block{stage}_conv{step}",
            .norm = "block{stage}_conv{step}_bn",
            .pool = "block{stage}_pool",
            .average = "average",
            .flat = "flatten",
            .dense = {"fc1", "fc2", "predictions"},
        },
    },
};

static struct result flatten(struct builder *builder, const struct vgg_names *names,
                             struct result x)
{
    if (builder->weights->framework == FRAMEWORK_PYTORCH)
        x = build_adaptive_average(builder, x, names->average, 7);
    return build_flatten(builder, x, names->flat, PIXELS);
}

static struct result features(struct builder *builder, const void *table)
{
    const struct vgg *vgg = table;
    const struct vgg_names *names = builder->dialect->names;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    *place = (struct place){.stage = 1, .step = 1};
    for (const size_t *channels = vgg->steps; *channels != 0; channels++) {
        if (*channels == POOL) {
            x = build_pool(builder, x, &(struct pooling_unit){
                .name = names->pool, .maximum = true, .kernel = 2, .stride = 2});
            place->module++;
            place->stage++;
            place->step = 1;
            continue;
        }
        x = build_unit(builder, x, &(struct unit){
            .name = names->convolution, .channels = *channels, .kernel = 3, .pad = 1,
            .biased = true});
        if (vgg->normalised) {
            x = build_norm(builder, x, names->norm, false);
            place->module++;
        }
        x = build_activation(builder, x, names->relu != NULL ? names->relu : names->convolution,
                             UNIT_RELU);
        place->module += 2;
        place->step++;
    }
    return names->always_flat ? flatten(builder, names, x) : x;
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    const struct vgg_names *names = builder->dialect->names;

    (void)table;
    if (!names->always_flat)
        x = flatten(builder, names, x);
    for (size_t i = 0; i < 3; i++)
        x = build_dense(builder, x, names->dense[i], i < 2 ? 4096 : 0, names->activated[i],
                        i < 2 ? UNIT_RELU : UNIT_LINEAR);
    return x;
}

const struct family vgg_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
};
