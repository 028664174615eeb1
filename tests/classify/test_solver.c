#include "classify/solver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/generator.h"
#include "classify/gram.h"
#include "tests/helpers.h"

enum { DIMENSION = 5 };

static struct svm_kernel *kernel_of(const float *vectors, size_t count, size_t dimension)
{
    struct parallel *parallel;
    struct svm_kernel *kernel;
    struct error error;
    float *gram;

    assert_int_equal(parallel_create(1, &parallel, &error), 0);
    assert_int_equal(gram_create(vectors, count, dimension, parallel, &gram, &error), 0);
    assert_int_equal(svm_kernel_create(gram, count, count, &kernel, &error), 0);
    parallel_free(parallel);
    free(gram);
    return kernel;
}

/* weights: [dimension] of one decision. */
static void recover(const struct solution *solution, size_t decision, const float *vectors,
                    size_t dimension, double *weights)
{
    memset(weights, 0, dimension * sizeof *weights);
    for (size_t s = 0; s < solution->machines[decision].supports; s++)
        for (size_t k = 0; k < dimension; k++)
            weights[k] += solution->machines[decision].coefficients[s] *
                          (double)vectors[solution->machines[decision].rows[s] * dimension + k];
}

static int solve(const struct svm_kernel *kernel, const size_t *rows, const size_t *labels,
                 size_t count, double c, struct solution *solution, struct error *error)
{
    const struct solver_set set = {.rows = rows, .labels = labels, .count = count};
    const struct solver_settings settings = {.c = c};

    return solver_solve(kernel, &set, &settings, NULL, solution, error);
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.10g is not within %g of %.10g", value, tolerance, expected);
}

/* Two points p and q: w = 2 (p - q) / |p - q|^2, as long as C allows it, and the boundary runs
 * through the middle; else both coefficients are C. */
static void test_two_points_in_closed_form(void **state)
{
    static const float vectors[] = {3, 1, -1, 1};
    static const struct {
        double c, weight;
    } cases[] = {{1, 0.5}, {0.125, 0.5}, {0.1, 0.4}};
    struct svm_kernel *kernel = kernel_of(vectors, 2, 2);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t rows[] = {0, 1}, labels[] = {4, 9};
        struct solution solution;
        struct error error;
        double weights[2];

        assert_int_equal(solve(kernel, rows, labels, 2, cases[i].c, &solution, &error), 0);
        assert_int_equal(solution.classes, 2);
        assert_int_equal(solution.decisions, 1);
        assert_int_equal(solution.labels[0], 4);
        assert_int_equal(solution.labels[1], 9);
        recover(&solution, 0, vectors, 2, weights);
        assert_near(weights[0], cases[i].weight, 1e-6);
        assert_near(weights[1], 0, 1e-6);
        assert_near(weights[0] * 1 + solution.machines[0].bias, 0, 1e-6);
        solution_release(&solution);
    }
    svm_kernel_free(kernel);
}

/* The reference: sequential minimal optimisation in double on vectors: [count][DIMENSION], signs:
 * [count], to a hundred-thousandth of LIBSVM's tolerance (Fan, Chen and Lin, 2005, WSS 1). */
struct reference {
    double weights[DIMENSION], bias;
};

static double product(const float *a, const float *b)
{
    double sum = 0;

    for (size_t k = 0; k < DIMENSION; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

static struct reference solve_reference(const float *vectors, const int *signs, size_t count,
                                        double c)
{
    double *alpha = calloc(count, sizeof *alpha);
    double *gradient = malloc(count * sizeof *gradient);
    struct reference reference = {{0}, 0};

    assert_non_null(alpha);
    assert_non_null(gradient);
    for (size_t i = 0; i < count; i++)
        gradient[i] = -1;
    for (;;) {
        double high = -INFINITY, low = INFINITY, step, curvature;
        size_t up = 0, down = 0;

        for (size_t i = 0; i < count; i++) {
            double value = -signs[i] * gradient[i];

            if ((signs[i] > 0 ? alpha[i] < c : alpha[i] > 0) && value > high) {
                high = value;
                up = i;
            }
            if ((signs[i] > 0 ? alpha[i] > 0 : alpha[i] < c) && value < low) {
                low = value;
                down = i;
            }
        }
        reference.bias = (high + low) / 2;
        if (high - low < 1e-8)
            break;
        curvature = product(vectors + up * DIMENSION, vectors + up * DIMENSION) +
                    product(vectors + down * DIMENSION, vectors + down * DIMENSION) -
                    2 * product(vectors + up * DIMENSION, vectors + down * DIMENSION);
        step = (high - low) / fmax(curvature, 1e-12);
        step = fmin(step, signs[up] > 0 ? c - alpha[up] : alpha[up]);
        step = fmin(step, signs[down] > 0 ? alpha[down] : c - alpha[down]);
        alpha[up] += signs[up] * step;
        alpha[down] -= signs[down] * step;
        for (size_t i = 0; i < count; i++)
            gradient[i] += signs[i] * step *
                           (product(vectors + i * DIMENSION, vectors + up * DIMENSION) -
                            product(vectors + i * DIMENSION, vectors + down * DIMENSION));
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < DIMENSION; k++)
            reference.weights[k] += alpha[i] * signs[i] * (double)vectors[i * DIMENSION + k];
    free(alpha);
    free(gradient);
    return reference;
}

enum { COUNT = 90, CLASSES = 3 };

static void make_clouds(float *vectors, size_t *labels)
{
    struct generator generator = generator_seed(11);

    for (size_t i = 0; i < COUNT; i++) {
        labels[i] = (i * 7 + i / 5) % CLASSES;
        for (size_t k = 0; k < DIMENSION; k++)
            vectors[i * DIMENSION + k] =
                (float)((double)(generator_next(&generator) >> 40) / 16777216.0) +
                (k == labels[i] ? 0.4f : 0);
    }
}

/* Trains on every row but each seventh, in an order of their own. */
static size_t choose_rows(const size_t *labels, size_t *rows, size_t *row_labels)
{
    size_t chosen = 0;

    for (size_t i = 0; i < COUNT; i++) {
        size_t row = i * 37 % COUNT;

        if (row % 7 == 3)
            continue;
        rows[chosen] = row;
        row_labels[chosen++] = labels[row];
    }
    return chosen;
}

static void compare_pair(const struct solution *solution, size_t decision, size_t first,
                         size_t second, const float *vectors, const size_t *rows,
                         const size_t *labels, size_t count, double c)
{
    float pair_vectors[COUNT * DIMENSION];
    struct reference reference;
    double weights[DIMENSION];
    int signs[COUNT];
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (labels[i] != first && labels[i] != second)
            continue;
        memcpy(pair_vectors + used * DIMENSION, vectors + rows[i] * DIMENSION,
               DIMENSION * sizeof *vectors);
        signs[used++] = labels[i] == first ? 1 : -1;
    }
    reference = solve_reference(pair_vectors, signs, used, c);
    recover(solution, decision, vectors, DIMENSION, weights);
    for (size_t i = 0; i < used; i++) {
        double expected = reference.bias, value = solution->machines[decision].bias;

        for (size_t k = 0; k < DIMENSION; k++) {
            expected += reference.weights[k] * (double)pair_vectors[i * DIMENSION + k];
            value += weights[k] * (double)pair_vectors[i * DIMENSION + k];
        }
        /* LIBSVM stops at 1e-3 between the gradients of a pair. */
        assert_near(value, expected, 5e-3);
    }
}

static void test_decisions_agree_with_reference(void **state)
{
    static const double costs[] = {0.05, 1, 20};
    static float vectors[COUNT * DIMENSION];
    size_t labels[COUNT], rows[COUNT], row_labels[COUNT];
    struct svm_kernel *kernel;
    size_t count;

    (void)state;
    make_clouds(vectors, labels);
    count = choose_rows(labels, rows, row_labels);
    kernel = kernel_of(vectors, COUNT, DIMENSION);
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        struct solution solution;
        struct error error;

        assert_int_equal(solve(kernel, rows, row_labels, count, costs[i], &solution, &error),
                         0);
        assert_int_equal(solution.decisions, 3);
        compare_pair(&solution, 0, 0, 1, vectors, rows, row_labels, count, costs[i]);
        compare_pair(&solution, 1, 0, 2, vectors, rows, row_labels, count, costs[i]);
        compare_pair(&solution, 2, 1, 2, vectors, rows, row_labels, count, costs[i]);
        solution_release(&solution);
    }
    svm_kernel_free(kernel);
}

static void test_same_bits_again(void **state)
{
    static float vectors[COUNT * DIMENSION];
    size_t labels[COUNT], rows[COUNT], row_labels[COUNT];
    struct solution first, second;
    struct svm_kernel *kernel;
    struct error error;
    size_t count;

    (void)state;
    make_clouds(vectors, labels);
    count = choose_rows(labels, rows, row_labels);
    kernel = kernel_of(vectors, COUNT, DIMENSION);
    assert_int_equal(solve(kernel, rows, row_labels, count, 1, &first, &error), 0);
    rand();
    assert_int_equal(solve(kernel, rows, row_labels, count, 1, &second, &error), 0);
    for (size_t decision = 0; decision < 3; decision++) {
        const struct svm_machine *one = &first.machines[decision];
        const struct svm_machine *other = &second.machines[decision];

        assert_int_equal(one->supports, other->supports);
        assert_memory_equal(&one->bias, &other->bias, sizeof one->bias);
        assert_memory_equal(one->coefficients, other->coefficients,
                            one->supports * sizeof *one->coefficients);
    }
    solution_release(&first);
    solution_release(&second);
    svm_kernel_free(kernel);
}

static size_t misfits(const struct solution *solution, const struct svm_kernel *kernel,
                      const size_t *rows, const size_t *labels, size_t count, size_t label)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        double decisions[3], scores[3];

        solution_decide(solution, kernel, rows[i], decisions);
        wrong += labels[i] == label &&
                 solution->labels[strategy_vote(solution->strategy, solution->classes, decisions,
                                                scores)] != label;
    }
    return wrong;
}

/* A machine that no price holds back is the same at a higher one; one that is held back is not. */
static void test_previous_solution(void **state)
{
    static const double costs[] = {0.001, 1, 1000};
    static float vectors[COUNT * DIMENSION];
    size_t labels[COUNT], rows[COUNT], row_labels[COUNT], count;
    struct solution previous = {0};
    struct solver_set set = {.rows = rows, .labels = row_labels};
    struct svm_kernel *kernel;
    struct error error;

    (void)state;
    make_clouds(vectors, labels);
    /* The third class far away: its machines are soon free of the price. */
    for (size_t i = 0; i < COUNT; i++)
        vectors[i * DIMENSION] += labels[i] == 2 ? 9 : 0;
    count = choose_rows(labels, rows, row_labels);
    set.count = count;
    kernel = kernel_of(vectors, COUNT, DIMENSION);
    for (size_t i = 0; i < 3; i++) {
        const struct solver_settings settings = {.c = costs[i]};
        struct solution fresh, taken;

        assert_int_equal(solver_solve(kernel, &set, &settings, NULL, &fresh, &error), 0);
        assert_int_equal(solver_solve(kernel, &set, &settings, i > 0 ? &previous : NULL, &taken,
                                      &error), 0);
        for (size_t decision = 0; decision < 3; decision++) {
            const struct svm_machine *one = &fresh.machines[decision];
            const struct svm_machine *other = &taken.machines[decision];

            assert_int_equal(one->supports, other->supports);
            assert_memory_equal(one->coefficients, other->coefficients,
                                one->supports * sizeof *one->coefficients);
            assert_int_equal(one->at_bound, decision == 0 || i == 0);
        }
        solution_release(&fresh);
        solution_release(&previous);
        previous = taken;
    }
    solution_release(&previous);
    svm_kernel_free(kernel);
}

/* One against the rest is the two-class problem of each class. */
static void test_one_against_the_rest(void **state)
{
    const struct solver_settings settings = {.c = 1, .strategy = STRATEGY_OVR};
    static float vectors[COUNT * DIMENSION];
    size_t labels[COUNT], rows[COUNT], row_labels[COUNT], binary[COUNT], count;
    struct solver_set set = {.rows = rows, .labels = row_labels};
    struct solution solution, pair;
    struct svm_kernel *kernel;
    struct error error;

    (void)state;
    make_clouds(vectors, labels);
    set.count = count = choose_rows(labels, rows, row_labels);
    kernel = kernel_of(vectors, COUNT, DIMENSION);
    assert_int_equal(solver_solve(kernel, &set, &settings, NULL, &solution, &error), 0);
    assert_int_equal(solution.decisions, 3);
    for (size_t class = 0; class < 3; class++) {
        for (size_t i = 0; i < count; i++)
            binary[i] = row_labels[i] != class;
        assert_int_equal(solve(kernel, rows, binary, count, 1, &pair, &error), 0);
        for (size_t i = 0; i < COUNT; i++) {
            double decisions[3], expected;

            solution_decide(&solution, kernel, i, decisions);
            solution_decide(&pair, kernel, i, &expected);
            assert_near(decisions[class], expected, 5e-3);
        }
        solution_release(&pair);
    }
    solution_release(&solution);
    svm_kernel_free(kernel);
}

/* A dearer class is given up less often; balanced is a weight of n / (2 n_class). */
static void test_class_weights(void **state)
{
    static const double weights[] = {1, 30, 1};
    static float vectors[COUNT * DIMENSION];
    size_t labels[COUNT], rows[COUNT], row_labels[COUNT], count, first = 0;
    struct solver_settings settings = {.c = 0.3};
    struct solver_set set = {.rows = rows, .labels = row_labels};
    struct solution plain, weighted;
    struct svm_kernel *kernel;
    struct error error;
    double balance[2];

    (void)state;
    make_clouds(vectors, labels);
    set.count = count = choose_rows(labels, rows, row_labels);
    kernel = kernel_of(vectors, COUNT, DIMENSION);
    assert_int_equal(solver_solve(kernel, &set, &settings, NULL, &plain, &error), 0);
    settings.weights = weights;
    assert_int_equal(solver_solve(kernel, &set, &settings, NULL, &weighted, &error), 0);
    assert_true(misfits(&weighted, kernel, rows, row_labels, count, 1) <
                misfits(&plain, kernel, rows, row_labels, count, 1));
    solution_release(&plain);
    solution_release(&weighted);
    for (size_t i = 0; i < count; i++) {
        row_labels[i] = row_labels[i] == 2;
        first += row_labels[i] == 0;
    }
    balance[0] = (double)count / (2 * (double)first);
    balance[1] = (double)count / (2 * (double)(count - first));
    settings = (struct solver_settings){.c = 0.3, .balanced = true};
    assert_int_equal(solver_solve(kernel, &set, &settings, NULL, &plain, &error), 0);
    settings = (struct solver_settings){.c = 0.3, .weights = balance};
    assert_int_equal(solver_solve(kernel, &set, &settings, NULL, &weighted, &error), 0);
    assert_near(plain.machines[0].bias, weighted.machines[0].bias, 1e-9);
    solution_release(&plain);
    solution_release(&weighted);
    svm_kernel_free(kernel);
}

static void test_degenerate_problems(void **state)
{
    static const float vectors[4] = {1, 1, 1, 1};
    const size_t rows[] = {0, 1, 2, 3}, one_class[] = {5, 5, 5, 5}, two_classes[] = {0, 0, 1, 1};
    struct svm_kernel *kernel = kernel_of(vectors, 4, 1);
    struct solution solution;
    struct error error;
    double weight;

    (void)state;
    assert_int_equal(solve(kernel, rows, one_class, 4, 1, &solution, &error), FAILED);
    assert_string_equal(error.text, "cannot train on one class: at least two are needed");
    assert_int_equal(solve(kernel, rows, two_classes, 4, 0, &solution, &error), FAILED);
    assert_string_equal(error.text, "LIBSVM refuses the parameters: C <= 0");
    assert_int_equal(solve(kernel, rows, two_classes, 0, 1, &solution, &error), FAILED);
    assert_int_equal(solver_check(STRATEGY_OVO, 2000, &error), FAILED);
    assert_string_equal(error.text, "2000 classes make 1999000 pairs, at most 1000000 can be "
                        "trained: say --strategy ovr, or use fewer classes");
    assert_int_equal(solver_check(STRATEGY_OVR, 10000, &error), 0);
    /* All vectors equal: nothing to learn, and nothing that is not finite. */
    assert_int_equal(solve(kernel, rows, two_classes, 4, 1, &solution, &error), 0);
    recover(&solution, 0, vectors, 1, &weight);
    assert_near(weight, 0, 1e-12);
    assert_true(isfinite(solution.machines[0].bias));
    solution_release(&solution);
    svm_kernel_free(kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_points_in_closed_form),
        cmocka_unit_test(test_decisions_agree_with_reference),
        cmocka_unit_test(test_same_bits_again),
        cmocka_unit_test(test_previous_solution),
        cmocka_unit_test(test_one_against_the_rest),
        cmocka_unit_test(test_class_weights),
        cmocka_unit_test(test_degenerate_problems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
