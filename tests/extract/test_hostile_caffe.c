/*
 * Caffe's files damaged, cut off or lying: each is refused with a message that names what is
 * wrong, or works; nothing crashes, reads outside of a file or allocates what a header claims.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "extract/network/network.h"
#include "tests/extract/wire_helpers.h"
#include "tests/helpers.h"

#define FOLDER "tests/extract/golden-caffe/"

enum { MAX_NUMBERS = 1 << 20, FREE_SIZE = 8 };

/* ---- what becomes of two files ---------------------------------------------------------- */

static int run_once(struct network *network, struct error *error)
{
    const struct network_input *input = network_input(network);
    size_t dimension = network_output(network, 0)->dimension;
    float *image, *vector;
    int outcome;

    if (input->channels * input->height * input->width > MAX_NUMBERS || dimension > MAX_NUMBERS)
        return 0;
    image = seeded_images(1, input->channels, input->height, input->width);
    vector = calloc(dimension + 1, sizeof *vector);
    assert_non_null(vector);
    outcome = network_run(network, image, 1, &vector, error);
    for (size_t i = 0; outcome == 0 && i < dimension; i++)
        assert_true(isfinite(vector[i]));
    free(vector);
    free(image);
    return outcome;
}

/* Opens, prepares and runs; `layer` NULL: the bottleneck. A refusal says something, in one line. */
static int use(const char *weights, const char *definition, const char *layer,
               struct error *error)
{
    struct network *network = NULL;
    int outcome;

    error->text[0] = '\0';
    outcome = network_open(weights, definition, &network, error);
    if (outcome == 0) {
        const struct network_input *input = network_input(network);
        size_t usual = network_model(network)->usual_side;
        size_t side = usual > 0 ? usual : FREE_SIZE;

        outcome = network_prepare(network, &(struct network_request){
            .layers = &layer, .layer_count = layer != NULL,
            .height = input->height > 0 ? input->height : side,
            .width = input->width > 0 ? input->width : side, .batch = 1}, error);
    }
    if (outcome == 0)
        outcome = run_once(network, error);
    network_free(network);
    if (outcome < 0) {
        assert_true(strlen(error->text) > 0);
        assert_null(strchr(error->text, '\n'));
    }
    return outcome;
}

static int use_bytes(const char *folder, const struct buffer *weights,
                     const struct buffer *definition, const char *layer, struct error *error)
{
    const char *weights_path = scratch_path(folder, "a.caffemodel");
    const char *definition_path = scratch_path(folder, "a.prototxt");

    /* A file that is written over waits for the disk. */
    remove(weights_path);
    remove(definition_path);
    write_file(weights_path, weights->data, weights->size);
    write_file(definition_path, definition->data, definition->size);
    return use(weights_path, NULL, layer, error);
}

static void read_golden(const char *name, const char *suffix, struct buffer *file)
{
    char path[256];
    struct error error;

    snprintf(path, sizeof path, FOLDER "%s.%s", name, suffix);
    if (file_read(path, 1 << 20, file, NULL, &error) < 0)
        fail_msg("%s", error.text);
}

/* ---- cut off ---------------------------------------------------------------------------- */

/* Their last layer has weights. */
static const char *const victims[] = {"conv_group", "inner_product", "stored_legacy",
                                      "stored_single", "stored_double", "batch_norm",
                                      "scale_bias", "prelu"};

enum { VICTIMS = sizeof victims / sizeof victims[0] };

static void test_weights_cut_off(void **state)
{
    char *folder = scratch_create();
    struct buffer weights = {0}, definition = {0};
    struct error error;

    (void)state;
    for (size_t i = 0; i < VICTIMS; i++) {
        size_t size;

        read_golden(victims[i], "caffemodel", &weights);
        read_golden(victims[i], "prototxt", &definition);
        assert_int_equal(use_bytes(folder, &weights, &definition, "result", &error), 0);
        size = weights.size;
        for (weights.size = 0; weights.size < size;
             weights.size += weights.size < 600 || weights.size + 200 > size ? 1 : 13)
            if (use_bytes(folder, &weights, &definition, "result", &error) == 0)
                fail_msg("%s works with %zu of %zu bytes", victims[i], weights.size, size);
    }
    buffer_release(&weights);
    buffer_release(&definition);
    scratch_remove(folder);
}

/* Without the newline at its end a definition is whole. */
static void test_definition_cut_off(void **state)
{
    static const char *const names[] = {"net_v1", "net_v0", "input_layer", "slice_points"};
    char *folder = scratch_create();
    struct buffer weights = {0}, definition = {0};
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size;

        read_golden(names[i], "caffemodel", &weights);
        read_golden(names[i], "prototxt", &definition);
        assert_int_equal(use_bytes(folder, &weights, &definition, "result", &error), 0);
        size = definition.size;
        for (definition.size = 0; definition.size < size - 1; definition.size++)
            if (use_bytes(folder, &weights, &definition, "result", &error) == 0)
                fail_msg("%s works with %zu of %zu bytes", names[i], definition.size, size);
    }
    buffer_release(&weights);
    buffer_release(&definition);
    scratch_remove(folder);
}

/* ---- damaged ---------------------------------------------------------------------------- */

/* Marsaglia 2003, xorshift with 64 bits; `state` is never 0. */
static size_t random_below(uint64_t *state, size_t limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (size_t)((*state >> 16) % limit);
}

static void damage(struct buffer *file, uint64_t *random)
{
    size_t from = random_below(random, file->size), to = random_below(random, file->size);

    switch (random_below(random, 3)) {
    case 0:
        file->data[from] = (unsigned char)random_below(random, 256);
        break;
    case 1:
        file->data[from] ^= (unsigned char)(1 << random_below(random, 8));
        break;
    default:
        memmove(file->data + to, file->data + from,
                random_below(random, file->size - (from > to ? from : to) + 1));
        break;
    }
}

static void test_damaged(void **state)
{
    static const char *const names[] = {"net_now", "net_v1", "net_v0", "net_residual",
                                        "slice_points", "eltwise_maximum", "reshape",
                                        "scale_by_gate", "lrn_within", "input_layer"};
    enum { ROUNDS = 200 };
    char *folder = scratch_create();
    struct buffer weights = {0}, definition = {0};
    uint64_t random = 0x9e3779b97f4a7c15u;
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int round = 0; round < ROUNDS; round++) {
            read_golden(names[i], "caffemodel", &weights);
            read_golden(names[i], "prototxt", &definition);
            damage(round % 2 ? &weights : &definition, &random);
            use_bytes(folder, &weights, &definition, round % 3 ? "result" : NULL, &error);
        }
    buffer_release(&weights);
    buffer_release(&definition);
    scratch_remove(folder);
}

/* ---- files that lie --------------------------------------------------------------------- */

static const char plain[] =
    "name: 'plain'\n"
    "layer { name: 'in' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 3 dim: 8 "
    "dim: 8 } } }\n"
    "layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv' convolution_param { "
    "num_output: 4 kernel_size: 3 } }\n"
    "layer { name: 'relu' type: 'ReLU' bottom: 'conv' top: 'conv' }\n"
    "layer { name: 'pool' type: 'Pooling' bottom: 'conv' top: 'pool' pooling_param { pool: MAX "
    "kernel_size: 2 stride: 2 } }\n"
    "layer { name: 'head' type: 'InnerProduct' bottom: 'pool' top: 'head' inner_product_param { "
    "num_output: 2 } }\n";

/* What is different from the network above, which works. */
struct lie {
    const char *what;
    const char *from, *to;    /* in the definition; NULL: nothing */
    const char *expected[2];  /* parts of the message; none: the network works */
};

#define MIDDLE(type, rest) \
    "bottom: 'conv' top: 'pool' pooling_param { pool: MAX kernel_size: 2 stride: 2 } }", \
    "bottom: 'conv' top: 'm' pooling_param { kernel_size: 2 stride: 2 } }\n" \
    "layer { name: 'middle' type: '" type "' bottom: 'm' top: 'pool' " rest " }"
#define POOL "pool: MAX kernel_size: 2 stride: 2"
#define CONV "num_output: 4 kernel_size: 3"

static const struct lie lies[] = {
    {"the network as it is", NULL, NULL, {NULL}},
    {"no layers", "layer {", "player {", {"it has no layers"}},
    {"layers of two ages", "layer { name: 'relu'", "layers { name: 'relu'", {"both 'layer'"}},
    {"no input", "type: 'Input'", "type: 'DummyData'", {"no input for images"}},
    {"an input of three lengths", "dim: 1 dim: 3", "dim: 3", {"no input for images"}},
    {"an input of 2^40", "dim: 8 dim: 8", "dim: 8 dim: 1099511627776",
     {"line 2: 'dim' is 1099511627776, out of the range"}},
    {"an input of -1", "dim: 8 dim: 8", "dim: 8 dim: -1", {"line 2: 'dim' is -1"}},
    {"an input of two channels", "dim: 3 dim: 8", "dim: 2 dim: 8",
     {"Convolution 'conv'", "blob 0 is 4x3x3x3 in the .caffemodel, its definition asks for "
      "4x2x3x3"}},
    {"no type", "type: 'ReLU'", "", {"line 4: its layer 'relu' has no type"}},
    {"a type that does not exist", "'ReLU'", "'Nonsense'",
     {"Nonsense 'relu'", "not supported"}},
    {"a type in capitals", "'ReLU'", "RELU", {NULL}},
    {"a bottom that nobody writes", "bottom: 'pool' top: 'head'", "bottom: 'nobody' top: 'head'",
     {"InnerProduct 'head'", "its input 'nobody' is written by no layer"}},
    {"a cycle", "bottom: 'data' top: 'conv'", "bottom: 'pool' top: 'conv'",
     {"its input 'pool' is written by no layer before it"}},
    {"a layer that reads itself", "bottom: 'conv' top: 'pool'", "bottom: 'pool' top: 'pool'",
     {"its input 'pool' is written by no layer before it"}},
    {"two layers that write one blob", "name: 'relu' type: 'ReLU' bottom: 'conv' top: 'conv'",
     "name: 'relu' type: 'ReLU' bottom: 'data' top: 'conv'",
     {"line 4: ReLU 'relu'", "writes 'conv', which another layer has written"}},
    {"a result of the name of the input", "bottom: 'conv' top: 'pool'",
     "bottom: 'conv' top: 'data'", {"writes 'data'"}},
    {"no result", "bottom: 'pool' top: 'head'", "bottom: 'pool'", {NULL}},
    {"a layer in the dark", "name: 'conv' type: 'Conv", "name: 'dark' type: 'Conv",
     {"Convolution 'dark'", "the .caffemodel has no weights for it"}},
    {"a head in the dark", "name: 'head'", "name: 'dark'",
     {"InnerProduct 'dark'", "the .caffemodel has no weights for it"}},

    {"a convolution without kernel", CONV, "num_output: 4", {"'conv'", "'kernel_size' is missing"}},
    {"a convolution without outputs", CONV, "kernel_size: 3",
     {"'conv'", "'num_output' is missing"}},
    {"a convolution of other outputs", CONV, "num_output: 5 kernel_size: 3",
     {"4x3x3x3", "5x3x3x3"}},
    {"a convolution of another kernel", CONV, "num_output: 4 kernel_size: 2",
     {"4x3x3x3", "4x3x2x2"}},
    {"a kernel of 0", CONV, "num_output: 4 kernel_size: 0", {"'kernel_size' is 0"}},
    {"a kernel of three lengths", CONV, "num_output: 4 kernel_size: [3, 3, 3]",
     {"'kernel_size' stands too often"}},
    {"a kernel said twice", CONV, "num_output: 4 kernel_size: 3 kernel_h: 3",
     {"'kernel_size' stands too often"}},
    {"a kernel that is a word", CONV, "num_output: 4 kernel_size: three",
     {"line 3: 'kernel_size' is three, not a whole number"}},
    {"a stride of 0", CONV, CONV " stride: 0", {"'stride' is 0"}},
    {"a stride of -1", CONV, CONV " stride: -1", {"'stride' is -1"}},
    {"a dilation of 0", CONV, CONV " dilation: 0", {"'dilation' is 0"}},
    {"a dilation beyond the image", CONV, CONV " dilation: 16384", {"does not fit"}},
    {"a padding of 2^40", CONV, CONV " pad: 1099511627776", {"'pad' is 1099511627776"}},
    {"two groups of three channels", CONV, CONV " group: 2", {"cannot be split into 2 groups"}},
    {"no groups", CONV, CONV " group: 0", {"'group' is 0"}},
    {"outputs said twice", CONV, CONV " num_output: 4", {"line 3: 'num_output' stands twice"}},
    {"parameters said twice", CONV " }", CONV " } convolution_param { pad: 1 }", {NULL}},
    {"another axis", CONV, CONV " axis: 2", {"'axis' is 2"}},
    {"a bias that is not there", "bottom: 'data' top: 'conv' convolution_param { " CONV,
     "bottom: 'data' top: 'conv' convolution_param { bias_term: maybe " CONV,
     {"'bias_term' is maybe, not true or false"}},

    {"a pooling without kernel", POOL, "pool: MAX", {"Pooling 'pool'", "'kernel_size' is missing"}},
    {"a pooling of a method that does not exist", POOL, "pool: MIN kernel_size: 2",
     {"'pool' is MIN"}},
    {"a stochastic pooling", POOL, "pool: STOCHASTIC kernel_size: 2", {"stochastic"}},
    {"a pooling whose padding is its window", POOL, POOL " pad: 2", {"padding is as large"}},
    {"a pooling larger than its map", POOL, "kernel_size: 9", {"Pooling 'pool'", "does not fit"}},
    {"a pooling whose last window is outside", POOL, "kernel_size: 1 stride: 4",
     {"its last window lies outside of its input"}},
    {"a pooling with a kernel of 2^31", POOL, "kernel_size: 2147483648", {"'kernel_size'"}},

    {"an inner product of other numbers", POOL, "pool: MAX kernel_size: 3 stride: 3",
     {"InnerProduct 'head'", "2x36 in the .caffemodel, its definition asks for 2x16"}},
    {"an inner product without outputs", "num_output: 2", "", {"'head'", "'num_output'"}},

    {"a slice at no place", MIDDLE("Slice", "slice_param { slice_point: 9 }"), {"'slice_point'"}},
    {"a slice into parts that do not fit", MIDDLE("Slice", "top: 'x' top: 'y'"),
     {"cannot be cut into 3 results"}},
    {"a slice that goes back", MIDDLE("Slice", "top: 'x' top: 'y' slice_param { "
                                      "slice_point: 2 slice_point: 1 }"), {"'slice_point' is 1"}},
    {"a slice along the images", MIDDLE("Slice", "slice_param { axis: 0 }"), {"axis 0"}},
    {"a concatenation along axis 7", MIDDLE("Concat", "concat_param { axis: 7 }"), {"axis 7"}},
    {"a concatenation of what is not there", MIDDLE("Concat", "bottom: 'x'"), {"'x'"}},
    {"a reshape to nothing", MIDDLE("Reshape", "reshape_param { shape { dim: 0 dim: 7 } }"),
     {"cannot make"}},
    {"a reshape that leaves two open", MIDDLE("Reshape", "reshape_param { shape { dim: -1 "
                                              "dim: -1 } }"), {"more than one length open"}},
    {"a reshape that mixes images", MIDDLE("Reshape", "reshape_param { shape { dim: 2 dim: -1 } }"),
     {"images apart"}},
    {"a reshape of ten dimensions", MIDDLE("Reshape", "reshape_param { shape { dim: [1, 1, 1, 1, "
                                           "1, 1, 1, 1, 1, -1] } }"), {"too many dimensions"}},
    {"a reshape that copies what is not there",
     MIDDLE("Reshape", "reshape_param { shape { dim: [1, 1, 1, 1, 0] } }"), {"copies an axis"}},
    {"a reshape that overflows", MIDDLE("Reshape", "reshape_param { shape { dim: 1 dim: 268435456 "
                                        "dim: 268435456 dim: 268435456 dim: -1 } }"),
     {"Reshape 'middle'", "too large"}},
    {"flattened at axis 9", MIDDLE("Flatten", "flatten_param { axis: 8 }"), {"axis 8"}},
    {"softmax along the width", MIDDLE("Softmax", "softmax_param { axis: 3 }"), {"channels only"}},
    {"normalisation over an even number", MIDDLE("LRN", "lrn_param { local_size: 4 }"),
     {"'local_size' is 4, not an odd number"}},
    {"normalisation over no channels", MIDDLE("LRN", "lrn_param { local_size: 0 }"),
     {"'local_size' is 0"}},
    {"a batch norm without statistics", MIDDLE("BatchNorm", ""), {"BatchNorm 'middle'",
                                                                  "no weights"}},
    {"a sum with another shape", MIDDLE("Eltwise", "bottom: 'data'"), {"its inputs are"}},
    {"a sum with one coefficient", MIDDLE("Eltwise", "bottom: 'm' eltwise_param { coeff: 1 }"),
     {"1 coefficients for 2 inputs"}},
    {"a product with coefficients",
     MIDDLE("Eltwise", "bottom: 'm' eltwise_param { operation: PROD coeff: 1 coeff: 1 }"),
     {"2 coefficients"}},
    {"a scale with a map that does not fit", MIDDLE("Scale", "bottom: 'data'"),
     {"second input does not fit"}},
    {"an axpy of one input", MIDDLE("Axpy", ""), {"its input 1 is missing"}},
    {"channels that do not shuffle",
     MIDDLE("ShuffleChannel", "shuffle_channel_param { group: 3 }"), {"3 groups"}},
    {"a layer without inputs to drop out", "bottom: 'conv' top: 'pool'", "top: 'pool'",
     {"its input 'pool' is written by no layer"}},
};

enum { LIES = sizeof lies / sizeof lies[0] };

static void put_floats(struct message *layer, const int64_t *shape, size_t rank, size_t count)
{
    struct message blob = {.size = 0}, dims = {.size = 0};
    float values[128];

    assert_true(count <= sizeof values / sizeof values[0]);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)i / 16;
    for (size_t i = 0; i < rank; i++)
        put_integer(&dims, 1, shape[i]);
    put_message(&blob, 7, &dims);
    put_bytes(&blob, 5, values, count * sizeof values[0]);
    put_message(layer, 7, &blob);
}

static void put_layer(struct message *net, const char *name, const int64_t *shape, size_t rank,
                      size_t count)
{
    struct message layer = {.size = 0};

    put_text(&layer, 1, name);
    put_text(&layer, 2, "anything");
    put_floats(&layer, shape, rank, count);
    put_floats(&layer, shape, 1, (size_t)shape[0]);
    put_message(net, 100, &layer);
}

static void put_plain(struct message *net)
{
    put_text(net, 1, "plain");
    put_layer(net, "conv", (int64_t[]){4, 3, 3, 3}, 4, 108);
    put_layer(net, "head", (int64_t[]){2, 36}, 2, 72);
}

/* The definition with one place changed; the test fails when it is not there. */
static void write_definition(const char *path, const char *from, const char *to)
{
    const char *at = from != NULL ? strstr(plain, from) : NULL;
    char text[4096];

    assert_true((from == NULL) == (at == NULL));
    if (from != NULL && strcmp(from, "layer {") == 0) {
        snprintf(text, sizeof text, "player { name: 'x' }");
        at = NULL;
    } else if (at == NULL) {
        snprintf(text, sizeof text, "%s", plain);
    } else {
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - plain), plain, to,
                 at + strlen(from));
    }
    write_file(path, text, strlen(text));
}

static void check_message(int outcome, const struct error *error, const char *const expected[2])
{
    if (expected[0] == NULL && outcome < 0)
        fail_msg("refused: %s", error->text);
    if (expected[0] != NULL && outcome == 0)
        fail_msg("not refused");
    for (size_t i = 0; i < 2 && expected[i] != NULL; i++)
        if (strstr(error->text, expected[i]) == NULL)
            fail_msg("the message does not say '%s': %s", expected[i], error->text);
}

/* Unless what is wrong is meant to lie behind the cut, the head is asked for. */
static void test_lie(void **state)
{
    const struct lie *lie = *state;
    char *folder = scratch_create();
    struct message net = {.size = 0};
    const char *weights = scratch_path(folder, "a.caffemodel");
    struct error error;
    int outcome;

    put_plain(&net);
    write_file(weights, net.data, net.size);
    write_definition(scratch_path(folder, "a.prototxt"), lie->from, lie->to);
    outcome = use(weights, NULL, lie->expected[0] != NULL ? "head" : NULL, &error);
    scratch_remove(folder);
    check_message(outcome, &error, lie->expected);
}

/* ---- weights that lie ------------------------------------------------------------------- */

typedef void put_function(struct message *net);

static void put_twice(struct message *net)
{
    put_plain(net);
    put_layer(net, "conv", (int64_t[]){4, 3, 3, 3}, 4, 108);
}

static void put_no_bias(struct message *net)
{
    struct message layer = {.size = 0};

    put_text(&layer, 1, "conv");
    put_floats(&layer, (int64_t[]){4, 3, 3, 3}, 4, 108);
    put_message(net, 100, &layer);
}

static void put_short(struct message *net)
{
    struct message layer = {.size = 0};

    put_text(&layer, 1, "conv");
    put_floats(&layer, (int64_t[]){4, 3, 3, 3}, 4, 107);
    put_message(net, 100, &layer);
}

static void put_negative(struct message *net)
{
    struct message layer = {.size = 0};

    put_text(&layer, 1, "conv");
    put_floats(&layer, (int64_t[]){-4, -3, 3, 1}, 4, 108);
    put_message(net, 100, &layer);
}

static void put_wrapping(struct message *net)
{
    struct message layer = {.size = 0};

    put_text(&layer, 1, "conv");
    put_floats(&layer, (int64_t[]){INT64_C(1) << 32, INT64_C(1) << 32, 1, 1}, 4, 0);
    put_message(net, 100, &layer);
}

static void put_many_dimensions(struct message *net)
{
    struct message layer = {.size = 0};

    put_text(&layer, 1, "conv");
    put_floats(&layer, (int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1}, 9, 1);
    put_message(net, 100, &layer);
}

/* A layer that says it has 2^63 bytes. */
static void put_huge_length(struct message *net)
{
    put_plain(net);
    put_varint(net, 100 << 3 | BYTES);
    put_varint(net, UINT64_C(1) << 63);
}

static void put_group(struct message *net)
{
    put_plain(net);
    put_varint(net, 9 << 3 | 3);
}

static void put_nothing(struct message *net)
{
    put_text(net, 1, "plain");
}

static void put_unnamed(struct message *net)
{
    struct message layer = {.size = 0};

    put_plain(net);
    put_floats(&layer, (int64_t[]){1}, 1, 1);
    put_message(net, 100, &layer);
}

static void test_bad_weights(void **state)
{
    static const struct {
        put_function *put;
        const char *expected[2];
    } cases[] = {
        {put_plain, {NULL}},
        {put_unnamed, {NULL}},
        {put_twice, {"weights for two layers 'conv'"}},
        {put_no_bias, {"Convolution 'conv'", "1 blobs for it, blob 1 is missing"}},
        {put_short, {"layer 'conv': its blob 0", "107 numbers, its shape asks for 108"}},
        {put_negative, {"layer 'conv': its blob 0", "dimension"}},
        {put_wrapping, {"layer 'conv': its blob 0", "dimension"}},
        {put_many_dimensions, {"layer 'conv': its blob 0", "8 dimensions"}},
        {put_huge_length, {"damaged or cut off behind layer 'head'"}},
        {put_group, {"damaged or cut off behind layer 'head'"}},
        {put_nothing, {"not a network"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = scratch_create();
        struct message net = {.size = 0};
        const char *weights = scratch_path(folder, "a.caffemodel");
        struct error error;

        cases[i].put(&net);
        write_file(weights, net.data, net.size);
        write_definition(scratch_path(folder, "a.prototxt"), NULL, NULL);
        check_message(use(weights, NULL, cases[i].expected[0] != NULL ? "head" : NULL, &error),
                      &error, cases[i].expected);
        scratch_remove(folder);
    }
}

/* ---- much of something ------------------------------------------------------------------ */

/* `count` times `part` behind the plain definition; %zu in it becomes the number. */
static void write_many(const char *path, size_t count, const char *part)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(plain, file);
    for (size_t i = 0; i < count; i++) {
        const char *mark = strchr(part, '@');

        fprintf(file, "%.*s%zu%s\n", (int)(mark - part), part, i, mark + 1);
    }
    assert_int_equal(fclose(file), 0);
}

/* What would take memory or time without bounds is refused, or is done in little. */
static void test_many(void **state)
{
    static const struct {
        const char *part;
        size_t count;
        const char *expected[2];
    } cases[] = {
        {"layer { name: 'l@' type: 'ReLU' bottom: 'conv' top: 'conv' }", 20000,
         {"more than 16384 layers"}},
        {"layer { name: 'l@' type: 'Concat' bottom: 'conv' bottom: 'conv' top: 'conv' }", 200,
         {"Concat 'l", "too large"}},
        {"layer { name: 'l@' type: 'Power' bottom: 'conv' top: 'conv' power_param { scale: 2 } } "
         "layer { name: 'm' type: 'Power' bottom: 'conv' top: 'conv' power_param { scale: 2 } } "
         "layer { name: 'k' type: 'Concat' bottom: 'conv' bottom: 'conv' top: 'conv' }", 24,
         {"too many channels"}},
        {"input: 'i@'", 20000, {"more than 16 inputs"}},
        {"state { stage: 's@' }", 5000, {NULL}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = scratch_create();
        struct message net = {.size = 0};
        const char *weights = scratch_path(folder, "a.caffemodel");
        struct error error;

        put_plain(&net);
        write_file(weights, net.data, net.size);
        write_many(scratch_path(folder, "a.prototxt"), cases[i].count, cases[i].part);
        check_message(use(weights, NULL, "conv", &error), &error, cases[i].expected);
        scratch_remove(folder);
    }
}

int main(void)
{
    static const struct CMUnitTest whole_files[] = {
        cmocka_unit_test(test_weights_cut_off),
        cmocka_unit_test(test_definition_cut_off),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_bad_weights),
        cmocka_unit_test(test_many),
    };
    struct CMUnitTest tests[LIES];
    int failed;

    for (size_t i = 0; i < LIES; i++)
        tests[i] = (struct CMUnitTest){.name = lies[i].what, .test_func = test_lie,
                                       .initial_state = (void *)(uintptr_t)&lies[i]};
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(whole_files, NULL, NULL);
}
