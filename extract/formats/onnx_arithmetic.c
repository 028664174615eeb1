/*
 * Normalisation, activations, sums and products: what changes numbers but not their places.
 */
#include <math.h>
#include <string.h>

#include "extract/formats/onnx_reader_private.h"

/* ---- per channel ------------------------------------------------------------------------ */

/* y = gamma (x - mean) / sqrt(variance + epsilon) + beta, as a scale and a shift. */
int translate_batch_norm(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    const struct tensor *parameters[4];
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    double epsilon = (double)onnx_float(node, "epsilon", 1e-5f);
    float *scale, *shift;
    size_t input, channels;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    channels = shape_channels(reader_shape(reader, input));
    for (size_t i = 0; i < 4; i++) {
        parameters[i] = reader_constant(reader, node, i + 1);
        if (parameters[i] == NULL || parameters[i]->type == TENSOR_OTHER ||
            parameters[i]->count != channels)
            return error_set(error, "its parameter %zu is not a constant with %zu numbers", i + 1,
                             channels);
    }
    if (onnx_integer(node, "training_mode", 0) != 0 || onnx_integer(node, "spatial", 1) == 0)
        return error_set(error, "it is not in the form used for inference");
    scale = graph_allocate(reader->graph, channels, sizeof *scale, error);
    shift = graph_allocate(reader->graph, channels, sizeof *shift, error);
    if (scale == NULL || shift == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        double deviation = sqrt(tensor_real(parameters[3], c) + epsilon);
        double factor = tensor_real(parameters[0], c) / deviation;

        scale[c] = (float)factor;
        shift[c] = (float)(tensor_real(parameters[1], c) - factor * tensor_real(parameters[2], c));
    }
    layer.affine = (struct affine){scale, shift};
    return reader_add(reader, node, 0, &layer, &input, error);
}

static int add_activation(struct reader *reader, const struct onnx_node *node,
                          enum activation_kind kind, float a, float b, struct error *error)
{
    struct layer layer = {.kind = LAYER_ACTIVATION, .activation = {.kind = kind, .a = a, .b = b}};

    return reader_add_simple(reader, node, &layer, error);
}

int translate_relu(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_CLIP, 0, INFINITY, error);
}

/* The bounds are attributes up to opset 10, inputs from 11 on. */
int translate_clip(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    float bounds[2] = {onnx_float(node, "min", -INFINITY), onnx_float(node, "max", INFINITY)};

    for (size_t i = 0; i < 2; i++) {
        const struct tensor *bound = reader_constant(reader, node, i + 1);

        if (bound != NULL && bound->count == 1 && bound->type != TENSOR_OTHER)
            bounds[i] = (float)tensor_real(bound, 0);
        else if (i + 1 < node->input_count && *node->inputs[i + 1] != '\0')
            return error_set(error, "its bounds are not constant numbers");
    }
    return add_activation(reader, node, ACTIVATION_CLIP, bounds[0], bounds[1], error);
}

int translate_leaky_relu(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_LEAKY, onnx_float(node, "alpha", 0.01f), 0,
                          error);
}

int translate_elu(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_ELU, onnx_float(node, "alpha", 1), 0, error);
}

int translate_sigmoid(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_SIGMOID, 0, 0, error);
}

int translate_hard_sigmoid(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_HARD_SIGMOID, onnx_float(node, "alpha", 0.2f),
                          onnx_float(node, "beta", 0.5f), error);
}

int translate_hard_swish(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_HARD_SWISH, 0, 0, error);
}

int translate_tanh(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    return add_activation(reader, node, ACTIVATION_TANH, 0, 0, error);
}

int translate_prelu(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    const struct tensor *slopes = reader_constant(reader, node, 1);
    struct layer layer = {.kind = LAYER_ACTIVATION, .activation = {.kind = ACTIVATION_PRELU}};
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    if (slopes == NULL || !reader_is_per_channel(slopes, reader_shape(reader, input)))
        return error_set(error, "its slopes are not a constant for each channel");
    layer.activation.slopes =
        reader_channel_floats(reader, slopes, shape_channels(reader_shape(reader, input)), error);
    if (layer.activation.slopes == NULL)
        return FAILED;
    return reader_add_simple(reader, node, &layer, error);
}

int translate_lrn(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    int64_t size = onnx_integer(node, "size", 0);
    struct layer layer = {
        .kind = LAYER_LRN,
        .lrn = {.alpha = onnx_float(node, "alpha", 0.0001f),
                .beta = onnx_float(node, "beta", 0.75f),
                .bias = onnx_float(node, "bias", 1)},
    };

    if (size < 1 || size > MAX_EXTENT)
        return error_set(error, "its 'size' is %lld", (long long)size);
    layer.lrn.size = (size_t)size;
    return reader_add_simple(reader, node, &layer, error);
}

/* Up to opset 12 the input is flattened from `axis` on; from 13 on it is that axis alone. */
int translate_softmax(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    bool one_axis = reader->file->opset >= 13;
    struct layer layer = {.kind = LAYER_SOFTMAX};
    const struct shape *shape;
    size_t input, axis;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    shape = reader_shape(reader, input);
    if (reader_axis(onnx_integer(node, "axis", one_axis ? -1 : 1), shape->rank, &axis, error) < 0)
        return FAILED;
    if (axis != 0 || (one_axis && !shape_is_map(shape) && shape->rank != 1))
        return error_set(error, "it is supported over channels only");
    layer.softmax_channels = one_axis;
    return reader_add_simple(reader, node, &layer, error);
}

/* ---- two operands ----------------------------------------------------------------------- */

static enum binary_kind binary_kind_of(const struct onnx_node *node)
{
    switch (node->operator[0]) {
    case 'S':
        return strcmp(node->operator, "Sum") == 0 ? BINARY_ADD : BINARY_SUBTRACT;
    case 'M':
        return BINARY_MULTIPLY;
    case 'D':
        return BINARY_DIVIDE;
    default:
        return BINARY_ADD;
    }
}

/* layer (operation) constant, or the reverse, with one constant a channel: a scale or a shift. */
static int add_channel_operation(struct reader *reader, const struct onnx_node *node,
                                 size_t input, const struct tensor *constant,
                                 bool constant_first, struct error *error)
{
    enum binary_kind kind = binary_kind_of(node);
    size_t channels = shape_channels(reader_shape(reader, input));
    struct layer layer = {.kind = LAYER_AFFINE, .input_count = 1};
    float *values = reader_channel_floats(reader, constant, channels, error);
    float *negative = NULL;

    if (values == NULL)
        return FAILED;
    if (kind == BINARY_SUBTRACT && constant_first) {
        negative = graph_allocate(reader->graph, channels, sizeof *negative, error);
        if (negative == NULL)
            return FAILED;
    }
    layer.affine = graph_affine(kind, values, negative, channels);
    return reader_add(reader, node, 0, &layer, &input, error);
}

/* A constant as a layer that is the same for every image, of the rank of `like`. */
static int add_constant_layer(struct reader *reader, const struct onnx_node *node,
                              const struct tensor *constant, const struct shape *like,
                              size_t *index, struct error *error)
{
    struct layer layer = {.kind = LAYER_CONSTANT, .name = "constant", .node = node->name,
                          .operator = node->operator};
    size_t skip = constant->rank > like->rank ? 1 : 0;
    size_t offset = like->rank + skip - constant->rank;
    float *values, *stored;

    if (constant->rank > like->rank + 1 || (skip == 1 && constant->shape[0] != 1))
        return error_set(error, "its constant does not fit its other input");
    layer.shape.rank = like->rank;
    for (size_t axis = 0; axis < like->rank; axis++)
        layer.shape.dims[axis] = axis < offset ? 1 : constant->shape[axis - offset + skip];
    values = reader_floats(reader, constant, error);
    if (values == NULL)
        return FAILED;
    stored = graph_allocate(reader->graph, constant->count, sizeof *stored, error);
    if (stored == NULL)
        return FAILED;
    if (shape_is_map(&layer.shape))
        graph_store_map(values, &layer.shape, stored);
    else
        memcpy(stored, values, constant->count * sizeof *stored);
    layer.constant = stored;
    return graph_add(reader->graph, &layer, index, error);
}

static int add_binary(struct reader *reader, const struct onnx_node *node, size_t *inputs,
                      struct error *error)
{
    struct layer layer = {.kind = LAYER_BINARY, .binary = binary_kind_of(node), .input_count = 2};

    if (reader_shape(reader, inputs[0])->rank != reader_shape(reader, inputs[1])->rank)
        return error_set(error, "its inputs have different numbers of dimensions");
    return reader_add(reader, node, 0, &layer, inputs, error);
}

int translate_binary(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    size_t inputs[2];
    int constant_at = reader_constant(reader, node, 0) != NULL   ? 0
                      : reader_constant(reader, node, 1) != NULL ? 1
                                                                 : -1;
    const struct tensor *constant;
    const struct shape *shape;
    size_t other;

    if (constant_at < 0) {
        if (reader_layer(reader, node, 0, &inputs[0], error) < 0 ||
            reader_layer(reader, node, 1, &inputs[1], error) < 0)
            return FAILED;
        return add_binary(reader, node, inputs, error);
    }
    other = constant_at == 0 ? 1 : 0;
    constant = reader_constant(reader, node, (size_t)constant_at);
    if (reader_layer(reader, node, other, &inputs[other], error) < 0)
        return FAILED;
    shape = reader_shape(reader, inputs[other]);
    if (reader_is_per_channel(constant, shape) &&
        !(constant_at == 0 && binary_kind_of(node) == BINARY_DIVIDE))
        return add_channel_operation(reader, node, inputs[other], constant, constant_at == 0,
                                     error);
    if (add_constant_layer(reader, node, constant, shape, &inputs[constant_at], error) < 0)
        return FAILED;
    return add_binary(reader, node, inputs, error);
}

/* Any number of operands, added from left to right. */
int translate_sum(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    size_t inputs[2];

    if (reader_layer(reader, node, 0, &inputs[0], error) < 0)
        return FAILED;
    if (node->input_count == 1)
        return reader_alias(reader, node, inputs[0], error);
    for (size_t i = 1; i < node->input_count; i++) {
        if (reader_layer(reader, node, i, &inputs[1], error) < 0 ||
            add_binary(reader, node, inputs, error) < 0)
            return FAILED;
        inputs[0] = reader->graph->count - 1;
    }
    return 0;
}

int translate_gemm(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    const struct tensor *weights = reader_constant(reader, node, 1);
    const struct tensor *bias = reader_constant(reader, node, 2);
    struct layer layer = {.kind = LAYER_DENSE};
    float beta = onnx_float(node, "beta", 1);
    size_t outputs;
    float *shift;

    if (weights == NULL || weights->rank != 2)
        return error_set(error, "its second factor is not a constant matrix");
    if (onnx_integer(node, "transA", 0) != 0)
        return error_set(error, "a transposed first factor is not supported");
    layer.dense = (struct dense){
        .weights = *weights,
        .transposed = onnx_integer(node, "transB", 0) != 0,
        .factor = onnx_float(node, "alpha", 1),
    };
    outputs = weights->shape[layer.dense.transposed ? 0 : 1];
    if (bias != NULL) {
        if ((bias->count != 1 && bias->count != outputs) || bias->type == TENSOR_OTHER)
            return error_set(error, "its bias has %zu numbers for %zu outputs", bias->count,
                             outputs);
        shift = reader_channel_floats(reader, bias, outputs, error);
        if (shift == NULL)
            return FAILED;
        for (size_t i = 0; i < outputs; i++)
            shift[i] *= beta;
        layer.dense.shift = shift;
    } else if (node->input_count > 2 && *node->inputs[2] != '\0') {
        return error_set(error, "its bias is not a constant");
    }
    return reader_add_simple(reader, node, &layer, error);
}

int translate_matmul(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    const struct tensor *weights = reader_constant(reader, node, 1);
    struct layer layer = {.kind = LAYER_DENSE};

    if (weights == NULL || weights->rank != 2)
        return error_set(error, "its second factor is not a constant matrix");
    layer.dense = (struct dense){.weights = *weights, .factor = 1};
    return reader_add_simple(reader, node, &layer, error);
}
