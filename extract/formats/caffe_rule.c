#include "extract/formats/caffe_rule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/file.h"
#include "extract/formats/caffe_files.h"
#include "extract/formats/caffe_weights.h"
#include "extract/rules.h"

/* How the name of a network begins, in any case, and what it was trained with. */
struct family {
    const char *begins, *rule;
    const char *arithmetic;  /* where it is not that of the preset; else "" */
};

static const struct family families[] = {
    {"AlexNet", "caffe-alexnet", ""},
    {"CaffeNet", "caffe-alexnet", ""},
    {"GoogleNet", "caffe-googlenet", ""},
    {"VGG", "caffe-vgg", ""},
    /* KaimingHe/deep-residual-networks; the means as Keras applications have them for it. */
    {"ResNet", "caffe-vgg", ""},
    /* hujie-frank/SENet */
    {"SE-ResNet", "caffe-vgg", ",mean=104:117:123"},
    {"SqueezeNet", "caffe-squeezenet", ""},
    {"FireNet", "caffe-squeezenet", ""},
    {"MobileNet", "caffe-mobilenet", ""},
    {"DenseNet", "caffe-mobilenet", ""},
    /* examples/cifar10: the planes of CIFAR-10 are red, green and blue. */
    {"CIFAR10", "caffe,order=rgb", ",mean=125.307:122.95:113.865"},
    /* MTCNN, kpzhang93/MTCNN_face_detection_alignment: (x - 127.5) * 0.0078125 */
    {"PNet", "caffe,order=rgb", ",mean=127.5,deviation=128"},
    {"RNet", "caffe,order=rgb", ",mean=127.5,deviation=128"},
    {"ONet", "caffe,order=rgb", ",mean=127.5,deviation=128"},
};

/* A mean image is at most this large. */
enum { MAX_MEAN_FILE = 1 << 26, MAP_RANK = 3 };

/* ---- the mean image --------------------------------------------------------------------- */

/* Its last three lengths; those before must be 1. */
static bool measure(const struct tensor *tensor, struct caffe_mean *mean)
{
    if (tensor->rank < MAP_RANK || tensor->count == 0)
        return false;
    for (size_t axis = 0; axis + MAP_RANK < tensor->rank; axis++)
        if (tensor->shape[axis] != 1)
            return false;
    mean->channels = tensor->shape[tensor->rank - 3];
    mean->height = tensor->shape[tensor->rank - 2];
    mean->width = tensor->shape[tensor->rank - 1];
    return true;
}

static bool fits(const struct caffe_mean *mean, const struct caffe_transform *transform,
                 const struct network_input *input)
{
    bool exact = transform->given && transform->crop == 0;

    if (mean->channels != input->channels && input->channels != 0)
        return false;
    if (mean->height < input->height || mean->width < input->width ||
        mean->height > RULE_MAXIMUM_SIDE || mean->width > RULE_MAXIMUM_SIDE)
        return false;
    return !exact || ((input->height == 0 || mean->height == input->height) &&
                      (input->width == 0 || mean->width == input->width));
}

static void average(const struct tensor *tensor, struct caffe_mean *mean)
{
    size_t pixels = mean->height * mean->width;

    for (size_t c = 0; c < mean->channels && c < CAFFE_MEANS; c++) {
        double sum = 0;

        for (size_t p = 0; p < pixels; p++)
            sum += tensor_real(tensor, c * pixels + p);
        mean->means[c] = sum / (double)pixels;
    }
}

static int parse_mean(const char *path, const struct caffe_transform *transform,
                      const struct network_input *input, struct caffe_mean *mean,
                      struct error *error)
{
    struct buffer file = {0};
    struct tensor tensor = {0};
    struct caffe_mean found = {0};
    int outcome = file_read(path, MAX_MEAN_FILE, &file, NULL, error);

    if (outcome == 0)
        outcome = caffe_blob_parse((struct bytes){file.data, file.size}, &tensor, error);
    if (outcome == 0 && !measure(&tensor, &found))
        outcome = error_set(error, "it is no image of channels, height and width");
    if (outcome == 0 && fits(&found, transform, input)) {
        average(&tensor, &found);
        *mean = found;
    }
    if (outcome < 0)
        error_wrap(error, "the mean image '%s'", path);
    tensor_release(&tensor);
    buffer_release(&file);
    return outcome;
}

int caffe_read_mean(const char *weights, const struct caffe_transform *transform,
                    const struct network_input *input, struct caffe_mean *mean,
                    struct error *error)
{
    char *path;
    int outcome;

    *mean = (struct caffe_mean){0};
    if (transform->mean_count > 0)
        return 0;
    if (caffe_find_mean(weights, transform->mean_file, &path, error) < 0)
        return FAILED;
    if (path == NULL)
        return 0;
    outcome = parse_mean(path, transform, input, mean, error);
    free(path);
    return outcome;
}

/* ---- the rule --------------------------------------------------------------------------- */

static const struct family *find_family(const char *const names[2])
{
    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; names[n] != NULL && i < sizeof families / sizeof families[0]; i++)
            if (strncasecmp(names[n], families[i].begins, strlen(families[i].begins)) == 0)
                return &families[i];
    return NULL;
}

/* A rule in the making. */
struct text {
    char *out;
    size_t used;
};

static void append(struct text *text, const char *part)
{
    int written = snprintf(text->out + text->used, MODEL_TEXT - text->used, "%s", part);

    text->used += written > 0 ? (size_t)written : 0;
    if (text->used >= MODEL_TEXT)
        text->used = MODEL_TEXT - 1;
}

/* The fewest digits that give the same float again; not less than three, which spares "1e+01". */
static void append_number(struct text *text, double value)
{
    char number[32] = "";
    float wanted = (float)value, got;
    int digits = 2;

    do {
        snprintf(number, sizeof number, "%.*g", ++digits, value);
        got = strtof(number, NULL);
    } while (memcmp(&got, &wanted, sizeof got) != 0 && digits < 9);
    append(text, number);
}

static int append_means(struct text *text, const double *means, size_t count,
                        struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(means[i]) <= 1e6))
            return error_set(error, "its images have a mean of %g", means[i]);
        append(text, i == 0 ? ",mean=" : ":");
        append_number(text, means[i]);
    }
    return 0;
}

/* The means that the files know; *found is false when they know none. */
static int append_known_means(struct text *text, const struct caffe_transform *transform,
                              const struct caffe_mean *mean, bool *found, struct error *error)
{
    double means[CAFFE_MEANS] = {0};

    *found = true;
    for (size_t i = 0; i < transform->mean_count; i++)
        means[i] = (double)transform->means[i];
    if (transform->mean_count == CAFFE_MEANS)
        return append_means(text, means, CAFFE_MEANS, error);
    if (transform->mean_count > 0)
        return append_means(text, means, 1, error);
    if (mean->channels > 0)
        return append_means(text, mean->means, mean->channels < CAFFE_MEANS ? 1 : CAFFE_MEANS,
                            error);
    /* A data layer that names no mean takes none off. */
    *found = transform->given && *transform->mean_file == '\0';
    append(text, *found ? ",mean=0" : "");
    return 0;
}

/* (x - mean) * scale: the deviation is 1 / scale. */
static int append_scale(struct text *text, const struct caffe_transform *transform,
                        struct error *error)
{
    if (!(transform->scale >= 1e-6f && transform->scale <= 1e6f))
        return error_set(error, "its data layer scales by %g", (double)transform->scale);
    append(text, ",deviation=1");
    if (transform->scale < 1 || transform->scale > 1) {
        append(text, "/");
        append_number(text, (double)transform->scale);
    }
    return 0;
}

int caffe_compose_rule(const char *const names[2], const struct caffe_transform *transform,
                       const struct caffe_mean *mean, const struct network_input *input,
                       char rule[static MODEL_TEXT], bool *assumed, struct error *error)
{
    struct text text = {.out = rule};
    const struct family *family = find_family(names);
    bool bvlc = input->height == input->width && (input->height == 224 || input->height == 227);
    bool known;
    char size[64];

    append(&text, family != NULL ? family->rule : bvlc ? "caffe-alexnet" : "caffe");
    if (family == NULL && mean->channels > 0) {
        snprintf(size, sizeof size, ",resize=%zux%zu", mean->height, mean->width);
        append(&text, size);
    }
    if (append_known_means(&text, transform, mean, &known, error) < 0)
        return FAILED;
    *assumed = !known && family == NULL;
    if (!known && family != NULL)
        append(&text, family->arithmetic);
    else if (transform->given && append_scale(&text, transform, error) < 0)
        return FAILED;
    return 0;
}
