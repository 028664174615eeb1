/*
 * Which function translates which type of layer.
 */
#include <string.h>

#include "extract/formats/caffe_reader_private.h"

struct type {
    const char *name;
    caffe_translate *function;
};

static const struct type types[] = {
    {"BatchNorm", caffe_translate_batch_norm},
    {"Bias", caffe_translate_affine},
    {"Clip", caffe_translate_clip},
    {"Concat", caffe_translate_concat},
    {"Convolution", caffe_translate_convolution},
    {"Dropout", caffe_translate_alias},
    {"ELU", caffe_translate_activation},
    {"Eltwise", caffe_translate_eltwise},
    {"Flatten", caffe_translate_flatten},
    {"InnerProduct", caffe_translate_inner_product},
    {"LRN", caffe_translate_lrn},
    {"PReLU", caffe_translate_prelu},
    {"Padding", caffe_translate_padding},
    {"Pooling", caffe_translate_pooling},
    {"Power", caffe_translate_power},
    {"ReLU", caffe_translate_relu},
    {"Reshape", caffe_translate_reshape},
    {"Scale", caffe_translate_affine},
    {"Sigmoid", caffe_translate_activation},
    {"Slice", caffe_translate_slice},
    {"Softmax", caffe_translate_softmax},
    {"SoftmaxWithLoss", caffe_translate_softmax},
    {"Split", caffe_translate_alias},
    {"TanH", caffe_translate_activation},
    /* Of forks that published networks were made with: SENet, MobileNet, ShuffleNet. */
    {"Axpy", caffe_translate_axpy},
    {"ConvolutionDepthwise", caffe_translate_depthwise},
    {"DepthwiseConvolution", caffe_translate_depthwise},
    {"ReLU6", caffe_translate_activation},
    {"ShuffleChannel", caffe_translate_shuffle},
};

caffe_translate *caffe_find_type(const char *type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, type) == 0)
            return types[i].function;
    return NULL;
}

bool caffe_is_dropped(const char *type)
{
    static const char *const names[] = {"Accuracy", "HDF5Output", "Silence"};
    size_t length = strlen(type);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], type) == 0)
            return true;
    /* SoftmaxWithLoss stays, as the softmax that it has in it: a head is known by that. */
    return length > 4 && strcmp(type + length - 4, "Loss") == 0 &&
           strcmp(type, "SoftmaxWithLoss") != 0;
}
