#include "extract/formats/keras_weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

enum { NAME_LENGTH = 2048 };

/* ---- names ------------------------------------------------------------------------------ */

/* A class of layers that Keras names by itself: "conv2d_7". How many were made before in the
 * same session is no matter: the layers of a file are counted anew, from 1. */
struct numbered {
    const char *names[2];  /* the class as Keras 2 and Keras 1 name it */
    unsigned long *numbers;
    size_t count, capacity;
};

/* True when `layer` is the name and a number, or the name alone: the first, 0. */
static bool read_number(const struct numbered *class, const char *layer, unsigned long *number)
{
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(class->names[i]);
        const char *rest = layer + length;
        char *end;

        if (strncmp(layer, class->names[i], length) != 0)
            continue;
        *number = 0;
        if (*rest == '\0')
            return true;
        if (rest[0] == '_' && rest[1] >= '0' && rest[1] <= '9' && strlen(rest) < 10) {
            *number = strtoul(rest + 1, &end, 10);
            return *end == '\0';
        }
    }
    return false;
}

static int compare_numbers(const void *left, const void *right)
{
    const unsigned long *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

/* Gathers the numbers of all layers of the class, sorted. */
static int gather_numbers(const struct keras_file *file, struct numbered *class,
                          struct error *error)
{
    const char *layer;
    unsigned long number;

    for (size_t i = 0; (layer = hdf5_text(file->hdf5, file->group, "layer_names", i)) != NULL;
         i++) {
        void *numbers = class->numbers;

        if (!read_number(class, layer, &number))
            continue;
        if (memory_grow(&numbers, class->count, &class->capacity, sizeof number, error) < 0)
            return FAILED;
        class->numbers = numbers;
        class->numbers[class->count++] = number;
    }
    if (class->count > 0)
        qsort(class->numbers, class->count, sizeof number, compare_numbers);
    return 0;
}

/* The name that the tables of the architectures have for a layer. */
static void common_name(const struct numbered *classes, size_t count, const char *layer,
                        char name[static NAME_LENGTH])
{
    snprintf(name, NAME_LENGTH, "%.2000s", layer);
    for (size_t i = 0; i < count; i++) {
        unsigned long number;
        const unsigned long *found;

        if (!read_number(&classes[i], layer, &number))
            continue;
        found = bsearch(&number, classes[i].numbers, classes[i].count, sizeof number,
                        compare_numbers);
        if (found != NULL)
            snprintf(name, NAME_LENGTH, "%s_%td", classes[i].names[0],
                     found - classes[i].numbers + 1);
    }
}

/* ---- roles ------------------------------------------------------------------------------ */

/* What the weights of a layer are, by their number and dimensions: Keras has them in a fixed
 * order. `first`: the name of the first in the file. */
static enum weight_role role_of(const struct keras_weights *weights, size_t index)
{
    static const enum weight_role four[] = {WEIGHT_FACTOR, WEIGHT_SHIFT, WEIGHT_MEAN,
                                            WEIGHT_VARIANCE};
    size_t missing = weights->count < 4 ? 4 - weights->count : 0;
    bool scaled = strstr(weights->items[0]->path, "gamma") != NULL;

    if (weights->items[index]->tensor.rank > 1)
        return WEIGHT_FACTOR;
    if (weights->items[0]->tensor.rank > 1)
        return WEIGHT_SHIFT;
    /* A batch norm; without a factor, or without a shift. */
    if (missing == 1 && scaled)
        return index == 0 ? WEIGHT_FACTOR : four[index + 1];
    return index + missing < 4 ? four[index + missing] : WEIGHT_FACTOR;
}

static int add_weight(struct keras_architecture *architecture, const struct keras_weights *weights,
                      size_t index, const char *layer, enum keras_kernel_order order,
                      struct error *error)
{
    const struct hdf5_object *object = weights->items[index];
    struct keras_stored stored = {.object = object, .kernel = object->tensor.rank == 4,
                                  .order = order};
    struct weight weight = {.role = role_of(weights, index), .rank = object->tensor.rank,
                            .index = architecture->stored_count};
    void *items = architecture->stored;

    if (stored.kernel && strstr(object->path, "depthwise_kernel") != NULL)
        stored.order = KERAS_HWCM;
    memcpy(weight.shape, object->tensor.shape, sizeof weight.shape);
    if (stored.kernel)
        keras_kernel_shape(object->tensor.shape, stored.order, weight.shape);
    if (memory_grow(&items, architecture->stored_count, &architecture->stored_capacity,
                    sizeof stored, error) < 0)
        return FAILED;
    architecture->stored = items;
    architecture->stored[architecture->stored_count++] = stored;
    return weights_add(&architecture->weights, layer, object->path, &weight, error);
}

static int add_layer(struct keras_architecture *architecture, const char *layer, const char *name,
                     enum keras_kernel_order order, struct error *error)
{
    const struct keras_place place = {.group = layer, .layer = layer};
    struct keras_weights weights;

    if (keras_file_weights(architecture->file, &place, &weights, error) < 0)
        return error_wrap(error, "layer '%s'", layer);
    for (size_t i = 0; i < weights.count; i++) {
        char part[NAME_LENGTH];
        bool second = i > 0 && weights.items[i]->tensor.rank > 1;

        /* The second kernel of a separable convolution is a layer of its own here. */
        snprintf(part, sizeof part, "%.2000s%s", name, second ? "/pointwise" : "");
        if (add_weight(architecture, &weights, i, part, order, error) < 0)
            return FAILED;
    }
    return 0;
}

/* ---- recognition ------------------------------------------------------------------------ */

static int load(void *context, const struct weight *weight, struct graph *graph,
                struct tensor *tensor, struct error *error)
{
    const struct keras_architecture *architecture = context;
    const struct keras_stored *stored = &architecture->stored[weight->index];
    struct tensor kernel;

    if (hdf5_dataset(architecture->file->hdf5, stored->object, graph, tensor, error) < 0)
        return FAILED;
    if (!stored->kernel)
        return 0;
    kernel = *tensor;
    return keras_kernel_arrange(architecture->file, &kernel, stored->order, graph, tensor, error);
}

/* Everything as if the file had its kernels in this order. */
static int gather(struct keras_architecture *architecture, enum keras_kernel_order order,
                  struct error *error)
{
    struct numbered classes[] = {
        {.names = {"conv2d", "convolution2d"}},
        {.names = {"batch_normalization", "batchnormalization"}},
    };
    enum { CLASSES = sizeof classes / sizeof classes[0] };
    const struct keras_file *file = architecture->file;
    const char *layer;
    int outcome = 0;

    architecture->weights = (struct weights){
        .framework = FRAMEWORK_KERAS, .channels_last = order != KERAS_OIHW, .load = load,
        .context = architecture};
    for (size_t i = 0; outcome == 0 && i < CLASSES; i++)
        outcome = gather_numbers(file, &classes[i], error);
    for (size_t i = 0; outcome == 0 &&
         (layer = hdf5_text(file->hdf5, file->group, "layer_names", i)) != NULL; i++) {
        char name[NAME_LENGTH];

        common_name(classes, CLASSES, layer, name);
        outcome = add_layer(architecture, layer, name, order, error);
    }
    for (size_t i = 0; i < CLASSES; i++)
        free(classes[i].numbers);
    return outcome;
}

static int try_order(struct keras_architecture *architecture, enum keras_kernel_order order,
                     struct error *error)
{
    if (gather(architecture, order, error) < 0)
        return FAILED;
    return architecture_recognise(&architecture->weights, &architecture->found, error);
}

/* The order of the kernels is that in which the weights make sense. */
int keras_architecture_find(const struct keras_file *file,
                            struct keras_architecture *architecture, struct error *error)
{
    struct error ignored;

    *architecture = (struct keras_architecture){.file = file};
    if (file->by_place)
        return error_set(error, "it holds the weights of Keras 3 alone, which do not name their "
                         "layers; save the whole model instead");
    if (hdf5_text(file->hdf5, file->group, "layer_names", 0) == NULL)
        return error_set(error, "it is HDF5, but neither a model nor weights of Keras");
    if (try_order(architecture, KERAS_HWIO, error) == 0)
        return 0;
    keras_architecture_release(architecture);
    *architecture = (struct keras_architecture){.file = file};
    return try_order(architecture, KERAS_OIHW, &ignored);
}

void keras_architecture_release(struct keras_architecture *architecture)
{
    weights_release(&architecture->weights);
    free(architecture->stored);
    architecture->stored = NULL;
    architecture->stored_count = architecture->stored_capacity = 0;
}
