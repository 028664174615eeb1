/*
 * Where to cut: the tensor that enters the classifier head.
 *
 * The head is what the graph ends in: fully connected layers (a product with a matrix, or a
 * convolution whose window is its whole input), with activations, normalisations and reshapes
 * between them; or a 1x1 convolution whose map is only averaged into class scores, as in
 * SqueezeNet. Such a convolution counts as a head when a softmax follows, when it gives
 * ImageNet's 1000 or 1001 classes, or when it narrows its input; else it belongs to the features,
 * as in a MobileNetV2 whose classifier was cut off. A graph without a head is cut at its output.
 */
#ifndef EXTRACT_NETWORK_BOTTLENECK_H
#define EXTRACT_NETWORK_BOTTLENECK_H

#include "extract/graph/graph.h"

/* The layer whose result is the bottleneck of the graph as its file gives it, before any pass. */
size_t bottleneck_find(const struct graph *graph);

/* True when the graph goes on from this layer by flattening its map of more than one pixel, or by a
 * convolution that amounts to that. */
bool bottleneck_is_flattened(const struct graph *graph, size_t layer);

#endif
