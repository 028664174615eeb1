#include "extract/network/plan.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/progress.h"
#include "extract/network/layers.h"

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
    size_t floats, offset;
};

struct layout {
    const struct graph *graph;
    struct place *places;             /* [graph->count] */
    struct buffer_plan *buffers;      /* [graph->count], filled in up to buffer_count */
    size_t buffer_count;
    size_t batch;
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

/* When each buffer is first written and last read. `outputs` are read after the last step. */
static void find_lifetimes(struct layout *layout, const size_t *outputs, size_t count)
{
    size_t *slots = (size_t *)(void *)(layout->buffers + layout->graph->count);

    for (size_t i = 0; i < layout->graph->count; i++) {
        const struct layer *layer = layer_at(layout, i);
        const struct place *place = &layout->places[i];

        if (place->placed && place->owner == i) {
            slots[i] = layout->buffer_count;
            layout->buffers[layout->buffer_count++] = (struct buffer_plan){
                .layer = i, .first = i, .last = i,
                .floats = layout->batch * shape_count(&layer->shape)};
        }
    }
    for (size_t i = 0; i < layout->graph->count; i++) {
        const struct layer *layer = layer_at(layout, i);
        struct buffer_plan *buffer;

        if (!is_foreign(layer)) {
            buffer = &layout->buffers[slots[layout->places[i].owner]];
            if (i < buffer->first)
                buffer->first = i;
            if (i > buffer->last)
                buffer->last = i;
        }
        for (size_t j = 0; j < layer->input_count; j++) {
            if (is_foreign(layer_at(layout, layer->inputs[j])))
                continue;
            buffer = &layout->buffers[slots[layout->places[layer->inputs[j]].owner]];
            if (i > buffer->last)
                buffer->last = i;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!is_foreign(layer_at(layout, outputs[i])))
            layout->buffers[slots[layout->places[outputs[i]].owner]].last = SIZE_MAX;
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

static void set_views(struct plan *plan, const struct layout *layout)
{
    for (size_t i = 0; i < plan->graph->count; i++) {
        const struct layer *layer = layer_at(layout, i);

        plan->views[i] = (struct view){
            .shape = layer->shape,
            .pixel_stride = shape_channels(&layer->shape),
            .image_stride = layer->kind == LAYER_CONSTANT ? 0 : shape_count(&layer->shape),
        };
        if (layer->kind == LAYER_CONSTANT)
            plan->views[i].data = (float *)(uintptr_t)layer->constant;
    }
    for (size_t i = 0; i < layout->buffer_count; i++) {
        const struct buffer_plan *buffer = &layout->buffers[i];

        for (size_t j = 0; j < plan->graph->count; j++) {
            const struct place *place = &layout->places[j];

            if (!place->placed || place->owner != buffer->layer)
                continue;
            plan->views[j].data = plan->arena + buffer->offset + place->offset;
            plan->views[j].pixel_stride = place->pixel_stride;
            plan->views[j].image_stride = place->image_stride;
        }
    }
}

static int lay_out(struct plan *plan, const size_t *outputs, size_t count, struct error *error)
{
    size_t layers = plan->graph->count;
    struct layout layout = {.graph = plan->graph, .batch = plan->batch};
    int outcome = FAILED;

    layout.places = memory_allocate(layers, sizeof *layout.places, error);
    /* The slots of find_lifetimes lie behind the buffers. */
    layout.buffers = memory_allocate(layers, sizeof *layout.buffers + sizeof(size_t), error);
    if (layout.places == NULL || layout.buffers == NULL)
        goto out;
    place_concats(&layout);
    place_rest(&layout);
    find_lifetimes(&layout, outputs, count);
    plan->arena_floats = assign_offsets(&layout);
    plan->arena = memory_allocate_aligned(plan->arena_floats, sizeof(float), error);
    if (plan->arena == NULL)
        goto out;
    set_views(plan, &layout);
    outcome = 0;
out:
    free(layout.places);
    free(layout.buffers);
    return outcome;
}

static int prepare_step(struct plan *plan, size_t index, struct error *error)
{
    const struct layer *layer = &plan->graph->layers[index];
    const struct layer_operations *operations = layer_operations(layer->kind);
    struct step *step = &plan->steps[index];

    *step = (struct step){.layer = layer, .out = &plan->views[index], .kernel = ""};
    plan->step_count = index + 1;
    step->in = memory_allocate(layer->input_count, sizeof *step->in, error);
    if (step->in == NULL)
        return FAILED;
    for (size_t i = 0; i < layer->input_count; i++)
        step->in[i] = &plan->views[layer->inputs[i]];
    if (operations == NULL)
        return 0;
    if (operations->prepare(step, plan->kernels, error) < 0)
        return graph_blame(layer, error);
    return 0;
}

static int prepare_steps(struct plan *plan, struct error *error)
{
    size_t image_scratch = 0, threads;

    for (size_t i = 0; i < plan->graph->count; i++) {
        if (prepare_step(plan, i, error) < 0)
            return FAILED;
        if (plan->steps[i].image_scratch > image_scratch)
            image_scratch = plan->steps[i].image_scratch;
        if (plan->steps[i].worker_scratch > plan->worker_scratch_size)
            plan->worker_scratch_size = plan->steps[i].worker_scratch;
    }
    threads = plan->parallel != NULL ? parallel_threads(plan->parallel) : 1;
    /* Threads do not write to the same cache line. */
    plan->worker_scratch_size = (plan->worker_scratch_size / 64 + 1) * 64;
    plan->image_scratch =
        memory_allocate_aligned(image_scratch * plan->batch, sizeof(float), error);
    plan->worker_scratch = memory_allocate_aligned(threads, plan->worker_scratch_size, error);
    return plan->image_scratch != NULL && plan->worker_scratch != NULL ? 0 : FAILED;
}

int plan_create(struct plan *plan, const struct graph *graph, const size_t *outputs, size_t count,
                size_t batch, const struct kernels *kernels, struct parallel *parallel,
                struct error *error)
{
    *plan = (struct plan){
        .graph = graph, .kernels = kernels, .parallel = parallel, .batch = batch};
    plan->views = memory_allocate(graph->count, sizeof *plan->views, error);
    plan->steps = memory_allocate(graph->count, sizeof *plan->steps, error);
    if (plan->views == NULL || plan->steps == NULL || lay_out(plan, outputs, count, error) < 0)
        return FAILED;
    return prepare_steps(plan, error);
}

void plan_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        struct step *step = &plan->steps[i];
        const struct layer_operations *operations = layer_operations(step->layer->kind);

        if (operations != NULL && operations->release != NULL)
            operations->release(step);
        free(step->in);
    }
    free(plan->steps);
    free(plan->views);
    free(plan->arena);
    free(plan->image_scratch);
    free(plan->worker_scratch);
    free(plan->step_seconds);
    *plan = (struct plan){0};
}

int plan_measure(struct plan *plan, struct error *error)
{
    if (plan->step_seconds == NULL)
        plan->step_seconds = memory_allocate(plan->graph->count, sizeof(double), error);
    return plan->step_seconds != NULL ? 0 : FAILED;
}

void plan_run(struct plan *plan, const float *input, size_t images)
{
    struct run run = {
        .kernels = plan->kernels,
        .parallel = plan->parallel,
        .images = images,
        .image_scratch = plan->image_scratch,
        .worker_scratch = plan->worker_scratch,
        .worker_scratch_size = plan->worker_scratch_size,
    };

    for (size_t i = 0; i < plan->graph->count; i++) {
        const struct layer *layer = &plan->graph->layers[i];
        double started = plan->step_seconds != NULL ? progress_clock() : 0;

        if (layer->kind == LAYER_INPUT)
            plan->views[i].data = (float *)(uintptr_t)input;
        else if (layer_operations(layer->kind) != NULL)
            layer_operations(layer->kind)->run(&plan->steps[i], &run);
        if (plan->step_seconds != NULL)
            plan->step_seconds[i] = (progress_clock() - started) / (double)images;
    }
}
