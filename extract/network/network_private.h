/*
 * What network.c and network_describe.c share.
 */
#ifndef EXTRACT_NETWORK_NETWORK_PRIVATE_H
#define EXTRACT_NETWORK_NETWORK_PRIVATE_H

#include "extract/network/network.h"
#include "extract/network/plan.h"

struct network {
    struct model model;
    struct network_input input;
    struct graph graph;
    struct network_output *outputs;  /* [output_count] */
    size_t *cuts;                    /* [output_count]: layers of the simplified graph */
    size_t output_count;
    struct plan plan;
};

#endif
