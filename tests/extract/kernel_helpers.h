/*
 * What the tests of the kernels share: the instruction sets of this processor, numbers to compute
 * with, the bounds of float's rounding, and arrays that end or begin at memory which must not be
 * touched.
 */
#ifndef TESTS_EXTRACT_KERNEL_HELPERS_H
#define TESTS_EXTRACT_KERNEL_HELPERS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "extract/kernels/kernels.h"
#include "tests/helpers.h"

/* Half of the distance from 1 to the next float: what one rounding costs at most. */
#define UNIT_ROUNDOFF ((double)FLT_EPSILON / 2)

/* ---- instruction sets ------------------------------------------------------------------- */

enum { KERNEL_SETS = 3 };

/* The sets that this processor has. Returns how many. */
static inline size_t list_kernels(const struct kernels *sets[KERNEL_SETS])
{
    static const char *const names[KERNEL_SETS] = {"baseline", "avx2", "avx512"};
    struct error error;
    size_t count = 0;

    for (size_t i = 0; i < KERNEL_SETS; i++) {
        sets[count] = kernels_find(names[i], &error);
        if (sets[count] != NULL)
            count++;
    }
    assert_true(count > 0);
    return count;
}

/* ---- guarded arrays --------------------------------------------------------------------- */

enum guard { GUARD_BEHIND, GUARD_BEFORE, GUARDS };

/* An array in pages of its own, which ends exactly at a page that cannot be touched, or begins
 * right behind one: what reaches outside dies. */
struct guarded {
    void *data;
    unsigned char *map;
    size_t map_size;
};

static inline struct guarded guarded_create(size_t size, enum guard guard)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t inside = (size + page - 1) / page * page;
    struct guarded guarded = {.map_size = inside + page};

    guarded.map = mmap(NULL, guarded.map_size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(guarded.map != MAP_FAILED);
    if (guard == GUARD_BEHIND) {
        assert_int_equal(mprotect(guarded.map + inside, page, PROT_NONE), 0);
        guarded.data = guarded.map + inside - size;
    } else {
        assert_int_equal(mprotect(guarded.map, page, PROT_NONE), 0);
        guarded.data = guarded.map + page;
    }
    return guarded;
}

static inline void guarded_release(struct guarded *guarded)
{
    if (guarded->map != NULL)
        assert_int_equal(munmap(guarded->map, guarded->map_size), 0);
    *guarded = (struct guarded){0};
}

/* Guarded arrays that are released together. */
enum { GUARDED_ARRAYS = 128 };

struct guarded_set {
    struct guarded arrays[GUARDED_ARRAYS];
    size_t count;
    enum guard guard;
};

static inline void *guarded_add(struct guarded_set *set, size_t count, size_t size)
{
    assert_true(set->count < GUARDED_ARRAYS);
    set->arrays[set->count] = guarded_create(count * size, set->guard);
    return set->arrays[set->count++].data;
}

static inline void guarded_release_all(struct guarded_set *set)
{
    while (set->count > 0)
        guarded_release(&set->arrays[--set->count]);
}

/* ---- numbers ---------------------------------------------------------------------------- */

/* In [-1, 1), by a linear congruential generator (Knuth's MMIX). */
static inline float random_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) / (1 << 23) - 1;
}

static inline void fill_random(float *values, size_t count, uint64_t *state)
{
    for (size_t i = 0; i < count; i++)
        values[i] = random_number(state);
}

/* Guarded and filled. */
static inline float *random_array(struct guarded_set *set, size_t count, uint64_t *state)
{
    float *values = guarded_add(set, count, sizeof *values);

    fill_random(values, count, state);
    return values;
}

/* What no computation here gives: marks what must not be written. */
static const float untouched = -12345.5f;

static inline void fill_untouched(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = untouched;
}

static inline bool is_untouched(float value)
{
    return memcmp(&value, &untouched, sizeof value) == 0;
}

static inline double clip_real(double value, float low, float high)
{
    double raised = value < (double)low ? (double)low : value;

    return raised > (double)high ? (double)high : raised;
}

/* A number in double precision, and the sum of the magnitudes of what was summed up to it: the
 * error of a sum in float is in proportion to that (Higham, "Accuracy and Stability of Numerical
 * Algorithms", section 3.1). */
struct exact {
    double value, magnitude;
};

static inline void exact_add(struct exact *exact, double term)
{
    exact->value += term;
    exact->magnitude += fabs(term);
}

/* After `roundings` roundings, and a clip. Equal infinities are near each other. */
static inline bool is_near(float got, const struct exact *exact, size_t roundings, float low,
                           float high)
{
    double expected = clip_real(exact->value, low, high);
    double bound = (double)roundings * UNIT_ROUNDOFF * exact->magnitude;

    if (isnan(expected))
        return isnan(got);
    return fabs((double)got - expected) <= bound ||
           (isinf(expected) && isinf(got) && signbit(expected) == signbit(got));
}

#endif
