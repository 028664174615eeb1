#include "classify/inner.h"

#include <stdbool.h>
#include <stdlib.h>

#include "classify/folds.h"
#include "common/memory.h"

const double inner_grid[INNER_GRID] = {
    0.01, 0.0316227766016838, 0.1, 0.316227766016838, 1, 3.16227766016838, 10, 31.6227766016838,
    100,
};

/* The folds of a part in progress. A fold notes its own failure. */
struct validation {
    const struct inner_part *part;
    const struct solver_settings *settings;
    struct folds folds;
    struct error *errors;   /* [folds] */
    bool *failed;           /* [folds] */
    double *scores;         /* choosing: [folds][INNER_GRID], the weight of what was right */
    double *image_weights;  /* choosing: [class_count], what an image of a class counts */
    size_t decisions;       /* calibrating: of the solution on the whole part */
    double *values;         /* calibrating: [part->count][decisions] */
};

static void validation_release(struct validation *validation)
{
    folds_release(&validation->folds);
    free(validation->errors);
    free(validation->failed);
    free(validation->scores);
    free(validation->image_weights);
    free(validation->values);
}

static int validation_create(const struct inner_part *part, struct validation *validation,
                             struct error *error)
{
    size_t folds;

    if (folds_create_inside(part->dataset, part->samples, part->count, INNER_FOLDS, part->seed,
                            &validation->folds, error) < 0)
        return FAILED;
    folds = validation->folds.folds;
    validation->errors = memory_allocate(folds, sizeof *validation->errors, error);
    validation->failed = memory_allocate(folds, sizeof *validation->failed, error);
    return validation->errors != NULL && validation->failed != NULL ? 0 : FAILED;
}

/* The first failure of a fold. */
static int check_failures(const struct validation *validation, struct error *error)
{
    for (size_t fold = 0; fold < validation->folds.folds; fold++) {
        if (validation->failed[fold]) {
            *error = validation->errors[fold];
            return FAILED;
        }
    }
    return 0;
}

/* One fold's examples, the positions of its test part, and room for a decision about one image. */
struct fold {
    struct solver_set set;
    size_t *rows, *labels;  /* [set.count] */
    size_t *trained;        /* samples; [part->count], as the next ones */
    size_t *tested;         /* [tested_count]: positions in the part's samples */
    size_t tested_count;
    double *decisions, *scores;
};

static void fold_release(struct fold *fold)
{
    free(fold->rows);
    free(fold->labels);
    free(fold->trained);
    free(fold->tested);
    free(fold->decisions);
    free(fold->scores);
}

static int fold_create(const struct validation *validation, size_t number, struct fold *fold,
                       struct error *error)
{
    const struct inner_part *part = validation->part;
    const struct dataset *dataset = part->dataset;
    const size_t vectors = part->count * dataset_views(dataset);
    size_t trained = 0;
    size_t machines = strategy_decisions(validation->settings->strategy,
                                         dataset->class_count > 2 ? dataset->class_count : 2);

    *fold = (struct fold){
        .rows = memory_allocate(vectors, sizeof *fold->rows, error),
        .labels = memory_allocate(vectors, sizeof *fold->labels, error),
        .trained = memory_allocate(part->count, sizeof *fold->trained, error),
        .tested = memory_allocate(part->count, sizeof *fold->tested, error),
        .decisions = memory_allocate(machines, sizeof *fold->decisions, error),
        .scores = memory_allocate(dataset->class_count, sizeof *fold->scores, error),
    };
    if (fold->rows == NULL || fold->labels == NULL || fold->trained == NULL ||
        fold->tested == NULL || fold->decisions == NULL || fold->scores == NULL)
        return FAILED;
    for (size_t i = 0; i < part->count; i++) {
        if (validation->folds.fold[i] == number)
            fold->tested[fold->tested_count++] = i;
        else
            fold->trained[trained++] = part->samples[i];
    }
    dataset_expand(dataset, fold->trained, trained, fold->rows, fold->labels);
    fold->set = (struct solver_set){
        .rows = fold->rows, .labels = fold->labels, .count = trained * dataset_views(dataset),
    };
    return 0;
}

/* What the solution says about the sample at a position of the part. */
static void decide(const struct validation *validation, const struct solution *solution,
                   size_t position, double *decisions)
{
    const struct inner_part *part = validation->part;

    solution_decide_mean(solution, part->kernel,
                         part->samples[position] * dataset_views(part->dataset),
                         dataset_deciding(part->dataset), decisions);
}

static bool has_two_classes(const struct solver_set *set)
{
    for (size_t i = 1; i < set->count; i++)
        if (set->labels[i] != set->labels[0])
            return true;
    return false;
}

/* ---- choosing --------------------------------------------------------------------------- */

/* What the solution gets right of the fold's test part, weighed. */
static double weigh_right(const struct validation *validation, const struct solution *solution,
                          struct fold *fold)
{
    const struct inner_part *part = validation->part;
    double sum = 0;

    for (size_t i = 0; i < fold->tested_count; i++) {
        size_t sample = part->samples[fold->tested[i]];
        size_t class = part->dataset->samples[sample].class, won;

        decide(validation, solution, fold->tested[i], fold->decisions);
        won = strategy_vote(solution->strategy, solution->classes, fold->decisions, fold->scores);
        if (solution->labels[won] == class)
            sum += validation->image_weights[class];
    }
    return sum;
}

static bool is_final(const struct solution *solution)
{
    for (size_t decision = 0; decision < solution->decisions; decision++)
        if (solution->machines[decision].at_bound)
            return false;
    return true;
}

/* Goes up the grid until a higher price changes nothing. scores: [INNER_GRID] */
static int try_grid(const struct validation *validation, struct fold *fold, double *scores,
                    struct error *error)
{
    struct solver_settings settings = *validation->settings;
    struct solution previous = {0};
    int outcome = 0;

    for (size_t i = 0; i < INNER_GRID && outcome == 0; i++) {
        struct solution solution;

        if (i > 0 && is_final(&previous)) {
            scores[i] = scores[i - 1];
            continue;
        }
        settings.c = inner_grid[i];
        settings.coarse = true;
        outcome = solver_solve(validation->part->kernel, &fold->set, &settings,
                               i > 0 ? &previous : NULL, &solution, error);
        if (outcome == 0)
            scores[i] = weigh_right(validation, &solution, fold);
        solution_release(&previous);
        previous = solution;
    }
    solution_release(&previous);
    return outcome;
}

static void choose_in_fold(void *context, size_t task, size_t worker)
{
    struct validation *validation = context;
    struct error *error = &validation->errors[task];
    struct fold fold;
    int outcome = fold_create(validation, task, &fold, error);

    (void)worker;
    /* Groups may leave one class to train on: nothing to be learned from that fold. */
    if (outcome == 0 && has_two_classes(&fold.set))
        outcome = try_grid(validation, &fold, validation->scores + task * INNER_GRID, error);
    validation->failed[task] = outcome < 0;
    fold_release(&fold);
}

static int weigh_images(struct validation *validation, struct error *error)
{
    const struct inner_part *part = validation->part;
    size_t classes = part->dataset->class_count;
    double *weights = memory_allocate(classes, sizeof *weights, error);

    validation->image_weights = weights;
    if (weights == NULL)
        return FAILED;
    for (size_t i = 0; i < part->count; i++)
        weights[part->dataset->samples[part->samples[i]].class] += 1;
    for (size_t class = 0; class < classes; class++)
        weights[class] = !validation->settings->balanced ? 1 :
                         weights[class] > 0 ? 1 / weights[class] : 0;
    return 0;
}

static double best_of(const struct validation *validation)
{
    double best = -1, chosen = inner_grid[0];

    for (size_t i = 0; i < INNER_GRID; i++) {
        double sum = 0;

        for (size_t fold = 0; fold < validation->folds.folds; fold++)
            sum += validation->scores[fold * INNER_GRID + i];
        /* Sums of weights that are equal but for rounding are a tie. */
        if (sum > best + 1e-9) {
            best = sum;
            chosen = inner_grid[i];
        }
    }
    return chosen;
}

int inner_choose(const struct inner_part *part, const struct solver_settings *settings,
                 struct parallel *parallel, double *c, struct error *error)
{
    struct validation validation = {.part = part, .settings = settings};
    int outcome = FAILED;

    if (validation_create(part, &validation, error) < 0 || weigh_images(&validation, error) < 0)
        goto out;
    validation.scores = memory_allocate(validation.folds.folds * INNER_GRID,
                                        sizeof *validation.scores, error);
    if (validation.scores == NULL)
        goto out;
    parallel_for(parallel, validation.folds.folds, choose_in_fold, &validation);
    outcome = check_failures(&validation, error);
    *c = best_of(&validation);
out:
    validation_release(&validation);
    return outcome;
}

/* ---- calibrating ------------------------------------------------------------------------ */

static void calibrate_in_fold(void *context, size_t task, size_t worker)
{
    struct validation *validation = context;
    const struct inner_part *part = validation->part;
    struct error *error = &validation->errors[task];
    struct solution solution = {0};
    struct fold fold;
    int outcome = fold_create(validation, task, &fold, error);

    (void)worker;
    if (outcome == 0)
        outcome = solver_solve(part->kernel, &fold.set, validation->settings, NULL, &solution,
                               error);
    if (outcome == 0 && solution.decisions != validation->decisions)
        outcome = error_set(error, "no probabilities: the groups hold so many images together that "
                            "a class is missing from an inner fold");
    for (size_t i = 0; i < fold.tested_count && outcome == 0; i++)
        decide(validation, &solution, fold.tested[i],
               validation->values + fold.tested[i] * solution.decisions);
    validation->failed[task] = outcome < 0;
    solution_release(&solution);
    fold_release(&fold);
}

/* The images that take part in a decision. */
struct taking_part {
    double *values;    /* [part->count] */
    bool *positive;    /* [part->count] */
};

/* Class `first` against `second`, or against all others where that is none. */
static struct sigmoid fit_decision(const struct validation *validation, size_t decision,
                                   size_t first, size_t second, struct taking_part *images)
{
    const struct inner_part *part = validation->part;
    size_t used = 0;

    for (size_t i = 0; i < part->count; i++) {
        size_t class = part->dataset->samples[part->samples[i]].class;

        if (second != DATASET_NO_CLASS && class != first && class != second)
            continue;
        images->values[used] = validation->values[i * validation->decisions + decision];
        images->positive[used++] = class == first;
    }
    return sigmoid_fit(images->values, images->positive, used);
}

static void fit_all(const struct validation *validation, const struct solution *solution,
                    struct taking_part *images, struct sigmoid *sigmoids)
{
    const size_t *labels = solution->labels;
    size_t decision = 0;

    if (solution->classes > 2 && solution->strategy == STRATEGY_OVR) {
        for (size_t class = 0; class < solution->classes; class++)
            sigmoids[class] = fit_decision(validation, class, labels[class], DATASET_NO_CLASS,
                                           images);
        return;
    }
    for (size_t a = 0; a < solution->classes; a++)
        for (size_t b = a + 1; b < solution->classes; b++, decision++)
            sigmoids[decision] = fit_decision(validation, decision, labels[a], labels[b], images);
}

int inner_calibrate(const struct inner_part *part, const struct solver_settings *settings,
                    const struct solution *solution, struct parallel *parallel,
                    struct sigmoid *sigmoids, struct error *error)
{
    struct validation validation = {
        .part = part, .settings = settings, .decisions = solution->decisions,
    };
    struct taking_part images = {0};
    int outcome = FAILED;
    size_t cells;

    if (validation_create(part, &validation, error) < 0)
        goto out;
    if (!size_multiply(part->count, solution->decisions, &cells)) {
        error_no_memory(error);
        goto out;
    }
    validation.values = memory_allocate(cells, sizeof *validation.values, error);
    images.values = memory_allocate(part->count, sizeof *images.values, error);
    images.positive = memory_allocate(part->count, sizeof *images.positive, error);
    if (validation.values == NULL || images.values == NULL || images.positive == NULL)
        goto out;
    parallel_for(parallel, validation.folds.folds, calibrate_in_fold, &validation);
    outcome = check_failures(&validation, error);
    if (outcome == 0)
        fit_all(&validation, solution, &images, sigmoids);
out:
    validation_release(&validation);
    free(images.values);
    free(images.positive);
    return outcome;
}
