/*
 * One task beside the caller, in a thread of its own.
 *
 *     background_start(hash_file, &job, &background, &error);
 *     ...                                                      nothing that the task writes
 *     background_end(&background);                             job has the result
 */
#ifndef COMMON_BACKGROUND_H
#define COMMON_BACKGROUND_H

#include "common/error.h"

struct background;

/* FAILED when no thread can be had; *background is then NULL. */
int background_start(void (*task)(void *context), void *context, struct background **background,
                     struct error *error);

/* Waits until the task has ended, and makes *background NULL. NULL is allowed. */
void background_end(struct background **background);

#endif
