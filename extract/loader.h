/*
 * Images on their way to the network: threads read, hash, decode and preprocess ahead of it, and
 * hand the results over in the order of the samples.
 *
 *     loader_create(&request, &loader, &error);
 *     while ((loaded = loader_next(loader)) != NULL) {
 *         ... loaded->outcome, loaded->pixels ...
 *         loader_recycle(loader);
 *     }
 *     loader_free(loader);
 *
 * An image is decoded once for all of its views. A bounded number of results waits at any time, so
 * memory does not grow with the folder.
 */
#ifndef EXTRACT_LOADER_H
#define EXTRACT_LOADER_H

#include <stdbool.h>

#include "extract/cache.h"
#include "extract/decode/decode.h"
#include "extract/preprocess.h"
#include "extract/rules.h"
#include "extract/scan.h"

enum loaded_outcome {
    LOADED_READY,        /* pixels are what the network gets: the views that are not cached */
    LOADED_CACHED,       /* every vector of this content is in the database */
    LOADED_REFUSED,      /* the image cannot be used; the error says why */
    LOADED_PASSED_OVER,  /* found in a folder and plainly no image */
    LOADED_FAILED        /* the run cannot go on: no memory, or the database failed */
};

struct loaded {
    const struct sample *sample;
    enum loaded_outcome outcome;
    struct hash hash;
    struct file_times times;
    struct decode_info info;  /* LOADED_READY */
    int64_t image_id;         /* LOADED_CACHED */
    bool is_current;          /* LOADED_CACHED: the sample stands in the database just so */
    struct view_list views;   /* LOADED_READY */
    const float *pixels;      /* LOADED_READY: [views.count][rule.height][rule.width][3] */
    struct error error;       /* LOADED_REFUSED, LOADED_FAILED */
};

struct loader_request {
    const struct sample *samples;
    size_t sample_count;
    const struct preprocess_rule *rule;
    struct decode_limits limits;
    struct cache *cache;  /* its views are what is made of every image */
    bool trust_times;  /* files of unchanged size and time are not read again */
    size_t threads;
    size_t ahead;      /* how many results may wait */
};

struct loader;

/* The request's arrays must outlive the loader. */
int loader_create(const struct loader_request *request, struct loader **loader,
                  struct error *error);
/* Stops the threads, whatever is left. NULL is allowed. */
void loader_free(struct loader *loader);

/* The next result, waiting for it; NULL after the last. Valid until the next call of
 * loader_recycle, which gives back the oldest result. */
struct loaded *loader_next(struct loader *loader);
void loader_recycle(struct loader *loader);

#endif
