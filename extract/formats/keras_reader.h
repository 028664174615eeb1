/*
 * Keras: models and weights as Keras 1 to 3 save them (keras.io). See keras_file.h for the files.
 */
#ifndef EXTRACT_FORMATS_KERAS_READER_H
#define EXTRACT_FORMATS_KERAS_READER_H

#include "extract/formats/model.h"

extern const struct format keras_format;

#endif
