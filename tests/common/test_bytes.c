/* Cursors over bytes that end where they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"

static void numbers_are_little_endian(void **state)
{
    static const unsigned char data[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                                         0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0, 0, 0, 0, 0, 0,
                                         0xf0, 0x3f, 0, 0, 0x80, 0xbf};
    struct cursor cursor = cursor_from((struct bytes){data, sizeof data});

    (void)state;
    assert_int_equal(cursor_u8(&cursor), 0x01);
    assert_int_equal(cursor_u16(&cursor), 0x0302);
    assert_int_equal(cursor_u32(&cursor), 0x07060504);
    assert_true(cursor_u64(&cursor) == UINT64_C(0x0f0e0d0c0b0a0908));
    assert_float_equal(cursor_double(&cursor), 1.0, 0.0);
    assert_float_equal(cursor_float(&cursor), -1.0f, 0.0f);
    assert_int_equal(cursor_left(&cursor), 0);
    assert_false(cursor.damaged);
}

static void a_cursor_stays_inside(void **state)
{
    static const unsigned char data[] = {1, 2, 3};
    struct cursor cursor = cursor_from((struct bytes){data, sizeof data});
    struct bytes taken;

    (void)state;
    taken = cursor_take(&cursor, 2);
    assert_ptr_equal(taken.data, data);
    assert_int_equal(taken.size, 2);
    taken = cursor_take(&cursor, UINT64_MAX);
    assert_null(taken.data);
    assert_int_equal(taken.size, 0);
    assert_true(cursor.damaged);
    assert_int_equal(cursor_u32(&cursor), 0);
    assert_int_equal(cursor_left(&cursor), 0);
}

static void nothing_has_nothing(void **state)
{
    struct cursor cursor = cursor_from((struct bytes){NULL, 0});

    (void)state;
    assert_int_equal(cursor_left(&cursor), 0);
    assert_int_equal(cursor_take(&cursor, 0).size, 0);
    assert_false(cursor.damaged);
    assert_int_equal(cursor_u8(&cursor), 0);
    assert_true(cursor.damaged);
}

static void texts_are_compared_whole(void **state)
{
    struct bytes bytes = {(const unsigned char *)"conv", 4};

    (void)state;
    assert_true(bytes_are(bytes, "conv"));
    assert_false(bytes_are(bytes, "con"));
    assert_false(bytes_are(bytes, "conv1"));
    assert_true(bytes_are((struct bytes){NULL, 0}, ""));
    assert_true(bytes_begin_with(bytes, "co", 2));
    assert_false(bytes_begin_with(bytes, "convolution", 11));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(a_cursor_stays_inside),
        cmocka_unit_test(nothing_has_nothing),
        cmocka_unit_test(texts_are_compared_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
