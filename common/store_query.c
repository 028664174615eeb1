#include "common/store_private.h"

#include <assert.h>
#include <string.h>

const char *const store_sql[STATEMENT_COUNT] = {
    /* One statement, so that the three belong to one state of the file. */
    [READ_STATE] = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
                   "  FROM pragma_application_id, pragma_user_version",

    /* IMMEDIATE takes the write lock at once, where the busy timeout still applies: a transaction
     * that begins as a reader cannot wait for the lock later without risking a deadlock. */
    [BEGIN] = "BEGIN IMMEDIATE",
    [BEGIN_READING] = "BEGIN DEFERRED",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",

    [INSERT_NETWORK] = "INSERT INTO network (sha256, name, format, bytes) VALUES (?, ?, ?, ?)"
                       " ON CONFLICT (sha256) DO NOTHING",
    [FIND_NETWORK] = "SELECT id FROM network WHERE sha256 = ?",

    [INSERT_FEATURE_SET] =
        "INSERT INTO feature_set (network_id, layer, pooling, preprocessing, engine, dimension)"
        " VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (network_id, layer, pooling, preprocessing, engine) DO NOTHING",
    [FIND_FEATURE_SET] = "SELECT id FROM feature_set WHERE network_id = ? AND layer = ?"
                         "   AND pooling = ? AND preprocessing = ? AND engine = ?",
    [FIND_DIMENSION] = "SELECT dimension FROM feature_set WHERE id = ?",

    [INSERT_IMAGE] = "INSERT INTO image (sha256, format, width, height, bytes)"
                     " VALUES (?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
    [FIND_IMAGE] = "SELECT id FROM image WHERE sha256 = ?",

    [INSERT_VECTOR] = "INSERT INTO vector (feature_set_id, image_id, view, data)"
                      " VALUES (?, ?, ?, ?)"
                      " ON CONFLICT (feature_set_id, image_id, view) DO NOTHING",
    [FIND_VECTOR] = "SELECT id FROM vector"
                    " WHERE feature_set_id = ? AND image_id = ? AND view = ?",

    [PUT_SAMPLE] = "INSERT INTO sample (path, image_id, label, split, \"group\", modified_ns)"
                   " VALUES (?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT (path) DO UPDATE SET image_id = excluded.image_id,"
                   "     label = excluded.label, split = excluded.split,"
                   "     \"group\" = excluded.\"group\", modified_ns = excluded.modified_ns",
    [FIND_SAMPLE] = "SELECT id FROM sample WHERE path = ?1 AND image_id = ?2 AND label IS ?3"
                    "   AND split IS ?4 AND \"group\" IS ?5 AND modified_ns = ?6"
                    "   AND NOT EXISTS (SELECT 1 FROM refusal WHERE path = ?1)",
    [DELETE_SAMPLE] = "DELETE FROM sample WHERE path = ?",
    [FIND_UNCHANGED] = "SELECT image.sha256 FROM sample JOIN image ON image.id = sample.image_id"
                       " WHERE sample.path = ? AND image.bytes = ? AND sample.modified_ns = ?",

    [PUT_REFUSAL] = "INSERT INTO refusal (path, reason) VALUES (?, ?)"
                    " ON CONFLICT (path) DO UPDATE SET reason = excluded.reason",
    [DELETE_REFUSAL] = "DELETE FROM refusal WHERE path = ?",

    /* The first path behind ?1 and before ?2. */
    [NEXT_PATH] = "SELECT min(path) FROM"
                  " (SELECT min(path) AS path FROM sample WHERE path > ?1 AND path < ?2"
                  "  UNION ALL"
                  "  SELECT min(path) AS path FROM refusal WHERE path > ?1 AND path < ?2)",

    [EACH_FEATURE_SET] =
        "SELECT feature_set.id, network_id, layer, pooling, preprocessing, engine, dimension,"
        "       (SELECT count(*) FROM vector WHERE feature_set_id = feature_set.id),"
        "       sha256, name, format, bytes"
        "  FROM feature_set JOIN network ON network.id = network_id ORDER BY feature_set.id",

    /* CROSS JOIN fixes the order of the loops: along the index of the paths, which sorts for
     * nothing; a sort of the joined rows would carry the vectors through a temporary file. */
    [EACH_VECTOR] =
        "SELECT sample.path, sample.image_id, label, split, \"group\", modified_ns, sha256, data"
        "  FROM sample CROSS JOIN vector ON vector.image_id = sample.image_id"
        "  CROSS JOIN image ON image.id = sample.image_id"
        " WHERE feature_set_id = ?1 AND view = ?2 AND (?3 IS NULL OR split = ?3)"
        " ORDER BY sample.path",

    [EACH_VIEW] =
        "SELECT view FROM sample CROSS JOIN vector ON vector.image_id = sample.image_id"
        " WHERE feature_set_id = ?1 AND (?2 IS NULL OR split = ?2)"
        "   AND (label IS NOT NULL OR NOT ?3)",

    [EACH_COUNT] = "SELECT split, label, count(*) FROM sample GROUP BY split, label"
                   " ORDER BY split, label",
    [EACH_REFUSAL] = "SELECT path, reason FROM refusal ORDER BY path",

    [INSERT_EXPERIMENT] =
        "INSERT INTO experiment (command, feature_set_id, samples_sha256, settings, result,"
        "                        program, created)"
        " VALUES (?, ?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
    [INSERT_SCORE] =
        "INSERT INTO experiment_score (experiment_id, part, position, path, label, scores)"
        " VALUES (?, ?, ?, ?, ?, ?)",
    [EACH_EXPERIMENT] =
        "SELECT id, command, feature_set_id, samples_sha256, settings, result, program, created,"
        "       json_extract(result, '$.accuracy') FROM experiment ORDER BY id",
    [FIND_EXPERIMENT] =
        "SELECT id, command, feature_set_id, samples_sha256, settings, result, program, created,"
        "       json_extract(result, '$.accuracy') FROM experiment WHERE id = ?",
    [EACH_ARGUMENT] =
        "SELECT value FROM experiment, json_each(settings, '$.arguments') WHERE experiment.id = ?",
    [EACH_SCORE] = "SELECT part, position, path, label, scores FROM experiment_score"
                   " WHERE experiment_id = ? ORDER BY part, position",
};

/* SQLite keeps the errno of a commit that failed with the file, that of all else apart. */
static const char *system_cause(const struct store *store)
{
    int number = sqlite3_system_errno(store->database);

    if (number == 0)
        sqlite3_file_control(store->database, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
    return number != 0 ? strerror(number) : sqlite3_errmsg(store->database);
}

static int fail_readonly(const struct store *store, int status, struct error *error)
{
    if (status == SQLITE_READONLY_ROLLBACK)
        return error_set(error, "cannot read '%s': a write to it was interrupted, and undoing that "
                         "needs write permission", store->path);
    if (status == SQLITE_READONLY_DIRECTORY)
        return error_set(error, "cannot write '%s': its folder is read-only", store->path);
    return error_set(error, "cannot write '%s': it is read-only", store->path);
}

int store_fail(const struct store *store, int status, struct error *error)
{
    const char *path = store->path;

    switch (status & 0xff) {
    case SQLITE_BUSY:
        return error_set(error, "'%s' is locked by another process", path);
    case SQLITE_NOTADB:
        return error_set(error, "'%s' is not a database", path);
    case SQLITE_CORRUPT:
        return error_set(error, "'%s' is damaged: %s", path, sqlite3_errmsg(store->database));
    case SQLITE_FULL:
        return error_set(error, "cannot write '%s': the disk is full", path);
    case SQLITE_READONLY:
        return fail_readonly(store, status, error);
    case SQLITE_CANTOPEN:
        return error_set(error, "cannot open '%s': %s", path, system_cause(store));
    case SQLITE_IOERR:
        return error_set(error, "cannot read or write '%s': %s", path, system_cause(store));
    case SQLITE_NOMEM:
        return error_no_memory(error);
    default:
        return error_set(error, "cannot use '%s': %s", path, sqlite3_errmsg(store->database));
    }
}

int store_execute(struct store *store, const char *sql, struct error *error)
{
    int status = sqlite3_exec(store->database, sql, NULL, NULL, NULL);

    return status == SQLITE_OK ? 0 : store_fail(store, status, error);
}

struct query query_begin(struct store *store, enum statement which)
{
    sqlite3_stmt **statement = &store->statements[which];
    struct query query = {.store = store, .status = SQLITE_OK};

    if (*statement == NULL)
        query.status = sqlite3_prepare_v3(store->database, store_sql[which], -1,
                                          SQLITE_PREPARE_PERSISTENT, statement, NULL);
    assert(*statement == NULL || !sqlite3_stmt_busy(*statement));
    query.statement = *statement;
    return query;
}

void query_bind_text(struct query *query, const char *text)
{
    if (query->status == SQLITE_OK)
        query->status = sqlite3_bind_text(query->statement, ++query->parameters, text, -1,
                                          SQLITE_STATIC);
}

void query_bind_integer(struct query *query, int64_t value)
{
    if (query->status == SQLITE_OK)
        query->status = sqlite3_bind_int64(query->statement, ++query->parameters, value);
}

void query_bind_null(struct query *query)
{
    if (query->status == SQLITE_OK)
        query->status = sqlite3_bind_null(query->statement, ++query->parameters);
}

void query_bind_blob(struct query *query, const void *data, size_t size)
{
    if (query->status == SQLITE_OK)
        query->status = sqlite3_bind_blob64(query->statement, ++query->parameters, data, size,
                                            SQLITE_STATIC);
}

int query_next(struct query *query, struct error *error)
{
    int outcome = 0;

    if (query->status == SQLITE_OK)
        query->status = sqlite3_step(query->statement);
    if (query->status == SQLITE_ROW) {
        query->status = SQLITE_OK;
        return 1;
    }
    if (query->status != SQLITE_DONE)
        outcome = store_fail(query->store, query->status, error);
    query_end(query);
    return outcome;
}

void query_end(struct query *query)
{
    if (query->statement == NULL)
        return;
    sqlite3_reset(query->statement);
    sqlite3_clear_bindings(query->statement);
}

int query_run(struct query *query, struct error *error)
{
    int outcome = query_next(query, error);

    assert(outcome <= 0);
    return outcome;
}

int query_integer(struct query *query, int64_t *value, struct error *error)
{
    int outcome = query_next(query, error);

    if (outcome <= 0)
        return outcome == 0 ? STORE_NOT_FOUND : FAILED;
    *value = query_column_integer(query, 0);
    query_end(query);
    return 0;
}

const char *query_column_text(const struct query *query, int column)
{
    return (const char *)sqlite3_column_text(query->statement, column);
}

int64_t query_column_integer(const struct query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

int query_column_hash(const struct query *query, int column, struct hash *hash,
                      struct error *error)
{
    const void *bytes = sqlite3_column_blob(query->statement, column);
    int size = sqlite3_column_bytes(query->statement, column);

    if (size != HASH_BYTES)
        return error_set(error, "'%s' is damaged: a SHA-256 has %d bytes, not %d",
                         query->store->path, size, HASH_BYTES);
    memcpy(hash->bytes, bytes, HASH_BYTES);
    return 0;
}
