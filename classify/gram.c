#include "classify/gram.h"

#include <limits.h>

#include <cblas.h>

#include "common/memory.h"

/* LIBSVM wants every number of the matrix as a node of 16 bytes: at this count they take 6.4 GB.
 * Beyond it another solver is the right one. */
enum { MOST_VECTORS = 20000 };

/* The side of a block: large enough for sgemm to reach its speed, small enough that a few hundred
 * images already keep several threads busy. */
enum { BLOCK = 128 };

int gram_check(size_t count, size_t dimension, struct error *error)
{
    if (count > MOST_VECTORS || dimension > INT_MAX)
        return error_set(error, "cannot train on %zu vectors of %zu numbers: the kernel matrix is "
                         "made for at most %d", count, dimension, MOST_VECTORS);
    return 0;
}

struct job {
    const float *vectors;
    size_t count, dimension;
    float *gram;
};

static size_t block_length(const struct job *job, size_t block)
{
    size_t start = block * BLOCK;

    return job->count - start < BLOCK ? job->count - start : BLOCK;
}

/* Task: a block on or below the diagonal, counted row by row; it is mirrored above. */
static void compute_block(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    size_t down = 0, across = task, height, width;
    float *block;

    (void)worker;
    while (across > down)
        across -= ++down;
    height = block_length(job, down);
    width = block_length(job, across);
    block = job->gram + down * BLOCK * job->count + across * BLOCK;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)height, (int)width,
                (int)job->dimension, 1.0f, job->vectors + down * BLOCK * job->dimension,
                (int)job->dimension, job->vectors + across * BLOCK * job->dimension,
                (int)job->dimension, 0.0f, block, (int)job->count);
    for (size_t row = 0; row < height; row++) {
        size_t i = down * BLOCK + row, end = down == across ? row : width;

        for (size_t column = 0; column < end; column++)
            job->gram[(across * BLOCK + column) * job->count + i] =
                block[row * job->count + column];
    }
}

int gram_create(const float *vectors, size_t count, size_t dimension, struct parallel *parallel,
                float **gram, struct error *error)
{
    struct job job = {vectors, count, dimension, NULL};
    size_t blocks = (count + BLOCK - 1) / BLOCK, tasks = blocks * (blocks + 1) / 2;

    *gram = NULL;
    if (gram_check(count, dimension, error) < 0)
        return FAILED;
    *gram = memory_allocate_aligned(count * count, sizeof **gram, error);
    if (*gram == NULL)
        return FAILED;
    job.gram = *gram;
    openblas_set_num_threads(1);
    if (parallel != NULL)
        parallel_for(parallel, tasks, compute_block, &job);
    for (size_t task = 0; parallel == NULL && task < tasks; task++)
        compute_block(&job, task, 0);
    return 0;
}
