/*
 * Normalisation, activations, sums and products: what changes numbers but not their places.
 */
#include <math.h>
#include <string.h>

#include "extract/formats/caffe_reader_private.h"

static const struct prototext_field *parameters(const struct caffe_reader *reader,
                                                const struct caffe_layer *layer,
                                                const char *message)
{
    return caffe_parameters(reader->definition, layer, message);
}

static bool is_zero(float value)
{
    return !(value < 0) && !(value > 0);
}

/* ---- activations ------------------------------------------------------------------------ */

static int add_activation(struct caffe_reader *reader, const struct caffe_layer *layer,
                          const struct activation *activation, struct error *error)
{
    struct layer added = {.kind = LAYER_ACTIVATION, .activation = *activation};

    return caffe_add_simple(reader, layer, &added, error);
}

int caffe_translate_relu(struct caffe_reader *reader, const struct caffe_layer *layer,
                         struct error *error)
{
    float slope = 0;

    if (prototext_float(&reader->definition->text, parameters(reader, layer, "relu_param"),
                        "negative_slope", &slope, error) < 0)
        return FAILED;
    return add_activation(reader, layer,
                          is_zero(slope)
                              ? &(struct activation){.kind = ACTIVATION_CLIP, .b = INFINITY}
                              : &(struct activation){.kind = ACTIVATION_LEAKY, .a = slope},
                          error);
}

/* Sigmoid, TanH, ELU and ReLU6. */
int caffe_translate_activation(struct caffe_reader *reader, const struct caffe_layer *layer,
                               struct error *error)
{
    struct activation activation = {.kind = ACTIVATION_SIGMOID};
    float alpha = 1;

    if (strcmp(layer->type, "TanH") == 0) {
        activation.kind = ACTIVATION_TANH;
    } else if (strcmp(layer->type, "ReLU6") == 0) {
        activation = (struct activation){.kind = ACTIVATION_CLIP, .b = 6};
    } else if (strcmp(layer->type, "ELU") == 0) {
        if (prototext_float(&reader->definition->text, parameters(reader, layer, "elu_param"),
                            "alpha", &alpha, error) < 0)
            return FAILED;
        activation = (struct activation){.kind = ACTIVATION_ELU, .a = alpha};
    }
    return add_activation(reader, layer, &activation, error);
}

int caffe_translate_clip(struct caffe_reader *reader, const struct caffe_layer *layer,
                         struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message = parameters(reader, layer, "clip_param");
    struct activation activation = {.kind = ACTIVATION_CLIP, .a = -INFINITY, .b = INFINITY};

    if (prototext_float(text, message, "min", &activation.a, error) < 0 ||
        prototext_float(text, message, "max", &activation.b, error) < 0)
        return FAILED;
    return add_activation(reader, layer, &activation, error);
}

int caffe_translate_prelu(struct caffe_reader *reader, const struct caffe_layer *layer,
                          struct error *error)
{
    struct activation activation = {.kind = ACTIVATION_PRELU};
    bool shared = false;
    size_t input, channels;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        prototext_bool(&reader->definition->text, parameters(reader, layer, "prelu_param"),
                       "channel_shared", &shared, error) < 0)
        return FAILED;
    channels = shape_channels(caffe_shape(reader, input));
    activation.slopes = caffe_blob_floats(reader, layer, 0, shared ? 1 : channels, error);
    if (activation.slopes == NULL)
        return FAILED;
    if (shared)
        activation = (struct activation){.kind = ACTIVATION_LEAKY, .a = activation.slopes[0]};
    return add_activation(reader, layer, &activation, error);
}

/* ---- scale and shift -------------------------------------------------------------------- */

/* scale * x + shift with the same two numbers for all channels. */
static int add_scalar_affine(struct caffe_reader *reader, const struct caffe_layer *layer,
                             size_t input, float scale, float shift, size_t *index,
                             struct error *error)
{
    size_t channels = shape_channels(caffe_shape(reader, input));
    struct layer added = {.kind = LAYER_AFFINE, .input_count = 1};

    added.affine.scale = caffe_constant(reader, channels, scale, error);
    added.affine.shift = caffe_constant(reader, channels, shift, error);
    if (added.affine.scale == NULL || added.affine.shift == NULL)
        return FAILED;
    return caffe_add(reader, layer, &added, &input, index, error);
}

/* The stored statistics are those of use_global_stats, which is what the TEST phase means: a
 * definition that asks for the batch's own has kept a setting of the training. Both are stored as
 * sums, of which blob 2 has the weight. */
int caffe_translate_batch_norm(struct caffe_reader *reader, const struct caffe_layer *layer,
                               struct error *error)
{
    struct layer added = {.kind = LAYER_AFFINE, .input_count = 1};
    const float *mean, *variance, *weight;
    float *scale, *shift, epsilon = 1e-5f;
    size_t input, channels;
    double factor;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        prototext_float(&reader->definition->text, parameters(reader, layer, "batch_norm_param"),
                        "eps", &epsilon, error) < 0)
        return FAILED;
    channels = shape_channels(caffe_shape(reader, input));
    mean = caffe_blob_floats(reader, layer, 0, channels, error);
    variance = mean != NULL ? caffe_blob_floats(reader, layer, 1, channels, error) : NULL;
    weight = variance != NULL ? caffe_blob_floats(reader, layer, 2, 1, error) : NULL;
    scale = weight != NULL ? caffe_constant(reader, channels, 1, error) : NULL;
    shift = scale != NULL ? caffe_constant(reader, channels, 0, error) : NULL;
    if (shift == NULL)
        return FAILED;
    factor = is_zero(weight[0]) ? 0 : 1 / (double)weight[0];
    for (size_t c = 0; c < channels; c++) {
        double deviation = sqrt((double)variance[c] * factor + (double)epsilon);

        scale[c] = (float)(1 / deviation);
        shift[c] = (float)(-(double)mean[c] * factor / deviation);
    }
    added.affine = (struct affine){scale, shift};
    return caffe_add_simple(reader, layer, &added, error);
}

/* Numbers for each channel: from a blob with one for each channel or a single one. */
static float *channel_floats(struct caffe_reader *reader, const struct caffe_layer *layer,
                             size_t blob, size_t channels, bool single, struct error *error)
{
    float *values = caffe_blob_floats(reader, layer, blob, single ? 1 : channels, error);

    if (values == NULL || !single)
        return values;
    return caffe_constant(reader, channels, values[0], error);
}

/* Scale and Bias with a bottom for the numbers: all of the same shape, or (axis 0) one for each
 * channel of a map. *second becomes a layer that broadcasts. */
static int fit_second(struct caffe_reader *reader, const struct caffe_layer *layer, size_t input,
                      int64_t axis, size_t *second, struct error *error)
{
    const struct shape *shape = caffe_shape(reader, input);
    const struct shape *other = caffe_shape(reader, *second);
    struct shape channels = {SHAPE_MAP_RANK, {shape_channels(shape), 1, 1}};

    if (axis == 0 && shape_equal(shape, other))
        return 0;
    if (axis != 0 || !shape_is_map(shape) || other->rank != 1 ||
        other->dims[0] != shape->dims[SHAPE_CHANNELS])
        return error_set(error, "its second input does not fit its first");
    return caffe_add_reshape(reader, layer, *second, &channels, second, error);
}

static int add_binary(struct caffe_reader *reader, const struct caffe_layer *layer,
                      enum binary_kind kind, size_t first, size_t second, size_t *index,
                      struct error *error)
{
    struct layer added = {.kind = LAYER_BINARY, .binary = kind, .input_count = 2};

    return caffe_add(reader, layer, &added, (size_t[]){first, second}, index, error);
}

/* What Scale and Bias have in common. */
struct affine_parameters {
    bool scales, bias;
    int64_t axis, axes;
};

static int read_affine(const struct caffe_reader *reader, const struct caffe_layer *layer,
                       struct affine_parameters *affine, struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message;

    *affine = (struct affine_parameters){.scales = strcmp(layer->type, "Scale") == 0,
                                         .axis = 1, .axes = 1};
    message = parameters(reader, layer, affine->scales ? "scale_param" : "bias_param");
    if (affine->scales && prototext_bool(text, message, "bias_term", &affine->bias, error) < 0)
        return FAILED;
    if (prototext_integer(text, message, "num_axes", -1, TENSOR_MAX_RANK, &affine->axes,
                          error) < 0)
        return FAILED;
    return prototext_integer(text, message, "axis", -TENSOR_MAX_RANK, TENSOR_MAX_RANK,
                             &affine->axis, error);
}

/* x (operation) second, and the bias that a Scale may have behind it. */
static int add_with_second(struct caffe_reader *reader, const struct caffe_layer *layer,
                           const struct affine_parameters *affine, struct error *error)
{
    struct layer added = {.kind = LAYER_AFFINE, .input_count = 1};
    size_t input, second, index;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        caffe_input(reader, layer, 1, &second, error) < 0 ||
        fit_second(reader, layer, input, affine->axis, &second, error) < 0 ||
        add_binary(reader, layer, affine->scales ? BINARY_MULTIPLY : BINARY_ADD, input, second,
                   &index, error) < 0)
        return FAILED;
    if (affine->bias) {
        added.affine.shift = caffe_blob_floats(
            reader, layer, 0, shape_channels(caffe_shape(reader, index)), error);
        if (added.affine.shift == NULL ||
            caffe_add(reader, layer, &added, &index, &index, error) < 0)
            return FAILED;
    }
    return caffe_name(reader, layer, 0, index, error);
}

int caffe_translate_affine(struct caffe_reader *reader, const struct caffe_layer *layer,
                           struct error *error)
{
    struct layer added = {.kind = LAYER_AFFINE, .input_count = 1};
    struct affine_parameters affine;
    size_t input, channels, axis;
    bool single;

    if (read_affine(reader, layer, &affine, error) < 0)
        return FAILED;
    if (layer->bottom_count > 1)
        return add_with_second(reader, layer, &affine, error);
    if (caffe_input(reader, layer, 0, &input, error) < 0)
        return FAILED;
    single = affine.axes == 0;
    if (!single && (caffe_axis(affine.axis, caffe_shape(reader, input)->rank, &axis, error) < 0 ||
                    axis != 0 ||
                    (affine.axes != 1 && caffe_shape(reader, input)->rank != 1)))
        return error_set(error, "it is supported for channels only");
    channels = shape_channels(caffe_shape(reader, input));
    if (affine.scales) {
        added.affine.scale = channel_floats(reader, layer, 0, channels, single, error);
        if (added.affine.scale == NULL)
            return FAILED;
    }
    if (!affine.scales || affine.bias) {
        added.affine.shift =
            channel_floats(reader, layer, affine.scales ? 1 : 0, channels, single, error);
        if (added.affine.shift == NULL)
            return FAILED;
    }
    return caffe_add_simple(reader, layer, &added, error);
}

/* (shift + scale x) ^ power. */
static int add_power(struct caffe_reader *reader, const struct caffe_layer *layer, size_t input,
                     float power, float scale, float shift, size_t *index, struct error *error)
{
    struct layer raised = {.kind = LAYER_ACTIVATION, .input_count = 1,
                           .activation = {.kind = ACTIVATION_POWER, .a = power}};

    /* As Caffe does it: the input is not looked at, not even for a NaN. */
    if (is_zero(power) || is_zero(scale))
        return add_scalar_affine(reader, layer, input, 0,
                                 is_zero(power) ? 1 : powf(shift, power), index, error);
    if (add_scalar_affine(reader, layer, input, scale, shift, index, error) < 0)
        return FAILED;
    if (!(power < 1) && !(power > 1))
        return 0;
    return caffe_add(reader, layer, &raised, index, index, error);
}

int caffe_translate_power(struct caffe_reader *reader, const struct caffe_layer *layer,
                          struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message = parameters(reader, layer, "power_param");
    float power = 1, scale = 1, shift = 0;
    size_t input, index;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        prototext_float(text, message, "power", &power, error) < 0 ||
        prototext_float(text, message, "scale", &scale, error) < 0 ||
        prototext_float(text, message, "shift", &shift, error) < 0 ||
        add_power(reader, layer, input, power, scale, shift, &index, error) < 0)
        return FAILED;
    return caffe_name(reader, layer, 0, index, error);
}

/* ---- local response normalisation ------------------------------------------------------- */

/* x (1 + alpha / size^2 * sum of squares of the size x size pixels around) ^ -beta, zeros outside
 * of the map; `k` is not used (lrn_layer.cpp). */
static int add_lrn_within(struct caffe_reader *reader, const struct caffe_layer *layer,
                          const struct lrn *lrn, size_t input, struct error *error)
{
    size_t pad = (lrn->size - 1) / 2, index;
    struct layer sum = {
        .kind = LAYER_POOL,
        .input_count = 1,
        .pool = {.window = {.kernel = {lrn->size, lrn->size}, .stride = {1, 1},
                            .dilation = {1, 1}, .pad_begin = {pad, pad}, .pad_end = {pad, pad}},
                 .count_padding = true},
    };

    if (add_binary(reader, layer, BINARY_MULTIPLY, input, input, &index, error) < 0 ||
        caffe_add(reader, layer, &sum, &index, &index, error) < 0 ||
        add_power(reader, layer, index, -lrn->beta, lrn->alpha, 1, &index, error) < 0 ||
        add_binary(reader, layer, BINARY_MULTIPLY, input, index, &index, error) < 0)
        return FAILED;
    return caffe_name(reader, layer, 0, index, error);
}

int caffe_translate_lrn(struct caffe_reader *reader, const struct caffe_layer *layer,
                        struct error *error)
{
    static const char *const regions[] = {"ACROSS_CHANNELS", "WITHIN_CHANNEL", NULL};
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message = parameters(reader, layer, "lrn_param");
    struct layer added = {.kind = LAYER_LRN,
                          .lrn = {.size = 5, .alpha = 1, .beta = 0.75f, .bias = 1}};
    size_t input, region = 0;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        caffe_size(reader, layer, "lrn_param", "local_size", 1, CAFFE_MAX_EXTENT, &added.lrn.size,
                   error) < 0 ||
        prototext_float(text, message, "alpha", &added.lrn.alpha, error) < 0 ||
        prototext_float(text, message, "beta", &added.lrn.beta, error) < 0 ||
        prototext_float(text, message, "k", &added.lrn.bias, error) < 0 ||
        prototext_enum(text, message, "norm_region", regions, &region, error) < 0)
        return FAILED;
    if (added.lrn.size % 2 == 0)
        return error_set(error, "its 'local_size' is %zu, not an odd number", added.lrn.size);
    if (region == 1)
        return add_lrn_within(reader, layer, &added.lrn, input, error);
    return caffe_add_simple(reader, layer, &added, error);
}

/* ---- several inputs --------------------------------------------------------------------- */

enum { OPERATION_PRODUCT, OPERATION_SUM, OPERATION_MAXIMUM };

/* The inputs as rows of one map, [channels][inputs][pixels] or [1][inputs][features], of which a
 * pooling takes the largest. */
static int add_maximum(struct caffe_reader *reader, const struct caffe_layer *layer,
                       struct error *error)
{
    size_t count = layer->bottom_count, index;
    struct layer rows = {.kind = LAYER_CONCAT, .concat_axis = SHAPE_HEIGHT,
                         .input_count = count};
    struct layer pool = {.kind = LAYER_POOL, .input_count = 1,
                         .pool = {.window = {.kernel = {count, 1}, .stride = {1, 1},
                                             .dilation = {1, 1}}, .maximum = true}};
    size_t *inputs = graph_allocate(reader->graph, count, sizeof *inputs, error);
    struct shape shape, row = {SHAPE_MAP_RANK, {1, 1, 1}};

    if (inputs == NULL || caffe_input(reader, layer, 0, &inputs[0], error) < 0)
        return FAILED;
    shape = *caffe_shape(reader, inputs[0]);
    if (shape_is_map(&shape))
        row.dims[SHAPE_CHANNELS] = shape.dims[SHAPE_CHANNELS];
    row.dims[SHAPE_WIDTH] = shape_count(&shape) / row.dims[SHAPE_CHANNELS];
    for (size_t i = 0; i < count; i++)
        if (caffe_input(reader, layer, i, &inputs[i], error) < 0 ||
            caffe_add_reshape(reader, layer, inputs[i], &row, &inputs[i], error) < 0)
            return FAILED;
    if (caffe_add(reader, layer, &rows, inputs, &index, error) < 0 ||
        caffe_add(reader, layer, &pool, &index, &index, error) < 0 ||
        caffe_add_reshape(reader, layer, index, &shape, &index, error) < 0)
        return FAILED;
    return caffe_name(reader, layer, 0, index, error);
}

/* Bottom `index`, times its coefficient in a sum. */
static int scaled_input(struct caffe_reader *reader, const struct caffe_layer *layer,
                        size_t index, const struct prototext_field *coefficient, size_t *input,
                        struct error *error)
{
    float factor = 1;

    if (caffe_input(reader, layer, index, input, error) < 0 ||
        (coefficient != NULL && prototext_float_of(coefficient, &factor, error) < 0))
        return FAILED;
    if (!(factor < 1) && !(factor > 1))
        return 0;
    return add_scalar_affine(reader, layer, *input, factor, 0, input, error);
}

static int add_chain(struct caffe_reader *reader, const struct caffe_layer *layer,
                     enum binary_kind kind, const struct prototext_field *coefficient,
                     struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    size_t sum = 0, input;

    for (size_t i = 0; i < layer->bottom_count; i++) {
        if (scaled_input(reader, layer, i, coefficient, &input, error) < 0)
            return FAILED;
        if (i == 0)
            sum = input;
        else if (add_binary(reader, layer, kind, sum, input, &sum, error) < 0)
            return FAILED;
        if (coefficient != NULL)
            coefficient = prototext_find_next(text, coefficient, "coeff");
    }
    return caffe_name(reader, layer, 0, sum, error);
}

/* All inputs have one shape: Caffe does not broadcast. */
static int check_same(const struct caffe_reader *reader, const struct caffe_layer *layer,
                      struct error *error)
{
    char left[128], right[128];
    size_t first, other;

    if (caffe_input(reader, layer, 0, &first, error) < 0)
        return FAILED;
    for (size_t i = 1; i < layer->bottom_count; i++) {
        if (caffe_input(reader, layer, i, &other, error) < 0)
            return FAILED;
        if (!shape_equal(caffe_shape(reader, first), caffe_shape(reader, other)))
            return error_set(error, "its inputs are %s and %s",
                             shape_to_text(caffe_shape(reader, first), left),
                             shape_to_text(caffe_shape(reader, other), right));
    }
    return 0;
}

int caffe_translate_eltwise(struct caffe_reader *reader, const struct caffe_layer *layer,
                            struct error *error)
{
    static const char *const operations[] = {"PROD", "SUM", "MAX", NULL};
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message = parameters(reader, layer, "eltwise_param");
    const struct prototext_field *first = prototext_find(text, message, "coeff");
    const struct prototext_field *coefficient = first;
    size_t operation = OPERATION_SUM, count = 0;

    if (check_same(reader, layer, error) < 0 ||
        prototext_enum(text, message, "operation", operations, &operation, error) < 0)
        return FAILED;
    for (; coefficient != NULL; coefficient = prototext_find_next(text, coefficient, "coeff"))
        count++;
    if (count > 0 && (count != layer->bottom_count || operation != OPERATION_SUM))
        return error_set(error, "it has %zu coefficients for %zu inputs", count,
                         layer->bottom_count);
    if (operation == OPERATION_MAXIMUM)
        return add_maximum(reader, layer, error);
    return add_chain(reader, layer,
                     operation == OPERATION_SUM ? BINARY_ADD : BINARY_MULTIPLY, first, error);
}

/* SENet's layer: a x + y, with one number of a for each channel. */
int caffe_translate_axpy(struct caffe_reader *reader, const struct caffe_layer *layer,
                         struct error *error)
{
    const struct shape *factors, *shape;
    size_t inputs[3], index;

    for (size_t i = 0; i < 3; i++)
        if (caffe_input(reader, layer, i, &inputs[i], error) < 0)
            return FAILED;
    factors = caffe_shape(reader, inputs[0]);
    shape = caffe_shape(reader, inputs[1]);
    if (!shape_is_map(factors) || shape_pixels(factors) != 1 || !shape_is_map(shape) ||
        shape_channels(factors) != shape_channels(shape) ||
        !shape_equal(shape, caffe_shape(reader, inputs[2])))
        return error_set(error, "its inputs do not fit each other");
    if (add_binary(reader, layer, BINARY_MULTIPLY, inputs[1], inputs[0], &index, error) < 0 ||
        add_binary(reader, layer, BINARY_ADD, index, inputs[2], &index, error) < 0)
        return FAILED;
    return caffe_name(reader, layer, 0, index, error);
}
