/*
 * Whole Keras files. The HDF5 library gets less time than in earnest: damaged files often send it
 * round in circles.
 */
#include <pthread.h>

#include "tests/fuzz/fuzz_network.h"
#include "tests/fuzz/wrapped_isolated.h"

int __wrap_isolated_run(isolated_work *work, void *context, const struct isolated_limits *limits,
                        struct buffer *output, struct error *error)
{
    struct isolated_limits shorter = *limits;

    shorter.seconds = 1;
    return __real_isolated_run(work, context, &shorter, output, error);
}

/* The address sanitizer calls back when it ends a process, and libFuzzer then keeps the input.
 * The process in which the library works may end so: that is what it is for. */
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
