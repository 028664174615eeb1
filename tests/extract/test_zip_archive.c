/*
 * Zip archives: views of what is stored, copies of what is compressed, and archives that are
 * damaged, lie or unpack to more than anybody wants.
 */
#include "extract/formats/zip_archive.h"

#include <stdio.h>

#include "tests/extract/zip_writer.h"

#ifdef HAVE_LIBZIP

/* "hello" as a deflate block that is not compressed (RFC 1951, section 3.2.4). */
static const unsigned char deflated_hello[] = {1, 5, 0, 0xfa, 0xff, 'h', 'e', 'l', 'l', 'o'};
/* "a" and a match of 258 bytes at distance 1, fixed Huffman codes: 259 times "a". */
static const unsigned char deflated_run[] = {0x4b, 0x1c, 0x05, 0x00};

static struct bytes finish(struct zip_writer *zip)
{
    zip_writer_finish(zip);
    return (struct bytes){zip->file.data, zip->file.size};
}

static void test_stored_and_compressed(void **state)
{
    struct zip_writer zip = {0};
    struct zip_archive *archive;
    struct bytes file, bytes;
    struct error error;
    size_t index;

    (void)state;
    zip_writer_add(&zip, &(struct zip_member){.name = "a/data.pkl", .data = "stored", .size = 6});
    zip_writer_add(&zip, &(struct zip_member){.name = "empty"});
    zip_writer_add(&zip, &(struct zip_member){
        .name = "packed", .data = deflated_hello, .size = sizeof deflated_hello,
        .method = ZIP_DEFLATED, .full_size = 5, .checksum = zip_checksum("hello", 5)});
    file = finish(&zip);
    assert_true(zip_archive_is_file(file));
    assert_true(zip_archive_mentions(file, "/data.pkl"));
    assert_false(zip_archive_mentions(file, "config.json"));
    assert_int_equal(zip_archive_open(file, &archive, &error), 0);
    assert_int_equal(zip_archive_count(archive), 3);
    assert_string_equal(zip_archive_name(archive, 0), "a/data.pkl");
    assert_int_equal(zip_archive_find(archive, "b", &index), ZIP_ARCHIVE_NOT_FOUND);
    assert_int_equal(zip_archive_read(archive, 0, &bytes, &error), 0);
    assert_true(bytes_are(bytes, "stored"));
    assert_true(bytes.data > file.data && bytes.data < file.data + file.size);
    assert_int_equal(zip_archive_read(archive, 1, &bytes, &error), 0);
    assert_int_equal(bytes.size, 0);
    assert_int_equal(zip_archive_find(archive, "packed", &index), 0);
    for (int times = 0; times < 2; times++) {
        assert_int_equal(zip_archive_read(archive, index, &bytes, &error), 0);
        assert_true(bytes_are(bytes, "hello"));
    }
    zip_archive_close(archive);
    zip_writer_release(&zip);
}

static const struct refusal {
    struct zip_member member;
    const char *message;
} refusals[] = {
    {{"bomb", deflated_run, sizeof deflated_run, ZIP_DEFLATED, 400 << 20, 0},
     "'bomb' in the archive: it would unpack to 419430400 bytes, more than 16 times the file"},
    {{"longer", deflated_hello, sizeof deflated_hello, ZIP_DEFLATED, 4, 0},
     "'longer' in the archive: it is damaged: "},
    {{"shorter", deflated_hello, sizeof deflated_hello, ZIP_DEFLATED, 6, 0},
     "'shorter' in the archive: it is damaged: "},
    {{"checksum", deflated_hello, sizeof deflated_hello, ZIP_DEFLATED, 5, 1},
     "'checksum' in the archive: it is damaged: "},
    {{"method", "x", 1, 97, 1, 0}, "'method' in the archive: "},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct zip_writer zip = {0};
        struct zip_archive *archive;
        struct bytes bytes;
        struct error error;

        zip_writer_add(&zip, &refusals[i].member);
        if (zip_archive_open(finish(&zip), &archive, &error) < 0)
            fail_msg("%s", error.text);
        assert_int_equal(zip_archive_read(archive, 0, &bytes, &error), FAILED);
        if (strncmp(error.text, refusals[i].message, strlen(refusals[i].message)) != 0)
            fail_msg("%s", error.text);
        zip_archive_close(archive);
        zip_writer_release(&zip);
    }
}

static void test_same_name_twice(void **state)
{
    struct zip_writer zip = {0};
    struct zip_archive *archive;
    struct error error;

    (void)state;
    for (int times = 0; times < 2; times++)
        zip_writer_add(&zip, &(struct zip_member){.name = "a", .data = "x", .size = 1});
    assert_int_equal(zip_archive_open(finish(&zip), &archive, &error), FAILED);
    assert_string_equal(error.text, "'a' is there twice");
    assert_null(archive);
    zip_writer_release(&zip);
}

/* Cut off anywhere, it is refused or gives what it still has. */
static void test_cut_off(void **state)
{
    struct zip_writer zip = {0};
    struct zip_archive *archive;
    struct bytes file, bytes;
    struct error error;

    (void)state;
    zip_writer_add(&zip, &(struct zip_member){.name = "a", .data = "stored", .size = 6});
    file = finish(&zip);
    for (size_t size = 0; size < file.size; size++) {
        void *copy = malloc(size + 1);

        assert_non_null(copy);
        memcpy(copy, file.data, size);
        if (zip_archive_open((struct bytes){copy, size}, &archive, &error) == 0) {
            for (size_t i = 0; i < zip_archive_count(archive); i++)
                zip_archive_read(archive, i, &bytes, &error);
            zip_archive_close(archive);
        }
        free(copy);
    }
    zip_writer_release(&zip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_and_compressed),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_same_name_twice),
        cmocka_unit_test(test_cut_off),
    };

    return cmocka_run_group_tests_name("zip archives", tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skip: built without libzip");
    return 0;
}

#endif
