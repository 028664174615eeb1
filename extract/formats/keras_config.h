/*
 * A Keras model's configuration as JSON: what its layers are, and how they refer to each other.
 * Every function takes any value, also one that is not there.
 *
 *     layers = keras_layers_of(model);
 *     class = keras_class_of(json_tree_at(layers, 0));        "InputLayer"
 *     keras_model_input(model, &input, &channels_last, &error);
 */
#ifndef EXTRACT_FORMATS_KERAS_CONFIG_H
#define EXTRACT_FORMATS_KERAS_CONFIG_H

#include "extract/formats/json_tree.h"
#include "extract/formats/model.h"

/* How deep models may lie in each other. */
enum { KERAS_MAX_DEPTH = 16 };

/* ---- layers ----------------------------------------------------------------------------- */

/* The settings of a layer; of a model the object with its layers, or in old files of a Sequential
 * their list. */
const struct json_value *keras_config_of(const struct json_value *layer);

/* "Conv2D"; "" when it has none. */
const char *keras_class_of(const struct json_value *layer);

/* The name that references have; "" when it has none. */
const char *keras_name_of(const struct json_value *layer);

/* A model that is a layer, or the outermost: it has a list of layers. */
bool keras_is_model(const struct json_value *layer);
const struct json_value *keras_layers_of(const struct json_value *model);

/* A model with references between its layers, and not just their order. */
bool keras_is_functional(const struct json_value *model);

/* "BatchNormalization" as "batch_normalization", as Keras 3 names what belongs to a class. */
void keras_snake_case(const char *name, char *text, size_t size);

/* ---- references ------------------------------------------------------------------------- */

/* Result `result` of call `call` of a layer, both counted from 0. */
struct keras_reference {
    const char *name;
    size_t call, result;
};

/* ["name", call, result]; false when the value is no such list. */
bool keras_read_reference(const struct json_value *value, struct keras_reference *reference);

/* Reference `index` of a list of them; where there is one only, it may stand without the list. */
const struct json_value *keras_reference_at(const struct json_value *list, size_t index);

/* Call `index` of a layer: the references that it reads. NULL behind the last. */
const struct json_value *keras_call_at(const struct json_value *layer, size_t index);

/* ---- the outermost model ---------------------------------------------------------------- */

/* What it takes, and whether its data are (height, width, channels). FAILED when it is no model
 * or takes no images. */
int keras_model_input(const struct json_value *model, struct network_input *input,
                      bool *channels_last, struct error *error);

/* True when a model with the channels first flattens them last: Keras 2.2 and later do where the
 * Flatten says that its data has the channels first. */
bool keras_model_moves_channels(const struct json_value *model);

/* Calls `each` for every layer, those of models inside too. */
void keras_model_layers(const struct json_value *model,
                        void (*each)(void *context, const char *class_name, const char *name),
                        void *context);

#endif
