/*
 * NumPy's .npy files (format 1.0 and 2.0, numpy.lib.format), little-endian, C order.
 */
#ifndef COMMON_NPY_H
#define COMMON_NPY_H

#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

enum { NPY_MAX_RANK = 8 };

enum npy_type { NPY_FLOAT32, NPY_FLOAT64, NPY_UINT8, NPY_INT64 };

struct npy {
    enum npy_type type;
    size_t rank, shape[NPY_MAX_RANK];
    size_t count;  /* elements: the product of the shape */
    void *data;    /* count elements of the type, row-major */
};

/* Reads a whole array. FAILED when the file is none, is cut off, or has another type or order. */
int npy_read(const char *path, struct npy *npy, struct error *error);
void npy_release(struct npy *npy);

/* Writes the header of an array; the caller writes the elements after it. */
void npy_write_header(FILE *out, enum npy_type type, size_t rank, const size_t *shape);

#endif
