/*
 * Where the image enters a TensorFlow graph, and what is known of its preprocessing.
 *
 * A graph may begin with a placeholder for a batch, with one for a single image, or with the
 * bytes of a JPEG file that it decodes, resizes and scales itself (the Inception of 2015-12-05
 * that retrain.py used). What stands between the pixels and the first layer of the network is
 * the preprocessing that the weights were trained with: it becomes the rule, and the network is
 * fed behind it.
 */
#ifndef EXTRACT_FORMATS_TENSORFLOW_IMAGE_H
#define EXTRACT_FORMATS_TENSORFLOW_IMAGE_H

#include "extract/formats/model.h"
#include "extract/formats/tensorflow_file.h"

struct tensorflow_image {
    size_t node;               /* its first result is what the network is fed with */
    bool channels_first;       /* (n, channels, height, width), else (n, height, width, channels) */
    int64_t batch;             /* as the file has it; 1 where it is free */
    struct network_input size;
    char rule[MODEL_TEXT];     /* of rules.h; "" for images that are no photos */
    bool assumes_rule;         /* nothing tells, or the graph resizes as no rule does */
};

/* FAILED when nothing in the graph is an image, or several things are. */
int tensorflow_find_image(const struct tensorflow_file *file, struct tensorflow_image *image,
                          struct error *error);

#endif
