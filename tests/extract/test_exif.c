#include "extract/decode/exif.h"

#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

/* A directory with one entry, which is the orientation. */
#define LITTLE(type, count, value) \
    "II*\0\x08\0\0\0\1\0\x12\1" type "\0" count "\0\0\0" value "\0\0\0\0\0\0\0"
#define BIG(type, count, value) \
    "MM\0*\0\0\0\x08\0\1\1\x12\0" type "\0\0\0" count value "\0\0\0\0"

static const struct {
    const char *bytes;
    size_t size;
    int orientation;
} cases[] = {
#define CASE(text, orientation) {text, sizeof(text) - 1, orientation}
    CASE(LITTLE("\3", "\1", "\6"), 6),
    CASE(LITTLE("\4", "\1", "\x08"), 8),
    CASE(BIG("\3", "\1", "\0\3\0\0"), 3),
    CASE(BIG("\4", "\1", "\0\0\0\2"), 2),
    CASE(LITTLE("\1", "\1", "\6"), 1),           /* a byte */
    CASE(LITTLE("\3", "\2", "\6"), 1),           /* two of them */
    CASE(LITTLE("\3", "\1", "\x09"), 1),         /* beyond 8 */
    CASE(LITTLE("\3", "\1", "\0"), 1),
    CASE("II*\0\x08\0\0\0\2\0\x12\1\3\0\1\0\0\0\6\0\0\0\x12\1\3\0\1\0\0\0\7\0\0\0", 7),
    CASE("II*\0\x08\0\0\0\xff\xff\x12\1\3\0\1\0\0\0\6\0\0\0", 6),  /* fewer entries than said */
    CASE("II*\0\xff\xff\xff\xff\1\0", 1),        /* a directory far outside */
    CASE("II*\0\x09\0\0\0\1\0", 1),              /* one that ends outside */
    CASE("II*\0\x08\0\0\0\1", 1),
    CASE("II*\0\x08\0\0", 1),
    CASE("MM*\0\0\0\0\x08", 1),                  /* mixed byte orders */
    CASE("", 1),
};

static void test_orientation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(exif_orientation((const unsigned char *)cases[i].bytes, cases[i].size),
                         cases[i].orientation);
}

/* Every cut, in exactly as much memory, and every value of every byte. */
static void test_hostile_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t size = 1; size <= cases[i].size; size++) {
            unsigned char *cut = malloc(size);

            assert_non_null(cut);
            memcpy(cut, cases[i].bytes, size);
            for (int value = 0; value < 256; value++) {
                cut[size / 2] = (unsigned char)value;
                assert_in_range(exif_orientation(cut, size), 1, 8);
            }
            free(cut);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orientation),
        cmocka_unit_test(test_hostile_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
