/*
 * Graphs of TensorFlow that are damaged, lie, or ask for what is not supported: each is refused
 * with a message that names the node, or works. And what their beginnings and names tell of the
 * preprocessing. golden-tensorflow/ has what the operators compute (test_operators.c).
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "extract/network/network.h"
#include "extract/rules.h"
#include "tests/extract/tensorflow_helpers.h"
#include "tests/helpers.h"

#define FOLDER "tests/extract/golden-tensorflow/"
#define MANY (INT64_C(1) << 62)

enum { FREE_SIZE = 8, MAX_NUMBERS = 1 << 20 };

/* ---- what becomes of a file ------------------------------------------------------------- */

/* Opens, prepares and runs one image; `layer` NULL: the bottleneck. */
static int use_file(const char *path, const char *layer, struct error *error)
{
    struct network *network = NULL;
    struct network_input input;
    float *image, *vector;
    int outcome = FAILED;

    error->text[0] = '\0';
    if (network_open(path, NULL, &network, error) < 0)
        return FAILED;
    input = *network_input(network);
    if (network_prepare(network, &(struct network_request){
            .layers = &layer, .layer_count = layer != NULL,
            .height = input.height > 0 ? input.height : FREE_SIZE,
            .width = input.width > 0 ? input.width : FREE_SIZE, .batch = 1}, error) < 0)
        goto out;
    input = *network_input(network);
    outcome = 0;
    if (input.channels * input.height * input.width > MAX_NUMBERS ||
        network_output(network, 0)->dimension > MAX_NUMBERS)
        goto out;
    image = seeded_images(1, input.channels, input.height, input.width);
    vector = calloc(network_output(network, 0)->dimension + 1, sizeof *vector);
    assert_non_null(vector);
    outcome = network_run(network, image, 1, &vector, error);
    free(vector);
    free(image);
out:
    network_free(network);
    return outcome;
}

/* As use_file, for bytes. A refusal must say something, in one line. */
static int use_bytes(const char *folder, const void *data, size_t size, const char *layer,
                     struct error *error)
{
    const char *path = scratch_path(folder, "graph.pb");
    int outcome;

    /* A file that is truncated and written again would be flushed to the disk. */
    remove(path);
    write_file(path, data, size);
    outcome = use_file(path, layer, error);
    if (outcome < 0) {
        assert_true(strlen(error->text) > 0);
        assert_null(strchr(error->text, '\n'));
    }
    return outcome;
}

/* ---- damaged files ---------------------------------------------------------------------- */

static const char *const victims[] = {
    "node_order",        "flatten_by_product", "stored_repeated",   "stored_half_list",
    "stored_long_list",  "atrous_conv_same",   "image_jpeg",        "first_flatten_dense",
    "batch_norm_global", "split_sizes",        "strided_slice",     "maxpool_by_inputs",
    "mul_gate_dense",    "channel_shuffle",    "conv_explicit",     "image_list",
};

enum { VICTIMS = sizeof victims / sizeof victims[0] };

static void read_victim(const char *name, struct buffer *file)
{
    char path[256];
    struct error error;

    snprintf(path, sizeof path, FOLDER "%s.pb", name);
    if (file_read(path, 1 << 20, file, NULL, &error) < 0)
        fail_msg("%s", error.text);
}

/* Behind the last node there is only the version, without which older files do. */
static void test_cut_off(void **state)
{
    enum { VERSION = 4 };
    char *folder = scratch_create();
    struct buffer file = {0};
    struct error error;

    (void)state;
    for (size_t i = 0; i < VICTIMS; i++) {
        read_victim(victims[i], &file);
        if (use_bytes(folder, file.data, file.size, "result", &error) < 0)
            fail_msg("%s: %s", victims[i], error.text);
        for (size_t size = 0; size + VERSION < file.size; size += size < 600 ? 1 : 7)
            if (use_bytes(folder, file.data, size, "result", &error) == 0)
                fail_msg("%s works with %zu of %zu bytes", victims[i], size, file.size);
    }
    buffer_release(&file);
    scratch_remove(folder);
}

/* Marsaglia 2003, xorshift with 64 bits; `state` is never 0. */
static size_t random_below(uint64_t *state, size_t limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (size_t)((*state >> 16) % limit);
}

static void test_changed_bytes(void **state)
{
    enum { ROUNDS = 300 };
    uint64_t random = 0x9e3779b97f4a7c15u;
    char *folder = scratch_create();
    struct buffer file = {0}, copy = {0};
    struct error error;

    (void)state;
    for (size_t i = 0; i < VICTIMS; i++) {
        read_victim(victims[i], &file);
        assert_int_equal(buffer_reserve(&copy, file.size, &error), 0);
        for (int round = 0; round < ROUNDS; round++) {
            memcpy(copy.data, file.data, file.size);
            for (size_t changes = 1 + random_below(&random, 3); changes > 0; changes--)
                copy.data[random_below(&random, file.size)] ^=
                    (unsigned char)(1 << random_below(&random, 8));
            use_bytes(folder, copy.data, file.size, round % 2 ? "result" : NULL, &error);
        }
    }
    buffer_release(&file);
    buffer_release(&copy);
    scratch_remove(folder);
}

/* ---- other files, and large ones -------------------------------------------------------- */

static void test_saved_model(void **state)
{
    static const char file[] = "\x08\x01\x12\x09\n\x07" "\x22\x05serve";
    char *folder = scratch_create();
    struct error error;

    (void)state;
    assert_int_equal(use_bytes(folder, file, sizeof file - 1, NULL, &error), FAILED);
    assert_non_null(strstr(error.text, "SavedModel"));
    scratch_remove(folder);
}

static void append(FILE *file, const struct node *node)
{
    struct message message = {.size = 0};

    put_node(&message, node);
    assert_int_equal(fwrite(message.data, 1, message.size, file), message.size);
}

/* input -> conv -> `length` nodes, in the file from the last to the first. */
static const char *write_chain(const char *folder, const char *operator, int length)
{
    static const int64_t shape[] = {-1, 4, 4, 1};
    const char *path = scratch_path(folder, "chain.pb");
    FILE *file = fopen(path, "wb");
    struct message message = {.size = 0};

    assert_non_null(file);
    for (int i = length; i > 0; i--) {
        char name[32], input[32];

        snprintf(name, sizeof name, "n%d", i);
        snprintf(input, sizeof input, i > 1 ? "n%d" : "conv", i - 1);
        append(file, &(struct node){.name = name, .operator = operator, .inputs = {input}});
    }
    append(file, &(struct node){"conv", "Conv2D", {"input", "weights"}, {
        {"padding", .text = "SAME"}, {"strides", .count = 4, .numbers = {1, 1, 1, 1}}}});
    append(file, &(struct node){.name = "input", .operator = "Placeholder", .attributes = {
        {"dtype", .type = FLOAT}, {"shape", .shape = shape, .count = 4}}});
    put_constant(&message, &(struct constant){"weights", FLOAT, .rank = 4, .shape = {1, 1, 1, 1},
                                              .bytes = 4});
    assert_int_equal(fwrite(message.data, 1, message.size, file), message.size);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* However long a chain is, the stack is not what it costs. */
static void test_long_chains(void **state)
{
    enum { LONG = 100000, TOO_LONG = 140000 };
    char *folder = scratch_create();
    struct error error;

    (void)state;
    if (use_file(write_chain(folder, "Identity", LONG), "n100000", &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(use_file(write_chain(folder, "Relu", LONG), NULL, &error), FAILED);
    assert_non_null(strstr(error.text, "16384 layers"));
    assert_int_equal(use_file(write_chain(folder, "Identity", TOO_LONG), NULL, &error), FAILED);
    assert_non_null(strstr(error.text, "131072 nodes"));
    scratch_remove(folder);
}

/* ---- where networks are cut ------------------------------------------------------------- */

static void test_bottlenecks(void **state)
{
    static const struct {
        const char *name;
        enum pooling pooling;
        size_t dimension;
    } cases[] = {
        {"net_slim_mobilenet", POOLING_NONE, 9}, {"net_slim_resnet", POOLING_NONE, 6},
        {"net_slim_vgg", POOLING_NONE, 96},      {"net_keras_vgg", POOLING_NONE, 96},
        {"net_retrained", POOLING_NONE, 6},      {"net_first", POOLING_NONE, 96},
        {"net_two_heads", POOLING_AVERAGE, 7},   {"net_evaluated", POOLING_NONE, 6},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[256];
        struct network *network;
        struct error error;

        snprintf(path, sizeof path, FOLDER "%s.pb", cases[i].name);
        if (network_open(path, NULL, &network, &error) < 0 ||
            network_prepare(network, &(struct network_request){.batch = 1}, &error) < 0)
            fail_msg("%s: %s", cases[i].name, error.text);
        assert_string_equal(network_output(network, 0)->layer, "features");
        assert_int_equal(network_output(network, 0)->pooling, cases[i].pooling);
        assert_int_equal(network_output(network, 0)->dimension, cases[i].dimension);
        network_free(network);
    }
}

/* ---- graphs that lie -------------------------------------------------------------------- */

/*
 * What is different from this graph, which works: nodes of these names take the place of its own,
 * others come before it.
 *
 *     input [-1][8][8][3] -> conv: Conv2D, weights [3][3][3][4], SAME -> middle: Relu
 *     -> pool: Mean over axes -> head: MatMul, matrix [4][2]
 */
struct recipe {
    const char *what;
    const char *expected[2];  /* parts of the message; none: the graph works */
    bool either;              /* an error or success, as long as nothing crashes */
    const char *layer;        /* where to cut; NULL: the bottleneck */
    struct node nodes[4];
    struct constant constants[3];
    bool backwards;           /* the nodes of the usual graph from the last to the first */
};

static const int64_t image_shape[] = {-1, 8, 8, 3};
static const int64_t odd_shape[] = {-1, 8, 8, 7};
static const int64_t huge_shape[] = {-1, INT64_C(1) << 40, 8, 3};
static const int64_t ten_shape[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 3};

#define PLACEHOLDER(called, lengths, rank) \
    {called, "Placeholder", {0}, {{"dtype", .type = FLOAT}, {"shape", .shape = lengths, \
                                                              .count = rank}}}
#define SAME {"padding", .text = "SAME"}
#define STRIDES(...) {"strides", .count = 4, .numbers = {__VA_ARGS__}}
#define KSIZE(...) {"ksize", .count = 4, .numbers = {__VA_ARGS__}}
#define ONES STRIDES(1, 1, 1, 1)
/* A list of integers. */
#define LIST(called, length, ...) \
    {called, INT32, .rank = 1, .shape = {length}, .count = length, .numbers = {__VA_ARGS__}}
#define NUMBER(called, value) {called, INT32, .count = 1, .numbers = {value}}
#define PAIRS(called, ...) \
    {called, INT32, .rank = 2, .shape = {4, 2}, .count = 8, .numbers = {__VA_ARGS__}}

static const struct node usual_nodes[] = {
    PLACEHOLDER("input", image_shape, 4),
    {"conv", "Conv2D", {"input", "weights"}, {SAME, ONES}},
    {"middle", "Relu", {"conv"}, {{0}}},
    {"pool", "Mean", {"middle", "axes"}, {{0}}},
    {"head", "MatMul", {"pool", "matrix"}, {{0}}},
};

static const struct constant usual_constants[] = {
    {"weights", FLOAT, .rank = 4, .shape = {3, 3, 3, 4}, .bytes = 3 * 3 * 3 * 4 * 4},
    LIST("axes", 2, 1, 2),
    {"matrix", FLOAT, .rank = 2, .shape = {4, 2}, .bytes = 4 * 2 * 4},
};

enum { USUAL_NODES = sizeof usual_nodes / sizeof usual_nodes[0],
       USUAL_CONSTANTS = sizeof usual_constants / sizeof usual_constants[0] };

static const struct node *replaced_node(const struct recipe *recipe, const struct node *node)
{
    for (size_t i = 0; i < 4 && recipe->nodes[i].name != NULL; i++)
        if (strcmp(recipe->nodes[i].name, node->name) == 0)
            return &recipe->nodes[i];
    return node;
}

static const struct constant *replaced_constant(const struct recipe *recipe,
                                                const struct constant *constant)
{
    for (size_t i = 0; i < 3 && recipe->constants[i].name != NULL; i++)
        if (strcmp(recipe->constants[i].name, constant->name) == 0)
            return &recipe->constants[i];
    return constant;
}

static bool is_usual(const char *name)
{
    for (size_t i = 0; i < USUAL_NODES; i++)
        if (strcmp(usual_nodes[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < USUAL_CONSTANTS; i++)
        if (strcmp(usual_constants[i].name, name) == 0)
            return true;
    return false;
}

static void put_graph(struct message *graph, const struct recipe *recipe)
{
    /* So that the file's beginning is that of a graph. */
    put_node(graph, &(struct node){.name = "first", .operator = "NoOp"});
    for (size_t i = 0; i < 4 && recipe->nodes[i].name != NULL; i++)
        if (!is_usual(recipe->nodes[i].name))
            put_node(graph, &recipe->nodes[i]);
    for (size_t i = 0; i < 3 && recipe->constants[i].name != NULL; i++)
        if (!is_usual(recipe->constants[i].name))
            put_constant(graph, &recipe->constants[i]);
    for (size_t i = 0; i < USUAL_NODES; i++)
        put_node(graph, replaced_node(recipe,
                                      &usual_nodes[recipe->backwards ? USUAL_NODES - 1 - i : i]));
    for (size_t i = 0; i < USUAL_CONSTANTS; i++)
        put_constant(graph, replaced_constant(recipe, &usual_constants[i]));
}

static const struct recipe recipes[] = {
    {"the usual graph", .either = false},
    {"the usual graph backwards", .backwards = true},
    {"a result that people name with its port", .layer = "middle:0"},
    {"a layer that is not there", {"it has no layer 'absent'"}, .layer = "absent"},

    {"a circle", {"depends on its own result"},
     .nodes = {{"middle", "Add", {"conv", "back"}}, {"back", "Relu", {"middle"}}}},
    {"a node that reads itself", {"'middle' depends on its own result"},
     .nodes = {{"middle", "Relu", {"middle"}}}},
    {"a circle of who must run before whom", .nodes = {{"middle", "Relu", {"conv", "^pool"}}}},
    {"two nodes of one name", {"two of its nodes are called 'again'"},
     .nodes = {{"again", "NoOp"}, {"again", "NoOp"}}},
    {"a node without name", {"has no name or no operation"}, .nodes = {{"", "NoOp"}}},
    {"an input that is not there", {"'middle' reads 'nothing'"},
     .nodes = {{"middle", "Relu", {"nothing"}}}},
    {"a result that is not there", {"Relu 'middle'", "no result 7"},
     .nodes = {{"middle", "Relu", {"conv:7"}}}},
    {"result 2^64", {"Relu 'middle'"},
     .nodes = {{"middle", "Relu", {"conv:18446744073709551616"}}}},
    {"no inputs", {"Relu 'middle'", "missing"}, .nodes = {{"middle", "Relu"}}},
    {"no image", {"is an image"}, .nodes = {{"input", "NoOp"}}},
    {"an image of seven channels", {"is an image"},
     .nodes = {PLACEHOLDER("input", odd_shape, 4), {"conv", "Relu", {"input"}}}},
    {"an image of 2^40 pixels", {"is an image"}, .nodes = {PLACEHOLDER("input", huge_shape, 4)}},
    {"an image of ten dimensions", .either = true,
     .nodes = {PLACEHOLDER("input", ten_shape, 10)}},
    {"two images", {"'other' and 'input'"}, .nodes = {PLACEHOLDER("other", image_shape, 4)}},
    {"a second input", {"Placeholder 'other'", "besides the image"},
     .nodes = {PLACEHOLDER("other", image_shape, 0), {"middle", "Mul", {"conv", "other"}}}},

    {"weights of no dimension", {"Conv2D 'conv'", "weights"},
     .constants = {{"weights", FLOAT, .bytes = 4}}},
    {"weights of three dimensions", {"Conv2D 'conv'", "weights"},
     .constants = {{"weights", FLOAT, .rank = 3, .shape = {3, 3, 12}, .bytes = 432}}},
    {"weights of ten dimensions", {"Const 'weights'", "dimensions"},
     .constants = {{"weights", FLOAT, .rank = 10, .shape = {3, 3, 3, 4, 1, 1, 1, 1, 1, 1},
                    .bytes = 432}}},
    {"weights for another number of channels", {"Conv2D 'conv'", "for 4 channels"},
     .constants = {{"weights", FLOAT, .rank = 4, .shape = {3, 3, 4, 3}, .bytes = 432}}},
    {"weights of too few bytes", {"Const 'weights'", "431 bytes"},
     .constants = {{"weights", FLOAT, .rank = 4, .shape = {3, 3, 3, 4}, .bytes = 431}}},
    {"weights of a negative length", {"Const 'weights'"},
     .constants = {{"weights", FLOAT, .rank = 4, .shape = {3, -3, 3, 4}, .bytes = 432}}},
    {"weights of 2^62 rows", {"Const 'weights'"},
     .constants = {{"weights", FLOAT, .rank = 4, .shape = {MANY, 3, 3, 4}, .bytes = 432}}},
    {"weights whose bytes wrap around", {"Const 'weights'", "too large"},
     .constants = {{"weights", FLOAT, .rank = 2, .shape = {MANY, 2}, .count = 1}}},
    {"one number for 2^40 weights", {"Const 'weights'", "too many"},
     .constants = {{"weights", FLOAT, .rank = 4, .shape = {3, 3, 3, INT64_C(1) << 40},
                    .count = 1}}},
    {"more numbers than weights", {"Const 'weights'", "more numbers"},
     .constants = {{"weights", FLOAT, .rank = 1, .shape = {3}, .count = 4}}},
    {"weights of another type", {"Conv2D 'conv'", "weights"},
     .constants = {{"weights", STRING, .rank = 4, .shape = {3, 3, 3, 4}, .bytes = 432}}},
    {"weights of integers", {"Conv2D 'conv'", "weights"},
     .constants = {{"weights", INT32, .rank = 4, .shape = {3, 3, 3, 4}, .bytes = 432}}},
    {"weights without value", {"Const 'weights'", "'value' is missing"},
     .constants = {{"weights", FLOAT, .without_value = true}}},
    {"weights in a checkpoint", {"VariableV2 'variable'", "frozen"},
     .nodes = {{"variable", "VariableV2"},
               {"conv", "Conv2D", {"input", "variable"}, {SAME, ONES}}}},
    {"weights that an image gives", {"Conv2D 'conv'", "weights"},
     .nodes = {{"conv", "Conv2D", {"input", "input"}, {SAME, ONES}}}},

    {"a convolution without padding", {"Conv2D 'conv'", "'padding'"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"}, {ONES}}}},
    {"three strides", {"Conv2D 'conv'", "'strides'"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"},
                {SAME, {"strides", .count = 3, .numbers = {1, 1, 1}}}}}},
    {"no stride", {"Conv2D 'conv'", "'strides'"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"}, {SAME, STRIDES(1, 0, 1, 1)}}}},
    {"a stride of 2^62", {"Conv2D 'conv'", "'strides'"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"}, {SAME, STRIDES(1, MANY, 1, 1)}}}},
    {"a stride over images", {"Conv2D 'conv'", "across"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"}, {SAME, STRIDES(2, 1, 1, 1)}}}},
    {"a stride over channels", {"Conv2D 'conv'", "across"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"}, {SAME, STRIDES(1, 1, 1, 2)}}}},
    {"a dilation of -1", {"Conv2D 'conv'", "'dilations'"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"},
                {SAME, ONES, {"dilations", .count = 4, .numbers = {1, -1, 1, 1}}}}}},
    {"explicit padding without amounts", {"Conv2D 'conv'", "'explicit_paddings'"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"}, {{"padding", .text = "EXPLICIT"}, ONES}}}},
    {"explicit padding of 2^62", {"Conv2D 'conv'", "'explicit_paddings'"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"}, {
         {"padding", .text = "EXPLICIT"}, ONES,
         {"explicit_paddings", .count = 8, .numbers = {0, 0, MANY, 0, 0, 0, 0, 0}}}}}},
    {"explicit padding of images", {"Conv2D 'conv'", "'explicit_paddings'"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"}, {
         {"padding", .text = "EXPLICIT"}, ONES,
         {"explicit_paddings", .count = 8, .numbers = {1, 0, 0, 0, 0, 0, 0, 0}}}}}},
    {"channels first where they are last", {"Conv2D 'conv'", "channels"},
     .nodes = {{"conv", "Conv2D", {"input", "weights"},
                {SAME, ONES, {"data_format", .text = "NCHW"}}}}},
    {"depthwise weights for another number of channels", {"DepthwiseConv2dNative 'middle'"},
     .nodes = {{"middle", "DepthwiseConv2dNative", {"conv", "weights"}, {SAME, ONES}}}},
    {"a convolution of a vector", {"Conv2D 'head'", "map"},
     .nodes = {{"head", "Conv2D", {"pool", "weights"}, {SAME, ONES}}}, .layer = "head"},

    {"a pooling without window", .either = true,
     .nodes = {{"middle", "MaxPool", {"conv"}, {SAME, ONES}}}},
    {"a pooling with a window of 0", {"MaxPool 'middle'", "'ksize'"},
     .nodes = {{"middle", "MaxPool", {"conv"}, {SAME, ONES, KSIZE(1, 0, 2, 1)}}}},
    {"a pooling larger than its map", {"AvgPool 'middle'", "fit"},
     .nodes = {{"middle", "AvgPool", {"conv"},
                {{"padding", .text = "VALID"}, ONES, KSIZE(1, 9, 9, 1)}}}},
    {"a pooling across channels", {"MaxPool 'middle'", "across"},
     .nodes = {{"middle", "MaxPool", {"conv"}, {SAME, ONES, KSIZE(1, 2, 2, 2)}}}},
    {"a pooling by inputs of another shape", {"MaxPoolV2 'middle'", "'ksize'"},
     .nodes = {{"middle", "MaxPoolV2", {"conv", "axes", "axes"}, {SAME}}}},
    {"a mean over axis 9", {"Mean 'pool'", "axis 9"}, .constants = {LIST("axes", 2, 1, 9)}},
    {"a mean over images", {"Mean 'pool'", "axis 0"}, .constants = {LIST("axes", 2, 0, 1)}},
    {"a mean over channels", {"Mean 'pool'", "height and width"},
     .constants = {LIST("axes", 2, 2, 3)}},
    {"a mean over what the image says", {"Mean 'pool'", "constants"},
     .nodes = {{"pool", "Mean", {"middle", "conv"}}}},

    {"a reshape without shape", {"Reshape 'middle'", "target shape"},
     .nodes = {{"middle", "Reshape", {"conv"}}}},
    {"a reshape with two open lengths", {"Reshape 'middle'", "target shape"},
     .nodes = {{"middle", "Reshape", {"conv", "target"}}},
     .constants = {LIST("target", 2, -1, -1)}},
    {"a reshape that moves the batch", {"Reshape 'middle'", "batch"},
     .nodes = {{"middle", "Reshape", {"conv", "target"}}}, .constants = {LIST("target", 2, 64, 4)}},
    {"a reshape to more numbers", {"Reshape 'middle'", "from 256"},
     .nodes = {{"middle", "Reshape", {"conv", "target"}}},
     .constants = {LIST("target", 2, 1, 300)}},
    {"a reshape to 2^62 numbers", {"Reshape 'middle'"},
     .nodes = {{"middle", "Reshape", {"conv", "target"}}},
     .constants = {LIST("target", 3, -1, INT32_MAX, INT32_MAX)}},
    {"a reshape of nothing", {"Reshape 'middle'"},
     .nodes = {{"middle", "Reshape", {"conv", "target"}}}, .constants = {LIST("target", 2, -1, 0)}},
    {"a squeeze of what is long", {"Squeeze 'middle'", "of 8"},
     .nodes = {{"middle", "Squeeze", {"conv"}, {{"squeeze_dims", .count = 1, .numbers = {1}}}}}},
    {"a squeeze of images", {"Squeeze 'middle'", "axis 0"},
     .nodes = {{"middle", "Squeeze", {"conv"}, {{"squeeze_dims", .count = 1, .numbers = {0}}}}}},
    {"an axis before the images", {"height and width"},
     .nodes = {{"middle", "ExpandDims", {"conv", "axis"}}}, .constants = {NUMBER("axis", 0)}},
    {"an axis far away", {"ExpandDims 'middle'", "axis"},
     .nodes = {{"middle", "ExpandDims", {"conv", "axis"}}}, .constants = {NUMBER("axis", 99)}},
    {"a transposition of the images", {"Transpose 'middle'", "batch"},
     .nodes = {{"middle", "Transpose", {"conv", "order"}}},
     .constants = {LIST("order", 4, 1, 0, 2, 3)}},
    {"a transposition with one axis twice", {"Transpose 'middle'", "permutation"},
     .nodes = {{"middle", "Transpose", {"conv", "order"}}},
     .constants = {LIST("order", 4, 0, 1, 1, 3)}},
    {"a transposition of axis -1", {"Transpose 'middle'", "permutation"},
     .nodes = {{"middle", "Transpose", {"conv", "order"}}},
     .constants = {LIST("order", 4, 0, -1, 2, 3)}},
    {"joined along axis 9", {"ConcatV2 'middle'", "axis"},
     .nodes = {{"middle", "ConcatV2", {"conv", "conv", "axis"}}}, .constants = {NUMBER("axis", 9)}},
    {"images joined", {"ConcatV2 'middle'", "batch"},
     .nodes = {{"middle", "ConcatV2", {"conv", "conv", "axis"}}}, .constants = {NUMBER("axis", 0)}},
    {"joined along what the image says", {"ConcatV2 'middle'", "axis"},
     .nodes = {{"middle", "ConcatV2", {"conv", "conv"}}}},
    {"nothing joined", {"Concat 'middle'"}, .nodes = {{"middle", "Concat", {"conv"}}}},
    {"padding of other dimensions", {"Pad 'middle'", "amounts"},
     .nodes = {{"middle", "Pad", {"conv", "axes"}}}},
    {"padding of images", {"Pad 'middle'", "by 1"},
     .nodes = {{"middle", "Pad", {"conv", "pairs"}}}, .constants = {PAIRS("pairs", 1, 0)}},
    {"padding of -1", {"Pad 'middle'", "by -1"},
     .nodes = {{"middle", "Pad", {"conv", "pairs"}}}, .constants = {PAIRS("pairs", 0, 0, -1)}},
    {"padding of 2^31 - 1", {"Pad 'middle'", "by 2147483647"},
     .nodes = {{"middle", "Pad", {"conv", "pairs"}}},
     .constants = {PAIRS("pairs", 0, 0, INT32_MAX)}},
    {"more reflected than there is", {"MirrorPad 'middle'", "reflects"},
     .nodes = {{"middle", "MirrorPad", {"conv", "pairs"}, {{"mode", .text = "REFLECT"}}}},
     .constants = {PAIRS("pairs", 0, 0, 8)}},
    {"another way to mirror", {"MirrorPad 'middle'", "mode"},
     .nodes = {{"middle", "MirrorPad", {"conv", "pairs"}, {{"mode", .text = "SYMMETRIC"}}}},
     .constants = {PAIRS("pairs", 0)}},
    {"a slice without bounds", {"StridedSlice 'middle'", "bounds"},
     .nodes = {{"middle", "StridedSlice", {"conv"}}}},
    {"a slice with steps of 0", {"StridedSlice 'middle'", "step"},
     .nodes = {{"middle", "StridedSlice", {"conv", "zeros", "zeros", "zeros"},
                {{"end_mask", .numbers = {3}}}}}, .constants = {LIST("zeros", 2, 0, 0)}},
    {"a slice of nothing", {"StridedSlice 'middle'", "empty"},
     .nodes = {{"middle", "StridedSlice", {"conv", "zeros", "zeros", "ones"},
                {{"end_mask", .numbers = {1}}}}},
     .constants = {LIST("zeros", 2, 0, 0), LIST("ones", 2, 1, 1)}},
    {"a place outside", {"StridedSlice 'middle'", "outside"},
     .nodes = {{"middle", "StridedSlice", {"conv", "begin", "begin", "ones"},
                {{"end_mask", .numbers = {1}}, {"shrink_axis_mask", .numbers = {2}}}}},
     .constants = {LIST("begin", 2, 0, 8), LIST("ones", 2, 1, 1)}},
    {"a slice with a new axis", {"StridedSlice 'middle'", "new axes"},
     .nodes = {{"middle", "StridedSlice", {"conv", "ones", "ones", "ones"},
                {{"new_axis_mask", .numbers = {1}}}}}, .constants = {LIST("ones", 2, 1, 1)}},
    {"a slice of six axes", {"StridedSlice 'middle'", "axes"},
     .nodes = {{"middle", "StridedSlice", {"conv", "ones", "ones", "ones"},
                {{"end_mask", .numbers = {63}}, {"begin_mask", .numbers = {63}}}}},
     .constants = {LIST("ones", 6, 1, 1, 1, 1, 1, 1)}},
    {"one image of the batch", {"StridedSlice 'middle'", "batch"},
     .nodes = {{"middle", "StridedSlice", {"conv", "zero", "one", "one"},
                {{"shrink_axis_mask", .numbers = {1}}}}},
     .constants = {LIST("zero", 1, 0), LIST("one", 1, 1)}},
    {"a size that goes too far", {"Slice 'middle'", "outside"},
     .nodes = {{"middle", "Slice", {"conv", "begin", "begin"}}},
     .constants = {LIST("begin", 4, 0, 5, 5, 3)}},
    {"split into no parts", {"Split 'middle'", "parts"},
     .nodes = {{"middle", "Split", {"axis", "conv"}}}, .constants = {NUMBER("axis", 3)}},
    {"split into parts that are not equal", {"Split 'middle'", "parts"},
     .nodes = {{"middle", "Split", {"axis", "conv"}, {{"num_split", .numbers = {3}}}}},
     .constants = {NUMBER("axis", 3)}},
    {"split into 2^62 parts", {"Split 'middle'", "parts"},
     .nodes = {{"middle", "Split", {"axis", "conv"}, {{"num_split", .numbers = {MANY}}}}},
     .constants = {NUMBER("axis", 3)}},
    {"split into sizes that do not add up", {"SplitV 'middle'", "parts"},
     .nodes = {{"middle", "SplitV", {"conv", "axes", "axis"}, {{"num_split", .numbers = {2}}}}},
     .constants = {NUMBER("axis", 3)}},

    {"a batch norm in training", {"FusedBatchNorm 'middle'", "inference"},
     .nodes = {{"middle", "FusedBatchNorm", {"conv", "four", "four", "four", "four"}}},
     .constants = {{"four", FLOAT, .rank = 1, .shape = {4}, .count = 1}}},
    {"a batch norm for other channels", {"FusedBatchNormV3 'middle'", "2 numbers for 4"},
     .nodes = {{"middle", "FusedBatchNormV3", {"conv", "two", "two", "two", "two"},
                {{"is_training", .is_boolean = true}}}},
     .constants = {{"two", FLOAT, .rank = 1, .shape = {2}, .count = 1}}},
    {"a batch norm without variance", {"FusedBatchNormV3 'middle'", "parameter 4"},
     .nodes = {{"middle", "FusedBatchNormV3", {"conv", "four", "four", "four"},
                {{"is_training", .is_boolean = true}}}},
     .constants = {{"four", FLOAT, .rank = 1, .shape = {4}, .count = 1}}},
    {"a bias for other channels", {"BiasAdd 'middle'", "4 numbers"},
     .nodes = {{"middle", "BiasAdd", {"conv", "axes"}}}},
    {"a sum of different shapes", {"Add 'middle'"},
     .nodes = {{"middle", "Add", {"conv", "five"}}},
     .constants = {{"five", FLOAT, .rank = 1, .shape = {5}, .count = 1}}},
    {"a sum with a constant of more dimensions", {"Add 'middle'", "fit"},
     .nodes = {{"middle", "Add", {"conv", "long"}}},
     .constants = {{"long", FLOAT, .rank = 5, .shape = {1, 1, 1, 1, 4}, .count = 1}}},
    {"a sum of a map and a vector", {"Add 'head'", "dimensions"},
     .nodes = {{"head", "Add", {"pool", "conv"}}}, .layer = "head"},
    {"a normalisation of radius -1", {"LRN 'middle'", "'depth_radius'"},
     .nodes = {{"middle", "LRN", {"conv"}, {{"depth_radius", .numbers = {-1}}}}}},
    {"a bound that an image gives", {"Maximum 'middle'", "number"},
     .nodes = {{"middle", "Maximum", {"conv", "conv"}}}},
    {"a product with what the image gives", {"MatMul 'head'", "matrix"},
     .nodes = {{"head", "MatMul", {"pool", "pool"}}}, .layer = "head"},
    {"a product with a map", {"MatMul 'middle'", "matrix"},
     .nodes = {{"middle", "MatMul", {"conv", "matrix"}}}},
    {"a product with another matrix", {"MatMul 'head'", "features"}, .layer = "head",
     .constants = {{"matrix", FLOAT, .rank = 2, .shape = {2, 4}, .bytes = 32}}},
    {"a cast to integers", {"Cast 'middle'", "type 3"},
     .nodes = {{"middle", "Cast", {"conv"}, {{"DstT", .type = INT32}}}}},

    {"pieces that are not put together", {"MaxPool 'middle'", "between SpaceToBatchND"},
     .nodes = {{"pieces", "SpaceToBatchND", {"conv", "block", "none"}},
               {"middle", "MaxPool", {"pieces"}, {SAME, ONES, KSIZE(1, 2, 2, 1)}}},
     .constants = {LIST("block", 2, 2, 2), LIST("none", 4, 0, 0, 0, 0)}},
    {"pieces of no size", {"SpaceToBatchND 'middle'", "block"},
     .nodes = {{"middle", "SpaceToBatchND", {"conv", "block", "none"}}},
     .constants = {LIST("block", 2, 0, 2), LIST("none", 4, 0, 0, 0, 0)}},
    {"pieces that do not divide", {"SpaceToBatchND 'middle'", "divide"},
     .nodes = {{"middle", "SpaceToBatchND", {"conv", "block", "none"}}},
     .constants = {LIST("block", 2, 3, 2), LIST("none", 4, 0, 0, 0, 0)}},
    {"pieces that nobody made", {"BatchToSpaceND 'middle'", "pieces"},
     .nodes = {{"middle", "BatchToSpaceND", {"conv", "block", "none"}}},
     .constants = {LIST("block", 2, 2, 2), LIST("none", 4, 0, 0, 0, 0)}},
    {"strides between pieces", {"Conv2D 'middle'", "SpaceToBatchND"},
     .nodes = {{"pieces", "SpaceToBatchND", {"input", "block", "none"}},
               {"middle", "Conv2D", {"pieces", "weights"}, {SAME, STRIDES(1, 2, 2, 1)}}},
     .constants = {LIST("block", 2, 2, 2), LIST("none", 4, 0, 0, 0, 0)}},
    {"all of it cropped", {"BatchToSpaceND 'middle'", "crops"},
     .nodes = {{"pieces", "SpaceToBatchND", {"conv", "block", "none"}},
               {"middle", "BatchToSpaceND", {"pieces", "block", "all"}}},
     .constants = {LIST("block", 2, 2, 2), LIST("none", 4, 0, 0, 0, 0),
                   LIST("all", 4, 4, 4, 0, 0)}},

    {"a switch", {"Switch 'middle'", "control flow"},
     .nodes = {{"middle", "Switch", {"conv", "axes"}}}},
    {"a branch that is taken", {"Switch 'switch'", "control flow"},
     .nodes = {{"switch", "Switch", {"conv", "axes"}},
               {"middle", "Merge", {"switch:1", "switch"}}}},
    {"a loop", {"Enter 'enter'", "control flow"},
     .nodes = {{"enter", "Enter", {"conv"}}, {"merge", "Merge", {"enter", "next"}},
               {"next", "NextIteration", {"merge"}}, {"middle", "Exit", {"merge"}}}},
    {"a loop as a function", {"While 'middle'", "control flow"},
     .nodes = {{"middle", "While", {"conv"}}}},
    {"a choice of functions", {"StatelessIf 'middle'", "control flow"},
     .nodes = {{"middle", "StatelessIf", {"axes", "conv"}}}},
    {"a call", {"StatefulPartitionedCall 'middle'", "control flow"},
     .nodes = {{"middle", "StatefulPartitionedCall", {"conv"}}}},
    {"control flow aside",
     .nodes = {{"enter", "Enter", {"middle"}}, {"exit", "Exit", {"enter"}}}},
    {"a quantised convolution", {"QuantizedConv2D 'middle'", "quantised"},
     .nodes = {{"middle", "QuantizedConv2D", {"conv", "weights"}}}},
    {"quantised weights", {"Dequantize 'bytes'", "quantised"},
     .nodes = {{"bytes", "Dequantize", {"weights", "axes", "axes"}},
               {"conv", "Conv2D", {"input", "bytes"}, {SAME, ONES}}}},
    {"pretended bytes", {"FakeQuantWithMinMaxVars 'middle'", "quantised"},
     .nodes = {{"middle", "FakeQuantWithMinMaxVars", {"conv", "axes", "axes"}}}},
    {"an operator that nobody knows", {"Frobnicate 'middle'", "not supported"},
     .nodes = {{"middle", "Frobnicate", {"conv"}}}},
    {"an operator behind the head", .nodes = {{"classes", "ArgMax", {"head", "axes"}}}},

    {"a constant of 2^40 numbers", {"Fill 'filled'", "too large"},
     .nodes = {{"filled", "Fill", {"sizes", "one"}}, {"middle", "Add", {"conv", "filled"}}},
     .constants = {LIST("sizes", 2, 1 << 20, 1 << 20),
                   {"one", FLOAT, .count = 1}}},
    {"a range without steps", {"Range 'filled'", "step is 0"},
     .nodes = {{"filled", "Range", {"zero", "end", "zero"}},
               {"middle", "Reshape", {"conv", "filled"}}},
     .constants = {NUMBER("zero", 0), NUMBER("end", INT32_MAX)}},
    {"a range of 2^31 - 1", {"Range 'filled'", "too large"},
     .nodes = {{"filled", "Range", {"zero", "end", "one"}},
               {"middle", "Reshape", {"conv", "filled"}}},
     .constants = {NUMBER("zero", 0), NUMBER("end", INT32_MAX), NUMBER("one", 1)}},
};

enum { RECIPES = sizeof recipes / sizeof recipes[0] };

static void test_recipe(void **state)
{
    const struct recipe *recipe = *state;
    struct message graph = {.size = 0};
    char *folder = scratch_create();
    struct error error;
    int outcome;

    put_graph(&graph, recipe);
    outcome = use_bytes(folder, graph.data, graph.size, recipe->layer, &error);
    scratch_remove(folder);
    if (recipe->either)
        return;
    if (recipe->expected[0] == NULL && outcome < 0)
        fail_msg("refused: %s", error.text);
    if (recipe->expected[0] != NULL && outcome == 0)
        fail_msg("not refused");
    for (size_t i = 0; i < 2 && recipe->expected[i] != NULL; i++)
        if (strstr(error.text, recipe->expected[i]) == NULL)
            fail_msg("the message does not say '%s': %s", recipe->expected[i], error.text);
}

int main(void)
{
    static const struct CMUnitTest whole_files[] = {
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_saved_model),
        cmocka_unit_test(test_bottlenecks),
        cmocka_unit_test(test_long_chains),
    };
    struct CMUnitTest liars[RECIPES];
    int failed;

    for (size_t i = 0; i < RECIPES; i++)
        liars[i] = (struct CMUnitTest){.name = recipes[i].what, .test_func = test_recipe,
                                       .initial_state = (void *)(uintptr_t)&recipes[i]};
    failed = cmocka_run_group_tests(whole_files, NULL, NULL);
    return failed + cmocka_run_group_tests(liars, NULL, NULL);
}
