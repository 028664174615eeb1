/*
 * What keras_reader.c (the format), keras_models.c (the walk through the layers), keras_layers.c
 * (the table of layers, and what their functions ask) and the functions (keras_windows.c,
 * keras_arithmetic.c, keras_shapes.c) share.
 *
 * A tensor of Keras with three dimensions is a map of the graph, whose dimensions are always
 * (channels, height, width); of any other number it is the same in both.
 */
#ifndef EXTRACT_FORMATS_KERAS_READER_PRIVATE_H
#define EXTRACT_FORMATS_KERAS_READER_PRIVATE_H

#include "extract/formats/keras_file.h"
#include "extract/formats/keras_settings.h"
#include "extract/formats/model.h"
#include "extract/graph/graph.h"

struct keras_reader {
    const struct keras_file *file;
    struct graph *graph;
    bool channels_last;  /* (height, width, channels), else (channels, height, width) */
    size_t copied;       /* bytes so far; see keras_charge */
};

/* One call of a layer. */
struct keras_node {
    const char *class_name;               /* "Conv2D" */
    const char *name;                     /* "block1_conv1" */
    const struct json_value *config;
    const struct json_value *arguments;   /* of the call: the list of those by place, in Keras 3 */
    const struct json_value *keywords;    /* and the object of those by name; or NULL */
    const size_t *inputs;                 /* layers of the graph */
    size_t input_count;
    struct keras_weights weights;
};

/* Adds the layers of one call; *result becomes the last one. FAILED with the reason when it
 * cannot. */
typedef int keras_function(struct keras_reader *reader, const struct keras_node *node,
                           size_t *result, struct error *error);

/* The function for a class of layers, or NULL. */
keras_function *keras_find_layer(const char *class_name);

/* ---- keras_models.c --------------------------------------------------------------------- */

/* Adds the whole model; graph->output is set. */
int keras_model_read(const struct keras_file *file, const struct network_input *input,
                     struct graph *graph, struct error *error);

/* ---- keras_layers.c --------------------------------------------------------------------- */

const struct shape *keras_shape(const struct keras_reader *reader, size_t layer);

/* Counts memory that weights take besides the file. A file whose layers all have the same weights,
 * or datasets that overlap, could ask for any amount: FAILED beyond a multiple of its size. */
int keras_charge(struct keras_reader *reader, size_t count, size_t size, struct error *error);

/* Zeroed numbers for a layer of the graph, charged. NULL and a message when there is no room. */
float *keras_floats(struct keras_reader *reader, size_t count, struct error *error);

/* FAILED unless there is exactly one input. */
int keras_input(const struct keras_node *node, size_t *input, struct error *error);

/* Adds a layer that reads `inputs` [layer->input_count] and goes by the node's names. */
int keras_add(struct keras_reader *reader, const struct keras_node *node, struct layer *layer,
              const size_t *inputs, size_t *result, struct error *error);

/* Adds a layer with a single input, the node's first. */
int keras_add_simple(struct keras_reader *reader, const struct keras_node *node,
                     struct layer *layer, size_t *result, struct error *error);

/* Adds a reshape to a shape of the graph. */
int keras_add_reshape(struct keras_reader *reader, const struct keras_node *node, size_t input,
                      const struct shape *shape, size_t *result, struct error *error);

/* Weight `index` of the node: a view of the file, or in memory of the graph. */
int keras_weight(struct keras_reader *reader, const struct keras_node *node, size_t index,
                 struct tensor *tensor, struct error *error);

/* The same as floats in memory of the graph, exactly `count`; NULL and a message otherwise. */
float *keras_weight_floats(struct keras_reader *reader, const struct keras_node *node,
                           size_t index, size_t count, struct error *error);

/* FAILED when the node says that its data has another order than the model's. */
int keras_check_order(const struct keras_reader *reader, const struct keras_node *node,
                      struct error *error);

/* The axis of the graph's shape that Keras' axis of a tensor of `rank` is. Keras counts the batch
 * as axis 0, and from the end below 0. */
int keras_axis(const struct keras_reader *reader, int64_t axis, size_t rank, size_t *result,
               struct error *error);

/* The same without the batch: axis 0 is the first of an image. */
size_t keras_image_axis(const struct keras_reader *reader, size_t axis, size_t rank);

/* Adds what a setting "activation" says behind `input`; nothing for none or "linear". */
int keras_activate(struct keras_reader *reader, const struct keras_node *node,
                   const struct json_value *activation, size_t input, size_t *result,
                   struct error *error);

/* Adds a softmax along Keras' axis. */
int keras_add_softmax(struct keras_reader *reader, const struct keras_node *node, int64_t axis,
                      size_t input, size_t *result, struct error *error);

/* ---- the functions of the layers -------------------------------------------------------- */

/* keras_windows.c */
keras_function keras_convolution, keras_depthwise, keras_separable, keras_pool, keras_global_pool;

/* keras_arithmetic.c */
keras_function keras_dense, keras_batch_norm, keras_activation, keras_relu, keras_leaky_relu;
keras_function keras_prelu, keras_elu, keras_softmax, keras_merge, keras_rescaling;
keras_function keras_normalization, keras_operation;

/* keras_shapes.c */
keras_function keras_identity, keras_flatten, keras_reshape, keras_permute, keras_padding;
keras_function keras_cropping, keras_concatenate, keras_resizing;

#endif
