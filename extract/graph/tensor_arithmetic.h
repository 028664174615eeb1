/*
 * Arithmetic on constant tensors, for what a reader works out while it reads: the shape
 * arithmetic of exporters, a batch norm that the file holds as a formula.
 *
 * No tensor given may be of TENSOR_OTHER. A result has its own bytes, to be released with
 * tensor_release, and is of the type of its (first) input; a float16 is widened to float, an int8
 * to int32. On FAILED there is nothing to release.
 */
#ifndef EXTRACT_GRAPH_TENSOR_ARITHMETIC_H
#define EXTRACT_GRAPH_TENSOR_ARITHMETIC_H

#include "common/error.h"
#include "extract/graph/tensor.h"

enum tensor_operation {
    TENSOR_ADD,
    TENSOR_SUBTRACT,
    TENSOR_MULTIPLY,
    TENSOR_DIVIDE,          /* of integers: towards zero; by zero it is 0 */
    TENSOR_FLOOR_DIVIDE,    /* towards minus infinity */
    TENSOR_FLOOR_MODULO,    /* what that leaves */
    TENSOR_MAXIMUM,
    TENSOR_MINIMUM,
    TENSOR_POWER
};

enum tensor_function {
    TENSOR_NEGATE,
    TENSOR_SQUARE,
    TENSOR_SQUARE_ROOT,      /* this and the next two: not of integers */
    TENSOR_RECIPROCAL_ROOT,
    TENSOR_RECIPROCAL
};

/* Zeros. FAILED when they are more than any constant needs: a file must not fill the memory by
 * asking for a large one. */
int tensor_make(struct tensor *result, enum tensor_type type, const size_t *shape, size_t rank,
                struct error *error);

/* An owned tensor's element becomes another's. */
void tensor_copy_element(const struct tensor *from, size_t index, struct tensor *to,
                         size_t place);

/* The same numbers as float, double, int32 or int64. */
int tensor_convert(const struct tensor *input, enum tensor_type type, struct tensor *result,
                   struct error *error);

/* Axis `permutation[i]` of the input becomes axis i. */
int tensor_transpose(const struct tensor *input, const size_t *permutation,
                     struct tensor *result, struct error *error);

/* The inputs one behind the other along an axis; count > 0. */
int tensor_join(const struct tensor *const *inputs, size_t count, size_t axis,
                struct tensor *result, struct error *error);

/* Along the first axis: the parts of the input that `indices` name; -1 is the last. */
int tensor_gather(const struct tensor *input, const struct tensor *indices,
                  struct tensor *result, struct error *error);

/* Of every axis `count` places from `begin` on, `step` apart; they lie within the input. */
int tensor_slice(const struct tensor *input, const int64_t *begin, const int64_t *step,
                 const size_t *count, struct tensor *result, struct error *error);

/* Element by element, broadcast as NumPy does. */
int tensor_combine(enum tensor_operation operation, const struct tensor *a,
                   const struct tensor *b, struct tensor *result, struct error *error);

/* All numbers become one, from the first to the last; count > 0. */
int tensor_reduce(enum tensor_operation operation, const struct tensor *input,
                  struct tensor *result, struct error *error);

int tensor_apply(enum tensor_function function, const struct tensor *input,
                 struct tensor *result, struct error *error);

#endif
