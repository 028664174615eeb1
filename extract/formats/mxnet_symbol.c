#include "extract/formats/mxnet_symbol.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* ---- structure -------------------------------------------------------------------------- */

bool mxnet_is_symbol(struct bytes bytes)
{
    size_t at = 0;

    while (at < bytes.size && isspace(bytes.data[at]))
        at++;
    return at < bytes.size && bytes.data[at] == '{' &&
           memmem(bytes.data, bytes.size, "\"nodes\"", 7) != NULL &&
           memmem(bytes.data, bytes.size, "\"arg_nodes\"", 11) != NULL;
}

/* [node, output] or [node, output, version]. */
static int read_entry(const struct json_value *list, size_t node_count, struct mxnet_entry *entry,
                      struct error *error)
{
    int64_t node, output;

    if (!json_tree_integer(json_tree_at(list, 0), &node) || node < 0 ||
        !json_tree_integer(json_tree_at(list, 1), &output) || output < 0)
        return error_set(error, "an input is not given as [node, output]");
    if ((uint64_t)node >= node_count)
        return error_set(error, "it reads node %lld, which does not come before it",
                         (long long)node);
    *entry = (struct mxnet_entry){(size_t)node, (size_t)output};
    return 0;
}

/* Old nodes have operator attributes in "param", and the user's own in "attr" beside it. */
static const struct json_value *find_attributes(const struct json_value *json)
{
    static const char *const keys[] = {"attrs", "param", "attr"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct json_value *attributes = json_tree_get(json, keys[i]);

        if (json_tree_count(attributes) > 0)
            return attributes;
    }
    return NULL;
}

static int check_attributes(const struct json_value *attributes, struct error *error)
{
    for (struct json_member member = json_tree_first(attributes); member.key != NULL;
         member = json_tree_next(attributes, &member))
        if (json_tree_text(member.value) == NULL)
            return error_set(error, "its attribute '%s' is not a text", member.key);
    return 0;
}

static int read_node(const struct json_value *json, size_t index, struct mxnet_entry *entries,
                     struct mxnet_node *node, struct error *error)
{
    const struct json_value *inputs = json_tree_get(json, "inputs");

    *node = (struct mxnet_node){
        .operator = json_tree_text(json_tree_get(json, "op")),
        .name = json_tree_text(json_tree_get(json, "name")),
        .inputs = entries,
        .input_count = json_tree_count(inputs),
        .attributes = find_attributes(json),
    };
    if (node->operator == NULL || node->name == NULL || !json_tree_is_list(inputs))
        return error_set(error, "its node %zu lacks 'op', 'name' or 'inputs'", index);
    for (size_t i = 0; i < node->input_count; i++)
        if (read_entry(json_tree_at(inputs, i), index, &entries[i], error) < 0)
            return error_wrap(error, "%s '%s'", node->operator, node->name);
    if (check_attributes(node->attributes, error) < 0)
        return error_wrap(error, "%s '%s'", node->operator, node->name);
    return 0;
}

static int read_nodes(const struct json_value *nodes, struct mxnet_symbol *symbol,
                      struct error *error)
{
    size_t count = json_tree_count(nodes), entry_count = 0;

    for (size_t i = 0; i < count; i++)
        entry_count += json_tree_count(json_tree_get(json_tree_at(nodes, i), "inputs"));
    symbol->nodes = memory_allocate(count, sizeof *symbol->nodes, error);
    symbol->entries = memory_allocate(entry_count, sizeof *symbol->entries, error);
    if (symbol->nodes == NULL || symbol->entries == NULL)
        return FAILED;
    entry_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (read_node(json_tree_at(nodes, i), i, symbol->entries + entry_count, &symbol->nodes[i],
                      error) < 0)
            return FAILED;
        entry_count += symbol->nodes[i].input_count;
    }
    symbol->node_count = count;
    return 0;
}

int mxnet_symbol_parse(struct bytes text, struct mxnet_symbol *symbol, struct error *error)
{
    const struct json_value *root, *heads;

    *symbol = (struct mxnet_symbol){0};
    if (json_tree_parse(text, &symbol->tree, error) < 0)
        return FAILED;
    root = json_tree_root(symbol->tree);
    heads = json_tree_get(root, "heads");
    if (!json_tree_is_list(json_tree_get(root, "nodes")) || !json_tree_is_list(heads))
        return error_set(error, "it has no list of 'nodes' or no 'heads'");
    if (read_nodes(json_tree_get(root, "nodes"), symbol, error) < 0)
        return FAILED;
    if (read_entry(json_tree_at(heads, 0), symbol->node_count, &symbol->output, error) < 0)
        return error_wrap(error, "its 'heads'");
    return 0;
}

void mxnet_symbol_release(struct mxnet_symbol *symbol)
{
    free(symbol->nodes);
    free(symbol->entries);
    json_tree_free(symbol->tree);
    *symbol = (struct mxnet_symbol){0};
}

/* ---- attributes ------------------------------------------------------------------------- */

bool mxnet_is_variable(const struct mxnet_node *node)
{
    return strcmp(node->operator, "null") == 0;
}

const char *mxnet_attribute(const struct mxnet_node *node, const char *name)
{
    const char *text = json_tree_text(json_tree_get(node->attributes, name));

    return text != NULL && strcmp(text, "None") != 0 ? text : NULL;
}

bool mxnet_attribute_is(const struct mxnet_node *node, const char *name, const char *fallback,
                        const char *value)
{
    const char *text = mxnet_attribute(node, name);

    return strcmp(text != NULL ? text : fallback, value) == 0;
}

static int not_a(const char *what, const char *name, const char *text, struct error *error)
{
    return error_set(error, "its '%s' is '%s', not %s", name, text, what);
}

int mxnet_boolean(const struct mxnet_node *node, const char *name, bool fallback, bool *value,
                  struct error *error)
{
    const char *text = mxnet_attribute(node, name);

    *value = fallback;
    if (text == NULL)
        return 0;
    *value = strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!*value && strcasecmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return not_a("True or False", name, text, error);
    return 0;
}

/* Moves *text behind an integer, Python 2's "3L" too. */
static bool scan_integer(const char **text, int64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoll(*text, &end, 10);
    if (end == *text || errno != 0)
        return false;
    *text = end + (*end == 'L');
    return true;
}

int mxnet_integer(const struct mxnet_node *node, const char *name, int64_t fallback,
                  int64_t *value, struct error *error)
{
    const char *text = mxnet_attribute(node, name), *at = text;

    *value = fallback;
    if (text == NULL)
        return 0;
    if (!scan_integer(&at, value) || *at != '\0')
        return not_a("an integer", name, text, error);
    return 0;
}

int mxnet_real(const struct mxnet_node *node, const char *name, double fallback, double *value,
               struct error *error)
{
    const char *text = mxnet_attribute(node, name);
    char *end;

    *value = fallback;
    if (text == NULL)
        return 0;
    *value = strtod(text, &end);
    if (end == text || *end != '\0')
        return not_a("a number", name, text, error);
    return 0;
}

/* "None" within a tuple (the end of a slice) is not read here. */
int mxnet_tuple(const struct mxnet_node *node, const char *name, int64_t *values, size_t room,
                size_t *count, struct error *error)
{
    const char *text = mxnet_attribute(node, name), *at = text;

    *count = 0;
    if (text == NULL)
        return 0;
    while (*at != '\0') {
        if (isspace((unsigned char)*at) || strchr("()[],", *at) != NULL) {
            at++;
            continue;
        }
        if (*count == room || !scan_integer(&at, &values[*count]))
            return not_a("a tuple of integers", name, text, error);
        ++*count;
    }
    return 0;
}
