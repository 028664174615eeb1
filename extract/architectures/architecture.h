/*
 * The classic architectures, for files that hold weights alone: recognised from the names and
 * shapes of the weights, then built as a graph.
 *
 *     architecture_recognise(&weights, &found, &error);    found.title: "ResNet-50 (torchvision)"
 *     architecture_build(&found, &weights, 224, 224, &graph, &error);
 *
 * A family (vgg.c, resnet.c, ...) has a table that reads like its paper's, a table of the names
 * that a framework gives to the layers, and two functions that walk them with builder.h:
 * features, and the classifier behind them. The same walk compares and builds. New names are a
 * dialect in the family's file, a new architecture is a row there, a new family a file and a line
 * in architecture.c.
 */
#ifndef EXTRACT_ARCHITECTURES_ARCHITECTURE_H
#define EXTRACT_ARCHITECTURES_ARCHITECTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "extract/architectures/weights.h"
#include "extract/graph/graph.h"

struct family;
struct dialect;
struct architecture;

/* What a file's weights belong to. */
struct recognised {
    const struct family *family;
    const struct dialect *dialect;
    const struct architecture *architecture;
    char title[128];         /* "MobileNet v2, width 0.35 (Keras)" */
    const char *preprocess;  /* a rule (rules.h): what these weights are commonly validated with */
    size_t channels;         /* of the image */
    size_t side;             /* of the image; 0: any */
    double likeness;         /* 0 to 1: the share of all tensors that are the same, 1 when found */
    bool headless;           /* without the classifier that belongs to it, or with another one */
};

/* FAILED when the weights are of no architecture known here: the message names the nearest and
 * the first difference from it. Weights of other classifiers, or for other numbers of classes,
 * are no difference: they lie behind the cut. *found is set in any case. */
int architecture_recognise(const struct weights *weights, struct recognised *found,
                           struct error *error);

/* Fills an empty graph. */
int architecture_build(const struct recognised *found, const struct weights *weights,
                       size_t height, size_t width, struct graph *graph, struct error *error);

#endif
