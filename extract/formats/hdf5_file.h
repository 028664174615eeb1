/*
 * The groups, text attributes and datasets of an HDF5 file, as a list by path. The only module
 * that sees the library, and the library sees the file in a process of its own (isolated.h): a
 * damaged file ends in an error.
 *
 *     hdf5_open(bytes, &file, &error);
 *     layer = hdf5_find(file, "model_weights/conv1/kernel:0");
 *     name = hdf5_text(file, "model_weights", "layer_names", 0);
 *     hdf5_dataset(file, layer, &graph, &tensor, &error);
 *     hdf5_close(file);
 *
 * Only what the file itself holds is there: links to other files, soft links, virtual datasets
 * and datasets in external files are passed over.
 */
#ifndef EXTRACT_FORMATS_HDF5_FILE_H
#define EXTRACT_FORMATS_HDF5_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"
#include "extract/graph/graph.h"
#include "extract/graph/tensor.h"

struct hdf5_file;

enum hdf5_kind { HDF5_GROUP, HDF5_DATASET };

struct hdf5_object {
    const char *path;         /* "model_weights/conv1/kernel:0"; "" for the root */
    enum hdf5_kind kind;
    struct tensor tensor;     /* of a dataset: type and shape; its bytes only where they lie in one
                                 piece in the file, else NULL */
};

/* True when the bytes begin as an HDF5 file. */
bool hdf5_is_file(struct bytes bytes);

/* `bytes` must outlive *file. FAILED when they are no HDF5 file or damaged, hold more than any
 * network's, and when the program was built without the library. */
int hdf5_open(struct bytes bytes, struct hdf5_file **file, struct error *error);

/* NULL is allowed. */
void hdf5_close(struct hdf5_file *file);

/* NULL when there is none of this path. */
const struct hdf5_object *hdf5_find(const struct hdf5_file *file, const char *path);

/* All objects; a group stands before what is in it. */
size_t hdf5_count(const struct hdf5_file *file);
const struct hdf5_object *hdf5_at(const struct hdf5_file *file, size_t index);

/* Text `index` of a text attribute of an object, 0 for a single one; NULL behind the last, and when
 * there is no such attribute. Keras splits a long list into NAME0, NAME1, ...: these are one. */
const char *hdf5_text(const struct hdf5_file *file, const char *path, const char *name,
                      size_t index);

/* The elements of a dataset: a view of the file, or where they do not lie there as they are
 * (compressed, in chunks, big-endian) a copy in memory of the graph. Once this has failed, no more
 * copies are made: a file may be damaged in as many places as it has datasets. */
int hdf5_dataset(struct hdf5_file *file, const struct hdf5_object *object,
                 struct graph *graph, struct tensor *tensor, struct error *error);

#endif
