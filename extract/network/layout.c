#include "extract/network/layout.h"

#include <stdint.h>
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
    enum home_kind kind;
    size_t floats, offset;            /* in the arena */
    size_t strip_buffer;              /* HOME_STRIP: its number */
};

struct draft {
    const struct graph *graph;
    const struct schedule *schedule;
    const struct strips *strips;
    const size_t *outputs;            /* [output_count] */
    size_t output_count;
    struct place *places;             /* [graph->count] */
    struct buffer_plan *buffers;      /* [graph->count], filled in up to buffer_count */
    size_t *slots;                    /* [graph->count]: of an owner, its buffer */
    size_t buffer_count;
};

static const struct layer *layer_at(const struct draft *draft, size_t index)
{
    return &draft->graph->layers[index];
}

static void place_alone(struct draft *draft, size_t index)
{
    const struct shape *shape = &layer_at(draft, index)->shape;

    draft->places[index] = (struct place){
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
static bool inputs_lie_together(const struct draft *draft, const struct layer *concat)
{
    const struct place *first = &draft->places[concat->inputs[0]];
    size_t offset = first->offset;

    for (size_t i = 0; i < concat->input_count; i++) {
        const struct place *place = &draft->places[concat->inputs[i]];

        if (!place->placed || place->owner != first->owner || place->offset != offset ||
            place->pixel_stride != first->pixel_stride)
            return false;
        offset += shape_channels(&layer_at(draft, concat->inputs[i])->shape);
    }
    return true;
}

/* Concatenations from the last to the first: each gives its inputs their place within it. */
static void place_concats(struct draft *draft)
{
    for (size_t i = draft->graph->count; i-- > 0;) {
        const struct layer *concat = layer_at(draft, i);
        struct place *place = &draft->places[i];
        size_t begin = 0;

        if (!joins_channels(concat))
            continue;
        if (!place->placed && inputs_lie_together(draft, concat))
            *place = draft->places[concat->inputs[0]];
        else if (!place->placed)
            place_alone(draft, i);
        for (size_t j = 0; j < concat->input_count; j++) {
            const struct layer *input = layer_at(draft, concat->inputs[j]);
            struct place *part = &draft->places[concat->inputs[j]];

            if (!part->placed && !is_foreign(input) && input->kind != LAYER_RESHAPE &&
                input->kind != LAYER_SLICE) {
                *part = *place;
                part->offset += begin;
            }
            begin += shape_channels(&input->shape);
        }
    }
}

/* In memory as in the order in which `reshape` takes or puts its numbers. */
static bool is_linear(const struct layer *reshape, const struct shape *shape)
{
    return reshape->reshape_channels_last || !shape_is_map(shape) || shape_pixels(shape) == 1 ||
           shape_channels(shape) == 1;
}

static bool reshape_is_view(const struct draft *draft, const struct layer *layer)
{
    const struct layer *input = layer_at(draft, layer->inputs[0]);
    const struct place *place = &draft->places[layer->inputs[0]];

    return !is_foreign(input) && is_linear(layer, &input->shape) &&
           is_linear(layer, &layer->shape) &&
           (shape_pixels(&input->shape) == 1 ||
            place->pixel_stride == shape_channels(&input->shape));
}

static bool slice_is_view(const struct draft *draft, const struct layer *layer)
{
    const struct layer *input = layer_at(draft, layer->inputs[0]);

    if (is_foreign(input) || !(shape_is_map(&layer->shape) || layer->shape.rank == 1))
        return false;
    for (size_t axis = 0; axis < layer->shape.rank; axis++)
        if (layer->slice.step[axis] != 1 ||
            (axis != SHAPE_CHANNELS && layer->slice.count[axis] != input->shape.dims[axis]))
            return false;
    return true;
}

static bool lies_with(const struct draft *draft, size_t index, size_t owner)
{
    return draft->places[index].placed && draft->places[index].owner == owner;
}

/* Nothing in the buffer of `owner` is read behind step `index`, or by it as its first input. */
static bool is_read_last(const struct draft *draft, size_t index, size_t owner)
{
    for (size_t i = index; i < draft->graph->count; i++) {
        const struct layer *layer = layer_at(draft, i);

        for (size_t j = 0; j < layer->input_count; j++)
            if ((i > index || j == 0) && lies_with(draft, layer->inputs[j], owner))
                return false;
    }
    for (size_t i = 0; i < draft->output_count; i++)
        if (lies_with(draft, draft->outputs[i], owner))
            return false;
    return true;
}

/* A convolution puts its result where the residual is that it adds, when nobody reads that again:
 * it then writes what it just read, and no third map passes through the caches (ResNet-50 gains
 * 3 %). In strips the map might still be read above, under a window. */
static bool replaces_residual(const struct draft *draft, size_t index)
{
    const struct layer *layer = layer_at(draft, index);
    const struct place *place;

    if (layer->kind != LAYER_CONVOLUTION || !layer->convolution.residual ||
        index < draft->strips->end)
        return false;
    place = &draft->places[layer->inputs[1]];
    return place->placed && place->pixel_stride == shape_channels(&layer->shape) &&
           place->image_stride == shape_count(&layer->shape) &&
           is_read_last(draft, index, place->owner);
}

static void place_rest(struct draft *draft)
{
    for (size_t i = 0; i < draft->graph->count; i++) {
        const struct layer *layer = layer_at(draft, i);
        struct place *place = &draft->places[i];

        if (place->placed || is_foreign(layer))
            continue;
        if (layer->kind == LAYER_RESHAPE && reshape_is_view(draft, layer)) {
            *place = draft->places[layer->inputs[0]];
            place->pixel_stride = shape_channels(&layer->shape);
        } else if (layer->kind == LAYER_SLICE && slice_is_view(draft, layer)) {
            *place = draft->places[layer->inputs[0]];
            place->offset += layer->slice.begin[SHAPE_CHANNELS];
        } else if (replaces_residual(draft, i)) {
            *place = draft->places[layer->inputs[1]];
        } else {
            place_alone(draft, i);
        }
    }
}

static void add_buffers(struct draft *draft)
{
    for (size_t i = 0; i < draft->graph->count; i++) {
        if (!draft->places[i].placed || draft->places[i].owner != i)
            continue;
        draft->slots[i] = draft->buffer_count;
        draft->buffers[draft->buffer_count++] =
            (struct buffer_plan){.layer = i, .first = i, .last = i, .kind = HOME_GROUP};
    }
}

/* After the buffers were sorted their slots are no longer valid: by search. */
static const struct buffer_plan *find_buffer(const struct draft *draft, size_t owner)
{
    size_t i = 0;

    while (draft->buffers[i].layer != owner)
        i++;
    return &draft->buffers[i];
}

static struct buffer_plan *buffer_of(struct draft *draft, size_t index)
{
    return &draft->buffers[draft->slots[draft->places[index].owner]];
}

/* The buffer is written by step `writer`, and read by step `reader`. */
static void extend_life(struct draft *draft, struct buffer_plan *buffer, size_t writer,
                        size_t reader)
{
    if (writer < buffer->first)
        buffer->first = writer;
    if (reader > buffer->last)
        buffer->last = reader;
    /* What is read behind the split holds all groups of images, written one after the other. */
    if (writer < draft->schedule->split && reader >= draft->schedule->split)
        buffer->kind = HOME_BATCH;
}

/* What a buffer holds, after its life is known. */
static void settle_buffer(const struct draft *draft, struct buffer_plan *buffer)
{
    const struct schedule *schedule = draft->schedule;
    size_t images = schedule->group;

    if (buffer->last >= schedule->split)
        buffer->kind = HOME_BATCH;
    else if (buffer->last < draft->strips->end)
        buffer->kind = HOME_STRIP;
    /* Every group passes through all steps before the split again; strips through theirs. */
    if ((buffer->kind == HOME_BATCH && buffer->first < schedule->split) ||
        buffer->first < draft->strips->end)
        buffer->first = 0;
    if (buffer->kind == HOME_BATCH)
        images = schedule->batch;
    if (buffer->kind != HOME_STRIP)
        buffer->floats = shape_count(&layer_at(draft, buffer->layer)->shape) * images;
}

/* When each buffer is first written and last read, and how many images it holds. The outputs are
 * read after the last step. */
static void find_lifetimes(struct draft *draft)
{
    add_buffers(draft);
    for (size_t i = 0; i < draft->graph->count; i++) {
        const struct layer *layer = layer_at(draft, i);

        if (!is_foreign(layer))
            extend_life(draft, buffer_of(draft, i), i, i);
        for (size_t j = 0; j < layer->input_count; j++)
            if (!is_foreign(layer_at(draft, layer->inputs[j])))
                extend_life(draft, buffer_of(draft, layer->inputs[j]), layer->inputs[j], i);
    }
    for (size_t i = 0; i < draft->output_count; i++) {
        size_t output = draft->outputs[i];

        if (!is_foreign(layer_at(draft, output)))
            extend_life(draft, buffer_of(draft, output), output, SIZE_MAX);
    }
    for (size_t i = 0; i < draft->buffer_count; i++)
        settle_buffer(draft, &draft->buffers[i]);
}

static int larger_first(const void *left, const void *right)
{
    const struct buffer_plan *a = left, *b = right;

    if (a->floats != b->floats)
        return a->floats < b->floats ? 1 : -1;
    return a->layer < b->layer ? -1 : 1;
}

/* Strips lie elsewhere. */
static bool meet(const struct buffer_plan *a, const struct buffer_plan *b)
{
    return a->kind != HOME_STRIP && b->kind != HOME_STRIP && a->first <= b->last &&
           b->first <= a->last;
}

/* The largest buffers first, each at the lowest offset that is free during its life (the "greedy
 * by size" of Pisarchyk and Lee, arXiv 2001.03288). Returns the floats needed in all. */
static size_t assign_offsets(struct draft *draft)
{
    size_t total = 0;

    qsort(draft->buffers, draft->buffer_count, sizeof *draft->buffers, larger_first);
    for (size_t i = 0; i < draft->buffer_count; i++) {
        struct buffer_plan *buffer = &draft->buffers[i];
        bool moved = true;

        while (moved) {
            moved = false;
            for (size_t j = 0; j < i; j++) {
                const struct buffer_plan *other = &draft->buffers[j];

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

/* ---- strips ----------------------------------------------------------------------------- */

/* Which rows a buffer holds during each strip: those that any of the results in it needs. Returns
 * the most. */
static size_t find_rows(const struct draft *draft, size_t owner, struct strip_buffer *buffer)
{
    const struct strips *strips = draft->strips;
    size_t most = 0;

    for (size_t strip = 0; strip <= strips->count; strip++) {
        buffer->first[strip] = SIZE_MAX;
        for (size_t i = 0; i < strips->end; i++) {
            size_t first, end;

            if (!draft->places[i].placed || draft->places[i].owner != owner)
                continue;
            first = strips_first(strips, draft->graph, strip, i);
            end = strips_rows(strips, strip, i);
            if (first < buffer->first[strip])
                buffer->first[strip] = first;
            if (end > buffer->end[strip])
                buffer->end[strip] = end;
        }
        if (strip > 0 && buffer->end[strip] - buffer->first[strip - 1] > most)
            most = buffer->end[strip] - buffer->first[strip - 1];
    }
    return most;
}

/* Gives each buffer of rows its place in a thread's memory. */
static int add_strip_buffers(const struct draft *draft, struct layout *layout,
                             struct error *error)
{
    layout->strip_buffers =
        memory_allocate(draft->buffer_count, sizeof *layout->strip_buffers, error);
    if (layout->strip_buffers == NULL)
        return FAILED;
    for (size_t i = 0; i < draft->buffer_count; i++) {
        const struct layer *layer = layer_at(draft, draft->buffers[i].layer);
        struct strip_buffer *buffer = &layout->strip_buffers[layout->strip_buffer_count];
        size_t floats;

        if (draft->buffers[i].kind != HOME_STRIP)
            continue;
        draft->buffers[i].strip_buffer = layout->strip_buffer_count++;
        buffer->first = memory_allocate(draft->strips->count + 1, sizeof *buffer->first, error);
        buffer->end = memory_allocate(draft->strips->count + 1, sizeof *buffer->end, error);
        if (buffer->first == NULL || buffer->end == NULL)
            return FAILED;
        buffer->offset = layout->strip_floats;
        buffer->row_floats = layer->shape.dims[SHAPE_WIDTH] * shape_channels(&layer->shape);
        floats = find_rows(draft, draft->buffers[i].layer, buffer) * buffer->row_floats;
        layout->strip_floats += (floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return 0;
}

/* ---- views ------------------------------------------------------------------------------ */

static void set_view(const struct draft *draft, const struct layout *layout, size_t index)
{
    const struct layer *layer = layer_at(draft, index);
    const struct place *place = &draft->places[index];
    struct view *view = &layout->views[index];
    const struct buffer_plan *buffer;

    layout->homes[index] = (struct home){.kind = HOME_BATCH};
    *view = (struct view){
        .shape = layer->shape,
        .pixel_stride = shape_channels(&layer->shape),
        .image_stride = layer->kind == LAYER_CONSTANT ? 0 : shape_count(&layer->shape),
    };
    if (layer->kind == LAYER_CONSTANT)
        view->data = (float *)(uintptr_t)layer->constant;
    if (!place->placed)
        return;
    buffer = find_buffer(draft, place->owner);
    view->pixel_stride = place->pixel_stride;
    layout->homes[index].kind = buffer->kind;
    if (buffer->kind != HOME_STRIP) {
        view->image_stride = place->image_stride;
        view->data = layout->arena + buffer->offset + place->offset;
        return;
    }
    layout->homes[index].buffer = buffer->strip_buffer;
    layout->homes[index].offset = place->offset;
    view->image_stride = 0;
    view->data = layout->strip_arena +
                 layout->strip_buffers[buffer->strip_buffer].offset + place->offset;
}

static int arrange(struct draft *draft, struct layout *layout, size_t threads,
                   struct error *error)
{
    place_concats(draft);
    place_rest(draft);
    find_lifetimes(draft);
    layout->arena_floats = assign_offsets(draft);
    if (add_strip_buffers(draft, layout, error) < 0)
        return FAILED;
    layout->arena = memory_allocate_aligned(layout->arena_floats, sizeof(float), error);
    layout->strip_arena =
        memory_allocate_aligned(threads * layout->strip_floats, sizeof(float), error);
    if (layout->arena == NULL || layout->strip_arena == NULL)
        return FAILED;
    for (size_t i = 0; i < draft->graph->count; i++)
        set_view(draft, layout, i);
    return 0;
}

int layout_create(struct layout *layout, const struct graph *graph,
                  const struct schedule *schedule, const struct strips *strips, size_t threads,
                  const size_t *outputs, size_t count, struct error *error)
{
    struct draft draft = {.graph = graph, .schedule = schedule, .strips = strips,
                          .outputs = outputs, .output_count = count};
    int outcome = FAILED;

    *layout = (struct layout){0};
    layout->views = memory_allocate(graph->count, sizeof *layout->views, error);
    layout->homes = memory_allocate(graph->count, sizeof *layout->homes, error);
    draft.places = memory_allocate(graph->count, sizeof *draft.places, error);
    draft.buffers = memory_allocate(graph->count, sizeof *draft.buffers, error);
    draft.slots = memory_allocate(graph->count, sizeof *draft.slots, error);
    if (layout->views != NULL && layout->homes != NULL && draft.places != NULL &&
        draft.buffers != NULL && draft.slots != NULL)
        outcome = arrange(&draft, layout, threads, error);
    free(draft.places);
    free(draft.buffers);
    free(draft.slots);
    return outcome;
}

void layout_release(struct layout *layout)
{
    for (size_t i = 0; i < layout->strip_buffer_count; i++) {
        free(layout->strip_buffers[i].first);
        free(layout->strip_buffers[i].end);
    }
    free(layout->strip_buffers);
    free(layout->views);
    free(layout->homes);
    free(layout->arena);
    free(layout->strip_arena);
    *layout = (struct layout){0};
}
