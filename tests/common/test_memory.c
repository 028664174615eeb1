#include "tests/helpers.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

static void test_size_multiply(void **state)
{
    static const struct {
        size_t a, b;
        bool fits;
    } cases[] = {
        {0, SIZE_MAX, true},
        {3, 7, true},
        {SIZE_MAX, 1, true},
        {SIZE_MAX / 2 + 1, 2, false},
        {SIZE_MAX, SIZE_MAX, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t product;

        assert_int_equal(size_multiply(cases[i].a, cases[i].b, &product), cases[i].fits);
        if (cases[i].fits)
            assert_int_equal(product, cases[i].a * cases[i].b);
    }
}

static void test_allocate(void **state)
{
    struct error error = {""};
    unsigned char *bytes = memory_allocate(1000, 3, &error);
    void *none = memory_allocate(0, 8, &error);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(bytes[i], 0);
    assert_non_null(none);
    free(bytes);
    free(none);
    assert_string_equal(error.text, "");
    assert_null(memory_allocate(SIZE_MAX / 2, 3, &error));
    assert_string_equal(error.text, "out of memory");
}

static void test_allocate_aligned(void **state)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 100000};
    static const size_t too_many[] = {SIZE_MAX, SIZE_MAX / 4 + 1, SIZE_MAX / 4};
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *memory = memory_allocate_aligned(sizes[i], 1, &error);

        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        memset(memory, 1, sizes[i]);
        free(memory);
    }
    for (size_t i = 0; i < sizeof too_many / sizeof too_many[0]; i++) {
        error.text[0] = '\0';
        assert_null(memory_allocate_aligned(too_many[i], 4, &error));
        assert_string_equal(error.text, "out of memory");
    }
}

static void test_grow(void **state)
{
    struct error error;
    size_t capacity = 0;
    void *items = NULL, *before;

    (void)state;
    for (size_t count = 0; count < 1000; count++) {
        assert_int_equal(memory_grow(&items, count, &capacity, sizeof(size_t), &error), 0);
        assert_true(capacity > count);
        ((size_t *)items)[count] = count;
    }
    for (size_t count = 0; count < 1000; count++)
        assert_int_equal(((size_t *)items)[count], count);

    before = items;
    assert_int_equal(memory_grow(&items, capacity, &capacity, SIZE_MAX / 100, &error), FAILED);
    assert_string_equal(error.text, "out of memory");
    assert_ptr_equal(items, before);
    capacity = SIZE_MAX / 2 + 1;
    assert_int_equal(memory_grow(&items, capacity, &capacity, 1, &error), FAILED);
    assert_int_equal(capacity, SIZE_MAX / 2 + 1);
    assert_ptr_equal(items, before);
    free(items);
}

static void test_copy_text(void **state)
{
    struct error error;
    char text[] = "as it was";
    char *copy = memory_copy_text(text, &error);

    (void)state;
    assert_non_null(copy);
    text[0] = 'A';
    assert_string_equal(copy, "as it was");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_multiply),
        cmocka_unit_test(test_allocate),
        cmocka_unit_test(test_allocate_aligned),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_copy_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
