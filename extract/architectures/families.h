/*
 * The families of architectures; each is a file of its own.
 */
#ifndef EXTRACT_ARCHITECTURES_FAMILIES_H
#define EXTRACT_ARCHITECTURES_FAMILIES_H

#include "extract/architectures/builder.h"

extern const struct family vgg_family;
extern const struct family resnet_family;

#endif
