/*
 * Databases for tests, as bottleneck-extract leaves them.
 *
 *     struct stored *stored = stored_create();
 *     stored_set(stored, "a.onnx", 3);                            feature set 1
 *     stored_put(stored, 1, &(struct stored_sample){.path = "a.jpg", .vector = {1, 0, 0}});
 *     stored_open(stored);                                        what commands begin with
 *     stored_remove(stored);
 */
#ifndef TESTS_CLASSIFY_STORED_H
#define TESTS_CLASSIFY_STORED_H

#include <stdlib.h>
#include <string.h>

#include "classify/command.h"
#include "tests/helpers.h"

enum { STORED_MOST_NUMBERS = 32, STORED_MOST_SETS = 8 };

struct stored {
    char *folder;
    char *path;
    struct store *store;                      /* for writing; NULL once it is opened */
    struct command_database database;         /* for reading */
    size_t dimensions[STORED_MOST_SETS + 1];  /* by feature set */
};

struct stored_sample {
    const char *path, *label, *split, *group;
    const char *content;  /* NULL: the path; images with the same content are identical */
    float vector[STORED_MOST_NUMBERS];
};

static inline struct stored *stored_create(void)
{
    struct stored *stored = calloc(1, sizeof *stored);
    struct error error;

    assert_non_null(stored);
    stored->folder = scratch_create();
    stored->path = strdup(scratch_path(stored->folder, "f.db"));
    assert_int_equal(store_open(stored->path, STORE_CREATE, &stored->store, &error), 0);
    assert_int_equal(store_begin(stored->store, &error), 0);
    return stored;
}

/* Sets are numbered from 1. */
static inline void stored_set(struct stored *stored, const char *network, size_t dimension)
{
    struct store_network row = {
        .hash = hash_bytes(network, strlen(network)), .name = network, .format = "onnx",
        .bytes = 1,
    };
    struct store_feature_set set = {
        .layer = "cut", .pooling = "avg", .preprocessing = "p", .engine = 1,
        .dimension = dimension,
    };
    struct error error;
    int64_t id;

    assert_int_equal(store_put_network(stored->store, &row, &set.network_id, &error), 0);
    assert_int_equal(store_put_feature_set(stored->store, &set, &id, &error), 0);
    assert_in_range(id, 1, STORED_MOST_SETS);
    stored->dimensions[id] = dimension;
}

static inline void stored_put(struct stored *stored, int64_t set,
                              const struct stored_sample *wanted)
{
    const char *content = wanted->content != NULL ? wanted->content : wanted->path;
    struct store_image image = {
        .hash = hash_bytes(content, strlen(content)), .format = "png", .width = 1, .height = 1,
        .bytes = 1,
    };
    struct store_sample sample = {
        .path = wanted->path, .label = wanted->label, .split = wanted->split,
        .group = wanted->group,
    };
    struct error error;

    assert_int_equal(store_put_image(stored->store, &image, &sample.image_id, &error), 0);
    assert_int_equal(store_put_vector(stored->store, set, sample.image_id, STORE_VIEW_ORIGINAL,
                                      wanted->vector, stored->dimensions[set], &error), 0);
    assert_int_equal(store_put_sample(stored->store, &sample, &error), 0);
}

static inline void stored_open(struct stored *stored)
{
    const struct command_settings settings = {.database = stored->path};
    struct error error;

    assert_int_equal(store_commit(stored->store, &error), 0);
    store_close(stored->store);
    stored->store = NULL;
    assert_int_equal(command_database_open(&settings, &stored->database, &error), 0);
}

static inline void stored_remove(struct stored *stored)
{
    command_database_close(&stored->database);
    store_close(stored->store);
    scratch_remove(stored->folder);
    free(stored->path);
    free(stored);
}

#endif
