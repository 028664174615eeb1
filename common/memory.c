#include "common/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, FIRST_CAPACITY = 16 };

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
    size_t bytes;

    if (size_multiply(count, size, &bytes) && bytes <= SIZE_MAX - ALIGNMENT) {
        bytes = (bytes / ALIGNMENT + 1) * ALIGNMENT;
        memory = aligned_alloc(ALIGNMENT, bytes);
    }
    if (memory == NULL)
        error_no_memory(error);
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
