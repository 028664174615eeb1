/*
 * MobileNet v2: Sandler et al. 2018, arXiv 1801.04381, table 2, at any width. Sources:
 * pytorch/vision models/mobilenetv2.py, keras applications mobilenet_v2.py.
 */
#include <stdio.h>

#include "extract/architectures/families.h"

enum { ROWS = 7, LAST = 320 };

/* Channels are free: the width multiplies them, and the file has them. */
struct mobilenet_v2 {
    struct row {
        size_t expansion, blocks, stride;  /* the paper's t, n and s */
    } rows[ROWS];
};

static const struct architecture architectures[] = {
    {"MobileNet v2", &(const struct mobilenet_v2){{
        {1, 1, 1}, {6, 2, 2}, {6, 3, 2}, {6, 4, 2}, {6, 3, 1}, {6, 3, 2}, {6, 1, 1},
    }}},
};

/* A block without and with expansion; {block} counts from 0, {module} from 1. */
struct mobilenet_v2_names {
    const char *first, *first_norm, *first_relu;
    struct block_names {
        const char *expand, *expand_norm, *expand_relu;
        const char *depthwise, *depthwise_norm, *depthwise_relu;
        const char *project, *project_norm, *sum, *block;
    } plain, expanded;
    const char *last_project;  /* of the last block */
    const char *last, *last_norm, *last_relu, *average, *flat, *dense;
    bool same;  /* padded as TensorFlow's SAME */
};

static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "torchvision",
        .preprocess = "torchvision",
        .epsilon = 1e-5,
        .classifier = "classifier",
        .names = &(const struct mobilenet_v2_names){
            .first = "features.0.0",
            .first_norm = "features.0.1",
            .first_relu = "features.0.2",
            .plain = {
                .depthwise = "features.{module}.conv.0.0",
                .depthwise_norm = "features.{module}.conv.0.1",
                .depthwise_relu = "features.{module}.conv.0.2",
                .project = "features.{module}.conv.1",
                .project_norm = "features.{module}.conv.2",
                .sum = "features.{module}.add",
                .block = "features.{module}",
            },
            .expanded = {
                .expand = "features.{module}.conv.0.0",
                .expand_norm = "features.{module}.conv.0.1",
                .expand_relu = "features.{module}.conv.0.2",
                .depthwise = "features.{module}.conv.1.0",
                .depthwise_norm = "features.{module}.conv.1.1",
                .depthwise_relu = "features.{module}.conv.1.2",
                .project = "features.{module}.conv.2",
                .project_norm = "features.{module}.conv.3",
                .sum = "features.{module}.add",
                .block = "features.{module}",
            },
            .last_project = "features.17.conv.2",
            .last = "features.{module}.0",
            .last_norm = "features.{module}.1",
            .last_relu = "features.{module}.2",
            .average = "avgpool",
            .flat = "flatten",
            .dense = "classifier.1",
        },
    },
    {
        .framework = FRAMEWORK_KERAS,
        .origin = "Keras",
        .preprocess = "keras-tf",
        .epsilon = 1e-3,
        .classifier = "Logits predictions",
        .names = &(const struct mobilenet_v2_names){
            .first = "Conv1",
            .first_norm = "bn_Conv1",
            .first_relu = "Conv1_relu",
            .plain = {
                .depthwise = "expanded_conv_depthwise",
                .depthwise_norm = "expanded_conv_depthwise_BN",
                .depthwise_relu = "expanded_conv_depthwise_relu",
                .project = "expanded_conv_project",
                .project_norm = "expanded_conv_project_BN",
                .sum = "expanded_conv_add",
            },
            .expanded = {
                .expand = "block_{block}_expand",
                .expand_norm = "block_{block}_expand_BN",
                .expand_relu = "block_{block}_expand_relu",
                .depthwise = "block_{block}_depthwise",
                .depthwise_norm = "block_{block}_depthwise_BN",
                .depthwise_relu = "block_{block}_depthwise_relu",
                .project = "block_{block}_project",
                .project_norm = "block_{block}_project_BN",
                .sum = "block_{block}_add",
            },
            .last_project = "block_16_project",
            .last = "Conv_1",
            .last_norm = "Conv_1_bn",
            .last_relu = "out_relu",
            .average = "global_average_pooling2d",
            .flat = "flatten",
            .dense = "Logits",
            .same = true,
        },
    },
};

static struct result block(struct builder *builder, struct result x, size_t expansion,
                           size_t stride)
{
    const struct mobilenet_v2_names *all = builder->dialect->names;
    const struct block_names *names = expansion > 1 ? &all->expanded : &all->plain;
    struct result y = x;

    if (expansion > 1)
        y = build_unit(builder, y, &(struct unit){
            .name = names->expand, .norm = names->expand_norm, .activated = names->expand_relu,
            .activation = UNIT_RELU6, .channels = x.channels * expansion, .kernel = 1});
    y = build_unit(builder, y, &(struct unit){
        .name = names->depthwise, .norm = names->depthwise_norm,
        .activated = names->depthwise_relu, .activation = UNIT_RELU6, .kernel = 3,
        .stride = stride, .pad = 1, .same = all->same, .depthwise = true});
    y = build_unit(builder, y, &(struct unit){
        .name = names->project, .norm = names->project_norm, .kernel = 1});
    if (stride == 1 && x.channels == y.channels)
        y = build_sum(builder, x, y, names->sum);
    build_name(builder, y, names->block);
    return y;
}

static struct result features(struct builder *builder, const void *table)
{
    const struct mobilenet_v2 *mobilenet = table;
    const struct mobilenet_v2_names *names = builder->dialect->names;
    struct place *place = &builder->place;
    struct result x = build_input(builder);

    x = build_unit(builder, x, &(struct unit){
        .name = names->first, .norm = names->first_norm, .activated = names->first_relu,
        .activation = UNIT_RELU6, .kernel = 3, .stride = 2, .pad = 1, .same = names->same});
    *place = (struct place){.module = 1};
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &mobilenet->rows[i];

        for (size_t j = 0; j < row->blocks; j++, place->block++, place->module++)
            x = block(builder, x, row->expansion, j == 0 ? row->stride : 1);
    }
    return build_unit(builder, x, &(struct unit){
        .name = names->last, .norm = names->last_norm, .activated = names->last_relu,
        .activation = UNIT_RELU6, .kernel = 1});
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    const struct mobilenet_v2_names *names = builder->dialect->names;

    (void)table;
    x = build_average(builder, x, names->average);
    x = build_flatten(builder, x, names->flat, 1);
    return build_dense(builder, x, names->dense, 0, NULL, UNIT_LINEAR);
}

static void describe(const struct builder *builder, char text[static 64])
{
    const struct mobilenet_v2_names *names = builder->dialect->names;
    size_t channels = builder_weight_size(builder, names->last_project, 0, LAST);

    snprintf(text, 64, ", width %.3g", (double)channels / LAST);
}

const struct family mobilenet_v2_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
    .describe = describe,
};
