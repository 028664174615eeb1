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

/* `digest`: SHA-256 of the network file. */
void rule_for_network(const struct hash *digest, struct known_network *known);

#endif
