/*
 * What caffe_reader.c (the walk through the layers), caffe_operators.c (the table of types) and
 * the functions of the types (caffe_windows.c, caffe_arithmetic.c, caffe_shapes.c) share.
 */
#ifndef EXTRACT_FORMATS_CAFFE_READER_PRIVATE_H
#define EXTRACT_FORMATS_CAFFE_READER_PRIVATE_H

#include "extract/formats/caffe_definition.h"
#include "extract/formats/caffe_weights.h"
#include "extract/formats/input_side.h"
#include "extract/graph/graph.h"

struct caffe_reader {
    const struct caffe_definition *definition;
    const struct caffe_weights *weights;
    struct graph *graph;
    struct names blobs;     /* of the definition, to the layers of the graph that they are now */
    size_t last;            /* the layer of the graph that was named last */
    size_t constants;       /* floats that caffe_constant has given */
    struct input_fit *fit;  /* NULL, or the walk ends at the first InnerProduct and fills it */
};

/* Adds the layers of one layer of the definition and names its results. FAILED with the reason
 * when it cannot. */
typedef int caffe_translate(struct caffe_reader *reader, const struct caffe_layer *layer,
                            struct error *error);

/* The function for a type, or NULL. */
caffe_translate *caffe_find_type(const char *type);

/* True for layers that no vector depends on: losses, accuracies, outputs. */
bool caffe_is_dropped(const char *type);

/* The layer of the graph that is bottom `index`. FAILED when it is not there. */
int caffe_input(const struct caffe_reader *reader, const struct caffe_layer *layer, size_t index,
                size_t *input, struct error *error);

/* Valid until the next layer is added. */
const struct shape *caffe_shape(const struct caffe_reader *reader, size_t index);

/* Adds a layer to the graph, with names from `layer`; `inputs` has added->input_count indices. */
int caffe_add(struct caffe_reader *reader, const struct caffe_layer *layer, struct layer *added,
              size_t *inputs, size_t *index, struct error *error);

/* Top `top` is what `index` gives. Does nothing when the layer has no such top. */
int caffe_name(struct caffe_reader *reader, const struct caffe_layer *layer, size_t top,
               size_t index, struct error *error);

/* Adds a layer whose inputs are the bottoms, or the first of them, and names top 0. */
int caffe_add_simple(struct caffe_reader *reader, const struct caffe_layer *layer,
                     struct layer *added, struct error *error);

/* Adds a reshape of `input` to `shape`. */
int caffe_add_reshape(struct caffe_reader *reader, const struct caffe_layer *layer, size_t input,
                      const struct shape *shape, size_t *index, struct error *error);

/* Blob `index` of the layer with the shape `dims`: lengths of 1 before it are left out or added,
 * since old blobs always have four. FAILED when it is not there or has another shape. */
int caffe_blob(const struct caffe_reader *reader, const struct caffe_layer *layer, size_t index,
               const size_t *dims, size_t rank, struct tensor *blob, struct error *error);

/* How many blobs the layer has. */
size_t caffe_blob_count(const struct caffe_reader *reader, const struct caffe_layer *layer);

/* Blob `index` as `count` floats that live with the graph. NULL and a message. */
float *caffe_blob_floats(const struct caffe_reader *reader, const struct caffe_layer *layer,
                         size_t index, size_t count, struct error *error);

/* `count` times `value`, as floats that live with the graph. NULL and a message. */
float *caffe_constant(struct caffe_reader *reader, size_t count, float value,
                      struct error *error);

/* A parameter of the layer, with bounds; see prototext_unsigned. `message`: "pooling_param". */
int caffe_size(const struct caffe_reader *reader, const struct caffe_layer *layer,
               const char *message, const char *name, size_t minimum, size_t maximum,
               size_t *value, struct error *error);

/* An axis of a shape that counts the batch as axis 0, as Caffe does; negative ones count from the
 * end. *axis: in the graph's shape, which has no batch. FAILED for the batch itself. */
int caffe_axis(int64_t full_axis, size_t rank, size_t *axis, struct error *error);

/* Windows, paddings and the like above this are no network's; it keeps sums from overflowing. */
enum { CAFFE_MAX_EXTENT = 1 << 14 };

caffe_translate caffe_translate_activation, caffe_translate_affine, caffe_translate_alias,
    caffe_translate_axpy, caffe_translate_batch_norm, caffe_translate_clip,
    caffe_translate_concat, caffe_translate_convolution, caffe_translate_depthwise,
    caffe_translate_eltwise, caffe_translate_flatten, caffe_translate_inner_product,
    caffe_translate_lrn, caffe_translate_padding, caffe_translate_pooling,
    caffe_translate_power, caffe_translate_prelu, caffe_translate_relu, caffe_translate_reshape,
    caffe_translate_shuffle, caffe_translate_slice, caffe_translate_softmax;

#endif
