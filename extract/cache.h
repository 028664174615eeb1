/*
 * What the database knows already, asked by several threads: a store behind a lock, with the
 * feature sets and views of this run.
 */
#ifndef EXTRACT_CACHE_H
#define EXTRACT_CACHE_H

#include <pthread.h>

#include "common/file.h"
#include "common/store.h"
#include "extract/scan.h"
#include "extract/views.h"

struct cache {
    struct store *store;             /* not owned */
    const int64_t *feature_set_ids;  /* [feature_set_count], not owned */
    size_t feature_set_count;
    const struct views *views;       /* not owned */
    pthread_mutex_t lock;            /* whoever uses the store holds it */
};

void cache_init(struct cache *cache, struct store *store, const int64_t *feature_set_ids,
                size_t feature_set_count, const struct views *views);
void cache_destroy(struct cache *cache);

/* 0 and sample->image_id when the vectors of that content are there for every feature set and view;
 * STORE_NOT_FOUND, and in missing: [views->count] of which views not; FAILED. *is_current becomes
 * whether the sample stands in the database just so, the image included: then there is nothing to
 * write. Takes the lock. */
int cache_find(struct cache *cache, const struct hash *hash, struct store_sample *sample,
               bool *missing, bool *is_current, struct error *error);

/* The row of a file that was read at `times`; its image is not known yet. */
struct store_sample cache_row(const struct sample *sample, const struct file_times *times);

/* The content of a file that has not changed since it was hashed; STORE_NOT_FOUND; FAILED.
 * Takes the lock. */
int cache_find_unchanged(struct cache *cache, const char *path, const struct file_times *times,
                         struct hash *hash, struct error *error);

#endif
