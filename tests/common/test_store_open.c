#include "tests/helpers.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/store_private.h"

enum { DIMENSION = 600, IMPATIENT = 50 /* milliseconds */ };

struct fixture {
    char *folder;
    char path[300];  /* of a database that is not there yet */
    struct error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->folder = scratch_create();
    snprintf(fixture->path, sizeof fixture->path, "%s", scratch_path(fixture->folder, "x.db"));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    scratch_remove(fixture->folder);
    free(fixture);
    return 0;
}

static void expect_message(const struct fixture *fixture, const char *part)
{
    if (strstr(fixture->error.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", fixture->error.text, part);
}

/* Runs SQL past the store, as another program would. */
static void run_sql(const char *path, const char *sql)
{
    sqlite3 *database;

    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static int64_t ask(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t answer;

    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

static int64_t ask_file(const char *path, const char *sql)
{
    sqlite3 *database;
    int64_t answer;

    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    answer = ask(database, sql);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return answer;
}

static void expect_consistent(const char *path)
{
    assert_int_equal(ask_file(path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
                     1);
    assert_int_equal(ask_file(path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void create(struct fixture *fixture)
{
    struct store *store;

    assert_int_equal(store_open(fixture->path, STORE_CREATE, &store, &fixture->error), 0);
    store_close(store);
}

/* Puts the feature set that the tests use; 0 or FAILED. For children too, so no assertions. */
static int put_feature_set(struct store *store, int64_t *id, struct error *error)
{
    const struct store_network network = {
        .hash = hash_bytes("network", 7), .name = "n", .format = "onnx", .bytes = 1,
    };
    struct store_feature_set feature_set = {
        .layer = "layer", .pooling = "avg", .preprocessing = "none", .engine = 1,
        .dimension = DIMENSION,
    };

    if (store_put_network(store, &network, &feature_set.network_id, error) < 0)
        return FAILED;
    return store_put_feature_set(store, &feature_set, id, error);
}

/* Puts image, sample and vector number `number`. */
static int put_row(struct store *store, int64_t feature_set_id, size_t number,
                   struct error *error)
{
    float vector[DIMENSION] = {(float)number};
    struct store_sample sample = {.label = "label", .split = "train"};
    struct store_image image = {.format = "png", .width = 1, .height = 1, .bytes = 1};
    char path[50];

    snprintf(path, sizeof path, "%zu.png", number);
    image.hash = hash_bytes(path, strlen(path));
    sample.path = path;
    if (store_put_image(store, &image, &sample.image_id, error) < 0 ||
        store_put_sample(store, &sample, error) < 0)
        return FAILED;
    return store_put_vector(store, feature_set_id, sample.image_id, STORE_VIEW_ORIGINAL, vector,
                            DIMENSION, error);
}

static int put_rows(struct store *store, size_t first, size_t count, struct error *error)
{
    int64_t feature_set_id;

    if (put_feature_set(store, &feature_set_id, error) < 0)
        return FAILED;
    for (size_t number = first; number < first + count; number++)
        if (put_row(store, feature_set_id, number, error) < 0)
            return FAILED;
    return 0;
}

/* ---- what is opened --------------------------------------------------------------------- */

static void test_create_write_read(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;

    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error), FAILED);
    assert_null(store);
    expect_message(fixture, "x.db': No such file or directory");
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &store, &fixture->error), FAILED);
    expect_message(fixture, "x.db': No such file or directory");
    create(fixture);
    create(fixture);
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &store, &fixture->error), 0);
    assert_int_equal(put_rows(store, 0, 3, &fixture->error), 0);
    store_close(store);

    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error), 0);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM vector"), 3);
    assert_int_equal(put_rows(store, 0, 1, &fixture->error), FAILED);
    expect_message(fixture, "cannot write '");
    expect_message(fixture, "x.db': it is read-only");
    store_close(store);
    store_close(NULL);
}

/* The C constants and the schema file say the same; the settings are those that are meant. */
static void test_what_is_created(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;

    assert_int_equal(store_open(fixture->path, STORE_CREATE, &store, &fixture->error), 0);
    assert_int_equal(ask(store->database, "PRAGMA application_id"), STORE_APPLICATION);
    assert_int_equal(ask(store->database, "PRAGMA user_version"), STORE_VERSION);
    assert_int_equal(ask(store->database, "PRAGMA page_size"), 4096);
    assert_int_equal(ask(store->database, "PRAGMA foreign_keys"), 1);
    assert_int_equal(ask(store->database, "PRAGMA synchronous"), 2);
    assert_int_equal(ask(store->database, "PRAGMA busy_timeout"), STORE_BUSY_MILLISECONDS);
    assert_int_equal(ask(store->database, "SELECT journal_mode = 'delete' FROM "
                                          "pragma_journal_mode"), 1);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM pragma_table_list WHERE schema ="
                                          " 'main' AND NOT strict AND name NOT LIKE 'sqlite_%'"),
                     0);
    store_close(store);
    expect_consistent(fixture->path);
}

/* Names that SQLite takes for something else than a file. */
static void test_names_that_mean_something_to_sqlite(void **state)
{
    static const char *const names[] = {":memory:", "file:x.db?mode=memory", "a 'quoted' name"};
    struct fixture *fixture = *state;
    char *before = getcwd(NULL, 0);
    struct store *store;

    assert_non_null(before);
    assert_int_equal(chdir(fixture->folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(store_open(names[i], STORE_CREATE, &store, &fixture->error), 0);
        store_close(store);
        assert_int_equal(access(scratch_path(fixture->folder, names[i]), F_OK), 0);
    }
    assert_int_equal(store_open("", STORE_CREATE, &store, &fixture->error), FAILED);
    expect_message(fixture, "cannot create '': ");
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void test_empty_file(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;

    write_file(fixture->path, "", 0);
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error), FAILED);
    expect_message(fixture, "x.db' is an empty database");
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &store, &fixture->error), 0);
    store_close(store);
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error), 0);
    store_close(store);
}

static void expect_refused(struct fixture *fixture, const char *message)
{
    static const enum store_mode modes[] = {STORE_READ, STORE_WRITE, STORE_CREATE};
    struct store *store;

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        fixture->error.text[0] = '\0';
        assert_int_equal(store_open(fixture->path, modes[i], &store, &fixture->error), FAILED);
        assert_null(store);
        expect_message(fixture, message);
    }
}

static void test_databases_of_others(void **state)
{
    static const char *const makers[] = {
        "CREATE TABLE t (x)",
        "PRAGMA application_id = 12345",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 12345; CREATE TABLE sample (x); PRAGMA user_version = 1",
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        run_sql(fixture->path, makers[i]);
        expect_refused(fixture, "x.db' is a database of another program");
        assert_int_equal(unlink(fixture->path), 0);
    }
}

static void test_not_a_database(void **state)
{
    struct fixture *fixture = *state;
    char text[10000];

    memset(text, 'x', sizeof text);
    /* SQLite takes a file of one byte for an empty one. */
    for (size_t length = 2; length <= sizeof text; length *= 3) {
        write_file(fixture->path, text, length);
        expect_refused(fixture, "x.db' is not a database");
    }
    write_file(fixture->path, text, sizeof text);
    expect_refused(fixture, "x.db' is not a database");
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    expect_refused(fixture, "x.db': it is a FIFO");
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    expect_refused(fixture, "x.db': it is a directory");
}

static void test_other_versions(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;

    create(fixture);
    run_sql(fixture->path, "PRAGMA user_version = 3");
    expect_refused(fixture, "x.db' has version 3 of the schema, newer than this program's 2");
    run_sql(fixture->path, "PRAGMA user_version = 0");
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error),
                     STORE_OUTDATED);
    assert_null(store);
    expect_message(fixture, "x.db' has version 0 of the schema, older than this program's 2");
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &store, &fixture->error),
                     STORE_OUTDATED);
    run_sql(fixture->path, "PRAGMA user_version = 2");
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error), 0);
    store_close(store);
}

static void test_folder_is_missing(void **state)
{
    struct fixture *fixture = *state;

    snprintf(fixture->path, sizeof fixture->path, "%s",
             scratch_path(fixture->folder, "no such folder/x.db"));
    expect_refused(fixture, "x.db': No such file or directory");
}

/* A database that somebody has switched to a write-ahead log is one file again afterwards. */
static void test_write_ahead_log_is_switched_back(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;

    create(fixture);
    run_sql(fixture->path, "PRAGMA journal_mode = WAL; INSERT INTO refusal VALUES ('a', 'b')");
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &store, &fixture->error), 0);
    store_close(store);
    assert_int_equal(ask_file(fixture->path, "SELECT journal_mode = 'delete' FROM "
                                             "pragma_journal_mode"), 1);
    assert_int_equal(ask_file(fixture->path, "SELECT count(*) FROM refusal"), 1);
}

/* ---- damage ----------------------------------------------------------------------------- */

static void fill(struct fixture *fixture, size_t count)
{
    struct store *store;

    assert_int_equal(store_open(fixture->path, STORE_CREATE, &store, &fixture->error), 0);
    assert_int_equal(store_begin(store, &fixture->error), 0);
    assert_int_equal(put_rows(store, 0, count, &fixture->error), 0);
    assert_int_equal(store_commit(store, &fixture->error), 0);
    store_close(store);
}

static void test_truncated(void **state)
{
    static const struct {
        off_t length;
        const char *message;
    } cases[] = {
        {200000, "x.db' is damaged: database disk image is malformed"},
        {4096, "x.db' is damaged: database disk image is malformed"},
        {4095, "x.db' is damaged: database disk image is malformed"},
        {512, "x.db' is damaged: database disk image is malformed"},
        {99, "x.db' is "},
        {16, "x.db' is "},
    };
    struct fixture *fixture = *state;

    fill(fixture, 100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(truncate(fixture->path, cases[i].length), 0);
        expect_refused(fixture, cases[i].message);
    }
}

static int ignore_vector(void *context, const struct store_sample *sample, const float *vector,
                         size_t dimension, struct error *error)
{
    (void)context;
    (void)sample;
    (void)vector;
    (void)dimension;
    (void)error;
    return 0;
}

/* Pages overwritten behind the schema: opening may succeed, reading does not. */
static void test_overwritten(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = NULL;
    char junk[4096];
    FILE *file;
    int64_t pages;

    fill(fixture, 50);
    pages = ask_file(fixture->path, "PRAGMA page_count");
    memset(junk, 0xff, sizeof junk);
    file = fopen(fixture->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, sizeof junk, SEEK_SET), 0);
    for (int64_t page = 1; page < pages; page++)
        assert_int_equal(fwrite(junk, 1, sizeof junk, file), sizeof junk);
    assert_int_equal(fclose(file), 0);
    if (store_open(fixture->path, STORE_READ, &store, &fixture->error) == 0)
        assert_int_equal(store_each_vector(store, 1, STORE_VIEW_ORIGINAL, NULL, ignore_vector,
                                           NULL, &fixture->error), FAILED);
    expect_message(fixture, "x.db' is damaged: ");
    store_close(store);
}

/* Our number and version without our tables. */
static void test_tables_are_missing(void **state)
{
    struct fixture *fixture = *state;
    const struct hash hash = {{0}};
    struct store *store;
    int64_t id;

    create(fixture);
    run_sql(fixture->path, "DROP TABLE vector; DROP TABLE sample; DROP TABLE image");
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_find_image(store, &hash, &id, &fixture->error), FAILED);
        expect_message(fixture, "x.db': no such table: image");
    }
    store_close(store);
}

/* ---- migrations ------------------------------------------------------------------------- */

static void test_migrations(void **state)
{
    static const struct store_migration steps[] = {
        {3, "INSERT INTO refusal (path, reason) VALUES ('three', 'to four');"
            " PRAGMA user_version = 4"},
        {2, "ALTER TABLE refusal ADD COLUMN added TEXT; PRAGMA user_version = 3"},
        {0}
    };
    struct fixture *fixture = *state;
    struct store *store;

    assert_int_equal(store_open(fixture->path, STORE_CREATE, &store, &fixture->error), 0);
    assert_int_equal(store_migrate(store, steps, &fixture->error), 0);
    assert_int_equal(ask(store->database, "PRAGMA user_version"), 4);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM refusal WHERE added IS NULL"), 1);
    /* Nothing is left to do. */
    assert_int_equal(store_migrate(store, steps, &fixture->error), 0);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM refusal"), 1);
    assert_true(sqlite3_get_autocommit(store->database));
    store_close(store);
    expect_refused(fixture, "x.db' has version 4 of the schema, newer than this program's 2");
}

static void test_migration_that_fails(void **state)
{
    static const struct {
        struct store_migration steps[3];
        const char *message;
        int64_t version;
    } cases[] = {
        {{{2, "CREATE TABLE extra (x); nonsense; PRAGMA user_version = 3"}, {0}},
         "cannot migrate from version 2: cannot use '", 2},
        {{{2, "CREATE TABLE extra (x)"}, {0}}, "from version 2 ended at 2", 2},
        {{{2, "CREATE TABLE extra (x); PRAGMA user_version = 4"}, {0}},
         "from version 2 ended at 4", 2},
        {{{2, "CREATE TABLE kept (x); PRAGMA user_version = 3"},
          {3, "CREATE TABLE extra (x); INSERT INTO nowhere VALUES (1)"}, {0}},
         "cannot migrate from version 3: cannot use '", 3},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store *store;

        assert_int_equal(store_open(fixture->path, STORE_CREATE, &store, &fixture->error), 0);
        assert_int_equal(store_migrate(store, cases[i].steps, &fixture->error), FAILED);
        expect_message(fixture, cases[i].message);
        assert_int_equal(ask(store->database, "PRAGMA user_version"), cases[i].version);
        assert_int_equal(ask(store->database, "SELECT count(*) FROM sqlite_schema WHERE name = "
                                              "'extra'"), 0);
        assert_int_equal(ask(store->database, "SELECT count(*) FROM sqlite_schema WHERE name = "
                                              "'kept'"), cases[i].version - 2);
        assert_true(sqlite3_get_autocommit(store->database));
        store_close(store);
    }
}

/* A database as version 1 made it becomes what version 2 makes, its rows kept. */
static void test_version_1(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;

    create(fixture);
    run_sql(fixture->path, "DROP TABLE experiment_score; PRAGMA user_version = 1;"
                           "INSERT INTO refusal VALUES ('a.gif', 'kept')");
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error),
                     STORE_OUTDATED);
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &store, &fixture->error), 0);
    assert_int_equal(ask(store->database, "PRAGMA user_version"), 2);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM refusal"), 1);
    /* Six columns; three of them the key, none without NOT NULL; the tables are those of a fresh
     * file. */
    assert_int_equal(ask(store->database, "SELECT sum(pk > 0) * 100 + sum(\"notnull\") * 10 + "
                                          "count(*) % 10 FROM pragma_table_info("
                                          "'experiment_score')"), 366);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM pragma_foreign_key_list("
                                          "'experiment_score') WHERE \"table\" = 'experiment' "
                                          "AND on_delete = 'CASCADE'"), 1);
    assert_int_equal(ask(store->database, "SELECT strict * 10 + wr FROM pragma_table_list("
                                          "'experiment_score')"), 11);
    store_close(store);
}

/* ---- locks ------------------------------------------------------------------------------ */

static void test_locked_by_another_process(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;
    sqlite3 *other;

    create(fixture);
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);

    /* A commit on its way shuts everybody out. */
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_open_within(fixture->path, STORE_READ, IMPATIENT, &store,
                                       &fixture->error), FAILED);
    expect_message(fixture, "x.db' is locked by another process");
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);

    /* A transaction that is being filled shuts out other writers only. */
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_open_within(fixture->path, STORE_WRITE, IMPATIENT, &store,
                                       &fixture->error), 0);
    assert_int_equal(store_begin(store, &fixture->error), FAILED);
    expect_message(fixture, "x.db' is locked by another process");
    assert_int_equal(ask(store->database, "SELECT count(*) FROM sample"), 0);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_begin(store, &fixture->error), 0);
    store_rollback(store);
    store_close(store);
    sqlite3_close(other);
}

/* A reader that does not end keeps a commit from ending: it fails as a whole. */
static void test_commit_is_locked_out(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;
    sqlite3 *other;

    create(fixture);
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN; SELECT count(*) FROM sample", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(store_open_within(fixture->path, STORE_WRITE, IMPATIENT, &store,
                                       &fixture->error), 0);
    assert_int_equal(store_begin(store, &fixture->error), 0);
    assert_int_equal(put_rows(store, 0, 3, &fixture->error), 0);
    assert_int_equal(store_commit(store, &fixture->error), FAILED);
    expect_message(fixture, "x.db' is locked by another process");
    assert_int_equal(ask(store->database, "SELECT count(*) FROM vector"), 0);

    sqlite3_close(other);
    assert_int_equal(store_begin(store, &fixture->error), 0);
    assert_int_equal(put_rows(store, 0, 3, &fixture->error), 0);
    assert_int_equal(store_commit(store, &fixture->error), 0);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM vector"), 3);
    store_close(store);
}

/* ---- permissions ------------------------------------------------------------------------ */

/* What happens without the right to write, which root always has: in a child that is nobody.
 * Returns the number of vectors that could be read, or FAILED; *errors[] for reading, writing. */
static int try_as_nobody(const char *path, struct error errors[2])
{
    struct error *shared = mmap(NULL, 2 * sizeof *shared, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t child;

    assert_true(shared != MAP_FAILED);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store;
        int vectors = 255;

        if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 ||
                               setuid(65534) != 0))
            _exit(254);
        if (store_open(path, STORE_READ, &store, &shared[0]) == 0)
            vectors = (int)ask(store->database, "SELECT count(*) FROM vector");
        store_close(store);
        if (store_open(path, STORE_WRITE, &store, &shared[1]) == 0 &&
            put_rows(store, 100, 1, &shared[1]) < 0)
            error_wrap(&shared[1], "opened");
        store_close(store);
        _exit(vectors);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    memcpy(errors, shared, 2 * sizeof *errors);
    munmap(shared, 2 * sizeof *shared);
    return WEXITSTATUS(status) == 255 ? FAILED : WEXITSTATUS(status);
}

static void test_read_only_file_in_a_read_only_folder(void **state)
{
    struct fixture *fixture = *state;
    struct error errors[2];
    int vectors;

    fill(fixture, 20);
    assert_int_equal(chmod(fixture->path, 0444), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    vectors = try_as_nobody(fixture->path, errors);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    if (vectors == 254)
        skip();
    assert_int_equal(vectors, 20);
    assert_memory_equal(errors[1].text, "cannot write '", 14);
    assert_non_null(strstr(errors[1].text, "x.db': it is read-only"));
}

static void test_writable_file_in_a_read_only_folder(void **state)
{
    struct fixture *fixture = *state;
    struct error errors[2];
    int vectors;

    fill(fixture, 20);
    assert_int_equal(chmod(fixture->path, 0666), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    vectors = try_as_nobody(fixture->path, errors);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    if (vectors == 254)
        skip();
    assert_int_equal(vectors, 20);
    assert_memory_equal(errors[1].text, "opened: cannot write '", 22);
    assert_non_null(strstr(errors[1].text, "x.db': its folder is read-only"));
}

static void test_unreadable_file(void **state)
{
    struct fixture *fixture = *state;
    struct error errors[2];
    int vectors;

    fill(fixture, 1);
    assert_int_equal(chmod(fixture->path, 0), 0);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    vectors = try_as_nobody(fixture->path, errors);
    if (vectors == 254)
        skip();
    assert_int_equal(vectors, FAILED);
    assert_non_null(strstr(errors[0].text, "cannot open '"));
    assert_non_null(strstr(errors[0].text, "x.db': Permission denied"));
    assert_non_null(strstr(errors[1].text, "x.db': Permission denied"));
}

static void test_new_file_in_a_folder_without_permission(void **state)
{
    struct fixture *fixture = *state;
    int status;
    pid_t child;

    assert_int_equal(chmod(fixture->folder, 0555), 0);
    child = fork();
    if (child == 0) {
        struct store *store = NULL;

        if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 ||
                               setuid(65534) != 0))
            _exit(2);
        _exit(store_open(fixture->path, STORE_CREATE, &store, &fixture->error) < 0 &&
              strstr(fixture->error.text, "cannot create '") != NULL &&
              strstr(fixture->error.text, "x.db': Permission denied") != NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        skip();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- a full disk ------------------------------------------------------------------------ */

static void test_full_disk(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;
    char pragma[60];

    fill(fixture, 10);
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &store, &fixture->error), 0);
    snprintf(pragma, sizeof pragma, "PRAGMA max_page_count = %d",
             (int)ask(store->database, "PRAGMA page_count") + 3);
    assert_int_equal(store_execute(store, pragma, &fixture->error), 0);
    assert_int_equal(store_begin(store, &fixture->error), 0);
    assert_int_equal(put_rows(store, 10, 100, &fixture->error), FAILED);
    expect_message(fixture, "cannot write '");
    expect_message(fixture, "x.db': the disk is full");
    store_rollback(store);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM vector"), 10);
    store_close(store);
    expect_consistent(fixture->path);
}

/* The operating system refuses in the middle of a commit. */
static void test_writes_that_fail(void **state)
{
    struct fixture *fixture = *state;
    int status;
    pid_t child;

    fill(fixture, 10);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {200000, 200000};
        struct store *store;

        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
            store_open(fixture->path, STORE_WRITE, &store, &fixture->error) < 0 ||
            store_begin(store, &fixture->error) < 0 ||
            put_rows(store, 10, 100, &fixture->error) < 0)
            _exit(1);
        if (store_commit(store, &fixture->error) != FAILED ||
            strstr(fixture->error.text, "x.db': File too large") == NULL)
            _exit(2);
        _exit(sqlite3_get_autocommit(store->database) &&
              ask(store->database, "SELECT count(*) FROM vector") == 10 ? 0 : 3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_consistent(fixture->path);
    assert_int_equal(ask_file(fixture->path, "SELECT count(*) FROM vector"), 10);
}

/* ---- processes -------------------------------------------------------------------------- */

enum { ROWS = 60, BATCH = 4 };

/* Fills the database in batches, from the front or from the back. */
static int fill_in_batches(const char *path, bool backwards)
{
    struct store *store = NULL;
    struct error error;
    int outcome = store_open(path, STORE_CREATE, &store, &error);

    for (size_t done = 0; outcome == 0 && done < ROWS; done += BATCH) {
        size_t first = backwards ? ROWS - BATCH - done : done;

        outcome = store_begin(store, &error);
        if (outcome == 0)
            outcome = put_rows(store, first, BATCH, &error);
        if (outcome == 0)
            outcome = store_commit(store, &error);
    }
    if (outcome < 0)
        fprintf(stderr, "%s\n", error.text);
    store_close(store);
    return outcome;
}

static void test_processes_fill_one_database(void **state)
{
    enum { PROCESSES = 4 };
    struct fixture *fixture = *state;
    pid_t children[PROCESSES];

    for (size_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(fill_in_batches(fixture->path, i % 2 == 1) == 0 ? 0 : 1);
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    expect_consistent(fixture->path);
    assert_int_equal(ask_file(fixture->path, "SELECT count(*) FROM network"), 1);
    assert_int_equal(ask_file(fixture->path, "SELECT count(*) FROM feature_set"), 1);
    assert_int_equal(ask_file(fixture->path, "SELECT count(*) FROM image"), ROWS);
    assert_int_equal(ask_file(fixture->path, "SELECT count(*) FROM sample"), ROWS);
    assert_int_equal(ask_file(fixture->path, "SELECT count(*) FROM vector"), ROWS);
}

/* Reading goes on while another process writes, and sees whole batches. */
static void test_reader_beside_a_writer(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;
    pid_t child;
    int status = -1;

    create(fixture);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fill_in_batches(fixture->path, false) == 0 ? 0 : 1);
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error), 0);
    while (waitpid(child, &status, WNOHANG) == 0)
        assert_int_equal(ask(store->database, "SELECT count(*) FROM vector") % BATCH, 0);
    assert_int_equal(status, 0);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM vector"), ROWS);
    store_close(store);
}

/* A child that writes for ever and tells of every batch, then, if `spilling`, fills a transaction
 * beyond the cache, which is written into the file before the commit. */
static void write_until_killed(const char *path, size_t batches, int pipe_end, bool spilling)
{
    struct store *store;
    struct error error;

    if (store_open(path, STORE_CREATE, &store, &error) < 0)
        _exit(1);
    for (size_t i = 0; i < batches || !spilling; i++) {
        if (store_begin(store, &error) < 0 || put_rows(store, i * BATCH, BATCH, &error) < 0 ||
            store_commit(store, &error) < 0 || write(pipe_end, "b", 1) != 1)
            _exit(1);
    }
    if (store_execute(store, "PRAGMA cache_size = 10", &error) < 0 ||
        store_begin(store, &error) < 0 || put_rows(store, 1000, 200, &error) < 0 ||
        write(pipe_end, "s", 1) != 1)
        _exit(1);
    pause();
    _exit(1);
}

static void kill_after(const char *path, size_t batches, bool spilling)
{
    size_t signals = batches + (spilling ? 1 : 0);
    int ends[2], status;
    pid_t child;
    char byte;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_until_killed(path, batches, ends[1], spilling);
    close(ends[1]);
    for (size_t i = 0; i < signals; i++)
        assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(ends[0]);
}

static void test_killed_between_batches(void **state)
{
    struct fixture *fixture = *state;

    for (size_t batches = 1; batches <= 12; batches++) {
        struct store *store;
        int64_t rows;

        kill_after(fixture->path, batches, false);
        assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error), 0);
        rows = ask(store->database, "SELECT count(*) FROM vector");
        assert_int_equal(rows % BATCH, 0);
        assert_true(rows >= (int64_t)(batches * BATCH));
        store_close(store);
        expect_consistent(fixture->path);
        assert_int_equal(unlink(fixture->path), 0);
    }
}

/* The file holds half a transaction, which the next one to open it undoes, a reader too. */
static void test_killed_within_a_transaction(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;
    char journal[320];

    kill_after(fixture->path, 3, true);
    snprintf(journal, sizeof journal, "%s-journal", fixture->path);
    assert_int_equal(access(journal, F_OK), 0);
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &fixture->error), 0);
    assert_int_equal(ask(store->database, "SELECT count(*) FROM vector"), 3 * BATCH);
    store_close(store);
    assert_int_not_equal(access(journal, F_OK), 0);
    expect_consistent(fixture->path);
}

static void test_killed_and_then_read_only(void **state)
{
    struct fixture *fixture = *state;
    struct error errors[2];
    int vectors;

    kill_after(fixture->path, 3, true);
    assert_int_equal(chmod(fixture->path, 0444), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    vectors = try_as_nobody(fixture->path, errors);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    if (vectors == 254)
        skip();
    assert_int_equal(vectors, FAILED);
    assert_non_null(strstr(errors[0].text, "x.db': a write to it was interrupted"));
}

#define OPEN_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN_TEST(test_create_write_read),
        OPEN_TEST(test_what_is_created),
        OPEN_TEST(test_names_that_mean_something_to_sqlite),
        OPEN_TEST(test_empty_file),
        OPEN_TEST(test_databases_of_others),
        OPEN_TEST(test_not_a_database),
        OPEN_TEST(test_other_versions),
        OPEN_TEST(test_folder_is_missing),
        OPEN_TEST(test_write_ahead_log_is_switched_back),
        OPEN_TEST(test_truncated),
        OPEN_TEST(test_overwritten),
        OPEN_TEST(test_tables_are_missing),
        OPEN_TEST(test_migrations),
        OPEN_TEST(test_migration_that_fails),
        OPEN_TEST(test_version_1),
        OPEN_TEST(test_locked_by_another_process),
        OPEN_TEST(test_commit_is_locked_out),
        OPEN_TEST(test_read_only_file_in_a_read_only_folder),
        OPEN_TEST(test_writable_file_in_a_read_only_folder),
        OPEN_TEST(test_unreadable_file),
        OPEN_TEST(test_new_file_in_a_folder_without_permission),
        OPEN_TEST(test_full_disk),
        OPEN_TEST(test_writes_that_fail),
        OPEN_TEST(test_processes_fill_one_database),
        OPEN_TEST(test_reader_beside_a_writer),
        OPEN_TEST(test_killed_between_batches),
        OPEN_TEST(test_killed_within_a_transaction),
        OPEN_TEST(test_killed_and_then_read_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
