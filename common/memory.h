/*
 * Sizes that are checked before they become memory: every count that comes from a file goes
 * through here, so that a hostile header ends in an error and never in a short buffer.
 */
#ifndef COMMON_MEMORY_H
#define COMMON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* *product = a * b. False when that does not fit into a size_t. */
bool size_multiply(size_t a, size_t b, size_t *product);

/* Room for `count` elements of `size` bytes, zeroed. NULL and a message when there is none, or
 * when count * size overflows. A count of 0 gives a valid pointer. Release with free(). */
void *memory_allocate(size_t count, size_t size, struct error *error);

/* As memory_allocate, not zeroed, aligned to 64 bytes (a cache line, an AVX-512 register); from 2
 * MB on in huge pages where the system gives them. Release with free(). */
void *memory_allocate_aligned(size_t count, size_t size, struct error *error);

/* Makes room for at least one more element in a growing array: *items holds `count` elements of
 * `size` bytes in room for *capacity. Doubles the room when it is full. 0, or FAILED with
 * *items and *capacity as they were. */
int memory_grow(void **items, size_t count, size_t *capacity, size_t size, struct error *error);

/* A copy of `text`, to be released with free(). NULL and a message when there is no memory. */
char *memory_copy_text(const char *text, struct error *error);

#endif
