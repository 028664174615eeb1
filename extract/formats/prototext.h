/*
 * The protocol buffers text format, read into a tree of fields that knows no schema.
 *
 *     struct prototext text;
 *     const struct prototext_field *layer;
 *     uint64_t outputs;
 *
 *     prototext_parse(bytes, &text, &error);
 *     for (layer = prototext_find(&text, text.root, "layer"); layer != NULL;
 *          layer = prototext_find_next(&text, layer, "layer"))
 *         prototext_unsigned(&text, layer, "num_output", 0, 1 << 20, &outputs, &error);
 *     prototext_release(&text);
 *
 * Messages of errors begin with the line. Names of extensions and of google.protobuf.Any are
 * refused: no format that is read here has them.
 *
 * Source: protobuf.dev, "Text Format Language Specification".
 */
#ifndef EXTRACT_FORMATS_PROTOTEXT_H
#define EXTRACT_FORMATS_PROTOTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

/* Far above what people write; they bound the time and memory that a hostile file can cost. */
enum { PROTOTEXT_MAX_SIZE = 1 << 24, PROTOTEXT_MAX_FIELDS = 1 << 18, PROTOTEXT_MAX_DEPTH = 100 };

struct prototext_field {
    const char *name;
    const char *value;  /* a text without its quotes, a number or a word; NULL for a message */
    bool quoted;        /* the value is a text */
    size_t line;        /* of the name, from 1 on */
    uint32_t child;     /* a message's first field; 0: none */
    uint32_t next;      /* the next field of the same message; 0: none */
};

struct prototext {
    struct prototext_field *fields;
    size_t count, capacity;
    char *characters;                    /* names and values */
    const struct prototext_field *root;  /* the whole file, a message without name */
};

/* FAILED when the text is not one of fields, is nested too deep or too large. In every case the
 * caller releases *text; `bytes` are not needed any more. */
int prototext_parse(struct bytes bytes, struct prototext *text, struct error *error);
void prototext_release(struct prototext *text);

/* The first field of a message; NULL when it has none or `message` is NULL or a value. */
const struct prototext_field *prototext_first(const struct prototext *text,
                                              const struct prototext_field *message);
const struct prototext_field *prototext_next(const struct prototext *text,
                                             const struct prototext_field *field);

/* The first field of that name, and the one after `field`. NULL when there is none. */
const struct prototext_field *prototext_find(const struct prototext *text,
                                             const struct prototext_field *message,
                                             const char *name);
const struct prototext_field *prototext_find_next(const struct prototext *text,
                                                  const struct prototext_field *field,
                                                  const char *name);

/* The value of one field. FAILED when it is of another kind or out of range. */
int prototext_integer_of(const struct prototext_field *field, int64_t minimum, int64_t maximum,
                         int64_t *value, struct error *error);
int prototext_float_of(const struct prototext_field *field, float *value, struct error *error);
int prototext_text_of(const struct prototext_field *field, const char **value,
                      struct error *error);

/* The value of an optional field of `message`. *value keeps what it has when the field is not
 * there or `message` is NULL. FAILED as above, and when the field stands there twice. */
int prototext_unsigned(const struct prototext *text, const struct prototext_field *message,
                       const char *name, uint64_t minimum, uint64_t maximum, uint64_t *value,
                       struct error *error);
int prototext_integer(const struct prototext *text, const struct prototext_field *message,
                      const char *name, int64_t minimum, int64_t maximum, int64_t *value,
                      struct error *error);
int prototext_float(const struct prototext *text, const struct prototext_field *message,
                    const char *name, float *value, struct error *error);
int prototext_bool(const struct prototext *text, const struct prototext_field *message,
                   const char *name, bool *value, struct error *error);
int prototext_text(const struct prototext *text, const struct prototext_field *message,
                   const char *name, const char **value, struct error *error);

/* One of `names`, which end with NULL: as a word, or as its number in that list. */
int prototext_enum(const struct prototext *text, const struct prototext_field *message,
                   const char *name, const char *const *names, size_t *value,
                   struct error *error);

/* Puts the line before the message that is there. Returns FAILED. */
int prototext_blame(const struct prototext_field *field, struct error *error);

#endif
