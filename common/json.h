/*
 * Writes JSON (RFC 8259), indented by two spaces, to a stream.
 *
 *     struct json json = {.out = stdout};
 *     json_open(&json, NULL, '{');
 *     json_text(&json, "database", path);          key first; NULL inside an array
 *     json_open(&json, "classes", '[');
 *     json_text(&json, NULL, "ants");
 *     json_close(&json);
 *     json_close(&json);                           the last one ends the line
 *
 * Bytes that are not UTF-8 (in a file name) become lone surrogates \udc80 to \udcff, as Python's
 * "surrogateescape" writes them, so that the name can be recovered.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH = 32 };

struct json {
    FILE *out;
    int depth;
    char closing[JSON_DEPTH];
    bool filled[JSON_DEPTH];
};

/* Opens an object ('{') or an array ('['). */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json);

/* NULL is written as null. */
void json_text(struct json *json, const char *key, const char *value);
void json_integer(struct json *json, const char *key, int64_t value);
void json_boolean(struct json *json, const char *key, bool value);
/* With as many digits as give the same double again; null for infinities and NaN. */
void json_real(struct json *json, const char *key, double value);

#endif
