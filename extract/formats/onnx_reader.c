#include "extract/formats/onnx_reader.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/onnx_external.h"
#include "extract/formats/onnx_fold.h"
#include "extract/formats/onnx_reader_private.h"

enum { IMAGE_RANK = 4, MAX_CHANNELS = 4, MAX_SIDE = 1 << 14 };

/* ---- what the operators ask ------------------------------------------------------------- */

static const char *input_name(const struct onnx_node *node, size_t index)
{
    return index < node->input_count ? node->inputs[index] : "";
}

const struct tensor *reader_constant(const struct reader *reader, const struct onnx_node *node,
                                     size_t index)
{
    size_t place;

    if (names_find(&reader->constant_names, input_name(node, index), &place) < 0)
        return NULL;
    return &reader->constants[place];
}

int reader_layer(const struct reader *reader, const struct onnx_node *node, size_t index,
                 size_t *layer, struct error *error)
{
    const char *name = input_name(node, index);

    if (*name == '\0')
        return error_set(error, "its input %zu is missing", index);
    if (names_find(&reader->graph->names, name, layer) == 0)
        return 0;
    if (reader_constant(reader, node, index) != NULL)
        return error_set(error, "its input '%s' is a constant, which is not supported", name);
    return error_set(error, "its input '%s' is written by no node before it", name);
}

int reader_add(struct reader *reader, const struct onnx_node *node, size_t output,
               struct layer *layer, size_t *inputs, struct error *error)
{
    const char *name = output < node->output_count ? node->outputs[output] : node->name;
    size_t index;

    layer->name = name;
    layer->node = node->name;
    layer->operator = node->operator;
    layer->inputs = inputs;
    if (graph_add(reader->graph, layer, &index, error) < 0)
        return FAILED;
    return graph_bind(reader->graph, name, index, error);
}

int reader_alias(struct reader *reader, const struct onnx_node *node, size_t layer,
                 struct error *error)
{
    if (node->output_count == 0)
        return error_set(error, "it has no output");
    return graph_bind(reader->graph, node->outputs[0], layer, error);
}

/* ---- constants -------------------------------------------------------------------------- */

static int add_constant(struct reader *reader, const char *name, const struct tensor *tensor,
                        struct error *error)
{
    void *items = reader->constants;

    if (memory_grow(&items, reader->constant_count, &reader->constant_capacity,
                    sizeof *reader->constants, error) < 0)
        return FAILED;
    reader->constants = items;
    reader->constants[reader->constant_count] = *tensor;
    reader->constants[reader->constant_count].owned = NULL;
    return names_put(&reader->constant_names, name, reader->constant_count++, error);
}

static int add_initialisers(struct reader *reader, struct error *error)
{
    for (size_t i = 0; i < reader->file->initialiser_count; i++) {
        const struct onnx_initialiser *initialiser = &reader->file->initialisers[i];

        if (add_constant(reader, initialiser->name, &initialiser->tensor, error) < 0)
            return FAILED;
    }
    return 0;
}

/* True when no input of the node depends on the image. */
static bool is_constant_node(const struct reader *reader, const struct onnx_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (*node->inputs[i] != '\0' && reader_constant(reader, node, i) == NULL)
            return false;
    return true;
}

static int fold_node(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    const struct tensor **inputs = memory_allocate(node->input_count, sizeof *inputs, error);
    struct tensor result = {0};
    int outcome = FAILED;

    if (inputs == NULL)
        return FAILED;
    for (size_t i = 0; i < node->input_count; i++)
        inputs[i] = reader_constant(reader, node, i);
    if (onnx_fold(node, inputs, &result, error) == 0) {
        if (result.owned == NULL || graph_adopt(reader->graph, result.owned, error) == 0)
            outcome = add_constant(reader, node->outputs[0], &result, error);
    }
    free(inputs);
    return outcome;
}

/* A Shape node on a layer: exporters of flexible networks work shapes out at run time; here they
 * are known when the file is read. */
static int fold_layer_shape(struct reader *reader, const struct onnx_node *node,
                            struct error *error)
{
    struct tensor result = {.type = TENSOR_INT64, .rank = 1};
    const struct shape *shape;
    size_t layer;

    if (reader_layer(reader, node, 0, &layer, error) < 0)
        return FAILED;
    if (reader->graph->layers[layer].kind == LAYER_UNSUPPORTED)
        return error_set(error, "its input is not supported");
    shape = &reader->graph->layers[layer].shape;
    result.shape[0] = result.count = shape->rank + 1;
    if (tensor_allocate(&result, error) < 0 ||
        graph_adopt(reader->graph, result.owned, error) < 0)
        return FAILED;
    tensor_set_integer(&result, 0, reader->batch);
    for (size_t axis = 0; axis < shape->rank; axis++)
        tensor_set_integer(&result, axis + 1, (int64_t)shape->dims[axis]);
    return add_constant(reader, node->outputs[0], &result, error);
}

/* ---- the input -------------------------------------------------------------------------- */

static bool is_initialised(const struct onnx_file *file, const char *name)
{
    for (size_t i = 0; i < file->initialiser_count; i++)
        if (strcmp(file->initialisers[i].name, name) == 0)
            return true;
    return false;
}

/* Old files (IR version 3) list their initialisers among the inputs. */
static int find_input_value(const struct onnx_file *file, const struct onnx_value **found,
                            struct error *error)
{
    *found = NULL;
    for (size_t i = 0; i < file->input_count; i++) {
        if (is_initialised(file, file->inputs[i].name))
            continue;
        if (*found != NULL)
            return error_set(error, "it has more than one input: '%s' and '%s'", (*found)->name,
                             file->inputs[i].name);
        *found = &file->inputs[i];
    }
    return *found != NULL ? 0 : error_set(error, "it has no input");
}

static bool is_channels(int64_t length)
{
    return length > 0 && length <= MAX_CHANNELS;
}

/* [n, h, w, c] instead of [n, c, h, w], as exporters from TensorFlow leave it. */
static bool is_channels_last(const struct onnx_value *value)
{
    return !is_channels(value->shape[1]) && is_channels(value->shape[3]);
}

static int check_input(const struct onnx_value *value, struct network_input *input,
                       struct error *error)
{
    bool last = is_channels_last(value);

    if (value->rank != IMAGE_RANK)
        return error_set(error, "its input '%s' has %zu dimensions, an image needs 4",
                         value->name, value->rank);
    for (size_t axis = 0; axis < IMAGE_RANK; axis++)
        if (value->shape[axis] > MAX_SIDE)
            return error_set(error, "its input '%s' is too large", value->name);
    *input = (struct network_input){
        .channels = (size_t)value->shape[last ? 3 : 1],
        .height = (size_t)value->shape[last ? 1 : 2],
        .width = (size_t)value->shape[last ? 2 : 3],
    };
    if (input->channels == 0)
        return error_set(error, "its input '%s' does not say how many channels it has",
                         value->name);
    return 0;
}

static int add_input(struct reader *reader, size_t height, size_t width, struct error *error)
{
    const struct onnx_value *value;
    struct network_input input;
    struct layer layer = {.kind = LAYER_INPUT, .operator = "input"};
    size_t index;

    if (find_input_value(reader->file, &value, error) < 0 || check_input(value, &input, error) < 0)
        return FAILED;
    reader->batch = value->shape[0] > 0 ? value->shape[0] : 1;
    layer.name = value->name;
    layer.shape = (struct shape){SHAPE_MAP_RANK, {input.channels, height, width}};
    if (graph_add(reader->graph, &layer, &index, error) < 0)
        return FAILED;
    if (is_channels_last(value)) {
        struct layer transpose = {.kind = LAYER_TRANSPOSE, .operator = "input",
                                  .name = value->name, .inputs = &index, .input_count = 1,
                                  .permutation = {1, 2, 0}};
        size_t turned;

        if (graph_add(reader->graph, &transpose, &turned, error) < 0)
            return FAILED;
        index = turned;
    }
    return graph_bind(reader->graph, value->name, index, error);
}

/* ---- the walk --------------------------------------------------------------------------- */

/* The layers that a node's results come from, as far as they are known. */
static int add_unsupported(struct reader *reader, const struct onnx_node *node,
                           const char *reason, struct error *error)
{
    size_t *inputs = memory_allocate(node->input_count, sizeof *inputs, error);
    size_t count = 0;
    int outcome = 0;

    if (inputs == NULL)
        return FAILED;
    for (size_t i = 0; i < node->input_count; i++)
        if (names_find(&reader->graph->names, node->inputs[i], &inputs[count]) == 0)
            count++;
    for (size_t i = 0; outcome == 0 && i < node->output_count; i++) {
        struct layer layer = {.kind = LAYER_UNSUPPORTED, .input_count = count, .reason = reason};

        outcome = reader_add(reader, node, i, &layer, inputs, error);
    }
    free(inputs);
    return outcome;
}

static int translate(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    translate_function *function = onnx_find_operator(node->operator);

    if (node->output_count == 0)
        return error_set(error, "it has no output");
    if (is_constant_node(reader, node))
        return fold_node(reader, node, error);
    if (strcmp(node->operator, "Shape") == 0)
        return fold_layer_shape(reader, node, error);
    if (function == NULL)
        return error_set(error, "this operator is not supported");
    return function(reader, node, error);
}

static int read_node(struct reader *reader, const struct onnx_node *node, struct error *error)
{
    size_t first = reader->graph->count;
    struct error reason;

    if (translate(reader, node, &reason) < 0 &&
        add_unsupported(reader, node, reason.text, error) < 0)
        return FAILED;
    /* --layer takes the name of a node as well as that of its result. */
    if (*node->name != '\0' && reader->graph->count > first)
        return graph_bind(reader->graph, node->name, reader->graph->count - 1, error);
    return 0;
}

static int find_output(struct reader *reader, struct error *error)
{
    if (reader->file->output_count == 0)
        return error_set(error, "it has no output");
    if (names_find(&reader->graph->names, reader->file->outputs[0].name,
                   &reader->graph->output) < 0)
        return error_set(error, "its output '%s' does not depend on the image",
                         reader->file->outputs[0].name);
    return 0;
}

static int onnx_read(const struct model *model, size_t height, size_t width, struct graph *graph,
                     struct error *error)
{
    const struct onnx_file *file = model->contents;
    struct reader reader = {.file = file, .graph = graph};
    int outcome = FAILED;

    if (add_initialisers(&reader, error) < 0 || add_input(&reader, height, width, error) < 0)
        goto out;
    for (size_t i = 0; i < file->node_count; i++)
        if (read_node(&reader, &file->nodes[i], error) < 0)
            goto out;
    outcome = find_output(&reader, error);
out:
    names_release(&reader.constant_names);
    free(reader.constants);
    return outcome;
}

/* ---- the format ------------------------------------------------------------------------- */

static bool onnx_recognise(const struct model *model)
{
    return onnx_is_file(model_bytes(model, 0));
}

static int onnx_open(struct model *model, const char *definition, struct error *error)
{
    const struct onnx_value *value;
    struct onnx_file *file = memory_allocate(1, sizeof *file, error);

    model->contents = file;
    if (file == NULL)
        return FAILED;
    if (definition != NULL)
        return error_set(error, "an ONNX file takes no definition");
    if (onnx_parse(model_bytes(model, 0), file, error) < 0 ||
        onnx_bind_external(model, file, error) < 0 ||
        find_input_value(file, &value, error) < 0)
        return FAILED;
    return check_input(value, &model->input, error);
}

static void onnx_close(struct model *model)
{
    if (model->contents != NULL)
        onnx_release(model->contents);
    free(model->contents);
}

const struct format onnx_format = {
    .name = "onnx",
    .title = "ONNX",
    .recognise = onnx_recognise,
    .open = onnx_open,
    .read = onnx_read,
    .close = onnx_close,
};
