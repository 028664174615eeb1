/*
 * The weights of a file that has nothing but weights: tensors by the name of their layer and what
 * they are in it, whatever the framework that wrote them.
 *
 *     struct weights weights = {.framework = FRAMEWORK_PYTORCH, .context = file, .load = load};
 *     weights_add(&weights, "layer1.0.conv1", "layer1.0.conv1.weight",
 *                 &(struct weight){.role = WEIGHT_FACTOR, ...}, &error);
 *     architecture_recognise(&weights, &found, &error);            architecture.h
 *     weights_release(&weights);
 */
#ifndef EXTRACT_ARCHITECTURES_WEIGHTS_H
#define EXTRACT_ARCHITECTURES_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "extract/graph/graph.h"
#include "extract/graph/names.h"
#include "extract/graph/tensor.h"

/* Whose names and shapes they are. */
enum framework { FRAMEWORK_PYTORCH, FRAMEWORK_KERAS };

/* What a tensor is in its layer. */
enum weight_role {
    WEIGHT_FACTOR,    /* kernel of a convolution or matrix; the gamma of a batch norm */
    WEIGHT_SHIFT,     /* bias; beta */
    WEIGHT_MEAN,      /* of a batch norm */
    WEIGHT_VARIANCE,
    WEIGHT_ROLES
};

struct weight {
    char *layer;            /* "layer1.0.conv1" */
    char *name;             /* as the file calls it, for messages: "layer1.0.conv1.weight" */
    enum weight_role role;
    /* Of what `load` gives. Convolution: [out][in / groups][height][width], whatever the order in
     * the file; matrix: [out][in] in PyTorch, [in][out] in Keras. */
    size_t rank, shape[TENSOR_MAX_RANK];
    size_t index;           /* the reader's own number for it */
};

struct weights {
    enum framework framework;
    bool channels_last;     /* maps are flattened as (height, width, channels) */

    /* Gives the elements of a weight, in the order of its shape: a view into the file where they
     * lie so, else a copy in memory of the graph. Called only for what an architecture needs,
     * after the shape was checked. */
    int (*load)(void *context, const struct weight *weight, struct graph *graph,
                struct tensor *tensor, struct error *error);
    void *context;

    /* Filled by weights_add. */
    struct weight *items;
    size_t count, capacity;
    struct names layers[WEIGHT_ROLES];
};

/* Copies *weight, with copies of the texts. FAILED when the layer has a tensor of this role
 * already, or there are more than any network has. */
int weights_add(struct weights *weights, const char *layer, const char *name,
                const struct weight *weight, struct error *error);
void weights_release(struct weights *weights);

/* NULL when there is none. */
const struct weight *weights_find(const struct weights *weights, const char *layer,
                                  enum weight_role role);

#endif
