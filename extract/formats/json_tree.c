#include "extract/formats/json_tree.h"

#ifdef HAVE_JANSSON

#include <jansson.h>

/* A value takes up to some 300 bytes of memory, whatever few it has in the file ("{},"): the
 * limit bounds what a small hostile file can ask for. The largest networks have some 100,000. */
enum { MAX_VALUES = 1 << 20 };

/* The largest integer below which a double has all integers. */
static const double exact_integers = 9007199254740992.0;

/* jansson's own type is kept out of the header: both names stand for the same pointer. */
static const struct json_value *from_jansson(const json_t *value)
{
    return (const void *)value;
}

static const json_t *to_jansson(const struct json_value *value)
{
    return (const void *)value;
}

/* Counts values and depth before anything is allocated. What is not valid beyond that, the
 * parser finds. */
static int check_extent(struct bytes text, struct error *error)
{
    size_t depth = 0, values = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = text.data[i];

        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
            continue;
        }
        if (c == '"')
            quoted = true;
        else if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        values += c == '[' || c == '{' || c == ',';
        if (depth > JSON_TREE_DEPTH)
            return error_set(error, "its JSON is nested deeper than %d", JSON_TREE_DEPTH);
        if (values > MAX_VALUES)
            return error_set(error, "its JSON has more than %d values", MAX_VALUES);
    }
    return 0;
}

int json_tree_parse(struct bytes text, struct json_tree **tree, struct error *error)
{
    json_error_t fault;

    *tree = NULL;
    if (check_extent(text, error) < 0)
        return FAILED;
    *tree = (void *)json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &fault);
    if (*tree == NULL)
        return error_set(error, "its JSON is not valid in line %d: %s", fault.line, fault.text);
    return 0;
}

void json_tree_free(struct json_tree *tree)
{
    json_decref((void *)tree);
}

const struct json_value *json_tree_root(const struct json_tree *tree)
{
    return (const void *)tree;
}

const struct json_value *json_tree_get(const struct json_value *object, const char *key)
{
    return from_jansson(json_object_get(to_jansson(object), key));
}

size_t json_tree_count(const struct json_value *value)
{
    const json_t *json = to_jansson(value);

    return json_is_array(json) ? json_array_size(json) : json_object_size(json);
}

const struct json_value *json_tree_at(const struct json_value *list, size_t index)
{
    return from_jansson(json_array_get(to_jansson(list), index));
}

/* jansson's iterators take an object that may change; this one does not. */
static json_t *iterated(const struct json_value *object)
{
    union {
        const struct json_value *value;
        json_t *json;
    } same = {.value = object};

    return same.json;
}

static struct json_member member_at(void *place)
{
    if (place == NULL)
        return (struct json_member){0};
    return (struct json_member){json_object_iter_key(place),
                                from_jansson(json_object_iter_value(place)), place};
}

struct json_member json_tree_first(const struct json_value *object)
{
    return member_at(json_object_iter(iterated(object)));
}

struct json_member json_tree_next(const struct json_value *object,
                                  const struct json_member *member)
{
    return member_at(json_object_iter_next(iterated(object), member->place));
}

bool json_tree_is_object(const struct json_value *value)
{
    return json_is_object(to_jansson(value));
}

bool json_tree_is_list(const struct json_value *value)
{
    return json_is_array(to_jansson(value));
}

const char *json_tree_text(const struct json_value *value)
{
    return json_string_value(to_jansson(value));
}

bool json_tree_integer(const struct json_value *value, int64_t *result)
{
    const json_t *json = to_jansson(value);
    double real = json_real_value(json);

    if (json_is_integer(json)) {
        *result = json_integer_value(json);
        return true;
    }
    if (!json_is_real(json) || !(real > -exact_integers && real < exact_integers) ||
        real < (double)(int64_t)real || real > (double)(int64_t)real)
        return false;
    *result = (int64_t)real;
    return true;
}

bool json_tree_real(const struct json_value *value, double *result)
{
    if (!json_is_number(to_jansson(value)))
        return false;
    *result = json_number_value(to_jansson(value));
    return true;
}

bool json_tree_boolean(const struct json_value *value, bool *result)
{
    if (!json_is_boolean(to_jansson(value)))
        return false;
    *result = json_is_true(to_jansson(value));
    return true;
}

#else

int json_tree_parse(struct bytes text, struct json_tree **tree, struct error *error)
{
    (void)text;
    *tree = NULL;
    return error_set(error, "it holds JSON, and this program was built without jansson "
                            "(Debian's package libjansson-dev)");
}

/* No tree can exist, and nothing is asked of one. */
void json_tree_free(struct json_tree *tree)
{
    (void)tree;
}

const struct json_value *json_tree_root(const struct json_tree *tree)
{
    (void)tree;
    return NULL;
}

const struct json_value *json_tree_get(const struct json_value *object, const char *key)
{
    (void)object;
    (void)key;
    return NULL;
}

size_t json_tree_count(const struct json_value *value)
{
    (void)value;
    return 0;
}

const struct json_value *json_tree_at(const struct json_value *list, size_t index)
{
    (void)list;
    (void)index;
    return NULL;
}

struct json_member json_tree_first(const struct json_value *object)
{
    (void)object;
    return (struct json_member){0};
}

struct json_member json_tree_next(const struct json_value *object,
                                  const struct json_member *member)
{
    (void)object;
    (void)member;
    return (struct json_member){0};
}

bool json_tree_is_object(const struct json_value *value)
{
    (void)value;
    return false;
}

bool json_tree_is_list(const struct json_value *value)
{
    (void)value;
    return false;
}

const char *json_tree_text(const struct json_value *value)
{
    (void)value;
    return NULL;
}

bool json_tree_integer(const struct json_value *value, int64_t *result)
{
    (void)value;
    (void)result;
    return false;
}

bool json_tree_real(const struct json_value *value, double *result)
{
    (void)value;
    (void)result;
    return false;
}

bool json_tree_boolean(const struct json_value *value, bool *result)
{
    (void)value;
    (void)result;
    return false;
}

#endif
