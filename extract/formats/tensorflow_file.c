#include "extract/formats/tensorflow_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* Field numbers of the messages. */
enum { GRAPH_NODE = 1 };
enum { NODE_NAME = 1, NODE_OPERATOR = 2, NODE_INPUT = 3 };
enum { SAVED_MODEL_VERSION = 1, SAVED_MODEL_GRAPH = 2 };

/* Far above any network's numbers; they bound the memory that a hostile file can cost. */
enum { MAX_NODES = 1 << 17, MAX_PORT = 1 << 16 };

/* ---- nodes ------------------------------------------------------------------------------ */

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
        return protobuf_damaged(error);
    node->name = protobuf_copy_text(protobuf_find(bytes, NODE_NAME), error);
    node->operator = protobuf_copy_text(protobuf_find(bytes, NODE_OPERATOR), error);
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
        name = protobuf_copy_text(field.bytes, error);
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
        return protobuf_damaged(error);
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
