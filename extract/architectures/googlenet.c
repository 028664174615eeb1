/*
 * GoogLeNet: Szegedy et al. 2014, arXiv 1409.4842, table 1, as torchvision has it: with batch norm,
 * and 3x3 convolutions where the paper has 5x5. Source: pytorch/vision models/googlenet.py.
 *
 * Torchvision's published weights stem from TensorFlow: the module maps its input to -1 to 1
 * first (transform_input), which the preprocessing does here.
 */
#include "extract/architectures/families.h"

enum { MODULES = 9, BRANCHES = 4 };

struct googlenet {
    struct module {
        size_t one;            /* the paper's #1x1 */
        size_t reduce[2];      /* #3x3 reduce, #5x5 reduce */
        size_t expand[2];      /* #3x3, #5x5 */
        size_t project;        /* pool proj */
        size_t pool;           /* the window of a max pooling behind it; 0: none */
    } modules[MODULES];
};

static const struct architecture architectures[] = {
    {"GoogLeNet", &(const struct googlenet){{
        {64, {96, 16}, {128, 32}, 32, 0},   /* 3a */
        {128, {128, 32}, {192, 96}, 64, 3}, /* 3b */
        {192, {96, 16}, {208, 48}, 64, 0},  /* 4a */
        {160, {112, 24}, {224, 64}, 64, 0}, /* 4b */
        {128, {128, 24}, {256, 64}, 64, 0}, /* 4c */
        {112, {144, 32}, {288, 64}, 64, 0}, /* 4d */
        {256, {160, 32}, {320, 128}, 128, 2}, /* 4e */
        {256, {160, 32}, {320, 128}, 128, 0}, /* 5a */
        {384, {192, 48}, {384, 128}, 128, 0}, /* 5b */
    }}},
};

static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "torchvision",
        .preprocess = "torchvision-tf",
        .epsilon = 1e-3,
        .classifier = "fc",
        .training = "aux1 aux2",
    },
};

/* Convolution, norm and relu; the activated result goes by the name of the three. */
static struct result unit(struct builder *builder, struct result x, const char *name[3],
                          size_t channels, size_t kernel)
{
    return build_unit(builder, x, &(struct unit){
        .name = name[0], .norm = name[1], .activated = name[2], .activation = UNIT_RELU,
        .channels = channels, .kernel = kernel, .pad = kernel / 2});
}

#define BRANCH(branch) (const char *[]){"inception{stage}{letter}." branch ".conv", \
                                        "inception{stage}{letter}." branch ".bn", \
                                        "inception{stage}{letter}." branch}

static struct result inception(struct builder *builder, const struct module *module,
                               struct result x)
{
    struct result parts[BRANCHES], y;

    parts[0] = unit(builder, x, BRANCH("branch1"), module->one, 1);
    y = unit(builder, x, BRANCH("branch2.0"), module->reduce[0], 1);
    parts[1] = unit(builder, y, BRANCH("branch2.1"), module->expand[0], 3);
    build_name(builder, parts[1], "inception{stage}{letter}.branch2");
    y = unit(builder, x, BRANCH("branch3.0"), module->reduce[1], 1);
    parts[2] = unit(builder, y, BRANCH("branch3.1"), module->expand[1], 3);
    build_name(builder, parts[2], "inception{stage}{letter}.branch3");
    y = build_pool(builder, x, &(struct pooling_unit){
        .name = "inception{stage}{letter}.branch4.0", .maximum = true, .ceiling = true,
        .kernel = 3, .stride = 1, .pad = 1});
    parts[3] = unit(builder, y, BRANCH("branch4.1"), module->project, 1);
    build_name(builder, parts[3], "inception{stage}{letter}.branch4");
    return build_concat(builder, parts, BRANCHES, "inception{stage}{letter}");
}

#define STEM(name) (const char *[]){name ".conv", name ".bn", name}

static struct result features(struct builder *builder, const void *table)
{
    const struct googlenet *googlenet = table;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    x = build_unit(builder, x, &(struct unit){
        .name = "conv1.conv", .norm = "conv1.bn", .activated = "conv1", .activation = UNIT_RELU,
        .channels = 64, .kernel = 7, .stride = 2, .pad = 3});
    x = build_pool(builder, x, &(struct pooling_unit){
        .name = "maxpool1", .maximum = true, .ceiling = true, .kernel = 3, .stride = 2});
    x = unit(builder, x, STEM("conv2"), 64, 1);
    x = unit(builder, x, STEM("conv3"), 192, 3);
    x = build_pool(builder, x, &(struct pooling_unit){
        .name = "maxpool2", .maximum = true, .ceiling = true, .kernel = 3, .stride = 2});
    *place = (struct place){.stage = 3};
    for (size_t i = 0; i < MODULES; i++) {
        const struct module *module = &googlenet->modules[i];

        x = inception(builder, module, x);
        place->block++;
        if (module->pool == 0)
            continue;
        x = build_pool(builder, x, &(struct pooling_unit){
            .name = "maxpool{stage}", .maximum = true, .ceiling = true, .kernel = module->pool,
            .stride = 2});
        place->stage++;
        place->block = 0;
    }
    return x;
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    (void)table;
    x = build_average(builder, x, "avgpool");
    x = build_flatten(builder, x, "flatten", 1);
    return build_dense(builder, x, "fc", 0, NULL, UNIT_LINEAR);
}

const struct family googlenet_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
};
