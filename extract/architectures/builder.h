/*
 * What the families of architectures are written with. A family's functions walk once through
 * the network, from result to result; the builder compares each step with the weights of the
 * file and, when there is a graph, adds its layers. Errors wait in the builder: nothing is asked
 * in between.
 *
 *     struct result x = build_input(builder);
 *     x = build_unit(builder, x, &(struct unit){.name = "conv1", .norm = "bn1", .kernel = 7,
 *                                               .channels = 64, .stride = 2, .pad = 3,
 *                                               .activation = UNIT_RELU, .activated = "relu"});
 *     x = build_pool(builder, x, &(struct pooling_unit){.name = "maxpool", .maximum = true,
 *                                                       .kernel = 3, .stride = 2, .pad = 1});
 *
 * Names are templates: {stage}, {block}, {step} and {module} stand for the numbers in
 * builder->place, {letter} for the block as a, b, c, {count} for how many convolutions were built
 * before. {module+1} adds.
 */
#ifndef EXTRACT_ARCHITECTURES_BUILDER_H
#define EXTRACT_ARCHITECTURES_BUILDER_H

#include "extract/architectures/architecture.h"

enum { BUILDER_NAME = 256 };

struct builder;

/* A result on the way. */
struct result {
    size_t layer;     /* of the graph, when there is one */
    size_t channels;  /* 0: the image's, as the first weights say */
};

/* One way to name the layers of a family, and what else differs between frameworks. */
struct dialect {
    enum framework framework;
    const char *origin;      /* "torchvision" */
    const char *preprocess;  /* a rule of rules.h */
    double epsilon;          /* of batch norms */
    const void *names;       /* the family's own table */
    const char *classifier;  /* layers whose name begins so, as far as a '.', '_' or '/' follows or
                                the name ends, belong to the classifier: "fc"; several are
                                separated by spaces; may be NULL */
    const char *training;    /* likewise layers that only training needs: "aux1 aux2" */
};

struct architecture {
    const char *title;  /* "ResNet-50" */
    const void *table;  /* of the family's own kind */
};

struct family {
    const struct dialect *dialects;
    size_t dialect_count;
    const struct architecture *architectures;
    size_t architecture_count;

    /* From the image to what enters the classifier. */
    struct result (*features)(struct builder *builder, const void *table);
    /* From there to the scores. May be NULL: features are all of it. */
    struct result (*classifier)(struct builder *builder, const void *table, struct result x);
    /* May be NULL: more of the title than the table knows, ", width 0.35". */
    void (*describe)(const struct builder *builder, char text[static 64]);
};

/* The numbers for the templates of names. */
struct place {
    size_t stage, block, step, module, count;
};

struct builder {
    const struct weights *weights;
    const struct dialect *dialect;
    struct graph *graph;       /* NULL: compares only */
    struct place place;
    size_t height, width;      /* of the image, with a graph */

    size_t channels, side;     /* of the image, as the weights tell */
    size_t wanted, matched;    /* tensors that the architecture has, and the file alike */
    bool *used;                /* [weights->count] */
    struct error difference;   /* the first one; "" when there is none */
    int outcome;               /* FAILED once something could not be added; *error says what */
    struct error *error;
};

enum unit_activation { UNIT_LINEAR, UNIT_RELU, UNIT_RELU6, UNIT_SOFTMAX };

/* Convolution, batch norm, activation. Sizes that are the same for both axes are given once. */
struct unit {
    const char *name;          /* of the convolution's weights, and its result */
    const char *norm;          /* of the batch norm; NULL: there is none */
    const char *activated;     /* of the activated result; NULL: it goes by the last name before */
    enum unit_activation activation;
    size_t channels;           /* of the result; 0: as many as the file has */
    size_t kernel, width;      /* width 0: as kernel */
    size_t stride;             /* 0: 1 */
    size_t pad, pad_width;     /* at all sides; pad_width where width is given */
    bool same;                 /* padded as TensorFlow's SAME instead */
    size_t groups;             /* 0: 1 */
    bool depthwise;            /* as many groups as channels */
    bool biased;               /* the convolution has a bias */
    bool unscaled;             /* the batch norm has no factor */
};

struct pooling_unit {
    const char *name;
    bool maximum, ceiling, count_padding, same;
    size_t kernel, stride, pad;
};

struct result build_input(struct builder *builder);
struct result build_unit(struct builder *builder, struct result x, const struct unit *unit);
/* A batch norm of its own. */
struct result build_norm(struct builder *builder, struct result x, const char *name,
                         bool unscaled);
struct result build_activation(struct builder *builder, struct result x, const char *name,
                               enum unit_activation activation);
struct result build_pool(struct builder *builder, struct result x,
                         const struct pooling_unit *unit);
/* Zeros around a map, of its own where a convolution cannot have them. */
struct result build_pad(struct builder *builder, struct result x, const char *name, size_t before,
                        size_t after);
/* Zeros as new channels, `before` those that are there and `after` them. */
struct result build_pad_channels(struct builder *builder, struct result x, const char *name,
                                 size_t before, size_t after);
/* Every `step`th pixel in both directions, from the first. */
struct result build_subsample(struct builder *builder, struct result x, const char *name,
                              size_t step);
/* The average of the whole map. */
struct result build_average(struct builder *builder, struct result x, const char *name);
/* PyTorch's AdaptiveAvgPool2d(side): windows of equal size, or an unsupported layer. */
struct result build_adaptive_average(struct builder *builder, struct result x, const char *name,
                                     size_t side);
struct result build_sum(struct builder *builder, struct result a, struct result b,
                        const char *name);
struct result build_concat(struct builder *builder, const struct result *parts, size_t count,
                           const char *name);
/* A map of `pixels` pixels as a vector, in the order of the framework. */
struct result build_flatten(struct builder *builder, struct result x, const char *name,
                            size_t pixels);
/* outputs 0: as many as the file has. */
struct result build_dense(struct builder *builder, struct result x, const char *name,
                          size_t outputs, const char *activated, enum unit_activation activation);
/* One more name for a result. */
void build_name(struct builder *builder, struct result x, const char *name);

/* The file's number of results (axis 0) or inputs (axis 1) of a layer, or `otherwise` where the
 * file does not have the layer. */
size_t builder_weight_size(const struct builder *builder, const char *name, size_t axis,
                           size_t otherwise);

/* A template of a name, filled in. */
const char *builder_expand(const struct place *place, const char *name,
                           char text[static BUILDER_NAME]);

#endif
