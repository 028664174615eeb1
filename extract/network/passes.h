/*
 * Simplifications of a graph, each leaving the numbers that come out as they were, up to
 * rounding:
 *
 *   - what the cut does not need is dropped,
 *   - layers that do nothing (a pooling of 1x1, no padding, scale 1) are passed over,
 *   - a transposition that undoes another, and a channel shuffle in three steps, become one layer,
 *   - scale and shift (batch norm, products with constants) are folded into the layer before,
 *   - zero padding is folded into the convolution behind it,
 *   - activations are fused into the layer before, a sum of two maps into the convolution that
 *     gives one of them.
 *
 * The result of an output layer is never folded away, whatever follows it.
 */
#ifndef EXTRACT_NETWORK_PASSES_H
#define EXTRACT_NETWORK_PASSES_H

#include "extract/graph/graph.h"

/* Simplifies `graph` for the results of `outputs` [count]; renumbers layers and outputs.
 * FAILED when an output depends on an unsupported layer: the message names operator and node. */
int passes_run(struct graph *graph, size_t *outputs, size_t count, struct error *error);

#endif
