#include "extract/formats/protobuf.h"

#include <string.h>

struct protobuf protobuf_from(struct bytes bytes)
{
    if (bytes.size == 0)
        return (struct protobuf){0};
    return (struct protobuf){.at = bytes.data, .end = bytes.data + bytes.size};
}

static bool damage(struct protobuf *message)
{
    message->damaged = true;
    return false;
}

static bool read_varint(struct protobuf *message, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned char byte;

        if (message->at == message->end)
            return damage(message);
        byte = *message->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return damage(message);
}

static bool read_fixed(struct protobuf *message, size_t size, uint64_t *value)
{
    *value = 0;
    if ((size_t)(message->end - message->at) < size)
        return damage(message);
    for (size_t i = 0; i < size; i++)
        *value |= (uint64_t)*message->at++ << (8 * i);
    return true;
}

static bool read_bytes(struct protobuf *message, struct bytes *bytes)
{
    uint64_t size;

    if (!read_varint(message, &size))
        return false;
    if (size > (uint64_t)(message->end - message->at))
        return damage(message);
    *bytes = (struct bytes){message->at, (size_t)size};
    message->at += size;
    return true;
}

bool protobuf_next(struct protobuf *message, struct protobuf_field *field)
{
    uint64_t tag;

    if (message->at == message->end || message->damaged)
        return false;
    if (!read_varint(message, &tag))
        return false;
    if (tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
        return damage(message);
    *field = (struct protobuf_field){.number = (uint32_t)(tag >> 3)};
    switch (tag & 7) {
    case PROTOBUF_VARINT:
        field->type = PROTOBUF_VARINT;
        return read_varint(message, &field->value);
    case PROTOBUF_FIXED64:
        field->type = PROTOBUF_FIXED64;
        return read_fixed(message, 8, &field->value);
    case PROTOBUF_BYTES:
        field->type = PROTOBUF_BYTES;
        return read_bytes(message, &field->bytes);
    case PROTOBUF_FIXED32:
        field->type = PROTOBUF_FIXED32;
        return read_fixed(message, 4, &field->value);
    default:
        return damage(message);
    }
}

struct bytes protobuf_find(struct bytes bytes, uint32_t number)
{
    struct protobuf message = protobuf_from(bytes);
    struct protobuf_field field;
    struct bytes found = {0};

    while (protobuf_next(&message, &field))
        if (field.number == number && field.type == PROTOBUF_BYTES)
            found = field.bytes;
    return found;
}

bool protobuf_next_varint(struct protobuf *packed, uint64_t *value)
{
    if (packed->at == packed->end || packed->damaged)
        return false;
    return read_varint(packed, value);
}

bool protobuf_find_number(struct bytes bytes, uint32_t number, uint64_t *value)
{
    struct protobuf message = protobuf_from(bytes);
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

size_t protobuf_integers(struct bytes bytes, uint32_t number, int64_t *values, size_t room)
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

char *protobuf_copy_text(struct bytes text, struct error *error)
{
    char *copy = strndup(text.size > 0 ? (const char *)text.data : "", text.size);

    if (copy == NULL)
        error_no_memory(error);
    return copy;
}

int protobuf_damaged(struct error *error)
{
    return error_set(error, "the file is damaged or cut off");
}
