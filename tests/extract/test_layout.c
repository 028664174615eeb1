/*
 * Where results lie: a convolution that adds a residual takes its place where nobody reads that
 * again, and nowhere else; and no result is the other for it.
 */
#include "extract/network/plan.h"
#include "tests/extract/graph_builder.h"

enum { CHANNELS = 6, SIDE = 11, IMAGES = 3, MOST_LAYERS = 16 };

struct fixture {
    struct graph_builder builder;
    size_t in_place[2];  /* convolutions whose residual is read by nobody else behind them */
    size_t apart[3];     /* the others with a residual */
    float *input;        /* [IMAGES][SIDE][SIDE][CHANNELS] */
};

static size_t add_3x3(struct fixture *fixture, const char *name, size_t input, size_t residual)
{
    return add_convolution(&fixture->builder, name, input, 20, SQUARE(3, 1, 1, 1), 1, residual);
}

static size_t add_1x1(struct fixture *fixture, const char *name, size_t input, size_t residual)
{
    return add_convolution(&fixture->builder, name, input, 20, SQUARE(1, 1, 1, 0), 1, residual);
}

static void create(struct fixture *fixture)
{
    size_t image, first, branch, own, block, next, again, sum, part, joined;

    *fixture = (struct fixture){.builder.state = 3};
    image = add_input(&fixture->builder, CHANNELS, SIDE, SIDE);
    first = add_3x3(fixture, "first", image, SIZE_MAX);
    own = add_1x1(fixture, "adds what it reads", first, first);
    branch = add_1x1(fixture, "branch", own, SIZE_MAX);
    block = add_3x3(fixture, "block", branch, own);
    branch = add_1x1(fixture, "next branch", block, SIZE_MAX);
    next = add_1x1(fixture, "next block", branch, block);
    branch = add_3x3(fixture, "last branch", next, SIZE_MAX);
    again = add_1x1(fixture, "read again", branch, next);
    sum = add_sum(&fixture->builder, "sum", again, next);
    part = add_1x1(fixture, "part", sum, SIZE_MAX);
    joined = add_concat(&fixture->builder, "joined", part, sum);
    fixture->in_place[0] = block;
    fixture->in_place[1] = next;
    fixture->apart[0] = own;
    fixture->apart[1] = again;
    fixture->apart[2] = add_1x1(fixture, "among others", joined, part);
    fixture->input = malloc(IMAGES * SIDE * SIDE * CHANNELS * sizeof(float));
    assert_non_null(fixture->input);
    fill_random(fixture->input, IMAGES * SIDE * SIDE * CHANNELS, &fixture->builder.state);
}

static void release(struct fixture *fixture)
{
    graph_release(&fixture->builder.graph);
    free(fixture->input);
}

static void plan_for(struct fixture *fixture, struct plan *plan, const struct kernels *kernels,
                     const size_t *outputs, size_t count)
{
    struct error error;

    if (plan_create(plan, &fixture->builder.graph, outputs, count, IMAGES, kernels, NULL,
                    &error) < 0)
        fail_msg("%s", error.text);
}

static bool lies_on_residual(const struct fixture *fixture, const struct plan *plan, size_t index)
{
    const struct view *views = plan->layout.views;

    return views[index].data == views[fixture->builder.graph.layers[index].inputs[1]].data;
}

static void test_what_nobody_reads_again_is_replaced(void **state)
{
    struct fixture fixture;
    struct plan plan;
    size_t last;

    (void)state;
    create(&fixture);
    last = fixture.builder.graph.count - 1;
    plan_for(&fixture, &plan, kernels_best(), &last, 1);
    for (size_t i = 0; i < 2; i++)
        assert_true(lies_on_residual(&fixture, &plan, fixture.in_place[i]));
    for (size_t i = 0; i < 3; i++)
        assert_false(lies_on_residual(&fixture, &plan, fixture.apart[i]));
    plan_release(&plan);
    release(&fixture);
}

static void test_an_output_is_not_replaced(void **state)
{
    struct fixture fixture;
    struct plan plan;
    size_t outputs[2];

    (void)state;
    create(&fixture);
    outputs[0] = fixture.in_place[0];
    outputs[1] = fixture.builder.graph.count - 1;
    plan_for(&fixture, &plan, kernels_best(), outputs, 2);
    assert_false(lies_on_residual(&fixture, &plan, fixture.in_place[1]));
    plan_release(&plan);
    release(&fixture);
}

/* Where every result is an output, none is replaced. */
static void check_bits(struct fixture *fixture, const struct kernels *kernels, size_t output)
{
    size_t count = fixture->builder.graph.count, all[MOST_LAYERS];
    struct plan kept, replaced;

    assert_true(count <= MOST_LAYERS);
    for (size_t i = 0; i < count; i++)
        all[i] = i;
    plan_for(fixture, &kept, kernels, all + 1, count - 1);
    plan_for(fixture, &replaced, kernels, &output, 1);
    plan_run(&kept, fixture->input, IMAGES);
    plan_run(&replaced, fixture->input, IMAGES);
    for (size_t i = 0; i < IMAGES * SIDE * SIDE; i++) {
        const struct view *expected = &kept.layout.views[output];
        const struct view *got = &replaced.layout.views[output];
        size_t image = i / (SIDE * SIDE), pixel = i % (SIDE * SIDE);

        assert_memory_equal(view_pixel(got, image, pixel), view_pixel(expected, image, pixel),
                            shape_channels(&got->shape) * sizeof(float));
    }
    plan_release(&kept);
    plan_release(&replaced);
}

static void test_replacing_changes_no_bit(void **state)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t count = list_kernels(sets);
    struct fixture fixture;

    (void)state;
    create(&fixture);
    for (size_t i = 0; i < count; i++)
        for (size_t output = 1; output < fixture.builder.graph.count; output++)
            check_bits(&fixture, sets[i], output);
    release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_nobody_reads_again_is_replaced),
        cmocka_unit_test(test_an_output_is_not_replaced),
        cmocka_unit_test(test_replacing_changes_no_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
