/*
 * Normalisation, activations, sums and products: what changes numbers but not their places.
 */
#include <math.h>
#include <string.h>

#include "extract/formats/batch_norm.h"
#include "extract/formats/mxnet_reader_private.h"

/* ---- normalisation ---------------------------------------------------------------------- */

/* With "fix_gamma", which is the default, gamma is 1 whatever the file holds. */
int mxnet_batch_norm(struct mxnet_reader *reader, const struct mxnet_node *node,
                     struct error *error)
{
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    struct batch_norm norm = {0};
    bool fix_gamma;
    int64_t axis;
    size_t input;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        mxnet_real(node, "eps", 1e-3, &norm.epsilon, error) < 0 ||
        mxnet_boolean(node, "fix_gamma", true, &fix_gamma, error) < 0 ||
        mxnet_integer(node, "axis", 1, &axis, error) < 0 ||
        mxnet_need_parameter(reader, node, 1, "gamma", &norm.gamma, error) < 0 ||
        mxnet_need_parameter(reader, node, 2, "beta", &norm.beta, error) < 0 ||
        mxnet_need_parameter(reader, node, 3, "moving_mean", &norm.mean, error) < 0 ||
        mxnet_need_parameter(reader, node, 4, "moving_var", &norm.variance, error) < 0)
        return FAILED;
    if (axis != 1)
        return error_set(error, "it is supported over channels only");
    if (fix_gamma)
        norm.gamma = NULL;
    if (batch_norm_affine(reader->graph, &norm, shape_channels(mxnet_shape(reader, input)),
                          &layer.affine, error) < 0)
        return FAILED;
    return mxnet_add(reader, node, &layer, &input, error);
}

int mxnet_lrn(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_LRN};
    double alpha, beta, bias;
    int64_t size;

    if (mxnet_integer(node, "nsize", 0, &size, error) < 0 ||
        mxnet_real(node, "alpha", 1e-4, &alpha, error) < 0 ||
        mxnet_real(node, "beta", 0.75, &beta, error) < 0 ||
        mxnet_real(node, "knorm", 2, &bias, error) < 0)
        return FAILED;
    if (size < 1 || size > MXNET_MAX_EXTENT)
        return error_set(error, "its 'nsize' is %lld", (long long)size);
    layer.lrn = (struct lrn){(size_t)size, (float)alpha, (float)beta, (float)bias};
    return mxnet_add_simple(reader, node, &layer, error);
}

/* SoftmaxOutput and SoftmaxActivation work over all numbers of an image, or say that they work
 * over channels; softmax has an axis. */
int mxnet_softmax(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    struct layer layer = {.kind = LAYER_SOFTMAX, .input_count = 1};
    bool multiple, preserved;
    size_t input, place;
    int64_t axis;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        mxnet_boolean(node, "multi_output", false, &multiple, error) < 0 ||
        mxnet_boolean(node, "preserve_shape", false, &preserved, error) < 0)
        return FAILED;
    layer.softmax_channels = multiple || mxnet_attribute_is(node, "mode", "instance", "channel");
    if (node->operator[0] == 's') {
        if (mxnet_integer(node, "axis", -1, &axis, error) < 0 ||
            mxnet_axis(axis, mxnet_shape(reader, input)->rank, &place, error) < 0)
            return FAILED;
        if (place != 0)
            return error_set(error, "it is supported over channels only");
        layer.softmax_channels = true;
    } else if (preserved && mxnet_shape(reader, input)->rank != 1) {
        return error_set(error, "it is supported over channels only");
    }
    return mxnet_add(reader, node, &layer, &input, error);
}

/* ---- activations ------------------------------------------------------------------------ */

static int add_activation(struct mxnet_reader *reader, const struct mxnet_node *node,
                          enum activation_kind kind, double a, double b, struct error *error)
{
    struct layer layer = {
        .kind = LAYER_ACTIVATION,
        .activation = {.kind = kind, .a = (float)a, .b = (float)b},
    };

    return mxnet_add_simple(reader, node, &layer, error);
}

int mxnet_relu(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_CLIP, 0, (double)INFINITY, error);
}

int mxnet_sigmoid(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_SIGMOID, 0, 0, error);
}

int mxnet_tanh(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_TANH, 0, 0, error);
}

int mxnet_hard_sigmoid(struct mxnet_reader *reader, const struct mxnet_node *node,
                       struct error *error)
{
    double alpha, beta;

    if (mxnet_real(node, "alpha", 0.2, &alpha, error) < 0 ||
        mxnet_real(node, "beta", 0.5, &beta, error) < 0)
        return FAILED;
    return add_activation(reader, node, ACTIVATION_HARD_SIGMOID, alpha, beta, error);
}

int mxnet_activation(struct mxnet_reader *reader, const struct mxnet_node *node,
                     struct error *error)
{
    const char *type = mxnet_attribute(node, "act_type");

    if (type != NULL && strcmp(type, "relu") == 0)
        return mxnet_relu(reader, node, error);
    if (type != NULL && strcmp(type, "sigmoid") == 0)
        return mxnet_sigmoid(reader, node, error);
    if (type != NULL && strcmp(type, "tanh") == 0)
        return mxnet_tanh(reader, node, error);
    return error_set(error, "its type '%s' is not supported", type != NULL ? type : "");
}

static int add_prelu(struct mxnet_reader *reader, const struct mxnet_node *node,
                     struct error *error)
{
    struct layer layer = {.kind = LAYER_ACTIVATION, .activation = {.kind = ACTIVATION_PRELU}};
    const struct tensor *slopes;
    size_t input, channels;

    if (mxnet_layer(reader, node, 0, &input, error) < 0 ||
        mxnet_need_parameter(reader, node, 1, "gamma", &slopes, error) < 0)
        return FAILED;
    channels = shape_channels(mxnet_shape(reader, input));
    if (slopes->type == TENSOR_OTHER || (slopes->count != 1 && slopes->count != channels))
        return error_set(error, "it has %zu slopes for %zu channels", slopes->count, channels);
    layer.activation.slopes =
        slopes->count == 1 ? mxnet_repeated(reader, tensor_real(slopes, 0), channels, error)
                           : mxnet_floats(reader, slopes, error);
    if (layer.activation.slopes == NULL)
        return FAILED;
    return mxnet_add_simple(reader, node, &layer, error);
}

/* A random slope (rrelu) is its mean when a trained network is used. */
int mxnet_leaky_relu(struct mxnet_reader *reader, const struct mxnet_node *node,
                     struct error *error)
{
    const char *type = mxnet_attribute(node, "act_type");
    double slope, lower, upper;

    if (mxnet_real(node, "slope", 0.25, &slope, error) < 0 ||
        mxnet_real(node, "lower_bound", 0.125, &lower, error) < 0 ||
        mxnet_real(node, "upper_bound", 0.334, &upper, error) < 0)
        return FAILED;
    if (type == NULL || strcmp(type, "leaky") == 0)
        return add_activation(reader, node, ACTIVATION_LEAKY, slope, 0, error);
    if (strcmp(type, "prelu") == 0)
        return add_prelu(reader, node, error);
    if (strcmp(type, "elu") == 0)
        return add_activation(reader, node, ACTIVATION_ELU, slope, 0, error);
    if (strcmp(type, "rrelu") == 0)
        return add_activation(reader, node, ACTIVATION_LEAKY, (lower + upper) / 2, 0, error);
    return error_set(error, "its type '%s' is not supported", type);
}

/* clip, and the larger or smaller of each number and a scalar. */
int mxnet_clip(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    double low, high, scalar;

    if (mxnet_real(node, "a_min", -(double)INFINITY, &low, error) < 0 ||
        mxnet_real(node, "a_max", (double)INFINITY, &high, error) < 0 ||
        mxnet_real(node, "scalar", 0, &scalar, error) < 0)
        return FAILED;
    if (strcasestr(node->operator, "maximum") != NULL)
        low = scalar;
    else if (strcasestr(node->operator, "minimum") != NULL)
        high = scalar;
    return add_activation(reader, node, ACTIVATION_CLIP, low, high, error);
}

/* ---- a number or a parameter and a result ------------------------------------------------- */

/* x * scale + shift, the same for all channels. */
static int add_scalar(struct mxnet_reader *reader, const struct mxnet_node *node, double scale,
                      double shift, struct error *error)
{
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    size_t input, channels;

    if (mxnet_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    channels = shape_channels(mxnet_shape(reader, input));
    layer.affine.scale = mxnet_repeated(reader, scale, channels, error);
    layer.affine.shift = mxnet_repeated(reader, shift, channels, error);
    if (layer.affine.scale == NULL || layer.affine.shift == NULL)
        return FAILED;
    return mxnet_add(reader, node, &layer, &input, error);
}

int mxnet_scalar(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    const char *operator = node->operator;
    double scalar;

    if (strcmp(operator, "negative") == 0)
        return add_scalar(reader, node, -1, 0, error);
    if (mxnet_attribute(node, "scalar") == NULL)
        return error_set(error, "its 'scalar' is missing");
    if (mxnet_real(node, "scalar", 0, &scalar, error) < 0)
        return FAILED;
    if (strcasestr(operator, "plus") != NULL)
        return add_scalar(reader, node, 1, scalar, error);
    if (strcasestr(operator, "rminus") != NULL)
        return add_scalar(reader, node, -1, scalar, error);
    if (strcasestr(operator, "minus") != NULL)
        return add_scalar(reader, node, 1, -scalar, error);
    return add_scalar(reader, node, strcasestr(operator, "div") != NULL ? 1 / scalar : scalar, 0,
                      error);
}

static enum binary_kind binary_kind_of(const struct mxnet_node *node)
{
    if (strcasestr(node->operator, "mul") != NULL)
        return BINARY_MULTIPLY;
    if (strcasestr(node->operator, "div") != NULL)
        return BINARY_DIVIDE;
    if (strcasestr(node->operator, "sub") != NULL || strcasestr(node->operator, "minus") != NULL)
        return BINARY_SUBTRACT;
    return BINARY_ADD;
}

/* One number for each channel, or one for all: [1, c, 1, 1] or [1, c]. */
static bool is_per_channel(const struct tensor *parameter, size_t channels)
{
    if (parameter->type == TENSOR_OTHER ||
        (parameter->count != 1 && parameter->count != channels))
        return false;
    for (size_t axis = 0; axis < parameter->rank; axis++)
        if (axis != 1 && parameter->shape[axis] != 1)
            return false;
    return true;
}

/* A parameter as the second operand: a scale or a shift. */
static int add_with_parameter(struct mxnet_reader *reader, const struct mxnet_node *node,
                              size_t input, const struct tensor *parameter, struct error *error)
{
    enum binary_kind kind = binary_kind_of(node);
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    size_t channels = shape_channels(mxnet_shape(reader, input));
    float *values;

    if (!is_per_channel(parameter, channels))
        return error_set(error, "its parameter is not one number for each channel, which alone is "
                         "supported");
    values = mxnet_repeated(reader, 0, channels, error);
    if (values == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        double value = tensor_real(parameter, parameter->count == 1 ? 0 : c);

        values[c] = (float)(kind == BINARY_SUBTRACT ? -value
                            : kind == BINARY_DIVIDE ? 1 / value
                                                    : value);
    }
    if (kind == BINARY_ADD || kind == BINARY_SUBTRACT)
        layer.affine.shift = values;
    else
        layer.affine.scale = values;
    return mxnet_add(reader, node, &layer, &input, error);
}

static int add_binary(struct mxnet_reader *reader, const struct mxnet_node *node,
                      enum binary_kind kind, size_t *inputs, struct error *error)
{
    struct layer layer = {.kind = LAYER_BINARY, .binary = kind, .input_count = 2};

    if (mxnet_shape(reader, inputs[0])->rank != mxnet_shape(reader, inputs[1])->rank)
        return error_set(error, "its inputs have different numbers of dimensions");
    return mxnet_add(reader, node, &layer, inputs, error);
}

int mxnet_binary(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    const struct tensor *first = NULL, *second = NULL;
    enum binary_kind kind = binary_kind_of(node);
    size_t inputs[2];

    if (node->input_count > 1) {
        first = mxnet_parameter(reader, node, 0, "lhs");
        second = mxnet_parameter(reader, node, 1, "rhs");
    }
    if (first == NULL && mxnet_layer(reader, node, 0, &inputs[0], error) < 0)
        return FAILED;
    if (second == NULL && mxnet_layer(reader, node, 1, &inputs[1], error) < 0)
        return FAILED;
    if (second != NULL)
        return add_with_parameter(reader, node, inputs[0], second, error);
    if (first != NULL && (kind == BINARY_ADD || kind == BINARY_MULTIPLY))
        return add_with_parameter(reader, node, inputs[1], first, error);
    if (first != NULL)
        return error_set(error, "a parameter as its first operand is not supported");
    return add_binary(reader, node, kind, inputs, error);
}

/* Any number of operands, added from left to right. */
int mxnet_add_n(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    size_t inputs[2];

    if (mxnet_layer(reader, node, 0, &inputs[0], error) < 0)
        return FAILED;
    mxnet_set_results(reader, node, inputs[0], 1);
    for (size_t i = 1; i < node->input_count; i++) {
        if (mxnet_layer(reader, node, i, &inputs[1], error) < 0 ||
            add_binary(reader, node, BINARY_ADD, inputs, error) < 0)
            return FAILED;
        inputs[0] = reader->graph->count - 1;
    }
    return 0;
}
