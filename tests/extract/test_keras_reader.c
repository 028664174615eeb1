/*
 * The Keras reader on files that the test writes: the architectures behind weights alone, the
 * preprocessing that belongs to a model, and models that are damaged, lie, or hold what is not
 * supported: an error that names the layer.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"
#include "extract/network/network.h"
#include "tests/extract/hdf5_writer.h"
#include "tests/extract/zip_writer.h"
#include "tests/helpers.h"

#ifdef HAVE_HDF5

#define GOLDEN "tests/extract/golden-keras/"

/* ---- weights alone ---------------------------------------------------------------------- */

struct expectation {
    const char *network, *title, *rule;
    const char *layer;  /* where it is cut, with 64 pixels; NULL: opened only */
    size_t dimension;
};

/* Those that are read have the fewest weights. */
static const struct expectation expectations[] = {
    {"vgg16", "VGG-16 (Keras)", "keras-caffe", NULL, 0},
    {"vgg19", "VGG-19 (Keras)", "keras-caffe", NULL, 0},
    {"resnet50", "ResNet-50 (Keras)", "keras-caffe", NULL, 0},
    {"resnet50-old", "ResNet-50 (Keras before 2.2.5)", "keras-caffe", NULL, 0},
    {"resnet101", "ResNet-101 (Keras)", "keras-caffe", NULL, 0},
    {"resnet50v2", "ResNet-50 v2 (Keras)", "keras-tf", NULL, 0},
    {"inception_v3", "Inception v3 (Keras)", "keras-tf,crop=299", NULL, 0},
    {"mobilenet_0.25", "MobileNet v1, width 0.25 (Keras)", "keras-tf", "global_average_pooling2d",
     256},
    {"mobilenet_v2_0.35", "MobileNet v2, width 0.35 (Keras)", "keras-tf",
     "global_average_pooling2d", 1280},
    {"mobilenet_v2_1.4", "MobileNet v2, width 1.4 (Keras)", "keras-tf", NULL, 0},
    {"densenet121", "DenseNet-121 (Keras)", "keras-torch", "avg_pool", 1024},
    {"squeezenet1.1", "SqueezeNet 1.1 (Keras)", "keras-caffe,crop=227", "fire9/concat", 512},
};

/* One weight of architectures.tsv. */
struct row {
    char layer[256], name[256];
    int rank;
    hsize_t shape[4];
};

static bool read_row(char *line, struct row *row)
{
    char *shape = strchr(line, '\t');

    if (shape == NULL)
        return false;
    *shape++ = '\0';
    *row = (struct row){.rank = 0};
    snprintf(row->name, sizeof row->name, "%s", line);
    snprintf(row->layer, sizeof row->layer, "%.*s", (int)(strrchr(line, '/') - line), line);
    while (*shape >= '0' && *shape <= '9') {
        row->shape[row->rank++] = strtoul(shape, &shape, 10);
        shape += *shape == 'x';
    }
    return true;
}

/* What is done to a file of weights before it is written. */
struct change {
    const char *drop;    /* a weight that is left out */
    const char *resize;  /* one whose first dimension is one larger */
    const char *add;     /* a layer with a bias that is there besides */
};

enum { MAX_NAMES = 1024 };

/* The names of the layers, in their order. */
struct names_list {
    char texts[MAX_NAMES][256];
    const char *items[MAX_NAMES];
    size_t count;
};

static void add_row(hid_t file, const struct row *row, const struct change *change,
                    struct names_list *layers)
{
    char path[1024];
    hsize_t shape[4];
    hid_t group;
    size_t count;

    if (change->drop != NULL && strcmp(change->drop, row->name) == 0)
        return;
    memcpy(shape, row->shape, sizeof shape);
    if (change->resize != NULL && strcmp(change->resize, row->name) == 0)
        shape[0]++;
    snprintf(path, sizeof path, "%s/%s", row->layer, row->name);
    hdf5_writer_floats(file, path, row->rank, shape, NULL);
    count = layers->count;
    if (count == 0 || strcmp(layers->items[count - 1], row->layer) != 0) {
        assert_true(count < MAX_NAMES);
        snprintf(layers->texts[count], sizeof layers->texts[count], "%s", row->layer);
        layers->items[count] = layers->texts[count];
        layers->count++;
    }
    /* The names of the weights so far, as one list that grows. */
    group = H5Gopen2(file, row->layer, H5P_DEFAULT);
    for (count = 0; count < 8; count++) {
        char name[32];

        snprintf(name, sizeof name, "weight_names%zu", count);
        if (H5Aexists(group, name) > 0)
            continue;
        hdf5_writer_texts(file, row->layer, name, (const char *const[]){row->name}, 1);
        break;
    }
    H5Gclose(group);
}

/* A file of zeros with the weights of a network of architectures.tsv. */
static void write_weights(const char *path, const char *network, const struct change *change)
{
    FILE *table = fopen(GOLDEN "architectures.tsv", "r");
    struct names_list *layers = calloc(1, sizeof *layers);
    hid_t file = hdf5_writer_create(path);
    char line[256];
    bool wanted = false;
    struct row row;

    assert_non_null(table);
    assert_non_null(layers);
    while (fgets(line, sizeof line, table) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '=')
            wanted = strcmp(line + 2, network) == 0;
        else if (wanted && read_row(line, &row))
            add_row(file, &row, change, layers);
    }
    if (change->add != NULL) {
        row = (struct row){.rank = 1, .shape = {3}};
        snprintf(row.layer, sizeof row.layer, "%s", change->add);
        snprintf(row.name, sizeof row.name, "%s/bias:0", change->add);
        add_row(file, &row, &(struct change){0}, layers);
    }
    assert_true(layers->count > 0);
    hdf5_writer_texts(file, "/", "layer_names", layers->items, layers->count);
    H5Fclose(file);
    fclose(table);
    free(layers);
}

static void test_architectures(void **state)
{
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "weights.h5");

    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expectation *expected = &expectations[i];
        struct network *network;
        struct error error;

        write_weights(path, expected->network, &(struct change){0});
        if (network_open(path, NULL, &network, &error) < 0)
            fail_msg("%s: %s", expected->network, error.text);
        assert_string_equal(network_model(network)->architecture, expected->title);
        assert_string_equal(network_model(network)->preprocess, expected->rule);
        assert_int_equal(network_input(network)->channels, 3);
        assert_int_equal(network_input(network)->height, 0);
        if (expected->layer != NULL) {
            if (network_prepare(network, &(struct network_request){
                    .height = 64, .width = 64, .batch = 1}, &error) < 0)
                fail_msg("%s: %s", expected->network, error.text);
            assert_string_equal(network_output(network, 0)->layer, expected->layer);
            assert_int_equal(network_output(network, 0)->dimension, expected->dimension);
        }
        network_free(network);
    }
    scratch_remove(folder);
}

static void test_nearest(void **state)
{
    static const struct {
        struct change change;
        const char *expected[2];
    } cases[] = {
        {{.drop = "conv_dw_5/depthwise_kernel:0"},
         {"nearest is MobileNet v1", "'conv_dw_5/kernel' (64x1x3x3) is missing"}},
        {{.drop = "conv_pw_5_bn/beta:0"}, {"nearest is MobileNet v1", "conv_pw_5_bn"}},
        {{.resize = "conv_pw_3/kernel:0"}, {"nearest is MobileNet v1", "conv_pw_3/kernel:0"}},
        {{.add = "my_layer"}, {"nearest is MobileNet v1", "it has no 'my_layer/my_layer/bias:0'"}},
    };
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "weights.h5");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct network *network;
        struct error error;

        write_weights(path, "mobilenet_0.25", &cases[i].change);
        assert_int_equal(network_open(path, NULL, &network, &error), FAILED);
        for (size_t j = 0; j < 2; j++)
            if (strstr(error.text, cases[i].expected[j]) == NULL)
                fail_msg("'%s' does not say '%s'", error.text, cases[i].expected[j]);
    }
    scratch_remove(folder);
}

/* A narrow MobileNet, in the newer of HDF5's formats. */
static void test_weights_alone(void **state)
{
    struct network *network;
    struct npy expected;
    struct error error;
    float *images = seeded_images(2, 3, 64, 64), *vectors;

    (void)state;
    if (npy_read(GOLDEN "weights/mobilenet.out.npy", &expected, &error) < 0 ||
        network_open(GOLDEN "weights/mobilenet.h5", NULL, &network, &error) < 0 ||
        network_prepare(network, &(struct network_request){
            .height = 64, .width = 64, .batch = 2}, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(network_model(network)->architecture,
                        "MobileNet v1, width 0.0625 (Keras)");
    vectors = calloc(expected.count, sizeof *vectors);
    assert_non_null(vectors);
    assert_int_equal(network_run(network, images, 2, &vectors, &error), 0);
    assert_true(relative_error(vectors, expected.data, expected.count) <= 1e-5);
    free(vectors);
    free(images);
    npy_release(&expected);
    network_free(network);
}

/* ---- models of the test's own ----------------------------------------------------------- */

enum { TEXT = 1 << 18 };

/* JSON is written with ' for ". */
static void to_json(char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\'')
            *text = '"';
}

#define LAYER(class, name, config, inbound) \
    "{'class_name':'" class "','config':{'name':'" name "'" config "},'name':'" name "'," \
    "'inbound_nodes':" inbound "}"
#define FROM(name) "[[['" name "',0,0,{}]]]"
#define IMAGE LAYER("InputLayer", "image", ",'batch_input_shape':[null,8,8,3]", "[]")
#define CONV(from) LAYER("Conv2D", "conv", ",'filters':4,'kernel_size':[3,3],'strides':[1,1]," \
    "'padding':'same','data_format':'channels_last','activation':'relu'", from)
#define POOL(from) LAYER("GlobalAveragePooling2D", "pool", "", from)
#define DENSE(from) LAYER("Dense", "dense", ",'units':5,'activation':'softmax'", from)
#define MODEL(layers, input, output) \
    "{'class_name':'Functional','config':{'name':'model','layers':[" layers "]," \
    "'input_layers':[['" input "',0,0]],'output_layers':[['" output "',0,0]]}}"
#define SEQUENCE(layers) \
    "{'class_name':'Sequential','config':{'name':'model','layers':[" layers "]}}"

/* The weights that the models above have: conv 3x3x3x4 and 4, dense 4x5 and 5. */
static void write_model(const char *path, const char *config, bool weights)
{
    static const char *const layers[] = {"image", "conv", "pool", "dense"};
    static const char *const conv[] = {"conv/kernel:0", "conv/bias:0"};
    static const char *const dense[] = {"dense/kernel:0", "dense/bias:0"};
    hid_t file = hdf5_writer_create(path);
    char *text = strdup(config);
    float *numbers = seeded_numbers(200, 1);

    assert_non_null(text);
    to_json(text);
    hdf5_writer_text(file, "/", "model_config", text);
    hdf5_writer_text(file, "/", "keras_version", "2.4.0");
    hdf5_writer_group(file, "model_weights/image");
    hdf5_writer_group(file, "model_weights/pool");
    hdf5_writer_group(file, "model_weights/conv");
    hdf5_writer_group(file, "model_weights/dense");
    hdf5_writer_texts(file, "model_weights", "layer_names", layers, 4);
    if (weights) {
        hdf5_writer_floats(file, "model_weights/conv/conv/kernel:0", 4,
                           (const hsize_t[]){3, 3, 3, 4}, numbers);
        hdf5_writer_floats(file, "model_weights/conv/conv/bias:0", 1, (const hsize_t[]){4},
                           numbers);
        hdf5_writer_floats(file, "model_weights/dense/dense/kernel:0", 2,
                           (const hsize_t[]){4, 5}, numbers);
        hdf5_writer_floats(file, "model_weights/dense/dense/bias:0", 1, (const hsize_t[]){5},
                           numbers);
        hdf5_writer_texts(file, "model_weights/conv", "weight_names", conv, 2);
        hdf5_writer_texts(file, "model_weights/dense", "weight_names", dense, 2);
    }
    H5Fclose(file);
    free(numbers);
    free(text);
}

/* Opens, prepares and runs a model for its bottleneck. */
static int use_file(const char *path, struct error *error)
{
    struct network *network = NULL;
    float *image = seeded_images(1, 3, 8, 8), *vector;
    int outcome = FAILED;

    error->text[0] = '\0';
    if (network_open(path, NULL, &network, error) < 0)
        goto out;
    if (network_input(network)->height != 0 && network_input(network)->height != 8)
        goto out;
    if (network_prepare(network, &(struct network_request){
            .height = 8, .width = 8, .batch = 1}, error) < 0)
        goto out;
    vector = calloc(network_output(network, 0)->dimension + 1, sizeof *vector);
    assert_non_null(vector);
    outcome = network_run(network, image, 1, &vector, error);
    free(vector);
out:
    network_free(network);
    free(image);
    return outcome;
}

struct recipe {
    const char *what, *config;
    bool weightless;
    const char *expected[2];  /* parts of the message; NULL: it works */
};

#define GOOD IMAGE "," CONV(FROM("image")) "," POOL(FROM("conv")) "," DENSE(FROM("pool"))

static const struct recipe recipes[] = {
    {"a model", MODEL(GOOD, "image", "dense"), false, {NULL}},
    {"layers in the reverse order",
     MODEL(DENSE(FROM("pool")) "," POOL(FROM("conv")) "," CONV(FROM("image")) "," IMAGE,
           "image", "dense"), false, {NULL}},
    {"a lambda behind the cut",
     MODEL(GOOD "," LAYER("Lambda", "softer", ",'function':['4wE=',null,null]", FROM("dense")),
           "image", "softer"), false, {NULL}},
    {"a lambda before the cut",
     MODEL(IMAGE "," LAYER("Lambda", "scaled", ",'function':['4wE=',null,null]", FROM("image")) ","
           CONV(FROM("scaled")) "," POOL(FROM("conv")) "," DENSE(FROM("pool")), "image", "dense"),
     false, {"Lambda 'scaled'", "not supported"}},
    {"a layer of the user's", MODEL(IMAGE "," LAYER("Attention2D", "mine", "", FROM("image")) ","
                                    CONV(FROM("mine")), "image", "conv"),
     false, {"Attention2D 'mine'", NULL}},
    {"no weights", MODEL(GOOD, "image", "dense"), true, {"Conv2D 'conv'", "weights"}},
    {"two layers that wait for each other",
     MODEL(IMAGE "," LAYER("Add", "sum", "", "[[['image',0,0,{}],['conv',0,0,{}]]]") ","
           CONV(FROM("sum")), "image", "conv"), false, {"output 'conv'", NULL}},
    {"a layer that waits for itself", MODEL(IMAGE "," CONV(FROM("conv")), "image", "conv"), false,
     {"output 'conv'", NULL}},
    {"a layer that is not there", MODEL(IMAGE "," CONV(FROM("imago")), "image", "conv"), false,
     {"output 'conv'", NULL}},
    {"an output that is not there", MODEL(GOOD, "image", "nowhere"), false,
     {"output 'nowhere'", NULL}},
    {"the second result of a layer",
     "{'class_name':'Model','config':{'name':'m','layers':[" GOOD "],'input_layers':"
     "[['image',0,0]],'output_layers':[['dense',0,1]]}}", false, {"output 'dense'", NULL}},
    {"two layers of one name", MODEL(IMAGE "," CONV(FROM("image")) "," CONV(FROM("image")),
                                     "image", "conv"), false, {"two layers 'conv'", NULL}},
    {"a reference that is none", MODEL(IMAGE "," CONV("[[[1,2,3]]]"), "image", "conv"), false,
     {"layer 'conv'", "input 0"}},
    {"a call below zero", MODEL(IMAGE "," CONV("[[['image',-1,0,{}]]]"), "image", "conv"), false,
     {"layer 'conv'", "input 0"}},
    {"two inputs",
     "{'class_name':'Model','config':{'name':'m','layers':[" GOOD ","
     LAYER("InputLayer", "other", ",'batch_input_shape':[null,8,8,3]", "[]") "],"
     "'input_layers':[['image',0,0],['other',0,0]],'output_layers':[['dense',0,0]]}}", false,
     {"more inputs", NULL}},
    {"no layers", MODEL("", "image", "dense"), false, {"does not take images", NULL}},
    {"no model", "{'class_name':'Dense','config':{'units':3}}", false,
     {"not that of a model", "Dense"}},
    {"a list", "[1,2,3]", false, {"not that of a model", NULL}},
    {"no JSON", "{'class_name':", false, {"configuration", "not valid"}},
    {"vectors instead of images",
     SEQUENCE(LAYER("InputLayer", "image", ",'batch_input_shape':[null,100]", "[]")), false,
     {"'image'", "2 dimensions, not 4"}},
    {"images without channels",
     SEQUENCE(LAYER("InputLayer", "image", ",'batch_input_shape':[null,8,8,null]", "[]")), false,
     {"channels", NULL}},
    {"images of a negative size",
     SEQUENCE(LAYER("InputLayer", "image", ",'batch_input_shape':[null,-8,8,3]", "[]")), false,
     {"side of -8", NULL}},
    {"images of an absurd size",
     SEQUENCE(LAYER("InputLayer", "image", ",'batch_input_shape':[null,8,9223372036854775807,3]",
                    "[]")), false, {"side of 9223372036854775807", NULL}},
    {"a stride of zero",
     SEQUENCE(IMAGE "," LAYER("MaxPooling2D", "max", ",'strides':0,'padding':'valid'", "[]")),
     false, {"MaxPooling2D 'max'", "'strides' is 0"}},
    {"a padding of 2^63",
     SEQUENCE(IMAGE "," LAYER("ZeroPadding2D", "pad", ",'padding':9223372036854775807", "[]")),
     false, {"ZeroPadding2D 'pad'", "'padding' is 9223372036854775807"}},
    {"a padding that is a word",
     SEQUENCE(IMAGE "," LAYER("MaxPooling2D", "max", ",'padding':'causal'", "[]")), false,
     {"MaxPooling2D 'max'", "neither 'same' nor 'valid'"}},
    {"a kernel of another size",
     SEQUENCE(IMAGE "," LAYER("Conv2D", "conv", ",'kernel_size':[5,5],'padding':'same'", "[]")),
     false, {"Conv2D 'conv'", "kernel is 5x5"}},
    {"weights for another input",
     SEQUENCE(LAYER("InputLayer", "image", ",'batch_input_shape':[null,8,8,1]", "[]") ","
              CONV("[]")), false, {"Conv2D 'conv'", "weights are for 3 channels"}},
    {"a window larger than the map",
     SEQUENCE(IMAGE "," LAYER("MaxPooling2D", "max", ",'pool_size':9,'padding':'valid'", "[]")),
     false, {"MaxPooling2D 'max'", "does not fit"}},
    {"a crop that leaves nothing",
     SEQUENCE(IMAGE "," LAYER("Cropping2D", "crop", ",'cropping':4", "[]")), false,
     {"Cropping2D 'crop'", "leaves nothing"}},
    {"a reshape to another number",
     SEQUENCE(IMAGE "," LAYER("Reshape", "shape", ",'target_shape':[7,-1]", "[]")), false,
     {"Reshape 'shape'", "cannot make"}},
    {"a reshape to an absurd size",
     SEQUENCE(IMAGE "," LAYER("Reshape", "shape", ",'target_shape':[4294967296,4294967296,2]",
                              "[]")), false, {"Reshape 'shape'", "too large"}},
    {"a resize inside",
     SEQUENCE(IMAGE "," LAYER("Resizing", "resize", ",'height':224,'width':224", "[]") ","
              CONV("[]")), false, {"Resizing 'resize'", "224x224"}},
    {"an activation of the user's",
     SEQUENCE(IMAGE "," LAYER("Activation", "mine", ",'activation':'snake'", "[]")), false,
     {"Activation 'mine'", "'snake'"}},
    {"both orders of data",
     SEQUENCE(IMAGE "," CONV("[]") "," LAYER("MaxPooling2D", "max",
              ",'padding':'valid','data_format':'channels_first'", "[]")), false,
     {"MaxPooling2D 'max'", "channels first, the model's input has them last"}},
    {"a model that gets no input",
     MODEL(IMAGE ",{'class_name':'Sequential','config':{'name':'inner','layers':[" CONV("[]")
           "]},'name':'inner','inbound_nodes':[[]]}", "image", "inner"), false,
     {"Sequential 'inner'", "gets 0 inputs"}},
    {"a layer that gets no input", MODEL(IMAGE "," CONV("[[]]"), "image", "conv"), false,
     {"Conv2D 'conv'", "has 0 inputs"}},
    {"a sum that gets no input",
     MODEL(IMAGE "," LAYER("Add", "sum", "", "[[]]"), "image", "sum"), false,
     {"Add 'sum'", "has no input"}},
    {"a model that is called twice",
     MODEL(IMAGE ",{'class_name':'Sequential','config':{'name':'inner','layers':["
           POOL("[]") "]},'name':'inner','inbound_nodes':[[['image',0,0,{}]],[['image',0,0,{}]]]},"
           LAYER("Add", "sum", "", "[[['inner',1,0,{}],['inner',2,0,{}]]]"), "image", "sum"),
     false, {"'inner'", "called twice"}},
};

enum { RECIPES = sizeof recipes / sizeof recipes[0] };

static void test_recipe(void **state)
{
    const struct recipe *recipe = *state;
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "model.h5");
    struct error error;
    int outcome;

    write_model(path, recipe->config, !recipe->weightless);
    outcome = use_file(path, &error);
    if (recipe->expected[0] == NULL && outcome < 0)
        fail_msg("refused: %s", error.text);
    if (recipe->expected[0] != NULL && outcome == 0)
        fail_msg("not refused");
    for (size_t i = 0; i < 2 && recipe->expected[i] != NULL; i++)
        if (strstr(error.text, recipe->expected[i]) == NULL)
            fail_msg("the message does not say '%s': %s", recipe->expected[i], error.text);
    if (outcome < 0)
        assert_non_null(strstr(error.text, recipe->expected[0]));
    scratch_remove(folder);
}

/* Models in models, and brackets, deeper than any network has them. */
static void test_depth(void **state)
{
    char *folder = scratch_create(), *config = malloc(TEXT);
    const char *path = scratch_path(folder, "model.h5");
    struct error error;
    size_t used = 0;

    (void)state;
    assert_non_null(config);
    for (size_t i = 0; i < 40; i++)
        used += (size_t)snprintf(config + used, TEXT - used,
                                 "{'class_name':'Sequential','config':{'name':'m%zu','layers':["
                                 "%s", i, i == 0 ? IMAGE "," : "");
    used += (size_t)snprintf(config + used, TEXT - used, POOL("[]"));
    for (size_t i = 0; i < 40; i++)
        used += (size_t)snprintf(config + used, TEXT - used, "]}}");
    write_model(path, config, true);
    assert_int_equal(use_file(path, &error), FAILED);
    assert_non_null(strstr(error.text, "nested deeper than 16"));
    memset(config, '[', 5000);
    memset(config + 5000, ']', 5000);
    config[10000] = '\0';
    write_model(path, config, true);
    assert_int_equal(use_file(path, &error), FAILED);
    assert_non_null(strstr(error.text, "nested deeper"));
    free(config);
    scratch_remove(folder);
}

/* Layers of one name in many models have the same weights: what is made of them is bounded. */
static void test_shared_weights(void **state)
{
    enum { SIDE = 170, MODELS = 120 };
    static const char *const layers[] = {"image", "backbone"};
    static const char *const names[] = {"conv/kernel:0", "conv/bias:0"};
    char *folder = scratch_create(), *config = malloc(TEXT);
    const char *path = scratch_path(folder, "model.h5");
    hid_t file = hdf5_writer_create(path);
    struct network *network;
    struct error error;
    size_t used;

    (void)state;
    assert_non_null(config);
    used = (size_t)snprintf(config, TEXT, "{'class_name':'Sequential','config':[{'class_name':"
                            "'InputLayer','config':{'name':'image','batch_input_shape':"
                            "[null,2,2,%d]}},{'class_name':'Sequential','config':{'name':"
                            "'backbone','layers':[", SIDE);
    for (size_t i = 0; i < MODELS; i++)
        used += (size_t)snprintf(config + used, TEXT - used,
                                 "%s{'class_name':'Sequential','config':{'name':'m%zu','layers':["
                                 CONV("[]") "]}}", i > 0 ? "," : "", i);
    snprintf(config + used, TEXT - used, "]}}]}");
    to_json(config);
    hdf5_writer_text(file, "/", "model_config", config);
    hdf5_writer_group(file, "model_weights/image");
    hdf5_writer_floats(file, "model_weights/backbone/conv/kernel:0", 4,
                       (const hsize_t[]){3, 3, SIDE, SIDE}, NULL);
    hdf5_writer_floats(file, "model_weights/backbone/conv/bias:0", 1, (const hsize_t[]){SIDE},
                       NULL);
    hdf5_writer_texts(file, "model_weights", "layer_names", layers, 2);
    hdf5_writer_texts(file, "model_weights/backbone", "weight_names", names, 2);
    H5Fclose(file);
    assert_int_equal(network_open(path, NULL, &network, &error), 0);
    assert_int_equal(network_prepare(network, &(struct network_request){
        .height = 2, .width = 2, .batch = 1}, &error), FAILED);
    assert_non_null(strstr(error.text, "larger than the file can hold"));
    network_free(network);
    free(config);
    scratch_remove(folder);
}

/* A message says which file. */
static void test_names_the_file(void **state)
{
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "model.h5");
    struct network *network;
    struct error error;
    hid_t file = hdf5_writer_create(path);

    (void)state;
    hdf5_writer_group(file, "measurements");
    H5Fclose(file);
    assert_int_equal(network_open(path, NULL, &network, &error), FAILED);
    assert_non_null(strstr(error.text, path));
    assert_non_null(strstr(error.text, "neither a model nor weights of Keras"));
    assert_int_equal(network_open(GOLDEN "conv2d.h5", "x.prototxt", &network, &error), FAILED);
    assert_non_null(strstr(error.text, "no definition"));
    scratch_remove(folder);
}

/* Cut off after every kilobyte. */
static void test_cut_off(void **state)
{
    static const char *const victims[] = {"nested.h5", "keras3.keras", "keras1_first.h5"};
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "model.h5");
    struct buffer file = {0};
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof victims / sizeof victims[0]; i++) {
        char victim[256];

        snprintf(victim, sizeof victim, GOLDEN "%s", victims[i]);
        assert_int_equal(file_read(victim, 1 << 20, &file, NULL, &error), 0);
        for (size_t size = 1024; size < file.size; size += 1024) {
            struct network *network;

            write_file(path, file.data, size);
            if (network_open(path, NULL, &network, &error) == 0)
                fail_msg("%s opens with %zu of %zu bytes", victims[i], size, file.size);
            assert_non_null(strstr(error.text, path));
        }
    }
    buffer_release(&file);
    scratch_remove(folder);
}

/* ---- Keras 3 ---------------------------------------------------------------------------- */

static void write_archive(const char *path, const char *config, const char *weights)
{
    struct zip_writer zip = {0};
    char *text = strdup(config != NULL ? config : "");
    struct buffer bytes = {0};
    struct error error;

    assert_non_null(text);
    to_json(text);
    if (config != NULL)
        zip_writer_add(&zip, &(struct zip_member){
            .name = "config.json", .data = text, .size = strlen(text)});
    if (weights != NULL) {
        assert_int_equal(file_read(weights, 1 << 20, &bytes, NULL, &error), 0);
        zip_writer_add(&zip, &(struct zip_member){
            .name = "model.weights.h5", .data = bytes.data, .size = bytes.size});
    }
    zip_writer_save(&zip, path);
    buffer_release(&bytes);
    free(text);
}

static void test_archives(void **state)
{
    static const struct {
        const char *config, *weights, *expected;
    } cases[] = {
        {NULL, GOLDEN "conv2d.h5", "it has no 'config.json'"},
        {"{'class_name':", GOLDEN "conv2d.h5", "configuration"},
        {"{}", GOLDEN "conv2d.out.npy", "'model.weights.h5'"},
        {"{}", GOLDEN "conv2d.h5", "not that of a model"},
        {MODEL(GOOD, "image", "dense"), GOLDEN "weights/mobilenet.h5", "Conv2D 'conv'"},
        {"{}", NULL, "not a network in a format that is read here"},
    };
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "model.keras");
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_archive(path, cases[i].config, cases[i].weights);
        assert_int_equal(use_file(path, &error), FAILED);
        if (strstr(error.text, cases[i].expected) == NULL)
            fail_msg("'%s' does not say '%s'", error.text, cases[i].expected);
    }
    scratch_remove(folder);
}

/* ---- preprocessing ---------------------------------------------------------------------- */

static void test_rules(void **state)
{
    static const struct {
        const char *config, *rule;
    } cases[] = {
        {MODEL(GOOD, "image", "dense"), ""},
        {SEQUENCE(IMAGE "," LAYER("Conv2D", "block1_conv1", "", "[]")), "keras-caffe"},
        {SEQUENCE(IMAGE "," LAYER("Conv2D", "res2a_branch2a", "", "[]")), "keras-caffe"},
        {SEQUENCE(IMAGE "," LAYER("Conv2D", "conv2_block1_1_conv", "", "[]") ","
                  LAYER("BatchNormalization", "conv2_block1_0_bn", "", "[]") ","
                  LAYER("Conv2D", "conv2_block1_0_conv", "", "[]")), "keras-caffe"},
        {SEQUENCE(IMAGE "," LAYER("Conv2D", "conv1/conv", "", "[]") ","
                  LAYER("BatchNormalization", "conv2_block1_0_bn", "", "[]")), "keras-torch"},
        {SEQUENCE(IMAGE "," LAYER("BatchNormalization", "conv2_block1_preact_bn", "", "[]") ","
                  LAYER("Conv2D", "conv2_block1_0_conv", "", "[]")), "keras-tf"},
        {SEQUENCE(IMAGE "," LAYER("DepthwiseConv2D", "conv_dw_1", "", "[]")), "keras-tf"},
        {SEQUENCE(IMAGE "," LAYER("DepthwiseConv2D", "expanded_conv_depthwise", "", "[]")),
         "keras-tf"},
        {SEQUENCE(IMAGE "," LAYER("Concatenate", "mixed10", "", "[]")), "keras-tf"},
        {SEQUENCE(IMAGE "," LAYER("Conv2D", "fire2/squeeze1x1", "", "[]")),
         "keras-caffe,crop=227"},
        {SEQUENCE(IMAGE "," LAYER("Rescaling", "rescaling", ",'scale':1", "[]") ","
                  LAYER("DepthwiseConv2D", "conv_dw_1", "", "[]")), "keras-raw"},
        {SEQUENCE(IMAGE ",{'class_name':'Functional','config':{'name':'inner','layers':["
                  LAYER("DepthwiseConv2D", "conv_dw_1", "", "[]") "]}}"), "keras-tf"},
    };
    char *folder = scratch_create();
    const char *path = scratch_path(folder, "model.h5");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct network *network;
        struct error error;

        write_model(path, cases[i].config, false);
        if (network_open(path, NULL, &network, &error) < 0)
            fail_msg("%s", error.text);
        if (strcmp(network_model(network)->preprocess, cases[i].rule) != 0)
            fail_msg("case %zu: '%s', not '%s'", i, network_model(network)->preprocess,
                     cases[i].rule);
        network_free(network);
    }
    scratch_remove(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_architectures),  cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_weights_alone),  cmocka_unit_test(test_depth),
        cmocka_unit_test(test_names_the_file), cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_archives),       cmocka_unit_test(test_rules),
        cmocka_unit_test(test_shared_weights),
    };
    struct CMUnitTest models[RECIPES];
    int failed;

    for (size_t i = 0; i < RECIPES; i++)
        models[i] = (struct CMUnitTest){.name = recipes[i].what, .test_func = test_recipe,
                                        .initial_state = (void *)(uintptr_t)&recipes[i]};
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(models, NULL, NULL);
}

#else

static void test_without_library(void **state)
{
    struct network *network;
    struct error error;

    (void)state;
    assert_int_equal(network_open("tests/extract/golden-keras/conv2d.h5", NULL, &network, &error),
                     FAILED);
    assert_non_null(strstr(error.text, "libhdf5-dev"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_without_library)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
