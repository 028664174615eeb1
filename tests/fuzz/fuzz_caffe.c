#include "tests/fuzz/fuzz_network.h"

/* The definition, a line "----", the weights. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes definition, weights;

    fuzz_split((struct bytes){data, size}, &definition, &weights);
    if (weights.data != NULL)
        fuzz_network(weights, definition);
    return 0;
}
