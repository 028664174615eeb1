#include "classify/neighbours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/gram.h"
#include "tests/classify/clouds.h"

static struct neighbours find_in(struct dataset *dataset, size_t threads)
{
    struct parallel *parallel = threads > 0 ? clouds_threads(threads) : NULL;
    struct neighbours neighbours;
    struct error error;

    assert_int_equal(neighbours_find(dataset, parallel, &neighbours, &error), 0);
    parallel_free(parallel);
    return neighbours;
}

static struct neighbours find(struct clouds *clouds)
{
    struct neighbours neighbours = find_in(&clouds->dataset, 1);

    assert_non_null(clouds->dataset.gram);
    free(clouds->dataset.gram);
    clouds->dataset.gram = NULL;
    return neighbours;
}

/* A copy of a vector, moved a little. */
static void plant(struct clouds *clouds, size_t from, size_t to, float change)
{
    float *copy = clouds->vectors + to * CLOUDS_DIMENSION;

    memcpy(copy, clouds->vectors + from * CLOUDS_DIMENSION, CLOUDS_DIMENSION * sizeof *copy);
    for (size_t k = 0; k < CLOUDS_DIMENSION; k++)
        copy[k] *= 3 * (1 + (k % 2 > 0 ? change : -change));
}

static void test_nearest_by_definition(void **state)
{
    struct clouds *clouds = clouds_make(50, 3, 0.4, 2);
    struct neighbours neighbours = find(clouds);

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        double best = -1;
        size_t nearest = 0;

        for (size_t j = 0; j < 50; j++) {
            double cosine = 0;

            for (size_t k = 0; k < CLOUDS_DIMENSION; k++)
                cosine += (double)clouds->vectors[i * CLOUDS_DIMENSION + k] *
                          (double)clouds->vectors[j * CLOUDS_DIMENSION + k];
            if (j != i && cosine > best) {
                best = cosine;
                nearest = j;
            }
        }
        assert_int_equal(neighbours.nearest[i], nearest);
        assert_true(fabs(neighbours.distances[i] - (1 - best)) < 1e-6);
    }
    assert_int_equal(neighbours.pair_count, 0);
    neighbours_release(&neighbours);
    free(clouds);
}

/* Copies are found whatever their length, in tight classes and loose ones. */
static void test_planted_copies(void **state)
{
    (void)state;
    for (size_t tightness = 0; tightness < 3; tightness++) {
        static const double distances[] = {0.1, 1, 5};
        struct clouds *clouds = clouds_make(90, 3, distances[tightness], 4);
        struct neighbours neighbours;

        plant(clouds, 3, 60, 0.01f);
        plant(clouds, 4, 80, 0);
        neighbours = find(clouds);
        assert_int_equal(neighbours.pair_count, 2);
        assert_int_equal(neighbours.pairs[0].a, 3);
        assert_int_equal(neighbours.pairs[0].b, 60);
        assert_int_equal(neighbours.pairs[1].a, 4);
        assert_int_equal(neighbours.pairs[1].b, 80);
        assert_true(neighbours.pairs[1].distance < 1e-6);
        neighbours_release(&neighbours);
        free(clouds);
    }
}

/* A burst of twenty is one group, though each has nothing but the burst around it. */
static void test_burst(void **state)
{
    struct clouds *clouds = clouds_make(120, 3, 0.5, 5);
    struct neighbours neighbours;

    (void)state;
    for (size_t i = 1; i < 20; i++)
        plant(clouds, 0, i, 0.0005f * (float)i);
    neighbours = find(clouds);
    assert_int_equal(neighbours.pair_count, 19);
    for (size_t i = 0; i < 19; i++)
        assert_true(neighbours.pairs[i].b < 20);
    neighbours_release(&neighbours);
    free(clouds);
}

static void test_too_few_and_degenerate(void **state)
{
    struct clouds *clouds = clouds_make(NEIGHBOURS_LEAST - 1, 2, 1, 6);
    struct neighbours neighbours;

    (void)state;
    plant(clouds, 0, 1, 0);
    neighbours = find(clouds);
    assert_int_equal(neighbours.pair_count, 0);
    assert_int_equal(neighbours.nearest[0], 1);
    neighbours_release(&neighbours);
    free(clouds);

    clouds = clouds_make(1, 1, 1, 6);
    neighbours = find(clouds);
    assert_true(neighbours.distances[0] <= 0);
    neighbours_release(&neighbours);
    free(clouds);

    /* Vectors of zeros are alike, and like nothing else. */
    clouds = clouds_make(40, 2, 1, 6);
    memset(clouds->vectors + 38 * CLOUDS_DIMENSION, 0,
           2 * CLOUDS_DIMENSION * sizeof clouds->vectors[0]);
    neighbours = find(clouds);
    assert_int_equal(neighbours.pair_count, 1);
    assert_int_equal(neighbours.pairs[0].a, 38);
    assert_int_equal(neighbours.pairs[0].b, 39);
    neighbours_release(&neighbours);
    free(clouds);
}

/* Where the products are too many to be kept, the same is found: ten times the largest cloud and a
 * few images more, some of them copies. */
static void test_products_that_are_not_kept(void **state)
{
    enum { COUNT = DATASET_LARGEST_GRAM + 1, COPIES = 40, DIMENSION = 12 };
    struct generator generator = generator_seed(8);
    float *vectors = malloc(COUNT * DIMENSION * sizeof *vectors);
    struct dataset dataset = {.count = COUNT, .dimension = DIMENSION, .vectors = vectors};
    struct neighbours strips, kept;
    struct error error;

    (void)state;
    assert_non_null(vectors);
    for (size_t i = 0; i < COUNT * DIMENSION; i++)
        vectors[i] = (float)((double)(generator_next(&generator) >> 40) / 16777216.0);
    for (size_t i = 0; i < COPIES; i++)
        memcpy(vectors + (COUNT - 1 - 50 * i) * DIMENSION, vectors + 31 * i * DIMENSION,
               DIMENSION * sizeof *vectors);
    strips = find_in(&dataset, 2);
    assert_null(dataset.gram);
    assert_int_equal(gram_create(vectors, COUNT, DIMENSION, NULL, &dataset.gram, &error), 0);
    kept = find_in(&dataset, 0);
    assert_true(strips.pair_count >= COPIES);
    assert_int_equal(strips.pair_count, kept.pair_count);
    for (size_t i = 0; i < strips.pair_count; i++) {
        assert_int_equal(strips.pairs[i].a, kept.pairs[i].a);
        assert_int_equal(strips.pairs[i].b, kept.pairs[i].b);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_true(fabs(strips.distances[i] - kept.distances[i]) < 1e-6);
    neighbours_release(&strips);
    neighbours_release(&kept);
    free(dataset.gram);
    free(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_by_definition),
        cmocka_unit_test(test_planted_copies),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_too_few_and_degenerate),
        cmocka_unit_test(test_products_that_are_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
