#include "extract/formats/keras_settings.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* Names of other times: Keras 1 above, Keras 3 (or late 2) below. */
static const struct {
    const char *name, *other;
} other_names[] = {
    {"strides", "subsample"},
    {"padding", "border_mode"},
    {"data_format", "dim_ordering"},
    {"dilation_rate", "atrous_rate"},
    {"use_bias", "bias"},
    {"units", "output_dim"},
    {"filters", "nb_filter"},
    {"axis", "concat_axis"},
    {"batch_input_shape", "batch_shape"},
    {"alpha", "negative_slope"},
};

static const struct json_value *get(const struct json_value *config, const char *name)
{
    const struct json_value *value = json_tree_get(config, name);
    double number;
    bool flag;

    /* null is of no kind. */
    if (json_tree_text(value) != NULL || json_tree_is_object(value) || json_tree_is_list(value) ||
        json_tree_real(value, &number) || json_tree_boolean(value, &flag))
        return value;
    return NULL;
}

const struct json_value *keras_setting(const struct json_value *config, const char *name)
{
    const struct json_value *value = get(config, name);

    for (size_t i = 0; value == NULL && i < sizeof other_names / sizeof other_names[0]; i++)
        if (strcmp(other_names[i].name, name) == 0)
            value = get(config, other_names[i].other);
    return value;
}

static int bad_setting(const char *name, const char *wanted, struct error *error)
{
    return error_set(error, "its '%s' is not %s", name, wanted);
}

static int read_size(const struct json_value *value, const char *name, size_t minimum,
                     size_t *size, struct error *error)
{
    int64_t number;

    if (!json_tree_integer(value, &number))
        return bad_setting(name, "a whole number", error);
    if (number < (int64_t)minimum || number > KERAS_MAX_EXTENT)
        return error_set(error, "its '%s' is %lld", name, (long long)number);
    *size = (size_t)number;
    return 0;
}

int keras_setting_size(const struct json_value *config, const char *name, size_t minimum,
                       size_t fallback, size_t *size, struct error *error)
{
    const struct json_value *value = keras_setting(config, name);

    *size = fallback;
    return value == NULL ? 0 : read_size(value, name, minimum, size, error);
}

static int read_pair(const struct json_value *value, const char *name, size_t minimum,
                     size_t pair[2], struct error *error)
{
    if (!json_tree_is_list(value)) {
        if (read_size(value, name, minimum, &pair[0], error) < 0)
            return FAILED;
        pair[1] = pair[0];
        return 0;
    }
    if (json_tree_count(value) != 2)
        return bad_setting(name, "one number or two", error);
    if (read_size(json_tree_at(value, 0), name, minimum, &pair[0], error) < 0)
        return FAILED;
    return read_size(json_tree_at(value, 1), name, minimum, &pair[1], error);
}

int keras_setting_pair(const struct json_value *config, const char *name, size_t minimum,
                       size_t fallback, size_t pair[2], struct error *error)
{
    const struct json_value *value = keras_setting(config, name);

    pair[0] = pair[1] = fallback;
    if (value != NULL)
        return read_pair(value, name, minimum, pair, error);
    if (strcmp(name, "kernel_size") == 0 && get(config, "nb_row") != NULL) {
        if (keras_setting_size(config, "nb_row", minimum, fallback, &pair[0], error) < 0)
            return FAILED;
        return keras_setting_size(config, "nb_col", minimum, fallback, &pair[1], error);
    }
    return 0;
}

/* Keras 1: {"top_pad": 1, "bottom_pad": 1, "left_pad": 1, "right_pad": 1} */
static int read_named_margins(const struct json_value *value, const char *name,
                              size_t margins[2][2], struct error *error)
{
    static const char *const sides[4] = {"top_pad", "bottom_pad", "left_pad", "right_pad"};

    for (size_t i = 0; i < 4; i++) {
        const struct json_value *side = json_tree_get(value, sides[i]);

        if (side != NULL && read_size(side, name, 0, &margins[i / 2][i % 2], error) < 0)
            return FAILED;
    }
    return 0;
}

int keras_setting_margins(const struct json_value *config, const char *name, size_t margins[2][2],
                          struct error *error)
{
    const struct json_value *value = keras_setting(config, name);
    size_t count = json_tree_count(value);
    size_t pair[2];

    memset(margins, 0, 4 * sizeof margins[0][0]);
    if (json_tree_is_object(value))
        return read_named_margins(value, name, margins, error);
    if (json_tree_is_list(value) && (count == 4 || json_tree_is_list(json_tree_at(value, 0)))) {
        for (size_t i = 0; i < 4; i++) {
            const struct json_value *side =
                count == 4 ? json_tree_at(value, i)
                           : json_tree_at(json_tree_at(value, i / 2), i % 2);

            if (read_size(side, name, 0, &margins[i / 2][i % 2], error) < 0)
                return FAILED;
        }
        return 0;
    }
    if (value == NULL)
        return bad_setting(name, "there", error);
    if (read_pair(value, name, 0, pair, error) < 0)
        return FAILED;
    for (size_t i = 0; i < 4; i++)
        margins[i / 2][i % 2] = pair[i / 2];
    return 0;
}

bool keras_number(const struct json_value *value, double *number)
{
    if (json_tree_is_object(value))
        value = json_tree_get(value, "value");
    return json_tree_real(value, number) && isfinite(*number);
}

int keras_setting_real(const struct json_value *config, const char *name, double fallback,
                       double *real, struct error *error)
{
    const struct json_value *value = keras_setting(config, name);

    *real = fallback;
    if (value == NULL || keras_number(value, real))
        return 0;
    return bad_setting(name, "a number", error);
}

bool keras_setting_flag(const struct json_value *config, const char *name, bool fallback)
{
    json_tree_boolean(keras_setting(config, name), &fallback);
    return fallback;
}

bool keras_setting_is(const struct json_value *config, const char *name, const char *text)
{
    const char *found = json_tree_text(keras_setting(config, name));

    return found != NULL && strcasecmp(found, text) == 0;
}
