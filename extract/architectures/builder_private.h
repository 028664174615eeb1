/*
 * What builder.c (comparing weights, adding layers) and builder_steps.c (the steps) share.
 */
#ifndef EXTRACT_ARCHITECTURES_BUILDER_PRIVATE_H
#define EXTRACT_ARCHITECTURES_BUILDER_PRIVATE_H

#include "extract/architectures/builder.h"

/* Compares a tensor with the file's; a dimension of 0 may be any. Counts it, and keeps the first
 * difference. NULL when the file has none, or another. */
const struct weight *builder_expect(struct builder *builder, const char *layer,
                                    enum weight_role role, const size_t *shape, size_t rank);

/* True when layers are to be added and nothing has failed so far. */
bool builder_adds(const struct builder *builder);

/* Adds a layer that reads `inputs`, and binds its name. Returns its index; 0 when that fails. */
size_t builder_add(struct builder *builder, struct layer *layer, const char *name, size_t *inputs,
                   size_t count);

/* The elements of a weight, a view or in memory of the graph. */
int builder_load(struct builder *builder, const struct weight *weight, struct tensor *tensor);
/* As floats in memory of the graph; NULL when that fails. */
float *builder_floats(struct builder *builder, const struct weight *weight);

#endif
