/*
 * Many small texts that live equally long, in few allocations: start from {0}, release once.
 */
#ifndef EXTRACT_TEXT_POOL_H
#define EXTRACT_TEXT_POOL_H

#include <stddef.h>

#include "common/error.h"

struct text_block;

struct text_pool {
    struct text_block *newest;
};

/* A copy of the text that stays where it is until the pool is released; NULL without memory. */
const char *text_pool_add(struct text_pool *pool, const char *text, struct error *error);

void text_pool_release(struct text_pool *pool);

#endif
