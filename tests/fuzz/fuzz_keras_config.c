/*
 * The configuration of a Keras model as JSON: it comes into an archive beside the weights of a
 * golden case. What the HDF5 library says of these is asked for once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "tests/fuzz/fuzz_network.h"
#include "tests/fuzz/wrapped_isolated.h"

#define WEIGHTS "tests/extract/golden-keras/nested.h5"

enum { WEIGHTS_LIMIT = 1 << 20 };

int __wrap_isolated_run(isolated_work *work, void *context, const struct isolated_limits *limits,
                        struct buffer *output, struct error *error)
{
    static struct buffer listing;

    if (listing.size == 0 &&
        __real_isolated_run(work, context, limits, &listing, error) < 0)
        abort();
    if (buffer_reserve(output, listing.size, error) < 0)
        return FAILED;
    memcpy(output->data, listing.data, listing.size);
    output->size = listing.size;
    return 0;
}

static void append(struct buffer *buffer, const void *data, size_t size)
{
    struct error error;

    if (buffer_reserve(buffer, buffer->size + size + 1, &error) < 0)
        abort();
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static void append_number(struct buffer *buffer, uint32_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        append(buffer, &(unsigned char){(unsigned char)(number >> (8 * i))}, 1);
}

/* CRC-32 (ISO 3309), bit by bit. */
static uint32_t checksum(struct bytes bytes)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* A stored member, and its entry in the directory (PKWARE's APPNOTE.TXT, 4.3.7 and 4.3.12). */
static void add_member(struct buffer *archive, struct buffer *directory, const char *name,
                       struct bytes bytes, uint32_t crc)
{
    uint32_t length = (uint32_t)strlen(name), offset = (uint32_t)archive->size;
    struct buffer *const buffers[] = {archive, directory};

    append_number(archive, 0x04034b50, 4);
    append_number(directory, 0x02014b50, 4);
    append_number(directory, 20, 2);
    for (size_t i = 0; i < 2; i++) {
        append_number(buffers[i], 20, 4);
        append_number(buffers[i], 0, 2);
        append_number(buffers[i], 0x00210000, 4);
        append_number(buffers[i], crc, 4);
        append_number(buffers[i], (uint32_t)bytes.size, 4);
        append_number(buffers[i], (uint32_t)bytes.size, 4);
        append_number(buffers[i], length, 4);
    }
    append(archive, name, length);
    append(archive, bytes.data, bytes.size);
    append_number(directory, 0, 2);
    append_number(directory, 0, 4);
    append_number(directory, 0, 4);
    append_number(directory, offset, 4);
    append(directory, name, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buffer weights;
    static uint32_t weights_crc;
    const struct bytes config = {data, size};
    struct buffer archive = {0}, directory = {0};
    struct error error;
    size_t start;

    if (weights.size == 0) {
        if (file_read(WEIGHTS, WEIGHTS_LIMIT, &weights, NULL, &error) < 0)
            abort();
        weights_crc = checksum((struct bytes){weights.data, weights.size});
    }
    add_member(&archive, &directory, "config.json", config, checksum(config));
    add_member(&archive, &directory, "model.weights.h5",
               (struct bytes){weights.data, weights.size}, weights_crc);
    start = archive.size;
    append(&archive, directory.data, directory.size);
    append_number(&archive, 0x06054b50, 4);
    append_number(&archive, 0, 4);
    append_number(&archive, 2, 2);
    append_number(&archive, 2, 2);
    append_number(&archive, (uint32_t)directory.size, 4);
    append_number(&archive, (uint32_t)start, 4);
    append_number(&archive, 0, 2);
    fuzz_network((struct bytes){archive.data, archive.size}, (struct bytes){0});
    buffer_release(&archive);
    buffer_release(&directory);
    return 0;
}
