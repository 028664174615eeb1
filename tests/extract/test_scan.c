#include "extract/scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/helpers.h"

/* Each test runs in a scratch folder of its own as the current one. */
static int set_up(void **state)
{
    char *folder = scratch_create();

    *state = folder;
    return chdir(folder);
}

static int tear_down(void **state)
{
    assert_int_equal(chdir("/"), 0);
    scratch_remove(*state);
    return 0;
}

static void make_folders(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(mkdir(names[i], 0777), 0);
}

/* Two classes, images below and beside them, and what must be passed over. */
static void make_photos(void)
{
    static const char *const folders[] = {"photos", "photos/ants", "photos/ants/more",
                                          "photos/bees", "photos/.hidden"};
    static const char *const files[] = {
        "photos/loose.jpg", "photos/ants/2.jpg", "photos/ants/1.jpg", "photos/ants/more/3.jpg",
        "photos/bees/b c.jpg", "photos/.hidden/x.jpg", "photos/ants/.x.jpg"};

    make_folders(folders, sizeof folders / sizeof *folders);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        write_file(files[i], files[i], strlen(files[i]));
    assert_int_equal(mkfifo("photos/ants/fifo.jpg", 0666), 0);
}

static void run_scan(const struct scan_request *request, struct scan *scan)
{
    struct error error;

    if (scan_run(request, scan, &error) < 0)
        fail_msg("%s", error.text);
}

/* Samples as "path label split group named" separated by '|', "-" for none. */
static void check_samples(const struct scan *scan, const char *wanted)
{
    char text[4096] = "";
    size_t used = 0;

    for (size_t i = 0; i < scan->sample_count; i++) {
        const struct sample *sample = &scan->samples[i];
        const char *const fields[] = {sample->path, sample->label, sample->split, sample->group};

        for (int j = 0; j < 4; j++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
                                     j > 0 ? " " : i > 0 ? "|" : "",
                                     fields[j] != NULL ? fields[j] : "-");
        used += (size_t)snprintf(text + used, sizeof text - used, "%s",
                                 sample->named ? " named" : "");
    }
    assert_string_equal(text, wanted);
}

#define PATHS(...) .paths = (const char *const[]){__VA_ARGS__}, \
                   .path_count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

static void test_folder(void **state)
{
    struct scan scan;

    (void)state;
    make_photos();
    run_scan(&(struct scan_request){PATHS("photos/")}, &scan);
    check_samples(&scan, "photos/ants/1.jpg ants - -|photos/ants/2.jpg ants - -|"
                         "photos/ants/more/3.jpg ants - -|photos/bees/b c.jpg bees - -|"
                         "photos/loose.jpg - - -");
    assert_int_equal(scan.refusal_count, 0);
    scan_release(&scan);
}

static void test_current_and_inner_folder(void **state)
{
    struct scan scan;

    (void)state;
    make_photos();
    assert_int_equal(chdir("photos"), 0);
    run_scan(&(struct scan_request){PATHS("."), .split = "train"}, &scan);
    check_samples(&scan, "ants/1.jpg ants train -|ants/2.jpg ants train -|"
                         "ants/more/3.jpg ants train -|bees/b c.jpg bees train -|"
                         "loose.jpg - train -");
    scan_release(&scan);
    run_scan(&(struct scan_request){PATHS(".//ants"), .label = "all"}, &scan);
    check_samples(&scan, "ants/1.jpg all - -|ants/2.jpg all - -|ants/more/3.jpg all - -");
    scan_release(&scan);
}

/* Folders named as splits are splits where there are two or more and nothing else. */
static void test_splits(void **state)
{
    static const char *const folders[] = {
        "data", "data/train", "data/train/ants", "data/Val", "data/Val/ants", "data/Val/train",
        "data/Val/train/deep", "trips", "trips/train", "trips/bus", "one", "one/test"};
    static const char *const files[] = {
        "data/x.jpg", "data/train/y.jpg", "data/train/ants/1.jpg", "data/Val/ants/2.jpg",
        "data/Val/train/deep/3.jpg", "trips/train/4.jpg", "trips/bus/5.jpg", "one/test/6.jpg"};
    struct scan scan;

    (void)state;
    make_folders(folders, sizeof folders / sizeof *folders);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        write_file(files[i], files[i], strlen(files[i]));
    run_scan(&(struct scan_request){PATHS("data")}, &scan);
    check_samples(&scan, "data/Val/ants/2.jpg ants Val -|data/Val/train/deep/3.jpg train Val -|"
                         "data/train/ants/1.jpg ants train -|data/train/y.jpg - train -|"
                         "data/x.jpg - - -");
    assert_true(scan.found_splits);
    scan_release(&scan);
    run_scan(&(struct scan_request){PATHS("data/Val", "data"), .split = "new"}, &scan);
    check_samples(&scan, "data/Val/ants/2.jpg ants new -|data/Val/train/deep/3.jpg train new -|"
                         "data/train/ants/1.jpg ants new -|data/train/y.jpg - new -|"
                         "data/x.jpg - new -");
    scan_release(&scan);
    run_scan(&(struct scan_request){PATHS("trips", "one")}, &scan);
    check_samples(&scan, "one/test/6.jpg test - -|trips/bus/5.jpg bus - -|"
                         "trips/train/4.jpg train - -");
    assert_false(scan.found_splits);
    scan_release(&scan);
}

/* The first to give a label decides; a name on the command line counts, wherever it stands. */
static void test_paths_reached_twice(void **state)
{
    struct scan scan;

    (void)state;
    make_photos();
    run_scan(&(struct scan_request){PATHS("photos/ants/1.jpg", "photos", "./photos//bees",
                                          "photos/ants")}, &scan);
    check_samples(&scan, "photos/ants/1.jpg ants - - named|photos/ants/2.jpg ants - -|"
                         "photos/ants/more/3.jpg ants - -|photos/bees/b c.jpg bees - -|"
                         "photos/loose.jpg - - -");
    scan_release(&scan);
    run_scan(&(struct scan_request){PATHS("photos/ants", "photos")}, &scan);
    check_samples(&scan, "photos/ants/1.jpg ants - -|photos/ants/2.jpg ants - -|"
                         "photos/ants/more/3.jpg more - -|photos/bees/b c.jpg bees - -|"
                         "photos/loose.jpg - - -");
    scan_release(&scan);
}

static void test_links(void **state)
{
    struct scan scan;

    (void)state;
    make_photos();
    assert_int_equal(symlink("../photos", "photos/around"), 0);
    assert_int_equal(symlink(".", "photos/ants/here"), 0);
    assert_int_equal(symlink("bees", "photos/wasps"), 0);
    assert_int_equal(symlink("ants/1.jpg", "photos/first.jpg"), 0);
    assert_int_equal(symlink("missing.jpg", "photos/broken.jpg"), 0);
    assert_int_equal(symlink("itself.jpg", "photos/itself.jpg"), 0);
    run_scan(&(struct scan_request){PATHS("photos")}, &scan);
    check_samples(&scan, "photos/ants/1.jpg ants - -|photos/ants/2.jpg ants - -|"
                         "photos/ants/more/3.jpg ants - -|photos/bees/b c.jpg bees - -|"
                         "photos/first.jpg - - -|photos/loose.jpg - - -|"
                         "photos/wasps/b c.jpg wasps - -");
    assert_int_equal(scan.refusal_count, 2);
    assert_string_equal(scan.refusals[0].path, "photos/broken.jpg");
    assert_string_equal(scan.refusals[0].reason,
                        "cannot open 'photos/broken.jpg': No such file or directory");
    assert_string_equal(scan.refusals[1].path, "photos/itself.jpg");
    scan_release(&scan);
}

static void test_what_cannot_be_opened(void **state)
{
    struct scan scan;

    (void)state;
    make_photos();
    assert_int_equal(chmod("photos/bees", 0), 0);
    run_scan(&(struct scan_request){PATHS("nothing.jpg", "photos", "./nothing.jpg", "",
                                          "photos/ants/fifo.jpg")}, &scan);
    assert_int_equal(chmod("photos/bees", 0777), 0);
    assert_string_equal(scan.refusals[0].path, "");
    assert_string_equal(scan.refusals[1].path, "nothing.jpg");
    assert_string_equal(scan.refusals[1].reason,
                        "cannot open 'nothing.jpg': No such file or directory");
    if (geteuid() != 0) {
        assert_int_equal(scan.refusal_count, 3);
        assert_string_equal(scan.refusals[2].reason,
                            "cannot open folder 'photos/bees': Permission denied");
        assert_int_equal(scan.sample_count, 5);
    } else {
        assert_int_equal(scan.refusal_count, 2);
        assert_int_equal(scan.sample_count, 6);
    }
    /* Who reads it says that it is a FIFO. */
    assert_string_equal(scan.samples[2].path, "photos/ants/fifo.jpg");
    assert_true(scan.samples[2].named);
    scan_release(&scan);
}

static void test_lists(void **state)
{
    static const char lines[] = "photos/ants/1.jpg\n\n./photos/bees\r\nphotos/loose.jpg";
    static const char nuls[] = "photos/loose.jpg\0photos/new\nline.jpg\0\0";
    struct scan scan;
    struct error error;

    (void)state;
    make_photos();
    write_file("photos/new\nline.jpg", "x", 1);
    write_file("lines", lines, sizeof lines - 1);
    write_file("nuls", nuls, sizeof nuls - 1);
    run_scan(&(struct scan_request){.files_from = "lines", .label = "x"}, &scan);
    check_samples(&scan, "photos/ants/1.jpg x - - named|photos/bees/b c.jpg x - -|"
                         "photos/loose.jpg x - - named");
    scan_release(&scan);
    run_scan(&(struct scan_request){.files_from = "nuls", .nul_separated = true}, &scan);
    check_samples(&scan, "photos/loose.jpg - - - named|photos/new\nline.jpg - - - named");
    scan_release(&scan);
    assert_int_equal(scan_run(&(struct scan_request){.files_from = "nuls"}, &scan, &error),
                     FAILED);
    assert_string_equal(error.text, "'nuls' holds a NUL: with -0 paths are separated by NUL");
    assert_int_equal(scan_run(&(struct scan_request){.files_from = "gone"}, &scan, &error),
                     FAILED);
    assert_string_equal(error.text, "cannot open 'gone': No such file or directory");
    assert_int_equal(scan_run(&(struct scan_request){.files_from = "photos"}, &scan, &error),
                     FAILED);
    assert_string_equal(error.text, "cannot read 'photos': Is a directory");
}

static void test_standard_input(void **state)
{
    struct scan scan;
    struct error error;
    int saved = dup(STDIN_FILENO), file;

    (void)state;
    make_photos();
    write_file("lines", "photos/loose.jpg\n", 17);
    file = open("lines", O_RDONLY);
    assert_true(saved >= 0 && file >= 0);
    assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
    run_scan(&(struct scan_request){PATHS("-", "photos/bees")}, &scan);
    check_samples(&scan, "photos/bees/b c.jpg - - -|photos/loose.jpg - - - named");
    scan_release(&scan);
    assert_int_equal(scan_run(&(struct scan_request){PATHS("-"), .files_from = "-"}, &scan,
                              &error), FAILED);
    assert_string_equal(error.text, "standard input can be read only once");
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    close(saved);
    close(file);
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

/* Rows are relative to the CSV file, whatever spelling the scan uses. */
static void test_labels_for_a_folder(void **state)
{
    struct scan scan;
    char absolute[4096];

    (void)state;
    make_photos();
    write_text("photos/labels.csv", "path,label,split,group\n"
                                    "ants/1.jpg,ANT,test,g1\n"
                                    "./ants/2.jpg,,,\n"
                                    "bees/../loose.jpg,other,,g2\n"
                                    "elsewhere.jpg,x,,\n");
    run_scan(&(struct scan_request){PATHS("photos/ants", "photos/loose.jpg"), .split = "train",
                                    .label = "L", .labels_file = "photos/labels.csv"}, &scan);
    check_samples(&scan, "photos/ants/1.jpg ANT test g1 named|photos/ants/2.jpg L train - named|"
                         "photos/ants/more/3.jpg L train -|photos/loose.jpg other train g2 named");
    scan_release(&scan);
    snprintf(absolute, sizeof absolute, "%s/photos/loose.jpg", (const char *)*state);
    run_scan(&(struct scan_request){PATHS(absolute), .labels_file = "photos/labels.csv"}, &scan);
    assert_string_equal(scan.samples[0].path, absolute);
    assert_string_equal(scan.samples[0].label, "other");
    scan_release(&scan);
}

static void test_labels_alone(void **state)
{
    struct scan scan;

    (void)state;
    make_photos();
    write_text("photos/labels.csv", "label,path\nant,ants/1.jpg\n,loose.jpg\nant,ants//1.jpg\n"
                                    "x,missing.jpg\n");
    run_scan(&(struct scan_request){.labels_file = "photos/labels.csv", .split = "s"}, &scan);
    check_samples(&scan, "photos/ants/1.jpg ant s - named|photos/loose.jpg - s - named|"
                         "photos/missing.jpg x s - named");
    assert_int_equal(scan.refusal_count, 0);
    scan_release(&scan);
}

static void test_faults_of_labels(void **state)
{
    struct scan scan;
    struct error error;
    struct scan_request request = {PATHS("photos"), .labels_file = "labels.csv"};

    (void)state;
    make_photos();
    assert_int_equal(scan_run(&request, &scan, &error), FAILED);
    assert_string_equal(error.text, "cannot open 'labels.csv': No such file or directory");
    write_text("labels.csv", "path,label\nants/1.jpg,a\n");
    assert_int_equal(scan_run(&request, &scan, &error), FAILED);
    assert_string_equal(error.text, "'labels.csv' names none of the 5 files that were found; its "
                                    "paths are relative to its own folder");
    write_text("labels.csv", "path,label\nphotos/ants/1.jpg,a\nx.jpg,c\n./photos/ants/1.jpg,b\n");
    assert_int_equal(scan_run(&request, &scan, &error), FAILED);
    assert_string_equal(error.text,
                        "'labels.csv' lines 2 and 4 say different things of 'photos/ants/1.jpg'");
    assert_null(scan.samples);
}

static void test_nothing_named(void **state)
{
    struct scan scan;
    struct error error;

    (void)state;
    assert_int_equal(scan_run(&(struct scan_request){0}, &scan, &error), FAILED);
    assert_string_equal(error.text, "no images were named");
    make_folders((const char *const[]){"empty"}, 1);
    run_scan(&(struct scan_request){PATHS("empty")}, &scan);
    assert_int_equal(scan.sample_count, 0);
    scan_release(&scan);
}

/* Deeper than there are descriptors, and in byte order. */
static void test_deep_tree_and_order(void **state)
{
    enum { LEVELS = 1200 };
    struct scan scan;

    (void)state;
    make_folders((const char *const[]){"top"}, 1);
    assert_int_equal(chdir("top"), 0);
    for (int i = 0; i < LEVELS; i++) {
        assert_int_equal(mkdir("d", 0777), 0);
        assert_int_equal(chdir("d"), 0);
    }
    write_file("x.jpg", "x", 1);
    assert_int_equal(chdir(*state), 0);
    write_file("top/Z.jpg", "x", 1);
    write_file("top/a.jpg", "x", 1);
    write_file("top/\xc3\xa4.jpg", "x", 1);
    run_scan(&(struct scan_request){PATHS("top")}, &scan);
    assert_int_equal(scan.refusal_count, 0);
    assert_int_equal(scan.sample_count, 4);
    assert_string_equal(scan.samples[0].path, "top/Z.jpg");
    assert_string_equal(scan.samples[1].path, "top/a.jpg");
    assert_int_equal(strlen(scan.samples[2].path), 3 + 2 * LEVELS + 6);
    assert_string_equal(scan.samples[2].label, "d");
    assert_string_equal(scan.samples[3].path, "top/\xc3\xa4.jpg");
    scan_release(&scan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_folder),
        TEST(test_current_and_inner_folder),
        TEST(test_splits),
        TEST(test_paths_reached_twice),
        TEST(test_links),
        TEST(test_what_cannot_be_opened),
        TEST(test_lists),
        TEST(test_standard_input),
        TEST(test_labels_for_a_folder),
        TEST(test_labels_alone),
        TEST(test_faults_of_labels),
        TEST(test_nothing_named),
        TEST(test_deep_tree_and_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
