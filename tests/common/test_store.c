#include "tests/helpers.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store_private.h"

enum { DIMENSION = 3 };

/* Bytes that a path may hold: quotes, a line break, an emoji, what is not UTF-8, metacharacters
 * of LIKE and GLOB and of SQL. In byte order. */
static const char *const odd_texts[] = {
    "\001", "\n", " ", "\"; DROP TABLE sample; --", "%", "'", "*?[a]", "A", "a", "a\nb", "a b",
    "a'b", "a_b", "\303\251t\303\251", "\360\237\220\234", "\377\376",
};
enum { ODD_TEXTS = sizeof odd_texts / sizeof odd_texts[0] };

struct fixture {
    char *folder;
    struct store *store;
    int64_t network_id, feature_set_id;
    struct error error;
};

static struct hash hash_of(const char *text)
{
    return hash_bytes(text, strlen(text));
}

static struct store_feature_set feature_set_of(int64_t network_id)
{
    return (struct store_feature_set){
        .network_id = network_id,
        .layer = "concat22",
        .pooling = "avg",
        .preprocessing = "shorter side 256",
        .engine = 1,
        .dimension = DIMENSION,
    };
}

static int64_t put_image(struct fixture *fixture, const char *content)
{
    const struct store_image image = {
        .hash = hash_of(content), .format = "jpeg", .width = 640, .height = 480, .bytes = 1000,
    };
    int64_t id;

    assert_int_equal(store_put_image(fixture->store, &image, &id, &fixture->error), 0);
    return id;
}

static void put_sample(struct fixture *fixture, const char *path, int64_t image_id,
                       const char *label, const char *split)
{
    const struct store_sample sample = {
        .path = path, .image_id = image_id, .label = label, .split = split, .modified_ns = 77,
    };

    assert_int_equal(store_put_sample(fixture->store, &sample, &fixture->error), 0);
}

static void put_vector(struct fixture *fixture, int64_t image_id, float first)
{
    const float vector[DIMENSION] = {first, -1.5F, 2};

    assert_int_equal(store_put_vector(fixture->store, fixture->feature_set_id, image_id,
                                      STORE_VIEW_ORIGINAL, vector, DIMENSION, &fixture->error), 0);
}

static int64_t count_rows(struct fixture *fixture, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t count;

    assert_int_equal(sqlite3_prepare_v2(fixture->store->database, sql, -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

static void execute(struct fixture *fixture, const char *sql)
{
    assert_int_equal(store_execute(fixture->store, sql, &fixture->error), 0);
}

static void expect_message(const struct fixture *fixture, const char *part)
{
    if (strstr(fixture->error.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", fixture->error.text, part);
}

static int set_up(void **state)
{
    const struct store_network network = {
        .hash = hash_of("network"), .name = "squeezenet.onnx", .format = "onnx", .bytes = 5000,
    };
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct store_feature_set feature_set;

    assert_non_null(fixture);
    *state = fixture;
    fixture->folder = scratch_create();
    assert_int_equal(store_open(scratch_path(fixture->folder, "features.db"), STORE_CREATE,
                                &fixture->store, &fixture->error), 0);
    assert_int_equal(store_put_network(fixture->store, &network, &fixture->network_id,
                                       &fixture->error), 0);
    feature_set = feature_set_of(fixture->network_id);
    assert_int_equal(store_put_feature_set(fixture->store, &feature_set,
                                           &fixture->feature_set_id, &fixture->error), 0);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    store_close(fixture->store);
    scratch_remove(fixture->folder);
    free(fixture);
    return 0;
}

/* ---- putting and finding ---------------------------------------------------------------- */

static void test_network_is_stored_once(void **state)
{
    struct fixture *fixture = *state;
    struct store_network network = {
        .hash = hash_of("network"), .name = "renamed.onnx", .format = "onnx", .bytes = 5000,
    };
    int64_t id;

    assert_int_equal(store_put_network(fixture->store, &network, &id, &fixture->error), 0);
    assert_int_equal(id, fixture->network_id);
    network.hash = hash_of("another network");
    assert_int_equal(store_put_network(fixture->store, &network, &id, &fixture->error), 0);
    assert_int_not_equal(id, fixture->network_id);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM network"), 2);
    assert_int_equal(count_rows(fixture, "SELECT name = 'squeezenet.onnx' FROM network"), 1);
}

/* Every part of the key makes another feature set. */
static void test_feature_set_key(void **state)
{
    struct fixture *fixture = *state;
    const struct store_feature_set same = feature_set_of(fixture->network_id);
    struct store_feature_set others[5];
    int64_t id;

    assert_int_equal(store_put_feature_set(fixture->store, &same, &id, &fixture->error), 0);
    assert_int_equal(id, fixture->feature_set_id);
    for (size_t i = 0; i < 5; i++)
        others[i] = same;
    others[0].layer = "pool5";
    others[1].pooling = "none";
    others[2].preprocessing = "squash 256";
    others[3].engine = 2;
    others[4].dimension = 4;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(store_put_feature_set(fixture->store, &others[i], &id, &fixture->error),
                         0);
        assert_int_equal(count_rows(fixture, "SELECT count(*) FROM feature_set"), i + 2);
    }
    assert_int_equal(store_put_feature_set(fixture->store, &others[4], &id, &fixture->error),
                     FAILED);
    expect_message(fixture, "features.db' has layer 'concat22' of this network with 3 dimensions, "
                            "not 4");
    others[0].network_id = 99;
    assert_int_equal(store_put_feature_set(fixture->store, &others[0], &id, &fixture->error),
                     FAILED);
    expect_message(fixture, "features.db': FOREIGN KEY constraint failed");
}

static void test_image(void **state)
{
    struct fixture *fixture = *state;
    const struct hash known = hash_of("an image"), unknown = hash_of("another");
    int64_t id = put_image(fixture, "an image"), found;

    assert_int_equal(put_image(fixture, "an image"), id);
    assert_int_equal(store_find_image(fixture->store, &known, &found, &fixture->error), 0);
    assert_int_equal(found, id);
    assert_int_equal(store_find_image(fixture->store, &unknown, &found, &fixture->error),
                     STORE_NOT_FOUND);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM image WHERE width = 640 AND "
                                         "height = 480 AND bytes = 1000 AND format = 'jpeg'"), 1);
}

static int copy_vector(void *context, const struct store_sample *sample, const float *vector,
                       size_t dimension, struct error *error)
{
    (void)sample;
    (void)error;
    memcpy(context, vector, dimension * sizeof *vector);
    return 0;
}

static void test_vector_keeps_every_bit(void **state)
{
    static const float vectors[][DIMENSION] = {
        {1, 2, 3}, {-0.0F, FLT_TRUE_MIN, -FLT_MAX}, {1.0F / 3, FLT_EPSILON, FLT_MIN},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char view[10];
        float read[DIMENSION];
        int64_t image_id = put_image(fixture, "image");

        snprintf(view, sizeof view, "view %zu", i);
        put_sample(fixture, "a.jpg", image_id, NULL, NULL);
        assert_int_equal(store_find_vector(fixture->store, fixture->feature_set_id, image_id,
                                           view, &fixture->error), STORE_NOT_FOUND);
        assert_int_equal(store_put_vector(fixture->store, fixture->feature_set_id, image_id, view,
                                          vectors[i], DIMENSION, &fixture->error), 0);
        assert_int_equal(store_find_vector(fixture->store, fixture->feature_set_id, image_id,
                                           view, &fixture->error), 0);
        assert_int_equal(store_each_vector(fixture->store, fixture->feature_set_id, view, NULL,
                                           copy_vector, read, &fixture->error), 0);
        assert_memory_equal(read, vectors[i], sizeof read);
    }
}

static void test_vector_bytes_are_little_endian(void **state)
{
    struct fixture *fixture = *state;

    put_vector(fixture, put_image(fixture, "image"), 1);
    assert_int_equal(count_rows(fixture, "SELECT data = x'0000803f0000c0bf00000040' FROM vector"),
                     1);
}

static void test_first_vector_stays(void **state)
{
    struct fixture *fixture = *state;
    int64_t image_id = put_image(fixture, "image");
    float read[DIMENSION];

    put_sample(fixture, "a.jpg", image_id, NULL, NULL);
    put_vector(fixture, image_id, 1);
    put_vector(fixture, image_id, 2);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM vector"), 1);
    assert_int_equal(store_each_vector(fixture->store, fixture->feature_set_id,
                                       STORE_VIEW_ORIGINAL, NULL, copy_vector, read,
                                       &fixture->error), 0);
    assert_true(read[0] > 0.9F && read[0] < 1.1F);
}

static void test_vectors_that_are_refused(void **state)
{
    struct fixture *fixture = *state;
    int64_t image_id = put_image(fixture, "image"), set = fixture->feature_set_id;
    const struct {
        int64_t feature_set_id, image_id;
        size_t dimension;
        float vector[4];
        const char *message;
    } cases[] = {
        {set, image_id, 3, {1, NAN, 1}, "number 1 of the vector is not a number"},
        {set, image_id, 3, {1, 2, INFINITY}, "number 2 of the vector is infinite"},
        {set, image_id, 3, {-INFINITY, NAN, 1}, "number 0 of the vector is infinite"},
        {set, image_id, 4, {1, 2, 3, 4}, "takes vectors of 3 numbers, not 4"},
        {set, image_id, 2, {1, 2}, "takes vectors of 3 numbers, not 2"},
        {99, image_id, 3, {1, 2, 3}, "features.db' has no feature set 99"},
        {set, 99, 3, {1, 2, 3}, "features.db': FOREIGN KEY constraint failed"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(store_put_vector(fixture->store, cases[i].feature_set_id,
                                          cases[i].image_id, STORE_VIEW_ORIGINAL, cases[i].vector,
                                          cases[i].dimension, &fixture->error), FAILED);
        expect_message(fixture, cases[i].message);
        assert_int_equal(count_rows(fixture, "SELECT count(*) FROM vector"), 0);
    }
}

static void test_sample_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    int64_t first = put_image(fixture, "one"), second = put_image(fixture, "two");
    const struct store_sample unknown_image = {.path = "x.jpg", .image_id = 99};

    put_sample(fixture, "a.jpg", first, "ants", "train");
    put_sample(fixture, "a.jpg", second, "bees", NULL);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM sample"), 1);
    assert_int_equal(count_rows(fixture, "SELECT label = 'bees' AND split IS NULL AND "
                                         "\"group\" IS NULL AND image_id FROM sample"), 1);
    assert_int_equal(count_rows(fixture, "SELECT image_id FROM sample"), second);

    assert_int_equal(store_put_sample(fixture->store, &unknown_image, &fixture->error), FAILED);
    expect_message(fixture, "features.db': FOREIGN KEY constraint failed");
}

static void test_sample_and_refusal_replace_each_other(void **state)
{
    struct fixture *fixture = *state;
    int64_t image_id = put_image(fixture, "one");

    put_sample(fixture, "a.jpg", image_id, NULL, NULL);
    put_sample(fixture, "b.jpg", image_id, NULL, NULL);
    assert_int_equal(store_put_refusal(fixture->store, "a.jpg", "truncated", &fixture->error), 0);
    assert_int_equal(store_put_refusal(fixture->store, "a.jpg", "gone", &fixture->error), 0);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM sample WHERE path = 'b.jpg'"), 1);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM sample"), 1);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM refusal WHERE path = 'a.jpg' AND "
                                         "reason = 'gone'"), 1);
    put_sample(fixture, "a.jpg", image_id, NULL, NULL);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM refusal"), 0);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM sample"), 2);
    assert_int_equal(store_remove_path(fixture->store, "a.jpg", &fixture->error), 0);
    assert_int_equal(store_remove_path(fixture->store, "never there", &fixture->error), 0);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM sample"), 1);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM image"), 1);
}

/* What takes two statements is done as a whole, in the caller's transaction or in one of its own;
 * a trigger makes the second fail. */
static void test_both_or_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct store_sample sample = {.path = "a.jpg", .image_id = put_image(fixture, "one")};

    assert_int_equal(store_put_refusal(fixture->store, "a.jpg", "why", &fixture->error), 0);
    execute(fixture, "CREATE TRIGGER no BEFORE DELETE ON refusal"
                     " BEGIN SELECT raise(ABORT, 'not now'); END");
    assert_int_equal(store_put_sample(fixture->store, &sample, &fixture->error), FAILED);
    expect_message(fixture, "features.db': not now");
    assert_true(sqlite3_get_autocommit(fixture->store->database));
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM sample"), 0);

    execute(fixture, "DROP TRIGGER no");
    assert_int_equal(store_begin(fixture->store, &fixture->error), 0);
    assert_int_equal(store_put_sample(fixture->store, &sample, &fixture->error), 0);
    assert_false(sqlite3_get_autocommit(fixture->store->database));
    store_rollback(fixture->store);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM sample"), 0);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM refusal"), 1);
}

static void test_find_unchanged(void **state)
{
    struct fixture *fixture = *state;
    const struct hash expected = hash_of("one");
    const struct {
        const char *path;
        uint64_t bytes;
        int64_t modified_ns;
        int outcome;
    } cases[] = {
        {"a.jpg", 1000, 77, 0},
        {"a.jpg", 1001, 77, STORE_NOT_FOUND},
        {"a.jpg", 1000, 78, STORE_NOT_FOUND},
        {"b.jpg", 1000, 77, STORE_NOT_FOUND},
    };

    put_sample(fixture, "a.jpg", put_image(fixture, "one"), NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hash hash;

        assert_int_equal(store_find_unchanged(fixture->store, cases[i].path, cases[i].bytes,
                                              cases[i].modified_ns, &hash, &fixture->error),
                         cases[i].outcome);
        if (cases[i].outcome == 0)
            assert_true(hash_equal(&hash, &expected));
    }
}

static void test_find_sample(void **state)
{
    struct fixture *fixture = *state;
    const int64_t image = put_image(fixture, "one"), other = put_image(fixture, "two");
    const struct store_sample sample = {
        .path = "a.jpg", .image_id = image, .label = "ants", .split = NULL, .group = "nest",
        .modified_ns = 7,
    };
    struct store_sample changed[6];

    assert_int_equal(store_find_sample(fixture->store, &sample, &fixture->error),
                     STORE_NOT_FOUND);
    assert_int_equal(store_put_sample(fixture->store, &sample, &fixture->error), 0);
    assert_int_equal(store_begin_reading(fixture->store, &fixture->error), 0);
    assert_int_equal(store_find_sample(fixture->store, &sample, &fixture->error), 0);
    for (size_t i = 0; i < 6; i++)
        changed[i] = sample;
    changed[0].path = "b.jpg";
    changed[1].image_id = other;
    changed[2].label = NULL;
    changed[3].split = "train";
    changed[4].group = "hive";
    changed[5].modified_ns = 8;
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(store_find_sample(fixture->store, &changed[i], &fixture->error),
                         STORE_NOT_FOUND);
    assert_int_equal(store_commit(fixture->store, &fixture->error), 0);
    /* A row beside a refusal is not as store_put_sample leaves it. */
    execute(fixture, "INSERT INTO refusal VALUES ('a.jpg', 'by hand')");
    assert_int_equal(store_find_sample(fixture->store, &sample, &fixture->error),
                     STORE_NOT_FOUND);
}

static void test_experiment(void **state)
{
    struct fixture *fixture = *state;
    struct store_experiment experiment = {
        .command = "evaluate", .feature_set_id = fixture->feature_set_id,
        .samples = hash_of("samples"), .settings = "{\"seed\": 0}", .result = "{}",
        .program = "bottleneck-classify 1.0",
    };
    int64_t first, second;

    assert_int_equal(store_put_experiment(fixture->store, &experiment, &first, &fixture->error),
                     0);
    assert_int_equal(store_put_experiment(fixture->store, &experiment, &second, &fixture->error),
                     0);
    assert_int_not_equal(first, second);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM experiment WHERE command = "
                                         "'evaluate' AND json_extract(settings, '$.seed') = 0 AND "
                                         "length(samples_sha256) = 32 AND unixepoch(created) "
                                         "BETWEEN unixepoch() - 1000 AND unixepoch()"), 2);
    experiment.feature_set_id = 99;
    assert_int_equal(store_put_experiment(fixture->store, &experiment, &first, &fixture->error),
                     FAILED);
    execute(fixture, "DELETE FROM feature_set");
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM experiment WHERE feature_set_id "
                                         "IS NULL"), 2);
}

/* What the callbacks below were shown, as lines. */
struct shown {
    char text[2000];
};

static void show(struct shown *shown, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void show(struct shown *shown, const char *format, ...)
{
    size_t used = strlen(shown->text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(shown->text + used, sizeof shown->text - used, format, arguments);
    va_end(arguments);
}

static int show_experiment(void *context, const struct store_experiment *experiment,
                           struct error *error)
{
    const struct hash samples = hash_of("samples");

    (void)error;
    show(context, "%d %s %d %s %s %s %d\n", (int)experiment->id, experiment->command,
         (int)experiment->feature_set_id, experiment->settings, experiment->result,
         experiment->program, (int)strlen(experiment->created));
    return hash_equal(&experiment->samples, &samples) ? 0 : FAILED;
}

static int show_argument(void *context, const char *argument, struct error *error)
{
    (void)error;
    show(context, "%s|", argument);
    return 0;
}

static int show_score(void *context, const struct store_score *score, struct error *error)
{
    (void)error;
    show(context, "%d %d %s %s", (int)score->part, (int)score->position, score->path,
         score->label);
    for (size_t i = 0; i < score->count; i++)
        show(context, " %a", score->scores[i]);
    show(context, "\n");
    return 0;
}

static void test_reading_experiments(void **state)
{
    struct fixture *fixture = *state;
    struct store_experiment experiment = {
        .command = "evaluate", .feature_set_id = fixture->feature_set_id,
        .samples = hash_of("samples"), .settings = "{\"arguments\": [\"-C\", \"a b\\n\"]}",
        .result = "{}", .program = "p",
    };
    static const double scores[] = {0.1, -1e308, -INFINITY, 5e-324};
    const struct store_score rows[] = {
        {1, 0, "c", "z", scores, 1}, {0, 1, "b", "y", scores + 1, 3}, {0, 0, "a", "x", NULL, 0},
    };
    struct shown shown = {""};
    int64_t id;

    assert_int_equal(store_put_experiment(fixture->store, &experiment, &id, &fixture->error), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(store_put_score(fixture->store, id, &rows[i], &fixture->error), 0);
    assert_int_equal(store_put_score(fixture->store, id, &rows[0], &fixture->error), FAILED);
    assert_int_equal(store_put_score(fixture->store, 77, &rows[0], &fixture->error), FAILED);
    assert_int_equal(store_each_score(fixture->store, id, show_score, &shown, &fixture->error),
                     0);
    assert_string_equal(shown.text, "0 0 a x\n0 1 b y -0x1.1ccf385ebc8ap+1023 -inf "
                                    "0x0.0000000000001p-1022\n1 0 c z 0x1.999999999999ap-4\n");
    shown.text[0] = '\0';
    assert_int_equal(store_each_argument(fixture->store, id, show_argument, &shown,
                                         &fixture->error), 0);
    assert_string_equal(shown.text, "-C|a b\n|");
    experiment.command = "compare";
    experiment.feature_set_id = 0;
    experiment.settings = "{}";
    assert_int_equal(store_put_experiment(fixture->store, &experiment, &id, &fixture->error), 0);
    shown.text[0] = '\0';
    assert_int_equal(store_each_experiment(fixture->store, show_experiment, &shown,
                                           &fixture->error), 0);
    assert_string_equal(shown.text,
                        "1 evaluate 1 {\"arguments\": [\"-C\", \"a b\\n\"]} {} p 20\n"
                        "2 compare 0 {} {} p 20\n");
    shown.text[0] = '\0';
    assert_int_equal(store_find_experiment(fixture->store, id, show_experiment, &shown,
                                           &fixture->error), 0);
    assert_string_equal(shown.text, "2 compare 0 {} {} p 20\n");
    assert_int_equal(store_find_experiment(fixture->store, 3, show_experiment, &shown,
                                           &fixture->error), STORE_NOT_FOUND);
    execute(fixture, "DELETE FROM experiment WHERE id = 1");
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM experiment_score"), 0);
}

/* ---- going through ---------------------------------------------------------------------- */

/* What a callback was shown, as lines. */
struct lines {
    char text[2000];
    size_t stop_after, count;
};

static void add_line(struct lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_line(struct lines *lines, const char *format, ...)
{
    size_t used = strlen(lines->text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(lines->text + used, sizeof lines->text - used, format, arguments);
    va_end(arguments);
}

static int stop_in_time(struct lines *lines)
{
    return ++lines->count == lines->stop_after ? -77 : 0;
}

static const char *or_none(const char *text)
{
    return text != NULL ? text : "(none)";
}

static int show_vector(void *context, const struct store_sample *sample, const float *vector,
                       size_t dimension, struct error *error)
{
    (void)error;
    assert_int_equal(dimension, DIMENSION);
    add_line(context, "%s %s %s %s %.0f\n", sample->path, or_none(sample->label),
             or_none(sample->split), or_none(sample->group), (double)vector[0]);
    return stop_in_time(context);
}

static int each_vector(struct fixture *fixture, const char *view, const char *split,
                       struct lines *lines)
{
    return store_each_vector(fixture->store, fixture->feature_set_id, view, split, show_vector,
                             lines, &fixture->error);
}

static void fill_with_vectors(struct fixture *fixture)
{
    int64_t one = put_image(fixture, "one"), two = put_image(fixture, "two");
    const struct store_sample grouped = {
        .path = "b/1.jpg", .image_id = two, .label = "bees", .split = "val", .group = "hive",
    };

    put_sample(fixture, "c.jpg", one, NULL, NULL);
    put_sample(fixture, "a/2.jpg", two, "ants", "train");
    put_sample(fixture, "a/1.jpg", one, "ants", "train");
    put_sample(fixture, "a-1.jpg", two, "ants", NULL);
    assert_int_equal(store_put_sample(fixture->store, &grouped, &fixture->error), 0);
    put_sample(fixture, "no vector.jpg", put_image(fixture, "three"), "ants", "train");
    put_vector(fixture, two, 2);
    put_vector(fixture, one, 1);
}

static void test_each_vector(void **state)
{
    static const struct {
        const char *view, *split, *expected;
    } cases[] = {
        {STORE_VIEW_ORIGINAL, NULL, "a-1.jpg ants (none) (none) 2\n"
                                    "a/1.jpg ants train (none) 1\n"
                                    "a/2.jpg ants train (none) 2\n"
                                    "b/1.jpg bees val hive 2\n"
                                    "c.jpg (none) (none) (none) 1\n"},
        {STORE_VIEW_ORIGINAL, "train", "a/1.jpg ants train (none) 1\n"
                                       "a/2.jpg ants train (none) 2\n"},
        {STORE_VIEW_ORIGINAL, "val", "b/1.jpg bees val hive 2\n"},
        {STORE_VIEW_ORIGINAL, "", ""},
        {"mirrored", NULL, ""},
    };
    struct fixture *fixture = *state;

    fill_with_vectors(fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lines lines = {0};

        assert_int_equal(each_vector(fixture, cases[i].view, cases[i].split, &lines), 0);
        assert_string_equal(lines.text, cases[i].expected);
    }
}

static bool is_below_a(void *context, const char *path)
{
    assert_non_null(context);
    return strncmp(path, "a/", 2) == 0;
}

/* A vector that is not wanted is not looked at: it may be damaged. */
static void test_each_wanted_vector(void **state)
{
    struct fixture *fixture = *state;
    struct lines lines = {0};

    fill_with_vectors(fixture);
    execute(fixture, "UPDATE sample SET image_id = (SELECT image_id FROM sample WHERE path ="
                     " 'a/1.jpg') WHERE path = 'a/2.jpg'");
    execute(fixture, "UPDATE vector SET data = x'00' WHERE image_id ="
                     " (SELECT image_id FROM sample WHERE path = 'b/1.jpg')");
    assert_int_equal(store_each_wanted_vector(fixture->store, fixture->feature_set_id,
                                              STORE_VIEW_ORIGINAL, NULL, is_below_a, show_vector,
                                              &lines, &fixture->error), 0);
    assert_string_equal(lines.text, "a/1.jpg ants train (none) 1\n"
                                    "a/2.jpg ants train (none) 1\n");
}

static void test_each_vector_stops_and_fails(void **state)
{
    struct fixture *fixture = *state;
    struct lines stopped = {.stop_after = 2}, damaged = {0}, unknown = {0};

    fill_with_vectors(fixture);
    assert_int_equal(each_vector(fixture, STORE_VIEW_ORIGINAL, NULL, &stopped), -77);
    assert_int_equal(stopped.count, 2);
    assert_int_equal(store_each_vector(fixture->store, 99, STORE_VIEW_ORIGINAL, NULL, show_vector,
                                       &unknown, &fixture->error), FAILED);
    expect_message(fixture, "features.db' has no feature set 99");

    execute(fixture, "UPDATE vector SET data = x'0000803f00' WHERE image_id ="
                     " (SELECT image_id FROM sample WHERE path = 'a/1.jpg')");
    assert_int_equal(each_vector(fixture, STORE_VIEW_ORIGINAL, NULL, &damaged), FAILED);
    expect_message(fixture, "features.db' is damaged: the vector of 'a/1.jpg' in feature set 1 "
                            "has 5 bytes, not 12");
    assert_int_equal(damaged.count, 1);
}

/* Numbers that only somebody else can have written. */
static void test_each_vector_of_hostile_rows(void **state)
{
    struct fixture *fixture = *state;
    struct lines lines = {0};

    fill_with_vectors(fixture);
    execute(fixture, "UPDATE feature_set SET dimension = 0x7fffffffffffffff");
    assert_int_equal(each_vector(fixture, STORE_VIEW_ORIGINAL, NULL, &lines), FAILED);
    execute(fixture, "PRAGMA ignore_check_constraints = ON;"
                     "UPDATE feature_set SET dimension = -1");
    assert_int_equal(each_vector(fixture, STORE_VIEW_ORIGINAL, NULL, &lines), FAILED);
    expect_message(fixture, "feature set 1 has -1 dimensions");
    execute(fixture, "UPDATE feature_set SET dimension = 3; UPDATE image SET sha256 = x'00'"
                     " WHERE id = (SELECT image_id FROM sample WHERE path = 'a-1.jpg')");
    assert_int_equal(each_vector(fixture, STORE_VIEW_ORIGINAL, NULL, &lines), FAILED);
    expect_message(fixture, "features.db' is damaged: a SHA-256 has 1 bytes, not 32");
    assert_int_equal(lines.count, 0);
}

static int show_path(void *context, const char *path, struct error *error)
{
    (void)error;
    add_line(context, "%s\n", path);
    return stop_in_time(context);
}

static void test_each_path(void **state)
{
    static const char *const samples[] = {
        "a", "a/1", "a/2", "a/b/3", "a0", "a-", "A/1", "a%/1", "a_/1", "ab/1", "a*/1", "a[b]/1",
        "/root/1", "\377/1",
    };
    static const struct {
        const char *folder, *expected;
    } cases[] = {
        {"a", "a/1\na/2\na/b/3\na/refused\n"},
        {"a/", "a/1\na/2\na/b/3\na/refused\n"},
        {"a/b", "a/b/3\n"},
        {"A", "A/1\n"},
        {"a%", "a%/1\n"},
        {"a_", "a_/1\n"},
        {"a*", "a*/1\n"},
        {"a[b]", "a[b]/1\n"},
        {"\377", "\377/1\n"},
        {"/", "/root/1\n"},
        {"/root", "/root/1\n"},
        {"nothing", ""},
        {"", "/root/1\nA/1\na\na%/1\na*/1\na-\na/1\na/2\na/b/3\na/refused\na0\na[b]/1\na_/1\n"
             "ab/1\nb/refused\n\377/1\n"},
    };
    struct fixture *fixture = *state;
    int64_t image_id = put_image(fixture, "one");
    struct lines stopped = {.stop_after = 3};

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        put_sample(fixture, samples[i], image_id, NULL, NULL);
    assert_int_equal(store_put_refusal(fixture->store, "a/refused", "why", &fixture->error), 0);
    assert_int_equal(store_put_refusal(fixture->store, "b/refused", "why", &fixture->error), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lines lines = {0};

        assert_int_equal(store_each_path(fixture->store, cases[i].folder, show_path, &lines,
                                         &fixture->error), 0);
        assert_string_equal(lines.text, cases[i].expected);
    }
    assert_int_equal(store_each_path(fixture->store, "", show_path, &stopped, &fixture->error),
                     -77);
    assert_int_equal(stopped.count, 3);
}

static int remove_path(void *context, const char *path, struct error *error)
{
    return store_remove_path(context, path, error);
}

static void test_paths_may_be_removed_on_the_way(void **state)
{
    struct fixture *fixture = *state;
    int64_t image_id = put_image(fixture, "one");

    for (int i = 0; i < 20; i++) {
        char path[30];

        snprintf(path, sizeof path, "%s/%d.jpg", i % 2 == 0 ? "gone" : "kept", i);
        put_sample(fixture, path, image_id, NULL, NULL);
    }
    assert_int_equal(store_put_refusal(fixture->store, "gone/x", "why", &fixture->error), 0);
    assert_int_equal(store_each_path(fixture->store, "gone", remove_path, fixture->store,
                                     &fixture->error), 0);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM sample"), 10);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM refusal"), 0);
}

static void test_path_with_a_nul_ends_in_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct lines lines = {0};

    execute(fixture, "INSERT INTO refusal VALUES ('a' || char(0) || 'b', 'why')");
    assert_int_equal(store_each_path(fixture->store, "", show_path, &lines, &fixture->error),
                     FAILED);
    expect_message(fixture, "features.db' is damaged: a path goes on after a NUL: 'a'");
}

static int show_count(void *context, const struct store_count *count, struct error *error)
{
    (void)error;
    add_line(context, "%s %s %zu\n", or_none(count->split), or_none(count->label),
             count->samples);
    return stop_in_time(context);
}

static void test_each_count(void **state)
{
    struct fixture *fixture = *state;
    struct lines lines = {0}, stopped = {.stop_after = 1}, none = {0};

    assert_int_equal(store_each_count(fixture->store, show_count, &none, &fixture->error), 0);
    assert_string_equal(none.text, "");
    fill_with_vectors(fixture);
    put_sample(fixture, "d.jpg", put_image(fixture, "one"), NULL, "train");
    assert_int_equal(store_each_count(fixture->store, show_count, &lines, &fixture->error), 0);
    assert_string_equal(lines.text, "(none) (none) 1\n(none) ants 1\ntrain (none) 1\n"
                                    "train ants 3\nval bees 1\n");
    assert_int_equal(store_each_count(fixture->store, show_count, &stopped, &fixture->error),
                     -77);
}

static int show_refusal(void *context, const char *path, const char *reason, struct error *error)
{
    (void)error;
    add_line(context, "%s: %s\n", path, reason);
    return stop_in_time(context);
}

static void test_each_refusal(void **state)
{
    struct fixture *fixture = *state;
    struct lines lines = {0}, stopped = {.stop_after = 1};

    assert_int_equal(store_put_refusal(fixture->store, "b", "a GIF", &fixture->error), 0);
    assert_int_equal(store_put_refusal(fixture->store, "\377", "odd", &fixture->error), 0);
    assert_int_equal(store_put_refusal(fixture->store, "a/b", "cut off", &fixture->error), 0);
    assert_int_equal(store_each_refusal(fixture->store, show_refusal, &lines, &fixture->error),
                     0);
    assert_string_equal(lines.text, "a/b: cut off\nb: a GIF\n\377: odd\n");
    assert_int_equal(store_each_refusal(fixture->store, show_refusal, &stopped, &fixture->error),
                     -77);
}

static int show_feature_set(void *context, const struct store_feature_set *feature_set,
                            struct error *error)
{
    char digits[HASH_TEXT];

    (void)error;
    hash_to_text(&feature_set->network.hash, digits);
    add_line(context, "%lld %lld %s %s %s %lld %zu %zu %.4s %s %s %llu\n",
             (long long)feature_set->id, (long long)feature_set->network_id, feature_set->layer,
             feature_set->pooling, feature_set->preprocessing, (long long)feature_set->engine,
             feature_set->dimension, feature_set->vectors, digits, feature_set->network.name,
             feature_set->network.format, (unsigned long long)feature_set->network.bytes);
    return stop_in_time(context);
}

static void test_each_feature_set(void **state)
{
    struct fixture *fixture = *state;
    struct store_feature_set other = feature_set_of(fixture->network_id);
    struct lines lines = {0}, stopped = {.stop_after = 1};
    int64_t id;

    other.layer = "conv1";
    other.dimension = 64;
    assert_int_equal(store_put_feature_set(fixture->store, &other, &id, &fixture->error), 0);
    fill_with_vectors(fixture);
    assert_int_equal(store_each_feature_set(fixture->store, show_feature_set, &lines,
                                            &fixture->error), 0);
    assert_string_equal(lines.text,
        "1 1 concat22 avg shorter side 256 1 3 2 3009 squeezenet.onnx onnx 5000\n"
        "2 1 conv1 avg shorter side 256 1 64 0 3009 squeezenet.onnx onnx 5000\n");
    assert_int_equal(store_each_feature_set(fixture->store, show_feature_set, &stopped,
                                            &fixture->error), -77);
    execute(fixture, "PRAGMA ignore_check_constraints = ON; UPDATE network SET sha256 = x''");
    assert_int_equal(store_each_feature_set(fixture->store, show_feature_set, &lines,
                                            &fixture->error), FAILED);
    expect_message(fixture, "features.db' is damaged: a SHA-256 has 0 bytes, not 32");
}

static int check_odd_sample(void *context, const struct store_sample *sample, const float *vector,
                            size_t dimension, struct error *error)
{
    size_t *next = context;

    (void)vector;
    (void)dimension;
    (void)error;
    assert_true(*next < ODD_TEXTS);
    assert_string_equal(sample->path, odd_texts[*next]);
    assert_string_equal(sample->label, odd_texts[*next]);
    assert_string_equal(sample->split, odd_texts[*next]);
    assert_string_equal(sample->group, odd_texts[*next]);
    ++*next;
    return 0;
}

static int check_odd_path(void *context, const char *path, struct error *error)
{
    size_t *next = context;

    (void)error;
    assert_true(*next < ODD_TEXTS);
    assert_string_equal(path, odd_texts[*next]);
    ++*next;
    return 0;
}

/* Texts are bytes to us: they come back as they were, in byte order. */
static void test_odd_texts(void **state)
{
    struct fixture *fixture = *state;
    int64_t image_id = put_image(fixture, "one");
    const struct hash expected = hash_of("one");
    size_t vectors = 0, paths = 0;

    put_vector(fixture, image_id, 1);
    for (size_t i = ODD_TEXTS; i-- > 0;) {
        const struct store_sample sample = {
            .path = odd_texts[i], .image_id = image_id, .label = odd_texts[i],
            .split = odd_texts[i], .group = odd_texts[i], .modified_ns = 5,
        };
        struct hash hash;

        assert_int_equal(store_put_sample(fixture->store, &sample, &fixture->error), 0);
        assert_int_equal(store_find_unchanged(fixture->store, odd_texts[i], 1000, 5, &hash,
                                              &fixture->error), 0);
        assert_true(hash_equal(&hash, &expected));
    }
    assert_int_equal(store_each_vector(fixture->store, fixture->feature_set_id,
                                       STORE_VIEW_ORIGINAL, NULL, check_odd_sample, &vectors,
                                       &fixture->error), 0);
    assert_int_equal(vectors, ODD_TEXTS);
    assert_int_equal(store_each_path(fixture->store, "", check_odd_path, &paths,
                                     &fixture->error), 0);
    assert_int_equal(paths, ODD_TEXTS);
    for (size_t i = 0; i < ODD_TEXTS; i++)
        assert_int_equal(store_remove_path(fixture->store, odd_texts[i], &fixture->error), 0);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM sample"), 0);
}

/* ---- transactions ----------------------------------------------------------------------- */

static void test_transactions(void **state)
{
    struct fixture *fixture = *state;
    char *path = strdup(scratch_path(fixture->folder, "features.db"));

    assert_non_null(path);
    store_rollback(fixture->store);

    assert_int_equal(store_begin(fixture->store, &fixture->error), 0);
    put_image(fixture, "one");
    assert_int_equal(store_put_refusal(fixture->store, "a", "why", &fixture->error), 0);
    store_rollback(fixture->store);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM image"), 0);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM refusal"), 0);

    assert_int_equal(store_begin(fixture->store, &fixture->error), 0);
    put_image(fixture, "two");
    assert_int_equal(store_commit(fixture->store, &fixture->error), 0);
    assert_int_equal(store_commit(fixture->store, &fixture->error), FAILED);
    expect_message(fixture, "no transaction is active");

    assert_int_equal(store_begin(fixture->store, &fixture->error), 0);
    put_image(fixture, "three");
    store_close(fixture->store);
    assert_int_equal(store_open(path, STORE_WRITE, &fixture->store, &fixture->error), 0);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM image"), 1);
    free(path);
}

static void test_removing_an_image_takes_its_vectors(void **state)
{
    struct fixture *fixture = *state;

    put_vector(fixture, put_image(fixture, "one"), 1);
    put_vector(fixture, put_image(fixture, "two"), 2);
    execute(fixture, "DELETE FROM image WHERE id = 1");
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM vector"), 1);
}

/* ---- plans ------------------------------------------------------------------------------ */

/* Where going through a whole table is what is asked for. */
static const struct {
    enum statement statement;
    const char *step;
} allowed_scans[] = {
    {READ_STATE, "SCAN pragma_application_id VIRTUAL TABLE"},
    {READ_STATE, "SCAN pragma_user_version VIRTUAL TABLE"},
    {READ_STATE, "SCAN sqlite_"},
    {NEXT_PATH, "SCAN (subquery"},
    {EACH_FEATURE_SET, "SCAN feature_set"},
    {EACH_VECTOR, "SCAN sample USING INDEX"},
    {EACH_VIEW, "SCAN sample"},
    {EACH_COUNT, "SCAN sample USING COVERING INDEX sample_split"},
    {EACH_REFUSAL, "SCAN refusal"},
    {EACH_EXPERIMENT, "SCAN experiment"},
    {EACH_ARGUMENT, "SCAN json_each VIRTUAL TABLE"},
};

static bool may_scan(enum statement statement, const char *step)
{
    for (size_t i = 0; i < sizeof allowed_scans / sizeof allowed_scans[0]; i++)
        if (allowed_scans[i].statement == statement &&
            strncmp(step, allowed_scans[i].step, strlen(allowed_scans[i].step)) == 0)
            return true;
    return false;
}

static void check_plan(struct fixture *fixture, enum statement which)
{
    char sql[2000];
    sqlite3_stmt *statement;

    assert_non_null(store_sql[which]);
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", store_sql[which]);
    assert_int_equal(sqlite3_prepare_v2(fixture->store->database, sql, -1, &statement, NULL),
                     SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(statement, 3);

        if (strncmp(step, "SCAN", 4) == 0 && strcmp(step, "SCAN CONSTANT ROW") != 0 &&
            !may_scan(which, step))
            fail_msg("%s\n  %s", store_sql[which], step);
        if (strstr(step, "TEMP B-TREE") != NULL)
            fail_msg("%s\n  %s", store_sql[which], step);
    }
    sqlite3_finalize(statement);
}

static void test_no_statement_scans_or_sorts(void **state)
{
    struct fixture *fixture = *state;

    for (int which = 0; which < STATEMENT_COUNT; which++)
        check_plan(fixture, (enum statement)which);

    /* Nor with statistics, by which SQLite may decide otherwise. */
    assert_int_equal(store_begin(fixture->store, &fixture->error), 0);
    for (int i = 0; i < 500; i++) {
        char path[30];
        int64_t image_id;

        snprintf(path, sizeof path, "%d.jpg", i);
        image_id = put_image(fixture, path);
        put_sample(fixture, path, image_id, NULL, "train");
        put_vector(fixture, image_id, 1);
    }
    assert_int_equal(store_commit(fixture->store, &fixture->error), 0);
    execute(fixture, "ANALYZE");
    check_plan(fixture, EACH_VECTOR);
    check_plan(fixture, NEXT_PATH);
}

#define STORE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_network_is_stored_once),
        STORE_TEST(test_feature_set_key),
        STORE_TEST(test_image),
        STORE_TEST(test_vector_keeps_every_bit),
        STORE_TEST(test_vector_bytes_are_little_endian),
        STORE_TEST(test_first_vector_stays),
        STORE_TEST(test_vectors_that_are_refused),
        STORE_TEST(test_sample_is_replaced),
        STORE_TEST(test_sample_and_refusal_replace_each_other),
        STORE_TEST(test_both_or_nothing),
        STORE_TEST(test_find_unchanged),
        STORE_TEST(test_find_sample),
        STORE_TEST(test_experiment),
        STORE_TEST(test_reading_experiments),
        STORE_TEST(test_each_vector),
        STORE_TEST(test_each_wanted_vector),
        STORE_TEST(test_each_vector_stops_and_fails),
        STORE_TEST(test_each_vector_of_hostile_rows),
        STORE_TEST(test_each_path),
        STORE_TEST(test_paths_may_be_removed_on_the_way),
        STORE_TEST(test_path_with_a_nul_ends_in_an_error),
        STORE_TEST(test_each_count),
        STORE_TEST(test_each_refusal),
        STORE_TEST(test_each_feature_set),
        STORE_TEST(test_odd_texts),
        STORE_TEST(test_transactions),
        STORE_TEST(test_removing_an_image_takes_its_vectors),
        STORE_TEST(test_no_statement_scans_or_sorts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
