#include "classify/descent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/evaluation.h"
#include "classify/gram.h"
#include "tests/classify/clouds.h"

static struct svm_kernel *products_of(const struct dataset *dataset)
{
    struct svm_kernel *kernel;
    struct error error;
    float *gram;

    assert_int_equal(gram_create(dataset->vectors, dataset->count, dataset->dimension, NULL, &gram,
                                 &error), 0);
    assert_int_equal(svm_kernel_create(gram, dataset->count, dataset->count, &kernel, &error), 0);
    free(gram);
    return kernel;
}

static struct svm_kernel *vectors_of(const struct dataset *dataset)
{
    struct svm_kernel *kernel;
    struct error error;

    assert_int_equal(svm_kernel_create_on_vectors(dataset->vectors, dataset->dimension, &kernel,
                                                  &error), 0);
    return kernel;
}

/* The rows of two classes, the first before the second. */
static struct svm_two_classes two_classes(const struct dataset *dataset, size_t *rows)
{
    struct svm_two_classes problem = {.rows = rows, .tolerance = 1e-5};

    for (size_t class = 0; class < 2; class++) {
        for (size_t i = 0; i < dataset->count; i++)
            if (dataset->samples[i].class == class)
                rows[problem.count++] = i;
        if (class == 0)
            problem.first = problem.count;
    }
    return problem;
}

static void compare(const struct dataset *dataset, const struct svm_two_classes *problem,
                    double tolerance)
{
    struct svm_kernel *products = products_of(dataset), *vectors = vectors_of(dataset);
    struct svm_machine expected, machine;
    struct error error;

    assert_int_equal(svm_solve(products, problem, &expected, &error), 0);
    assert_int_equal(svm_solve(vectors, problem, &machine, &error), 0);
    assert_null(expected.weights);
    assert_non_null(machine.weights);
    assert_int_equal(machine.at_bound, expected.at_bound);
    for (size_t i = 0; i < dataset->count; i++) {
        double value = svm_decide(vectors, &machine, i);
        double other = svm_decide(products, &expected, i);

        if (!(fabs(value - other) <= tolerance * fmax(1, fabs(other))))
            fail_msg("%.9g is not %.9g", value, other);
    }
    svm_machine_release(&machine);
    svm_machine_release(&expected);
    svm_kernel_free(products);
    svm_kernel_free(vectors);
}

/* Whatever the price, and with a price for each class. At high ones agreement ends where products
 * are rounded to float, and where descent runs out of steps. */
static void test_libsvm_agrees(void **state)
{
    static const double prices[][2] = {{0.01, 0.01}, {1, 1}, {1, 5}, {30, 2}, {100, 100}};
    static const double distances[] = {0.05, 0.5, 5};

    (void)state;
    for (size_t d = 0; d < sizeof distances / sizeof distances[0]; d++) {
        struct clouds *clouds = clouds_make(120, 2, distances[d], 31);
        size_t rows[CLOUDS_MOST];
        struct svm_two_classes problem = two_classes(&clouds->dataset, rows);

        for (size_t p = 0; p < sizeof prices / sizeof prices[0]; p++) {
            problem.first_c = prices[p][0];
            problem.second_c = prices[p][1];
            compare(&clouds->dataset, &problem, 1e-4 * fmax(1, prices[p][0] / 2));
        }
        free(clouds);
    }
}

/* Few of one class, so that its price decides. */
static void test_uneven_classes(void **state)
{
    struct clouds *clouds = clouds_make(90, 2, 0.3, 32);
    size_t rows[CLOUDS_MOST];
    struct svm_two_classes problem;

    (void)state;
    for (size_t i = 0; i < 90; i++)
        clouds->samples[i].class = i % 15 > 0;
    problem = two_classes(&clouds->dataset, rows);
    assert_int_equal(problem.first, 6);
    problem.first_c = problem.second_c = 2;
    compare(&clouds->dataset, &problem, 1e-4);
    free(clouds);
}

/* Numbers of other sizes than a unit vector's. */
static void test_lengths(void **state)
{
    static const float lengths[] = {1e-3f, 50, 1e4f};

    (void)state;
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        struct clouds *clouds = clouds_make(60, 2, 1, 33);
        size_t rows[CLOUDS_MOST];
        struct svm_two_classes problem = two_classes(&clouds->dataset, rows);

        for (size_t i = 0; i < 60 * CLOUDS_DIMENSION; i++)
            clouds->vectors[i] *= lengths[l];
        problem.first_c = problem.second_c = 1 / pow((double)lengths[l], 2);
        compare(&clouds->dataset, &problem, 1e-3);
        free(clouds);
    }
}

static struct svm_machine solve(const struct dataset *dataset, double price)
{
    size_t rows[CLOUDS_MOST];
    struct svm_two_classes problem = two_classes(dataset, rows);
    struct svm_machine machine;
    struct error error;

    problem.first_c = problem.second_c = price;
    assert_int_equal(descent_solve(dataset->vectors, dataset->dimension, &problem, &machine,
                                   &error), 0);
    return machine;
}

static void test_same_bits_again(void **state)
{
    struct clouds *clouds = clouds_make(100, 2, 0.2, 34);
    struct svm_machine first = solve(&clouds->dataset, 1), second = solve(&clouds->dataset, 1);
    struct svm_machine copy;
    struct error error;

    (void)state;
    assert_int_equal(svm_machine_copy(&first, &copy, &error), 0);
    assert_memory_equal(&first.bias, &second.bias, sizeof first.bias);
    assert_memory_equal(first.weights, second.weights, CLOUDS_DIMENSION * sizeof *first.weights);
    assert_int_equal(copy.supports, first.supports);
    assert_memory_equal(copy.weights, first.weights, CLOUDS_DIMENSION * sizeof *first.weights);
    assert_memory_equal(copy.rows, first.rows, first.supports * sizeof *first.rows);
    svm_machine_release(&first);
    svm_machine_release(&second);
    svm_machine_release(&copy);
    free(clouds);
}

/* The weights are the sum of the supports. */
static void test_weights_are_the_supports(void **state)
{
    struct clouds *clouds = clouds_make(100, 2, 0.2, 35);
    struct svm_machine machine = solve(&clouds->dataset, 3);

    (void)state;
    for (size_t k = 0; k < CLOUDS_DIMENSION; k++) {
        double sum = 0;

        for (size_t s = 0; s < machine.supports; s++)
            sum += machine.coefficients[s] *
                   (double)clouds->vectors[machine.rows[s] * CLOUDS_DIMENSION + k];
        assert_true(fabs(sum - machine.weights[k]) < 1e-9);
    }
    svm_machine_release(&machine);
    free(clouds);
}

/* All vectors equal, or zero; one image of each class; classes that cannot be told apart at a price
 * that never ends: it ends, and nothing is infinite. */
static void test_degenerate_problems(void **state)
{
    struct clouds *clouds = clouds_make(40, 2, 1, 36);
    struct svm_machine machine;

    (void)state;
    for (size_t i = 1; i < 40; i++)
        memcpy(clouds->vectors + i * CLOUDS_DIMENSION, clouds->vectors,
               CLOUDS_DIMENSION * sizeof *clouds->vectors);
    for (double price = 0.01; price < 1e10; price *= 1e4) {
        machine = solve(&clouds->dataset, price);
        assert_true(isfinite(machine.bias));
        for (size_t k = 0; k < CLOUDS_DIMENSION; k++)
            assert_true(fabs(machine.weights[k]) < 1e-3 * price);
        svm_machine_release(&machine);
    }
    memset(clouds->vectors, 0, sizeof clouds->vectors);
    machine = solve(&clouds->dataset, 1);
    assert_true(isfinite(machine.bias));
    svm_machine_release(&machine);
    free(clouds);

    clouds = clouds_make(2, 2, 1, 36);
    machine = solve(&clouds->dataset, 1e6);
    assert_int_equal(machine.supports, 2);
    assert_false(machine.at_bound);
    for (size_t i = 0; i < 2; i++) {
        double value = machine.bias;

        for (size_t k = 0; k < CLOUDS_DIMENSION; k++)
            value += machine.weights[k] * (double)clouds->vectors[i * CLOUDS_DIMENSION + k];
        assert_true(fabs(value - (i == 0 ? 1 : -1)) < 1e-3);
    }
    svm_machine_release(&machine);
    free(clouds);
}

/* The same evaluation through both solvers: the same labels but for a few, far less than the
 * interval is wide. */
static void test_accuracy_stays(void **state)
{
    static const enum strategy strategies[] = {STRATEGY_OVO, STRATEGY_OVR};
    static const enum normalize normalizes[] = {NORMALIZE_L2, NORMALIZE_STANDARD};

    (void)state;
    for (size_t c = 0; c < 4; c++) {
        struct clouds *clouds = clouds_make(150, 3, 0.3, 37);
        struct evaluation_settings settings = {
            .folds = 3, .repeats = 1,
            .training = {.solver = {.c = 1, .strategy = strategies[c % 2]}, .search = c == 0},
        };
        struct evaluation libsvm, descent;
        struct error error;
        size_t different = 0;

        clouds->dataset.normalize = normalizes[c / 2];
        assert_int_equal(evaluation_cross_validate(&clouds->dataset, &settings, NULL, &libsvm,
                                                   &error), 0);
        settings.training.largest_kernel = 1;
        assert_int_equal(evaluation_cross_validate(&clouds->dataset, &settings, NULL, &descent,
                                                   &error), 0);
        assert_false(libsvm.on_vectors);
        assert_true(descent.on_vectors);
        for (size_t i = 0; i < 150; i++)
            different += descent.predicted[i] != libsvm.predicted[i];
        assert_in_range(different, 0, 2);
        assert_true(fabs(descent.metrics.accuracy - libsvm.metrics.accuracy) <
                    0.1 * (libsvm.interval.high - libsvm.interval.low));
        evaluation_release(&libsvm);
        evaluation_release(&descent);
        free(clouds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libsvm_agrees),
        cmocka_unit_test(test_uneven_classes),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_same_bits_again),
        cmocka_unit_test(test_weights_are_the_supports),
        cmocka_unit_test(test_degenerate_problems),
        cmocka_unit_test(test_accuracy_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
