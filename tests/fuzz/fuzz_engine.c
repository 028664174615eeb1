/*
 * Networks that are run: small ones, read from ONNX, on all instruction sets. An image's results
 * must not change by a bit with the images beside it.
 */
#include <stdlib.h>
#include <string.h>

#include "extract/network/layers.h"
#include "extract/network/plan.h"
#include "tests/fuzz/fuzz_network.h"

/* What a run may cost: results and multiply-adds. */
#define MOST_NUMBERS 1e5
#define MOST_PRODUCTS 1e6

enum { IMAGES = 3 };

static const struct layer *input_of(const struct graph *graph)
{
    for (size_t i = 0; i < graph->count; i++)
        if (graph->layers[i].kind == LAYER_INPUT)
            return &graph->layers[i];
    return NULL;
}

static bool is_small(const struct graph *graph)
{
    double numbers = 0, products = 0;

    for (size_t i = 0; i < graph->count; i++) {
        const struct layer *layer = &graph->layers[i];
        const struct layer_operations *operations = layer_operations(layer->kind);

        numbers += (double)shape_count(&layer->shape);
        if (operations != NULL && operations->cost != NULL)
            products += operations->cost(layer, graph);
    }
    return numbers <= MOST_NUMBERS && products <= MOST_PRODUCTS;
}

static float *create_images(size_t count)
{
    float *images = malloc((count + 1) * sizeof *images);

    if (images == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        images[i] = (float)(i * 7 % 31) / 8 - 2;
    return images;
}

/* Runs images `first` to `first` + `count` - 1 together and compares or keeps their results. */
static void run_images(struct plan *plan, const float *images, size_t size, size_t cut,
                       size_t first, size_t count, float *results)
{
    const struct view *view = &plan->layout.views[cut];
    size_t pixels = shape_pixels(&view->shape), channels = shape_count(&view->shape) / pixels;

    plan_run(plan, images + first * size, count);
    for (size_t i = 0; i < count * pixels; i++) {
        const float *from = view_pixel(view, i / pixels, i % pixels);
        float *to = results + (first * pixels + i) * channels;

        if (count > 1)
            memcpy(to, from, channels * sizeof *to);
        else if (memcmp(to, from, channels * sizeof *to) != 0)
            abort();
    }
}

static void run_on(const struct graph *graph, const struct kernels *kernels, size_t cut)
{
    size_t size = shape_count(&input_of(graph)->shape);
    float *images = create_images(IMAGES * size);
    float *results = create_images(IMAGES * shape_count(&graph->layers[cut].shape));
    struct error error;
    struct plan plan;

    if (plan_create(&plan, graph, &cut, 1, IMAGES, kernels, NULL, &error) == 0) {
        run_images(&plan, images, size, cut, 0, IMAGES, results);
        run_images(&plan, images, size, cut, IMAGES - 1, 1, results);
    }
    plan_release(&plan);
    free(images);
    free(results);
}

static void run_network(const struct graph *graph, size_t cut)
{
    static const char *const sets[] = {"baseline", "avx2", "avx512"};

    if (input_of(graph) == NULL || !is_small(graph))
        return;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct error error;
        const struct kernels *kernels = kernels_find(sets[i], &error);

        if (kernels != NULL)
            run_on(graph, kernels, cut);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_network_with((struct bytes){data, size}, run_network);
    return 0;
}
