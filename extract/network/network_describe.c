#include <string.h>

#include "extract/network/activation.h"
#include "extract/network/layers.h"
#include "extract/network/network_private.h"

static size_t weight_count(const struct layer *layer)
{
    if (layer->kind == LAYER_CONVOLUTION)
        return layer->convolution.weights.count;
    return layer->kind == LAYER_DENSE ? layer->dense.weights.count : 0;
}

/* "convolution 3x3 / 2 + sum + relu" */
static void describe_kind(const struct layer *layer, char *text, size_t size)
{
    const struct layer_operations *operations = layer_operations(layer->kind);
    const struct window *window = layer->kind == LAYER_CONVOLUTION ? &layer->convolution.window
                                  : layer->kind == LAYER_POOL      ? &layer->pool.window
                                                                   : NULL;
    const char *activation = activation_name(&layer->activation);
    int used = snprintf(text, size, "%s", operations != NULL ? operations->name
                                          : layer->kind == LAYER_INPUT ? "input" : "constant");

    if (window != NULL)
        used += snprintf(text + used, size - (size_t)used, " %zux%zu", window->kernel[0],
                         window->kernel[1]);
    if (window != NULL && window->stride[0] > 1)
        used += snprintf(text + used, size - (size_t)used, " / %zu", window->stride[0]);
    if (layer->kind == LAYER_CONVOLUTION && layer->convolution.residual)
        used += snprintf(text + used, size - (size_t)used, " + sum");
    if (*activation != '\0')
        snprintf(text + used, size - (size_t)used, "%s%s",
                 layer->kind == LAYER_ACTIVATION ? ": " : " + ", activation);
}

static const char *pooling_name(enum pooling pooling)
{
    return pooling == POOLING_AVERAGE ? "averaged over the map"
           : pooling == POOLING_MAX   ? "maximum over the map"
                                      : "flattened";
}

static void describe_outputs(const struct network *network, size_t layer, FILE *out)
{
    for (size_t i = 0; i < network->output_count; i++)
        if (network->cuts[i] == layer)
            fprintf(out, "     ^ cut here: '%s', %s, %zu numbers\n", network->outputs[i].layer,
                    pooling_name(network->outputs[i].pooling), network->outputs[i].dimension);
}

size_t network_layer_count(const struct network *network)
{
    return network->graph.count;
}

struct network_layer network_layer(const struct network *network, size_t index)
{
    const struct layer *layer = &network->graph.layers[index];
    const struct layer_operations *operations = layer_operations(layer->kind);
    const double *seconds = network->plan.step_seconds;
    struct network_layer description = {
        .name = layer->name,
        .kernel = network->plan.steps[index].kernel,
        .weights = weight_count(layer),
        .seconds = seconds != NULL ? seconds[index] : 0,
    };

    if (operations != NULL && operations->cost != NULL)
        description.multiply_adds = operations->cost(layer, &network->graph);
    describe_kind(layer, description.operation, sizeof description.operation);
    shape_to_text(&layer->shape, description.result);
    return description;
}

void network_describe(const struct network *network, FILE *out)
{
    const struct schedule *schedule = &network->plan.schedule;
    double cost = 0;
    size_t weights = 0;

    fprintf(out, "%4s  %-34s %-14s %-22s %9s %10s  %s\n", "", "layer", "result", "computed as",
            "M mult-add", "weights", "name");
    for (size_t i = 0; i < network->graph.count; i++) {
        struct network_layer layer = network_layer(network, i);

        fprintf(out, "%4zu  %-34s %-14s %-22s %9.2f %10zu  %s\n", i, layer.operation,
                layer.result, layer.kernel, layer.multiply_adds / 1e6, layer.weights, layer.name);
        describe_outputs(network, i, out);
        cost += layer.multiply_adds;
        weights += layer.weights;
    }
    fprintf(out, "%zu layers, %.1f million multiply-adds an image, %zu weights\n",
            network->graph.count, cost / 1e6, weights);
    fprintf(out, "instruction set %s, batch %zu (%zu at a time up to layer %zu), %.1f MB for "
                 "results\n", network->plan.kernels->name, schedule->batch, schedule->group,
            schedule->split, (double)network->plan.layout.arena_floats * sizeof(float) / 1e6);
}
