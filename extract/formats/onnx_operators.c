#include <string.h>

#include "extract/formats/onnx_reader_private.h"

const struct shape *reader_shape(const struct reader *reader, size_t layer)
{
    return &reader->graph->layers[layer].shape;
}

int reader_add_simple(struct reader *reader, const struct onnx_node *node, struct layer *layer,
                      struct error *error)
{
    size_t input;

    if (reader_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    layer->input_count = 1;
    return reader_add(reader, node, 0, layer, &input, error);
}

int reader_axis(int64_t axis, size_t rank, size_t *result, struct error *error)
{
    if (axis < 0)
        axis += (int64_t)rank + 1;
    if (axis < 0 || axis > (int64_t)rank)
        return error_set(error, "its axis is outside of its input");
    if (axis == 0)
        return error_set(error, "it works across the images of a batch, which is not supported");
    *result = (size_t)axis - 1;
    return 0;
}

float *reader_floats(struct reader *reader, const struct tensor *tensor, struct error *error)
{
    return graph_floats(reader->graph, tensor, error);
}

bool reader_is_per_channel(const struct tensor *tensor, const struct shape *shape)
{
    size_t rank = shape->rank + 1;

    if (tensor->rank > rank || tensor->type == TENSOR_OTHER)
        return false;
    for (size_t axis = 0; axis < tensor->rank; axis++) {
        size_t full_axis = rank - tensor->rank + axis;

        if (tensor->shape[axis] != 1 && full_axis != 1)
            return false;
    }
    return shape->rank > 0 && (shape_is_map(shape) || shape->rank == 1) &&
           (tensor->count == 1 || tensor->count == shape->dims[SHAPE_CHANNELS]);
}

float *reader_channel_floats(struct reader *reader, const struct tensor *tensor, size_t channels,
                             struct error *error)
{
    float *values = graph_allocate(reader->graph, channels, sizeof *values, error);

    for (size_t i = 0; values != NULL && i < channels; i++)
        values[i] = (float)tensor_real(tensor, tensor->count == 1 ? 0 : i);
    return values;
}

int reader_add_dropped(struct reader *reader, const struct onnx_node *node, size_t input,
                       const bool *drop, struct error *error)
{
    const struct shape *from = reader_shape(reader, input);
    struct layer layer = {.kind = LAYER_RESHAPE, .input_count = 1};

    for (size_t axis = 0; axis < from->rank; axis++)
        if (!drop[axis])
            layer.shape.dims[layer.shape.rank++] = from->dims[axis];
    if (layer.shape.rank == 0)
        layer.shape = (struct shape){1, {1}};
    return reader_add(reader, node, 0, &layer, &input, error);
}

static const struct {
    const char *operator;
    translate_function *translate;
} operators[] = {
    {"Add", translate_binary},
    {"AveragePool", translate_pool},
    {"BatchNormalization", translate_batch_norm},
    {"Cast", translate_cast},
    {"Clip", translate_clip},
    {"Concat", translate_concat},
    {"Conv", translate_convolution},
    {"Div", translate_binary},
    {"Dropout", translate_alias},
    {"Elu", translate_elu},
    {"Flatten", translate_flatten},
    {"Gather", translate_gather},
    {"Gemm", translate_gemm},
    {"GlobalAveragePool", translate_global_pool},
    {"GlobalMaxPool", translate_global_pool},
    {"HardSigmoid", translate_hard_sigmoid},
    {"HardSwish", translate_hard_swish},
    {"Identity", translate_alias},
    {"LRN", translate_lrn},
    {"LeakyRelu", translate_leaky_relu},
    {"MatMul", translate_matmul},
    {"MaxPool", translate_pool},
    {"Mul", translate_binary},
    {"PRelu", translate_prelu},
    {"Pad", translate_pad},
    {"ReduceMean", translate_mean},
    {"Relu", translate_relu},
    {"Reshape", translate_reshape},
    {"Sigmoid", translate_sigmoid},
    {"Slice", translate_slice},
    {"Softmax", translate_softmax},
    {"Split", translate_split},
    {"Squeeze", translate_squeeze},
    {"Sub", translate_binary},
    {"Sum", translate_sum},
    {"Tanh", translate_tanh},
    {"Transpose", translate_transpose},
    {"Unsqueeze", translate_unsqueeze},
};

translate_function *onnx_find_operator(const char *operator)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (strcmp(operators[i].operator, operator) == 0)
            return operators[i].translate;
    return NULL;
}
