/*
 * Modules that make one result of one: windows, paddings, other shapes; and the table of all.
 */
#include <math.h>
#include <string.h>

#include "extract/formats/torch7_reader_private.h"

/* ---- fields ----------------------------------------------------------------------------- */

int torch7_extent(const struct torch7_module *module, const char *name, size_t minimum,
                  size_t fallback, size_t *value, struct error *error)
{
    double number = torch7_number(module->object, name, (double)fallback);

    if (!(number >= (double)minimum && number <= TORCH7_MAX_EXTENT) ||
        fabs(number - floor(number)) > 0)
        return error_set(error, "its '%s' is %g", name, number);
    *value = (size_t)number;
    return 0;
}

int torch7_find_tensor(struct torch7_reader *reader, const struct torch7_module *module,
                       const char *name, struct tensor *tensor, bool *present, struct error *error)
{
    const struct torch7_object *object = torch7_child(module->object, name);

    *present = object != NULL && object->kind == TORCH7_TENSOR;
    if (!*present)
        return 0;
    if (torch7_tensor(object, reader->graph, tensor, error) < 0)
        return error_wrap(error, "its '%s'", name);
    return 0;
}

int torch7_need_tensor(struct torch7_reader *reader, const struct torch7_module *module,
                       const char *name, struct tensor *tensor, struct error *error)
{
    bool present;

    if (torch7_find_tensor(reader, module, name, tensor, &present, error) < 0)
        return FAILED;
    return present ? 0 : error_set(error, "its '%s' is missing", name);
}

int torch7_find_floats(struct torch7_reader *reader, const struct torch7_module *module,
                       const char *name, size_t count, const float **values, struct error *error)
{
    struct tensor tensor;
    bool present;

    if (torch7_find_tensor(reader, module, name, &tensor, &present, error) < 0)
        return FAILED;
    if (!present)
        return 0;
    if (tensor.count != count)
        return error_set(error, "its '%s' has %zu numbers, not %zu", name, tensor.count, count);
    *values = graph_floats(reader->graph, &tensor, error);
    return *values != NULL ? 0 : FAILED;
}

int torch7_add_single(struct torch7_reader *reader, const struct torch7_module *module,
                      struct layer *layer, size_t *input, struct error *error)
{
    layer->input_count = 1;
    return torch7_add(reader, module, layer, input, input, error);
}

/* ---- windows ---------------------------------------------------------------------------- */

/* Old modules have one `padding` for both dimensions, or none. */
static int read_window(const struct torch7_module *module, struct window *window,
                       struct error *error)
{
    static const char *const names[][2] = {
        {"kH", "kW"}, {"dH", "dW"}, {"padH", "padW"}, {"dilationH", "dilationW"},
    };
    size_t padding;

    if (torch7_extent(module, "padding", 0, 0, &padding, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < 2; axis++) {
        if (torch7_extent(module, names[0][axis], 1, 0, &window->kernel[axis], error) < 0 ||
            torch7_extent(module, names[1][axis], 1, 1, &window->stride[axis], error) < 0 ||
            torch7_extent(module, names[2][axis], 0, padding, &window->pad_begin[axis],
                          error) < 0 ||
            torch7_extent(module, names[3][axis], 1, 1, &window->dilation[axis], error) < 0)
            return FAILED;
        window->pad_end[axis] = window->pad_begin[axis];
    }
    return 0;
}

/* The weights lie as [out][in / groups][kH][kW]; as a matrix with as many rows in modules that
 * work by a product, and with the groups before all in old ones of cudnn. */
static int shape_weights(struct tensor *weights, size_t outputs, size_t inputs,
                         const struct convolution *convolution, struct error *error)
{
    const int64_t shape[] = {(int64_t)outputs, (int64_t)(inputs / convolution->groups),
                             (int64_t)convolution->window.kernel[0],
                             (int64_t)convolution->window.kernel[1]};
    size_t found = weights->count;

    if (tensor_set_shape(weights, shape, 4, error) < 0)
        return FAILED;
    if (weights->count != found)
        return error_set(error, "its weights have %zu numbers, not %zux%zux%zux%zu", found,
                         weights->shape[0], weights->shape[1], weights->shape[2],
                         weights->shape[3]);
    return 0;
}

static int read_convolution(struct torch7_reader *reader, const struct torch7_module *module,
                            size_t *layer, struct error *error)
{
    struct layer made = {.kind = LAYER_CONVOLUTION};
    struct convolution *convolution = &made.convolution;
    size_t inputs, outputs;

    if (read_window(module, &convolution->window, error) < 0 ||
        torch7_extent(module, "groups", 1, 1, &convolution->groups, error) < 0 ||
        torch7_extent(module, "nInputPlane", 1, 0, &inputs, error) < 0 ||
        torch7_extent(module, "nOutputPlane", 1, 0, &outputs, error) < 0 ||
        torch7_need_tensor(reader, module, "weight", &convolution->weights, error) < 0 ||
        shape_weights(&convolution->weights, outputs, inputs, convolution, error) < 0 ||
        torch7_find_floats(reader, module, "bias", outputs, &convolution->shift, error) < 0)
        return FAILED;
    return torch7_add_single(reader, module, &made, layer, error);
}

static int read_pool(struct torch7_reader *reader, const struct torch7_module *module,
                     size_t *layer, struct error *error)
{
    struct bytes mode = torch7_text(module->object, "mode");
    struct layer made = {.kind = LAYER_POOL};
    struct pool *pool = &made.pool;

    pool->maximum = strcmp(module->kind, "SpatialMaxPooling") == 0 ||
                    strcmp(module->kind, "SpatialDilatedMaxPooling") == 0;
    pool->ceiling = torch7_boolean(module->object, "ceil_mode", false);
    pool->count_padding = torch7_boolean(module->object, "count_include_pad", true) &&
                          !bytes_are(mode, "CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING");
    if (!pool->maximum && !torch7_boolean(module->object, "divide", true))
        return error_set(error, "a sum over its windows is not supported");
    if (read_window(module, &pool->window, error) < 0)
        return FAILED;
    return torch7_add_single(reader, module, &made, layer, error);
}

/* imagine-nn's pooling, which loadcaffe used: rounded up, as Caffe's. */
static int read_ceiling_pool(struct torch7_reader *reader, const struct torch7_module *module,
                             size_t *layer, struct error *error)
{
    struct layer made = {.kind = LAYER_POOL, .pool = {.maximum = true, .ceiling = true}};

    if (read_window(module, &made.pool.window, error) < 0)
        return FAILED;
    return torch7_add_single(reader, module, &made, layer, error);
}

/* To one pixel only. */
static int read_adaptive_pool(struct torch7_reader *reader, const struct torch7_module *module,
                              size_t *layer, struct error *error)
{
    struct layer made = {.kind = LAYER_POOL, .pool.global = true};
    size_t height, width;

    made.pool.maximum = strcmp(module->kind, "SpatialAdaptiveMaxPooling") == 0;
    if (torch7_extent(module, "H", 1, 0, &height, error) < 0 ||
        torch7_extent(module, "W", 1, 0, &width, error) < 0)
        return FAILED;
    if (height != 1 || width != 1)
        return error_set(error, "it is supported for a result of one pixel only");
    return torch7_add_single(reader, module, &made, layer, error);
}

/* ---- padding ---------------------------------------------------------------------------- */

/* Paddings below 0 cut off: a slice before the padding. `pads`: [channels, height, width][2]. */
static int add_padding(struct torch7_reader *reader, const struct torch7_module *module,
                       double pads[SHAPE_MAP_RANK][2], enum pad_mode mode, double value,
                       size_t *layer, struct error *error)
{
    const struct shape *shape = torch7_shape(reader, *layer);
    struct layer slice = {.kind = LAYER_SLICE};
    struct layer pad = {.kind = LAYER_PAD, .pad = {.mode = mode, .value = (float)value}};

    for (size_t axis = 0; axis < shape->rank; axis++) {
        double before = pads[axis][0], after = pads[axis][1];
        double kept = (double)shape->dims[axis] + fmin(before, 0) + fmin(after, 0);

        if (!(fabs(before) <= TORCH7_MAX_EXTENT && fabs(after) <= TORCH7_MAX_EXTENT && kept >= 1))
            return error_set(error, "its padding of %g and %g does not fit its input", before,
                             after);
        slice.slice.begin[axis] = (size_t)-fmin(before, 0);
        slice.slice.count[axis] = (size_t)kept;
        slice.slice.step[axis] = 1;
        pad.pad.before[axis] = (size_t)fmax(before, 0);
        pad.pad.after[axis] = (size_t)fmax(after, 0);
    }
    if (torch7_add_single(reader, module, &slice, layer, error) < 0)
        return FAILED;
    return torch7_add_single(reader, module, &pad, layer, error);
}

static int read_spatial_padding(struct torch7_reader *reader, const struct torch7_module *module,
                                size_t *layer, struct error *error)
{
    const struct torch7_object *object = module->object;
    double pads[SHAPE_MAP_RANK][2] = {
        {0, 0},
        {torch7_number(object, "pad_t", 0), torch7_number(object, "pad_b", 0)},
        {torch7_number(object, "pad_l", 0), torch7_number(object, "pad_r", 0)},
    };
    enum pad_mode mode = strcmp(module->kind, "SpatialReflectionPadding") == 0    ? PAD_REFLECT
                         : strcmp(module->kind, "SpatialReplicationPadding") == 0 ? PAD_EDGE
                                                                                  : PAD_CONSTANT;

    if (!shape_is_map(torch7_shape(reader, *layer)))
        return error_set(error, "its input is not a map of channels, height and width");
    return add_padding(reader, module, pads, mode, 0, layer, error);
}

/* nn.Padding: |pad| numbers behind a dimension, or before it where pad is below 0. */
static int read_padding(struct torch7_reader *reader, const struct torch7_module *module,
                        size_t *layer, struct error *error)
{
    double pads[SHAPE_MAP_RANK][2] = {{0}}, pad = torch7_number(module->object, "pad", 0);
    size_t dimension, rank = torch7_shape(reader, *layer)->rank;

    if (torch7_extent(module, "dim", 1, 0, &dimension, error) < 0)
        return FAILED;
    if (!(torch7_number(module->object, "nInputDim", 0) > 0))
        dimension--;
    if (rank > SHAPE_MAP_RANK || dimension < 1 || dimension > rank ||
        torch7_number(module->object, "index", 1) > 1)
        return error_set(error, "its dimension or place is not supported");
    pads[dimension - 1][pad < 0 ? 0 : 1] = fabs(pad);
    return add_padding(reader, module, pads, PAD_CONSTANT,
                       torch7_number(module->object, "value", 0), layer, error);
}

/* ---- fully connected -------------------------------------------------------------------- */

static int read_linear(struct torch7_reader *reader, const struct torch7_module *module,
                       size_t *layer, struct error *error)
{
    struct layer made = {.kind = LAYER_DENSE, .dense = {.transposed = true, .factor = 1}};
    struct dense *dense = &made.dense;

    if (torch7_need_tensor(reader, module, "weight", &dense->weights, error) < 0)
        return FAILED;
    if (dense->weights.rank != 2)
        return error_set(error, "its weights are no matrix");
    input_fit_meet(reader->fit, dense->weights.shape[1],
                   shape_count(torch7_shape(reader, *layer)));
    if (torch7_find_floats(reader, module, "bias", dense->weights.shape[0], &dense->shift,
                           error) < 0)
        return FAILED;
    return torch7_add_single(reader, module, &made, layer, error);
}

/* The sizes that View and Reshape ask for; -1 is what remains, and as the first of several the
 * batch. */
static int read_sizes(struct torch7_reader *reader, const struct torch7_module *module,
                      size_t elements, struct shape *shape, struct error *error)
{
    struct tensor sizes;
    size_t product = 1, open = SHAPE_MAX_RANK;

    if (torch7_tensor(torch7_child(module->object, "size"), reader->graph, &sizes, error) < 0 ||
        !tensor_is_integer(&sizes) || sizes.count == 0 || sizes.count > SHAPE_MAX_RANK)
        return error_set(error, "its 'size' is no list of sizes");
    for (size_t i = 0; i < sizes.count; i++) {
        int64_t size = tensor_integer(&sizes, i);

        shape->dims[i] = size > 0 ? (size_t)size : 1;
        if ((size < 1 && (size != -1 || open < SHAPE_MAX_RANK)) ||
            __builtin_mul_overflow(product, shape->dims[i], &product))
            return error_set(error, "its size %zu is %lld", i + 1, (long long)size);
        if (size == -1)
            open = i;
    }
    shape->rank = sizes.count;
    if (open == 0 && shape->rank > 1) {
        shape->rank--;
        memmove(shape->dims, shape->dims + 1, shape->rank * sizeof shape->dims[0]);
    } else if (open < SHAPE_MAX_RANK) {
        shape->dims[open] = elements / product;
        return 0;
    }
    input_fit_meet(reader->fit, product, elements);
    return 0;
}

static int read_view(struct torch7_reader *reader, const struct torch7_module *module,
                     size_t *layer, struct error *error)
{
    struct layer made = {.kind = LAYER_RESHAPE};

    if (read_sizes(reader, module, shape_count(torch7_shape(reader, *layer)), &made.shape,
                   error) < 0)
        return FAILED;
    return torch7_add_single(reader, module, &made, layer, error);
}

static int read_squeeze(struct torch7_reader *reader, const struct torch7_module *module,
                        size_t *layer, struct error *error)
{
    const struct shape *shape = torch7_shape(reader, *layer);
    struct layer made = {.kind = LAYER_RESHAPE};

    if (torch7_field(module->object, "dim") != NULL)
        return error_set(error, "it is supported without a dimension only");
    for (size_t axis = 0; axis < shape->rank; axis++)
        if (shape->dims[axis] != 1)
            made.shape.dims[made.shape.rank++] = shape->dims[axis];
    if (made.shape.rank == 0)
        made.shape = (struct shape){1, {1}};
    return torch7_add_single(reader, module, &made, layer, error);
}

/* ---- the table -------------------------------------------------------------------------- */

/* What changes nothing in a trained network. */
static int read_nothing(struct torch7_reader *reader, const struct torch7_module *module,
                        size_t *layer, struct error *error)
{
    (void)reader;
    (void)module;
    (void)layer;
    (void)error;
    return 0;
}

static const struct {
    const char *kind;
    torch7_layer_function *read;
} modules[] = {
    {"AddConstant", torch7_read_add},
    {"BatchNormalization", torch7_read_batch_norm},
    {"Contiguous", read_nothing},
    {"Copy", read_nothing},
    {"Dropout", torch7_read_dropout},
    {"ELU", torch7_read_elu},
    {"GradientReversal", read_nothing},
    {"HardTanh", torch7_read_hard_tanh},
    {"LeakyReLU", torch7_read_leaky_relu},
    {"Linear", read_linear},
    {"MulConstant", torch7_read_multiply},
    {"PReLU", torch7_read_prelu},
    {"Padding", read_padding},
    {"RReLU", torch7_read_random_relu},
    {"ReLU", torch7_read_relu},
    {"ReLU6", torch7_read_relu},
    {"Reshape", read_view},
    {"Sigmoid", torch7_read_sigmoid},
    {"SoftMax", torch7_read_softmax},
    {"SpatialAdaptiveAveragePooling", read_adaptive_pool},
    {"SpatialAdaptiveMaxPooling", read_adaptive_pool},
    {"SpatialAveragePooling", read_pool},
    {"SpatialBatchNormalization", torch7_read_batch_norm},
    {"SpatialConvolution", read_convolution},
    {"SpatialConvolutionMM", read_convolution},
    {"SpatialCrossMapLRN", torch7_read_lrn},
    {"SpatialDilatedConvolution", read_convolution},
    {"SpatialDilatedMaxPooling", read_pool},
    {"SpatialDropout", torch7_read_dropout},
    {"SpatialMaxPooling", read_pool},
    {"SpatialReflectionPadding", read_spatial_padding},
    {"SpatialReplicationPadding", read_spatial_padding},
    {"SpatialSoftMax", torch7_read_softmax},
    {"SpatialZeroPadding", read_spatial_padding},
    {"Squeeze", read_squeeze},
    {"Tanh", torch7_read_tanh},
    {"Threshold", torch7_read_threshold},
    {"View", read_view},
    {"inn.SpatialMaxPooling", read_ceiling_pool},
};

torch7_layer_function *torch7_find_module(const char *kind)
{
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        if (strcmp(modules[i].kind, kind) == 0)
            return modules[i].read;
    return NULL;
}
