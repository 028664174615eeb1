#include "classify/generator.h"

#include <assert.h>

struct generator generator_seed(uint64_t seed)
{
    struct generator generator;

    for (size_t i = 0; i < 4; i++) {
        uint64_t bits = seed += 0x9e3779b97f4a7c15;

        bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
        bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
        generator.state[i] = bits ^ bits >> 31;
    }
    return generator;
}

static uint64_t rotate_left(uint64_t bits, int distance)
{
    return bits << distance | bits >> (64 - distance);
}

uint64_t generator_next(struct generator *generator)
{
    uint64_t *state = generator->state;
    uint64_t result = rotate_left(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return result;
}

uint64_t generator_below(struct generator *generator, uint64_t bound)
{
    uint64_t surplus, bits;

    assert(bound > 0);
    /* 2^64 modulo bound: with so many of the 2^64 values refused, the rest divide evenly. */
    surplus = -bound % bound;
    do
        bits = generator_next(generator);
    while (bits < surplus);
    return bits % bound;
}

void generator_shuffle(struct generator *generator, size_t *items, size_t count)
{
    for (size_t left = count; left > 1; left--) {
        size_t chosen = (size_t)generator_below(generator, left);
        size_t item = items[chosen];

        items[chosen] = items[left - 1];
        items[left - 1] = item;
    }
}
