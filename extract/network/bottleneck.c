#include "extract/network/bottleneck.h"

static const struct layer *layer_at(const struct graph *graph, size_t index)
{
    return &graph->layers[index];
}

static bool is_one_pixel(const struct layer *layer)
{
    return shape_pixels(&layer->shape) == 1;
}

/* Layers of a head that are no step of their own: they change neither place nor mixture. */
static bool is_transparent(const struct layer *layer)
{
    switch (layer->kind) {
    case LAYER_ACTIVATION:
    case LAYER_AFFINE:
    case LAYER_RESHAPE:
    case LAYER_SOFTMAX:
        return true;
    case LAYER_TRANSPOSE:
        return is_one_pixel(layer);
    case LAYER_UNSUPPORTED:
        return layer->input_count == 1;
    default:
        return false;
    }
}

static bool is_pointwise(const struct layer *layer)
{
    return layer->kind == LAYER_CONVOLUTION && layer->convolution.groups == 1 &&
           layer->convolution.window.kernel[0] == 1 && layer->convolution.window.kernel[1] == 1;
}

/* A convolution whose only window is its whole input: a fully connected layer by another name, as
 * TF-Slim's VGG has it. */
static bool covers_map(const struct graph *graph, const struct layer *layer)
{
    const struct shape *input;

    if (layer->kind != LAYER_CONVOLUTION || layer->convolution.groups != 1 ||
        !is_one_pixel(layer))
        return false;
    input = &layer_at(graph, layer->inputs[0])->shape;
    return layer->convolution.window.kernel[0] == input->dims[SHAPE_HEIGHT] &&
           layer->convolution.window.kernel[1] == input->dims[SHAPE_WIDTH];
}

static bool is_dense(const struct graph *graph, const struct layer *layer)
{
    return layer->kind == LAYER_DENSE || covers_map(graph, layer);
}

/* An average over the whole map. */
static bool is_global_average(const struct graph *graph, const struct layer *layer)
{
    return layer->kind == LAYER_POOL && !layer->pool.maximum && is_one_pixel(layer) &&
           !is_one_pixel(layer_at(graph, layer->inputs[0]));
}

/* Two operands of which one is made from the other: x times hard-sigmoid(x), an activation that
 * the exporter wrote out. *source becomes x. */
static bool is_self_gated(const struct graph *graph, const struct layer *layer, size_t *source)
{
    if (layer->kind != LAYER_BINARY)
        return false;
    for (size_t i = 0; i < 2; i++) {
        size_t at = layer->inputs[i];

        *source = layer->inputs[1 - i];
        while (at > *source && is_transparent(layer_at(graph, at)))
            at = layer_at(graph, at)->inputs[0];
        if (at == *source)
            return true;
    }
    return false;
}

/* Skips transparent layers from `index` back. *softmax becomes true when one was a softmax. */
static size_t skip_transparent(const struct graph *graph, size_t index, bool *softmax)
{
    for (;;) {
        const struct layer *layer = layer_at(graph, index);
        size_t source;

        if (is_transparent(layer))
            index = layer->inputs[0];
        else if (is_self_gated(graph, layer, &source))
            index = source;
        else
            return index;
        if (layer->kind == LAYER_SOFTMAX)
            *softmax = true;
    }
}

/* What enters a fully connected layer, without the reshapes in front of it: the map that is
 * flattened can still be pooled. */
static size_t skip_reshapes(const struct graph *graph, size_t index)
{
    while (layer_at(graph, index)->kind == LAYER_RESHAPE)
        index = layer_at(graph, index)->inputs[0];
    return index;
}

static bool gives_class_scores(const struct graph *graph, const struct layer *convolution,
                               bool softmax)
{
    size_t classes = shape_channels(&convolution->shape);

    return softmax || classes == 1000 || classes == 1001 ||
           classes < shape_channels(&layer_at(graph, convolution->inputs[0])->shape);
}

size_t bottleneck_find(const struct graph *graph)
{
    bool softmax = false;
    size_t cut = graph->output;
    size_t at = skip_transparent(graph, graph->output, &softmax);
    bool found = false;

    while (is_dense(graph, layer_at(graph, at))) {
        found = true;
        cut = layer_at(graph, at)->inputs[0];
        at = skip_transparent(graph, cut, &softmax);
    }
    if (found)
        return skip_reshapes(graph, cut);
    if (is_global_average(graph, layer_at(graph, at))) {
        const struct layer *scores =
            layer_at(graph, skip_transparent(graph, layer_at(graph, at)->inputs[0], &softmax));

        if (is_pointwise(scores) && gives_class_scores(graph, scores, softmax))
            return scores->inputs[0];
    }
    return skip_reshapes(graph, cut);
}

/* Layers that leave every number of a map where it is. */
static bool keeps_places(const struct layer *layer)
{
    return layer->kind == LAYER_ACTIVATION || layer->kind == LAYER_AFFINE ||
           (layer->kind == LAYER_POOL && layer->pool.window.kernel[0] == 1 &&
            layer->pool.window.kernel[1] == 1);
}

bool bottleneck_is_flattened(const struct graph *graph, size_t layer)
{
    if (!shape_is_map(&layer_at(graph, layer)->shape) || is_one_pixel(layer_at(graph, layer)))
        return false;
    for (size_t i = layer + 1; i < graph->count; i++) {
        const struct layer *next = layer_at(graph, i);

        if (next->input_count != 1 || next->inputs[0] != layer)
            continue;
        if ((next->kind == LAYER_RESHAPE && next->shape.rank == 1) || covers_map(graph, next))
            return true;
        if (keeps_places(next))
            layer = i;
    }
    return false;
}
