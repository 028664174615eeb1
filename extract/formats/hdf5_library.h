/*
 * The HDF5 library over the bytes of a file: work for a process of its own, whose records
 * hdf5_file.c reads. Numbers in them are little-endian, texts a 32-bit length and that many bytes
 * with the NUL that ends them.
 *
 *     'G' path                                           a group
 *     'D' path, type (enum tensor_type) and rank of 8 bits, dimensions of 64 bits, where the
 *         elements begin in the file in 64 bits          a dataset
 *     'A' name, count in 32 bits, texts                  an attribute of the object before it
 */
#ifndef EXTRACT_FORMATS_HDF5_LIBRARY_H
#define EXTRACT_FORMATS_HDF5_LIBRARY_H

#include <stdio.h>

#include "common/bytes.h"
#include "common/error.h"

/* Where elements begin that do not lie in the file as they are. */
#define HDF5_NOWHERE UINT64_MAX

/* Elements that are not in the file in full (compressed, or never written) may be this many times
 * as many bytes as it has for them, above a size that is no matter. */
enum { HDF5_MAX_GROWTH = 64, HDF5_SMALL = 1 << 20 };

struct hdf5_job {
    struct bytes bytes;  /* the whole file */
    const char *path;    /* of the dataset that is read */
};

/* Both are isolated_work with a struct hdf5_job. The first writes the records of all objects, the
 * second the elements of a dataset, little-endian. */
int hdf5_library_list(void *context, FILE *output, struct error *error);
int hdf5_library_read(void *context, FILE *output, struct error *error);

#endif
