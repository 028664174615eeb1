#include "extract/formats/tensorflow_image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/tensorflow_attributes.h"

enum { IMAGE_RANK = 4, MAX_CHANNELS = 4, MAX_SIDE = 1 << 14, MAX_STEPS = 64, RGB = 3,
       MAX_CONSTANT = 4096 };

/* Who reads the first result of a node. */
struct readers {
    size_t count;
    size_t last, index;          /* a reader, and which of its inputs this is */
    size_t convolution;          /* a Conv2D that takes it for its map; 0 for none, else + 1 */
};

/* The graph, while images are looked for. */
struct search {
    const struct tensorflow_file *file;
    struct readers *readers;     /* [file->node_count] */
};

/* What becomes of the pixels on their way through the graph. */
struct way {
    size_t node;                 /* how far it is followed */
    size_t rank;                 /* 0 where the file does not say */
    int64_t shape[TENSOR_MAX_RANK];
    bool pixels;                 /* what enters is known to be 0 to 255 */
    bool arithmetic;             /* there was some */
    const char *filter;          /* of rules.h, after a resize; "" for one that is not there */
    double scale[RGB], shift[RGB];
};

static bool is_operator(const struct tensorflow_node *node, const char *operator)
{
    return strcmp(node->operator, operator) == 0;
}

static bool is_decoder(const struct tensorflow_node *node)
{
    static const char *const decoders[] = {"DecodeJpeg", "DecodePng", "DecodeImage", "DecodeBmp"};

    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++)
        if (is_operator(node, decoders[i]))
            return true;
    return false;
}

static bool is_placeholder(const struct tensorflow_node *node)
{
    return is_operator(node, "Placeholder") || is_operator(node, "PlaceholderV2") ||
           is_operator(node, "PlaceholderWithDefault");
}

/* An operator that gives what it gets. */
static bool is_passage(const struct tensorflow_node *node)
{
    return is_operator(node, "Identity") || is_operator(node, "StopGradient") ||
           is_operator(node, "CheckNumerics") || is_operator(node, "Snapshot");
}

/* Input `index` of a node as a small constant, perhaps behind Identity nodes. */
static int small_constant(const struct tensorflow_file *file, const struct tensorflow_node *node,
                          size_t index, struct tensor *tensor)
{
    struct error ignored;

    for (size_t steps = 0; steps < MAX_STEPS && index < node->input_count; steps++) {
        node = &file->nodes[node->inputs[index].node];
        if (is_operator(node, "Const"))
            return tensorflow_tensor(node, "value", MAX_CONSTANT, tensor, &ignored);
        if (!is_passage(node))
            break;
        index = 0;
    }
    return FAILED;
}

/* ---- the way of the pixels -------------------------------------------------------------- */

static bool begin_way(const struct tensorflow_file *file, size_t start, struct way *way)
{
    const struct tensorflow_node *node = &file->nodes[start];
    int64_t type = tensorflow_data_type(node, "dtype", TENSORFLOW_FLOAT);

    *way = (struct way){.node = start, .scale = {1, 1, 1}};
    if (is_decoder(node)) {
        int64_t channels = tensorflow_integer(node, "channels", 0);

        way->pixels = true;
        way->rank = 3;
        way->shape[0] = way->shape[1] = -1;
        way->shape[2] = channels > 0 ? channels : RGB;
        return true;
    }
    if (!is_placeholder(node) || (type != TENSORFLOW_FLOAT && type != TENSORFLOW_UINT8 &&
                                  type != TENSORFLOW_HALF && type != TENSORFLOW_DOUBLE))
        return false;
    way->pixels = type == TENSORFLOW_UINT8;
    way->rank = tensorflow_shape(node, "shape", way->shape);
    return true;
}

static bool step_expand(const struct tensorflow_file *file, const struct tensorflow_node *node,
                        struct way *way)
{
    struct tensor axis = {0};
    bool first = small_constant(file, node, 1, &axis) == 0 && tensor_is_integer(&axis) &&
                 axis.count == 1 && tensor_integer(&axis, 0) == 0;

    tensor_release(&axis);
    if (!first || way->rank != 3)
        return false;
    memmove(way->shape + 1, way->shape, 3 * sizeof *way->shape);
    way->shape[0] = 1;
    way->rank = IMAGE_RANK;
    return true;
}

/* A reshape that makes a batch of images, of what was one image or a list of numbers. */
static bool step_reshape(const struct tensorflow_file *file, const struct tensorflow_node *node,
                         struct way *way)
{
    struct tensor target = {0};
    bool fits = small_constant(file, node, 1, &target) == 0 && tensor_is_integer(&target) &&
                target.count == IMAGE_RANK && way->rank <= IMAGE_RANK;

    for (size_t axis = 0; fits && axis < IMAGE_RANK; axis++)
        way->shape[axis] = tensor_integer(&target, axis);
    tensor_release(&target);
    if (fits)
        way->rank = IMAGE_RANK;
    return fits;
}

/* The filter's name in rules.h; the others of TensorFlow's are none of those. */
static const char *filter_of(const struct tensorflow_node *node)
{
    if (!is_operator(node, "ResizeBilinear") || tensorflow_boolean(node, "align_corners", false))
        return "";
    return tensorflow_boolean(node, "half_pixel_centers", false) ? "half-pixel-bilinear"
                                                                 : "tf1-bilinear";
}

static bool step_resize(const struct tensorflow_file *file, const struct tensorflow_node *node,
                        struct way *way)
{
    struct tensor size = {0};
    bool fits = small_constant(file, node, 1, &size) == 0 && tensor_is_integer(&size) &&
                size.count == 2 && way->rank == IMAGE_RANK;

    for (size_t axis = 0; fits && axis < 2; axis++)
        way->shape[axis + 1] = tensor_integer(&size, axis);
    tensor_release(&size);
    /* What is resized is meant to be a photo, so these are its pixels. */
    way->pixels = way->pixels || fits;
    way->filter = filter_of(node);
    return fits;
}

/* One number for all channels or one for each; factors and divisors above zero. */
static bool is_channel_constant(const struct tensor *tensor, const struct way *way, bool factor)
{
    if (tensor->type == TENSOR_OTHER || tensor_is_integer(tensor) ||
        (tensor->count != 1 && (tensor->count != RGB || way->rank < 3 ||
                                tensor->shape[tensor->rank - 1] != RGB ||
                                way->shape[way->rank - 1] != RGB)))
        return false;
    for (size_t c = 0; factor && c < tensor->count; c++)
        if (!(tensor_real(tensor, c) > 0))
            return false;
    return true;
}

/* A sum, difference, product or quotient with a constant. */
static bool step_arithmetic(const struct tensorflow_file *file,
                            const struct tensorflow_node *node, size_t index, struct way *way)
{
    struct tensor tensor = {0};
    bool divides = is_operator(node, "RealDiv") || is_operator(node, "Div");
    bool factor = divides || is_operator(node, "Mul"), subtracts = is_operator(node, "Sub");
    bool fits = node->input_count == 2 && (index == 0 || (!divides && !subtracts)) &&
                small_constant(file, node, 1 - index, &tensor) == 0 &&
                is_channel_constant(&tensor, way, factor);

    for (size_t c = 0; fits && c < RGB; c++) {
        double number = tensor_real(&tensor, tensor.count == 1 ? 0 : c);

        if (factor) {
            way->scale[c] = divides ? way->scale[c] / number : way->scale[c] * number;
            way->shift[c] = divides ? way->shift[c] / number : way->shift[c] * number;
        } else {
            way->shift[c] += subtracts ? -number : number;
        }
    }
    tensor_release(&tensor);
    way->arithmetic = way->arithmetic || fits;
    return fits;
}

/* Follows the image through one node; false where its way ends. */
static bool step(const struct tensorflow_file *file, const struct tensorflow_node *node,
                 size_t index, struct way *way)
{
    static const char *const resizes[] = {"ResizeBilinear", "ResizeBicubic", "ResizeArea",
                                          "ResizeNearestNeighbor"};
    static const char *const sums[] = {"Sub", "Mul", "RealDiv", "Div", "Add", "AddV2"};

    if (is_passage(node))
        return true;
    if (is_operator(node, "Cast"))
        return tensorflow_data_type(node, "DstT", 0) == TENSORFLOW_FLOAT;
    if (is_operator(node, "ExpandDims"))
        return index == 0 && step_expand(file, node, way);
    if (is_operator(node, "Reshape"))
        return index == 0 && step_reshape(file, node, way);
    for (size_t i = 0; i < sizeof resizes / sizeof resizes[0]; i++)
        if (is_operator(node, resizes[i]))
            return index == 0 && step_resize(file, node, way);
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        if (is_operator(node, sums[i]))
            return step_arithmetic(file, node, index, way);
    return false;
}

/* Follows the image as far as that is preprocessing, and has one reader. *fed: the way to where
 * the network is fed: to the end where the pixels are known, else to before the first arithmetic,
 * which then stays in the network. */
static void follow(const struct search *search, struct way *way, struct way *fed)
{
    *fed = *way;
    for (size_t steps = 0; steps < MAX_STEPS; steps++) {
        const struct readers *readers = &search->readers[way->node];
        struct way next = *way;

        next.node = readers->last;
        if (readers->count != 1 ||
            !step(search->file, &search->file->nodes[next.node], readers->index, &next))
            return;
        *way = next;
        if (way->pixels || !way->arithmetic)
            *fed = *way;
    }
}

/* ---- what the network takes ------------------------------------------------------------- */

/* The number of channels that a convolution of the image has weights for; 0 for none. */
static int64_t channels_of_reader(const struct search *search, size_t number,
                                  bool *channels_first)
{
    size_t convolution = search->readers[number].convolution;
    const struct tensorflow_node *node;
    struct tensor weights = {0};
    int64_t channels = 0;

    if (convolution == 0)
        return 0;
    node = &search->file->nodes[convolution - 1];
    if (small_constant(search->file, node, 1, &weights) == 0 && weights.rank == 4)
        channels = (int64_t)weights.shape[2];
    tensor_release(&weights);
    *channels_first = bytes_are(tensorflow_text(node, "data_format"), "NCHW");
    return channels;
}

static bool is_channels(int64_t length)
{
    return length > 0 && length <= MAX_CHANNELS;
}

static size_t side_of(int64_t length)
{
    return length > 0 ? (size_t)length : 0;
}

/* True when what arrives where the way ends can be a batch of images. */
static bool is_image(const struct search *search, const struct way *way,
                     struct tensorflow_image *image)
{
    int64_t channels = 0;

    *image = (struct tensorflow_image){.node = way->node, .batch = 1};
    if (way->rank != 0 && way->rank != IMAGE_RANK)
        return false;
    if (way->rank == IMAGE_RANK && is_channels(way->shape[3]))
        channels = way->shape[3];
    else if (way->rank == IMAGE_RANK && is_channels(way->shape[1]))
        channels = way->shape[1];
    image->channels_first = channels != 0 && !is_channels(way->shape[3]);
    if (channels == 0)
        channels = channels_of_reader(search, way->node, &image->channels_first);
    if (!is_channels(channels))
        return false;
    image->size.channels = (size_t)channels;
    if (way->rank == IMAGE_RANK) {
        size_t height_axis = image->channels_first ? 2 : 1;

        image->batch = way->shape[0] > 0 ? way->shape[0] : 1;
        image->size.height = side_of(way->shape[height_axis]);
        image->size.width = side_of(way->shape[height_axis + 1]);
    }
    return image->size.height <= MAX_SIDE && image->size.width <= MAX_SIDE;
}

/* ---- the rule --------------------------------------------------------------------------- */

/* A number whose last digits are only those of a float: 127.5 instead of 127.500002. */
static double round_off(double value)
{
    double rounded = round(value * 1e4) / 1e4;

    return fabs(rounded - value) <= 1e-6 * fabs(value) ? rounded : value;
}

/* (pixel - mean) / deviation is what the way makes of a pixel. */
static void write_rule(const struct way *way, char rule[MODEL_TEXT])
{
    double mean[RGB], deviation[RGB];

    for (size_t c = 0; c < RGB; c++) {
        deviation[c] = round_off(1 / way->scale[c]);
        mean[c] = round_off(-way->shift[c] / way->scale[c]) + 0.0;
        if (!isfinite(mean[c]) || !(deviation[c] > 0) || !isfinite(deviation[c]))
            return;
    }
    snprintf(rule, MODEL_TEXT,
             "tensorflow-mobilenet,filter=%s,scale=1,mean=%.9g:%.9g:%.9g,"
             "deviation=%.9g:%.9g:%.9g",
             way->filter != NULL && *way->filter != '\0' ? way->filter : "tf1-bilinear", mean[0],
             mean[1], mean[2], deviation[0], deviation[1], deviation[2]);
}

/* A network that is fed with numbers and computes with them at once: with which, its own
 * constants tell. No mean of anything but pixels is above 1.5. */
static void write_raw_rule(const struct way *way, char rule[MODEL_TEXT])
{
    double mean = -way->shift[0] / way->scale[0];

    if (mean > 1.5 || (fabs(mean) <= 0 && way->scale[0] < 0.02))
        snprintf(rule, MODEL_TEXT, "tensorflow-mobilenet,scale=1,mean=0,deviation=1");
    else if (mean > 0)
        snprintf(rule, MODEL_TEXT, "tensorflow-mobilenet,scale=1/255,mean=0,deviation=1");
}

/* Published networks whose nodes are named so; the first that fits counts. */
static const struct {
    const char *begin;  /* of a node's name, or of a part of it behind a '/' */
    const char *rule;
} families[] = {
    /* retrain.py; TF-Slim's preprocessing_factory.py takes Inception's for all of these */
    {"MobilenetV1/", "tensorflow-mobilenet"},
    {"MobilenetV2/", "tensorflow-mobilenet"},
    {"MobilenetV3/", "tensorflow-mobilenet"},
    {"InceptionV1/", "tensorflow-mobilenet"},
    {"InceptionV2/", "tensorflow-mobilenet"},
    {"InceptionV3/", "tensorflow-inception"},
    {"InceptionV4/", "tensorflow-inception"},
    {"InceptionResnetV2/", "tensorflow-inception"},
    {"resnet_v2_", "tensorflow-inception"},
    {"vgg_16/", "tensorflow-vgg"},
    {"vgg_19/", "tensorflow-vgg"},
    {"resnet_v1_", "tensorflow-vgg"},
    /* tensorflow_inception_graph.pb ("inception5h") of the Android example: ClassifierActivity's
     * IMAGE_MEAN 117, IMAGE_STD 1 */
    {"conv2d0_pre_relu", "tensorflow-mobilenet,scale=1,mean=117,deviation=1"},
    /* keras applications, frozen */
    {"block1_conv1/", "keras-caffe"},
    {"res2a_branch2a/", "keras-caffe"},
    {"conv_dw_1/", "keras-tf"},
    {"mixed0/", "keras-tf"},
};

static bool has_part(const char *name, const char *begin)
{
    size_t length = strlen(begin);

    while (strncmp(name, begin, length) != 0) {
        name = strchr(name, '/');
        if (name == NULL)
            return false;
        name++;
    }
    return true;
}

static void write_family_rule(const struct tensorflow_file *file, char rule[MODEL_TEXT])
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        for (size_t j = 0; j < file->node_count; j++) {
            if (has_part(file->nodes[j].name, families[i].begin)) {
                snprintf(rule, MODEL_TEXT, "%s", families[i].rule);
                return;
            }
        }
    }
}

static void choose_rule(const struct tensorflow_file *file, const struct way *way,
                        struct tensorflow_image *image)
{
    if (image->size.channels != RGB)
        return;
    if (way->pixels)
        write_rule(way, image->rule);
    else if (way->arithmetic)
        write_raw_rule(way, image->rule);
    else
        write_family_rule(file, image->rule);
    image->assumes_rule = *image->rule == '\0' || (way->filter != NULL && *way->filter == '\0');
    if (*image->rule == '\0')
        snprintf(image->rule, MODEL_TEXT, "tensorflow-mobilenet");
}

static int find_readers(struct search *search, struct error *error)
{
    const struct tensorflow_file *file = search->file;

    search->readers = memory_allocate(file->node_count, sizeof *search->readers, error);
    if (search->readers == NULL)
        return FAILED;
    for (size_t i = 0; i < file->node_count; i++) {
        for (size_t j = 0; j < file->nodes[i].input_count; j++) {
            struct readers *readers = &search->readers[file->nodes[i].inputs[j].node];

            readers->count++;
            readers->last = i;
            readers->index = j;
            if (j == 0 && readers->convolution == 0 && is_operator(&file->nodes[i], "Conv2D"))
                readers->convolution = i + 1;
        }
    }
    return 0;
}

/* *found: the name of the node where the image begins. */
static int look_at(const struct search *search, size_t number, struct tensorflow_image *image,
                   const char **found, struct error *error)
{
    const struct tensorflow_file *file = search->file;
    struct tensorflow_image candidate;
    struct way way, fed;

    if (!begin_way(file, number, &way))
        return 0;
    follow(search, &way, &fed);
    if (!is_image(search, &fed, &candidate))
        return 0;
    if (*found != NULL)
        return error_set(error, "it has more than one image: '%s' and '%s'", *found,
                         file->nodes[number].name);
    *found = file->nodes[number].name;
    choose_rule(file, &way, &candidate);
    *image = candidate;
    return 0;
}

int tensorflow_find_image(const struct tensorflow_file *file, struct tensorflow_image *image,
                          struct error *error)
{
    struct search search = {.file = file};
    const char *found = NULL;
    int outcome = find_readers(&search, error);

    for (size_t i = 0; outcome == 0 && i < file->node_count; i++)
        outcome = look_at(&search, i, image, &found, error);
    free(search.readers);
    if (outcome == 0 && found == NULL)
        return error_set(error, "no placeholder and no decoder in it is an image");
    return outcome;
}
