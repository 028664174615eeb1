/*
 * Convolutions: which way each is computed.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/memory.h"
#include "extract/network/convolution.h"
#include "extract/network/layers.h"

static const struct convolution_way *const ways[] = {
    &convolution_depthwise,
    &convolution_winograd,
    &convolution_product,
};

enum { WAYS = sizeof ways / sizeof ways[0] };

static const struct convolution_way *choose_way(const struct layer *layer)
{
    size_t way = 0;

    while (way < WAYS - 1 && !ways[way]->suits(layer))
        way++;
    return ways[way];
}

static int prepare(struct step *step, const struct kernels *kernels, struct error *error)
{
    const struct tensor *tensor = &step->layer->convolution.weights;
    float *weights;
    int outcome = FAILED;

    if (tensor_check_floats(tensor, error) < 0)
        return FAILED;
    weights = memory_allocate_aligned(tensor->count, sizeof *weights, error);
    if (weights != NULL && tensor_to_float(tensor, weights, error) == 0)
        outcome = choose_way(step->layer)->prepare(step, kernels, weights, error);
    free(weights);
    return outcome;
}

static void run(const struct step *step, const struct run *run)
{
    choose_way(step->layer)->run(step, run);
}

static void release(struct step *step)
{
    if (step->prepared != NULL)
        choose_way(step->layer)->release(step->prepared);
}

static double cost(const struct layer *layer, const struct graph *graph)
{
    (void)graph;
    return (double)layer->convolution.weights.count * (double)shape_pixels(&layer->shape);
}

static double weights(const struct layer *layer)
{
    return (double)(layer->convolution.weights.count * choose_way(layer)->weight_factor);
}

static size_t row_grain(const struct layer *layer)
{
    return choose_way(layer)->row_grain;
}

const struct layer_operations convolution_operations = {
    .name = "convolution",
    .prepare = prepare,
    .run = run,
    .release = release,
    .cost = cost,
    .weights = weights,
    .row_grain = row_grain,
};

void sliding_gather(const struct sliding *sliding, size_t image, size_t y, size_t x,
                    const float **table)
{
    const struct window *window = sliding->window;
    const struct shape *shape = &sliding->source.shape;
    size_t top = y * window->stride[0] - sliding->pad[0];
    size_t left = x * window->stride[1] - sliding->pad[1];

    for (size_t i = 0; i < window->kernel[0]; i++) {
        /* Outside above or left wraps around and is too large as well. */
        size_t row = top + i * window->dilation[0];
        bool inside = row < shape->dims[SHAPE_HEIGHT];
        const float *from =
            inside ? view_pixel(&sliding->source, image, row * shape->dims[SHAPE_WIDTH]) : NULL;

        for (size_t j = 0; j < sliding->kernel_width; j++) {
            size_t column = left + j * window->dilation[1];

            *table++ = inside && column < shape->dims[SHAPE_WIDTH]
                           ? from + column * sliding->source.pixel_stride
                           : sliding->zeros;
        }
    }
}

/* One tap of a row of pixels: the first of them at `column` of the source, `step` columns on for
 * every further one. */
static void gather_tap(const struct sliding *sliding, const float *row, size_t column,
                       size_t step, size_t count, const float **table)
{
    size_t width = sliding->source.shape.dims[SHAPE_WIDTH];
    size_t pixel_stride = sliding->source.pixel_stride, k = 0;

    for (; k < count && column > SIZE_MAX / 2; k++, column += step)
        table[k] = sliding->zeros;  /* left of the map: a negative column */
    for (; k < count && column < width; k++, column += step)
        table[k] = row + column * pixel_stride;
    for (; k < count; k++)
        table[k] = sliding->zeros;
}

void sliding_gather_row(const struct sliding *sliding, size_t image, size_t y, size_t x,
                        size_t count, const float **table, size_t stride)
{
    const struct window *window = sliding->window;
    const struct shape *shape = &sliding->source.shape;
    size_t top = y * window->stride[0] - sliding->pad[0];
    size_t left = x * window->stride[1] - sliding->pad[1];

    for (size_t i = 0; i < window->kernel[0]; i++) {
        size_t row = top + i * window->dilation[0];

        for (size_t j = 0; j < sliding->kernel_width; j++, table += stride) {
            if (row < shape->dims[SHAPE_HEIGHT]) {
                gather_tap(sliding,
                           view_pixel(&sliding->source, image, row * shape->dims[SHAPE_WIDTH]),
                           left + j * window->dilation[1], window->stride[1], count, table);
                continue;
            }
            for (size_t k = 0; k < count; k++)
                table[k] = sliding->zeros;
        }
    }
}
