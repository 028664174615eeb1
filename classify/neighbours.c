#include "classify/neighbours.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

struct search {
    const float *gram;
    size_t count;
    double *lengths;  /* [count] */
    double *scales;   /* [count]: the distance to the neighbour that makes the scale */
    size_t *roots;    /* [count]: union-find over near-identical images */
    double global;    /* what is at most so far is near-identical everywhere */
};

static double distance_of(const struct search *search, size_t a, size_t b)
{
    double product = search->lengths[a] * search->lengths[b];

    if (!(product > 0))
        return search->lengths[a] > 0 || search->lengths[b] > 0 ? 1 : 0;
    return fmax(0, 1 - (double)search->gram[a * search->count + b] / product);
}

/* The nearest neighbour of an image, and the scale of its neighbourhood. */
static void look_around(struct search *search, size_t image, struct neighbours *neighbours)
{
    double nearest[NEIGHBOURS_ORDER];
    size_t held = 0;

    for (size_t other = 0; other < search->count; other++) {
        double distance;
        size_t place;

        if (other == image)
            continue;
        distance = distance_of(search, image, other);
        if (held == NEIGHBOURS_ORDER && !(distance < nearest[held - 1]))
            continue;
        place = held < NEIGHBOURS_ORDER ? held++ : held - 1;
        for (; place > 0 && distance < nearest[place - 1]; place--)
            nearest[place] = nearest[place - 1];
        nearest[place] = distance;
        if (place == 0)
            neighbours->nearest[image] = other;
    }
    neighbours->distances[image] = held > 0 ? nearest[0] : 0;
    search->scales[image] = held > 0 ? nearest[held - 1] : 0;
}

static int compare_reals(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static int set_global(struct search *search, struct error *error)
{
    double *sorted = memory_allocate(search->count, sizeof *sorted, error);

    if (sorted == NULL)
        return FAILED;
    memcpy(sorted, search->scales, search->count * sizeof *sorted);
    qsort(sorted, search->count, sizeof *sorted, compare_reals);
    search->global = NEIGHBOURS_GLOBAL * sorted[search->count / 2];
    free(sorted);
    return 0;
}

static size_t find_root(size_t *roots, size_t image)
{
    while (roots[image] != image) {
        roots[image] = roots[roots[image]];
        image = roots[image];
    }
    return image;
}

static void find_pairs(struct search *search, struct neighbours *neighbours)
{
    for (size_t a = 0; a < search->count; a++) {
        for (size_t b = a + 1; b < search->count; b++) {
            double distance = distance_of(search, a, b);
            double local = NEIGHBOURS_LOCAL * fmin(search->scales[a], search->scales[b]);
            size_t first, second;

            if (distance > local && distance > search->global)
                continue;
            first = find_root(search->roots, a);
            second = find_root(search->roots, b);
            if (first == second)
                continue;
            search->roots[second] = first;
            neighbours->pairs[neighbours->pair_count++] =
                (struct sample_pair){.a = a, .b = b, .distance = distance};
        }
    }
}

static int allocate(size_t count, struct search *search, struct neighbours *neighbours,
                    struct error *error)
{
    search->lengths = memory_allocate(count, sizeof *search->lengths, error);
    search->scales = memory_allocate(count, sizeof *search->scales, error);
    search->roots = memory_allocate(count, sizeof *search->roots, error);
    neighbours->nearest = memory_allocate(count, sizeof *neighbours->nearest, error);
    neighbours->distances = memory_allocate(count, sizeof *neighbours->distances, error);
    neighbours->pairs = memory_allocate(count, sizeof *neighbours->pairs, error);
    return search->lengths != NULL && search->scales != NULL && search->roots != NULL &&
           neighbours->nearest != NULL && neighbours->distances != NULL &&
           neighbours->pairs != NULL ? 0 : FAILED;
}

int neighbours_find(const float *gram, size_t count, struct neighbours *neighbours,
                    struct error *error)
{
    struct search search = {.gram = gram, .count = count};
    int outcome;

    *neighbours = (struct neighbours){.count = count};
    outcome = allocate(count, &search, neighbours, error);
    for (size_t i = 0; i < count && outcome == 0; i++) {
        search.lengths[i] = sqrt((double)gram[i * count + i]);
        search.roots[i] = i;
    }
    for (size_t i = 0; i < count && outcome == 0; i++)
        look_around(&search, i, neighbours);
    if (outcome == 0 && count >= NEIGHBOURS_LEAST) {
        outcome = set_global(&search, error);
        if (outcome == 0)
            find_pairs(&search, neighbours);
    }
    if (outcome < 0)
        neighbours_release(neighbours);
    free(search.lengths);
    free(search.scales);
    free(search.roots);
    return outcome;
}

void neighbours_release(struct neighbours *neighbours)
{
    free(neighbours->nearest);
    free(neighbours->distances);
    free(neighbours->pairs);
    *neighbours = (struct neighbours){0};
}
