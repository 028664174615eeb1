/*
 * Translates a Caffe network into layers: a .caffemodel with its weights, and the prototxt that
 * says what the network is. Without --definition that is the first of these beside the
 * .caffemodel, STEM being its name without the suffix (and without "-model" or "_model" behind):
 *
 *     STEM.prototxt, STEM_deploy.prototxt, STEM-deploy.prototxt, STEM_train_test.prototxt,
 *     STEM_train_val.prototxt, deploy.prototxt, the only .prototxt of the folder
 *
 * A blob that several layers write in place is known by its last state, as Caffe keeps it, and so
 * are the layers that write it: `conv1` and `relu1` both mean conv1 behind its ReLU.
 *
 * Where the definition does not say how large the images are (a network for training), any size
 * is taken, and the usual one is that of the data layer's crop_size, of its mean image, or the one
 * that its first InnerProduct fits.
 *
 * The preprocessing is described in caffe_rule.h.
 *
 * Source: github.com/BVLC/caffe, src/caffe/layers.
 */
#ifndef EXTRACT_FORMATS_CAFFE_READER_H
#define EXTRACT_FORMATS_CAFFE_READER_H

#include "extract/formats/model.h"

extern const struct format caffe_format;

#endif
