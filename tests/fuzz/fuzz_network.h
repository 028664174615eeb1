/*
 * What the fuzz targets of networks share: bytes become files that exist in memory alone, and a
 * network of them is opened, read and simplified, as far as it goes.
 *
 * A target is tests/fuzz/fuzz_READER.c with libFuzzer's entry point. `make fuzz-READER` runs it;
 * `make test` replays tests/fuzz/cases/READER, the files that a run found worth keeping.
 */
#ifndef TESTS_FUZZ_FUZZ_NETWORK_H
#define TESTS_FUZZ_FUZZ_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "extract/graph/graph.h"

/* libFuzzer's entry point (llvm.org/docs/LibFuzzer.html); returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A network of one file; `definition` is the second, for formats that have one, else {NULL, 0}.
 * Whatever the bytes are, it returns; a refusal must have a message. */
void fuzz_network(struct bytes file, struct bytes definition);

/* What else to do with a network that was read and simplified, up to layer `cut`. */
typedef void fuzz_work(const struct graph *graph, size_t cut);

/* fuzz_network for one file, and then that. */
void fuzz_network_with(struct bytes file, fuzz_work *work);

/* Formats with two files: the first ends at the first line that says "----", the second begins
 * behind it. Without such a line the second is {NULL, 0}. */
void fuzz_split(struct bytes both, struct bytes *first, struct bytes *second);

#endif
