/*
 * features.db: networks, feature sets, images, samples, vectors, refusals, experiments.
 * features.db.schema, embedded at build time, says what every column means. This is the only
 * module that sees SQLite.
 *
 *     store_open("features.db", STORE_CREATE, &store, &error);
 *     store_begin(store, &error);
 *     store_put_network(store, &network, &network_id, &error);
 *     store_put_feature_set(store, &feature_set, &feature_set_id, &error);
 *     store_put_image(store, &image, &image_id, &error);
 *     store_put_vector(store, feature_set_id, image_id, "original", vector, dimension, &error);
 *     store_put_sample(store, &sample, &error);
 *     store_commit(store, &error);
 *     store_close(store);
 *
 * Functions return 0, FAILED with a message that names the database, or STORE_NOT_FOUND where
 * that is said. "Put" is idempotent: what is there already is found, not doubled, so that two
 * programs may fill one database at the same time. A handle belongs to one thread at a time.
 * Texts and vectors that a callback receives are valid during the call only; a callback may ask
 * the store, but not for what it is being called with, and only store_each_path's may write.
 */
#ifndef COMMON_STORE_H
#define COMMON_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/hash.h"

struct store;

enum { STORE_NOT_FOUND = -2, STORE_OUTDATED = -3 };

/* The view of an image as it is; augmentation gives others. */
#define STORE_VIEW_ORIGINAL "original"

enum store_mode {
    STORE_READ,    /* the file must exist; nothing is written, not even a migration */
    STORE_WRITE,   /* the file must exist */
    STORE_CREATE   /* made when it is not there */
};

/* Opens a database, migrating an older schema in a transaction; not with STORE_READ: an older
 * schema is then STORE_OUTDATED, with a message. FAILED when it is not a database, belongs to
 * another application, has a newer schema, is locked for longer than the busy timeout, or cannot
 * be written as asked. */
int store_open(const char *path, enum store_mode mode, struct store **store, struct error *error);

/* Rolls back what was not committed. NULL is allowed. */
void store_close(struct store *store);

/* A write transaction: everything between is stored or nothing (after a commit that FAILED too).
 * They do not nest. Others cannot write meanwhile: keep it short, no network inside. */
int store_begin(struct store *store, struct error *error);
int store_commit(struct store *store, struct error *error);

/* Instead of store_begin where nothing is written: one state of the file for all questions until
 * the commit or rollback, and one lock instead of one for each. */
int store_begin_reading(struct store *store, struct error *error);
void store_rollback(struct store *store);

struct store_network {
    struct hash hash;
    const char *name, *format;
    uint64_t bytes;
};

struct store_feature_set {
    int64_t id;                   /* filled in when read */
    int64_t network_id;
    const char *layer, *pooling, *preprocessing;
    int64_t engine;
    size_t dimension;
    struct store_network network; /* filled in when read */
    size_t vectors;               /* filled in when read: how many are cached */
};

struct store_image {
    struct hash hash;
    const char *format;
    size_t width, height;
    uint64_t bytes;
};

struct store_sample {
    const char *path;
    int64_t image_id;
    const char *label, *split, *group;  /* NULL: none */
    int64_t modified_ns;
    struct hash hash;                   /* of the image; filled in when read */
};

/* ---- what bottleneck-extract asks ------------------------------------------------------- */

int store_put_network(struct store *store, const struct store_network *network, int64_t *id,
                      struct error *error);

/* FAILED when the same key is there with another dimension. */
int store_put_feature_set(struct store *store, const struct store_feature_set *feature_set,
                          int64_t *id, struct error *error);

int store_put_image(struct store *store, const struct store_image *image, int64_t *id,
                    struct error *error);

/* The image with this content, or STORE_NOT_FOUND. */
int store_find_image(struct store *store, const struct hash *hash, int64_t *id,
                     struct error *error);

/* 0 when the vector is cached, else STORE_NOT_FOUND. */
int store_find_vector(struct store *store, int64_t feature_set_id, int64_t image_id,
                      const char *view, struct error *error);

/* vector: [dimension]; FAILED when a number is not finite. */
int store_put_vector(struct store *store, int64_t feature_set_id, int64_t image_id,
                     const char *view, const float *vector, size_t dimension,
                     struct error *error);

/* Inserts, or replaces the row of the same path. Removes a refusal of that path. */
int store_put_sample(struct store *store, const struct store_sample *sample, struct error *error);

/* 0 when the row of this path is there just so, its image included, and no refusal of the path;
 * else STORE_NOT_FOUND: then store_put_sample would change something. */
int store_find_sample(struct store *store, const struct store_sample *sample,
                      struct error *error);

/* The content of the file at `path` when it was last hashed, if its size and modification time
 * are still these; else STORE_NOT_FOUND. */
int store_find_unchanged(struct store *store, const char *path, uint64_t bytes,
                         int64_t modified_ns, struct hash *hash, struct error *error);

/* Records why a file was refused; removes the sample of that path. */
int store_put_refusal(struct store *store, const char *path, const char *reason,
                      struct error *error);

/* Calls back with the path of every sample and refusal below `folder` ("" is every one), in byte
 * order; a path is below "a" when it begins with "a/". Stops with the callback's outcome when
 * that is negative. */
typedef int store_path_callback(void *context, const char *path, struct error *error);
int store_each_path(struct store *store, const char *folder, store_path_callback *callback,
                    void *context, struct error *error);

/* Forgets the sample and the refusal of a path; its image and vectors stay cached. */
int store_remove_path(struct store *store, const char *path, struct error *error);

/* ---- what bottleneck-classify asks ------------------------------------------------------ */

/* Every feature set, by id. */
typedef int store_feature_set_callback(void *context, const struct store_feature_set *feature_set,
                                       struct error *error);
int store_each_feature_set(struct store *store, store_feature_set_callback *callback,
                           void *context, struct error *error);

/* Every sample that has the vector of this feature set and view, by path in byte order; with
 * `split` not NULL only that split's. vector: [dimension]. FAILED for a blob of the wrong size. */
typedef int store_vector_callback(void *context, const struct store_sample *sample,
                                  const float *vector, size_t dimension, struct error *error);
int store_each_vector(struct store *store, int64_t feature_set_id, const char *view,
                      const char *split, store_vector_callback *callback, void *context,
                      struct error *error);

/* As store_each_vector, but only the samples whose path is wanted: the vectors of the others are
 * not read. Both functions get the same context. */
typedef bool store_path_filter(void *context, const char *path);
int store_each_wanted_vector(struct store *store, int64_t feature_set_id, const char *view,
                             const char *split, store_path_filter *wanted,
                             store_vector_callback *callback, void *context, struct error *error);

/* The view of every vector of this feature set that a sample has, sample by sample; with `split`
 * not NULL only that split's, with `labelled` only those of samples with a label. */
typedef int store_view_callback(void *context, const char *view, struct error *error);
int store_each_view(struct store *store, int64_t feature_set_id, const char *split, bool labelled,
                    store_view_callback *callback, void *context, struct error *error);

/* Samples counted per split and label, in their order; NULL first. */
struct store_count {
    const char *split, *label;
    size_t samples;
};
typedef int store_count_callback(void *context, const struct store_count *count,
                                 struct error *error);
int store_each_count(struct store *store, store_count_callback *callback, void *context,
                     struct error *error);

/* Every refusal, by path in byte order. */
typedef int store_refusal_callback(void *context, const char *path, const char *reason,
                                   struct error *error);
int store_each_refusal(struct store *store, store_refusal_callback *callback, void *context,
                       struct error *error);

/* ---- experiments ------------------------------------------------------------------------ */

struct store_experiment {
    int64_t id;              /* filled in when read */
    const char *command;
    int64_t feature_set_id;  /* 0: none, or several, or (when read) deleted */
    struct hash samples;
    const char *settings, *result, *program;
    const char *created;     /* UTC, ISO 8601; filled in when read */
    double accuracy;         /* what the result says, NAN for nothing; filled in when read */
};

/* Records an experiment, with the time of the call. */
int store_put_experiment(struct store *store, const struct store_experiment *experiment,
                         int64_t *id, struct error *error);

/* What an experiment said about a sample; features.db.schema explains the fields. */
struct store_score {
    int64_t part, position;
    const char *path, *label;
    const double *scores;    /* [count] */
    size_t count;
};

int store_put_score(struct store *store, int64_t experiment_id, const struct store_score *score,
                    struct error *error);

/* Every experiment, by id. */
typedef int store_experiment_callback(void *context, const struct store_experiment *experiment,
                                      struct error *error);
int store_each_experiment(struct store *store, store_experiment_callback *callback, void *context,
                          struct error *error);

/* Calls back with the experiment of that id; STORE_NOT_FOUND when there is none. */
int store_find_experiment(struct store *store, int64_t id, store_experiment_callback *callback,
                          void *context, struct error *error);

/* Every text of the array `arguments` of an experiment's settings, in order. */
typedef int store_argument_callback(void *context, const char *argument, struct error *error);
int store_each_argument(struct store *store, int64_t experiment_id,
                        store_argument_callback *callback, void *context, struct error *error);

/* Every score of an experiment, by part and position. */
typedef int store_score_callback(void *context, const struct store_score *score,
                                 struct error *error);
int store_each_score(struct store *store, int64_t experiment_id, store_score_callback *callback,
                     void *context, struct error *error);

#endif
