/*
 * A prototxt taken apart: the layers of the network as it runs in the TEST phase, whatever age
 * the file is of, and the image that enters it.
 *
 * Layers of three ages become one kind, as Caffe's own upgrade does: `layer`, `layers`
 * (V1LayerParameter: the type is a word in capitals) and `layers { layer }` (V0LayerParameter:
 * type and parameters lie in the inner message). Layers without an input (Data, Input and the
 * like) are left out: the first that gives images is the network's input.
 *
 * Source: github.com/BVLC/caffe, src/caffe/proto/caffe.proto, src/caffe/util/upgrade_proto.cpp,
 * Net::FilterNet in src/caffe/net.cpp.
 */
#ifndef EXTRACT_FORMATS_CAFFE_DEFINITION_H
#define EXTRACT_FORMATS_CAFFE_DEFINITION_H

#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"
#include "extract/formats/caffe_transform.h"
#include "extract/formats/model.h"
#include "extract/formats/prototext.h"

struct caffe_layer {
    const char *name, *type;  /* "conv1", "Convolution"; the name may be empty */
    const char **bottoms, **tops;
    size_t bottom_count, top_count;
    const struct prototext_field *message;
    const struct prototext_field *v0;  /* the inner message of a V0 layer; else NULL */
};

struct caffe_definition {
    struct prototext text;
    const struct prototext_field *state;  /* what the rules of phases are held against, or NULL */
    const char *name;            /* of the network, may be empty */
    struct caffe_layer *layers;  /* in the order of the file */
    size_t count, capacity;
    const char *input;           /* the blob that holds the image */
    struct network_input size;   /* of that blob; 0 where the file does not say */
    struct caffe_transform transform;
};

/* FAILED when the text is none, has no layers or no input. In every case the caller releases
 * *definition; `bytes` are not needed any more. */
int caffe_definition_parse(struct bytes bytes, struct caffe_definition *definition,
                           struct error *error);
void caffe_definition_release(struct caffe_definition *definition);

/* The message with a layer's parameters ("convolution_param"), NULL when it has none; in a V0
 * layer all parameters lie in one. */
const struct prototext_field *caffe_parameters(const struct caffe_definition *definition,
                                               const struct caffe_layer *layer,
                                               const char *name);

/* What the field `name` of the parameters is called in a layer of its age. */
const char *caffe_parameter_name(const struct caffe_layer *layer, const char *name);

/* Images above this are no network's. */
enum { CAFFE_MAX_SIDE = 1 << 14 };

#endif
