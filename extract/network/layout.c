#include "extract/network/layout.h"

#include <stdlib.h>

#include "common/memory.h"

/* Buffers begin at multiples of this many floats: a cache line. */
enum { ALIGNMENT = 16 };

/* Where a result lies: within the buffer of the layer `owner`. */
struct place {
    bool placed;
    size_t owner, offset;             /* offset: floats within one image */
    size_t pixel_stride, image_stride;
};

/* A result that has memory of its own. */
struct buffer_plan {
    size_t layer;
    size_t first, last;               /* the steps at which it must exist */
    bool whole;                       /* holds the whole batch, not a group of images alone */
    size_t floats, offset;
};

struct layout {
    const struct graph *graph;
    const struct schedule *schedule;
    struct place *places;             /* [graph->count] */
    struct buffer_plan *buffers;      /* [graph->count], filled in up to buffer_count */
    size_t *slots;                    /* [graph->count]: of an owner, its buffer */
    size_t buffer_count;
};

static const struct layer *layer_at(const struct layout *layout, size_t index)
{
    return &layout->graph->layers[index];
}

static void place_alone(struct layout *layout, size_t index)
{
    const struct shape *shape = &layer_at(layout, index)->shape;

    layout->places[index] = (struct place){
        .placed = true,
        .owner = index,
        .pixel_stride = shape_channels(shape),
        .image_stride = shape_count(shape),
    };
}

/* Results that are not ours to place: the caller's images and the graph's constants. */
static bool is_foreign(const struct layer *layer)
{
    return layer->kind == LAYER_INPUT || layer->kind == LAYER_CONSTANT;
}

static bool joins_channels(const struct layer *layer)
{
    return layer->kind == LAYER_CONCAT && layer->concat_axis == SHAPE_CHANNELS &&
           (shape_is_map(&layer->shape) || layer->shape.rank == 1);
}

/* True when the inputs of a concatenation lie side by side already, because a later one that
 * begins with the same inputs was placed first (the blocks of a DenseNet). */
static bool inputs_lie_together(const struct layout *layout, const struct layer *concat)
{
    const struct place *first = &layout->places[concat->inputs[0]];
    size_t offset = first->offset;

    for (size_t i = 0; i < concat->input_count; i++) {
        const struct place *place = &layout->places[concat->inputs[i]];

        if (!place->placed || place->owner != first->owner || place->offset != offset ||
            place->pixel_stride != first->pixel_stride)
            return false;
        offset += shape_channels(&layer_at(layout, concat->inputs[i])->shape);
    }
    return true;
}

/* Concatenations from the last to the first: each gives its inputs their place within it. */
static void place_concats(struct layout *layout)
{
    for (size_t i = layout->graph->count; i-- > 0;) {
        const struct layer *concat = layer_at(layout, i);
        struct place *place = &layout->places[i];
        size_t begin = 0;

        if (!joins_channels(concat))
            continue;
        if (!place->placed && inputs_lie_together(layout, concat))
            *place = layout->places[concat->inputs[0]];
        else if (!place->placed)
            place_alone(layout, i);
        for (size_t j = 0; j < concat->input_count; j++) {
            const struct layer *input = layer_at(layout, concat->inputs[j]);
            struct place *part = &layout->places[concat->inputs[j]];

            if (!part->placed && !is_foreign(input) && input->kind != LAYER_RESHAPE &&
                input->kind != LAYER_SLICE) {
                *part = *place;
                part->offset += begin;
            }
            begin += shape_channels(&input->shape);
        }
    }
}

/* In memory as in the row-major order of its numbers. */
static bool is_linear(const struct shape *shape)
{
    return !shape_is_map(shape) || shape_pixels(shape) == 1 || shape_channels(shape) == 1;
}

static bool reshape_is_view(const struct layout *layout, const struct layer *layer)
{
    const struct layer *input = layer_at(layout, layer->inputs[0]);
    const struct place *place = &layout->places[layer->inputs[0]];

    return !is_foreign(input) && is_linear(&input->shape) && is_linear(&layer->shape) &&
           (shape_pixels(&input->shape) == 1 || place->pixel_stride == 1);
}

static bool slice_is_view(const struct layout *layout, const struct layer *layer)
{
    const struct layer *input = layer_at(layout, layer->inputs[0]);

    if (is_foreign(input) || !(shape_is_map(&layer->shape) || layer->shape.rank == 1))
        return false;
    for (size_t axis = 0; axis < layer->shape.rank; axis++)
        if (layer->slice.step[axis] != 1 ||
            (axis != SHAPE_CHANNELS && layer->slice.count[axis] != input->shape.dims[axis]))
            return false;
    return true;
}

static void place_rest(struct layout *layout)
{
    for (size_t i = 0; i < layout->graph->count; i++) {
        const struct layer *layer = layer_at(layout, i);
        struct place *place = &layout->places[i];

        if (place->placed || is_foreign(layer))
            continue;
        if (layer->kind == LAYER_RESHAPE && reshape_is_view(layout, layer)) {
            *place = layout->places[layer->inputs[0]];
            place->pixel_stride = shape_channels(&layer->shape);
        } else if (layer->kind == LAYER_SLICE && slice_is_view(layout, layer)) {
            *place = layout->places[layer->inputs[0]];
            place->offset += layer->slice.begin[SHAPE_CHANNELS];
        } else {
            place_alone(layout, i);
        }
    }
}

static void add_buffers(struct layout *layout)
{
    for (size_t i = 0; i < layout->graph->count; i++) {
        if (!layout->places[i].placed || layout->places[i].owner != i)
            continue;
        layout->slots[i] = layout->buffer_count;
        layout->buffers[layout->buffer_count++] =
            (struct buffer_plan){.layer = i, .first = i, .last = i};
    }
}

static struct buffer_plan *buffer_of(struct layout *layout, size_t index)
{
    return &layout->buffers[layout->slots[layout->places[index].owner]];
}

/* The buffer is written by step `writer`, and read by step `reader`. */
static void extend_life(struct layout *layout, struct buffer_plan *buffer, size_t writer,
                        size_t reader)
{
    if (writer < buffer->first)
        buffer->first = writer;
    if (reader > buffer->last)
        buffer->last = reader;
    /* What is read behind the split holds all groups of images, written one after the other. */
    if (writer < layout->schedule->split && reader >= layout->schedule->split)
        buffer->whole = true;
}

/* When each buffer is first written and last read, and how many images it holds. `outputs` are
 * read after the last step. */
static void find_lifetimes(struct layout *layout, const size_t *outputs, size_t count)
{
    add_buffers(layout);
    for (size_t i = 0; i < layout->graph->count; i++) {
        const struct layer *layer = layer_at(layout, i);

        if (!is_foreign(layer))
            extend_life(layout, buffer_of(layout, i), i, i);
        for (size_t j = 0; j < layer->input_count; j++)
            if (!is_foreign(layer_at(layout, layer->inputs[j])))
                extend_life(layout, buffer_of(layout, layer->inputs[j]), layer->inputs[j], i);
    }
    for (size_t i = 0; i < count; i++)
        if (!is_foreign(layer_at(layout, outputs[i])))
            extend_life(layout, buffer_of(layout, outputs[i]), outputs[i], SIZE_MAX);
    for (size_t i = 0; i < layout->buffer_count; i++) {
        struct buffer_plan *buffer = &layout->buffers[i];

        if (buffer->last >= layout->schedule->split)
            buffer->whole = true;
        /* Every group passes through all steps before the split again. */
        if (buffer->whole && buffer->first < layout->schedule->split)
            buffer->first = 0;
        buffer->floats = shape_count(&layer_at(layout, buffer->layer)->shape) *
                         (buffer->whole ? layout->schedule->batch : layout->schedule->group);
    }
}

static int larger_first(const void *left, const void *right)
{
    const struct buffer_plan *a = left, *b = right;

    if (a->floats != b->floats)
        return a->floats < b->floats ? 1 : -1;
    return a->layer < b->layer ? -1 : 1;
}

static bool meet(const struct buffer_plan *a, const struct buffer_plan *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The largest buffers first, each at the lowest offset that is free during its life (the "greedy
 * by size" of Pisarchyk and Lee, arXiv 2001.03288). Returns the floats needed in all. */
static size_t assign_offsets(struct layout *layout)
{
    size_t total = 0;

    qsort(layout->buffers, layout->buffer_count, sizeof *layout->buffers, larger_first);
    for (size_t i = 0; i < layout->buffer_count; i++) {
        struct buffer_plan *buffer = &layout->buffers[i];
        bool moved = true;

        while (moved) {
            moved = false;
            for (size_t j = 0; j < i; j++) {
                const struct buffer_plan *other = &layout->buffers[j];

                if (meet(buffer, other) && buffer->offset < other->offset + other->floats &&
                    other->offset < buffer->offset + buffer->floats) {
                    buffer->offset =
                        (other->offset + other->floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
                    moved = true;
                }
            }
        }
        if (buffer->offset + buffer->floats > total)
            total = buffer->offset + buffer->floats;
    }
    return total;
}

static void set_view(const struct layout *layout, size_t index, float *arena,
                     struct view *view, bool *whole)
{
    const struct layer *layer = layer_at(layout, index);
    const struct place *place = &layout->places[index];

    *whole = true;
    *view = (struct view){
        .shape = layer->shape,
        .pixel_stride = shape_channels(&layer->shape),
        .image_stride = layer->kind == LAYER_CONSTANT ? 0 : shape_count(&layer->shape),
    };
    if (layer->kind == LAYER_CONSTANT)
        view->data = (float *)(uintptr_t)layer->constant;
    for (size_t i = 0; place->placed && i < layout->buffer_count; i++) {
        if (layout->buffers[i].layer != place->owner)
            continue;
        view->data = arena + layout->buffers[i].offset + place->offset;
        view->pixel_stride = place->pixel_stride;
        view->image_stride = place->image_stride;
        *whole = layout->buffers[i].whole;
    }
}

int layout_create(const struct graph *graph, const struct schedule *schedule,
                  const size_t *outputs, size_t count, struct view *views, bool *whole,
                  float **arena, size_t *floats, struct error *error)
{
    struct layout layout = {.graph = graph, .schedule = schedule};
    int outcome = FAILED;

    layout.places = memory_allocate(graph->count, sizeof *layout.places, error);
    layout.buffers = memory_allocate(graph->count, sizeof *layout.buffers, error);
    layout.slots = memory_allocate(graph->count, sizeof *layout.slots, error);
    if (layout.places == NULL || layout.buffers == NULL || layout.slots == NULL)
        goto out;
    place_concats(&layout);
    place_rest(&layout);
    find_lifetimes(&layout, outputs, count);
    *floats = assign_offsets(&layout);
    *arena = memory_allocate_aligned(*floats, sizeof(float), error);
    if (*arena == NULL)
        goto out;
    for (size_t i = 0; i < graph->count; i++)
        set_view(&layout, i, *arena, &views[i], &whole[i]);
    outcome = 0;
out:
    free(layout.places);
    free(layout.buffers);
    free(layout.slots);
    return outcome;
}
