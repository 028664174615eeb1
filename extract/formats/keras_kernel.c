#include "extract/formats/keras_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* Which dimension of the file each of the graph's four is. */
static const size_t axes[][4] = {
    [KERAS_HWIO] = {3, 2, 0, 1}, [KERAS_OIHW] = {0, 1, 2, 3}, [KERAS_HWCM] = {2, 3, 0, 1},
};

void keras_kernel_shape(const size_t from[4], enum keras_kernel_order order, size_t to[4])
{
    for (size_t i = 0; i < 4; i++)
        to[i] = from[axes[order][i]];
    if (order == KERAS_HWCM) {
        to[0] *= to[1];
        to[1] = 1;
    }
}

/* Theano turns kernels by 180 degrees when it convolves, but for depthwise ones. Before files
 * said what wrote them, those with the channels first came from there. */
static bool is_turned(const struct keras_file *file, enum keras_kernel_order order)
{
    if (order == KERAS_HWCM)
        return false;
    return strcmp(file->backend, "theano") == 0 ||
           (*file->backend == '\0' && order == KERAS_OIHW);
}

int keras_kernel_arrange(const struct keras_file *file, const struct tensor *from,
                         enum keras_kernel_order order, struct graph *graph, struct tensor *to,
                         struct error *error)
{
    const size_t *axis = axes[order], *shape = from->shape;
    const size_t strides[4] = {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1};
    size_t stride[4], count[4], at = 0;
    bool turned = is_turned(file, order);
    float *values, *arranged;

    if (from->rank != 4 || from->count == 0)
        return error_set(error, "they have %zu dimensions, not 4", from->rank);
    values = memory_allocate(from->count, sizeof *values, error);
    arranged = graph_allocate(graph, from->count, sizeof *arranged, error);
    if (values == NULL || arranged == NULL || tensor_to_float(from, values, error) < 0) {
        free(values);
        return FAILED;
    }
    for (size_t i = 0; i < 4; i++) {
        stride[i] = strides[axis[i]];
        count[i] = shape[axis[i]];
    }
    for (size_t out = 0; out < count[0]; out++)
        for (size_t in = 0; in < count[1]; in++)
            for (size_t y = 0; y < count[2]; y++)
                for (size_t x = 0; x < count[3]; x++)
                    arranged[at++] = values[out * stride[0] + in * stride[1] +
                                            (turned ? count[2] - 1 - y : y) * stride[2] +
                                            (turned ? count[3] - 1 - x : x) * stride[3]];
    free(values);
    *to = (struct tensor){
        .type = TENSOR_FLOAT32, .rank = 4, .count = from->count,
        .bytes = {(const unsigned char *)arranged, from->count * sizeof *arranged}};
    keras_kernel_shape(shape, order, to->shape);
    return 0;
}
