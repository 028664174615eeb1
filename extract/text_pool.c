#include "extract/text_pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

enum { BLOCK_BYTES = 64 << 10 };

struct text_block {
    struct text_block *older;
    size_t used, capacity;
    char text[];
};

static int add_block(struct text_pool *pool, size_t length, struct error *error)
{
    size_t capacity = length > BLOCK_BYTES ? length : BLOCK_BYTES;
    struct text_block *block = memory_allocate(1, sizeof *block + capacity, error);

    if (block == NULL)
        return FAILED;
    block->older = pool->newest;
    block->capacity = capacity;
    pool->newest = block;
    return 0;
}

const char *text_pool_add(struct text_pool *pool, const char *text, struct error *error)
{
    size_t length = strlen(text) + 1;
    struct text_block *block = pool->newest;
    char *copy;

    if (block == NULL || length > block->capacity - block->used) {
        if (add_block(pool, length, error) < 0)
            return NULL;
        block = pool->newest;
    }
    copy = block->text + block->used;
    memcpy(copy, text, length);
    block->used += length;
    return copy;
}

void text_pool_release(struct text_pool *pool)
{
    while (pool->newest != NULL) {
        struct text_block *older = pool->newest->older;

        free(pool->newest);
        pool->newest = older;
    }
}
