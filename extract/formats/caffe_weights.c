#include "extract/formats/caffe_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/protobuf.h"

/* Field numbers of caffe.proto. */
enum { NET_NAME = 1, NET_LAYERS = 2, NET_LAYER = 100 };
enum { BLOB_NUM = 1, BLOB_WIDTH = 4, BLOB_DATA = 5, BLOB_SHAPE = 7, BLOB_DOUBLE_DATA = 8,
       SHAPE_DIM = 1 };
enum { LEGACY_RANK = 4 };

/* Where the three ages of layers keep what is wanted; 0: nowhere. */
struct layer_fields {
    uint32_t name, blobs;
    uint32_t transform;                 /* a TransformationParameter */
    uint32_t data, image_data, window;  /* the first two and crop_size in old messages of these */
};

static const struct layer_fields current_fields = {1, 7, 100, 107, 115, 129};
static const struct layer_fields v1_fields = {4, 6, 36, 11, 15, 20};
/* The V0LayerParameter is the transformation itself, under numbers of its own. */
static const struct layer_fields v0_fields = {1, 50, 0, 0, 0, 0};
enum { V1_TYPE = 5, V0_LAYER = 1 };

/* Where a message says how images are transformed. */
struct transform_fields {
    uint32_t scale, crop, mean_file, mean_value;
};

static const struct transform_fields transformation = {1, 3, 4, 5};
static const struct transform_fields data_parameter = {2, 5, 3, 0};
static const struct transform_fields image_data_parameter = {2, 5, 3, 0};
static const struct transform_fields window_data_parameter = {2, 5, 3, 0};
static const struct transform_fields v0_parameter = {17, 20, 18, 0};

/* Far above any network's; bounds what a file of empty blobs can cost. */
enum { MAX_BLOBS = 1 << 16, MAX_CROP = 1 << 14 };

/* ---- blobs ------------------------------------------------------------------------------ */

/* What a BlobProto's fields say, before they are put together. */
struct blob_fields {
    int64_t shape[TENSOR_MAX_RANK];
    size_t rank;
    bool has_shape, is_legacy;
    struct bytes data;     /* the last chunk of numbers */
    size_t chunks, size;   /* how many there are, and their bytes together */
    uint32_t number;       /* the field of the numbers */
};

static int read_shape(struct bytes message, struct blob_fields *fields, struct error *error)
{
    struct protobuf shape = protobuf_from(message);
    struct protobuf_field field;

    fields->rank = 0;
    while (protobuf_next(&shape, &field)) {
        struct protobuf packed = protobuf_from(field.bytes);
        bool single = field.type == PROTOBUF_VARINT;

        if (field.number != SHAPE_DIM || (!single && field.type != PROTOBUF_BYTES))
            continue;
        while (single || protobuf_next_varint(&packed, &field.value)) {
            if (fields->rank == TENSOR_MAX_RANK)
                return error_set(error, "it has more than %d dimensions", TENSOR_MAX_RANK);
            fields->shape[fields->rank++] = (int64_t)field.value;
            single = false;
        }
        if (packed.damaged)
            return protobuf_damaged(error);
    }
    return shape.damaged ? protobuf_damaged(error) : 0;
}

/* Numbers lie packed in one field, or in several, or one to a field. */
static bool is_chunk(const struct protobuf_field *field)
{
    if (field->number == BLOB_DATA)
        return field->type == PROTOBUF_BYTES || field->type == PROTOBUF_FIXED32;
    return field->number == BLOB_DOUBLE_DATA &&
           (field->type == PROTOBUF_BYTES || field->type == PROTOBUF_FIXED64);
}

static size_t chunk_size(const struct protobuf_field *field)
{
    if (field->type == PROTOBUF_BYTES)
        return field->bytes.size;
    return field->type == PROTOBUF_FIXED32 ? 4 : 8;
}

static int read_blob_field(const struct protobuf_field *field, struct blob_fields *fields,
                           struct error *error)
{
    if (field->number >= BLOB_NUM && field->number <= BLOB_WIDTH &&
        field->type == PROTOBUF_VARINT && !fields->has_shape) {
        if (!fields->is_legacy)
            memset(fields->shape, 0, sizeof fields->shape);
        fields->is_legacy = true;
        fields->rank = LEGACY_RANK;
        fields->shape[field->number - BLOB_NUM] = (int64_t)field->value;
    } else if (field->number == BLOB_SHAPE && field->type == PROTOBUF_BYTES) {
        fields->has_shape = true;
        return read_shape(field->bytes, fields, error);
    } else if (is_chunk(field)) {
        if (fields->chunks > 0 && fields->number != field->number)
            return error_set(error, "it has numbers of two types");
        fields->number = field->number;
        fields->data = field->bytes;
        fields->size += chunk_size(field);
        fields->chunks += field->type == PROTOBUF_BYTES ? 1 : 2;
    }
    return 0;
}

/* Puts the numbers of all chunks side by side; tensor->bytes is allocated. */
static void gather(struct bytes message, struct tensor *tensor)
{
    struct protobuf blob = protobuf_from(message);
    struct protobuf_field field;
    unsigned char *out = tensor->owned;

    while (protobuf_next(&blob, &field)) {
        size_t size = chunk_size(&field);

        if (!is_chunk(&field))
            continue;
        if (field.type == PROTOBUF_BYTES && size > 0)
            memcpy(out, field.bytes.data, size);
        for (size_t i = 0; field.type != PROTOBUF_BYTES && i < size; i++)
            out[i] = (unsigned char)(field.value >> (8 * i));
        out += size;
    }
}

int caffe_blob_parse(struct bytes message, struct tensor *tensor, struct error *error)
{
    struct protobuf blob = protobuf_from(message);
    struct blob_fields fields = {.number = BLOB_DATA};
    struct protobuf_field field;
    size_t size;

    *tensor = (struct tensor){0};
    while (protobuf_next(&blob, &field))
        if (read_blob_field(&field, &fields, error) < 0)
            return FAILED;
    if (blob.damaged)
        return protobuf_damaged(error);
    tensor->type = fields.number == BLOB_DATA ? TENSOR_FLOAT32 : TENSOR_FLOAT64;
    if (tensor_set_shape(tensor, fields.shape, fields.rank, error) < 0)
        return FAILED;
    if (!size_multiply(tensor->count, tensor_type_size(tensor->type), &size) ||
        size != fields.size)
        return error_set(error, "it has %zu numbers, its shape asks for %zu",
                         fields.size / tensor_type_size(tensor->type), tensor->count);
    tensor->bytes = fields.data;
    if (fields.chunks == 1)
        return 0;
    if (tensor_allocate(tensor, error) < 0)
        return FAILED;
    gather(message, tensor);
    return 0;
}

/* ---- preprocessing ---------------------------------------------------------------------- */

static void set_mean_file(struct caffe_transform *transform, struct bytes path)
{
    const unsigned char *slash = path.size > 0 ? memrchr(path.data, '/', path.size) : NULL;

    if (slash != NULL) {
        path.size -= (size_t)(slash + 1 - path.data);
        path.data = slash + 1;
    }
    if (path.size == 0 || path.size >= sizeof transform->mean_file ||
        memchr(path.data, '\0', path.size) != NULL)
        return;
    memcpy(transform->mean_file, path.data, path.size);
    transform->mean_file[path.size] = '\0';
}

static void add_mean(struct caffe_transform *transform, uint64_t bits)
{
    float mean = float_of_bits((uint32_t)bits);

    if (transform->mean_count < CAFFE_MEANS && isfinite(mean))
        transform->means[transform->mean_count++] = mean;
}

static void read_transform(struct bytes message, const struct transform_fields *fields,
                           struct caffe_transform *transform)
{
    struct protobuf parameter = protobuf_from(message);
    struct protobuf_field field;

    while (protobuf_next(&parameter, &field)) {
        if (field.number == fields->scale && field.type == PROTOBUF_FIXED32)
            transform->scale = float_of_bits((uint32_t)field.value);
        else if (field.number == fields->crop && field.type == PROTOBUF_VARINT)
            transform->crop = field.value <= MAX_CROP ? (size_t)field.value : 0;
        else if (field.number == fields->mean_file && field.type == PROTOBUF_BYTES)
            set_mean_file(transform, field.bytes);
        else if (field.number == fields->mean_value && field.type == PROTOBUF_FIXED32)
            add_mean(transform, field.value);
    }
}

/* The message in a layer that says how its images are transformed; NULL for all others. */
static const struct transform_fields *transform_fields_of(const struct layer_fields *fields,
                                                          uint32_t number)
{
    if (number == 0)
        return NULL;
    if (number == fields->transform)
        return &transformation;
    if (number == fields->data)
        return &data_parameter;
    if (number == fields->image_data)
        return &image_data_parameter;
    return number == fields->window ? &window_data_parameter : NULL;
}

/* ---- layers ----------------------------------------------------------------------------- */

static int add_blob(struct caffe_blobs *blobs, struct bytes message, struct error *error)
{
    void *tensors = blobs->tensors;

    if (memory_grow(&tensors, blobs->count, &blobs->capacity, sizeof *blobs->tensors, error) < 0)
        return FAILED;
    blobs->tensors = tensors;
    if (caffe_blob_parse(message, &blobs->tensors[blobs->count++], error) < 0)
        return error_wrap(error, "its blob %zu", blobs->count - 1);
    return 0;
}

static void release_blobs(struct caffe_blobs *blobs)
{
    for (size_t i = 0; i < blobs->count; i++)
        tensor_release(&blobs->tensors[i]);
    free(blobs->tensors);
    free(blobs->layer);
    *blobs = (struct caffe_blobs){0};
}

/* Takes over *blobs, whatever the outcome. */
static int keep(struct caffe_weights *weights, struct caffe_blobs *blobs, struct error *error)
{
    void *layers = weights->layers;
    size_t place;

    if (names_find(&weights->names, blobs->layer, &place) == 0) {
        error_set(error, "it has weights for two layers '%s'", blobs->layer);
    } else if (memory_grow(&layers, weights->count, &weights->capacity, sizeof *weights->layers,
                           error) == 0) {
        weights->layers = layers;
        weights->layers[weights->count] = *blobs;
        return names_put(&weights->names, blobs->layer, weights->count++, error);
    }
    release_blobs(blobs);
    return FAILED;
}

/* One field of a layer: its name, a blob or a transformation. */
static int read_layer_field(const struct protobuf_field *field, const struct layer_fields *fields,
                            struct caffe_blobs *blobs, struct caffe_transform *transform,
                            struct error *error)
{
    const struct transform_fields *found;

    if (field->type != PROTOBUF_BYTES)
        return 0;
    if (field->number == fields->name) {
        free(blobs->layer);
        blobs->layer = protobuf_copy_text(field->bytes, error);
        return blobs->layer != NULL ? 0 : FAILED;
    }
    if (field->number == fields->blobs)
        return add_blob(blobs, field->bytes, error);
    found = transform_fields_of(fields, field->number);
    if (found != NULL) {
        transform->given = true;
        read_transform(field->bytes, found, transform);
    }
    return 0;
}

static int read_layer(struct caffe_weights *weights, struct bytes message,
                      const struct layer_fields *fields, size_t *blob_count, struct error *error)
{
    struct protobuf layer = protobuf_from(message);
    struct caffe_transform transform = {.scale = 1};
    struct caffe_blobs blobs = {0};
    struct protobuf_field field;
    int outcome = 0;

    while (outcome == 0 && protobuf_next(&layer, &field))
        outcome = read_layer_field(&field, fields, &blobs, &transform, error);
    if (outcome == 0 && layer.damaged)
        outcome = protobuf_damaged(error);
    *blob_count += blobs.count;
    if (outcome == 0 && *blob_count > MAX_BLOBS)
        outcome = error_set(error, "it has more than %d blobs", MAX_BLOBS);
    if (outcome < 0)
        error_wrap(error, "layer '%s'", blobs.layer != NULL ? blobs.layer : "");
    if (fields == &v0_fields)
        read_transform(message, &v0_parameter, &transform);
    if (transform.crop > 0 || *transform.mean_file != '\0')
        transform.given = true;
    if (outcome == 0 && transform.given && !weights->transform.given)
        weights->transform = transform;
    if (outcome == 0 && blobs.count > 0 && blobs.layer != NULL)
        return keep(weights, &blobs, error);
    release_blobs(&blobs);
    return outcome;
}

/* The V0LayerParameter in a `layers` message; {NULL, 0} in one of V1. */
static struct bytes v0_layer(struct bytes message)
{
    struct protobuf layer = protobuf_from(message);
    struct bytes found = {0};
    struct protobuf_field field;

    while (protobuf_next(&layer, &field))
        if (field.number == V0_LAYER && field.type == PROTOBUF_BYTES)
            found = field.bytes;
    return found;
}

int caffe_weights_parse(struct bytes bytes, struct caffe_weights *weights, struct error *error)
{
    struct protobuf net = protobuf_from(bytes);
    struct protobuf_field field;
    size_t blob_count = 0;
    int outcome = 0;

    *weights = (struct caffe_weights){.transform.scale = 1};
    while (outcome == 0 && protobuf_next(&net, &field)) {
        if (field.type != PROTOBUF_BYTES)
            continue;
        if (field.number == NET_NAME && weights->name == NULL) {
            weights->name = protobuf_copy_text(field.bytes, error);
            outcome = weights->name != NULL ? 0 : FAILED;
        } else if (field.number == NET_LAYER) {
            outcome = read_layer(weights, field.bytes, &current_fields, &blob_count, error);
        } else if (field.number == NET_LAYERS) {
            struct bytes v0 = v0_layer(field.bytes);

            outcome = v0.data != NULL
                          ? read_layer(weights, v0, &v0_fields, &blob_count, error)
                          : read_layer(weights, field.bytes, &v1_fields, &blob_count, error);
        }
    }
    if (outcome == 0 && net.damaged)
        return weights->count == 0
                   ? protobuf_damaged(error)
                   : error_set(error, "the file is damaged or cut off behind layer '%s'",
                               weights->layers[weights->count - 1].layer);
    return outcome;
}

void caffe_weights_release(struct caffe_weights *weights)
{
    for (size_t i = 0; i < weights->count; i++)
        release_blobs(&weights->layers[i]);
    free(weights->layers);
    free(weights->name);
    names_release(&weights->names);
    *weights = (struct caffe_weights){0};
}

const struct caffe_blobs *caffe_weights_find(const struct caffe_weights *weights,
                                             const char *layer)
{
    size_t place;

    return names_find(&weights->names, layer, &place) == 0 ? &weights->layers[place] : NULL;
}

/* ---- recognition ------------------------------------------------------------------------ */

/* A message with a name, and for V1 with the number of its type. */
static bool is_layer(struct bytes message, bool v1)
{
    struct protobuf layer = protobuf_from(message);
    struct protobuf_field field;
    bool has_name = false, has_type = !v1;

    if (v1 && v0_layer(message).data != NULL)
        return is_layer(v0_layer(message), false);
    while (protobuf_next(&layer, &field)) {
        if (field.number == (v1 ? v1_fields.name : current_fields.name) &&
            field.type == PROTOBUF_BYTES)
            has_name = true;
        if (v1 && field.number == V1_TYPE && field.type == PROTOBUF_VARINT)
            has_type = true;
    }
    return has_name && has_type;
}

/* The name of a network, as against a message: those begin with a tag, a control character. */
static bool is_name(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] < ' ')
            return false;
    return true;
}

/* What tells a NetParameter from TensorFlow's GraphDef, which begins with field 1 too: here it is
 * the name of the network, stands at most once, and layers follow. */
bool caffe_is_weights(struct bytes bytes)
{
    struct protobuf net = protobuf_from(bytes);
    struct protobuf_field field;
    size_t name_count = 0;

    while (protobuf_next(&net, &field)) {
        if (field.number == NET_NAME &&
            (field.type != PROTOBUF_BYTES || ++name_count > 1 || !is_name(field.bytes)))
            return false;
        if (field.type == PROTOBUF_BYTES &&
            (field.number == NET_LAYER || field.number == NET_LAYERS))
            return is_layer(field.bytes, field.number == NET_LAYERS);
    }
    return false;
}
