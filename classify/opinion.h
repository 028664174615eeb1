/*
 * What a classifier says about one image, once its decisions are there.
 *
 *     struct opinion opinion = {.strategy = ..., .classes = ..., .labels = ..., .sigmoids = ...};
 *     opinion_allocate(&opinion, &error);
 *     decide(..., opinion.decisions);
 *     class = opinion_form(&opinion);
 *     opinion_rank(&opinion, truth, &margin, &before);
 *     opinion_release(&opinion);
 */
#ifndef CLASSIFY_OPINION_H
#define CLASSIFY_OPINION_H

#include <stddef.h>

#include "classify/calibration.h"
#include "classify/vote.h"
#include "common/error.h"

struct opinion {
    enum strategy strategy;
    size_t classes;
    const size_t *labels;            /* [classes]: classes of the dataset */
    const struct sigmoid *sigmoids;  /* NULL: no probabilities */
    double *decisions;               /* [strategy_decisions(strategy, classes)], to be filled in */
    double *scores;                  /* [classes] */
    double *probabilities;           /* [classes]; NULL without sigmoids */
    double *scratch;
};

/* Room for decisions and what is made of them; the fields before them are set. 0 or FAILED. */
int opinion_allocate(struct opinion *opinion, struct error *error);
void opinion_release(struct opinion *opinion);

/* Scores and probabilities from the decisions; returns the class of the dataset. */
size_t opinion_form(struct opinion *opinion);

/* Where class `truth` of the dataset stands: its score less the highest of another one (-infinity
 * when it was not trained), and how many come before it. */
void opinion_rank(const struct opinion *opinion, size_t truth, double *margin, size_t *before);

#endif
