/*
 * A frozen TensorFlow graph taken apart: its nodes, who reads whose results, and an order in which
 * every node comes behind those that it reads. Names and attributes are looked up in the file's
 * bytes; what the nodes mean is tensorflow_reader's business.
 *
 * Source: graph.proto, node_def.proto, attr_value.proto, tensor.proto, tensor_shape.proto and
 * types.proto of TensorFlow (github.com/tensorflow/tensorflow, tensorflow/core/framework); the
 * field numbers are in tensorflow_file.c.
 */
#ifndef EXTRACT_FORMATS_TENSORFLOW_FILE_H
#define EXTRACT_FORMATS_TENSORFLOW_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "extract/formats/protobuf.h"
#include "extract/graph/names.h"
#include "extract/graph/tensor.h"

/* DataType of types.proto, as far as it is looked at. */
enum tensorflow_type {
    TENSORFLOW_FLOAT = 1,
    TENSORFLOW_DOUBLE = 2,
    TENSORFLOW_INT32 = 3,
    TENSORFLOW_UINT8 = 4,
    TENSORFLOW_STRING = 7,
    TENSORFLOW_INT64 = 9,
    TENSORFLOW_HALF = 19
};

/* Result `port` of node number `node`. */
struct tensorflow_input {
    size_t node, port;
};

struct tensorflow_node {
    char *name;      /* "MobilenetV1/Logits/AvgPool_1a/AvgPool" */
    char *operator;  /* "AvgPool" */
    struct tensorflow_input *inputs;  /* what it computes with; who must run before is left out */
    size_t input_count;
    struct bytes message;             /* for the attributes */
};

struct tensorflow_file {
    struct tensorflow_node *nodes;
    size_t node_count, node_capacity;
    struct names names;  /* of nodes, to their numbers */
    size_t *order;       /* [node_count]: the numbers of the nodes, readers behind the read */
};

/* `bytes` must outlive *file. FAILED when they are no GraphDef or damaged, when two nodes have one
 * name, an input does not exist, or a node depends on its own result; a NextIteration closes the
 * circle of a loop and counts as a node without inputs. In every case the caller releases *file. */
int tensorflow_parse(struct bytes bytes, struct tensorflow_file *file, struct error *error);
void tensorflow_release(struct tensorflow_file *file);

/* True when the bytes can only be the beginning of a GraphDef. */
bool tensorflow_is_graph(struct bytes bytes);
/* True for a SavedModel's own file, which holds no weights. */
bool tensorflow_is_saved_model(struct bytes bytes);

/* Attributes by name; the fallback when the node does not have it. */
int64_t tensorflow_integer(const struct tensorflow_node *node, const char *name,
                           int64_t fallback);
float tensorflow_float(const struct tensorflow_node *node, const char *name, float fallback);
bool tensorflow_boolean(const struct tensorflow_node *node, const char *name, bool fallback);
/* A number of enum tensorflow_type. */
int64_t tensorflow_data_type(const struct tensorflow_node *node, const char *name,
                             int64_t fallback);
/* The bytes of a text; {NULL, 0} when absent. */
struct bytes tensorflow_text(const struct tensorflow_node *node, const char *name);
/* At most `room` numbers into `values`; returns how many there are, 0 when absent. */
size_t tensorflow_integers(const struct tensorflow_node *node, const char *name, int64_t *values,
                           size_t room);

/* The lengths of a shape into shape [TENSOR_MAX_RANK], -1 where one is free. Returns their
 * number; 0 when the attribute is absent or leaves everything free, and when they are too many. */
size_t tensorflow_shape(const struct tensorflow_node *node, const char *name, int64_t *shape);

/* The tensor in an attribute; the caller releases it. A list that is shorter than the shape asks
 * for repeats its last number, as TensorFlow stores constants that are the same at the end; what
 * that takes is bounded by `limit` bytes. FAILED when absent, damaged or above the limit. */
int tensorflow_tensor(const struct tensorflow_node *node, const char *name, size_t limit,
                      struct tensor *tensor, struct error *error);

#endif
