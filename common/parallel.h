/*
 * A parallel for-loop over a fixed set of threads.
 *
 *     parallel_create(2, &parallel, &error);
 *     parallel_for(parallel, rows, scale_row, &job);     scale_row(&job, row, worker), in any order
 *     parallel_free(parallel);
 *
 * Each thread begins with its own part of the tasks, the same part in every loop of that length:
 * what a thread wrote in one loop is in its cache in the next. Who is done takes tasks from the
 * others, so uneven ones balance. A task must write only what is its own: then the result does
 * not depend on the number of threads.
 */
#ifndef COMMON_PARALLEL_H
#define COMMON_PARALLEL_H

#include <stddef.h>

#include "common/error.h"

struct parallel;

/* `worker` is below parallel_threads(): an index for scratch memory of one's own. */
typedef void parallel_task(void *context, size_t task, size_t worker);

/* `threads` counts the caller of parallel_for, which works too; 0 means one per processor that
 * this process may use. */
int parallel_create(size_t threads, struct parallel **parallel, struct error *error);
void parallel_free(struct parallel *parallel);

/* 1 for NULL. */
size_t parallel_threads(const struct parallel *parallel);

/* Runs task(context, 0 .. count - 1) and returns when all have ended. One loop at a time; a task
 * must not start another. `parallel` may be NULL: the caller then runs them in order, as worker
 * 0. */
void parallel_for(struct parallel *parallel, size_t count, parallel_task *task, void *context);

/* The processors that this process may use, at least 1. */
size_t parallel_processors(void);

#endif
