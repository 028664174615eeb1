/*
 * Arithmetic on constant tensors, against results that were worked out by hand; integers and reals
 * go through the same cases.
 */
#include <math.h>
#include <string.h>

#include "extract/graph/graph.h"
#include "extract/graph/tensor_arithmetic.h"
#include "tests/helpers.h"

enum { MAX_COUNT = 12 };

struct literal {
    size_t rank, shape[3];
    double values[MAX_COUNT];
};

static struct tensor make(const struct literal *literal, enum tensor_type type)
{
    struct tensor tensor;
    struct error error;

    assert_int_equal(tensor_make(&tensor, type, literal->shape, literal->rank, &error), 0);
    for (size_t i = 0; i < tensor.count; i++) {
        if (tensor_is_integer(&tensor))
            tensor_set_integer(&tensor, i, (int64_t)literal->values[i]);
        else
            tensor_set_real(&tensor, i, literal->values[i]);
    }
    return tensor;
}

static void check(struct tensor *result, const struct literal *expected)
{
    assert_int_equal(result->rank, expected->rank);
    for (size_t axis = 0; axis < expected->rank; axis++)
        assert_int_equal(result->shape[axis], expected->shape[axis]);
    for (size_t i = 0; i < result->count; i++)
        if (!(fabs(tensor_real(result, i) - expected->values[i]) < 1e-6))
            fail_msg("number %zu is %g, not %g", i, tensor_real(result, i), expected->values[i]);
    tensor_release(result);
}

static const enum tensor_type types[] = {TENSOR_INT32, TENSOR_INT64, TENSOR_FLOAT32,
                                         TENSOR_FLOAT64};

enum { TYPES = sizeof types / sizeof types[0] };

static const struct literal six = {2, {2, 3}, {1, 2, 3, 4, 5, 6}};

static void test_combine(void **state)
{
    static const struct {
        enum tensor_operation operation;
        struct literal a, b, expected;
        bool integers_only, reals_only;
    } cases[] = {
        {TENSOR_ADD, {1, {2}, {1, 2}}, {0, {0}, {10}}, {1, {2}, {11, 12}}, 0, 0},
        {TENSOR_SUBTRACT, {0, {0}, {10}}, {1, {2}, {1, 2}}, {1, {2}, {9, 8}}, 0, 0},
        {TENSOR_MULTIPLY, {2, {2, 1}, {2, 3}}, {2, {1, 3}, {1, 2, 3}},
         {2, {2, 3}, {2, 4, 6, 3, 6, 9}}, 0, 0},
        {TENSOR_MULTIPLY, {2, {2, 3}, {1, 2, 3, 4, 5, 6}}, {2, {2, 1}, {10, 100}},
         {2, {2, 3}, {10, 20, 30, 400, 500, 600}}, 0, 0},
        {TENSOR_MULTIPLY, {2, {2, 3}, {1, 2, 3, 4, 5, 6}}, {2, {2, 3}, {6, 5, 4, 3, 2, 1}},
         {2, {2, 3}, {6, 10, 12, 12, 10, 6}}, 0, 0},
        {TENSOR_MULTIPLY, {2, {2, 3}, {1, 2, 3, 4, 5, 6}}, {2, {1, 1}, {10}},
         {2, {2, 3}, {10, 20, 30, 40, 50, 60}}, 0, 0},
        {TENSOR_MULTIPLY, {2, {2, 3}, {1, 2, 3, 4, 5, 6}}, {2, {1, 3}, {1, 10, 100}},
         {2, {2, 3}, {1, 20, 300, 4, 50, 600}}, 0, 0},
        {TENSOR_ADD, {2, {2, 3}, {1, 2, 3, 4, 5, 6}}, {1, {3}, {10, 20, 30}},
         {2, {2, 3}, {11, 22, 33, 14, 25, 36}}, 0, 0},
        {TENSOR_DIVIDE, {1, {4}, {7, -7, 7, -7}}, {1, {4}, {2, 2, -2, -2}},
         {1, {4}, {3, -3, -3, 3}}, true, 0},
        {TENSOR_DIVIDE, {1, {2}, {7, -7}}, {0, {0}, {2}}, {1, {2}, {3.5, -3.5}}, 0, true},
        {TENSOR_DIVIDE, {0, {0}, {7}}, {0, {0}, {0}}, {0, {0}, {0}}, true, 0},
        {TENSOR_FLOOR_DIVIDE, {1, {4}, {7, -7, 7, -7}}, {1, {4}, {2, 2, -2, -2}},
         {1, {4}, {3, -4, -4, 3}}, 0, 0},
        {TENSOR_FLOOR_MODULO, {1, {4}, {7, -7, 7, -7}}, {1, {4}, {2, 2, -2, -2}},
         {1, {4}, {1, 1, -1, -1}}, 0, 0},
        {TENSOR_MAXIMUM, {1, {3}, {-1, 5, 2}}, {0, {0}, {2}}, {1, {3}, {2, 5, 2}}, 0, 0},
        {TENSOR_MINIMUM, {1, {3}, {-1, 5, 2}}, {0, {0}, {2}}, {1, {3}, {-1, 2, 2}}, 0, 0},
        {TENSOR_POWER, {1, {3}, {2, 3, -2}}, {1, {3}, {10, 0, 3}}, {1, {3}, {1024, 1, -8}}, 0, 0},
        {TENSOR_POWER, {1, {2}, {2, 1}}, {0, {0}, {-1}}, {1, {2}, {0, 1}}, true, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t t = 0; t < TYPES; t++) {
            struct tensor a = make(&cases[i].a, types[t]), b = make(&cases[i].b, types[t]), result;
            bool integer = tensor_is_integer(&a);
            struct error error;

            if (!(integer ? cases[i].reals_only : cases[i].integers_only)) {
                assert_int_equal(tensor_combine(cases[i].operation, &a, &b, &result, &error), 0);
                assert_int_equal(result.type, types[t]);
                check(&result, &cases[i].expected);
            }
            tensor_release(&a);
            tensor_release(&b);
        }
    }
}

static void test_extremes(void **state)
{
    static const struct literal minus_one = {0, {0}, {-1}};
    struct tensor lowest = make(&minus_one, TENSOR_INT64), b = make(&minus_one, TENSOR_INT64);
    struct tensor result;
    struct error error;

    (void)state;
    tensor_set_integer(&lowest, 0, INT64_MIN);
    assert_int_equal(tensor_combine(TENSOR_DIVIDE, &lowest, &b, &result, &error), 0);
    assert_int_equal(tensor_integer(&result, 0), 0);
    tensor_release(&result);
    assert_int_equal(tensor_combine(TENSOR_ADD, &lowest, &b, &result, &error), 0);
    assert_int_equal(tensor_integer(&result, 0), INT64_MAX);
    tensor_release(&result);
    assert_int_equal(tensor_apply(TENSOR_NEGATE, &lowest, &result, &error), 0);
    assert_int_equal(tensor_integer(&result, 0), INT64_MIN);
    tensor_release(&result);
    tensor_release(&lowest);
    tensor_release(&b);
}

static void test_places(void **state)
{
    static const struct literal indices = {1, {3}, {1, -2, 1}};
    static const size_t permutation[] = {1, 0}, counts[] = {2, 2};
    static const int64_t begin[] = {1, 2}, step[] = {-1, -2};

    (void)state;
    for (size_t t = 0; t < TYPES; t++) {
        struct tensor input = make(&six, types[t]), places = make(&indices, TENSOR_INT32), result;
        const struct tensor *both[] = {&input, &input};
        struct error error;

        assert_int_equal(tensor_transpose(&input, permutation, &result, &error), 0);
        check(&result, &(struct literal){2, {3, 2}, {1, 4, 2, 5, 3, 6}});
        assert_int_equal(tensor_join(both, 2, 0, &result, &error), 0);
        check(&result, &(struct literal){2, {4, 3}, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}});
        assert_int_equal(tensor_join(both, 2, 1, &result, &error), 0);
        check(&result, &(struct literal){2, {2, 6}, {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}});
        assert_int_equal(tensor_gather(&input, &places, &result, &error), 0);
        check(&result, &(struct literal){2, {3, 3}, {4, 5, 6, 1, 2, 3, 4, 5, 6}});
        assert_int_equal(tensor_slice(&input, begin, step, counts, &result, &error), 0);
        check(&result, &(struct literal){2, {2, 2}, {6, 4, 3, 1}});
        assert_int_equal(tensor_reduce(TENSOR_MULTIPLY, &input, &result, &error), 0);
        check(&result, &(struct literal){0, {0}, {720}});
        assert_int_equal(tensor_convert(&input, TENSOR_FLOAT32, &result, &error), 0);
        assert_int_equal(result.type, TENSOR_FLOAT32);
        check(&result, &six);
        tensor_release(&input);
        tensor_release(&places);
    }
}

static void test_functions(void **state)
{
    static const struct literal numbers = {1, {2}, {4, 0.25}};
    struct tensor input = make(&numbers, TENSOR_FLOAT32), result;
    struct error error;

    (void)state;
    assert_int_equal(tensor_apply(TENSOR_SQUARE_ROOT, &input, &result, &error), 0);
    check(&result, &(struct literal){1, {2}, {2, 0.5}});
    assert_int_equal(tensor_apply(TENSOR_RECIPROCAL_ROOT, &input, &result, &error), 0);
    check(&result, &(struct literal){1, {2}, {0.5, 2}});
    assert_int_equal(tensor_apply(TENSOR_RECIPROCAL, &input, &result, &error), 0);
    check(&result, &(struct literal){1, {2}, {0.25, 4}});
    assert_int_equal(tensor_apply(TENSOR_SQUARE, &input, &result, &error), 0);
    check(&result, &(struct literal){1, {2}, {16, 0.0625}});
    tensor_release(&input);
}

/* Weights of eight bits and a scale for each row, from an address that a file may give them: every
 * product is rounded once. */
static void test_scaled_weights(void **state)
{
    static const size_t shape[] = {3, 1, 256}, scales_shape[] = {3, 1, 1};
    static const float factors[] = {0.1f, -3e-39f, 1e36f};
    unsigned char place[sizeof factors + 1];
    struct tensor eight, wide, scales, result;
    struct error error;

    (void)state;
    assert_int_equal(tensor_make(&eight, TENSOR_INT8, shape, 3, &error), 0);
    for (size_t i = 0; i < eight.count; i++)
        tensor_set_integer(&eight, i, (int64_t)(i % 256) - 128);
    assert_int_equal(tensor_convert(&eight, TENSOR_FLOAT32, &wide, &error), 0);
    assert_int_equal(tensor_make(&scales, TENSOR_FLOAT32, scales_shape, 3, &error), 0);
    memcpy(place + 1, factors, sizeof factors);
    scales.bytes.data = place + 1;
    assert_int_equal(tensor_combine(TENSOR_MULTIPLY, &wide, &scales, &result, &error), 0);
    assert_int_equal(result.count, eight.count);
    for (size_t i = 0; i < result.count; i++) {
        double weight = (double)(i % 256) - 128;
        float wanted = (float)(weight * (double)factors[i / 256]);
        float found = (float)tensor_real(&result, i);

        assert_memory_equal(&found, &wanted, sizeof found);
    }
    tensor_release(&eight);
    tensor_release(&wide);
    tensor_release(&scales);
    tensor_release(&result);
}

/* Each is refused, and leaves nothing to release. */
static void test_refusals(void **state)
{
    static const struct literal five = {1, {5}, {0}}, far = {1, {1}, {2}}, before = {1, {1}, {-3}};
    static const size_t twice[] = {1, 1}, outside[] = {0, 2}, large[] = {1 << 20, 1 << 20};
    struct tensor input = make(&six, TENSOR_INT64), other = make(&five, TENSOR_INT64);
    struct tensor high = make(&far, TENSOR_INT64), low = make(&before, TENSOR_INT64), result;
    const struct tensor *both[] = {&input, &other};
    struct error error;

    (void)state;
    assert_int_equal(tensor_combine(TENSOR_ADD, &input, &other, &result, &error), FAILED);
    assert_int_equal(tensor_transpose(&input, twice, &result, &error), FAILED);
    assert_int_equal(tensor_transpose(&input, outside, &result, &error), FAILED);
    assert_int_equal(tensor_join(both, 2, 0, &result, &error), FAILED);
    assert_int_equal(tensor_join(both, 2, 2, &result, &error), FAILED);
    assert_int_equal(tensor_gather(&input, &high, &result, &error), FAILED);
    assert_int_equal(tensor_gather(&input, &low, &result, &error), FAILED);
    assert_int_equal(tensor_apply(TENSOR_SQUARE_ROOT, &input, &result, &error), FAILED);
    assert_int_equal(tensor_make(&result, TENSOR_FLOAT32, large, 2, &error), FAILED);
    tensor_release(&input);
    tensor_release(&other);
    tensor_release(&high);
    tensor_release(&low);
}

/* What only claims its elements gets no room for them. */
static void test_floats_of_a_graph(void **state)
{
    const struct tensor texts = {.type = TENSOR_OTHER, .count = SIZE_MAX / 16};
    const struct literal halves = {1, {3}, {1.5, -0.25, 0}};
    struct tensor tensor = make(&halves, TENSOR_FLOAT32);
    struct graph graph = {0};
    struct error error;
    float *values;

    (void)state;
    assert_null(graph_floats(&graph, &texts, &error));
    assert_string_equal(error.text, "weights are not float, float16 or double");
    values = graph_floats(&graph, &tensor, &error);
    assert_non_null(values);
    for (size_t i = 0; i < 3; i++)
        assert_true(fabs((double)values[i] - halves.values[i]) < 1e-6);
    tensor_release(&tensor);
    graph_release(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_combine),   cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_places),    cmocka_unit_test(test_functions),
        cmocka_unit_test(test_floats_of_a_graph),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_scaled_weights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
