/*
 * A frozen TensorFlow graph taken apart: its nodes, who reads whose results, and an order in which
 * every node comes behind those that it reads. What the nodes mean is tensorflow_reader's
 * business.
 *
 * Source: graph.proto, node_def.proto and saved_model.proto of TensorFlow
 * (github.com/tensorflow/tensorflow, tensorflow/core/framework and protobuf); the field numbers
 * are in tensorflow_file.c.
 */
#ifndef EXTRACT_FORMATS_TENSORFLOW_FILE_H
#define EXTRACT_FORMATS_TENSORFLOW_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "extract/formats/protobuf.h"
#include "extract/graph/names.h"

/* Result `port` of node number `node`. */
struct tensorflow_input {
    size_t node, port;
};

struct tensorflow_node {
    char *name;      /* "MobilenetV1/Logits/AvgPool_1a/AvgPool" */
    char *operator;  /* "AvgPool" */
    struct tensorflow_input *inputs;  /* what it computes with; who must run before is left out */
    size_t input_count;
    struct bytes message;             /* for tensorflow_attributes.h */
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

#endif
