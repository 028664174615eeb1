/*
 * What a Keras file holds: the model's configuration, where it has one, and the weights by layer.
 * Files are HDF5 (.h5, .hdf5: Keras 1 and 2, and 3's weights alone) or zip archives with a
 * config.json and HDF5 inside (.keras: Keras 3).
 *
 *     keras_file_open(bytes, &file, &error);
 *     keras_file_weights(&file, &(struct keras_place){.group = "conv1", .layer = "conv1"}, &found);
 *     keras_file_release(&file);
 *
 * Source: keras/engine/saving.py of Keras 2, keras/src/saving/saving_lib.py of Keras 3.
 */
#ifndef EXTRACT_FORMATS_KERAS_FILE_H
#define EXTRACT_FORMATS_KERAS_FILE_H

#include <stdbool.h>

#include "common/bytes.h"
#include "common/error.h"
#include "extract/formats/hdf5_file.h"
#include "extract/formats/json_tree.h"
#include "extract/formats/zip_archive.h"

struct keras_file {
    struct hdf5_file *hdf5;
    struct json_tree *config;     /* NULL: weights alone */
    struct zip_archive *archive;  /* NULL for HDF5 */
    size_t weights_size;          /* bytes of the HDF5 file */
    const char *group;            /* that the layers' groups are in: "model_weights", or "" */
    const char *version;          /* of Keras: "2.4.0"; "" when the file does not say */
    const char *backend;          /* "tensorflow", "theano", ...; "" likewise */
    bool by_place;                /* weights lie by the class and place of their layer, not by its
                                     name */

    /* Weights by the name of their layer; see keras_file_weights. */
    struct keras_weight *items;
    size_t count, capacity;
    struct names *layers;
    char **keys;
    size_t key_count, key_capacity;
};

/* One weight of a layer in a list. */
struct keras_weight {
    const struct hdf5_object *object;
    size_t next;  /* SIZE_MAX: none */
    size_t last;  /* of the list that begins here */
};

enum { KERAS_WEIGHTS = 8 };

/* The weights of one layer, in Keras' order. */
struct keras_weights {
    const struct hdf5_object *items[KERAS_WEIGHTS];
    size_t count;
};

/* Where a layer is. */
struct keras_place {
    const char *group;  /* the name of the layer of the outermost model that it is, or is in */
    const char *layer;  /* its own name */
    bool nested;        /* in a model that is a layer itself */
    const char *path;   /* with by_place: of its group, "layers/conv2d_1" */
};

/* True for the bytes of either kind of file. */
bool keras_is_file(struct bytes bytes);

/* `bytes` must outlive *file. FAILED when it is damaged, or is HDF5 of something else. In every
 * case the caller releases *file. */
int keras_file_open(struct bytes bytes, struct keras_file *file, struct error *error);
void keras_file_release(struct keras_file *file);

/* The weights of a layer; none when it has none. FAILED when it has more than any layer that is
 * supported. */
int keras_file_weights(const struct keras_file *file, const struct keras_place *place,
                       struct keras_weights *weights, struct error *error);

#endif
