/*
 * Random numbers that a seed fixes on every machine: xoshiro256** 1.0, its state filled by
 * splitmix64 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM
 * Transactions on Mathematical Software 47, 2021).
 */
#ifndef CLASSIFY_GENERATOR_H
#define CLASSIFY_GENERATOR_H

#include <stddef.h>
#include <stdint.h>

struct generator {
    uint64_t state[4];
};

struct generator generator_seed(uint64_t seed);

/* 64 random bits. */
uint64_t generator_next(struct generator *generator);

/* A number from 0 to bound - 1, each with the same probability. bound > 0. */
uint64_t generator_below(struct generator *generator, uint64_t bound);

/* Puts items: [count] into random order (Fisher and Yates). */
void generator_shuffle(struct generator *generator, size_t *items, size_t count);

#endif
