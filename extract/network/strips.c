#include "extract/network/strips.h"

#include <stdlib.h>

#include "common/memory.h"
#include "extract/network/layers.h"

/* The window by which a layer reads its first input; NULL: row by row. */
static const struct window *window_of(const struct layer *layer)
{
    if (layer->kind == LAYER_CONVOLUTION)
        return &layer->convolution.window;
    return layer->kind == LAYER_POOL ? &layer->pool.window : NULL;
}

/* True when input `input` of a layer is read through its window. */
static bool is_windowed(const struct layer *layer, size_t input)
{
    return window_of(layer) != NULL && input == 0;
}

static bool is_by_rows(const struct graph *graph, const struct layer *layer)
{
    const struct layer_operations *operations = layer_operations(layer->kind);

    if (layer->kind == LAYER_INPUT || layer->kind == LAYER_CONSTANT)
        return true;
    if (operations->row_grain == NULL || !shape_is_map(&layer->shape) ||
        operations->row_grain(layer) == 0)
        return false;
    for (size_t i = 0; i < layer->input_count; i++) {
        const struct layer *input = &graph->layers[layer->inputs[i]];

        if (!shape_is_map(&input->shape) ||
            (!is_windowed(layer, i) && input->kind != LAYER_CONSTANT &&
             input->shape.dims[SHAPE_HEIGHT] != layer->shape.dims[SHAPE_HEIGHT]))
            return false;
    }
    return true;
}

size_t strips_longest(const struct graph *graph)
{
    size_t end = 0;

    while (end < graph->count && is_by_rows(graph, &graph->layers[end]))
        end++;
    return end;
}

/* Rows of the input that the first `rows` rows of a layer's result are computed from. */
static size_t rows_read(const struct layer *layer, size_t input, size_t rows, size_t height)
{
    const struct window *window = window_of(layer);
    size_t reach;

    if (rows == 0 || !is_windowed(layer, input))
        return rows;
    reach = (rows - 1) * window->stride[0] + (window->kernel[0] - 1) * window->dilation[0] + 1;
    reach = reach > window->pad_begin[0] ? reach - window->pad_begin[0] : 0;
    return reach < height ? reach : height;
}

/* The first row of the input that row `row` of a layer's result is computed from. */
static size_t first_read(const struct layer *layer, size_t input, size_t row)
{
    const struct window *window = window_of(layer);
    size_t begin;

    if (!is_windowed(layer, input))
        return row;
    begin = row * window->stride[0];
    return begin > window->pad_begin[0] ? begin - window->pad_begin[0] : 0;
}

static bool has_rows(const struct layer *layer)
{
    return layer->kind != LAYER_INPUT && layer->kind != LAYER_CONSTANT;
}

/* The rows of one layer after a strip, and what its inputs must have for them. The layers that
 * read it have been settled before. */
static void settle(const struct graph *graph, size_t index, size_t *rows)
{
    const struct layer *layer = &graph->layers[index];
    const struct layer_operations *operations = layer_operations(layer->kind);
    size_t height = layer->shape.dims[SHAPE_HEIGHT], grain;

    if (!has_rows(layer))
        return;
    grain = operations->row_grain(layer);
    rows[index] = (rows[index] + grain - 1) / grain * grain;
    if (rows[index] > height)
        rows[index] = height;
    for (size_t i = 0; i < layer->input_count; i++) {
        const struct layer *input = &graph->layers[layer->inputs[i]];
        size_t read = rows_read(layer, i, rows[index], input->shape.dims[SHAPE_HEIGHT]);

        if (has_rows(input) && read > rows[layer->inputs[i]])
            rows[layer->inputs[i]] = read;
    }
}

int strips_create(struct strips *strips, const struct graph *graph, const bool *kept, size_t end,
                  size_t count, struct error *error)
{
    size_t cells;

    *strips = (struct strips){.end = end, .count = count};
    if (!size_multiply(count + 1, end, &cells))
        return error_no_memory(error);
    strips->rows = memory_allocate(cells, sizeof *strips->rows, error);
    if (strips->rows == NULL)
        return FAILED;
    for (size_t strip = 1; strip <= count; strip++) {
        size_t *rows = strips->rows + strip * end;

        for (size_t i = end; i-- > 0;) {
            size_t height = graph->layers[i].shape.dims[SHAPE_HEIGHT];
            size_t wanted = (height * strip + count - 1) / count;

            if (kept[i] && rows[i] < wanted)
                rows[i] = wanted;
            settle(graph, i, rows);
        }
    }
    return 0;
}

void strips_release(struct strips *strips)
{
    free(strips->rows);
    *strips = (struct strips){0};
}

size_t strips_rows(const struct strips *strips, size_t strip, size_t layer)
{
    return strips->rows[strip * strips->end + layer];
}

size_t strips_first(const struct strips *strips, const struct graph *graph, size_t strip,
                    size_t layer)
{
    size_t first = strips_rows(strips, strip, layer);

    for (size_t i = layer + 1; i < strips->end; i++) {
        const struct layer *reader = &graph->layers[i];

        for (size_t j = 0; j < reader->input_count; j++) {
            size_t read = first_read(reader, j, strips_rows(strips, strip, i));

            if (reader->inputs[j] == layer && read < first)
                first = read;
        }
    }
    return first;
}
