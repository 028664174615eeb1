/*
 * The protocol buffers wire format, read in place.
 *
 *     struct protobuf_field field;
 *     struct protobuf message = protobuf_from(bytes);
 *     while (protobuf_next(&message, &field))
 *         if (field.number == 7 && field.type == PROTOBUF_BYTES)
 *             read_graph(field.bytes);
 *     if (message.damaged) ...
 *
 * A protobuf library decodes a message by copying it, and a network file is one message: VGG16's
 * would bring 400 MB of weights behind the cut into memory, twice. Here a field of bytes is a
 * view into the mapped file, and what is not looked at is never read.
 *
 * Source: protobuf.dev, "Encoding". Groups (deprecated since 2008) count as damage.
 */
#ifndef EXTRACT_FORMATS_PROTOBUF_H
#define EXTRACT_FORMATS_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

struct protobuf {
    const unsigned char *at, *end;
    bool damaged;  /* the message ended within a field, or held one that cannot be */
};

enum protobuf_type {
    PROTOBUF_VARINT = 0,
    PROTOBUF_FIXED64 = 1,
    PROTOBUF_BYTES = 2,
    PROTOBUF_FIXED32 = 5
};

struct protobuf_field {
    uint32_t number;
    enum protobuf_type type;
    uint64_t value;      /* the integer, or the little-endian bits of a float or double */
    struct bytes bytes;  /* PROTOBUF_BYTES: a text, a message or packed numbers */
};

struct protobuf protobuf_from(struct bytes bytes);

/* The next field. False at the end and at damage. */
bool protobuf_next(struct protobuf *message, struct protobuf_field *field);

/* The last field `number` of bytes in a message, the one that counts where it stands twice;
 * {NULL, 0} when there is none. */
struct bytes protobuf_find(struct bytes message, uint32_t number);

/* The same for a field of a number. False when there is none. */
bool protobuf_find_number(struct bytes message, uint32_t number, uint64_t *value);

/* Collects up to `room` numbers of a repeated varint field, packed or one by one. Returns how many
 * there are. */
size_t protobuf_integers(struct bytes message, uint32_t number, int64_t *values, size_t room);

/* A text field's content, to be released with free(). NULL and a message without memory. */
char *protobuf_copy_text(struct bytes text, struct error *error);

/* What is said of a file in which a message is damaged. Returns FAILED. */
int protobuf_damaged(struct error *error);

/* The next number of a packed repeated varint field. False at the end and at damage. */
bool protobuf_next_varint(struct protobuf *packed, uint64_t *value);

#endif
