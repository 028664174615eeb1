#include "classify/linear.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify/matrix.h"
#include "common/memory.h"

/* How many numbers of a weight vector are summed up before the next ones: 8 KB, which stay in the
 * first-level cache while all supports are added. */
enum { COLUMNS = 1024 };

static const double most_bytes = 8e9;

size_t linear_decisions(size_t classes)
{
    return classes * (classes - 1) / 2;
}

int linear_create(size_t classes, size_t dimension, struct linear *linear, struct error *error)
{
    double bytes;

    assert(classes >= 2 && classes <= UINT32_MAX);
    *linear = (struct linear){
        .classes = classes, .decisions = linear_decisions(classes), .dimension = dimension,
    };
    bytes = (double)linear->decisions * (double)dimension * (double)sizeof(double);
    if (bytes > most_bytes)
        return error_set(error, "%zu classes make %zu decisions between two of them, %.0f GB of "
                         "weights for vectors of %zu numbers: use fewer classes or shorter "
                         "vectors", classes, linear->decisions, bytes / 1e9, dimension);
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

void linear_recover(struct linear *linear, const struct svm_solution *solution,
                    const float *vectors)
{
    const size_t dimension = linear->dimension;

    assert(solution->classes == linear->classes);
    memset(linear->weights, 0, linear->decisions * dimension * sizeof *linear->weights);
    memcpy(linear->bias, solution->bias, linear->decisions * sizeof *linear->bias);
    for (size_t column = 0; column < dimension; column += COLUMNS) {
        size_t width = dimension - column < COLUMNS ? dimension - column : COLUMNS;

        for (size_t decision = 0; decision < linear->decisions; decision++) {
            double *weights = linear->weights + decision * dimension + column;

            for (size_t s = solution->starts[decision]; s < solution->starts[decision + 1]; s++)
                matrix_add_scaled(weights, solution->coefficients[s],
                                  vectors + solution->rows[s] * dimension + column, width);
        }
    }
}

void linear_decide(const struct linear *linear, const float *vector, double *decisions)
{
    for (size_t decision = 0; decision < linear->decisions; decision++)
        decisions[decision] = matrix_dot(linear->weights + decision * linear->dimension, vector,
                                         linear->dimension) + linear->bias[decision];
}

/* The votes for `class`, and the sum of its decisions. */
static size_t count_votes(const struct linear *linear, const double *decisions, size_t class,
                          double *sum)
{
    size_t votes = 0;

    *sum = 0;
    for (size_t other = 0; other < linear->classes; other++) {
        size_t first = class < other ? class : other;
        size_t second = class < other ? other : class;
        double value;

        if (other == class)
            continue;
        /* The pairs before those that begin with `first`, then its own. */
        value = decisions[first * linear->classes - first * (first + 1) / 2 + second - first - 1];
        *sum += class == first ? value : -value;
        if ((value > 0) == (class == first))
            votes++;
    }
    return votes;
}

size_t linear_vote(const struct linear *linear, const double *decisions, double *scores)
{
    size_t winner = 0, most = 0;
    double best = -1;

    if (linear->classes == 2) {
        scores[0] = decisions[0];
        scores[1] = -decisions[0];
        return decisions[0] > 0 ? 0 : 1;
    }
    for (size_t class = 0; class < linear->classes; class++) {
        double sum, share;
        size_t votes = count_votes(linear, decisions, class, &sum);

        share = sum / (3 * (fabs(sum) + 1));
        scores[class] = (double)votes + share;
        if (class == 0 || votes > most) {
            winner = class;
            most = votes;
            best = share;
        } else if (votes == most && share > best) {
            best = share;
        }
    }
    scores[winner] = (double)most + best;
    return winner;
}
