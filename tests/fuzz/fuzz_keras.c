#include <pthread.h>

#include "tests/fuzz/fuzz_network.h"

/* The address sanitizer calls back when it ends a process, and libFuzzer then keeps the input.
 * The process in which the HDF5 library works may end so: that is what it is for. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void forget_callback(void)
{
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(NULL);
}

static void prepare(void)
{
    pthread_atfork(NULL, NULL, forget_callback);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, prepare);
    fuzz_network((struct bytes){data, size}, (struct bytes){0});
    return 0;
}
