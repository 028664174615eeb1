#include "extract/graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/graph/infer.h"

/* Far above any network's number; it bounds the time that a hostile file can cost. */
enum { MAX_LAYERS = 1 << 14 };

bool shape_equal(const struct shape *a, const struct shape *b)
{
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]) == 0;
}

size_t shape_count(const struct shape *shape)
{
    size_t count = 1;

    for (size_t axis = 0; axis < shape->rank; axis++)
        count *= shape->dims[axis];
    return count;
}

const char *shape_to_text(const struct shape *shape, char text[static 128])
{
    int used = 0;

    text[0] = '\0';
    for (size_t axis = 0; axis < shape->rank; axis++)
        used += snprintf(text + used, 128 - (size_t)used, axis > 0 ? "x%zu" : "%zu",
                         shape->dims[axis]);
    return text;
}

bool shape_is_map(const struct shape *shape)
{
    return shape->rank == SHAPE_MAP_RANK;
}

size_t shape_channels(const struct shape *shape)
{
    return shape_is_map(shape) ? shape->dims[SHAPE_CHANNELS] : shape_count(shape);
}

size_t shape_pixels(const struct shape *shape)
{
    return shape_is_map(shape) ? shape->dims[SHAPE_HEIGHT] * shape->dims[SHAPE_WIDTH] : 1;
}

void graph_release(struct graph *graph)
{
    for (size_t i = 0; i < graph->block_count; i++)
        free(graph->blocks[i]);
    free(graph->blocks);
    free(graph->layers);
    names_release(&graph->names);
    *graph = (struct graph){0};
}

int graph_adopt(struct graph *graph, void *block, struct error *error)
{
    void *blocks = graph->blocks;

    if (memory_grow(&blocks, graph->block_count, &graph->block_capacity, sizeof *graph->blocks,
                    error) < 0) {
        free(block);
        return FAILED;
    }
    graph->blocks = blocks;
    graph->blocks[graph->block_count++] = block;
    return 0;
}

void *graph_allocate(struct graph *graph, size_t count, size_t size, struct error *error)
{
    void *block = memory_allocate(count, size, error);

    if (block == NULL || graph_adopt(graph, block, error) < 0)
        return NULL;
    return block;
}

float *graph_floats(struct graph *graph, const struct tensor *tensor, struct error *error)
{
    float *values;

    if (tensor_check_floats(tensor, error) < 0)
        return NULL;
    values = graph_allocate(graph, tensor->count, sizeof *values, error);
    return values != NULL && tensor_to_float(tensor, values, error) == 0 ? values : NULL;
}

int graph_bind(struct graph *graph, const char *name, size_t index, struct error *error)
{
    const char *copy = graph_copy_text(graph, name, error);

    return copy != NULL ? names_put(&graph->names, copy, index, error) : FAILED;
}

const char *graph_copy_text(struct graph *graph, const char *text, struct error *error)
{
    size_t length = strlen(text != NULL ? text : "") + 1;
    char *copy = graph_allocate(graph, length, 1, error);

    if (copy != NULL && text != NULL)
        memcpy(copy, text, length);
    return copy;
}

struct affine graph_affine(enum binary_kind kind, float *values, float *negative,
                           size_t channels)
{
    for (size_t c = 0; c < channels; c++) {
        if (negative != NULL)
            negative[c] = -1;
        else if (kind == BINARY_SUBTRACT)
            values[c] = -values[c];
        else if (kind == BINARY_DIVIDE)
            values[c] = 1 / values[c];
    }
    if (kind == BINARY_ADD || kind == BINARY_SUBTRACT)
        return (struct affine){negative, values};
    return (struct affine){values, NULL};
}

void graph_store_map(const float *values, const struct shape *shape, float *stored)
{
    size_t channels = shape->dims[SHAPE_CHANNELS], pixels = shape_pixels(shape);

    for (size_t c = 0; c < channels; c++)
        for (size_t p = 0; p < pixels; p++)
            stored[p * channels + c] = values[c * pixels + p];
}

int graph_blame(const struct layer *layer, struct error *error)
{
    const char *name = layer->node != NULL && *layer->node != '\0' ? layer->node : layer->name;
    struct error cause = *error;

    /* What graph_add said of a layer may come back as the reason for which it is unsupported. */
    error_set(error, "%s '%s': ", layer->operator, name);
    if (strncmp(cause.text, error->text, strlen(error->text)) == 0)
        *error = cause;
    else
        error_set(error, "%s '%s': %s", layer->operator, name, cause.text);
    return FAILED;
}

static int copy_parts(struct graph *graph, const struct layer *layer, struct layer *copy,
                      struct error *error)
{
    size_t *inputs = graph_allocate(graph, layer->input_count, sizeof *inputs, error);

    *copy = *layer;
    copy->name = graph_copy_text(graph, layer->name, error);
    copy->node = graph_copy_text(graph, layer->node, error);
    copy->operator = graph_copy_text(graph, layer->operator, error);
    copy->reason = graph_copy_text(graph, layer->reason, error);
    if (inputs == NULL || copy->name == NULL || copy->node == NULL || copy->operator == NULL ||
        copy->reason == NULL)
        return FAILED;
    if (layer->input_count > 0)
        memcpy(inputs, layer->inputs, layer->input_count * sizeof *inputs);
    copy->inputs = inputs;
    return 0;
}

int graph_add(struct graph *graph, const struct layer *layer, size_t *index, struct error *error)
{
    void *layers = graph->layers;
    struct layer copy;

    if (graph->count == MAX_LAYERS)
        return error_set(error, "it has more than %d layers", MAX_LAYERS);
    if (memory_grow(&layers, graph->count, &graph->capacity, sizeof *graph->layers, error) < 0)
        return FAILED;
    graph->layers = layers;
    if (copy_parts(graph, layer, &copy, error) < 0)
        return FAILED;
    if (copy.kind == LAYER_RESHAPE)
        copy.reshape_channels_last = graph->flatten_channels_last;
    if (infer_shape(graph, &copy, error) < 0)
        return graph_blame(&copy, error);
    graph->layers[graph->count] = copy;
    *index = graph->count++;
    return 0;
}
