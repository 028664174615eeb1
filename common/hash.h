/*
 * SHA-256 (FIPS 180-4), the name by which images and networks are known. The arithmetic is
 * nettle's, which uses the processor's SHA instructions where it has them.
 */
#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"

enum { HASH_BYTES = 32, HASH_TEXT = 2 * HASH_BYTES + 1 };

struct hash {
    unsigned char bytes[HASH_BYTES];
};

struct hash hash_bytes(const void *data, size_t size);

/* Of the pieces [count] one after the other, as if they were one run of bytes. */
struct hash hash_pieces(const struct bytes *pieces, size_t count);

bool hash_equal(const struct hash *a, const struct hash *b);

/* 64 lower-case hexadecimal digits and a NUL. */
void hash_to_text(const struct hash *hash, char text[HASH_TEXT]);

/* MD5 (RFC 1321), by which some publish their files: 32 lower-case hexadecimal digits and a NUL. */
enum { HASH_MD5_TEXT = 33 };
void hash_md5(const void *data, size_t size, char text[static HASH_MD5_TEXT]);

/* The reverse; false when `text` is not 64 hexadecimal digits. */
bool hash_from_text(const char *text, struct hash *hash);

#endif
