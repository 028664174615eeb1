/*
 * Which layer a graph ends in. A GraphDef names no output: it is a result that no node reads.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/tensorflow_reader_private.h"

/* What is looked at to find the output: for each layer, how many lie between it and the image, or
 * what is not supported. */
struct depths {
    size_t *values;   /* [graph->count]; 0: the layer depends on neither */
    bool *is_read;    /* [file->node_count] */
};

static void measure_depths(const struct reader *reader, struct depths *depths)
{
    const struct graph *graph = reader->graph;

    for (size_t i = 0; i < graph->count; i++) {
        const struct layer *layer = &graph->layers[i];

        depths->values[i] = layer->kind == LAYER_INPUT || layer->kind == LAYER_UNSUPPORTED;
        for (size_t j = 0; j < layer->input_count; j++) {
            size_t depth = depths->values[layer->inputs[j]];

            if (depth > 0 && depth + 1 > depths->values[i])
                depths->values[i] = depth + 1;
        }
    }
    for (size_t i = 0; i < reader->file->node_count; i++)
        for (size_t j = 0; j < reader->file->nodes[i].input_count; j++)
            depths->is_read[reader->file->nodes[i].inputs[j].node] = true;
}

static bool is_supported(const struct reader *reader, size_t layer)
{
    return reader->graph->layers[layer].kind != LAYER_UNSUPPORTED;
}

/* The deepest result that no node reads, of the supported or of all; false when there is none. */
static bool find_deepest(const struct reader *reader, const struct depths *depths, bool supported,
                         size_t *output)
{
    size_t deepest = 0;

    for (size_t i = 0; i < reader->file->node_count; i++) {
        const struct results *results = &reader->results[i];
        const struct value *value = results->values;

        if (depths->is_read[i] || results->count == 0 || value->is_constant ||
            depths->values[value->layer] <= deepest ||
            (supported && !is_supported(reader, value->layer)))
            continue;
        deepest = depths->values[value->layer];
        *output = value->layer;
    }
    return deepest > 0;
}

/* True when `output` is not the end of the network: there are layers with weights behind what is
 * not supported, or a deeper way leads there. Evaluations behind a classifier are neither. */
static bool is_beside(const struct reader *reader, const struct depths *depths, size_t output)
{
    static const char *const weighted[] = {"Conv2D", "DepthwiseConv2dNative", "MatMul"};

    for (size_t i = 0; i < reader->graph->count; i++) {
        const struct layer *layer = &reader->graph->layers[i];

        if (is_supported(reader, i))
            continue;
        for (size_t j = 0; j < sizeof weighted / sizeof weighted[0]; j++)
            if (strcmp(layer->operator, weighted[j]) == 0)
                return true;
        for (size_t j = 0; j < layer->input_count; j++)
            if (is_supported(reader, layer->inputs[j]) &&
                depths->values[layer->inputs[j]] > depths->values[output])
                return true;
    }
    return false;
}

static bool reads_supported(const struct reader *reader, const struct layer *layer)
{
    for (size_t i = 0; i < layer->input_count; i++)
        if (is_supported(reader, layer->inputs[i]))
            return true;
    return false;
}

/* The piece of control flow that a message should name: the first that a layer leads to. */
static bool find_control_flow(const struct reader *reader, size_t *output)
{
    bool found = false;

    for (size_t i = 0; i < reader->graph->count; i++) {
        const struct layer *layer = &reader->graph->layers[i];
        bool leads = reads_supported(reader, layer);

        if (!tensorflow_is_control_flow(layer->operator) || (found && !leads))
            continue;
        *output = i;
        found = true;
        if (leads)
            break;
    }
    return found;
}

int tensorflow_find_output(struct reader *reader, struct error *error)
{
    struct graph *graph = reader->graph;
    struct depths depths = {
        memory_allocate(graph->count, sizeof *depths.values, error),
        memory_allocate(reader->file->node_count, sizeof *depths.is_read, error),
    };
    int outcome = FAILED;

    if (depths.values == NULL || depths.is_read == NULL)
        goto out;
    measure_depths(reader, &depths);
    if ((find_deepest(reader, &depths, true, &graph->output) &&
         !is_beside(reader, &depths, graph->output)) ||
        find_control_flow(reader, &graph->output) ||
        find_deepest(reader, &depths, false, &graph->output))
        outcome = 0;
    else
        error_set(error, "nothing in it depends on the image");
out:
    free(depths.values);
    free(depths.is_read);
    return outcome;
}
