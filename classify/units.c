#include "classify/units.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* ---- groups out of paths ---------------------------------------------------------------- */

/* A copy of the matched part; an empty one is no group. */
static int set_group(struct dataset_sample *sample, const regmatch_t *match, struct error *error)
{
    size_t length = (size_t)(match->rm_eo - match->rm_so);

    free(sample->group);
    sample->group = NULL;
    if (length == 0)
        return 0;
    sample->group = memory_allocate(length + 1, 1, error);
    if (sample->group == NULL)
        return FAILED;
    memcpy(sample->group, sample->path + match->rm_so, length);
    return 0;
}

int units_group_by(struct dataset *dataset, const char *expression, struct error *error)
{
    size_t matched = 0;
    regex_t regex;
    int status = regcomp(&regex, expression, REG_EXTENDED), outcome = 0;

    if (status != 0) {
        char cause[128];

        regerror(status, &regex, cause, sizeof cause);
        return error_set(error, "--group-by takes a POSIX extended regular expression, not '%s': "
                         "%s", expression, cause);
    }
    for (size_t i = 0; i < dataset->count && outcome == 0; i++) {
        struct dataset_sample *sample = &dataset->samples[i];
        regmatch_t matches[2] = {{0}};

        if (regexec(&regex, sample->path, 2, matches, 0) != 0) {
            free(sample->group);
            sample->group = NULL;
            continue;
        }
        matched++;
        outcome = set_group(sample, &matches[regex.re_nsub > 0 && matches[1].rm_so >= 0], error);
    }
    if (outcome == 0 && matched == 0 && dataset->count > 0)
        outcome = error_set(error, "--group-by '%s' matches no path; the first is '%s'", expression,
                            dataset->samples[0].path);
    regfree(&regex);
    return outcome;
}

/* ---- joining ---------------------------------------------------------------------------- */

/* By image, then as the samples stand in memory: equal images become neighbours. */
static int compare_images(const void *a, const void *b)
{
    const struct dataset_sample *const *left = a, *const *right = b;
    int order = memcmp((*left)->image.bytes, (*right)->image.bytes, HASH_BYTES);

    return order != 0 ? order : (*left > *right) - (*left < *right);
}

static int compare_groups(const void *a, const void *b)
{
    const struct dataset_sample *const *left = a, *const *right = b;

    return strcmp((*left)->group, (*right)->group);
}

/* The representative of a sample's set; halves the path on the way (union-find). */
static size_t find_root(struct dataset_sample *samples, size_t index)
{
    while (samples[index].unit != index) {
        samples[index].unit = samples[samples[index].unit].unit;
        index = samples[index].unit;
    }
    return index;
}

/* The earlier sample becomes the root, so that a root stands before all that belongs to it. */
static void join(struct dataset_sample *samples, size_t a, size_t b)
{
    a = find_root(samples, a);
    b = find_root(samples, b);
    if (a < b)
        samples[b].unit = a;
    else
        samples[a].unit = b;
}

/* From roots to numbers. */
static void number_roots(struct dataset *dataset)
{
    struct dataset_sample *samples = dataset->samples;

    dataset->unit_count = 0;
    for (size_t i = 0; i < dataset->count; i++)
        samples[i].unit = find_root(samples, i);
    /* A root stands before its members: its number is there when they ask for it. */
    for (size_t i = 0; i < dataset->count; i++)
        samples[i].unit = samples[i].unit == i ? dataset->unit_count++
                                               : samples[samples[i].unit].unit;
}

int units_number(struct dataset *dataset, struct error *error)
{
    struct dataset_sample *samples = dataset->samples;
    struct dataset_sample **order = memory_allocate(dataset->count, sizeof *order, error);
    size_t grouped = 0;

    if (order == NULL)
        return FAILED;
    for (size_t i = 0; i < dataset->count; i++) {
        samples[i].unit = i;
        order[i] = &samples[i];
    }
    qsort(order, dataset->count, sizeof(struct dataset_sample *), compare_images);
    for (size_t i = 1; i < dataset->count; i++)
        if (hash_equal(&order[i]->image, &order[i - 1]->image))
            join(samples, (size_t)(order[i - 1] - samples), (size_t)(order[i] - samples));
    for (size_t i = 0; i < dataset->count; i++)
        if (samples[i].group != NULL)
            order[grouped++] = &samples[i];
    qsort(order, grouped, sizeof(struct dataset_sample *), compare_groups);
    for (size_t i = 1; i < grouped; i++)
        if (strcmp(order[i]->group, order[i - 1]->group) == 0)
            join(samples, (size_t)(order[i - 1] - samples), (size_t)(order[i] - samples));
    number_roots(dataset);
    free(order);
    return 0;
}

int units_join(struct dataset *dataset, const struct sample_pair *pairs, size_t count,
               struct error *error)
{
    struct dataset_sample *samples = dataset->samples;
    size_t *firsts = memory_allocate(dataset->unit_count, sizeof *firsts, error);

    if (firsts == NULL)
        return FAILED;
    /* From numbers back to roots: the first sample of each unit. */
    for (size_t unit = 0; unit < dataset->unit_count; unit++)
        firsts[unit] = SIZE_MAX;
    for (size_t i = 0; i < dataset->count; i++) {
        size_t *first = &firsts[samples[i].unit];

        if (*first == SIZE_MAX)
            *first = i;
        samples[i].unit = *first;
    }
    for (size_t p = 0; p < count; p++)
        join(samples, pairs[p].a, pairs[p].b);
    number_roots(dataset);
    free(firsts);
    return 0;
}
