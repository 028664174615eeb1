/*
 * MXNet's file of a network's structure, PREFIX-symbol.json: its nodes, in the order of execution.
 *
 * Three generations are alike but for the key of an operator's attributes: "param" up to 0.8,
 * "attr" up to 0.11, "attrs" since. All attributes are texts: "(3, 3)", "True", "0.5".
 *
 * Source: nnvm/src/pass/saveload_json.cc and src/nnvm/legacy_json_util.cc of MXNet.
 */
#ifndef EXTRACT_FORMATS_MXNET_SYMBOL_H
#define EXTRACT_FORMATS_MXNET_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"
#include "extract/formats/json_tree.h"

/* Result `output` of a node. */
struct mxnet_entry {
    size_t node, output;
};

struct mxnet_node {
    const char *operator;  /* "null" for a variable: the image, or a parameter */
    const char *name;
    struct mxnet_entry *inputs;  /* of nodes before this one */
    size_t input_count;
    const struct json_value *attributes;  /* NULL when it has none */
};

struct mxnet_symbol {
    struct json_tree *tree;
    struct mxnet_node *nodes;
    size_t node_count;
    struct mxnet_entry *entries;
    struct mxnet_entry output;  /* the first of the network's results */
};

/* True when the bytes begin as such a file does. */
bool mxnet_is_symbol(struct bytes bytes);

/* FAILED when the text is no JSON, lacks something, or a node reads one that does not come before
 * it (which makes cycles impossible). In every case the caller releases *symbol. */
int mxnet_symbol_parse(struct bytes text, struct mxnet_symbol *symbol, struct error *error);
void mxnet_symbol_release(struct mxnet_symbol *symbol);

bool mxnet_is_variable(const struct mxnet_node *node);

/* The text of an attribute; NULL when it is absent or "None". */
const char *mxnet_attribute(const struct mxnet_node *node, const char *name);
/* True when the attribute, or its default where it is absent, is `value`. */
bool mxnet_attribute_is(const struct mxnet_node *node, const char *name, const char *fallback,
                        const char *value);

/* Attributes as numbers: *value becomes the fallback where it is absent; FAILED when it is none. */
int mxnet_boolean(const struct mxnet_node *node, const char *name, bool fallback, bool *value,
                  struct error *error);
int mxnet_integer(const struct mxnet_node *node, const char *name, int64_t fallback,
                  int64_t *value, struct error *error);
int mxnet_real(const struct mxnet_node *node, const char *name, double fallback, double *value,
               struct error *error);

/* A tuple of at most `room` integers, or a single one; *count is 0 when it is absent. */
int mxnet_tuple(const struct mxnet_node *node, const char *name, int64_t *values, size_t room,
                size_t *count, struct error *error);

#endif
