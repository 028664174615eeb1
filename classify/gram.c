#include "classify/gram.h"

#include "classify/gram_strip.h"
#include "common/memory.h"

/* LIBSVM wants every number of the matrix as a node of 16 bytes: at this count they take 6.4 GB.
 * Beyond it another solver is the right one. */
enum { MOST_VECTORS = 20000 };

int gram_check(size_t count, size_t dimension, struct error *error)
{
    if (count > MOST_VECTORS)
        return error_set(error, "cannot train on %zu vectors of %zu numbers: the kernel matrix is "
                         "made for at most %d", count, dimension, MOST_VECTORS);
    return 0;
}

struct job {
    const float *vectors;
    size_t count, dimension;
    float *gram;
};

static void run_strip(void *context, size_t task, size_t worker)
{
    const struct job *job = context;

    (void)worker;
    gram_strip(job->vectors, job->count, job->dimension, task, job->gram);
}

int gram_create(const float *vectors, size_t count, size_t dimension, struct parallel *parallel,
                float **gram, struct error *error)
{
    struct job job = {vectors, count, dimension, NULL};
    size_t strips = (count + GRAM_STRIP - 1) / GRAM_STRIP;

    *gram = NULL;
    if (gram_check(count, dimension, error) < 0)
        return FAILED;
    *gram = memory_allocate_aligned(count * count, sizeof **gram, error);
    if (*gram == NULL)
        return FAILED;
    job.gram = *gram;
    if (parallel != NULL)
        parallel_for(parallel, strips, run_strip, &job);
    for (size_t strip = 0; parallel == NULL && strip < strips; strip++)
        run_strip(&job, strip, 0);
    return 0;
}
