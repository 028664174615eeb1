/*
 * Probabilities out of decisions: Platt's sigmoid for every decision, fitted to scores of images
 * that were not trained on, and the coupling of pairs into one distribution over the classes.
 *
 *     sigmoid_fit(decisions, positive, count, &sigmoid);
 *     p = sigmoid_apply(&sigmoid, decision);
 *     probabilities_couple(strategy, classes, sigmoids, decisions, scratch, probabilities);
 *
 * Platt, "Probabilistic outputs for support vector machines" (1999), by the algorithm of Lin, Lin
 * and Weng, "A note on Platt's probabilistic outputs" (Machine Learning 68, 2007). Pairs are
 * coupled by the second method of Wu, Lin and Weng, "Probability estimates for multi-class
 * classification by pairwise coupling" (Journal of Machine Learning Research 5, 2004).
 */
#ifndef CLASSIFY_CALIBRATION_H
#define CLASSIFY_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "classify/vote.h"

/* P(first class | decision f) = 1 / (1 + exp(slope * f + offset)). */
struct sigmoid {
    double slope, offset;
};

/* decisions: [count] of images that the decision was not trained on; positive: [count], whether
 * each is of the first class. */
struct sigmoid sigmoid_fit(const double *decisions, const bool *positive, size_t count);

double sigmoid_apply(const struct sigmoid *sigmoid, double decision);

/* The room that probabilities_couple needs as scratch: so many doubles. */
size_t probabilities_scratch(size_t classes);

/* probabilities: [classes], of sum 1, from decisions and sigmoids: [strategy_decisions(strategy,
 * classes)]. One against the rest: each class's own probability, divided by their sum. */
void probabilities_couple(enum strategy strategy, size_t classes, const struct sigmoid *sigmoids,
                          const double *decisions, double *scratch, double *probabilities);

#endif
