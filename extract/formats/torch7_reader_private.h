/*
 * What torch7_reader.c (the format), torch7_containers.c (modules that hold others or join their
 * results) and torch7_modules.c (all others) share.
 */
#ifndef EXTRACT_FORMATS_TORCH7_READER_PRIVATE_H
#define EXTRACT_FORMATS_TORCH7_READER_PRIVATE_H

#include "extract/formats/input_side.h"
#include "extract/formats/torch7_file.h"
#include "extract/graph/graph.h"

enum {
    TORCH7_NAME = 128,
    TORCH7_DEPTH = 64,       /* of containers in each other */
    TORCH7_BRANCHES = 128,   /* results in a table */
    TORCH7_FIELDS = 256,     /* of a module */
    TORCH7_VISITS = 1 << 16, /* modules, each as often as it is used */
    TORCH7_MAX_EXTENT = 1 << 14
};

struct torch7_reader {
    struct graph *graph;
    struct input_fit *fit;
    const struct torch7_object *path[TORCH7_DEPTH];  /* the containers that are being read */
    size_t depth, visits;
};

/* What goes from module to module: one result, or a table of them. */
struct torch7_flow {
    bool is_table;
    size_t count;  /* 1 unless it is a table */
    size_t layers[TORCH7_BRANCHES];
};

struct torch7_module {
    const struct torch7_object *object;
    char type[TORCH7_NAME];  /* "nn.SpatialConvolution" */
    const char *kind;        /* within it: "SpatialConvolution", also for cudnn's; all of it for
                                other libraries' */
    char place[TORCH7_NAME]; /* "3.1" */
    char name[TORCH7_NAME];  /* its own, or its place */
};

/* Translates a module and all within it; *flow becomes its result. What is not supported becomes
 * a layer that says so; FAILED where there can be no network at all. */
int torch7_translate(struct torch7_reader *reader, const struct torch7_object *object,
                     const char *place, struct torch7_flow *flow, struct error *error);

/* FAILED when the object is no module. */
int torch7_describe(const struct torch7_object *object, const char *place,
                    struct torch7_module *module, struct error *error);

/* A function for modules that take and give whatever flows; NULL when `kind` is none of them. */
typedef int torch7_flow_function(struct torch7_reader *reader, const struct torch7_module *module,
                                 struct torch7_flow *flow, struct error *error);
torch7_flow_function *torch7_find_container(const char *kind);

/* Likewise for modules that take and give one result: *layer is the input and becomes the
 * result. FAILED with the reason when it cannot be translated. */
typedef int torch7_layer_function(struct torch7_reader *reader,
                                  const struct torch7_module *module, size_t *layer,
                                  struct error *error);
torch7_layer_function *torch7_find_module(const char *kind);

/* Adds a layer with the module's name. */
int torch7_add(struct torch7_reader *reader, const struct torch7_module *module,
               struct layer *layer, size_t *inputs, size_t *index, struct error *error);

/* A layer that says why the module is none; it takes whatever flows. */
int torch7_add_unsupported(struct torch7_reader *reader, const struct torch7_module *module,
                           struct torch7_flow *flow, const char *reason, struct error *error);

/* Valid until the next layer is added. */
const struct shape *torch7_shape(const struct torch7_reader *reader, size_t layer);

/* A field that is an integer from `minimum` to TORCH7_MAX_EXTENT; absent: the fallback. */
int torch7_extent(const struct torch7_module *module, const char *name, size_t minimum,
                  size_t fallback, size_t *value, struct error *error);

/* A tensor in a field; *present false when the field is nil. */
int torch7_find_tensor(struct torch7_reader *reader, const struct torch7_module *module,
                       const char *name, struct tensor *tensor, bool *present,
                       struct error *error);

/* Likewise; FAILED when it is nil. */
int torch7_need_tensor(struct torch7_reader *reader, const struct torch7_module *module,
                       const char *name, struct tensor *tensor, struct error *error);

/* A tensor of `count` numbers as floats that live with the graph; *values stays as it is when the
 * field is nil. */
int torch7_find_floats(struct torch7_reader *reader, const struct torch7_module *module,
                       const char *name, size_t count, const float **values,
                       struct error *error);

/* Adds a layer with one input; *input becomes its index. */
int torch7_add_single(struct torch7_reader *reader, const struct torch7_module *module,
                      struct layer *layer, size_t *input, struct error *error);

/* Of torch7_arithmetic.c. */
torch7_layer_function torch7_read_batch_norm, torch7_read_multiply, torch7_read_add,
    torch7_read_dropout, torch7_read_lrn, torch7_read_softmax, torch7_read_relu,
    torch7_read_threshold, torch7_read_hard_tanh, torch7_read_leaky_relu, torch7_read_random_relu,
    torch7_read_elu, torch7_read_sigmoid, torch7_read_tanh, torch7_read_prelu;

#endif
