#include "extract/formats/keras_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/graph/names.h"

enum { PATH_LENGTH = 4096 };

/* ---- the index of weights --------------------------------------------------------------- */

/* Binds the weight to one more key, behind those that it has already. `kind` tells keys of
 * different meaning apart. */
static int index_weight(struct keras_file *file, const char *group, char kind, const char *layer,
                        const struct hdf5_object *object, struct error *error)
{
    void *items = file->items, *keys = file->keys;
    size_t length = strlen(group) + strlen(layer) + 3, head;
    char *key;

    if (memory_grow(&items, file->count, &file->capacity, sizeof *file->items, error) < 0)
        return FAILED;
    file->items = items;
    if (memory_grow(&keys, file->key_count, &file->key_capacity, sizeof *file->keys, error) < 0)
        return FAILED;
    file->keys = keys;
    key = memory_allocate(length, 1, error);
    if (key == NULL)
        return FAILED;
    snprintf(key, length, "%s\n%c%s", group, kind, layer);
    file->keys[file->key_count++] = key;
    file->items[file->count] = (struct keras_weight){object, SIZE_MAX, file->count};
    if (names_find(file->layers, key, &head) < 0)
        return names_put(file->layers, key, file->count++, error);
    file->items[file->items[head].last].next = file->count;
    file->items[head].last = file->count++;
    return 0;
}

/* Keras 1: "convolution2d_1_W" is the W of convolution2d_1. Cuts the name there. */
static bool cut_old_name(char *name)
{
    static const char *const endings[] = {
        "_running_mean", "_running_std", "_gamma", "_beta", "_alphas", "_W", "_b",
    };
    size_t length = strlen(name);

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t ending = strlen(endings[i]);

        if (length > ending && strcmp(name + length - ending, endings[i]) == 0) {
            name[length - ending] = '\0';
            return true;
        }
    }
    return false;
}

/* The name of a weight begins with its layer's: "block1/conv/kernel:0". A model around the layer
 * may stand before that; then each of the names that remain could be the layer's. */
static int index_by_name(struct keras_file *file, const char *group, const char *name,
                         const struct hdf5_object *object, struct error *error)
{
    char layer[PATH_LENGTH];
    char *slash;

    snprintf(layer, sizeof layer, "%s", name);
    slash = strrchr(layer, '/');
    if (slash != NULL)
        *slash = '\0';
    else if (!cut_old_name(layer))
        return 0;
    if (index_weight(file, group, '=', layer, object, error) < 0)
        return FAILED;
    for (slash = strchr(layer, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
        if (index_weight(file, group, '~', slash + 1, object, error) < 0)
            return FAILED;
    return 0;
}

static int index_group(struct keras_file *file, const char *group, struct error *error)
{
    char path[PATH_LENGTH], weight_path[PATH_LENGTH];
    const char *name;

    snprintf(path, sizeof path, "%s%s%s", file->group, *file->group != '\0' ? "/" : "", group);
    for (size_t i = 0; (name = hdf5_text(file->hdf5, path, "weight_names", i)) != NULL; i++) {
        const struct hdf5_object *object;

        snprintf(weight_path, sizeof weight_path, "%.2000s/%.2000s", path, name);
        object = hdf5_find(file->hdf5, weight_path);
        if (object == NULL || object->kind != HDF5_DATASET)
            return error_set(error, "the weights '%s' of its layer '%s' are missing", name,
                             group);
        if (index_weight(file, group, '*', "", object, error) < 0 ||
            index_by_name(file, group, name, object, error) < 0)
            return FAILED;
    }
    return 0;
}

static int index_all(struct keras_file *file, struct error *error)
{
    const char *group;

    file->layers = memory_allocate(1, sizeof *file->layers, error);
    if (file->layers == NULL)
        return FAILED;
    for (size_t i = 0; (group = hdf5_text(file->hdf5, file->group, "layer_names", i)) != NULL; i++)
        if (index_group(file, group, error) < 0)
            return FAILED;
    return 0;
}

static int add_found(struct keras_weights *weights, const struct hdf5_object *object,
                     struct error *error)
{
    if (weights->count == KERAS_WEIGHTS)
        return error_set(error, "it has more than %d weights", KERAS_WEIGHTS);
    weights->items[weights->count++] = object;
    return 0;
}

/* Keras 3 numbers the variables of a layer. */
static int find_by_place(const struct keras_file *file, const char *place,
                         struct keras_weights *weights, struct error *error)
{
    char path[PATH_LENGTH];

    for (size_t i = 0;; i++) {
        const struct hdf5_object *object;

        snprintf(path, sizeof path, "%.4000s/vars/%zu", place, i);
        object = hdf5_find(file->hdf5, path);
        if (object == NULL || object->kind != HDF5_DATASET)
            return 0;
        if (add_found(weights, object, error) < 0)
            return FAILED;
    }
}

int keras_file_weights(const struct keras_file *file, const struct keras_place *place,
                       struct keras_weights *weights, struct error *error)
{
    static const char kinds[] = "=~";
    char key[PATH_LENGTH];
    size_t at = SIZE_MAX;

    *weights = (struct keras_weights){0};
    if (file->by_place)
        return find_by_place(file, place->path, weights, error);
    if (!place->nested) {
        snprintf(key, sizeof key, "%s\n*", place->group);
        names_find(file->layers, key, &at);
    }
    for (size_t i = 0; place->nested && at == SIZE_MAX && kinds[i] != '\0'; i++) {
        snprintf(key, sizeof key, "%.2000s\n%c%.2000s", place->group, kinds[i], place->layer);
        names_find(file->layers, key, &at);
    }
    for (; at != SIZE_MAX; at = file->items[at].next)
        if (add_found(weights, file->items[at].object, error) < 0)
            return FAILED;
    return 0;
}

/* ---- the file --------------------------------------------------------------------------- */

bool keras_is_file(struct bytes bytes)
{
    return hdf5_is_file(bytes) ||
           (zip_archive_is_file(bytes) && zip_archive_mentions(bytes, "model.weights.h5"));
}

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* Where the weights are, and who wrote them. */
static int find_weights(struct keras_file *file, struct error *error)
{
    struct hdf5_file *hdf5 = file->hdf5;

    file->group = hdf5_find(hdf5, "model_weights") != NULL ? "model_weights" : "";
    file->by_place = hdf5_text(hdf5, file->group, "layer_names", 0) == NULL &&
                     (hdf5_find(hdf5, "layers") != NULL || hdf5_find(hdf5, "vars") != NULL ||
                      hdf5_find(hdf5, "_layer_checkpoint_dependencies") != NULL);
    if (*file->version == '\0')
        file->version = text_or_empty(hdf5_text(hdf5, file->group, "keras_version", 0));
    file->backend = text_or_empty(hdf5_text(hdf5, file->group, "backend", 0));
    return file->by_place ? 0 : index_all(file, error);
}

static int parse_config(struct keras_file *file, struct bytes text, struct error *error)
{
    if (json_tree_parse(text, &file->config, error) < 0)
        return error_wrap(error, "its configuration");
    return 0;
}

static int open_hdf5(struct bytes bytes, struct keras_file *file, struct error *error)
{
    const char *config;

    file->weights_size = bytes.size;
    if (hdf5_open(bytes, &file->hdf5, error) < 0)
        return FAILED;
    config = hdf5_text(file->hdf5, "", "model_config", 0);
    if (config != NULL &&
        parse_config(file, (struct bytes){(const unsigned char *)config, strlen(config)},
                     error) < 0)
        return FAILED;
    return find_weights(file, error);
}

static int read_entry(struct zip_archive *archive, const char *name, struct bytes *bytes,
                      struct error *error)
{
    size_t index;

    if (zip_archive_find(archive, name, &index) < 0)
        return error_set(error, "it has no '%s'", name);
    return zip_archive_read(archive, index, bytes, error);
}

static int open_archive(struct bytes bytes, struct keras_file *file, struct error *error)
{
    struct bytes config, weights;

    if (zip_archive_open(bytes, &file->archive, error) < 0 ||
        read_entry(file->archive, "config.json", &config, error) < 0 ||
        read_entry(file->archive, "model.weights.h5", &weights, error) < 0 ||
        parse_config(file, config, error) < 0)
        return FAILED;
    file->version = "3";
    file->weights_size = weights.size;
    if (hdf5_open(weights, &file->hdf5, error) < 0)
        return error_wrap(error, "'model.weights.h5'");
    return find_weights(file, error);
}

int keras_file_open(struct bytes bytes, struct keras_file *file, struct error *error)
{
    *file = (struct keras_file){.group = "", .version = "", .backend = ""};
    return hdf5_is_file(bytes) ? open_hdf5(bytes, file, error) : open_archive(bytes, file, error);
}

void keras_file_release(struct keras_file *file)
{
    for (size_t i = 0; i < file->key_count; i++)
        free(file->keys[i]);
    free(file->keys);
    free(file->items);
    if (file->layers != NULL)
        names_release(file->layers);
    free(file->layers);
    hdf5_close(file->hdf5);
    json_tree_free(file->config);
    zip_archive_close(file->archive);
    *file = (struct keras_file){0};
}
