/*
 * Normalisation, activations, sums and products: what changes numbers but not their places.
 */
#include <math.h>
#include <string.h>

#include "extract/formats/batch_norm.h"
#include "extract/formats/tensorflow_reader_private.h"

/* ---- per channel ------------------------------------------------------------------------ */

/* order: which inputs are gamma, beta, mean and variance. */
static int add_normalisation(struct reader *reader, const struct tensorflow_node *node,
                             const size_t *order, double epsilon, bool scaled,
                             struct error *error)
{
    const struct tensor *constants[4];
    struct batch_norm norm = {.epsilon = epsilon};
    struct layer layer = {.kind = LAYER_AFFINE};
    struct value value;
    size_t channels;

    if (tensorflow_formatted_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    channels = shape_channels(tensorflow_layer_shape(reader, &value));
    for (size_t i = 0; i < 4; i++) {
        constants[i] = tensorflow_constant(reader, node, order[i]);
        if (constants[i] == NULL)
            return error_set(error, "its parameter %zu is not a constant", order[i]);
    }
    norm.gamma = scaled ? constants[0] : NULL;
    norm.beta = constants[1];
    norm.mean = constants[2];
    norm.variance = constants[3];
    if (tensorflow_charge(reader, 2 * channels * sizeof(float), error) < 0 ||
        batch_norm_affine(reader->graph, &norm, channels, &layer.affine, error) < 0)
        return FAILED;
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

int tensorflow_batch_norm(struct reader *reader, const struct tensorflow_node *node,
                          struct error *error)
{
    static const size_t order[] = {1, 2, 3, 4};

    if (tensorflow_boolean(node, "is_training", true))
        return error_set(error, "it is not in the form used for inference");
    return add_normalisation(reader, node, order,
                             (double)tensorflow_float(node, "epsilon", 1e-4f), true, error);
}

/* The operator that FusedBatchNorm came after: mean, variance, beta, gamma. */
int tensorflow_global_normalisation(struct reader *reader, const struct tensorflow_node *node,
                                    struct error *error)
{
    static const size_t order[] = {4, 3, 1, 2};

    return add_normalisation(reader, node, order,
                             (double)tensorflow_float(node, "variance_epsilon", 1e-3f),
                             tensorflow_boolean(node, "scale_after_normalization", true), error);
}

/* x becomes scale x + shift, the same for all channels. */
static int add_uniform(struct reader *reader, const struct tensorflow_node *node,
                       const struct value *value, float scale, struct error *error)
{
    size_t channels = shape_channels(tensorflow_layer_shape(reader, value));
    struct layer layer = {.kind = LAYER_AFFINE};
    float *scales = tensorflow_allocate(reader, channels, error);

    if (scales == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++)
        scales[c] = scale;
    layer.affine.scale = scales;
    return tensorflow_add_simple(reader, node, &layer, value, error);
}

int tensorflow_negate(struct reader *reader, const struct tensorflow_node *node,
                      struct error *error)
{
    struct value value;

    if (tensorflow_input_in_pieces(reader, node, 0, &value, error) < 0)
        return FAILED;
    return add_uniform(reader, node, &value, -1, error);
}

int tensorflow_bias(struct reader *reader, const struct tensorflow_node *node,
                    struct error *error)
{
    const struct tensor *bias = tensorflow_constant(reader, node, 1);
    struct layer layer = {.kind = LAYER_AFFINE};
    struct value value;
    size_t channels;

    if (tensorflow_formatted_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    channels = shape_channels(tensorflow_layer_shape(reader, &value));
    if (bias == NULL || bias->rank != 1 || bias->count != channels)
        return error_set(error, "its bias is not a constant with %zu numbers", channels);
    layer.affine.shift = tensorflow_floats(reader, bias, channels, error);
    if (layer.affine.shift == NULL)
        return FAILED;
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

/* ---- activations ------------------------------------------------------------------------ */

static int add_activation(struct reader *reader, const struct tensorflow_node *node,
                          enum activation_kind kind, float a, float b, struct error *error)
{
    struct layer layer = {.kind = LAYER_ACTIVATION, .activation = {.kind = kind, .a = a, .b = b}};
    struct value value;

    if (tensorflow_input_in_pieces(reader, node, 0, &value, error) < 0)
        return FAILED;
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

int tensorflow_relu(struct reader *reader, const struct tensorflow_node *node,
                    struct error *error)
{
    return add_activation(reader, node, ACTIVATION_CLIP, 0, INFINITY, error);
}

int tensorflow_relu6(struct reader *reader, const struct tensorflow_node *node,
                     struct error *error)
{
    return add_activation(reader, node, ACTIVATION_CLIP, 0, 6, error);
}

int tensorflow_leaky_relu(struct reader *reader, const struct tensorflow_node *node,
                          struct error *error)
{
    return add_activation(reader, node, ACTIVATION_LEAKY, tensorflow_float(node, "alpha", 0.2f), 0,
                          error);
}

int tensorflow_elu(struct reader *reader, const struct tensorflow_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_ELU, 1, 0, error);
}

int tensorflow_sigmoid(struct reader *reader, const struct tensorflow_node *node,
                       struct error *error)
{
    return add_activation(reader, node, ACTIVATION_SIGMOID, 0, 0, error);
}

int tensorflow_tanh(struct reader *reader, const struct tensorflow_node *node,
                    struct error *error)
{
    return add_activation(reader, node, ACTIVATION_TANH, 0, 0, error);
}

static int read_number(const struct reader *reader, const struct tensorflow_node *node,
                       size_t index, float *number, struct error *error)
{
    const struct tensor *tensor = tensorflow_constant(reader, node, index);

    if (tensor == NULL || tensor->count != 1 || tensor->type == TENSOR_OTHER)
        return error_set(error, "its input %zu is not a constant number", index);
    *number = (float)tensor_real(tensor, 0);
    return 0;
}

int tensorflow_clip(struct reader *reader, const struct tensorflow_node *node,
                    struct error *error)
{
    float low, high;

    if (read_number(reader, node, 1, &low, error) < 0 ||
        read_number(reader, node, 2, &high, error) < 0)
        return FAILED;
    return add_activation(reader, node, ACTIVATION_CLIP, low, high, error);
}

/* Maximum or Minimum of a layer and a number, in either order. */
int tensorflow_bound(struct reader *reader, const struct tensorflow_node *node,
                     struct error *error)
{
    struct layer layer = {.kind = LAYER_ACTIVATION,
                          .activation = {.kind = ACTIVATION_CLIP, .a = -INFINITY, .b = INFINITY}};
    size_t constant_at = tensorflow_constant(reader, node, 0) != NULL ? 0 : 1;
    struct value value;
    float bound;

    if (tensorflow_input_in_pieces(reader, node, 1 - constant_at, &value, error) < 0 ||
        read_number(reader, node, constant_at, &bound, error) < 0)
        return FAILED;
    if (strcmp(node->operator, "Maximum") == 0)
        layer.activation.a = bound;
    else
        layer.activation.b = bound;
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

/* TensorFlow adds up 2 * depth_radius + 1 squares, the graph takes their mean. */
int tensorflow_lrn(struct reader *reader, const struct tensorflow_node *node, struct error *error)
{
    int64_t radius = tensorflow_integer(node, "depth_radius", 5);
    struct layer layer = {.kind = LAYER_LRN,
                          .lrn = {.beta = tensorflow_float(node, "beta", 0.5f),
                                  .bias = tensorflow_float(node, "bias", 1)}};
    struct value value;

    if (radius < 0 || radius > TENSORFLOW_MAX_EXTENT)
        return error_set(error, "its 'depth_radius' is %lld", (long long)radius);
    layer.lrn.size = 2 * (size_t)radius + 1;
    layer.lrn.alpha = tensorflow_float(node, "alpha", 1) * (float)layer.lrn.size;
    if (tensorflow_input(reader, node, 0, &value, error) < 0 ||
        tensorflow_turn(reader, node, false, &value, error) < 0)
        return FAILED;
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

/* Over the last axis. */
int tensorflow_softmax(struct reader *reader, const struct tensorflow_node *node,
                       struct error *error)
{
    struct layer layer = {.kind = LAYER_SOFTMAX};
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0 ||
        tensorflow_turn(reader, node, false, &value, error) < 0)
        return FAILED;
    layer.softmax_channels = shape_is_map(tensorflow_layer_shape(reader, &value));
    if (!layer.softmax_channels && tensorflow_layer_shape(reader, &value)->rank != 1)
        return error_set(error, "it is supported over channels only");
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}

/* ---- two operands ----------------------------------------------------------------------- */

static enum binary_kind binary_kind_of(const struct tensorflow_node *node)
{
    switch (node->operator[0]) {
    case 'S':
        return strcmp(node->operator, "Square") == 0 ? BINARY_MULTIPLY : BINARY_SUBTRACT;
    case 'M':
        return BINARY_MULTIPLY;
    case 'R':
    case 'D':
        return BINARY_DIVIDE;
    default:
        return BINARY_ADD;
    }
}

/* The shape of a constant beside `value`, by the graph's axes: 1 where it is broadcast. FAILED
 * when it has more axes than the value, or one for the batch. */
static int constant_shape(const struct reader *reader, const struct value *value,
                          const struct tensor *constant, struct shape *shape,
                          struct error *error)
{
    size_t rank = tensorflow_layer_shape(reader, value)->rank + 1;

    shape->rank = rank - 1;
    for (size_t axis = 0; axis + 1 < rank; axis++)
        shape->dims[axis] = 1;
    if (constant->rank > rank || (constant->rank == rank && constant->shape[0] != 1) ||
        constant->type == TENSOR_OTHER)
        return error_set(error, "its constant does not fit its other input");
    for (size_t i = 0; i < constant->rank; i++) {
        size_t axis = rank - constant->rank + i;

        if (axis > 0)
            shape->dims[tensorflow_graph_axis(reader, value, axis)] = constant->shape[i];
    }
    return 0;
}

/* True when the constant has one number for each channel of a map or vector, or one for all. */
static bool is_per_channel(const struct shape *constant, const struct shape *shape)
{
    if (shape_count(constant) == 1)
        return true;
    return (shape_is_map(shape) || shape->rank == 1) && shape_pixels(constant) == 1 &&
           constant->dims[SHAPE_CHANNELS] == shape->dims[SHAPE_CHANNELS] &&
           (shape_is_map(shape) || constant->rank == 1);
}

/* layer (operation) constant, or the reverse: a scale or a shift. */
static int add_channel_operation(struct reader *reader, const struct tensorflow_node *node,
                                 const struct value *value, const struct tensor *constant,
                                 bool constant_first, struct error *error)
{
    enum binary_kind kind = binary_kind_of(node);
    size_t channels = shape_channels(tensorflow_layer_shape(reader, value));
    struct layer layer = {.kind = LAYER_AFFINE};
    float *values = tensorflow_floats(reader, constant, channels, error);
    float *negative = NULL;

    if (values == NULL)
        return FAILED;
    if (kind == BINARY_SUBTRACT && constant_first) {
        negative = tensorflow_allocate(reader, channels, error);
        if (negative == NULL)
            return FAILED;
    }
    layer.affine = graph_affine(kind, values, negative, channels);
    return tensorflow_add_simple(reader, node, &layer, value, error);
}

/* A constant as a layer that is the same for every image. */
static int add_constant_layer(struct reader *reader, const struct tensorflow_node *node,
                              const struct value *value, const struct tensor *constant,
                              const struct shape *shape, size_t *index, struct error *error)
{
    struct layer layer = {.kind = LAYER_CONSTANT, .shape = *shape};
    float *values, *stored;

    values = tensorflow_floats(reader, constant, constant->count, error);
    if (values == NULL)
        return FAILED;
    layer.constant = values;
    if (shape_is_map(shape) && value->channels_first) {
        stored = tensorflow_allocate(reader, constant->count, error);
        if (stored == NULL)
            return FAILED;
        graph_store_map(values, shape, stored);
        layer.constant = stored;
    }
    return tensorflow_add_step(reader, node, &layer, NULL, index, error);
}

static int add_binary(struct reader *reader, const struct tensorflow_node *node, size_t *inputs,
                      const struct value *like, struct error *error)
{
    struct layer layer = {.kind = LAYER_BINARY, .binary = binary_kind_of(node), .input_count = 2};
    const struct layer *layers = reader->graph->layers;

    if (layers[inputs[0]].shape.rank != layers[inputs[1]].shape.rank)
        return error_set(error, "its inputs have different numbers of dimensions");
    return tensorflow_add(reader, node, 0, &layer, inputs, like, error);
}

/* With a constant as input 0 or 1. */
static int add_with_constant(struct reader *reader, const struct tensorflow_node *node,
                             size_t constant_at, struct error *error)
{
    const struct tensor *constant = tensorflow_constant(reader, node, constant_at);
    struct shape shape;
    struct value value;
    size_t inputs[2];

    if (tensorflow_input_in_pieces(reader, node, 1 - constant_at, &value, error) < 0 ||
        constant_shape(reader, &value, constant, &shape, error) < 0)
        return FAILED;
    if (is_per_channel(&shape, tensorflow_layer_shape(reader, &value)) &&
        !(constant_at == 0 && binary_kind_of(node) == BINARY_DIVIDE))
        return add_channel_operation(reader, node, &value, constant, constant_at == 0, error);
    if (tensorflow_input(reader, node, 1 - constant_at, &value, error) < 0 ||
        add_constant_layer(reader, node, &value, constant, &shape, &inputs[constant_at], error) < 0)
        return FAILED;
    inputs[1 - constant_at] = value.layer;
    return add_binary(reader, node, inputs, &value, error);
}

/* *sum (operation) input `index`; the result replaces *sum. */
static int combine_with(struct reader *reader, const struct tensorflow_node *node, size_t index,
                        struct value *sum, struct error *error)
{
    struct value other;
    size_t inputs[2];

    if (tensorflow_input(reader, node, index, &other, error) < 0 ||
        tensorflow_turn(reader, node, sum->channels_first, &other, error) < 0)
        return FAILED;
    inputs[0] = sum->layer;
    inputs[1] = other.layer;
    if (add_binary(reader, node, inputs, sum, error) < 0)
        return FAILED;
    sum->layer = reader->graph->count - 1;
    return 0;
}

int tensorflow_binary(struct reader *reader, const struct tensorflow_node *node,
                      struct error *error)
{
    struct value value;

    for (size_t i = 0; i < 2; i++)
        if (tensorflow_constant(reader, node, i) != NULL)
            return add_with_constant(reader, node, i, error);
    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    return combine_with(reader, node, 1, &value, error);
}

int tensorflow_square(struct reader *reader, const struct tensorflow_node *node,
                      struct error *error)
{
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    return combine_with(reader, node, 0, &value, error);
}

/* Any number of operands, added from left to right. */
int tensorflow_add_n(struct reader *reader, const struct tensorflow_node *node,
                     struct error *error)
{
    struct value sum;

    if (tensorflow_input(reader, node, 0, &sum, error) < 0)
        return FAILED;
    for (size_t i = 1; i < node->input_count; i++)
        if (combine_with(reader, node, i, &sum, error) < 0)
            return FAILED;
    return tensorflow_set(reader, node, 0, &sum, error);
}

int tensorflow_matmul(struct reader *reader, const struct tensorflow_node *node,
                      struct error *error)
{
    const struct tensor *weights = tensorflow_constant(reader, node, 1);
    struct layer layer = {.kind = LAYER_DENSE};
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    if (weights == NULL || weights->rank != 2)
        return error_set(error, "its second factor is not a constant matrix");
    if (tensorflow_boolean(node, "transpose_a", false))
        return error_set(error, "a transposed first factor is not supported");
    if (tensorflow_layer_shape(reader, &value)->rank != 1)
        return error_set(error, "its first factor is not a matrix");
    layer.dense = (struct dense){
        .weights = *weights,
        .transposed = tensorflow_boolean(node, "transpose_b", false),
        .factor = 1,
    };
    return tensorflow_add_simple(reader, node, &layer, &value, error);
}
