#include "classify/descent.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "classify/generator.h"
#include "classify/matrix.h"
#include "common/memory.h"

/* How exactly the first point is approached, in margins; every further one ten times better, down
 * to the tolerance. */
static const double first_tolerance = 0.1;

/*
 * In progress: minimises, over coefficients 0 <= a_i <= price_i,
 *
 *     |w|^2 / 2 + (bias - point)^2 / (2 reach) - sum of a_i * (1 - sign_i * point)
 *
 * with w = sum of sign_i * a_i * x_i and bias = point + reach * sum of sign_i * a_i.
 */
struct descent {
    const float *vectors;
    size_t dimension;
    const struct svm_two_classes *problem;
    double *weights;       /* [dimension] */
    double bias;
    double reach;          /* how strongly the bias is held: the mean of |x_i|^2, so that it is
                              one more number like those of the vectors */
    double *coefficients;  /* [count] */
    double *curvatures;    /* [count]: |x_i|^2 + reach */
    size_t *order;         /* [count]: rows that may still change, then those that seem done */
    size_t active;
    double highest, lowest;  /* of the slopes in the last round: what is beyond them at a bound
                                seems done */
    struct generator generator;
};

static void descent_release(struct descent *descent)
{
    free(descent->weights);
    free(descent->coefficients);
    free(descent->curvatures);
    free(descent->order);
}

static int descent_create(struct descent *descent, struct error *error)
{
    const struct svm_two_classes *problem = descent->problem;
    const size_t count = problem->count;

    descent->weights = memory_allocate(descent->dimension, sizeof *descent->weights, error);
    descent->coefficients = memory_allocate(count, sizeof *descent->coefficients, error);
    descent->curvatures = memory_allocate(count, sizeof *descent->curvatures, error);
    descent->order = memory_allocate(count, sizeof *descent->order, error);
    if (descent->weights == NULL || descent->coefficients == NULL ||
        descent->curvatures == NULL || descent->order == NULL)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        descent->order[i] = i;
        descent->curvatures[i] = matrix_squares(
            descent->vectors + problem->rows[i] * descent->dimension, descent->dimension);
        descent->reach += descent->curvatures[i] / (double)count;
    }
    /* Vectors of zeros leave nothing but the bias to choose. */
    if (!(descent->reach > 0))
        descent->reach = 1;
    for (size_t i = 0; i < count; i++)
        descent->curvatures[i] += descent->reach;
    descent->generator = generator_seed(count);
    return 0;
}

static const float *vector_of(const struct descent *descent, size_t i)
{
    return descent->vectors + descent->problem->rows[i] * descent->dimension;
}

static double sign_of(const struct descent *descent, size_t i)
{
    return i < descent->problem->first ? 1 : -1;
}

static double price_of(const struct descent *descent, size_t i)
{
    return i < descent->problem->first ? descent->problem->first_c : descent->problem->second_c;
}

/* Makes the best of one coefficient. Returns by how much its slope misses the condition of an
 * optimum; *done: it is at a bound, and not about to leave it. */
static double step(struct descent *descent, size_t i, bool *done)
{
    const float *vector = vector_of(descent, i);
    const double sign = sign_of(descent, i), price = price_of(descent, i);
    double old = descent->coefficients[i], new, slope, missed;

    slope = sign * (matrix_dot(descent->weights, vector, descent->dimension) + descent->bias) - 1;
    *done = (!(old > 0) && slope > descent->highest) ||
            (!(old < price) && slope < descent->lowest);
    missed = !(old > 0) ? fmin(slope, 0) : !(old < price) ? fmax(slope, 0) : slope;
    if (*done || !(fabs(missed) > 0))
        return 0;
    new = fmin(fmax(old - slope / descent->curvatures[i], 0), price);
    descent->coefficients[i] = new;
    descent->bias += descent->reach * sign * (new - old);
    matrix_add_scaled(descent->weights, sign * (new - old), vector, descent->dimension);
    return missed;
}

/* A step for every active row, in random order. Returns the range of what is missed. */
static double go_round(struct descent *descent)
{
    double highest = -INFINITY, lowest = INFINITY;

    generator_shuffle(&descent->generator, descent->order, descent->active);
    for (size_t place = 0; place < descent->active;) {
        size_t i = descent->order[place];
        double missed;
        bool done;

        missed = step(descent, i, &done);
        if (done) {
            descent->order[place] = descent->order[--descent->active];
            descent->order[descent->active] = i;
            continue;
        }
        highest = fmax(highest, missed);
        lowest = fmin(lowest, missed);
        place++;
    }
    descent->highest = highest > 0 ? highest : (double)INFINITY;
    descent->lowest = lowest < 0 ? lowest : -(double)INFINITY;
    return descent->active > 0 ? highest - lowest : 0;
}

static void activate_all(struct descent *descent)
{
    descent->active = descent->problem->count;
    descent->highest = INFINITY;
    descent->lowest = -INFINITY;
}

/* Descends until no row misses the optimum by more, or no steps are left. */
static void approach(struct descent *descent, double tolerance, size_t *steps)
{
    activate_all(descent);
    while (*steps > 0) {
        bool all = descent->active == descent->problem->count;
        size_t active = descent->active;
        double range = go_round(descent);

        *steps -= active < *steps ? active : *steps;
        if (range > tolerance)
            continue;
        if (all)
            return;
        activate_all(descent);
    }
}

static void solve(struct descent *descent)
{
    const double wanted = descent->problem->tolerance;
    size_t steps = descent->problem->count * DESCENT_MOST_STEPS;
    double tolerance = fmax(first_tolerance, wanted), moved = INFINITY;

    while (steps > 0 && (tolerance > wanted || moved > wanted)) {
        double sum = 0, point;

        tolerance = isfinite(moved) ? fmax(tolerance / 10, wanted) : tolerance;
        point = descent->bias;
        for (size_t i = 0; i < descent->problem->count; i++)
            sum += sign_of(descent, i) * descent->coefficients[i];
        descent->bias += descent->reach * sum;
        approach(descent, tolerance, &steps);
        moved = fabs(descent->bias - point);
    }
}

/* LIBSVM's bias: what puts the rows between the bounds on their margins, on average; where there
 * are none, the middle of what all allow. */
static double choose_bias(const struct descent *descent)
{
    double sum = 0, least = -INFINITY, most = INFINITY, middle;
    size_t between = 0;

    for (size_t i = 0; i < descent->problem->count; i++) {
        double coefficient = descent->coefficients[i], sign = sign_of(descent, i);
        double bias = sign - matrix_dot(descent->weights, vector_of(descent, i),
                                        descent->dimension);

        if (coefficient > 0 && coefficient < price_of(descent, i)) {
            sum += bias;
            between++;
        } else if ((coefficient > 0) == (sign > 0)) {
            most = fmin(most, bias);
        } else {
            least = fmax(least, bias);
        }
    }
    if (between > 0)
        return sum / (double)between;
    middle = (least + most) / 2;
    return isfinite(middle) ? middle : descent->bias;
}

static int collect(struct descent *descent, struct svm_machine *machine, struct error *error)
{
    const struct svm_two_classes *problem = descent->problem;

    machine->rows = memory_allocate(problem->count, sizeof *machine->rows, error);
    machine->coefficients = memory_allocate(problem->count, sizeof *machine->coefficients, error);
    if (machine->rows == NULL || machine->coefficients == NULL)
        return FAILED;
    for (size_t i = 0; i < problem->count; i++) {
        double coefficient = descent->coefficients[i];

        if (!(coefficient > 0))
            continue;
        machine->rows[machine->supports] = problem->rows[i];
        machine->coefficients[machine->supports++] = sign_of(descent, i) * coefficient;
        machine->at_bound = machine->at_bound || !(coefficient < price_of(descent, i));
    }
    machine->bias = choose_bias(descent);
    machine->dimension = descent->dimension;
    machine->weights = descent->weights;
    descent->weights = NULL;
    return 0;
}

int descent_solve(const float *vectors, size_t dimension, const struct svm_two_classes *problem,
                  struct svm_machine *machine, struct error *error)
{
    struct descent descent = {.vectors = vectors, .dimension = dimension, .problem = problem};
    int outcome = FAILED;

    *machine = (struct svm_machine){0};
    if (descent_create(&descent, error) == 0) {
        solve(&descent);
        outcome = collect(&descent, machine, error);
    }
    if (outcome < 0)
        svm_machine_release(machine);
    descent_release(&descent);
    return outcome;
}
