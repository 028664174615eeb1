#include "extract/network/strip_lanes.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/progress.h"
#include "extract/network/layers.h"

static size_t count_inputs(const struct step *steps, size_t end)
{
    size_t count = 0;

    for (size_t i = 0; i < end; i++)
        count += steps[i].layer->input_count;
    return count;
}

static int create_lane(struct lane *lane, const struct step *steps, const struct layout *layout,
                       size_t end, size_t thread, struct error *error)
{
    size_t used = 0;

    lane->views = memory_allocate(end, sizeof *lane->views, error);
    lane->steps = memory_allocate(end, sizeof *lane->steps, error);
    lane->inputs = memory_allocate(count_inputs(steps, end), sizeof *lane->inputs, error);
    lane->seconds = memory_allocate(end, sizeof *lane->seconds, error);
    if (lane->views == NULL || lane->steps == NULL || lane->inputs == NULL ||
        lane->seconds == NULL)
        return FAILED;
    lane->memory = layout->strip_arena + thread * layout->strip_floats;
    for (size_t i = 0; i < end; i++) {
        lane->steps[i] = steps[i];
        lane->steps[i].out = &lane->views[i];
        lane->steps[i].in = lane->inputs + used;
        for (size_t j = 0; j < steps[i].layer->input_count; j++)
            lane->inputs[used++] = &lane->views[steps[i].layer->inputs[j]];
    }
    return 0;
}

int lanes_create(struct lane **lanes, const struct step *steps, const struct layout *layout,
                 const struct strips *strips, size_t threads, struct error *error)
{
    *lanes = NULL;
    if (strips->end == 0)
        return 0;
    *lanes = memory_allocate(threads, sizeof **lanes, error);
    for (size_t i = 0; *lanes != NULL && i < threads; i++)
        if (create_lane(&(*lanes)[i], steps, layout, strips->end, i, error) < 0)
            return FAILED;
    return *lanes != NULL ? 0 : FAILED;
}

void lanes_free(struct lane *lanes, size_t threads)
{
    for (size_t i = 0; lanes != NULL && i < threads; i++) {
        free(lanes[i].views);
        free(lanes[i].steps);
        free(lanes[i].inputs);
        free(lanes[i].seconds);
    }
    free(lanes);
}

struct job {
    struct lane *lanes;
    const struct layout *layout;
    const struct strips *strips;
    const struct run *run;
    bool measures;
};

/* Where row 0 of a result would lie if the buffer held it: rows are addressed as those of a whole
 * map. */
static float *row_zero(const struct lane *lane, const struct layout *layout, size_t index,
                       size_t strip)
{
    const struct home *home = &layout->homes[index];
    const struct strip_buffer *buffer = &layout->strip_buffers[home->buffer];
    float *begin = lane->memory + buffer->offset + home->offset;

    return begin - buffer->first[strip] * buffer->row_floats;
}

static void set_views(const struct job *job, struct lane *lane, size_t strip)
{
    const struct layout *layout = job->layout;

    for (size_t i = 0; i < job->strips->end; i++) {
        lane->views[i] = layout->views[i];
        if (layout->homes[i].kind == HOME_STRIP)
            lane->views[i].data = row_zero(lane, layout, i, strip);
    }
}

/* Moves the rows that the next strip needs to the buffers' begin. */
static void keep_rows(const struct job *job, struct lane *lane, size_t strip)
{
    for (size_t i = 0; i < job->layout->strip_buffer_count; i++) {
        const struct strip_buffer *buffer = &job->layout->strip_buffers[i];
        size_t first = buffer->first[strip], next = buffer->first[strip + 1];
        size_t end = buffer->end[strip + 1];
        float *begin = lane->memory + buffer->offset;

        if (next > first && end > next)
            memmove(begin, begin + (next - first) * buffer->row_floats,
                    (end - next) * buffer->row_floats * sizeof *begin);
    }
}

static void run_strip(const struct job *job, struct lane *lane, size_t strip, struct run *run)
{
    const struct strips *strips = job->strips;

    for (size_t i = 0; i < strips->end; i++) {
        const struct layer_operations *operations = layer_operations(lane->steps[i].layer->kind);
        double started = job->measures ? progress_clock() : 0;

        run->first_row = strips_rows(strips, strip, i);
        run->last_row = strips_rows(strips, strip + 1, i);
        if (operations == NULL || run->first_row == run->last_row)
            continue;
        operations->run(&lane->steps[i], run);
        if (job->measures)
            lane->seconds[i] += progress_clock() - started;
    }
}

/* Task: one image. */
static void run_image(void *context, size_t image, size_t worker)
{
    const struct job *job = context;
    struct lane *lane = &job->lanes[worker];
    struct run run = *job->run;

    run.parallel = NULL;
    run.worker_scratch = run_scratch(job->run, worker);
    run.first_image = image;
    run.images = 1;
    for (size_t strip = 0; strip < job->strips->count; strip++) {
        set_views(job, lane, strip);
        run_strip(job, lane, strip, &run);
        keep_rows(job, lane, strip);
    }
}

void lanes_run(struct lane *lanes, const struct layout *layout, const struct strips *strips,
               const struct run *run, double *step_seconds)
{
    struct job job = {lanes, layout, strips, run, step_seconds != NULL};
    size_t threads = run_threads(run);

    for (size_t i = 0; i < threads && job.measures; i++)
        memset(lanes[i].seconds, 0, strips->end * sizeof *lanes[i].seconds);
    run_tasks(run, run->images, run_image, &job);
    for (size_t i = 0; i < threads && job.measures; i++)
        for (size_t j = 0; j < strips->end; j++)
            step_seconds[j] += lanes[i].seconds[j] / (double)threads;
}
