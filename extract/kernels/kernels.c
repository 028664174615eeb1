#include "extract/kernels/kernels.h"

#include <string.h>

#include "extract/kernels/kernels_private.h"

/* Fastest first; the last one runs everywhere. */
static const struct kernels *const sets[] = {
#if defined(__x86_64__)
    &kernels_avx512,
    &kernels_avx2,
#endif
    &kernels_baseline,
};

enum { SETS = sizeof sets / sizeof sets[0] };

static bool is_available(const struct kernels *set)
{
#if defined(__x86_64__)
    if (set == &kernels_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
    if (set == &kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return set == &kernels_baseline;
}

const struct kernels *kernels_best(void)
{
    for (size_t i = 0; i < SETS - 1; i++)
        if (is_available(sets[i]))
            return sets[i];
    return sets[SETS - 1];
}

const struct kernels *kernels_find(const char *name, struct error *error)
{
    for (size_t i = 0; i < SETS; i++) {
        if (strcmp(sets[i]->name, name) != 0)
            continue;
        if (is_available(sets[i]))
            return sets[i];
        error_set(error, "this processor does not have the instruction set '%s'", name);
        return NULL;
    }
    error_set(error, "there is no instruction set '%s': use baseline, avx2 or avx512", name);
    return NULL;
}
