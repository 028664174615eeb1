#include "classify/comparison.h"

#include <math.h>
#include <stdlib.h>

#include "common/memory.h"

/* McNemar's test on the first repeat, in which every image is tested once. */
static struct paired_test test_images(const struct evaluation *first,
                                      const struct evaluation *second,
                                      const struct dataset *dataset)
{
    size_t both = 0, only_first = 0, only_second = 0;
    double total = (double)first->count;

    for (size_t i = 0; i < first->count; i++) {
        size_t class = dataset->samples[first->first + i].class;
        bool one = first->predicted[i] == class, other = second->predicted[i] == class;

        both += one && other;
        only_first += one && !other;
        only_second += other && !one;
    }
    return (struct paired_test){
        .difference = ((double)only_second - (double)only_first) / total,
        .interval = paired_difference_interval(both, only_second, only_first, first->count),
        .p = mcnemar_exact(only_first, only_second),
    };
}

int comparison_test(const struct evaluation *first, const struct evaluation *second,
                    const struct dataset *dataset, struct paired_test *test, struct error *error)
{
    double *differences;

    if (first->fold_count < 2 || first->leave_one_out) {
        *test = test_images(first, second, dataset);
        return 0;
    }
    differences = memory_allocate(first->fold_count, sizeof *differences, error);
    if (differences == NULL)
        return FAILED;
    for (size_t fold = 0; fold < first->fold_count; fold++)
        differences[fold] = second->accuracies[fold] - first->accuracies[fold];
    *test = corrected_resampled_test(differences, first->fold_count, first->test_share);
    free(differences);
    if (!(test->interval.low < test->interval.high) && fabs(test->difference) > 0)
        *test = test_images(first, second, dataset);
    return 0;
}

/* Entries in the order of accuracy; accuracies are shares of the same number of predictions. */
static void sort_entries(const struct evaluation *evaluations, struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++) {
        size_t place = i;

        for (; place > 0; place--) {
            size_t before = comparison->entries[place - 1].evaluation;

            if (evaluations[before].metrics.correct >= evaluations[i].metrics.correct)
                break;
            comparison->entries[place] = comparison->entries[place - 1];
        }
        comparison->entries[place] = (struct comparison_entry){.evaluation = i};
    }
}

/* Holm's step-down correction: the i-th smallest of m values of p times m - i + 1, at least what
 * a smaller one became. */
static void adjust(struct comparison *comparison)
{
    struct comparison_entry *entries = comparison->entries;
    double floor = 0;

    for (size_t left = comparison->count - 1; left > 0; left--) {
        size_t smallest = 0;

        for (size_t i = 1; i < comparison->count; i++)
            if (entries[i].adjusted < 0 &&
                (smallest == 0 || entries[i].test.p < entries[smallest].test.p))
                smallest = i;
        floor = fmax(floor, fmin(1, entries[smallest].test.p * (double)left));
        entries[smallest].adjusted = floor;
        entries[smallest].tie = floor > COMPARISON_LEVEL;
    }
}

int comparison_rank(const struct evaluation *evaluations, size_t count,
                    const struct dataset *dataset, struct comparison *comparison,
                    struct error *error)
{
    *comparison = (struct comparison){
        .count = count, .exact = evaluations[0].fold_count < 2 ||
                                   evaluations[0].leave_one_out,
        .entries = memory_allocate(count, sizeof *comparison->entries, error),
    };
    if (comparison->entries == NULL)
        return FAILED;
    sort_entries(evaluations, comparison);
    for (size_t i = 1; i < count; i++) {
        struct comparison_entry *entry = &comparison->entries[i];

        entry->adjusted = -1;  /* not yet */
        if (comparison_test(&evaluations[comparison->entries[0].evaluation],
                            &evaluations[entry->evaluation], dataset, &entry->test, error) < 0) {
            comparison_release(comparison);
            return FAILED;
        }
    }
    adjust(comparison);
    return 0;
}

void comparison_release(struct comparison *comparison)
{
    free(comparison->entries);
    *comparison = (struct comparison){0};
}
