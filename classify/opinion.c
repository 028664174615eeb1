#include "classify/opinion.h"

#include <math.h>
#include <stdlib.h>

#include "common/memory.h"

void opinion_release(struct opinion *opinion)
{
    free(opinion->decisions);
    free(opinion->scores);
    free(opinion->scratch);
    free(opinion->probabilities);
}

int opinion_allocate(struct opinion *opinion, struct error *error)
{
    size_t decisions = strategy_decisions(opinion->strategy, opinion->classes);

    opinion->decisions = memory_allocate(decisions, sizeof *opinion->decisions, error);
    opinion->scores = memory_allocate(opinion->classes, sizeof *opinion->scores, error);
    if (opinion->decisions == NULL || opinion->scores == NULL)
        return FAILED;
    if (opinion->sigmoids == NULL)
        return 0;
    opinion->scratch = memory_allocate(probabilities_scratch(opinion->classes),
                                       sizeof *opinion->scratch, error);
    opinion->probabilities = memory_allocate(opinion->classes, sizeof *opinion->probabilities,
                                             error);
    return opinion->scratch != NULL && opinion->probabilities != NULL ? 0 : FAILED;
}

size_t opinion_form(struct opinion *opinion)
{
    size_t won = strategy_vote(opinion->strategy, opinion->classes, opinion->decisions,
                               opinion->scores);

    if (opinion->sigmoids != NULL)
        probabilities_couple(opinion->strategy, opinion->classes, opinion->sigmoids,
                             opinion->decisions, opinion->scratch, opinion->probabilities);
    return opinion->labels[won];
}

void opinion_rank(const struct opinion *opinion, size_t truth, double *margin, size_t *before)
{
    double own = -INFINITY, other = -INFINITY;
    size_t own_place = opinion->classes;

    for (size_t i = 0; i < opinion->classes; i++) {
        if (opinion->labels[i] == truth) {
            own = opinion->scores[i];
            own_place = i;
        } else {
            other = fmax(other, opinion->scores[i]);
        }
    }
    *margin = own - other;
    *before = 0;
    for (size_t i = 0; i < opinion->classes; i++)
        *before += opinion->scores[i] > own || (!(opinion->scores[i] < own) && i < own_place);
}
