/*
 * A writer of protocol buffers, for fixtures that tests make.
 *
 *     struct message layer = {.size = 0}, net = {.size = 0};
 *     put_text(&layer, 1, "conv1");
 *     put_message(&net, 100, &layer);
 */
#ifndef TESTS_EXTRACT_WIRE_HELPERS_H
#define TESTS_EXTRACT_WIRE_HELPERS_H

#include <stdint.h>
#include <string.h>

#include "tests/helpers.h"

enum { VARINT = 0, BYTES = 2, FIXED32 = 5 };

struct message {
    unsigned char data[8192];
    size_t size;
};

static inline void put_byte(struct message *message, unsigned char byte)
{
    assert_true(message->size < sizeof message->data);
    message->data[message->size++] = byte;
}

static inline void put_varint(struct message *message, uint64_t value)
{
    for (; value > 127; value >>= 7)
        put_byte(message, (unsigned char)(value | 128));
    put_byte(message, (unsigned char)value);
}

static inline void put_integer(struct message *message, unsigned field, int64_t value)
{
    put_varint(message, field << 3 | VARINT);
    put_varint(message, (uint64_t)value);
}

static inline void put_bytes(struct message *message, unsigned field, const void *data,
                             size_t size)
{
    put_varint(message, field << 3 | BYTES);
    put_varint(message, size);
    for (size_t i = 0; i < size; i++)
        put_byte(message, ((const unsigned char *)data)[i]);
}

static inline void put_text(struct message *message, unsigned field, const char *text)
{
    put_bytes(message, field, text, strlen(text));
}

static inline void put_message(struct message *message, unsigned field,
                               const struct message *nested)
{
    put_bytes(message, field, nested->data, nested->size);
}

static inline void put_float(struct message *message, unsigned field, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_varint(message, field << 3 | FIXED32);
    for (unsigned shift = 0; shift < 32; shift += 8)
        put_byte(message, (unsigned char)(bits >> shift));
}

#endif
