#include "classify/model_file.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"

enum { MAGIC = 8, VERSION = 3, MOST_CLASSES = 1 << 20 };

static const char magic[MAGIC] = {'b', 'n', 'k', 'm', 'o', 'd', 'e', 'l'};

/* ---- writing ---------------------------------------------------------------------------- */

/* The file in memory; room for all of it is reserved before the first byte. */
static void put_bytes(struct buffer *file, const void *data, size_t size)
{
    memcpy(file->data + file->size, data, size);
    file->size += size;
}

static void put_number(struct buffer *file, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        file->data[file->size++] = (unsigned char)(number >> 8 * i);
}

static void put_text(struct buffer *file, const char *text)
{
    put_number(file, strlen(text), 4);
    put_bytes(file, text, strlen(text));
}

static void put_reals(struct buffer *file, const double *reals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;

        memcpy(&bits, &reals[i], sizeof bits);
        put_number(file, bits, 8);
    }
}

/* An upper bound of the file's size. linear_create has bounded the weights. */
static size_t size_of(const struct model *model)
{
    const struct feature_set *set = &model->features;
    size_t size = 256 + strlen(model->program) + strlen(set->network_name) + strlen(set->layer) +
                  strlen(set->pooling) + strlen(set->preprocessing);

    for (size_t i = 0; i < model->augmentation.count; i++)
        size += 4 + strlen(model->augmentation.views[i]);
    for (size_t i = 0; i < model->linear.classes; i++)
        size += 4 + strlen(model->labels[i]);
    return size + 8 * model->linear.decisions * (model->linear.dimension + 3);
}

static void put_model(struct buffer *file, const struct model *model)
{
    const struct feature_set *set = &model->features;
    const struct linear *linear = &model->linear;
    struct hash checksum;

    put_bytes(file, magic, MAGIC);
    put_number(file, VERSION, 4);
    put_text(file, model->program);
    put_bytes(file, set->network.bytes, HASH_BYTES);
    put_text(file, set->network_name);
    put_text(file, set->layer);
    put_text(file, set->pooling);
    put_text(file, set->preprocessing);
    put_number(file, (uint64_t)set->engine, 8);
    put_number(file, set->dimension, 8);
    put_text(file, normalize_names[model->normalize]);
    put_text(file, augment_names[model->augmentation.use]);
    put_number(file, model->augmentation.count, 4);
    for (size_t i = 0; i < model->augmentation.count; i++)
        put_text(file, model->augmentation.views[i]);
    put_text(file, strategy_names[linear->strategy]);
    put_reals(file, &model->c, 1);
    put_number(file, model->images, 8);
    put_number(file, linear->classes, 4);
    for (size_t i = 0; i < linear->classes; i++)
        put_text(file, model->labels[i]);
    put_number(file, model->sigmoids != NULL, 4);
    for (size_t i = 0; model->sigmoids != NULL && i < linear->decisions; i++) {
        put_reals(file, &model->sigmoids[i].slope, 1);
        put_reals(file, &model->sigmoids[i].offset, 1);
    }
    put_reals(file, linear->bias, linear->decisions);
    put_reals(file, linear->weights, linear->decisions * linear->dimension);
    checksum = hash_bytes(file->data, file->size);
    put_bytes(file, checksum.bytes, HASH_BYTES);
}

int model_write(const char *path, const struct model *model, struct error *error)
{
    struct buffer file = {0};
    struct file_output output = {0};
    int outcome = FAILED;

    if (buffer_reserve(&file, size_of(model), error) < 0)
        return FAILED;
    put_model(&file, model);
    if (file_output_open(path, &output, error) == 0) {
        fwrite(file.data, 1, file.size, output.stream);
        outcome = file_output_commit(&output, error);
    }
    buffer_release(&file);
    return outcome;
}

/* ---- reading ---------------------------------------------------------------------------- */

/* What is left to be read. Reading past the end, or something impossible, sets `fault` to what it
 * was; all further reads then give 0 and "". */
struct reader {
    const unsigned char *at, *end;
    char *texts;        /* where the next text is copied, with a NUL: a text takes four bytes more
                           in the file than its letters, so the file's size is room enough */
    const char *fault;
};

static size_t left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static const unsigned char *take_bytes(struct reader *reader, size_t size, const char *what)
{
    const unsigned char *bytes = reader->at;

    if (reader->fault == NULL && size > left(reader))
        reader->fault = what;
    if (reader->fault != NULL)
        return NULL;
    reader->at += size;
    return bytes;
}

static uint64_t take_number(struct reader *reader, size_t size, const char *what)
{
    const unsigned char *bytes = take_bytes(reader, size, what);
    uint64_t number = 0;

    for (size_t i = 0; bytes != NULL && i < size; i++)
        number |= (uint64_t)bytes[i] << 8 * i;
    return number;
}

static char *take_text(struct reader *reader, const char *what)
{
    size_t length = (size_t)take_number(reader, 4, what);
    const unsigned char *bytes = take_bytes(reader, length, what);
    char *text = reader->texts;

    if (bytes != NULL && memchr(bytes, 0, length) != NULL)
        reader->fault = what;
    else if (bytes != NULL)
        memcpy(text, bytes, length);
    if (reader->fault != NULL)
        length = 0;
    text[length] = '\0';
    reader->texts += length + 1;
    return text;
}

/* A number that is not finite has no place in a model. */
static void take_reals(struct reader *reader, double *reals, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = take_number(reader, 8, what);

        memcpy(&reals[i], &bits, sizeof bits);
        if (!isfinite(reals[i]) && reader->fault == NULL)
            reader->fault = what;
    }
}

/* One of `names`, which end with NULL; its place among them. */
static size_t take_name(struct reader *reader, const char *const *names, const char *what)
{
    const char *name = take_text(reader, what);

    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    if (reader->fault == NULL)
        reader->fault = what;
    return 0;
}

static int take_views(struct reader *reader, struct augmentation *augmentation,
                      struct error *error)
{
    size_t count;

    augmentation->use = (enum augment)take_name(reader, augment_names, "use of views");
    count = (size_t)take_number(reader, 4, "number of views");
    if (reader->fault == NULL &&
        (count > left(reader) / 4 || (count == 0) != (augmentation->use == AUGMENT_NONE)))
        reader->fault = "number of views";
    if (reader->fault != NULL)
        return 0;
    augmentation->views = memory_allocate(count, sizeof *augmentation->views, error);
    if (augmentation->views == NULL)
        return FAILED;
    for (; augmentation->count < count && reader->fault == NULL; augmentation->count++) {
        char *view = take_text(reader, "views");

        augmentation->views[augmentation->count] = view;
        if (reader->fault == NULL && augmentation->count > 0 &&
            strcmp(augmentation->views[augmentation->count - 1], view) >= 0)
            reader->fault = "order of views";
    }
    return 0;
}

static int take_header(struct reader *reader, struct model *model, struct error *error)
{
    struct feature_set *set = &model->features;
    const unsigned char *network;

    model->program = take_text(reader, "program");
    network = take_bytes(reader, HASH_BYTES, "network digest");
    if (network != NULL)
        memcpy(set->network.bytes, network, HASH_BYTES);
    set->network_name = take_text(reader, "network name");
    set->layer = take_text(reader, "layer");
    set->pooling = take_text(reader, "pooling");
    set->preprocessing = take_text(reader, "preprocessing");
    set->engine = (int64_t)take_number(reader, 8, "engine version");
    set->dimension = (size_t)take_number(reader, 8, "dimension");
    model->normalize = (enum normalize)take_name(reader, normalize_names, "normalisation");
    if (take_views(reader, &model->augmentation, error) < 0)
        return FAILED;
    model->linear.strategy = (enum strategy)take_name(reader, strategy_names, "strategy");
    take_reals(reader, &model->c, 1, "C");
    if (reader->fault == NULL && !(model->c > 0))
        reader->fault = "C";
    model->images = (size_t)take_number(reader, 8, "number of images");
    return 0;
}

static int take_labels(struct reader *reader, struct model *model, size_t classes,
                       struct error *error)
{
    model->labels = memory_allocate(classes, sizeof *model->labels, error);
    if (model->labels == NULL)
        return FAILED;
    for (size_t i = 0; i < classes; i++) {
        model->labels[i] = take_text(reader, "labels");
        if (reader->fault == NULL && i > 0 &&
            strcmp(model->labels[i - 1], model->labels[i]) >= 0)
            reader->fault = "order of labels";
    }
    return 0;
}

static int take_sigmoids(struct reader *reader, struct model *model, size_t decisions,
                         struct error *error)
{
    model->sigmoids = memory_allocate(decisions, sizeof *model->sigmoids, error);
    if (model->sigmoids == NULL)
        return FAILED;
    for (size_t i = 0; i < decisions; i++) {
        take_reals(reader, &model->sigmoids[i].slope, 1, "sigmoids");
        take_reals(reader, &model->sigmoids[i].offset, 1, "sigmoids");
    }
    return 0;
}

/* Sigmoids and weights. Their sizes are held against what is left of the file before any room is
 * made for them. */
static int take_decisions(struct reader *reader, struct model *model, size_t classes,
                          struct error *error)
{
    const enum strategy strategy = model->linear.strategy;
    size_t dimension = model->features.dimension, numbers;
    size_t calibrated = (size_t)take_number(reader, 4, "sigmoids");
    size_t decisions = strategy_decisions(strategy, classes);
    struct linear *linear = &model->linear;

    if (reader->fault == NULL && calibrated > 1)
        reader->fault = "sigmoids";
    if (reader->fault == NULL &&
        (dimension == 0 || dimension > left(reader) / 8 ||
         !size_multiply(decisions, dimension + 1 + 2 * calibrated, &numbers) ||
         numbers > SIZE_MAX / 8 || numbers * 8 != left(reader)))
        reader->fault = "number of weights";
    if (reader->fault != NULL)
        return 0;
    if ((calibrated > 0 && take_sigmoids(reader, model, decisions, error) < 0) ||
        linear_create(strategy, classes, dimension, linear, error) < 0)
        return FAILED;
    take_reals(reader, linear->bias, decisions, "bias");
    take_reals(reader, linear->weights, decisions * dimension, "weights");
    return 0;
}

static int take_classes(struct reader *reader, struct model *model, struct error *error)
{
    size_t classes = (size_t)take_number(reader, 4, "number of classes");

    if (reader->fault == NULL &&
        (classes < 2 || classes > MOST_CLASSES || classes > left(reader) / 4))
        reader->fault = "number of classes";
    if (reader->fault != NULL)
        return 0;
    if (take_labels(reader, model, classes, error) < 0)
        return FAILED;
    return take_decisions(reader, model, classes, error);
}

static int check_envelope(const char *path, const struct buffer *file, struct error *error)
{
    struct reader reader = {.at = file->data, .end = file->data + file->size};
    const unsigned char *start = take_bytes(&reader, MAGIC, "magic");
    uint64_t version;
    struct hash checksum;

    if (start == NULL || memcmp(start, magic, MAGIC) != 0)
        return error_set(error, "'%s' is no model of bottleneck-classify", path);
    version = take_number(&reader, 4, "version");
    if (reader.fault == NULL && version != VERSION)
        return error_set(error, "'%s' is a model of format version %u, version %d is read here: "
                         "use the bottleneck-classify that wrote it, or train it again", path,
                         (unsigned)version, VERSION);
    if (left(&reader) >= HASH_BYTES) {
        checksum = hash_bytes(file->data, file->size - HASH_BYTES);
        if (memcmp(checksum.bytes, reader.end - HASH_BYTES, HASH_BYTES) == 0)
            return 0;
    }
    return error_set(error, "'%s' is damaged or cut off: its checksum is wrong; train it again",
                     path);
}

int model_read(const char *path, struct model *model, struct error *error)
{
    struct buffer file = {0};
    struct reader reader = {0};
    int outcome = FAILED;

    *model = (struct model){0};
    if (file_read(path, SIZE_MAX / 2, &file, NULL, error) < 0 ||
        check_envelope(path, &file, error) < 0)
        goto out;
    model->owned = memory_allocate(file.size, 1, error);
    if (model->owned == NULL)
        goto out;
    reader.at = file.data + MAGIC + 4;
    reader.end = file.data + file.size - HASH_BYTES;
    reader.texts = model->owned;
    if (take_header(&reader, model, error) < 0 || take_classes(&reader, model, error) < 0)
        goto out;
    if (reader.fault == NULL)
        outcome = 0;
    else
        error_set(error, "'%s' is no valid model: its %s cannot be", path, reader.fault);
out:
    buffer_release(&file);
    if (outcome < 0)
        model_release(model);
    return outcome;
}

void model_release(struct model *model)
{
    linear_release(&model->linear);
    free(model->sigmoids);
    free(model->labels);
    free(model->augmentation.views);
    free(model->owned);
    *model = (struct model){0};
}
