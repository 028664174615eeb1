/*
 * The files that lie beside a .caffemodel: its prototxt, and the mean image of its training set.
 */
#ifndef EXTRACT_FORMATS_CAFFE_FILES_H
#define EXTRACT_FORMATS_CAFFE_FILES_H

#include "common/error.h"

/* The prototxt, in the order that caffe_reader.h says; release *path with free(). FAILED when
 * there is none. */
int caffe_find_definition(const char *weights, char **path, struct error *error);

/* The mean image: the first of STEM_mean.binaryproto, STEM.binaryproto, `named` (what the data
 * layer calls it), mean.binaryproto and, only when something is named, the only .binaryproto of
 * the folder. `named` may be "". *path becomes NULL when there is none; release it with free().
 * FAILED without memory. */
int caffe_find_mean(const char *weights, const char *named, char **path, struct error *error);

#endif
