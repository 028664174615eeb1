/*
 * The families of architectures; each is a file of its own.
 */
#ifndef EXTRACT_ARCHITECTURES_FAMILIES_H
#define EXTRACT_ARCHITECTURES_FAMILIES_H

#include "extract/architectures/builder.h"

extern const struct family alexnet_family;
extern const struct family densenet_family;
extern const struct family googlenet_family;
extern const struct family inception_v3_family;
extern const struct family lenet_family;
extern const struct family mobilenet_v1_family;
extern const struct family mobilenet_v2_family;
extern const struct family resnet_cifar_family;
extern const struct family resnet_family;
extern const struct family resnet_v2_family;
extern const struct family squeezenet_family;
extern const struct family vgg_family;

#endif
