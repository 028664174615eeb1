#include "extract/cache.h"

void cache_init(struct cache *cache, struct store *store, const int64_t *feature_set_ids,
                size_t feature_set_count, const char *view)
{
    *cache = (struct cache){
        .store = store,
        .feature_set_ids = feature_set_ids,
        .feature_set_count = feature_set_count,
        .view = view,
    };
    pthread_mutex_init(&cache->lock, NULL);
}

void cache_destroy(struct cache *cache)
{
    pthread_mutex_destroy(&cache->lock);
}

int cache_find(struct cache *cache, const struct hash *hash, int64_t *image_id,
               struct error *error)
{
    int outcome;

    pthread_mutex_lock(&cache->lock);
    outcome = store_find_image(cache->store, hash, image_id, error);
    for (size_t i = 0; outcome == 0 && i < cache->feature_set_count; i++)
        outcome = store_find_vector(cache->store, cache->feature_set_ids[i], *image_id,
                                    cache->view, error);
    pthread_mutex_unlock(&cache->lock);
    return outcome;
}

int cache_find_unchanged(struct cache *cache, const char *path, const struct file_times *times,
                         struct hash *hash, struct error *error)
{
    int outcome;

    pthread_mutex_lock(&cache->lock);
    outcome = store_find_unchanged(cache->store, path, times->size, times->modified_ns, hash,
                                   error);
    pthread_mutex_unlock(&cache->lock);
    return outcome;
}
