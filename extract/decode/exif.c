#include "extract/decode/exif.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { ENTRY_BYTES = 12, TAG_ORIENTATION = 0x0112 };
enum { TYPE_SHORT = 3, TYPE_LONG = 4 };

/* A block of TIFF: every offset is checked against its size before it is used. */
struct tiff {
    const unsigned char *bytes;
    size_t size;
    bool big_endian;
};

static uint32_t read_16(const struct tiff *tiff, size_t at)
{
    const unsigned char *bytes = tiff->bytes + at;

    return tiff->big_endian ? (uint32_t)bytes[0] << 8 | bytes[1]
                            : (uint32_t)bytes[1] << 8 | bytes[0];
}

static uint32_t read_32(const struct tiff *tiff, size_t at)
{
    uint32_t first = read_16(tiff, at), second = read_16(tiff, at + 2);

    return tiff->big_endian ? first << 16 | second : second << 16 | first;
}

/* The value of an entry that holds one SHORT, as Exif asks, or one LONG; 0 for any other. */
static uint32_t entry_value(const struct tiff *tiff, size_t entry)
{
    if (read_32(tiff, entry + 4) != 1)
        return 0;
    switch (read_16(tiff, entry + 2)) {
    case TYPE_SHORT:
        return read_16(tiff, entry + 8);
    case TYPE_LONG:
        return read_32(tiff, entry + 8);
    default:
        return 0;
    }
}

int exif_orientation(const unsigned char *bytes, size_t size)
{
    struct tiff tiff = {.bytes = bytes, .size = size};
    uint32_t orientation = 1;
    size_t directory, entries;

    if (size < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0))
        return 1;
    tiff.big_endian = bytes[0] == 'M';
    directory = read_32(&tiff, 4);
    if (directory > size - 2)
        return 1;
    entries = read_16(&tiff, directory);
    for (size_t i = 0; i < entries; i++) {
        size_t entry = directory + 2 + i * ENTRY_BYTES;

        if (entry + ENTRY_BYTES > size)
            break;
        if (read_16(&tiff, entry) == TAG_ORIENTATION)
            orientation = entry_value(&tiff, entry);
    }
    return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
}
