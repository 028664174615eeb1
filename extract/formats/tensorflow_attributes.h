/*
 * The attributes of a TensorFlow node, looked up in the bytes of its file: numbers, texts, shapes,
 * and the constants that are its weights.
 *
 * Source: attr_value.proto, tensor.proto, tensor_shape.proto and types.proto of TensorFlow
 * (github.com/tensorflow/tensorflow, tensorflow/core/framework); the field numbers are in
 * tensorflow_attributes.c.
 */
#ifndef EXTRACT_FORMATS_TENSORFLOW_ATTRIBUTES_H
#define EXTRACT_FORMATS_TENSORFLOW_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "extract/formats/tensorflow_file.h"
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

/* By name; the fallback when the node does not have it. */
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
