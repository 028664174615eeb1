/*
 * JSON (RFC 8259) as the files of networks hold it, read whole into a tree of values.
 *
 *     json_tree_parse(text, &tree, &error);
 *     nodes = json_tree_get(json_tree_root(tree), "nodes");
 *     for (size_t i = 0; i < json_tree_count(nodes); i++)
 *         name = json_tree_text(json_tree_get(json_tree_at(nodes, i), "name"));
 *     json_tree_free(tree);                             all values go with it
 *
 * Questions may be asked of a value that is not there (NULL), or is of another kind: the answer is
 * then that nothing is there, so that a reader asks once, at the end of the path.
 */
#ifndef EXTRACT_FORMATS_JSON_TREE_H
#define EXTRACT_FORMATS_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

/* How deep the lists and objects of a text may lie in each other: readers may recurse over them. */
enum { JSON_TREE_DEPTH = 200 };

struct json_tree;
struct json_value;

/* FAILED when the text is no JSON, has an object with the same key twice, lies deeper than
 * JSON_TREE_DEPTH or has more values than any network's, and when the program was built without
 * the library that reads JSON. The values are copies: `text` need not outlive the tree. */
int json_tree_parse(struct bytes text, struct json_tree **tree, struct error *error);

/* NULL is allowed. */
void json_tree_free(struct json_tree *tree);

/* Always a list or an object. */
const struct json_value *json_tree_root(const struct json_tree *tree);

/* The value of a key; NULL when `object` is no object or does not have it. */
const struct json_value *json_tree_get(const struct json_value *object, const char *key);

/* How many elements a list or members an object has; 0 for anything else. */
size_t json_tree_count(const struct json_value *value);

/* Element `index` of a list; NULL behind its end. */
const struct json_value *json_tree_at(const struct json_value *list, size_t index);

/* The members of an object in the order of the file:
 *     for (m = json_tree_first(object); m.key != NULL; m = json_tree_next(object, &m)) */
struct json_member {
    const char *key;  /* NULL behind the last */
    const struct json_value *value;
    void *place;
};
struct json_member json_tree_first(const struct json_value *object);
struct json_member json_tree_next(const struct json_value *object,
                                  const struct json_member *member);

bool json_tree_is_object(const struct json_value *value);
bool json_tree_is_list(const struct json_value *value);

/* The characters, UTF-8, without a NUL among them; NULL when the value is no text. */
const char *json_tree_text(const struct json_value *value);

/* True and *result when the value is of the kind; *result is untouched otherwise. A number may be
 * written as 3.0 where an integer is asked for, and as 3 for a real. */
bool json_tree_integer(const struct json_value *value, int64_t *result);
bool json_tree_real(const struct json_value *value, double *result);
bool json_tree_boolean(const struct json_value *value, bool *result);

#endif
