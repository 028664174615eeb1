/*
 * Runs code that cannot be trusted with its input in a process of its own: a foreign library over
 * a file that may be damaged on purpose. Whatever becomes of it, crash, endless loop, all memory
 * taken, the caller gets an error, and nothing of what it allocated stays.
 *
 *     static int list(void *context, FILE *output, struct error *error) { ... fwrite(...) ... }
 *     isolated_run(list, &job, &(struct isolated_limits){.seconds = 10, ...}, &bytes, &error);
 *
 * The process is a fork: it sees the caller's memory as it was, and what it writes to `output`
 * is all that comes back. Its other output is dropped.
 */
#ifndef COMMON_ISOLATED_H
#define COMMON_ISOLATED_H

#include <stddef.h>
#include <stdio.h>

#include "common/error.h"
#include "common/file.h"

struct isolated_limits {
    size_t seconds;  /* of processor time */
    size_t memory;   /* bytes that it may take beyond what the caller has */
    size_t output;   /* bytes that it may write */
};

/* FAILED with a message of its own becomes that of isolated_run. */
typedef int isolated_work(void *context, FILE *output, struct error *error);

/* Replaces the content of *output by what `work` wrote. FAILED when `work` failed or wrote too
 * much, when its process ended in any other way, and when there could be none. */
int isolated_run(isolated_work *work, void *context, const struct isolated_limits *limits,
                 struct buffer *output, struct error *error);

#endif
