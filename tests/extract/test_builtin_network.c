/* The network in the program, and networks from bytes in memory. */
#include <stdlib.h>
#include <string.h>

#include "extract/builtin/builtin_network.h"
#include "extract/network/network.h"
#include "tests/helpers.h"

/* What the repository gives it. */
enum { MOST_BYTES = 1500000, ALIGNMENT = 64 };

static void test_bytes(void **state)
{
    struct bytes bytes = builtin_network();
    unsigned char *copy = malloc(bytes.size);

    (void)state;
    assert_true(bytes.size > 0 && bytes.size <= MOST_BYTES);
    assert_int_equal((uintptr_t)bytes.data % ALIGNMENT, 0);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    assert_true(builtin_network_is((struct bytes){copy, bytes.size}));
    assert_false(builtin_network_is((struct bytes){copy, bytes.size - 1}));
    copy[bytes.size - 1] ^= 1;
    assert_false(builtin_network_is((struct bytes){copy, bytes.size}));
    free(copy);
}

static void test_model(void **state)
{
    struct bytes bytes = builtin_network();
    struct hash digest = hash_pieces(&bytes, 1), found;
    struct model model;
    struct error error;

    (void)state;
    assert_int_equal(model_open_bytes(BUILTIN_NETWORK_NAME, bytes, &model, &error), 0);
    assert_string_equal(model.format->name, "onnx");
    assert_int_equal(model_size(&model), bytes.size);
    assert_ptr_equal(model_bytes(&model, 0).data, bytes.data);
    found = model_digest(&model);
    assert_memory_equal(found.bytes, digest.bytes, HASH_BYTES);
    assert_int_equal(model.input.channels, 3);
    assert_int_equal(model.input.height, 0);
    assert_int_equal(model.input.width, 0);
    model_close(&model);
}

static void test_run(void **state)
{
    enum { SIDE = 64, DIMENSION = 256 };
    static float image[SIDE * SIDE * 3], vector[DIMENSION];
    float *vectors[] = {vector}, largest = 0;
    struct network_request request = {.height = SIDE, .width = SIDE, .batch = 1};
    struct network *network;
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof image / sizeof *image; i++)
        image[i] = (float)(i * i % 255) / 128 - 1;
    assert_int_equal(network_open_bytes(BUILTIN_NETWORK_NAME, builtin_network(), &network, &error),
                     0);
    assert_int_equal(network_prepare(network, &request, &error), 0);
    assert_int_equal(network_output_count(network), 1);
    assert_int_equal(network_output(network, 0)->dimension, DIMENSION);
    assert_int_equal(network_run(network, image, 1, vectors, &error), 0);
    for (size_t i = 0; i < DIMENSION; i++)
        largest = vector[i] > largest ? vector[i] : largest;
    assert_true(largest > 0);
    network_free(network);
}

/* The bytes stay the caller's, whatever comes of it. */
static void test_no_network(void **state)
{
    static const char text[] = "a text, which is no network in any of the formats";
    struct network *network;
    struct model model;
    struct error error;
    unsigned char *copy = malloc(sizeof text);
    struct bytes bytes = {copy, sizeof text};

    (void)state;
    assert_non_null(copy);
    memcpy(copy, text, sizeof text);
    assert_int_equal(model_open_bytes("mine", bytes, &model, &error), FAILED);
    assert_non_null(strstr(error.text, "'mine' is not a network"));
    model_close(&model);
    assert_int_equal(network_open_bytes("mine", bytes, &network, &error), FAILED);
    assert_non_null(strstr(error.text, "'mine' is not a network"));
    assert_null(network);
    assert_string_equal((const char *)copy, text);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_no_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
