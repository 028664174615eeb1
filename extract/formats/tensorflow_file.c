#include "extract/formats/tensorflow_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* Field numbers of the messages. */
enum { GRAPH_NODE = 1 };
enum { NODE_NAME = 1, NODE_OPERATOR = 2, NODE_INPUT = 3, NODE_ATTRIBUTE = 5 };
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };
enum { VALUE_LIST = 1, VALUE_TEXT = 2, VALUE_INTEGER = 3, VALUE_FLOAT = 4, VALUE_BOOLEAN = 5,
       VALUE_TYPE = 6, VALUE_SHAPE = 7, VALUE_TENSOR = 8 };
enum { LIST_INTEGER = 3 };
enum { SHAPE_DIMENSION = 2, DIMENSION_SIZE = 1 };
enum { TENSOR_TYPE = 1, TENSOR_SHAPE = 2, TENSOR_CONTENT = 4, TENSOR_FLOATS = 5,
       TENSOR_DOUBLES = 6, TENSOR_INT32S = 7, TENSOR_INT64S = 10, TENSOR_HALVES = 13 };
enum { SAVED_MODEL_VERSION = 1, SAVED_MODEL_GRAPH = 2 };

/* Far above any network's numbers; they bound the memory that a hostile file can cost. */
enum { MAX_NODES = 1 << 17, MAX_PORT = 1 << 16 };

static int damaged(struct error *error)
{
    return error_set(error, "the file is damaged or cut off");
}

/* The last field `number` of a message, empty when there is none. */
static struct bytes nested(struct bytes bytes, uint32_t number)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;
    struct bytes found = {0};

    while (protobuf_next(&message, &field))
        if (field.number == number && field.type == PROTOBUF_BYTES)
            found = field.bytes;
    return found;
}

/* ---- nodes ------------------------------------------------------------------------------ */

static char *copy_text(struct bytes bytes, struct error *error)
{
    char *text = strndup(bytes.size > 0 ? (const char *)bytes.data : "", bytes.size);

    if (text == NULL)
        error_no_memory(error);
    return text;
}

/* Who must run before has a '^' before its name; nothing is read from it. */
static bool is_data_input(const struct protobuf_field *field)
{
    return field->number == NODE_INPUT && field->type == PROTOBUF_BYTES &&
           field->bytes.size > 0 && field->bytes.data[0] != '^';
}

static int parse_node(struct tensorflow_file *file, struct bytes bytes, struct error *error)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;
    struct tensorflow_node *node;
    void *items = file->nodes;

    if (file->node_count == MAX_NODES)
        return error_set(error, "it has more than %d nodes", MAX_NODES);
    if (memory_grow(&items, file->node_count, &file->node_capacity, sizeof *node, error) < 0)
        return FAILED;
    file->nodes = items;
    node = &file->nodes[file->node_count++];
    *node = (struct tensorflow_node){.message = bytes};
    while (protobuf_next(&message, &field))
        if (is_data_input(&field))
            node->input_count++;
    if (message.damaged)
        return damaged(error);
    node->name = copy_text(nested(bytes, NODE_NAME), error);
    node->operator = copy_text(nested(bytes, NODE_OPERATOR), error);
    node->inputs = memory_allocate(node->input_count, sizeof *node->inputs, error);
    if (node->name == NULL || node->operator == NULL || node->inputs == NULL)
        return FAILED;
    if (*node->name == '\0' || *node->operator == '\0')
        return error_set(error, "node %zu has no name or no operation", file->node_count - 1);
    return 0;
}

static int name_nodes(struct tensorflow_file *file, struct error *error)
{
    for (size_t i = 0; i < file->node_count; i++) {
        size_t other;

        if (names_find(&file->names, file->nodes[i].name, &other) == 0)
            return error_set(error, "two of its nodes are called '%s'", file->nodes[i].name);
        if (names_put(&file->names, file->nodes[i].name, i, error) < 0)
            return FAILED;
    }
    return 0;
}

/* Takes ":2" off the end of a text and returns the 2; 0 when nothing like that is there. */
static size_t take_port(char *text)
{
    char *colon = strrchr(text, ':'), *end;
    unsigned long port;

    if (colon == NULL || !isdigit((unsigned char)colon[1]))
        return 0;
    port = strtoul(colon + 1, &end, 10);
    if (*end != '\0')
        return 0;
    *colon = '\0';
    return port < MAX_PORT ? port : MAX_PORT;
}

static int resolve_inputs(struct tensorflow_file *file, struct tensorflow_node *node,
                          struct error *error)
{
    struct protobuf message = protobuf_from(node->message);
    struct protobuf_field field;
    struct tensorflow_input *input = node->inputs;

    while (protobuf_next(&message, &field)) {
        char *name;
        int outcome;

        if (!is_data_input(&field))
            continue;
        name = copy_text(field.bytes, error);
        if (name == NULL)
            return FAILED;
        input->port = take_port(name);
        outcome = names_find(&file->names, name, &input->node);
        if (outcome < 0)
            error_set(error, "node '%s' reads '%s', which the file does not have", node->name,
                      name);
        free(name);
        if (outcome < 0)
            return FAILED;
        input++;
    }
    return 0;
}

/* ---- the order -------------------------------------------------------------------------- */

/* A node whose inputs are being visited. */
struct visit {
    size_t node, next;
};

enum { UNSEEN, OPEN, DONE };

static bool closes_loop(const struct tensorflow_node *node)
{
    return strcmp(node->operator, "NextIteration") == 0;
}

/* Depth first from `start`, with a stack of our own: a chain of nodes may be as long as the file.
 * stack: [node_count] */
static int visit_from(struct tensorflow_file *file, size_t start, struct visit *stack,
                      unsigned char *states, size_t *ordered, struct error *error)
{
    size_t depth = 0;

    if (states[start] != UNSEEN)
        return 0;
    stack[depth++] = (struct visit){start, 0};
    states[start] = OPEN;
    while (depth > 0) {
        struct visit *top = &stack[depth - 1];
        const struct tensorflow_node *node = &file->nodes[top->node];
        size_t input;

        if (top->next == node->input_count || closes_loop(node)) {
            states[top->node] = DONE;
            file->order[(*ordered)++] = top->node;
            depth--;
            continue;
        }
        input = node->inputs[top->next++].node;
        if (states[input] == OPEN)
            return error_set(error, "node '%s' depends on its own result",
                             file->nodes[input].name);
        if (states[input] == UNSEEN) {
            states[input] = OPEN;
            stack[depth++] = (struct visit){input, 0};
        }
    }
    return 0;
}

static int order_nodes(struct tensorflow_file *file, struct error *error)
{
    struct visit *stack = memory_allocate(file->node_count, sizeof *stack, error);
    unsigned char *states = memory_allocate(file->node_count, 1, error);
    size_t ordered = 0;
    int outcome = 0;

    file->order = memory_allocate(file->node_count, sizeof *file->order, error);
    if (stack == NULL || states == NULL || file->order == NULL)
        outcome = FAILED;
    for (size_t i = 0; outcome == 0 && i < file->node_count; i++)
        outcome = visit_from(file, i, stack, states, &ordered, error);
    free(states);
    free(stack);
    return outcome;
}

/* ---- the file --------------------------------------------------------------------------- */

int tensorflow_parse(struct bytes bytes, struct tensorflow_file *file, struct error *error)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;

    *file = (struct tensorflow_file){0};
    while (protobuf_next(&message, &field))
        if (field.number == GRAPH_NODE && field.type == PROTOBUF_BYTES &&
            parse_node(file, field.bytes, error) < 0)
            return FAILED;
    if (message.damaged)
        return damaged(error);
    if (file->node_count == 0)
        return error_set(error, "its graph is empty");
    if (name_nodes(file, error) < 0)
        return FAILED;
    for (size_t i = 0; i < file->node_count; i++)
        if (resolve_inputs(file, &file->nodes[i], error) < 0)
            return FAILED;
    return order_nodes(file, error);
}

void tensorflow_release(struct tensorflow_file *file)
{
    for (size_t i = 0; i < file->node_count; i++) {
        free(file->nodes[i].name);
        free(file->nodes[i].operator);
        free(file->nodes[i].inputs);
    }
    free(file->nodes);
    free(file->order);
    names_release(&file->names);
    *file = (struct tensorflow_file){0};
}

/* Operators are named so by the check in op_def_util.cc. */
static bool is_operator(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (!isalnum(bytes.data[i]) && bytes.data[i] != '_' && bytes.data[i] != '>')
            return false;
    return bytes.size > 0 && (isupper(bytes.data[0]) || bytes.data[0] == '_');
}

/* A file that is cut off within its first node is one, too. */
bool tensorflow_is_graph(struct bytes bytes)
{
    struct protobuf message = protobuf_from(bytes), node;
    struct protobuf_field name, operator;

    if (message.at == message.end || *message.at != (GRAPH_NODE << 3 | PROTOBUF_BYTES))
        return false;
    message.at++;
    while (message.at < message.end && (*message.at & 0x80) != 0)
        message.at++;
    if (message.at == message.end)
        return false;
    node = (struct protobuf){.at = message.at + 1, .end = message.end};
    return protobuf_next(&node, &name) && name.number == NODE_NAME &&
           name.type == PROTOBUF_BYTES && name.bytes.size > 0 && protobuf_next(&node, &operator) &&
           operator.number == NODE_OPERATOR && operator.type == PROTOBUF_BYTES &&
           is_operator(operator.bytes);
}

bool tensorflow_is_saved_model(struct bytes bytes)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;

    /* A meta graph begins with a message; what ONNX has in this place is a name. */
    return protobuf_next(&message, &field) && field.number == SAVED_MODEL_VERSION &&
           field.type == PROTOBUF_VARINT && field.value == 1 && protobuf_next(&message, &field) &&
           field.number == SAVED_MODEL_GRAPH && field.type == PROTOBUF_BYTES &&
           bytes_begin_with(field.bytes, "\n", 1);
}

/* ---- attributes ------------------------------------------------------------------------- */

/* The AttrValue; {NULL, 0} when the node does not have it. */
static struct bytes find_attribute(const struct tensorflow_node *node, const char *name)
{
    struct protobuf message = protobuf_from(node->message);
    struct protobuf_field field;

    while (protobuf_next(&message, &field))
        if (field.number == NODE_ATTRIBUTE && field.type == PROTOBUF_BYTES &&
            bytes_are(nested(field.bytes, ENTRY_KEY), name))
            return nested(field.bytes, ENTRY_VALUE);
    return (struct bytes){0};
}

static bool find_number(const struct tensorflow_node *node, const char *name, uint32_t number,
                        uint64_t *value)
{
    struct protobuf message = protobuf_from(find_attribute(node, name));
    struct protobuf_field field;
    bool found = false;

    while (protobuf_next(&message, &field)) {
        if (field.number == number && field.type != PROTOBUF_BYTES) {
            *value = field.value;
            found = true;
        }
    }
    return found;
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
    return nested(find_attribute(node, name), VALUE_TEXT);
}

/* Collects up to `room` numbers of a repeated varint field, packed or one by one. Returns how many
 * there are. */
static size_t collect_integers(struct bytes bytes, uint32_t number, int64_t *values, size_t room)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;
    size_t count = 0;

    while (protobuf_next(&message, &field)) {
        struct protobuf packed = protobuf_from(field.bytes);
        uint64_t value = field.value;

        if (field.number != number)
            continue;
        while (field.type == PROTOBUF_VARINT || protobuf_next_varint(&packed, &value)) {
            if (count < room)
                values[count] = (int64_t)value;
            count++;
            if (field.type == PROTOBUF_VARINT)
                break;
        }
    }
    return count;
}

size_t tensorflow_integers(const struct tensorflow_node *node, const char *name, int64_t *values,
                           size_t room)
{
    return collect_integers(nested(find_attribute(node, name), VALUE_LIST), LIST_INTEGER, values,
                            room);
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
        collect_integers(field.bytes, DIMENSION_SIZE, &shape[(*rank)++], 1);
    }
    return message.damaged ? damaged(error) : 0;
}

size_t tensorflow_shape(const struct tensorflow_node *node, const char *name, int64_t *shape)
{
    struct bytes bytes = nested(find_attribute(node, name), VALUE_SHAPE);
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
            return damaged(error);
    }
    for (; stored > 0 && stored < tensor->count; stored++)
        store_bits(tensor, stored, bits);
    return 0;
}

static int fill_tensor(struct bytes bytes, uint32_t list, size_t limit, struct tensor *tensor,
                       struct error *error)
{
    struct bytes content = nested(bytes, TENSOR_CONTENT);
    struct bytes run = nested(bytes, list);
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
    struct bytes bytes = nested(find_attribute(node, name), VALUE_TENSOR);
    int64_t shape[TENSOR_MAX_RANK], type = 0;
    uint32_t list = 0;
    size_t rank;

    *tensor = (struct tensor){.type = TENSOR_OTHER};
    if (bytes.data == NULL)
        return error_set(error, "its attribute '%s' is missing", name);
    collect_integers(bytes, TENSOR_TYPE, &type, 1);
    tensor->type = type_of((uint64_t)type, &list);
    if (collect_dimensions(nested(bytes, TENSOR_SHAPE), shape, &rank, error) < 0 ||
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
