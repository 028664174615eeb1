/*
 * The preprocessing of a Caffe network, as a rule (rules.h) that its files give.
 *
 * The geometry is that of the family, which the network's name tells ("CaffeNet", "ResNet-50");
 * of an unknown network of 224 or 227 pixels BVLC's (squashed to 256, the centre cut out), of any
 * other that of Caffe's classification example (squashed to the network's size).
 *
 * Scale and mean are those of the data layer, in the definition or else in the .caffemodel, which
 * keeps the layers of the training. A mean image becomes the mean of each of its channels, as in
 * that example; it is looked for beside the weights (caffe_files.h) and belongs to the network only
 * when it has its channels and is not smaller than its images. An unknown network takes images of
 * the size of its mean image before it cuts. Without data layer and mean image the family's numbers
 * hold; those of an unknown network are assumed (bvlc_reference_caffenet's).
 *
 * Source: github.com/BVLC/caffe, src/caffe/data_transformer.cpp, examples/cpp_classification.
 */
#ifndef EXTRACT_FORMATS_CAFFE_RULE_H
#define EXTRACT_FORMATS_CAFFE_RULE_H

#include <stdbool.h>

#include "common/error.h"
#include "extract/formats/caffe_transform.h"
#include "extract/formats/model.h"

/* The mean image of a training set. */
struct caffe_mean {
    size_t channels, height, width;  /* 0: there is none */
    double means[CAFFE_MEANS];       /* of the first channels */
};

/* Reads the mean image that lies beside the weights, where it fits the input; a size of 0 fits
 * every image. FAILED when it is there and damaged. */
int caffe_read_mean(const char *weights, const struct caffe_transform *transform,
                    const struct network_input *input, struct caffe_mean *mean,
                    struct error *error);

/* names: of the network, in the definition and in the weights; may be NULL. *assumed: nothing in
 * the files tells the mean. FAILED when the data layer's numbers are none that a rule can have. */
int caffe_compose_rule(const char *const names[2], const struct caffe_transform *transform,
                       const struct caffe_mean *mean, const struct network_input *input,
                       char rule[static MODEL_TEXT], bool *assumed, struct error *error);

#endif
