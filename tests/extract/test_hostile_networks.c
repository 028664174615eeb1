/*
 * Network files that are damaged, cut off or lie: each is refused with a message or works, and
 * nothing crashes, reads outside the file or allocates what a header claims. Run with
 * SANITIZE=address,undefined this is the reader's fuzz test.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/file.h"
#include "extract/network/network.h"
#include "tests/extract/wire_helpers.h"
#include "tests/helpers.h"

#define FOLDER "tests/extract/golden-operators/"

/* Images that a file asks for, and vectors that it gives, are only made up to here. */
enum { MAX_NUMBERS = 1 << 20, FREE_SIZE = 8 };

/* ---- what becomes of a file ------------------------------------------------------------- */

/* One image through a prepared network: the vector is finite, or the run is refused. */
static int run_once(struct network *network, size_t height, size_t width, struct error *error)
{
    size_t channels = network_input(network)->channels;
    size_t dimension = network_output(network, 0)->dimension;
    float *image, *vector;
    int outcome;

    if (channels * height * width > MAX_NUMBERS || dimension > MAX_NUMBERS)
        return 0;
    image = seeded_images(1, channels, height, width);
    vector = calloc(dimension + 1, sizeof *vector);
    assert_non_null(vector);
    outcome = network_run(network, image, 1, &vector, error);
    for (size_t i = 0; outcome == 0 && i < dimension; i++)
        assert_true(isfinite(vector[i]));
    free(vector);
    free(image);
    return outcome;
}

/* Opens, prepares and runs the file; `layer` NULL: the bottleneck. */
static int use_file(const char *path, const char *layer, struct error *error)
{
    struct network *network = NULL;
    const struct network_input *input;
    size_t height, width;
    int outcome = FAILED;

    error->text[0] = '\0';
    if (network_open(path, NULL, &network, error) < 0)
        return FAILED;
    input = network_input(network);
    height = input->height > 0 ? input->height : FREE_SIZE;
    width = input->width > 0 ? input->width : FREE_SIZE;
    if (network_prepare(network, &(struct network_request){
            .layers = &layer, .layer_count = layer != NULL, .height = height, .width = width,
            .batch = 1}, error) == 0)
        outcome = run_once(network, height, width, error);
    network_free(network);
    return outcome;
}

/* As use_file, for bytes. A refusal must say something, in one line. */
static int use_bytes(const char *folder, const void *data, size_t size, const char *layer,
                     struct error *error)
{
    const char *path = scratch_path(folder, "network.onnx");
    int outcome;

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
    "conv_groups", "net_fire", "net_plain_view", "net_excitation", "stored_typed_double",
    "stored_typed_float16", "weights_as_inputs", "space_to_depth", "slice_focus", "split_input",
    "channel_shuffle", "pad_reflect", "maxpool_ceil_padded", "computed_weights",
    "view_by_products", "transpose_flatten", "gather_channels", "constant_short",
};

enum { VICTIMS = sizeof victims / sizeof victims[0] };

static void read_victim(const char *name, struct buffer *file)
{
    char path[256];
    struct error error;

    snprintf(path, sizeof path, FOLDER "%s.onnx", name);
    if (file_read(path, 1 << 20, file, NULL, &error) < 0)
        fail_msg("%s", error.text);
}

/* Every length up to 1500 bytes, then every seventh: no part of a network is a network. */
static void test_cut_off(void **state)
{
    char *folder = scratch_create();
    struct buffer file = {0};
    struct error error;

    (void)state;
    for (size_t i = 0; i < VICTIMS; i++) {
        read_victim(victims[i], &file);
        assert_int_equal(use_bytes(folder, file.data, file.size, "result", &error), 0);
        for (size_t size = 0; size < file.size; size += size < 1500 ? 1 : 7)
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

static void change_bytes(struct buffer *file, uint64_t *random)
{
    for (size_t changes = 1 + random_below(random, 4); changes > 0; changes--)
        file->data[random_below(random, file->size)] = (unsigned char)random_below(random, 256);
}

static void flip_bit(struct buffer *file, uint64_t *random)
{
    file->data[random_below(random, file->size)] ^= (unsigned char)(1 << random_below(random, 8));
}

static void remove_bytes(struct buffer *file, uint64_t *random)
{
    size_t start = random_below(random, file->size);
    size_t end = start + random_below(random, 32);

    if (end > file->size)
        end = file->size;
    memmove(file->data + start, file->data + end, file->size - end);
    file->size -= end - start;
}

static void repeat_bytes(struct buffer *file, uint64_t *random)
{
    size_t from = random_below(random, file->size), to = random_below(random, file->size);
    size_t room = file->size - (from > to ? from : to);

    memmove(file->data + to, file->data + from, random_below(random, room + 1));
}

static void damage_all(void (*damage)(struct buffer *, uint64_t *), uint64_t seed)
{
    enum { ROUNDS = 150 };
    char *folder = scratch_create();
    struct buffer file = {0}, copy = {0};
    struct error error;

    for (size_t i = 0; i < VICTIMS; i++) {
        read_victim(victims[i], &file);
        assert_int_equal(buffer_reserve(&copy, file.size, &error), 0);
        for (int round = 0; round < ROUNDS; round++) {
            memcpy(copy.data, file.data, file.size);
            copy.size = file.size;
            damage(&copy, &seed);
            use_bytes(folder, copy.data, copy.size, round % 2 ? "result" : NULL, &error);
        }
    }
    buffer_release(&file);
    buffer_release(&copy);
    scratch_remove(folder);
}

static void test_changed_bytes(void **state)
{
    (void)state;
    damage_all(change_bytes, 0x9e3779b97f4a7c15u);
}

static void test_flipped_bits(void **state)
{
    (void)state;
    damage_all(flip_bit, 0xbf58476d1ce4e5b9u);
}

static void test_removed_bytes(void **state)
{
    (void)state;
    damage_all(remove_bytes, 0x94d049bb133111ebu);
}

static void test_repeated_bytes(void **state)
{
    (void)state;
    damage_all(repeat_bytes, 0xd6e8feb86659fd93u);
}

/* ---- files that are no networks --------------------------------------------------------- */

static void test_not_a_network(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } files[] = {
        {"", 0},
        {"\n", 1},
        {"\0\0\0\0\0\0\0\0", 8},
        {"These are not the weights that you are looking for.\n", 53},
        {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16},
        {"\xff\xd8\xff\xe0\0\x10JFIF", 11},
        {"PK\x03\x04", 4},
        {"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10},      /* a graph of 2^63 - 1 bytes */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12},  /* a varint that never ends */
        {"\x08\x07\x3a\x00\x42\x02\x10\x0b", 8},                   /* an empty graph */
        {"\x08\x07\x42\x02\x10\x0b", 6},                           /* no graph */
    };
    char *folder = scratch_create();
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_int_equal(use_bytes(folder, files[i].bytes, files[i].size, NULL, &error), FAILED);
    assert_int_equal(use_file(folder, NULL, &error), FAILED);
    assert_non_null(strstr(error.text, "a directory"));
    assert_int_equal(use_file(scratch_path(folder, "absent.onnx"), NULL, &error), FAILED);
    assert_non_null(strstr(error.text, "absent.onnx"));
    scratch_remove(folder);
}

/* ---- files that lie --------------------------------------------------------------------- */

/* An attribute of integers; count 0: a single one. */
struct attribute {
    const char *name;
    size_t count;
    int64_t values[8];
};

/*
 * What is different from this network, which works; names are those of the nodes, the results
 * are called NAME_out:
 *
 *     image [n][3][8][8] -> conv: Conv, 4 channels, 3x3, pads 1 -> middle: Relu
 *     -> pool: GlobalAveragePool -> flat: Flatten -> head: Gemm, 2 classes
 */
struct recipe {
    const char *what;
    const char *expected[2];         /* parts of the message; none: the network works */
    bool either;                     /* an error or success, as long as nothing crashes */
    const char *layer;               /* where to cut; NULL: the bottleneck */
    int64_t opset;                   /* default 11 */
    int64_t image[4];                /* default {0, 3, 8, 8}; the first 0 is symbolic */
    size_t image_rank;               /* default 4 */
    int64_t weights[10];             /* default {4, 3, 3, 3} */
    size_t weights_rank;             /* default 4 */
    size_t weights_bytes;            /* default 4 * 3 * 3 * 3 floats */
    int64_t weights_type;            /* default 1, float */
    bool weights_external, weights_twice;
    const char *external[3];         /* location, offset, length; "weights.bin" is there */
    struct attribute conv;           /* one more, or instead of kernel_shape or pads */
    const char *operator;            /* of middle */
    const char *middle_in, *middle_out, *middle_constant;
    struct attribute middle;
    const char *head_operator;
    const char *output;              /* of the graph; "" none */
    bool two_images, no_image, no_nodes;
};

enum { DATA_FLOAT = 1, DATA_STRING = 8, DATA_INT64 = 7 };

#define WEIGHTS_BYTES (4 * 3 * 3 * 3 * sizeof(float))

static const char *text_or(const char *text, const char *fallback)
{
    return text != NULL ? text : fallback;
}

static int64_t integer_or(int64_t value, int64_t fallback)
{
    return value != 0 ? value : fallback;
}

/* GraphProto.input = 11: a ValueInfoProto with a tensor type and its shape. */
static void put_image(struct message *graph, const struct recipe *recipe, const char *name)
{
    static const int64_t usual[] = {0, 3, 8, 8};
    const int64_t *image = recipe->image[1] != 0 ? recipe->image : usual;
    struct message value = {.size = 0}, type = {.size = 0}, tensor = {.size = 0};
    struct message shape = {.size = 0};

    for (size_t axis = 0; axis < (recipe->image_rank > 0 ? recipe->image_rank : 4); axis++) {
        struct message dimension = {.size = 0};

        if (axis == 0 && image[0] == 0)
            put_text(&dimension, 2, "n");
        else
            put_integer(&dimension, 1, image[axis]);
        put_message(&shape, 1, &dimension);
    }
    put_integer(&tensor, 1, DATA_FLOAT);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, 11, &value);
}

/* GraphProto.initializer = 5: a TensorProto with raw data. */
static void put_weights(struct message *graph, const char *name, const int64_t *shape,
                        size_t rank, int64_t type, size_t bytes, const char *const *external)
{
    static const char *const keys[] = {"location", "offset", "length"};
    static const float numbers[512] = {0.5f, -0.25f, 0.125f};
    struct message tensor = {.size = 0};

    for (size_t axis = 0; axis < rank; axis++)
        put_integer(&tensor, 1, shape[axis]);
    put_integer(&tensor, 2, type);
    put_text(&tensor, 8, name);
    assert_true(bytes <= sizeof numbers);
    put_bytes(&tensor, 9, numbers, bytes);
    if (external != NULL)
        put_integer(&tensor, 14, 1);
    for (size_t i = 0; external != NULL && i < 3; i++) {
        struct message entry = {.size = 0};

        if (external[i] == NULL)
            continue;
        put_text(&entry, 1, keys[i]);
        put_text(&entry, 2, external[i]);
        put_message(&tensor, 13, &entry);
    }
    put_message(graph, 5, &tensor);
}

/* NodeProto.attribute = 5. */
static void put_attribute(struct message *node, const struct attribute *attribute)
{
    struct message message = {.size = 0};

    if (attribute->name == NULL)
        return;
    put_text(&message, 1, attribute->name);
    if (attribute->count == 0)
        put_integer(&message, 3, attribute->values[0]);
    for (size_t i = 0; i < attribute->count; i++)
        put_integer(&message, 8, attribute->values[i]);
    put_integer(&message, 20, attribute->count == 0 ? 2 : 7);
    put_message(node, 5, &message);
}

/* GraphProto.node = 1; inputs end with NULL; an output "" is left out. */
static void put_node(struct message *graph, const char *operator, const char *name,
                     const char *const *inputs, const char *output,
                     const struct attribute *attributes, size_t attribute_count)
{
    struct message node = {.size = 0};

    for (; *inputs != NULL; inputs++)
        put_text(&node, 1, *inputs);
    if (*output != '\0')
        put_text(&node, 2, output);
    put_text(&node, 3, name);
    put_text(&node, 4, operator);
    for (size_t i = 0; i < attribute_count; i++)
        put_attribute(&node, &attributes[i]);
    put_message(graph, 1, &node);
}

static void put_convolution(struct message *graph, const struct recipe *recipe)
{
    static const char *const inputs[] = {"image", "weights", NULL};
    struct attribute attributes[] = {
        {"kernel_shape", 2, {3, 3}}, {"pads", 4, {1, 1, 1, 1}}, {0}};
    size_t place = 2;

    for (size_t i = 0; recipe->conv.name != NULL && i < 2; i++)
        if (strcmp(recipe->conv.name, attributes[i].name) == 0)
            place = i;
    attributes[place] = recipe->conv;
    put_node(graph, "Conv", "conv", inputs, "conv_out", attributes, 3);
}

static void put_nodes(struct message *graph, const struct recipe *recipe)
{
    const char *middle_out = text_or(recipe->middle_out, "middle_out");
    const char *middle_in[] = {text_or(recipe->middle_in, "conv_out"), recipe->middle_constant,
                               NULL};
    const char *pool_in[] = {middle_out, NULL};
    static const char *const flat_in[] = {"pool_out", NULL};
    static const char *const head_in[] = {"flat_out", "head_weights", NULL};
    static const struct attribute transposed = {"transB", 0, {1}};

    put_convolution(graph, recipe);
    put_node(graph, text_or(recipe->operator, "Relu"), "middle", middle_in, middle_out,
             &recipe->middle, 1);
    put_node(graph, "GlobalAveragePool", "pool", pool_in, "pool_out", NULL, 0);
    put_node(graph, "Flatten", "flat", flat_in, "flat_out", NULL, 0);
    put_node(graph, text_or(recipe->head_operator, "Gemm"), "head", head_in, "head_out",
             &transposed, 1);
}

static void put_graph(struct message *graph, const struct recipe *recipe)
{
    static const int64_t usual[] = {4, 3, 3, 3}, head[] = {2, 4};
    const int64_t *weights = recipe->weights_rank > 0 ? recipe->weights : usual;
    const char *output = text_or(recipe->output, "head_out");

    if (!recipe->no_nodes)
        put_nodes(graph, recipe);
    for (int copies = recipe->weights_twice ? 2 : 1; copies > 0; copies--)
        put_weights(graph, "weights", weights,
                    recipe->weights_rank > 0 ? recipe->weights_rank : 4,
                    integer_or(recipe->weights_type, DATA_FLOAT),
                    recipe->weights_bytes > 0 ? recipe->weights_bytes : WEIGHTS_BYTES,
                    recipe->weights_external ? recipe->external : NULL);
    put_weights(graph, "head_weights", head, 2, DATA_FLOAT, 2 * 4 * sizeof(float), NULL);
    if (!recipe->no_image)
        put_image(graph, recipe, "image");
    if (recipe->two_images)
        put_image(graph, recipe, "second");
    if (*output != '\0') {
        struct message value = {.size = 0};

        put_text(&value, 1, output);
        put_message(graph, 12, &value);
    }
}

static const struct recipe recipes[] = {
    {.what = "nothing is wrong"},
    {"nothing is wrong, cut at a node", .layer = "middle"},

    {"an unsupported operator before the cut", {"NonMaxSuppression", "middle"},
     .operator = "NonMaxSuppression"},
    {"an unsupported operator before a layer asked for", {"NonMaxSuppression", "middle"},
     .operator = "NonMaxSuppression", .layer = "pool_out"},
    {"an unsupported operator behind the cut", .operator = "NonMaxSuppression",
     .layer = "conv_out"},
    {"an unsupported operator as the head", .head_operator = "NonMaxSuppression",
     .layer = "flat_out"},
    {"a layer that is not there", {"nowhere"}, .layer = "nowhere"},

    {"an input that nobody writes", {"nowhere", "middle"}, .middle_in = "nowhere"},
    {"an input that is written later", {"flat_out", "middle"}, .middle_in = "flat_out"},
    {"a node that reads itself", {"middle_out", "middle"}, .middle_in = "middle_out"},
    {"a node without input", {"middle"}, .middle_in = ""},
    {"a result that is written twice", .either = true, .middle_out = "conv_out"},
    {"a result with the name of the image", .either = true, .middle_out = "image"},
    {"a node without result", {"pool"}, .middle_out = ""},
    {"a shape without result", {"pool"}, .operator = "Shape", .middle_out = ""},
    {"a constant without result", {"pool"}, .operator = "Constant", .middle_in = "",
     .middle = {"value_int", 0, {1}}, .middle_out = ""},
    {"weights of one name twice", .either = true, .weights_twice = true},
    {"no nodes", {"empty"}, .no_nodes = true},
    {"no image", {"input"}, .no_image = true},
    {"two images", {"second"}, .two_images = true},
    {"no output", {"output"}, .output = ""},
    {"an output that nobody writes", {"nowhere"}, .output = "nowhere"},
    {"no operator set", {"opset"}, .opset = -1},

    {"an image of three dimensions", {"image"}, .image = {0, 3, 8}, .image_rank = 3},
    {"an image of five dimensions", {"image"}, .image = {0, 3, 8, 8}, .image_rank = 5},
    {"an image that is too large", {"image"}, .image = {0, 3, INT64_C(1) << 31, 8}},
    {"an image of 2^62 rows", {"image"}, .image = {0, 3, INT64_C(1) << 62, 8}},
    {"an image of 2^62 channels", {"image"}, .image = {0, INT64_C(1) << 62, 8, 8}},
    {"an image of -3 channels", {"image"}, .image = {0, -3, 8, 8}},
    {"a batch of 2^62", {"image"}, .image = {INT64_C(1) << 62, 3, 8, 8}},

    {"too few weights", {"weights"}, .weights_bytes = WEIGHTS_BYTES - 4},
    {"too many weights", {"weights"}, .weights_bytes = WEIGHTS_BYTES + 4},
    {"half a weight", {"weights"}, .weights_bytes = WEIGHTS_BYTES - 1},
    {"weights in another file", .weights_external = true, .external = {"weights.bin", "8"}},
    {"weights in a file in a folder", .weights_external = true,
     .external = {"./below/weights.bin", NULL, "432"}},
    {"weights in no other file", {"'weights'", "does not name"}, .weights_external = true},
    {"weights in a file without name", {"'weights'", "does not name"}, .weights_external = true,
     .external = {""}},
    {"weights in a file that is not there", {"'weights'", "absent.bin': No such file"},
     .weights_external = true, .external = {"absent.bin"}},
    {"weights in the folder", {"'weights'", "is a directory"}, .weights_external = true,
     .external = {"."}},
    {"weights above the folder", {"'weights'", "not below"}, .weights_external = true,
     .external = {"below/../../weights.bin"}},
    {"weights in a file of the system", {"'weights'", "not below"}, .weights_external = true,
     .external = {"/etc/passwd"}},
    {"weights at a place that is no number", {"'weights'", "no number"},
     .weights_external = true, .external = {"weights.bin", "-8"}},
    {"weights at a place beyond numbers", {"'weights'", "no number"}, .weights_external = true,
     .external = {"weights.bin", "18446744073709551616"}},
    {"weights behind the other file", {"'weights'", "which has 440"}, .weights_external = true,
     .external = {"weights.bin", "18446744073709551615"}},
    {"weights half behind the other file", {"'weights'", "which has 440"},
     .weights_external = true, .external = {"weights.bin", "9"}},
    {"too few weights in the other file", {"'weights'", "428 bytes"}, .weights_external = true,
     .external = {"weights.bin", "0", "428"}},
    {"weights that are integers", {"conv"}, .weights_type = DATA_INT64,
     .weights_bytes = 2 * WEIGHTS_BYTES},
    {"weights that are texts", {"conv"}, .weights_type = DATA_STRING},
    {"weights of three dimensions", {"conv"}, .weights = {4, 3, 9}, .weights_rank = 3},
    {"weights of ten dimensions", {"dimensions"}, .weights = {4, 3, 3, 3, 1, 1, 1, 1, 1, 1},
     .weights_rank = 10},
    {"weights of another kernel", {"conv"}, .weights = {4, 3, 9, 1}, .weights_rank = 4},
    {"weights for another number of channels", {"conv"}, .weights = {3, 4, 3, 3},
     .weights_rank = 4},
    {"weights of a negative length", {"weights"}, .weights = {4, -3, 3, 3}, .weights_rank = 4},
    {"weights of 2^31 rows", {"weights"}, .weights = {INT64_C(1) << 31, 3, 3, 3},
     .weights_rank = 4},
    {"weights of 2^62 rows", {"weights"}, .weights = {INT64_C(1) << 62, 3, 3, 3},
     .weights_rank = 4},
    {"weights whose size wraps around", {"weights"},
     .weights = {INT64_C(1) << 32, INT64_C(1) << 32, 3, 3}, .weights_rank = 4},
    {"weights whose bytes wrap around", {"weights"},
     .weights = {INT64_C(1) << 31, INT64_C(1) << 31, 1, 1}, .weights_rank = 4},

    {"a kernel of another size", {"conv"}, .conv = {"kernel_shape", 2, {5, 5}}},
    {"a kernel of three dimensions", {"conv"}, .conv = {"kernel_shape", 3, {3, 3, 3}}},
    {"no stride", {"conv"}, .conv = {"strides", 2, {0, 1}}},
    {"a stride backwards", {"conv"}, .conv = {"strides", 2, {-1, 1}}},
    {"one stride", {"conv"}, .conv = {"strides", 1, {2}}},
    {"a stride of 2^62", {"conv"}, .conv = {"strides", 2, {INT64_C(1) << 62, 1}}},
    {"no dilation", {"conv"}, .conv = {"dilations", 2, {1, 0}}},
    {"a dilation of 2^62", {"conv"}, .conv = {"dilations", 2, {1, INT64_C(1) << 62}}},
    {"a dilation of -1", {"conv"}, .conv = {"dilations", 2, {1, -1}}},
    {"no groups", {"conv"}, .conv = {"group", 0, {0}}},
    {"groups that do not fit", {"conv"}, .conv = {"group", 0, {2}}},
    {"2^62 groups", {"conv"}, .conv = {"group", 0, {INT64_C(1) << 62}}},
    {"-1 groups", {"conv"}, .conv = {"group", 0, {-1}}},
    {"padding on two sides", {"conv"}, .conv = {"pads", 2, {1, 1}}},
    {"padding of -1", {"conv"}, .conv = {"pads", 4, {1, -1, 1, 1}}},
    {"padding of 2^31", {"conv"}, .conv = {"pads", 4, {1, 1, INT64_C(1) << 31, 1}}},
    {"padding of 2^62", {"conv"}, .conv = {"pads", 4, {1, INT64_C(1) << 62, 1, 1}}},

    {"a pooling without kernel", {"MaxPool", "middle"}, .operator = "MaxPool"},
    {"a pooling with a kernel of 0", {"MaxPool", "middle"}, .operator = "MaxPool",
     .middle = {"kernel_shape", 2, {0, 3}}},
    {"a pooling larger than its map", {"MaxPool", "middle"}, .operator = "MaxPool",
     .middle = {"kernel_shape", 2, {9, 9}}},
    {"a pooling with a kernel of 2^62", {"AveragePool", "middle"}, .operator = "AveragePool",
     .middle = {"kernel_shape", 2, {INT64_C(1) << 62, 3}}},
    {"a concatenation without axis", .either = true, .operator = "Concat"},
    {"a concatenation along axis 9", {"Concat", "middle"}, .operator = "Concat",
     .middle = {"axis", 0, {9}}},
    {"a concatenation of images", {"Concat", "middle"}, .operator = "Concat",
     .middle_constant = "conv_out", .middle = {"axis", 0, {0}}},
    {"a permutation with one axis twice", {"Transpose", "middle"}, .operator = "Transpose",
     .middle = {"perm", 4, {0, 1, 2, 2}}},
    {"a permutation of two axes", {"Transpose", "middle"}, .operator = "Transpose",
     .middle = {"perm", 2, {1, 0}}},
    {"a permutation of axis 7", {"Transpose", "middle"}, .operator = "Transpose",
     .middle = {"perm", 4, {0, 7, 2, 3}}},
    {"a permutation of axis -1", {"Transpose", "middle"}, .operator = "Transpose",
     .middle = {"perm", 4, {0, -1, 2, 3}}},
    {"a permutation of the images", {"Transpose", "middle"}, .operator = "Transpose",
     .middle = {"perm", 4, {1, 0, 2, 3}}},
    {"flattened at axis 9", {"Flatten", "middle"}, .operator = "Flatten",
     .middle = {"axis", 0, {9}}},
    {"softmax along axis 9", {"Softmax", "middle"}, .operator = "Softmax",
     .middle = {"axis", 0, {9}}},
    {"squeezed along an axis that is long", {"Squeeze", "middle"}, .operator = "Squeeze",
     .middle = {"axes", 1, {1}}},
    {"squeezed along axis 99", {"Squeeze", "middle"}, .operator = "Squeeze",
     .middle = {"axes", 1, {99}}},
    {"unsqueezed at axis 99", {"Unsqueeze", "middle"}, .operator = "Unsqueeze",
     .middle = {"axes", 1, {99}}},
    {"unsqueezed at no axis", .either = true, .operator = "Unsqueeze"},
    {"the mean over axis 9", {"ReduceMean", "middle"}, .operator = "ReduceMean",
     .middle = {"axes", 1, {9}}},
    {"the mean over the images", {"ReduceMean", "middle"}, .operator = "ReduceMean",
     .middle = {"axes", 1, {0}}},
    {"split into parts that do not add up", {"Split", "middle"}, .operator = "Split",
     .middle = {"split", 1, {7}}},
    {"split along axis 9", {"Split", "middle"}, .operator = "Split",
     .middle = {"axis", 0, {9}}},
    {"sliced to nothing", {"Slice", "middle"}, .operator = "Slice", .opset = 9,
     .middle = {"starts", 1, {3}}},
    {"padding without pads", {"Pad", "middle"}, .operator = "Pad", .opset = 9},
    {"padding of 2^62 around a map", {"Pad", "middle"}, .operator = "Pad", .opset = 9,
     .middle = {"pads", 8, {0, 0, INT64_C(1) << 62, 0, 0, 0, 0, 0}}},
    {"padding of the images", {"Pad", "middle"}, .operator = "Pad", .opset = 9,
     .middle = {"pads", 8, {1, 0, 0, 0, 0, 0, 0, 0}}},
    {"padding that leaves nothing", {"Pad", "middle"}, .operator = "Pad", .opset = 9,
     .middle = {"pads", 8, {0, 0, -4, 0, 0, 0, -4, 0}}},
    {"normalisation over no channels", {"LRN", "middle"}, .operator = "LRN",
     .middle = {"size", 0, {0}}},
    {"normalisation over -1 channels", {"LRN", "middle"}, .operator = "LRN",
     .middle = {"size", 0, {-1}}},
    {"normalisation without size", {"LRN", "middle"}, .operator = "LRN"},
    {"a cast to a type that does not exist", {"Cast", "middle"}, .operator = "Cast",
     .middle = {"to", 0, {99}}},
    {"a cast without type", .either = true, .operator = "Cast"},
    {"a constant without value", {"Constant", "middle"}, .operator = "Constant",
     .middle_in = ""},
    {"a reshape without shape", {"Reshape", "middle"}, .operator = "Reshape"},
    {"a reshape by weights", {"Reshape", "middle"}, .operator = "Reshape",
     .middle_constant = "weights"},
    {"a sum of one", {"Add", "middle"}, .operator = "Add"},
    {"a sum with weights of another shape", {"Add", "middle"}, .operator = "Add",
     .middle_constant = "weights"},
    {"a convolution without weights", {"Conv", "middle"}, .operator = "Conv"},
    {"a convolution with its own result as weights", {"Conv", "middle"}, .operator = "Conv",
     .middle_constant = "conv_out"},
    {"a product without matrix", {"MatMul", "middle"}, .operator = "MatMul"},
    {"a dense layer without weights", {"Gemm", "middle"}, .operator = "Gemm"},
    {"a dense layer on a map", {"Gemm", "middle"}, .operator = "Gemm",
     .middle_constant = "head_weights"},
    {"a normalisation without statistics", {"BatchNormalization", "middle"},
     .operator = "BatchNormalization", .middle_constant = "weights"},
    {"slopes of another shape", {"PRelu", "middle"}, .operator = "PRelu",
     .middle_constant = "weights"},
    {"no slopes", {"PRelu", "middle"}, .operator = "PRelu"},
    {"a bound that is no scalar", {"Clip", "middle"}, .operator = "Clip",
     .middle_constant = "weights"},
};

enum { RECIPES = sizeof recipes / sizeof recipes[0] };

static void write_other_files(const char *folder)
{
    static const float numbers[WEIGHTS_BYTES / sizeof(float) + 2] = {0.5f, -0.25f, 0.125f};

    write_file(scratch_path(folder, "weights.bin"), numbers, sizeof numbers);
    assert_int_equal(mkdir(scratch_path(folder, "below"), 0777), 0);
    write_file(scratch_path(folder, "below/weights.bin"), numbers, WEIGHTS_BYTES);
}

static void test_recipe(void **state)
{
    const struct recipe *recipe = *state;
    struct message model = {.size = 0}, graph = {.size = 0}, opset = {.size = 0};
    char *folder = scratch_create();
    struct error error;
    int outcome;

    put_graph(&graph, recipe);
    put_integer(&model, 1, 7);
    put_message(&model, 7, &graph);
    put_integer(&opset, 2, integer_or(recipe->opset, 11));
    if (recipe->opset >= 0)
        put_message(&model, 8, &opset);
    if (recipe->weights_external)
        write_other_files(folder);
    outcome = use_bytes(folder, model.data, model.size, recipe->layer, &error);
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
        cmocka_unit_test(test_not_a_network),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_removed_bytes),
        cmocka_unit_test(test_repeated_bytes),
    };
    struct CMUnitTest liars[RECIPES];
    int failed;

    for (size_t i = 0; i < RECIPES; i++)
        liars[i] = (struct CMUnitTest){.name = recipes[i].what, .test_func = test_recipe,
                                       .initial_state = (void *)(uintptr_t)&recipes[i]};
    failed = cmocka_run_group_tests(whole_files, NULL, NULL);
    return failed + cmocka_run_group_tests(liars, NULL, NULL);
}
