/*
 * Constant tensors as a network file holds them: a typed view of bytes in the mapped file, read
 * as numbers only when a layer asks. And small tensors that the reader computes itself.
 */
#ifndef EXTRACT_GRAPH_TENSOR_H
#define EXTRACT_GRAPH_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

enum { TENSOR_MAX_RANK = 8 };

enum tensor_type {
    TENSOR_FLOAT32,
    TENSOR_FLOAT16,
    TENSOR_FLOAT64,
    TENSOR_INT8,
    TENSOR_INT32,
    TENSOR_INT64,
    TENSOR_OTHER  /* a type that no layer takes; kept so that the message can say so */
};

struct tensor {
    enum tensor_type type;
    size_t rank, shape[TENSOR_MAX_RANK];
    size_t count;        /* elements: the product of the shape; 1 for a scalar */
    struct bytes bytes;  /* the elements, little-endian, row-major; not aligned */
    void *owned;         /* the same bytes when they are ours, else NULL */
};

/* Bytes of one element; 0 for TENSOR_OTHER. */
size_t tensor_type_size(enum tensor_type type);

/* Sets shape and count from `rank` dimensions. FAILED when one is negative, there are too many,
 * or their product overflows. */
int tensor_set_shape(struct tensor *tensor, const int64_t *shape, size_t rank,
                     struct error *error);

/* Makes room for the elements, zeroed, after the shape and type were set. Release with
 * tensor_release. */
int tensor_allocate(struct tensor *tensor, struct error *error);
void tensor_release(struct tensor *tensor);

/* FAILED unless the type is float, float16 or double. A tensor of another type may claim any number
 * of elements: to be asked before there is room made for them. */
int tensor_check_floats(const struct tensor *tensor, struct error *error);

/* The elements as float; out: [count]. FAILED as tensor_check_floats. */
int tensor_to_float(const struct tensor *tensor, float *out, struct error *error);

/* Element `index` as a number. The type must not be TENSOR_OTHER, the index below count. */
double tensor_real(const struct tensor *tensor, size_t index);
int64_t tensor_integer(const struct tensor *tensor, size_t index);

/* Stores into an owned tensor. */
void tensor_set_real(struct tensor *tensor, size_t index, double value);
void tensor_set_integer(struct tensor *tensor, size_t index, int64_t value);

bool tensor_is_integer(const struct tensor *tensor);

#endif
