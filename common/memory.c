#include "common/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 1 << 21, FIRST_CAPACITY = 16 };

bool size_multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

void *memory_allocate(size_t count, size_t size, struct error *error)
{
    void *memory = calloc(count > 0 ? count : 1, size);

    if (memory == NULL)
        error_no_memory(error);
    return memory;
}

void *memory_allocate_aligned(size_t count, size_t size, struct error *error)
{
    void *memory = NULL;
    size_t bytes, alignment;

    if (size_multiply(count, size, &bytes) && bytes <= SIZE_MAX - HUGE_PAGE) {
        alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : ALIGNMENT;
        bytes = (bytes / alignment + 1) * alignment;
        memory = aligned_alloc(alignment, bytes);
    }
    if (memory == NULL)
        error_no_memory(error);
    else if (bytes >= HUGE_PAGE)
        /* Only a hint: without huge pages everything works, with more misses in the TLB. */
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

int memory_grow(void **items, size_t count, size_t *capacity, size_t size, struct error *error)
{
    size_t wanted = *capacity > 0 ? *capacity * 2 : FIRST_CAPACITY;
    size_t bytes;
    void *grown;

    if (count < *capacity)
        return 0;
    if (wanted < *capacity || !size_multiply(wanted, size, &bytes))
        return error_no_memory(error);
    grown = realloc(*items, bytes);
    if (grown == NULL)
        return error_no_memory(error);
    *items = grown;
    *capacity = wanted;
    return 0;
}

char *memory_copy_text(const char *text, struct error *error)
{
    size_t length = strlen(text) + 1;
    char *copy = malloc(length);

    if (copy == NULL) {
        error_no_memory(error);
        return NULL;
    }
    memcpy(copy, text, length);
    return copy;
}
