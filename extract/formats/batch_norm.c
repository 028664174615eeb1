#include "extract/formats/batch_norm.h"

#include <math.h>

static int check(const struct tensor *tensor, const char *name, size_t channels,
                 struct error *error)
{
    if (tensor == NULL || (tensor->count == channels && tensor->type != TENSOR_OTHER))
        return 0;
    if (tensor->type == TENSOR_OTHER)
        return error_set(error, "its %s is not of a type of numbers that is supported", name);
    return error_set(error, "its %s has %zu numbers for %zu channels", name, tensor->count,
                     channels);
}

static double value_of(const struct tensor *tensor, size_t index, double fallback)
{
    return tensor != NULL ? tensor_real(tensor, index) : fallback;
}

int batch_norm_affine(struct graph *graph, const struct batch_norm *norm, size_t channels,
                      struct affine *affine, struct error *error)
{
    float *scale, *shift;

    if (norm->mean == NULL || norm->variance == NULL)
        return error_set(error, "it has no mean or no variance");
    if (check(norm->gamma, "gamma", channels, error) < 0 ||
        check(norm->beta, "beta", channels, error) < 0 ||
        check(norm->mean, "mean", channels, error) < 0 ||
        check(norm->variance, "variance", channels, error) < 0)
        return FAILED;
    scale = graph_allocate(graph, channels, sizeof *scale, error);
    shift = graph_allocate(graph, channels, sizeof *shift, error);
    if (scale == NULL || shift == NULL)
        return FAILED;
    for (size_t c = 0; c < channels; c++) {
        double variance = tensor_real(norm->variance, c);
        double inverse = norm->inverse_deviation ? variance : 1 / sqrt(variance + norm->epsilon);
        double factor = value_of(norm->gamma, c, 1) * inverse;

        scale[c] = (float)factor;
        shift[c] = (float)(value_of(norm->beta, c, 0) - factor * tensor_real(norm->mean, c));
    }
    *affine = (struct affine){scale, shift};
    return 0;
}
