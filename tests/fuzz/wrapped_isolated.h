/*
 * What the linker's --wrap makes of isolated_run: a target stands in for it with __wrap_, and
 * reaches the one of common/isolated.h as __real_.
 */
#ifndef TESTS_FUZZ_WRAPPED_ISOLATED_H
#define TESTS_FUZZ_WRAPPED_ISOLATED_H

#include "common/isolated.h"

int __real_isolated_run(isolated_work *work, void *context, const struct isolated_limits *limits,
                        struct buffer *output, struct error *error);
int __wrap_isolated_run(isolated_work *work, void *context, const struct isolated_limits *limits,
                        struct buffer *output, struct error *error);

#endif
