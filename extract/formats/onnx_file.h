/*
 * An ONNX file taken apart: nodes, attributes, initialisers, inputs and outputs, all of them views
 * into the file's bytes. What the nodes mean is onnx_reader's business.
 *
 * Source: onnx.proto of ONNX 1.x (github.com/onnx/onnx); the field numbers are in onnx_file.c.
 */
#ifndef EXTRACT_FORMATS_ONNX_FILE_H
#define EXTRACT_FORMATS_ONNX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "extract/formats/protobuf.h"
#include "extract/graph/tensor.h"

struct onnx_node {
    char *operator;            /* "Conv"; with the domain before it where it is not ONNX's own */
    char *name;                /* may be empty */
    char **inputs, **outputs;  /* names of tensors; "" for an optional one that is left out */
    size_t input_count, output_count;
    struct bytes message;      /* for the attributes */
};

struct onnx_value {
    char *name;
    size_t rank;
    int64_t shape[TENSOR_MAX_RANK];  /* 0 where the length is free */
};

struct onnx_initialiser {
    char *name;
    struct tensor tensor;
    struct bytes external;  /* the TensorProto, where its numbers are in another file (then
                               tensor.bytes is empty until onnx_bind_external); else {NULL, 0} */
};

struct onnx_file {
    int64_t opset;
    struct onnx_node *nodes;
    struct onnx_initialiser *initialisers;
    struct onnx_value *inputs, *outputs;
    size_t node_count, node_capacity, initialiser_count, initialiser_capacity;
    size_t input_count, input_capacity, output_count, output_capacity;
};

/* `bytes` must outlive *file. FAILED when they are no ONNX file or damaged. In every case the
 * caller releases *file. */
int onnx_parse(struct bytes bytes, struct onnx_file *file, struct error *error);
void onnx_release(struct onnx_file *file);

/* True when the bytes can be the beginning of an ONNX file: other formats are told apart so. */
bool onnx_is_file(struct bytes bytes);

/* Attributes by name; the fallback when the node does not have it. */
int64_t onnx_integer(const struct onnx_node *node, const char *name, int64_t fallback);
float onnx_float(const struct onnx_node *node, const char *name, float fallback);
/* The bytes of a text; {NULL, 0} when absent. */
struct bytes onnx_text(const struct onnx_node *node, const char *name);
/* At most `room` numbers into `values`; returns how many there are, 0 when absent. */
size_t onnx_integers(const struct onnx_node *node, const char *name, int64_t *values, size_t room);
size_t onnx_floats(const struct onnx_node *node, const char *name, float *values, size_t room);
bool onnx_has(const struct onnx_node *node, const char *name);
/* The tensor in an attribute; the caller releases it. FAILED when absent or damaged. */
int onnx_tensor(const struct onnx_node *node, const char *name, struct tensor *tensor,
                struct error *error);

#endif
