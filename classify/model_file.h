/*
 * Trained classifiers as files, exact to the last bit and independent of any database.
 *
 *     model_write("ants-or-bees.model", &model, &error);
 *     model_read("ants-or-bees.model", &model, &error);
 *     model_release(&model);
 *
 * The format, version 3. Numbers are little-endian; f64 is IEEE 754 binary64; a text is its
 * length as u32 and so many bytes, none of them 0.
 *
 *     8 bytes   "bnkmodel"
 *     u32       the version of the format
 *     text      the program that wrote it, "bottleneck-classify 0.1.0"
 *     32 bytes  SHA-256 of the network's file
 *     text      the network's name
 *     text x 3  layer, pooling, preprocessing of the feature set
 *     i64       its engine version
 *     u64       its dimension
 *     text      how vectors are normalised: "l2", "power" or "none"; "standard" is as "none", since
 *               the scaling is part of the weights
 *     text      which views decide about an image: "none" and "train", its original; "both", the
 *               mean over that and the views that follow
 *     u32       the number of views besides the original that it was trained on; 0 with "none"
 *     text ...  their names, ascending in byte order
 *     text      how classes are decided: "ovo" or "ovr"
 *     f64       C
 *     u64       the number of images that it was trained on
 *     u32       the number of classes, at least 2
 *     text ...  their labels, ascending in byte order
 *     u32       1 with probabilities, else 0
 *     f64 ...   with probabilities: slope and offset of the sigmoid of each decision
 *     f64 ...   bias of each decision, in the order of vote.h
 *     f64 ...   weight vector of each decision
 *     32 bytes  SHA-256 of everything before
 */
#ifndef CLASSIFY_MODEL_FILE_H
#define CLASSIFY_MODEL_FILE_H

#include <stddef.h>

#include "classify/augmentation.h"
#include "classify/calibration.h"
#include "classify/dataset.h"
#include "classify/feature_set.h"
#include "classify/linear.h"
#include "common/error.h"

struct model {
    const char *program;
    struct feature_set features;  /* without id and count of vectors when read */
    enum normalize normalize;
    struct augmentation augmentation;
    double c;
    size_t images;
    char **labels;                /* [linear.classes], ascending in byte order */
    struct linear linear;
    struct sigmoid *sigmoids;     /* [linear.decisions]; NULL: no probabilities */
    void *owned;                  /* what model_release frees; NULL in a model that was not read */
};

/* Writes the file, which appears complete or not at all. 0 or FAILED. */
int model_write(const char *path, const struct model *model, struct error *error);

/* FAILED when the file cannot be read, is no model, of a newer format, damaged or cut off. */
int model_read(const char *path, struct model *model, struct error *error);

/* Releases a model that model_read filled in. */
void model_release(struct model *model);

#endif
