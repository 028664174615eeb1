/*
 * A reshape keeps the numbers in the order of the framework that the network comes from: channel
 * by channel, or pixel by pixel. Graphs of an input, a step that gives the map memory of its own
 * (or leaves it inside a larger one) and a reshape are run as they are.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "extract/graph/graph.h"
#include "extract/network/plan.h"
#include "tests/helpers.h"

enum { CHANNELS = 4, HEIGHT = 2, WIDTH = 3, COUNT = CHANNELS * HEIGHT * WIDTH, IMAGES = 2 };

static const struct shape input_shape = {3, {CHANNELS, HEIGHT, WIDTH}};

struct reshape_case {
    const char *name;
    bool channels_last;
    bool beside;         /* the map is one half of a concatenation */
    struct shape shape;
};

static const struct reshape_case cases[] = {
    {"a map to a vector, channels first", false, false, {1, {COUNT}}},
    {"a map to a vector, channels last", true, false, {1, {COUNT}}},
    {"half of a map to a vector, channels first", false, true, {1, {COUNT}}},
    {"half of a map to a vector, channels last", true, true, {1, {COUNT}}},
    {"a map to a map, channels first", false, false, {3, {2, 6, 2}}},
    {"a map to a map, channels last", true, false, {3, {2, 6, 2}}},
    {"half of a map to a map, channels last", true, true, {3, {12, 2, 1}}},
    {"a map to four dimensions, channels last", true, false, {4, {2, 3, 2, 2}}},
};

/* The place of number `index`, in the order that is kept, within the memory of a map or array. */
static size_t place_of(size_t index, const struct shape *shape, bool channels_last)
{
    size_t pixels = shape_pixels(shape), channels = shape_channels(shape);

    if (!shape_is_map(shape) || channels_last)
        return index;
    return index % pixels * channels + index / pixels;
}

static size_t add(struct graph *graph, const struct layer *layer)
{
    struct error error;
    size_t index;

    if (graph_add(graph, layer, &index, &error) < 0)
        fail_msg("%s", error.text);
    return index;
}

/* Returns the reshape; *extra is a layer that must be computed besides. */
static size_t build(const struct reshape_case *wanted, struct graph *graph, size_t *extra)
{
    size_t input = add(graph, &(struct layer){
        .kind = LAYER_INPUT, .name = "input", .operator = "input", .shape = input_shape});
    size_t maps[2], reshape;

    for (size_t i = 0; i < 2; i++)
        maps[i] = add(graph, &(struct layer){
            .kind = LAYER_ACTIVATION, .name = "map", .operator = "activation", .inputs = &input,
            .input_count = 1, .activation = {.kind = ACTIVATION_LEAKY, .a = 1}});
    reshape = add(graph, &(struct layer){
        .kind = LAYER_RESHAPE, .name = "reshape", .operator = "reshape", .inputs = &maps[1],
        .input_count = 1, .shape = wanted->shape});
    *extra = reshape;
    if (wanted->beside)
        *extra = add(graph, &(struct layer){
            .kind = LAYER_CONCAT, .name = "both", .operator = "concat", .inputs = maps,
            .input_count = 2, .concat_axis = SHAPE_CHANNELS});
    return reshape;
}

static void test_case(void **state)
{
    const struct reshape_case *wanted = *state;
    float *images = seeded_images(IMAGES, CHANNELS, HEIGHT, WIDTH);
    struct graph graph = {.flatten_channels_last = wanted->channels_last};
    struct plan plan;
    struct error error;
    size_t outputs[2];

    outputs[0] = build(wanted, &graph, &outputs[1]);
    if (plan_create(&plan, &graph, outputs, 2, IMAGES, kernels_best(), NULL, &error) < 0)
        fail_msg("%s", error.text);
    plan_run(&plan, images, IMAGES);
    for (size_t image = 0; image < IMAGES; image++) {
        const struct view *view = &plan.layout.views[outputs[0]];

        assert_true(shape_equal(&view->shape, &wanted->shape));
        assert_int_equal(view->pixel_stride, shape_channels(&wanted->shape));
        for (size_t i = 0; i < COUNT; i++) {
            float expected = images[image * COUNT +
                                    place_of(i, &input_shape, wanted->channels_last)];
            float got = view_pixel(view, image, 0)[place_of(i, &wanted->shape,
                                                            wanted->channels_last)];

            assert_memory_equal(&got, &expected, sizeof got);
        }
    }
    plan_release(&plan);
    graph_release(&graph);
    free(images);
}

int main(void)
{
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct CMUnitTest tests[CASES];

    for (size_t i = 0; i < CASES; i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name, .test_func = test_case,
                                       .initial_state = (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
