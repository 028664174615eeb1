#include "extract/formats/pytorch_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/architectures/architecture.h"
#include "extract/formats/pytorch_file.h"

struct contents {
    struct pytorch_file file;
    struct weights weights;
    struct recognised found;
};

typedef int parse_function(struct bytes bytes, struct pytorch_file *file, struct error *error);

/* ---- names ------------------------------------------------------------------------------ */

static const struct {
    const char *ending;
    enum weight_role role;
} endings[] = {
    {".weight", WEIGHT_FACTOR},
    {".bias", WEIGHT_SHIFT},
    {".running_mean", WEIGHT_MEAN},
    {".running_var", WEIGHT_VARIANCE},
};

/* A batch norm counts the batches that it was trained with. */
static const char counter[] = "num_batches_tracked";

/* True when `name` ends so; *length is that of what stands before. */
static bool ends_with(const char *name, const char *ending, size_t *length)
{
    size_t all = strlen(name), tail = strlen(ending);

    *length = all - tail;
    return all >= tail && strcmp(name + all - tail, ending) == 0;
}

static int load_weight(void *context, const struct weight *weight, struct graph *graph,
                       struct tensor *tensor, struct error *error)
{
    return pytorch_load(context, weight->index, graph, tensor, error);
}

/* A name with an unknown ending is a layer of its own, which no architecture has. */
static int add_weight(struct weights *weights, const struct pytorch_tensor *tensor, size_t index,
                      size_t skipped, struct error *error)
{
    struct weight weight = {.role = WEIGHT_FACTOR, .rank = tensor->rank, .index = index};
    const char *name = tensor->name + skipped;
    size_t length;
    char *layer;
    int outcome;

    if (ends_with(name, counter, &length))
        return 0;
    layer = memory_copy_text(name, error);
    if (layer == NULL)
        return FAILED;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_with(name, endings[i].ending, &length)) {
            layer[length] = '\0';
            weight.role = endings[i].role;
        }
    memcpy(weight.shape, tensor->shape, sizeof tensor->shape);
    outcome = weights_add(weights, layer, tensor->name, &weight, error);
    free(layer);
    return outcome;
}

/* The names from character `skipped` on. */
static int list_weights(struct pytorch_file *file, size_t skipped, struct weights *weights,
                        struct error *error)
{
    *weights = (struct weights){
        .framework = FRAMEWORK_PYTORCH, .load = load_weight, .context = file};
    for (size_t i = 0; i < file->tensor_count; i++)
        if (add_weight(weights, &file->tensors[i], i, skipped, error) < 0)
            return FAILED;
    return 0;
}

/* Characters up to the next '.', where all names have the same: DataParallel's "module.". 0 when
 * they do not. */
static size_t common_prefix(const struct pytorch_file *file, size_t skipped)
{
    const char *first = file->tensors[0].name;
    const char *dot = strchr(first + skipped, '.');
    size_t length = dot != NULL ? (size_t)(dot - first) + 1 : 0;

    for (size_t i = 1; i < file->tensor_count && length > 0; i++)
        if (strncmp(first, file->tensors[i].name, length) != 0)
            length = 0;
    return length;
}

/* The names as they are, then without what all have in front, component by component. The
 * message is that of the likeliest. */
static int recognise(struct contents *contents, struct error *error)
{
    struct error attempt;
    double likeness = -1;
    size_t skipped = 0;
    int outcome;

    if (contents->file.tensor_count == 0)
        return error_set(error, "it holds no tensors");
    do {
        weights_release(&contents->weights);
        outcome = list_weights(&contents->file, skipped, &contents->weights, error);
        if (outcome < 0)
            return FAILED;
        outcome = architecture_recognise(&contents->weights, &contents->found, &attempt);
        if (outcome == 0)
            return 0;
        if (contents->found.likeness > likeness) {
            likeness = contents->found.likeness;
            *error = attempt;
        }
        skipped = common_prefix(&contents->file, skipped);
    } while (skipped > 0);
    return FAILED;
}

/* ---- the formats ------------------------------------------------------------------------ */

static int open_with(struct model *model, const char *definition, parse_function *parse,
                     struct error *error)
{
    struct contents *contents = memory_allocate(1, sizeof *contents, error);

    model->contents = contents;
    if (contents == NULL)
        return FAILED;
    if (definition != NULL)
        return error_set(error, "a state dictionary takes no definition");
    if (parse(model_bytes(model, 0), &contents->file, error) < 0 ||
        recognise(contents, error) < 0)
        return FAILED;
    model->input = (struct network_input){
        contents->found.channels, contents->found.side, contents->found.side};
    snprintf(model->architecture, sizeof model->architecture, "%s", contents->found.title);
    snprintf(model->preprocess, sizeof model->preprocess, "%s", contents->found.preprocess);
    return 0;
}

static bool pytorch_recognise(const struct model *model)
{
    struct bytes bytes = model_bytes(model, 0);

    return pytorch_is_zip(bytes) || pytorch_is_legacy(bytes);
}

static int pytorch_open(struct model *model, const char *definition, struct error *error)
{
    bool zip = pytorch_is_zip(model_bytes(model, 0));

    return open_with(model, definition, zip ? pytorch_parse_zip : pytorch_parse_legacy, error);
}

static bool safetensors_recognise(const struct model *model)
{
    return safetensors_is_file(model_bytes(model, 0));
}

static int safetensors_open(struct model *model, const char *definition, struct error *error)
{
    return open_with(model, definition, safetensors_parse, error);
}

static int read_graph(const struct model *model, size_t height, size_t width, struct graph *graph,
                      struct error *error)
{
    const struct contents *contents = model->contents;

    return architecture_build(&contents->found, &contents->weights, height, width, graph, error);
}

static void close_contents(struct model *model)
{
    struct contents *contents = model->contents;

    if (contents != NULL) {
        weights_release(&contents->weights);
        pytorch_release(&contents->file);
    }
    free(contents);
}

const struct format pytorch_format = {
    .name = "pytorch",
    .title = "PyTorch",
    .recognise = pytorch_recognise,
    .open = pytorch_open,
    .read = read_graph,
    .close = close_contents,
};

const struct format safetensors_format = {
    .name = "safetensors",
    .title = "safetensors",
    .recognise = safetensors_recognise,
    .open = safetensors_open,
    .read = read_graph,
    .close = close_contents,
};
