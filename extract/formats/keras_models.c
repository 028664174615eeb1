/*
 * The walk through a model's configuration: layers one behind the other (Sequential) or by name
 * (Functional, Model), and models that are layers of others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/keras_config.h"
#include "extract/formats/keras_reader_private.h"

/* How many calls and references a walk may look at before it gives up finding an order. */
enum { MAX_LOOKS = 1 << 21 };

enum { NAME_LENGTH = 1024, PATH_LENGTH = 3072 };

/* A model in the walk. */
struct scope {
    struct keras_reader *reader;
    const struct json_value *layers;   /* the list of its layers' objects */
    const char *group;                 /* NULL for the outermost; see struct keras_place */
    const char *path;                  /* of its layers, for weights by place */
    size_t depth;
    size_t looks;                      /* at references */
    struct names results;              /* "name:call" to layers of the graph */
    struct names classes;              /* how many layers of a class came before */
};

/* ---- results by name -------------------------------------------------------------------- */

static int put_result(struct scope *scope, const char *name, size_t call, size_t layer,
                      struct error *error)
{
    char key[NAME_LENGTH];
    const char *copy;

    snprintf(key, sizeof key, "%.1000s:%zu", name, call);
    copy = graph_copy_text(scope->reader->graph, key, error);
    return copy != NULL ? names_put(&scope->results, copy, layer, error) : FAILED;
}

static bool find_result(const struct scope *scope, const struct keras_reference *reference,
                        size_t *layer)
{
    char key[NAME_LENGTH];

    snprintf(key, sizeof key, "%.1000s:%zu", reference->name, reference->call);
    return names_find(&scope->results, key, layer) == 0 && reference->result == 0;
}

/* ---- one call of a layer ---------------------------------------------------------------- */

static int read_model(struct scope *scope, const struct json_value *model, const size_t *inputs,
                      size_t input_count, size_t *output, struct error *error);

/* Where Keras 3 keeps the weights of a layer: by its class, and how many of that class come
 * before it among the model's layers. */
static int find_path(struct scope *scope, const struct json_value *layer, char *path,
                     struct error *error)
{
    char name[NAME_LENGTH];
    const char *copy;
    size_t before = 0;

    keras_snake_case(keras_class_of(layer), name, sizeof name);
    copy = graph_copy_text(scope->reader->graph, name, error);
    if (copy == NULL)
        return FAILED;
    if (names_find(&scope->classes, name, &before) == 0)
        before++;
    if (names_put(&scope->classes, copy, before, error) < 0)
        return FAILED;
    if (before > 0)
        snprintf(path, PATH_LENGTH, "%.2000s/%.900s_%zu", scope->path, name, before);
    else
        snprintf(path, PATH_LENGTH, "%.2000s/%.900s", scope->path, name);
    return 0;
}

/* One layer of a scope, whatever calls it. */
struct member {
    const struct json_value *layer;
    const char *name;
    const char *path;  /* of its weights by place, in memory of the graph */
    size_t done;       /* calls that were added */
};

/* The word for a model's layers in the paths of weights by place. */
static const char *layers_word(const struct keras_file *file)
{
    static const char first_versions[] = "_layer_checkpoint_dependencies";

    return hdf5_find(file->hdf5, first_versions) != NULL ? first_versions : "layers";
}

static int call_model(struct scope *scope, const struct member *member, const size_t *inputs,
                      size_t input_count, size_t *result, struct error *error)
{
    char path[PATH_LENGTH];
    struct scope inner = {
        .reader = scope->reader,
        .layers = keras_layers_of(member->layer),
        .group = scope->group != NULL ? scope->group : member->name,
        .path = path,
        .depth = scope->depth + 1,
    };
    int outcome;

    if (inner.depth > KERAS_MAX_DEPTH)
        return error_set(error, "models are nested deeper than %d", KERAS_MAX_DEPTH);
    if (keras_call_at(member->layer, 1) != NULL)
        return error_set(error, "a model that is called twice is not supported");
    snprintf(path, sizeof path, "%.3000s/%s", member->path, layers_word(scope->reader->file));
    outcome = read_model(&inner, member->layer, inputs, input_count, result, error);
    names_release(&inner.results);
    names_release(&inner.classes);
    return outcome;
}

static int call_layer(struct scope *scope, const struct member *member, struct keras_node *node,
                      size_t *result, struct error *error)
{
    const struct keras_place place = {
        .group = scope->group != NULL ? scope->group : member->name,
        .layer = member->name,
        .nested = scope->group != NULL,
        .path = member->path,
    };
    keras_function *function = keras_find_layer(node->class_name);

    if (function == NULL)
        return error_set(error, "this layer is not supported");
    if (keras_file_weights(scope->reader->file, &place, &node->weights, error) < 0)
        return FAILED;
    return function(scope->reader, node, result, error);
}

static int add_unsupported(struct scope *scope, const struct keras_node *node,
                           const char *reason, size_t *result, struct error *error)
{
    struct layer layer = {.kind = LAYER_UNSUPPORTED, .input_count = node->input_count,
                          .reason = reason};

    return keras_add(scope->reader, node, &layer, node->inputs, result, error);
}

/* What cannot be translated becomes an unsupported layer. */
static int call(struct scope *scope, struct member *member, struct keras_node *node,
                size_t *result, struct error *error)
{
    bool model = keras_is_model(member->layer);
    struct error reason;
    int outcome;

    node->class_name = keras_class_of(member->layer);
    node->name = member->name;
    node->config = keras_config_of(member->layer);
    outcome = model ? call_model(scope, member, node->inputs, node->input_count, result, &reason)
                    : call_layer(scope, member, node, result, &reason);
    if (outcome < 0 && add_unsupported(scope, node, reason.text, result, error) < 0)
        return FAILED;
    member->done++;
    return member->done == 1 ? graph_bind(scope->reader->graph, member->name, *result, error) : 0;
}

/* ---- layers one behind the other -------------------------------------------------------- */

/* Old files do not name a Sequential inside another; the list of the groups of weights does,
 * where it has as many names. */
static const char *member_name(const struct scope *scope, size_t index)
{
    const struct keras_file *file = scope->reader->file;
    const char *name = keras_name_of(json_tree_at(scope->layers, index));
    size_t count = json_tree_count(scope->layers);

    if (*name != '\0' || scope->group != NULL ||
        hdf5_text(file->hdf5, file->group, "layer_names", count) != NULL ||
        hdf5_text(file->hdf5, file->group, "layer_names", count - 1) == NULL)
        return name;
    return hdf5_text(file->hdf5, file->group, "layer_names", index);
}

static int make_member(struct scope *scope, size_t index, struct member *member,
                       struct error *error)
{
    char path[PATH_LENGTH] = "";

    *member = (struct member){.layer = json_tree_at(scope->layers, index),
                              .name = member_name(scope, index)};
    if (scope->reader->file->by_place && find_path(scope, member->layer, path, error) < 0)
        return FAILED;
    member->path = graph_copy_text(scope->reader->graph, path, error);
    return member->path != NULL ? 0 : FAILED;
}

static int read_sequence(struct scope *scope, const size_t *inputs, size_t input_count,
                         size_t *output, struct error *error)
{
    size_t at;

    if (input_count != 1)
        return error_set(error, "it gets %zu inputs, not one", input_count);
    at = inputs[0];
    for (size_t i = 0; i < json_tree_count(scope->layers); i++) {
        struct keras_node node = {.inputs = &at, .input_count = 1};
        struct member member;

        if (make_member(scope, i, &member, error) < 0 ||
            call(scope, &member, &node, output, error) < 0)
            return FAILED;
        at = *output;
    }
    return 0;
}

/* ---- layers by name --------------------------------------------------------------------- */

/* A call of a layer as it is taken apart. */
struct arguments {
    struct scope *scope;
    size_t *inputs;
    size_t count, capacity;
    bool waits;  /* for a result that is not there yet */
    struct error *error;
};

static int add_argument(struct arguments *arguments, const struct keras_reference *reference)
{
    void *inputs = arguments->inputs;
    size_t layer;

    if (++arguments->scope->looks > MAX_LOOKS)
        return error_set(arguments->error, "its layers are in no order that can be computed");
    if (!find_result(arguments->scope, reference, &layer)) {
        arguments->waits = true;
        return 0;
    }
    if (memory_grow(&inputs, arguments->count, &arguments->capacity, sizeof *arguments->inputs,
                    arguments->error) < 0)
        return FAILED;
    arguments->inputs = inputs;
    arguments->inputs[arguments->count++] = layer;
    return 0;
}

/* The tensors in the arguments of a call in Keras 3: lists and objects of any depth, where a
 * tensor is {"class_name": "__keras_tensor__", "config": {"keras_history": [...]}}. */
static int find_tensors(struct arguments *arguments, const struct json_value *value)
{
    struct keras_reference reference;

    if (strcmp(keras_class_of(value), "__keras_tensor__") == 0) {
        if (!keras_read_reference(json_tree_get(keras_config_of(value), "keras_history"),
                                  &reference))
            return error_set(arguments->error, "its input is not valid");
        return add_argument(arguments, &reference);
    }
    for (size_t i = 0; json_tree_is_list(value) && i < json_tree_count(value); i++)
        if (find_tensors(arguments, json_tree_at(value, i)) < 0)
            return FAILED;
    if (json_tree_is_object(value))
        for (struct json_member m = json_tree_first(value); m.key != NULL;
             m = json_tree_next(value, &m))
            if (find_tensors(arguments, m.value) < 0)
                return FAILED;
    return 0;
}

/* Keras 1 and 2: [[name, call, result, keywords], ...], or the one of these alone. A keyword may
 * be a reference as well. */
static int find_references(struct arguments *arguments, const struct json_value *list,
                           const struct json_value **keywords)
{
    const struct json_value *item;
    struct keras_reference reference;

    for (size_t i = 0; (item = keras_reference_at(list, i)) != NULL; i++) {
        if (!keras_read_reference(item, &reference))
            return error_set(arguments->error, "its input %zu is not valid", i);
        if (add_argument(arguments, &reference) < 0)
            return FAILED;
        *keywords = json_tree_at(item, 3);
    }
    if (json_tree_is_object(*keywords))
        for (struct json_member m = json_tree_first(*keywords); m.key != NULL;
             m = json_tree_next(*keywords, &m))
            if (keras_read_reference(m.value, &reference) &&
                add_argument(arguments, &reference) < 0)
                return FAILED;
    return 0;
}

/* Adds one call, or leaves it for later when its inputs are not there yet. */
static int try_call(struct scope *scope, struct member *member, const struct json_value *inbound,
                    bool *progress, struct error *error)
{
    struct arguments arguments = {.scope = scope, .error = error};
    struct keras_node node = {0};
    size_t result;
    int outcome;

    if (++scope->looks > MAX_LOOKS)
        return error_set(error, "its layers are in no order that can be computed");
    if (json_tree_is_object(inbound)) {
        node.arguments = json_tree_get(inbound, "args");
        node.keywords = json_tree_get(inbound, "kwargs");
        outcome = find_tensors(&arguments, node.arguments);
        if (outcome == 0)
            outcome = find_tensors(&arguments, node.keywords);
    } else {
        outcome = find_references(&arguments, inbound, &node.keywords);
    }
    if (outcome < 0)
        error_wrap(error, "layer '%s'", member->name);
    if (outcome == 0 && !arguments.waits) {
        node.inputs = arguments.inputs;
        node.input_count = arguments.count;
        outcome = call(scope, member, &node, &result, error);
        if (outcome == 0)
            outcome = put_result(scope, member->name, member->done - 1, result, error);
        /* Some versions of Keras count the calls of a model from 1. */
        if (outcome == 0 && keras_is_model(member->layer))
            outcome = put_result(scope, member->name, member->done, result, error);
        *progress = true;
    }
    free(arguments.inputs);
    return outcome;
}

/* Adds what can be added, again and again until nothing more can: files have the layers in an
 * order in which once is enough. */
static int call_members(struct scope *scope, struct member *members, size_t count,
                        struct error *error)
{
    bool progress = true;

    while (progress) {
        progress = false;
        for (size_t i = 0; i < count; i++) {
            struct member *member = &members[i];
            const struct json_value *inbound;
            bool called = true;

            while (called && (inbound = keras_call_at(member->layer, member->done)) != NULL) {
                called = false;
                if (try_call(scope, member, inbound, &called, error) < 0)
                    return FAILED;
                progress = progress || called;
            }
        }
    }
    return 0;
}

/* The layers that stand for the inputs have no calls of their own. */
static int bind_inputs(struct scope *scope, const struct json_value *model,
                       struct member *members, size_t count, const size_t *inputs,
                       size_t input_count, struct error *error)
{
    const struct json_value *list = json_tree_get(keras_config_of(model), "input_layers");
    struct keras_reference reference;
    size_t index = 0;

    for (; keras_read_reference(keras_reference_at(list, index), &reference); index++) {
        if (index == input_count)
            return error_set(error, "it takes more inputs than it gets");
        if (put_result(scope, reference.name, 0, inputs[index], error) < 0 ||
            graph_bind(scope->reader->graph, reference.name, inputs[index], error) < 0)
            return FAILED;
        for (size_t i = 0; i < count; i++)
            if (strcmp(members[i].name, reference.name) == 0)
                members[i].done = SIZE_MAX;
    }
    if (index != input_count)
        return error_set(error, "it takes %zu inputs, and gets %zu", index, input_count);
    return 0;
}

static int check_names(const struct member *members, size_t count, struct error *error)
{
    struct names seen = {0};
    int outcome = 0;

    for (size_t i = 0; outcome == 0 && i < count; i++) {
        size_t other;

        if (names_find(&seen, members[i].name, &other) == 0)
            outcome = error_set(error, "it has two layers '%s'", members[i].name);
        else
            outcome = names_put(&seen, members[i].name, i, error);
    }
    names_release(&seen);
    return outcome;
}

static int read_functional(struct scope *scope, const struct json_value *model,
                           const size_t *inputs, size_t input_count, size_t *output,
                           struct error *error)
{
    const struct json_value *outputs = json_tree_get(keras_config_of(model), "output_layers");
    size_t count = json_tree_count(scope->layers);
    struct member *members = memory_allocate(count, sizeof *members, error);
    struct keras_reference reference;
    int outcome = FAILED;

    if (members == NULL)
        return FAILED;
    for (size_t i = 0; i < count; i++)
        if (make_member(scope, i, &members[i], error) < 0)
            goto out;
    if (check_names(members, count, error) < 0 ||
        bind_inputs(scope, model, members, count, inputs, input_count, error) < 0 ||
        call_members(scope, members, count, error) < 0)
        goto out;
    if (!keras_read_reference(keras_reference_at(outputs, 0), &reference))
        error_set(error, "it has no output");
    else if (!find_result(scope, &reference, output))
        error_set(error, "its output '%s' does not depend on the image alone", reference.name);
    else
        outcome = 0;
out:
    free(members);
    return outcome;
}

static int read_model(struct scope *scope, const struct json_value *model, const size_t *inputs,
                      size_t input_count, size_t *output, struct error *error)
{
    if (json_tree_count(scope->layers) == 0)
        return error_set(error, "it has no layers");
    if (keras_is_functional(model))
        return read_functional(scope, model, inputs, input_count, output, error);
    return read_sequence(scope, inputs, input_count, output, error);
}

/* ---- the outermost model ---------------------------------------------------------------- */

int keras_model_read(const struct keras_file *file, const struct network_input *input,
                     struct graph *graph, struct error *error)
{
    const struct json_value *model = json_tree_root(file->config);
    struct keras_reader reader = {.file = file, .graph = graph};
    struct layer image = {.kind = LAYER_INPUT, .operator = "input", .name = "input",
                          .shape = {SHAPE_MAP_RANK,
                                    {input->channels, input->height, input->width}}};
    struct scope scope = {.reader = &reader, .layers = keras_layers_of(model),
                          .path = layers_word(file)};
    struct network_input ignored;
    size_t index;
    int outcome = FAILED;

    if (keras_model_input(model, &ignored, &reader.channels_last, error) < 0)
        return FAILED;
    graph->flatten_channels_last = reader.channels_last || keras_model_moves_channels(model);
    if (graph_add(graph, &image, &index, error) == 0)
        outcome = read_model(&scope, model, &index, 1, &graph->output, error);
    names_release(&scope.results);
    names_release(&scope.classes);
    return outcome;
}
