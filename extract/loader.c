#include "extract/loader.h"

#include <stdlib.h>

#include "common/memory.h"

/* No image file is longer: the limit is there for what only begins like one. */
#define MAX_FILE_BYTES ((size_t)1 << 30)

struct slot {
    struct loaded loaded;
    float *pixels;
    bool ready;
};

struct loader {
    struct loader_request request;
    size_t floats;         /* of one image's pixels, in all views */
    struct slot *slots;    /* [request.ahead]: sample i is loaded into slot i % ahead */
    pthread_t *threads;
    size_t started;        /* threads */
    size_t next_sample;    /* the next that a thread will take */
    size_t next_result;    /* the next that loader_next will give */
    size_t recycled;       /* samples below this one have given their slot back */
    bool stopping;
    pthread_mutex_t lock;  /* over everything above */
    pthread_cond_t room, ready;
};

/* What a thread keeps between images. */
struct scratch {
    struct buffer bytes;
    struct image image;
    struct preprocess *preprocess;
};

static void set_failed(struct loaded *loaded)
{
    loaded->outcome = LOADED_FAILED;
}

/* Asks the cache for loaded->hash. True when that decides the outcome; else loaded->views are what
 * is missing. */
static bool is_settled_by_cache(const struct loader_request *request, struct loaded *loaded)
{
    const struct views *views = request->cache->views;
    struct store_sample row = cache_row(loaded->sample, &loaded->times);
    bool missing[VIEWS_MOST];
    int outcome = cache_find(request->cache, &loaded->hash, &row, missing, &loaded->is_current,
                             &loaded->error);

    loaded->views.count = 0;
    for (size_t i = 0; outcome == STORE_NOT_FOUND && i < views->count; i++)
        if (missing[i])
            loaded->views.items[loaded->views.count++] = &views->items[i];
    if (outcome == STORE_NOT_FOUND)
        return false;
    loaded->image_id = row.image_id;
    loaded->outcome = outcome == 0 ? LOADED_CACHED : LOADED_FAILED;
    return true;
}

/* With --trust-times, a file that looks as it did when it was hashed is not read. */
static bool is_settled_by_times(const struct loader_request *request, struct loaded *loaded)
{
    const char *path = loaded->sample->path;
    int outcome;

    if (!request->trust_times || file_stat(path, &loaded->times, &loaded->error) < 0)
        return false;
    outcome = cache_find_unchanged(request->cache, path, &loaded->times, &loaded->hash,
                                   &loaded->error);
    if (outcome == FAILED) {
        set_failed(loaded);
        return true;
    }
    return outcome == 0 && is_settled_by_cache(request, loaded);
}

static void decode(const struct loader_request *request, struct loaded *loaded,
                   struct scratch *scratch, float *pixels)
{
    const struct buffer *bytes = &scratch->bytes;
    const struct preprocess_window window = {scratch->preprocess, &loaded->views};
    struct decode_limits limits = request->limits;

    limits.choose_window = preprocess_window;
    limits.context = &window;
    loaded->outcome = LOADED_REFUSED;
    if (decode_image(loaded->sample->path, bytes->data, bytes->size, &limits, &scratch->image,
                     &loaded->info, &loaded->error) < 0) {
        if (!loaded->sample->named &&
            content_recognise(bytes->data, bytes->size, NULL) == CONTENT_NO_IMAGE)
            loaded->outcome = LOADED_PASSED_OVER;
        return;
    }
    if (preprocess_views(scratch->preprocess, &scratch->image, &loaded->views, pixels,
                         &loaded->error) < 0) {
        set_failed(loaded);
        return;
    }
    loaded->pixels = pixels;
    loaded->outcome = LOADED_READY;
}

/* A file that does not begin like an image is not read on: a folder may hold films and archives
 * of any length. */
static bool is_image(const struct buffer *head)
{
    enum content_kind kind = content_recognise(head->data, head->size, NULL);

    return kind == CONTENT_JPEG || kind == CONTENT_PNG;
}

static void load(const struct loader_request *request, struct loaded *loaded,
                 struct scratch *scratch, float *pixels)
{
    const char *path = loaded->sample->path;
    struct buffer *bytes = &scratch->bytes;
    int outcome;

    if (is_settled_by_times(request, loaded))
        return;
    outcome = file_read_if(path, CONTENT_HEAD, is_image, MAX_FILE_BYTES, bytes, &loaded->times,
                           &loaded->error);
    if (outcome == FAILED) {
        loaded->outcome = LOADED_REFUSED;
        return;
    }
    if (outcome == 0) {
        loaded->hash = hash_bytes(bytes->data, bytes->size);
        if (is_settled_by_cache(request, loaded))
            return;
    }
    decode(request, loaded, scratch, pixels);
}

/* Takes the number of the next sample, waiting until its slot is free. */
static bool take_sample(struct loader *loader, size_t *sample)
{
    bool taken = false;

    pthread_mutex_lock(&loader->lock);
    while (!loader->stopping && loader->next_sample < loader->request.sample_count &&
           loader->next_sample >= loader->recycled + loader->request.ahead)
        pthread_cond_wait(&loader->room, &loader->lock);
    if (!loader->stopping && loader->next_sample < loader->request.sample_count) {
        *sample = loader->next_sample++;
        taken = true;
    }
    pthread_mutex_unlock(&loader->lock);
    return taken;
}

static void *work(void *argument)
{
    struct loader *loader = argument;
    struct scratch scratch = {0};
    struct error error;
    bool failed = preprocess_create(loader->request.rule, &scratch.preprocess, &error) < 0;
    size_t sample;

    while (take_sample(loader, &sample)) {
        struct slot *slot = &loader->slots[sample % loader->request.ahead];

        slot->loaded = (struct loaded){.sample = &loader->request.samples[sample]};
        if (failed) {
            slot->loaded.error = error;
            set_failed(&slot->loaded);
        } else {
            load(&loader->request, &slot->loaded, &scratch, slot->pixels);
        }
        pthread_mutex_lock(&loader->lock);
        slot->ready = true;
        pthread_cond_signal(&loader->ready);
        pthread_mutex_unlock(&loader->lock);
    }
    buffer_release(&scratch.bytes);
    image_release(&scratch.image);
    preprocess_free(scratch.preprocess);
    return NULL;
}

static int start_threads(struct loader *loader, struct error *error)
{
    while (loader->started < loader->request.threads) {
        if (pthread_create(&loader->threads[loader->started], NULL, work, loader) != 0)
            return error_set(error, "cannot start a thread to read images");
        loader->started++;
    }
    return 0;
}

int loader_create(const struct loader_request *request, struct loader **out, struct error *error)
{
    struct loader *loader = memory_allocate(1, sizeof *loader, error);

    *out = NULL;
    if (loader == NULL)
        return FAILED;
    loader->request = *request;
    loader->floats = request->cache->views->count * rule_numbers(request->rule);
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->room, NULL);
    pthread_cond_init(&loader->ready, NULL);
    loader->slots = memory_allocate(request->ahead, sizeof *loader->slots, error);
    loader->threads = memory_allocate(request->threads, sizeof *loader->threads, error);
    if (loader->slots == NULL || loader->threads == NULL)
        goto failed;
    for (size_t i = 0; i < request->ahead; i++) {
        loader->slots[i].pixels = memory_allocate_aligned(loader->floats, sizeof(float), error);
        if (loader->slots[i].pixels == NULL)
            goto failed;
    }
    if (start_threads(loader, error) < 0)
        goto failed;
    *out = loader;
    return 0;
failed:
    loader_free(loader);
    return FAILED;
}

void loader_free(struct loader *loader)
{
    if (loader == NULL)
        return;
    pthread_mutex_lock(&loader->lock);
    loader->stopping = true;
    pthread_cond_broadcast(&loader->room);
    pthread_mutex_unlock(&loader->lock);
    for (size_t i = 0; i < loader->started; i++)
        pthread_join(loader->threads[i], NULL);
    for (size_t i = 0; loader->slots != NULL && i < loader->request.ahead; i++)
        free(loader->slots[i].pixels);
    free(loader->slots);
    free(loader->threads);
    pthread_cond_destroy(&loader->ready);
    pthread_cond_destroy(&loader->room);
    pthread_mutex_destroy(&loader->lock);
    free(loader);
}

struct loaded *loader_next(struct loader *loader)
{
    struct slot *slot;

    if (loader->next_result == loader->request.sample_count)
        return NULL;
    slot = &loader->slots[loader->next_result++ % loader->request.ahead];
    pthread_mutex_lock(&loader->lock);
    while (!slot->ready)
        pthread_cond_wait(&loader->ready, &loader->lock);
    pthread_mutex_unlock(&loader->lock);
    return &slot->loaded;
}

void loader_recycle(struct loader *loader)
{
    struct slot *slot = &loader->slots[loader->recycled % loader->request.ahead];

    pthread_mutex_lock(&loader->lock);
    slot->ready = false;
    loader->recycled++;
    pthread_cond_broadcast(&loader->room);
    pthread_mutex_unlock(&loader->lock);
}
