/*
 * The settings of a Keras layer, from the object "config" of its JSON. Each goes by the name that
 * it has had since Keras 2; where a file of Keras 1 or 3 calls it otherwise, that is known here.
 * A setting that is absent, or null, has the fallback.
 */
#ifndef EXTRACT_FORMATS_KERAS_SETTINGS_H
#define EXTRACT_FORMATS_KERAS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "extract/formats/json_tree.h"

/* Sides, strides and paddings above this are no network's. */
enum { KERAS_MAX_EXTENT = 1 << 14 };

/* NULL when absent or null. */
const struct json_value *keras_setting(const struct json_value *config, const char *name);

/* A size from `minimum` to KERAS_MAX_EXTENT. */
int keras_setting_size(const struct json_value *config, const char *name, size_t minimum,
                       size_t fallback, size_t *size, struct error *error);

/* Two such sizes, height and width; a single number stands for both. Keras 1 gives the two of a
 * kernel apart. */
int keras_setting_pair(const struct json_value *config, const char *name, size_t minimum,
                       size_t fallback, size_t pair[2], struct error *error);

/* Margins around a map: {{top, bottom}, {left, right}}, from one number, two or four. */
int keras_setting_margins(const struct json_value *config, const char *name, size_t margins[2][2],
                          struct error *error);

/* Not finite, or of another kind: FAILED. */
int keras_setting_real(const struct json_value *config, const char *name, double fallback,
                       double *real, struct error *error);

bool keras_setting_flag(const struct json_value *config, const char *name, bool fallback);

/* True when the text is there and equal; letters of both cases are the same. */
bool keras_setting_is(const struct json_value *config, const char *name, const char *text);

/* A number, also as Keras wrote those of NumPy: {"type": "ndarray", "value": 0.1}. */
bool keras_number(const struct json_value *value, double *number);

#endif
