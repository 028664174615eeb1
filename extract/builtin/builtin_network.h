/*
 * The network that is used when none is named: an ONNX file inside the program, trained by the
 * scripts beside it. It is small, for a first look, not for results.
 */
#ifndef EXTRACT_BUILTIN_BUILTIN_NETWORK_H
#define EXTRACT_BUILTIN_BUILTIN_NETWORK_H

#include <stdbool.h>

#include "common/bytes.h"

/* As messages and the database call it, and its preprocessing among the presets of rules.h. */
#define BUILTIN_NETWORK_NAME "built-in"
#define BUILTIN_NETWORK_PRESET "builtin"

/* The bytes of builtin.onnx, read only, from an address that 64 divides. They are a part of the
 * program's file that the system loads when it is touched. */
struct bytes builtin_network(void);

/* True when a file holds the same network. */
bool builtin_network_is(struct bytes bytes);

#endif
