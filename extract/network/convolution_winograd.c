/*
 * Convolution of 3x3, stride 1, by Winograd's F(4x4, 3x3): the input is cut into tiles of 6x6 that
 * overlap by 2, each is transformed, every one of the 36 places in a tile is a product of its own
 * over the channels, and the products are transformed back to 4x4 results.
 *
 * A task takes a block of tiles through all three steps, so that what lies between them stays in
 * the caches of one core.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/network/convolution.h"
#include "extract/network/product.h"

enum {
    SIDE = KERNEL_WINOGRAD_IN,
    STEP = KERNEL_WINOGRAD_OUT,
    PLACES = SIDE * SIDE,
    RESULTS = STEP * STEP
};

/* Tiles of a block. More share one pass over the weights, fewer stay in the second-level cache:
 * measured best between these bounds, with about this many bytes of transformed tiles. */
enum { LEAST_TILES = 48, MOST_TILES = 96, BLOCK_BYTES = 1 << 20 };

/* With fewer channels the transforms cost more than the products save. */
enum { LEAST_CHANNELS = 16 };

struct prepared {
    struct product product;  /* a group for each place */
    size_t channels, outputs;
    size_t channel_stride, output_stride;  /* floats from a place of a tile to the next one's */
    size_t columns;          /* of tiles in an image */
    size_t block;            /* the most tiles in a block */
    float *shift;            /* [outputs] */
    float *zeros;            /* [channels] */
};

static bool suits(const struct layer *layer)
{
    const struct convolution *convolution = &layer->convolution;
    const struct window *window = &convolution->window;
    const struct shape *out = &layer->shape;
    size_t tiles = (out->dims[SHAPE_HEIGHT] + STEP - 1) / STEP *
                   ((out->dims[SHAPE_WIDTH] + STEP - 1) / STEP);

    for (size_t axis = 0; axis < 2; axis++)
        if (window->kernel[axis] != 3 || window->stride[axis] != 1 || window->dilation[axis] != 1)
            return false;
    /* Tiles that reach over the edge of a small map are computed in vain. */
    return convolution->groups == 1 && convolution->weights.shape[0] >= LEAST_CHANNELS &&
           convolution->weights.shape[1] >= LEAST_CHANNELS &&
           tiles * PLACES * 2 <= shape_pixels(out) * 9;
}

/* ---- the weights ------------------------------------------------------------------------ */

/* Outputs whose filters are transformed together, for the compiler's vectors. */
enum { LANES = KERNEL_MAX_LANES };
typedef float lanes[LANES];

/* One line of G g: six numbers out of three, `step` apart. */
static void transform_line(lanes *in, size_t step, lanes *out, size_t out_step)
{
    for (size_t lane = 0; lane < LANES; lane++) {
        float first = in[0][lane], middle = in[step][lane], last = in[2 * step][lane];
        float sum = first + last, far_sum = first + 4 * last;

        out[0][lane] = first / 4;
        out[out_step][lane] = (sum + middle) * (-1.0f / 6);
        out[2 * out_step][lane] = (sum - middle) * (-1.0f / 6);
        out[3 * out_step][lane] = (far_sum + 2 * middle) * (1.0f / 24);
        out[4 * out_step][lane] = (far_sum - 2 * middle) * (1.0f / 24);
        out[5 * out_step][lane] = last;
    }
}

/* The filters of up to LANES outputs for one channel; `weights` is the first one's, 3x3, the next
 * output's lies `stride` floats on. */
static void transform_filters(const float *weights, size_t stride, const float *scale,
                              size_t count, lanes *whole)
{
    lanes filter[9] = {{0}}, half[SIDE * 3];

    for (size_t lane = 0; lane < count; lane++)
        for (size_t tap = 0; tap < 9; tap++)
            filter[tap][lane] =
                weights[lane * stride + tap] * (scale != NULL ? scale[lane] : 1);
    for (size_t column = 0; column < 3; column++)
        transform_line(filter + column, 3, half + column, 3);
    for (size_t row = 0; row < SIDE; row++)
        transform_line(half + row * 3, 1, whole + row * SIDE, 1);
}

/* Packs up to LANES columns, from column `first` on, of the panel that begins at output
 * `begin`. */
static void pack_columns(const struct prepared *prepared, size_t panel, size_t begin,
                         size_t first, const float *weights, const float *scale)
{
    const struct product *product = &prepared->product;
    size_t output = begin + first, stride = prepared->channels * 9, width;
    size_t left = output < prepared->outputs ? prepared->outputs - output : 0, count;
    float *packed[PLACES];

    for (size_t place = 0; place < PLACES; place++)
        packed[place] = product_panel(product, place, panel, &width) + first;
    count = width - first < LANES ? width - first : LANES;
    for (size_t c = 0; c < prepared->channels; c++) {
        lanes whole[PLACES];

        transform_filters(weights + output * stride + c * 9, stride,
                          scale != NULL ? scale + output : NULL, left < count ? left : count,
                          whole);
        for (size_t place = 0; place < PLACES; place++)
            memcpy(packed[place] + c * width, whole[place], count * sizeof(float));
    }
}

static int prepare_product(struct prepared *prepared, const struct kernels *kernels,
                           const float *weights, const float *scale, struct error *error)
{
    struct product *product = &prepared->product;

    if (product_create(product, kernels, PLACES, prepared->outputs, prepared->channels, NULL,
                       error) < 0)
        return FAILED;
    for (size_t panel = 0; panel < product->panels; panel++) {
        size_t begin = product_column(product, panel), width;

        product_panel(product, 0, panel, &width);
        for (size_t first = 0; first < width; first += LANES)
            pack_columns(prepared, panel, begin, first, weights, scale);
    }
    return 0;
}

/* Whole cache lines, an odd number: places whose distance is a large power of two would share a few
 * sets of the first-level cache, and writing all 36 of a tile took twice as long. */
static size_t choose_stride(size_t channels)
{
    enum { LINE = 16 };
    size_t lines = (channels + LINE - 1) / LINE;

    return (lines | 1) * LINE;
}

static size_t choose_block(size_t channels, size_t outputs)
{
    size_t block = BLOCK_BYTES / (PLACES * (channels + outputs) * sizeof(float));

    return block < LEAST_TILES ? LEAST_TILES : block > MOST_TILES ? MOST_TILES : block;
}

static int prepare(struct step *step, const struct kernels *kernels, const float *weights,
                   struct error *error)
{
    const struct convolution *convolution = &step->layer->convolution;
    struct prepared *prepared = memory_allocate(1, sizeof *prepared, error);

    step->kernel = "winograd 4x4";
    step->prepared = prepared;
    if (prepared == NULL)
        return FAILED;
    prepared->outputs = convolution->weights.shape[0];
    prepared->channels = convolution->weights.shape[1];
    prepared->channel_stride = choose_stride(prepared->channels);
    prepared->output_stride = choose_stride(prepared->outputs);
    prepared->columns = (step->out->shape.dims[SHAPE_WIDTH] + STEP - 1) / STEP;
    prepared->block = choose_block(prepared->channels, prepared->outputs);
    prepared->shift = memory_allocate(prepared->outputs, sizeof(float), error);
    prepared->zeros = memory_allocate(prepared->channels, sizeof(float), error);
    if (prepared->shift == NULL || prepared->zeros == NULL)
        return FAILED;
    for (size_t i = 0; i < prepared->outputs && convolution->shift != NULL; i++)
        prepared->shift[i] = convolution->shift[i];
    step->worker_scratch =
        prepared->block * PLACES * (prepared->channel_stride + prepared->output_stride) *
            sizeof(float) +
        2 * (prepared->block + KERNEL_MAX_ROWS) * sizeof(float *);
    return prepare_product(prepared, kernels, weights, convolution->scale, error);
}

static void release(void *memory)
{
    struct prepared *prepared = memory;

    product_release(&prepared->product);
    free(prepared->shift);
    free(prepared->zeros);
    free(prepared);
}

/* ---- running ---------------------------------------------------------------------------- */

struct job {
    const struct step *step;
    const struct run *run;
    const struct prepared *prepared;
    struct sliding sliding;
    size_t first_row;    /* of tiles in an image: those to compute */
    size_t image_tiles;  /* of one image */
    size_t tiles;   /* of all images */
    size_t blocks;  /* into which they are split, evenly */
    size_t parts;   /* into which the outputs are split */
};

/* A tile's image and the pixel of its upper left result. */
struct tile_place {
    size_t image, y, x;
};

static struct tile_place place_of(const struct job *job, size_t tile)
{
    size_t in_image = tile % job->image_tiles;

    return (struct tile_place){
        .image = job->run->first_image + tile / job->image_tiles,
        .y = (job->first_row + in_image / job->prepared->columns) * STEP,
        .x = in_image % job->prepared->columns * STEP,
    };
}

static void transform_inputs(const struct job *job, size_t first, size_t count, float *inputs)
{
    const struct prepared *prepared = job->prepared;
    const float *table[PLACES];

    for (size_t i = 0; i < count; i++) {
        struct tile_place place = place_of(job, first + i);

        sliding_gather(&job->sliding, place.image, place.y, place.x, table);
        job->run->kernels->winograd_input(table, prepared->channels,
                                          inputs + i * PLACES * prepared->channel_stride,
                                          prepared->channel_stride);
    }
}

/* Panels `first` to `last` - 1 of all places. products: [count][36][output_stride]. */
static void multiply(const struct job *job, size_t count, size_t first, size_t last,
                     const float *inputs, float *products, const float **in, float **out)
{
    static const struct activation none = {.kind = ACTIVATION_NONE};
    const struct prepared *prepared = job->prepared;
    struct product_rows rows = {
        .in = in,
        .stride = prepared->block + KERNEL_MAX_ROWS,
        .runs = 1,
        .run_length = prepared->channels,
        .in_group_step = prepared->channel_stride,
        .out = out,
        .out_group_step = prepared->output_stride,
        .count = count,
    };

    for (size_t i = 0; i < count + KERNEL_MAX_ROWS - 1; i++) {
        size_t tile = i < count ? i : count - 1;

        in[i] = inputs + tile * PLACES * prepared->channel_stride;
        out[i] = products + tile * PLACES * prepared->output_stride;
    }
    for (size_t place = 0; place < PLACES; place++)
        product_run(&prepared->product, place, first, last, &rows, &none);
}

/* The 16 results of a tile, and what is added to them; NULL for those outside of the map. */
static void result_pointers(const struct job *job, struct tile_place place, size_t channel,
                            float **out, const float **residual)
{
    const struct view *to = job->step->out;
    bool adds = job->step->layer->convolution.residual;

    for (size_t i = 0; i < RESULTS; i++) {
        size_t y = place.y + i / STEP, x = place.x + i % STEP;
        size_t pixel = y * to->shape.dims[SHAPE_WIDTH] + x;
        bool inside = y < to->shape.dims[SHAPE_HEIGHT] && x < to->shape.dims[SHAPE_WIDTH];

        out[i] = inside ? view_pixel(to, place.image, pixel) + channel : NULL;
        residual[i] =
            inside && adds ? view_pixel(job->step->in[1], place.image, pixel) + channel : NULL;
    }
}

/* Outputs `begin` to `end` - 1 of the block's tiles. */
static void transform_outputs(const struct job *job, size_t first, size_t count, size_t begin,
                              size_t end, const float *products)
{
    const struct prepared *prepared = job->prepared;
    const struct activation *activation = &job->step->layer->activation;
    float *out[RESULTS];
    const float *residual[RESULTS];
    struct winograd_output output = {
        .in_stride = prepared->output_stride,
        .channels = end - begin,
        .shift = prepared->shift + begin,
        .residual = job->step->layer->convolution.residual ? residual : NULL,
        .out = out,
    };

    activation_bounds(activation, &output.low, &output.high);
    for (size_t i = 0; i < count; i++) {
        result_pointers(job, place_of(job, first + i), begin, out, residual);
        output.in = products + i * PLACES * prepared->output_stride + begin;
        job->run->kernels->winograd_output(&output);
        for (size_t j = 0; j < RESULTS && !activation_is_clip(activation); j++)
            if (out[j] != NULL)
                activation_apply(activation, out[j], output.channels, begin);
    }
}

/* Task: a block of tiles and a part of the outputs. Parts of a block transform the same inputs
 * again: little, beside reading all weights in every task. */
static void convolve_block(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct prepared *prepared = job->prepared;
    const struct product *product = &prepared->product;
    size_t part = task % job->parts, block = task / job->parts;
    size_t first = job->tiles * block / job->blocks;
    size_t count = job->tiles * (block + 1) / job->blocks - first;
    size_t first_panel = product->panels * part / job->parts;
    size_t last_panel = product->panels * (part + 1) / job->parts;
    size_t begin = product_column(product, first_panel);
    size_t end = product_column(product, last_panel);
    float *inputs = run_scratch(job->run, worker);
    float *products = inputs + prepared->block * PLACES * prepared->channel_stride;
    float **out = (void *)(products + prepared->block * PLACES * prepared->output_stride);
    const float **in = (void *)(out + prepared->block + KERNEL_MAX_ROWS);

    transform_inputs(job, first, count, inputs);
    multiply(job, count, first_panel, last_panel, inputs, products, in, out);
    transform_outputs(job, first, count, begin,
                      end < prepared->outputs ? end : prepared->outputs, products);
}

static void run(const struct step *step, const struct run *run)
{
    static const struct window tile_window = {
        .kernel = {SIDE, SIDE}, .stride = {1, 1}, .dilation = {1, 1}};
    const struct window *window = &step->layer->convolution.window;
    const struct prepared *prepared = step->prepared;
    struct job job = {
        .step = step,
        .run = run,
        .prepared = prepared,
        .sliding = {
            .source = *step->in[0],
            .window = &tile_window,
            .kernel_width = SIDE,
            .pad = {window->pad_begin[0], window->pad_begin[1]},
            .zeros = prepared->zeros,
        },
    };
    size_t threads = run_threads(run), panels = prepared->product.panels, first;
    size_t rows = run_rows(run, &step->out->shape, &first);

    if (rows == 0)
        return;
    job.first_row = first / STEP;
    job.image_tiles = ((first + rows + STEP - 1) / STEP - job.first_row) * prepared->columns;
    job.tiles = run->images * job.image_tiles;
    job.blocks = (job.tiles + prepared->block - 1) / prepared->block;
    job.parts = job.blocks < threads ? threads / job.blocks : 1;
    if (job.parts > panels)
        job.parts = panels;
    /* As much work for every thread. */
    if (job.blocks > threads)
        job.blocks = (job.blocks + threads - 1) / threads * threads;
    run_tasks(run, job.blocks * job.parts, convolve_block, &job);
}

const struct convolution_way convolution_winograd = {
    .suits = suits,
    .row_grain = STEP,
    .weight_factor = PLACES / 9,
    .prepare = prepare,
    .run = run,
    .release = release,
};
