#include "extract/architectures/builder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/architectures/builder_private.h"

static const struct shape *shape_of(const struct builder *builder, struct result x)
{
    return &builder->graph->layers[x.layer].shape;
}

static struct result add_simple(struct builder *builder, struct result x, struct layer *layer,
                                const char *name)
{
    if (builder_adds(builder))
        x.layer = builder_add(builder, layer, name, &x.layer, 1);
    return x;
}

/* TensorFlow's SAME: as many windows as strides, the odd padding at the end. */
static void pad_same(struct window *window, const struct shape *input)
{
    for (size_t axis = 0; axis < 2; axis++) {
        size_t length = input->dims[SHAPE_HEIGHT + axis];
        size_t windows = (length + window->stride[axis] - 1) / window->stride[axis];
        size_t covered = (windows - 1) * window->stride[axis] + window->kernel[axis];
        size_t padding = covered > length ? covered - length : 0;

        window->pad_begin[axis] = padding / 2;
        window->pad_end[axis] = padding - padding / 2;
    }
}

struct result build_input(struct builder *builder)
{
    struct result x = {0};
    struct layer layer = {
        .kind = LAYER_INPUT,
        .operator = "input",
        .shape = {SHAPE_MAP_RANK, {builder->channels, builder->height, builder->width}},
    };

    if (builder_adds(builder))
        x.layer = builder_add(builder, &layer, "input", NULL, 0);
    return x;
}

/* ---- convolution, batch norm, activation ------------------------------------------------ */

struct result build_activation(struct builder *builder, struct result x, const char *name,
                               enum unit_activation activation)
{
    struct layer layer = {
        .kind = activation == UNIT_SOFTMAX ? LAYER_SOFTMAX : LAYER_ACTIVATION,
        .operator = activation == UNIT_SOFTMAX ? "softmax" : "relu",
    };

    if (activation == UNIT_LINEAR)
        return x;
    if (activation != UNIT_SOFTMAX)
        layer.activation = (struct activation){
            .kind = ACTIVATION_CLIP, .b = activation == UNIT_RELU6 ? 6 : INFINITY};
    return add_simple(builder, x, &layer, name);
}

/* y = factor (x - mean) / sqrt(variance + epsilon) + shift (Ioffe and Szegedy 2015), as a product
 * and a sum. The tensors in the order of weight_role. */
static void combine_norm(struct builder *builder, const struct weight *const *tensors,
                         size_t channels, struct affine *affine)
{
    float *values[WEIGHT_ROLES] = {NULL};
    float *scale = graph_allocate(builder->graph, channels, sizeof *scale, builder->error);
    float *shift = graph_allocate(builder->graph, channels, sizeof *shift, builder->error);

    if (scale == NULL || shift == NULL)
        builder->outcome = FAILED;
    for (size_t role = 0; role < WEIGHT_ROLES; role++)
        if (tensors[role] != NULL)
            values[role] = builder_floats(builder, tensors[role]);
    for (size_t c = 0; builder->outcome == 0 && c < channels; c++) {
        double deviation = sqrt((double)values[WEIGHT_VARIANCE][c] + builder->dialect->epsilon);
        double factor = values[WEIGHT_FACTOR] != NULL ? (double)values[WEIGHT_FACTOR][c] : 1;

        scale[c] = (float)(factor / deviation);
        shift[c] = (float)((double)values[WEIGHT_SHIFT][c] -
                           factor / deviation * (double)values[WEIGHT_MEAN][c]);
    }
    *affine = (struct affine){scale, shift};
}

static struct result add_norm(struct builder *builder, struct result x, const char *weights,
                              bool unscaled, const char *name)
{
    const struct weight *tensors[WEIGHT_ROLES] = {NULL};
    struct layer layer = {.kind = LAYER_AFFINE, .operator = "batch norm"};

    for (size_t role = 0; role < WEIGHT_ROLES; role++)
        if (role != WEIGHT_FACTOR || !unscaled)
            tensors[role] = builder_expect(builder, weights, (enum weight_role)role, &x.channels,
                                           1);
    if (!builder_adds(builder))
        return x;
    combine_norm(builder, tensors, x.channels, &layer.affine);
    return add_simple(builder, x, &layer, name);
}

struct result build_norm(struct builder *builder, struct result x, const char *name, bool unscaled)
{
    return add_norm(builder, x, name, unscaled, name);
}

static struct window unit_window(const struct builder *builder, struct result x,
                                 const struct unit *unit)
{
    size_t stride = unit->stride > 0 ? unit->stride : 1;
    struct window window = {
        .kernel = {unit->kernel, unit->width > 0 ? unit->width : unit->kernel},
        .stride = {stride, stride},
        .dilation = {1, 1},
    };
    size_t pads[2] = {unit->pad, unit->width > 0 ? unit->pad_width : unit->pad};

    for (size_t axis = 0; axis < 2; axis++)
        window.pad_begin[axis] = window.pad_end[axis] = pads[axis];
    if (unit->same)
        pad_same(&window, shape_of(builder, x));
    return window;
}

static struct result add_convolution(struct builder *builder, struct result x,
                                     const struct unit *unit, const char *name)
{
    size_t groups = unit->depthwise ? x.channels : unit->groups > 0 ? unit->groups : 1;
    size_t channels = unit->depthwise && unit->channels == 0 ? x.channels : unit->channels;
    size_t shape[] = {channels, unit->depthwise ? 1 : x.channels / groups, unit->kernel,
                      unit->width > 0 ? unit->width : unit->kernel};
    const struct weight *factor =
        builder_expect(builder, unit->name, WEIGHT_FACTOR, shape, 4), *shift = NULL;
    struct layer layer = {.kind = LAYER_CONVOLUTION, .operator = "convolution"};

    if (x.channels == 0 && factor != NULL)
        builder->channels = factor->shape[1];
    x.channels = channels == 0 && factor != NULL ? factor->shape[0] : channels;
    if (unit->biased)
        shift = builder_expect(builder, unit->name, WEIGHT_SHIFT, &x.channels, 1);
    if (!builder_adds(builder) ||
        builder_load(builder, factor, &layer.convolution.weights) < 0)
        return x;
    layer.convolution.groups = groups;
    layer.convolution.window = unit_window(builder, x, unit);
    if (unit->biased)
        layer.convolution.shift = builder_floats(builder, shift);
    return add_simple(builder, x, &layer, name);
}

/* The activated result goes by the last name, when it has none of its own: the results before it
 * then have no name that others know. */
struct result build_unit(struct builder *builder, struct result x, const struct unit *unit)
{
    bool nameless = unit->activation != UNIT_LINEAR && unit->activated == NULL;
    const char *last = unit->norm != NULL ? unit->norm : unit->name;

    x = add_convolution(builder, x, unit, unit->name);
    if (unit->norm != NULL)
        x = add_norm(builder, x, unit->norm, unit->unscaled, unit->norm);
    x = build_activation(builder, x, nameless ? last : unit->activated, unit->activation);
    builder->place.count++;
    return x;
}

/* ---- pooling and the rest --------------------------------------------------------------- */

struct result build_pool(struct builder *builder, struct result x, const struct pooling_unit *unit)
{
    struct layer layer = {
        .kind = LAYER_POOL,
        .operator = unit->maximum ? "max pooling" : "average pooling",
        .pool = {
            .window = {
                .kernel = {unit->kernel, unit->kernel},
                .stride = {unit->stride, unit->stride},
                .dilation = {1, 1},
                .pad_begin = {unit->pad, unit->pad},
                .pad_end = {unit->pad, unit->pad},
            },
            .maximum = unit->maximum,
            .ceiling = unit->ceiling,
            .count_padding = unit->count_padding,
        },
    };

    if (unit->same && builder_adds(builder))
        pad_same(&layer.pool.window, shape_of(builder, x));
    return add_simple(builder, x, &layer, unit->name);
}

struct result build_pad(struct builder *builder, struct result x, const char *name, size_t before,
                        size_t after)
{
    struct layer layer = {
        .kind = LAYER_PAD,
        .operator = "padding",
        .pad = {.before = {0, before, before}, .after = {0, after, after}, .mode = PAD_CONSTANT},
    };

    return add_simple(builder, x, &layer, name);
}

struct result build_pad_channels(struct builder *builder, struct result x, const char *name,
                                 size_t before, size_t after)
{
    struct layer layer = {
        .kind = LAYER_PAD,
        .operator = "padding",
        .pad = {.before = {before}, .after = {after}, .mode = PAD_CONSTANT},
    };

    x.channels += before + after;
    return add_simple(builder, x, &layer, name);
}

struct result build_subsample(struct builder *builder, struct result x, const char *name,
                              size_t step)
{
    struct layer layer = {.kind = LAYER_SLICE, .operator = "subsampling"};
    const struct shape *shape;

    if (!builder_adds(builder))
        return x;
    shape = shape_of(builder, x);
    for (size_t axis = 0; axis < SHAPE_MAP_RANK; axis++) {
        size_t every = axis == SHAPE_CHANNELS ? 1 : step;

        layer.slice.step[axis] = (int64_t)every;
        layer.slice.count[axis] = (shape->dims[axis] + every - 1) / every;
    }
    return add_simple(builder, x, &layer, name);
}

struct result build_average(struct builder *builder, struct result x, const char *name)
{
    struct layer layer = {
        .kind = LAYER_POOL, .operator = "average pooling", .pool = {.global = true}};

    return add_simple(builder, x, &layer, name);
}

struct result build_adaptive_average(struct builder *builder, struct result x, const char *name,
                                     size_t side)
{
    struct layer layer = {.kind = LAYER_POOL, .operator = "adaptive average pooling"};
    const struct shape *shape;

    if (!builder_adds(builder))
        return x;
    shape = shape_of(builder, x);
    for (size_t axis = 0; axis < 2; axis++) {
        size_t length = shape->dims[SHAPE_HEIGHT + axis];

        layer.pool.window.kernel[axis] = layer.pool.window.stride[axis] = length / side;
        layer.pool.window.dilation[axis] = 1;
        if (length % side != 0) {
            layer.kind = LAYER_UNSUPPORTED;
            layer.reason = "windows of different sizes, as this size of image needs, are not "
                           "supported";
            layer.shape = (struct shape){SHAPE_MAP_RANK, {x.channels, side, side}};
        }
    }
    return add_simple(builder, x, &layer, name);
}

struct result build_sum(struct builder *builder, struct result a, struct result b,
                        const char *name)
{
    size_t inputs[] = {a.layer, b.layer};
    struct layer layer = {.kind = LAYER_BINARY, .operator = "sum", .binary = BINARY_ADD};

    if (builder_adds(builder))
        a.layer = builder_add(builder, &layer, name, inputs, 2);
    return a;
}

struct result build_concat(struct builder *builder, const struct result *parts, size_t count,
                           const char *name)
{
    size_t *inputs = memory_allocate(count, sizeof *inputs, builder->error);
    struct layer layer = {
        .kind = LAYER_CONCAT, .operator = "concatenation", .concat_axis = SHAPE_CHANNELS};
    struct result x = {0};

    if (inputs == NULL)
        builder->outcome = FAILED;
    for (size_t i = 0; i < count; i++) {
        x.channels += parts[i].channels;
        if (inputs != NULL)
            inputs[i] = parts[i].layer;
    }
    if (builder_adds(builder))
        x.layer = builder_add(builder, &layer, name, inputs, count);
    free(inputs);
    return x;
}

struct result build_flatten(struct builder *builder, struct result x, const char *name,
                            size_t pixels)
{
    struct layer flat = {.kind = LAYER_RESHAPE, .operator = "flattening"};

    x.channels *= pixels;
    if (!builder_adds(builder))
        return x;
    flat.shape = (struct shape){1, {shape_count(shape_of(builder, x))}};
    return add_simple(builder, x, &flat, name);
}

struct result build_dense(struct builder *builder, struct result x, const char *name,
                          size_t outputs, const char *activated, enum unit_activation activation)
{
    bool transposed = builder->weights->framework == FRAMEWORK_PYTORCH;
    size_t shape[2] = {x.channels, x.channels};
    struct layer layer = {.kind = LAYER_DENSE, .operator = "fully connected layer",
                          .dense = {.transposed = transposed, .factor = 1}};
    const struct weight *factor, *shift;

    shape[transposed ? 0 : 1] = outputs;
    factor = builder_expect(builder, name, WEIGHT_FACTOR, shape, 2);
    x.channels = outputs;
    if (outputs == 0 && factor != NULL)
        x.channels = factor->shape[transposed ? 0 : 1];
    shift = builder_expect(builder, name, WEIGHT_SHIFT, &x.channels, 1);
    if (builder_adds(builder) && builder_load(builder, factor, &layer.dense.weights) == 0) {
        layer.dense.shift = builder_floats(builder, shift);
        x = add_simple(builder, x, &layer, name);
    }
    return build_activation(builder, x, activated != NULL ? activated : name, activation);
}
