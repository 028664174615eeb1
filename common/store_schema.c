#include "common/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"

_Static_assert(SQLITE_VERSION_NUMBER >= 3037000, "STRICT tables need SQLite 3.37");

/* features.db.schema, turned into an array by the Makefile. */
extern const char features_db_schema[];

/* From version 1, the first. */
static const struct store_migration migrations[] = {
    {1, "CREATE TABLE experiment_score ("
        "    experiment_id INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,"
        "    part INTEGER NOT NULL,"
        "    position INTEGER NOT NULL,"
        "    path TEXT NOT NULL,"
        "    label TEXT NOT NULL,"
        "    scores BLOB NOT NULL,"
        "    PRIMARY KEY (experiment_id, part, position)"
        ") STRICT, WITHOUT ROWID;"
        "PRAGMA user_version = 2"},
    {0}
};

/* Can be said only before the first page is written. 1000 vectors, written 16 a transaction and
 * read in the order of their paths, through this module, best of five on ext4:
 *
 *                 pages of 4096           16384               32768
 *     numbers   write  read    MB    write  read    MB    write  read    MB
 *         512   69 ms  4 ms   4.4    60 ms  3 ms   2.9    69 ms  2 ms   3.0
 *        1280   81 ms  6 ms   5.8    62 ms  4 ms   6.0    77 ms  4 ms   6.3
 *        2048   85 ms  9 ms   9.0    89 ms 11 ms  16.9    84 ms  7 ms  11.8
 *       25088  275 ms 52 ms 102.8   194 ms 26 ms 101.2   184 ms 25 ms 103.8
 *
 * The times vanish beside those of the networks that made the vectors, while what a page leaves
 * empty stays: the smallest pages waste the least in the worst case. */
static const char page_size[] = "PRAGMA page_size = 4096";

static const char *const connection_pragmas[] = {
    /* An image that is removed takes its vectors along; no vector without image and features. */
    "PRAGMA foreign_keys = ON",
    /* A commit survives a power failure, not only a kill. A transaction takes 0.9 ms on ext4 where
     * NORMAL takes 0.6: little beside a batch of images. */
    "PRAGMA synchronous = FULL",
    /* 16 MiB: a transaction that outgrows the cache is spilled into the file, and from then on
     * shuts out the readers until it ends. A batch of 128 flattened VGG vectors fits. */
    "PRAGMA cache_size = -16384",
    /* Read through the cache. A mapping would save 10 ms per 1000 of the longest vectors, and cost
     * the whole process when the file is cut off or its network drive goes. */
    "PRAGMA mmap_size = 0",
    /* A database may come from somebody else: its views, triggers and defaults may call nothing
     * that has effects outside, and damaged pages are found before they are followed. */
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
};

/* The rollback journal, not the write-ahead log: a database at rest is one file, to be copied or
 * mounted read-only (a log needs a writable folder even to read), and it works on network drives
 * (a log needs memory shared between the processes). Both survive kill -9. A reader and a writer
 * exclude each other only while a commit is on its way, a millisecond or a few a batch; the log
 * would save half a millisecond of it. A database that somebody switched is switched back. */
static const char journal_mode[] = "PRAGMA journal_mode = DELETE";

/* STORE_READ opens the file for writing where it can, so that the journal of a killed writer is
 * rolled back; this is what keeps it from writing anything else. */
static const char query_only[] = "PRAGMA query_only = ON";

struct state {
    int64_t application, version, objects;
};

static int read_state(struct store *store, struct state *state, struct error *error)
{
    struct query query = query_begin(store, READ_STATE);

    if (query_next(&query, error) < 0)
        return FAILED;
    *state = (struct state){
        .application = query_column_integer(&query, 0),
        .version = query_column_integer(&query, 1),
        .objects = query_column_integer(&query, 2),
    };
    query_end(&query);
    return 0;
}

static bool is_empty(const struct state *state)
{
    return state->application == 0 && state->version == 0 && state->objects == 0;
}

/* Of two processes that find an empty file, the second finds the schema once it has the lock. */
static int create_schema(struct store *store, struct state *state, struct error *error)
{
    if (store_execute(store, page_size, error) < 0 || store_begin(store, error) < 0)
        return FAILED;
    if (read_state(store, state, error) == 0 &&
        (!is_empty(state) || (store_execute(store, features_db_schema, error) == 0 &&
                              read_state(store, state, error) == 0)))
        return store_commit(store, error);
    store_rollback(store);
    return FAILED;
}

static const struct store_migration *find_step(const struct store_migration *steps, int64_t from)
{
    for (; steps->sql != NULL; steps++)
        if (steps->from == from)
            return steps;
    return NULL;
}

/* Takes the step from the version that is there: 0, or STORE_NOT_FOUND when there is none. */
static int migrate_once(struct store *store, const struct store_migration *steps,
                        struct error *error)
{
    const struct store_migration *step;
    struct state state;
    int outcome = FAILED;

    if (store_begin(store, error) < 0)
        return FAILED;
    if (read_state(store, &state, error) < 0)
        goto out;
    step = find_step(steps, state.version);
    if (step == NULL) {
        outcome = STORE_NOT_FOUND;
        goto out;
    }
    if (store_execute(store, step->sql, error) < 0 || read_state(store, &state, error) < 0)
        error_wrap(error, "cannot migrate from version %" PRId64, step->from);
    else if (state.version != step->from + 1)
        error_set(error, "the migration of '%s' from version %" PRId64 " ended at %" PRId64,
                  store->path, step->from, state.version);
    else
        return store_commit(store, error);
out:
    store_rollback(store);
    return outcome;
}

int store_migrate(struct store *store, const struct store_migration *steps, struct error *error)
{
    int outcome;

    do {
        outcome = migrate_once(store, steps, error);
    } while (outcome == 0);
    return outcome == STORE_NOT_FOUND ? 0 : FAILED;
}

/* Whose database it is, and of which version; makes or migrates it where the mode allows. 0,
 * STORE_OUTDATED or FAILED. */
static int check_schema(struct store *store, enum store_mode mode, struct error *error)
{
    struct state state;

    if (read_state(store, &state, error) < 0)
        return FAILED;
    if (is_empty(&state)) {
        if (mode == STORE_READ)
            return error_set(error, "'%s' is an empty database", store->path);
        if (create_schema(store, &state, error) < 0)
            return FAILED;
    }
    if (state.application != STORE_APPLICATION)
        return error_set(error, "'%s' is a database of another program", store->path);
    if (state.version < STORE_VERSION && mode != STORE_READ &&
        (store_migrate(store, migrations, error) < 0 || read_state(store, &state, error) < 0))
        return FAILED;
    if (state.version > STORE_VERSION)
        return error_set(error, "'%s' has version %" PRId64 " of the schema, newer than this "
                         "program's %d", store->path, state.version, STORE_VERSION);
    if (state.version < STORE_VERSION) {
        error_set(error, "'%s' has version %" PRId64 " of the schema, older than this program's "
                  "%d, and was not migrated", store->path, state.version, STORE_VERSION);
        return STORE_OUTDATED;
    }
    return 0;
}

/* Makes an empty file, which SQLite takes for a new database: where that cannot be, SQLite tries to
 * read the file that is not there, and would report that. */
static int create_file(const struct store *store, struct error *error)
{
    int file = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (file < 0)
        return error_set(error, "cannot create '%s': %s", store->path, strerror(errno));
    close(file);
    return 0;
}

/* Nothing but a regular file may reach SQLite: reading a FIFO would wait for ever. */
static int open_file(struct store *store, enum store_mode mode, struct error *error)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    struct file_times times;
    char *name = NULL;
    int status;

    if (mode == STORE_CREATE && access(store->path, F_OK) != 0 && create_file(store, error) < 0)
        return FAILED;
    if (file_stat(store->path, &times, error) < 0)
        return FAILED;
    /* "./" keeps SQLite from taking "" or ":memory:" for something other than a file. */
    if (asprintf(&name, "%s%s", store->path[0] == '/' ? "" : "./", store->path) < 0)
        return error_no_memory(error);
    status = sqlite3_open_v2(name, &store->database, flags, NULL);
    free(name);
    if (store->database == NULL)
        return error_no_memory(error);
    return status == SQLITE_OK ? 0 : store_fail(store, status, error);
}

static int set_up_connection(struct store *store, enum store_mode mode, struct error *error)
{
    for (size_t i = 0; i < sizeof connection_pragmas / sizeof connection_pragmas[0]; i++)
        if (store_execute(store, connection_pragmas[i], error) < 0)
            return FAILED;
    return store_execute(store, mode == STORE_READ ? query_only : journal_mode, error);
}

int store_open_within(const char *path, enum store_mode mode, int busy_milliseconds,
                      struct store **out, struct error *error)
{
    struct store *store = memory_allocate(1, sizeof *store, error);
    int outcome = FAILED;

    *out = NULL;
    if (store == NULL)
        return FAILED;
    store->path = memory_copy_text(path, error);
    if (store->path == NULL || open_file(store, mode, error) < 0)
        goto failed;
    sqlite3_busy_timeout(store->database, busy_milliseconds);
    if (mode != STORE_READ && sqlite3_db_readonly(store->database, "main") == 1) {
        store_fail(store, SQLITE_READONLY, error);
        goto failed;
    }
    /* The foreign keys come after the migrations, which may rebuild a table that others name. */
    outcome = check_schema(store, mode, error);
    if (outcome == 0)
        outcome = set_up_connection(store, mode, error);
    if (outcome == 0) {
        *out = store;
        return 0;
    }
failed:
    store_close(store);
    return outcome;
}

int store_open(const char *path, enum store_mode mode, struct store **store, struct error *error)
{
    return store_open_within(path, mode, STORE_BUSY_MILLISECONDS, store, error);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    /* An open transaction is rolled back by this. */
    sqlite3_close(store->database);
    buffer_release(&store->blob);
    free(store->path);
    free(store);
}
