/*
 * The register tiles of the matrix product, on every instruction set that the processor has,
 * against a plain loop in double precision. Everything that a tile is given lies in guarded
 * memory of exactly the size that kernels.h states.
 */
#include "tests/extract/kernel_helpers.h"

/* Where a case begins within its rows, how far apart they lie, and what is summed. */
struct tile_case {
    const char *name;
    size_t runs, run_length;
    size_t in_offset, out_offset;
    size_t gap;          /* floats behind a row's columns that belong to others */
    size_t table_gap;    /* pointers between two runs of the table */
    size_t rows;         /* different ones, the last is repeated; 0: all of the tile */
    bool residual;
    float low, high;
};

static const struct tile_case cases[] = {
    {"one number", 1, 1, .low = -INFINITY, .high = INFINITY},
    {"three numbers", 1, 3, .low = -INFINITY, .high = INFINITY},
    {"one long run", 1, 257, .low = -INFINITY, .high = INFINITY},
    {"nine runs of seventeen", 9, 17, .table_gap = 5, .low = -INFINITY, .high = INFINITY},
    {"49 runs of one", 49, 1, .table_gap = 1, .low = -INFINITY, .high = INFINITY},
    {"offsets", 3, 4, .in_offset = 7, .out_offset = 5, .gap = 3, .low = -INFINITY,
     .high = INFINITY},
    {"residual", 2, 8, .residual = true, .low = -INFINITY, .high = INFINITY},
    {"residual with an offset", 2, 8, .out_offset = 3, .gap = 1, .residual = true,
     .low = -INFINITY, .high = INFINITY},
    {"relu", 1, 24, .low = 0, .high = INFINITY},
    {"upper bound", 1, 24, .low = -INFINITY, .high = 0.25f},
    {"clip and residual", 4, 6, .gap = 17, .residual = true, .low = -0.5f, .high = 0.5f},
    {"one row repeated", 3, 5, .rows = 1, .residual = true, .low = -INFINITY, .high = INFINITY},
    {"three rows, the last repeated", 3, 5, .rows = 3, .low = 0, .high = 1},
};

enum { OWN_RUNS = 3 };

/* A tile with all that it points to. */
struct fixture {
    struct guarded_set memory;
    struct tile tile;
    const struct kernels *kernels;
    size_t vectors, rows, width;       /* of the tile */
    const float **in;
    float **out;
    const float **residual;
    float *packed, *shift;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A pointer per row; rows behind the last different one repeat it. */
static void add_rows(struct fixture *fixture, const float **table, size_t different, size_t length,
                     uint64_t *state)
{
    for (size_t row = 0; row < fixture->rows; row++)
        table[row] = row < different ? random_array(&fixture->memory, length, state)
                                     : table[different - 1];
}

static void create(struct fixture *fixture, const struct kernels *kernels, size_t vectors,
                   size_t columns, const struct tile_case *test, enum guard guard)
{
    size_t rows = kernels->tile_rows[vectors], width = vectors * kernels->lanes;
    size_t stride = rows + test->table_gap, depth = test->runs * test->run_length;
    size_t different = test->rows > 0 ? smaller(test->rows, rows) : rows;
    size_t length = test->out_offset + columns + test->gap;
    uint64_t state = columns;
    float *results;

    *fixture = (struct fixture){.memory = {.guard = guard}, .kernels = kernels,
                                .vectors = vectors, .rows = rows, .width = width};
    fixture->in = guarded_add(&fixture->memory, (test->runs - 1) * stride + rows,
                              sizeof *fixture->in);
    fixture->out = guarded_add(&fixture->memory, rows, sizeof *fixture->out);
    /* The first runs have arrays of their own, the others read the same ones again. */
    for (size_t run = 0; run < test->runs; run++) {
        if (run < OWN_RUNS)
            add_rows(fixture, fixture->in + run * stride, different,
                     test->in_offset + test->run_length, &state);
        else
            memcpy(fixture->in + run * stride, fixture->in + run % OWN_RUNS * stride,
                   rows * sizeof *fixture->in);
    }
    fixture->packed = random_array(&fixture->memory, depth * width, &state);
    fixture->shift = random_array(&fixture->memory, width, &state);
    if (test->residual) {
        fixture->residual = guarded_add(&fixture->memory, rows, sizeof *fixture->residual);
        add_rows(fixture, fixture->residual, different, test->out_offset + columns, &state);
    }
    results = guarded_add(&fixture->memory, different * length - test->gap, sizeof *results);
    fill_untouched(results, different * length - test->gap);
    for (size_t row = 0; row < rows; row++)
        fixture->out[row] = results + smaller(row, different - 1) * length;
    fixture->tile = (struct tile){
        .in = fixture->in,
        .in_stride = stride,
        .in_offset = test->in_offset,
        .runs = test->runs,
        .run_length = test->run_length,
        .packed = fixture->packed,
        .shift = fixture->shift,
        .residual = fixture->residual,
        .out = fixture->out,
        .out_offset = test->out_offset,
        .columns = columns,
        .low = test->low,
        .high = test->high,
    };
}

static void run(const struct fixture *fixture)
{
    fixture->kernels->tiles[fixture->vectors](&fixture->tile);
}

static struct exact reference(const struct fixture *fixture, size_t row, size_t column)
{
    const struct tile *tile = &fixture->tile;
    struct exact sum = {0};

    exact_add(&sum, (double)tile->shift[column]);
    for (size_t run = 0; run < tile->runs; run++)
        for (size_t k = 0; k < tile->run_length; k++)
            exact_add(&sum, (double)tile->in[run * tile->in_stride + row][tile->in_offset + k] *
                                (double)tile->packed[(run * tile->run_length + k) *
                                                     fixture->width + column]);
    if (tile->residual != NULL)
        exact_add(&sum, (double)tile->residual[row][tile->out_offset + column]);
    return sum;
}

static void describe(const struct fixture *fixture, const struct tile_case *test)
{
    print_message("# %s, %zu vectors, %zu columns: %s\n", fixture->kernels->name,
                  fixture->vectors, fixture->tile.columns, test->name);
}

static void check(const struct fixture *fixture, const struct tile_case *test)
{
    const struct tile *tile = &fixture->tile;
    /* A product and a sum for each term where there is no fused multiply-add. */
    size_t roundings = 2 * tile->runs * tile->run_length + 2;

    for (size_t row = 0; row < fixture->rows; row++) {
        const float *out = tile->out[row];
        bool last = tile->out[row] == tile->out[fixture->rows - 1];

        for (size_t column = 0; column < tile->columns; column++) {
            struct exact exact = reference(fixture, row, column);
            float got = out[tile->out_offset + column];

            if (is_near(got, &exact, roundings, tile->low, tile->high))
                continue;
            describe(fixture, test);
            fail_msg("row %zu, column %zu is %g, not %g", row, column, (double)got,
                     clip_real(exact.value, tile->low, tile->high));
        }
        for (size_t i = 0; i < tile->out_offset; i++)
            assert_true(is_untouched(out[i]));
        for (size_t i = 0; i < test->gap && !last; i++)
            assert_true(is_untouched(out[tile->out_offset + tile->columns + i]));
    }
}

/* A function for every instruction set and width of a tile. */
static void each_tile(void (*body)(const struct kernels *kernels, size_t vectors))
{
    const struct kernels *sets[KERNEL_SETS];
    size_t count = list_kernels(sets);

    for (size_t i = 0; i < count; i++)
        for (size_t vectors = 1; vectors <= sets[i]->max_vectors; vectors++)
            body(sets[i], vectors);
}

static void check_case(const struct kernels *kernels, size_t vectors, size_t columns,
                       const struct tile_case *test)
{
    for (enum guard guard = 0; guard < GUARDS; guard++) {
        struct fixture fixture;

        create(&fixture, kernels, vectors, columns, test, guard);
        run(&fixture);
        check(&fixture, test);
        guarded_release_all(&fixture.memory);
    }
}

static void check_cases(const struct kernels *kernels, size_t vectors)
{
    const size_t lanes = kernels->lanes;
    const size_t columns[] = {1, lanes - 1, lanes, (vectors - 1) * lanes + 1, vectors * lanes - 1,
                              vectors * lanes};

    assert_true(kernels->lanes <= KERNEL_MAX_LANES && vectors <= KERNEL_MAX_VECTORS);
    assert_true(kernels->tile_rows[vectors] <= KERNEL_MAX_ROWS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t j = 0; j < sizeof columns / sizeof columns[0]; j++)
            check_case(kernels, vectors, columns[j], &cases[i]);
}

static void test_cases(void **state)
{
    (void)state;
    each_tile(check_cases);
}

/* The result may lie where the residual is; rows that are repeated take it once. */
static void check_in_place(const struct kernels *kernels, size_t vectors)
{
    static const struct tile_case test = {"in place", .runs = 1, .run_length = 5, .rows = 3,
                                          .residual = true, .low = -INFINITY, .high = INFINITY};
    size_t width = vectors * kernels->lanes, columns[] = {1, width - 1, width};

    for (size_t i = 0; i < 3; i++) {
        struct fixture apart, fixture;

        create(&apart, kernels, vectors, columns[i], &test, GUARD_BEHIND);
        create(&fixture, kernels, vectors, columns[i], &test, GUARD_BEHIND);
        for (size_t row = 0; row < fixture.rows; row++)
            memcpy(fixture.out[row], fixture.residual[row], columns[i] * sizeof(float));
        fixture.tile.residual = (const float *const *)fixture.out;
        run(&apart);
        run(&fixture);
        for (size_t row = 0; row < fixture.rows; row++)
            assert_memory_equal(fixture.out[row], apart.out[row], columns[i] * sizeof(float));
        guarded_release_all(&apart.memory);
        guarded_release_all(&fixture.memory);
    }
}

static void test_a_result_may_replace_its_residual(void **state)
{
    (void)state;
    each_tile(check_in_place);
}

static void check_columns(const struct kernels *kernels, size_t vectors)
{
    static const struct tile_case test = {"every count of columns", 2, 3, .in_offset = 1,
                                          .out_offset = 2, .gap = 1, .residual = true, .low = 0,
                                          .high = 1};

    for (size_t columns = 1; columns <= vectors * kernels->lanes; columns++)
        check_case(kernels, vectors, columns, &test);
}

static void test_every_count_of_columns(void **state)
{
    (void)state;
    each_tile(check_columns);
}

/* ---- bits ------------------------------------------------------------------------------- */

/* The same row at every place of a tile, among rows of other numbers, infinities and NaN. */
static void check_rows(const struct kernels *kernels, size_t vectors)
{
    static const struct tile_case test = {"row by row", 2, 19, .residual = true, .low = -0.5f,
                                          .high = 2};
    static const float others[] = {0, 1e30f, -INFINITY, NAN};
    const size_t width = vectors * kernels->lanes;
    float expected[KERNEL_MAX_VECTORS * KERNEL_MAX_LANES];
    struct fixture fixture;
    const float *row_in[2], *row_residual;
    float other[2 * 19 + KERNEL_MAX_VECTORS * KERNEL_MAX_LANES];

    create(&fixture, kernels, vectors, width, &test, GUARD_BEHIND);
    row_in[0] = fixture.in[0];
    row_in[1] = fixture.in[fixture.tile.in_stride];
    row_residual = fixture.residual[0];
    run(&fixture);
    memcpy(expected, fixture.out[0], width * sizeof *expected);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        for (size_t j = 0; j < sizeof other / sizeof other[0]; j++)
            other[j] = others[i];
        for (size_t place = 0; place < fixture.rows; place++) {
            for (size_t row = 0; row < fixture.rows; row++) {
                fixture.in[row] = row == place ? row_in[0] : other;
                fixture.in[fixture.tile.in_stride + row] = row == place ? row_in[1] : other;
                fixture.residual[row] = row == place ? row_residual : other;
            }
            run(&fixture);
            assert_memory_equal(fixture.out[place], expected, width * sizeof *expected);
        }
    }
    guarded_release_all(&fixture.memory);
}

static void test_a_row_depends_on_itself_alone(void **state)
{
    (void)state;
    each_tile(check_rows);
}

/* A column of weights in a tile of its own, as the only one; the numbers of the first row. */
static void run_single_column(const struct fixture *from, size_t column, float *result)
{
    const struct tile *given = &from->tile;
    size_t lanes = from->kernels->lanes, depth = given->runs * given->run_length;
    float *packed = calloc(depth * lanes, sizeof *packed);
    float shift[KERNEL_MAX_LANES] = {0};
    const float *residual[KERNEL_MAX_ROWS];
    float *out[KERNEL_MAX_ROWS];
    const float **in = calloc(given->runs * KERNEL_MAX_ROWS, sizeof *in);
    struct tile tile = *given;

    assert_true(packed != NULL && in != NULL);
    for (size_t k = 0; k < depth; k++)
        packed[k * lanes] = given->packed[k * from->width + column];
    shift[0] = given->shift[column];
    for (size_t row = 0; row < KERNEL_MAX_ROWS; row++) {
        for (size_t run = 0; run < given->runs; run++)
            in[run * KERNEL_MAX_ROWS + row] = given->in[run * given->in_stride];
        residual[row] = given->residual[0] + column;
        out[row] = result;
    }
    tile.in = in;
    tile.in_stride = KERNEL_MAX_ROWS;
    tile.packed = packed;
    tile.shift = shift;
    tile.residual = residual;
    tile.out = out;
    tile.columns = 1;
    from->kernels->tiles[1](&tile);
    free(in);
    free(packed);
}

/* A number is the same wherever its column stands and however wide the tile is. */
static void check_widths(const struct kernels *kernels, size_t vectors)
{
    static const struct tile_case test = {"column by column", 3, 23, .residual = true,
                                          .low = -INFINITY, .high = 4};
    struct fixture fixture;

    create(&fixture, kernels, vectors, vectors * kernels->lanes, &test, GUARD_BEFORE);
    run(&fixture);
    for (size_t column = 0; column < fixture.width; column++) {
        float alone = 0;

        run_single_column(&fixture, column, &alone);
        assert_memory_equal(&alone, &fixture.out[0][column], sizeof alone);
    }
    guarded_release_all(&fixture.memory);
}

static void test_a_column_depends_on_itself_alone(void **state)
{
    (void)state;
    each_tile(check_widths);
}

/* Runs that follow each other in memory are one long run. */
static void check_runs(const struct kernels *kernels, size_t vectors)
{
    static const struct tile_case test = {"one run of 24", 1, 24, .low = -INFINITY,
                                          .high = INFINITY};
    float expected[KERNEL_MAX_VECTORS * KERNEL_MAX_LANES];
    const float *split[4 * KERNEL_MAX_ROWS];
    struct fixture fixture;

    create(&fixture, kernels, vectors, vectors * kernels->lanes, &test, GUARD_BEHIND);
    run(&fixture);
    memcpy(expected, fixture.out[0], fixture.width * sizeof *expected);
    for (size_t run_index = 0; run_index < 4; run_index++)
        for (size_t row = 0; row < fixture.rows; row++)
            split[run_index * KERNEL_MAX_ROWS + row] = fixture.in[row] + 6 * run_index;
    fixture.tile.in = split;
    fixture.tile.in_stride = KERNEL_MAX_ROWS;
    fixture.tile.runs = 4;
    fixture.tile.run_length = 6;
    run(&fixture);
    assert_memory_equal(fixture.out[0], expected, fixture.width * sizeof *expected);
    guarded_release_all(&fixture.memory);
}

static void test_runs_are_summed_in_order(void **state)
{
    (void)state;
    each_tile(check_runs);
}

/* ---- NaN -------------------------------------------------------------------------------- */

/* One NaN at a place where it reaches a whole row, a whole column, or one number. */
static void check_nan(const struct kernels *kernels, size_t vectors)
{
    static const struct tile_case test = {"NaN", 1, 5, .residual = true, .low = 0, .high = 6};

    for (size_t way = 0; way < 4; way++) {
        struct fixture fixture;
        size_t row = 0, column = 0;

        create(&fixture, kernels, vectors, vectors * kernels->lanes, &test, GUARD_BEHIND);
        row = fixture.rows / 2;
        column = fixture.width - 2;
        if (way == 0)
            ((float *)(uintptr_t)fixture.in[row])[3] = NAN;
        else if (way == 1)
            fixture.packed[2 * fixture.width + column] = NAN;
        else if (way == 2)
            fixture.shift[column] = NAN;
        else
            ((float *)(uintptr_t)fixture.residual[row])[column] = NAN;
        run(&fixture);
        for (size_t i = 0; i < fixture.rows; i++)
            for (size_t j = 0; j < fixture.width; j++)
                assert_int_equal(isnan(fixture.out[i][j]) != 0,
                                 way == 0   ? i == row
                                 : way == 3 ? i == row && j == column
                                            : j == column);
        guarded_release_all(&fixture.memory);
    }
}

static void test_nan_passes_the_clip(void **state)
{
    (void)state;
    each_tile(check_nan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_a_result_may_replace_its_residual),
        cmocka_unit_test(test_every_count_of_columns),
        cmocka_unit_test(test_a_row_depends_on_itself_alone),
        cmocka_unit_test(test_a_column_depends_on_itself_alone),
        cmocka_unit_test(test_runs_are_summed_in_order),
        cmocka_unit_test(test_nan_passes_the_clip),
    };

    return cmocka_run_group_tests_name("kernels_tile", tests, NULL, NULL);
}
