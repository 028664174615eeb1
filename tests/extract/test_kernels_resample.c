/*
 * The kernels that resize, on every instruction set that the processor has, against plain loops,
 * to the bit. Everything that a kernel is given lies in guarded memory of exactly the size that
 * kernels.h states.
 */
#include "tests/extract/kernel_helpers.h"

enum { CHANNELS = KERNEL_RESAMPLE_CHANNELS, GROUP = KERNEL_RESAMPLE_PIXELS };

/* Pixels of a row, and the most taps of one: few as in an enlargement, many as of a large photo. */
struct row_case {
    size_t pixels, taps;
};

static const struct row_case cases[] = {
    {4, 1}, {4, 2}, {8, 3}, {12, 4}, {20, 5}, {16, 7}, {24, 8}, {4, 9}, {32, 24}, {8, 117},
};

enum { CASES = sizeof cases / sizeof cases[0] };

/* In [0, bound). */
static uint32_t random_below(uint32_t bound, uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % bound;
}

static size_t round_up(size_t count)
{
    return (count + GROUP - 1) / GROUP * GROUP;
}

/* A sum, rounded and clipped. */
static int32_t byte_of(int64_t sum)
{
    int64_t value = (sum + (1 << (KERNEL_RESAMPLE_BITS - 1))) >> KERNEL_RESAMPLE_BITS;

    return (int32_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Between -0.9 / count and 1.9 / count: sums leave the range of a byte, and never that of 32
 * bits. */
static int32_t random_weight(size_t count, uint64_t *state)
{
    double weight = ((double)random_below(2800, state) / 1000 - 0.9) / (double)count;

    return (int32_t)(weight * (1 << KERNEL_RESAMPLE_BITS));
}

/* A row whose last tap is the last pixel of the source, and its taps and weights. */
static struct resample_row make_row(const struct row_case *shape, uint64_t *state,
                                    struct guarded_set *memory)
{
    size_t source_pixels = shape->pixels * 2 + shape->taps;
    size_t source_bytes = source_pixels * 3 + KERNEL_RESAMPLE_OVERRUN;
    size_t stride = round_up(shape->taps);
    size_t numbers = shape->pixels * stride + KERNEL_RESAMPLE_OVERRUN;
    unsigned char *source = guarded_add(memory, source_bytes, 1);
    struct resample_tap *taps = guarded_add(memory, shape->pixels, sizeof *taps);
    int32_t *weights = guarded_add(memory, numbers, sizeof *weights);

    for (size_t i = 0; i < source_bytes; i++)
        source[i] = (unsigned char)random_below(256, state);
    for (size_t i = 0; i < numbers; i++)
        weights[i] = (int32_t)random_below(1000000, state);
    for (size_t x = 0; x < shape->pixels; x++) {
        size_t count = x + 1 == shape->pixels ? shape->taps
                                              : random_below((uint32_t)shape->taps + 1, state);

        taps[x] = (struct resample_tap){
            .first = (uint32_t)(source_pixels - shape->taps - (shape->pixels - 1 - x) * 2),
            .count = (uint32_t)count,
        };
        for (size_t i = 0; i < round_up(count); i++)
            weights[x * stride + i] = i < count ? random_weight(count, state) : 0;
    }
    return (struct resample_row){
        .source = source, .taps = taps, .weights = weights, .stride = stride,
        .pixels = shape->pixels,
        .out = guarded_add(memory, shape->pixels * CHANNELS, sizeof(int32_t)),
    };
}

static void check_row(const struct kernels *kernels, const struct resample_row *row)
{
    for (size_t x = 0; x < row->pixels; x++)
        for (size_t channel = 0; channel < 3; channel++) {
            int64_t sum = 0;
            int32_t got = row->out[x * CHANNELS + channel];

            for (size_t i = 0; i < row->taps[x].count; i++)
                sum += (int64_t)row->weights[x * row->stride + i] *
                       row->source[(row->taps[x].first + i) * 3 + channel];
            if (got != byte_of(sum))
                fail_msg("%s: pixel %zu of %zu is %d, not %d", kernels->name, x, row->pixels, got,
                         byte_of(sum));
        }
}

static void check_passes(const struct kernels *kernels, const struct row_case *shape,
                         struct guarded_set *memory)
{
    enum { ADDED = 3 };
    uint64_t state = shape->pixels * 1000 + shape->taps;
    struct resample_row row = make_row(shape, &state, memory);
    size_t elements = shape->pixels * CHANNELS;
    int32_t *sums = guarded_add(memory, elements, sizeof *sums);
    int64_t *exact = calloc(elements, sizeof *exact);

    assert_non_null(exact);
    kernels->resample_row(&row);
    check_row(kernels, &row);
    for (int i = 0; i < ADDED; i++) {
        int32_t weight = random_weight(ADDED, &state);

        kernels->resample_add(row.out, weight, row.pixels, sums);
        for (size_t j = 0; j < elements; j++)
            exact[j] += (int64_t)row.out[j] * weight;
    }
    for (size_t j = 0; j < elements; j++)
        if (j % CHANNELS != 3)
            assert_true(sums[j] == exact[j]);
    for (size_t pixels = shape->pixels - GROUP + 1; pixels <= shape->pixels; pixels++) {
        unsigned char *out = guarded_add(memory, pixels * 3, 1);

        kernels->resample_finish(sums, pixels, out);
        for (size_t i = 0; i < pixels * 3; i++)
            assert_int_equal(out[i], byte_of(exact[i / 3 * CHANNELS + i % 3]));
    }
    free(exact);
}

static void test_passes(void **state)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t set_count = list_kernels(sets);

    (void)state;
    for (size_t set = 0; set < set_count; set++)
        for (size_t i = 0; i < CASES; i++)
            for (enum guard guard = 0; guard < GUARDS; guard++) {
                struct guarded_set memory = {.guard = guard};

                check_passes(sets[set], &cases[i], &memory);
                guarded_release_all(&memory);
            }
}

/* White and black come out as they are, whatever the weights that sum to one. */
static void test_whole_range(void **state)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t set_count = list_kernels(sets);
    unsigned char source[5 * 3 + KERNEL_RESAMPLE_OVERRUN];
    const struct resample_tap taps[GROUP] = {{0, 5}, {0, 5}, {2, 3}, {4, 1}};
    int32_t weights[GROUP * 8 + KERNEL_RESAMPLE_OVERRUN] = {
        1 << 20, 1 << 20, 1 << 20, 1 << 19, 1 << 19, 0, 0, 0,
        -(1 << 21), 1 << 22, 1 << 21, 1 << 21, -(1 << 20) - (1 << 20), 0, 0, 0,
        1 << 21, 1 << 20, 1 << 20, 0, 0, 0, 0, 0,
        1 << 22};
    int32_t out[GROUP * CHANNELS];

    (void)state;
    for (size_t set = 0; set < set_count; set++)
        for (int value = 0; value < 256; value++) {
            memset(source, value, sizeof source);
            sets[set]->resample_row(&(struct resample_row){
                .source = source, .taps = taps, .weights = weights, .stride = 8, .pixels = GROUP,
                .out = out});
            for (size_t i = 0; i < GROUP * CHANNELS; i++)
                if (i % CHANNELS != 3)
                    assert_int_equal(out[i], value);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_whole_range),
    };

    return cmocka_run_group_tests_name("kernels_resample", tests, NULL, NULL);
}
