/*
 * Maximum and average over a sliding window, or over the whole map.
 */
#include "extract/network/layers.h"

struct job {
    const struct step *step;
    const struct run *run;
    size_t first_row, rows;
};

static int prepare(struct step *step, const struct kernels *kernels, struct error *error)
{
    const struct window *window = &step->layer->pool.window;

    (void)kernels;
    (void)error;
    step->kernel = step->layer->pool.maximum ? "maximum" : "average";
    step->worker_scratch = window->kernel[0] * window->kernel[1] * sizeof(float *);
    return 0;
}

/* One axis of a window: the places within the map, and how many the average counts. */
struct extent {
    size_t first, count;  /* taps within the map: first, first + dilation, ... */
    size_t counted;
};

static struct extent extent_of(const struct pool *pool, int axis, size_t output, size_t length)
{
    const struct window *window = &pool->window;
    size_t begin = output * window->stride[axis], pad = window->pad_begin[axis];
    struct extent extent = {0};

    for (size_t i = 0; i < window->kernel[axis]; i++) {
        size_t at = begin + i * window->dilation[axis];  /* within the padded map */

        if (at >= pad && at < pad + length) {
            if (extent.count++ == 0)
                extent.first = at - pad;
        }
        /* The last window of ceil_mode may reach behind the padding: that is not counted. */
        if (at < pad + length + window->pad_end[axis])
            extent.counted++;
    }
    if (!pool->count_padding)
        extent.counted = extent.count;
    return extent;
}

/* The pixels of a window. Returns how many. */
static size_t list_taps(const struct job *job, size_t image, const struct extent *rows,
                        const struct extent *columns, const float **table)
{
    const struct window *window = &job->step->layer->pool.window;
    const struct view *in = job->step->in[0];
    size_t width = in->shape.dims[SHAPE_WIDTH], taps = 0;
    size_t row_step = window->dilation[0] * width * in->pixel_stride;
    size_t column_step = window->dilation[1] * in->pixel_stride;
    const float *row = view_pixel(in, image, rows->first * width + columns->first);

    for (size_t i = 0; i < rows->count; i++)
        for (size_t j = 0; j < columns->count; j++)
            table[taps++] = row + i * row_step + j * column_step;
    return taps;
}

/* Task: one row of output pixels. */
static void pool_row(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct pool *pool = &job->step->layer->pool;
    const struct kernels *kernels = job->run->kernels;
    pool_function *kernel = pool->maximum ? kernels->pool_maximum : kernels->pool_sum;
    const struct shape *in = &job->step->in[0]->shape;
    const struct view *out = job->step->out;
    size_t width = out->shape.dims[SHAPE_WIDTH], channels = out->shape.dims[SHAPE_CHANNELS];
    size_t image = job->run->first_image + task / job->rows, y = job->first_row + task % job->rows;
    struct extent rows = extent_of(pool, 0, y, in->dims[SHAPE_HEIGHT]);
    const float **table = run_scratch(job->run, worker);

    for (size_t x = 0; x < width; x++) {
        struct extent columns = extent_of(pool, 1, x, in->dims[SHAPE_WIDTH]);
        size_t taps = list_taps(job, image, &rows, &columns, table);

        kernel(table, taps, channels, 1 / (float)(rows.counted * columns.counted),
               view_pixel(out, image, y * width + x));
    }
}

static void run(const struct step *step, const struct run *run)
{
    struct job job = {.step = step, .run = run};

    job.rows = run_rows(run, &step->out->shape, &job.first_row);
    run_tasks(run, run->images * job.rows, pool_row, &job);
}

const struct layer_operations pool_operations = {
    .name = "pool", .prepare = prepare, .run = run, .row_grain = layer_grain_row};
