#include "extract/resample.h"

#include <math.h>

/* Above every photo of usual proportions. */
enum { KEPT_BYTES = 4 << 20 };

static void trim(struct buffer *buffer)
{
    if (buffer->capacity > KEPT_BYTES)
        buffer_release(buffer);
}

void resample_scratch_trim(struct resample_scratch *scratch)
{
    trim(&scratch->taps_x);
    trim(&scratch->taps_y);
    trim(&scratch->weights_x);
    trim(&scratch->weights_y);
    trim(&scratch->edge);
    trim(&scratch->row);
    trim(&scratch->sums);
}

void resample_scratch_release(struct resample_scratch *scratch)
{
    buffer_release(&scratch->taps_x);
    buffer_release(&scratch->taps_y);
    buffer_release(&scratch->weights_x);
    buffer_release(&scratch->weights_y);
    buffer_release(&scratch->edge);
    buffer_release(&scratch->row);
    buffer_release(&scratch->sums);
}

/* How far from a pixel's middle its sources reach, in pixels of the result, or of the source where
 * that is larger. */
static double reach_of(enum rule_filter filter)
{
    switch (filter) {
    case FILTER_BICUBIC:
        return 2;
    case FILTER_LANCZOS:
        return 3;
    case FILTER_NEAREST:
    case FILTER_BILINEAR:
    case FILTER_OPENCV_LINEAR:
    case FILTER_TF1_BILINEAR:
    case FILTER_HALF_PIXEL_BILINEAR:
        break;
    }
    return 1;
}

void resample_source(enum rule_filter filter, size_t in, size_t out, size_t from, size_t count,
                     size_t *first, size_t *end)
{
    enum { ROUNDING = 2 };  /* pixels, for filters that count from another middle */
    double scale = (double)in / (double)out;
    double reach = reach_of(filter) * (scale > 1 ? scale : 1) + ROUNDING;
    double left = floor(((double)from + 0.5) * scale - reach);
    double right = ceil(((double)(from + count) - 0.5) * scale + reach);

    *first = left > 0 ? (size_t)left : 0;
    *end = right < (double)in ? (size_t)right : in;
}
