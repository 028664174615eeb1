#include <string.h>

#include "common/memory.h"
#include "extract/formats/tensorflow_reader_private.h"

const struct shape *tensorflow_layer_shape(const struct reader *reader, const struct value *value)
{
    return &reader->graph->layers[value->layer].shape;
}

/* The order of a map's axes in the file, by the graph's numbers. */
static const size_t *file_order(const struct value *value)
{
    static const size_t first[] = {SHAPE_CHANNELS, SHAPE_HEIGHT, SHAPE_WIDTH};
    static const size_t last[] = {SHAPE_HEIGHT, SHAPE_WIDTH, SHAPE_CHANNELS};

    return value->channels_first ? first : last;
}

size_t tensorflow_graph_axis(const struct reader *reader, const struct value *value, size_t axis)
{
    return shape_is_map(tensorflow_layer_shape(reader, value)) ? file_order(value)[axis - 1]
                                                               : axis - 1;
}

size_t tensorflow_file_shape(const struct reader *reader, const struct value *value, size_t *shape)
{
    const struct shape *from = tensorflow_layer_shape(reader, value);

    shape[0] = (size_t)reader->image->batch;
    for (size_t axis = 1; axis <= from->rank; axis++)
        shape[axis] = from->dims[tensorflow_graph_axis(reader, value, axis)];
    return from->rank + 1;
}

int tensorflow_axis(const struct reader *reader, const struct value *value, int64_t axis,
                    size_t *result, struct error *error)
{
    int64_t rank = (int64_t)tensorflow_layer_shape(reader, value)->rank + 1;

    if (axis < 0)
        axis += rank;
    if (axis < 0 || axis >= rank)
        return error_set(error, "its axis is outside of its input");
    if (axis == 0)
        return error_set(error, "it works across the images of a batch, which is not supported");
    *result = tensorflow_graph_axis(reader, value, (size_t)axis);
    return 0;
}

int tensorflow_add_reshape(struct reader *reader, const struct tensorflow_node *node, size_t port,
                           const struct value *value, const size_t *shape, size_t rank,
                           struct error *error)
{
    bool channels_first = !reader->graph->flatten_channels_last;
    struct layer layer = {.kind = LAYER_RESHAPE, .input_count = 1};
    struct value from = *value;

    if (rank == 0 || shape[0] != (size_t)reader->image->batch || rank > SHAPE_MAX_RANK + 1)
        return error_set(error, "a reshape that moves the batch is not supported");
    /* The numbers of a single pixel have one order. */
    if (shape_pixels(tensorflow_layer_shape(reader, &from)) > 1 &&
        tensorflow_turn(reader, node, channels_first, &from, error) < 0)
        return FAILED;
    from.channels_first = channels_first;
    layer.shape.rank = rank - 1;
    for (size_t axis = 1; axis < rank; axis++)
        layer.shape.dims[rank == SHAPE_MAP_RANK + 1 ? file_order(&from)[axis - 1] : axis - 1] =
            shape[axis];
    if (layer.shape.rank == 0)
        layer.shape = (struct shape){1, {1}};
    return tensorflow_add(reader, node, port, &layer, &from.layer, &from, error);
}

float *tensorflow_allocate(struct reader *reader, size_t count, struct error *error)
{
    size_t size;

    if (!size_multiply(count, sizeof(float), &size)) {
        error_no_memory(error);
        return NULL;
    }
    if (tensorflow_charge(reader, size, error) < 0)
        return NULL;
    return graph_allocate(reader->graph, count, sizeof(float), error);
}

float *tensorflow_floats(struct reader *reader, const struct tensor *tensor, size_t channels,
                         struct error *error)
{
    float *values;

    if (tensor->type == TENSOR_OTHER || (tensor->count != channels && tensor->count != 1)) {
        error_set(error, "a constant of it has %zu numbers for %zu channels", tensor->count,
                  channels);
        return NULL;
    }
    values = tensorflow_allocate(reader, channels, error);
    for (size_t i = 0; values != NULL && i < channels; i++)
        values[i] = (float)tensor_real(tensor, tensor->count == 1 ? 0 : i);
    return values;
}

static const struct {
    const char *operator;
    tensorflow_function *translate;
} operators[] = {
    {"Add", tensorflow_binary},
    {"AddN", tensorflow_add_n},
    {"AddV2", tensorflow_binary},
    {"AvgPool", tensorflow_pool},
    {"BatchNormWithGlobalNormalization", tensorflow_global_normalisation},
    {"BatchToSpaceND", tensorflow_batch_to_space},
    {"BiasAdd", tensorflow_bias},
    {"BiasAddV1", tensorflow_bias},
    {"Cast", tensorflow_cast},
    {"CheckNumerics", tensorflow_alias},
    {"ClipByValue", tensorflow_clip},
    {"Concat", tensorflow_concat},
    {"ConcatV2", tensorflow_concat},
    {"Conv2D", tensorflow_convolution},
    {"DepthwiseConv2dNative", tensorflow_convolution},
    {"Div", tensorflow_binary},
    {"Elu", tensorflow_elu},
    {"ExpandDims", tensorflow_expand_dims},
    {"FusedBatchNorm", tensorflow_batch_norm},
    {"FusedBatchNormV2", tensorflow_batch_norm},
    {"FusedBatchNormV3", tensorflow_batch_norm},
    {"Identity", tensorflow_alias},
    {"LRN", tensorflow_lrn},
    {"LeakyRelu", tensorflow_leaky_relu},
    {"MatMul", tensorflow_matmul},
    {"Max", tensorflow_reduce},
    {"MaxPool", tensorflow_pool},
    {"MaxPoolV2", tensorflow_pool},
    {"Maximum", tensorflow_bound},
    {"Mean", tensorflow_reduce},
    {"Minimum", tensorflow_bound},
    {"MirrorPad", tensorflow_pad},
    {"Mul", tensorflow_binary},
    {"Neg", tensorflow_negate},
    {"Pad", tensorflow_pad},
    {"PadV2", tensorflow_pad},
    {"PlaceholderWithDefault", tensorflow_alias},
    {"RealDiv", tensorflow_binary},
    {"Relu", tensorflow_relu},
    {"Relu6", tensorflow_relu6},
    {"Reshape", tensorflow_reshape},
    {"Shape", tensorflow_layer_shape_constant},
    {"Sigmoid", tensorflow_sigmoid},
    {"Slice", tensorflow_slice},
    {"Snapshot", tensorflow_alias},
    {"Softmax", tensorflow_softmax},
    {"SpaceToBatchND", tensorflow_space_to_batch},
    {"Split", tensorflow_split},
    {"SplitV", tensorflow_split},
    {"Square", tensorflow_square},
    {"Squeeze", tensorflow_squeeze},
    {"StopGradient", tensorflow_alias},
    {"StridedSlice", tensorflow_slice},
    {"Sub", tensorflow_binary},
    {"Tanh", tensorflow_tanh},
    {"Transpose", tensorflow_transpose},
};

tensorflow_function *tensorflow_find_operator(const char *operator)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (strcmp(operators[i].operator, operator) == 0)
            return operators[i].translate;
    return NULL;
}

/* ---- what is refused by name ------------------------------------------------------------ */

/* A name that ends with '*' stands for all that begin so. */
static bool is_listed(const char *operator, const char *const *names)
{
    for (; *names != NULL; names++) {
        size_t length = strlen(*names);

        if ((*names)[length - 1] == '*' ? strncmp(operator, *names, length - 1) == 0
                                        : strcmp(operator, *names) == 0)
            return true;
    }
    return false;
}

bool tensorflow_is_control_flow(const char *operator)
{
    static const char *const names[] = {
        "Switch", "RefSwitch", "_SwitchN", "Merge", "RefMerge", "Enter", "RefEnter", "Exit",
        "RefExit", "NextIteration", "RefNextIteration", "LoopCond", "If", "StatelessIf", "While",
        "StatelessWhile", "For", "Case", "StatelessCase", "PartitionedCall",
        "StatefulPartitionedCall", "TensorArray*", "TensorList*", "Stack*", NULL};

    return is_listed(operator, names);
}

static bool is_quantised(const char *operator)
{
    static const char *const names[] = {"Quantize*", "Dequantize", "Requantiz*", "FakeQuant*",
                                        NULL};

    return is_listed(operator, names);
}

bool tensorflow_is_refused(const char *operator)
{
    return tensorflow_is_control_flow(operator) || is_quantised(operator);
}

const char *tensorflow_refusal(const char *operator)
{
    static const char *const variables[] = {"Variable*", "VarHandleOp", "ReadVariableOp",
                                            "Restore*", NULL};
    static const char *const inputs[] = {"Placeholder", "PlaceholderV2", NULL};

    if (tensorflow_is_control_flow(operator))
        return "control flow is not supported";
    if (is_quantised(operator))
        return "quantised operators are not supported";
    if (is_listed(operator, variables))
        return "its weights are not in the file: the graph must be frozen first";
    if (is_listed(operator, inputs))
        return "an input besides the image is not supported";
    return "this operator is not supported";
}
