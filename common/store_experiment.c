#include "common/store_private.h"

#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

int store_put_experiment(struct store *store, const struct store_experiment *experiment,
                         int64_t *id, struct error *error)
{
    struct query query = query_begin(store, INSERT_EXPERIMENT);

    query_bind_text(&query, experiment->command);
    if (experiment->feature_set_id != 0)
        query_bind_integer(&query, experiment->feature_set_id);
    else
        query_bind_null(&query);
    query_bind_blob(&query, experiment->samples.bytes, HASH_BYTES);
    query_bind_text(&query, experiment->settings);
    query_bind_text(&query, experiment->result);
    query_bind_text(&query, experiment->program);
    if (query_run(&query, error) < 0)
        return FAILED;
    *id = sqlite3_last_insert_rowid(store->database);
    return 0;
}

/* Between this machine's doubles and IEEE 754 in little-endian order, either way; in, out: [count]
 * numbers of eight bytes, at any alignment. */
static void convert_doubles(const void *in, size_t count, void *out)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;

        memcpy(&bits, (const char *)in + sizeof bits * i, sizeof bits);
        bits = htole64(bits);
        memcpy((char *)out + sizeof bits * i, &bits, sizeof bits);
    }
}

int store_put_score(struct store *store, int64_t experiment_id, const struct store_score *score,
                    struct error *error)
{
    size_t bytes = score->count * sizeof *score->scores;
    struct query query;

    if (buffer_reserve(&store->blob, bytes, error) < 0)
        return FAILED;
    convert_doubles(score->scores, score->count, store->blob.data);
    query = query_begin(store, INSERT_SCORE);
    query_bind_integer(&query, experiment_id);
    query_bind_integer(&query, score->part);
    query_bind_integer(&query, score->position);
    query_bind_text(&query, score->path);
    query_bind_text(&query, score->label);
    query_bind_blob(&query, store->blob.data, bytes);
    return query_run(&query, error);
}

/* Shows the current row of EACH_EXPERIMENT or FIND_EXPERIMENT. */
static int show_experiment(const struct query *query, store_experiment_callback *callback,
                           void *context, struct error *error)
{
    struct store_experiment experiment = {
        .id = query_column_integer(query, 0),
        .command = query_column_text(query, 1),
        .feature_set_id = query_column_integer(query, 2),
        .settings = query_column_text(query, 4),
        .result = query_column_text(query, 5),
        .program = query_column_text(query, 6),
        .created = query_column_text(query, 7),
        .accuracy = sqlite3_column_type(query->statement, 8) != SQLITE_NULL
                        ? sqlite3_column_double(query->statement, 8) : (double)NAN,
    };

    if (query_column_hash(query, 3, &experiment.samples, error) < 0)
        return FAILED;
    return callback(context, &experiment, error);
}

int store_each_experiment(struct store *store, store_experiment_callback *callback, void *context,
                          struct error *error)
{
    struct query query = query_begin(store, EACH_EXPERIMENT);
    int outcome;

    while ((outcome = query_next(&query, error)) > 0) {
        outcome = show_experiment(&query, callback, context, error);
        if (outcome < 0)
            break;
    }
    query_end(&query);
    return outcome;
}

int store_find_experiment(struct store *store, int64_t id, store_experiment_callback *callback,
                          void *context, struct error *error)
{
    struct query query = query_begin(store, FIND_EXPERIMENT);
    int outcome;

    query_bind_integer(&query, id);
    outcome = query_next(&query, error);
    if (outcome <= 0)
        return outcome == 0 ? STORE_NOT_FOUND : FAILED;
    outcome = show_experiment(&query, callback, context, error);
    query_end(&query);
    return outcome;
}

int store_each_argument(struct store *store, int64_t experiment_id,
                        store_argument_callback *callback, void *context, struct error *error)
{
    struct query query = query_begin(store, EACH_ARGUMENT);
    int outcome;

    query_bind_integer(&query, experiment_id);
    while ((outcome = query_next(&query, error)) > 0) {
        const char *argument = query_column_text(&query, 0);

        outcome = argument != NULL ? callback(context, argument, error)
                                   : error_set(error, "'%s' is damaged: the settings of experiment "
                                               "%" PRId64 " hold no texts", store->path,
                                               experiment_id);
        if (outcome < 0)
            break;
    }
    query_end(&query);
    return outcome;
}

/* Copies the scores of the current row of EACH_SCORE into the store's buffer. */
static int copy_scores(const struct query *query, struct store_score *score, struct error *error)
{
    struct buffer *blob = &query->store->blob;
    const void *data = sqlite3_column_blob(query->statement, 4);
    size_t bytes = (size_t)sqlite3_column_bytes(query->statement, 4);

    if (bytes % sizeof *score->scores != 0)
        return error_set(error, "'%s' is damaged: the scores of '%s' have %zu bytes",
                         query->store->path, score->path, bytes);
    if (buffer_reserve(blob, bytes + 1, error) < 0)
        return FAILED;
    score->count = bytes / sizeof *score->scores;
    convert_doubles(data, score->count, blob->data);
    score->scores = (const double *)(const void *)blob->data;
    return 0;
}

int store_each_score(struct store *store, int64_t experiment_id, store_score_callback *callback,
                     void *context, struct error *error)
{
    struct query query = query_begin(store, EACH_SCORE);
    int outcome;

    query_bind_integer(&query, experiment_id);
    while ((outcome = query_next(&query, error)) > 0) {
        struct store_score score = {
            .part = query_column_integer(&query, 0),
            .position = query_column_integer(&query, 1),
            .path = query_column_text(&query, 2),
            .label = query_column_text(&query, 3),
        };

        outcome = copy_scores(&query, &score, error);
        if (outcome == 0)
            outcome = callback(context, &score, error);
        if (outcome < 0)
            break;
    }
    query_end(&query);
    return outcome;
}
