#!/usr/bin/env python3
"""Prints what the classifier's tests are checked against, computed by NumPy, SciPy and scikit-learn.

    python3 make_references.py statistics     numbers in test_statistics.c and test_calibration.c
    python3 make_references.py decisions      writes svc_reference.h, for test_agreement.c

The tests need neither this script nor those libraries. Made with NumPy 1.24, SciPy 1.10 and
scikit-learn 1.2.
"""
import os
import sys

import numpy


def statistics():
    from scipy import optimize, stats

    accuracies = numpy.array([0.03, -0.01, 0.05, 0.02, 0.00, 0.04, 0.01, 0.03, -0.02, 0.06])
    count, share = len(accuracies), 1 / 4
    mean, variance = accuracies.mean(), accuracies.var(ddof=1)
    error = numpy.sqrt((1 / count + share) * variance)
    t = mean / error
    half = stats.t.ppf(0.975, count - 1) * error
    print('corrected resampled t: mean %.12g, p %.12g, interval %.12g %.12g' % (
        mean, 2 * stats.t.sf(abs(t), count - 1), mean - half, mean + half))
    for first, second in ((1, 8), (0, 0), (5, 5), (10, 2), (59, 6), (0, 5)):
        p = stats.binomtest(first, first + second).pvalue if first + second > 0 else 1
        print('mcnemar %d %d: %.12g' % (first, second, p))

    # Platt's sigmoid by a general minimiser on the same targets.
    generator = numpy.random.RandomState(7)
    truth = numpy.arange(40) % 3 == 0
    values = numpy.round(numpy.where(truth, 0.8, -0.6) + generator.standard_normal(40), 3)
    high = (truth.sum() + 1) / (truth.sum() + 2)
    low = 1 / ((~truth).sum() + 2)
    target = numpy.where(truth, high, low)

    def loss(x):
        exponent = x[0] * values + x[1]
        return numpy.sum(numpy.logaddexp(0, exponent) - (1 - target) * exponent)
    best = optimize.minimize(loss, [0, 0], method='BFGS', options={'gtol': 1e-10})
    print('sigmoid of', ', '.join('%g' % v for v in values))
    print('slope %.9g offset %.9g' % tuple(best.x))

    # Coupling: the distribution that minimises sum over pairs of (r_ba p_a - r_ab p_b)^2.
    pairs = numpy.array([[0, 0.7, 0.6, 0.9], [0.3, 0, 0.45, 0.8], [0.4, 0.55, 0, 0.65],
                         [0.1, 0.2, 0.35, 0]])
    q = numpy.diag((pairs ** 2).sum(axis=0)) - pairs * pairs.T
    system = numpy.block([[q, numpy.ones((4, 1))], [numpy.ones((1, 4)), numpy.zeros((1, 1))]])
    print('coupled', numpy.linalg.solve(system, [0, 0, 0, 0, 1])[:4])


def decisions():
    from sklearn.svm import SVC

    generator = numpy.random.RandomState(3)
    count, dimension, classes, folds = 60, 6, 3, 3
    labels = numpy.arange(count) * 7 % classes
    vectors = generator.random_sample((count, dimension))
    vectors[numpy.arange(count), labels] += 0.35
    vectors = numpy.round(vectors, 3).astype(numpy.float32)
    fold = numpy.arange(count) // 2 % folds
    costs = (0.05, 1, 30)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'svc_reference.h')
    with open(path, 'w') as out:
        out.write('/* Written by make_references.py decisions: what scikit-learn\'s SVC(kernel='
                  '"linear") decides\n * about each fold when it is trained on the others. */\n'
                  '#ifndef TESTS_CLASSIFY_SVC_REFERENCE_H\n'
                  '#define TESTS_CLASSIFY_SVC_REFERENCE_H\n\n'
                  '#include <stddef.h>\n\n'
                  'enum { SVC_COUNT = %d, SVC_DIMENSION = %d, SVC_CLASSES = %d, SVC_FOLDS = %d, '
                  'SVC_COSTS = %d };\n\n' % (count, dimension, classes, folds, len(costs)))
        out.write('static const double svc_costs[SVC_COSTS] = {%s};\n\n' % ', '.join(
            '%g' % c for c in costs))
        out.write('static const size_t svc_labels[SVC_COUNT] = {\n%s};\n\n' % lines(
            labels, '%d'))
        out.write('static const size_t svc_folds[SVC_COUNT] = {\n%s};\n\n' % lines(fold, '%d'))
        out.write('static const float svc_vectors[SVC_COUNT * SVC_DIMENSION] = {\n%s};\n\n' % (
            lines(vectors.ravel(), '%.3ff')))
        values = numpy.zeros((len(costs), count, classes * (classes - 1) // 2))
        for i, c in enumerate(costs):
            for f in range(folds):
                svc = SVC(kernel='linear', C=c, decision_function_shape='ovo', tol=1e-6)
                svc.fit(vectors[fold != f].astype(float), labels[fold != f])
                values[i, fold == f] = svc.decision_function(vectors[fold == f].astype(float))
        out.write('/* [cost][image][pair], the pairs (0,1) (0,2) (1,2) */\n'
                  'static const double svc_decisions[SVC_COSTS * SVC_COUNT * 3] = {\n%s};\n\n'
                  '#endif\n' % lines(values.ravel(), '%.8g'))


def lines(values, form):
    texts = [form % v + ',' for v in values]
    text, column = '', 0
    for one in texts:
        if column + len(one) + 1 > 96:
            text, column = text.rstrip() + '\n', 0
        if column == 0:
            text, column = text + '    ', 4
        text, column = text + one + ' ', column + len(one) + 1
    return text.rstrip() + '\n'


if __name__ == '__main__':
    {'statistics': statistics, 'decisions': decisions}[sys.argv[1]]()
