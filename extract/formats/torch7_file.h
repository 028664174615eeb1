/*
 * A file of Torch7 (torch.save, .t7) taken apart: Lua's values, tables and objects, as a tree whose
 * branches may be shared or lead back to where they come from. Functions are skipped; nothing is
 * run. Tensors are views into the file's bytes.
 *
 * The binary format has no header. Every value begins with its type (32 bits); tables, objects and
 * functions follow with an index, and stand for an earlier one when the index was there before.
 * "long" has 8 bytes, in files of 32-bit machines 4: the one is tried, then the other.
 *
 * Source: File.lua, Tensor.lua and lib/TH/THDiskFile.c of torch7.
 */
#ifndef EXTRACT_FORMATS_TORCH7_FILE_H
#define EXTRACT_FORMATS_TORCH7_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"
#include "extract/graph/graph.h"
#include "extract/graph/tensor.h"

enum torch7_kind {
    TORCH7_NIL,
    TORCH7_NUMBER,
    TORCH7_TEXT,
    TORCH7_BOOLEAN,
    TORCH7_TABLE,
    TORCH7_CLASS,    /* an object whose fields are a table: a module */
    TORCH7_TENSOR,
    TORCH7_STORAGE,
    TORCH7_FUNCTION
};

struct torch7_value {
    enum torch7_kind kind;
    union {
        double number;
        struct bytes text;
        bool boolean;
        const struct torch7_object *object;  /* from TORCH7_TABLE on */
    };
};

struct torch7_pair {
    struct torch7_value key, value;
};

struct torch7_object {
    enum torch7_kind kind;
    struct bytes class_name;              /* "nn.Sequential"; for TORCH7_CLASS */
    struct torch7_pair *pairs;            /* TORCH7_TABLE */
    size_t pair_count;
    const struct torch7_object *fields;   /* TORCH7_CLASS: a table, or NULL */
    struct torch7_numbers *numbers;       /* TORCH7_TENSOR, TORCH7_STORAGE */
};

struct torch7_file {
    struct torch7_object **objects;  /* in the order of their indices, from 1 */
    size_t object_count, object_capacity;
    struct torch7_value root;
};

/* True when the bytes begin as such a file does; *text when it is the format's form as text, which
 * is not read here. */
bool torch7_is_file(struct bytes bytes, bool *text);

/* `bytes` must outlive *file. FAILED when they are damaged or nested too deep. In every case the
 * caller releases *file. */
int torch7_parse(struct bytes bytes, struct torch7_file *file, struct error *error);
void torch7_release(struct torch7_file *file);

/* The value of a table's key, or an object's field; NULL when it is absent, or `object` NULL. */
const struct torch7_value *torch7_field(const struct torch7_object *object, const char *name);

/* Fields of a kind; the fallback, NULL or {NULL, 0} when absent or of another kind. */
double torch7_number(const struct torch7_object *object, const char *name, double fallback);
bool torch7_boolean(const struct torch7_object *object, const char *name, bool fallback);
struct bytes torch7_text(const struct torch7_object *object, const char *name);
const struct torch7_object *torch7_child(const struct torch7_object *object, const char *name);

/* The values of the keys 1, 2, 3, ... of a table; *items, to be released with free(), ends where a
 * key is absent. */
int torch7_list(const struct torch7_object *table, const struct torch7_value ***items,
                size_t *count, struct error *error);

/* A tensor's or storage's elements, row-major: a view where it lies so, else a copy that lives
 * with the graph. FAILED when it reaches outside of its storage. */
int torch7_tensor(const struct torch7_object *object, struct graph *graph, struct tensor *tensor,
                  struct error *error);

#endif
