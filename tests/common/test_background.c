#include "common/background.h"

#include "tests/helpers.h"

static void count_up(void *context)
{
    int *count = context;

    for (int i = 0; i < 100000; i++)
        ++*count;
}

static void test_task_has_ended(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct background *first, *second, *none = NULL;
        struct error error;
        int counts[2] = {0};

        assert_int_equal(background_start(count_up, &counts[0], &first, &error), 0);
        assert_int_equal(background_start(count_up, &counts[1], &second, &error), 0);
        background_end(&second);
        background_end(&first);
        background_end(&none);
        assert_null(first);
        assert_int_equal(counts[0], 100000);
        assert_int_equal(counts[1], 100000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task_has_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
