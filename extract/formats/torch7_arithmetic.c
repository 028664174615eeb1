/*
 * Modules that change numbers but not their places.
 */
#include <math.h>
#include <string.h>

#include "extract/formats/batch_norm.h"
#include "extract/formats/torch7_reader_private.h"

/* ---- per channel ------------------------------------------------------------------------ */

/* Modules of before 2016 keep 1 / sqrt(variance + epsilon) as `running_std`. */
int torch7_read_batch_norm(struct torch7_reader *reader, const struct torch7_module *module,
                           size_t *layer, struct error *error)
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var",
                                        "running_std"};
    struct layer made = {.kind = LAYER_AFFINE};
    struct tensor tensors[5];
    bool present[5];
    struct batch_norm norm;

    for (size_t i = 0; i < 5; i++)
        if (torch7_find_tensor(reader, module, names[i], &tensors[i], &present[i], error) < 0)
            return FAILED;
    norm = (struct batch_norm){
        .gamma = present[0] ? &tensors[0] : NULL,
        .beta = present[1] ? &tensors[1] : NULL,
        .mean = present[2] ? &tensors[2] : NULL,
        .variance = present[3] ? &tensors[3] : present[4] ? &tensors[4] : NULL,
        .epsilon = torch7_number(module->object, "eps", 1e-5),
        .inverse_deviation = !present[3],
    };
    if (batch_norm_affine(reader->graph, &norm, shape_channels(torch7_shape(reader, *layer)),
                          &made.affine, error) < 0)
        return FAILED;
    return torch7_add_single(reader, module, &made, layer, error);
}

/* x * scale + shift, the same for all channels. */
static int add_scalar(struct torch7_reader *reader, const struct torch7_module *module,
                      double scale, double shift, size_t *layer, struct error *error)
{
    size_t channels = shape_channels(torch7_shape(reader, *layer));
    struct layer made = {.kind = LAYER_AFFINE};
    float *scales = graph_allocate(reader->graph, channels, sizeof *scales, error);
    float *shifts = graph_allocate(reader->graph, channels, sizeof *shifts, error);

    if (scales == NULL || shifts == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        scales[c] = (float)scale;
        shifts[c] = (float)shift;
    }
    made.affine = (struct affine){scales, shifts};
    return torch7_add_single(reader, module, &made, layer, error);
}

int torch7_read_multiply(struct torch7_reader *reader, const struct torch7_module *module,
                         size_t *layer, struct error *error)
{
    return add_scalar(reader, module, torch7_number(module->object, "constant_scalar", 1), 0,
                      layer, error);
}

int torch7_read_add(struct torch7_reader *reader, const struct torch7_module *module,
                    size_t *layer, struct error *error)
{
    return add_scalar(reader, module, 1, torch7_number(module->object, "constant_scalar", 0),
                      layer, error);
}

/* Version 2 scales while it trains; version 1, and the kind that drops whole maps, scale what a
 * trained network gives. */
int torch7_read_dropout(struct torch7_reader *reader, const struct torch7_module *module,
                        size_t *layer, struct error *error)
{
    bool spatial = strcmp(module->kind, "SpatialDropout") == 0;

    if (!spatial && torch7_boolean(module->object, "v2", false))
        return 0;
    return add_scalar(reader, module, 1 - torch7_number(module->object, "p", 0.5), 0, layer,
                      error);
}

int torch7_read_lrn(struct torch7_reader *reader, const struct torch7_module *module,
                    size_t *layer, struct error *error)
{
    const struct torch7_object *object = module->object;
    struct layer made = {
        .kind = LAYER_LRN,
        .lrn = {.alpha = (float)torch7_number(object, "alpha", 1e-4),
                .beta = (float)torch7_number(object, "beta", 0.75),
                .bias = (float)torch7_number(object, "k", torch7_number(object, "K", 1))},
    };

    if (torch7_extent(module, "size", 1, 5, &made.lrn.size, error) < 0)
        return FAILED;
    return torch7_add_single(reader, module, &made, layer, error);
}

int torch7_read_softmax(struct torch7_reader *reader, const struct torch7_module *module,
                        size_t *layer, struct error *error)
{
    struct layer made = {.kind = LAYER_SOFTMAX, .softmax_channels = true};

    return torch7_add_single(reader, module, &made, layer, error);
}

/* ---- activations ------------------------------------------------------------------------ */

static int add_activation(struct torch7_reader *reader, const struct torch7_module *module,
                          enum activation_kind kind, double a, double b, size_t *layer,
                          struct error *error)
{
    struct layer made = {
        .kind = LAYER_ACTIVATION,
        .activation = {.kind = kind, .a = (float)a, .b = (float)b},
    };

    return torch7_add_single(reader, module, &made, layer, error);
}

int torch7_read_relu(struct torch7_reader *reader, const struct torch7_module *module,
                     size_t *layer, struct error *error)
{
    return add_activation(reader, module, ACTIVATION_CLIP, 0,
                          strcmp(module->kind, "ReLU6") == 0 ? 6 : (double)INFINITY, layer, error);
}

/* x > threshold ? x : value. Networks have (0, 1e-6), to keep away from 0: the larger of x and
 * 1e-6 differs from that by less than 1e-6. */
int torch7_read_threshold(struct torch7_reader *reader, const struct torch7_module *module,
                          size_t *layer, struct error *error)
{
    double threshold = torch7_number(module->object, "threshold", 1e-6);
    double value = torch7_number(module->object, "val", 0);

    if (!(fabs(threshold - value) <= 1e-6))
        return error_set(error, "its threshold %g is not its value %g, which is not supported",
                         threshold, value);
    return add_activation(reader, module, ACTIVATION_CLIP, value, (double)INFINITY, layer, error);
}

int torch7_read_hard_tanh(struct torch7_reader *reader, const struct torch7_module *module,
                          size_t *layer, struct error *error)
{
    return add_activation(reader, module, ACTIVATION_CLIP,
                          torch7_number(module->object, "min_val", -1),
                          torch7_number(module->object, "max_val", 1), layer, error);
}

int torch7_read_leaky_relu(struct torch7_reader *reader, const struct torch7_module *module,
                           size_t *layer, struct error *error)
{
    return add_activation(reader, module, ACTIVATION_LEAKY,
                          torch7_number(module->object, "negval", 0.01), 0, layer, error);
}

/* A random slope is its mean in a trained network. */
int torch7_read_random_relu(struct torch7_reader *reader, const struct torch7_module *module,
                            size_t *layer, struct error *error)
{
    double lower = torch7_number(module->object, "lower", 1.0 / 8);
    double upper = torch7_number(module->object, "upper", 1.0 / 3);

    return add_activation(reader, module, ACTIVATION_LEAKY, (lower + upper) / 2, 0, layer, error);
}

int torch7_read_elu(struct torch7_reader *reader, const struct torch7_module *module,
                    size_t *layer, struct error *error)
{
    return add_activation(reader, module, ACTIVATION_ELU,
                          torch7_number(module->object, "alpha", 1), 0, layer, error);
}

int torch7_read_sigmoid(struct torch7_reader *reader, const struct torch7_module *module,
                        size_t *layer, struct error *error)
{
    return add_activation(reader, module, ACTIVATION_SIGMOID, 0, 0, layer, error);
}

int torch7_read_tanh(struct torch7_reader *reader, const struct torch7_module *module,
                     size_t *layer, struct error *error)
{
    return add_activation(reader, module, ACTIVATION_TANH, 0, 0, layer, error);
}

/* One slope for all channels where nOutputPlane is 0. */
int torch7_read_prelu(struct torch7_reader *reader, const struct torch7_module *module,
                      size_t *layer, struct error *error)
{
    size_t channels = shape_channels(torch7_shape(reader, *layer));
    struct layer made = {.kind = LAYER_ACTIVATION, .activation = {.kind = ACTIVATION_PRELU}};
    struct tensor slopes;

    if (torch7_need_tensor(reader, module, "weight", &slopes, error) < 0)
        return FAILED;
    if (slopes.count == 1)
        return add_activation(reader, module, ACTIVATION_LEAKY, tensor_real(&slopes, 0), 0, layer,
                              error);
    if (torch7_find_floats(reader, module, "weight", channels, &made.activation.slopes, error) < 0)
        return FAILED;
    return torch7_add_single(reader, module, &made, layer, error);
}
