#include "extract/builtin/builtin_network.h"

#include <string.h>

/* The assembler takes the file as it is: as an array in C it would take seconds to compile. The
 * names are global, so that link-time optimisation keeps them, and hidden. */
__asm__(".pushsection .rodata, \"a\"\n"
        ".balign 64\n"
        ".globl builtin_network_begin, builtin_network_end\n"
        ".hidden builtin_network_begin, builtin_network_end\n"
        "builtin_network_begin:\n"
        ".incbin \"extract/builtin/builtin.onnx\"\n"
        "builtin_network_end:\n"
        ".popsection\n");

extern const unsigned char builtin_network_begin[], builtin_network_end[];

struct bytes builtin_network(void)
{
    return (struct bytes){builtin_network_begin,
                          (size_t)(builtin_network_end - builtin_network_begin)};
}

bool builtin_network_is(struct bytes bytes)
{
    struct bytes own = builtin_network();

    return bytes.size == own.size && memcmp(bytes.data, own.data, own.size) == 0;
}
