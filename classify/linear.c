#include "classify/linear.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify/matrix.h"
#include "common/memory.h"

/* How many numbers of a weight vector are summed up before the next ones: 8 KB, which stay in the
 * first-level cache while all supports are added. */
enum { COLUMNS = 1024 };

static const double most_bytes = 8e9;

int linear_check(enum strategy strategy, size_t classes, size_t dimension, struct error *error)
{
    size_t decisions = strategy_decisions(strategy, classes);
    double bytes = (double)decisions * (double)dimension * (double)sizeof(double);

    if (bytes <= most_bytes)
        return 0;
    return error_set(error, "%zu classes make %zu decisions, %.0f GB of weights for vectors of "
                     "%zu numbers: %suse fewer classes or shorter vectors", classes, decisions,
                     bytes / 1e9, dimension,
                     strategy == STRATEGY_OVO ? "say --strategy ovr, or " : "");
}

int linear_create(enum strategy strategy, size_t classes, size_t dimension, struct linear *linear,
                  struct error *error)
{
    assert(classes >= 2 && classes <= UINT32_MAX);
    *linear = (struct linear){
        .strategy = strategy, .classes = classes,
        .decisions = strategy_decisions(strategy, classes), .dimension = dimension,
    };
    if (linear_check(strategy, classes, dimension, error) < 0)
        return FAILED;
    linear->weights = memory_allocate_aligned(linear->decisions * dimension,
                                              sizeof *linear->weights, error);
    linear->bias = memory_allocate(linear->decisions, sizeof *linear->bias, error);
    if (linear->weights != NULL && linear->bias != NULL)
        return 0;
    linear_release(linear);
    return FAILED;
}

void linear_release(struct linear *linear)
{
    free(linear->weights);
    free(linear->bias);
    *linear = (struct linear){0};
}

void linear_recover(struct linear *linear, const struct solution *solution, const float *vectors)
{
    const size_t dimension = linear->dimension;

    assert(solution->classes == linear->classes && solution->decisions == linear->decisions);
    memset(linear->weights, 0, linear->decisions * dimension * sizeof *linear->weights);
    for (size_t decision = 0; decision < linear->decisions; decision++)
        linear->bias[decision] = solution->machines[decision].bias;
    for (size_t column = 0; column < dimension; column += COLUMNS) {
        size_t width = dimension - column < COLUMNS ? dimension - column : COLUMNS;

        for (size_t decision = 0; decision < linear->decisions; decision++) {
            const struct svm_machine *machine = &solution->machines[decision];
            double *weights = linear->weights + decision * dimension + column;

            for (size_t s = 0; s < machine->supports; s++)
                matrix_add_scaled(weights, machine->coefficients[s],
                                  vectors + machine->rows[s] * dimension + column, width);
        }
    }
}

/* Trained on z = (x - mean) * scale, f(x) = <v, z> + b with v = sum of coefficient * z. */
void linear_absorb(struct linear *linear, const struct solution *solution,
                   const struct scaling *scaling)
{
    for (size_t decision = 0; decision < linear->decisions; decision++) {
        const struct svm_machine *machine = &solution->machines[decision];
        double *weights = linear->weights + decision * linear->dimension;
        double sum = 0, shift = 0;

        for (size_t s = 0; s < machine->supports; s++)
            sum += machine->coefficients[s];
        for (size_t i = 0; i < linear->dimension; i++) {
            weights[i] = (weights[i] - sum * scaling->mean[i]) * scaling->scale[i] *
                         scaling->scale[i];
            shift += weights[i] * scaling->mean[i];
        }
        linear->bias[decision] -= shift;
    }
}

void linear_decide(const struct linear *linear, const float *vector, double *decisions)
{
    linear_decide_mean(linear, vector, 1, decisions);
}

void linear_decide_mean(const struct linear *linear, const float *vectors, size_t count,
                        double *decisions)
{
    for (size_t decision = 0; decision < linear->decisions; decision++) {
        const double *weights = linear->weights + decision * linear->dimension;
        double sum = 0;

        for (size_t i = 0; i < count; i++)
            sum += matrix_dot(weights, vectors + i * linear->dimension, linear->dimension) +
                   linear->bias[decision];
        decisions[decision] = sum / (double)count;
    }
}

size_t linear_vote(const struct linear *linear, const double *decisions, double *scores)
{
    return strategy_vote(linear->strategy, linear->classes, decisions, scores);
}
