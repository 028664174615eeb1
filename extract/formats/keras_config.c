#include "extract/formats/keras_config.h"

#include <string.h>

#include "extract/formats/keras_settings.h"

/* Sides of images above this are no photo's. */
enum { MAX_SIDE = 1 << 14 };

/* ---- layers ------------------------------------------------------------------------------ */

const struct json_value *keras_config_of(const struct json_value *layer)
{
    return json_tree_get(layer, "config");
}

const struct json_value *keras_layers_of(const struct json_value *model)
{
    const struct json_value *config = keras_config_of(model);

    return json_tree_is_list(config) ? config : json_tree_get(config, "layers");
}

const char *keras_class_of(const struct json_value *layer)
{
    const char *name = json_tree_text(json_tree_get(layer, "class_name"));

    return name != NULL ? name : "";
}

bool keras_is_model(const struct json_value *layer)
{
    return json_tree_is_list(keras_layers_of(layer));
}

bool keras_is_functional(const struct json_value *model)
{
    return json_tree_get(keras_config_of(model), "output_layers") != NULL;
}

const char *keras_name_of(const struct json_value *layer)
{
    const char *name = json_tree_text(json_tree_get(keras_config_of(layer), "name"));

    if (name == NULL)
        name = json_tree_text(json_tree_get(layer, "name"));
    return name != NULL ? name : "";
}

bool keras_read_reference(const struct json_value *value, struct keras_reference *reference)
{
    int64_t call, result;

    reference->name = json_tree_text(json_tree_at(value, 0));
    if (reference->name == NULL || !json_tree_integer(json_tree_at(value, 1), &call) ||
        !json_tree_integer(json_tree_at(value, 2), &result) || call < 0 || result < 0)
        return false;
    reference->call = (size_t)call;
    reference->result = (size_t)result;
    return true;
}

const struct json_value *keras_reference_at(const struct json_value *list, size_t index)
{
    if (json_tree_text(json_tree_at(list, 0)) != NULL)
        return index == 0 ? list : NULL;
    return json_tree_at(list, index);
}

const struct json_value *keras_call_at(const struct json_value *layer, size_t index)
{
    const struct json_value *calls = json_tree_get(layer, "inbound_nodes");
    const struct json_value *first = json_tree_at(calls, 0);

    if (json_tree_text(json_tree_at(first, 0)) != NULL)
        return index == 0 ? calls : NULL;
    return json_tree_at(calls, index);
}

/* As naming.to_snake_case of Keras 3, whose two expressions put a '_' before a capital that
 * lower-case letters follow, and between a lower-case letter and a capital. */
void keras_snake_case(const char *name, char *text, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; name[i] != '\0' && used + 3 < size; i++) {
        bool capital = name[i] >= 'A' && name[i] <= 'Z';
        bool lower_follows = capital && name[i + 1] >= 'a' && name[i + 1] <= 'z';
        bool lower_before = i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z';

        if (capital && i > 0 && (lower_follows || lower_before))
            text[used++] = '_';
        text[used++] = (char)(capital ? name[i] - 'A' + 'a' : name[i]);
    }
    text[used] = '\0';
}

/* ---- the outermost model ---------------------------------------------------------------- */

/* The layer that says what the images are: that of the first input, or the first of all. Models
 * inside are looked into. */
static const struct json_value *find_first_layer(const struct json_value *model, size_t depth)
{
    const struct json_value *layers = keras_layers_of(model);
    const struct json_value *inputs = json_tree_get(keras_config_of(model), "input_layers");
    const struct json_value *found = json_tree_at(layers, 0);
    struct keras_reference reference;

    if (keras_read_reference(keras_reference_at(inputs, 0), &reference))
        for (size_t i = 0; i < json_tree_count(layers); i++)
            if (strcmp(keras_name_of(json_tree_at(layers, i)), reference.name) == 0)
                found = json_tree_at(layers, i);
    if (keras_is_model(found) && depth < KERAS_MAX_DEPTH)
        return find_first_layer(found, depth + 1);
    return found;
}

/* Where the first layer that says so has the channels of its data: "channels_last", ...; NULL
 * when none does. A Flatten has its own meaning of it. */
static const char *find_order(const struct json_value *model, size_t depth)
{
    const struct json_value *layers = keras_layers_of(model);
    const char *order = NULL;

    for (size_t i = 0; order == NULL && i < json_tree_count(layers); i++) {
        const struct json_value *layer = json_tree_at(layers, i);

        if (keras_is_model(layer) && depth < KERAS_MAX_DEPTH)
            order = find_order(layer, depth + 1);
        else if (!keras_is_model(layer) && strcmp(keras_class_of(layer), "Flatten") != 0)
            order = json_tree_text(keras_setting(keras_config_of(layer), "data_format"));
    }
    return order;
}

static bool has_moving_flatten(const struct json_value *model, size_t depth)
{
    const struct json_value *layers = keras_layers_of(model);

    for (size_t i = 0; i < json_tree_count(layers); i++) {
        const struct json_value *layer = json_tree_at(layers, i);

        if (keras_is_model(layer)) {
            if (depth < KERAS_MAX_DEPTH && has_moving_flatten(layer, depth + 1))
                return true;
        } else if (strcmp(keras_class_of(layer), "Flatten") == 0 &&
                   keras_setting_is(keras_config_of(layer), "data_format", "channels_first")) {
            return true;
        }
    }
    return false;
}

bool keras_model_moves_channels(const struct json_value *model)
{
    return has_moving_flatten(model, 0);
}

static int read_side(const struct json_value *value, size_t *side, struct error *error)
{
    int64_t length = 0;

    json_tree_integer(value, &length);
    if (length < 0 || length > MAX_SIDE)
        return error_set(error, "its input has a side of %lld", (long long)length);
    *side = (size_t)length;
    return 0;
}

int keras_model_input(const struct json_value *model, struct network_input *input,
                      bool *channels_last, struct error *error)
{
    const struct json_value *layer, *shape;
    const char *order;
    size_t at;

    if (!keras_is_model(model))
        return error_set(error, "its configuration is not that of a model with layers ('%s')",
                         keras_class_of(model));
    layer = find_first_layer(model, 0);
    shape = keras_setting(keras_config_of(layer), "batch_input_shape");
    order = find_order(model, 0);
    *channels_last = order == NULL ||
                     (strcmp(order, "channels_first") != 0 && strcmp(order, "th") != 0);
    if (json_tree_count(shape) != SHAPE_MAP_RANK + 1)
        return error_set(error, "its first layer '%s' does not take images: its input has %zu "
                         "dimensions, not 4", keras_name_of(layer), json_tree_count(shape));
    at = *channels_last ? 1 : 2;
    if (read_side(json_tree_at(shape, at), &input->height, error) < 0 ||
        read_side(json_tree_at(shape, at + 1), &input->width, error) < 0 ||
        read_side(json_tree_at(shape, *channels_last ? 3 : 1), &input->channels, error) < 0)
        return FAILED;
    if (input->channels == 0)
        return error_set(error, "its input does not say how many channels it has");
    return 0;
}

/* ---- names ------------------------------------------------------------------------------ */

static void visit(const struct json_value *model, size_t depth,
                  void (*each)(void *context, const char *class_name, const char *name),
                  void *context)
{
    const struct json_value *layers = keras_layers_of(model);

    for (size_t i = 0; i < json_tree_count(layers); i++) {
        const struct json_value *layer = json_tree_at(layers, i);

        if (!keras_is_model(layer))
            each(context, keras_class_of(layer), keras_name_of(layer));
        else if (depth < KERAS_MAX_DEPTH)
            visit(layer, depth + 1, each, context);
    }
}

void keras_model_layers(const struct json_value *model,
                        void (*each)(void *context, const char *class_name, const char *name),
                        void *context)
{
    visit(model, 0, each, context);
}
