#include "extract/formats/caffe_definition.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/paths.h"

enum { IMAGE_RANK = 4, MAX_CHANNELS = 1 << 14, MAX_LEVEL = 1 << 30 };

/* Far above any network's numbers; they bound the time that a hostile file can cost. */
enum { MAX_LAYERS = 1 << 14, MAX_INPUTS = 16, MAX_STAGES = 64 };

/* ---- types ------------------------------------------------------------------------------ */

/* A type of layer in V1LayerParameter and V0LayerParameter; NULL where it did not exist. */
struct type_names {
    const char *now, *v1;
    const char *number;  /* in V1LayerParameter.LayerType */
    const char *v0;
};

static const struct type_names types[] = {
    {"AbsVal", "ABSVAL", "35", NULL},
    {"Accuracy", "ACCURACY", "1", "accuracy"},
    {"ArgMax", "ARGMAX", "30", NULL},
    {"BNLL", "BNLL", "2", "bnll"},
    {"Concat", "CONCAT", "3", "concat"},
    {"ContrastiveLoss", "CONTRASTIVE_LOSS", "37", NULL},
    {"Convolution", "CONVOLUTION", "4", "conv"},
    {"Data", "DATA", "5", "data"},
    {"Deconvolution", "DECONVOLUTION", "39", NULL},
    {"Dropout", "DROPOUT", "6", "dropout"},
    {"DummyData", "DUMMY_DATA", "32", NULL},
    {"EuclideanLoss", "EUCLIDEAN_LOSS", "7", "euclidean_loss"},
    {"Eltwise", "ELTWISE", "25", NULL},
    {"Exp", "EXP", "38", NULL},
    {"Flatten", "FLATTEN", "8", "flatten"},
    {"HDF5Data", "HDF5_DATA", "9", "hdf5_data"},
    {"HDF5Output", "HDF5_OUTPUT", "10", "hdf5_output"},
    {"HingeLoss", "HINGE_LOSS", "28", "hinge_loss"},
    {"Im2col", "IM2COL", "11", "im2col"},
    {"ImageData", "IMAGE_DATA", "12", "images"},
    {"InfogainLoss", "INFOGAIN_LOSS", "13", "infogain_loss"},
    {"InnerProduct", "INNER_PRODUCT", "14", "innerproduct"},
    {"LRN", "LRN", "15", "lrn"},
    {"MemoryData", "MEMORY_DATA", "29", NULL},
    {"MultinomialLogisticLoss", "MULTINOMIAL_LOGISTIC_LOSS", "16", "multinomial_logistic_loss"},
    {"MVN", "MVN", "34", NULL},
    {"Padding", NULL, NULL, "padding"},
    {"Pooling", "POOLING", "17", "pool"},
    {"Power", "POWER", "26", NULL},
    {"ReLU", "RELU", "18", "relu"},
    {"Sigmoid", "SIGMOID", "19", "sigmoid"},
    {"SigmoidCrossEntropyLoss", "SIGMOID_CROSS_ENTROPY_LOSS", "27", NULL},
    {"Silence", "SILENCE", "36", NULL},
    {"Slice", "SLICE", "33", NULL},
    {"Softmax", "SOFTMAX", "20", "softmax"},
    {"SoftmaxWithLoss", "SOFTMAX_LOSS", "21", "softmax_loss"},
    {"Split", "SPLIT", "22", "split"},
    {"TanH", "TANH", "23", "tanh"},
    {"Threshold", "THRESHOLD", "31", NULL},
    {"WindowData", "WINDOW_DATA", "24", "window_data"},
};

static bool same(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

/* A quoted type is that of today, or of V0; a word or a number is that of V1. */
static int read_type(const struct caffe_definition *definition, struct caffe_layer *layer,
                     struct error *error)
{
    const struct prototext_field *parent = layer->v0 != NULL ? layer->v0 : layer->message;
    const struct prototext_field *field = prototext_find(&definition->text, parent, "type");

    if (field == NULL || field->value == NULL) {
        error_set(error, "its layer '%s' has no type", layer->name);
        return prototext_blame(parent, error);
    }
    layer->type = field->value;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (layer->v0 != NULL ? same(types[i].v0, field->value)
                              : !field->quoted && (same(types[i].v1, field->value) ||
                                                   same(types[i].number, field->value)))
            layer->type = types[i].now;
    return 0;
}

/* ---- phases ----------------------------------------------------------------------------- */

static bool has_stage(const struct caffe_definition *definition,
                      const struct prototext_field *stage)
{
    const struct prototext *text = &definition->text;
    const struct prototext_field *known;

    for (known = prototext_find(text, definition->state, "stage"); known != NULL;
         known = prototext_find_next(text, known, "stage"))
        if (stage->value != NULL && same(known->value, stage->value))
            return true;
    return false;
}

/* One NetStateRule, for the TEST phase: *met becomes false when something in it is not so. */
static int meets_rule(const struct caffe_definition *definition,
                      const struct prototext_field *rule, bool *met, struct error *error)
{
    static const char *const phases[] = {"TRAIN", "TEST", NULL};
    const struct prototext *text = &definition->text;
    const struct prototext_field *stage;
    int64_t level = 0, lowest = -MAX_LEVEL, highest = MAX_LEVEL;
    size_t phase = 1;

    if (prototext_enum(text, rule, "phase", phases, &phase, error) < 0 ||
        prototext_integer(text, rule, "min_level", -MAX_LEVEL, MAX_LEVEL, &lowest, error) < 0 ||
        prototext_integer(text, rule, "max_level", -MAX_LEVEL, MAX_LEVEL, &highest, error) < 0 ||
        prototext_integer(text, definition->state, "level", -MAX_LEVEL, MAX_LEVEL, &level,
                          error) < 0)
        return FAILED;
    *met = phase == 1 && level >= lowest && level <= highest;
    for (stage = prototext_find(text, rule, "stage"); stage != NULL;
         stage = prototext_find_next(text, stage, "stage"))
        *met = *met && has_stage(definition, stage);
    for (stage = prototext_find(text, rule, "not_stage"); stage != NULL;
         stage = prototext_find_next(text, stage, "not_stage"))
        *met = *met && !has_stage(definition, stage);
    return 0;
}

/* The state that the file gives the network; without, no stage and level 0. */
static int read_state(struct caffe_definition *definition, struct error *error)
{
    const struct prototext *text = &definition->text;
    const struct prototext_field *stage;
    size_t count = 0;

    definition->state = prototext_find(text, text->root, "state");
    for (stage = prototext_find(text, definition->state, "stage"); stage != NULL;
         stage = prototext_find_next(text, stage, "stage"))
        if (++count > MAX_STAGES)
            return error_set(error, "its state has more than %d stages", MAX_STAGES);
    return 0;
}

static int meets_any(const struct caffe_definition *definition,
                     const struct prototext_field *layer, const char *name, bool *any,
                     struct error *error)
{
    const struct prototext *text = &definition->text;
    const struct prototext_field *rule;
    bool met;

    *any = false;
    for (rule = prototext_find(text, layer, name); rule != NULL;
         rule = prototext_find_next(text, rule, name)) {
        if (meets_rule(definition, rule, &met, error) < 0)
            return FAILED;
        *any = *any || met;
    }
    return 0;
}

/* With rules to include, one of them must be met; else none to exclude. */
static int is_included(const struct caffe_definition *definition,
                       const struct prototext_field *layer, bool *included, struct error *error)
{
    if (prototext_find(&definition->text, layer, "include") != NULL)
        return meets_any(definition, layer, "include", included, error);
    if (meets_any(definition, layer, "exclude", included, error) < 0)
        return FAILED;
    *included = !*included;
    return 0;
}

/* ---- the input -------------------------------------------------------------------------- */

/* A blob's lengths as `name` fields of a message give them; at most IMAGE_RANK are kept. */
static int read_lengths(const struct caffe_definition *definition,
                        const struct prototext_field *message, const char *name, size_t skip,
                        int64_t lengths[static IMAGE_RANK], size_t *rank, struct error *error)
{
    const struct prototext *text = &definition->text;
    const struct prototext_field *field;

    *rank = 0;
    for (field = prototext_find(text, message, name); field != NULL;
         field = prototext_find_next(text, field, name)) {
        if (skip > 0) {
            skip--;
            continue;
        }
        if (*rank < IMAGE_RANK &&
            prototext_integer_of(field, 0, CAFFE_MAX_SIDE, &lengths[*rank], error) < 0)
            return FAILED;
        ++*rank;
    }
    return 0;
}

static void set_input(struct caffe_definition *definition, const char *blob,
                      const int64_t *lengths)
{
    definition->input = blob;
    definition->size = (struct network_input){
        .channels = (size_t)lengths[1],
        .height = (size_t)lengths[2],
        .width = (size_t)lengths[3],
    };
}

/* The `input` fields of the network, with their input_shape or their four input_dim each. */
static int read_input_fields(struct caffe_definition *definition, struct error *error)
{
    const struct prototext *text = &definition->text;
    const struct prototext_field *input, *shape = prototext_find(text, text->root, "input_shape");
    size_t index = 0, rank;
    int64_t lengths[IMAGE_RANK];
    const char *blob;

    for (input = prototext_find(text, text->root, "input"); input != NULL;
         input = prototext_find_next(text, input, "input"), index++) {
        if (prototext_text_of(input, &blob, error) < 0)
            return FAILED;
        if (index == MAX_INPUTS)
            return error_set(error, "it has more than %d inputs", MAX_INPUTS);
        if (shape != NULL) {
            if (read_lengths(definition, shape, "dim", 0, lengths, &rank, error) < 0)
                return FAILED;
            shape = prototext_find_next(text, shape, "input_shape");
        } else {
            if (read_lengths(definition, text->root, "input_dim", index * IMAGE_RANK, lengths,
                             &rank, error) < 0)
                return FAILED;
            rank = rank > IMAGE_RANK ? IMAGE_RANK : rank;
        }
        if (rank == IMAGE_RANK && definition->input == NULL)
            set_input(definition, blob, lengths);
    }
    return 0;
}

/* input_param { shape { dim } }: one shape for every top, or one for all. */
static int read_input_layer(struct caffe_definition *definition, const struct caffe_layer *layer,
                            struct error *error)
{
    const struct prototext *text = &definition->text;
    const struct prototext_field *shape =
        prototext_find(text, prototext_find(text, layer->message, "input_param"), "shape");
    int64_t lengths[IMAGE_RANK];

    for (size_t i = 0; i < layer->top_count && shape != NULL; i++) {
        const struct prototext_field *next = prototext_find_next(text, shape, "shape");
        size_t rank;

        if (read_lengths(definition, shape, "dim", 0, lengths, &rank, error) < 0)
            return FAILED;
        if (rank == IMAGE_RANK && definition->input == NULL)
            set_input(definition, layer->tops[i], lengths);
        shape = next != NULL ? next : shape;
    }
    return 0;
}

/* Layers that read images give them as their first top; MemoryData says how large they are. */
static int read_data_layer(struct caffe_definition *definition, const struct caffe_layer *layer,
                           struct error *error)
{
    const struct prototext *text = &definition->text;
    const struct prototext_field *memory = prototext_find(text, layer->message,
                                                          "memory_data_param");
    int64_t lengths[IMAGE_RANK] = {0};

    if (definition->input != NULL || layer->top_count == 0 || strcmp(layer->type, "DummyData") == 0)
        return 0;
    if (prototext_integer(text, memory, "channels", 1, MAX_CHANNELS, &lengths[1], error) < 0 ||
        prototext_integer(text, memory, "height", 1, CAFFE_MAX_SIDE, &lengths[2], error) < 0 ||
        prototext_integer(text, memory, "width", 1, CAFFE_MAX_SIDE, &lengths[3], error) < 0)
        return FAILED;
    set_input(definition, layer->tops[0], lengths);
    return 0;
}

/* ---- preprocessing ---------------------------------------------------------------------- */

/* As Caffe's upgrade does, scale, mean_file and crop_size are also taken from where they stood
 * before transform_param. */
static int read_transform(const struct prototext *text, const struct prototext_field *message,
                          bool v0, struct caffe_transform *transform, struct error *error)
{
    const struct prototext_field *mean;
    const char *path = NULL, *name;
    uint64_t crop = transform->crop;

    if (prototext_float(text, message, "scale", &transform->scale, error) < 0 ||
        prototext_unsigned(text, message, v0 ? "cropsize" : "crop_size", 0, CAFFE_MAX_SIDE, &crop,
                           error) < 0 ||
        prototext_text(text, message, v0 ? "meanfile" : "mean_file", &path, error) < 0)
        return FAILED;
    transform->crop = (size_t)crop;
    name = path != NULL ? path_name(path) : NULL;
    if (name != NULL && strlen(name) < sizeof transform->mean_file)
        memcpy(transform->mean_file, name, strlen(name) + 1);
    for (mean = prototext_find(text, message, "mean_value");
         mean != NULL && transform->mean_count < CAFFE_MEANS;
         mean = prototext_find_next(text, mean, "mean_value"))
        if (prototext_float_of(mean, &transform->means[transform->mean_count++], error) < 0)
            return FAILED;
    return 0;
}

/* The first data layer of the TEST phase counts, before that the first of any phase. */
static int note_transform(struct caffe_definition *definition, const struct caffe_layer *layer,
                          bool included, bool *settled, struct error *error)
{
    static const char *const names[] = {"transform_param", "data_param", "image_data_param",
                                        "window_data_param"};
    const struct prototext *text = &definition->text;
    struct caffe_transform transform = {.scale = 1};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct prototext_field *message = prototext_find(text, layer->message, names[i]);

        transform.given = transform.given || message != NULL;
        if (read_transform(text, message, false, &transform, error) < 0)
            return FAILED;
    }
    if (layer->v0 != NULL) {
        transform.given = true;
        if (read_transform(text, layer->v0, true, &transform, error) < 0)
            return FAILED;
    }
    if (transform.given && (!definition->transform.given || (included && !*settled))) {
        definition->transform = transform;
        *settled = included;
    }
    return 0;
}

/* ---- layers ----------------------------------------------------------------------------- */

/* The texts of all fields `name`; release *items with free(). */
static int read_blobs(const struct prototext *text, const struct prototext_field *message,
                      const char *name, const char ***items, size_t *count, struct error *error)
{
    const struct prototext_field *field;
    size_t room = 0;

    for (field = prototext_find(text, message, name); field != NULL;
         field = prototext_find_next(text, field, name))
        room++;
    *items = memory_allocate(room, sizeof **items, error);
    if (*items == NULL)
        return FAILED;
    *count = 0;
    for (field = prototext_find(text, message, name); field != NULL;
         field = prototext_find_next(text, field, name))
        if (prototext_text_of(field, &(*items)[(*count)++], error) < 0)
            return FAILED;
    return 0;
}

static void release_layer(struct caffe_layer *layer)
{
    free(layer->bottoms);
    free(layer->tops);
}

static int fill_layer(const struct caffe_definition *definition, struct caffe_layer *layer,
                      struct error *error)
{
    const struct prototext *text = &definition->text;

    layer->v0 = prototext_find(text, layer->message, "layer");
    layer->name = "";
    if (prototext_text(text, layer->v0 != NULL ? layer->v0 : layer->message, "name", &layer->name,
                       error) < 0 ||
        read_blobs(text, layer->message, "bottom", &layer->bottoms, &layer->bottom_count,
                   error) < 0 ||
        read_blobs(text, layer->message, "top", &layer->tops, &layer->top_count, error) < 0)
        return FAILED;
    return read_type(definition, layer, error);
}

/* Keeps the layer, or what it says of the input; takes it over only when *kept is true. */
static int sort_layer(struct caffe_definition *definition, const struct caffe_layer *layer,
                      bool *settled, bool *kept, struct error *error)
{
    void *layers = definition->layers;
    bool included;

    if (is_included(definition, layer->message, &included, error) < 0)
        return FAILED;
    if (layer->bottom_count == 0 &&
        note_transform(definition, layer, included, settled, error) < 0)
        return FAILED;
    if (!included)
        return 0;
    if (layer->bottom_count == 0)
        return strcmp(layer->type, "Input") == 0 ? read_input_layer(definition, layer, error)
                                                 : read_data_layer(definition, layer, error);
    if (definition->count == MAX_LAYERS)
        return error_set(error, "it has more than %d layers", MAX_LAYERS);
    if (memory_grow(&layers, definition->count, &definition->capacity,
                    sizeof *definition->layers, error) < 0)
        return FAILED;
    definition->layers = layers;
    definition->layers[definition->count++] = *layer;
    *kept = true;
    return 0;
}

static int read_layers(struct caffe_definition *definition, const char *name, struct error *error)
{
    const struct prototext *text = &definition->text;
    const struct prototext_field *message;
    bool settled = false;

    for (message = prototext_find(text, text->root, name); message != NULL;
         message = prototext_find_next(text, message, name)) {
        struct caffe_layer layer = {.message = message};
        bool kept = false;
        int outcome = fill_layer(definition, &layer, error);

        if (outcome == 0)
            outcome = sort_layer(definition, &layer, &settled, &kept, error);
        if (!kept)
            release_layer(&layer);
        if (outcome < 0)
            return FAILED;
    }
    return 0;
}

int caffe_definition_parse(struct bytes bytes, struct caffe_definition *definition,
                           struct error *error)
{
    const struct prototext *text = &definition->text;
    bool now, old;

    *definition = (struct caffe_definition){.name = "", .transform.scale = 1};
    if (prototext_parse(bytes, &definition->text, error) < 0)
        return FAILED;
    now = prototext_find(text, text->root, "layer") != NULL;
    old = prototext_find(text, text->root, "layers") != NULL;
    if (now && old)
        return error_set(error, "it has both 'layer' and 'layers'");
    if (!now && !old)
        return error_set(error, "it has no layers");
    if (prototext_text(text, text->root, "name", &definition->name, error) < 0 ||
        read_state(definition, error) < 0 || read_input_fields(definition, error) < 0 ||
        read_layers(definition, now ? "layer" : "layers", error) < 0)
        return FAILED;
    if (definition->input == NULL)
        return error_set(error, "it has no input for images");
    return 0;
}

void caffe_definition_release(struct caffe_definition *definition)
{
    for (size_t i = 0; i < definition->count; i++)
        release_layer(&definition->layers[i]);
    free(definition->layers);
    prototext_release(&definition->text);
    *definition = (struct caffe_definition){0};
}

const struct prototext_field *caffe_parameters(const struct caffe_definition *definition,
                                               const struct caffe_layer *layer, const char *name)
{
    return layer->v0 != NULL ? layer->v0
                             : prototext_find(&definition->text, layer->message, name);
}

const char *caffe_parameter_name(const struct caffe_layer *layer, const char *name)
{
    if (layer->v0 != NULL && strcmp(name, "kernel_size") == 0)
        return "kernelsize";
    if (layer->v0 != NULL && strcmp(name, "bias_term") == 0)
        return "biasterm";
    return name;
}
