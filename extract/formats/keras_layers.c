#include <string.h>

#include "common/memory.h"
#include "extract/formats/keras_reader_private.h"

/* Weights may be turned into other types and orders, unpacked, and read for several calls of a
 * layer: so many times the file, and this many bytes for networks with next to no weights. */
enum { COPIES = 16, SMALL = 1 << 26 };

/* ---- what the functions ask ------------------------------------------------------------- */

const struct shape *keras_shape(const struct keras_reader *reader, size_t layer)
{
    return &reader->graph->layers[layer].shape;
}

int keras_charge(struct keras_reader *reader, size_t count, size_t size, struct error *error)
{
    size_t limit = COPIES * reader->file->weights_size + SMALL, bytes;

    if (!size_multiply(count, size, &bytes) || bytes > limit - reader->copied)
        return error_set(error, "its weights are larger than the file can hold");
    reader->copied += bytes;
    return 0;
}

float *keras_floats(struct keras_reader *reader, size_t count, struct error *error)
{
    if (keras_charge(reader, count, sizeof(float), error) < 0)
        return NULL;
    return graph_allocate(reader->graph, count, sizeof(float), error);
}

int keras_input(const struct keras_node *node, size_t *input, struct error *error)
{
    if (node->input_count != 1)
        return error_set(error, "it has %zu inputs, not one", node->input_count);
    *input = node->inputs[0];
    return 0;
}

int keras_add(struct keras_reader *reader, const struct keras_node *node, struct layer *layer,
              const size_t *inputs, size_t *result, struct error *error)
{
    layer->name = layer->node = node->name;
    layer->operator = node->class_name;
    layer->inputs = (size_t *)(uintptr_t)inputs;
    return graph_add(reader->graph, layer, result, error);
}

int keras_add_simple(struct keras_reader *reader, const struct keras_node *node,
                     struct layer *layer, size_t *result, struct error *error)
{
    size_t input;

    if (keras_input(node, &input, error) < 0)
        return FAILED;
    layer->input_count = 1;
    return keras_add(reader, node, layer, &input, result, error);
}

int keras_add_reshape(struct keras_reader *reader, const struct keras_node *node, size_t input,
                      const struct shape *shape, size_t *result, struct error *error)
{
    struct layer layer = {.kind = LAYER_RESHAPE, .input_count = 1, .shape = *shape};

    return keras_add(reader, node, &layer, &input, result, error);
}

int keras_weight(struct keras_reader *reader, const struct keras_node *node, size_t index,
                 struct tensor *tensor, struct error *error)
{
    const struct hdf5_object *object;

    if (index >= node->weights.count)
        return error_set(error, "it needs more weights than the %zu that the file has for it",
                         node->weights.count);
    object = node->weights.items[index];
    if ((object->tensor.bytes.data == NULL &&
         keras_charge(reader, object->tensor.count, tensor_type_size(object->tensor.type),
                      error) < 0) ||
        hdf5_dataset(reader->file->hdf5, object, reader->graph, tensor, error) < 0)
        return error_wrap(error, "its weights '%s'", object->path);
    return 0;
}

float *keras_weight_floats(struct keras_reader *reader, const struct keras_node *node,
                           size_t index, size_t count, struct error *error)
{
    struct tensor tensor;
    float *values;

    if (keras_weight(reader, node, index, &tensor, error) < 0)
        return NULL;
    if (tensor.count != count) {
        error_set(error, "its weights '%s' are %zu numbers, not %zu",
                  node->weights.items[index]->path, tensor.count, count);
        return NULL;
    }
    values = keras_floats(reader, count, error);
    return values != NULL && tensor_to_float(&tensor, values, error) == 0 ? values : NULL;
}

int keras_check_order(const struct keras_reader *reader, const struct keras_node *node,
                      struct error *error)
{
    bool first = keras_setting_is(node->config, "data_format", "channels_first") ||
                 keras_setting_is(node->config, "data_format", "th");
    bool last = keras_setting_is(node->config, "data_format", "channels_last") ||
                keras_setting_is(node->config, "data_format", "tf");

    if (reader->channels_last ? !first : !last)
        return 0;
    return error_set(error, "its data has the channels %s, the model's input has them %s",
                     first ? "first" : "last", first ? "last" : "first");
}

size_t keras_image_axis(const struct keras_reader *reader, size_t axis, size_t rank)
{
    static const size_t of_last[SHAPE_MAP_RANK] = {SHAPE_HEIGHT, SHAPE_WIDTH, SHAPE_CHANNELS};

    return rank == SHAPE_MAP_RANK && reader->channels_last ? of_last[axis] : axis;
}

int keras_axis(const struct keras_reader *reader, int64_t axis, size_t rank, size_t *result,
               struct error *error)
{
    if (axis < 0)
        axis += (int64_t)rank + 1;
    if (axis < 1 || axis > (int64_t)rank)
        return error_set(error, "its axis is outside of its input");
    *result = keras_image_axis(reader, (size_t)axis - 1, rank);
    return 0;
}

/* ---- activations ------------------------------------------------------------------------ */

/* Activations by name that are one activation of the graph. `hard_sigmoid` has other slopes since
 * Keras 3. */
static const struct {
    const char *name;
    struct activation activation;
    const char *version;  /* of Keras that it is so in; NULL: any */
} activations[] = {
    {"relu", {.kind = ACTIVATION_CLIP, .a = 0, .b = (float)__builtin_inff()}, NULL},
    {"relu6", {.kind = ACTIVATION_CLIP, .a = 0, .b = 6}, NULL},
    {"sigmoid", {.kind = ACTIVATION_SIGMOID}, NULL},
    {"hard_sigmoid", {.kind = ACTIVATION_HARD_SIGMOID, .a = 1 / 6.0f, .b = 0.5f}, "3"},
    {"hard_sigmoid", {.kind = ACTIVATION_HARD_SIGMOID, .a = 0.2f, .b = 0.5f}, NULL},
    {"hard_swish", {.kind = ACTIVATION_HARD_SWISH}, NULL},
    {"hard_silu", {.kind = ACTIVATION_HARD_SWISH}, NULL},
    {"tanh", {.kind = ACTIVATION_TANH}, NULL},
    {"elu", {.kind = ACTIVATION_ELU, .a = 1}, NULL},
    {"leaky_relu", {.kind = ACTIVATION_LEAKY, .a = 0.2f}, NULL},
};

/* x sigmoid(x) */
static int add_swish(struct keras_reader *reader, const struct keras_node *node, size_t input,
                     size_t *result, struct error *error)
{
    struct layer gate = {.kind = LAYER_ACTIVATION, .input_count = 1,
                         .activation = {.kind = ACTIVATION_SIGMOID}};
    struct layer product = {.kind = LAYER_BINARY, .input_count = 2, .binary = BINARY_MULTIPLY};
    size_t inputs[2] = {input};

    if (keras_add(reader, node, &gate, &input, &inputs[1], error) < 0)
        return FAILED;
    return keras_add(reader, node, &product, inputs, result, error);
}

/* Klambauer et al. 2017, arXiv 1706.02515: a scaled elu. */
static int add_selu(struct keras_reader *reader, const struct keras_node *node, size_t input,
                    size_t *result, struct error *error)
{
    struct layer elu = {.kind = LAYER_ACTIVATION, .input_count = 1,
                        .activation = {.kind = ACTIVATION_ELU, .a = 1.67326324f}};
    struct layer scale = {.kind = LAYER_AFFINE, .input_count = 1};
    size_t channels = shape_channels(keras_shape(reader, input));
    float *scales = keras_floats(reader, channels, error);

    if (scales == NULL || keras_add(reader, node, &elu, &input, &input, error) < 0)
        return FAILED;
    for (size_t c = 0; c < channels; c++)
        scales[c] = 1.05070098f;
    scale.affine.scale = scales;
    return keras_add(reader, node, &scale, &input, result, error);
}

int keras_add_softmax(struct keras_reader *reader, const struct keras_node *node, int64_t axis,
                      size_t input, size_t *result, struct error *error)
{
    struct layer layer = {.kind = LAYER_SOFTMAX, .softmax_channels = true, .input_count = 1};
    const struct shape *shape = keras_shape(reader, input);
    size_t along = 0;

    if (shape->rank != 1 && !shape_is_map(shape))
        return error_set(error, "a softmax over %zu dimensions is not supported", shape->rank);
    if (keras_axis(reader, axis, shape->rank, &along, error) < 0)
        return FAILED;
    if (along != SHAPE_CHANNELS)
        return error_set(error, "a softmax is supported over channels only");
    return keras_add(reader, node, &layer, &input, result, error);
}

static int activate_by_name(struct keras_reader *reader, const struct keras_node *node,
                            const char *name, size_t input, size_t *result, struct error *error)
{
    struct layer layer = {.input_count = 1};

    *result = input;
    if (strcmp(name, "linear") == 0)
        return 0;
    if (strcmp(name, "swish") == 0 || strcmp(name, "silu") == 0)
        return add_swish(reader, node, input, result, error);
    if (strcmp(name, "selu") == 0)
        return add_selu(reader, node, input, result, error);
    if (strcmp(name, "softmax") == 0)
        return keras_add_softmax(reader, node, -1, input, result, error);
    layer.kind = LAYER_ACTIVATION;
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
        const char *version = activations[i].version;

        if (strcmp(activations[i].name, name) != 0 ||
            (version != NULL && *reader->file->version != *version))
            continue;
        layer.activation = activations[i].activation;
        return keras_add(reader, node, &layer, &input, result, error);
    }
    return error_set(error, "its activation '%s' is not supported", name);
}

/* An activation may also be a layer of its own, or a function that somebody registered. */
int keras_activate(struct keras_reader *reader, const struct keras_node *node,
                   const struct json_value *activation, size_t input, size_t *result,
                   struct error *error)
{
    const char *name = json_tree_text(activation);
    const struct json_value *config = json_tree_get(activation, "config");
    const char *class_name = json_tree_text(json_tree_get(activation, "class_name"));
    keras_function *function = class_name != NULL ? keras_find_layer(class_name) : NULL;
    struct keras_node inner = {.class_name = class_name, .name = node->name, .config = config,
                               .inputs = &input, .input_count = 1};

    *result = input;
    if (!json_tree_is_object(activation) && name == NULL)
        return 0;
    if (name == NULL)
        name = json_tree_text(config);
    if (name != NULL)
        return activate_by_name(reader, node, name, input, result, error);
    if (function == NULL || function == keras_activation)
        return error_set(error, "its activation '%s' is not supported",
                         class_name != NULL ? class_name : "");
    return function(reader, &inner, result, error);
}

/* ---- the table -------------------------------------------------------------------------- */

static const struct {
    const char *class_name;
    keras_function *function;
} layers[] = {
    {"Activation", keras_activation},
    {"ActivityRegularization", keras_identity},
    {"Add", keras_merge},
    {"AlphaDropout", keras_identity},
    {"AtrousConvolution2D", keras_convolution},
    {"Average", keras_merge},
    {"AveragePooling2D", keras_pool},
    {"BatchNormalization", keras_batch_norm},
    {"Concatenate", keras_concatenate},
    {"Conv2D", keras_convolution},
    {"Convolution2D", keras_convolution},
    {"Cropping2D", keras_cropping},
    {"Dense", keras_dense},
    {"DepthwiseConv2D", keras_depthwise},
    {"Divide", keras_operation},
    {"Dropout", keras_identity},
    {"ELU", keras_elu},
    {"FixedDropout", keras_identity},
    {"Flatten", keras_flatten},
    {"GaussianDropout", keras_identity},
    {"GaussianNoise", keras_identity},
    {"GlobalAveragePooling2D", keras_global_pool},
    {"GlobalMaxPooling2D", keras_global_pool},
    {"InputLayer", keras_identity},
    {"LeakyReLU", keras_leaky_relu},
    {"MaxPooling2D", keras_pool},
    {"Merge", keras_merge},
    {"Multiply", keras_merge},
    {"Normalization", keras_normalization},
    {"PReLU", keras_prelu},
    {"Permute", keras_permute},
    {"RandomBrightness", keras_identity},
    {"RandomContrast", keras_identity},
    {"RandomFlip", keras_identity},
    {"RandomRotation", keras_identity},
    {"RandomTranslation", keras_identity},
    {"RandomZoom", keras_identity},
    {"ReLU", keras_relu},
    {"Relu", keras_relu},
    {"Rescaling", keras_rescaling},
    {"Reshape", keras_reshape},
    {"Resizing", keras_resizing},
    {"SeparableConv2D", keras_separable},
    {"SeparableConvolution2D", keras_separable},
    {"Softmax", keras_softmax},
    {"SpatialDropout2D", keras_identity},
    {"Subtract", keras_merge},
    {"TFOpLambda", keras_operation},
    {"ThresholdedReLU", keras_relu},
    {"TrueDivide", keras_operation},
    {"ZeroPadding2D", keras_padding},
};

keras_function *keras_find_layer(const char *class_name)
{
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        if (strcmp(layers[i].class_name, class_name) == 0)
            return layers[i].function;
    return NULL;
}
