#include "common/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* How often a thread looks for work before it sleeps: some ten microseconds, the gap between
 * two layers of a network, which is shorter than a wake-up. */
enum { SPINS = 2000 };

/* The tasks that a thread does first. Each on a cache line of its own. */
struct range {
    _Alignas(64) atomic_size_t next;
    size_t end;
};

struct worker {
    struct parallel *parallel;
    size_t index;
    pthread_t thread;
};

struct parallel {
    size_t threads;           /* including the caller */
    size_t started;           /* worker threads that run */
    struct worker *workers;
    pthread_mutex_t mutex;
    pthread_cond_t begin, end;
    atomic_size_t generation; /* counts loops; a change means work */
    struct range *ranges;     /* [threads] */
    atomic_size_t busy;       /* workers still in the current loop */
    bool stopping;
    parallel_task *task;
    void *context;
};

size_t parallel_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return CPU_COUNT(&set) > 0 ? (size_t)CPU_COUNT(&set) : 1;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void run_tasks(struct parallel *parallel, size_t worker)
{
    for (size_t i = 0; i < parallel->threads; i++) {
        struct range *range = &parallel->ranges[(worker + i) % parallel->threads];
        size_t task;

        while ((task = atomic_fetch_add(&range->next, 1)) < range->end)
            parallel->task(parallel->context, task, worker);
    }
}

/* Waits for a loop newer than `seen`; returns its number. */
static size_t wait_for_work(struct parallel *parallel, size_t seen)
{
    size_t now = seen;

    for (int spin = 0; spin < SPINS && now == seen; spin++) {
        relax();
        now = atomic_load(&parallel->generation);
    }
    if (now != seen)
        return now;
    pthread_mutex_lock(&parallel->mutex);
    while ((now = atomic_load(&parallel->generation)) == seen)
        pthread_cond_wait(&parallel->begin, &parallel->mutex);
    pthread_mutex_unlock(&parallel->mutex);
    return now;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct parallel *parallel = worker->parallel;
    size_t seen = 0;

    for (;;) {
        seen = wait_for_work(parallel, seen);
        if (parallel->stopping)
            return NULL;
        run_tasks(parallel, worker->index);
        if (atomic_fetch_sub(&parallel->busy, 1) == 1) {
            pthread_mutex_lock(&parallel->mutex);
            pthread_cond_signal(&parallel->end);
            pthread_mutex_unlock(&parallel->mutex);
        }
    }
}

static void announce(struct parallel *parallel)
{
    pthread_mutex_lock(&parallel->mutex);
    atomic_fetch_add(&parallel->generation, 1);
    pthread_cond_broadcast(&parallel->begin);
    pthread_mutex_unlock(&parallel->mutex);
}

int parallel_create(size_t threads, struct parallel **out, struct error *error)
{
    struct parallel *parallel = memory_allocate(1, sizeof *parallel, error);

    *out = NULL;
    if (parallel == NULL)
        return FAILED;
    parallel->threads = threads > 0 ? threads : parallel_processors();
    parallel->workers = memory_allocate(parallel->threads, sizeof *parallel->workers, error);
    parallel->ranges = memory_allocate_aligned(parallel->threads, sizeof *parallel->ranges, error);
    if (parallel->workers == NULL || parallel->ranges == NULL) {
        free(parallel->workers);
        free(parallel->ranges);
        free(parallel);
        return FAILED;
    }
    pthread_mutex_init(&parallel->mutex, NULL);
    pthread_cond_init(&parallel->begin, NULL);
    pthread_cond_init(&parallel->end, NULL);
    while (parallel->started + 1 < parallel->threads) {
        struct worker *worker = &parallel->workers[parallel->started];
        int status;

        *worker = (struct worker){.parallel = parallel, .index = parallel->started + 1};
        status = pthread_create(&worker->thread, NULL, work, worker);
        if (status != 0) {
            parallel_free(parallel);
            return error_set(error, "cannot start a thread: %s", strerror(status));
        }
        parallel->started++;
    }
    *out = parallel;
    return 0;
}

void parallel_free(struct parallel *parallel)
{
    if (parallel == NULL)
        return;
    parallel->stopping = true;
    announce(parallel);
    for (size_t i = 0; i < parallel->started; i++)
        pthread_join(parallel->workers[i].thread, NULL);
    pthread_cond_destroy(&parallel->end);
    pthread_cond_destroy(&parallel->begin);
    pthread_mutex_destroy(&parallel->mutex);
    free(parallel->workers);
    free(parallel->ranges);
    free(parallel);
}

size_t parallel_threads(const struct parallel *parallel)
{
    return parallel != NULL ? parallel->threads : 1;
}

static void wait_for_end(struct parallel *parallel)
{
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load(&parallel->busy) == 0)
            return;
        relax();
    }
    pthread_mutex_lock(&parallel->mutex);
    while (atomic_load(&parallel->busy) != 0)
        pthread_cond_wait(&parallel->end, &parallel->mutex);
    pthread_mutex_unlock(&parallel->mutex);
}

void parallel_for(struct parallel *parallel, size_t count, parallel_task *task, void *context)
{
    if (parallel == NULL) {
        for (size_t i = 0; i < count; i++)
            task(context, i, 0);
        return;
    }
    parallel->task = task;
    parallel->context = context;
    for (size_t i = 0; i < parallel->threads; i++) {
        struct range *range = &parallel->ranges[i];

        range->end = count * (i + 1) / parallel->threads;
        atomic_store(&range->next, count * i / parallel->threads);
    }
    if (count > 1 && parallel->started > 0) {
        atomic_store(&parallel->busy, parallel->started);
        announce(parallel);
        run_tasks(parallel, 0);
        wait_for_end(parallel);
    } else {
        run_tasks(parallel, 0);
    }
}
