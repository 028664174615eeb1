/*
 * From binary decisions to a class: how several two-class machines make one classifier.
 *
 *     decisions = strategy_decisions(STRATEGY_OVO, 3);                    3: (0,1) (0,2) (1,2)
 *     class = strategy_vote(STRATEGY_OVO, 3, decisions, scores);
 *
 * One against one trains a machine for every pair of classes, one against the rest a machine for
 * every class. Two classes are one pair either way.
 */
#ifndef CLASSIFY_VOTE_H
#define CLASSIFY_VOTE_H

#include <stddef.h>

enum strategy {
    STRATEGY_OVO,  /* pairs in the order (0,1) (0,2) ... (0,n-1) (1,2) ...; above 0 speaks for the
                      first of the pair */
    STRATEGY_OVR   /* a class against all others; above 0 speaks for the class */
};

/* "ovo", "ovr"; NULL at the end. In the order of the enum. */
extern const char *const strategy_names[];

/* The strategy with this name; `name` is one of strategy_names. */
enum strategy strategy_find(const char *name);

/* The number of machines for at least two classes. */
size_t strategy_decisions(enum strategy strategy, size_t classes);

/*
 * The class that decisions: [strategy_decisions(strategy, classes)] make, numbered from 0.
 *
 * One against one: the class that most decisions vote for; with equal votes the first of them, and
 * a decision of exactly 0 votes for the second class of its pair: both as LIBSVM's svm_predict.
 * One against the rest: the class with the highest decision, the first among equals.
 *
 * scores: [classes], higher is better. Two classes: the decision and its negative. One against the
 * rest: the decisions. One against one: a class's votes plus s / (3 (|s| + 1)), where s is the sum
 * of its decisions, those in which it comes second negated. That share stays within a third, so it
 * orders equal votes only (the "ovr" shape of scikit-learn's SVC.decision_function). Where votes
 * are equal at the top, the class that LIBSVM's rule chooses gets the highest share among them: the
 * first of the highest scores is always the class returned, except for two classes with a decision
 * of exactly 0.
 */
size_t strategy_vote(enum strategy strategy, size_t classes, const double *decisions,
                     double *scores);

#endif
