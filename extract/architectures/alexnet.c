/*
 * AlexNet as Krizhevsky 2014, arXiv 1404.5997, has it (on one processor, no normalisation).
 * Source: pytorch/vision models/alexnet.py.
 */
#include "extract/architectures/families.h"

enum { SIDE = 6, CLASSIFIER = 3 };

struct alexnet {
    struct step {
        size_t channels, kernel, stride, pad;  /* channels 0: a max pooling */
    } steps[8];
};

static const struct architecture architectures[] = {
    {"AlexNet", &(const struct alexnet){{
        {64, 11, 4, 2}, {0, 3, 2, 0},
        {192, 5, 1, 2}, {0, 3, 2, 0},
        {384, 3, 1, 1}, {256, 3, 1, 1}, {256, 3, 1, 1}, {0, 3, 2, 0},
    }}},
};

static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "torchvision",
        .preprocess = "torchvision",
        .classifier = "classifier",
    },
};

static struct result features(struct builder *builder, const void *table)
{
    const struct alexnet *alexnet = table;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    place->module = 0;
    for (size_t i = 0; i < sizeof alexnet->steps / sizeof alexnet->steps[0]; i++) {
        const struct step *step = &alexnet->steps[i];

        if (step->channels == 0) {
            x = build_pool(builder, x, &(struct pooling_unit){
                .name = "features.{module}", .maximum = true, .kernel = step->kernel,
                .stride = step->stride});
            place->module++;
            continue;
        }
        x = build_unit(builder, x, &(struct unit){
            .name = "features.{module}", .activated = "features.{module+1}",
            .activation = UNIT_RELU, .channels = step->channels, .kernel = step->kernel,
            .stride = step->stride, .pad = step->pad, .biased = true});
        place->module += 2;
    }
    x = build_adaptive_average(builder, x, "avgpool", SIDE);
    return build_flatten(builder, x, "flatten", SIDE * SIDE);
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    static const char *const names[CLASSIFIER] = {"classifier.1", "classifier.4", "classifier.6"};
    static const char *const activated[CLASSIFIER] = {"classifier.2", "classifier.5", NULL};

    (void)table;
    for (size_t i = 0; i < CLASSIFIER; i++)
        x = build_dense(builder, x, names[i], i < 2 ? 4096 : 0, activated[i],
                        i < 2 ? UNIT_RELU : UNIT_LINEAR);
    return x;
}

const struct family alexnet_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
};
