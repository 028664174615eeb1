/*
 * Products with packed weights, on every instruction set that the processor has, against a plain
 * loop in double precision: every count of columns up to 200, groups, any rows, parts of the
 * panels. Input, residual and result end or begin at memory that must not be touched.
 */
#include "extract/network/product.h"
#include "tests/extract/kernel_helpers.h"

enum { MOST_COLUMNS = 200, MOST_ROWS = 40, TABLE = MOST_ROWS + KERNEL_MAX_ROWS };

struct product_case {
    const char *name;
    size_t groups, columns, runs, run_length, rows;
    bool scale, shift, residual;
    size_t apart;  /* floats between two groups of the result */
    struct activation activation;
};

/* A product with all that it reads and writes. */
struct fixture {
    const struct product_case *test;
    const struct kernels *kernels;
    struct guarded_set memory;
    float *weights, *scale, *shift;      /* as product_prepare takes them */
    float *in, *residual, *out;          /* [rows][groups * depth], [rows][out_stride] */
    size_t in_stride, out_stride, depth;
    const float **in_table, **residual_table;
    float **out_table;
    struct product product;
    struct product_rows rows;
};

static const float slopes[] = {0.5f, -0.25f, 0.125f, 2};

/* Points to `count` rows from `first` on, and repeats the last. The numbers of all groups lie
 * side by side in each run. */
static void select_rows(struct fixture *fixture, size_t first, size_t count)
{
    const struct product_case *test = fixture->test;

    fixture->rows.count = count;
    for (size_t i = 0; i < TABLE; i++) {
        size_t row = first + (i < count ? i : count - 1);

        for (size_t run = 0; run < test->runs; run++)
            fixture->in_table[run * TABLE + i] = fixture->in + row * fixture->in_stride +
                                                 run * test->groups * test->run_length;
        fixture->out_table[i] = fixture->out + row * fixture->out_stride;
        if (test->residual)
            fixture->residual_table[i] = fixture->residual + row * fixture->out_stride;
    }
}

static void create(struct fixture *fixture, const struct kernels *kernels,
                   const struct product_case *test, enum guard guard)
{
    size_t columns = test->groups * test->columns, depth = test->runs * test->run_length;
    uint64_t state = test->columns * 31 + test->rows;
    struct error error;

    *fixture = (struct fixture){.test = test, .kernels = kernels, .memory = {.guard = guard},
                                .in_stride = test->groups * depth, .depth = depth,
                                .out_stride = test->groups * (test->columns + test->apart)};
    fixture->weights = random_array(&fixture->memory, columns * depth, &state);
    if (test->scale)
        fixture->scale = random_array(&fixture->memory, columns, &state);
    if (test->shift)
        fixture->shift = random_array(&fixture->memory, columns, &state);
    fixture->in = random_array(&fixture->memory, test->rows * fixture->in_stride, &state);
    fixture->out = guarded_add(&fixture->memory, test->rows * fixture->out_stride, sizeof(float));
    fixture->in_table = guarded_add(&fixture->memory, test->runs * TABLE, sizeof(float *));
    fixture->out_table = guarded_add(&fixture->memory, TABLE, sizeof(float *));
    if (test->residual) {
        fixture->residual =
            random_array(&fixture->memory, test->rows * fixture->out_stride, &state);
        fixture->residual_table = guarded_add(&fixture->memory, TABLE, sizeof(float *));
    }
    fixture->rows = (struct product_rows){
        .in = fixture->in_table,
        .stride = TABLE,
        .runs = test->runs,
        .run_length = test->run_length,
        .in_group_step = test->run_length,
        .out_group_step = test->columns + test->apart,
        .out = fixture->out_table,
        .residual = fixture->residual_table,
    };
    select_rows(fixture, 0, test->rows);
    if (product_prepare(&fixture->product, kernels, test->groups, test->columns, depth,
                        fixture->weights, fixture->scale, fixture->shift, &error) < 0)
        fail_msg("%s", error.text);
}

static void release(struct fixture *fixture)
{
    product_release(&fixture->product);
    guarded_release_all(&fixture->memory);
}

static void run_all(struct fixture *fixture)
{
    fill_untouched(fixture->out, fixture->test->rows * fixture->out_stride);
    for (size_t group = 0; group < fixture->test->groups; group++)
        product_run(&fixture->product, group, 0, fixture->product.panels, &fixture->rows,
                    &fixture->test->activation);
}

/* Where a column of the weights lies in a row of the result. */
static size_t out_place(const struct product_case *test, size_t column)
{
    return column + column / test->columns * test->apart;
}

/* Before the activation. `column` counts through all groups, as the weights' rows do. */
static struct exact reference(const struct fixture *fixture, size_t row, size_t column)
{
    const struct product_case *test = fixture->test;
    const float *weights = fixture->weights + column * fixture->depth;
    size_t group = column / test->columns;
    double scale = test->scale ? (double)fixture->scale[column] : 1;
    struct exact sum = {0};

    if (test->shift)
        exact_add(&sum, (double)fixture->shift[column]);
    for (size_t run = 0; run < test->runs; run++)
        for (size_t k = 0; k < test->run_length; k++)
            exact_add(&sum, (double)fixture->in_table[run * TABLE + row]
                                                     [group * test->run_length + k] *
                                scale * (double)weights[run * test->run_length + k]);
    if (test->residual)
        exact_add(&sum, (double)fixture->residual[row * fixture->out_stride +
                                                  out_place(test, column)]);
    return sum;
}

static void check(const struct fixture *fixture)
{
    const struct product_case *test = fixture->test;
    /* A product and a sum for each term; the scaled weight is rounded, too. */
    size_t roundings = 3 * fixture->depth + 3;
    float low, high;

    activation_bounds(&test->activation, &low, &high);
    for (size_t row = 0; row < test->rows; row++) {
        const float *out = fixture->out + row * fixture->out_stride;

        for (size_t i = 0; i < fixture->out_stride; i++)
            if (i % (test->columns + test->apart) >= test->columns)
                assert_true(is_untouched(out[i]));
        for (size_t column = 0; column < test->groups * test->columns; column++) {
            struct exact exact = reference(fixture, row, column);
            float got = out[out_place(test, column)];

            if (test->activation.kind == ACTIVATION_PRELU && exact.value < 0)
                exact.value *= (double)test->activation.slopes[column];
            if (!is_near(got, &exact, roundings, low, high))
                fail_msg("%s, %s, %zu columns: row %zu, column %zu is %g, not %g",
                         fixture->kernels->name, test->name, test->columns, row, column,
                         (double)got, exact.value);
        }
    }
}

static void check_case(const struct product_case *test)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t count = list_kernels(sets);

    for (size_t i = 0; i < count; i++) {
        struct fixture fixture;

        create(&fixture, sets[i], test, test->columns % GUARDS);
        run_all(&fixture);
        check(&fixture);
        release(&fixture);
    }
}

#define CLIP(low, high) {.kind = ACTIVATION_CLIP, .a = (low), .b = (high)}

static void test_every_count_of_columns(void **state)
{
    (void)state;
    for (size_t columns = 1; columns <= MOST_COLUMNS; columns++) {
        for (size_t groups = 1; groups <= 3; groups += 2) {
            const struct product_case test = {"columns", groups, columns, 2, 3, 2, .scale = true,
                                              .shift = true, .residual = columns % 3 == 0,
                                              .activation = CLIP(-0.75f, 2)};

            check_case(&test);
        }
    }
}

static void test_every_count_of_rows(void **state)
{
    (void)state;
    for (size_t rows = 1; rows <= MOST_ROWS; rows++) {
        const struct product_case test = {"rows", 1, 35, 3, 5, rows, .shift = true,
                                          .residual = rows % 2 == 0,
                                          .activation = CLIP(0, INFINITY)};

        check_case(&test);
    }
}

static void test_cases(void **state)
{
    static const struct product_case cases[] = {
        {"a number", 1, 1, 1, 1, 1, .shift = false},
        {"no scale, no shift", 1, 20, 2, 7, 9, .shift = false},
        {"one deep run", 1, 17, 1, 1000, 9, .shift = true},
        {"many short runs", 1, 17, 49, 1, 9, .scale = true},
        {"32 groups of one", 32, 1, 9, 1, 10, .scale = true, .shift = true},
        {"7 groups of 19", 7, 19, 4, 3, 11, .shift = true, .residual = true},
        {"3 groups apart", 3, 21, 2, 5, 8, .shift = true, .residual = true, .apart = 11},
        {"slopes for each column, apart", 2, 2, 1, 6, 8, .apart = 3,
         .activation = {.kind = ACTIVATION_PRELU, .slopes = slopes}},
        {"slopes for each column", 2, 2, 1, 6, 8, .activation = {.kind = ACTIVATION_PRELU,
                                                                 .slopes = slopes}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(&cases[i]);
}

/* ---- bits ------------------------------------------------------------------------------- */

static const struct product_case parted = {"parts", 2, 150, 3, 7, 29, .shift = true,
                                           .residual = true, .activation = CLIP(-1, 1)};

/* Rows and panels in parts give the bits of all at once. */
static void check_parts(const struct kernels *kernels, size_t row_step)
{
    struct fixture fixture;
    size_t size = parted.rows * parted.groups * parted.columns * sizeof(float);
    float *expected = malloc(size);

    assert_non_null(expected);
    create(&fixture, kernels, &parted, GUARD_BEHIND);
    run_all(&fixture);
    memcpy(expected, fixture.out, size);
    fill_untouched(fixture.out, size / sizeof(float));
    for (size_t first = 0; first < parted.rows; first += row_step) {
        size_t left = parted.rows - first;

        select_rows(&fixture, first, left < row_step ? left : row_step);
        for (size_t group = 0; group < parted.groups; group++)
            for (size_t panel = fixture.product.panels; panel-- > 0;)
                product_run(&fixture.product, group, panel, panel + 1, &fixture.rows,
                            &parted.activation);
    }
    assert_memory_equal(fixture.out, expected, size);
    release(&fixture);
    free(expected);
}

static void test_parts_give_the_same_bits(void **state)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t count = list_kernels(sets);

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t step = 1; step <= KERNEL_MAX_ROWS + 1; step++)
            check_parts(sets[i], step);
}

/* Panels outside of the range asked for are left alone. */
static void test_a_panel_writes_its_columns_alone(void **state)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t count = list_kernels(sets);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct fixture fixture;
        size_t written = 0;

        create(&fixture, sets[i], &parted, GUARD_BEFORE);
        for (size_t panel = 0; panel < fixture.product.panels; panel++) {
            fill_untouched(fixture.out, parted.rows * fixture.out_stride);
            product_run(&fixture.product, 1, panel, panel + 1, &fixture.rows,
                        &parted.activation);
            for (size_t j = 0; j < parted.rows * fixture.out_stride; j++)
                written += is_untouched(fixture.out[j]) ? 0 : 1;
            for (size_t j = 0; j < parted.rows; j++)
                for (size_t column = 0; column < parted.columns; column++)
                    assert_true(is_untouched(fixture.out[j * fixture.out_stride + column]));
        }
        assert_int_equal(written, parted.rows * parted.columns);
        release(&fixture);
    }
}

static void test_sizes_that_overflow(void **state)
{
    struct product product;
    struct error error;

    (void)state;
    assert_int_equal(product_prepare(&product, kernels_best(), SIZE_MAX / 64, 64, 64, NULL, NULL,
                                     NULL, &error), FAILED);
    assert_string_equal(error.text, "out of memory");
    product_release(&product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_count_of_columns),
        cmocka_unit_test(test_every_count_of_rows),
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_parts_give_the_same_bits),
        cmocka_unit_test(test_a_panel_writes_its_columns_alone),
        cmocka_unit_test(test_sizes_that_overflow),
    };

    return cmocka_run_group_tests_name("product", tests, NULL, NULL);
}
