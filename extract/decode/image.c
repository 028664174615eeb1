#include "extract/decode/image.h"

#include <assert.h>
#include <stdbool.h>
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

static void swap_pixels(unsigned char *a, unsigned char *b)
{
    for (size_t channel = 0; channel < IMAGE_CHANNELS; channel++) {
        unsigned char value = a[channel];

        a[channel] = b[channel];
        b[channel] = value;
    }
}

/* Exchanges `count` pixels with those that end at `last`, which are taken backwards. */
static void swap_backwards(unsigned char *first, unsigned char *last, size_t count)
{
    for (size_t i = 0; i < count; i++)
        swap_pixels(first + i * IMAGE_CHANNELS, last - i * IMAGE_CHANNELS);
}

static void mirror_rows(struct image *image)
{
    size_t row = image->width * IMAGE_CHANNELS;

    for (size_t y = 0; y < image->height; y++) {
        unsigned char *first = image->pixels + y * row;

        swap_backwards(first, first + row - IMAGE_CHANNELS, image->width / 2);
    }
}

static void turn_around(struct image *image)
{
    size_t count = image->width * image->height;

    swap_backwards(image->pixels, image->pixels + (count - 1) * IMAGE_CHANNELS, count / 2);
}

static void flip_upside_down(struct image *image)
{
    size_t row = image->width * IMAGE_CHANNELS;

    for (size_t y = 0; y < image->height / 2; y++) {
        unsigned char *upper = image->pixels + y * row;
        unsigned char *lower = image->pixels + (image->height - 1 - y) * row;

        for (size_t i = 0; i < row; i++) {
            unsigned char value = upper[i];

            upper[i] = lower[i];
            lower[i] = value;
        }
    }
}

/* Writes the pixel at row y, column x of `from` to row x, column y of `to`, counted from the
 * right end where `mirror`, from the lower end where `flip`. In squares, so that what is read
 * and what is written both stay in the cache. */
static void transpose(const struct image *from, struct image *to, bool mirror, bool flip)
{
    enum { SQUARE = 32 };

    for (size_t square_y = 0; square_y < from->height; square_y += SQUARE)
        for (size_t x = 0; x < from->width; x++) {
            size_t row = flip ? from->width - 1 - x : x;
            size_t end = square_y + SQUARE < from->height ? square_y + SQUARE : from->height;

            for (size_t y = square_y; y < end; y++) {
                size_t column = mirror ? from->height - 1 - y : y;

                memcpy(to->pixels + (row * to->width + column) * IMAGE_CHANNELS,
                       from->pixels + (y * from->width + x) * IMAGE_CHANNELS, IMAGE_CHANNELS);
            }
        }
}

static int transpose_image(struct image *image, bool mirror, bool flip, struct error *error)
{
    struct image turned = {0};

    assert(image->width > 0 && image->height > 0);
    if (image_reserve(&turned, image->height, image->width, error) < 0)
        return FAILED;
    transpose(image, &turned, mirror, flip);
    image_release(image);
    *image = turned;
    return 0;
}

int image_orient(struct image *image, int orientation, struct error *error)
{
    switch (orientation) {
    case 2:
        mirror_rows(image);
        return 0;
    case 3:
        turn_around(image);
        return 0;
    case 4:
        flip_upside_down(image);
        return 0;
    case 5:
        return transpose_image(image, false, false, error);
    case 6:  /* the camera's top is the photo's right side */
        return transpose_image(image, true, false, error);
    case 7:
        return transpose_image(image, true, true, error);
    case 8:
        return transpose_image(image, false, true, error);
    default:
        return 0;
    }
}
