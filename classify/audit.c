#include "classify/audit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/units.h"
#include "common/memory.h"

/* Tukey, Exploratory Data Analysis (1977). */
static const double outer_fence = 3;

void audit_release(struct audit *audit)
{
    neighbours_release(&audit->neighbours);
    free(audit->members);
    free(audit->groups);
    free(audit->outliers);
    free(audit->suspects);
    *audit = (struct audit){0};
}

/* ---- duplicates ------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* A copy of the samples without the user's groups: only what they show joins them. */
static int copy_samples(const struct dataset *dataset, struct dataset *copy, struct error *error)
{
    *copy = (struct dataset){.count = dataset->count};
    copy->samples = memory_allocate(dataset->count, sizeof *copy->samples, error);
    if (copy->samples == NULL)
        return FAILED;
    for (size_t i = 0; i < dataset->count; i++)
        copy->samples[i] = (struct dataset_sample){.image = dataset->samples[i].image};
    return 0;
}

/* members: the samples of each unit, in order; starts: [units + 1] */
static void sort_by_unit(const struct dataset *units, size_t *starts, size_t *members)
{
    for (size_t i = 0; i < units->count; i++)
        starts[units->samples[i].unit + 1]++;
    for (size_t unit = 0; unit < units->unit_count; unit++)
        starts[unit + 1] += starts[unit];
    for (size_t i = 0; i < units->count; i++)
        members[starts[units->samples[i].unit]++] = i;
    for (size_t unit = units->unit_count; unit > 0; unit--)
        starts[unit] = starts[unit - 1];
    starts[0] = 0;
}

static void describe_group(const struct dataset *dataset, const struct audit *audit,
                           struct audit_group *group)
{
    const struct dataset_sample *first = &dataset->samples[audit->members[group->start]];

    group->identical = true;
    for (size_t m = 1; m < group->size; m++) {
        const struct dataset_sample *other =
            &dataset->samples[audit->members[group->start + m]];

        group->identical = group->identical && hash_equal(&first->image, &other->image);
        group->splits = group->splits || !same_text(first->split, other->split);
        group->labels = group->labels || !same_text(first->label, other->label);
    }
}

/* The distances that joined the groups; numbers: [units], which group a unit is. */
static void measure_groups(const struct dataset *units, const size_t *numbers,
                           struct audit *audit)
{
    for (size_t p = 0; p < audit->neighbours.pair_count; p++) {
        const struct sample_pair *pair = &audit->neighbours.pairs[p];
        struct audit_group *group = &audit->groups[numbers[units->samples[pair->a].unit]];

        group->distance = fmax(group->distance, pair->distance);
    }
}

static int list_groups(const struct dataset *dataset, const struct dataset *units,
                       struct audit *audit, struct error *error)
{
    size_t *starts = memory_allocate(units->unit_count + 1, sizeof *starts, error);
    size_t *numbers = memory_allocate(units->unit_count, sizeof *numbers, error);
    int outcome = FAILED;

    audit->members = memory_allocate(units->count, sizeof *audit->members, error);
    audit->groups = memory_allocate(units->count, sizeof *audit->groups, error);
    if (starts == NULL || numbers == NULL || audit->members == NULL || audit->groups == NULL)
        goto out;
    sort_by_unit(units, starts, audit->members);
    for (size_t unit = 0; unit < units->unit_count; unit++) {
        struct audit_group group = {
            .start = starts[unit], .size = starts[unit + 1] - starts[unit],
        };

        if (group.size < 2)
            continue;
        describe_group(dataset, audit, &group);
        numbers[unit] = audit->group_count;
        audit->groups[audit->group_count++] = group;
    }
    measure_groups(units, numbers, audit);
    outcome = 0;
out:
    free(starts);
    free(numbers);
    return outcome;
}

static int find_groups(const struct dataset *dataset, struct audit *audit, struct error *error)
{
    struct dataset units;
    int outcome = copy_samples(dataset, &units, error);

    if (outcome == 0)
        outcome = units_number(&units, error);
    if (outcome == 0)
        outcome = units_join(&units, audit->neighbours.pairs, audit->neighbours.pair_count, error);
    if (outcome == 0)
        outcome = list_groups(dataset, &units, audit, error);
    free(units.samples);
    return outcome;
}

/* ---- outliers --------------------------------------------------------------------------- */

static int compare_reals(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static int compare_outliers(const void *a, const void *b)
{
    const struct audit_outlier *left = a, *right = b;

    if (left->distance < right->distance || left->distance > right->distance)
        return left->distance > right->distance ? -1 : 1;
    return (left->sample > right->sample) - (left->sample < right->sample);
}

static int find_outliers(struct audit *audit, struct error *error)
{
    const struct neighbours *neighbours = &audit->neighbours;
    const size_t count = neighbours->count;
    double *sorted = memory_allocate(count, sizeof *sorted, error), lower, upper;

    audit->outliers = memory_allocate(count, sizeof *audit->outliers, error);
    if (sorted == NULL || audit->outliers == NULL || count < NEIGHBOURS_LEAST) {
        free(sorted);
        return audit->outliers != NULL && count < NEIGHBOURS_LEAST ? 0 : FAILED;
    }
    memcpy(sorted, neighbours->distances, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_reals);
    lower = sorted[count / 4];
    upper = sorted[3 * count / 4];
    audit->fence = upper + outer_fence * (upper - lower);
    for (size_t i = 0; i < count; i++)
        if (neighbours->distances[i] > audit->fence)
            audit->outliers[audit->outlier_count++] = (struct audit_outlier){
                .sample = i, .nearest = neighbours->nearest[i],
                .distance = neighbours->distances[i],
            };
    qsort(audit->outliers, audit->outlier_count, sizeof *audit->outliers, compare_outliers);
    free(sorted);
    return 0;
}

int audit_photographs(struct dataset *dataset, struct parallel *parallel, struct audit *audit,
                      struct error *error)
{
    *audit = (struct audit){0};
    if (neighbours_find(dataset, parallel, &audit->neighbours, error) == 0 &&
        find_groups(dataset, audit, error) == 0 && find_outliers(audit, error) == 0)
        return 0;
    audit_release(audit);
    return FAILED;
}

/* ---- labels ----------------------------------------------------------------------------- */

static int compare_margins(const void *a, const void *b)
{
    const struct misclassified *left = a, *right = b;

    if (left->margin < right->margin || left->margin > right->margin)
        return left->margin < right->margin ? -1 : 1;
    return (left->sample > right->sample) - (left->sample < right->sample);
}

int audit_labels(const struct dataset *dataset, const struct evaluation *evaluation,
                 struct audit *audit, struct error *error)
{
    size_t count;

    if (evaluation_misclassified(evaluation, dataset, &audit->suspects, &count, error) < 0)
        return FAILED;
    /* Those that were wrong in every repeat come first. */
    while (audit->suspect_count < count &&
           audit->suspects[audit->suspect_count].wrong == evaluation->repeats)
        audit->suspect_count++;
    qsort(audit->suspects, audit->suspect_count, sizeof *audit->suspects, compare_margins);
    return 0;
}
