/*
 * The shape of a layer's result from the shapes of its inputs, per kind of layer.
 */
#ifndef EXTRACT_GRAPH_INFER_H
#define EXTRACT_GRAPH_INFER_H

#include "extract/graph/graph.h"

/* Sets layer->shape, and where the layer leaves it to the input (a global pool) the window.
 * A layer that reads an unsupported one becomes unsupported itself. FAILED with the reason when
 * the inputs do not fit, or the result would be larger than any network's. */
int infer_shape(const struct graph *graph, struct layer *layer, struct error *error);

#endif
