/*
 * Small zip archives for tests, written by hand (PKWARE's APPNOTE.TXT, section 4.3), so that they
 * can also lie.
 *
 *     struct zip_writer zip = {0};
 *     zip_writer_add(&zip, &(struct zip_member){.name = "a/data.pkl", .data = ..., .size = ...});
 *     zip_writer_save(&zip, path);        writes the directory and releases the writer
 */
#ifndef TESTS_EXTRACT_ZIP_WRITER_H
#define TESTS_EXTRACT_ZIP_WRITER_H

#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "tests/helpers.h"

enum { ZIP_STORED = 0, ZIP_DEFLATED = 8 };

struct zip_member {
    const char *name;
    const void *data;     /* as it lies in the file */
    size_t size;          /* of these bytes */
    unsigned method;      /* ZIP_STORED or ZIP_DEFLATED */
    size_t full_size;     /* unpacked, as the directory claims it; 0: size */
    uint32_t checksum;    /* CRC-32 of the unpacked bytes, when they are not stored */
};

struct zip_writer {
    struct buffer file, directory;
    unsigned count;
};

static inline void zip_append(struct buffer *buffer, const void *data, size_t size)
{
    struct error error;

    assert_int_equal(buffer_reserve(buffer, buffer->size + size + 1, &error), 0);
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

/* A little-endian number of `size` bytes. */
static inline void zip_append_number(struct buffer *buffer, uint64_t number, size_t size)
{
    for (; size > 0; size--, number >>= 8)
        zip_append(buffer, &(unsigned char){(unsigned char)number}, 1);
}

/* CRC-32 (ISO 3309), bit by bit. */
static inline uint32_t zip_checksum(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* What the local header and the directory say alike. */
static inline void zip_append_common(struct buffer *buffer, const struct zip_member *member)
{
    zip_append_number(buffer, 20, 2);
    zip_append_number(buffer, 0, 2);
    zip_append_number(buffer, member->method, 2);
    zip_append_number(buffer, 0x00210000, 4);
    zip_append_number(buffer, member->method == ZIP_STORED
                      ? zip_checksum(member->data, member->size) : member->checksum, 4);
    zip_append_number(buffer, member->size, 4);
    zip_append_number(buffer, member->full_size > 0 ? member->full_size : member->size, 4);
    zip_append_number(buffer, strlen(member->name), 2);
    zip_append_number(buffer, 0, 2);
}

static inline void zip_writer_add(struct zip_writer *zip, const struct zip_member *member)
{
    size_t offset = zip->file.size;

    zip_append(&zip->file, "PK\3\4", 4);
    zip_append_common(&zip->file, member);
    zip_append(&zip->file, member->name, strlen(member->name));
    zip_append(&zip->file, member->data, member->size);
    zip_append(&zip->directory, "PK\1\2\24\0", 6);
    zip_append_common(&zip->directory, member);
    zip_append_number(&zip->directory, 0, 10);
    zip_append_number(&zip->directory, offset, 4);
    zip_append(&zip->directory, member->name, strlen(member->name));
    zip->count++;
}

/* Completes zip->file. */
static inline void zip_writer_finish(struct zip_writer *zip)
{
    size_t offset = zip->file.size;

    zip_append(&zip->file, zip->directory.data, zip->directory.size);
    zip_append(&zip->file, "PK\5\6\0\0\0\0", 8);
    zip_append_number(&zip->file, zip->count, 2);
    zip_append_number(&zip->file, zip->count, 2);
    zip_append_number(&zip->file, zip->directory.size, 4);
    zip_append_number(&zip->file, offset, 4);
    zip_append_number(&zip->file, 0, 2);
}

static inline void zip_writer_release(struct zip_writer *zip)
{
    buffer_release(&zip->file);
    buffer_release(&zip->directory);
    *zip = (struct zip_writer){0};
}

static inline void zip_writer_save(struct zip_writer *zip, const char *path)
{
    zip_writer_finish(zip);
    write_file(path, zip->file.data, zip->file.size);
    zip_writer_release(zip);
}

#endif
