/*
 * What several tests share: scratch folders and small files in them.
 */
#ifndef TESTS_HELPERS_H
#define TESTS_HELPERS_H

#include <stddef.h>

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* Makes an empty scratch folder and returns its path, to be released with scratch_remove. */
char *scratch_create(void);
/* Removes the folder with everything in it. */
void scratch_remove(char *folder);

/* "folder/name", in one of a few static buffers that are used in turn. */
const char *scratch_path(const char *folder, const char *name);

/* Writes a file; fails the test when it cannot. */
void write_file(const char *path, const void *data, size_t size);

/* Images of numbers in [-2, 2) that depend on the position alone: what the golden cases of
 * tests/extract/make_operator_cases.py were made from. Returns [count][height][width][channels],
 * to be released with free(). */
float *seeded_images(size_t count, size_t channels, size_t height, size_t width);

/* `count` such numbers, from position `first` on; likewise to be released with free(). */
float *seeded_numbers(size_t count, uint32_t first);

/* The Euclidean norm of got - expected, divided by that of expected. */
double relative_error(const float *got, const float *expected, size_t count);

/* The path of a file of the test data, in a static buffer; NULL when TESTDATA is not set or the
 * file is not there: the test then says skip(). */
const char *test_data(const char *name);

#endif
