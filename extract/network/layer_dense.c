/*
 * A matrix times the last dimension of its input.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "extract/network/layers.h"
#include "extract/network/product.h"

enum { BLOCK_ROWS = 48, TABLE_ROWS = BLOCK_ROWS + KERNEL_MAX_ROWS };

/* The weights as [out][in], times the factor. */
static float *order_weights(const struct dense *dense, size_t outputs, size_t inputs,
                            struct error *error)
{
    float *given, *ordered;

    if (tensor_check_floats(&dense->weights, error) < 0)
        return NULL;
    given = memory_allocate_aligned(dense->weights.count, sizeof *given, error);
    ordered = memory_allocate_aligned(dense->weights.count, sizeof *ordered, error);
    if (given == NULL || ordered == NULL || tensor_to_float(&dense->weights, given, error) < 0) {
        free(given);
        free(ordered);
        return NULL;
    }
    for (size_t i = 0; i < outputs; i++)
        for (size_t j = 0; j < inputs; j++)
            ordered[i * inputs + j] =
                dense->factor * given[dense->transposed ? i * inputs + j : j * outputs + i];
    free(given);
    return ordered;
}

static int prepare(struct step *step, const struct kernels *kernels, struct error *error)
{
    const struct dense *dense = &step->layer->dense;
    size_t outputs = dense->weights.shape[dense->transposed ? 0 : 1];
    size_t inputs = dense->weights.shape[dense->transposed ? 1 : 0];
    struct product *product = memory_allocate(1, sizeof *product, error);
    float *weights;
    int outcome;

    step->prepared = product;
    step->kernel = "product";
    step->worker_scratch = 2 * TABLE_ROWS * sizeof(float *);
    if (product == NULL)
        return FAILED;
    weights = order_weights(dense, outputs, inputs, error);
    if (weights == NULL)
        return FAILED;
    outcome = product_prepare(product, kernels, 1, outputs, inputs, weights, NULL, dense->shift,
                              error);
    free(weights);
    return outcome;
}

static void release(struct step *step)
{
    if (step->prepared != NULL)
        product_release(step->prepared);
    free(step->prepared);
}

struct job {
    const struct step *step;
    const struct run *run;
    size_t rows;        /* of all images */
    size_t image_rows;  /* of one */
};

/* Task: a block of rows and one panel. */
static void multiply_block(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    const struct product *product = job->step->prepared;
    size_t panel = task % product->panels, first = task / product->panels * BLOCK_ROWS;
    size_t count = job->rows - first < BLOCK_ROWS ? job->rows - first : BLOCK_ROWS;
    float **out = run_scratch(job->run, worker);
    const float **in = (void *)(out + TABLE_ROWS);
    struct product_rows rows = {
        .in = in,
        .stride = TABLE_ROWS,
        .runs = 1,
        .run_length = product->depth,
        .out = out,
        .count = count,
    };

    for (size_t i = 0; i < count + KERNEL_MAX_ROWS - 1; i++) {
        size_t row = first + (i < count ? i : count - 1);
        size_t image = row / job->image_rows, inner = row % job->image_rows;

        in[i] = view_pixel(job->step->in[0], image, 0) + inner * product->depth;
        out[i] = view_pixel(job->step->out, image, 0) + inner * product->columns;
    }
    product_run(product, 0, panel, panel + 1, &rows, &job->step->layer->activation);
}

static void run(const struct step *step, const struct run *run)
{
    const struct product *product = step->prepared;
    size_t image_rows = shape_count(&step->in[0]->shape) / product->depth;
    struct job job = {
        .step = step, .run = run, .rows = run->images * image_rows, .image_rows = image_rows};

    run_tasks(run, (job.rows + BLOCK_ROWS - 1) / BLOCK_ROWS * product->panels, multiply_block,
              &job);
}

static double cost(const struct layer *layer, const struct graph *graph)
{
    const struct shape *input = &graph->layers[layer->inputs[0]].shape;

    return (double)shape_count(&layer->shape) * (double)input->dims[input->rank - 1];
}

static double weights(const struct layer *layer)
{
    return (double)layer->dense.weights.count;
}

const struct layer_operations dense_operations = {
    .name = "fully connected",
    .prepare = prepare,
    .run = run,
    .release = release,
    .cost = cost,
    .weights = weights,
};
