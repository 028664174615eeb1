/*
 * What onnx_reader.c (the walk through the nodes), onnx_operators.c (the table of operators) and
 * the functions of the operators (onnx_windows.c, onnx_arithmetic.c, onnx_shapes.c) share.
 */
#ifndef EXTRACT_FORMATS_ONNX_READER_PRIVATE_H
#define EXTRACT_FORMATS_ONNX_READER_PRIVATE_H

#include "extract/formats/onnx_file.h"
#include "extract/graph/graph.h"

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

/* Adds a layer with a single input, the node's first. */
int reader_add_simple(struct reader *reader, const struct onnx_node *node, struct layer *layer,
                      struct error *error);

/* Adds a reshape that drops the axes of length 1 that `drop` marks; output 0. */
int reader_add_dropped(struct reader *reader, const struct onnx_node *node, size_t input,
                       const bool *drop, struct error *error);

/* Valid until the next layer is added. */
const struct shape *reader_shape(const struct reader *reader, size_t layer);

/* ONNX counts axes with the batch; a layer's shape has none. */
int reader_axis(int64_t axis, size_t rank, size_t *result, struct error *error);

/* A constant as floats that live with the graph; NULL and a message. */
float *reader_floats(struct reader *reader, const struct tensor *tensor, struct error *error);

/* True when the constant, broadcast as ONNX does, has one value for each channel of `shape` or
 * one for all. */
bool reader_is_per_channel(const struct tensor *tensor, const struct shape *shape);

/* Such a constant's value for every channel; lives with the graph. */
float *reader_channel_floats(struct reader *reader, const struct tensor *tensor, size_t channels,
                             struct error *error);

/* Windows, paddings and the like above this are no network's; it keeps sums from overflowing. */
enum { MAX_EXTENT = 1 << 14 };

translate_function translate_alias, translate_batch_norm, translate_binary, translate_cast,
    translate_clip, translate_concat, translate_convolution, translate_elu, translate_flatten,
    translate_gather, translate_gemm, translate_global_pool, translate_hard_sigmoid,
    translate_hard_swish, translate_leaky_relu, translate_lrn, translate_matmul, translate_mean,
    translate_pad, translate_pool, translate_prelu, translate_relu, translate_reshape,
    translate_sigmoid, translate_slice, translate_softmax, translate_split, translate_squeeze,
    translate_sum, translate_tanh, translate_transpose, translate_unsqueeze;

#endif
