#include "extract/rules.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How the side of the resized image follows from the side of the crop. */
enum resize_law {
    RESIZE_NONE,           /* the crop is the whole image */
    RESIZE_ROUNDED,        /* crop / 0.875, rounded: 256 for 224, 342 for 299 */
    RESIZE_DOWN,           /* crop / 0.875, rounded down: timm's 341 for 299 */
    RESIZE_256             /* 256, as Caffe's data sets were stored; above 227 as RESIZE_ROUNDED */
};

struct preset {
    const char *name, *help;
    size_t size;  /* of the crop, where the network takes any */
    enum rule_fit fit;
    enum resize_law law;
    enum rule_filter filter;
    enum rule_order order;
    double scale;
    double mean[3], deviation[3];
};

#define ONE {1, 1, 1}
#define ZERO {0, 0, 0}
#define IMAGENET_MEAN {0.485, 0.456, 0.406}
#define IMAGENET_DEVIATION {0.229, 0.224, 0.225}
#define CAFFE_MEAN {104, 117, 123}          /* of ilsvrc_2012_mean, rounded */
#define VGG_MEAN {103.939, 116.779, 123.68} /* arXiv 1409.1556, its published model */

/* What each family's weights were validated with. */
static const struct preset presets[] = {
    /* extract/builtin, which was trained on torchvision's arithmetic */
    {"builtin", "the built-in network", 128,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_BILINEAR, ORDER_RGB, 1 / 255.0, IMAGENET_MEAN,
     IMAGENET_DEVIATION},
    /* pytorch/vision transforms/_presets.py */
    {"torchvision", "torchvision's V1 weights; ONNX Model Zoo's ResNet, VGG, MobileNet", 224,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_BILINEAR, ORDER_RGB, 1 / 255.0, IMAGENET_MEAN,
     IMAGENET_DEVIATION},
    /* pytorch/vision models/inception.py */
    {"torchvision-inception", "torchvision's Inception v3, 299 pixels", 299,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_BILINEAR, ORDER_RGB, 1 / 255.0, IMAGENET_MEAN,
     IMAGENET_DEVIATION},
    {"torchvision-tf", "torchvision's geometry, numbers from -1 to 1", 224,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_BILINEAR, ORDER_RGB, 1 / 127.5, ONE, ONE},
    /* timm's default_cfg, crop_pct 0.875 */
    {"timm", "timm's weights with bicubic interpolation", 224,
     FIT_SHORTER_SIDE, RESIZE_DOWN, FILTER_BICUBIC, ORDER_RGB, 1 / 255.0, IMAGENET_MEAN,
     IMAGENET_DEVIATION},
    /* Its README: Pillow's Image.resize((224, 224)), bicubic by default */
    {"onnx-googlenet", "ONNX Model Zoo's GoogLeNet", 224,
     FIT_SQUASH, RESIZE_NONE, FILTER_BICUBIC, ORDER_BGR, 1, VGG_MEAN, ONE},
    /* open_model_zoo's resnet-50-caffe2: torchvision's arithmetic in the other order */
    {"onnx-resnet-caffe2", "ONNX Model Zoo's ResNet that came from Caffe2", 224,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_BILINEAR, ORDER_BGR, 1 / 255.0,
     {0.406, 0.456, 0.485}, {0.225, 0.224, 0.229}},
    /* Its README in the ONNX Model Zoo */
    {"efficientnet-lite", "ONNX Model Zoo's EfficientNet-Lite4", 224,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_OPENCV_LINEAR, ORDER_RGB, 1, {127, 127, 127},
     {128, 128, 128}},
    /* keras applications, imagenet_utils.py; load_img */
    {"keras-caffe", "Keras' VGG and ResNet", 224,
     FIT_SQUASH, RESIZE_NONE, FILTER_NEAREST, ORDER_BGR, 1, VGG_MEAN, ONE},
    {"keras-tf", "Keras' Inception v3, Xception (crop=299), MobileNet v1/v2, ResNetV2", 224,
     FIT_SQUASH, RESIZE_NONE, FILTER_NEAREST, ORDER_RGB, 1 / 127.5, ONE, ONE},
    {"keras-torch", "Keras' DenseNet", 224,
     FIT_SQUASH, RESIZE_NONE, FILTER_NEAREST, ORDER_RGB, 1 / 255.0, IMAGENET_MEAN,
     IMAGENET_DEVIATION},
    {"keras-raw", "Keras' MobileNetV3 and EfficientNet: pixels as they are", 224,
     FIT_SQUASH, RESIZE_NONE, FILTER_NEAREST, ORDER_RGB, 1, ZERO, ONE},
    /* examples/cpp_classification; its mean image is the user's, here that of ILSVRC 2012 */
    {"caffe", "Caffe's classification example: other networks of Caffe", 227,
     FIT_SQUASH, RESIZE_NONE, FILTER_OPENCV_LINEAR, ORDER_BGR, 1, CAFFE_MEAN, ONE},
    /* bvlc_alexnet, bvlc_reference_caffenet train_val.prototxt; data_transformer.cpp */
    {"caffe-alexnet", "Caffe's AlexNet and CaffeNet", 227,
     FIT_SQUASH, RESIZE_256, FILTER_OPENCV_LINEAR, ORDER_BGR, 1, CAFFE_MEAN, ONE},
    /* bvlc_googlenet train_val.prototxt */
    {"caffe-googlenet", "Caffe's GoogLeNet", 224,
     FIT_SQUASH, RESIZE_256, FILTER_OPENCV_LINEAR, ORDER_BGR, 1, CAFFE_MEAN, ONE},
    /* arXiv 1409.1556 */
    {"caffe-vgg", "Caffe's VGG ILSVRC", 224,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_OPENCV_LINEAR, ORDER_BGR, 1, VGG_MEAN, ONE},
    /* SqueezeNet_v1.0 and v1.1 train_val.prototxt */
    {"caffe-squeezenet", "Caffe's SqueezeNet 1.0 and 1.1", 227,
     FIT_SQUASH, RESIZE_256, FILTER_OPENCV_LINEAR, ORDER_BGR, 1, CAFFE_MEAN, ONE},
    /* shicai/MobileNet-Caffe, shicai/DenseNet-Caffe README: (x - mean) * 0.017 */
    {"caffe-mobilenet", "Caffe's MobileNet and DenseNet (shicai)", 224,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_OPENCV_LINEAR, ORDER_BGR, 1,
     {103.94, 116.78, 123.68}, {1 / 0.017, 1 / 0.017, 1 / 0.017}},
    /* example/image-classification/test_score.py of MXNet, over images of tools/im2rec.py */
    {"mxnet-raw", "MXNet's ResNet of 2016, and others that normalise pixels themselves", 224,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_OPENCV_LINEAR, ORDER_RGB, 1, ZERO, ONE},
    {"mxnet-inception", "MXNet's Inception-BN", 224,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_OPENCV_LINEAR, ORDER_RGB, 1,
     {123.68, 116.779, 103.939}, ONE},
    /* TensorFlow's retrain.py */
    {"tensorflow-inception-2015", "TensorFlow's Inception v3 of 2015-12-05", 299,
     FIT_SQUASH, RESIZE_NONE, FILTER_TF1_BILINEAR, ORDER_RGB, 1, {128, 128, 128},
     {128, 128, 128}},
    {"tensorflow-mobilenet", "TensorFlow's MobileNet v1", 224,
     FIT_SQUASH, RESIZE_NONE, FILTER_TF1_BILINEAR, ORDER_RGB, 1 / 127.5, ONE, ONE},
    /* TF-Slim: preprocessing_factory.py, inception_preprocessing.py without its central crop, as
     * retrain.py; eval_image_size of its README */
    {"tensorflow-inception", "TF-Slim's Inception v3, v4, Inception-ResNet, ResNet v2", 299,
     FIT_SQUASH, RESIZE_NONE, FILTER_TF1_BILINEAR, ORDER_RGB, 1 / 127.5, ONE, ONE},
    /* TF-Slim: vgg_preprocessing.py */
    {"tensorflow-vgg", "TF-Slim's VGG and ResNet v1", 224,
     FIT_SHORTER_SIDE, RESIZE_ROUNDED, FILTER_TF1_BILINEAR, ORDER_RGB, 1,
     {123.68, 116.779, 103.939}, ONE},
};

enum { PRESETS = sizeof presets / sizeof *presets };

/* In the order of their enums. */
static const char *const fit_names[] = {"squash", "shorter-side", "pad", NULL};
static const char *const filter_names[] = {"nearest",       "bilinear",     "bicubic", "lanczos",
                                           "opencv-linear", "tf1-bilinear", "half-pixel-bilinear",
                                           NULL};
static const char *const order_names[] = {"rgb", "bgr", "gray", NULL};

enum { NUMBER_TEXT = 32 };

/* The keys, in the order of the canonical text. */
enum rule_key { KEY_FIT, KEY_RESIZE, KEY_CROP, KEY_FILTER, KEY_ORDER, KEY_SCALE, KEY_MEAN,
                KEY_DEVIATION, KEYS };
static const char *const key_names[] = {"fit",   "resize", "crop", "filter",
                                        "order", "scale",  "mean", "deviation", NULL};

/* A rule while its text is read. */
struct draft {
    struct preprocess_rule rule;
    enum resize_law law;
    bool given[KEYS];   /* by the texts so far, not by a preset */
    bool stands[KEYS];  /* in the text that is being read */
};

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The index of `text` among names that end with NULL, or -1. */
static int find_name(const char *const *names, const char *text)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    return -1;
}

static int unknown(const char *what, const char *text, const char *const *names,
                   struct error *error)
{
    char known[256] = "";
    size_t used = 0;

    for (; *names != NULL && used < sizeof known; names++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                 used > 0 ? ", " : "", *names);
    return error_set(error, "unknown %s '%s' in a preprocessing rule; it is one of %s", what, text,
                     known);
}

static int bad_value(enum rule_key key, const char *text, const char *wanted,
                     struct error *error)
{
    return error_set(error, "'%s=%s' in a preprocessing rule: %s takes %s", key_names[key], text,
                     key_names[key], wanted);
}

/* Reads a side, 1 to RULE_MAXIMUM_SIDE, and what follows it. */
static bool read_side(const char **text, size_t *side)
{
    char *end;
    unsigned long value;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    value = strtoul(*text, &end, 10);
    if (errno != 0 || value < 1 || value > RULE_MAXIMUM_SIDE)
        return false;
    *text = end;
    *side = value;
    return true;
}

/* "N" or "HEIGHTxWIDTH" */
static int parse_sides(enum rule_key key, const char *text, size_t *height, size_t *width,
                       struct error *error)
{
    const char *rest = text;
    bool valid = read_side(&rest, height);

    *width = *height;
    if (valid && *rest == 'x') {
        rest++;
        valid = read_side(&rest, width);
    }
    if (!valid || *rest != '\0')
        return bad_value(key, text, "N or HEIGHTxWIDTH, from 1 to 8192", error);
    return 0;
}

/* A decimal number, and what follows it. */
static bool read_decimal(const char **text, double *value)
{
    char *end;

    if (strspn(*text, "0123456789.-") == 0 || strpbrk(*text, "xX") != NULL)
        return false;
    errno = 0;
    *value = strtod(*text, &end);
    if (end == *text || errno != 0 || !isfinite(*value))
        return false;
    *text = end;
    return true;
}

/* "0.017" or "1/255", within [minimum, 1e6]; up to `last`, which follows it. */
static bool read_number(const char **text, char last, double minimum, double *value)
{
    double divisor;

    if (!read_decimal(text, value))
        return false;
    if (**text == '/') {
        (*text)++;
        if (!read_decimal(text, &divisor) || !(fabs(divisor) > 0))
            return false;
        *value /= divisor;
    }
    return **text == last && *value >= minimum && *value <= 1e6;
}

/* One number for all channels, or three. */
static int parse_channels(enum rule_key key, const char *text, double minimum, double values[3],
                          const char *wanted, struct error *error)
{
    const char *rest = text;

    if (strchr(text, ':') == NULL) {
        if (!read_number(&rest, '\0', minimum, &values[0]))
            return bad_value(key, text, wanted, error);
        values[1] = values[2] = values[0];
        return 0;
    }
    for (int channel = 0; channel < 3; channel++, rest++)
        if (!read_number(&rest, channel < 2 ? ':' : '\0', minimum, &values[channel]))
            return bad_value(key, text, wanted, error);
    return 0;
}

static int parse_value(struct draft *draft, enum rule_key key, const char *text,
                       struct error *error)
{
    struct preprocess_rule *rule = &draft->rule;
    const char *rest = text;
    int found;

    switch (key) {
    case KEY_FIT:
        found = find_name(fit_names, text);
        if (found < 0)
            return unknown("fit", text, fit_names, error);
        rule->fit = (enum rule_fit)found;
        return 0;
    case KEY_FILTER:
        found = find_name(filter_names, text);
        if (found < 0)
            return unknown("filter", text, filter_names, error);
        rule->filter = (enum rule_filter)found;
        return 0;
    case KEY_ORDER:
        found = find_name(order_names, text);
        if (found < 0)
            return unknown("order", text, order_names, error);
        rule->order = (enum rule_order)found;
        return 0;
    case KEY_RESIZE:
        return parse_sides(key, text, &rule->resize_height, &rule->resize_width, error);
    case KEY_CROP:
        return parse_sides(key, text, &rule->height, &rule->width, error);
    case KEY_SCALE:
        if (!read_number(&rest, '\0', 1e-6, &rule->scale))
            return bad_value(key, text, "a number above zero", error);
        return 0;
    case KEY_MEAN:
        return parse_channels(key, text, -1e6, rule->mean, "a number, or three joined by ':'",
                              error);
    case KEY_DEVIATION:
        return parse_channels(key, text, 1e-6, rule->deviation,
                              "a number above zero, or three joined by ':'", error);
    case KEYS:
        break;
    }
    return 0;
}

/* item: "key=value" */
static int parse_item(struct draft *draft, char *item, struct error *error)
{
    char *value = strchr(item, '=');
    int key;

    *value++ = '\0';
    key = find_name(key_names, item);
    if (key < 0)
        return unknown("key", item, key_names, error);
    if (draft->stands[key])
        return error_set(error, "'%s' stands twice in a preprocessing rule", item);
    draft->given[key] = draft->stands[key] = true;
    return parse_value(draft, (enum rule_key)key, value, error);
}

static int use_preset(struct draft *draft, const char *name, struct error *error)
{
    for (size_t i = 0; i < PRESETS; i++) {
        const struct preset *preset = &presets[i];

        if (strcmp(preset->name, name) != 0)
            continue;
        *draft = (struct draft){.law = preset->law, .rule = {
            .fit = preset->fit, .height = preset->size, .width = preset->size,
            .filter = preset->filter, .order = preset->order, .scale = preset->scale}};
        memcpy(draft->rule.mean, preset->mean, sizeof preset->mean);
        memcpy(draft->rule.deviation, preset->deviation, sizeof preset->deviation);
        return 0;
    }
    return error_set(error, "unknown preprocessing '%s'; --help lists the names", name);
}

/* items: is taken apart. */
static int parse_items(struct draft *draft, char *items, struct error *error)
{
    bool first = true;
    char *item;

    while ((item = strsep(&items, ",")) != NULL) {
        if (*item == '\0')
            return error_set(error, "a preprocessing rule has nothing between two commas");
        if (strchr(item, '=') != NULL) {
            if (parse_item(draft, item, error) < 0)
                return FAILED;
        } else if (first) {
            if (use_preset(draft, item, error) < 0)
                return FAILED;
        } else {
            return error_set(error, "'%s' in a preprocessing rule is no KEY=VALUE", item);
        }
        first = false;
    }
    return 0;
}

static int parse_text(struct draft *draft, const char *text, struct error *error)
{
    char items[RULE_TEXT];

    if (strlen(text) >= sizeof items)
        return error_set(error, "a preprocessing rule is longer than %d characters",
                         RULE_TEXT - 1);
    memcpy(items, text, strlen(text) + 1);
    memset(draft->stands, 0, sizeof draft->stands);
    return parse_items(draft, items, error);
}

static int follow_network(struct draft *draft, size_t height, size_t width, struct error *error)
{
    struct preprocess_rule *rule = &draft->rule;

    if (height > RULE_MAXIMUM_SIDE || width > RULE_MAXIMUM_SIDE)
        return error_set(error, "the network takes images of %zux%zu, above the limit of %d",
                         height, width, RULE_MAXIMUM_SIDE);
    if (!draft->given[KEY_CROP]) {
        rule->height = height > 0 ? height : width > 0 ? width : rule->height;
        rule->width = width > 0 ? width : rule->height;
        return 0;
    }
    if ((height > 0 && height != rule->height) || (width > 0 && width != rule->width))
        return error_set(error, "the network takes images of %zux%zu, not a crop of %zux%zu",
                         height > 0 ? height : rule->height, width > 0 ? width : rule->width,
                         rule->height, rule->width);
    return 0;
}

static size_t resized_side(enum resize_law law, size_t crop)
{
    size_t side = crop;

    if (law == RESIZE_256 && crop <= 227)
        side = 256;
    else if (law == RESIZE_256 || law == RESIZE_ROUNDED)
        side = (size_t)lround((double)crop / 0.875);
    else if (law == RESIZE_DOWN)
        side = (size_t)((double)crop / 0.875);
    return side < RULE_MAXIMUM_SIDE ? side : RULE_MAXIMUM_SIDE;
}

static int settle_resize(struct draft *draft, struct error *error)
{
    struct preprocess_rule *rule = &draft->rule;

    if (draft->given[KEY_RESIZE]) {
        if (rule->fit == FIT_SHORTER_SIDE && rule->resize_height != rule->resize_width)
            return error_set(error, "fit=shorter-side takes one number for resize, not %zux%zu",
                             rule->resize_height, rule->resize_width);
        return 0;
    }
    if (rule->fit == FIT_PAD)
        draft->law = RESIZE_NONE;
    rule->resize_height = resized_side(draft->law, rule->height);
    rule->resize_width = resized_side(draft->law, rule->width);
    if (rule->fit == FIT_SHORTER_SIDE) {
        if (rule->resize_height < rule->resize_width)
            rule->resize_height = rule->resize_width;
        rule->resize_width = rule->resize_height;
    }
    return 0;
}

/* Values that are the same already stay the same to the bit. */
static void average_channels(double values[3])
{
    if (same_bits(values[0], values[1]) && same_bits(values[0], values[2]))
        return;
    values[0] = values[1] = values[2] = (values[0] + values[1] + values[2]) / 3;
}

static void make_gray(struct preprocess_rule *rule)
{
    rule->order = ORDER_GRAY;
    average_channels(rule->mean);
    average_channels(rule->deviation);
}

int rule_parse(const char *text, const char *preset, size_t height, size_t width,
               struct preprocess_rule *rule, struct error *error)
{
    struct draft draft = {0};

    if (parse_text(&draft, preset, error) < 0 ||
        (text != NULL && parse_text(&draft, text, error) < 0))
        return FAILED;
    if (follow_network(&draft, height, width, error) < 0 || settle_resize(&draft, error) < 0)
        return FAILED;
    if (draft.rule.order == ORDER_GRAY)
        make_gray(&draft.rule);
    *rule = draft.rule;
    return 0;
}

int rule_take_channels(struct preprocess_rule *rule, size_t channels, struct error *error)
{
    if (channels != 1 && channels != 3)
        return error_set(error, "it takes images of %zu channels, photos have 3 or 1", channels);
    if (channels == 1)
        make_gray(rule);
    if (channels == 3 && rule->order == ORDER_GRAY)
        return error_set(error, "it takes images of 3 channels, not order=gray");
    return 0;
}

size_t rule_channels(const struct preprocess_rule *rule)
{
    return rule->order == ORDER_GRAY ? 1 : 3;
}

size_t rule_numbers(const struct preprocess_rule *rule)
{
    return rule->height * rule->width * rule_channels(rule);
}

/* The fewest digits that give the same double again. */
static void shortest_decimal(double value, char text[NUMBER_TEXT])
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, NUMBER_TEXT, "%.*g", digits, value);
        if (same_bits(strtod(text, NULL), value))
            return;
    }
}

/* Decimal, or "1/N" where that is shorter and the same. */
static void number_to_text(double value, char text[NUMBER_TEXT])
{
    char divisor[NUMBER_TEXT];

    shortest_decimal(value, text);
    if (!(fabs(value) > 0))
        return;
    snprintf(divisor, sizeof divisor, "%.15g", 1 / value);
    if (strlen(divisor) + 2 < strlen(text) && same_bits(1 / strtod(divisor, NULL), value))
        snprintf(text, NUMBER_TEXT, "1/%.29s", divisor);
}

static void channels_to_text(const double values[3], char text[4 * NUMBER_TEXT])
{
    char number[3][NUMBER_TEXT];

    for (int channel = 0; channel < 3; channel++)
        number_to_text(values[channel], number[channel]);
    if (same_bits(values[0], values[1]) && same_bits(values[0], values[2]))
        snprintf(text, 4 * NUMBER_TEXT, "%s", number[0]);
    else
        snprintf(text, 4 * NUMBER_TEXT, "%s:%s:%s", number[0], number[1], number[2]);
}

void rule_to_text(const struct preprocess_rule *rule, char text[RULE_TEXT])
{
    char resize[NUMBER_TEXT], scale[NUMBER_TEXT], mean[4 * NUMBER_TEXT],
        deviation[4 * NUMBER_TEXT];

    if (rule->fit == FIT_SHORTER_SIDE)
        snprintf(resize, sizeof resize, "%zu", rule->resize_height);
    else
        snprintf(resize, sizeof resize, "%zux%zu", rule->resize_height, rule->resize_width);
    number_to_text(rule->scale, scale);
    channels_to_text(rule->mean, mean);
    channels_to_text(rule->deviation, deviation);
    snprintf(text, RULE_TEXT,
             "fit=%s,resize=%s,crop=%zux%zu,filter=%s,order=%s,scale=%s,mean=%s,deviation=%s",
             fit_names[rule->fit], resize, rule->height, rule->width, filter_names[rule->filter],
             order_names[rule->order], scale, mean, deviation);
}

void rule_print_presets(FILE *out, const char *indent)
{
    for (size_t i = 0; i < PRESETS; i++)
        fprintf(out, "%s%-26s%s\n", indent, presets[i].name, presets[i].help);
}
