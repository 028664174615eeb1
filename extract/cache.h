/*
 * What the database knows already, asked by several threads: a store behind a lock, with the
 * feature sets of this run.
 */
#ifndef EXTRACT_CACHE_H
#define EXTRACT_CACHE_H

#include <pthread.h>

#include "common/file.h"
#include "common/store.h"

struct cache {
    struct store *store;             /* not owned */
    const int64_t *feature_set_ids;  /* [feature_set_count], not owned */
    size_t feature_set_count;
    const char *view;
    pthread_mutex_t lock;            /* whoever uses the store holds it */
};

void cache_init(struct cache *cache, struct store *store, const int64_t *feature_set_ids,
                size_t feature_set_count, const char *view);
void cache_destroy(struct cache *cache);

/* 0 and the image's id when its vector is there for every feature set; STORE_NOT_FOUND; FAILED.
 * Takes the lock. */
int cache_find(struct cache *cache, const struct hash *hash, int64_t *image_id,
               struct error *error);

/* The content of a file that has not changed since it was hashed; STORE_NOT_FOUND; FAILED.
 * Takes the lock. */
int cache_find_unchanged(struct cache *cache, const char *path, const struct file_times *times,
                         struct hash *hash, struct error *error);

#endif
