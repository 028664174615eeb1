#include "extract/labels.h"

#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

static int read_text(const char *text, size_t size, struct labels *labels, struct error *error)
{
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "x.csv");
    int outcome;

    write_file(path, text, size);
    outcome = labels_read(path, labels, error);
    if (outcome < 0) {
        /* The message begins with the file's path, which no test can know. */
        char *at = strstr(error->text, "x.csv");

        assert_non_null(at);
        memmove(error->text, at, strlen(at) + 1);
    }
    scratch_remove(folder);
    return outcome;
}

static void check_row(const struct label_row *row, const char *path, const char *label,
                      const char *split, const char *group, size_t line)
{
    const char *const got[] = {row->path, row->label, row->split, row->group};
    const char *const wanted[] = {path, label, split, group};

    for (int i = 0; i < 4; i++) {
        if (wanted[i] == NULL)
            assert_null(got[i]);
        else
            assert_string_equal(got[i], wanted[i]);
    }
    assert_int_equal(row->line, line);
}

static void test_rows(void **state)
{
    static const char text[] = "path,label,split\n"
                               "ants/1.jpg,ants,train\n"
                               "\n"
                               "\"bees/the \"\"queen\"\", close.jpg\",bees,\n"
                               "\"two\nlines.jpg\",\"\",val\n"
                               "a \"b\".jpg, x ,";
    struct labels labels;
    struct error error;

    (void)state;
    assert_int_equal(read_text(text, sizeof text - 1, &labels, &error), 0);
    assert_int_equal(labels.count, 4);
    check_row(&labels.rows[0], "ants/1.jpg", "ants", "train", NULL, 2);
    check_row(&labels.rows[1], "bees/the \"queen\", close.jpg", "bees", NULL, NULL, 4);
    check_row(&labels.rows[2], "two\nlines.jpg", NULL, "val", NULL, 5);
    check_row(&labels.rows[3], "a \"b\".jpg", " x ", NULL, NULL, 7);
    labels_release(&labels);
}

static void test_windows_file_and_other_order(void **state)
{
    static const char text[] = "\xef\xbb\xbf\"group\",label,path\r\ng1,ants,1.jpg\r\n\r\n"
                               "\"g\r\n2\",\"bees\",2.jpg\r\n";
    struct labels labels;
    struct error error;

    (void)state;
    assert_int_equal(read_text(text, sizeof text - 1, &labels, &error), 0);
    assert_int_equal(labels.count, 2);
    check_row(&labels.rows[0], "1.jpg", "ants", NULL, "g1", 2);
    check_row(&labels.rows[1], "2.jpg", "bees", NULL, "g\r\n2", 4);
    labels_release(&labels);
}

static void test_header_alone(void **state)
{
    struct labels labels;
    struct error error;

    (void)state;
    assert_int_equal(read_text("path,label", 10, &labels, &error), 0);
    assert_int_equal(labels.count, 0);
    labels_release(&labels);
}

static void test_faults(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "x.csv': unknown column ''; the first line names the columns path,label and maybe "
             "split,group"},
        {"path,labels\n", "x.csv': unknown column 'labels'; the first line names the columns "
                          "path,label and maybe split,group"},
        {"path;label\n", "x.csv': unknown column 'path;label'; the first line names the columns "
                         "path,label and maybe split,group"},
        {"path,split\n", "x.csv': no column 'label'"},
        {"label\n", "x.csv': no column 'path'"},
        {"path,label,path\n", "x.csv': two columns 'path'"},
        {"path,label\na\n", "x.csv' line 2: 1 fields instead of 2"},
        {"path,label\na,b,c\n", "x.csv' line 2: 3 fields instead of 2"},
        {"path,label\n\n,b\n", "x.csv' line 3: no path"},
        {"path,label\na,\"b\nc\n", "x.csv' line 2: a quote that does not end"},
        {"path,label\n\"a\" ,b\n", "x.csv' line 2: text after a closing quote"},
    };
    struct labels labels;
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_text(cases[i].text, strlen(cases[i].text), &labels, &error),
                         FAILED);
        assert_string_equal(error.text, cases[i].message);
        assert_null(labels.rows);
    }
    assert_int_equal(read_text("path,label\na\0b,c\n", 17, &labels, &error), FAILED);
    assert_string_equal(error.text, "x.csv' is no CSV file: it holds a NUL");
    assert_int_equal(labels_read("/nowhere/x.csv", &labels, &error), FAILED);
}

/* Every beginning of a file: no byte beyond it is read. */
static void test_every_cut(void **state)
{
    static const char text[] = "path,label\r\n\"a\"\"b\",c\r\nd,\"e,\r\nf\"\r\n";

    (void)state;
    for (size_t size = 0; size < sizeof text; size++) {
        struct labels labels;
        struct error error;

        if (read_text(text, size, &labels, &error) == 0)
            assert_in_range(labels.count, 0, 2);
        labels_release(&labels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_windows_file_and_other_order),
        cmocka_unit_test(test_header_alone),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
