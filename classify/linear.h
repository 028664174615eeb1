/*
 * A linear classifier: one weight vector and one bias for every pair of classes.
 *
 *     linear_create(solution.classes, dimension, &linear, &error);
 *     linear_recover(&linear, &solution, vectors);
 *     linear_decide(&linear, vector, decisions);
 *     class = linear_vote(&linear, decisions, scores);
 *     linear_release(&linear);
 *
 * Evaluation and prediction both decide here, with the same arithmetic in the same order, so
 * that a model gives to the last bit what was evaluated.
 */
#ifndef CLASSIFY_LINEAR_H
#define CLASSIFY_LINEAR_H

#include <stddef.h>

#include "classify/svm.h"
#include "common/error.h"

struct linear {
    size_t classes, decisions, dimension;  /* decisions = classes * (classes - 1) / 2 */
    double *weights;  /* [decisions][dimension], pairs (0,1) (0,2) ... (1,2) ... */
    double *bias;     /* [decisions] */
};

/* The number of pairs. */
size_t linear_decisions(size_t classes);

/* Room for a classifier of at least two classes. FAILED when it would take more than 8 GB, which
 * the message says, or memory is short. */
int linear_create(size_t classes, size_t dimension, struct linear *linear, struct error *error);
void linear_release(struct linear *linear);

/* Fills in weights and bias: w = sum over the supports of coefficient * vector, in double, in the
 * solution's order. vectors: [row][dimension], the rows of which the Gram matrix was made. */
void linear_recover(struct linear *linear, const struct svm_solution *solution,
                    const float *vectors);

/* decisions: [linear->decisions]; above 0 speaks for the first class of the pair. */
void linear_decide(const struct linear *linear, const float *vector, double *decisions);

/*
 * The class that most decisions vote for; with equal votes the first of them, and a decision of
 * exactly 0 votes for the second class of its pair: both as LIBSVM's svm_predict.
 *
 * scores: [classes], higher is better. Two classes: the decision and its negative. More: a class's
 * votes plus s / (3 (|s| + 1)), where s is the sum of its decisions, those in which it comes
 * second negated. That share stays within a third, so it orders equal votes only (the "ovr" shape
 * of scikit-learn's SVC.decision_function). Where votes are equal at the top, the class that
 * LIBSVM's rule chooses gets the highest share among them: the first of the highest scores is
 * always the class returned, except for two classes with a decision of exactly 0.
 */
size_t linear_vote(const struct linear *linear, const double *decisions, double *scores);

#endif
