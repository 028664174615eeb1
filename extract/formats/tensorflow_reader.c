#include "extract/formats/tensorflow_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/tensorflow_fold.h"
#include "extract/formats/tensorflow_reader_private.h"

/* What constants may take besides some copies of the file. */
enum { BASE_BUDGET = 1 << 26, COPIES = 4 };

struct contents {
    struct tensorflow_file file;
    struct tensorflow_image image;
};

/* ---- inputs and results ----------------------------------------------------------------- */

static size_t number_of(const struct reader *reader, const struct tensorflow_node *node)
{
    return (size_t)(node - reader->file->nodes);
}

/* The value of an input; NULL when no node gives it. */
static const struct value *find_value(const struct reader *reader,
                                      const struct tensorflow_node *node, size_t index)
{
    const struct results *results;

    if (index >= node->input_count)
        return NULL;
    results = &reader->results[node->inputs[index].node];
    if (results->unsupported && results->count > 0)
        return &results->values[0];
    return node->inputs[index].port < results->count
               ? &results->values[node->inputs[index].port] : NULL;
}

static const char *input_name(const struct reader *reader, const struct tensorflow_node *node,
                              size_t index)
{
    return reader->file->nodes[node->inputs[index].node].name;
}

const struct tensor *tensorflow_constant(const struct reader *reader,
                                         const struct tensorflow_node *node, size_t index)
{
    const struct value *value = find_value(reader, node, index);

    return value != NULL && value->is_constant ? &value->constant : NULL;
}

int tensorflow_input_in_pieces(const struct reader *reader, const struct tensorflow_node *node,
                               size_t index, struct value *value, struct error *error)
{
    const struct value *found = find_value(reader, node, index);

    if (index >= node->input_count)
        return error_set(error, "its input %zu is missing", index);
    if (found == NULL)
        return error_set(error, "its input '%s' has no result %zu",
                         input_name(reader, node, index), node->inputs[index].port);
    if (found->is_constant)
        return error_set(error, "its input '%s' is a constant, which is not supported",
                         input_name(reader, node, index));
    *value = *found;
    return 0;
}

static bool is_in_pieces(const struct value *value)
{
    return value->block[0] > 1 || value->block[1] > 1;
}

int tensorflow_input(const struct reader *reader, const struct tensorflow_node *node,
                     size_t index, struct value *value, struct error *error)
{
    if (tensorflow_input_in_pieces(reader, node, index, value, error) < 0)
        return FAILED;
    if (is_in_pieces(value))
        return error_set(error, "between SpaceToBatchND and BatchToSpaceND it is not supported");
    return 0;
}

bool tensorflow_is_channels_first(const struct tensorflow_node *node)
{
    return bytes_are(tensorflow_text(node, "data_format"), "NCHW");
}

int tensorflow_turn(struct reader *reader, const struct tensorflow_node *node,
                    bool channels_first, struct value *value, struct error *error)
{
    static const size_t to_first[] = {1, 2, 0}, to_last[] = {2, 0, 1};
    struct layer layer = {.kind = LAYER_TRANSPOSE, .input_count = 1};
    size_t input = value->layer;

    if (!shape_is_map(tensorflow_layer_shape(reader, value)) ||
        value->channels_first == channels_first)
        return 0;
    if (is_in_pieces(value))
        return error_set(error, "between SpaceToBatchND and BatchToSpaceND it is not supported");
    memcpy(layer.permutation, channels_first ? to_first : to_last, sizeof to_first);
    value->channels_first = channels_first;
    return tensorflow_add_step(reader, node, &layer, &input, &value->layer, error);
}

int tensorflow_formatted_input(struct reader *reader, const struct tensorflow_node *node,
                               size_t index, struct value *value, struct error *error)
{
    if (tensorflow_input_in_pieces(reader, node, index, value, error) < 0)
        return FAILED;
    return tensorflow_turn(reader, node, tensorflow_is_channels_first(node), value, error);
}

/* Names a layer as people do: "softmax" and "softmax:0", "split:1". */
static int bind_names(struct reader *reader, const struct tensorflow_node *node, size_t port,
                      size_t layer, struct error *error)
{
    size_t size = strlen(node->name) + sizeof ":18446744073709551615";
    char *name = memory_allocate(size, 1, error);
    int outcome;

    if (name == NULL)
        return FAILED;
    snprintf(name, size, "%s:%zu", node->name, port);
    outcome = graph_bind(reader->graph, name, layer, error);
    free(name);
    if (outcome == 0 && port == 0)
        outcome = graph_bind(reader->graph, node->name, layer, error);
    return outcome;
}

int tensorflow_set(struct reader *reader, const struct tensorflow_node *node, size_t port,
                   const struct value *value, struct error *error)
{
    struct results *results = &reader->results[number_of(reader, node)];

    if (port >= results->count) {
        struct value *grown = realloc(results->values, (port + 1) * sizeof *grown);

        if (grown == NULL)
            return error_no_memory(error);
        memset(grown + results->count, 0, (port + 1 - results->count) * sizeof *grown);
        results->values = grown;
        results->count = port + 1;
    }
    results->values[port] = *value;
    return value->is_constant ? 0 : bind_names(reader, node, port, value->layer, error);
}

int tensorflow_add_step(struct reader *reader, const struct tensorflow_node *node,
                        struct layer *layer, size_t *inputs, size_t *index, struct error *error)
{
    layer->name = layer->node = node->name;
    layer->operator = node->operator;
    layer->inputs = inputs;
    return graph_add(reader->graph, layer, index, error);
}

int tensorflow_add(struct reader *reader, const struct tensorflow_node *node, size_t port,
                   struct layer *layer, size_t *inputs, const struct value *like,
                   struct error *error)
{
    struct value value = *like;

    if (tensorflow_add_step(reader, node, layer, inputs, &value.layer, error) < 0)
        return FAILED;
    return tensorflow_set(reader, node, port, &value, error);
}

int tensorflow_add_simple(struct reader *reader, const struct tensorflow_node *node,
                          struct layer *layer, const struct value *value, struct error *error)
{
    size_t input = value->layer;

    layer->input_count = 1;
    return tensorflow_add(reader, node, 0, layer, &input, value, error);
}

int tensorflow_charge(struct reader *reader, size_t bytes, struct error *error)
{
    if (bytes > reader->budget)
        return error_set(error, "the constants that the graph computes are too large");
    reader->budget -= bytes;
    return 0;
}

/* ---- constants -------------------------------------------------------------------------- */

/* `tensor` is the graph's from now on. */
static int set_constant(struct reader *reader, const struct tensorflow_node *node, size_t port,
                        struct tensor *tensor, struct error *error)
{
    struct value value = {.is_constant = true, .constant = *tensor};

    value.constant.owned = NULL;
    if (tensor->owned != NULL && graph_adopt(reader->graph, tensor->owned, error) < 0)
        return FAILED;
    if (tensor->owned != NULL && tensorflow_charge(reader, tensor->bytes.size, error) < 0)
        return FAILED;
    return tensorflow_set(reader, node, port, &value, error);
}

static int read_constant(struct reader *reader, const struct tensorflow_node *node,
                         struct error *error)
{
    struct tensor tensor;

    if (tensorflow_tensor(node, "value", reader->budget, &tensor, error) < 0)
        return FAILED;
    return set_constant(reader, node, 0, &tensor, error);
}

static bool is_constant_node(const struct reader *reader, const struct tensorflow_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (tensorflow_constant(reader, node, i) == NULL)
            return false;
    return node->input_count > 0;
}

static int fold_port(struct reader *reader, const struct tensorflow_node *node, size_t port,
                     const struct tensor *const *inputs, struct error *error)
{
    struct tensor result;

    if (tensorflow_fold(node, port, inputs, &result, error) < 0)
        return FAILED;
    /* What is computed goes through its inputs, a view does not. */
    for (size_t i = 0; result.owned != NULL && i < node->input_count; i++) {
        if (tensorflow_charge(reader, inputs[i]->bytes.size, error) < 0) {
            tensor_release(&result);
            return FAILED;
        }
    }
    return set_constant(reader, node, port, &result, error);
}

static int fold_node(struct reader *reader, const struct tensorflow_node *node,
                     struct error *error)
{
    const struct tensor **inputs = memory_allocate(node->input_count, sizeof *inputs, error);
    int outcome = 0;

    if (inputs == NULL)
        return FAILED;
    for (size_t i = 0; i < node->input_count; i++)
        inputs[i] = tensorflow_constant(reader, node, i);
    for (size_t port = 0; outcome == 0 && port < tensorflow_fold_count(node); port++)
        outcome = fold_port(reader, node, port, inputs, error);
    free(inputs);
    return outcome;
}

/* Shape, Rank or Size of a layer: unknown to the file where it takes any image, known here. */
int tensorflow_layer_shape_constant(struct reader *reader, const struct tensorflow_node *node,
                                    struct error *error)
{
    size_t shape[TENSOR_MAX_RANK];
    struct tensor result = {.type = TENSOR_INT64, .rank = 1};
    struct value value;

    if (tensorflow_input(reader, node, 0, &value, error) < 0)
        return FAILED;
    if (reader->graph->layers[value.layer].kind == LAYER_UNSUPPORTED)
        return error_set(error, "its input is not supported");
    result.shape[0] = result.count = tensorflow_file_shape(reader, &value, shape);
    if (tensor_allocate(&result, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < result.count; axis++)
        tensor_set_integer(&result, axis, (int64_t)shape[axis]);
    return set_constant(reader, node, 0, &result, error);
}

/* ---- the walk --------------------------------------------------------------------------- */

static int add_input(struct reader *reader, size_t height, size_t width, struct error *error)
{
    const struct tensorflow_node *node = &reader->file->nodes[reader->image->node];
    struct layer layer = {.kind = LAYER_INPUT};
    struct value value = {.channels_first = reader->image->channels_first, .block = {1, 1}};

    layer.shape = (struct shape){SHAPE_MAP_RANK, {reader->image->size.channels, height, width}};
    return tensorflow_add(reader, node, 0, &layer, NULL, &value, error);
}

/* A layer that stands for every result of the node. */
static int add_unsupported(struct reader *reader, const struct tensorflow_node *node,
                           const char *reason, struct error *error)
{
    struct results *results = &reader->results[number_of(reader, node)];
    size_t *inputs = memory_allocate(node->input_count, sizeof *inputs, error);
    struct layer layer = {.kind = LAYER_UNSUPPORTED, .reason = reason};
    struct value value = {.block = {1, 1}};
    int outcome;

    if (inputs == NULL)
        return FAILED;
    for (size_t i = 0; i < node->input_count; i++) {
        const struct results *from = &reader->results[node->inputs[i].node];

        if (from->count > 0 && !from->values[0].is_constant)
            inputs[layer.input_count++] = from->values[0].layer;
    }
    results->unsupported = true;
    results->count = 0;
    outcome = tensorflow_add(reader, node, 0, &layer, inputs, &value, error);
    free(inputs);
    return outcome;
}

static int translate(struct reader *reader, const struct tensorflow_node *node,
                     struct error *error)
{
    tensorflow_function *function = tensorflow_find_operator(node->operator);

    if (strcmp(node->operator, "Const") == 0)
        return read_constant(reader, node, error);
    if (tensorflow_is_refused(node->operator))
        return error_set(error, "%s", tensorflow_refusal(node->operator));
    if (is_constant_node(reader, node))
        return fold_node(reader, node, error);
    if (function == NULL)
        return error_set(error, "%s", tensorflow_refusal(node->operator));
    return function(reader, node, error);
}

static int read_node(struct reader *reader, size_t number, struct error *error)
{
    const struct tensorflow_node *node = &reader->file->nodes[number];
    struct error reason;

    if (translate(reader, node, &reason) == 0)
        return 0;
    return add_unsupported(reader, node, reason.text, error);
}

/* ---- the format ------------------------------------------------------------------------- */

/* How the graph counts the axes of its maps, the order of a flattened vector: its first
 * convolution tells, or else the image. */
static bool counts_channels_last(const struct contents *contents)
{
    for (size_t i = 0; i < contents->file.node_count; i++) {
        const struct tensorflow_node *node = &contents->file.nodes[i];

        if (strcmp(node->operator, "Conv2D") == 0 ||
            strcmp(node->operator, "DepthwiseConv2dNative") == 0)
            return !tensorflow_is_channels_first(node);
    }
    return !contents->image.channels_first;
}

static int tensorflow_read(const struct model *model, size_t height, size_t width,
                           struct graph *graph, struct error *error)
{
    const struct contents *contents = model->contents;
    const struct tensorflow_file *file = &contents->file;
    struct reader reader = {.file = file, .image = &contents->image, .graph = graph};
    int outcome = 0;

    if (!size_multiply(model_size(model), COPIES, &reader.budget) ||
        __builtin_add_overflow(reader.budget, BASE_BUDGET, &reader.budget))
        return error_no_memory(error);
    reader.results = memory_allocate(file->node_count, sizeof *reader.results, error);
    if (reader.results == NULL)
        return FAILED;
    graph->flatten_channels_last = counts_channels_last(contents);
    for (size_t i = 0; outcome == 0 && i < file->node_count; i++)
        outcome = file->order[i] == contents->image.node
                      ? add_input(&reader, height, width, error)
                      : read_node(&reader, file->order[i], error);
    if (outcome == 0)
        outcome = tensorflow_find_output(&reader, error);
    for (size_t i = 0; i < file->node_count; i++)
        free(reader.results[i].values);
    free(reader.results);
    return outcome;
}

static bool tensorflow_recognise(const struct model *model)
{
    struct bytes bytes = model_bytes(model, 0);

    return tensorflow_is_graph(bytes) || tensorflow_is_saved_model(bytes);
}

static int tensorflow_open(struct model *model, const char *definition, struct error *error)
{
    struct contents *contents = memory_allocate(1, sizeof *contents, error);

    model->contents = contents;
    if (contents == NULL)
        return FAILED;
    if (definition != NULL)
        return error_set(error, "a TensorFlow graph takes no definition");
    if (!tensorflow_is_graph(model_bytes(model, 0)))
        return error_set(error, "it is a SavedModel, whose weights are in other files: freeze it "
                         "into one graph first (convert_variables_to_constants)");
    if (tensorflow_parse(model_bytes(model, 0), &contents->file, error) < 0 ||
        tensorflow_find_image(&contents->file, &contents->image, error) < 0)
        return FAILED;
    model->input = contents->image.size;
    memcpy(model->preprocess, contents->image.rule, sizeof model->preprocess);
    model->assumes_preprocess = contents->image.assumes_rule;
    return 0;
}

static void tensorflow_close(struct model *model)
{
    struct contents *contents = model->contents;

    if (contents != NULL)
        tensorflow_release(&contents->file);
    free(contents);
}

const struct format tensorflow_format = {
    .name = "tensorflow",
    .title = "TensorFlow GraphDef",
    .recognise = tensorflow_recognise,
    .open = tensorflow_open,
    .read = tensorflow_read,
    .close = tensorflow_close,
};
