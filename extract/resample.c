#include "extract/resample.h"

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
    trim(&scratch->row);
    trim(&scratch->sums);
}

void resample_scratch_release(struct resample_scratch *scratch)
{
    buffer_release(&scratch->taps_x);
    buffer_release(&scratch->taps_y);
    buffer_release(&scratch->weights_x);
    buffer_release(&scratch->weights_y);
    buffer_release(&scratch->row);
    buffer_release(&scratch->sums);
}
