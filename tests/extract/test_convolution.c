/*
 * Convolution layers as a whole, by whatever way the plan computes them, on every instruction set
 * that the processor has: against a plain loop in double precision over windows, strides,
 * dilations, padding, groups, residuals and activations. The bits must be the same for any batch,
 * place in the batch and number of threads.
 */
#include "common/parallel.h"
#include "extract/network/passes.h"
#include "extract/network/plan.h"
#include "tests/extract/kernel_helpers.h"

struct convolution_case {
    const char *name;
    size_t channels, height, width;  /* of the input */
    size_t outputs;
    struct window window;
    size_t groups;                   /* 0: 1 */
    bool plain;                      /* neither scale nor shift */
    bool residual;                   /* another convolution's result is added */
    bool within;                     /* input and result are parts of larger maps, at odd
                                        places: a slice, and an input of a concatenation */
    struct activation activation;
};

/* The same for height and width: kernel, stride, dilation, padding on all sides. */
#define SQUARE(size, step, spread, pad)                                                         \
    {{(size), (size)}, {(step), (step)}, {(spread), (spread)}, {(pad), (pad)}, {(pad), (pad)}}
#define RELU {ACTIVATION_CLIP, 0, INFINITY, NULL}
#define RELU6 {ACTIVATION_CLIP, 0, 6, NULL}

static const struct convolution_case cases[] = {
    /* one number wide */
    {"1x1 of 1", 1, 1, 1, 1, SQUARE(1, 1, 1, 0), .plain = true},
    {"1x1", 5, 7, 3, 9, SQUARE(1, 1, 1, 0), .activation = RELU},
    {"1x1 of many", 96, 13, 11, 130, SQUARE(1, 1, 1, 0), .activation = RELU6},
    {"1x1, odd", 33, 9, 17, 71, SQUARE(1, 1, 1, 0), .within = true},
    {"1x1 with a residual", 64, 14, 14, 48, SQUARE(1, 1, 1, 0), .residual = true,
     .activation = RELU},
    {"1x1 / 2", 24, 15, 14, 40, SQUARE(1, 2, 1, 0), .plain = true},
    {"1x1 / 3, padded", 7, 8, 8, 5, SQUARE(1, 3, 1, 1), .within = true},
    {"1x1 on one pixel", 200, 1, 1, 100, SQUARE(1, 1, 1, 0), .activation = RELU},

    /* 3x3, stride 1: small and large maps, few and many channels, even and odd */
    {"3x3 on one pixel", 8, 1, 1, 8, SQUARE(3, 1, 1, 1), .plain = true},
    {"3x3 on 2x5", 16, 2, 5, 16, SQUARE(3, 1, 1, 1), .activation = RELU},
    {"3x3 on 4x4", 32, 4, 4, 32, SQUARE(3, 1, 1, 1), .activation = RELU},
    {"3x3, few channels", 4, 12, 12, 6, SQUARE(3, 1, 1, 1), .activation = RELU},
    {"3x3, 16 on 13x13", 16, 13, 13, 16, SQUARE(3, 1, 1, 1), .activation = RELU},
    {"3x3, 17 to 19", 17, 14, 15, 19, SQUARE(3, 1, 1, 1), .plain = true},
    {"3x3, 64 on 30x30", 64, 30, 30, 64, SQUARE(3, 1, 1, 1), .activation = RELU},
    {"3x3, 33 to 65", 33, 27, 26, 65, SQUARE(3, 1, 1, 1), .activation = RELU6},
    {"3x3, 48 to 16, no padding", 48, 16, 18, 16, SQUARE(3, 1, 1, 0), .activation = RELU},
    {"3x3, 128 on 7x7", 128, 7, 7, 136, SQUARE(3, 1, 1, 1), .activation = RELU},
    {"3x3, padding of 2", 20, 13, 10, 24, SQUARE(3, 1, 1, 2), .plain = true},
    {"3x3, padding of 5", 16, 6, 9, 16, SQUARE(3, 1, 1, 5), .activation = RELU},
    {"3x3, padding uneven", 24, 15, 15, 32, {{3, 3}, {1, 1}, {1, 1}, {0, 1}, {2, 0}},
     .activation = RELU},
    {"3x3, padding before", 18, 11, 13, 23, {{3, 3}, {1, 1}, {1, 1}, {2, 2}, {0, 0}},
     .within = true},
    {"3x3 with a residual", 32, 19, 17, 32, SQUARE(3, 1, 1, 1), .residual = true,
     .activation = RELU},
    {"3x3 with a residual, odd", 21, 14, 22, 37, SQUARE(3, 1, 1, 1), .residual = true},
    {"3x3 within larger maps", 32, 14, 14, 48, SQUARE(3, 1, 1, 1), .within = true,
     .activation = RELU},
    {"3x3 within larger maps, odd", 37, 13, 17, 29, SQUARE(3, 1, 1, 1), .within = true,
     .activation = RELU6},
    {"3x3 on a strip", 40, 3, 61, 40, SQUARE(3, 1, 1, 1), .activation = RELU},
    {"3x3 on a column", 40, 59, 1, 40, SQUARE(3, 1, 1, 1), .activation = RELU},

    /* strides and dilations */
    {"3x3 / 2", 16, 15, 15, 24, SQUARE(3, 2, 1, 1), .activation = RELU},
    {"3x3 / 2, no padding", 35, 14, 17, 20, SQUARE(3, 2, 1, 0), .within = true},
    {"3x3 / 2, padding behind", 32, 14, 14, 32, {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}},
     .activation = RELU6},
    {"3x3 / 1 and 2", 16, 12, 13, 16, {{3, 3}, {1, 2}, {1, 1}, {1, 1}, {1, 1}},
     .activation = RELU},
    {"3x3 dilated by 2", 32, 14, 14, 32, SQUARE(3, 1, 2, 2), .activation = RELU},
    {"3x3 dilated by 3 and 1", 16, 15, 12, 18, {{3, 3}, {1, 1}, {3, 1}, {3, 1}, {3, 1}},
     .plain = true},
    {"3x3 / 2 dilated by 2", 9, 16, 16, 10, SQUARE(3, 2, 2, 2), .activation = RELU},

    /* other windows */
    {"2x2", 16, 9, 10, 20, {{2, 2}, {1, 1}, {1, 1}, {0, 1}, {1, 0}}, .activation = RELU},
    {"4x4 / 4", 12, 16, 20, 33, SQUARE(4, 4, 1, 0), .plain = true},
    {"5x5", 32, 14, 14, 32, SQUARE(5, 1, 1, 2), .activation = RELU},
    {"5x5, odd", 19, 11, 12, 23, SQUARE(5, 1, 1, 2), .within = true},
    {"6x2", 6, 13, 8, 7, {{6, 2}, {1, 1}, {1, 1}, {2, 1}, {3, 0}}, .activation = RELU},
    {"7x7", 10, 12, 12, 16, SQUARE(7, 1, 1, 3), .plain = true},
    {"7x7 on 2x2", 16, 2, 2, 16, SQUARE(7, 1, 1, 3), .activation = RELU},
    {"1x7", 32, 17, 17, 48, {{1, 7}, {1, 1}, {1, 1}, {0, 3}, {0, 3}}, .activation = RELU},
    {"7x1", 48, 17, 17, 32, {{7, 1}, {1, 1}, {1, 1}, {3, 0}, {3, 0}}, .activation = RELU},
    {"1x7, odd", 39, 12, 19, 25, {{1, 7}, {1, 1}, {1, 1}, {0, 3}, {0, 3}}, .within = true},
    {"7x1, no padding", 23, 16, 9, 41, {{7, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
     .residual = true},
    {"1x3", 32, 8, 8, 48, {{1, 3}, {1, 1}, {1, 1}, {0, 1}, {0, 1}}, .activation = RELU},
    {"3x1", 33, 8, 9, 47, {{3, 1}, {1, 1}, {1, 1}, {1, 0}, {1, 0}}, .within = true},

    /* the first layer: few channels */
    {"7x7 / 2 of an image", 3, 38, 40, 64, SQUARE(7, 2, 1, 3), .activation = RELU},
    {"3x3 of an image", 3, 26, 30, 64, SQUARE(3, 1, 1, 1), .activation = RELU},
    {"3x3 / 2 of an image", 3, 33, 31, 32, SQUARE(3, 2, 1, 0), .activation = RELU6},
    {"11x11 / 4 of an image", 3, 47, 43, 48, SQUARE(11, 4, 1, 2), .activation = RELU},
    {"5x5 of a grey image", 1, 17, 19, 6, SQUARE(5, 1, 1, 2), .plain = true},
    {"3x3 / 2 of a part", 3, 19, 15, 10, SQUARE(3, 2, 1, 1), .within = true},
    {"3x3 dilated, of an image", 3, 15, 16, 24, SQUARE(3, 1, 2, 2), .activation = RELU},
    {"2x3, few channels, a residual", 8, 9, 11, 13, {{2, 3}, {1, 1}, {1, 1}, {1, 1}, {0, 1}},
     .residual = true, .activation = RELU},

    /* groups */
    {"2 groups of 5x5", 24, 13, 13, 32, SQUARE(5, 1, 1, 2), 2, .activation = RELU},
    {"2 groups of 3x3", 48, 13, 13, 64, SQUARE(3, 1, 1, 1), 2, .activation = RELU},
    {"3 groups of 1x1", 24, 9, 9, 51, SQUARE(1, 1, 1, 0), 3, .within = true},
    {"32 groups of 3x3", 128, 9, 9, 128, SQUARE(3, 1, 1, 1), 32, .activation = RELU},
    {"7 groups / 2", 21, 11, 10, 14, SQUARE(3, 2, 1, 1), 7, .residual = true},
    {"as many groups as channels, two outputs each", 12, 10, 10, 24, SQUARE(3, 1, 1, 1), 12,
     .activation = RELU},

    /* depthwise */
    {"depthwise 3x3", 32, 14, 14, 32, SQUARE(3, 1, 1, 1), 32, .activation = RELU6},
    {"depthwise 3x3 / 2", 144, 15, 13, 144, SQUARE(3, 2, 1, 1), 144, .activation = RELU6},
    {"depthwise 3x3, odd", 37, 9, 12, 37, SQUARE(3, 1, 1, 1), 37, .within = true,
     .activation = RELU6},
    {"depthwise 3x3 / 2, padding behind", 24, 12, 12, 24,
     {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}}, 24, .plain = true},
    {"depthwise 3x3, padding of 4", 20, 5, 7, 20, SQUARE(3, 1, 1, 4), 20, .within = true},
    {"depthwise 3x3 / 3, padding of 3", 9, 8, 7, 9, SQUARE(3, 3, 1, 3), 9, .activation = RELU},
    {"depthwise 3x3 on one pixel", 19, 1, 1, 19, SQUARE(3, 1, 1, 1), 19, .activation = RELU},
    {"depthwise 3x3 on 2x3", 48, 2, 3, 48, SQUARE(3, 1, 1, 1), 48, .activation = RELU},
    {"depthwise 3x3, wide", 20, 5, 33, 20, SQUARE(3, 1, 1, 1), 20, .within = true},
    {"depthwise 3x3 / 2, wide", 18, 6, 47, 18, SQUARE(3, 2, 1, 1), 18, .plain = true},
    {"depthwise 5x5", 40, 14, 14, 40, SQUARE(5, 1, 1, 2), 40, .activation = RELU},
    {"depthwise 5x5 / 2", 50, 13, 14, 50, SQUARE(5, 2, 1, 2), 50, .within = true},
    {"depthwise 7x7", 16, 9, 9, 16, SQUARE(7, 1, 1, 3), 16, .plain = true},
    {"depthwise 1x7", 20, 8, 11, 20, {{1, 7}, {1, 1}, {1, 1}, {0, 3}, {0, 3}}, 20,
     .activation = RELU},
    {"depthwise 3x3 dilated by 2", 24, 13, 13, 24, SQUARE(3, 1, 2, 2), 24, .activation = RELU},
    {"depthwise 3x3 with a residual", 33, 10, 10, 33, SQUARE(3, 1, 1, 1), 33, .residual = true,
     .activation = RELU},
};

/* ---- the layer's numbers ---------------------------------------------------------------- */

/* One convolution's weights, as the graph holds them. */
struct weights {
    size_t outputs, depth;     /* depth: channels of a group times taps */
    float *values;             /* [outputs][channels of a group][height][width] */
    float *scale, *shift;      /* [outputs], or NULL */
};

enum { MOST_OUTPUTS = 256 };

/* The other convolution of a case with a residual, and the one beside it in a larger map. */
enum { MAIN, OTHER, CONVOLUTIONS };

struct fixture {
    const struct convolution_case *test;
    struct weights weights[CONVOLUTIONS];
    struct guarded input;      /* [IMAGES][height][width][input_channels] */
    size_t input_channels, first_channel;
    size_t out_height, out_width;
    float slopes[MOST_OUTPUTS];
    double *expected;          /* [IMAGES][out pixels][outputs] */
    double bound;              /* on the error of each */
};

/* Images that the numbers are computed for; the outputs of OTHER where it stands beside MAIN; the
 * larger input has one channel before and two behind. */
enum { IMAGES = 3, BESIDE_OUTPUTS = 3, CHANNELS_BEFORE = 1, CHANNELS_AROUND = 3 };

static size_t groups_of(const struct convolution_case *test)
{
    return test->groups > 0 ? test->groups : 1;
}

static size_t pixels_of(const struct fixture *fixture)
{
    return fixture->out_height * fixture->out_width;
}

static float *allocate_random(size_t count, uint64_t *state)
{
    float *values = malloc(count * sizeof *values);

    assert_non_null(values);
    fill_random(values, count, state);
    return values;
}

static void create_weights(struct weights *weights, const struct convolution_case *test,
                           size_t outputs, uint64_t *state)
{
    const size_t *kernel = test->window.kernel;

    weights->outputs = outputs;
    weights->depth = test->channels / groups_of(test) * kernel[0] * kernel[1];
    weights->values = allocate_random(outputs * weights->depth, state);
    if (test->plain)
        return;
    weights->scale = allocate_random(outputs, state);
    weights->shift = allocate_random(outputs, state);
}

static void release_weights(struct weights *weights)
{
    free(weights->values);
    free(weights->scale);
    free(weights->shift);
}

/* The largest possible magnitude of the terms of one of the results, added up. */
static double largest_magnitude(const struct weights *weights)
{
    double largest = 0;

    for (size_t i = 0; i < weights->outputs; i++) {
        double sum = 0;

        for (size_t k = 0; k < weights->depth; k++)
            sum += fabs((double)weights->values[i * weights->depth + k]);
        if (weights->scale != NULL)
            sum *= fabs((double)weights->scale[i]);
        if (weights->shift != NULL)
            sum += fabs((double)weights->shift[i]);
        largest = sum > largest ? sum : largest;
    }
    return largest;
}

/* Adds what one tap of the window gives to one output pixel's `outputs` of a group. taps:
 * [channels of the group][outputs], in double precision. */
static void add_tap(const float *in, size_t channels, const double *taps, size_t outputs,
                    double *sums)
{
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < outputs; i++)
            sums[i] += (double)in[c] * taps[c * outputs + i];
}

/* [taps][channels of a group][outputs of a group], scaled, of one group. */
static double *group_taps(const struct weights *weights, size_t group, size_t groups, size_t taps)
{
    size_t outputs = weights->outputs / groups, channels = weights->depth / taps;
    double *ordered = malloc(weights->depth * outputs * sizeof *ordered);

    assert_non_null(ordered);
    for (size_t i = 0; i < outputs; i++) {
        size_t row = group * outputs + i;
        double scale = weights->scale != NULL ? (double)weights->scale[row] : 1;

        for (size_t c = 0; c < channels; c++)
            for (size_t tap = 0; tap < taps; tap++)
                ordered[(tap * channels + c) * outputs + i] =
                    scale * (double)weights->values[(row * channels + c) * taps + tap];
    }
    return ordered;
}

/* The numbers of one output pixel in one group. */
static void convolve_pixel(const struct fixture *fixture, const double *ordered, size_t group,
                           size_t image, size_t pixel, size_t outputs, double *sums)
{
    const struct convolution_case *test = fixture->test;
    const struct window *window = &test->window;
    size_t channels = test->channels / groups_of(test);
    size_t top = pixel / fixture->out_width * window->stride[0];
    size_t left = pixel % fixture->out_width * window->stride[1];

    for (size_t i = 0; i < window->kernel[0]; i++) {
        for (size_t j = 0; j < window->kernel[1]; j++) {
            size_t y = top + i * window->dilation[0], x = left + j * window->dilation[1];
            const float *in = fixture->input.data;

            if (y < window->pad_begin[0] || y - window->pad_begin[0] >= test->height ||
                x < window->pad_begin[1] || x - window->pad_begin[1] >= test->width)
                continue;
            in += ((image * test->height + y - window->pad_begin[0]) * test->width + x -
                   window->pad_begin[1]) * fixture->input_channels;
            in += fixture->first_channel + group * channels;
            add_tap(in, channels, ordered + (i * window->kernel[1] + j) * channels * outputs,
                    outputs, sums);
        }
    }
}

/* Adds one convolution's results to `results` [IMAGES][pixels][outputs]. */
static void convolve(const struct fixture *fixture, const struct weights *weights,
                     double *results)
{
    const struct convolution_case *test = fixture->test;
    size_t groups = groups_of(test), outputs = weights->outputs / groups;
    size_t taps = test->window.kernel[0] * test->window.kernel[1];

    for (size_t group = 0; group < groups; group++) {
        double *ordered = group_taps(weights, group, groups, taps);

        for (size_t at = 0; at < IMAGES * pixels_of(fixture); at++) {
            double *sums = results + at * weights->outputs + group * outputs;

            for (size_t i = 0; i < outputs && weights->shift != NULL; i++)
                sums[i] += (double)weights->shift[group * outputs + i];
            convolve_pixel(fixture, ordered, group, at / pixels_of(fixture),
                           at % pixels_of(fixture), outputs, sums);
        }
        free(ordered);
    }
}

static double activate(const struct activation *activation, double x, size_t channel)
{
    double a = (double)activation->a, b = (double)activation->b;

    switch (activation->kind) {
    case ACTIVATION_NONE:
        break;
    case ACTIVATION_CLIP:
        return clip_real(x, activation->a, activation->b);
    case ACTIVATION_LEAKY:
        return x < 0 ? a * x : x;
    case ACTIVATION_PRELU:
        return x < 0 ? (double)activation->slopes[channel] * x : x;
    case ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-x));
    case ACTIVATION_HARD_SIGMOID:
        return clip_real(a * x + b, 0, 1);
    case ACTIVATION_HARD_SWISH:
        return x * clip_real(x / 6 + 0.5, 0, 1);
    case ACTIVATION_TANH:
        return tanh(x);
    case ACTIVATION_ELU:
        return x < 0 ? a * (exp(x) - 1) : x;
    case ACTIVATION_THRESHOLD:
        return x < a ? b * (x - a) : x;
    case ACTIVATION_POWER:
        return pow(x, a);
    }
    return x;
}

/* Roundings add up like a random walk (Higham and Mary, "A new approach to probabilistic rounding
 * error analysis", 2019): in proportion to the root of the terms, to which Winograd's transforms
 * add some tens. An activation is no steeper than 1.5, and exact to a few roundings. */
static double error_bound(const struct fixture *fixture)
{
    double roundings = 4 * sqrt((double)fixture->weights[MAIN].depth) + 60;
    double bound = roundings * UNIT_ROUNDOFF * largest_magnitude(&fixture->weights[MAIN]);

    if (fixture->test->residual)
        bound += roundings * UNIT_ROUNDOFF * largest_magnitude(&fixture->weights[OTHER]);
    return 1.5 * bound + 8 * UNIT_ROUNDOFF;
}

static void create(struct fixture *fixture, const struct convolution_case *test)
{
    uint64_t state = test->channels * 1000 + test->outputs;
    size_t count;

    *fixture = (struct fixture){.test = test, .input_channels = test->channels};
    if (test->within) {
        fixture->input_channels += CHANNELS_AROUND;
        fixture->first_channel = CHANNELS_BEFORE;
    }
    fixture->out_height = window_output(&test->window, 0, test->height, false);
    fixture->out_width = window_output(&test->window, 1, test->width, false);
    create_weights(&fixture->weights[MAIN], test, test->outputs, &state);
    if (test->residual)
        create_weights(&fixture->weights[OTHER], test, test->outputs, &state);
    else if (test->within)
        create_weights(&fixture->weights[OTHER], test, BESIDE_OUTPUTS * groups_of(test), &state);
    fill_random(fixture->slopes, MOST_OUTPUTS, &state);
    count = IMAGES * test->height * test->width * fixture->input_channels;
    fixture->input = guarded_create(count * sizeof(float), test->outputs % GUARDS);
    fill_random(fixture->input.data, count, &state);
    count = IMAGES * pixels_of(fixture) * test->outputs;
    fixture->expected = calloc(count, sizeof *fixture->expected);
    assert_non_null(fixture->expected);
    convolve(fixture, &fixture->weights[MAIN], fixture->expected);
    if (test->residual)
        convolve(fixture, &fixture->weights[OTHER], fixture->expected);
    for (size_t i = 0; i < count; i++) {
        struct activation activation = test->activation;

        activation.slopes = fixture->slopes;
        fixture->expected[i] = activate(&activation, fixture->expected[i], i % test->outputs);
    }
    fixture->bound = error_bound(fixture);
}

static void release(struct fixture *fixture)
{
    for (size_t i = 0; i < CONVOLUTIONS; i++)
        release_weights(&fixture->weights[i]);
    guarded_release(&fixture->input);
    free(fixture->expected);
}

/* ---- the layer in a graph --------------------------------------------------------------- */

static size_t add(struct graph *graph, struct layer layer, const size_t *inputs, size_t count)
{
    struct error error;
    size_t index;

    layer.name = layer.node = layer.operator = "layer";
    layer.inputs = (size_t *)(uintptr_t)inputs;
    layer.input_count = count;
    if (graph_add(graph, &layer, &index, &error) < 0)
        fail_msg("%s", error.text);
    return index;
}

static size_t add_input(const struct fixture *fixture, struct graph *graph)
{
    const struct convolution_case *test = fixture->test;
    struct layer input = {.kind = LAYER_INPUT,
                          .shape = {3, {fixture->input_channels, test->height, test->width}}};
    struct layer cut = {.kind = LAYER_SLICE,
                        .slice = {.begin = {CHANNELS_BEFORE, 0, 0},
                                  .step = {1, 1, 1},
                                  .count = {test->channels, test->height, test->width}}};
    size_t index = add(graph, input, NULL, 0);

    if (!test->within)
        return index;
    /* A copy of the input: a slice of that is a view of a part. */
    index = add(graph, (struct layer){.kind = LAYER_AFFINE}, &index, 1);
    return add(graph, cut, &index, 1);
}

static size_t add_convolution(const struct fixture *fixture, struct graph *graph,
                              const struct weights *weights, size_t input)
{
    const struct window *window = &fixture->test->window;
    size_t groups = groups_of(fixture->test), taps = window->kernel[0] * window->kernel[1];
    struct layer layer = {
        .kind = LAYER_CONVOLUTION,
        .convolution = {
            .window = *window,
            .groups = groups,
            .weights = {.type = TENSOR_FLOAT32,
                        .rank = 4,
                        .shape = {weights->outputs, weights->depth / taps, window->kernel[0],
                                  window->kernel[1]},
                        .count = weights->outputs * weights->depth,
                        .bytes = {(const unsigned char *)weights->values,
                                  weights->outputs * weights->depth * sizeof(float)}},
            .scale = weights->scale,
            .shift = weights->shift,
        },
    };

    return add(graph, layer, &input, 1);
}

/* Input, convolution, the other one and the sum, the activation, the concatenation. Returns the
 * layer whose result is read. */
static size_t build(const struct fixture *fixture, struct graph *graph)
{
    const struct convolution_case *test = fixture->test;
    struct layer activation = {.kind = LAYER_ACTIVATION, .activation = test->activation};
    struct layer concat = {.kind = LAYER_CONCAT, .concat_axis = SHAPE_CHANNELS};
    size_t input = add_input(fixture, graph), other = 0, result;

    if (fixture->weights[OTHER].values != NULL)
        other = add_convolution(fixture, graph, &fixture->weights[OTHER], input);
    result = add_convolution(fixture, graph, &fixture->weights[MAIN], input);
    if (test->residual)
        result = add(graph, (struct layer){.kind = LAYER_BINARY, .binary = BINARY_ADD},
                     (const size_t[]){other, result}, 2);
    activation.activation.slopes = fixture->slopes;
    if (test->activation.kind != ACTIVATION_NONE)
        result = add(graph, activation, &result, 1);
    if (test->within)
        result = add(graph, concat, (const size_t[]){other, result}, 2);
    return result;
}

/* How the images are handed to the plan. */
struct manner {
    const char *name;
    size_t batch, step, threads;  /* batch: of the plan; step: images a run; threads 0: none */
};

static const struct manner manners[] = {
    {"all images at once", IMAGES, IMAGES, 0},
    {"all images on three threads", IMAGES, IMAGES, 3},
    {"one image at a time", 1, 1, 1},
    {"one image at a time on three threads", 1, 1, 3},
    {"two images, then one, in a batch of five", 5, 2, 3},
};

/* The result of `count` images of a run, without what stands beside it. */
static void read_results(const struct fixture *fixture, const struct view *view, size_t count,
                         float *results)
{
    size_t outputs = fixture->test->outputs;
    size_t begin = fixture->test->within ? fixture->weights[OTHER].outputs : 0;

    assert_int_equal(view->shape.dims[SHAPE_CHANNELS], begin + outputs);
    assert_int_equal(view->shape.dims[SHAPE_HEIGHT], fixture->out_height);
    assert_int_equal(view->shape.dims[SHAPE_WIDTH], fixture->out_width);
    for (size_t i = 0; i < count * pixels_of(fixture); i++)
        memcpy(results + i * outputs,
               view_pixel(view, i / pixels_of(fixture), i % pixels_of(fixture)) + begin,
               outputs * sizeof *results);
}

/* results: [IMAGES][pixels][outputs]. */
static void run(const struct fixture *fixture, const struct kernels *kernels,
                const struct manner *manner, float *results)
{
    const struct convolution_case *test = fixture->test;
    size_t size = test->height * test->width * fixture->input_channels;
    struct parallel *parallel = NULL;
    struct graph graph = {0};
    struct plan plan;
    struct error error;
    size_t output = build(fixture, &graph);

    if (manner->threads > 0)
        assert_int_equal(parallel_create(manner->threads, &parallel, &error), 0);
    if (passes_run(&graph, &output, 1, &error) < 0 ||
        plan_create(&plan, &graph, &output, 1, manner->batch, kernels, parallel, &error) < 0)
        fail_msg("%s", error.text);
    for (size_t done = 0; done < IMAGES; done += manner->step) {
        size_t count = IMAGES - done < manner->step ? IMAGES - done : manner->step;

        plan_run(&plan, (const float *)fixture->input.data + done * size, count);
        read_results(fixture, &plan.layout.views[output], count,
                     results + done * pixels_of(fixture) * test->outputs);
    }
    plan_release(&plan);
    graph_release(&graph);
    parallel_free(parallel);
}

/* ---- tests ------------------------------------------------------------------------------ */

static void check_results(const struct fixture *fixture, const struct kernels *kernels,
                          const float *results)
{
    size_t outputs = fixture->test->outputs, pixels = pixels_of(fixture);

    for (size_t i = 0; i < IMAGES * pixels * outputs; i++) {
        size_t pixel = i / outputs % pixels;

        if (!(fabs((double)results[i] - fixture->expected[i]) <= fixture->bound))
            fail_msg("%s, %s: image %zu, pixel (%zu, %zu), channel %zu is %g, not %g",
                     fixture->test->name, kernels->name, i / outputs / pixels,
                     pixel / fixture->out_width, pixel % fixture->out_width, i % outputs,
                     (double)results[i], fixture->expected[i]);
    }
}

static void check_case(const struct convolution_case *test)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t set_count = list_kernels(sets), size;
    struct fixture fixture;
    float *first, *again;

    create(&fixture, test);
    size = IMAGES * pixels_of(&fixture) * test->outputs * sizeof *first;
    first = malloc(size);
    again = malloc(size);
    assert_true(first != NULL && again != NULL);
    for (size_t set = 0; set < set_count; set++) {
        run(&fixture, sets[set], &manners[0], first);
        check_results(&fixture, sets[set], first);
        for (size_t i = 1; i < sizeof manners / sizeof manners[0]; i++) {
            run(&fixture, sets[set], &manners[i], again);
            if (memcmp(again, first, size) != 0)
                fail_msg("%s, %s: %s gives other bits", test->name, sets[set]->name,
                         manners[i].name);
        }
    }
    free(first);
    free(again);
    release(&fixture);
}

static void test_case(void **state)
{
    check_case(*state);
}

/* Every activation behind each way to compute a convolution. */
static void test_activations(void **state)
{
    static const struct activation activations[] = {
        {ACTIVATION_NONE, 0, 0, NULL},
        {ACTIVATION_CLIP, -0.5f, 0.75f, NULL},
        {ACTIVATION_CLIP, -INFINITY, 0.5f, NULL},
        {ACTIVATION_LEAKY, 0.1f, 0, NULL},
        {ACTIVATION_PRELU, 0, 0, NULL},
        {ACTIVATION_SIGMOID, 0, 0, NULL},
        {ACTIVATION_HARD_SIGMOID, 0.2f, 0.5f, NULL},
        {ACTIVATION_HARD_SWISH, 0, 0, NULL},
        {ACTIVATION_TANH, 0, 0, NULL},
        {ACTIVATION_ELU, 1, 0, NULL},
    };
    static const struct convolution_case ways[] = {
        {"1x1", 19, 6, 7, 35, SQUARE(1, 1, 1, 0), .residual = true},
        {"3x3", 18, 10, 9, 21, SQUARE(3, 1, 1, 1), .within = true},
        {"3x3 with a residual", 18, 9, 8, 17, SQUARE(3, 1, 1, 1), .residual = true},
        {"3x3 / 2", 18, 9, 8, 17, SQUARE(3, 2, 1, 1), .within = true},
        {"3x3 of an image", 3, 9, 9, 17, SQUARE(3, 1, 1, 1), .plain = true},
        {"1x7", 17, 6, 12, 33, {{1, 7}, {1, 1}, {1, 1}, {0, 3}, {0, 3}}, .plain = true},
        {"groups", 18, 7, 7, 12, SQUARE(3, 1, 1, 1), 3, .residual = true},
        {"depthwise", 21, 9, 8, 21, SQUARE(3, 1, 1, 1), 21, .within = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        for (size_t j = 0; j < sizeof activations / sizeof activations[0]; j++) {
            struct convolution_case test = ways[i];

            test.activation = activations[j];
            check_case(&test);
        }
    }
}

/* A NaN in the input reaches the results whose window holds it, through the clip, and no other
 * image. */
static void test_nan(void **state)
{
    static const struct convolution_case ways[] = {
        {"1x1", 20, 9, 9, 20, SQUARE(1, 1, 1, 0), .activation = RELU6},
        {"3x3", 20, 13, 13, 20, SQUARE(3, 1, 1, 1), .activation = RELU6},
        {"3x3 of an image", 3, 13, 13, 20, SQUARE(3, 1, 1, 1), .activation = RELU6},
        {"depthwise", 20, 9, 9, 20, SQUARE(3, 1, 1, 1), 20, .activation = RELU6},
    };
    const struct kernels *sets[KERNEL_SETS];
    size_t set_count = list_kernels(sets);

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0] * set_count; i++) {
        const struct convolution_case *test = &ways[i / set_count];
        struct fixture fixture;
        size_t image_size = test->height * test->width * test->outputs, place;
        float *results = malloc(IMAGES * image_size * sizeof *results);

        assert_non_null(results);
        create(&fixture, test);
        place = test->height / 2 * test->width + test->width / 2;
        /* The second image, pixel `place`, channel 2. */
        ((float *)fixture.input.data)[(test->height * test->width + place) * test->channels + 2] =
            NAN;
        run(&fixture, sets[i % set_count], &manners[0], results);
        assert_true(isnan(results[image_size + place * test->outputs + 2]));
        for (size_t j = 0; j < image_size; j++)
            assert_false(isnan(results[j]) || isnan(results[2 * image_size + j]));
        release(&fixture);
        free(results);
    }
}

int main(void)
{
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct CMUnitTest tests[CASES + 2] = {
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_nan),
    };

    for (size_t i = 0; i < CASES; i++)
        tests[2 + i] = (struct CMUnitTest){.name = cases[i].name, .test_func = test_case,
                                           .initial_state = (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests_name("convolution", tests, NULL, NULL);
}
