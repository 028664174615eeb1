/*
 * What onnx_reader.c (the walk through the nodes) and onnx_operators.c (one function per
 * operator) share.
 */
#ifndef EXTRACT_NETWORK_ONNX_READER_PRIVATE_H
#define EXTRACT_NETWORK_ONNX_READER_PRIVATE_H

#include "extract/network/graph.h"
#include "extract/network/onnx_file.h"

struct reader {
    const struct onnx_file *file;
    struct graph *graph;
    int64_t batch;             /* of the file's input; 1 where it is free */
    struct tensor *constants;  /* initialisers and folded nodes; bytes live with file or graph */
    size_t constant_count, constant_capacity;
    struct names constant_names;
};

/* Adds the layers of one node and binds its results. FAILED with the reason when it cannot. */
typedef int translate_function(struct reader *reader, const struct onnx_node *node,
                               struct error *error);

/* The function for an operator, or NULL. */
translate_function *onnx_find_operator(const char *operator);

/* Input `index` as a constant; NULL when it is left out or depends on the image. */
const struct tensor *reader_constant(const struct reader *reader, const struct onnx_node *node,
                                     size_t index);

/* Input `index` as a layer. FAILED when it is left out, a constant, or not written by a node. */
int reader_layer(const struct reader *reader, const struct onnx_node *node, size_t index,
                 size_t *layer, struct error *error);

/* Adds a layer that writes output `output` of the node; sets its names. `inputs` has
 * layer->input_count indices. */
int reader_add(struct reader *reader, const struct onnx_node *node, size_t output,
               struct layer *layer, size_t *inputs, struct error *error);

/* Output 0 is what `layer` gives already. */
int reader_alias(struct reader *reader, const struct onnx_node *node, size_t layer,
                 struct error *error);

#endif
