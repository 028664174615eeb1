#include "extract/network/product.h"

#include <stdlib.h>

#include "common/memory.h"

static size_t panel_vectors(const struct product *product, size_t panel)
{
    return product->vectors + (panel < product->wide_panels ? 1 : 0);
}

size_t product_column(const struct product *product, size_t panel)
{
    size_t wide = panel < product->wide_panels ? panel : product->wide_panels;

    return (panel * product->vectors + wide) * product->kernels->lanes;
}

/* Panels of even width: 80 columns become 48 + 32, not 64 + 16. */
static void divide_columns(struct product *product)
{
    size_t lanes = product->kernels->lanes;
    size_t vectors = (product->columns + lanes - 1) / lanes;

    product->panels = (vectors + product->kernels->max_vectors - 1) / product->kernels->max_vectors;
    product->vectors = vectors / product->panels;
    product->wide_panels = vectors % product->panels;
    product->group_columns = vectors * lanes;
}

float *product_panel(const struct product *product, size_t group, size_t panel, size_t *width)
{
    *width = panel_vectors(product, panel) * product->kernels->lanes;
    return product->packed + group * product->group_floats +
           product_column(product, panel) * product->depth;
}

/* weights: the panel's rows; `count` of them are real. Reading a line of every row in turn and
 * writing in order is what the caches like best. */
static void pack_panel(const float *weights, const float *scale, size_t count, size_t depth,
                       size_t width, float *packed)
{
    for (size_t k = 0; k < depth; k++, packed += width) {
        for (size_t column = 0; column < count; column++)
            packed[column] = weights[column * depth + k] * (scale != NULL ? scale[column] : 1);
        for (size_t column = count; column < width; column++)
            packed[column] = 0;
    }
}

int product_create(struct product *product, const struct kernels *kernels, size_t groups,
                   size_t columns, size_t depth, const float *shift, struct error *error)
{
    size_t count;

    *product = (struct product){
        .kernels = kernels, .groups = groups, .columns = columns, .depth = depth};
    divide_columns(product);
    if (!size_multiply(product->group_columns, depth, &product->group_floats) ||
        !size_multiply(product->group_floats, groups, &count))
        return error_no_memory(error);
    product->packed = memory_allocate_aligned(count, sizeof(float), error);
    product->shift = memory_allocate(groups * product->group_columns, sizeof(float), error);
    if (product->packed == NULL || product->shift == NULL)
        return FAILED;
    for (size_t i = 0; i < groups * columns && shift != NULL; i++)
        product->shift[i / columns * product->group_columns + i % columns] = shift[i];
    return 0;
}

int product_prepare(struct product *product, const struct kernels *kernels, size_t groups,
                    size_t columns, size_t depth, const float *weights, const float *scale,
                    const float *shift, struct error *error)
{
    if (product_create(product, kernels, groups, columns, depth, shift, error) < 0)
        return FAILED;
    for (size_t group = 0; group < groups; group++) {
        for (size_t panel = 0; panel < product->panels; panel++) {
            size_t first = product_column(product, panel), row = group * columns + first, width;
            float *packed = product_panel(product, group, panel, &width);

            pack_panel(weights + row * depth, scale != NULL ? scale + row : NULL,
                       columns - first < width ? columns - first : width, depth, width, packed);
        }
    }
    return 0;
}

void product_release(struct product *product)
{
    free(product->packed);
    free(product->shift);
    *product = (struct product){0};
}

/* Sets what the tiles of a panel fetch on their way: the panel behind it, in even parts. Without
 * it the first tile of every panel waits for its weights, and a burst of prefetches between two
 * tiles is as slow: spread out they gained up to 40 % on products with many weights (VGG16's and
 * ResNet-50's last layers). Returns the floats of a tile's part. */
static size_t look_ahead(const struct product *product, const struct product_rows *rows,
                         size_t panel_floats, size_t tiles, struct tile *tile)
{
    const float *end = product->packed + product->groups * product->group_floats;
    size_t chunks = rows->runs * ((rows->run_length + KERNEL_TILE_CHUNK - 1) / KERNEL_TILE_CHUNK);
    size_t floats = panel_floats;

    tile->ahead = tile->packed + panel_floats;
    if (floats > (size_t)(end - tile->ahead))
        floats = (size_t)(end - tile->ahead);
    tile->ahead_step = (floats + tiles * chunks - 1) / (tiles * chunks);
    return tile->ahead_step * chunks;
}

static void run_panel(const struct product *product, size_t group, size_t panel,
                      const struct product_rows *rows, const struct activation *activation)
{
    const struct kernels *kernels = product->kernels;
    size_t vectors = panel_vectors(product, panel), width;
    size_t column = product_column(product, panel);
    size_t step = kernels->tile_rows[vectors], part;
    struct tile tile = {
        .packed = product_panel(product, group, panel, &width),
        .in_stride = rows->stride,
        .in_offset = group * rows->in_group_step,
        .runs = rows->runs,
        .run_length = rows->run_length,
        .shift = product->shift + group * product->group_columns + column,
        .out_offset = group * rows->out_group_step + column,
    };

    tile.columns = column + width <= product->columns ? width : product->columns - column;
    part = look_ahead(product, rows, width * product->depth, (rows->count + step - 1) / step,
                      &tile);
    activation_bounds(activation, &tile.low, &tile.high);
    for (size_t row = 0; row < rows->count; row += step) {
        tile.in = rows->in + row;
        tile.out = rows->out + row;
        tile.residual = rows->residual != NULL ? rows->residual + row : NULL;
        kernels->tiles[vectors](&tile);
        tile.ahead += part;
    }
    if (activation_is_clip(activation))
        return;
    for (size_t row = 0; row < rows->count; row++)
        activation_apply(activation, rows->out[row] + tile.out_offset, tile.columns,
                         group * product->columns + column);
}

void product_run(const struct product *product, size_t group, size_t first, size_t last,
                 const struct product_rows *rows, const struct activation *activation)
{
    for (size_t panel = first; panel < last; panel++)
        run_panel(product, group, panel, rows, activation);
}
