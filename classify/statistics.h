/*
 * Intervals for accuracies, and the distribution they need.
 *
 * A hold-out is one binomial experiment: Wilson's score interval (Wilson 1927; recommended by
 * Newcombe, Statistics in Medicine 17, 1998), which stays inside [0, 1] and is honest for small
 * counts and for 100 %.
 *
 * Repeated cross-validation is not: the folds' accuracies are correlated, since their training
 * parts overlap, and their variance divided by their number is far too small. The corrected
 * resampled interval (Nadeau and Bengio, "Inference for the generalization error", Machine
 * Learning 52, 2003) multiplies the variance by 1/J + n_test/n_train instead of 1/J.
 */
#ifndef CLASSIFY_STATISTICS_H
#define CLASSIFY_STATISTICS_H

#include <stddef.h>

struct interval {
    double low, high;
};

/* 95 %; 0 <= correct <= total, total > 0. */
struct interval wilson_interval(size_t correct, size_t total);

/* 95 % around `mean`, from the accuracies of J folds: [count], count >= 2, each tested on
 * `test_share` = n_test / n_train as many samples as it was trained on. Cut to [0, 1]. */
struct interval corrected_resampled_interval(double mean, const double *accuracies, size_t count,
                                             double test_share);

/*
 * Two classifiers on the same folds: the corrected resampled t-test (Nadeau and Bengio 2003) on the
 * differences of their accuracies.
 */
struct paired_test {
    double difference;         /* the mean */
    struct interval interval;  /* 95 % */
    double p;                  /* two-sided */
};

/* differences: [count], count >= 2, of folds tested on `test_share` as many samples as were trained
 * on. Where all are equal, their variance says nothing: p is 1 for 0, else 0, and the interval is
 * that one number. */
struct paired_test corrected_resampled_test(const double *differences, size_t count,
                                            double test_share);

/* McNemar's exact test, two-sided: `first` samples that only the first classifier gets right, and
 * `second` that only the second one does. */
double mcnemar_exact(size_t first, size_t second);

/* 95 % for the difference of two paired shares, (first - second) / total, where so many samples are
 * right in the one only: Newcombe's square-and-add method on Wilson's limits (method 10, Statistics
 * in Medicine 17, 1998). `both` are right in both. */
struct interval paired_difference_interval(size_t both, size_t first, size_t second,
                                           size_t total);

/* P(T <= value) for Student's t with this many degrees of freedom, > 0. */
double student_t_cumulative(double value, double freedom);

/* The value below which T lies with this probability; 0 < probability < 1. */
double student_t_quantile(double probability, double freedom);

#endif
