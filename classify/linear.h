/*
 * A linear classifier: one weight vector and one bias for every decision of its strategy.
 *
 *     linear_create(solution.strategy, solution.classes, dimension, &linear, &error);
 *     linear_recover(&linear, &solution, vectors);
 *     linear_decide(&linear, vector, decisions);
 *     class = linear_vote(&linear, decisions, scores);
 *     linear_release(&linear);
 *
 * A hold-out and a prediction both decide here, with the same arithmetic in the same order, so
 * that a model gives to the last bit what was evaluated.
 */
#ifndef CLASSIFY_LINEAR_H
#define CLASSIFY_LINEAR_H

#include <stddef.h>

#include "classify/scaling.h"
#include "classify/solver.h"
#include "classify/vote.h"
#include "common/error.h"

struct linear {
    enum strategy strategy;
    size_t classes, decisions, dimension;  /* decisions = strategy_decisions(strategy, classes) */
    double *weights;  /* [decisions][dimension], in the strategy's order */
    double *bias;     /* [decisions] */
};

/* FAILED, with what to do, when the weights would take more than 8 GB. */
int linear_check(enum strategy strategy, size_t classes, size_t dimension, struct error *error);

/* Room for a classifier of at least two classes. FAILED as linear_check, or when memory is
 * short. */
int linear_create(enum strategy strategy, size_t classes, size_t dimension, struct linear *linear,
                  struct error *error);
void linear_release(struct linear *linear);

/* Fills in weights and bias: w = sum over the supports of coefficient * vector, in double, in the
 * solution's order. vectors: [row][dimension], the rows of which the Gram matrix was made. */
void linear_recover(struct linear *linear, const struct solution *solution, const float *vectors);

/* Turns a classifier that was recovered from vectors as they are, though it was trained on scaled
 * ones, into one that decides about vectors as they are: the scaling becomes part of weights and
 * bias. */
void linear_absorb(struct linear *linear, const struct solution *solution,
                   const struct scaling *scaling);

/* decisions: [linear->decisions], as solution_decide but for rounding. */
void linear_decide(const struct linear *linear, const float *vector, double *decisions);

/* The mean of the decisions about vectors: [count][dimension]. */
void linear_decide_mean(const struct linear *linear, const float *vectors, size_t count,
                        double *decisions);

/* The class and scores: [classes], as strategy_vote. */
size_t linear_vote(const struct linear *linear, const double *decisions, double *scores);

#endif
