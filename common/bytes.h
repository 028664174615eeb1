/*
 * Bytes that belong to somebody else, and a cursor that reads little-endian numbers from them
 * without ever leaving them.
 *
 *     struct cursor cursor = cursor_from(bytes);
 *     uint32_t rank = cursor_u32(&cursor);
 *     struct bytes name = cursor_take(&cursor, cursor_u64(&cursor));
 *     if (cursor.damaged) ...      one question at the end: until then a short file reads as zeros
 */
#ifndef COMMON_BYTES_H
#define COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const unsigned char *data;
    size_t size;
};

/* True when the bytes are the characters of `text`, without its NUL. */
bool bytes_are(struct bytes bytes, const char *text);
bool bytes_begin_with(struct bytes bytes, const void *prefix, size_t size);

/* The number that has these bits (IEEE 754 binary32). */
float float_of_bits(uint32_t bits);

struct cursor {
    const unsigned char *at, *end;
    bool damaged;  /* something was asked for that lies behind the end */
};

struct cursor cursor_from(struct bytes bytes);

/* How many bytes are left. */
size_t cursor_left(const struct cursor *cursor);

/* The next number, 0 when the bytes end within it. */
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);
float cursor_float(struct cursor *cursor);
double cursor_double(struct cursor *cursor);

/* A view of the next `size` bytes; {NULL, 0} when there are fewer. */
struct bytes cursor_take(struct cursor *cursor, uint64_t size);

#endif
