#include "extract/network/activation.h"

#include <math.h>

void activation_bounds(const struct activation *activation, float *low, float *high)
{
    bool clip = activation->kind == ACTIVATION_CLIP;

    *low = clip ? activation->a : -INFINITY;
    *high = clip ? activation->b : INFINITY;
}

static float clamp_unit(float value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

void activation_apply(const struct activation *activation, float *values, size_t count,
                      size_t first)
{
    float a = activation->a, b = activation->b;

    switch (activation->kind) {
    case ACTIVATION_NONE:
    case ACTIVATION_CLIP:
        break;
    case ACTIVATION_LEAKY:
        for (size_t i = 0; i < count; i++)
            values[i] = values[i] < 0 ? a * values[i] : values[i];
        break;
    case ACTIVATION_THRESHOLD:
        for (size_t i = 0; i < count; i++)
            values[i] = values[i] < a ? b * (values[i] - a) : values[i];
        break;
    case ACTIVATION_PRELU:
        for (size_t i = 0; i < count; i++)
            values[i] = values[i] < 0 ? activation->slopes[first + i] * values[i] : values[i];
        break;
    case ACTIVATION_SIGMOID:
        for (size_t i = 0; i < count; i++)
            values[i] = 1 / (1 + expf(-values[i]));
        break;
    case ACTIVATION_HARD_SIGMOID:
        for (size_t i = 0; i < count; i++)
            values[i] = clamp_unit(a * values[i] + b);
        break;
    case ACTIVATION_HARD_SWISH:
        for (size_t i = 0; i < count; i++)
            values[i] *= clamp_unit(values[i] / 6 + 0.5f);
        break;
    case ACTIVATION_TANH:
        for (size_t i = 0; i < count; i++)
            values[i] = tanhf(values[i]);
        break;
    case ACTIVATION_ELU:
        for (size_t i = 0; i < count; i++)
            values[i] = values[i] < 0 ? a * expm1f(values[i]) : values[i];
        break;
    case ACTIVATION_POWER:
        for (size_t i = 0; i < count; i++)
            values[i] = powf(values[i], a);
        break;
    }
}

const char *activation_name(const struct activation *activation)
{
    static const char *const names[] = {
        [ACTIVATION_NONE] = "",
        [ACTIVATION_CLIP] = "clip",
        [ACTIVATION_LEAKY] = "leaky relu",
        [ACTIVATION_THRESHOLD] = "threshold",
        [ACTIVATION_PRELU] = "prelu",
        [ACTIVATION_SIGMOID] = "sigmoid",
        [ACTIVATION_HARD_SIGMOID] = "hard sigmoid",
        [ACTIVATION_HARD_SWISH] = "hard swish",
        [ACTIVATION_TANH] = "tanh",
        [ACTIVATION_ELU] = "elu",
        [ACTIVATION_POWER] = "power",
    };

    if (activation->kind == ACTIVATION_CLIP && !(activation->a < 0) && !(activation->a > 0) &&
        isinf(activation->b))
        return "relu";
    return names[activation->kind];
}
