#include "extract/network/passes.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* The state of a pass over the graph. */
struct pass {
    struct graph *graph;
    size_t *uses;      /* [layers]: how many inputs, of layers that are needed, and outputs */
    size_t *outputs;
    size_t output_count;
    struct error *error;
};

static struct layer *layer_at(const struct pass *pass, size_t index)
{
    return &pass->graph->layers[index];
}

/* Counts anew who reads what; what nobody needs has no uses. */
static void count_uses(struct pass *pass)
{
    memset(pass->uses, 0, pass->graph->count * sizeof *pass->uses);
    for (size_t i = 0; i < pass->output_count; i++)
        pass->uses[pass->outputs[i]]++;
    for (size_t i = pass->graph->count; i-- > 0;) {
        const struct layer *layer = layer_at(pass, i);

        for (size_t j = 0; pass->uses[i] > 0 && j < layer->input_count; j++)
            pass->uses[layer->inputs[j]]++;
    }
}

static bool is_output(const struct pass *pass, size_t index)
{
    for (size_t i = 0; i < pass->output_count; i++)
        if (pass->outputs[i] == index)
            return true;
    return false;
}

/* Everybody who reads `from` reads `to` instead. */
static void replace(struct pass *pass, size_t from, size_t to)
{
    for (size_t i = 0; i < pass->graph->count; i++)
        for (size_t j = 0; j < layer_at(pass, i)->input_count; j++)
            if (layer_at(pass, i)->inputs[j] == from)
                layer_at(pass, i)->inputs[j] = to;
    for (size_t i = 0; i < pass->output_count; i++)
        if (pass->outputs[i] == from)
            pass->outputs[i] = to;
    pass->uses[to] += pass->uses[from];
    pass->uses[from] = 0;
    for (size_t j = 0; j < layer_at(pass, from)->input_count; j++)
        pass->uses[layer_at(pass, from)->inputs[j]]--;
}

/* `index` read by one layer alone, and not asked for itself: it may change. */
static bool is_private(const struct pass *pass, size_t index)
{
    return pass->uses[index] == 1 && !is_output(pass, index);
}

static int check_supported(const struct pass *pass)
{
    for (size_t i = 0; i < pass->graph->count; i++) {
        const struct layer *layer = layer_at(pass, i);

        if (pass->uses[i] > 0 && layer->kind == LAYER_UNSUPPORTED) {
            error_set(pass->error, "%s", layer->reason);
            return graph_blame(layer, pass->error);
        }
    }
    return 0;
}

/* ---- layers that do nothing ------------------------------------------------------------- */

static bool is_zero(const size_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] != 0)
            return false;
    return true;
}

static bool does_nothing(const struct pass *pass, const struct layer *layer)
{
    const struct shape *input = layer->input_count > 0
                                    ? &layer_at(pass, layer->inputs[0])->shape : NULL;

    if (input == NULL || layer->activation.kind != ACTIVATION_NONE ||
        !shape_equal(input, &layer->shape))
        return false;
    switch (layer->kind) {
    case LAYER_POOL:
        return layer->pool.window.kernel[0] == 1 && layer->pool.window.kernel[1] == 1 &&
               layer->pool.window.stride[0] == 1 && layer->pool.window.stride[1] == 1;
    case LAYER_PAD:
        return is_zero(layer->pad.before, input->rank) && is_zero(layer->pad.after, input->rank);
    case LAYER_RESHAPE:
        return true;
    case LAYER_SLICE:
        for (size_t axis = 0; axis < input->rank; axis++)
            if (layer->slice.step[axis] < 0)
                return false;
        return true;
    case LAYER_CONCAT:
        return layer->input_count == 1;
    case LAYER_TRANSPOSE:
        for (size_t axis = 0; axis < input->rank; axis++)
            if (layer->permutation[axis] != axis)
                return false;
        return true;
    default:
        return false;
    }
}

static void drop_idle_layers(struct pass *pass)
{
    for (size_t i = 0; i < pass->graph->count; i++)
        if (pass->uses[i] > 0 && does_nothing(pass, layer_at(pass, i)))
            replace(pass, i, layer_at(pass, i)->inputs[0]);
}

/* Transpose (c, h, w) to (h, w, c) and back, as exporters from TensorFlow leave it. */
static void drop_inverse_transpositions(struct pass *pass)
{
    for (size_t i = 0; i < pass->graph->count; i++) {
        const struct layer *second = layer_at(pass, i);
        const struct layer *first;
        bool inverse = true;

        if (pass->uses[i] == 0 || second->kind != LAYER_TRANSPOSE)
            continue;
        first = layer_at(pass, second->inputs[0]);
        if (first->kind != LAYER_TRANSPOSE)
            continue;
        for (size_t axis = 0; axis < second->shape.rank; axis++)
            if (first->permutation[second->permutation[axis]] != axis)
                inverse = false;
        if (inverse)
            replace(pass, i, first->inputs[0]);
    }
}

/* Reshape (c, h, w) to (g, c / g, h, w), swap the first two, reshape back (ShuffleNet). */
static bool is_shuffle(const struct pass *pass, const struct layer *last, size_t *groups,
                       size_t *input)
{
    const struct layer *swap, *first;

    if (last->kind != LAYER_RESHAPE || !shape_is_map(&last->shape) || last->reshape_channels_last)
        return false;
    swap = layer_at(pass, last->inputs[0]);
    if (swap->kind != LAYER_TRANSPOSE || swap->shape.rank != 4 || swap->permutation[0] != 1 ||
        swap->permutation[1] != 0 || swap->permutation[2] != 2)
        return false;
    first = layer_at(pass, swap->inputs[0]);
    if (first->kind != LAYER_RESHAPE)
        return false;
    *input = first->inputs[0];
    *groups = first->shape.dims[0];
    return shape_equal(&last->shape, &layer_at(pass, *input)->shape) &&
           first->shape.dims[2] == last->shape.dims[SHAPE_HEIGHT] &&
           first->shape.dims[3] == last->shape.dims[SHAPE_WIDTH];
}

static void join_shuffles(struct pass *pass)
{
    for (size_t i = 0; i < pass->graph->count; i++) {
        struct layer *layer = layer_at(pass, i);
        size_t groups, input;

        if (pass->uses[i] == 0 || !is_shuffle(pass, layer, &groups, &input))
            continue;
        pass->uses[layer->inputs[0]]--;
        pass->uses[input]++;
        layer->kind = LAYER_SHUFFLE;
        layer->shuffle_groups = groups;
        layer->inputs[0] = input;
    }
    count_uses(pass);
}

/* ---- folding ---------------------------------------------------------------------------- */

static float *combine(struct pass *pass, size_t count)
{
    return graph_allocate(pass->graph, count, sizeof(float), pass->error);
}

static float value_or(const float *values, size_t index, float otherwise)
{
    return values != NULL ? values[index] : otherwise;
}

/* (a x + b) s + t = (a s) x + (b s + t), channel by channel. */
static int compose(struct pass *pass, const float **scale, const float **shift, size_t count,
                   const struct affine *after)
{
    float *new_scale = combine(pass, count), *new_shift = combine(pass, count);

    if (new_scale == NULL || new_shift == NULL)
        return FAILED;
    for (size_t c = 0; c < count; c++) {
        double factor = (double)value_or(after->scale, c, 1);

        new_scale[c] = (float)((double)value_or(*scale, c, 1) * factor);
        new_shift[c] = (float)((double)value_or(*shift, c, 0) * factor +
                               (double)value_or(after->shift, c, 0));
    }
    *scale = new_scale;
    *shift = new_shift;
    return 0;
}

/* Folds an affine layer into the convolution or affine layer before it. */
static int fold_affine(struct pass *pass, size_t index)
{
    struct layer *affine = layer_at(pass, index);
    struct layer *before = layer_at(pass, affine->inputs[0]);
    size_t channels = shape_channels(&affine->shape);
    int outcome;

    if (!is_private(pass, affine->inputs[0]) || before->activation.kind != ACTIVATION_NONE)
        return 0;
    if (before->kind == LAYER_CONVOLUTION && !before->convolution.residual)
        outcome = compose(pass, &before->convolution.scale, &before->convolution.shift, channels,
                          &affine->affine);
    else if (before->kind == LAYER_AFFINE)
        outcome = compose(pass, &before->affine.scale, &before->affine.shift, channels,
                          &affine->affine);
    else
        return 0;
    before->name = affine->name;
    replace(pass, index, affine->inputs[0]);
    return outcome;
}

static bool has_padding(const struct window *window)
{
    return !is_zero(window->pad_begin, 2) || !is_zero(window->pad_end, 2);
}

/* The window of a layer that computes with zeros where it is padded, or NULL. */
static struct window *zero_padded_window(struct layer *layer)
{
    if (layer->kind == LAYER_CONVOLUTION)
        return &layer->convolution.window;
    if (layer->kind == LAYER_POOL && !layer->pool.maximum && !layer->pool.global &&
        (layer->pool.count_padding || !has_padding(&layer->pool.window)))
        return &layer->pool.window;
    return NULL;
}

/* Zeros around a map are what such a layer pads with anyway. Inception v3, whose average pools are
 * written so, gains 4 %. */
static void fold_padding(struct pass *pass, size_t index)
{
    struct layer *layer = layer_at(pass, index);
    const struct layer *before = layer_at(pass, layer->inputs[0]);
    struct window *window = zero_padded_window(layer), padded;

    if (window == NULL || before->kind != LAYER_PAD || before->pad.mode != PAD_CONSTANT ||
        before->pad.value < 0 || before->pad.value > 0 ||
        before->pad.before[SHAPE_CHANNELS] != 0 || before->pad.after[SHAPE_CHANNELS] != 0 ||
        is_output(pass, layer->inputs[0]))
        return;
    padded = *window;
    for (int axis = 0; axis < 2; axis++) {
        size_t side = SHAPE_HEIGHT + (size_t)axis;

        padded.pad_begin[axis] += before->pad.before[side];
        padded.pad_end[axis] += before->pad.after[side];
        if (layer->kind == LAYER_POOL &&
            !window_reaches(&padded, axis, layer_at(pass, before->inputs[0])->shape.dims[side],
                            layer->shape.dims[side]))
            return;
    }
    *window = padded;
    if (layer->kind == LAYER_POOL)
        layer->pool.count_padding = true;
    pass->uses[layer->inputs[0]]--;
    pass->uses[before->inputs[0]]++;
    layer->inputs[0] = before->inputs[0];
}

static int fold(struct pass *pass)
{
    for (size_t i = 0; i < pass->graph->count; i++) {
        if (pass->uses[i] == 0)
            continue;
        if (layer_at(pass, i)->kind == LAYER_AFFINE && fold_affine(pass, i) < 0)
            return FAILED;
        if (layer_at(pass, i)->input_count > 0)
            fold_padding(pass, i);
    }
    count_uses(pass);
    return 0;
}

/* ---- fusing ----------------------------------------------------------------------------- */

/* Whose results may be activated where they are written. */
static bool takes_activation(const struct layer *layer)
{
    return layer->activation.kind == ACTIVATION_NONE &&
           (layer->kind == LAYER_CONVOLUTION || layer->kind == LAYER_DENSE ||
            layer->kind == LAYER_AFFINE || layer->kind == LAYER_BINARY);
}

static void fuse_activations(struct pass *pass)
{
    for (size_t i = 0; i < pass->graph->count; i++) {
        const struct layer *layer = layer_at(pass, i);

        if (pass->uses[i] == 0 || layer->kind != LAYER_ACTIVATION ||
            !is_private(pass, layer->inputs[0]) ||
            !takes_activation(layer_at(pass, layer->inputs[0])))
            continue;
        layer_at(pass, layer->inputs[0])->activation = layer->activation;
        layer_at(pass, layer->inputs[0])->name = layer->name;
        replace(pass, i, layer->inputs[0]);
    }
}

/* Makes the sum's convolution `which` add the other map before its activation. The convolution
 * moves to the sum's place in the list, where both are there. */
static int fuse_residual(struct pass *pass, size_t index, size_t which)
{
    struct layer *sum = layer_at(pass, index);
    size_t convolution = sum->inputs[which], other = sum->inputs[1 - which];
    size_t *inputs = graph_allocate(pass->graph, 2, sizeof *inputs, pass->error);
    struct layer fused = *layer_at(pass, convolution);

    if (inputs == NULL)
        return FAILED;
    inputs[0] = fused.inputs[0];
    inputs[1] = other;
    fused.inputs = inputs;
    fused.input_count = 2;
    fused.convolution.residual = true;
    fused.activation = sum->activation;
    fused.name = sum->name;
    *sum = fused;
    return 0;
}

static bool can_take_residual(const struct pass *pass, size_t index, const struct shape *shape)
{
    const struct layer *layer = layer_at(pass, index);

    return is_private(pass, index) && layer->kind == LAYER_CONVOLUTION &&
           layer->activation.kind == ACTIVATION_NONE && !layer->convolution.residual &&
           layer->convolution.groups == 1 && shape_equal(&layer->shape, shape);
}

static int fuse_residuals(struct pass *pass)
{
    for (size_t i = 0; i < pass->graph->count; i++) {
        const struct layer *sum = layer_at(pass, i);
        size_t which;

        if (pass->uses[i] == 0 || sum->kind != LAYER_BINARY || sum->binary != BINARY_ADD ||
            sum->inputs[0] == sum->inputs[1] ||
            !shape_equal(&layer_at(pass, sum->inputs[0])->shape,
                         &layer_at(pass, sum->inputs[1])->shape) ||
            layer_at(pass, sum->inputs[0])->kind == LAYER_CONSTANT ||
            layer_at(pass, sum->inputs[1])->kind == LAYER_CONSTANT)
            continue;
        which = can_take_residual(pass, sum->inputs[1], &sum->shape) ? 1 : 0;
        if (!can_take_residual(pass, sum->inputs[which], &sum->shape))
            continue;
        if (fuse_residual(pass, i, which) < 0)
            return FAILED;
        count_uses(pass);
    }
    return 0;
}

/* ---- the end ---------------------------------------------------------------------------- */

/* Drops unused layers and renumbers the rest. */
static int compact(struct pass *pass)
{
    struct graph *graph = pass->graph;
    size_t *numbers = memory_allocate(graph->count, sizeof *numbers, pass->error);
    size_t kept = 0;

    if (numbers == NULL)
        return FAILED;
    for (size_t i = 0; i < graph->count; i++) {
        if (pass->uses[i] == 0)
            continue;
        numbers[i] = kept;
        graph->layers[kept] = graph->layers[i];
        for (size_t j = 0; j < graph->layers[kept].input_count; j++)
            graph->layers[kept].inputs[j] = numbers[graph->layers[kept].inputs[j]];
        kept++;
    }
    for (size_t i = 0; i < pass->output_count; i++)
        pass->outputs[i] = numbers[pass->outputs[i]];
    graph->count = kept;
    free(numbers);
    return 0;
}

int passes_run(struct graph *graph, size_t *outputs, size_t count, struct error *error)
{
    struct pass pass = {.graph = graph, .outputs = outputs, .output_count = count, .error = error};
    int outcome = FAILED;

    pass.uses = memory_allocate(graph->count, sizeof *pass.uses, error);
    if (pass.uses == NULL)
        return FAILED;
    count_uses(&pass);
    if (check_supported(&pass) < 0)
        goto out;
    drop_idle_layers(&pass);
    drop_inverse_transpositions(&pass);
    join_shuffles(&pass);
    if (fold(&pass) < 0)
        goto out;
    fuse_activations(&pass);
    count_uses(&pass);
    if (fuse_residuals(&pass) < 0)
        goto out;
    fuse_activations(&pass);
    count_uses(&pass);
    outcome = compact(&pass);
out:
    free(pass.uses);
    return outcome;
}
