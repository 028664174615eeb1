#include "extract/architectures/builder_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ------------------------------------------------------------------------------ */

/* What "{stage+1}" stands for, without the braces, as text. */
static void expand_number(const struct place *place, const char *name, char text[static 32])
{
    static const struct {
        const char *name;
        size_t offset;
    } numbers[] = {
        {"stage", offsetof(struct place, stage)}, {"block", offsetof(struct place, block)},
        {"step", offsetof(struct place, step)},   {"module", offsetof(struct place, module)},
        {"count", offsetof(struct place, count)}, {"letter", offsetof(struct place, block)},
    };
    size_t length = strcspn(name, "+}"), value = 0;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strlen(numbers[i].name) == length && strncmp(name, numbers[i].name, length) == 0)
            memcpy(&value, (const char *)place + numbers[i].offset, sizeof value);
    if (name[length] == '+')
        value += strtoul(name + length + 1, NULL, 10);
    if (strncmp(name, "letter", length) == 0)
        snprintf(text, 32, "%c", (int)('a' + value % 26));
    else
        snprintf(text, 32, "%zu", value);
}

const char *builder_expand(const struct place *place, const char *name,
                           char text[static BUILDER_NAME])
{
    size_t used = 0;

    while (*name != '\0') {
        char number[32];
        const char *piece = name;
        size_t length = strcspn(name, "{");

        name += length;
        if (length == 0) {
            expand_number(place, name + 1, number);
            piece = number;
            length = strlen(number);
            name += strcspn(name, "}") + 1;
        }
        if (length > BUILDER_NAME - 1 - used)
            length = BUILDER_NAME - 1 - used;
        memcpy(text + used, piece, length);
        used += length;
    }
    text[used] = '\0';
    return text;
}

/* ---- comparing -------------------------------------------------------------------------- */

/* As the framework's files call a tensor. */
static const char *role_name(const struct builder *builder, enum weight_role role, size_t rank)
{
    static const char *const pytorch[] = {"weight", "bias", "running_mean", "running_var"};
    static const char *const keras[] = {"gamma", "beta", "moving_mean", "moving_variance"};

    if (builder->weights->framework == FRAMEWORK_PYTORCH)
        return pytorch[role];
    if (rank > 1 || role > WEIGHT_SHIFT)
        return role == WEIGHT_FACTOR ? "kernel" : keras[role];
    return keras[role];
}

/* "64x3x7x7"; "?" for a dimension that may be any. */
static void shape_text(const size_t *shape, size_t rank, char text[static 128])
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t axis = 0; axis < rank && used < 128; axis++) {
        const char *separator = axis > 0 ? "x" : "";

        if (shape[axis] == 0)
            used += (size_t)snprintf(text + used, 128 - used, "%s?", separator);
        else
            used += (size_t)snprintf(text + used, 128 - used, "%s%zu", separator, shape[axis]);
    }
}

static bool shapes_agree(const struct weight *weight, const size_t *shape, size_t rank)
{
    if (weight->rank != rank)
        return false;
    for (size_t axis = 0; axis < rank; axis++)
        if (weight->shape[axis] == 0 || (shape[axis] != 0 && shape[axis] != weight->shape[axis]))
            return false;
    return true;
}

const struct weight *builder_expect(struct builder *builder, const char *layer,
                                    enum weight_role role, const size_t *shape, size_t rank)
{
    char name[BUILDER_NAME], got[128], expected[128];
    const struct weight *weight;

    builder->wanted++;
    /* An architecture that misses more than the file has is none of the near ones. */
    if (builder->graph == NULL &&
        builder->wanted - builder->matched > builder->weights->count + 1)
        return NULL;
    builder_expand(&builder->place, layer, name);
    weight = weights_find(builder->weights, name, role);
    if (weight != NULL)
        builder->used[weight - builder->weights->items] = true;
    if (weight != NULL && shapes_agree(weight, shape, rank)) {
        builder->matched++;
        return weight;
    }
    if (builder->difference.text[0] != '\0')
        return NULL;
    shape_text(shape, rank, expected);
    if (weight == NULL) {
        error_set(&builder->difference, "'%s%s%s' (%s) is missing", name,
                  builder->weights->framework == FRAMEWORK_PYTORCH ? "." : "/",
                  role_name(builder, role, rank), expected);
    } else {
        shape_text(weight->shape, weight->rank, got);
        error_set(&builder->difference, "'%s' is %s, not %s", weight->name, got, expected);
    }
    return NULL;
}

size_t builder_weight_size(const struct builder *builder, const char *name, size_t axis,
                           size_t otherwise)
{
    char text[BUILDER_NAME];
    const struct weight *weight = weights_find(
        builder->weights, builder_expand(&builder->place, name, text), WEIGHT_FACTOR);

    return weight != NULL && axis < weight->rank ? weight->shape[axis] : otherwise;
}

/* ---- adding ----------------------------------------------------------------------------- */

bool builder_adds(const struct builder *builder)
{
    return builder->graph != NULL && builder->outcome == 0;
}

size_t builder_add(struct builder *builder, struct layer *layer, const char *name, size_t *inputs,
                   size_t count)
{
    char text[BUILDER_NAME];
    size_t index = 0;

    builder_expand(&builder->place, name, text);
    layer->name = layer->node = text;
    layer->inputs = inputs;
    layer->input_count = count;
    builder->outcome = graph_add(builder->graph, layer, &index, builder->error);
    if (builder->outcome == 0)
        builder->outcome = graph_bind(builder->graph, text, index, builder->error);
    return index;
}

void build_name(struct builder *builder, struct result x, const char *name)
{
    char text[BUILDER_NAME];

    if (name == NULL || !builder_adds(builder))
        return;
    builder_expand(&builder->place, name, text);
    builder->outcome = graph_bind(builder->graph, text, x.layer, builder->error);
}

int builder_load(struct builder *builder, const struct weight *weight, struct tensor *tensor)
{
    const struct weights *weights = builder->weights;

    if (builder->outcome == 0 && weight == NULL)
        builder->outcome = error_set(builder->error, "%s", builder->difference.text);
    if (builder->outcome == 0)
        builder->outcome = weights->load(weights->context, weight, builder->graph, tensor,
                                         builder->error);
    if (builder->outcome < 0 && weight != NULL)
        error_wrap(builder->error, "'%s'", weight->name);
    return builder->outcome;
}

float *builder_floats(struct builder *builder, const struct weight *weight)
{
    struct tensor tensor;
    float *values;

    if (builder_load(builder, weight, &tensor) < 0)
        return NULL;
    values = graph_floats(builder->graph, &tensor, builder->error);
    if (values == NULL)
        builder->outcome = error_wrap(builder->error, "'%s'", weight->name);
    return values;
}
