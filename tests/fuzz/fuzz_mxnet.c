#include "tests/fuzz/fuzz_network.h"

/* The symbol, a line of dashes, the parameters. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes symbol, params;

    fuzz_split((struct bytes){data, size}, &symbol, &params);
    if (params.data != NULL)
        fuzz_network(symbol, params);
    return 0;
}
