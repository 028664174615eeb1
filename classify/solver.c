#include "classify/solver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

int solver_check(enum strategy strategy, size_t classes, struct error *error)
{
    size_t decisions = strategy_decisions(strategy, classes);

    if (decisions <= SOLVER_MOST_DECISIONS)
        return 0;
    return error_set(error, "%zu classes make %zu pairs, at most %d can be trained: say "
                     "--strategy ovr, or use fewer classes", classes, decisions,
                     SOLVER_MOST_DECISIONS);
}

void solution_release(struct solution *solution)
{
    for (size_t i = 0; solution->machines != NULL && i < solution->decisions; i++)
        svm_machine_release(&solution->machines[i]);
    free(solution->machines);
    free(solution->labels);
    *solution = (struct solution){0};
}

/* A row with its label, and where it stood. */
struct entry {
    size_t label, position, row;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    if (left->label != right->label)
        return left->label < right->label ? -1 : 1;
    return (left->position > right->position) - (left->position < right->position);
}

/* The examples by class, and scratch memory. */
struct solving {
    const struct svm_kernel *kernel;
    const struct solver_settings *settings;
    size_t count;
    size_t *rows;      /* [count], class after class, within one in the order given */
    size_t *starts;    /* [classes + 1]: where the rows of a class begin */
    size_t *problem;   /* [count]: the rows of one decision */
};

static void solving_release(struct solving *solving)
{
    free(solving->rows);
    free(solving->starts);
    free(solving->problem);
}

/* Sorts the examples into classes; solution->classes and its labels. */
static int sort_classes(struct solving *solving, const struct solver_set *set,
                        struct solution *solution, struct error *error)
{
    struct entry *entries = memory_allocate(set->count, sizeof *entries, error);
    int outcome = FAILED;

    solving->rows = memory_allocate(set->count, sizeof *solving->rows, error);
    solving->problem = memory_allocate(set->count, sizeof *solving->problem, error);
    solving->starts = memory_allocate(set->count + 1, sizeof *solving->starts, error);
    solution->labels = memory_allocate(set->count, sizeof *solution->labels, error);
    if (entries == NULL || solving->rows == NULL || solving->problem == NULL ||
        solving->starts == NULL || solution->labels == NULL)
        goto out;
    for (size_t i = 0; i < set->count; i++)
        entries[i] = (struct entry){.label = set->labels[i], .position = i, .row = set->rows[i]};
    qsort(entries, set->count, sizeof *entries, compare_entries);
    for (size_t i = 0; i < set->count; i++) {
        solving->rows[i] = entries[i].row;
        if (i == 0 || entries[i].label != entries[i - 1].label) {
            solving->starts[solution->classes] = i;
            solution->labels[solution->classes++] = entries[i].label;
        }
    }
    solving->starts[solution->classes] = set->count;
    outcome = 0;
out:
    free(entries);
    return outcome;
}

static size_t size_of(const struct solving *solving, size_t class)
{
    return solving->starts[class + 1] - solving->starts[class];
}

static double weight_of(const struct solving *solving, const struct solution *solution,
                        size_t class)
{
    const double *weights = solving->settings->weights;

    return weights != NULL ? weights[solution->labels[class]] : 1;
}

/* Appends a class to the problem in hand; returns its weight times the number of its rows. */
static double append_class(struct solving *solving, const struct solution *solution, size_t class,
                           struct svm_two_classes *problem)
{
    size_t size = size_of(solving, class);

    memcpy(solving->problem + problem->count, solving->rows + solving->starts[class],
           size * sizeof *solving->problem);
    problem->count += size;
    return (double)size * weight_of(solving, solution, class);
}

/* The problem of class `first` against `second`, or against all others where that is none. */
static struct svm_two_classes build_problem(struct solving *solving,
                                            const struct solution *solution, size_t first,
                                            size_t second)
{
    struct svm_two_classes problem = {
        .rows = solving->problem,
        .tolerance = solving->settings->coarse ? SOLVER_COARSE : SOLVER_FINE,
    };
    double c = solving->settings->c, rest = 0;

    append_class(solving, solution, first, &problem);
    problem.first = problem.count;
    for (size_t class = 0; class < solution->classes; class++)
        if (class != first && (second >= solution->classes || class == second))
            rest += append_class(solving, solution, class, &problem);
    problem.first_c = c * weight_of(solving, solution, first);
    problem.second_c = c * rest / (double)(problem.count - problem.first);
    if (solving->settings->balanced) {
        problem.first_c *= (double)problem.count / (2 * (double)problem.first);
        problem.second_c *= (double)problem.count / (2 * (double)(problem.count - problem.first));
    }
    return problem;
}

static int solve_decision(struct solving *solving, size_t decision, size_t first, size_t second,
                          const struct solution *previous, struct solution *solution,
                          struct error *error)
{
    struct svm_machine *machine = &solution->machines[decision];
    struct svm_two_classes problem;

    if (previous != NULL && !previous->machines[decision].at_bound)
        return svm_machine_copy(&previous->machines[decision], machine, error);
    problem = build_problem(solving, solution, first, second);
    return svm_solve(solving->kernel, &problem, machine, error);
}

static int solve_all(struct solving *solving, const struct solution *previous,
                     struct solution *solution, struct error *error)
{
    const size_t classes = solution->classes;
    size_t decision = 0;

    if (classes > 2 && solution->strategy == STRATEGY_OVR) {
        for (size_t class = 0; class < classes; class++)
            if (solve_decision(solving, class, class, classes, previous, solution, error) < 0)
                return FAILED;
        return 0;
    }
    for (size_t first = 0; first < classes; first++)
        for (size_t second = first + 1; second < classes; second++)
            if (solve_decision(solving, decision++, first, second, previous, solution, error) < 0)
                return FAILED;
    return 0;
}

int solver_solve(const struct svm_kernel *kernel, const struct solver_set *set,
                 const struct solver_settings *settings, const struct solution *previous,
                 struct solution *solution, struct error *error)
{
    struct solving solving = {.kernel = kernel, .settings = settings, .count = set->count};
    int outcome = FAILED;

    *solution = (struct solution){.strategy = settings->strategy};
    if (sort_classes(&solving, set, solution, error) < 0)
        goto out;
    if (solution->classes < 2) {
        error_set(error, "cannot train on one class: at least two are needed");
        goto out;
    }
    if (solver_check(settings->strategy, solution->classes, error) < 0)
        goto out;
    solution->decisions = strategy_decisions(settings->strategy, solution->classes);
    solution->machines = memory_allocate(solution->decisions, sizeof *solution->machines, error);
    if (solution->machines != NULL)
        outcome = solve_all(&solving, previous, solution, error);
out:
    if (outcome < 0)
        solution_release(solution);
    solving_release(&solving);
    return outcome;
}

void solution_decide(const struct solution *solution, const struct svm_kernel *kernel, size_t row,
                     double *decisions)
{
    solution_decide_mean(solution, kernel, row, 1, decisions);
}

void solution_decide_mean(const struct solution *solution, const struct svm_kernel *kernel,
                          size_t row, size_t count, double *decisions)
{
    for (size_t decision = 0; decision < solution->decisions; decision++) {
        double sum = 0;

        for (size_t i = 0; i < count; i++)
            sum += svm_decide(kernel, &solution->machines[decision], row + i);
        decisions[decision] = sum / (double)count;
    }
}
