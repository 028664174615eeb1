/*
 * What a data layer does to images: Caffe's TransformationParameter. (x - mean) * scale, channel
 * by channel, on a crop of the image.
 */
#ifndef EXTRACT_FORMATS_CAFFE_TRANSFORM_H
#define EXTRACT_FORMATS_CAFFE_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>

enum { CAFFE_MEANS = 3, CAFFE_PATH = 256 };

struct caffe_transform {
    bool given;          /* there is a data layer that transforms images */
    size_t crop;         /* the side; 0: the image as it is stored */
    float scale;
    float means[CAFFE_MEANS];
    size_t mean_count;   /* 0: none; 1: for all channels */
    char mean_file[CAFFE_PATH];  /* its name without folders; "": none */
};

#endif
