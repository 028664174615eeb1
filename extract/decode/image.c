#include "extract/decode/image.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* Room beyond this that is mostly unused is given back: about a photo of 5 megapixels. */
enum { KEPT_BYTES = 16 << 20, KEPT_RATIO = 4 };

int image_reserve(struct image *image, size_t width, size_t height, struct error *error)
{
    size_t bytes;

    if (!size_multiply(width, height, &bytes) ||
        !size_multiply(bytes, IMAGE_CHANNELS, &bytes)) {
        image_release(image);
        return error_no_memory(error);
    }
    if (bytes > image->capacity ||
        (image->capacity > KEPT_BYTES && image->capacity / KEPT_RATIO > bytes)) {
        image_release(image);
        image->pixels = memory_allocate_aligned(bytes, 1, error);
        if (image->pixels == NULL)
            return FAILED;
        image->capacity = bytes;
    }
    image->width = width;
    image->height = height;
    return 0;
}

int image_reserve_within(struct image *image, size_t width, size_t height, size_t pixels,
                         const char *name, struct error *error)
{
    if (width == 0 || height == 0)
        return error_set(error, "'%s' has no pixels", name);
    if (width > pixels / height)
        return error_set(error, "'%s' has %zu x %zu pixels, more than the limit of %zu", name,
                         width, height, pixels);
    if (width > IMAGE_MAXIMUM_SIDE || height > IMAGE_MAXIMUM_SIDE)
        return error_set(error, "'%s' has %zu x %zu pixels, more than %d on a side", name, width,
                         height, IMAGE_MAXIMUM_SIDE);
    return image_reserve(image, width, height, error);
}

void image_release(struct image *image)
{
    free(image->pixels);
    *image = (struct image){0};
}

/* Turning is a transposition or none, after the stored image was mirrored or not. */
struct turn {
    bool transposed, flip_x, flip_y;
};

static struct turn turn_of(int orientation)
{
    static const struct turn turns[] = {
        [2] = {.flip_x = true},
        [3] = {.flip_x = true, .flip_y = true},
        [4] = {.flip_y = true},
        [5] = {.transposed = true},
        [6] = {.transposed = true, .flip_y = true},  /* the camera's top is the photo's right */
        [7] = {.transposed = true, .flip_x = true, .flip_y = true},
        [8] = {.transposed = true, .flip_x = true},
    };

    return orientation >= 1 && orientation <= 8 ? turns[orientation] : turns[1];
}

bool image_exchanges_sides(int orientation)
{
    return turn_of(orientation).transposed;
}

struct image_window image_stored_window(const struct image_window *window, int orientation,
                                        size_t width, size_t height)
{
    struct turn turn = turn_of(orientation);
    struct image_window stored = *window;

    if (turn.transposed)
        stored = (struct image_window){.left = window->top, .top = window->left,
                                       .width = window->height, .height = window->width};
    if (turn.flip_x)
        stored.left = width - stored.left - stored.width;
    if (turn.flip_y)
        stored.top = height - stored.top - stored.height;
    return stored;
}

/* Copies single pixels; the steps are in bytes. */
static void copy_pixels(const unsigned char *from, ptrdiff_t from_step, unsigned char *to,
                        ptrdiff_t to_step, size_t count)
{
    for (size_t i = 0; i < count; i++, from += from_step, to += to_step)
        memcpy(to, from, IMAGE_CHANNELS);
}

void image_place(struct image *image, int orientation, const struct image_window *window,
                 const unsigned char *rows, size_t stride)
{
    struct turn turn = turn_of(orientation);
    ptrdiff_t row = (ptrdiff_t)(image->width * IMAGE_CHANNELS);
    ptrdiff_t step_x = turn.transposed ? row : IMAGE_CHANNELS;
    ptrdiff_t step_y = turn.transposed ? IMAGE_CHANNELS : row;
    ptrdiff_t x = (ptrdiff_t)window->left, y = (ptrdiff_t)window->top;
    unsigned char *out;

    if (turn.flip_x) {
        x = (ptrdiff_t)(turn.transposed ? image->height : image->width) - 1 - x;
        step_x = -step_x;
    }
    if (turn.flip_y) {
        y = (ptrdiff_t)(turn.transposed ? image->width : image->height) - 1 - y;
        step_y = -step_y;
    }
    out = image->pixels + (turn.transposed ? x * row + y * IMAGE_CHANNELS
                                           : y * row + x * IMAGE_CHANNELS);
    if (turn.transposed)  /* along the rows of the result, where the writes lie together */
        for (size_t i = 0; i < window->width; i++)
            copy_pixels(rows + i * IMAGE_CHANNELS, (ptrdiff_t)stride, out + (ptrdiff_t)i * step_x,
                        step_y, window->height);
    else if (turn.flip_x)
        for (size_t i = 0; i < window->height; i++)
            copy_pixels(rows + i * stride, IMAGE_CHANNELS, out + (ptrdiff_t)i * step_y, step_x,
                        window->width);
    else
        for (size_t i = 0; i < window->height; i++)
            memcpy(out + (ptrdiff_t)i * step_y, rows + i * stride,
                   window->width * IMAGE_CHANNELS);
}

int image_orient(struct image *image, int orientation, struct error *error)
{
    enum { STRIP = 32 };  /* rows at a time, so that what is written stays in the cache */
    bool exchanges = image_exchanges_sides(orientation);
    size_t stride = image->width * IMAGE_CHANNELS;
    struct image turned = {0};

    if (orientation < 2 || orientation > 8)
        return 0;
    if (image_reserve(&turned, exchanges ? image->height : image->width,
                      exchanges ? image->width : image->height, error) < 0)
        return FAILED;
    for (size_t y = 0; y < image->height; y += STRIP) {
        size_t left = image->height - y;
        struct image_window strip = {.top = y, .width = image->width,
                                     .height = left < STRIP ? left : STRIP};

        image_place(&turned, orientation, &strip, image->pixels + y * stride, stride);
    }
    image_release(image);
    *image = turned;
    return 0;
}
