/*
 * Published network files, known by their digest: their names, and the preprocessing that their
 * weights were validated with.
 */
#ifndef EXTRACT_KNOWN_FILES_H
#define EXTRACT_KNOWN_FILES_H

#include <stdbool.h>

#include "common/hash.h"

/* What is known of a network. */
struct known_network {
    const char *preset;     /* of rules.h; never NULL: "torchvision" when nothing is known */
    const char *name;       /* "SqueezeNet 1.1"; NULL when nothing is known */
    const char *publisher;  /* "ONNX Model Zoo"; likewise */
    const char *file;       /* the file's published name; likewise */
    bool assumed;           /* nothing is known: say that the preset was assumed */
};

/* The MD5 of a network file as its publisher would give it, 32 hexadecimal digits; "" for files of
 * kinds that are published with other digests. */
void known_file_md5(struct bytes file, char text[static HASH_MD5_TEXT]);

/* `digest`: SHA-256 of the network file. `md5`: from known_file_md5. */
void rule_for_network(const struct hash *digest, const char *md5, struct known_network *known);

#endif
