/*
 * Keras files that hold weights alone, as Keras Applications' notop files do: their weights, as
 * the classic architectures (extract/architectures) are recognised from.
 */
#ifndef EXTRACT_FORMATS_KERAS_WEIGHTS_H
#define EXTRACT_FORMATS_KERAS_WEIGHTS_H

#include "extract/architectures/architecture.h"
#include "extract/formats/keras_file.h"
#include "extract/formats/keras_kernel.h"

/* A weight as the file has it. */
struct keras_stored {
    const struct hdf5_object *object;
    bool kernel;                    /* of a convolution */
    enum keras_kernel_order order;
};

struct keras_architecture {
    const struct keras_file *file;
    struct weights weights;
    struct keras_stored *stored;    /* by the index of a weight */
    size_t stored_count, stored_capacity;
    struct recognised found;
};

/* *file must outlive *architecture. FAILED when the weights are of no architecture that is known.
 * In every case the caller releases *architecture. */
int keras_architecture_find(const struct keras_file *file,
                            struct keras_architecture *architecture, struct error *error);
void keras_architecture_release(struct keras_architecture *architecture);

#endif
