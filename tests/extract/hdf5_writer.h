/*
 * Small HDF5 files for tests, through the library: groups, datasets and text attributes by path.
 *
 *     hid_t file = hdf5_writer_create(path);
 *     hdf5_writer_floats(file, "conv1/kernel:0", 4, (const hsize_t[]){3, 3, 3, 8}, NULL);
 *     hdf5_writer_texts(file, "conv1", "weight_names", names, 2);
 *     H5Fclose(file);
 *
 * Only for tests that are built with the library (HAVE_HDF5).
 */
#ifndef TESTS_EXTRACT_HDF5_WRITER_H
#define TESTS_EXTRACT_HDF5_WRITER_H

#ifdef HAVE_HDF5

#define H5_USE_110_API
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

static inline hid_t hdf5_writer_create(const char *path)
{
    hid_t file;

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

    assert_true(file >= 0);
    return file;
}

/* Groups on the way are made. */
static inline hid_t hdf5_writer_parents(void)
{
    hid_t properties = H5Pcreate(H5P_LINK_CREATE);

    H5Pset_create_intermediate_group(properties, 1);
    return properties;
}

static inline void hdf5_writer_group(hid_t file, const char *path)
{
    hid_t parents = hdf5_writer_parents();

    if (H5Lexists(file, path, H5P_DEFAULT) <= 0)
        assert_true(H5Gclose(H5Gcreate2(file, path, parents, H5P_DEFAULT, H5P_DEFAULT)) >= 0);
    H5Pclose(parents);
}

/* A dataset of a type in the file; `properties` is closed. `values`: floats, or NULL: zeros, for
 * which the file has room. */
static inline void hdf5_writer_dataset(hid_t file, const char *path, int rank,
                                       const hsize_t *shape, hid_t type, hid_t properties,
                                       const float *values)
{
    hid_t parents = hdf5_writer_parents();
    hid_t space = rank > 0 ? H5Screate_simple(rank, shape, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(file, path, type, space, parents, properties, H5P_DEFAULT);

    assert_true(dataset >= 0);
    if (values != NULL)
        assert_true(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                             values) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(parents);
    H5Pclose(properties);
}

/* As Keras has it: little-endian floats in one piece. */
static inline void hdf5_writer_floats(hid_t file, const char *path, int rank,
                                      const hsize_t *shape, const float *values)
{
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);

    H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER);
    hdf5_writer_dataset(file, path, rank, shape, H5T_IEEE_F32LE, properties, values);
}

/* `count` texts of one size, as NumPy's arrays of bytes are stored; a list of none has the type
 * of a number. */
static inline void hdf5_writer_texts(hid_t file, const char *path, const char *name,
                                     const char *const *texts, size_t count)
{
    size_t size = 1;
    hid_t object = H5Oopen(file, path, H5P_DEFAULT), type, space, attribute;
    char *values;

    for (size_t i = 0; i < count; i++)
        size = strlen(texts[i]) > size ? strlen(texts[i]) : size;
    values = calloc(count + 1, size);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        memcpy(values + i * size, texts[i], strlen(texts[i]));
    type = H5Tcopy(count > 0 ? H5T_C_S1 : H5T_IEEE_F64LE);
    if (count > 0)
        H5Tset_size(type, size);
    space = H5Screate_simple(1, &(hsize_t){count}, NULL);
    attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0);
    assert_true(H5Awrite(attribute, type, values) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    H5Oclose(object);
    free(values);
}

/* One text of any length, as h5py writes it. */
static inline void hdf5_writer_text(hid_t file, const char *path, const char *name,
                                    const char *text)
{
    hid_t object = H5Oopen(file, path, H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
    hid_t type = H5Tcopy(H5T_C_S1), attribute;

    H5Tset_size(type, H5T_VARIABLE);
    attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0);
    assert_true(H5Awrite(attribute, type, &text) >= 0);
    H5Aclose(attribute);
    H5Tclose(type);
    H5Sclose(space);
    H5Oclose(object);
}

#endif
#endif
