/*
 * What tensorflow_reader.c (the walk through the nodes), tensorflow_output.c (where it ends),
 * tensorflow_operators.c (the table of operators) and the functions of the operators
 * (tensorflow_windows.c, tensorflow_arithmetic.c, tensorflow_shapes.c) share.
 */
#ifndef EXTRACT_FORMATS_TENSORFLOW_READER_PRIVATE_H
#define EXTRACT_FORMATS_TENSORFLOW_READER_PRIVATE_H

#include "extract/formats/tensorflow_attributes.h"
#include "extract/formats/tensorflow_file.h"
#include "extract/formats/tensorflow_image.h"
#include "extract/graph/graph.h"

/* A result of a node: a constant, or what a layer gives for each image. */
struct value {
    bool is_constant;
    struct tensor constant;  /* its bytes live with the file or the graph */
    size_t layer;
    bool channels_first;     /* of a map: how the file counts its axes behind the batch,
                                (channels, height, width) or (height, width, channels) */
    size_t block[2];         /* above 1 between SpaceToBatchND and BatchToSpaceND, where the layer
                                stands for all of the pieces that the file makes of the map */
};

struct results {
    struct value *values;    /* by port */
    size_t count;
    bool unsupported;        /* the only value stands for every port */
};

struct reader {
    const struct tensorflow_file *file;
    const struct tensorflow_image *image;
    struct graph *graph;
    struct results *results;  /* [file->node_count] */
    size_t budget;            /* bytes that constants may still take, and be gone through */
};

/* Adds the layers of one node and sets its results. FAILED with the reason when it cannot. */
typedef int tensorflow_function(struct reader *reader, const struct tensorflow_node *node,
                                struct error *error);

/* The function for an operator, or NULL. */
tensorflow_function *tensorflow_find_operator(const char *operator);

/* Why an operator that has no function is refused. */
const char *tensorflow_refusal(const char *operator);
bool tensorflow_is_control_flow(const char *operator);
/* True for control flow and quantised operators, which are refused on constants too. */
bool tensorflow_is_refused(const char *operator);

/* Sets the graph's output: of the results that depend on the image and that no node reads, the one
 * with the most layers before it; where the way to it holds what is not supported, that, so that
 * the message names it. FAILED when nothing depends on the image. */
int tensorflow_find_output(struct reader *reader, struct error *error);

/* ---- inputs and results ----------------------------------------------------------------- */

/* Input `index` as a constant; NULL when it is left out or depends on the image. */
const struct tensor *tensorflow_constant(const struct reader *reader,
                                         const struct tensorflow_node *node, size_t index);

/* Input `index` as what a layer gives, perhaps in pieces. FAILED when it is left out or a
 * constant. */
int tensorflow_input_in_pieces(const struct reader *reader, const struct tensorflow_node *node,
                               size_t index, struct value *value, struct error *error);
/* As above; FAILED for pieces too. */
int tensorflow_input(const struct reader *reader, const struct tensorflow_node *node,
                     size_t index, struct value *value, struct error *error);

/* Turns a map whose axes the file counts the other way, by a transposition. */
int tensorflow_turn(struct reader *reader, const struct tensorflow_node *node,
                    bool channels_first, struct value *value, struct error *error);

/* Input `index` with its axes counted as the node's data_format says; *channels_first: so. */
int tensorflow_formatted_input(struct reader *reader, const struct tensorflow_node *node,
                               size_t index, struct value *value, struct error *error);
bool tensorflow_is_channels_first(const struct tensorflow_node *node);

/* Sets result `port`, and its names: "node", "node:port". */
int tensorflow_set(struct reader *reader, const struct tensorflow_node *node, size_t port,
                   const struct value *value, struct error *error);

/* Adds a layer between the node's inputs and its result. `inputs` has layer->input_count. */
int tensorflow_add_step(struct reader *reader, const struct tensorflow_node *node,
                        struct layer *layer, size_t *inputs, size_t *index, struct error *error);

/* Adds a layer that gives result `port`; its axes are counted as those of `like`. */
int tensorflow_add(struct reader *reader, const struct tensorflow_node *node, size_t port,
                   struct layer *layer, size_t *inputs, const struct value *like,
                   struct error *error);
/* With `value` as the only input, and for result 0. */
int tensorflow_add_simple(struct reader *reader, const struct tensorflow_node *node,
                          struct layer *layer, const struct value *value, struct error *error);

/* ---- shapes, as the file sees them: with the batch, in its own order --------------------- */

/* Valid until the next layer is added. */
const struct shape *tensorflow_layer_shape(const struct reader *reader,
                                           const struct value *value);

/* shape: [TENSOR_MAX_RANK]. Returns the rank. */
size_t tensorflow_file_shape(const struct reader *reader, const struct value *value,
                             size_t *shape);

/* From the file's axis behind the batch, 1 and up, to the graph's. */
size_t tensorflow_graph_axis(const struct reader *reader, const struct value *value,
                             size_t axis);

/* Likewise, of an axis that may be counted from the end. FAILED for the batch. */
int tensorflow_axis(const struct reader *reader, const struct value *value, int64_t axis,
                    size_t *result, struct error *error);

/* Adds a reshape of `value` to the file's shape [rank], for result `port`. */
int tensorflow_add_reshape(struct reader *reader, const struct tensorflow_node *node, size_t port,
                           const struct value *value, const size_t *shape, size_t rank,
                           struct error *error);

/* ---- numbers ---------------------------------------------------------------------------- */

/* Takes bytes from the budget; FAILED when it is used up. */
int tensorflow_charge(struct reader *reader, size_t bytes, struct error *error);

/* Room for numbers, zeroed; lives with the graph, and is taken from the budget. */
float *tensorflow_allocate(struct reader *reader, size_t count, struct error *error);

/* A constant's value for each of `channels`; lives with the graph. The constant holds as many
 * numbers or one. */
float *tensorflow_floats(struct reader *reader, const struct tensor *tensor, size_t channels,
                         struct error *error);

/* Windows, paddings and the like above this are no network's; it keeps sums from overflowing. */
enum { TENSORFLOW_MAX_EXTENT = 1 << 14 };

tensorflow_function tensorflow_add_n, tensorflow_alias, tensorflow_batch_norm,
    tensorflow_batch_to_space, tensorflow_bias, tensorflow_binary, tensorflow_bound,
    tensorflow_cast, tensorflow_clip, tensorflow_concat, tensorflow_convolution,
    tensorflow_elu, tensorflow_expand_dims, tensorflow_global_normalisation,
    tensorflow_layer_shape_constant, tensorflow_leaky_relu, tensorflow_lrn, tensorflow_matmul,
    tensorflow_negate, tensorflow_pad, tensorflow_pool, tensorflow_reduce, tensorflow_relu,
    tensorflow_relu6, tensorflow_reshape, tensorflow_sigmoid, tensorflow_slice,
    tensorflow_softmax, tensorflow_space_to_batch, tensorflow_split, tensorflow_square,
    tensorflow_squeeze, tensorflow_tanh, tensorflow_transpose;

#endif
