#include "extract/formats/tensorflow_attributes.h"

#include "common/memory.h"

/* Field numbers of the messages. */
enum { NODE_ATTRIBUTE = 5 };
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };
enum { VALUE_LIST = 1, VALUE_TEXT = 2, VALUE_INTEGER = 3, VALUE_FLOAT = 4, VALUE_BOOLEAN = 5,
       VALUE_TYPE = 6, VALUE_SHAPE = 7, VALUE_TENSOR = 8 };
enum { LIST_INTEGER = 3 };
enum { SHAPE_DIMENSION = 2, DIMENSION_SIZE = 1 };
enum { TENSOR_TYPE = 1, TENSOR_SHAPE = 2, TENSOR_CONTENT = 4, TENSOR_FLOATS = 5,
       TENSOR_DOUBLES = 6, TENSOR_INT32S = 7, TENSOR_INT64S = 10, TENSOR_HALVES = 13 };

/* The AttrValue; {NULL, 0} when the node does not have it. */
static struct bytes find_attribute(const struct tensorflow_node *node, const char *name)
{
    struct protobuf message = protobuf_from(node->message);
    struct protobuf_field field;

    while (protobuf_next(&message, &field))
        if (field.number == NODE_ATTRIBUTE && field.type == PROTOBUF_BYTES &&
            bytes_are(protobuf_find(field.bytes, ENTRY_KEY), name))
            return protobuf_find(field.bytes, ENTRY_VALUE);
    return (struct bytes){0};
}

static bool find_number(const struct tensorflow_node *node, const char *name, uint32_t number,
                        uint64_t *value)
{
    return protobuf_find_number(find_attribute(node, name), number, value);
}

int64_t tensorflow_integer(const struct tensorflow_node *node, const char *name, int64_t fallback)
{
    uint64_t value;

    return find_number(node, name, VALUE_INTEGER, &value) ? (int64_t)value : fallback;
}

float tensorflow_float(const struct tensorflow_node *node, const char *name, float fallback)
{
    uint64_t value;

    return find_number(node, name, VALUE_FLOAT, &value) ? float_of_bits((uint32_t)value)
                                                        : fallback;
}

bool tensorflow_boolean(const struct tensorflow_node *node, const char *name, bool fallback)
{
    uint64_t value;

    return find_number(node, name, VALUE_BOOLEAN, &value) ? value != 0 : fallback;
}

int64_t tensorflow_data_type(const struct tensorflow_node *node, const char *name,
                             int64_t fallback)
{
    uint64_t value;

    return find_number(node, name, VALUE_TYPE, &value) ? (int64_t)value : fallback;
}

struct bytes tensorflow_text(const struct tensorflow_node *node, const char *name)
{
    return protobuf_find(find_attribute(node, name), VALUE_TEXT);
}

size_t tensorflow_integers(const struct tensorflow_node *node, const char *name, int64_t *values,
                           size_t room)
{
    struct bytes list = protobuf_find(find_attribute(node, name), VALUE_LIST);

    return protobuf_integers(list, LIST_INTEGER, values, room);
}

/* The lengths of a TensorShapeProto, into shape [TENSOR_MAX_RANK]. */
static int collect_dimensions(struct bytes bytes, int64_t *shape, size_t *rank,
                              struct error *error)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;

    *rank = 0;
    while (protobuf_next(&message, &field)) {
        if (field.number != SHAPE_DIMENSION || field.type != PROTOBUF_BYTES)
            continue;
        if (*rank == TENSOR_MAX_RANK)
            return error_set(error, "a shape has more than %d dimensions", TENSOR_MAX_RANK);
        shape[*rank] = 0;
        protobuf_integers(field.bytes, DIMENSION_SIZE, &shape[(*rank)++], 1);
    }
    return message.damaged ? protobuf_damaged(error) : 0;
}

size_t tensorflow_shape(const struct tensorflow_node *node, const char *name, int64_t *shape)
{
    struct bytes bytes = protobuf_find(find_attribute(node, name), VALUE_SHAPE);
    struct error ignored;
    size_t rank;

    return collect_dimensions(bytes, shape, &rank, &ignored) == 0 ? rank : 0;
}

/* ---- tensors ---------------------------------------------------------------------------- */

/* The type, and the field that has its numbers where they are not in one run of bytes. */
static enum tensor_type type_of(uint64_t data_type, uint32_t *list)
{
    switch (data_type) {
    case TENSORFLOW_FLOAT:
        *list = TENSOR_FLOATS;
        return TENSOR_FLOAT32;
    case TENSORFLOW_DOUBLE:
        *list = TENSOR_DOUBLES;
        return TENSOR_FLOAT64;
    case TENSORFLOW_HALF:
        *list = TENSOR_HALVES;
        return TENSOR_FLOAT16;
    case TENSORFLOW_INT32:
        *list = TENSOR_INT32S;
        return TENSOR_INT32;
    case TENSORFLOW_INT64:
        *list = TENSOR_INT64S;
        return TENSOR_INT64;
    default:
        return TENSOR_OTHER;
    }
}

static void store_bits(struct tensor *tensor, size_t place, uint64_t bits)
{
    size_t size = tensor_type_size(tensor->type);
    unsigned char *to = (unsigned char *)tensor->owned + place * size;

    for (size_t i = 0; i < size; i++)
        to[i] = (unsigned char)(bits >> (8 * i));
}

/* The next number of a field: a varint, a fixed one, or one of a packed run of either. */
static bool next_number(const struct protobuf_field *field, bool fixed, size_t size,
                        struct protobuf *packed, bool *single, uint64_t *bits)
{
    if (field->type != PROTOBUF_BYTES) {
        bool first = *single;

        *bits = field->value;
        *single = false;
        return first;
    }
    if (!fixed)
        return protobuf_next_varint(packed, bits);
    if ((size_t)(packed->end - packed->at) < size)
        return false;
    *bits = 0;
    for (size_t i = 0; i < size; i++)
        *bits |= (uint64_t)*packed->at++ << (8 * i);
    return true;
}

/* Fills an allocated tensor from field `list` of its message, and repeats the last number. */
static int gather_numbers(struct bytes bytes, uint32_t list, struct tensor *tensor,
                          struct error *error)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;
    bool fixed = list == TENSOR_FLOATS || list == TENSOR_DOUBLES;
    size_t stored = 0;
    uint64_t bits = 0;

    while (protobuf_next(&message, &field)) {
        struct protobuf packed = protobuf_from(field.bytes);
        bool single = true;

        if (field.number != list)
            continue;
        while (next_number(&field, fixed, tensor_type_size(tensor->type), &packed, &single,
                           &bits)) {
            if (stored == tensor->count)
                return error_set(error, "a tensor has more numbers than its shape asks for");
            store_bits(tensor, stored++, bits);
        }
        if (packed.damaged)
            return protobuf_damaged(error);
    }
    for (; stored > 0 && stored < tensor->count; stored++)
        store_bits(tensor, stored, bits);
    return 0;
}

static int fill_tensor(struct bytes bytes, uint32_t list, size_t limit, struct tensor *tensor,
                       struct error *error)
{
    struct bytes content = protobuf_find(bytes, TENSOR_CONTENT);
    struct bytes run = protobuf_find(bytes, list);
    size_t size;

    if (!size_multiply(tensor->count, tensor_type_size(tensor->type), &size))
        return error_set(error, "a tensor's shape is too large");
    tensor->bytes = content;
    if (content.size > 0 && content.size != size)
        return error_set(error, "a tensor has %zu bytes, its shape asks for %zu", content.size,
                         size);
    if (content.size > 0 || size == 0)
        return 0;
    if (run.size == size && (list == TENSOR_FLOATS || list == TENSOR_DOUBLES)) {
        tensor->bytes = run;
        return 0;
    }
    if (size > limit)
        return error_set(error, "a tensor's shape asks for %zu numbers, too many for how it is "
                         "stored", tensor->count);
    if (tensor_allocate(tensor, error) < 0)
        return FAILED;
    return gather_numbers(bytes, list, tensor, error);
}

int tensorflow_tensor(const struct tensorflow_node *node, const char *name, size_t limit,
                      struct tensor *tensor, struct error *error)
{
    struct bytes bytes = protobuf_find(find_attribute(node, name), VALUE_TENSOR);
    int64_t shape[TENSOR_MAX_RANK], type = 0;
    uint32_t list = 0;
    size_t rank;

    *tensor = (struct tensor){.type = TENSOR_OTHER};
    if (bytes.data == NULL)
        return error_set(error, "its attribute '%s' is missing", name);
    protobuf_integers(bytes, TENSOR_TYPE, &type, 1);
    tensor->type = type_of((uint64_t)type, &list);
    if (collect_dimensions(protobuf_find(bytes, TENSOR_SHAPE), shape, &rank, error) < 0 ||
        tensor_set_shape(tensor, shape, rank, error) < 0)
        return FAILED;
    if (tensor->type == TENSOR_OTHER)
        return 0;
    if (fill_tensor(bytes, list, limit, tensor, error) < 0) {
        tensor_release(tensor);
        return FAILED;
    }
    return 0;
}
