#include "common/store_private.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

int store_begin(struct store *store, struct error *error)
{
    struct query query = query_begin(store, BEGIN);

    assert(sqlite3_get_autocommit(store->database));
    return query_run(&query, error);
}

int store_begin_reading(struct store *store, struct error *error)
{
    struct query query = query_begin(store, BEGIN_READING);

    assert(sqlite3_get_autocommit(store->database));
    return query_run(&query, error);
}

/* After a failure nothing stays half done: SQLite keeps the transaction open when only the lock
 * was missing. */
int store_commit(struct store *store, struct error *error)
{
    struct query query = query_begin(store, COMMIT);
    int outcome = query_run(&query, error);

    if (outcome < 0)
        store_rollback(store);
    return outcome;
}

void store_rollback(struct store *store)
{
    struct error ignored;
    struct query query;

    /* SQLite has rolled back already after a full disk or an I/O error. */
    if (sqlite3_get_autocommit(store->database))
        return;
    query = query_begin(store, ROLLBACK);
    query_run(&query, &ignored);
}

/* Runs two statements that belong together, in a transaction of their own when none is open. */
static int run_both(struct store *store, struct query *first, struct query *second,
                    struct error *error)
{
    bool alone = sqlite3_get_autocommit(store->database) != 0;
    int outcome = alone ? store_begin(store, error) : 0;

    if (outcome == 0)
        outcome = query_run(first, error);
    if (outcome == 0)
        outcome = query_run(second, error);
    if (alone && outcome == 0)
        return store_commit(store, error);
    if (alone)
        store_rollback(store);
    query_end(first);
    query_end(second);
    return outcome;
}

/* ---- networks, feature sets, images ----------------------------------------------------- */

static int find_hash(struct store *store, enum statement which, const struct hash *hash,
                     int64_t *id, struct error *error)
{
    struct query query = query_begin(store, which);

    query_bind_blob(&query, hash->bytes, HASH_BYTES);
    return query_integer(&query, id, error);
}

int store_put_network(struct store *store, const struct store_network *network, int64_t *id,
                      struct error *error)
{
    struct query query = query_begin(store, INSERT_NETWORK);

    query_bind_blob(&query, network->hash.bytes, HASH_BYTES);
    query_bind_text(&query, network->name);
    query_bind_text(&query, network->format);
    query_bind_integer(&query, (int64_t)network->bytes);
    if (query_run(&query, error) < 0)
        return FAILED;
    return find_hash(store, FIND_NETWORK, &network->hash, id, error);
}

static void bind_feature_set_key(struct query *query, const struct store_feature_set *feature_set)
{
    query_bind_integer(query, feature_set->network_id);
    query_bind_text(query, feature_set->layer);
    query_bind_text(query, feature_set->pooling);
    query_bind_text(query, feature_set->preprocessing);
    query_bind_integer(query, feature_set->engine);
}

/* How many numbers a vector of the feature set has. */
static int find_dimension(struct store *store, int64_t feature_set_id, size_t *dimension,
                          struct error *error)
{
    struct query query = query_begin(store, FIND_DIMENSION);
    int64_t number = 0;
    int outcome;

    query_bind_integer(&query, feature_set_id);
    outcome = query_integer(&query, &number, error);
    if (outcome == STORE_NOT_FOUND)
        return error_set(error, "'%s' has no feature set %" PRId64, store->path,
                         feature_set_id);
    if (outcome == 0 && number < 1)
        return error_set(error, "'%s' is damaged: feature set %" PRId64 " has %" PRId64
                         " dimensions", store->path, feature_set_id, number);
    *dimension = (size_t)number;
    return outcome;
}

int store_put_feature_set(struct store *store, const struct store_feature_set *feature_set,
                          int64_t *id, struct error *error)
{
    struct query query = query_begin(store, INSERT_FEATURE_SET);
    size_t dimension = 0;

    bind_feature_set_key(&query, feature_set);
    query_bind_integer(&query, (int64_t)feature_set->dimension);
    if (query_run(&query, error) < 0)
        return FAILED;
    query = query_begin(store, FIND_FEATURE_SET);
    bind_feature_set_key(&query, feature_set);
    if (query_integer(&query, id, error) < 0 || find_dimension(store, *id, &dimension, error) < 0)
        return FAILED;
    if (dimension != feature_set->dimension)
        return error_set(error, "'%s' has layer '%s' of this network with %zu dimensions, not %zu",
                         store->path, feature_set->layer, dimension, feature_set->dimension);
    return 0;
}

int store_put_image(struct store *store, const struct store_image *image, int64_t *id,
                    struct error *error)
{
    struct query query = query_begin(store, INSERT_IMAGE);

    query_bind_blob(&query, image->hash.bytes, HASH_BYTES);
    query_bind_text(&query, image->format);
    query_bind_integer(&query, (int64_t)image->width);
    query_bind_integer(&query, (int64_t)image->height);
    query_bind_integer(&query, (int64_t)image->bytes);
    if (query_run(&query, error) < 0)
        return FAILED;
    return store_find_image(store, &image->hash, id, error);
}

int store_find_image(struct store *store, const struct hash *hash, int64_t *id,
                     struct error *error)
{
    return find_hash(store, FIND_IMAGE, hash, id, error);
}

/* ---- vectors ---------------------------------------------------------------------------- */

/* Between this machine's floats and IEEE 754 in little-endian order, either way; in, out: [count]
 * numbers of four bytes, at any alignment. */
static void convert_floats(const void *in, size_t count, void *out)
{
    if (htole32(1) == 1) {
        memcpy(out, in, 4 * count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, (const char *)in + 4 * i, sizeof bits);
        bits = htole32(bits);
        memcpy((char *)out + 4 * i, &bits, sizeof bits);
    }
}

int store_find_vector(struct store *store, int64_t feature_set_id, int64_t image_id,
                      const char *view, struct error *error)
{
    struct query query = query_begin(store, FIND_VECTOR);
    int64_t id;

    query_bind_integer(&query, feature_set_id);
    query_bind_integer(&query, image_id);
    query_bind_text(&query, view);
    return query_integer(&query, &id, error);
}

static int check_vector(struct store *store, int64_t feature_set_id, const float *vector,
                        size_t dimension, struct error *error)
{
    size_t expected = 0;

    if (find_dimension(store, feature_set_id, &expected, error) < 0)
        return FAILED;
    if (dimension != expected)
        return error_set(error, "feature set %" PRId64 " of '%s' takes vectors of %zu numbers, not "
                         "%zu", feature_set_id, store->path, expected, dimension);
    for (size_t i = 0; i < dimension; i++)
        if (!isfinite(vector[i]))
            return error_set(error, "number %zu of the vector is %s", i,
                             isnan(vector[i]) ? "not a number" : "infinite");
    return 0;
}

int store_put_vector(struct store *store, int64_t feature_set_id, int64_t image_id,
                     const char *view, const float *vector, size_t dimension,
                     struct error *error)
{
    size_t bytes = dimension * sizeof *vector;
    struct query query;

    if (check_vector(store, feature_set_id, vector, dimension, error) < 0 ||
        buffer_reserve(&store->blob, bytes, error) < 0)
        return FAILED;
    convert_floats(vector, dimension, store->blob.data);
    query = query_begin(store, INSERT_VECTOR);
    query_bind_integer(&query, feature_set_id);
    query_bind_integer(&query, image_id);
    query_bind_text(&query, view);
    query_bind_blob(&query, store->blob.data, bytes);
    return query_run(&query, error);
}

/* The row of EACH_VECTOR; vector: [dimension]. */
static int read_vector(const struct query *query, int64_t feature_set_id, size_t dimension,
                       struct store_sample *sample, float *vector, struct error *error)
{
    const void *data = sqlite3_column_blob(query->statement, 7);
    size_t bytes = (size_t)sqlite3_column_bytes(query->statement, 7);

    *sample = (struct store_sample){
        .path = query_column_text(query, 0),
        .image_id = query_column_integer(query, 1),
        .label = query_column_text(query, 2),
        .split = query_column_text(query, 3),
        .group = query_column_text(query, 4),
        .modified_ns = query_column_integer(query, 5),
    };
    if (bytes != dimension * sizeof *vector)
        return error_set(error, "'%s' is damaged: the vector of '%s' in feature set %" PRId64
                         " has %zu bytes, not %zu", query->store->path, sample->path,
                         feature_set_id, bytes, dimension * sizeof *vector);
    convert_floats(data, dimension, vector);
    return query_column_hash(query, 6, &sample->hash, error);
}

int store_each_vector(struct store *store, int64_t feature_set_id, const char *view,
                      const char *split, store_vector_callback *callback, void *context,
                      struct error *error)
{
    return store_each_wanted_vector(store, feature_set_id, view, split, NULL, callback, context,
                                    error);
}

int store_each_wanted_vector(struct store *store, int64_t feature_set_id, const char *view,
                             const char *split, store_path_filter *wanted,
                             store_vector_callback *callback, void *context, struct error *error)
{
    struct store_sample sample;
    struct query query;
    size_t dimension = 0;
    float *vector;
    int outcome;

    if (find_dimension(store, feature_set_id, &dimension, error) < 0)
        return FAILED;
    vector = memory_allocate_aligned(dimension, sizeof *vector, error);
    if (vector == NULL)
        return FAILED;
    query = query_begin(store, EACH_VECTOR);
    query_bind_integer(&query, feature_set_id);
    query_bind_text(&query, view);
    query_bind_text(&query, split);
    while ((outcome = query_next(&query, error)) > 0) {
        if (wanted != NULL && !wanted(context, query_column_text(&query, 0)))
            continue;
        outcome = read_vector(&query, feature_set_id, dimension, &sample, vector, error);
        if (outcome == 0)
            outcome = callback(context, &sample, vector, dimension, error);
        if (outcome < 0)
            break;
    }
    query_end(&query);
    free(vector);
    return outcome;
}

int store_each_view(struct store *store, int64_t feature_set_id, const char *split, bool labelled,
                    store_view_callback *callback, void *context, struct error *error)
{
    struct query query = query_begin(store, EACH_VIEW);
    int outcome;

    query_bind_integer(&query, feature_set_id);
    query_bind_text(&query, split);
    query_bind_integer(&query, labelled);
    while ((outcome = query_next(&query, error)) > 0) {
        outcome = callback(context, query_column_text(&query, 0), error);
        if (outcome < 0)
            break;
    }
    query_end(&query);
    return outcome;
}

/* ---- samples and refusals --------------------------------------------------------------- */

static void bind_sample(struct query *query, const struct store_sample *sample)
{
    query_bind_text(query, sample->path);
    query_bind_integer(query, sample->image_id);
    query_bind_text(query, sample->label);
    query_bind_text(query, sample->split);
    query_bind_text(query, sample->group);
    query_bind_integer(query, sample->modified_ns);
}

int store_put_sample(struct store *store, const struct store_sample *sample, struct error *error)
{
    struct query put = query_begin(store, PUT_SAMPLE);
    struct query delete = query_begin(store, DELETE_REFUSAL);

    bind_sample(&put, sample);
    query_bind_text(&delete, sample->path);
    return run_both(store, &put, &delete, error);
}

int store_find_sample(struct store *store, const struct store_sample *sample,
                      struct error *error)
{
    struct query query = query_begin(store, FIND_SAMPLE);
    int64_t id;

    bind_sample(&query, sample);
    return query_integer(&query, &id, error);
}

int store_find_unchanged(struct store *store, const char *path, uint64_t bytes,
                         int64_t modified_ns, struct hash *hash, struct error *error)
{
    struct query query = query_begin(store, FIND_UNCHANGED);
    int outcome;

    query_bind_text(&query, path);
    query_bind_integer(&query, (int64_t)bytes);
    query_bind_integer(&query, modified_ns);
    outcome = query_next(&query, error);
    if (outcome <= 0)
        return outcome == 0 ? STORE_NOT_FOUND : FAILED;
    outcome = query_column_hash(&query, 0, hash, error);
    query_end(&query);
    return outcome;
}

int store_put_refusal(struct store *store, const char *path, const char *reason,
                      struct error *error)
{
    struct query put = query_begin(store, PUT_REFUSAL);
    struct query delete = query_begin(store, DELETE_SAMPLE);

    query_bind_text(&put, path);
    query_bind_text(&put, reason);
    query_bind_text(&delete, path);
    return run_both(store, &put, &delete, error);
}

int store_remove_path(struct store *store, const char *path, struct error *error)
{
    struct query sample = query_begin(store, DELETE_SAMPLE);
    struct query refusal = query_begin(store, DELETE_REFUSAL);

    query_bind_text(&sample, path);
    query_bind_text(&refusal, path);
    return run_both(store, &sample, &refusal, error);
}

/* *path: a copy of the first path behind `after` and, unless `before` is empty, before that. */
static int next_path(struct store *store, const char *after, const char *before, char **path,
                     struct error *error)
{
    struct query query = query_begin(store, NEXT_PATH);
    const char *found;
    int outcome;

    query_bind_text(&query, after);
    if (*before != '\0')
        query_bind_text(&query, before);
    else
        query_bind_blob(&query, "", 0);  /* every blob comes after every text */
    *path = NULL;
    outcome = query_next(&query, error);
    if (outcome <= 0)
        return outcome;
    found = query_column_text(&query, 0);
    if (found == NULL) {
        outcome = STORE_NOT_FOUND;
    } else if (strlen(found) != (size_t)sqlite3_column_bytes(query.statement, 0)) {
        /* Looking behind the part before the NUL would find the same path for ever. */
        outcome = error_set(error, "'%s' is damaged: a path goes on after a NUL: '%s'",
                            store->path, found);
    } else {
        *path = memory_copy_text(found, error);
        outcome = *path != NULL ? 0 : FAILED;
    }
    query_end(&query);
    return outcome;
}

/* The paths below "a" are those between "a/" and "a0": '0' is the character behind '/'. One
 * query a path, so that the callback may change what it is shown. */
int store_each_path(struct store *store, const char *folder, store_path_callback *callback,
                    void *context, struct error *error)
{
    size_t length = strlen(folder);
    char *path = memory_allocate(length + 2, 1, error);
    char *before = memory_allocate(length + 2, 1, error);
    int outcome = path != NULL && before != NULL ? 0 : FAILED;

    if (outcome == 0 && length > 0) {
        length -= folder[length - 1] == '/';
        snprintf(path, length + 2, "%.*s/", (int)length, folder);
        snprintf(before, length + 2, "%.*s0", (int)length, folder);
    }
    while (outcome == 0) {
        char *next;

        outcome = next_path(store, path, before, &next, error);
        if (outcome == 0)
            outcome = callback(context, next, error);
        free(path);
        path = next;
    }
    free(path);
    free(before);
    return outcome == STORE_NOT_FOUND ? 0 : outcome;
}

int store_each_refusal(struct store *store, store_refusal_callback *callback, void *context,
                       struct error *error)
{
    struct query query = query_begin(store, EACH_REFUSAL);
    int outcome;

    while ((outcome = query_next(&query, error)) > 0) {
        outcome = callback(context, query_column_text(&query, 0), query_column_text(&query, 1),
                           error);
        if (outcome < 0)
            break;
    }
    query_end(&query);
    return outcome;
}

/* ---- what is there ---------------------------------------------------------------------- */

int store_each_feature_set(struct store *store, store_feature_set_callback *callback,
                           void *context, struct error *error)
{
    struct query query = query_begin(store, EACH_FEATURE_SET);
    int outcome;

    while ((outcome = query_next(&query, error)) > 0) {
        struct store_feature_set feature_set = {
            .id = query_column_integer(&query, 0),
            .network_id = query_column_integer(&query, 1),
            .layer = query_column_text(&query, 2),
            .pooling = query_column_text(&query, 3),
            .preprocessing = query_column_text(&query, 4),
            .engine = query_column_integer(&query, 5),
            .dimension = (size_t)query_column_integer(&query, 6),
            .vectors = (size_t)query_column_integer(&query, 7),
            .network.name = query_column_text(&query, 9),
            .network.format = query_column_text(&query, 10),
            .network.bytes = (uint64_t)query_column_integer(&query, 11),
        };

        outcome = query_column_hash(&query, 8, &feature_set.network.hash, error);
        if (outcome == 0)
            outcome = callback(context, &feature_set, error);
        if (outcome < 0)
            break;
    }
    query_end(&query);
    return outcome;
}

int store_each_count(struct store *store, store_count_callback *callback, void *context,
                     struct error *error)
{
    struct query query = query_begin(store, EACH_COUNT);
    int outcome;

    while ((outcome = query_next(&query, error)) > 0) {
        struct store_count count = {
            .split = query_column_text(&query, 0),
            .label = query_column_text(&query, 1),
            .samples = (size_t)query_column_integer(&query, 2),
        };

        outcome = callback(context, &count, error);
        if (outcome < 0)
            break;
    }
    query_end(&query);
    return outcome;
}
