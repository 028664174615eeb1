/*
 * The kernels that go through maps channel by channel, on every instruction set that the processor
 * has, against plain loops in double precision. Everything that a kernel is given lies in guarded
 * memory of exactly the size that kernels.h states.
 */
#include "extract/graph/graph.h"
#include "tests/extract/kernel_helpers.h"

enum { MOST_TAPS = 49, OWN_TAPS = 5 };

struct bounds {
    float low, high;
};

static const struct bounds bounds[] = {
    {-INFINITY, INFINITY}, {0, INFINITY}, {-INFINITY, 0.25f}, {-0.5f, 0.5f},
};

enum { BOUNDS = sizeof bounds / sizeof bounds[0] };

/* Counts of channels around the vectors' ends. */
static size_t list_counts(size_t lanes, size_t counts[10])
{
    const size_t list[] = {1, 2, lanes - 1, lanes, lanes + 1, 2 * lanes - 1, 2 * lanes,
                           2 * lanes + 1, 3 * lanes - 2, 4 * lanes + 3};

    memcpy(counts, list, sizeof list);
    return sizeof list / sizeof list[0];
}

/* A body for every instruction set, count of channels and side of the guard. */
static void each_count(void (*body)(const struct kernels *kernels, size_t count,
                                    struct guarded_set *memory))
{
    const struct kernels *sets[KERNEL_SETS];
    size_t set_count = list_kernels(sets);

    for (size_t i = 0; i < set_count; i++) {
        size_t counts[10], count = list_counts(sets[i]->lanes, counts);

        for (size_t j = 0; j < count; j++) {
            for (enum guard guard = 0; guard < GUARDS; guard++) {
                struct guarded_set memory = {.guard = guard};

                body(sets[i], counts[j], &memory);
                guarded_release_all(&memory);
            }
        }
    }
}

static void check_number(const struct kernels *kernels, const char *what, size_t index, float got,
                         const struct exact *exact, size_t roundings, const struct bounds *clip)
{
    if (!is_near(got, exact, roundings, clip->low, clip->high))
        fail_msg("%s %s: number %zu is %.9g, not %.9g", kernels->name, what, index, (double)got,
                 clip_real(exact->value, clip->low, clip->high));
}

/* ---- depthwise convolution -------------------------------------------------------------- */

struct depthwise_case {
    size_t pixels, taps;
    size_t between;  /* channels of others between two pixels of the input */
    size_t step;     /* pixels of the input from one pixel of the result to the next */
    size_t gap;      /* floats of others between two pixels of the result */
};

static const struct depthwise_case depthwise_cases[] = {
    {1, 1, 0, 1, 0},  {1, 9, 0, 1, 0},  {2, 9, 3, 2, 3},         {8, 9, 0, 1, 1},
    {17, 9, 1, 1, 0}, {3, 25, 0, 2, 0}, {11, 6, 2, 1, 30},       {9, 4, 0, 3, 0},
    {5, 0, 0, 1, 2},  {7, 8, 5, 1, 5},  {2, MOST_TAPS, 0, 1, 5},
};

/* Pixels of the input from the window's first tap to tap `tap`: in rows of three, as of a map. */
static size_t tap_pixel(size_t tap)
{
    return tap / 3 * 5 + tap % 3;
}

/* Pointers to a few arrays in turn, so that windows share them as neighbouring ones do. */
static const float **create_table(struct guarded_set *memory, size_t entries, size_t channels,
                                  uint64_t *state)
{
    const float **table = guarded_add(memory, entries, sizeof *table);
    const float *arrays[OWN_TAPS];

    for (size_t i = 0; i < OWN_TAPS; i++)
        arrays[i] = random_array(memory, channels, state);
    for (size_t i = 0; i < entries; i++)
        table[i] = arrays[i * 7 % 11 % OWN_TAPS];
    return table;
}

/* A job of exactly the memory that it needs, without bounds. */
static struct depthwise create_depthwise(struct guarded_set *memory, size_t channels,
                                         const struct depthwise_case *test)
{
    uint64_t state = channels;
    size_t pixel = channels + test->between, stride = channels + test->gap;
    size_t in_step = test->step * pixel;
    size_t reach = test->taps > 0 ? tap_pixel(test->taps - 1) * pixel : 0;
    size_t *offsets = guarded_add(memory, test->taps, sizeof *offsets);
    struct depthwise job = {
        .in = random_array(memory,
                           test->taps > 0 ? reach + (test->pixels - 1) * in_step + channels : 0,
                           &state),
        .tap_offsets = offsets,
        .taps = test->taps,
        .in_step = in_step,
        .pixels = test->pixels,
        .channels = channels,
        .weights = create_table(memory, test->taps, channels, &state),
        .shift = random_array(memory, channels, &state),
        .out = guarded_add(memory, test->pixels * stride - test->gap, sizeof(float)),
        .out_stride = stride,
        .low = -INFINITY,
        .high = INFINITY,
    };

    for (size_t tap = 0; tap < test->taps; tap++)
        offsets[tap] = tap_pixel(tap) * pixel;
    fill_untouched(job.out, test->pixels * stride - test->gap);
    return job;
}

static struct exact depthwise_reference(const struct depthwise *job, size_t pixel, size_t channel)
{
    struct exact sum = {0};

    exact_add(&sum, (double)job->shift[channel]);
    for (size_t tap = 0; tap < job->taps; tap++)
        exact_add(&sum, (double)job->in[job->tap_offsets[tap] + pixel * job->in_step + channel] *
                            (double)job->weights[tap][channel]);
    return sum;
}

static void check_depthwise_case(const struct kernels *kernels, size_t channels,
                                 struct guarded_set *memory, const struct depthwise_case *test,
                                 const struct bounds *clip)
{
    struct depthwise job = create_depthwise(memory, channels, test);

    job.low = clip->low;
    job.high = clip->high;
    kernels->depthwise(&job);
    for (size_t i = 0; i < test->pixels * job.out_stride - test->gap; i++) {
        struct exact exact;

        if (i % job.out_stride >= channels) {
            assert_true(is_untouched(job.out[i]));
            continue;
        }
        exact = depthwise_reference(&job, i / job.out_stride, i % job.out_stride);
        check_number(kernels, "depthwise", i, job.out[i], &exact, 2 * test->taps + 1, clip);
    }
}

static void check_depthwise(const struct kernels *kernels, size_t channels,
                            struct guarded_set *memory)
{
    for (size_t i = 0; i < sizeof depthwise_cases / sizeof depthwise_cases[0]; i++) {
        check_depthwise_case(kernels, channels, memory, &depthwise_cases[i],
                             &bounds[(i + channels) % BOUNDS]);
        guarded_release_all(memory);
    }
}

static void test_depthwise(void **state)
{
    (void)state;
    each_count(check_depthwise);
}

/* A pixel's bits are those that it has alone, and a NaN stays in the windows that hold it. */
static void check_depthwise_places(const struct kernels *kernels, size_t channels,
                                   struct guarded_set *memory)
{
    enum { PIXELS = 19, NAN_PIXEL = 4 };
    static const struct depthwise_case test = {PIXELS, 9, 0, 1, 0};
    struct depthwise job = create_depthwise(memory, channels, &test);
    float *alone = guarded_add(memory, channels, sizeof *alone);

    ((float *)(uintptr_t)job.in)[NAN_PIXEL * channels + channels / 2] = NAN;
    kernels->depthwise(&job);
    for (size_t pixel = 0; pixel < PIXELS; pixel++) {
        struct depthwise single = job;
        bool reached = false;

        single.in += pixel * job.in_step;
        single.pixels = 1;
        single.out = alone;
        kernels->depthwise(&single);
        assert_memory_equal(job.out + pixel * channels, alone, channels * sizeof *alone);
        for (size_t tap = 0; tap < job.taps; tap++)
            reached = reached || pixel + tap_pixel(tap) == NAN_PIXEL;
        for (size_t i = 0; i < channels; i++)
            assert_int_equal(isnan(alone[i]) != 0, reached && i == channels / 2);
    }
}

static void test_depthwise_pixels_are_alone(void **state)
{
    (void)state;
    each_count(check_depthwise_places);
}

/* ---- depthwise convolution, 3 x 3 ------------------------------------------------------- */

struct depthwise_3x3_case {
    size_t rows, stride, pixels;
    size_t gap;  /* floats of others between two pixels of the result */
};

static const struct depthwise_3x3_case depthwise_3x3_cases[] = {
    {1, 1, 1, 0}, {2, 1, 1, 3}, {1, 2, 1, 1}, {2, 2, 1, 0}, {1, 1, 5, 7},
    {2, 1, 14, 0}, {2, 1, 3, 2}, {1, 2, 6, 0}, {2, 2, 7, 5},
};

static size_t read_columns(const struct depthwise_3x3 *job)
{
    return (job->pixels - 1) * job->stride + 3;
}

static struct depthwise_3x3 create_depthwise_3x3(struct guarded_set *memory, size_t channels,
                                                 const struct depthwise_3x3_case *test)
{
    uint64_t state = channels + test->pixels;
    size_t stride = channels + test->gap;
    struct depthwise_3x3 job = {
        .rows = test->rows,
        .stride = test->stride,
        .pixels = test->pixels,
        .channels = channels,
        .weights = random_array(memory, 9 * channels, &state),
        .shift = random_array(memory, channels, &state),
        .out_stride = stride,
        .low = -INFINITY,
        .high = INFINITY,
    };

    job.in = create_table(memory, ((test->rows - 1) * test->stride + 3) * read_columns(&job),
                          channels, &state);
    for (size_t row = 0; row < test->rows; row++) {
        job.out[row] = guarded_add(memory, test->pixels * stride - test->gap, sizeof(float));
        fill_untouched(job.out[row], test->pixels * stride - test->gap);
    }
    return job;
}

static struct exact depthwise_3x3_reference(const struct depthwise_3x3 *job, size_t row,
                                            size_t pixel, size_t channel)
{
    struct exact sum = {0};

    exact_add(&sum, (double)job->shift[channel]);
    for (size_t tap = 0; tap < 9; tap++) {
        size_t y = row * job->stride + tap / 3, x = pixel * job->stride + tap % 3;

        exact_add(&sum, (double)job->in[y * read_columns(job) + x][channel] *
                            (double)job->weights[tap * job->channels + channel]);
    }
    return sum;
}

static void check_depthwise_3x3_case(const struct kernels *kernels, size_t channels,
                                     struct guarded_set *memory,
                                     const struct depthwise_3x3_case *test,
                                     const struct bounds *clip)
{
    struct depthwise_3x3 job = create_depthwise_3x3(memory, channels, test);
    size_t numbers = test->pixels * job.out_stride - test->gap;

    job.low = clip->low;
    job.high = clip->high;
    kernels->depthwise_3x3(&job);
    for (size_t i = 0; i < test->rows * numbers; i++) {
        size_t row = i / numbers, at = i % numbers;
        struct exact exact;

        if (at % job.out_stride >= channels) {
            assert_true(is_untouched(job.out[row][at]));
            continue;
        }
        exact = depthwise_3x3_reference(&job, row, at / job.out_stride, at % job.out_stride);
        check_number(kernels, "depthwise 3x3", i, job.out[row][at], &exact, 19, clip);
    }
}

static void check_depthwise_3x3(const struct kernels *kernels, size_t channels,
                                struct guarded_set *memory)
{
    for (size_t i = 0; i < sizeof depthwise_3x3_cases / sizeof depthwise_3x3_cases[0]; i++) {
        check_depthwise_3x3_case(kernels, channels, memory, &depthwise_3x3_cases[i],
                                 &bounds[(i + channels) % BOUNDS]);
        guarded_release_all(memory);
    }
}

static void test_depthwise_3x3(void **state)
{
    (void)state;
    each_count(check_depthwise_3x3);
}

/* A pixel's bits are those that it has alone, whether one row is computed or two. */
static void check_depthwise_3x3_places(const struct kernels *kernels, size_t channels,
                                       struct guarded_set *memory)
{
    for (size_t stride = 1; stride <= 2; stride++) {
        const struct depthwise_3x3_case test = {2, stride, 5, 0};
        struct depthwise_3x3 job = create_depthwise_3x3(memory, channels, &test);
        float *alone = guarded_add(memory, channels, sizeof *alone);

        kernels->depthwise_3x3(&job);
        for (size_t i = 0; i < test.rows * test.pixels; i++) {
            size_t row = i / test.pixels, pixel = i % test.pixels;
            const float *window[9];
            struct depthwise_3x3 single = job;

            for (size_t tap = 0; tap < 9; tap++)
                window[tap] = job.in[(row * stride + tap / 3) * read_columns(&job) +
                                     pixel * stride + tap % 3];
            single.in = window;
            single.rows = single.pixels = 1;
            single.out[0] = alone;
            kernels->depthwise_3x3(&single);
            assert_memory_equal(job.out[row] + pixel * channels, alone,
                                channels * sizeof *alone);
        }
        guarded_release_all(memory);
    }
}

static void test_depthwise_3x3_pixels_are_alone(void **state)
{
    (void)state;
    each_count(check_depthwise_3x3_places);
}

/* ---- pooling ---------------------------------------------------------------------------- */

static const size_t pool_taps[] = {1, 2, 4, 9, MOST_TAPS};

static void check_maximum(const struct kernels *kernels, size_t taps, size_t channels,
                          const float *const *table, float *out)
{
    fill_untouched(out, channels);
    kernels->pool_maximum(table, taps, channels, 0, out);
    for (size_t c = 0; c < channels; c++) {
        float best = table[0][c];

        for (size_t tap = 1; tap < taps; tap++)
            best = table[tap][c] > best ? table[tap][c] : best;
        if (memcmp(&out[c], &best, sizeof best) != 0)
            fail_msg("%s: the maximum of %zu is %g, not %g", kernels->name, taps, (double)out[c],
                     (double)best);
    }
}

static void check_sum(const struct kernels *kernels, size_t taps, size_t channels,
                      const float *const *table, float *out)
{
    const float factor = 1 / (float)taps;

    fill_untouched(out, channels);
    kernels->pool_sum(table, taps, channels, factor, out);
    for (size_t c = 0; c < channels; c++) {
        struct exact exact = {0};

        for (size_t tap = 0; tap < taps; tap++)
            exact_add(&exact, (double)factor * (double)table[tap][c]);
        check_number(kernels, "average", c, out[c], &exact, taps, &bounds[0]);
    }
}

static void check_pools(const struct kernels *kernels, size_t channels, struct guarded_set *memory)
{
    for (size_t i = 0; i < sizeof pool_taps / sizeof pool_taps[0]; i++) {
        uint64_t state = channels;
        const float **table = create_table(memory, pool_taps[i], channels, &state);
        float *out = guarded_add(memory, channels, sizeof *out);

        check_maximum(kernels, pool_taps[i], channels, table, out);
        check_sum(kernels, pool_taps[i], channels, table, out);
        guarded_release_all(memory);
    }
}

static void test_pools(void **state)
{
    (void)state;
    each_count(check_pools);
}

/* ---- scale and shift -------------------------------------------------------------------- */

static void check_affine_case(const struct kernels *kernels, size_t count,
                              struct guarded_set *memory, const struct bounds *clip, bool in_place)
{
    uint64_t state = count;
    float *in = random_array(memory, count, &state);
    float *scale = random_array(memory, count, &state);
    float *shift = random_array(memory, count, &state);
    float *out = in_place ? in : guarded_add(memory, count, sizeof *out);
    float *given = calloc(count, sizeof *given);

    assert_non_null(given);
    memcpy(given, in, count * sizeof *given);
    kernels->affine(in, scale, shift, count, clip->low, clip->high, out);
    for (size_t i = 0; i < count; i++) {
        struct exact exact = {0};

        exact_add(&exact, (double)given[i] * (double)scale[i]);
        exact_add(&exact, (double)shift[i]);
        check_number(kernels, "affine", i, out[i], &exact, 2, clip);
    }
    free(given);
}

static void check_affine(const struct kernels *kernels, size_t count, struct guarded_set *memory)
{
    for (size_t i = 0; i < BOUNDS; i++) {
        check_affine_case(kernels, count, memory, &bounds[i], i % 2 == 1);
        guarded_release_all(memory);
    }
}

static void test_affine(void **state)
{
    (void)state;
    each_count(check_affine);
}

/* ---- two maps --------------------------------------------------------------------------- */

/* Where the result goes: `out` may be an operand that has as many numbers. */
enum destination { APART, OVER_A, OVER_B, DESTINATIONS };

static double combine(enum binary_kind kind, double a, double b)
{
    switch (kind) {
    case BINARY_ADD:
        return a + b;
    case BINARY_SUBTRACT:
        return a - b;
    case BINARY_MULTIPLY:
        return a * b;
    case BINARY_DIVIDE:
        break;
    }
    return a / b;
}

static void check_binary_case(const struct kernels *kernels, size_t count,
                              struct guarded_set *memory, enum binary_kind kind,
                              const size_t steps[2], enum destination destination)
{
    const struct bounds *clip = &bounds[(count + kind) % BOUNDS];
    uint64_t state = count;
    float *operands[2], *given[2], *out;

    for (size_t i = 0; i < 2; i++) {
        size_t length = steps[i] == 0 ? 1 : count;

        operands[i] = random_array(memory, length, &state);
        given[i] = calloc(length, sizeof *given[i]);
        assert_non_null(given[i]);
        memcpy(given[i], operands[i], length * sizeof *given[i]);
    }
    out = destination == APART ? guarded_add(memory, count, sizeof *out)
                               : operands[destination - OVER_A];
    kernels->binary[kind](operands[0], steps[0], operands[1], steps[1], count, clip->low,
                          clip->high, out);
    for (size_t i = 0; i < count; i++) {
        struct exact exact = {0};

        exact_add(&exact, combine(kind, (double)given[0][i * steps[0]],
                                  (double)given[1][i * steps[1]]));
        check_number(kernels, "binary", i, out[i], &exact, 1, clip);
    }
    free(given[0]);
    free(given[1]);
}

static void check_binary(const struct kernels *kernels, size_t count, struct guarded_set *memory)
{
    static const size_t steps[][2] = {{1, 1}, {0, 1}, {1, 0}, {0, 0}};

    for (enum binary_kind kind = BINARY_ADD; kind <= BINARY_DIVIDE; kind++) {
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            for (enum destination to = APART; to < DESTINATIONS; to++) {
                if (to != APART && steps[i][to - OVER_A] == 0)
                    continue;
                check_binary_case(kernels, count, memory, kind, steps[i], to);
                guarded_release_all(memory);
            }
        }
    }
}

static void test_binary(void **state)
{
    (void)state;
    each_count(check_binary);
}

/* ---- NaN and infinities ----------------------------------------------------------------- */

/* What a clip to [0, 6] makes of numbers that are none, or lie on its bounds. */
static const struct {
    float given, expected;
} special[] = {
    {NAN, NAN}, {INFINITY, 6}, {-INFINITY, 0}, {6, 6}, {0, 0}, {3, 3}, {-1e-30f, 0},
    {6.000001f, 6},
};

enum { SPECIAL = sizeof special / sizeof special[0] };

static void check_special(const struct kernels *kernels, const char *what, const float *got,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float expected = special[i % SPECIAL].expected;

        if (isnan(expected) ? !isnan(got[i]) : !(got[i] >= expected && got[i] <= expected))
            fail_msg("%s: %s makes %g of %g, not %g", kernels->name, what, (double)got[i],
                     (double)special[i % SPECIAL].given, (double)expected);
    }
}

static void check_clips(const struct kernels *kernels, size_t count, struct guarded_set *memory)
{
    float *in = guarded_add(memory, count, sizeof *in);
    float *ones = guarded_add(memory, count, sizeof *ones);
    float *zeros = guarded_add(memory, count, sizeof *zeros);
    float *out = guarded_add(memory, count, sizeof *out);
    const float *weights[1] = {ones};
    const size_t offsets[1] = {0};
    const struct depthwise filter = {
        .in = in, .tap_offsets = offsets, .taps = 1, .pixels = 1, .channels = count,
        .weights = weights, .shift = zeros, .out = out, .out_stride = count, .low = 0, .high = 6};

    for (size_t i = 0; i < count; i++) {
        in[i] = special[i % SPECIAL].given;
        ones[i] = 1;
    }
    kernels->affine(in, ones, zeros, count, 0, 6, out);
    check_special(kernels, "affine", out, count);
    kernels->depthwise(&filter);
    check_special(kernels, "depthwise", out, count);
    kernels->binary[BINARY_ADD](in, 1, zeros, 1, count, 0, 6, out);
    check_special(kernels, "a sum", out, count);
    kernels->binary[BINARY_SUBTRACT](in, 1, zeros, 0, count, 0, 6, out);
    check_special(kernels, "a difference", out, count);
    kernels->binary[BINARY_MULTIPLY](ones, 0, in, 1, count, 0, 6, out);
    check_special(kernels, "a product", out, count);
    kernels->binary[BINARY_DIVIDE](in, 1, ones, 1, count, 0, 6, out);
    check_special(kernels, "a quotient", out, count);
}

static void test_clips(void **state)
{
    (void)state;
    each_count(check_clips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depthwise),
        cmocka_unit_test(test_depthwise_pixels_are_alone),
        cmocka_unit_test(test_depthwise_3x3),
        cmocka_unit_test(test_depthwise_3x3_pixels_are_alone),
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_affine),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_clips),
    };

    return cmocka_run_group_tests_name("kernels_maps", tests, NULL, NULL);
}
