/*
 * A .caffemodel taken apart: the blobs of each layer as views into the file's bytes, and what its
 * data layers say of the preprocessing. The structure of the network comes from a prototxt, see
 * caffe_definition.h: the one in the .caffemodel is that of training.
 *
 * Source: caffe.proto (github.com/BVLC/caffe); the field numbers are in caffe_weights.c. Layers
 * of all three ages are read: `layer`, `layers` (V1LayerParameter) and `layers { layer }`
 * (V0LayerParameter).
 */
#ifndef EXTRACT_FORMATS_CAFFE_WEIGHTS_H
#define EXTRACT_FORMATS_CAFFE_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"
#include "extract/formats/caffe_transform.h"
#include "extract/graph/names.h"
#include "extract/graph/tensor.h"

struct caffe_blobs {
    char *layer;
    struct tensor *tensors;  /* float or double; legacy blobs have four dimensions */
    size_t count, capacity;
};

struct caffe_weights {
    char *name;                /* of the network, may be empty */
    struct caffe_blobs *layers;  /* those that have blobs */
    size_t count, capacity;
    struct names names;        /* of the layers, to their place */
    struct caffe_transform transform;
};

/* True when the bytes can be a .caffemodel: a NetParameter with a layer. */
bool caffe_is_weights(struct bytes bytes);

/* `bytes` must outlive *weights. FAILED when they are damaged, a blob has not as many numbers as
 * its shape says, or two layers with blobs have one name. In every case the caller releases
 * *weights. */
int caffe_weights_parse(struct bytes bytes, struct caffe_weights *weights, struct error *error);
void caffe_weights_release(struct caffe_weights *weights);

/* The blobs of a layer; NULL when it has none. */
const struct caffe_blobs *caffe_weights_find(const struct caffe_weights *weights,
                                             const char *layer);

/* One BlobProto, as a .binaryproto holds it. FAILED when it is damaged or its numbers and its
 * shape disagree. In every case the caller releases *tensor. */
int caffe_blob_parse(struct bytes message, struct tensor *tensor, struct error *error);

#endif
