#include "classify/folds.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "classify/generator.h"
#include "common/memory.h"

/* A unit: its members are members[start .. start + size - 1] of the plan. */
struct unit {
    size_t start, size;
    size_t class;     /* of its first member */
    size_t position;  /* in the shuffled order */
};

/* What is known before the first repeat, and scratch memory for all of them. Samples are known by
 * their position in `rows`. */
struct plan {
    const struct dataset *dataset;
    const size_t *rows;     /* [count] of the dataset; NULL: all of it */
    size_t count, folds;
    struct unit *units;     /* [unit_count] of the dataset, size 0 for those that are not there */
    size_t *members;        /* [count]: samples, unit by unit */
    size_t *class_sizes;    /* [class_count]: samples */
    size_t *order;          /* [unit_count] */
    struct unit *sorted;    /* [unit_count] */
    size_t *fold_classes;   /* [folds][class_count]: samples that were given to a fold */
    size_t *fold_sizes;     /* [folds] */
    size_t *unit_classes;   /* [class_count]: of the unit in hand */
};

static const struct dataset_sample *sample_at(const struct plan *plan, size_t position)
{
    return &plan->dataset->samples[plan->rows != NULL ? plan->rows[position] : position];
}

static void plan_release(struct plan *plan)
{
    free(plan->units);
    free(plan->members);
    free(plan->class_sizes);
    free(plan->order);
    free(plan->sorted);
    free(plan->fold_classes);
    free(plan->fold_sizes);
    free(plan->unit_classes);
}

static int plan_allocate(struct plan *plan, struct error *error)
{
    const struct dataset *dataset = plan->dataset;
    size_t cells;

    if (!size_multiply(plan->folds, dataset->class_count, &cells))
        return error_no_memory(error);
    plan->units = memory_allocate(dataset->unit_count, sizeof *plan->units, error);
    plan->members = memory_allocate(plan->count, sizeof *plan->members, error);
    plan->class_sizes = memory_allocate(dataset->class_count, sizeof *plan->class_sizes, error);
    plan->order = memory_allocate(dataset->unit_count, sizeof *plan->order, error);
    plan->sorted = memory_allocate(dataset->unit_count, sizeof *plan->sorted, error);
    plan->fold_classes = memory_allocate(cells, sizeof *plan->fold_classes, error);
    plan->fold_sizes = memory_allocate(plan->folds, sizeof *plan->fold_sizes, error);
    plan->unit_classes = memory_allocate(dataset->class_count, sizeof *plan->unit_classes, error);
    if (plan->units == NULL || plan->members == NULL || plan->class_sizes == NULL ||
        plan->order == NULL || plan->sorted == NULL || plan->fold_classes == NULL ||
        plan->fold_sizes == NULL || plan->unit_classes == NULL)
        return FAILED;
    return 0;
}

/* Sorts the samples by unit. */
static void list_members(struct plan *plan)
{
    const struct dataset *dataset = plan->dataset;
    size_t start = 0;

    for (size_t i = 0; i < plan->count; i++) {
        plan->units[sample_at(plan, i)->unit].size++;
        plan->class_sizes[sample_at(plan, i)->class]++;
    }
    for (size_t unit = 0; unit < dataset->unit_count; unit++) {
        plan->units[unit].start = start;
        start += plan->units[unit].size;
        plan->units[unit].size = 0;
    }
    for (size_t i = 0; i < plan->count; i++) {
        struct unit *unit = &plan->units[sample_at(plan, i)->unit];

        if (unit->size == 0)
            unit->class = sample_at(plan, i)->class;
        plan->members[unit->start + unit->size++] = i;
    }
}

/* How many units hold a sample of `class`. */
static size_t units_of_class(const struct plan *plan, size_t class)
{
    size_t count = 0;

    for (size_t unit = 0; unit < plan->dataset->unit_count; unit++) {
        const struct unit *held = &plan->units[unit];
        bool found = false;

        for (size_t m = held->start; m < held->start + held->size && !found; m++)
            found = sample_at(plan, plan->members[m])->class == class;
        count += found;
    }
    return count;
}

/* The smallest number of units that a class which is there has; *smallest is that class. */
static size_t fewest_units(const struct plan *plan, size_t *smallest)
{
    size_t fewest = SIZE_MAX;

    *smallest = 0;
    for (size_t class = 0; class < plan->dataset->class_count; class++) {
        size_t units = plan->class_sizes[class] > 0 ? units_of_class(plan, class) : SIZE_MAX;

        if (units < fewest) {
            fewest = units;
            *smallest = class;
        }
    }
    return fewest;
}

/* Every fold has to test every class, and to train on it. */
static int check_classes(const struct plan *plan, struct error *error)
{
    size_t smallest, fewest = fewest_units(plan, &smallest);
    const char *label;

    if (fewest >= plan->folds)
        return 0;
    label = plan->dataset->classes[smallest];
    if (fewest >= 2)
        return error_set(error, "too few images for %zu folds: '%s' has %zu different ones; "
                         "--folds %zu would work", plan->folds, label, fewest, fewest);
    return error_set(error, "too few images for cross-validation: '%s' has one only, which cannot "
                     "be trained on and tested; add images of it or leave it out", label);
}

static int compare_units(const void *a, const void *b)
{
    const struct unit *left = a, *right = b;

    if (left->size != right->size)
        return left->size > right->size ? -1 : 1;
    if (left->class != right->class)
        return left->class < right->class ? -1 : 1;
    return (left->position > right->position) - (left->position < right->position);
}

/* By how much the fold's spread over the classes grows with this unit: the sum over classes of the
 * growth of (samples in the fold)^2 / (samples in all). Smallest where the unit's classes are
 * rarest. */
static double growth(const struct plan *plan, const struct unit *unit, size_t fold)
{
    const size_t *held = plan->fold_classes + fold * plan->dataset->class_count;
    double sum = 0;

    for (size_t m = unit->start; m < unit->start + unit->size; m++) {
        size_t class = sample_at(plan, plan->members[m])->class;

        sum += (double)(2 * held[class] + plan->unit_classes[class]) /
               (double)plan->class_sizes[class];
    }
    return sum;
}

/* The fold that needs the unit most; among equals the smallest. */
static size_t choose_fold(const struct plan *plan, const struct unit *unit)
{
    size_t chosen = 0;
    double least = growth(plan, unit, 0);

    for (size_t fold = 1; fold < plan->folds; fold++) {
        double grown = growth(plan, unit, fold);

        if (grown < least ||
            (!(grown > least) && plan->fold_sizes[fold] < plan->fold_sizes[chosen])) {
            least = grown;
            chosen = fold;
        }
    }
    return chosen;
}

static void count_unit(struct plan *plan, const struct unit *unit, bool present)
{
    for (size_t m = unit->start; m < unit->start + unit->size; m++) {
        size_t class = sample_at(plan, plan->members[m])->class;

        plan->unit_classes[class] = present ? plan->unit_classes[class] + 1 : 0;
    }
}

/* One repeat: large units first, since they are hard to place, then the others class by class,
 * each in shuffled order, each into the fold that needs it most. fold: [count]. */
static void deal(struct plan *plan, struct generator *generator, size_t *fold)
{
    const struct dataset *dataset = plan->dataset;

    memset(plan->fold_classes, 0,
           plan->folds * dataset->class_count * sizeof *plan->fold_classes);
    memset(plan->fold_sizes, 0, plan->folds * sizeof *plan->fold_sizes);
    for (size_t i = 0; i < dataset->unit_count; i++)
        plan->order[i] = i;
    generator_shuffle(generator, plan->order, dataset->unit_count);
    for (size_t i = 0; i < dataset->unit_count; i++) {
        plan->sorted[i] = plan->units[plan->order[i]];
        plan->sorted[i].position = i;
    }
    qsort(plan->sorted, dataset->unit_count, sizeof *plan->sorted, compare_units);
    /* Units that are not there come last. */
    for (size_t i = 0; i < dataset->unit_count && plan->sorted[i].size > 0; i++) {
        const struct unit *unit = &plan->sorted[i];
        size_t chosen;

        count_unit(plan, unit, true);
        chosen = choose_fold(plan, unit);
        count_unit(plan, unit, false);
        for (size_t m = unit->start; m < unit->start + unit->size; m++) {
            size_t sample = plan->members[m];

            fold[sample] = chosen;
            plan->fold_classes[chosen * dataset->class_count + sample_at(plan, sample)->class]++;
        }
        plan->fold_sizes[chosen] += unit->size;
    }
}

/* Groups of several classes can leave a fold empty or hold all of a class, though every class has
 * units enough. */
static int check_folds(const struct plan *plan, struct error *error)
{
    const size_t classes = plan->dataset->class_count;

    for (size_t fold = 0; fold < plan->folds; fold++) {
        bool usable = plan->fold_sizes[fold] > 0;

        for (size_t class = 0; class < classes; class++)
            usable = usable && plan->fold_classes[fold * classes + class] <
                               plan->class_sizes[class];
        if (!usable)
            return error_set(error, "cannot make %zu folds: the groups hold too many images "
                             "together; use fewer folds or smaller groups", plan->folds);
    }
    return 0;
}

/* Deals so many repeats out; out->fold has room for them. */
static int deal_all(struct plan *plan, uint64_t seed, bool check, struct folds *out,
                    struct error *error)
{
    struct generator generator = generator_seed(seed);

    for (size_t repeat = 0; repeat < out->repeats; repeat++) {
        deal(plan, &generator, out->fold + repeat * out->count);
        if (check && check_folds(plan, error) < 0)
            return FAILED;
    }
    return 0;
}

static int allocate_folds(size_t count, size_t repeats, struct folds *out, struct error *error)
{
    size_t cells;

    out->count = count;
    out->repeats = repeats;
    if (!size_multiply(count, repeats, &cells))
        return error_no_memory(error);
    out->fold = memory_allocate(cells, sizeof *out->fold, error);
    return out->fold != NULL ? 0 : FAILED;
}

int folds_create(const struct dataset *dataset, size_t folds, size_t repeats, uint64_t seed,
                 struct folds *out, struct error *error)
{
    struct plan plan = {.dataset = dataset, .count = dataset->count, .folds = folds};
    int outcome = FAILED;

    assert(folds >= 2 && repeats >= 1);
    *out = (struct folds){.folds = folds};
    if (folds > dataset->count) {
        error_set(error, "too few images for %zu folds: there are %zu", folds, dataset->count);
        goto out;
    }
    if (allocate_folds(dataset->count, repeats, out, error) < 0 ||
        plan_allocate(&plan, error) < 0)
        goto out;
    list_members(&plan);
    if (check_classes(&plan, error) == 0)
        outcome = deal_all(&plan, seed, true, out, error);
out:
    plan_release(&plan);
    if (outcome < 0)
        folds_release(out);
    return outcome;
}

int folds_leave_one_out(const struct dataset *dataset, struct folds *out, struct error *error)
{
    struct plan plan = {.dataset = dataset, .count = dataset->count, .folds = 2};
    int outcome = FAILED;

    *out = (struct folds){.folds = dataset->unit_count};
    if (allocate_folds(dataset->count, 1, out, error) < 0 || plan_allocate(&plan, error) < 0)
        goto out;
    list_members(&plan);
    if (check_classes(&plan, error) < 0)
        goto out;
    for (size_t i = 0; i < dataset->count; i++)
        out->fold[i] = dataset->samples[i].unit;
    outcome = 0;
out:
    plan_release(&plan);
    if (outcome < 0)
        folds_release(out);
    return outcome;
}

int folds_create_inside(const struct dataset *dataset, const size_t *rows, size_t count,
                        size_t most, uint64_t seed, struct folds *out, struct error *error)
{
    struct plan plan = {.dataset = dataset, .rows = rows, .count = count, .folds = most};
    size_t smallest, fewest;
    int outcome = FAILED;

    assert(most >= 2);
    *out = (struct folds){0};
    if (allocate_folds(count, 1, out, error) < 0 || plan_allocate(&plan, error) < 0)
        goto out;
    list_members(&plan);
    fewest = fewest_units(&plan, &smallest);
    if (fewest < plan.folds)
        plan.folds = fewest > 2 ? fewest : 2;
    out->folds = plan.folds;
    outcome = deal_all(&plan, seed, false, out, error);
out:
    plan_release(&plan);
    if (outcome < 0)
        folds_release(out);
    return outcome;
}

void folds_release(struct folds *folds)
{
    free(folds->fold);
    *folds = (struct folds){0};
}
