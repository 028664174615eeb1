/*
 * Products with a constant matrix, the work horse of convolutions and fully connected layers:
 * weights are packed once into panels of a few vectors' width, rows of the other factor are
 * gathered through pointers (the "indirection buffer" of M. Dukhan, arXiv 1907.02129).
 */
#ifndef EXTRACT_NETWORK_PRODUCT_H
#define EXTRACT_NETWORK_PRODUCT_H

#include "common/error.h"
#include "extract/kernels/kernels.h"
#include "extract/network/activation.h"

/* The right factor, packed. All panels are as wide as the kernels' tiles, the last is filled up
 * with zeros. */
struct product {
    const struct kernels *kernels;
    size_t groups, columns, depth;  /* columns and depth of one group */
    size_t panels;                  /* of one group */
    size_t wide_panels, vectors;    /* the first wide_panels have one vector more than `vectors` */
    size_t group_floats;            /* of packed, for one group */
    size_t group_columns;           /* of shift, for one group: columns filled up */
    float *packed;                  /* [groups][panel][depth][panel width] */
    float *shift;                   /* [groups][group_columns] */
};

/* Sizes and memory, with the shift in place and the weights undefined. shift: [groups * columns],
 * or NULL: 0. Release with product_release, also on FAILED. */
int product_create(struct product *product, const struct kernels *kernels, size_t groups,
                   size_t columns, size_t depth, const float *shift, struct error *error);

/* product_create, and the weights packed. weights: [groups * columns][depth], each row multiplied
 * by scale[row] where that is not NULL. */
int product_prepare(struct product *product, const struct kernels *kernels, size_t groups,
                    size_t columns, size_t depth, const float *weights, const float *scale,
                    const float *shift, struct error *error);
void product_release(struct product *product);

/* Rows of the left factor and where their results go. */
struct product_rows {
    const float *const *in;        /* [runs][stride] pointers */
    size_t stride;                 /* at least count + KERNEL_MAX_ROWS - 1; the pointers behind
                                      the last row repeat it */
    size_t runs, run_length;       /* runs * run_length is the depth */
    size_t in_group_step;          /* floats from a group's input to the next one's */
    float *const *out;             /* [stride] pointers to all groups' columns */
    size_t out_group_step;         /* floats from a group's columns to the next one's */
    const float *const *residual;  /* [stride], or NULL */
    size_t count;
};

/* Where a panel of a group is packed, [depth][width], and its width: columns filled up. What is
 * packed behind the last real column must be 0. */
float *product_panel(const struct product *product, size_t group, size_t panel, size_t *width);

/* The first column of a panel within its group; of the panel behind the last, a number of at
 * least the columns. */
size_t product_column(const struct product *product, size_t panel);

/* Panels `first` to `last` - 1 of one group, for all rows; with the activation. */
void product_run(const struct product *product, size_t group, size_t first, size_t last,
                 const struct product_rows *rows, const struct activation *activation);

#endif
