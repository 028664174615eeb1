/*
 * The two files of an MXNet network: which is which, where the other one is, and what they say of
 * the image.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/paths.h"
#include "extract/formats/mxnet_reader.h"
#include "extract/formats/mxnet_reader_private.h"

static const char symbol_ending[] = "-symbol.json", params_ending[] = ".params";

/* An epoch is written with four digits: "-0000". */
enum { EPOCH_LENGTH = 5 };

/* ---- the other file --------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), end = strlen(ending);

    return length >= end && strcmp(text + length - end, ending) == 0;
}

/* How long the prefix of "PREFIX-NNNN.params" or "PREFIX.params" is. */
static size_t params_prefix(const char *path)
{
    size_t length = strlen(path) - strlen(params_ending);

    if (length > EPOCH_LENGTH && path[length - EPOCH_LENGTH] == '-' &&
        strspn(path + length - EPOCH_LENGTH + 1, "0123456789") == EPOCH_LENGTH - 1)
        return length - EPOCH_LENGTH;
    return length;
}

static char *symbol_path(const char *path, struct error *error)
{
    size_t length;
    char *other;

    if (!ends_with(path, params_ending)) {
        error_set(error, "its structure (a -symbol.json) is needed: --definition names it");
        return NULL;
    }
    length = params_prefix(path);
    other = memory_allocate(length + sizeof symbol_ending, 1, error);
    if (other != NULL) {
        memcpy(other, path, length);
        memcpy(other + length, symbol_ending, sizeof symbol_ending);
    }
    return other;
}

/* *found becomes the name in the folder that is PREFIX-NNNN.params or PREFIX.params. */
static int scan_params(DIR *folder, const char *prefix, size_t length, char **found,
                       struct error *error)
{
    const struct dirent *entry;

    while ((entry = readdir(folder)) != NULL) {
        const char *name = entry->d_name;

        if (!ends_with(name, params_ending) || params_prefix(name) != length ||
            strncmp(name, prefix, length) != 0)
            continue;
        if (*found != NULL)
            return error_set(error, "it has several files of parameters, '%s' and '%s' among "
                             "them: name the one to use instead", *found, name);
        *found = memory_copy_text(name, error);
        if (*found == NULL)
            return FAILED;
    }
    if (*found == NULL)
        return error_set(error, "its parameters '%.*s-NNNN.params' are not beside it: "
                         "--definition names them", (int)length, prefix);
    return 0;
}

static char *params_path(const char *path, struct error *error)
{
    const char *base = path_name(path);
    char *folder_path, *name = NULL, *result = NULL;
    DIR *folder = NULL;

    if (!ends_with(base, symbol_ending)) {
        error_set(error, "its parameters (a -NNNN.params) are needed: --definition names them");
        return NULL;
    }
    folder_path = path_folder(path, error);
    if (folder_path == NULL)
        return NULL;
    folder = opendir(folder_path);
    if (folder == NULL)
        error_set(error, "cannot look for its parameters in '%s'", folder_path);
    else if (scan_params(folder, base, strlen(base) - strlen(symbol_ending), &name, error) == 0)
        result = path_join(folder_path, name, error);
    if (folder != NULL)
        closedir(folder);
    free(folder_path);
    free(name);
    return result;
}

/* Adds the second file to the model: the one that the user names, or the one that belongs to the
 * first. */
static int add_other_file(struct model *model, bool first_is_params, const char *definition,
                          struct error *error)
{
    const char *path = model->files[0].path;
    char *other;
    int outcome;

    if (definition != NULL)
        return model_add_file(model, definition, error);
    other = first_is_params ? symbol_path(path, error) : params_path(path, error);
    if (other == NULL)
        return FAILED;
    outcome = model_add_file(model, other, error);
    if (outcome < 0)
        error_wrap(error, "its other file is needed (--definition names it)");
    free(other);
    return outcome;
}

/* ---- the image -------------------------------------------------------------------------- */

/* A variable without parameters that is the first input of an operator. */
static int find_image(struct mxnet_file *file, struct error *error)
{
    const struct mxnet_symbol *symbol = &file->symbol;
    bool found = false;

    for (size_t i = 0; i < symbol->node_count; i++) {
        size_t first;
        const struct mxnet_node *variable;

        if (symbol->nodes[i].input_count == 0)
            continue;
        first = symbol->nodes[i].inputs[0].node;
        variable = &symbol->nodes[first];
        if (!mxnet_is_variable(variable) ||
            mxnet_params_find(&file->params, variable->name) != NULL)
            continue;
        if (found && first != file->image)
            return error_set(error, "it has more than one input: '%s' and '%s'; or the parameters "
                             "of one are missing", symbol->nodes[file->image].name, variable->name);
        file->image = first;
        found = true;
    }
    return found ? 0 : error_set(error, "it has no input");
}

/* The shape that gluon and others store with the variable: (0, 3, 224, 224). */
static int read_stored_shape(const struct mxnet_node *node, struct network_input *input,
                             struct error *error)
{
    int64_t shape[4];
    size_t count;

    if (mxnet_tuple(node, "__shape__", shape, 4, &count, error) < 0)
        return FAILED;
    if (count != 4)
        return 0;
    for (size_t i = 1; i < 4; i++)
        if (shape[i] < 0 || shape[i] > MXNET_MAX_EXTENT)
            return error_set(error, "its input '%s' has a dimension of %lld", node->name,
                             (long long)shape[i]);
    *input = (struct network_input){(size_t)shape[1], (size_t)shape[2], (size_t)shape[3]};
    return 0;
}

/* What the first convolution takes. */
static void find_channels(const struct mxnet_file *file, struct network_input *input)
{
    const struct mxnet_symbol *symbol = &file->symbol;

    for (size_t i = 0; i < symbol->node_count && input->channels == 0; i++) {
        const struct mxnet_node *node = &symbol->nodes[i];
        const struct tensor *weights;
        struct error ignored;
        int64_t groups;

        if (strncmp(node->operator, "Convolution", 11) != 0 || node->input_count < 2)
            continue;
        weights = mxnet_params_find(&file->params, symbol->nodes[node->inputs[1].node].name);
        if (weights != NULL && weights->rank == 4 && weights->shape[1] <= MXNET_MAX_EXTENT &&
            mxnet_integer(node, "num_group", 1, &groups, &ignored) == 0 && groups > 0 &&
            groups <= MXNET_MAX_EXTENT)
            input->channels = weights->shape[1] * (size_t)groups;
    }
}

static int try_side(const struct model *model, size_t side, struct input_fit *fit,
                    struct error *error)
{
    const struct network_input input = {model->input.channels, side, side};
    struct graph graph = {0};
    int outcome = mxnet_translate_all(model->contents, &input, fit, &graph, error);

    graph_release(&graph);
    return outcome;
}

static int find_input(struct model *model, struct error *error)
{
    struct mxnet_file *file = model->contents;
    struct network_input *input = &model->input;

    if (find_image(file, error) < 0 ||
        read_stored_shape(&file->symbol.nodes[file->image], input, error) < 0)
        return FAILED;
    find_channels(file, input);
    if (input->channels == 0)
        return error_set(error, "its input '%s' does not say how many channels it has, and no "
                         "convolution does", file->symbol.nodes[file->image].name);
    if (input->height != 0 || input->width != 0)
        return 0;
    return input_side_find(model, try_side, &model->usual_side, error);
}

/* ---- preprocessing ---------------------------------------------------------------------- */

/* True when the first thing that happens to the image, copies aside, is its normalisation. */
static bool normalises_itself(const struct mxnet_file *file)
{
    const struct mxnet_symbol *symbol = &file->symbol;
    size_t image = file->image;

    for (size_t i = 0; i < symbol->node_count; i++) {
        const struct mxnet_node *node = &symbol->nodes[i];
        const char *operator = node->operator;

        if (node->input_count == 0 || node->inputs[0].node != image)
            continue;
        if (strcmp(operator, "_copy") == 0 || strcmp(operator, "identity") == 0)
            image = i;
        else
            return strcmp(operator, "BatchNorm") == 0 || strcasestr(operator, "scalar") != NULL;
    }
    return false;
}

static bool has_node(const struct mxnet_symbol *symbol, const char *name)
{
    for (size_t i = 0; i < symbol->node_count; i++)
        if (strcmp(symbol->nodes[i].name, name) == 0)
            return true;
    return false;
}

/* gluon writes "_fwd" behind the names of its layers. */
static bool is_gluon(const struct mxnet_symbol *symbol)
{
    for (size_t i = 0; i < symbol->node_count; i++)
        if (!mxnet_is_variable(&symbol->nodes[i]) && ends_with(symbol->nodes[i].name, "_fwd"))
            return true;
    return false;
}

/* gluon's model zoo was trained as torchvision's; of the networks before it, the ResNets begin
 * with a batch norm of the pixels, and Inception-BN takes them less their mean. */
static const char *find_preset(const struct mxnet_file *file)
{
    if (is_gluon(&file->symbol))
        return "torchvision";
    if (normalises_itself(file))
        return "mxnet-raw";
    return has_node(&file->symbol, "ch_concat_3a_chconcat") ? "mxnet-inception" : "";
}

/* ---- the format ------------------------------------------------------------------------- */

static bool mxnet_recognise(const struct model *model)
{
    return mxnet_is_params(model_bytes(model, 0)) || mxnet_is_symbol(model_bytes(model, 0));
}

/* The symbol becomes the first file and the parameters the second, so that the network and its
 * digest are the same whichever of them was named. */
static void order_files(struct model *model)
{
    struct model_file symbol = model->files[1];

    model->files[1] = model->files[0];
    model->files[0] = symbol;
}

static int mxnet_open(struct model *model, const char *definition, struct error *error)
{
    bool first_is_params = mxnet_is_params(model_bytes(model, 0));
    struct mxnet_file *file = memory_allocate(1, sizeof *file, error);

    model->contents = file;
    if (file == NULL || add_other_file(model, first_is_params, definition, error) < 0)
        return FAILED;
    if (first_is_params)
        order_files(model);
    if (mxnet_symbol_parse(model_bytes(model, 0), &file->symbol, error) < 0)
        return error_wrap(error, "'%s'", model->files[0].path);
    if (mxnet_params_parse(model_bytes(model, 1), &file->params, error) < 0)
        return error_wrap(error, "'%s'", model->files[1].path);
    if (find_input(model, error) < 0)
        return FAILED;
    strcpy(model->preprocess, find_preset(file));
    return 0;
}

static int mxnet_read(const struct model *model, size_t height, size_t width, struct graph *graph,
                      struct error *error)
{
    const struct network_input input = {model->input.channels, height, width};
    struct input_fit fit = {0};

    return mxnet_translate_all(model->contents, &input, &fit, graph, error);
}

static void mxnet_close(struct model *model)
{
    struct mxnet_file *file = model->contents;

    if (file != NULL) {
        mxnet_params_release(&file->params);
        mxnet_symbol_release(&file->symbol);
    }
    free(file);
}

const struct format mxnet_format = {
    .name = "mxnet",
    .title = "MXNet",
    .recognise = mxnet_recognise,
    .open = mxnet_open,
    .read = mxnet_read,
    .close = mxnet_close,
};
