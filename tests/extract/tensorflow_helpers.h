/*
 * A writer of TensorFlow graphs, for fixtures that tests make. The field numbers are those of
 * node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto.
 */
#ifndef TESTS_EXTRACT_TENSORFLOW_HELPERS_H
#define TESTS_EXTRACT_TENSORFLOW_HELPERS_H

#include <stdbool.h>

#include "tests/extract/wire_helpers.h"

enum { FLOAT = 1, INT32 = 3, UINT8 = 4, STRING = 7 };

/* An attribute: of one kind, by what is not empty. */
struct attribute {
    const char *name;
    const char *text;          /* s */
    int64_t type;              /* type */
    const int64_t *shape;      /* shape, rank numbers */
    size_t count;              /* list(i) of as many numbers; 0: a single i or b */
    int64_t numbers[8];
    bool is_boolean;
};

struct node {
    const char *name, *operator;
    const char *inputs[5];
    struct attribute attributes[5];
};

/* A Const. */
struct constant {
    const char *name;
    int64_t type;
    size_t rank;
    int64_t shape[10];
    size_t bytes;              /* of tensor_content, small numbers */
    size_t count;              /* of numbers in a list: of integers, or floats */
    int64_t numbers[8];
    float reals[8];
    bool without_value;
};

static inline void put_shape(struct message *message, unsigned field, const int64_t *shape,
                             size_t rank)
{
    struct message lengths = {.size = 0};

    for (size_t axis = 0; axis < rank; axis++) {
        struct message length = {.size = 0};

        put_integer(&length, 1, shape[axis]);
        put_message(&lengths, 2, &length);
    }
    put_message(message, field, &lengths);
}

static inline void put_entry(struct message *node, const char *name, const struct message *value)
{
    struct message entry = {.size = 0};

    put_text(&entry, 1, name);
    put_message(&entry, 2, value);
    put_message(node, 5, &entry);
}

static inline void put_attribute(struct message *node, const struct attribute *attribute)
{
    struct message value = {.size = 0}, list = {.size = 0};

    if (attribute->text != NULL)
        put_text(&value, 2, attribute->text);
    else if (attribute->type != 0)
        put_integer(&value, 6, attribute->type);
    else if (attribute->shape != NULL)
        put_shape(&value, 7, attribute->shape, attribute->count);
    else if (attribute->count == 0)
        put_integer(&value, attribute->is_boolean ? 5 : 3, attribute->numbers[0]);
    for (size_t i = 0; attribute->shape == NULL && i < attribute->count; i++)
        put_integer(&list, 3, attribute->numbers[i]);
    if (list.size > 0)
        put_message(&value, 1, &list);
    put_entry(node, attribute->name, &value);
}

static inline void put_node(struct message *graph, const struct node *node)
{
    struct message message = {.size = 0};

    put_text(&message, 1, node->name);
    put_text(&message, 2, node->operator);
    for (size_t i = 0; i < 5 && node->inputs[i] != NULL; i++)
        put_text(&message, 3, node->inputs[i]);
    for (size_t i = 0; i < 5 && node->attributes[i].name != NULL; i++)
        put_attribute(&message, &node->attributes[i]);
    put_message(graph, 1, &message);
}

static inline void put_constant(struct message *graph, const struct constant *constant)
{
    static const float content[256] = {0.5f, -0.25f, 0.125f, 1, 2, 3};
    struct message message = {.size = 0}, tensor = {.size = 0}, value = {.size = 0};

    put_integer(&tensor, 1, constant->type);
    put_shape(&tensor, 2, constant->shape, constant->rank);
    if (constant->bytes > 0)
        put_bytes(&tensor, 4, content, constant->bytes);
    for (size_t i = 0; i < constant->count; i++) {
        if (constant->type == FLOAT)
            put_float(&tensor, 5, constant->reals[i % 8]);
        else
            put_integer(&tensor, 7, constant->numbers[i % 8]);
    }
    put_message(&value, 8, &tensor);
    put_text(&message, 1, constant->name);
    put_text(&message, 2, "Const");
    if (!constant->without_value)
        put_entry(&message, "value", &value);
    put_message(graph, 1, &message);
}

#endif
