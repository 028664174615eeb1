/*
 * Kernels of convolutions in the orders that Keras files have, and in the graph's.
 */
#ifndef EXTRACT_FORMATS_KERAS_KERNEL_H
#define EXTRACT_FORMATS_KERAS_KERNEL_H

#include "extract/formats/keras_file.h"
#include "extract/graph/graph.h"

enum keras_kernel_order {
    KERAS_HWIO,  /* height, width, in, out */
    KERAS_OIHW,  /* Keras 1 with the channels first */
    KERAS_HWCM   /* depthwise: height, width, channel, results of each channel */
};

/* The graph's shape, [out][in / groups][height][width], of a kernel that has `from` in the
 * file. */
void keras_kernel_shape(const size_t from[4], enum keras_kernel_order order, size_t to[4]);

/* The same kernel in the graph's order, as floats in its memory. Theano's are turned by 180
 * degrees. FAILED when `from` has not four dimensions or is of no type of numbers. */
int keras_kernel_arrange(const struct keras_file *file, const struct tensor *from,
                         enum keras_kernel_order order, struct graph *graph, struct tensor *to,
                         struct error *error);

#endif
