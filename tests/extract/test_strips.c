/*
 * Layers computed strip by strip: which rows exist when, against a search over every row that a
 * window touches; and whole networks, whose every bit must be the same with strips and without.
 */
#include "common/parallel.h"
#include "extract/network/plan.h"
#include "tests/extract/graph_builder.h"

/* ---- a network of every layer that is computed by rows ---------------------------------- */

/* Maps of the first layers are together larger than a strip may be, so that the plan cuts them. */
enum { CHANNELS = 3, HEIGHT = 203, WIDTH = 181, IMAGES = 3, THREADS = 2 };

struct fixture {
    struct graph_builder builder;
    size_t outputs[3];
    float *input;  /* [IMAGES][HEIGHT][WIDTH][CHANNELS] */
};

/* Results are wanted from the middle and from the end; branches run ahead of each other: a
 * Winograd convolution computes four rows together, a dilated one reaches far back. */
static void create(struct fixture *fixture)
{
    struct graph_builder *builder = &fixture->builder;
    size_t image, first, depthwise, winograd, sum, pooled, wide, dilated, joined, again, twice;

    *fixture = (struct fixture){.builder.state = 7};
    image = add_input(builder, CHANNELS, HEIGHT, WIDTH);
    first = add_convolution(builder, "first", image, 32, SQUARE(3, 2, 1, 1), 1, SIZE_MAX);
    depthwise = add_convolution(builder, "depthwise", first, 32, SQUARE(3, 1, 1, 1), 32, SIZE_MAX);
    winograd = add_convolution(builder, "winograd", first, 32, SQUARE(3, 1, 1, 1), 1, SIZE_MAX);
    sum = add_sum(builder, "sum", depthwise, winograd);
    wide = add_convolution(builder, "wide", sum, 48,
                           (struct window){{1, 5}, {1, 1}, {1, 1}, {0, 2}, {0, 2}}, 1, SIZE_MAX);
    dilated = add_convolution(builder, "dilated", wide, 24, SQUARE(3, 1, 4, 4), 2, SIZE_MAX);
    joined = add_concat(builder, "joined", wide, dilated);
    again = add_concat(builder, "joined again", joined, dilated);
    again = add_leaky(builder, "leaky", add_affine(builder, "affine", again));
    pooled = add_pool(builder, "pooled", again, SQUARE(3, 2, 1, 0), true, true);
    pooled = add_pool(builder, "averaged", pooled, SQUARE(3, 1, 1, 1), false, false);
    twice = add_convolution(builder, "residual", pooled, 96, SQUARE(3, 1, 1, 1), 1, pooled);
    fixture->outputs[0] = joined;
    fixture->outputs[1] = twice;
    fixture->outputs[2] = depthwise;
    fixture->input = malloc(IMAGES * HEIGHT * WIDTH * CHANNELS * sizeof(float));
    assert_non_null(fixture->input);
    fill_random(fixture->input, IMAGES * HEIGHT * WIDTH * CHANNELS, &fixture->builder.state);
}

static void release(struct fixture *fixture)
{
    graph_release(&fixture->builder.graph);
    free(fixture->input);
}

/* ---- the same bits ---------------------------------------------------------------------- */

static size_t output_count(const struct fixture *fixture, size_t output)
{
    return shape_count(&fixture->builder.graph.layers[fixture->outputs[output]].shape);
}

/* Copies the results of image `from` of a run. */
static void copy_output(const struct fixture *fixture, const struct plan *plan, size_t output,
                        size_t from, float *to)
{
    const struct view *view = &plan->layout.views[fixture->outputs[output]];
    size_t channels = shape_channels(&view->shape);

    for (size_t p = 0; p < shape_pixels(&view->shape); p++)
        memcpy(to + p * channels, view_pixel(view, from, p), channels * sizeof *to);
}

static void plan_for(struct fixture *fixture, struct plan *plan, const struct kernels *kernels,
                     size_t batch, struct parallel *parallel)
{
    struct error error;

    if (plan_create(plan, &fixture->builder.graph, fixture->outputs, 3, batch, kernels, parallel,
                    &error) < 0)
        fail_msg("%s", error.text);
}

static void compare_bits(struct fixture *fixture, const struct kernels *kernels,
                         struct parallel *parallel)
{
    struct plan alone, together;

    /* One image for two threads is not cut, three images are. */
    plan_for(fixture, &alone, kernels, 1, parallel);
    plan_for(fixture, &together, kernels, IMAGES, parallel);
    assert_int_equal(alone.strips.end, 0);
    assert_true(together.strips.end > fixture->outputs[0]);
    assert_true(together.strips.count > 2);
    plan_run(&together, fixture->input, IMAGES);
    for (size_t image = 0; image < IMAGES; image++) {
        plan_run(&alone, fixture->input + image * HEIGHT * WIDTH * CHANNELS, 1);
        for (size_t output = 0; output < 3; output++) {
            size_t count = output_count(fixture, output);
            float *expected = malloc(count * sizeof *expected);
            float *got = malloc(count * sizeof *got);

            assert_true(expected != NULL && got != NULL);
            copy_output(fixture, &alone, output, 0, expected);
            copy_output(fixture, &together, output, image, got);
            if (memcmp(got, expected, count * sizeof *got) != 0)
                fail_msg("%s: image %zu, output %zu differs", kernels->name, image, output);
            free(expected);
            free(got);
        }
    }
    plan_release(&alone);
    plan_release(&together);
}

static void test_strips_give_the_same_bits(void **state)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t count = list_kernels(sets);
    struct parallel *parallel;
    struct fixture fixture;
    struct error error;

    (void)state;
    assert_int_equal(parallel_create(THREADS, &parallel, &error), 0);
    create(&fixture);
    for (size_t i = 0; i < count; i++)
        compare_bits(&fixture, sets[i], parallel);
    release(&fixture);
    parallel_free(parallel);
}

/* ---- rows ------------------------------------------------------------------------------- */

/* Every row of an input that an output row's window touches must exist when it is computed, and
 * must not have been given up. */
static void check_row(const struct fixture *fixture, const struct strips *strips, size_t strip,
                      size_t index, size_t input, size_t row)
{
    const struct layer *layer = &fixture->builder.graph.layers[index];
    const struct layer *from = &fixture->builder.graph.layers[layer->inputs[input]];
    const struct window *window = layer->kind == LAYER_CONVOLUTION ? &layer->convolution.window
                                                                   : &layer->pool.window;
    bool slides = input == 0 && (layer->kind == LAYER_CONVOLUTION || layer->kind == LAYER_POOL);
    size_t taps = slides ? window->kernel[0] : 1;

    for (size_t tap = 0; tap < taps; tap++) {
        size_t at = slides ? row * window->stride[0] + tap * window->dilation[0] -
                                 window->pad_begin[0]
                           : row;

        if (at >= from->shape.dims[SHAPE_HEIGHT])
            continue;
        assert_true(at < strips_rows(strips, strip + 1, layer->inputs[input]));
        for (size_t earlier = 0; earlier <= strip; earlier++)
            assert_true(at >= strips_first(strips, &fixture->builder.graph, earlier,
                                           layer->inputs[input]));
    }
}

static void check_strips(const struct fixture *fixture, size_t end, size_t count)
{
    struct strips strips;
    struct error error;
    bool kept[32] = {false};

    for (size_t i = 0; i < 3; i++)
        kept[fixture->outputs[i]] = true;
    kept[end - 1] = true;
    assert_int_equal(strips_create(&strips, &fixture->builder.graph, kept, end, count, &error), 0);
    for (size_t i = 1; i < end; i++) {
        const struct layer *layer = &fixture->builder.graph.layers[i];

        assert_int_equal(strips_rows(&strips, 0, i), 0);
        if (kept[i])
            assert_int_equal(strips_rows(&strips, count, i), layer->shape.dims[SHAPE_HEIGHT]);
        for (size_t strip = 0; strip < count; strip++) {
            assert_true(strips_rows(&strips, strip, i) <= strips_rows(&strips, strip + 1, i));
            for (size_t row = strips_rows(&strips, strip, i);
                 row < strips_rows(&strips, strip + 1, i); row++)
                for (size_t input = 0; input < layer->input_count; input++)
                    if (layer->inputs[input] > 0)
                        check_row(fixture, &strips, strip, i, input, row);
        }
    }
    strips_release(&strips);
}

static void test_rows_exist_when_they_are_read(void **state)
{
    struct fixture fixture;

    (void)state;
    create(&fixture);
    assert_int_equal(strips_longest(&fixture.builder.graph), fixture.builder.graph.count);
    for (size_t end = 2; end <= fixture.builder.graph.count; end++)
        for (size_t count = 1; count <= 23; count += 11)
            check_strips(&fixture, end, count);
    check_strips(&fixture, fixture.builder.graph.count, 2 * HEIGHT);
    release(&fixture);
}

static void test_what_is_not_by_rows_ends_the_strips(void **state)
{
    struct fixture fixture;
    struct layer softmax = {.kind = LAYER_SOFTMAX, .softmax_channels = true};
    size_t longest;

    (void)state;
    create(&fixture);
    longest = fixture.builder.graph.count;
    add(&fixture.builder, &softmax, "softmax", longest - 1, 0);
    add_convolution(&fixture.builder, "behind", longest, 8, SQUARE(1, 1, 1, 0), 1, SIZE_MAX);
    assert_int_equal(strips_longest(&fixture.builder.graph), longest);
    release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strips_give_the_same_bits),
        cmocka_unit_test(test_rows_exist_when_they_are_read),
        cmocka_unit_test(test_what_is_not_by_rows_ends_the_strips),
    };

    return cmocka_run_group_tests_name("strips", tests, NULL, NULL);
}
