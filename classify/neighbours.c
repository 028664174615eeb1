#include "classify/neighbours.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "classify/gram.h"
#include "classify/matrix.h"
#include "common/memory.h"

/* How many images are compared with all others at a time, where not all products are kept. */
enum { STRIP = 256 };

struct search {
    const struct dataset *dataset;
    struct parallel *parallel;
    struct neighbours *neighbours;
    size_t count;
    float *room;            /* [STRIP][count]; NULL where the products of all are kept */
    const float *products;  /* [][stride]: of images from `first` on with those from `other` on */
    size_t first, other, stride;
    double *lengths;  /* [count] */
    double *scales;   /* [count]: the distance to the neighbour that makes the scale */
    size_t *roots;    /* [count]: union-find over near-identical images */
    double global;    /* what is at most so far is near-identical everywhere */
};

/* Gets the products of up to STRIP images, from `first` on, with all from `other` on. */
static int get_products(struct search *search, size_t first, size_t other, struct error *error)
{
    const struct dataset *dataset = search->dataset;
    size_t height = search->count - first < STRIP ? search->count - first : STRIP;

    search->first = first;
    search->other = other;
    if (dataset->gram != NULL) {
        search->products = dataset->gram + first * search->count + other;
        search->stride = search->count;
        return 0;
    }
    search->products = search->room;
    search->stride = search->count - other;
    return gram_strip(dataset->vectors + other * dataset->dimension, search->stride,
                      dataset->dimension, first - other, height, search->parallel, search->room,
                      error);
}

static double distance_of(const struct search *search, size_t a, size_t b)
{
    double product = search->lengths[a] * search->lengths[b];

    if (!(product > 0))
        return search->lengths[a] > 0 || search->lengths[b] > 0 ? 1 : 0;
    product = (double)search->products[(a - search->first) * search->stride + b - search->other] /
              product;
    return product < 1 ? 1 - product : 0;
}

/* Task: the nearest neighbour of an image, and the scale of its neighbourhood. */
static void look_around(void *context, size_t task, size_t worker)
{
    struct search *search = context;
    struct neighbours *neighbours = search->neighbours;
    size_t image = search->first + task, held = 0;
    double nearest[NEIGHBOURS_ORDER];

    (void)worker;
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

/* The pairs of an image with those behind it. */
static void find_pairs(struct search *search, size_t a)
{
    struct neighbours *neighbours = search->neighbours;

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

static int allocate(struct search *search, struct error *error)
{
    const size_t count = search->count;
    struct neighbours *neighbours = search->neighbours;
    size_t cells = 0;

    if (search->dataset->gram == NULL && !size_multiply(STRIP, count, &cells))
        return error_no_memory(error);
    search->room = memory_allocate_aligned(cells, sizeof *search->room, error);
    search->lengths = memory_allocate(count, sizeof *search->lengths, error);
    search->scales = memory_allocate(count, sizeof *search->scales, error);
    search->roots = memory_allocate(count, sizeof *search->roots, error);
    neighbours->nearest = memory_allocate(count, sizeof *neighbours->nearest, error);
    neighbours->distances = memory_allocate(count, sizeof *neighbours->distances, error);
    neighbours->pairs = memory_allocate(count, sizeof *neighbours->pairs, error);
    return search->room != NULL && search->lengths != NULL && search->scales != NULL &&
           search->roots != NULL && neighbours->nearest != NULL &&
           neighbours->distances != NULL && neighbours->pairs != NULL ? 0 : FAILED;
}

/* As the Gram matrix has it on its diagonal, where it is kept. */
static double length_of(const struct dataset *dataset, size_t image)
{
    if (dataset->gram != NULL)
        return sqrt((double)dataset->gram[image * dataset->count + image]);
    return sqrt(matrix_squares(dataset->vectors + image * dataset->dimension,
                               dataset->dimension));
}

/* Once to learn the scales, and once more, since products are not kept, to find the pairs. */
static int search_all(struct search *search, struct error *error)
{
    const size_t count = search->count;

    for (size_t i = 0; i < count; i++) {
        search->lengths[i] = length_of(search->dataset, i);
        search->roots[i] = i;
    }
    for (size_t first = 0; first < count; first += STRIP) {
        if (get_products(search, first, 0, error) < 0)
            return FAILED;
        parallel_for(search->parallel, count - first < STRIP ? count - first : STRIP, look_around,
                     search);
    }
    if (count < NEIGHBOURS_LEAST)
        return 0;
    if (set_global(search, error) < 0)
        return FAILED;
    for (size_t first = 0; first < count; first += STRIP) {
        if (get_products(search, first, first, error) < 0)
            return FAILED;
        for (size_t a = first; a < count && a < first + STRIP; a++)
            find_pairs(search, a);
    }
    return 0;
}

int neighbours_find(struct dataset *dataset, struct parallel *parallel,
                    struct neighbours *neighbours, struct error *error)
{
    struct search search = {
        .dataset = dataset, .parallel = parallel, .neighbours = neighbours,
        .count = dataset->count,
    };
    int outcome = FAILED;

    *neighbours = (struct neighbours){.count = dataset->count};
    if (dataset_compute_gram(dataset, parallel, error) == 0 && allocate(&search, error) == 0)
        outcome = search_all(&search, error);
    if (outcome < 0)
        neighbours_release(neighbours);
    free(search.room);
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
