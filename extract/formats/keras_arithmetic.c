/*
 * What changes numbers but not their places: products, normalisation, activations, sums.
 */
#include <math.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/batch_norm.h"
#include "extract/formats/keras_reader_private.h"

int keras_dense(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                struct error *error)
{
    struct layer layer = {.kind = LAYER_DENSE, .dense = {.factor = 1}};
    struct dense *dense = &layer.dense;

    if (keras_weight(reader, node, 0, &dense->weights, error) < 0)
        return FAILED;
    if (dense->weights.rank != 2)
        return error_set(error, "its weights '%s' have %zu dimensions, not 2",
                         node->weights.items[0]->path, dense->weights.rank);
    if (keras_setting_flag(node->config, "use_bias", true)) {
        dense->shift = keras_weight_floats(reader, node, 1, dense->weights.shape[1], error);
        if (dense->shift == NULL)
            return FAILED;
    }
    if (keras_add_simple(reader, node, &layer, result, error) < 0)
        return FAILED;
    return keras_activate(reader, node, keras_setting(node->config, "activation"), *result,
                          result, error);
}

/* ---- normalisation ---------------------------------------------------------------------- */

/* FAILED unless the setting "axis", a number or a list of one, is the channels. */
static int check_channel_axis(const struct keras_reader *reader, const struct keras_node *node,
                              const struct shape *shape, struct error *error)
{
    const struct json_value *value = keras_setting(node->config, "axis");
    int64_t axis = -1;
    size_t along;

    if (json_tree_is_list(value)) {
        if (json_tree_count(value) != 1)
            return error_set(error, "it works along %zu axes", json_tree_count(value));
        value = json_tree_at(value, 0);
    }
    json_tree_integer(value, &axis);
    if (keras_axis(reader, axis, shape->rank, &along, error) < 0)
        return FAILED;
    if (along != SHAPE_CHANNELS || (shape->rank != 1 && !shape_is_map(shape)))
        return error_set(error, "it is supported along the channels only");
    return 0;
}

int keras_batch_norm(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                     struct error *error)
{
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    struct tensor tensors[4];
    const struct tensor *parameters[4] = {NULL};
    bool present[4] = {keras_setting_flag(node->config, "scale", true),
                       keras_setting_flag(node->config, "center", true), true, true};
    struct batch_norm norm = {0};
    size_t input, mode, count = 0;

    if (keras_input(node, &input, error) < 0 ||
        keras_setting_size(node->config, "mode", 0, 0, &mode, error) < 0 ||
        keras_setting_real(node->config, "epsilon", 1e-3, &norm.epsilon, error) < 0 ||
        check_channel_axis(reader, node, keras_shape(reader, input), error) < 0)
        return FAILED;
    if (mode == 1)
        return error_set(error, "the mode that looks at one image alone is not supported");
    for (size_t i = 0; i < 4; i++) {
        if (!present[i])
            continue;
        if (keras_weight(reader, node, count++, &tensors[i], error) < 0)
            return FAILED;
        parameters[i] = &tensors[i];
    }
    if (keras_charge(reader, 2 * sizeof(float), shape_channels(keras_shape(reader, input)),
                     error) < 0)
        return FAILED;
    norm.gamma = parameters[0];
    norm.beta = parameters[1];
    norm.mean = parameters[2];
    norm.variance = parameters[3];
    if (batch_norm_affine(reader->graph, &norm, shape_channels(keras_shape(reader, input)),
                          &layer.affine, error) < 0)
        return FAILED;
    return keras_add(reader, node, &layer, &input, result, error);
}

/* ---- one number, or one for each channel ------------------------------------------------ */

/* A constant of the configuration for each channel, in memory of the graph: a number, or a list
 * of as many, in as many brackets as there are. NULL and a message otherwise. */
static float *channel_constants(struct keras_reader *reader, const struct json_value *value,
                                size_t channels, const char *name, struct error *error)
{
    float *constants = keras_floats(reader, channels, error);
    double number;

    while (json_tree_is_list(value) && json_tree_count(value) == 1 && channels != 1)
        value = json_tree_at(value, 0);
    for (size_t c = 0; constants != NULL && c < channels; c++) {
        const struct json_value *item = json_tree_is_list(value) ? json_tree_at(value, c) : value;

        if ((json_tree_is_list(value) && json_tree_count(value) != channels) ||
            !keras_number(item, &number)) {
            error_set(error, "its '%s' is neither a number nor one for each of %zu channels",
                      name, channels);
            return NULL;
        }
        constants[c] = (float)number;
    }
    return constants;
}

int keras_rescaling(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                    struct error *error)
{
    const struct json_value *offset = keras_setting(node->config, "offset");
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    const struct json_value *scale = keras_setting(node->config, "scale");
    size_t input, channels;

    if (keras_input(node, &input, error) < 0)
        return FAILED;
    channels = shape_channels(keras_shape(reader, input));
    if (!reader->channels_last && (json_tree_is_list(scale) || json_tree_is_list(offset)))
        return error_set(error, "with the channels first it takes one number only");
    layer.affine.scale = channel_constants(reader, scale, channels, "scale", error);
    if (layer.affine.scale == NULL)
        return FAILED;
    if (offset != NULL) {
        layer.affine.shift = channel_constants(reader, offset, channels, "offset", error);
        if (layer.affine.shift == NULL)
            return FAILED;
    }
    return keras_add(reader, node, &layer, &input, result, error);
}

/* A statistic: given in the configuration, or learned and the weight `index`. */
static int read_statistic(struct keras_reader *reader, const struct keras_node *node,
                          const char *name, size_t index, size_t channels, double *values,
                          struct error *error)
{
    const struct json_value *given = keras_setting(node->config, name);
    struct tensor tensor;
    const float *constants;

    if (given != NULL) {
        constants = channel_constants(reader, given, channels, name, error);
        for (size_t c = 0; constants != NULL && c < channels; c++)
            values[c] = (double)constants[c];
        return constants != NULL ? 0 : FAILED;
    }
    if (keras_weight(reader, node, index, &tensor, error) < 0)
        return FAILED;
    if (tensor.count != channels && tensor.count != 1)
        return error_set(error, "its %s has %zu numbers for %zu channels", name, tensor.count,
                         channels);
    for (size_t c = 0; c < channels; c++)
        values[c] = tensor_real(&tensor, tensor.count == 1 ? 0 : c);
    return 0;
}

/* (x - mean) / max(sqrt(variance), 1e-7) */
int keras_normalization(struct keras_reader *reader, const struct keras_node *node,
                        size_t *result, struct error *error)
{
    static const double smallest = 1e-7;
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    double *mean, *variance;
    float *scale, *shift;
    size_t input, channels;

    if (keras_input(node, &input, error) < 0)
        return FAILED;
    channels = shape_channels(keras_shape(reader, input));
    if (keras_charge(reader, 2 * sizeof *mean, channels, error) < 0)
        return FAILED;
    mean = graph_allocate(reader->graph, channels, sizeof *mean, error);
    variance = graph_allocate(reader->graph, channels, sizeof *variance, error);
    scale = keras_floats(reader, channels, error);
    shift = keras_floats(reader, channels, error);
    if (mean == NULL || variance == NULL || scale == NULL || shift == NULL)
        return FAILED;
    if (keras_setting_flag(node->config, "invert", false))
        return error_set(error, "its inverse is not supported");
    if ((keras_setting(node->config, "axis") != NULL &&
         check_channel_axis(reader, node, keras_shape(reader, input), error) < 0) ||
        read_statistic(reader, node, "mean", 0, channels, mean, error) < 0 ||
        read_statistic(reader, node, "variance", 1, channels, variance, error) < 0)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        double factor = 1 / fmax(sqrt(variance[c]), smallest);

        scale[c] = (float)factor;
        shift[c] = (float)(-mean[c] * factor);
    }
    layer.affine = (struct affine){scale, shift};
    return keras_add(reader, node, &layer, &input, result, error);
}

/* ---- activations ------------------------------------------------------------------------ */

int keras_activation(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                     struct error *error)
{
    size_t input;

    if (keras_input(node, &input, error) < 0)
        return FAILED;
    return keras_activate(reader, node, keras_setting(node->config, "activation"), input, result,
                          error);
}

static int add_activation(struct keras_reader *reader, const struct keras_node *node,
                          enum activation_kind kind, double a, double b, size_t input,
                          size_t *result, struct error *error)
{
    struct layer layer = {.kind = LAYER_ACTIVATION, .input_count = 1,
                          .activation = {.kind = kind, .a = (float)a, .b = (float)b}};

    return keras_add(reader, node, &layer, &input, result, error);
}

/* x >= max_value: max_value; x >= threshold: x; else negative_slope (x - threshold). */
int keras_relu(struct keras_reader *reader, const struct keras_node *node, size_t *result,
               struct error *error)
{
    bool thresholded = node->class_name[0] == 'T';
    double maximum, slope, threshold;
    size_t input;

    if (keras_input(node, &input, error) < 0 ||
        keras_setting_real(node->config, "max_value", INFINITY, &maximum, error) < 0 ||
        keras_setting_real(node->config, "negative_slope", 0, &slope, error) < 0 ||
        keras_setting_real(node->config, thresholded ? "theta" : "threshold", thresholded ? 1 : 0,
                           &threshold, error) < 0)
        return FAILED;
    if (threshold < 0 || threshold > 0) {
        if (add_activation(reader, node, ACTIVATION_THRESHOLD, threshold, slope, input, &input,
                           error) < 0)
            return FAILED;
    } else if (slope < 0 || slope > 0) {
        if (add_activation(reader, node, ACTIVATION_LEAKY, slope, 0, input, &input, error) < 0)
            return FAILED;
    } else {
        return add_activation(reader, node, ACTIVATION_CLIP, 0, maximum, input, result, error);
    }
    *result = input;
    if (isinf(maximum))
        return 0;
    return add_activation(reader, node, ACTIVATION_CLIP, -INFINITY, maximum, input, result, error);
}

int keras_leaky_relu(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                     struct error *error)
{
    double slope;
    size_t input;

    if (keras_input(node, &input, error) < 0 ||
        keras_setting_real(node->config, "alpha", 0.3, &slope, error) < 0)
        return FAILED;
    return add_activation(reader, node, ACTIVATION_LEAKY, slope, 0, input, result, error);
}

int keras_elu(struct keras_reader *reader, const struct keras_node *node, size_t *result,
              struct error *error)
{
    double alpha;
    size_t input;

    if (keras_input(node, &input, error) < 0 ||
        keras_setting_real(node->config, "alpha", 1, &alpha, error) < 0)
        return FAILED;
    return add_activation(reader, node, ACTIVATION_ELU, alpha, 0, input, result, error);
}

int keras_prelu(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                struct error *error)
{
    struct layer layer = {.kind = LAYER_ACTIVATION, .activation = {.kind = ACTIVATION_PRELU}};
    const struct shape *shape;
    struct tensor slopes;
    size_t input;

    if (keras_input(node, &input, error) < 0 || keras_weight(reader, node, 0, &slopes, error) < 0)
        return FAILED;
    shape = keras_shape(reader, input);
    if (slopes.count != shape_channels(shape))
        return error_set(error, "it has %zu slopes for %zu channels; one for each is supported",
                         slopes.count, shape_channels(shape));
    layer.activation.slopes = keras_weight_floats(reader, node, 0, slopes.count, error);
    if (layer.activation.slopes == NULL)
        return FAILED;
    return keras_add_simple(reader, node, &layer, result, error);
}

int keras_softmax(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                  struct error *error)
{
    int64_t axis = -1;
    size_t input;

    if (keras_input(node, &input, error) < 0)
        return FAILED;
    json_tree_integer(keras_setting(node->config, "axis"), &axis);
    return keras_add_softmax(reader, node, axis, input, result, error);
}

/* ---- several operands ------------------------------------------------------------------- */

static int add_binary(struct keras_reader *reader, const struct keras_node *node,
                      enum binary_kind kind, const size_t inputs[2], size_t *result,
                      struct error *error)
{
    struct layer layer = {.kind = LAYER_BINARY, .binary = kind, .input_count = 2};

    if (keras_shape(reader, inputs[0])->rank != keras_shape(reader, inputs[1])->rank)
        return error_set(error, "its inputs have different numbers of dimensions");
    return keras_add(reader, node, &layer, inputs, result, error);
}

/* Multiplies every number by a constant. */
static int add_factor(struct keras_reader *reader, const struct keras_node *node, double factor,
                      size_t input, size_t *result, struct error *error)
{
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    size_t channels = shape_channels(keras_shape(reader, input));
    float *scale = keras_floats(reader, channels, error);

    if (scale == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++)
        scale[c] = (float)factor;
    layer.affine.scale = scale;
    return keras_add(reader, node, &layer, &input, result, error);
}

static const struct {
    const char *name;  /* a class of layers, or a mode of Keras 1's Merge */
    enum binary_kind kind;
    bool average;
} merges[] = {
    {"Add", BINARY_ADD, false},           {"sum", BINARY_ADD, false},
    {"Average", BINARY_ADD, true},        {"ave", BINARY_ADD, true},
    {"Multiply", BINARY_MULTIPLY, false}, {"mul", BINARY_MULTIPLY, false},
    {"Subtract", BINARY_SUBTRACT, false},
};

static int merge_as(struct keras_reader *reader, const struct keras_node *node,
                    enum binary_kind kind, bool average, size_t *result, struct error *error)
{
    size_t inputs[2] = {node->inputs[0]};

    for (size_t i = 1; i < node->input_count; i++) {
        inputs[1] = node->inputs[i];
        if (add_binary(reader, node, kind, inputs, &inputs[0], error) < 0)
            return FAILED;
    }
    *result = inputs[0];
    if (!average)
        return 0;
    return add_factor(reader, node, 1 / (double)node->input_count, inputs[0], result, error);
}

int keras_merge(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                struct error *error)
{
    const char *mode = json_tree_text(keras_setting(node->config, "mode"));
    const char *name = strcmp(node->class_name, "Merge") == 0 ? mode : node->class_name;

    if (node->input_count < 2)
        return keras_operation(reader, node, result, error);
    if (name != NULL && strcmp(name, "concat") == 0)
        return keras_concatenate(reader, node, result, error);
    for (size_t i = 0; name != NULL && i < sizeof merges / sizeof merges[0]; i++)
        if (strcmp(merges[i].name, name) == 0)
            return merge_as(reader, node, merges[i].kind, merges[i].average, result, error);
    return error_set(error, "its mode '%s' is not supported", name != NULL ? name : "");
}

/* ---- operations of the frameworks, as layers -------------------------------------------- */

/* Functions of TensorFlow that stand as TFOpLambda in a model, and operations of Keras 3 that
 * stand by their class. */
static const struct {
    const char *name;
    enum binary_kind kind;
} operations[] = {
    {"math.add", BINARY_ADD},          {"__operators__.add", BINARY_ADD},
    {"Add", BINARY_ADD},               {"math.subtract", BINARY_SUBTRACT},
    {"__operators__.sub", BINARY_SUBTRACT}, {"Subtract", BINARY_SUBTRACT},
    {"math.multiply", BINARY_MULTIPLY}, {"__operators__.mul", BINARY_MULTIPLY},
    {"Multiply", BINARY_MULTIPLY},     {"math.truediv", BINARY_DIVIDE},
    {"math.divide", BINARY_DIVIDE},    {"__operators__.truediv", BINARY_DIVIDE},
    {"Divide", BINARY_DIVIDE},         {"TrueDivide", BINARY_DIVIDE},
};

/* The constant operand of a call, and whether it stands before the layer. */
static const struct json_value *constant_operand(const struct keras_node *node, bool *first)
{
    const struct json_value *x = json_tree_get(node->keywords, "x");
    const struct json_value *y = json_tree_get(node->keywords, "y");
    double number;

    *first = false;
    if (y != NULL)
        return y;
    for (size_t i = 0; i < json_tree_count(node->arguments); i++) {
        const struct json_value *argument = json_tree_at(node->arguments, i);

        if (!keras_number(argument, &number))
            continue;
        *first = i == 0;
        return argument;
    }
    *first = true;
    return x;
}

static int operate_with_constant(struct keras_reader *reader, const struct keras_node *node,
                                 enum binary_kind kind, size_t *result, struct error *error)
{
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    bool first;
    const struct json_value *operand = constant_operand(node, &first);
    size_t channels = shape_channels(keras_shape(reader, node->inputs[0]));
    float *values, *negative = NULL;

    if (first && kind == BINARY_DIVIDE)
        return error_set(error, "a division of a constant is not supported");
    if (!reader->channels_last && json_tree_is_list(operand))
        return error_set(error, "with the channels first it takes one number only");
    values = channel_constants(reader, operand, channels, "constant", error);
    negative = keras_floats(reader, channels, error);
    if (values == NULL || negative == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        negative[c] = -1;
        if (kind == BINARY_SUBTRACT && !first)
            values[c] = -values[c];
        else if (kind == BINARY_DIVIDE)
            values[c] = 1 / values[c];
    }
    if (kind == BINARY_ADD || kind == BINARY_SUBTRACT)
        layer.affine = (struct affine){kind == BINARY_SUBTRACT && first ? negative : NULL, values};
    else
        layer.affine = (struct affine){values, NULL};
    return keras_add(reader, node, &layer, node->inputs, result, error);
}

int keras_operation(struct keras_reader *reader, const struct keras_node *node, size_t *result,
                    struct error *error)
{
    const char *name = json_tree_text(keras_setting(node->config, "function"));

    if (name == NULL)
        name = node->class_name;
    if (node->input_count == 0)
        return error_set(error, "it has no input");
    if (strcmp(name, "nn.relu") == 0 || strcmp(name, "nn.relu6") == 0)
        return add_activation(reader, node, ACTIVATION_CLIP, 0, name[7] == '6' ? 6 : INFINITY,
                              node->inputs[0], result, error);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].name, name) != 0)
            continue;
        if (node->input_count == 2)
            return add_binary(reader, node, operations[i].kind, node->inputs, result, error);
        if (node->input_count == 1)
            return operate_with_constant(reader, node, operations[i].kind, result, error);
    }
    return error_set(error, "the operation '%s' is not supported", name);
}
