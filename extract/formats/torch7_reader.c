#include "extract/formats/torch7_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/torch7_reader_private.h"

/* The contents of a model. */
struct torch7_contents {
    struct torch7_file file;
    const struct torch7_object *network;
};

/* ---- modules ---------------------------------------------------------------------------- */

static void copy_text(struct bytes text, char copy[static TORCH7_NAME])
{
    size_t size = text.size < TORCH7_NAME ? text.size : TORCH7_NAME - 1;

    if (size > 0)
        memcpy(copy, text.data, size);
    copy[size] = '\0';
}

int torch7_describe(const struct torch7_object *object, const char *place,
                    struct torch7_module *module, struct error *error)
{
    if (object->kind != TORCH7_CLASS || object->fields == NULL)
        return error_set(error, "module '%s' is no object with fields", place);
    if (object->fields->pair_count > TORCH7_FIELDS)
        return error_set(error, "module '%s' has more than %d fields", place, TORCH7_FIELDS);
    module->object = object;
    copy_text(object->class_name, module->type);
    copy_text(torch7_text(object, "name"), module->name);
    snprintf(module->place, sizeof module->place, "%s", place);
    if (*module->name == '\0')
        snprintf(module->name, sizeof module->name, "%s", place);
    module->kind = module->type;
    if (strncmp(module->type, "nn.", 3) == 0)
        module->kind += 3;
    else if (strncmp(module->type, "cudnn.", 6) == 0)
        module->kind += 6;
    return 0;
}

const struct shape *torch7_shape(const struct torch7_reader *reader, size_t layer)
{
    return &reader->graph->layers[layer].shape;
}

int torch7_add(struct torch7_reader *reader, const struct torch7_module *module,
               struct layer *layer, size_t *inputs, size_t *index, struct error *error)
{
    layer->name = layer->node = module->name;
    layer->operator = module->type;
    layer->inputs = inputs;
    return graph_add(reader->graph, layer, index, error);
}

int torch7_add_unsupported(struct torch7_reader *reader, const struct torch7_module *module,
                           struct torch7_flow *flow, const char *reason, struct error *error)
{
    struct layer layer = {.kind = LAYER_UNSUPPORTED, .input_count = flow->count, .reason = reason};
    size_t index;

    if (torch7_add(reader, module, &layer, flow->layers, &index, error) < 0)
        return FAILED;
    *flow = (struct torch7_flow){.count = 1, .layers = {index}};
    return 0;
}

/* ---- the walk --------------------------------------------------------------------------- */

static int translate_layer(struct torch7_reader *reader, const struct torch7_module *module,
                           struct torch7_flow *flow, struct error *error)
{
    torch7_layer_function *function = torch7_find_module(module->kind);

    if (function == NULL)
        return error_set(error, "this module is not supported");
    if (flow->is_table)
        return error_set(error, "its input is a table of results");
    if (reader->graph->layers[flow->layers[0]].kind == LAYER_UNSUPPORTED)
        return error_set(error, "its input is not supported");
    return function(reader, module, &flow->layers[0], error);
}

static int read_layer(struct torch7_reader *reader, const struct torch7_module *module,
                      struct torch7_flow *flow, struct error *error)
{
    struct torch7_flow before = *flow;
    struct error reason;

    if (translate_layer(reader, module, flow, &reason) < 0) {
        *flow = before;
        if (torch7_add_unsupported(reader, module, flow, reason.text, error) < 0)
            return FAILED;
    }
    return 0;
}

/* A container that holds itself would never end. */
static int read_container(struct torch7_reader *reader, const struct torch7_module *module,
                          torch7_flow_function *function, struct torch7_flow *flow,
                          struct error *error)
{
    int outcome;

    for (size_t i = 0; i < reader->depth; i++)
        if (reader->path[i] == module->object)
            return error_set(error, "%s '%s' contains itself", module->type, module->place);
    if (reader->depth == TORCH7_DEPTH)
        return error_set(error, "its modules are nested deeper than %d", TORCH7_DEPTH);
    reader->path[reader->depth++] = module->object;
    outcome = function(reader, module, flow, error);
    reader->depth--;
    return outcome;
}

static int bind_names(struct torch7_reader *reader, const struct torch7_module *module,
                      const struct torch7_flow *flow, struct error *error)
{
    if (flow->is_table || *module->place == '\0')
        return 0;
    if (graph_bind(reader->graph, module->place, flow->layers[0], error) < 0)
        return FAILED;
    return graph_bind(reader->graph, module->name, flow->layers[0], error);
}

int torch7_translate(struct torch7_reader *reader, const struct torch7_object *object,
                     const char *place, struct torch7_flow *flow, struct error *error)
{
    struct torch7_module module;
    torch7_flow_function *container;
    int outcome;

    if (reader->visits++ == TORCH7_VISITS)
        return error_set(error, "it has more than %d modules", TORCH7_VISITS);
    if (torch7_describe(object, place, &module, error) < 0)
        return FAILED;
    container = torch7_find_container(module.kind);
    if (container != NULL)
        outcome = read_container(reader, &module, container, flow, error);
    else
        outcome = read_layer(reader, &module, flow, error);
    return outcome == 0 ? bind_names(reader, &module, flow, error) : FAILED;
}

static int translate_all(const struct torch7_contents *contents,
                         const struct network_input *input, struct input_fit *fit,
                         struct graph *graph, struct error *error)
{
    struct torch7_reader reader = {.graph = graph, .fit = fit};
    struct torch7_flow flow = {.count = 1};
    struct layer layer = {
        .kind = LAYER_INPUT, .name = "input", .operator = "input",
        .shape = {SHAPE_MAP_RANK, {input->channels, input->height, input->width}},
    };

    if (graph_add(graph, &layer, &flow.layers[0], error) < 0 ||
        graph_bind(graph, "input", 0, error) < 0 ||
        torch7_translate(&reader, contents->network, "", &flow, error) < 0)
        return FAILED;
    graph->output = flow.layers[0];
    return 0;
}

/* ---- which object is the network, and what it takes ------------------------------------- */

static bool is_network(const struct torch7_value *value)
{
    return value != NULL && value->kind == TORCH7_CLASS &&
           (torch7_field(value->object, "modules") != NULL ||
            bytes_are(value->object->class_name, "nn.gModule"));
}

/* A module, or a table with one: by a usual name, else the only one there is. */
static int find_network(struct torch7_contents *contents, struct error *error)
{
    static const char *const names[] = {"model", "net", "network"};
    const struct torch7_value *root = &contents->file.root, *found = NULL;

    if (is_network(root))
        found = root;
    for (size_t i = 0; found == NULL && root->kind == TORCH7_TABLE && i < 3; i++)
        if (is_network(torch7_field(root->object, names[i])))
            found = torch7_field(root->object, names[i]);
    for (size_t i = 0; found == NULL && root->kind == TORCH7_TABLE &&
                       i < root->object->pair_count; i++)
        if (is_network(&root->object->pairs[i].value))
            found = &root->object->pairs[i].value;
    if (found == NULL)
        return error_set(error, "it holds no network of nn modules");
    if (bytes_are(found->object->class_name, "nn.gModule"))
        return error_set(error, "it is a graph of nngraph (nn.gModule), which is not supported");
    contents->network = found->object;
    return 0;
}

/* What the first convolution in the order of execution takes; 0 when there is none. */
static int find_channels(const struct torch7_object *object, size_t depth, size_t *visits,
                         size_t *channels, struct error *error)
{
    const struct torch7_value **items;
    struct torch7_module module;
    size_t count;
    int outcome = 0;

    if (depth == TORCH7_DEPTH || ++*visits > TORCH7_VISITS ||
        torch7_describe(object, "", &module, error) < 0)
        return 0;
    if (strstr(module.kind, "Convolution") != NULL)
        return torch7_extent(&module, "nInputPlane", 1, 0, channels, error);
    if (torch7_list(torch7_child(object, "modules"), &items, &count, error) < 0)
        return FAILED;
    for (size_t i = 0; i < count && outcome == 0 && *channels == 0; i++)
        if (items[i]->kind == TORCH7_CLASS)
            outcome = find_channels(items[i]->object, depth + 1, visits, channels, error);
    free(items);
    return outcome;
}

static int try_side(const struct model *model, size_t side, struct input_fit *fit,
                    struct error *error)
{
    const struct network_input input = {model->input.channels, side, side};
    struct graph graph = {0};
    int outcome = translate_all(model->contents, &input, fit, &graph, error);

    graph_release(&graph);
    return outcome;
}

static int find_input(struct model *model, struct error *error)
{
    const struct torch7_contents *contents = model->contents;
    size_t visits = 0;

    if (find_channels(contents->network, 0, &visits, &model->input.channels, error) < 0)
        return FAILED;
    if (model->input.channels == 0)
        return error_set(error, "it has no convolution, which would say how many channels its "
                         "images have");
    return input_side_find(model, try_side, &model->usual_side, error);
}

/* ---- preprocessing ---------------------------------------------------------------------- */

/* loadcaffe keeps the names of Caffe's layers; other files say nothing of where they are from. */
static const char *find_preset(const struct torch7_contents *contents)
{
    static const struct {
        const char *layer, *preset;
    } families[] = {
        {"conv1_1", "caffe-vgg"},
        {"conv1/7x7_s2", "caffe-googlenet"},
        {"conv1", "caffe-alexnet"},
    };

    for (size_t i = 0; i < contents->file.object_count; i++) {
        const struct torch7_object *object = contents->file.objects[i];
        struct bytes name = object->kind == TORCH7_CLASS ? torch7_text(object, "name")
                                                         : (struct bytes){0};

        for (size_t j = 0; name.size > 0 && j < sizeof families / sizeof families[0]; j++)
            if (bytes_are(name, families[j].layer))
                return families[j].preset;
    }
    return "";
}

/* ---- the format ------------------------------------------------------------------------- */

static bool torch7_recognise(const struct model *model)
{
    bool text;

    return torch7_is_file(model_bytes(model, 0), &text);
}

static int torch7_open(struct model *model, const char *definition, struct error *error)
{
    struct torch7_contents *contents = memory_allocate(1, sizeof *contents, error);
    bool text;

    model->contents = contents;
    if (contents == NULL)
        return FAILED;
    if (definition != NULL)
        return error_set(error, "a Torch7 file takes no definition");
    if (torch7_is_file(model_bytes(model, 0), &text) && text)
        return error_set(error, "it is in Torch7's form as text; save it as 'binary'");
    if (torch7_parse(model_bytes(model, 0), &contents->file, error) < 0 ||
        find_network(contents, error) < 0 || find_input(model, error) < 0)
        return FAILED;
    strcpy(model->preprocess, find_preset(contents));
    return 0;
}

static int torch7_read(const struct model *model, size_t height, size_t width,
                       struct graph *graph, struct error *error)
{
    const struct network_input input = {model->input.channels, height, width};
    struct input_fit fit = {0};

    return translate_all(model->contents, &input, &fit, graph, error);
}

static void torch7_close(struct model *model)
{
    struct torch7_contents *contents = model->contents;

    if (contents != NULL)
        torch7_release(&contents->file);
    free(contents);
}

const struct format torch7_format = {
    .name = "torch7",
    .title = "Torch7",
    .recognise = torch7_recognise,
    .open = torch7_open,
    .read = torch7_read,
    .close = torch7_close,
};
