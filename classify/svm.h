/*
 * LIBSVM (Chang and Lin, ACM Transactions on Intelligent Systems and Technology 2:27, 2011),
 * C-support vector classification on a precomputed kernel. This is the only module that sees it.
 *
 *     svm_kernel_create(gram, count, &kernel, &error);
 *     svm_solve(kernel, rows, labels, row_count, 1.0, &solution, &error);
 *     svm_solution_release(&solution);
 *     svm_kernel_free(kernel);
 *
 * A kernel may be used by several threads at once. LIBSVM's own output is swallowed. Training
 * without probabilities draws no random numbers, so the same input gives the same bits.
 */
#ifndef CLASSIFY_SVM_H
#define CLASSIFY_SVM_H

#include <stddef.h>

#include "common/error.h"

struct svm_kernel;

/* Takes a copy of gram: [count][count]; 0 < count. */
int svm_kernel_create(const float *gram, size_t count, struct svm_kernel **kernel,
                      struct error *error);
void svm_kernel_free(struct svm_kernel *kernel);

/*
 * One-vs-one: for every pair of classes a decision function
 *
 *     f(x) = sum over its supports of coefficients[s] * <row rows[s], x> + bias
 *
 * which is above 0 where it speaks for the first of the pair. The pairs are in the order
 * (0,1) (0,2) ... (0,n-1) (1,2) ...
 */
struct svm_solution {
    size_t classes, decisions;  /* decisions = classes * (classes - 1) / 2 */
    size_t *labels;             /* [classes], ascending: the labels that occurred */
    double *bias;               /* [decisions] */
    size_t *starts;             /* [decisions + 1]: where the supports of each begin */
    size_t *rows;               /* [starts[decisions]]: of the Gram matrix */
    double *coefficients;       /* [starts[decisions]]: positive for the first class */
};

/* Trains on rows: [count] of the kernel, with labels: [count]. `c` > 0 is the price of a margin
 * violation. FAILED when there are fewer than two classes, LIBSVM refuses the parameters, or
 * memory is short. */
int svm_solve(const struct svm_kernel *kernel, const size_t *rows, const size_t *labels,
              size_t count, double c, struct svm_solution *solution, struct error *error);

void svm_solution_release(struct svm_solution *solution);

#endif
