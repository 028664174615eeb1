#include "extract/network/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/network/bottleneck.h"
#include "extract/network/network_private.h"
#include "extract/network/passes.h"

enum { DEFAULT_BATCH = 8, DEFAULT_SIDE = 224 };

/* Goes on after the model was opened, with that outcome. */
static int finish_open(struct network *network, int outcome, struct network **out)
{
    if (outcome < 0) {
        network_free(network);
        return FAILED;
    }
    network->input = network->model.input;
    *out = network;
    return 0;
}

int network_open(const char *path, const char *definition, struct network **out,
                 struct error *error)
{
    struct network *network = memory_allocate(1, sizeof *network, error);

    *out = NULL;
    if (network == NULL)
        return FAILED;
    return finish_open(network, model_open(path, definition, &network->model, error), out);
}

int network_open_bytes(const char *name, struct bytes bytes, struct network **out,
                       struct error *error)
{
    struct network *network = memory_allocate(1, sizeof *network, error);

    *out = NULL;
    if (network == NULL)
        return FAILED;
    return finish_open(network, model_open_bytes(name, bytes, &network->model, error), out);
}

void network_free(struct network *network)
{
    if (network == NULL)
        return;
    plan_release(&network->plan);
    graph_release(&network->graph);
    model_close(&network->model);
    for (size_t i = 0; i < network->output_count && network->outputs != NULL; i++)
        free((char *)(uintptr_t)network->outputs[i].layer);
    free(network->outputs);
    free(network->cuts);
    free(network);
}

const struct model *network_model(const struct network *network)
{
    return &network->model;
}

const struct network_input *network_input(const struct network *network)
{
    return &network->input;
}

size_t network_output_count(const struct network *network)
{
    return network->output_count;
}

const struct network_output *network_output(const struct network *network, size_t index)
{
    return &network->outputs[index];
}

size_t network_batch(const struct network *network)
{
    return network->plan.schedule.batch;
}

/* ---- the cut ---------------------------------------------------------------------------- */

static size_t vector_dimension(const struct shape *shape, enum pooling pooling)
{
    return pooling == POOLING_NONE ? shape_count(shape) : shape_channels(shape);
}

static enum pooling choose_pooling(const struct network *network, size_t cut,
                                   enum pooling asked)
{
    const struct shape *shape = &network->graph.layers[cut].shape;

    if (!shape_is_map(shape) || shape_pixels(shape) == 1)
        return POOLING_NONE;
    if (asked != POOLING_AUTO)
        return asked;
    return bottleneck_is_flattened(&network->graph, cut) ? POOLING_NONE : POOLING_AVERAGE;
}

static int set_output(struct network *network, size_t index, size_t cut,
                      enum pooling asked, struct error *error)
{
    struct network_output *output = &network->outputs[index];

    output->layer = memory_copy_text(network->graph.layers[cut].name, error);
    if (output->layer == NULL)
        return FAILED;
    network->cuts[index] = cut;
    output->pooling = choose_pooling(network, cut, asked);
    output->dimension = vector_dimension(&network->graph.layers[cut].shape, output->pooling);
    return 0;
}

static int set_outputs(struct network *network, const struct network_request *request,
                       struct error *error)
{
    size_t count = request->layer_count > 0 ? request->layer_count : 1;

    network->outputs = memory_allocate(count, sizeof *network->outputs, error);
    network->cuts = memory_allocate(count, sizeof *network->cuts, error);
    if (network->outputs == NULL || network->cuts == NULL)
        return FAILED;
    network->output_count = count;
    if (request->layer_count == 0) {
        size_t cut = bottleneck_find(&network->graph);

        return set_output(network, 0, cut, request->pooling, error);
    }
    for (size_t i = 0; i < count; i++) {
        size_t cut;

        if (names_find(&network->graph.names, request->layers[i], &cut) < 0)
            return error_set(error, "it has no layer '%s'", request->layers[i]);
        if (set_output(network, i, cut, request->pooling, error) < 0)
            return FAILED;
    }
    return 0;
}

static size_t side(size_t in_file, size_t asked)
{
    return asked != 0 ? asked : in_file != 0 ? in_file : DEFAULT_SIDE;
}

int network_prepare(struct network *network, const struct network_request *request,
                    struct error *error)
{
    const struct kernels *kernels = request->instruction_set != NULL
                                        ? kernels_find(request->instruction_set, error)
                                        : kernels_best();
    struct network_input *input = &network->input;

    if (kernels == NULL)
        return FAILED;
    input->height = side(input->height, request->height);
    input->width = side(input->width, request->width);
    if (model_read(&network->model, input->height, input->width, &network->graph, error) < 0 ||
        set_outputs(network, request, error) < 0 ||
        passes_run(&network->graph, network->cuts, network->output_count, error) < 0)
        return error_wrap(error, "cannot use the network");
    if (plan_create(&network->plan, &network->graph, network->cuts, network->output_count,
                    request->batch != 0 ? request->batch : DEFAULT_BATCH, kernels,
                    request->parallel, error) < 0)
        return error_wrap(error, "cannot prepare the network");
    model_rest(&network->model);
    return 0;
}

/* ---- running ---------------------------------------------------------------------------- */

/* From [pixel][channel] to [channel][pixel], the order of ONNX, Torch and Caffe; or as it lies
 * where the framework has it so. */
static void flatten(const struct network *network, const struct view *view, size_t image,
                    float *vector)
{
    size_t channels = shape_channels(&view->shape), pixels = shape_pixels(&view->shape);
    size_t channel_step = network->graph.flatten_channels_last ? 1 : pixels;
    size_t pixel_step = network->graph.flatten_channels_last ? channels : 1;

    for (size_t p = 0; p < pixels; p++) {
        const float *from = view_pixel(view, image, p);

        for (size_t c = 0; c < channels; c++)
            vector[c * channel_step + p * pixel_step] = from[c];
    }
}

static void pool(const struct view *view, size_t image, bool maximum, float *vector)
{
    size_t channels = shape_channels(&view->shape), pixels = shape_pixels(&view->shape);

    memcpy(vector, view_pixel(view, image, 0), channels * sizeof *vector);
    for (size_t p = 1; p < pixels; p++) {
        const float *from = view_pixel(view, image, p);

        if (maximum)
            for (size_t c = 0; c < channels; c++)
                vector[c] = from[c] > vector[c] ? from[c] : vector[c];
        else
            for (size_t c = 0; c < channels; c++)
                vector[c] += from[c];
    }
    for (size_t c = 0; c < channels && !maximum; c++)
        vector[c] /= (float)pixels;
}

static bool is_finite(const float *vector, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(vector[i]))
            return false;
    return true;
}

int network_measure(struct network *network, struct error *error)
{
    return plan_measure(&network->plan, error);
}

int network_run(struct network *network, const float *images, size_t count,
                float *const *vectors, struct error *error)
{
    plan_run(&network->plan, images, count);
    for (size_t i = 0; i < network->output_count; i++) {
        const struct network_output *output = &network->outputs[i];
        const struct view *view = &network->plan.layout.views[network->cuts[i]];

        for (size_t image = 0; image < count; image++) {
            float *vector = vectors[i] + image * output->dimension;

            if (output->pooling == POOLING_NONE)
                flatten(network, view, image, vector);
            else
                pool(view, image, output->pooling == POOLING_MAX, vector);
        }
        if (!is_finite(vectors[i], count * output->dimension))
            return error_set(error, "layer '%s' of the network gives infinities or NaN: its "
                             "weights or the preprocessing are wrong", output->layer);
    }
    return 0;
}
