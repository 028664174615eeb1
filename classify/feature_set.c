#include "classify/feature_set.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* The room for a list of feature sets inside a message, and for one of them. */
enum { LIST_TEXT = 800, ITEM_TEXT = 256 };

/* Appends to a text of limited length; what does not fit is cut. */
static void append(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

void feature_set_release(struct feature_set *set)
{
    free(set->network_name);
    free(set->layer);
    free(set->pooling);
    free(set->preprocessing);
    *set = (struct feature_set){0};
}

/* Appends "name ('a' against 'b')" to a list of differences. */
static size_t append_difference(char *text, size_t size, const char *name, const char *a,
                                const char *b)
{
    append(text, size, "%s%s ('%s' against '%s')", *text != '\0' ? ", " : "", name, a, b);
    return 1;
}

static size_t append_numbers(char *text, size_t size, const char *name, int64_t a, int64_t b)
{
    append(text, size, "%s%s (%" PRId64 " against %" PRId64 ")", *text != '\0' ? ", " : "", name,
           a, b);
    return 1;
}

/* Networks may share a name: the beginning of the digest tells them apart. */
static size_t append_networks(char *text, size_t size, const struct hash *a, const struct hash *b)
{
    char digests[2][HASH_TEXT];

    hash_to_text(a, digests[0]);
    hash_to_text(b, digests[1]);
    append(text, size, "network (sha256 %.12s against %.12s)", digests[0], digests[1]);
    return 1;
}

size_t feature_set_difference(const struct feature_set *a, const struct feature_set *b,
                              char *text, size_t size)
{
    size_t count = 0;

    *text = '\0';
    if (!hash_equal(&a->network, &b->network))
        count += append_networks(text, size, &a->network, &b->network);
    if (strcmp(a->layer, b->layer) != 0)
        count += append_difference(text, size, "layer", a->layer, b->layer);
    if (strcmp(a->pooling, b->pooling) != 0)
        count += append_difference(text, size, "pooling", a->pooling, b->pooling);
    if (strcmp(a->preprocessing, b->preprocessing) != 0)
        count += append_difference(text, size, "preprocessing", a->preprocessing,
                                   b->preprocessing);
    if (a->engine != b->engine)
        count += append_numbers(text, size, "engine", a->engine, b->engine);
    if (a->dimension != b->dimension)
        count += append_numbers(text, size, "dimension", (int64_t)a->dimension,
                                (int64_t)b->dimension);
    return count;
}

void feature_set_describe(const struct feature_set *set, char *text, size_t size)
{
    bool pooled = strcmp(set->pooling, "none") != 0;

    snprintf(text, size, "%s %s%s%s, %zu numbers", set->network_name, set->layer,
             pooled ? " " : "", pooled ? set->pooling : "", set->dimension);
}

void feature_set_json(const struct feature_set *set, const char *key, struct json *json)
{
    char network[HASH_TEXT];

    hash_to_text(&set->network, network);
    json_open(json, key, '{');
    if (set->id > 0)
        json_integer(json, "id", set->id);
    json_text(json, "network", set->network_name);
    json_text(json, "network_sha256", network);
    json_text(json, "layer", set->layer);
    json_text(json, "pooling", set->pooling);
    json_text(json, "preprocessing", set->preprocessing);
    json_integer(json, "engine", set->engine);
    json_integer(json, "dimension", (int64_t)set->dimension);
    json_close(json);
}

static int append_set(void *context, const struct store_feature_set *stored, struct error *error)
{
    struct feature_sets *sets = context;
    void *items = sets->items;
    struct feature_set *set;

    if (memory_grow(&items, sets->count, &sets->capacity, sizeof *sets->items, error) < 0)
        return FAILED;
    sets->items = items;
    set = &sets->items[sets->count++];
    *set = (struct feature_set){
        .id = stored->id,
        .vectors = stored->vectors,
        .network = stored->network.hash,
        .network_name = memory_copy_text(stored->network.name, error),
        .layer = memory_copy_text(stored->layer, error),
        .pooling = memory_copy_text(stored->pooling, error),
        .preprocessing = memory_copy_text(stored->preprocessing, error),
        .engine = stored->engine,
        .dimension = stored->dimension,
    };
    return set->network_name != NULL && set->layer != NULL && set->pooling != NULL &&
           set->preprocessing != NULL ? 0 : FAILED;
}

int feature_sets_load(struct store *store, struct feature_sets *sets, struct error *error)
{
    *sets = (struct feature_sets){0};
    if (store_each_feature_set(store, append_set, sets, error) == 0)
        return 0;
    feature_sets_release(sets);
    return FAILED;
}

void feature_sets_release(struct feature_sets *sets)
{
    for (size_t i = 0; i < sets->count; i++)
        feature_set_release(&sets->items[i]);
    free(sets->items);
    *sets = (struct feature_sets){0};
}

static const struct feature_set *find(const struct feature_sets *sets, size_t id)
{
    for (size_t i = 0; i < sets->count; i++)
        if (sets->items[i].id == (int64_t)id)
            return &sets->items[i];
    return NULL;
}

/* Whether `item`: [length] is one of a list joined by commas. */
static bool has_item(const char *list, const char *item, size_t length)
{
    for (const char *at = list; *at != '\0'; at += strspn(at, ",")) {
        size_t found = strcspn(at, ",");

        if (found == length && memcmp(at, item, length) == 0)
            return true;
        at += found;
    }
    return false;
}

/* Appends the keys of a set's preprocessing that another one's does not have just so. */
static void append_rule(char *text, size_t size, const char *rule, const char *other)
{
    for (; *rule != '\0'; rule += strspn(rule, ",")) {
        size_t length = strcspn(rule, ",");

        if (!has_item(other, rule, length))
            append(text, size, ", %.*s", (int)length, rule);
        rule += length;
    }
}

/* Appends what tells a set from the first other one that has the same description. */
static void append_twin(const struct feature_sets *sets, size_t index, char *text, size_t size)
{
    const struct feature_set *set = &sets->items[index], *twin = NULL;
    char described[ITEM_TEXT], other[ITEM_TEXT], digest[HASH_TEXT];

    feature_set_describe(set, described, sizeof described);
    for (size_t i = 0; i < sets->count && twin == NULL; i++) {
        feature_set_describe(&sets->items[i], other, sizeof other);
        if (i != index && strcmp(described, other) == 0)
            twin = &sets->items[i];
    }
    if (twin == NULL)
        return;
    hash_to_text(&set->network, digest);
    if (!hash_equal(&set->network, &twin->network))
        append(text, size, ", sha256 %.12s", digest);
    append_rule(text, size, set->preprocessing, twin->preprocessing);
    if (set->engine != twin->engine)
        append(text, size, ", engine %" PRId64, set->engine);
}

static void list_sets(const struct feature_sets *sets, char *text, size_t size)
{
    *text = '\0';
    for (size_t i = 0; i < sets->count; i++) {
        char item[ITEM_TEXT];

        feature_set_describe(&sets->items[i], item, sizeof item);
        append(text, size, "%s%" PRId64 " (%s", i > 0 ? ", " : "", sets->items[i].id, item);
        append_twin(sets, i, text, size);
        append(text, size, ")");
    }
}

int feature_sets_choose(const struct feature_sets *sets, size_t id, const char *database,
                        const struct feature_set **chosen, struct error *error)
{
    char list[LIST_TEXT];

    *chosen = NULL;
    if (sets->count == 0)
        return error_set(error, "'%s' holds no vectors yet: run bottleneck-extract first",
                         database);
    if (id == 0 && sets->count == 1)
        *chosen = &sets->items[0];
    else if (id > 0)
        *chosen = find(sets, id);
    if (*chosen != NULL)
        return 0;
    list_sets(sets, list, sizeof list);
    if (id > 0)
        return error_set(error, "'%s' has no feature set %zu, it holds %s", database, id, list);
    return error_set(error, "'%s' holds %zu feature sets, choose one with --features ID: %s",
                     database, sets->count, list);
}

int feature_sets_match(const struct feature_sets *sets, const struct feature_set *wanted,
                       size_t id, const char *database, const struct feature_set **matched,
                       struct error *error)
{
    const struct feature_set *nearest = NULL;
    char differing[LIST_TEXT], fields[LIST_TEXT] = "", model[ITEM_TEXT], held[ITEM_TEXT];
    size_t fewest = SIZE_MAX;

    if (id > 0 || sets->count == 0) {
        if (feature_sets_choose(sets, id, database, &nearest, error) < 0)
            return FAILED;
        fewest = feature_set_difference(wanted, nearest, fields, sizeof fields);
    }
    for (size_t i = 0; i < sets->count && id == 0; i++) {
        size_t differences = feature_set_difference(wanted, &sets->items[i], differing,
                                                    sizeof differing);

        if (differences < fewest) {
            fewest = differences;
            nearest = &sets->items[i];
            memcpy(fields, differing, sizeof fields);
        }
    }
    *matched = nearest;
    if (fewest == 0)
        return 0;
    feature_set_describe(wanted, model, sizeof model);
    feature_set_describe(nearest, held, sizeof held);
    return error_set(error,
                     "the model was trained on %s; '%s' holds %s as feature set %" PRId64 "%s: "
                     "they differ in %s", model, database, held, nearest->id,
                     id == 0 && sets->count > 1 ? ", the nearest" : "", fields);
}
