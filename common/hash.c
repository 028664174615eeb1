#include "common/hash.h"

#include <string.h>

#include <nettle/base16.h>
#include <nettle/md5.h>
#include <nettle/sha2.h>

_Static_assert(HASH_BYTES == SHA256_DIGEST_SIZE, "a hash is a SHA-256 digest");

struct hash hash_pieces(const struct bytes *pieces, size_t count)
{
    struct sha256_ctx context;
    struct hash hash;

    sha256_init(&context);
    for (size_t i = 0; i < count; i++)
        sha256_update(&context, pieces[i].size, pieces[i].data);
    sha256_digest(&context, sizeof hash.bytes, hash.bytes);
    return hash;
}

struct hash hash_bytes(const void *data, size_t size)
{
    return hash_pieces(&(struct bytes){data, size}, 1);
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_BYTES) == 0;
}

void hash_to_text(const struct hash *hash, char text[HASH_TEXT])
{
    base16_encode_update(text, HASH_BYTES, hash->bytes);
    text[HASH_TEXT - 1] = '\0';
}

_Static_assert(HASH_MD5_TEXT == 2 * MD5_DIGEST_SIZE + 1, "a digit for each half byte");

void hash_md5(const void *data, size_t size, char text[static HASH_MD5_TEXT])
{
    uint8_t digest[MD5_DIGEST_SIZE];
    struct md5_ctx context;

    md5_init(&context);
    md5_update(&context, size, data);
    md5_digest(&context, sizeof digest, digest);
    base16_encode_update(text, sizeof digest, digest);
    text[HASH_MD5_TEXT - 1] = '\0';
}

bool hash_from_text(const char *text, struct hash *hash)
{
    struct base16_decode_ctx context;
    size_t length = HASH_BYTES;

    if (strlen(text) != HASH_TEXT - 1)
        return false;
    base16_decode_init(&context);
    return base16_decode_update(&context, &length, hash->bytes, HASH_TEXT - 1, text) != 0 &&
           base16_decode_final(&context) != 0 && length == HASH_BYTES;
}
