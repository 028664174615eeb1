#include "extract/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "extract/known_files.h"
#include "tests/helpers.h"

/* text and network's size -> the canonical text */
static const struct {
    const char *text, *preset;
    size_t height, width;
    const char *canonical;
} rules[] = {
#define TORCHVISION ",filter=bilinear,order=rgb,scale=1/255,mean=0.485:0.456:0.406," \
                    "deviation=0.229:0.224:0.225"
#define TF_NUMBERS ",order=rgb,scale=1/127.5,mean=1,deviation=1"
#define VGG_NUMBERS ",order=bgr,scale=1,mean=103.939:116.779:123.68,deviation=1"
#define CAFFE_NUMBERS ",filter=opencv-linear,order=bgr,scale=1,mean=104:117:123,deviation=1"
    {NULL, "torchvision", 224, 224, "fit=shorter-side,resize=256,crop=224x224" TORCHVISION},
    {NULL, "torchvision", 299, 299, "fit=shorter-side,resize=342,crop=299x299" TORCHVISION},
    {NULL, "torchvision", 0, 0, "fit=shorter-side,resize=256,crop=224x224" TORCHVISION},
    {NULL, "torchvision", 0, 192, "fit=shorter-side,resize=219,crop=192x192" TORCHVISION},
    {NULL, "torchvision", 128, 256, "fit=shorter-side,resize=293,crop=128x256" TORCHVISION},
    {"torchvision-inception", "torchvision", 0, 0,
     "fit=shorter-side,resize=342,crop=299x299" TORCHVISION},
    {"torchvision-tf", "torchvision", 224, 224,
     "fit=shorter-side,resize=256,crop=224x224,filter=bilinear" TF_NUMBERS},
    {"timm", "torchvision", 299, 299,
     "fit=shorter-side,resize=341,crop=299x299,filter=bicubic,order=rgb,scale=1/255,"
     "mean=0.485:0.456:0.406,deviation=0.229:0.224:0.225"},
    {"onnx-googlenet", "torchvision", 224, 224,
     "fit=squash,resize=224x224,crop=224x224,filter=bicubic" VGG_NUMBERS},
    {"onnx-resnet-caffe2", "torchvision", 224, 224,
     "fit=shorter-side,resize=256,crop=224x224,filter=bilinear,order=bgr,scale=1/255,"
     "mean=0.406:0.456:0.485,deviation=0.225:0.224:0.229"},
    {"efficientnet-lite", "torchvision", 224, 224,
     "fit=shorter-side,resize=256,crop=224x224,filter=opencv-linear,order=rgb,scale=1,mean=127,"
     "deviation=128"},
    {"keras-caffe", "torchvision", 0, 0,
     "fit=squash,resize=224x224,crop=224x224,filter=nearest" VGG_NUMBERS},
    {"keras-tf", "torchvision", 299, 299,
     "fit=squash,resize=299x299,crop=299x299,filter=nearest" TF_NUMBERS},
    {"keras-torch", "torchvision", 224, 224,
     "fit=squash,resize=224x224,crop=224x224,filter=nearest,order=rgb,scale=1/255,"
     "mean=0.485:0.456:0.406,deviation=0.229:0.224:0.225"},
    {"keras-raw", "torchvision", 224, 200,
     "fit=squash,resize=224x200,crop=224x200,filter=nearest,order=rgb,scale=1,mean=0,"
     "deviation=1"},
    {"caffe", "torchvision", 0, 0,
     "fit=squash,resize=227x227,crop=227x227" CAFFE_NUMBERS},
    {"caffe", "torchvision", 32, 32,
     "fit=squash,resize=32x32,crop=32x32" CAFFE_NUMBERS},
    {"caffe-alexnet", "torchvision", 0, 0,
     "fit=squash,resize=256x256,crop=227x227" CAFFE_NUMBERS},
    {"caffe-alexnet", "torchvision", 224, 224,
     "fit=squash,resize=256x256,crop=224x224" CAFFE_NUMBERS},
    {"caffe-googlenet", "torchvision", 0, 0,
     "fit=squash,resize=256x256,crop=224x224" CAFFE_NUMBERS},
    {"caffe-vgg", "torchvision", 224, 224,
     "fit=shorter-side,resize=256,crop=224x224,filter=opencv-linear" VGG_NUMBERS},
    {"caffe-squeezenet", "torchvision", 0, 0,
     "fit=squash,resize=256x256,crop=227x227" CAFFE_NUMBERS},
    {"caffe-mobilenet", "torchvision", 224, 224,
     "fit=shorter-side,resize=256,crop=224x224,filter=opencv-linear,order=bgr,scale=1,"
     "mean=103.94:116.78:123.68,deviation=1/0.017"},
    {"tensorflow-inception-2015", "torchvision", 0, 0,
     "fit=squash,resize=299x299,crop=299x299,filter=tf1-bilinear,order=rgb,scale=1,mean=128,"
     "deviation=128"},
    {"tensorflow-mobilenet", "torchvision", 160, 160,
     "fit=squash,resize=160x160,crop=160x160,filter=tf1-bilinear" TF_NUMBERS},
    {"tensorflow-inception", "torchvision", 0, 0,
     "fit=squash,resize=299x299,crop=299x299,filter=tf1-bilinear" TF_NUMBERS},
    {"tensorflow-vgg", "torchvision", 0, 0,
     "fit=shorter-side,resize=256,crop=224x224,filter=tf1-bilinear,order=rgb,scale=1,"
     "mean=123.68:116.779:103.939,deviation=1"},
    /* Overrides: of the preset that goes with the network, or of the one that is named. */
    {"filter=bicubic,mean=0.5,deviation=0.5", "torchvision", 224, 224,
     "fit=shorter-side,resize=256,crop=224x224,filter=bicubic,order=rgb,scale=1/255,mean=0.5,"
     "deviation=0.5"},
    {"keras-tf,filter=half-pixel-bilinear", "caffe-vgg", 224, 224,
     "fit=squash,resize=224x224,crop=224x224,filter=half-pixel-bilinear" TF_NUMBERS},
    {"crop=299", "torchvision", 0, 0, "fit=shorter-side,resize=342,crop=299x299" TORCHVISION},
    {"crop=299", "torchvision", 299, 0, "fit=shorter-side,resize=342,crop=299x299" TORCHVISION},
    {"crop=100x150,resize=180", "torchvision", 0, 0,
     "fit=shorter-side,resize=180,crop=100x150" TORCHVISION},
    {"fit=squash,resize=224", "torchvision", 224, 224,
     "fit=squash,resize=224x224,crop=224x224" TORCHVISION},
    {"fit=pad", "torchvision", 224, 224, "fit=pad,resize=224x224,crop=224x224" TORCHVISION},
    {"fit=pad,resize=100x120", "torchvision", 224, 224,
     "fit=pad,resize=100x120,crop=224x224" TORCHVISION},
    {"resize=64", "torchvision", 224, 224, "fit=shorter-side,resize=64,crop=224x224" TORCHVISION},
    {"crop=8192", "torchvision", 0, 0, "fit=shorter-side,resize=8192,crop=8192x8192" TORCHVISION},
    {"keras-raw,order=bgr,scale=0.1,mean=-1:0.30000000000000004:1e-05,deviation=3", "torchvision",
     224, 224,
     "fit=squash,resize=224x224,crop=224x224,filter=nearest,order=bgr,scale=0.1,"
     "mean=-1:0.30000000000000004:1e-05,deviation=3"},
};

static void test_rules_and_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct preprocess_rule rule, again;
        struct error error;
        char text[RULE_TEXT], text_again[RULE_TEXT];

        if (rule_parse(rules[i].text, rules[i].preset, rules[i].height, rules[i].width, &rule,
                       &error) < 0)
            fail_msg("%s", error.text);
        rule_to_text(&rule, text);
        assert_string_equal(text, rules[i].canonical);
        /* The canonical text says it all: it gives the same rule on top of another preset. */
        assert_int_equal(rule_parse(text, "caffe-mobilenet", 0, 0, &again, &error), 0);
        rule_to_text(&again, text_again);
        assert_string_equal(text_again, text);
        assert_int_equal(again.resize_height, rule.resize_height);
        assert_int_equal(again.resize_width, rule.resize_width);
        assert_memory_equal(&again.scale, &rule.scale, sizeof rule.scale);
        assert_memory_equal(again.mean, rule.mean, sizeof rule.mean);
        assert_memory_equal(again.deviation, rule.deviation, sizeof rule.deviation);
    }
}

/* Numbers of every size come back from their text to the last bit. */
static void test_numbers_are_exact(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct preprocess_rule rule, again;
        struct error error;
        char text[RULE_TEXT];

        assert_int_equal(rule_parse(NULL, "torchvision", 0, 0, &rule, &error), 0);
        for (int channel = 0; channel < 3; channel++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            rule.mean[channel] = (double)(int64_t)seed / 0x1p50;
            rule.deviation[channel] = 1 / ((double)(seed >> 20) / 0x1p33 + 1e-3);
        }
        rule.scale = 1 / (double)(i + 1);
        rule_to_text(&rule, text);
        assert_int_equal(rule_parse(text, "keras-raw", 0, 0, &again, &error), 0);
        assert_memory_equal(&again.scale, &rule.scale, sizeof rule.scale);
        assert_memory_equal(again.mean, rule.mean, sizeof rule.mean);
        assert_memory_equal(again.deviation, rule.deviation, sizeof rule.deviation);
    }
}

static void test_gray(void **state)
{
    struct preprocess_rule rule, again;
    struct error error;
    char text[RULE_TEXT];

    (void)state;
    assert_int_equal(rule_parse("torchvision,crop=28", "keras-raw", 0, 0, &rule, &error), 0);
    assert_int_equal(rule_channels(&rule), 3);
    assert_int_equal(rule_numbers(&rule), 28 * 28 * 3);
    assert_int_equal(rule_take_channels(&rule, 3, &error), 0);
    assert_int_equal(rule.order, ORDER_RGB);
    assert_int_equal(rule_take_channels(&rule, 1, &error), 0);
    assert_int_equal(rule.order, ORDER_GRAY);
    assert_int_equal(rule_numbers(&rule), 28 * 28);
    assert_true(fabs(rule.mean[0] - 0.449) < 1e-9 && fabs(rule.deviation[2] - 0.226) < 1e-9);
    rule_to_text(&rule, text);
    assert_non_null(strstr(text, ",order=gray,"));
    assert_int_equal(rule_parse(text, "keras-raw", 28, 28, &again, &error), 0);
    assert_memory_equal(&again, &rule, sizeof rule);
    assert_int_equal(rule_take_channels(&rule, 1, &error), 0);
    assert_memory_equal(&again, &rule, sizeof rule);
    assert_int_equal(rule_parse("order=gray", "torchvision,crop=28", 0, 0, &again, &error), 0);
    assert_memory_equal(&again, &rule, sizeof rule);
    assert_int_equal(rule_take_channels(&rule, 3, &error), FAILED);
    assert_string_equal(error.text, "it takes images of 3 channels, not order=gray");
    assert_int_equal(rule_take_channels(&rule, 2, &error), FAILED);
    assert_string_equal(error.text, "it takes images of 2 channels, photos have 3 or 1");
}

static void test_faults(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"torchvison", "unknown preprocessing 'torchvison'; --help lists the names"},
        {"", "a preprocessing rule has nothing between two commas"},
        {"torchvision,", "a preprocessing rule has nothing between two commas"},
        {"fit=squash,torchvision", "'torchvision' in a preprocessing rule is no KEY=VALUE"},
        {"fit=stretch", "unknown fit 'stretch' in a preprocessing rule; it is one of squash, "
                        "shorter-side, pad"},
        {"order=RGB", "unknown order 'RGB' in a preprocessing rule; it is one of rgb, bgr, gray"},
        {"filter=cubic", "unknown filter 'cubic' in a preprocessing rule; it is one of nearest, "
                         "bilinear, bicubic, lanczos, opencv-linear, tf1-bilinear, "
                         "half-pixel-bilinear"},
        {"std=1", "unknown key 'std' in a preprocessing rule; it is one of fit, resize, crop, "
                  "filter, order, scale, mean, deviation"},
        {"mean=1,mean=1", "'mean' stands twice in a preprocessing rule"},
        {"crop=225", "the network takes images of 224x224, not a crop of 225x225"},
        {"crop=224x225", "the network takes images of 224x224, not a crop of 224x225"},
        {"resize=256x300", "fit=shorter-side takes one number for resize, not 256x300"},
    };
    static const char *const values[] = {
        "resize=0", "resize=", "resize=-1", "resize= 9", "resize=9x", "resize=9x9x9", "resize=9.5",
        "resize=8193", "crop=99999999999999999999", "scale=0", "scale=-1", "scale=", "scale=x",
        "scale=1/", "scale=1/0", "scale=/2", "scale=1/2/3", "scale=inf", "scale=nan", "scale=0x10",
        "scale=1e400", "scale= 1", "scale=1 ", "scale=1:2:3", "scale=2e6", "mean=1:2",
        "mean=1:2:3:4", "mean=::", "mean=1:2:", "mean=1;2;3", "deviation=0", "deviation=1:0:1",
        "deviation=-1",
    };
    struct preprocess_rule rule;
    struct error error;
    char text[2 * RULE_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rule_parse(cases[i].text, "torchvision", 224, 224, &rule, &error),
                         FAILED);
        assert_string_equal(error.text, cases[i].message);
    }
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (rule_parse(values[i], "torchvision", 0, 0, &rule, &error) == 0)
            fail_msg("%s is taken", values[i]);
        assert_non_null(strstr(error.text, values[i]));
    }
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(rule_parse(text, "torchvision", 0, 0, &rule, &error), FAILED);
    assert_int_equal(rule_parse(NULL, "torchvision", 9000, 9000, &rule, &error), FAILED);
    assert_string_equal(error.text,
                        "the network takes images of 9000x9000, above the limit of 8192");
}

static void test_help_names_every_preset(void **state)
{
    char *help = NULL, *line, *rest;
    size_t size, presets = 0;
    FILE *out = open_memstream(&help, &size);

    (void)state;
    assert_non_null(out);
    rule_print_presets(out, "    ");
    fclose(out);
    rest = help;
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        struct preprocess_rule rule;
        struct error error;

        assert_memory_equal(line, "    ", 4);
        assert_in_range(strlen(line), 35, 100);
        line[4 + strcspn(line + 4, " ")] = '\0';
        assert_int_equal(rule_parse(line + 4, "torchvision", 0, 0, &rule, &error), 0);
        presets++;
    }
    assert_true(presets > 18);
    free(help);
}

static void test_known_files(void **state)
{
    static const struct {
        const char *digest, *file, *preset, *publisher;
    } cases[] = {
        {"1eeff551a67ae8d565ca33b572fc4b66e3ef357b0eb2863bb9ff47a918cc4088",
         "squeezenet1.1-7.onnx", "torchvision", "ONNX Model Zoo"},
        {"af16a04a6ec48ac494065d4439fe9dea590d337b9ca6dc328160ccf04a217b9c",
         "resnet50-v1-7.onnx", "torchvision", "ONNX Model Zoo"},
        {"c99c507058eaf41de8723408fdda7db8325cb57f0a89f2ee07a716d6e963e14e",
         "googlenet-12.onnx", "onnx-googlenet", "ONNX Model Zoo"},
        {"c975ca6a24c0a2e1584c6f82667e0ac9c06084fc7769d267f71b4a154d1f1c72",
         "zfnet512-12.onnx", "caffe-alexnet", "ONNX Model Zoo"},
        {"0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
         "resnet50-0676ba61.pth", "torchvision", "torchvision"},
        {"11ad3fa6b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
         "resnet50-11ad3fa6.pth", "torchvision,resize=232", "torchvision"},
        {"0cc3c7bdb6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
         "inception_v3_google-0cc3c7bd.pth", "torchvision-tf,crop=299", "torchvision"},
    };
    struct known_network known;
    struct hash digest;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(hash_from_text(cases[i].digest, &digest));
        rule_for_network(&digest, "", &known);
        assert_false(known.assumed);
        assert_string_equal(known.file, cases[i].file);
        assert_string_equal(known.preset, cases[i].preset);
        assert_string_equal(known.publisher, cases[i].publisher);
        assert_non_null(known.name);
    }
    digest.bytes[0] ^= 1;
    rule_for_network(&digest, "", &known);
    assert_true(known.assumed);
    assert_string_equal(known.preset, "torchvision");
    assert_null(known.name);
}

/* The digest of a row: its first digits, and zeros. */
static struct hash row_digest(const char *digits)
{
    char text[HASH_TEXT];
    struct hash digest;

    memset(text, '0', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, digits, strspn(digits, "0123456789abcdef"));
    assert_true(hash_from_text(text, &digest));
    return digest;
}

/* Every row of the list of published files is known, with a preset that exists. */
static void test_all_published_files_are_known(void **state)
{
    const char *path = test_data("KNOWN_FILES.tsv");
    FILE *table = path != NULL ? fopen(path, "r") : NULL;
    char line[512];
    size_t files = 0;

    (void)state;
    if (table == NULL)
        skip();
    while (fgets(line, sizeof line, table) != NULL) {
        char *rest = line;
        const char *publisher = strsep(&rest, "\t"), *file = strsep(&rest, "\t");
        const char *kind = strsep(&rest, "\t"), *value = strsep(&rest, "\t");
        struct preprocess_rule rule;
        struct known_network known;
        struct hash digest;
        struct error error;

        if (value == NULL || strcmp(publisher, "published by") == 0)
            continue;
        if (strcmp(kind, "md5") == 0)
            rule_for_network(&(struct hash){{0}}, value, &known);
        else {
            digest = row_digest(value);
            rule_for_network(&digest, "", &known);
        }
        if (known.assumed || strcmp(known.publisher, publisher) != 0 ||
            rule_parse(NULL, known.preset, 0, 0, &rule, &error) < 0)
            fail_msg("%s is not known", file);
        files++;
    }
    assert_int_equal(files, 85 + 26 + 26);
    fclose(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_and_their_text),
        cmocka_unit_test(test_numbers_are_exact),
        cmocka_unit_test(test_gray),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_help_names_every_preset),
        cmocka_unit_test(test_known_files),
        cmocka_unit_test(test_all_published_files_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
