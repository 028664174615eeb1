/*
 * The side of the images that a network was made for, where its file does not say: a fully
 * connected layer behind a map fits few sizes, which are found by trying.
 */
#ifndef EXTRACT_FORMATS_INPUT_SIDE_H
#define EXTRACT_FORMATS_INPUT_SIDE_H

#include "extract/formats/model.h"

/* What the first fully connected layer met; a reader fills it in while it translates. */
struct input_fit {
    bool met;       /* there is one */
    size_t wanted;  /* features that its weights are for */
    size_t got;     /* features that come to it; 0 where the images are too small for a layer
                       before it */
};

/* For the reader's use: the first fully connected layer counts. */
void input_fit_meet(struct input_fit *fit, size_t wanted, size_t got);

/* Reads the network for square images of `side` into a graph that is thrown away. */
typedef int input_side_try(const struct model *model, size_t side, struct input_fit *fit,
                           struct error *error);

/* *side becomes, of the sides that fit, the one that most networks take, or the smallest where no
 * usual one is among them. 0 where any side fits (or none: the layer says so when it is needed).
 * FAILED as the reader. */
int input_side_find(const struct model *model, input_side_try *try, size_t *side,
                    struct error *error);

#endif
