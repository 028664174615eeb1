#include "classify/generator.h"

#include <string.h>

#include "tests/helpers.h"

/* The first numbers of splitmix64 from the seed 1234567, as its author's C code gives them. */
static void test_seed_is_splitmix64(void **state)
{
    static const uint64_t expected[] = {
        6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u,
    };
    struct generator generator = generator_seed(1234567);

    (void)state;
    assert_memory_equal(generator.state, expected, sizeof expected);
}

/* The first numbers of xoshiro256** from the state 1, 2, 3, 4, as its authors' C code gives them;
 * the second-last and last of them use all 64 bits. */
static void test_next_is_xoshiro256starstar(void **state)
{
    static const uint64_t expected[] = {
        11520u, 0u, 1509978240u, 1215971899390074240u, 1216172134540287360u, 607988272756665600u,
        16172922978634559625u, 8476171486693032832u, 10595114339597558777u, 2904607092377533576u,
    };
    struct generator generator = {{1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(generator_next(&generator), expected[i]);
}

static void test_below_is_even(void **state)
{
    struct generator generator = generator_seed(0);
    size_t counts[6] = {0};

    (void)state;
    for (int i = 0; i < 60000; i++) {
        uint64_t number = generator_below(&generator, 6);

        assert_true(number < 6);
        counts[number]++;
    }
    /* Five standard deviations of a binomial count. */
    for (size_t i = 0; i < 6; i++)
        assert_in_range(counts[i], 10000 - 457, 10000 + 457);
    assert_int_equal(generator_below(&generator, 1), 0);
}

static void test_shuffle_is_an_even_permutation(void **state)
{
    struct generator generator = generator_seed(5);
    size_t places[4][4] = {{0}};

    (void)state;
    for (int i = 0; i < 40000; i++) {
        size_t items[4] = {0, 1, 2, 3}, seen = 0;

        generator_shuffle(&generator, items, 4);
        for (size_t place = 0; place < 4; place++) {
            seen |= (size_t)1 << items[place];
            places[items[place]][place]++;
        }
        assert_int_equal(seen, 15);
    }
    for (size_t item = 0; item < 4; item++)
        for (size_t place = 0; place < 4; place++)
            assert_in_range(places[item][place], 10000 - 433, 10000 + 433);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed_is_splitmix64),
        cmocka_unit_test(test_next_is_xoshiro256starstar),
        cmocka_unit_test(test_below_is_even),
        cmocka_unit_test(test_shuffle_is_an_even_permutation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
