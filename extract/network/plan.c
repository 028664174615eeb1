#include "extract/network/plan.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/progress.h"
#include "extract/network/layers.h"
#include "extract/network/layout.h"

/* About the second-level caches of two cores, and how much dearer what lies behind them is: this
 * split ResNet-50, GoogLeNet and MobileNetV2 about where they were measured fastest. */
#define CACHE_BYTES 4e6
#define FAR_FACTOR 1.2

static size_t thread_count(const struct plan *plan)
{
    return plan->parallel != NULL ? parallel_threads(plan->parallel) : 1;
}

/* A group is as many images as there are threads, so that each has one to itself. */
static size_t group_size(const struct plan *plan)
{
    size_t threads = thread_count(plan);

    return threads < plan->schedule.batch ? threads : plan->schedule.batch;
}

/* Numbers that a step moves for each image: results written and read, and its weights, shared by
 * `images`. Results that the second-level caches do not hold come from farther away. */
static double traffic(const struct plan *plan, size_t index, size_t images)
{
    const struct layer *layer = &plan->graph->layers[index];
    const struct layer_operations *operations = layer_operations(layer->kind);
    double results = (double)shape_count(&layer->shape), weights = 0;

    for (size_t i = 0; i < layer->input_count; i++)
        results += (double)shape_count(&plan->graph->layers[layer->inputs[i]].shape);
    if (operations != NULL && operations->weights != NULL)
        weights = operations->weights(layer);
    if (results * (double)images * sizeof(float) > CACHE_BYTES)
        results *= FAR_FACTOR;
    return results + weights / (double)images;
}

/* The split with the least traffic. */
static void choose_split(struct plan *plan)
{
    struct schedule *schedule = &plan->schedule;
    double change = 0, least = 0;

    schedule->group = group_size(plan);
    for (size_t i = 0; i < plan->graph->count; i++) {
        change += traffic(plan, i, schedule->group) - traffic(plan, i, schedule->batch);
        if (change < least) {
            least = change;
            schedule->split = i + 1;
        }
    }
}

/* Which of the first `end` results are wanted whole. */
static void find_kept(const struct graph *graph, size_t end, const size_t *outputs, size_t count,
                      bool *kept)
{
    for (size_t i = end; i < graph->count; i++)
        for (size_t j = 0; j < graph->layers[i].input_count; j++)
            if (graph->layers[i].inputs[j] < end)
                kept[graph->layers[i].inputs[j]] = true;
    for (size_t i = 0; i < count; i++)
        if (outputs[i] < end)
            kept[outputs[i]] = true;
}

/* The rows between the layers of a strip are to stay in a core's second-level cache. Strips gain
 * 6 % on MobileNetV2 and little on the others, but up to 150 MB (VGG16). */
#define STRIP_BYTES 1e6

static double strip_count(double result_bytes)
{
    return ceil(result_bytes / STRIP_BYTES);
}

/* How many of the first layers to compute by strips, and in how many: the choice that saves most
 * traffic with the third-level cache. Every result stays near that was written there and read
 * back, weights are read for each strip anew. */
static size_t choose_strips_end(const struct plan *plan, size_t *count)
{
    size_t longest = strips_longest(plan->graph), end = 0;
    double results = 0, weights = 0, most = 0;

    *count = 0;
    for (size_t i = 0; i < longest; i++) {
        const struct layer *layer = &plan->graph->layers[i];
        const struct layer_operations *operations = layer_operations(layer->kind);
        double strips, saved;

        if (operations == NULL)
            continue;
        results += (double)shape_count(&layer->shape) * sizeof(float);
        if (operations->weights != NULL)
            weights += operations->weights(layer) * sizeof(float);
        strips = strip_count(results);
        saved = 2 * results - weights * (strips - 1);
        if (strips > 1 && saved > most) {
            most = saved;
            end = i + 1;
            *count = (size_t)strips;
        }
    }
    return end;
}

/* Only where every thread has an image of its own. */
static int choose_strips(struct plan *plan, const size_t *outputs, size_t count,
                         struct error *error)
{
    size_t strips, end = choose_strips_end(plan, &strips);
    bool *kept = memory_allocate(plan->graph->count, sizeof *kept, error);
    int outcome = 0;

    if (kept == NULL)
        return FAILED;
    if (end > 0 && plan->schedule.group == thread_count(plan)) {
        if (plan->schedule.split < end)
            plan->schedule.split = end;
        find_kept(plan->graph, end, outputs, count, kept);
        outcome = strips_create(&plan->strips, plan->graph, kept, end, strips, error);
    }
    free(kept);
    return outcome;
}

struct preparation {
    struct plan *plan;
    struct error *errors;  /* [graph->count] */
    bool *failed;          /* [graph->count] */
};

static int prepare_step(struct plan *plan, size_t index, struct error *error)
{
    const struct layer *layer = &plan->graph->layers[index];
    const struct layer_operations *operations = layer_operations(layer->kind);
    struct step *step = &plan->steps[index];

    *step = (struct step){.layer = layer, .out = &plan->layout.views[index], .kernel = ""};
    step->in = memory_allocate(layer->input_count, sizeof *step->in, error);
    if (step->in == NULL)
        return FAILED;
    for (size_t i = 0; i < layer->input_count; i++)
        step->in[i] = &plan->layout.views[layer->inputs[i]];
    if (operations == NULL)
        return 0;
    if (operations->prepare(step, plan->kernels, error) < 0)
        return graph_blame(layer, error);
    return 0;
}

/* Task: one step. */
static void prepare_task(void *context, size_t index, size_t worker)
{
    const struct preparation *preparation = context;

    (void)worker;
    preparation->failed[index] =
        prepare_step(preparation->plan, index, &preparation->errors[index]) < 0;
}

/* The steps are independent of each other: their weights are packed in parallel. */
static int prepare_steps(struct plan *plan, struct error *error)
{
    struct preparation preparation = {.plan = plan};
    struct run run = {.parallel = plan->parallel};
    size_t count = plan->graph->count;
    int outcome = FAILED;

    preparation.errors = memory_allocate(count, sizeof *preparation.errors, error);
    preparation.failed = memory_allocate(count, sizeof *preparation.failed, error);
    if (preparation.errors != NULL && preparation.failed != NULL) {
        run_tasks(&run, count, prepare_task, &preparation);
        outcome = 0;
        for (size_t i = count; i-- > 0;) {
            if (!preparation.failed[i])
                continue;
            *error = preparation.errors[i];
            outcome = FAILED;
        }
    }
    free(preparation.errors);
    free(preparation.failed);
    return outcome;
}

static int allocate_scratch(struct plan *plan, struct error *error)
{
    size_t image_scratch = 0, threads;

    for (size_t i = 0; i < plan->graph->count; i++) {
        const struct step *step = &plan->steps[i];
        size_t images = i < plan->schedule.split ? plan->schedule.group : plan->schedule.batch;

        if (step->image_scratch * images > image_scratch)
            image_scratch = step->image_scratch * images;
        if (step->worker_scratch > plan->worker_scratch_size)
            plan->worker_scratch_size = step->worker_scratch;
    }
    threads = thread_count(plan);
    /* Threads do not write to the same cache line. */
    plan->worker_scratch_size = (plan->worker_scratch_size / 64 + 1) * 64;
    plan->image_scratch = memory_allocate_aligned(image_scratch, sizeof(float), error);
    plan->worker_scratch = memory_allocate_aligned(threads, plan->worker_scratch_size, error);
    return plan->image_scratch != NULL && plan->worker_scratch != NULL ? 0 : FAILED;
}

int plan_create(struct plan *plan, const struct graph *graph, const size_t *outputs, size_t count,
                size_t batch, const struct kernels *kernels, struct parallel *parallel,
                struct error *error)
{
    *plan = (struct plan){
        .graph = graph, .kernels = kernels, .parallel = parallel, .schedule = {.batch = batch}};
    choose_split(plan);
    plan->starts = memory_allocate(graph->count, sizeof *plan->starts, error);
    plan->steps = memory_allocate(graph->count, sizeof *plan->steps, error);
    if (plan->starts == NULL || plan->steps == NULL ||
        choose_strips(plan, outputs, count, error) < 0 ||
        layout_create(&plan->layout, graph, &plan->schedule, &plan->strips, thread_count(plan),
                      outputs, count, error) < 0)
        return FAILED;
    for (size_t i = 0; i < graph->count; i++)
        plan->starts[i] = plan->layout.views[i].data;
    if (prepare_steps(plan, error) < 0 || allocate_scratch(plan, error) < 0)
        return FAILED;
    return lanes_create(&plan->lanes, plan->steps, &plan->layout, &plan->strips,
                        thread_count(plan), error);
}

void plan_release(struct plan *plan)
{
    lanes_free(plan->lanes, thread_count(plan));
    for (size_t i = 0; plan->steps != NULL && i < plan->graph->count; i++) {
        struct step *step = &plan->steps[i];
        const struct layer_operations *operations =
            step->layer != NULL ? layer_operations(step->layer->kind) : NULL;

        if (operations != NULL && operations->release != NULL)
            operations->release(step);
        free(step->in);
    }
    free(plan->steps);
    free(plan->starts);
    layout_release(&plan->layout);
    strips_release(&plan->strips);
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

/* Points the views to image `begin` of the batch, where they hold the whole of it. */
static void set_views(struct plan *plan, size_t begin)
{
    for (size_t i = 0; i < plan->graph->count; i++) {
        struct view *view = &plan->layout.views[i];

        view->data = plan->starts[i];
        if (plan->layout.homes[i].kind == HOME_BATCH)
            view->data += begin * view->image_stride;
    }
}

/* Steps `first` to `last` - 1. */
static void run_steps(struct plan *plan, size_t first, size_t last, const struct run *run)
{
    for (size_t i = first; i < last; i++) {
        const struct layer_operations *operations = layer_operations(plan->graph->layers[i].kind);
        double started = plan->step_seconds != NULL ? progress_clock() : 0;

        if (operations != NULL)
            operations->run(&plan->steps[i], run);
        if (plan->step_seconds != NULL)
            plan->step_seconds[i] += progress_clock() - started;
    }
}

/* The steps before the split, for a group of images. */
static void run_group(struct plan *plan, size_t begin, struct run *run)
{
    set_views(plan, begin);
    if (plan->lanes != NULL)
        lanes_run(plan->lanes, &plan->layout, &plan->strips, run, plan->step_seconds);
    run_steps(plan, plan->strips.end, plan->schedule.split, run);
}

void plan_run(struct plan *plan, const float *input, size_t images)
{
    const struct schedule *schedule = &plan->schedule;
    struct run run = {
        .kernels = plan->kernels,
        .parallel = plan->parallel,
        .last_row = SIZE_MAX,
        .image_scratch = plan->image_scratch,
        .worker_scratch = plan->worker_scratch,
        .worker_scratch_size = plan->worker_scratch_size,
    };

    for (size_t i = 0; i < plan->graph->count; i++) {
        if (plan->graph->layers[i].kind == LAYER_INPUT)
            plan->starts[i] = (float *)(uintptr_t)input;
        if (plan->step_seconds != NULL)
            plan->step_seconds[i] = 0;
    }
    for (size_t begin = 0; begin < images; begin += schedule->group) {
        run.images = images - begin < schedule->group ? images - begin : schedule->group;
        run_group(plan, begin, &run);
    }
    set_views(plan, 0);
    run.images = images;
    run_steps(plan, schedule->split, plan->graph->count, &run);
    for (size_t i = 0; i < plan->graph->count && plan->step_seconds != NULL; i++)
        plan->step_seconds[i] /= (double)images;
}
