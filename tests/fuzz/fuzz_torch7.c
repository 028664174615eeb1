#include "tests/fuzz/fuzz_network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_network((struct bytes){data, size}, (struct bytes){0});
    return 0;
}
