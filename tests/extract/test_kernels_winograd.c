/*
 * Winograd's transforms, on every instruction set that the processor has, against the matrices of
 * A. Lavin and S. Gray (arXiv 1509.09308, section 4.3) multiplied out in double precision, and
 * together against the convolution that they stand for. Everything that a kernel is given lies in
 * guarded memory of exactly the size that kernels.h states.
 */
#include "tests/extract/kernel_helpers.h"

enum {
    SIDE = KERNEL_WINOGRAD_IN,
    STEP = KERNEL_WINOGRAD_OUT,
    WINDOW = 3,
    PLACES = SIDE * SIDE,
    RESULTS = STEP * STEP
};

/* B transposed: the input's transform. */
static const double input_matrix[SIDE * SIDE] = {
    4, 0,  -5, 0,  1, 0,
    0, -4, -4, 1,  1, 0,
    0, 4,  -4, -1, 1, 0,
    0, -2, -1, 2,  1, 0,
    0, 2,  -1, -2, 1, 0,
    0, 4,  0,  -5, 0, 1,
};

/* G: the weights' transform. */
static const double weight_matrix[SIDE * WINDOW] = {
    1.0 / 4,  0,         0,
    -1.0 / 6, -1.0 / 6,  -1.0 / 6,
    -1.0 / 6, 1.0 / 6,   -1.0 / 6,
    1.0 / 24, 1.0 / 12,  1.0 / 6,
    1.0 / 24, -1.0 / 12, 1.0 / 6,
    0,        0,         1,
};

/* A transposed: the transform of the products. */
static const double output_matrix[STEP * SIDE] = {
    1, 1, 1,  1, 1,  0,
    0, 1, -1, 2, -2, 0,
    0, 1, 1,  4, 4,  0,
    0, 1, -1, 8, -8, 1,
};

/* matrix [rows][columns] times tile [columns][columns] times matrix transposed. */
static void transform(const double *matrix, size_t rows, size_t columns, const double *tile,
                      struct exact *result)
{
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < rows; j++) {
            struct exact *sum = &result[i * rows + j];

            *sum = (struct exact){0};
            for (size_t k = 0; k < columns; k++)
                for (size_t l = 0; l < columns; l++)
                    exact_add(sum, matrix[i * columns + k] * tile[k * columns + l] *
                                       matrix[j * columns + l]);
        }
    }
}

/* Each of the two passes of a transform rounds up to five times. */
enum { ROUNDINGS = 12 };

/* A body for every instruction set, side of the guard, and counts of channels around the
 * vectors' ends. */
static void each_count(void (*body)(const struct kernels *kernels, size_t channels,
                                    struct guarded_set *memory))
{
    const struct kernels *sets[KERNEL_SETS];
    size_t set_count = list_kernels(sets);

    for (size_t i = 0; i < set_count; i++) {
        size_t lanes = sets[i]->lanes;
        const size_t counts[] = {1, 3, lanes - 1, lanes, lanes + 1, 2 * lanes, 3 * lanes - 2};

        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            for (enum guard guard = 0; guard < GUARDS; guard++) {
                struct guarded_set memory = {.guard = guard};

                body(sets[i], counts[j], &memory);
                guarded_release_all(&memory);
            }
        }
    }
}

/* ---- the input -------------------------------------------------------------------------- */

static void check_input(const struct kernels *kernels, size_t channels,
                        struct guarded_set *memory)
{
    uint64_t state = channels;
    size_t gap = channels % 3, stride = channels + gap;  /* gap: floats of others */
    const float **in = guarded_add(memory, PLACES, sizeof *in);
    float *out = guarded_add(memory, PLACES * stride - gap, sizeof *out);

    fill_untouched(out, PLACES * stride - gap);
    /* The last row of the tile shares one array, as what lies outside of a map does. */
    for (size_t i = 0; i < PLACES; i++)
        in[i] = i > PLACES - SIDE ? in[PLACES - SIDE] : random_array(memory, channels, &state);
    kernels->winograd_input(in, channels, out, stride);
    for (size_t i = 0; i < PLACES * stride - gap; i++)
        assert_int_equal(is_untouched(out[i]), i % stride >= channels);
    for (size_t c = 0; c < channels; c++) {
        struct exact expected[PLACES];
        double tile[PLACES];

        for (size_t i = 0; i < PLACES; i++)
            tile[i] = (double)in[i][c];
        transform(input_matrix, SIDE, SIDE, tile, expected);
        for (size_t i = 0; i < PLACES; i++)
            if (!is_near(out[i * stride + c], &expected[i], ROUNDINGS, -INFINITY, INFINITY))
                fail_msg("%s: place %zu, channel %zu of %zu is %g, not %g", kernels->name, i, c,
                         channels, (double)out[i * stride + c], expected[i].value);
    }
}

static void test_input(void **state)
{
    (void)state;
    each_count(check_input);
}

/* ---- the result ------------------------------------------------------------------------- */

struct output_case {
    size_t gap;              /* floats of others between two places of the products */
    size_t rows, columns;    /* of the tile that lie within the map */
    bool residual;
    float low, high;
};

static const struct output_case output_cases[] = {
    {0, STEP, STEP, false, -INFINITY, INFINITY},
    {5, STEP, STEP, false, 0, INFINITY},
    {0, 1, STEP, true, -INFINITY, INFINITY},
    {17, 3, 2, true, -0.5f, 3},
    {3, STEP, STEP, true, 0, 6},
    {0, 1, 1, false, -INFINITY, 0.25f},
};

/* Arrays for the results within the map; NULL for those outside. */
static float **create_results(struct guarded_set *memory, const struct output_case *test,
                              size_t channels)
{
    float **table = guarded_add(memory, RESULTS, sizeof *table);

    for (size_t i = 0; i < RESULTS; i++)
        table[i] = i / STEP < test->rows && i % STEP < test->columns
                       ? guarded_add(memory, channels, sizeof **table) : NULL;
    return table;
}

static const float **create_residuals(struct guarded_set *memory, float *const *results,
                                      size_t channels, uint64_t *state)
{
    const float **table = guarded_add(memory, RESULTS, sizeof *table);

    for (size_t i = 0; i < RESULTS; i++)
        table[i] = results[i] != NULL ? random_array(memory, channels, state) : NULL;
    return table;
}

static void check_channel(const struct kernels *kernels, const struct winograd_output *job,
                          size_t channel)
{
    struct exact expected[RESULTS];
    double tile[PLACES];

    for (size_t i = 0; i < PLACES; i++)
        tile[i] = (double)job->in[i * job->in_stride + channel];
    transform(output_matrix, STEP, SIDE, tile, expected);
    for (size_t i = 0; i < RESULTS; i++) {
        if (job->out[i] == NULL)
            continue;
        exact_add(&expected[i], (double)job->shift[channel]);
        if (job->residual != NULL)
            exact_add(&expected[i], (double)job->residual[i][channel]);
        if (!is_near(job->out[i][channel], &expected[i], ROUNDINGS + 2, job->low, job->high))
            fail_msg("%s: result %zu, channel %zu of %zu is %g, not %g", kernels->name, i,
                     channel, job->channels, (double)job->out[i][channel], expected[i].value);
    }
}

static void check_output(const struct kernels *kernels, size_t channels,
                         struct guarded_set *memory)
{
    for (size_t i = 0; i < sizeof output_cases / sizeof output_cases[0]; i++) {
        const struct output_case *test = &output_cases[i];
        uint64_t state = channels + i;
        size_t stride = channels + test->gap;
        float **out = create_results(memory, test, channels);
        struct winograd_output job = {
            .in = random_array(memory, PLACES * stride - test->gap, &state),
            .in_stride = stride,
            .channels = channels,
            .shift = random_array(memory, channels, &state),
            .residual = test->residual ? create_residuals(memory, out, channels, &state) : NULL,
            .out = out,
            .low = test->low,
            .high = test->high,
        };

        kernels->winograd_output(&job);
        for (size_t c = 0; c < channels; c++)
            check_channel(kernels, &job, c);
        guarded_release_all(memory);
    }
}

static void test_output(void **state)
{
    (void)state;
    each_count(check_output);
}

/* ---- both ------------------------------------------------------------------------------- */

/* From the input over the products of one channel to its 3x3 convolution. */
static void check_convolution(const struct kernels *kernels, size_t channels,
                              struct guarded_set *memory)
{
    uint64_t state = channels;
    float *in = random_array(memory, PLACES * channels, &state);
    float *out = guarded_add(memory, RESULTS * channels, sizeof *out);
    float *products = guarded_add(memory, PLACES * channels, sizeof *products);
    float *shift = guarded_add(memory, channels, sizeof *shift);
    const float *places[PLACES];
    float *results[RESULTS];
    double weights[WINDOW * WINDOW];
    struct exact transformed[PLACES];

    for (size_t i = 0; i < PLACES; i++)
        places[i] = in + i * channels;
    for (size_t i = 0; i < RESULTS; i++)
        results[i] = out + i * channels;
    for (size_t i = 0; i < WINDOW * WINDOW; i++)
        weights[i] = (double)random_number(&state);
    transform(weight_matrix, SIDE, WINDOW, weights, transformed);
    kernels->winograd_input(places, channels, products, channels);
    for (size_t i = 0; i < PLACES * channels; i++)
        products[i] *= (float)transformed[i / channels].value;
    kernels->winograd_output(&(struct winograd_output){
        .in = products, .in_stride = channels, .channels = channels, .shift = shift,
        .out = results, .low = -INFINITY, .high = INFINITY});
    for (size_t i = 0; i < RESULTS * channels; i++) {
        size_t place = i / channels / STEP * SIDE + i / channels % STEP;
        struct exact sum = {0};

        for (size_t tap = 0; tap < WINDOW * WINDOW; tap++)
            exact_add(&sum, weights[tap] *
                                (double)in[(place + tap / WINDOW * SIDE + tap % WINDOW) * channels +
                                           i % channels]);
        /* The whole tile is in each result: its error does not go with the nine terms alone. */
        sum.magnitude += WINDOW * WINDOW;
        if (!is_near(out[i], &sum, 8 * ROUNDINGS, -INFINITY, INFINITY))
            fail_msg("%s: result %zu of %zu channels is %g, not %g", kernels->name, i / channels,
                     channels, (double)out[i], sum.value);
    }
}

static void test_convolution(void **state)
{
    (void)state;
    each_count(check_convolution);
}

/* ---- bits ------------------------------------------------------------------------------- */

/* A channel's numbers do not depend on its place among others, which are NaN. */
static void check_channels(const struct kernels *kernels, size_t channels,
                           struct guarded_set *memory)
{
    uint64_t state = channels;
    float *in = guarded_add(memory, PLACES * channels, sizeof *in);
    float *out = guarded_add(memory, PLACES * channels, sizeof *out);
    float *back = guarded_add(memory, RESULTS * channels, sizeof *back);
    float *shift = guarded_add(memory, channels, sizeof *shift);
    const float *places[PLACES];
    float *results[RESULTS];
    float given[PLACES], first[PLACES], first_back[RESULTS];

    fill_random(given, PLACES, &state);
    for (size_t i = 0; i < PLACES; i++)
        places[i] = in + i * channels;
    for (size_t i = 0; i < RESULTS; i++)
        results[i] = back + i * channels;
    for (size_t channel = 0; channel < channels; channel++) {
        for (size_t i = 0; i < PLACES * channels; i++)
            in[i] = i % channels == channel ? given[i / channels] : NAN;
        kernels->winograd_input(places, channels, out, channels);
        kernels->winograd_output(&(struct winograd_output){
            .in = out, .in_stride = channels, .channels = channels, .shift = shift,
            .out = results, .low = 0, .high = 6});
        for (size_t i = 0; i < PLACES; i++) {
            if (channel == 0)
                first[i] = out[i * channels];
            assert_memory_equal(&out[i * channels + channel], &first[i], sizeof first[i]);
        }
        for (size_t i = 0; i < RESULTS; i++) {
            if (channel == 0)
                first_back[i] = back[i * channels];
            assert_memory_equal(&results[i][channel], &first_back[i], sizeof first_back[i]);
            for (size_t other = 0; other < channels; other++)
                assert_int_equal(isnan(results[i][other]) != 0, other != channel);
        }
    }
}

static void test_channels_are_alone(void **state)
{
    (void)state;
    each_count(check_channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_convolution),
        cmocka_unit_test(test_channels_are_alone),
    };

    return cmocka_run_group_tests_name("kernels_winograd", tests, NULL, NULL);
}
