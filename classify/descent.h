/*
 * The problem of svm.h solved on the vectors themselves, where there are too many for a matrix of
 * their products: dual coordinate descent (Hsieh, Chang, Lin, Keerthi and Sundararajan, ICML 2008).
 * It keeps w, the sum of coefficient * vector, so that a step costs one vector and memory does not
 * grow with the square of their number.
 *
 *     descent_solve(vectors, dimension, &problem, &machine, &error);
 *     svm_machine_release(&machine);
 *
 * That method, and LIBLINEAR, which is built on it, has no bias or one that is part of w and so is
 * kept small: another classifier than LIBSVM's. Here the bias is free. The proximal point method
 * (Rockafellar, SIAM Journal on Control and Optimization 14, 1976) adds to what is minimised the
 * square of the bias's distance from where it was, which makes it one more number of w; then moves
 * that point there, until it stays. What was added is then zero, and the optimum is LIBSVM's.
 */
#ifndef CLASSIFY_DESCENT_H
#define CLASSIFY_DESCENT_H

#include <stddef.h>

#include "classify/svm.h"
#include "common/error.h"

/* Solves for the rows problem->rows of vectors: [][dimension], both classes among them; the machine
 * has weights. Draws the order of its steps from a generator of its own: the same input gives the
 * same bits. Ends after DESCENT_MOST_STEPS steps for each row, as LIBLINEAR and LIBSVM end some
 * time: only a price far too high for classes that overlap needs so many, and what is still off
 * then, some thousandths of a margin, changes next to no label. 0, or FAILED when memory is
 * short. */
int descent_solve(const float *vectors, size_t dimension, const struct svm_two_classes *problem,
                  struct svm_machine *machine, struct error *error);

enum { DESCENT_MOST_STEPS = 3000 };

#endif
