#include "classify/gram.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "common/memory.h"

/* The side of a block: large enough for sgemm to reach its speed, small enough that a few hundred
 * images already keep several threads busy. */
enum { BLOCK = 128 };

/* ---- OpenBLAS --------------------------------------------------------------------------- */

/* OpenBLAS, loaded at the first product. Its state is the process's, whoever asks. */
static struct {
    pthread_once_t once;
    __typeof__(cblas_sgemm) *sgemm;
    __typeof__(cblas_ssyrk) *ssyrk;
    bool loaded;
    struct error error;  /* why it is not */
} openblas = {.once = PTHREAD_ONCE_INIT};

/* The core whose instructions this processor has; NULL: OpenBLAS may choose. */
static const char *choose_core(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "Haswell";
#endif
    return NULL;
}

/* What OpenBLAS reads from the environment it reads before main when it is linked in, so it is
 * loaded here instead, once these are set:
 * - the core. Left alone it goes by the processor's model, and takes the kernels of 2004 for one
 *   that is younger than itself: 0.3.21 needs 0.22 s instead of 0.04 s for 500 vectors of 25,088
 *   numbers on a Xeon of 2023. By instruction set, unlike models agree to the last bit, too;
 * - one thread. Its helpers would not work, but spin: a fifth of the time of an evaluation. */
static void load_openblas(void)
{
    const char *core = choose_core();
    void *library, *sgemm = NULL, *ssyrk = NULL;

    if (core != NULL)
        setenv("OPENBLAS_CORETYPE", core, 0);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library != NULL && (sgemm = dlsym(library, "cblas_sgemm")) != NULL &&
        (ssyrk = dlsym(library, "cblas_ssyrk")) != NULL)
        openblas.loaded = true;
    else
        error_set(&openblas.error, "cannot load OpenBLAS: %s", dlerror());
    /* ISO C converts no pointer to data into one to a function; POSIX does. */
    memcpy(&openblas.sgemm, &sgemm, sizeof sgemm);
    memcpy(&openblas.ssyrk, &ssyrk, sizeof ssyrk);
}

/* ---- the matrix ------------------------------------------------------------------------- */

struct job {
    const float *vectors;
    size_t count, dimension;
    float *products;       /* [count][count]; of a strip: [height][count] */
    size_t first, height;  /* a strip's rows */
};

static size_t block_length(const struct job *job, size_t block)
{
    size_t start = block * BLOCK;

    return job->count - start < BLOCK ? job->count - start : BLOCK;
}

/* block: [height][count] = the products of vectors from row `first` on with those from `other` on;
 * where these are the same, what is below the diagonal, and it, will do. */
static void multiply_block(const struct job *job, size_t first, size_t height, size_t other,
                           size_t width, float *block)
{
    const int dimension = (int)job->dimension, stride = (int)job->count;
    const float *rows = job->vectors + first * job->dimension;

    if (first == other)
        openblas.ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)height, dimension, 1.0f, rows,
                       dimension, 0.0f, block, stride);
    else
        openblas.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)height, (int)width, dimension,
                       1.0f, rows, dimension, job->vectors + other * job->dimension, dimension,
                       0.0f, block, stride);
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
    block = job->products + down * BLOCK * job->count + across * BLOCK;
    multiply_block(job, down * BLOCK, height, across * BLOCK, width, block);
    for (size_t row = 0; row < height; row++) {
        size_t i = down * BLOCK + row, end = down == across ? row : width;

        for (size_t column = 0; column < end; column++)
            job->products[(across * BLOCK + column) * job->count + i] =
                block[row * job->count + column];
    }
}

/* What OpenBLAS can be asked for at all. */
static int check(size_t count, size_t dimension, struct error *error)
{
    pthread_once(&openblas.once, load_openblas);
    if (!openblas.loaded) {
        *error = openblas.error;
        return FAILED;
    }
    if (count > INT_MAX || dimension > INT_MAX)
        return error_set(error, "cannot multiply %zu vectors of %zu numbers: at most %d of at most "
                         "so many are possible", count, dimension, INT_MAX);
    return 0;
}

int gram_create(const float *vectors, size_t count, size_t dimension, struct parallel *parallel,
                float **gram, struct error *error)
{
    struct job job = {.vectors = vectors, .count = count, .dimension = dimension};
    size_t blocks = (count + BLOCK - 1) / BLOCK, cells;

    *gram = NULL;
    if (check(count, dimension, error) < 0)
        return FAILED;
    if (!size_multiply(count, count, &cells))
        return error_no_memory(error);
    *gram = memory_allocate_aligned(cells, sizeof **gram, error);
    if (*gram == NULL)
        return FAILED;
    job.products = *gram;
    parallel_for(parallel, blocks * (blocks + 1) / 2, compute_block, &job);
    return 0;
}

/* Task: a block of a strip. */
static void compute_strip_block(void *context, size_t task, size_t worker)
{
    const struct job *job = context;

    (void)worker;
    openblas.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)job->height,
                   (int)block_length(job, task), (int)job->dimension, 1.0f,
                   job->vectors + job->first * job->dimension, (int)job->dimension,
                   job->vectors + task * BLOCK * job->dimension, (int)job->dimension, 0.0f,
                   job->products + task * BLOCK, (int)job->count);
}

int gram_strip(const float *vectors, size_t count, size_t dimension, size_t first, size_t height,
               struct parallel *parallel, float *products, struct error *error)
{
    struct job job = {
        .vectors = vectors, .count = count, .dimension = dimension, .products = products,
        .first = first, .height = height,
    };

    if (check(count, dimension, error) < 0)
        return FAILED;
    parallel_for(parallel, (count + BLOCK - 1) / BLOCK, compute_strip_block, &job);
    return 0;
}
