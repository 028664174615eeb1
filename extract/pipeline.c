#include "extract/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/memory.h"
#include "common/progress.h"
#include "extract/loader.h"

/* A transaction holds the results of this time at least, as far as they are not too many: it waits
 * for the disk 5 to 10 ms, as long as a small network takes for two images. 120 photos through
 * mobilenet_v2: 1.28 s with one a batch, 1.14 s so. */
static const double transaction_seconds = 0.5;

/* At most so many samples and bytes of vectors: another program waits briefly, and the transaction
 * fits into the store's cache. */
enum { MAX_SETTLED = 512, MAX_VECTOR_BYTES = 8 << 20 };

/* A sample whose outcome is known, or will be when its batch has run. */
struct settled {
    const struct sample *sample;
    enum pipeline_outcome outcome;
    struct hash hash;
    struct file_times times;
    struct decode_info info;  /* PIPELINE_EXTRACTED */
    struct view_list views;   /* PIPELINE_EXTRACTED: what is computed */
    size_t place;             /* PIPELINE_EXTRACTED: of the first one's vectors, those of the others
                                 behind it */
    int64_t image_id;         /* PIPELINE_CACHED, unless it has the content of a sample that is */
    bool is_repeated;         /* not written yet: then found by its hash */
    bool is_current;          /* PIPELINE_CACHED: there is nothing to write */
    char *reason;             /* PIPELINE_REFUSED */
};

struct pipeline {
    const struct pipeline_request *request;
    struct cache cache;
    struct pipeline_counts *counts;
    struct settled *settled;  /* [MAX_SETTLED] */
    size_t settled_count;
    double written;           /* progress_clock() of the last transaction */
    float *images;            /* [batch][height][width][3]: views that the network has not seen */
    size_t image_floats, image_count, batch;
    float **vectors;          /* [outputs] arrays [vector_room][dimension] */
    float **next_vectors;     /* [outputs]: where those of the next batch go */
    size_t vector_count, vector_room, output_count;
    struct error *error;
};

/* ---- writing ---------------------------------------------------------------------------- */

/* Every feature set's vector of one view. */
static int put_view(struct pipeline *pipeline, int64_t image_id, const struct view *view,
                    size_t place)
{
    for (size_t i = 0; i < pipeline->output_count; i++) {
        size_t dimension = network_output(pipeline->request->network, i)->dimension;

        if (store_put_vector(pipeline->request->store, pipeline->request->feature_set_ids[i],
                             image_id, view->name, pipeline->vectors[i] + place * dimension,
                             dimension, pipeline->error) < 0)
            return FAILED;
    }
    return 0;
}

static int put_image(struct pipeline *pipeline, const struct settled *settled, int64_t *id)
{
    struct store *store = pipeline->request->store;
    struct store_image image = {
        .hash = settled->hash,
        .format = settled->info.format,
        .width = settled->info.width,
        .height = settled->info.height,
        .bytes = settled->times.size,
    };

    if (store_put_image(store, &image, id, pipeline->error) < 0)
        return FAILED;
    for (size_t i = 0; i < settled->views.count; i++)
        if (put_view(pipeline, *id, settled->views.items[i], settled->place + i) < 0)
            return FAILED;
    return 0;
}

static int put_sample(struct pipeline *pipeline, const struct settled *settled)
{
    struct store_sample sample = cache_row(settled->sample, &settled->times);

    sample.image_id = settled->image_id;
    if (settled->outcome == PIPELINE_EXTRACTED &&
        put_image(pipeline, settled, &sample.image_id) < 0)
        return FAILED;
    if (settled->is_repeated && store_find_image(pipeline->request->store, &settled->hash,
                                                 &sample.image_id, pipeline->error) < 0)
        return FAILED;
    return store_put_sample(pipeline->request->store, &sample, pipeline->error);
}

static int put_settled(struct pipeline *pipeline, const struct settled *settled)
{
    struct store *store = pipeline->request->store;

    switch (settled->outcome) {
    case PIPELINE_EXTRACTED:
    case PIPELINE_CACHED:
        return put_sample(pipeline, settled);
    case PIPELINE_REFUSED:
        return store_put_refusal(store, settled->sample->path, settled->reason, pipeline->error);
    case PIPELINE_PASSED_OVER:
        break;
    }
    return store_remove_path(store, settled->sample->path, pipeline->error);
}

static bool is_something_new(const struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->settled_count; i++)
        if (!pipeline->settled[i].is_current)
            return true;
    return false;
}

static int write_settled(struct pipeline *pipeline)
{
    struct store *store = pipeline->request->store;

    if (!is_something_new(pipeline))
        return 0;
    if (store_begin(store, pipeline->error) < 0)
        return FAILED;
    for (size_t i = 0; i < pipeline->settled_count; i++) {
        if (!pipeline->settled[i].is_current &&
            put_settled(pipeline, &pipeline->settled[i]) < 0) {
            store_rollback(store);
            return FAILED;
        }
    }
    return store_commit(store, pipeline->error);
}

static void count_outcome(struct pipeline_counts *counts, enum pipeline_outcome outcome)
{
    size_t *const by_outcome[] = {
        [PIPELINE_EXTRACTED] = &counts->extracted,
        [PIPELINE_CACHED] = &counts->cached,
        [PIPELINE_REFUSED] = &counts->refused,
        [PIPELINE_PASSED_OVER] = &counts->passed_over,
    };

    ++*by_outcome[outcome];
}

static void report(struct pipeline *pipeline)
{
    const struct pipeline_request *request = pipeline->request;

    for (size_t i = 0; i < pipeline->settled_count; i++) {
        const struct settled *settled = &pipeline->settled[i];

        count_outcome(pipeline->counts, settled->outcome);
        if (settled->outcome == PIPELINE_EXTRACTED)
            pipeline->counts->views += settled->views.count;
        if (request->report != NULL)
            request->report(request->report_context, settled->sample->path, settled->outcome,
                            settled->reason);
    }
}

static void forget_settled(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->settled_count; i++)
        free(pipeline->settled[i].reason);
    pipeline->settled_count = 0;
    pipeline->vector_count = 0;
}

/* Runs the network over the views that have been gathered. */
static int run_network(struct pipeline *pipeline)
{
    struct network *network = pipeline->request->network;

    if (pipeline->image_count == 0)
        return 0;
    for (size_t i = 0; i < pipeline->output_count; i++)
        pipeline->next_vectors[i] =
            pipeline->vectors[i] + pipeline->vector_count * network_output(network, i)->dimension;
    if (network_run(network, pipeline->images, pipeline->image_count, pipeline->next_vectors,
                    pipeline->error) < 0)
        return FAILED;
    pipeline->vector_count += pipeline->image_count;
    pipeline->image_count = 0;
    return 0;
}

/* Writes everything that is settled, and reports it. */
static int flush(struct pipeline *pipeline)
{
    int outcome;

    if (run_network(pipeline) < 0)
        return FAILED;
    if (pipeline->settled_count == 0)
        return 0;
    pthread_mutex_lock(&pipeline->cache.lock);
    outcome = write_settled(pipeline);
    pthread_mutex_unlock(&pipeline->cache.lock);
    if (outcome == 0)
        report(pipeline);
    forget_settled(pipeline);
    pipeline->written = progress_clock();
    return outcome;
}

static bool is_flush_due(const struct pipeline *pipeline)
{
    if (pipeline->settled_count == MAX_SETTLED)
        return true;
    return pipeline->image_count == 0 &&
           (pipeline->vector_count + pipeline->batch > pipeline->vector_room ||
            progress_clock() - pipeline->written >= transaction_seconds);
}

/* ---- gathering a batch ------------------------------------------------------------------ */

static bool is_unwritten(const struct pipeline *pipeline, const struct hash *hash)
{
    for (size_t i = 0; i < pipeline->settled_count; i++)
        if (pipeline->settled[i].outcome == PIPELINE_EXTRACTED &&
            hash_equal(&pipeline->settled[i].hash, hash))
            return true;
    return false;
}

/* Gathers the views of an image; runs the network whenever a batch is full. */
static int gather(struct pipeline *pipeline, const struct loaded *loaded)
{
    for (size_t i = 0; i < loaded->views.count; i++) {
        memcpy(pipeline->images + pipeline->image_count * pipeline->image_floats,
               loaded->pixels + i * pipeline->image_floats,
               pipeline->image_floats * sizeof(float));
        if (++pipeline->image_count == pipeline->batch && run_network(pipeline) < 0)
            return FAILED;
    }
    return 0;
}

/* An image whose pixels are ready. Its content may have come into the database, or the images
 * before it, since the loader asked. */
static int settle_ready(struct pipeline *pipeline, const struct loaded *loaded,
                        struct settled *settled)
{
    struct store_sample row = cache_row(loaded->sample, &loaded->times);
    bool missing[VIEWS_MOST];
    int outcome;

    settled->outcome = PIPELINE_CACHED;
    settled->is_repeated = is_unwritten(pipeline, &loaded->hash);
    if (settled->is_repeated)
        return 0;
    outcome = cache_find(&pipeline->cache, &loaded->hash, &row, missing, &settled->is_current,
                         pipeline->error);
    settled->image_id = row.image_id;
    if (outcome != STORE_NOT_FOUND)
        return outcome;
    settled->outcome = PIPELINE_EXTRACTED;
    settled->info = loaded->info;
    settled->views = loaded->views;
    settled->place = pipeline->vector_count + pipeline->image_count;
    return gather(pipeline, loaded);
}

static int settle(struct pipeline *pipeline, const struct loaded *loaded)
{
    struct settled *settled = &pipeline->settled[pipeline->settled_count];

    *settled = (struct settled){
        .sample = loaded->sample,
        .hash = loaded->hash,
        .times = loaded->times,
        .image_id = loaded->image_id,
        .is_current = loaded->is_current,
    };
    switch (loaded->outcome) {
    case LOADED_READY:
        if (settle_ready(pipeline, loaded, settled) < 0)
            return FAILED;
        break;
    case LOADED_CACHED:
        settled->outcome = PIPELINE_CACHED;
        break;
    case LOADED_REFUSED:
        settled->outcome = PIPELINE_REFUSED;
        settled->reason = memory_copy_text(loaded->error.text, pipeline->error);
        if (settled->reason == NULL)
            return FAILED;
        break;
    case LOADED_PASSED_OVER:
        settled->outcome = PIPELINE_PASSED_OVER;
        break;
    case LOADED_FAILED:
        *pipeline->error = loaded->error;
        return FAILED;
    }
    pipeline->settled_count++;
    return 0;
}

/* Makes room for the vectors of one more image. */
static int make_room(struct pipeline *pipeline, const struct loaded *loaded)
{
    size_t wanted = pipeline->vector_count + pipeline->image_count + loaded->views.count;

    return wanted > pipeline->vector_room ? flush(pipeline) : 0;
}

static int run_samples(struct pipeline *pipeline, struct loader *loader)
{
    const volatile sig_atomic_t *stop = pipeline->request->stop;
    struct loaded *loaded;

    while ((stop == NULL || *stop == 0) && (loaded = loader_next(loader)) != NULL) {
        int outcome = make_room(pipeline, loaded);

        if (outcome == 0)
            outcome = settle(pipeline, loaded);
        loader_recycle(loader);
        if (outcome < 0)
            return FAILED;
        if (is_flush_due(pipeline) && flush(pipeline) < 0)
            return FAILED;
    }
    if (flush(pipeline) < 0)
        return FAILED;
    return stop != NULL && *stop != 0 ? PIPELINE_STOPPED : 0;
}

/* Paths that could not even be looked at. */
static int put_scan_refusals(struct pipeline *pipeline, const struct scan *scan)
{
    for (size_t i = 0; i < scan->refusal_count; i++) {
        struct sample sample = {.path = scan->refusals[i].path};
        struct loaded loaded = {.sample = &sample, .outcome = LOADED_REFUSED};

        error_set(&loaded.error, "%s", scan->refusals[i].reason);
        if (settle(pipeline, &loaded) < 0 || flush(pipeline) < 0)
            return FAILED;
    }
    return 0;
}

/* How many views' vectors are kept until they are written. */
static size_t choose_vector_room(const struct pipeline *pipeline)
{
    size_t bytes = 0, room, views = pipeline->request->views->count;

    for (size_t i = 0; i < pipeline->output_count; i++)
        bytes += network_output(pipeline->request->network, i)->dimension * sizeof(float);
    room = MAX_VECTOR_BYTES / bytes;
    if (room > MAX_SETTLED * views)
        room = MAX_SETTLED * views;
    return room > pipeline->batch + views - 1 ? room : pipeline->batch + views - 1;
}

static int allocate(struct pipeline *pipeline)
{
    size_t outputs = pipeline->output_count;
    struct error *error = pipeline->error;

    pipeline->vector_room = choose_vector_room(pipeline);
    pipeline->settled = memory_allocate(MAX_SETTLED, sizeof *pipeline->settled, error);
    pipeline->images = memory_allocate_aligned(pipeline->batch * pipeline->image_floats,
                                               sizeof(float), error);
    pipeline->vectors = memory_allocate(outputs, sizeof *pipeline->vectors, error);
    pipeline->next_vectors = memory_allocate(outputs, sizeof *pipeline->next_vectors, error);
    if (pipeline->settled == NULL || pipeline->images == NULL || pipeline->vectors == NULL ||
        pipeline->next_vectors == NULL)
        return FAILED;
    for (size_t i = 0; i < outputs; i++) {
        size_t dimension = network_output(pipeline->request->network, i)->dimension;

        pipeline->vectors[i] = memory_allocate_aligned(pipeline->vector_room * dimension,
                                                       sizeof(float), error);
        if (pipeline->vectors[i] == NULL)
            return FAILED;
    }
    return 0;
}

static void release(struct pipeline *pipeline)
{
    if (pipeline->settled != NULL)
        forget_settled(pipeline);
    for (size_t i = 0; i < pipeline->output_count && pipeline->vectors != NULL; i++)
        free(pipeline->vectors[i]);
    free(pipeline->next_vectors);
    free(pipeline->vectors);
    free(pipeline->images);
    free(pipeline->settled);
    cache_destroy(&pipeline->cache);
}

int pipeline_run(const struct pipeline_request *request, const struct scan *scan,
                 struct pipeline_counts *counts, struct error *error)
{
    const struct preprocess_rule *rule = request->rule;
    struct pipeline pipeline = {
        .request = request,
        .counts = counts,
        .image_floats = rule_numbers(rule),
        .batch = network_batch(request->network),
        .output_count = network_output_count(request->network),
        .written = progress_clock(),
        .error = error,
    };
    struct loader_request loading = {
        .samples = scan->samples,
        .sample_count = scan->sample_count,
        .rule = rule,
        .limits = request->limits,
        .cache = &pipeline.cache,
        .trust_times = request->trust_times,
        .threads = request->threads,
        .ahead = (pipeline.batch - 1) / request->views->count + 1 + 2 * request->threads,
    };
    struct loader *loader = NULL;
    int outcome = FAILED;

    *counts = (struct pipeline_counts){0};
    cache_init(&pipeline.cache, request->store, request->feature_set_ids, pipeline.output_count,
               request->views);
    if (allocate(&pipeline) == 0 && put_scan_refusals(&pipeline, scan) == 0 &&
        loader_create(&loading, &loader, error) == 0)
        outcome = run_samples(&pipeline, loader);
    loader_free(loader);
    release(&pipeline);
    return outcome;
}

/* ---- what is gone ----------------------------------------------------------------------- */

/* Paths whose rows are of the past: collected first, since the store does not change while it
 * lists. */
struct missing {
    char **paths;
    size_t count, capacity;
    size_t folders;  /* among them: refused folders, whose files are not gone */
    bool inside;     /* below the current folder, where absolute paths do not belong */
};

static bool is_outside(const char *path)
{
    return path[0] == '/' || strncmp(path, "../", 3) == 0;
}

/* What is at the path: S_IFREG also where that cannot be told, and for a link to nowhere; 0 where
 * nothing is. */
static mode_t type_of(const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0)
        return status.st_mode & S_IFMT;
    if ((errno == ENOENT || errno == ENOTDIR) && lstat(path, &status) != 0)
        return 0;
    return S_IFREG;
}

static int collect_missing(void *context, const char *path, struct error *error)
{
    struct missing *missing = context;
    mode_t type = type_of(path);
    void *paths = missing->paths;

    if (type == S_IFREG || (missing->inside && is_outside(path)))
        return 0;
    if (memory_grow(&paths, missing->count, &missing->capacity, sizeof *missing->paths, error) < 0)
        return FAILED;
    missing->paths = paths;
    missing->folders += type == S_IFDIR;
    missing->paths[missing->count] = memory_copy_text(path, error);
    return missing->paths[missing->count++] != NULL ? 0 : FAILED;
}

static int remove_missing(struct store *store, const struct missing *missing, struct error *error)
{
    if (missing->count == 0)
        return 0;
    if (store_begin(store, error) < 0)
        return FAILED;
    for (size_t i = 0; i < missing->count; i++) {
        if (store_remove_path(store, missing->paths[i], error) < 0) {
            store_rollback(store);
            return FAILED;
        }
    }
    return store_commit(store, error);
}

/* Asked in one transaction: a path takes 3 us less. */
int pipeline_forget_missing(struct store *store, const char *folder, size_t *forgotten,
                            struct error *error)
{
    struct missing missing = {.inside = strcmp(folder, ".") == 0};
    int outcome = store_begin_reading(store, error);

    if (outcome == 0)
        outcome = store_each_path(store, missing.inside ? "" : folder, collect_missing, &missing,
                                  error);
    if (outcome == 0)
        outcome = store_commit(store, error);
    store_rollback(store);
    if (outcome == 0)
        outcome = collect_missing(&missing, folder, error);
    if (outcome == 0)
        outcome = remove_missing(store, &missing, error);
    if (outcome == 0)
        *forgotten += missing.count - missing.folders;
    for (size_t i = 0; i < missing.count; i++)
        free(missing.paths[i]);
    free(missing.paths);
    return outcome;
}
