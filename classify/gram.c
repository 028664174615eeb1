#include "classify/gram.h"

#include "classify/matrix.h"
#include "common/memory.h"

/* LIBSVM wants every number of the matrix as a node of 16 bytes: at this count they take 6.4 GB.
 * Beyond it another solver is the right one. */
enum { MOST_VECTORS = 20000 };

int gram_create(const float *vectors, size_t count, size_t dimension, struct parallel *parallel,
                float **gram, struct error *error)
{
    *gram = NULL;
    if (count > MOST_VECTORS || dimension > MATRIX_LIMIT)
        return error_set(error, "cannot train on %zu vectors of %zu numbers: the kernel matrix is "
                         "made for at most %d", count, dimension, MOST_VECTORS);
    *gram = memory_allocate_aligned(count * count, sizeof **gram, error);
    if (*gram == NULL)
        return FAILED;
    matrix_gram(vectors, count, dimension, *gram, parallel);
    return 0;
}
