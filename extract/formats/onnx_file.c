#include "extract/formats/onnx_file.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* Field numbers of onnx.proto. */
enum { MODEL_IR_VERSION = 1, MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_INITIALISER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OPERATOR = 4, NODE_ATTRIBUTE = 5,
       NODE_DOMAIN = 7 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INTEGER = 3, ATTRIBUTE_TEXT = 4,
       ATTRIBUTE_TENSOR = 5, ATTRIBUTE_FLOATS = 7, ATTRIBUTE_INTEGERS = 8 };
enum { TENSOR_DIMS = 1, TENSOR_DATA_TYPE = 2, TENSOR_FLOAT_DATA = 4, TENSOR_INT32_DATA = 5,
       TENSOR_INT64_DATA = 7, TENSOR_NAME = 8, TENSOR_RAW_DATA = 9, TENSOR_DOUBLE_DATA = 10,
       TENSOR_LOCATION = 14 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_TYPE_SHAPE = 2, SHAPE_DIM = 1,
       DIM_VALUE = 1 };
enum {
    DATA_FLOAT = 1,
    DATA_INT8 = 3,
    DATA_INT32 = 6,
    DATA_INT64 = 7,
    DATA_FLOAT16 = 10,
    DATA_DOUBLE = 11
};

/* Replaces *name. */
static int set_name(char **name, struct bytes bytes, struct error *error)
{
    free(*name);
    *name = protobuf_copy_text(bytes, error);
    return *name != NULL ? 0 : FAILED;
}

static int append_name(char ***names, size_t *count, struct bytes bytes, struct error *error)
{
    char **grown = realloc(*names, (*count + 1) * sizeof *grown);

    if (grown == NULL)
        return error_no_memory(error);
    *names = grown;
    grown[*count] = protobuf_copy_text(bytes, error);
    if (grown[*count] == NULL)
        return FAILED;
    ++*count;
    return 0;
}

/* ---- tensors ---------------------------------------------------------------------------- */

static enum tensor_type type_of(uint64_t data_type)
{
    switch (data_type) {
    case DATA_FLOAT:
        return TENSOR_FLOAT32;
    case DATA_FLOAT16:
        return TENSOR_FLOAT16;
    case DATA_DOUBLE:
        return TENSOR_FLOAT64;
    case DATA_INT8:
        return TENSOR_INT8;
    case DATA_INT32:
        return TENSOR_INT32;
    case DATA_INT64:
        return TENSOR_INT64;
    default:
        return TENSOR_OTHER;
    }
}

/* What a TensorProto's fields say, before they are put together. */
struct tensor_fields {
    int64_t shape[TENSOR_MAX_RANK];
    size_t rank;
    bool external;
    bool has_raw;
    struct bytes raw;
    struct bytes packed;    /* the typed data, when it stands in a single packed field */
    size_t typed_fields;    /* how many fields of typed data there are */
};

static bool is_typed_data(uint32_t field)
{
    return field == TENSOR_FLOAT_DATA || field == TENSOR_INT32_DATA ||
           field == TENSOR_INT64_DATA || field == TENSOR_DOUBLE_DATA;
}

static int append_dims(struct tensor_fields *fields, const struct protobuf_field *field,
                       struct error *error)
{
    struct protobuf packed = protobuf_from(field->bytes);
    uint64_t value = field->value;

    if (field->type == PROTOBUF_VARINT) {
        if (fields->rank == TENSOR_MAX_RANK)
            return error_set(error, "a tensor has more than %d dimensions", TENSOR_MAX_RANK);
        fields->shape[fields->rank++] = (int64_t)value;
        return 0;
    }
    while (protobuf_next_varint(&packed, &value)) {
        if (fields->rank == TENSOR_MAX_RANK)
            return error_set(error, "a tensor has more than %d dimensions", TENSOR_MAX_RANK);
        fields->shape[fields->rank++] = (int64_t)value;
    }
    return packed.damaged ? protobuf_damaged(error) : 0;
}

static int collect_tensor(struct bytes bytes, struct tensor_fields *fields,
                          struct tensor *tensor, char **name, struct error *error)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;

    tensor->type = TENSOR_OTHER;
    while (protobuf_next(&message, &field)) {
        if (field.number == TENSOR_DIMS) {
            if (append_dims(fields, &field, error) < 0)
                return FAILED;
        } else if (field.number == TENSOR_DATA_TYPE) {
            tensor->type = type_of(field.value);
        } else if (field.number == TENSOR_NAME && name != NULL) {
            if (set_name(name, field.bytes, error) < 0)
                return FAILED;
        } else if (field.number == TENSOR_RAW_DATA) {
            fields->raw = field.bytes;
            fields->has_raw = true;
        } else if (field.number == TENSOR_LOCATION) {
            fields->external = field.value != 0;
        } else if (is_typed_data(field.number)) {
            fields->packed = field.bytes;
            fields->typed_fields++;
        }
    }
    return message.damaged ? protobuf_damaged(error) : 0;
}

/* Gathers typed data that is not one run of little-endian numbers: varints, and numbers that
 * were written one by one. Integers of int32_data hold a float16's bits. */
static int gather_numbers(struct bytes bytes, struct tensor *tensor, struct error *error)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;
    size_t size = tensor_type_size(tensor->type);
    size_t stored = 0;

    if (tensor->count > bytes.size || tensor_allocate(tensor, error) < 0)
        return error_set(error, "a tensor's shape asks for %zu numbers, it has fewer",
                         tensor->count);
    while (protobuf_next(&message, &field)) {
        struct protobuf packed;
        uint64_t value = field.value;
        bool fixed = field.number == TENSOR_FLOAT_DATA || field.number == TENSOR_DOUBLE_DATA;
        bool single = field.type != PROTOBUF_BYTES;

        if (!is_typed_data(field.number))
            continue;
        packed = protobuf_from(field.bytes);
        while (single || (fixed ? (size_t)(packed.end - packed.at) >= size
                                : protobuf_next_varint(&packed, &value))) {
            unsigned char *to = (unsigned char *)tensor->owned + stored * size;

            if (stored++ == tensor->count)
                return error_set(error, "a tensor has more numbers than its shape asks for");
            if (fixed && !single) {
                memcpy(to, packed.at, size);
                packed.at += size;
            } else {
                for (size_t i = 0; i < size; i++)
                    to[i] = (unsigned char)(value >> (8 * i));
            }
            if (single)
                break;
        }
        if (packed.damaged)
            return protobuf_damaged(error);
    }
    if (stored < tensor->count)
        return error_set(error, "a tensor has %zu numbers, its shape asks for %zu", stored,
                         tensor->count);
    return 0;
}

/* *external: whether the numbers are in another file; NULL where they must not be. */
static int parse_tensor(struct bytes bytes, struct tensor *tensor, char **name, bool *external,
                        struct error *error)
{
    struct tensor_fields fields = {0};
    size_t size;

    if (collect_tensor(bytes, &fields, tensor, name, error) < 0 ||
        tensor_set_shape(tensor, fields.shape, fields.rank, error) < 0)
        return FAILED;
    if (external != NULL)
        *external = fields.external;
    if (fields.external)
        return external != NULL ? 0 : error_set(error, "its numbers are in another file");
    if (tensor->type == TENSOR_OTHER)
        return 0;
    if (!size_multiply(tensor->count, tensor_type_size(tensor->type), &size))
        return error_set(error, "a tensor's shape is too large");
    tensor->bytes = fields.has_raw ? fields.raw : fields.packed;
    if (fields.has_raw && fields.raw.size != size)
        return error_set(error, "a tensor has %zu bytes, its shape asks for %zu", fields.raw.size,
                         size);
    if (fields.has_raw || size == 0)
        return 0;
    if (fields.typed_fields == 1 && fields.packed.size == size &&
        (tensor->type == TENSOR_FLOAT32 || tensor->type == TENSOR_FLOAT64))
        return 0;
    return gather_numbers(bytes, tensor, error);
}

/* ---- the graph -------------------------------------------------------------------------- */

static int parse_initialiser(struct onnx_file *file, struct bytes bytes, struct error *error)
{
    void *items = file->initialisers;
    struct onnx_initialiser *initialiser;
    bool external;

    if (memory_grow(&items, file->initialiser_count, &file->initialiser_capacity,
                    sizeof *initialiser, error) < 0)
        return FAILED;
    file->initialisers = items;
    initialiser = &file->initialisers[file->initialiser_count++];
    *initialiser = (struct onnx_initialiser){0};
    if (set_name(&initialiser->name, (struct bytes){0}, error) < 0)
        return FAILED;
    if (parse_tensor(bytes, &initialiser->tensor, &initialiser->name, &external, error) < 0)
        return error_wrap(error, "initialiser '%s'", initialiser->name);
    if (external)
        initialiser->external = bytes;
    return 0;
}

/* "Op", or "domain.Op" for operators that are not ONNX's own. */
static int qualify_operator(struct onnx_node *node, struct bytes domain, struct error *error)
{
    size_t length = domain.size + strlen(node->operator) + 2;
    char *qualified;

    if (domain.size == 0 ||
        (domain.size == strlen("ai.onnx") && memcmp(domain.data, "ai.onnx", domain.size) == 0))
        return 0;
    qualified = memory_allocate(length, 1, error);
    if (qualified == NULL)
        return FAILED;
    memcpy(qualified, domain.data, domain.size);
    qualified[domain.size] = '.';
    memcpy(qualified + domain.size + 1, node->operator, strlen(node->operator));
    free(node->operator);
    node->operator = qualified;
    return 0;
}

static int parse_node_field(struct onnx_node *node, const struct protobuf_field *field,
                            struct bytes *domain, struct error *error)
{
    switch (field->number) {
    case NODE_INPUT:
        return append_name(&node->inputs, &node->input_count, field->bytes, error);
    case NODE_OUTPUT:
        return append_name(&node->outputs, &node->output_count, field->bytes, error);
    case NODE_NAME:
        return set_name(&node->name, field->bytes, error);
    case NODE_OPERATOR:
        return set_name(&node->operator, field->bytes, error);
    case NODE_DOMAIN:
        *domain = field->bytes;
        return 0;
    default:
        return 0;
    }
}

static int parse_node(struct onnx_file *file, struct bytes bytes, struct error *error)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;
    struct bytes domain = {0};
    void *items = file->nodes;
    struct onnx_node *node;

    if (memory_grow(&items, file->node_count, &file->node_capacity, sizeof *node, error) < 0)
        return FAILED;
    file->nodes = items;
    node = &file->nodes[file->node_count++];
    *node = (struct onnx_node){.message = bytes};
    if (set_name(&node->name, domain, error) < 0 || set_name(&node->operator, domain, error) < 0)
        return FAILED;
    while (protobuf_next(&message, &field))
        if (parse_node_field(node, &field, &domain, error) < 0)
            return FAILED;
    return message.damaged ? protobuf_damaged(error) : qualify_operator(node, domain, error);
}

static int parse_dimensions(struct onnx_value *value, struct bytes shape, struct error *error)
{
    struct protobuf message = protobuf_from(shape);
    struct protobuf_field field;

    while (protobuf_next(&message, &field)) {
        struct protobuf dimension = protobuf_from(field.bytes);
        struct protobuf_field length;

        if (field.number != SHAPE_DIM)
            continue;
        if (value->rank == TENSOR_MAX_RANK)
            return error_set(error, "'%s' has more than %d dimensions", value->name,
                             TENSOR_MAX_RANK);
        value->shape[value->rank] = 0;
        while (protobuf_next(&dimension, &length))
            if (length.number == DIM_VALUE && (int64_t)length.value > 0)
                value->shape[value->rank] = (int64_t)length.value;
        value->rank++;
        if (dimension.damaged)
            return protobuf_damaged(error);
    }
    return message.damaged ? protobuf_damaged(error) : 0;
}

static int parse_value(struct onnx_value **values, size_t *count, size_t *capacity,
                       struct bytes bytes, struct error *error)
{
    void *items = *values;
    struct onnx_value *value;
    struct bytes type = protobuf_find(protobuf_find(bytes, VALUE_TYPE), TYPE_TENSOR);

    if (memory_grow(&items, *count, capacity, sizeof *value, error) < 0)
        return FAILED;
    *values = items;
    value = &(*values)[(*count)++];
    *value = (struct onnx_value){0};
    if (set_name(&value->name, protobuf_find(bytes, VALUE_NAME), error) < 0)
        return FAILED;
    return parse_dimensions(value, protobuf_find(type, TENSOR_TYPE_SHAPE), error);
}

static int parse_graph(struct onnx_file *file, struct bytes bytes, struct error *error)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;
    int outcome = 0;

    while (outcome == 0 && protobuf_next(&message, &field)) {
        if (field.type != PROTOBUF_BYTES)
            continue;
        if (field.number == GRAPH_NODE)
            outcome = parse_node(file, field.bytes, error);
        else if (field.number == GRAPH_INITIALISER)
            outcome = parse_initialiser(file, field.bytes, error);
        else if (field.number == GRAPH_INPUT)
            outcome = parse_value(&file->inputs, &file->input_count, &file->input_capacity,
                                  field.bytes, error);
        else if (field.number == GRAPH_OUTPUT)
            outcome = parse_value(&file->outputs, &file->output_count, &file->output_capacity,
                                  field.bytes, error);
    }
    return outcome == 0 && message.damaged ? protobuf_damaged(error) : outcome;
}

static int parse_opset(struct onnx_file *file, struct bytes bytes, struct error *error)
{
    struct bytes domain = protobuf_find(bytes, OPSET_DOMAIN);
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;

    if (domain.size != 0 && !(domain.size == 7 && memcmp(domain.data, "ai.onnx", 7) == 0))
        return 0;
    while (protobuf_next(&message, &field))
        if (field.number == OPSET_VERSION)
            file->opset = (int64_t)field.value;
    return message.damaged ? protobuf_damaged(error) : 0;
}

int onnx_parse(struct bytes bytes, struct onnx_file *file, struct error *error)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;
    bool has_graph = false;

    *file = (struct onnx_file){0};
    while (protobuf_next(&message, &field)) {
        int outcome = 0;

        if (field.number == MODEL_GRAPH && field.type == PROTOBUF_BYTES) {
            has_graph = true;
            outcome = parse_graph(file, field.bytes, error);
        } else if (field.number == MODEL_OPSET && field.type == PROTOBUF_BYTES) {
            outcome = parse_opset(file, field.bytes, error);
        }
        if (outcome < 0)
            return FAILED;
    }
    if (message.damaged || !has_graph)
        return protobuf_damaged(error);
    if (file->opset < 1)
        return error_set(error, "it does not say which opset it uses");
    if (file->node_count == 0)
        return error_set(error, "its graph is empty");
    return 0;
}

bool onnx_is_file(struct bytes bytes)
{
    /* ModelProto begins with its ir_version, a small number, in all exporters. */
    return bytes.size > 2 && bytes.data[0] == MODEL_IR_VERSION << 3 && bytes.data[1] > 0 &&
           bytes.data[1] < 32;
}

static void release_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

void onnx_release(struct onnx_file *file)
{
    for (size_t i = 0; i < file->node_count; i++) {
        struct onnx_node *node = &file->nodes[i];

        release_names(node->inputs, node->input_count);
        release_names(node->outputs, node->output_count);
        free(node->operator);
        free(node->name);
    }
    for (size_t i = 0; i < file->initialiser_count; i++) {
        free(file->initialisers[i].name);
        tensor_release(&file->initialisers[i].tensor);
    }
    for (size_t i = 0; i < file->input_count; i++)
        free(file->inputs[i].name);
    for (size_t i = 0; i < file->output_count; i++)
        free(file->outputs[i].name);
    free(file->nodes);
    free(file->initialisers);
    free(file->inputs);
    free(file->outputs);
    *file = (struct onnx_file){0};
}

/* ---- attributes ------------------------------------------------------------------------- */

/* The attribute's message; {NULL, 0} when the node does not have it. */
static struct bytes find_attribute(const struct onnx_node *node, const char *name)
{
    struct protobuf message = protobuf_from(node->message);
    struct protobuf_field field;

    while (protobuf_next(&message, &field)) {
        struct bytes found;

        if (field.number != NODE_ATTRIBUTE || field.type != PROTOBUF_BYTES)
            continue;
        found = protobuf_find(field.bytes, ATTRIBUTE_NAME);
        if (found.size == strlen(name) && memcmp(found.data, name, found.size) == 0)
            return field.bytes;
    }
    return (struct bytes){0};
}

bool onnx_has(const struct onnx_node *node, const char *name)
{
    return find_attribute(node, name).data != NULL;
}

static bool find_number(const struct onnx_node *node, const char *name, uint32_t number,
                        uint64_t *value)
{
    return protobuf_find_number(find_attribute(node, name), number, value);
}

int64_t onnx_integer(const struct onnx_node *node, const char *name, int64_t fallback)
{
    uint64_t value;

    return find_number(node, name, ATTRIBUTE_INTEGER, &value) ? (int64_t)value : fallback;
}

float onnx_float(const struct onnx_node *node, const char *name, float fallback)
{
    uint64_t value;

    return find_number(node, name, ATTRIBUTE_FLOAT, &value) ? float_of_bits((uint32_t)value)
                                                            : fallback;
}

struct bytes onnx_text(const struct onnx_node *node, const char *name)
{
    return protobuf_find(find_attribute(node, name), ATTRIBUTE_TEXT);
}

size_t onnx_floats(const struct onnx_node *node, const char *name, float *values, size_t room)
{
    struct protobuf message = protobuf_from(find_attribute(node, name));
    struct protobuf_field field;
    size_t count = 0;

    while (protobuf_next(&message, &field)) {
        struct bytes packed = field.bytes;

        if (field.number != ATTRIBUTE_FLOATS)
            continue;
        if (field.type == PROTOBUF_FIXED32) {
            if (count < room)
                values[count] = float_of_bits((uint32_t)field.value);
            count++;
        }
        for (; packed.size >= 4; packed.data += 4, packed.size -= 4) {
            struct tensor one = {.type = TENSOR_FLOAT32, .count = 1, .bytes = packed};

            if (count < room)
                values[count] = (float)tensor_real(&one, 0);
            count++;
        }
    }
    return count;
}

size_t onnx_integers(const struct onnx_node *node, const char *name, int64_t *values, size_t room)
{
    return protobuf_integers(find_attribute(node, name), ATTRIBUTE_INTEGERS, values, room);
}

int onnx_tensor(const struct onnx_node *node, const char *name, struct tensor *tensor,
                struct error *error)
{
    struct bytes attribute = protobuf_find(find_attribute(node, name), ATTRIBUTE_TENSOR);

    *tensor = (struct tensor){0};
    if (attribute.data == NULL)
        return error_set(error, "its attribute '%s' is missing", name);
    if (parse_tensor(attribute, tensor, NULL, NULL, error) < 0) {
        tensor_release(tensor);
        return FAILED;
    }
    return 0;
}
