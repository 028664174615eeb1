#include "extract/graph/infer.h"

#include <stdlib.h>

#include "common/memory.h"

/* One result of one image holds at most this many numbers (1 GiB of floats): far above any
 * classification network, far below what would overflow. */
enum { MAX_ELEMENTS = 1 << 28 };

typedef int infer_function(const struct shape *const *inputs, struct layer *layer,
                           struct error *error);

static int need_map(const struct shape *input, struct error *error)
{
    char text[128];

    if (shape_is_map(input))
        return 0;
    return error_set(error, "its input is %s, not a map of channels, height and width",
                     shape_to_text(input, text));
}

static int need_same(const struct shape *a, const struct shape *b, struct error *error)
{
    char left[128], right[128];

    if (shape_equal(a, b))
        return 0;
    return error_set(error, "its inputs are %s and %s", shape_to_text(a, left),
                     shape_to_text(b, right));
}

size_t window_output(const struct window *window, int axis, size_t input, bool ceiling)
{
    size_t extent = window->dilation[axis] * (window->kernel[axis] - 1) + 1;
    size_t padded = input + window->pad_begin[axis] + window->pad_end[axis];
    size_t stride = window->stride[axis];
    size_t output;

    if (padded < extent)
        return 0;
    output = (padded - extent + (ceiling ? stride - 1 : 0)) / stride + 1;
    /* A window that would begin in the padding behind the map is left out (Caffe, PyTorch). */
    if (ceiling && (output - 1) * stride >= input + window->pad_begin[axis])
        output--;
    return output;
}

bool window_reaches(const struct window *window, int axis, size_t input, size_t output)
{
    size_t dilation = window->dilation[axis], pad = window->pad_begin[axis];

    for (size_t i = 0; i < output; i++) {
        size_t begin = i * window->stride[axis];
        size_t skipped = begin < pad ? (pad - begin + dilation - 1) / dilation : 0;

        if (skipped >= window->kernel[axis] || begin + skipped * dilation >= pad + input)
            return false;
    }
    return true;
}

static int infer_window(const struct window *window, const struct shape *input, bool ceiling,
                        struct shape *output, struct error *error)
{
    char text[128];

    for (int axis = 0; axis < 2; axis++) {
        size_t *length = &output->dims[SHAPE_HEIGHT + axis];

        *length = window_output(window, axis, input->dims[SHAPE_HEIGHT + axis], ceiling);
        if (*length == 0)
            return error_set(error, "a window of %zux%zu does not fit into %s",
                             window->kernel[0], window->kernel[1], shape_to_text(input, text));
    }
    return 0;
}

static int infer_convolution(const struct shape *const *inputs, struct layer *layer,
                             struct error *error)
{
    struct convolution *convolution = &layer->convolution;
    const struct tensor *weights = &convolution->weights;
    const struct window *window = &convolution->window;
    const struct shape *input = inputs[0];

    if (need_map(input, error) < 0)
        return FAILED;
    if (weights->rank != 4 || weights->count == 0)
        return error_set(error, "its weights have %zu dimensions, not 4", weights->rank);
    if (weights->shape[2] != window->kernel[0] || weights->shape[3] != window->kernel[1])
        return error_set(error, "its weights are %zux%zu, its kernel_shape %zux%zu",
                         weights->shape[2], weights->shape[3], window->kernel[0],
                         window->kernel[1]);
    if (convolution->groups == 0 || weights->shape[0] % convolution->groups != 0 ||
        input->dims[SHAPE_CHANNELS] % convolution->groups != 0 ||
        input->dims[SHAPE_CHANNELS] / convolution->groups != weights->shape[1])
        return error_set(error,
                         "its weights are for %zu channels in each of %zu groups, its input has "
                         "%zu channels", weights->shape[1], convolution->groups,
                         input->dims[SHAPE_CHANNELS]);
    layer->shape = *input;
    layer->shape.dims[SHAPE_CHANNELS] = weights->shape[0];
    return infer_window(window, input, false, &layer->shape, error);
}

static int infer_dense(const struct shape *const *inputs, struct layer *layer,
                       struct error *error)
{
    const struct dense *dense = &layer->dense;
    const struct shape *input = inputs[0];
    size_t features = input->rank > 0 ? input->dims[input->rank - 1] : 1;

    if (dense->weights.rank != 2)
        return error_set(error, "its weights have %zu dimensions, not 2", dense->weights.rank);
    if (shape_is_map(input) || dense->weights.shape[dense->transposed ? 1 : 0] != features)
        return error_set(error, "its weights are for %zu features, its input has %zu",
                         dense->weights.shape[dense->transposed ? 1 : 0], features);
    layer->shape = *input;
    layer->shape.dims[input->rank - 1] = dense->weights.shape[dense->transposed ? 0 : 1];
    return 0;
}

static int infer_pool(const struct shape *const *inputs, struct layer *layer, struct error *error)
{
    struct pool *pool = &layer->pool;
    const struct shape *input = inputs[0];

    if (need_map(input, error) < 0)
        return FAILED;
    layer->shape = *input;
    if (pool->global) {
        pool->window = (struct window){
            .kernel = {input->dims[SHAPE_HEIGHT], input->dims[SHAPE_WIDTH]},
            .stride = {1, 1},
            .dilation = {1, 1},
        };
    }
    for (int axis = 0; axis < 2; axis++)
        if (pool->window.pad_begin[axis] >= pool->window.kernel[axis] ||
            pool->window.pad_end[axis] >= pool->window.kernel[axis] * pool->window.dilation[axis])
            return error_set(error, "its padding is as large as its window");
    if (infer_window(&pool->window, input, pool->ceiling, &layer->shape, error) < 0)
        return FAILED;
    for (int axis = 0; axis < 2; axis++)
        if (!window_reaches(&pool->window, axis, input->dims[SHAPE_HEIGHT + axis],
                            layer->shape.dims[SHAPE_HEIGHT + axis]))
            return error_set(error, "no pixel of its input lies under one of its windows");
    return 0;
}

static int infer_as_input(const struct shape *const *inputs, struct layer *layer,
                          struct error *error)
{
    (void)error;
    layer->shape = *inputs[0];
    return 0;
}

/* As ONNX and NumPy broadcast: aligned at the last dimension, 1 stretches. The shapes are those
 * without the batch, so ranks differ only where an operand is the same for all images. */
static int infer_binary(const struct shape *const *inputs, struct layer *layer,
                        struct error *error)
{
    const struct shape *longer = inputs[0]->rank >= inputs[1]->rank ? inputs[0] : inputs[1];
    const struct shape *shorter = longer == inputs[0] ? inputs[1] : inputs[0];
    size_t offset = longer->rank - shorter->rank;

    layer->shape = *longer;
    for (size_t axis = 0; axis < shorter->rank; axis++) {
        size_t *length = &layer->shape.dims[offset + axis];

        if (*length == 1)
            *length = shorter->dims[axis];
        else if (shorter->dims[axis] != 1 && shorter->dims[axis] != *length)
            return need_same(inputs[0], inputs[1], error);
    }
    if (shape_equal(inputs[0], inputs[1]) || shape_is_map(&layer->shape))
        return 0;
    return need_same(inputs[0], inputs[1], error);
}

static int infer_concat(const struct shape *const *inputs, struct layer *layer,
                        struct error *error)
{
    size_t axis = layer->concat_axis;

    layer->shape = *inputs[0];
    if (axis >= layer->shape.rank)
        return error_set(error, "its axis is outside of its input");
    for (size_t i = 1; i < layer->input_count; i++) {
        struct shape other = *inputs[i];
        size_t length = other.rank == layer->shape.rank ? other.dims[axis] : 0;

        other.dims[axis] = layer->shape.dims[axis];
        if (need_same(&layer->shape, &other, error) < 0)
            return FAILED;
        if (__builtin_add_overflow(layer->shape.dims[axis], length, &layer->shape.dims[axis]))
            return error_set(error, "its result is too large");
    }
    return 0;
}

static int infer_slice(const struct shape *const *inputs, struct layer *layer,
                       struct error *error)
{
    const struct slice *slice = &layer->slice;

    layer->shape = *inputs[0];
    for (size_t axis = 0; axis < layer->shape.rank; axis++) {
        int64_t last = (int64_t)slice->begin[axis] +
                       slice->step[axis] * ((int64_t)slice->count[axis] - 1);

        if (slice->count[axis] == 0)
            return error_set(error, "its result is empty");
        if (slice->begin[axis] >= layer->shape.dims[axis] || last < 0 ||
            last >= (int64_t)layer->shape.dims[axis])
            return error_set(error, "it reaches outside of its input");
        layer->shape.dims[axis] = slice->count[axis];
    }
    return 0;
}

static int infer_pad(const struct shape *const *inputs, struct layer *layer, struct error *error)
{
    const struct pad *pad = &layer->pad;

    layer->shape = *inputs[0];
    for (size_t axis = 0; axis < layer->shape.rank; axis++) {
        size_t *length = &layer->shape.dims[axis];

        if (pad->before[axis] > MAX_ELEMENTS || pad->after[axis] > MAX_ELEMENTS)
            return error_set(error, "its result is too large");
        if (pad->mode == PAD_REFLECT &&
            (pad->before[axis] >= *length || pad->after[axis] >= *length))
            return error_set(error, "it reflects more than its input has");
        *length += pad->before[axis] + pad->after[axis];
    }
    return 0;
}

static int infer_reshape(const struct shape *const *inputs, struct layer *layer,
                         struct error *error)
{
    char from[128], to[128];

    if (shape_count(inputs[0]) == shape_count(&layer->shape))
        return 0;
    return error_set(error, "cannot make %s from %s", shape_to_text(&layer->shape, to),
                     shape_to_text(inputs[0], from));
}

static int infer_transpose(const struct shape *const *inputs, struct layer *layer,
                           struct error *error)
{
    bool seen[SHAPE_MAX_RANK] = {false};

    layer->shape = *inputs[0];
    for (size_t axis = 0; axis < layer->shape.rank; axis++) {
        size_t from = layer->permutation[axis];

        if (from >= layer->shape.rank || seen[from])
            return error_set(error, "its permutation is none");
        seen[from] = true;
        layer->shape.dims[axis] = inputs[0]->dims[from];
    }
    return 0;
}

static int infer_lrn(const struct shape *const *inputs, struct layer *layer, struct error *error)
{
    if (need_map(inputs[0], error) < 0)
        return FAILED;
    if (layer->lrn.size == 0)
        return error_set(error, "its size is 0");
    layer->shape = *inputs[0];
    return 0;
}

static int infer_given(const struct shape *const *inputs, struct layer *layer,
                       struct error *error)
{
    (void)inputs;
    (void)layer;
    (void)error;
    return 0;
}

static infer_function *const functions[LAYER_KINDS] = {
    [LAYER_INPUT] = infer_given,
    [LAYER_CONSTANT] = infer_given,
    [LAYER_CONVOLUTION] = infer_convolution,
    [LAYER_DENSE] = infer_dense,
    [LAYER_POOL] = infer_pool,
    [LAYER_AFFINE] = infer_as_input,
    [LAYER_ACTIVATION] = infer_as_input,
    [LAYER_BINARY] = infer_binary,
    [LAYER_CONCAT] = infer_concat,
    [LAYER_SLICE] = infer_slice,
    [LAYER_PAD] = infer_pad,
    [LAYER_RESHAPE] = infer_reshape,
    [LAYER_TRANSPOSE] = infer_transpose,
    [LAYER_SHUFFLE] = infer_as_input,
    [LAYER_LRN] = infer_lrn,
    [LAYER_SOFTMAX] = infer_as_input,
    [LAYER_UNSUPPORTED] = infer_given,
};

static int check_size(const struct shape *shape, struct error *error)
{
    size_t count = 1;

    if (shape->rank > SHAPE_MAX_RANK)
        return error_set(error, "its result has %zu dimensions", shape->rank);
    for (size_t axis = 0; axis < shape->rank; axis++)
        if (shape->dims[axis] == 0 || !size_multiply(count, shape->dims[axis], &count) ||
            count > MAX_ELEMENTS)
            return error_set(error, "its result is empty or too large");
    return 0;
}

int infer_shape(const struct graph *graph, struct layer *layer, struct error *error)
{
    const struct shape **inputs = memory_allocate(layer->input_count, sizeof *inputs, error);
    int outcome;

    if (inputs == NULL)
        return FAILED;
    for (size_t i = 0; i < layer->input_count; i++) {
        const struct layer *input = &graph->layers[layer->inputs[i]];

        inputs[i] = &input->shape;
        if (input->kind == LAYER_UNSUPPORTED)
            layer->kind = LAYER_UNSUPPORTED;
    }
    outcome = functions[layer->kind](inputs, layer, error);
    if (outcome == 0 && layer->kind != LAYER_UNSUPPORTED)
        outcome = check_size(&layer->shape, error);
    free(inputs);
    return outcome;
}
