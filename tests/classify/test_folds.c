#include "classify/folds.h"

#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

enum { MOST = 200, MOST_CLASSES = 6 };

/* A dataset as far as folds look at it. */
struct fixture {
    struct dataset dataset;
    struct dataset_sample samples[MOST];
    char *classes[MOST_CLASSES];
};

/* Class sizes, ending with 0; every sample is a unit of its own, classes are interleaved. */
static void make(struct fixture *fixture, const size_t *sizes)
{
    static char names[MOST_CLASSES][8] = {"a", "b", "c", "d", "e", "f"};
    size_t left[MOST_CLASSES] = {0};
    struct dataset *dataset = &fixture->dataset;
    bool added = true;

    memset(fixture, 0, sizeof *fixture);
    for (; sizes[dataset->class_count] > 0; dataset->class_count++) {
        left[dataset->class_count] = sizes[dataset->class_count];
        fixture->classes[dataset->class_count] = names[dataset->class_count];
    }
    while (added) {
        added = false;
        for (size_t class = 0; class < dataset->class_count; class++) {
            if (left[class] == 0)
                continue;
            left[class]--;
            fixture->samples[dataset->count].class = class;
            fixture->samples[dataset->count].unit = dataset->count;
            dataset->count++;
            added = true;
        }
    }
    dataset->unit_count = dataset->count;
    dataset->samples = fixture->samples;
    dataset->classes = fixture->classes;
}

/* Numbers units anew after the test has joined some: units[i] is any number. */
static void set_units(struct fixture *fixture, const size_t *units)
{
    struct dataset *dataset = &fixture->dataset;

    dataset->unit_count = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        size_t before = 0;

        while (before < i && units[before] != units[i])
            before++;
        dataset->samples[i].unit = before < i ? dataset->samples[before].unit
                                              : dataset->unit_count++;
    }
}

/* Counts of class (or of all, with class = MOST_CLASSES) in each fold: their lowest and highest. */
static void range_of(const struct fixture *fixture, const size_t *fold, size_t folds,
                     size_t class, size_t *low, size_t *high)
{
    size_t counts[MOST] = {0};

    for (size_t i = 0; i < fixture->dataset.count; i++) {
        assert_true(fold[i] < folds);
        counts[fold[i]] += class == MOST_CLASSES || fixture->samples[i].class == class;
    }
    *low = *high = counts[0];
    for (size_t f = 1; f < folds; f++) {
        *low = counts[f] < *low ? counts[f] : *low;
        *high = counts[f] > *high ? counts[f] : *high;
    }
}

static const struct {
    size_t sizes[MOST_CLASSES + 1], folds;
} plans[] = {
    {{10, 10}, 5},
    {{7, 11, 13}, 5},
    {{5, 5, 5, 5, 5, 6}, 5},
    {{2, 3}, 2},
    {{100, 9, 33}, 9},
    {{61, 59}, 10},
};

static void test_folds_are_stratified_and_even(void **state)
{
    struct fixture fixture;

    (void)state;
    for (size_t p = 0; p < sizeof plans / sizeof plans[0]; p++) {
        for (uint64_t seed = 0; seed < 20; seed++) {
            struct folds folds;
            struct error error;

            make(&fixture, plans[p].sizes);
            assert_int_equal(folds_create(&fixture.dataset, plans[p].folds, 3, seed, &folds,
                                          &error), 0);
            for (size_t repeat = 0; repeat < 3; repeat++) {
                for (size_t class = 0; class <= MOST_CLASSES; class++) {
                    size_t low, high;

                    range_of(&fixture, folds.fold + repeat * folds.count, folds.folds, class,
                             &low, &high);
                    assert_true(high - low <= 1);
                }
            }
            folds_release(&folds);
        }
    }
}

static void test_seed_decides(void **state)
{
    static const size_t sizes[] = {20, 20, 0};
    struct folds first, again, other, longer;
    struct fixture fixture;
    struct error error;
    size_t bytes;

    (void)state;
    make(&fixture, sizes);
    assert_int_equal(folds_create(&fixture.dataset, 5, 2, 1, &first, &error), 0);
    assert_int_equal(folds_create(&fixture.dataset, 5, 2, 1, &again, &error), 0);
    assert_int_equal(folds_create(&fixture.dataset, 5, 2, 2, &other, &error), 0);
    assert_int_equal(folds_create(&fixture.dataset, 5, 7, 1, &longer, &error), 0);
    bytes = first.count * sizeof *first.fold;
    assert_memory_equal(first.fold, again.fold, 2 * bytes);
    assert_memory_equal(first.fold, longer.fold, 2 * bytes);
    assert_memory_not_equal(first.fold, other.fold, bytes);
    assert_memory_not_equal(first.fold, first.fold + first.count, bytes);
    folds_release(&first);
    folds_release(&again);
    folds_release(&other);
    folds_release(&longer);
}

/* Over many seeds, two samples of a class meet in a fold as often as chance has it: 3 of 19 others
 * share a fold of 4 among 20. */
static void test_folds_are_random(void **state)
{
    enum { SEEDS = 4000 };
    static const size_t sizes[] = {20, 20, 0};
    struct fixture fixture;
    size_t together = 0;

    (void)state;
    make(&fixture, sizes);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct folds folds;
        struct error error;

        assert_int_equal(folds_create(&fixture.dataset, 5, 1, seed, &folds, &error), 0);
        together += folds.fold[0] == folds.fold[2];
        folds_release(&folds);
    }
    /* 4000 * 3 / 19 = 632, within five standard deviations. */
    assert_in_range(together, 632 - 115, 632 + 115);
}

static void test_units_stay_together(void **state)
{
    static const size_t sizes[] = {30, 31, 0};
    struct fixture fixture;
    size_t units[MOST];

    (void)state;
    make(&fixture, sizes);
    /* Units of three neighbours: both classes in each. */
    for (size_t i = 0; i < fixture.dataset.count; i++)
        units[i] = i / 3;
    set_units(&fixture, units);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct folds folds;
        struct error error;
        size_t low, high;

        assert_int_equal(folds_create(&fixture.dataset, 4, 1, seed, &folds, &error), 0);
        for (size_t i = 1; i < fixture.dataset.count; i++)
            if (units[i] == units[i - 1])
                assert_int_equal(folds.fold[i], folds.fold[i - 1]);
        for (size_t class = 0; class < 2; class++) {
            range_of(&fixture, folds.fold, 4, class, &low, &high);
            assert_true(high - low <= 3);
        }
        folds_release(&folds);
    }
}

static void expect_error(const struct fixture *fixture, size_t folds, const char *message)
{
    struct folds out;
    struct error error;

    assert_int_equal(folds_create(&fixture->dataset, folds, 2, 0, &out, &error), FAILED);
    assert_string_equal(error.text, message);
    assert_null(out.fold);
}

static void test_too_few_images(void **state)
{
    static const size_t small[] = {10, 3, 0}, single[] = {1, 10, 0}, pair[] = {6, 6, 0};
    static const size_t two_units[] = {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 6, 7};
    static const size_t mixed[] = {0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1};
    struct fixture fixture;

    (void)state;
    make(&fixture, small);
    expect_error(&fixture, 5, "too few images for 5 folds: 'b' has 3 different ones; --folds 3 "
                 "would work");
    expect_error(&fixture, 14, "too few images for 14 folds: there are 13");
    make(&fixture, single);
    expect_error(&fixture, 2, "too few images for cross-validation: 'a' has one only, which cannot "
                 "be trained on and tested; add images of it or leave it out");
    make(&fixture, pair);
    set_units(&fixture, two_units);
    expect_error(&fixture, 3, "too few images for 3 folds: 'a' has 2 different ones; --folds 2 "
                 "would work");
    set_units(&fixture, mixed);
    expect_error(&fixture, 3, "too few images for 3 folds: 'a' has 2 different ones; --folds 2 "
                 "would work");
}

static void test_leave_one_out(void **state)
{
    static const size_t sizes[] = {4, 3, 0}, units[] = {0, 1, 0, 2, 3, 4, 5};
    static const size_t single[] = {1, 5, 0};
    struct fixture fixture;
    struct folds folds;
    struct error error;

    (void)state;
    make(&fixture, sizes);
    set_units(&fixture, units);
    assert_int_equal(folds_leave_one_out(&fixture.dataset, &folds, &error), 0);
    assert_int_equal(folds.folds, 6);
    assert_int_equal(folds.repeats, 1);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(folds.fold[i], units[i]);
    folds_release(&folds);
    make(&fixture, single);
    assert_int_equal(folds_leave_one_out(&fixture.dataset, &folds, &error), FAILED);
    assert_string_equal(error.text, "too few images for cross-validation: 'a' has one only, which "
                        "cannot be trained on and tested; add images of it or leave it out");
}

/* Folds of some rows: stratified among those, of whole units, as many as the smallest class has
 * room for. */
static void test_folds_inside(void **state)
{
    static const size_t sizes[] = {40, 9, 0};
    struct fixture fixture;
    size_t rows[MOST], units[MOST], count = 0;

    (void)state;
    make(&fixture, sizes);
    for (size_t i = 0; i < fixture.dataset.count; i++)
        units[i] = i == 4 || i == 8 ? 4 : i;
    set_units(&fixture, units);
    for (size_t i = 0; i < fixture.dataset.count; i++)
        if (i % 4 != 3)
            rows[count++] = i;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct folds folds;
        struct error error;
        size_t sums[5][2] = {{0}};

        assert_int_equal(folds_create_inside(&fixture.dataset, rows, count, 5, seed, &folds,
                                             &error), 0);
        assert_int_equal(folds.count, count);
        /* Of the second class, rows 1, 5, 9, 13 and 17 are there. */
        assert_int_equal(folds.folds, 5);
        for (size_t i = 0; i < count; i++)
            sums[folds.fold[i]][fixture.samples[rows[i]].class]++;
        for (size_t f = 0; f < 5; f++)
            assert_int_equal(sums[f][1], 1);
        /* Rows 4 and 8. */
        assert_int_equal(folds.fold[3], folds.fold[6]);
        folds_release(&folds);
    }
}

/* A class of one image: two folds all the same. */
static void test_folds_inside_a_tiny_part(void **state)
{
    static const size_t sizes[] = {5, 1, 0}, rows[] = {0, 1, 2};
    struct fixture fixture;
    struct folds folds;
    struct error error;

    (void)state;
    make(&fixture, sizes);
    assert_int_equal(folds_create_inside(&fixture.dataset, rows, 3, 5, 0, &folds, &error), 0);
    assert_int_equal(folds.folds, 2);
    for (size_t i = 0; i < 3; i++)
        assert_true(folds.fold[i] < 2);
    folds_release(&folds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds_are_stratified_and_even),
        cmocka_unit_test(test_seed_decides),
        cmocka_unit_test(test_folds_are_random),
        cmocka_unit_test(test_units_stay_together),
        cmocka_unit_test(test_too_few_images),
        cmocka_unit_test(test_leave_one_out),
        cmocka_unit_test(test_folds_inside),
        cmocka_unit_test(test_folds_inside_a_tiny_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
