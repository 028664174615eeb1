#include "classify/vote.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *const strategy_names[] = {
    [STRATEGY_OVO] = "ovo", [STRATEGY_OVR] = "ovr", NULL,
};

enum strategy strategy_find(const char *name)
{
    size_t i = 0;

    while (strcmp(strategy_names[i], name) != 0)
        i++;
    return (enum strategy)i;
}

size_t strategy_decisions(enum strategy strategy, size_t classes)
{
    assert(classes >= 2);
    if (classes == 2)
        return 1;
    return strategy == STRATEGY_OVO ? classes * (classes - 1) / 2 : classes;
}

/* The votes for `class` of all pairs, and the sum of its decisions. */
static size_t count_votes(size_t classes, const double *decisions, size_t class, double *sum)
{
    size_t votes = 0;

    *sum = 0;
    for (size_t other = 0; other < classes; other++) {
        size_t first = class < other ? class : other;
        size_t second = class < other ? other : class;
        double value;

        if (other == class)
            continue;
        /* The pairs before those that begin with `first`, then its own. */
        value = decisions[first * classes - first * (first + 1) / 2 + second - first - 1];
        *sum += class == first ? value : -value;
        if ((value > 0) == (class == first))
            votes++;
    }
    return votes;
}

static size_t vote_pairs(size_t classes, const double *decisions, double *scores)
{
    size_t winner = 0, most = 0;
    double best = -1;

    for (size_t class = 0; class < classes; class++) {
        double sum, share;
        size_t votes = count_votes(classes, decisions, class, &sum);

        share = sum / (3 * (fabs(sum) + 1));
        scores[class] = (double)votes + share;
        if (class == 0 || votes > most) {
            winner = class;
            most = votes;
            best = share;
        } else if (votes == most && share > best) {
            best = share;
        }
    }
    scores[winner] = (double)most + best;
    return winner;
}

size_t strategy_vote(enum strategy strategy, size_t classes, const double *decisions,
                     double *scores)
{
    size_t winner = 0;

    if (classes == 2) {
        scores[0] = decisions[0];
        scores[1] = -decisions[0];
        return decisions[0] > 0 ? 0 : 1;
    }
    if (strategy == STRATEGY_OVO)
        return vote_pairs(classes, decisions, scores);
    for (size_t class = 0; class < classes; class++) {
        scores[class] = decisions[class];
        if (scores[class] > scores[winner])
            winner = class;
    }
    return winner;
}
