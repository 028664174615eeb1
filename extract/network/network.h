/*
 * A pretrained convnet from a file: read, cut at its bottleneck, made ready and run.
 *
 *     network_open("resnet50.onnx", NULL, &network, &error);
 *     network_prepare(network, &(struct network_request){.height = 224, .width = 224}, &error);
 *     const struct network_output *output = network_output(network, 0);   dimension 2048
 *     network_run(network, images, count, &vectors, &error);
 *     network_free(network);
 *
 * The files are mapped, not copied, and must not change while the network is open. Weights behind
 * the cut are never read.
 */
#ifndef EXTRACT_NETWORK_NETWORK_H
#define EXTRACT_NETWORK_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/parallel.h"
#include "extract/formats/model.h"

struct network;

/* How the tensor at the cut becomes a vector. */
enum pooling {
    POOLING_AUTO,     /* as the network itself goes on: a map that it flattens is flattened, one
                         that it never flattens is averaged */
    POOLING_NONE,     /* flattened, in the order of the file's framework (ONNX: C, H, W) */
    POOLING_AVERAGE,  /* over height and width */
    POOLING_MAX
};

/* One vector per image comes out for every layer asked for. */
struct network_output {
    const char *layer;     /* the tensor's name in the file; of several names for one tensor (a
                              node's, an Identity's) the first: a cut has one key */
    enum pooling pooling;  /* never POOLING_AUTO */
    size_t dimension;
};

struct network_request {
    const char *const *layers;     /* names of tensors or nodes; may be NULL: the bottleneck */
    size_t layer_count;
    enum pooling pooling;
    size_t height, width;          /* of the images; used where the file leaves them free */
    size_t batch;                  /* the most images in a run; 0: 8 */
    struct parallel *parallel;     /* not owned; must outlive the network; NULL: one thread */
    const char *instruction_set;   /* NULL: the best that the processor has; see kernels.h */
};

/* Reads and checks the structure of a network file; weights are checked for their size only.
 * `definition`: a second file, where the format has the structure apart from the weights and it
 * cannot be found beside them; NULL otherwise. FAILED when it cannot be read, its format is not
 * known or something in it is not valid. An unsupported operator is no error yet: it may lie
 * behind the cut. */
int network_open(const char *path, const char *definition, struct network **network,
                 struct error *error);

/* The same for a file whose bytes are in memory, under a name for messages. They are not copied
 * and must outlive the network. */
int network_open_bytes(const char *name, struct bytes bytes, struct network **network,
                       struct error *error);

/* NULL is allowed. */
void network_free(struct network *network);

/* What is known of the files: format, digest, architecture, preprocessing. */
const struct model *network_model(const struct network *network);

/* As the file has it; after network_prepare no size is 0. */
const struct network_input *network_input(const struct network *network);

/* Cuts, simplifies, chooses kernels, packs weights and lays out memory. Once per network. FAILED
 * names the layer and the operator that is not supported, or the weights that do not fit. */
int network_prepare(struct network *network, const struct network_request *request,
                    struct error *error);

/* Valid after network_prepare. */
size_t network_output_count(const struct network *network);
const struct network_output *network_output(const struct network *network, size_t index);
size_t network_batch(const struct network *network);

/* images: [count][height][width][channels], preprocessed, count <= network_batch(). vectors: one
 * array [count][dimension] per output. A vector is the same to the last bit for any batch,
 * position and number of threads. Allocates nothing. FAILED names the layer when a vector holds
 * a NaN or an infinity. */
int network_run(struct network *network, const float *images, size_t count,
                float *const *vectors, struct error *error);

/* One layer of the prepared network, as tables show it. */
struct network_layer {
    const char *name;       /* of its result in the file */
    const char *kernel;     /* how it is computed; may be empty */
    char operation[96];     /* "convolution 3x3 / 2 + sum + relu" */
    char result[128];       /* "64x56x56" */
    double multiply_adds;   /* for one image, of the direct computation */
    size_t weights;
    double seconds;         /* of the last run, for one image; 0 without network_measure */
};

/* After network_prepare; index < network_layer_count. */
size_t network_layer_count(const struct network *network);
struct network_layer network_layer(const struct network *network, size_t index);

/* From now on network_run measures the time of every layer. After network_prepare. */
int network_measure(struct network *network, struct error *error);

/* Prints the plan as a table: layer, kind, shape, kernel, multiply-adds, weights; the outputs
 * marked. After network_prepare. */
void network_describe(const struct network *network, FILE *out);

#endif
