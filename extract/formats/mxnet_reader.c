#include "extract/formats/mxnet_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/mxnet_reader_private.h"

enum { NAME_TEXT = 512 };

/* ---- what the operators ask ------------------------------------------------------------- */

static const struct mxnet_node *input_node(const struct mxnet_reader *reader,
                                           const struct mxnet_node *node, size_t index)
{
    return &reader->file->symbol.nodes[node->inputs[index].node];
}

const struct tensor *mxnet_parameter(const struct mxnet_reader *reader,
                                     const struct mxnet_node *node, size_t index,
                                     const char *part)
{
    char name[NAME_TEXT];

    if (index < node->input_count)
        return reader->results[node->inputs[index].node].parameter;
    snprintf(name, sizeof name, "%s_%s", node->name, part);
    return mxnet_params_find(&reader->file->params, name);
}

int mxnet_need_parameter(const struct mxnet_reader *reader, const struct mxnet_node *node,
                         size_t index, const char *part, const struct tensor **parameter,
                         struct error *error)
{
    const struct mxnet_node *variable;

    *parameter = mxnet_parameter(reader, node, index, part);
    if (*parameter != NULL)
        return 0;
    if (index >= node->input_count)
        return error_set(error, "its parameter '%s_%s' is missing", node->name, part);
    variable = input_node(reader, node, index);
    if (mxnet_is_variable(variable))
        return error_set(error, "its parameter '%s' is missing", variable->name);
    return error_set(error, "its %s comes from '%s' and is no parameter", part, variable->name);
}

int mxnet_layer(const struct mxnet_reader *reader, const struct mxnet_node *node, size_t index,
                size_t *layer, struct error *error)
{
    const struct mxnet_result *result;
    const struct mxnet_entry *entry;
    const char *name;

    if (index >= node->input_count)
        return error_set(error, "its input %zu is missing", index);
    entry = &node->inputs[index];
    result = &reader->results[entry->node];
    name = reader->file->symbol.nodes[entry->node].name;
    if (result->kind != RESULT_LAYERS)
        return error_set(error, "its input '%s' does not depend on the image, which is not "
                         "supported", name);
    if (reader->graph->layers[result->layer].kind == LAYER_UNSUPPORTED)
        return error_set(error, "its input '%s' is not supported", name);
    if (entry->output >= result->count)
        return error_set(error, "its input '%s' has no result %zu", name, entry->output);
    *layer = result->layer + entry->output;
    return 0;
}

const struct shape *mxnet_shape(const struct mxnet_reader *reader, size_t layer)
{
    return &reader->graph->layers[layer].shape;
}

void mxnet_set_results(struct mxnet_reader *reader, const struct mxnet_node *node, size_t layer,
                       size_t count)
{
    size_t index = (size_t)(node - reader->file->symbol.nodes);

    reader->results[index] =
        (struct mxnet_result){.kind = RESULT_LAYERS, .layer = layer, .count = count};
}

int mxnet_add(struct mxnet_reader *reader, const struct mxnet_node *node, struct layer *layer,
              size_t *inputs, struct error *error)
{
    size_t index;

    layer->name = node->name;
    layer->node = node->name;
    layer->operator = node->operator;
    layer->inputs = inputs;
    if (graph_add(reader->graph, layer, &index, error) < 0)
        return FAILED;
    mxnet_set_results(reader, node, index, 1);
    return 0;
}

int mxnet_add_simple(struct mxnet_reader *reader, const struct mxnet_node *node,
                     struct layer *layer, struct error *error)
{
    size_t input;

    if (mxnet_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    layer->input_count = 1;
    return mxnet_add(reader, node, layer, &input, error);
}

float *mxnet_floats(struct mxnet_reader *reader, const struct tensor *tensor,
                    struct error *error)
{
    return graph_floats(reader->graph, tensor, error);
}

float *mxnet_repeated(struct mxnet_reader *reader, double value, size_t count,
                      struct error *error)
{
    float *values = graph_allocate(reader->graph, count, sizeof *values, error);

    for (size_t i = 0; values != NULL && i < count; i++)
        values[i] = (float)value;
    return values;
}

int mxnet_axis(int64_t axis, size_t rank, size_t *result, struct error *error)
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

int mxnet_flatten(struct mxnet_reader *reader, const struct mxnet_node *node, size_t *input,
                  struct error *error)
{
    const struct shape *shape = mxnet_shape(reader, *input);
    struct layer layer = {
        .kind = LAYER_RESHAPE, .input_count = 1, .shape = {1, {shape_count(shape)}},
    };

    if (shape->rank == 1)
        return 0;
    if (mxnet_add(reader, node, &layer, input, error) < 0)
        return FAILED;
    *input = reader->graph->count - 1;
    return 0;
}

/* ---- the walk --------------------------------------------------------------------------- */

static int add_unsupported(struct mxnet_reader *reader, const struct mxnet_node *node,
                           const char *reason, struct error *error)
{
    size_t *inputs = memory_allocate(node->input_count, sizeof *inputs, error);
    struct layer layer = {.kind = LAYER_UNSUPPORTED, .reason = reason};
    int outcome;

    if (inputs == NULL)
        return FAILED;
    for (size_t i = 0; i < node->input_count; i++) {
        const struct mxnet_result *result = &reader->results[node->inputs[i].node];

        if (result->kind == RESULT_LAYERS)
            inputs[layer.input_count++] = result->layer;
    }
    outcome = mxnet_add(reader, node, &layer, inputs, error);
    free(inputs);
    return outcome;
}

/* A result is known by its node's name, and as MXNet's get_internals() lists it. */
static int bind_names(struct mxnet_reader *reader, const struct mxnet_node *node,
                      const struct mxnet_result *result, struct error *error)
{
    char name[NAME_TEXT];

    if (graph_bind(reader->graph, node->name, result->layer, error) < 0)
        return FAILED;
    for (size_t i = 0; i < result->count; i++) {
        if (result->count == 1)
            snprintf(name, sizeof name, "%s_output", node->name);
        else
            snprintf(name, sizeof name, "%s_output%zu", node->name, i);
        if (graph_bind(reader->graph, name, result->layer + i, error) < 0)
            return FAILED;
    }
    return 0;
}

static int translate(struct mxnet_reader *reader, const struct mxnet_node *node,
                     struct error *error)
{
    mxnet_translate *function = mxnet_find_operator(node->operator);

    if (function == NULL)
        return error_set(error, "this operator is not supported");
    return function(reader, node, error);
}

/* A node that reads no layer has none, unless it is used: then the one that uses it says so. */
static bool depends_on_image(const struct mxnet_reader *reader, const struct mxnet_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (reader->results[node->inputs[i].node].kind == RESULT_LAYERS)
            return true;
    return false;
}

static int read_node(struct mxnet_reader *reader, size_t index, struct error *error)
{
    const struct mxnet_node *node = &reader->file->symbol.nodes[index];
    struct mxnet_result *result = &reader->results[index];
    struct error reason;

    if (mxnet_is_variable(node)) {
        result->parameter = mxnet_params_find(&reader->file->params, node->name);
        if (result->parameter != NULL)
            result->kind = RESULT_PARAMETER;
        return 0;
    }
    if (!depends_on_image(reader, node))
        return 0;
    if (translate(reader, node, &reason) < 0 &&
        add_unsupported(reader, node, reason.text, error) < 0)
        return FAILED;
    return bind_names(reader, node, result, error);
}

static int add_input(struct mxnet_reader *reader, const struct network_input *input,
                     struct error *error)
{
    const struct mxnet_node *node = &reader->file->symbol.nodes[reader->file->image];
    struct layer layer = {
        .kind = LAYER_INPUT,
        .shape = {SHAPE_MAP_RANK, {input->channels, input->height, input->width}},
    };

    if (mxnet_add(reader, node, &layer, NULL, error) < 0)
        return FAILED;
    return graph_bind(reader->graph, node->name, 0, error);
}

static int find_output(struct mxnet_reader *reader, struct error *error)
{
    const struct mxnet_entry *output = &reader->file->symbol.output;
    const struct mxnet_result *result = &reader->results[output->node];

    if (result->kind != RESULT_LAYERS || output->output >= result->count)
        return error_set(error, "its output '%s' does not depend on the image",
                         reader->file->symbol.nodes[output->node].name);
    reader->graph->output = result->layer + output->output;
    return 0;
}

int mxnet_translate_all(const struct mxnet_file *file, const struct network_input *input,
                        struct input_fit *fit, struct graph *graph, struct error *error)
{
    struct mxnet_reader reader = {.file = file, .graph = graph, .fit = fit};
    int outcome = FAILED;

    reader.results = memory_allocate(file->symbol.node_count, sizeof *reader.results, error);
    if (reader.results == NULL || add_input(&reader, input, error) < 0)
        goto out;
    for (size_t i = 0; i < file->symbol.node_count; i++)
        if (i != file->image && read_node(&reader, i, error) < 0)
            goto out;
    outcome = find_output(&reader, error);
out:
    free(reader.results);
    return outcome;
}
