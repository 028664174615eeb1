/*
 * The named tensors of a file that PyTorch, or safetensors, wrote: a state dictionary taken apart,
 * its numbers left where they are.
 *
 *     pytorch_parse_zip(bytes, &file, &error);         or _legacy, or safetensors_parse
 *     for (size_t i = 0; i < file.tensor_count; i++)
 *         file.tensors[i].name ...
 *     pytorch_load(&file, i, &graph, &tensor, &error);
 *     pytorch_release(&file);
 */
#ifndef EXTRACT_FORMATS_PYTORCH_FILE_H
#define EXTRACT_FORMATS_PYTORCH_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"
#include "extract/formats/zip_archive.h"
#include "extract/graph/graph.h"

enum pytorch_type {
    PYTORCH_FLOAT,
    PYTORCH_DOUBLE,
    PYTORCH_HALF,
    PYTORCH_BFLOAT16,
    PYTORCH_INT32,
    PYTORCH_INT64,
    PYTORCH_OTHER_1,  /* no weights: one byte an element, or two */
    PYTORCH_OTHER_2
};

/* A run of numbers; several tensors can be views of one. */
struct pytorch_storage {
    char *key;
    enum pytorch_type type;
    size_t count;        /* elements */
    struct bytes bytes;  /* {NULL, 0} as long as they are in the archive */
    size_t entry;        /* of the archive */
};

struct pytorch_tensor {
    char *name;
    enum pytorch_type type;
    size_t rank, shape[TENSOR_MAX_RANK], stride[TENSOR_MAX_RANK];
    size_t count;
    size_t offset;   /* of the first element in the storage; this and strides in elements */
    size_t storage;
};

struct pytorch_file {
    struct zip_archive *archive;  /* NULL: the storages are views of the file */
    struct pytorch_storage *storages;
    size_t storage_count, storage_capacity;
    struct names storage_names;
    struct pytorch_tensor *tensors;
    size_t tensor_count, tensor_capacity;
};

/* `bytes` must outlive *file. FAILED when they are damaged, hold something else than a state
 * dictionary, or ask for more than tensors and containers. In every case the caller releases
 * *file. */
int pytorch_parse_zip(struct bytes bytes, struct pytorch_file *file, struct error *error);
/* As PyTorch wrote before 1.6: pickles, and the storages behind them. */
int pytorch_parse_legacy(struct bytes bytes, struct pytorch_file *file, struct error *error);
/* Source: github.com/huggingface/safetensors, README.md. */
int safetensors_parse(struct bytes bytes, struct pytorch_file *file, struct error *error);
void pytorch_release(struct pytorch_file *file);

bool pytorch_is_zip(struct bytes bytes);
bool pytorch_is_legacy(struct bytes bytes);
bool safetensors_is_file(struct bytes bytes);

/* Bytes of one element. */
size_t pytorch_type_size(enum pytorch_type type);

/* For the parsers. *name and *key are copied. FAILED when the tensor reaches out of its storage,
 * or has more elements than that. */
int pytorch_add_storage(struct pytorch_file *file, const struct pytorch_storage *storage,
                        size_t *index, struct error *error);
int pytorch_add_tensor(struct pytorch_file *file, struct bytes name,
                       const struct pytorch_tensor *tensor, struct error *error);

/* The elements row-major: a view where they lie so, else a copy in memory of the graph. */
int pytorch_load(const struct pytorch_file *file, size_t index, struct graph *graph,
                 struct tensor *tensor, struct error *error);

#endif
