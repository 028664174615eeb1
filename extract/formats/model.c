#include "extract/formats/model.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "extract/formats/caffe_reader.h"
#include "extract/formats/keras_reader.h"
#include "extract/formats/mxnet_reader.h"
#include "extract/formats/onnx_reader.h"
#include "extract/formats/pytorch_reader.h"
#include "extract/formats/tensorflow_reader.h"
#include "extract/formats/torch7_reader.h"

/* Those with a mark of their own at the beginning come first. */
static const struct format *const formats[] = {
    &keras_format,
    &pytorch_format,
    &safetensors_format,
    &mxnet_format,
    &torch7_format,
    &tensorflow_format,
    &onnx_format,
    &caffe_format,
};

enum { FORMATS = sizeof formats / sizeof formats[0] };

static int unknown_format(const struct model *model, struct error *error)
{
    char titles[MODEL_TEXT] = "";
    int used = 0;

    for (size_t i = 0; i < FORMATS && used >= 0 && (size_t)used < sizeof titles; i++)
        used += snprintf(titles + used, sizeof titles - (size_t)used, "%s%s",
                         i > 0 ? ", " : "", formats[i]->title);
    return error_set(error, "'%s' is not a network in a format that is read here (%s)",
                     model->files[0].path, titles);
}

/* The first file is there. */
static int open_format(struct model *model, const char *definition, struct error *error)
{
    for (size_t i = 0; i < FORMATS && model->format == NULL; i++)
        if (formats[i]->recognise(model))
            model->format = formats[i];
    if (model->format == NULL)
        return unknown_format(model, error);
    if (model->format->open(model, definition, error) < 0)
        return error_wrap(error, "cannot read the network '%s'", model->files[0].path);
    return 0;
}

int model_open(const char *path, const char *definition, struct model *model,
               struct error *error)
{
    *model = (struct model){0};
    if (model_add_file(model, path, error) < 0)
        return FAILED;
    return open_format(model, definition, error);
}

int model_open_bytes(const char *name, struct bytes bytes, struct model *model,
                     struct error *error)
{
    struct model_file *file = &model->files[0];

    *model = (struct model){0};
    *file = (struct model_file){.path = memory_copy_text(name, error),
                                .map = {bytes.data, bytes.size}};
    if (file->path == NULL)
        return FAILED;
    model->file_count = 1;
    return open_format(model, NULL, error);
}

void model_close(struct model *model)
{
    if (model->format != NULL)
        model->format->close(model);
    for (size_t i = 0; i < model->file_count; i++) {
        if (model->files[i].is_ours)
            file_map_close(&model->files[i].map);
        free(model->files[i].path);
    }
    *model = (struct model){0};
}

int model_read(const struct model *model, size_t height, size_t width, struct graph *graph,
               struct error *error)
{
    const struct network_input *input = &model->input;

    if ((input->height != 0 && input->height != height) ||
        (input->width != 0 && input->width != width))
        return error_set(error, "it takes images of %zux%zu, not %zux%zu", input->width,
                         input->height, width, height);
    return model->format->read(model, height, width, graph, error);
}

int model_add_file(struct model *model, const char *path, struct error *error)
{
    struct model_file *file = &model->files[model->file_count];

    if (model->file_count == MODEL_FILES)
        return error_set(error, "a network has at most %d files", MODEL_FILES);
    *file = (struct model_file){.path = memory_copy_text(path, error), .is_ours = true};
    if (file->path == NULL)
        return FAILED;
    if (file_map_open(path, &file->map, error) < 0) {
        free(file->path);
        return FAILED;
    }
    model->file_count++;
    return 0;
}

struct bytes model_bytes(const struct model *model, size_t index)
{
    return (struct bytes){model->files[index].map.data, model->files[index].map.size};
}

void model_rest(const struct model *model)
{
    for (size_t i = 0; i < model->file_count; i++)
        if (model->files[i].is_ours)
            file_map_rest(&model->files[i].map);
}

struct hash model_digest(const struct model *model)
{
    struct bytes pieces[MODEL_FILES];

    for (size_t i = 0; i < model->file_count; i++)
        pieces[i] = model_bytes(model, i);
    return hash_pieces(pieces, model->file_count);
}

size_t model_size(const struct model *model)
{
    size_t size = 0;

    for (size_t i = 0; i < model->file_count; i++)
        size += model->files[i].map.size;
    return size;
}
