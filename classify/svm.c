#include "classify/svm.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libsvm/svm.h>

#include "classify/descent.h"
#include "classify/matrix.h"
#include "common/memory.h"

/* The rows of the Gram matrix as LIBSVM wants them: a row's number from 1, then its products with
 * all rows. A problem that trains on some of the rows points to these as they are, since LIBSVM
 * looks a product up by the other row's number. */
struct svm_kernel {
    const float *vectors;    /* [][dimension]; NULL: what follows is there instead */
    size_t dimension;
    size_t count;
    float *products;         /* [count][count], for decisions: a quarter of the nodes */
    struct svm_node *nodes;  /* [count][count + 1] */
};

enum { FIRST = 1, SECOND = -1 };  /* what the classes are called towards LIBSVM */

static void swallow(const char *text)
{
    (void)text;
}

int svm_kernel_create(const float *gram, size_t count, size_t stride, struct svm_kernel **out,
                      struct error *error)
{
    struct svm_kernel *kernel = memory_allocate(1, sizeof *kernel, error);

    *out = NULL;
    if (kernel == NULL)
        return FAILED;
    kernel->count = count;
    kernel->nodes = memory_allocate_aligned(count * (count + 1), sizeof *kernel->nodes, error);
    kernel->products = memory_allocate_aligned(count * count, sizeof *kernel->products, error);
    if (kernel->nodes == NULL || kernel->products == NULL) {
        svm_kernel_free(kernel);
        return FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        struct svm_node *row = kernel->nodes + i * (count + 1);

        memcpy(kernel->products + i * count, gram + i * stride, count * sizeof *gram);
        row[0] = (struct svm_node){.index = 0, .value = (double)(i + 1)};
        for (size_t j = 0; j < count; j++)
            row[j + 1] = (struct svm_node){.index = 1, .value = (double)gram[i * stride + j]};
    }
    svm_set_print_string_function(swallow);
    *out = kernel;
    return 0;
}

int svm_kernel_create_on_vectors(const float *vectors, size_t dimension,
                                 struct svm_kernel **out, struct error *error)
{
    struct svm_kernel *kernel = memory_allocate(1, sizeof *kernel, error);

    *out = kernel;
    if (kernel == NULL)
        return FAILED;
    kernel->vectors = vectors;
    kernel->dimension = dimension;
    return 0;
}

void svm_kernel_free(struct svm_kernel *kernel)
{
    if (kernel == NULL)
        return;
    free(kernel->nodes);
    free(kernel->products);
    free(kernel);
}

bool svm_kernel_is_vectors(const struct svm_kernel *kernel)
{
    return kernel->vectors != NULL;
}

void svm_machine_release(struct svm_machine *machine)
{
    free(machine->rows);
    free(machine->coefficients);
    free(machine->weights);
    *machine = (struct svm_machine){0};
}

int svm_machine_copy(const struct svm_machine *machine, struct svm_machine *copy,
                     struct error *error)
{
    const size_t supports = machine->supports;

    *copy = *machine;
    copy->rows = memory_allocate(supports, sizeof *copy->rows, error);
    copy->coefficients = memory_allocate(supports, sizeof *copy->coefficients, error);
    if (machine->weights != NULL)
        copy->weights = memory_allocate(machine->dimension, sizeof *copy->weights, error);
    if (copy->rows == NULL || copy->coefficients == NULL ||
        (machine->weights != NULL && copy->weights == NULL)) {
        svm_machine_release(copy);
        return FAILED;
    }
    memcpy(copy->rows, machine->rows, supports * sizeof *copy->rows);
    memcpy(copy->coefficients, machine->coefficients, supports * sizeof *copy->coefficients);
    if (machine->weights != NULL)
        memcpy(copy->weights, machine->weights, machine->dimension * sizeof *copy->weights);
    return 0;
}

double svm_decide(const struct svm_kernel *kernel, const struct svm_machine *machine, size_t row)
{
    const float *products;
    double sum = 0;

    if (kernel->vectors != NULL)
        return matrix_dot(machine->weights, kernel->vectors + row * kernel->dimension,
                          kernel->dimension) + machine->bias;
    products = kernel->products + row * kernel->count;
    for (size_t s = 0; s < machine->supports; s++)
        sum += machine->coefficients[s] * (double)products[machine->rows[s]];
    return sum + machine->bias;
}

/* ---- LIBSVM ----------------------------------------------------------------------------- */

/* The first class's rows come first: LIBSVM numbers classes in order of appearance. */
static int build_problem(const struct svm_kernel *kernel, const struct svm_two_classes *classes,
                         struct svm_problem *problem, struct error *error)
{
    problem->l = (int)classes->count;
    problem->y = memory_allocate(classes->count, sizeof *problem->y, error);
    problem->x = memory_allocate(classes->count, sizeof *problem->x, error);
    if (problem->y == NULL || problem->x == NULL)
        return FAILED;
    for (size_t i = 0; i < classes->count; i++) {
        problem->y[i] = i < classes->first ? FIRST : SECOND;
        problem->x[i] = kernel->nodes + classes->rows[i] * (kernel->count + 1);
    }
    return 0;
}

static int copy_machine(const struct svm_model *model, const struct svm_two_classes *classes,
                        struct svm_machine *machine, struct error *error)
{
    size_t supports = (size_t)model->l;

    machine->bias = -model->rho[0];
    machine->rows = memory_allocate(supports, sizeof *machine->rows, error);
    machine->coefficients = memory_allocate(supports, sizeof *machine->coefficients, error);
    if (machine->rows == NULL || machine->coefficients == NULL)
        return FAILED;
    for (size_t s = 0; s < supports; s++) {
        double coefficient = model->sv_coef[0][s];
        double price = coefficient > 0 ? classes->first_c : classes->second_c;

        machine->rows[s] = classes->rows[model->sv_indices[s] - 1];
        machine->coefficients[s] = coefficient;
        machine->at_bound = machine->at_bound || fabs(coefficient) >= price;
    }
    machine->supports = supports;
    return 0;
}

static int solve_on_products(const struct svm_kernel *kernel,
                             const struct svm_two_classes *classes, struct svm_machine *machine,
                             struct error *error)
{
    int labels[] = {FIRST, SECOND};
    double weights[] = {1, classes->second_c / classes->first_c};
    const struct svm_parameter parameters = {
        .svm_type = C_SVC,
        .kernel_type = PRECOMPUTED,
        .cache_size = 100,  /* MB */
        .eps = classes->tolerance,
        .C = classes->first_c,
        .nr_weight = 2,
        .weight_label = labels,
        .weight = weights,
        .shrinking = 0,    /* it costs more than it saves on hundreds of rows */
    };
    struct svm_problem problem = {0};
    struct svm_model *model = NULL;
    const char *refusal;
    int outcome = FAILED;

    if (build_problem(kernel, classes, &problem, error) < 0)
        goto out;
    refusal = svm_check_parameter(&problem, &parameters);
    if (refusal != NULL) {
        error_set(error, "LIBSVM refuses the parameters: %s", refusal);
        goto out;
    }
    model = svm_train(&problem, &parameters);
    outcome = copy_machine(model, classes, machine, error);
out:
    if (outcome < 0)
        svm_machine_release(machine);
    svm_free_and_destroy_model(&model);
    free(problem.x);
    free(problem.y);
    return outcome;
}

int svm_solve(const struct svm_kernel *kernel, const struct svm_two_classes *classes,
              struct svm_machine *machine, struct error *error)
{
    *machine = (struct svm_machine){0};
    if (classes->count > INT_MAX)
        return error_set(error, "cannot train on %zu images", classes->count);
    if (classes->first == 0 || classes->first >= classes->count)
        return error_set(error, "cannot train on one class: at least two are needed");
    if (kernel->vectors != NULL)
        return descent_solve(kernel->vectors, kernel->dimension, classes, machine, error);
    return solve_on_products(kernel, classes, machine, error);
}
