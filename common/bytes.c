#include "common/bytes.h"

#include <string.h>

bool bytes_are(struct bytes bytes, const char *text)
{
    return bytes.size == strlen(text) && bytes_begin_with(bytes, text, bytes.size);
}

bool bytes_begin_with(struct bytes bytes, const void *prefix, size_t size)
{
    return bytes.size >= size && (size == 0 || memcmp(bytes.data, prefix, size) == 0);
}

float float_of_bits(uint32_t bits)
{
    float number;

    memcpy(&number, &bits, sizeof number);
    return number;
}

struct cursor cursor_from(struct bytes bytes)
{
    /* Without data the difference of both ends must be defined all the same. */
    static const unsigned char nothing[1];
    const unsigned char *at = bytes.size > 0 ? bytes.data : nothing;

    return (struct cursor){.at = at, .end = at + bytes.size};
}

size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

struct bytes cursor_take(struct cursor *cursor, uint64_t size)
{
    struct bytes taken = {0};

    if (size > cursor_left(cursor)) {
        cursor->damaged = true;
        cursor->at = cursor->end;
        return taken;
    }
    taken = (struct bytes){cursor->at, (size_t)size};
    cursor->at += size;
    return taken;
}

static uint64_t little_endian(struct cursor *cursor, size_t size)
{
    struct bytes taken = cursor_take(cursor, size);
    uint64_t number = 0;

    for (size_t i = 0; i < taken.size; i++)
        number |= (uint64_t)taken.data[i] << (8 * i);
    return number;
}

uint8_t cursor_u8(struct cursor *cursor)
{
    return (uint8_t)little_endian(cursor, sizeof(uint8_t));
}

uint16_t cursor_u16(struct cursor *cursor)
{
    return (uint16_t)little_endian(cursor, sizeof(uint16_t));
}

uint32_t cursor_u32(struct cursor *cursor)
{
    return (uint32_t)little_endian(cursor, sizeof(uint32_t));
}

uint64_t cursor_u64(struct cursor *cursor)
{
    return little_endian(cursor, sizeof(uint64_t));
}

float cursor_float(struct cursor *cursor)
{
    return float_of_bits(cursor_u32(cursor));
}

double cursor_double(struct cursor *cursor)
{
    uint64_t bits = cursor_u64(cursor);
    double number;

    memcpy(&number, &bits, sizeof number);
    return number;
}
