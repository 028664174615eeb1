#include "classify/svm.h"

#include <limits.h>
#include <stdlib.h>

#include <libsvm/svm.h>

#include "common/memory.h"

/* The rows of the Gram matrix as LIBSVM wants them: a row's number from 1, then its products with
 * all rows. A problem that trains on some of the rows points to these as they are, since LIBSVM
 * looks a product up by the other row's number. */
struct svm_kernel {
    size_t count;
    struct svm_node *nodes;  /* [count][count + 1] */
};

static void swallow(const char *text)
{
    (void)text;
}

int svm_kernel_create(const float *gram, size_t count, struct svm_kernel **out,
                      struct error *error)
{
    struct svm_kernel *kernel = memory_allocate(1, sizeof *kernel, error);

    *out = NULL;
    if (kernel == NULL)
        return FAILED;
    kernel->count = count;
    kernel->nodes = memory_allocate_aligned(count * (count + 1), sizeof *kernel->nodes, error);
    if (kernel->nodes == NULL) {
        free(kernel);
        return FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        struct svm_node *row = kernel->nodes + i * (count + 1);

        row[0] = (struct svm_node){.index = 0, .value = (double)(i + 1)};
        for (size_t j = 0; j < count; j++)
            row[j + 1] = (struct svm_node){.index = 1, .value = (double)gram[i * count + j]};
    }
    svm_set_print_string_function(swallow);
    *out = kernel;
    return 0;
}

void svm_kernel_free(struct svm_kernel *kernel)
{
    if (kernel == NULL)
        return;
    free(kernel->nodes);
    free(kernel);
}

void svm_solution_release(struct svm_solution *solution)
{
    free(solution->labels);
    free(solution->bias);
    free(solution->starts);
    free(solution->rows);
    free(solution->coefficients);
    *solution = (struct svm_solution){0};
}

/* A row with its label, and where it stood: what puts the problem into the order of classes. */
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

/* The problem in LIBSVM's form, its rows sorted by class: LIBSVM numbers classes in order of
 * first appearance, which is then our own order. entries: [count]. */
static int build_problem(const struct svm_kernel *kernel, struct entry *entries, size_t count,
                         struct svm_problem *problem, struct error *error)
{
    qsort(entries, count, sizeof *entries, compare_entries);
    problem->l = (int)count;
    problem->y = memory_allocate(count, sizeof *problem->y, error);
    problem->x = memory_allocate(count, sizeof *problem->x, error);
    if (problem->y == NULL || problem->x == NULL)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        problem->y[i] = (double)entries[i].label;
        problem->x[i] = kernel->nodes + entries[i].row * (kernel->count + 1);
    }
    return 0;
}

static int allocate_solution(const struct svm_model *model, struct svm_solution *solution,
                             struct error *error)
{
    size_t classes = (size_t)model->nr_class;
    /* Every support vector may take part in its class's decision against each other class. */
    size_t supports = (size_t)model->l * (classes - 1);

    solution->classes = classes;
    solution->decisions = classes * (classes - 1) / 2;
    solution->labels = memory_allocate(classes, sizeof *solution->labels, error);
    solution->bias = memory_allocate(solution->decisions, sizeof *solution->bias, error);
    solution->starts = memory_allocate(solution->decisions + 1, sizeof *solution->starts, error);
    solution->rows = memory_allocate(supports, sizeof *solution->rows, error);
    solution->coefficients = memory_allocate(supports, sizeof *solution->coefficients, error);
    if (solution->labels == NULL || solution->bias == NULL || solution->starts == NULL ||
        solution->rows == NULL || solution->coefficients == NULL)
        return FAILED;
    return 0;
}

/* Appends the supports that class `class` gives to a decision; `coefficients` is the row of
 * model->sv_coef that belongs to it. Returns the new number of supports. */
static size_t append_supports(const struct svm_model *model, const struct entry *entries,
                              size_t class, const double *coefficients, size_t used,
                              struct svm_solution *solution)
{
    int start = 0;

    for (size_t before = 0; before < class; before++)
        start += model->nSV[before];
    for (int s = start; s < start + model->nSV[class]; s++) {
        if (!(coefficients[s] < 0) && !(coefficients[s] > 0))
            continue;
        solution->rows[used] = entries[model->sv_indices[s] - 1].row;
        solution->coefficients[used] = coefficients[s];
        used++;
    }
    return used;
}

/* LIBSVM keeps the coefficients of the decision between classes i < j in sv_coef[j - 1] for the
 * support vectors of i and in sv_coef[i] for those of j. */
static void copy_solution(const struct svm_model *model, const struct entry *entries,
                          struct svm_solution *solution)
{
    size_t decision = 0, used = 0;

    for (size_t i = 0; i < solution->classes; i++)
        solution->labels[i] = (size_t)model->label[i];
    for (size_t i = 0; i < solution->classes; i++) {
        for (size_t j = i + 1; j < solution->classes; j++) {
            solution->starts[decision] = used;
            solution->bias[decision] = -model->rho[decision];
            used = append_supports(model, entries, i, model->sv_coef[j - 1], used, solution);
            used = append_supports(model, entries, j, model->sv_coef[i], used, solution);
            decision++;
        }
    }
    solution->starts[decision] = used;
}

int svm_solve(const struct svm_kernel *kernel, const size_t *rows, const size_t *labels,
              size_t count, double c, struct svm_solution *solution, struct error *error)
{
    const struct svm_parameter parameters = {
        .svm_type = C_SVC,
        .kernel_type = PRECOMPUTED,
        .cache_size = 100,  /* MB */
        .eps = 1e-3,       /* LIBSVM's and scikit-learn's default */
        .C = c,
        .shrinking = 1,
    };
    struct svm_problem problem = {0};
    struct svm_model *model = NULL;
    struct entry *entries = NULL;
    const char *refusal;
    int outcome = FAILED;

    *solution = (struct svm_solution){0};
    if (count == 0 || count > INT_MAX)
        return error_set(error, "cannot train on %zu images", count);
    entries = memory_allocate(count, sizeof *entries, error);
    if (entries == NULL)
        goto out;
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){.label = labels[i], .position = i, .row = rows[i]};
    if (build_problem(kernel, entries, count, &problem, error) < 0)
        goto out;
    refusal = svm_check_parameter(&problem, &parameters);
    if (refusal != NULL) {
        error_set(error, "LIBSVM refuses the parameters: %s", refusal);
        goto out;
    }
    if (entries[0].label == entries[count - 1].label) {
        error_set(error, "cannot train on one class: at least two are needed");
        goto out;
    }
    model = svm_train(&problem, &parameters);
    if (allocate_solution(model, solution, error) < 0)
        goto out;
    copy_solution(model, entries, solution);
    outcome = 0;
out:
    if (outcome < 0)
        svm_solution_release(solution);
    svm_free_and_destroy_model(&model);
    free(problem.x);
    free(problem.y);
    free(entries);
    return outcome;
}
