/*
 * LeNet-5 as PyTorch's tutorials have it, after LeCun et al. 1998: relu, max pooling, and images
 * of 28x28 or 32x32 with one channel or three. Source: pytorch/tutorials, beginner_source
 * (introyt/trainingyt.py, blitz/cifar10_tutorial.py).
 */
#include "extract/architectures/families.h"

enum { CONVOLUTIONS = 2, KERNEL = 5, WINDOW = 2, HIDDEN = 2 };

struct lenet {
    size_t channels[CONVOLUTIONS], hidden[HIDDEN];
};

static const struct architecture architectures[] = {
    {"LeNet-5", &(const struct lenet){{6, 16}, {120, 84}}},
};

/* The tutorials map pixels to -1 to 1; their images have the network's size already. */
static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "PyTorch's tutorials",
        .preprocess = "keras-tf,fit=shorter-side,filter=bilinear",
    },
};

/* The side of the last map, from the first matrix: it has a column for each number of that. */
static size_t map_side(const struct builder *builder, size_t channels)
{
    size_t pixels = builder_weight_size(builder, "fc1", 1, 0) / channels, side = 1;

    while (side < KERNEL * WINDOW && side * side < pixels)
        side++;
    return side;
}

/* All of it: a network so small is recognised with its classifier or not at all, since many begin
 * like this one. */
static struct result features(struct builder *builder, const void *table)
{
    const struct lenet *lenet = table;
    struct place *place = &builder->place;
    struct result x = build_input(builder);
    size_t side = map_side(builder, lenet->channels[CONVOLUTIONS - 1]);

    builder->side = side;
    for (size_t i = 0; i < CONVOLUTIONS; i++) {
        builder->side = builder->side * WINDOW + KERNEL - 1;
        place->step = i + 1;
        x = build_unit(builder, x, &(struct unit){
            .name = "conv{step}", .activated = "relu{step}", .activation = UNIT_RELU,
            .channels = lenet->channels[i], .kernel = KERNEL, .biased = true});
        x = build_pool(builder, x, &(struct pooling_unit){
            .name = "pool{step}", .maximum = true, .kernel = WINDOW, .stride = WINDOW});
    }
    x = build_flatten(builder, x, "flatten", side * side);
    for (size_t i = 0; i < HIDDEN; i++) {
        place->step = i + 1;
        x = build_dense(builder, x, "fc{step}", lenet->hidden[i], "fc{step}.relu", UNIT_RELU);
    }
    return build_dense(builder, x, "fc3", 0, NULL, UNIT_LINEAR);
}

const struct family lenet_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
};
