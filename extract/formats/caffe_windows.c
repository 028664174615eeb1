/*
 * Convolution, pooling and products with a matrix.
 */
#include <string.h>

#include "extract/formats/caffe_reader_private.h"

/* ---- windows ---------------------------------------------------------------------------- */

/* One property of a window, per axis: once for both axes or once for each as `name` (a convolution
 * repeats it), or as two fields of their own. */
struct property {
    const char *message, *name, *height, *width;
    size_t minimum;
    bool repeats;
};

static int read_pair(const struct caffe_reader *reader, const struct caffe_layer *layer,
                     const struct property *property, size_t pair[2], struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message =
        caffe_parameters(reader->definition, layer, property->message);
    const char *name = caffe_parameter_name(layer, property->name);
    const struct prototext_field *field = prototext_find(text, message, name);
    bool apart = prototext_find(text, message, property->height) != NULL ||
                 prototext_find(text, message, property->width) != NULL;
    size_t count = 0;

    for (; field != NULL; field = prototext_find_next(text, field, name), count++) {
        int64_t number;

        if (count == (property->repeats ? 2 : 1) || apart)
            return error_set(error, "its '%s' stands too often", name);
        if (prototext_integer_of(field, (int64_t)property->minimum, CAFFE_MAX_EXTENT, &number,
                                 error) < 0)
            return FAILED;
        pair[count] = (size_t)number;
        if (count == 0)
            pair[1] = (size_t)number;
    }
    if (caffe_size(reader, layer, property->message, property->height, property->minimum,
                   CAFFE_MAX_EXTENT, &pair[0], error) < 0)
        return FAILED;
    return caffe_size(reader, layer, property->message, property->width, property->minimum,
                      CAFFE_MAX_EXTENT, &pair[1], error);
}

/* The kernel stays 0 where the layer does not say it. */
static int read_window(const struct caffe_reader *reader, const struct caffe_layer *layer,
                       const char *message, bool convolution, struct window *window,
                       struct error *error)
{
    const struct property kernel = {message, "kernel_size", "kernel_h", "kernel_w", 1,
                                    convolution};
    const struct property stride = {message, "stride", "stride_h", "stride_w", 1, convolution};
    const struct property pad = {message, "pad", "pad_h", "pad_w", 0, convolution};
    const struct property dilation = {message, "dilation", "dilation_h", "dilation_w", 1,
                                      convolution};

    *window = (struct window){.stride = {1, 1}, .dilation = {1, 1}};
    if (read_pair(reader, layer, &kernel, window->kernel, error) < 0 ||
        read_pair(reader, layer, &stride, window->stride, error) < 0 ||
        read_pair(reader, layer, &pad, window->pad_begin, error) < 0)
        return FAILED;
    memcpy(window->pad_end, window->pad_begin, sizeof window->pad_end);
    return convolution ? read_pair(reader, layer, &dilation, window->dilation, error) : 0;
}

static int need_map(const struct shape *shape, struct error *error)
{
    char text[128];

    if (shape_is_map(shape))
        return 0;
    return error_set(error, "its input is %s, not a map of channels, height and width",
                     shape_to_text(shape, text));
}

/* ---- convolution ------------------------------------------------------------------------ */

/* The weights, and the bias where there is one, for an input of `channels`. */
static int read_convolution_blobs(const struct caffe_reader *reader,
                                  const struct caffe_layer *layer, size_t channels,
                                  struct convolution *convolution, struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const char *message = "convolution_param";
    size_t outputs = 0, dims[4];
    bool bias = true;

    if (caffe_size(reader, layer, message, "num_output", 1, 1 << 24, &outputs, error) < 0 ||
        prototext_bool(text, caffe_parameters(reader->definition, layer, message),
                       caffe_parameter_name(layer, "bias_term"), &bias, error) < 0)
        return FAILED;
    if (outputs == 0)
        return error_set(error, "its 'num_output' is missing");
    if (channels % convolution->groups != 0 || outputs % convolution->groups != 0)
        return error_set(error, "its %zu channels and %zu outputs cannot be split into %zu groups",
                         channels, outputs, convolution->groups);
    dims[0] = outputs;
    dims[1] = channels / convolution->groups;
    dims[2] = convolution->window.kernel[0];
    dims[3] = convolution->window.kernel[1];
    if (caffe_blob(reader, layer, 0, dims, 4, &convolution->weights, error) < 0)
        return FAILED;
    if (!bias)
        return 0;
    convolution->shift = caffe_blob_floats(reader, layer, 1, outputs, error);
    return convolution->shift != NULL ? 0 : FAILED;
}

/* groups: 0 where the layer says it. */
static int add_convolution(struct caffe_reader *reader, const struct caffe_layer *layer,
                           size_t groups, struct error *error)
{
    struct layer added = {.kind = LAYER_CONVOLUTION, .input_count = 1};
    struct convolution *convolution = &added.convolution;
    size_t input, axis = 1, given = 1;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        need_map(caffe_shape(reader, input), error) < 0 ||
        read_window(reader, layer, "convolution_param", true, &convolution->window, error) < 0 ||
        caffe_size(reader, layer, "convolution_param", "group", 1, CAFFE_MAX_EXTENT, &given,
                   error) < 0 ||
        caffe_size(reader, layer, "convolution_param", "axis", 1, 1, &axis, error) < 0)
        return FAILED;
    if (layer->bottom_count != 1 || layer->top_count != 1)
        return error_set(error, "it has %zu inputs and %zu results, one of each is supported",
                         layer->bottom_count, layer->top_count);
    if (convolution->window.kernel[0] == 0 || convolution->window.kernel[1] == 0)
        return error_set(error, "its '%s' is missing", caffe_parameter_name(layer, "kernel_size"));
    convolution->groups = groups > 0 ? groups : given;
    if (read_convolution_blobs(reader, layer,
                               caffe_shape(reader, input)->dims[SHAPE_CHANNELS], convolution,
                               error) < 0)
        return FAILED;
    return caffe_add_simple(reader, layer, &added, error);
}

int caffe_translate_convolution(struct caffe_reader *reader, const struct caffe_layer *layer,
                                struct error *error)
{
    return add_convolution(reader, layer, 0, error);
}

/* As many groups as channels, whatever the layer says. */
int caffe_translate_depthwise(struct caffe_reader *reader, const struct caffe_layer *layer,
                              struct error *error)
{
    size_t input;

    if (caffe_input(reader, layer, 0, &input, error) < 0)
        return FAILED;
    return add_convolution(reader, layer, shape_channels(caffe_shape(reader, input)), error);
}

/* V0's padding of zeros, which its convolution then takes in. */
int caffe_translate_padding(struct caffe_reader *reader, const struct caffe_layer *layer,
                            struct error *error)
{
    struct layer added = {.kind = LAYER_PAD, .input_count = 1};
    size_t input, pad = 0;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        need_map(caffe_shape(reader, input), error) < 0 ||
        caffe_size(reader, layer, "", "pad", 0, CAFFE_MAX_EXTENT, &pad, error) < 0)
        return FAILED;
    for (size_t axis = SHAPE_HEIGHT; axis <= SHAPE_WIDTH; axis++)
        added.pad.before[axis] = added.pad.after[axis] = pad;
    return caffe_add_simple(reader, layer, &added, error);
}

/* ---- pooling ---------------------------------------------------------------------------- */

/* Without padding Caffe keeps a last window that begins behind the map (its stride is longer than
 * its kernel) and fills it with -FLT_MAX or a quotient of nothing. */
static int check_last_window(const struct window *window, const struct shape *input,
                             struct error *error)
{
    for (size_t axis = 0; axis < 2; axis++) {
        size_t length = input->dims[SHAPE_HEIGHT + axis], stride = window->stride[axis];
        size_t last;

        if (length < window->kernel[axis])
            continue;
        last = (length - window->kernel[axis] + stride - 1) / stride * stride;
        if (last >= length)
            return error_set(error, "its last window lies outside of its input");
    }
    return 0;
}

static int read_pool(const struct caffe_reader *reader, const struct caffe_layer *layer,
                     struct pool *pool, struct error *error)
{
    static const char *const methods[] = {"MAX", "AVE", "STOCHASTIC", NULL};
    static const char *const modes[] = {"CEIL", "FLOOR", NULL};
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message =
        caffe_parameters(reader->definition, layer, "pooling_param");
    size_t method = 0, mode = 0;
    bool ceiling = true;

    if (read_window(reader, layer, "pooling_param", false, &pool->window, error) < 0 ||
        prototext_enum(text, message, "pool", methods, &method, error) < 0 ||
        prototext_enum(text, message, "round_mode", modes, &mode, error) < 0 ||
        prototext_bool(text, message, "ceil_mode", &ceiling, error) < 0 ||
        prototext_bool(text, message, "global_pooling", &pool->global, error) < 0)
        return FAILED;
    if (method == 2)
        return error_set(error, "stochastic pooling is not supported");
    if (!pool->global && (pool->window.kernel[0] == 0 || pool->window.kernel[1] == 0))
        return error_set(error, "its '%s' is missing", caffe_parameter_name(layer, "kernel_size"));
    pool->maximum = method == 0;
    pool->ceiling = mode == 0 && ceiling && !pool->global;
    pool->count_padding = true;
    return 0;
}

int caffe_translate_pooling(struct caffe_reader *reader, const struct caffe_layer *layer,
                            struct error *error)
{
    struct layer added = {.kind = LAYER_POOL, .input_count = 1};
    const struct window *window = &added.pool.window;
    size_t input, index;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        need_map(caffe_shape(reader, input), error) < 0 ||
        read_pool(reader, layer, &added.pool, error) < 0)
        return FAILED;
    if (reader->graph->layers[input].kind == LAYER_PAD)
        return error_set(error, "a padding layer before a pooling is not supported");
    if (added.pool.ceiling && window->pad_begin[0] == 0 && window->pad_begin[1] == 0 &&
        check_last_window(window, caffe_shape(reader, input), error) < 0)
        return FAILED;
    if (caffe_add(reader, layer, &added, &input, &index, error) < 0)
        return FAILED;
    return caffe_name(reader, layer, 0, index, error);
}

/* ---- inner product ---------------------------------------------------------------------- */

/* The input as a vector. */
static int flatten(struct caffe_reader *reader, const struct caffe_layer *layer, size_t *input,
                   struct error *error)
{
    const struct shape flat = {1, {shape_count(caffe_shape(reader, *input))}};

    if (caffe_shape(reader, *input)->rank == 1)
        return 0;
    return caffe_add_reshape(reader, layer, *input, &flat, input, error);
}

/* The walk ends here when only the size of the images is wanted. */
static int note_fit(const struct caffe_reader *reader, const struct caffe_layer *layer,
                    size_t outputs, size_t features, struct error *error)
{
    const struct caffe_blobs *blobs = caffe_weights_find(reader->weights, layer->name);

    if (blobs != NULL && outputs > 0)
        input_fit_meet(reader->fit, blobs->tensors[0].count / outputs, features);
    return error_set(error, "it is as far as was asked");
}

int caffe_translate_inner_product(struct caffe_reader *reader, const struct caffe_layer *layer,
                                  struct error *error)
{
    const struct prototext *text = &reader->definition->text;
    const struct prototext_field *message =
        caffe_parameters(reader->definition, layer, "inner_product_param");
    struct layer added = {.kind = LAYER_DENSE, .input_count = 1, .dense.factor = 1};
    size_t input, index, features, outputs = 0, axis = 1;
    bool bias = true, transpose = false;

    if (caffe_input(reader, layer, 0, &input, error) < 0 ||
        caffe_size(reader, layer, "inner_product_param", "num_output", 1, 1 << 24, &outputs,
                   error) < 0 ||
        caffe_size(reader, layer, "inner_product_param", "axis", 1, 1, &axis, error) < 0 ||
        prototext_bool(text, message, caffe_parameter_name(layer, "bias_term"), &bias,
                       error) < 0 ||
        prototext_bool(text, message, "transpose", &transpose, error) < 0)
        return FAILED;
    features = shape_count(caffe_shape(reader, input));
    if (reader->fit != NULL)
        return note_fit(reader, layer, outputs, features, error);
    if (outputs == 0)
        return error_set(error, "its 'num_output' is missing");
    if (caffe_blob(reader, layer, 0,
                   transpose ? (size_t[]){features, outputs} : (size_t[]){outputs, features}, 2,
                   &added.dense.weights, error) < 0)
        return FAILED;
    added.dense.transposed = !transpose;
    if (bias) {
        added.dense.shift = caffe_blob_floats(reader, layer, 1, outputs, error);
        if (added.dense.shift == NULL)
            return FAILED;
    }
    if (flatten(reader, layer, &input, error) < 0 ||
        caffe_add(reader, layer, &added, &input, &index, error) < 0)
        return FAILED;
    return caffe_name(reader, layer, 0, index, error);
}
