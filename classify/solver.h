/*
 * A classifier of any number of classes as the solution of several problems of two classes.
 *
 *     const struct solver_settings settings = {.c = 1, .strategy = STRATEGY_OVO};
 *     solver_solve(kernel, &set, &settings, NULL, &solution, &error);
 *     solution_decide(&solution, kernel, row, decisions);
 *     class = solution.labels[strategy_vote(...)];
 *     solution_release(&solution);
 */
#ifndef CLASSIFY_SOLVER_H
#define CLASSIFY_SOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "classify/svm.h"
#include "classify/vote.h"
#include "common/error.h"

struct solver_settings {
    double c;               /* the price of a margin violation, > 0 */
    enum strategy strategy;
    bool balanced;          /* prices in inverse proportion to the images of a class: times n / (2
                               n_class) for a pair of classes, as scikit-learn's "balanced" */
    const double *weights;  /* by label: the price times this; NULL: all 1 */
    bool coarse;            /* to SOLVER_COARSE: for a search, whose winner is solved anew */
};

/* The tolerance of svm.h. Decisions are off by about twice as much, so that rounding, which differs
 * between processors, has little to decide. LIBSVM's default is the coarse one. */
#define SOLVER_FINE 1e-4
#define SOLVER_COARSE 1e-3

/* Training examples: rows of a kernel with labels. */
struct solver_set {
    const size_t *rows, *labels;  /* [count] */
    size_t count;
};

struct solution {
    enum strategy strategy;
    size_t classes, decisions;     /* decisions = strategy_decisions(strategy, classes) */
    size_t *labels;                /* [classes], ascending: the labels that occurred */
    struct svm_machine *machines;  /* [decisions] */
};

/* The most machines that a solution may consist of: a million. */
enum { SOLVER_MOST_DECISIONS = 1000000 };

/* FAILED, with what to do, when the strategy would make too many machines. */
int solver_check(enum strategy strategy, size_t classes, struct error *error);

/* Trains a machine for every decision of the strategy. Within a decision, one against the rest
 * gives the rest the mean weight of its images. `previous` may be NULL, or the solution of the
 * same set with the same settings but a lower c: machines that a higher price cannot change are
 * then taken from it. FAILED when there are fewer than two classes, too many, LIBSVM refuses, or
 * memory is short. */
int solver_solve(const struct svm_kernel *kernel, const struct solver_set *set,
                 const struct solver_settings *settings, const struct solution *previous,
                 struct solution *solution, struct error *error);
void solution_release(struct solution *solution);

/* Decides about a row of the kernel that the solution was made on; decisions: [decisions]. */
void solution_decide(const struct solution *solution, const struct svm_kernel *kernel, size_t row,
                     double *decisions);

/* The mean of its decisions about the rows row .. row + count - 1. */
void solution_decide_mean(const struct solution *solution, const struct svm_kernel *kernel,
                          size_t row, size_t count, double *decisions);

#endif
