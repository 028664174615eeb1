/*
 * Activations where a result is written.
 */
#ifndef EXTRACT_NETWORK_ACTIVATION_H
#define EXTRACT_NETWORK_ACTIVATION_H

#include "extract/graph/graph.h"

/* The kernels clip as they store: the bounds for that, infinite for all other activations. */
void activation_bounds(const struct activation *activation, float *low, float *high);

/* True when that clip is all there is to it: by far most activations. */
static inline bool activation_is_clip(const struct activation *activation)
{
    return activation->kind == ACTIVATION_NONE || activation->kind == ACTIVATION_CLIP;
}

/* Applies what a clip cannot do to values[count], whose first is channel `first`; nothing for
 * none and clip. */
void activation_apply(const struct activation *activation, float *values, size_t count,
                      size_t first);

/* "relu", "clip", ... for --describe; "" for none. */
const char *activation_name(const struct activation *activation);

#endif
