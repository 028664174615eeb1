/*
 * A table from names to numbers: which tensor or layer a name in a network file means.
 */
#ifndef EXTRACT_GRAPH_NAMES_H
#define EXTRACT_GRAPH_NAMES_H

#include <stddef.h>

#include "common/error.h"

struct names {
    struct names_entry *entries;
    size_t count, capacity;  /* capacity is a power of two, or 0 */
};

/* Start from {0}. */
void names_release(struct names *names);

/* Binds `name` to `value`; a name that is there already is bound anew. The text is not copied
 * and must outlive the table. */
int names_put(struct names *names, const char *name, size_t value, struct error *error);

enum { NAMES_NOT_FOUND = -2 };

/* 0 and *value, or NAMES_NOT_FOUND. */
int names_find(const struct names *names, const char *name, size_t *value);

#endif
