#include "extract/formats/keras_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/formats/keras_config.h"
#include "extract/formats/keras_reader_private.h"
#include "extract/formats/keras_weights.h"

struct contents {
    struct keras_file file;
    struct keras_architecture architecture;  /* where the file has weights alone */
    bool weights_alone;
};

/* ---- preprocessing ---------------------------------------------------------------------- */

/* Layers by which the models of Keras Applications are known, also inside a model that somebody
 * trained on; the rules are those of their preprocess_input. Where two fit, the first counts. */
static const struct {
    const char *layer, *rule;
} families[] = {
    {"block14_sepconv2", "keras-tf"},           /* Xception */
    {"block1_conv1", "keras-caffe"},            /* VGG */
    {"res2a_branch2a", "keras-caffe"},          /* ResNet until Keras 2.2 */
    {"conv1/conv", "keras-torch"},              /* DenseNet */
    {"conv2_block1_preact_bn", "keras-tf"},     /* ResNet v2 */
    {"conv2_block1_0_conv", "keras-caffe"},     /* ResNet */
    {"conv_dw_1", "keras-tf"},                  /* MobileNet v1 */
    {"expanded_conv_depthwise", "keras-tf"},    /* MobileNet v2 */
    {"block8_10_conv", "keras-tf"},             /* Inception-ResNet v2 */
    {"mixed10", "keras-tf"},                    /* Inception v3 */
    {"normal_conv_1_0", "keras-tf"},            /* NASNet */
    {"fire2/squeeze1x1", "keras-caffe,crop=227"},  /* SqueezeNet of keras-squeezenet */
};

enum { FAMILIES = sizeof families / sizeof families[0] };

struct origin {
    size_t family;  /* FAMILIES: none so far */
    bool inside;    /* the network scales the pixels itself */
};

static void look_at_layer(void *context, const char *class_name, const char *name)
{
    struct origin *origin = context;

    if (strcmp(class_name, "Rescaling") == 0 || strcmp(class_name, "Normalization") == 0)
        origin->inside = true;
    for (size_t i = 0; i < origin->family; i++)
        if (strcmp(families[i].layer, name) == 0)
            origin->family = i;
}

static void choose_rule(const struct keras_file *file, struct model *model)
{
    struct origin origin = {.family = FAMILIES};

    keras_model_layers(json_tree_root(file->config), look_at_layer, &origin);
    if (origin.inside)
        snprintf(model->preprocess, sizeof model->preprocess, "keras-raw");
    else if (origin.family < FAMILIES)
        snprintf(model->preprocess, sizeof model->preprocess, "%s",
                 families[origin.family].rule);
}

/* ---- the format ------------------------------------------------------------------------- */

static bool keras_recognise(const struct model *model)
{
    return keras_is_file(model_bytes(model, 0));
}

static int open_weights(struct model *model, struct contents *contents, struct error *error)
{
    const struct recognised *found = &contents->architecture.found;

    contents->weights_alone = true;
    if (keras_architecture_find(&contents->file, &contents->architecture, error) < 0)
        return FAILED;
    model->input = (struct network_input){found->channels, found->side, found->side};
    snprintf(model->architecture, sizeof model->architecture, "%s", found->title);
    snprintf(model->preprocess, sizeof model->preprocess, "%s", found->preprocess);
    return 0;
}

static int keras_open(struct model *model, const char *definition, struct error *error)
{
    struct contents *contents = memory_allocate(1, sizeof *contents, error);
    bool channels_last;

    model->contents = contents;
    if (contents == NULL)
        return FAILED;
    if (definition != NULL)
        return error_set(error, "a Keras file takes no definition");
    if (keras_file_open(model_bytes(model, 0), &contents->file, error) < 0)
        return FAILED;
    if (contents->file.config == NULL)
        return open_weights(model, contents, error);
    choose_rule(&contents->file, model);
    return keras_model_input(json_tree_root(contents->file.config), &model->input, &channels_last,
                             error);
}

static int keras_read(const struct model *model, size_t height, size_t width, struct graph *graph,
                      struct error *error)
{
    const struct contents *contents = model->contents;
    const struct network_input input = {model->input.channels, height, width};

    if (!contents->weights_alone)
        return keras_model_read(&contents->file, &input, graph, error);
    return architecture_build(&contents->architecture.found, &contents->architecture.weights,
                              height, width, graph, error);
}

static void keras_close(struct model *model)
{
    struct contents *contents = model->contents;

    if (contents == NULL)
        return;
    keras_architecture_release(&contents->architecture);
    keras_file_release(&contents->file);
    free(contents);
}

const struct format keras_format = {
    .name = "keras",
    .title = "Keras",
    .recognise = keras_recognise,
    .open = keras_open,
    .read = keras_read,
    .close = keras_close,
};
