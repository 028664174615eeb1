/*
 * C-support vector classification of two classes, linear; solver.h makes classifiers of many
 * classes out of it. On the products of all vectors LIBSVM solves it (Chang and Lin, ACM
 * Transactions on Intelligent Systems and Technology 2:27, 2011), which this module alone sees. It
 * wants 20 bytes for every pair of vectors; where that is too much descent.h solves it on the
 * vectors. Both end at the same optimum, up to the tolerance.
 *
 *     svm_kernel_create(gram, count, count, &kernel, &error);
 *     svm_solve(kernel, &problem, &machine, &error);
 *     value = svm_decide(kernel, &machine, row);
 *     svm_machine_release(&machine);
 *     svm_kernel_free(kernel);
 *
 * A kernel may be used by several threads at once. LIBSVM's own output is swallowed. Training
 * without probabilities draws no random numbers, so the same input gives the same bits.
 */
#ifndef CLASSIFY_SVM_H
#define CLASSIFY_SVM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct svm_kernel;

/* Takes a copy of the first `count` rows and columns of gram: [][stride]; 0 < count <= stride. */
int svm_kernel_create(const float *gram, size_t count, size_t stride, struct svm_kernel **kernel,
                      struct error *error);

/* Or the vectors as they are: [][dimension]; they must outlive it. */
int svm_kernel_create_on_vectors(const float *vectors, size_t dimension,
                                 struct svm_kernel **kernel, struct error *error);
void svm_kernel_free(struct svm_kernel *kernel);

/* Whether it is vectors. */
bool svm_kernel_is_vectors(const struct svm_kernel *kernel);

/* What tells the rows of a first class from those of a second. */
struct svm_two_classes {
    const size_t *rows;         /* [count] of the kernel: the first class's, then the second's */
    size_t first, count;        /* the first class has rows[0 .. first - 1] */
    double first_c, second_c;   /* the price of a margin violation of each class, > 0 */
    double tolerance;           /* by how much the solution may miss the conditions of an optimum,
                                   in margins */
};

/* The decision function f(x) = sum of coefficients[s] * <row rows[s], x> + bias, which is above 0
 * where it speaks for the first class. */
struct svm_machine {
    size_t supports;
    size_t *rows;           /* [supports] of the kernel */
    double *coefficients;   /* [supports]: positive for the first class, never 0 */
    double bias;
    bool at_bound;          /* a coefficient is held back by its price: a higher one would change
                               the machine, which otherwise it does not */
    double *weights;        /* [dimension], the sum of coefficient * vector, where it was solved on
                               vectors; else NULL */
    size_t dimension;
};

/* FAILED when either class has no rows, LIBSVM refuses a price, or memory is short. */
int svm_solve(const struct svm_kernel *kernel, const struct svm_two_classes *problem,
              struct svm_machine *machine, struct error *error);
int svm_machine_copy(const struct svm_machine *machine, struct svm_machine *copy,
                     struct error *error);
void svm_machine_release(struct svm_machine *machine);

/* f of a row of the kernel that the machine was made on. */
double svm_decide(const struct svm_kernel *kernel, const struct svm_machine *machine, size_t row);

#endif
