/*
 * Feature sets: what a vector is, and whether two vectors may be compared.
 *
 *     feature_sets_load(store, &sets, &error);
 *     feature_sets_choose(&sets, 0, "features.db", &chosen, &error);      the only one
 *     feature_sets_release(&sets);
 */
#ifndef CLASSIFY_FEATURE_SET_H
#define CLASSIFY_FEATURE_SET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/hash.h"
#include "common/json.h"
#include "common/store.h"

struct feature_set {
    int64_t id;         /* in its database; no part of the identity */
    size_t vectors;     /* how many its database holds; no part of the identity */
    struct hash network;
    char *network_name; /* no part of the identity: the hash decides */
    char *layer, *pooling, *preprocessing;
    int64_t engine;
    size_t dimension;
};

void feature_set_release(struct feature_set *set);

/* Writes the fields in which the two differ, "layer ('a' against 'b'), engine (1 against 2)", cut
 * to `size` bytes, and returns how many there are; 0: their vectors may be compared. */
size_t feature_set_difference(const struct feature_set *a, const struct feature_set *b,
                              char *text, size_t size);

/* Writes "squeezenet1.1.onnx concat22 avg, 512 numbers", cut to `size` bytes. */
void feature_set_describe(const struct feature_set *set, char *text, size_t size);

/* Writes an object with every field; `id` only where it has one. */
void feature_set_json(const struct feature_set *set, const char *key, struct json *json);

struct feature_sets {
    struct feature_set *items;  /* by id */
    size_t count, capacity;
};

int feature_sets_load(struct store *store, struct feature_sets *sets, struct error *error);
void feature_sets_release(struct feature_sets *sets);

/* The feature set with this id, or, for id 0, the only one. FAILED when there is none, or
 * several and none was chosen: the message lists them, with what differs where they are alike.
 * `database` is named in messages. */
int feature_sets_choose(const struct feature_sets *sets, size_t id, const char *database,
                        const struct feature_set **chosen, struct error *error);

/* The feature set whose vectors a model of `wanted` takes; id as above. FAILED with a message
 * that says what the model was trained on, what the database holds and where they differ. */
int feature_sets_match(const struct feature_sets *sets, const struct feature_set *wanted,
                       size_t id, const char *database, const struct feature_set **matched,
                       struct error *error);

#endif
