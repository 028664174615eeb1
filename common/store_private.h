/*
 * What the files of the store share, and what its tests look into; nothing else includes this.
 * SQLite is seen here and in store*.c alone.
 *
 *     struct query query = query_begin(store, FIND_IMAGE);
 *     query_bind_blob(&query, hash->bytes, HASH_BYTES);
 *     return query_integer(&query, id, error);
 *
 * A statement that cannot be prepared or bound is remembered in the query and reported when it
 * runs, so that only the last call needs a check.
 */
#ifndef COMMON_STORE_PRIVATE_H
#define COMMON_STORE_PRIVATE_H

#include <stdint.h>

#include <sqlite3.h>

#include "common/file.h"
#include "common/store.h"

enum {
    STORE_APPLICATION = 0x626e6b66,   /* as features.db.schema says */
    STORE_VERSION = 2,                /* as features.db.schema says */
    STORE_BUSY_MILLISECONDS = 30000   /* commits last milliseconds: this is somebody else's lock */
};

enum statement {
    READ_STATE,
    BEGIN,
    BEGIN_READING,
    COMMIT,
    ROLLBACK,
    INSERT_NETWORK,
    FIND_NETWORK,
    INSERT_FEATURE_SET,
    FIND_FEATURE_SET,
    FIND_DIMENSION,
    INSERT_IMAGE,
    FIND_IMAGE,
    INSERT_VECTOR,
    FIND_VECTOR,
    PUT_SAMPLE,
    FIND_SAMPLE,
    DELETE_SAMPLE,
    FIND_UNCHANGED,
    PUT_REFUSAL,
    DELETE_REFUSAL,
    NEXT_PATH,
    EACH_FEATURE_SET,
    EACH_VECTOR,
    EACH_VIEW,
    EACH_COUNT,
    EACH_REFUSAL,
    INSERT_EXPERIMENT,
    INSERT_SCORE,
    EACH_EXPERIMENT,
    FIND_EXPERIMENT,
    EACH_ARGUMENT,
    EACH_SCORE,
    STATEMENT_COUNT
};

/* Every statement that reads or writes rows. */
extern const char *const store_sql[STATEMENT_COUNT];

struct store {
    sqlite3 *database;
    char *path;                                 /* as the caller named it */
    sqlite3_stmt *statements[STATEMENT_COUNT];  /* prepared at the first use, NULL before */
    struct buffer blob;                         /* one vector in the byte order of the file */
};

/* Sets the message for an outcome of SQLite (an extended result code). Returns FAILED. */
int store_fail(const struct store *store, int status, struct error *error);

/* Runs constant SQL that needs no parameters: the schema, a pragma, a step of a migration. */
int store_execute(struct store *store, const char *sql, struct error *error);

/* ---- statements ------------------------------------------------------------------------- */

struct query {
    struct store *store;
    sqlite3_stmt *statement;
    int parameters;  /* bound so far */
    int status;      /* SQLITE_OK until something fails */
};

/* The statement, ready for its parameters. It must not be running already. */
struct query query_begin(struct store *store, enum statement which);

/* Binds the next parameter; what is bound must stay valid until the query ends. */
void query_bind_text(struct query *query, const char *text);  /* NULL is SQL's NULL */
void query_bind_integer(struct query *query, int64_t value);
void query_bind_null(struct query *query);
void query_bind_blob(struct query *query, const void *data, size_t size);

/* The next row: 1, or 0 after the last, or FAILED. The query has ended when this is not 1. */
int query_next(struct query *query, struct error *error);
void query_end(struct query *query);

/* Runs a statement without rows: 0 or FAILED. */
int query_run(struct query *query, struct error *error);

/* The first column of the only row: 0, STORE_NOT_FOUND or FAILED. */
int query_integer(struct query *query, int64_t *value, struct error *error);

/* Columns of the current row; a text is valid until the next row, and NULL for SQL's NULL. */
const char *query_column_text(const struct query *query, int column);
int64_t query_column_integer(const struct query *query, int column);
/* FAILED when the column is no SHA-256. */
int query_column_hash(const struct query *query, int column, struct hash *hash,
                      struct error *error);

/* ---- opening ---------------------------------------------------------------------------- */

/* store_open with another patience for the locks of other processes. */
int store_open_within(const char *path, enum store_mode mode, int busy_milliseconds,
                      struct store **store, struct error *error);

/* One step of a migration: it leads from version `from` to `from` + 1, and its SQL ends with the
 * PRAGMA user_version that says so. */
struct store_migration {
    int64_t from;
    const char *sql;  /* NULL ends the table */
};

/* Takes every step that begins at the database's version, one transaction each; a step that
 * another process has taken meanwhile is passed over. FAILED leaves the version before the step
 * that failed. */
int store_migrate(struct store *store, const struct store_migration *steps, struct error *error);

#endif
