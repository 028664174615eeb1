/*
 * What mxnet_format.c (the files), mxnet_reader.c (the walk through the nodes), mxnet_operators.c
 * (the table of operators) and the functions of the operators (mxnet_windows.c,
 * mxnet_arithmetic.c, mxnet_shapes.c) share.
 */
#ifndef EXTRACT_FORMATS_MXNET_READER_PRIVATE_H
#define EXTRACT_FORMATS_MXNET_READER_PRIVATE_H

#include "extract/formats/input_side.h"
#include "extract/formats/mxnet_params.h"
#include "extract/formats/mxnet_symbol.h"
#include "extract/graph/graph.h"

/* The contents of a model. */
struct mxnet_file {
    struct mxnet_symbol symbol;
    struct mxnet_params params;
    size_t image;  /* the node of the input */
};

/* What a node has become. */
struct mxnet_result {
    enum { RESULT_NONE, RESULT_PARAMETER, RESULT_LAYERS } kind;
    size_t layer, count;  /* layers, one for each result */
    const struct tensor *parameter;
};

struct mxnet_reader {
    const struct mxnet_file *file;
    struct graph *graph;
    struct mxnet_result *results;  /* [node] */
    struct input_fit *fit;
};

/* Adds the layers of one node; the last one added is its result unless it says otherwise with
 * mxnet_set_results. FAILED with the reason when it cannot. */
typedef int mxnet_translate(struct mxnet_reader *reader, const struct mxnet_node *node,
                            struct error *error);

/* The function for an operator, or NULL. */
mxnet_translate *mxnet_find_operator(const char *operator);

/* Translates the network for images of height x width. */
int mxnet_translate_all(const struct mxnet_file *file, const struct network_input *input,
                        struct input_fit *fit, struct graph *graph, struct error *error);

/* Input `index` as a parameter. NULL when it is none. Variables that old files leave out ("aux"
 * of up to 0.8) are found by the names that MXNet gives them: the node's, '_', and `part`. */
const struct tensor *mxnet_parameter(const struct mxnet_reader *reader,
                                     const struct mxnet_node *node, size_t index,
                                     const char *part);

/* As mxnet_parameter, and *name what it is called. FAILED names what is missing. */
int mxnet_need_parameter(const struct mxnet_reader *reader, const struct mxnet_node *node,
                         size_t index, const char *part, const struct tensor **parameter,
                         struct error *error);

/* Input `index` as a layer that is supported. FAILED when it is a parameter or left out. */
int mxnet_layer(const struct mxnet_reader *reader, const struct mxnet_node *node, size_t index,
                size_t *layer, struct error *error);

/* Valid until the next layer is added. */
const struct shape *mxnet_shape(const struct mxnet_reader *reader, size_t layer);

/* Adds a layer with the node's name; `inputs` has layer->input_count indices. */
int mxnet_add(struct mxnet_reader *reader, const struct mxnet_node *node, struct layer *layer,
              size_t *inputs, struct error *error);

/* Adds a layer with a single input, the node's first. */
int mxnet_add_simple(struct mxnet_reader *reader, const struct mxnet_node *node,
                     struct layer *layer, struct error *error);

/* The node gives `count` results, from `layer` on. */
void mxnet_set_results(struct mxnet_reader *reader, const struct mxnet_node *node, size_t layer,
                       size_t count);

/* A parameter as floats that live with the graph; NULL and a message. */
float *mxnet_floats(struct mxnet_reader *reader, const struct tensor *tensor,
                    struct error *error);

/* `count` times the same number, likewise. */
float *mxnet_repeated(struct mxnet_reader *reader, double value, size_t count,
                      struct error *error);

/* MXNet counts axes with the batch; a layer's shape has none. */
int mxnet_axis(int64_t axis, size_t rank, size_t *result, struct error *error);

/* *input becomes a vector of all numbers of the layer, in the order of channels, height, width. */
int mxnet_flatten(struct mxnet_reader *reader, const struct mxnet_node *node, size_t *input,
                  struct error *error);

/* Windows, paddings and the like above this are no network's; it keeps sums from overflowing. */
enum { MXNET_MAX_EXTENT = 1 << 14 };

mxnet_translate mxnet_activation, mxnet_adaptive_pool, mxnet_add_n, mxnet_alias, mxnet_batch_norm,
    mxnet_binary, mxnet_cast, mxnet_clip, mxnet_concat, mxnet_convolution, mxnet_dense,
    mxnet_expand_dims, mxnet_flatten_node, mxnet_hard_sigmoid, mxnet_leaky_relu, mxnet_lrn,
    mxnet_mean, mxnet_pad, mxnet_pool, mxnet_relu, mxnet_reshape, mxnet_scalar, mxnet_sigmoid,
    mxnet_slice_axis, mxnet_slice_channel, mxnet_softmax, mxnet_swap_axis, mxnet_tanh,
    mxnet_transpose;

#endif
