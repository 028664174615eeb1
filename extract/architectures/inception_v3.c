/*
 * Inception v3: Szegedy et al. 2015, arXiv 1512.00567, table 1 and figures 5 to 7.
 * Sources: pytorch/vision models/inception.py, keras applications inception_v3.py.
 *
 * Torchvision's published weights stem from TensorFlow: the module maps its input to -1 to 1
 * first (transform_input), which the preprocessing does here.
 */
#include <string.h>

#include "extract/architectures/families.h"

enum { STEM = 5, STEPS = 10, MODULES = 11, INPUT = STEPS };

/* A convolution, with batch norm and relu, of a module. */
struct step {
    const char *name;
    size_t from;                    /* the step that it reads, or INPUT */
    size_t channels;                /* 0: the module's own number */
    size_t height, width, stride;
    bool joined;                    /* its result is a part of the module's */
};

enum pooling_branch { POOL_PROJECTED, POOL_MAXIMUM };

struct module_kind {
    struct step steps[STEPS];       /* in the order of TensorFlow's; name NULL behind the last */
    enum pooling_branch pooling;    /* average, then the last step; or a max pooling as it is */
};

static const struct module_kind kind_a = {{
    {"branch1x1", INPUT, 64, 1, 1, 1, true},
    {"branch5x5_1", INPUT, 48, 1, 1, 1, false},
    {"branch5x5_2", 1, 64, 5, 5, 1, true},
    {"branch3x3dbl_1", INPUT, 64, 1, 1, 1, false},
    {"branch3x3dbl_2", 3, 96, 3, 3, 1, false},
    {"branch3x3dbl_3", 4, 96, 3, 3, 1, true},
    {"branch_pool", INPUT, 0, 1, 1, 1, true},
}, POOL_PROJECTED};

static const struct module_kind kind_b = {{
    {"branch3x3", INPUT, 384, 3, 3, 2, true},
    {"branch3x3dbl_1", INPUT, 64, 1, 1, 1, false},
    {"branch3x3dbl_2", 1, 96, 3, 3, 1, false},
    {"branch3x3dbl_3", 2, 96, 3, 3, 2, true},
}, POOL_MAXIMUM};

static const struct module_kind kind_c = {{
    {"branch1x1", INPUT, 192, 1, 1, 1, true},
    {"branch7x7_1", INPUT, 0, 1, 1, 1, false},
    {"branch7x7_2", 1, 0, 1, 7, 1, false},
    {"branch7x7_3", 2, 192, 7, 1, 1, true},
    {"branch7x7dbl_1", INPUT, 0, 1, 1, 1, false},
    {"branch7x7dbl_2", 4, 0, 7, 1, 1, false},
    {"branch7x7dbl_3", 5, 0, 1, 7, 1, false},
    {"branch7x7dbl_4", 6, 0, 7, 1, 1, false},
    {"branch7x7dbl_5", 7, 192, 1, 7, 1, true},
    {"branch_pool", INPUT, 192, 1, 1, 1, true},
}, POOL_PROJECTED};

static const struct module_kind kind_d = {{
    {"branch3x3_1", INPUT, 192, 1, 1, 1, false},
    {"branch3x3_2", 0, 320, 3, 3, 2, true},
    {"branch7x7x3_1", INPUT, 192, 1, 1, 1, false},
    {"branch7x7x3_2", 2, 192, 1, 7, 1, false},
    {"branch7x7x3_3", 3, 192, 7, 1, 1, false},
    {"branch7x7x3_4", 4, 192, 3, 3, 2, true},
}, POOL_MAXIMUM};

static const struct module_kind kind_e = {{
    {"branch1x1", INPUT, 320, 1, 1, 1, true},
    {"branch3x3_1", INPUT, 384, 1, 1, 1, false},
    {"branch3x3_2a", 1, 384, 1, 3, 1, true},
    {"branch3x3_2b", 1, 384, 3, 1, 1, true},
    {"branch3x3dbl_1", INPUT, 448, 1, 1, 1, false},
    {"branch3x3dbl_2", 4, 384, 3, 3, 1, false},
    {"branch3x3dbl_3a", 5, 384, 1, 3, 1, true},
    {"branch3x3dbl_3b", 5, 384, 3, 1, 1, true},
    {"branch_pool", INPUT, 192, 1, 1, 1, true},
}, POOL_PROJECTED};

struct inception_v3 {
    struct stem_step {
        const char *name;
        size_t channels, kernel, stride, pad;
        const char *pool;           /* a max pooling behind it; NULL: none */
    } stem[STEM];
    struct module {
        const char *name;
        const struct module_kind *kind;
        size_t channels;
    } modules[MODULES];
};

static const struct architecture architectures[] = {
    {"Inception v3", &(const struct inception_v3){
        .stem = {
            {"Conv2d_1a_3x3", 32, 3, 2, 0, NULL},
            {"Conv2d_2a_3x3", 32, 3, 1, 0, NULL},
            {"Conv2d_2b_3x3", 64, 3, 1, 1, "maxpool1"},
            {"Conv2d_3b_1x1", 80, 1, 1, 0, NULL},
            {"Conv2d_4a_3x3", 192, 3, 1, 0, "maxpool2"},
        },
        .modules = {
            {"Mixed_5b", &kind_a, 32}, {"Mixed_5c", &kind_a, 64}, {"Mixed_5d", &kind_a, 64},
            {"Mixed_6a", &kind_b, 0},
            {"Mixed_6b", &kind_c, 128}, {"Mixed_6c", &kind_c, 160}, {"Mixed_6d", &kind_c, 160},
            {"Mixed_6e", &kind_c, 192},
            {"Mixed_7a", &kind_d, 0},
            {"Mixed_7b", &kind_e, 0}, {"Mixed_7c", &kind_e, 0},
        },
    }},
};

/* The names above are torchvision's and, for the modules, the paper's code's. Keras counts the
 * convolutions with {count}, and the modules with {module} from 0. */
struct inception_names {
    const char *convolution, *norm;  /* NULL: the names above, with ".conv" and ".bn" */
    const char *activated, *module;  /* NULL: the names above */
    const char *average, *flat, *dense;
    bool unscaled;                   /* norms have no factor */
    bool count_padding;              /* by the average poolings */
};

static const struct dialect dialects[] = {
    {
        .framework = FRAMEWORK_PYTORCH,
        .origin = "torchvision",
        .preprocess = "torchvision-tf,crop=299",
        .epsilon = 1e-3,
        .classifier = "fc",
        .training = "AuxLogits",
        .names = &(const struct inception_names){
            .average = "avgpool",
            .flat = "flatten",
            .dense = "fc",
            .count_padding = true,
        },
    },
    {
        .framework = FRAMEWORK_KERAS,
        .origin = "Keras",
        .preprocess = "keras-tf,crop=299",
        .epsilon = 1e-3,
        .classifier = "predictions",
        .names = &(const struct inception_names){
            .convolution = "conv2d_{count+1}",
            .norm = "batch_normalization_{count+1}",
            .activated = "activation_{count+1}",
            .module = "mixed{module}",
            .average = "avg_pool",
            .flat = "flatten",
            .dense = "predictions",
            .unscaled = true,
        },
    },
};

/* "module.step.suffix", without what is NULL. */
static const char *join(const char *module, const char *step, const char *suffix,
                        char text[static BUILDER_NAME])
{
    text[0] = '\0';
    if (module != NULL)
        strcat(strcat(text, module), step != NULL ? "." : "");
    if (step != NULL)
        strcat(text, step);
    if (suffix != NULL)
        strcat(strcat(text, "."), suffix);
    return text;
}

/* The activated result goes by the name of convolution, norm and relu together. */
static struct result named_unit(struct builder *builder, struct result x, const char *module,
                                const char *step, struct unit unit)
{
    const struct inception_names *names = builder->dialect->names;
    char convolution[BUILDER_NAME], norm[BUILDER_NAME], activated[BUILDER_NAME];

    unit.name = names->convolution;
    unit.norm = names->norm;
    if (unit.name == NULL) {
        unit.name = join(module, step, "conv", convolution);
        unit.norm = join(module, step, "bn", norm);
    }
    unit.activated = names->activated;
    if (unit.activated == NULL)
        unit.activated = join(module, step, NULL, activated);
    unit.activation = UNIT_RELU;
    unit.unscaled = names->unscaled;
    return build_unit(builder, x, &unit);
}

static struct result pooling(struct builder *builder, const struct module *module,
                             struct result x)
{
    const struct inception_names *names = builder->dialect->names;
    bool maximum = module->kind->pooling == POOL_MAXIMUM;
    char name[BUILDER_NAME];

    return build_pool(builder, x, &(struct pooling_unit){
        .name = join(module->name, "pool", NULL, name), .maximum = maximum,
        .count_padding = names->count_padding, .kernel = 3, .stride = maximum ? 2 : 1,
        .pad = maximum ? 0 : 1});
}

static struct result inception(struct builder *builder, const struct module *module,
                               struct result x)
{
    const struct inception_names *names = builder->dialect->names;
    const struct step *steps = module->kind->steps;
    struct result results[STEPS], parts[STEPS + 1];
    size_t joined = 0, count = 0;

    while (count < STEPS && steps[count].name != NULL)
        count++;
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        struct result y = step->from == INPUT ? x : results[step->from];

        if (module->kind->pooling == POOL_PROJECTED && i + 1 == count)
            y = pooling(builder, module, x);
        results[i] = named_unit(builder, y, module->name, step->name, (struct unit){
            .channels = step->channels > 0 ? step->channels : module->channels,
            .kernel = step->height, .width = step->width, .stride = step->stride,
            .pad = step->stride == 1 ? step->height / 2 : 0,
            .pad_width = step->stride == 1 ? step->width / 2 : 0});
        if (step->joined)
            parts[joined++] = results[i];
    }
    if (module->kind->pooling == POOL_MAXIMUM)
        parts[joined++] = pooling(builder, module, x);
    return build_concat(builder, parts, joined,
                        names->module != NULL ? names->module : module->name);
}

static struct result features(struct builder *builder, const void *table)
{
    const struct inception_v3 *inception_v3 = table;
    struct result x = build_input(builder);

    for (size_t i = 0; i < STEM; i++) {
        const struct stem_step *step = &inception_v3->stem[i];

        x = named_unit(builder, x, NULL, step->name, (struct unit){
            .channels = step->channels, .kernel = step->kernel, .stride = step->stride,
            .pad = step->pad});
        if (step->pool != NULL)
            x = build_pool(builder, x, &(struct pooling_unit){
                .name = step->pool, .maximum = true, .kernel = 3, .stride = 2});
    }
    for (size_t i = 0; i < MODULES; i++) {
        builder->place.module = i;
        x = inception(builder, &inception_v3->modules[i], x);
    }
    return x;
}

static struct result classifier(struct builder *builder, const void *table, struct result x)
{
    const struct inception_names *names = builder->dialect->names;

    (void)table;
    x = build_average(builder, x, names->average);
    x = build_flatten(builder, x, names->flat, 1);
    return build_dense(builder, x, names->dense, 0, NULL, UNIT_LINEAR);
}

const struct family inception_v3_family = {
    .dialects = dialects,
    .dialect_count = sizeof dialects / sizeof dialects[0],
    .architectures = architectures,
    .architecture_count = sizeof architectures / sizeof architectures[0],
    .features = features,
    .classifier = classifier,
};
