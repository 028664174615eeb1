/*
 * The network as one list of layers, whatever file it came from. A layer has one result, is known
 * by its index, and reads only results of smaller index: the list is in the order of execution.
 *
 *     struct graph graph = {0};
 *     graph_add(&graph, &(struct layer){.kind = LAYER_INPUT, .name = "data", ...}, &input, &error);
 *     graph_add(&graph, &(struct layer){.kind = LAYER_POOL, .inputs = &input, .input_count = 1,
 *                                       ...}, &pool, &error);       its shape is worked out here
 *     graph_release(&graph);
 *
 * Readers only translate a file into layers; passes.h simplifies the list, plan.h lays it out
 * in memory. Shapes are those of one image, without the batch: a map is (channels, height,
 * width), a vector (features). In memory a map lies as [height][width][channels], everything
 * else row-major.
 */
#ifndef EXTRACT_GRAPH_GRAPH_H
#define EXTRACT_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "extract/graph/names.h"
#include "extract/graph/tensor.h"

enum { SHAPE_MAX_RANK = 5 };

struct shape {
    size_t rank;
    size_t dims[SHAPE_MAX_RANK];
};

enum { SHAPE_CHANNELS = 0, SHAPE_HEIGHT = 1, SHAPE_WIDTH = 2, SHAPE_MAP_RANK = 3 };

bool shape_equal(const struct shape *a, const struct shape *b);
/* The product of the dimensions; readers have checked that it fits. */
size_t shape_count(const struct shape *shape);
/* "64x56x56" */
const char *shape_to_text(const struct shape *shape, char text[static 128]);
bool shape_is_map(const struct shape *shape);
/* As seen by layers that work channel by channel: a map has height * width pixels of `channels`
 * numbers, anything else is one pixel. */
size_t shape_channels(const struct shape *shape);
size_t shape_pixels(const struct shape *shape);

enum layer_kind {
    LAYER_INPUT,
    LAYER_CONSTANT,     /* the same numbers for every image */
    LAYER_CONVOLUTION,  /* with the fused residual as second input, where there is one */
    LAYER_DENSE,        /* a matrix times the last dimension */
    LAYER_POOL,
    LAYER_AFFINE,       /* scale and shift per channel: batch norm, products with constants */
    LAYER_ACTIVATION,
    LAYER_BINARY,       /* two results, element by element, one of them perhaps broadcast */
    LAYER_CONCAT,
    LAYER_SLICE,
    LAYER_PAD,
    LAYER_RESHAPE,
    LAYER_TRANSPOSE,
    LAYER_SHUFFLE,      /* channels regrouped: (groups, rest) becomes (rest, groups) */
    LAYER_LRN,
    LAYER_SOFTMAX,
    LAYER_UNSUPPORTED,  /* an operator that we do not have; an error unless it is cut away */
    LAYER_KINDS
};

/* Applied to a layer's own result, x. */
enum activation_kind {
    ACTIVATION_NONE,
    ACTIVATION_CLIP,          /* min(max(x, a), b); relu is a = 0, b = infinity */
    ACTIVATION_LEAKY,         /* x < 0 ? a x : x */
    ACTIVATION_THRESHOLD,     /* x < a ? b (x - a) : x */
    ACTIVATION_PRELU,         /* x < 0 ? slope[channel] x : x */
    ACTIVATION_SIGMOID,       /* 1 / (1 + exp(-x)) */
    ACTIVATION_HARD_SIGMOID,  /* max(0, min(1, a x + b)) */
    ACTIVATION_HARD_SWISH,    /* x max(0, min(1, x / 6 + 1 / 2)) */
    ACTIVATION_TANH,
    ACTIVATION_ELU,           /* x < 0 ? a (exp(x) - 1) : x */
    ACTIVATION_POWER          /* x ^ a */
};

struct activation {
    enum activation_kind kind;
    float a, b;
    const float *slopes;  /* ACTIVATION_PRELU: one per channel */
};

/* A window that slides over height (0) and width (1). */
struct window {
    size_t kernel[2], stride[2], dilation[2];
    size_t pad_begin[2], pad_end[2];
};

struct convolution {
    struct window window;
    size_t groups;
    struct tensor weights;  /* [out][in / groups][kernel height][kernel width]; a view */
    const float *scale;     /* per output channel, multiplies the weights; NULL: 1 */
    const float *shift;     /* per output channel; NULL: 0 */
    bool residual;          /* inputs[1] is added before the activation */
};

struct dense {
    struct tensor weights;  /* [in][out], or [out][in] when transposed; a view */
    bool transposed;
    float factor;           /* multiplies the weights */
    const float *shift;     /* per output; NULL: 0 */
};

struct pool {
    struct window window;
    bool maximum;           /* else the average */
    bool ceiling;           /* a last window may begin inside and end outside */
    bool count_padding;     /* the average divides by the window's size within the padded map */
    bool global;            /* the window is the whole map, whatever its size */
};

struct affine {
    const float *scale, *shift;  /* per channel; NULL: 1, 0 */
};

enum binary_kind { BINARY_ADD, BINARY_SUBTRACT, BINARY_MULTIPLY, BINARY_DIVIDE };

struct slice {
    size_t begin[SHAPE_MAX_RANK];
    int64_t step[SHAPE_MAX_RANK];
    size_t count[SHAPE_MAX_RANK];
};

enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE };

struct pad {
    size_t before[SHAPE_MAX_RANK], after[SHAPE_MAX_RANK];
    enum pad_mode mode;
    float value;
};

/* Local response normalisation across channels (Krizhevsky 2012, section 3.3):
 * x / (bias + alpha / size * sum of squares of the `size` channels around) ^ beta. */
struct lrn {
    size_t size;
    float alpha, beta, bias;
};

struct layer {
    enum layer_kind kind;
    const char *name;      /* of the result, as the file calls it */
    const char *node;      /* of the operation, may be empty */
    const char *operator;  /* as the file calls it, for messages */
    const char *reason;    /* LAYER_UNSUPPORTED: what is wrong with it */
    size_t *inputs;        /* indices of layers */
    size_t input_count;
    struct shape shape;
    struct activation activation;
    union {
        struct convolution convolution;
        struct dense dense;
        struct pool pool;
        struct affine affine;
        enum binary_kind binary;
        size_t concat_axis;
        bool reshape_channels_last;  /* set by graph_add, from flatten_channels_last */
        struct slice slice;
        struct pad pad;
        size_t permutation[SHAPE_MAX_RANK];
        size_t shuffle_groups;
        struct lrn lrn;
        bool softmax_channels;  /* over the channels of each pixel, else over everything */
        const float *constant;  /* in memory order */
    };
};

struct graph {
    struct layer *layers;
    size_t count, capacity;
    void **blocks;  /* what graph_allocate gave */
    size_t block_count, block_capacity;
    struct names names;          /* of results and operations in the file, to layers */
    size_t output;               /* the layer whose result the file calls its output */
    bool flatten_channels_last;  /* the framework's own order when it flattens or reshapes a map:
                                    (height, width, channels); set before layers are added */
};

void graph_release(struct graph *graph);

/* Zeroed memory that lives as long as the graph. */
void *graph_allocate(struct graph *graph, size_t count, size_t size, struct error *error);
/* A tensor's elements as float, in such memory. NULL as tensor_check_floats, and without memory. */
float *graph_floats(struct graph *graph, const struct tensor *tensor, struct error *error);
/* The graph frees `block` from now on, also on FAILED. */
int graph_adopt(struct graph *graph, void *block, struct error *error);
const char *graph_copy_text(struct graph *graph, const char *text, struct error *error);

/* Appends a layer; its texts and inputs are copied, its arrays of numbers must come from
 * graph_allocate. Works out the shape (layer->shape is taken as it is for inputs, constants,
 * reshapes and unsupported layers). FAILED when the inputs' shapes do not fit. */
int graph_add(struct graph *graph, const struct layer *layer, size_t *index, struct error *error);

/* Binds a name of the file to a layer, for names.h; the text is copied. */
int graph_bind(struct graph *graph, const char *name, size_t index, struct error *error);

/* The scale and shift that do the same as an operation of a layer's result with one constant a
 * channel: values, [channels], which are changed. negative: NULL; or, for constant - result, room
 * for [channels] numbers. Both must live with the graph. */
struct affine graph_affine(enum binary_kind kind, float *values, float *negative,
                           size_t channels);

/* Numbers in the order [channel][height][width] into the memory order of a map. */
void graph_store_map(const float *values, const struct shape *shape, float *stored);

/* Prefixes the message with the layer's operator and name. Returns FAILED. */
int graph_blame(const struct layer *layer, struct error *error);

/* The length of one axis of a sliding window's result, or 0 when the window does not fit. */
size_t window_output(const struct window *window, int axis, size_t input, bool ceiling);

/* True when each of the `output` windows along an axis has a tap within the map of length
 * `input`. */
bool window_reaches(const struct window *window, int axis, size_t input, size_t output);

#endif
