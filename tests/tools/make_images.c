/*
 * make_images [options] PATH
 *
 * Writes images that are computed, so that tests need no photos: one file, or with --count a
 * folder of them, PATH/0000.jpg and so on. The pattern is what a classifier can learn; colours,
 * sizes, directions and noise follow from the seed, which rises by one from image to image. With
 * --varied they differ as much as photos do, so that only the pattern tells the kinds apart. The
 * same options give the same pixels everywhere, and the same bytes with the same libraries.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jpeglib.h>
#include <png.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/options.h"
#include "extract/decode/image.h"

enum { QUALITY = 90, NAME_LENGTH = 32 };

struct settings {
    const char *pattern, *format;
    size_t width, height, seed, count;
    bool varied;
};

static const char *const patterns[] = {"stripes", "checks",   "rings", "dots",
                                       "bricks",  "blotches", NULL};
static const char *const formats[] = {"jpeg", "png", NULL};

#define PLACE(member) offsetof(struct settings, member)

static const struct option table[] = {
    {'p', "pattern", OPTION_CHOICE, PLACE(pattern), .argument = "NAME", .choices = patterns,
     .help = "stripes, checks, rings, dots, bricks or blotches (default stripes)"},
    {'f', "format", OPTION_CHOICE, PLACE(format), .argument = "NAME", .choices = formats,
     .help = "jpeg or png (default jpeg)"},
    {0, "width", OPTION_COUNT, PLACE(width), .argument = "N", .minimum = 1, .maximum = 65500,
     .help = "pixels (default 64)"},
    {0, "height", OPTION_COUNT, PLACE(height), .argument = "N", .minimum = 1, .maximum = 65500,
     .help = "pixels (default 48)"},
    {0, "seed", OPTION_COUNT, PLACE(seed), .argument = "N", .minimum = 0, .maximum = 1e9,
     .help = "of the first image (default 0)"},
    {'n', "count", OPTION_COUNT, PLACE(count), .argument = "N", .minimum = 1, .maximum = 10000,
     .help = "write so many images into the folder PATH, which is made"},
    {0, "varied", OPTION_FLAG, PLACE(varied),
     .help = "with any scale, colours, light and noise; sides up to a quarter shorter or longer"},
    {'h', "help", OPTION_HELP, .help = "show this help"},
    {0}
};

/* ---- what is on an image ---------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t random_next(uint64_t *state)
{
    uint64_t bits = *state += 0x9e3779b97f4a7c15;

    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
}

/* From `low` to `high`, in steps of 1/1024 of the way: exact on every machine. */
static double random_between(uint64_t *state, double low, double high)
{
    return low + (high - low) * (double)(random_next(state) % 1025) / 1024;
}

/* A pattern in coordinates that were turned and moved; one period is 1. */
struct drawing {
    const char *pattern;
    double along_x, along_y;  /* of one pixel, in periods */
    double start_x, start_y;
    double light_x, light_y;  /* how much a pixel is lighter than the one before it */
    int colours[2][IMAGE_CHANNELS];
    int noise;                /* at most so much more or less */
    uint64_t seed;            /* of the blotches */
};

/* A dark and a light colour; either may be the pattern's. */
static void choose_colours(struct drawing *drawing, uint64_t *random)
{
    int dark = (int)(random_next(random) % 2);

    for (int channel = 0; channel < IMAGE_CHANNELS; channel++) {
        drawing->colours[dark][channel] = (int)random_between(random, 0, 110);
        drawing->colours[1 - dark][channel] = (int)random_between(random, 145, 255);
    }
}

static struct drawing draw_varied(const struct settings *settings, const struct image *image,
                                  uint64_t *random)
{
    double angle = random_between(random, -3.14, 3.14);
    double periods = random_between(random, 2.5, 5) / (double)settings->height;
    double light = random_between(random, 0, 0.6), from = random_between(random, -3.14, 3.14);
    double right = (double)image->width / 2, down = (double)image->height / 2;
    struct drawing drawing = {
        .pattern = settings->pattern,
        .along_x = cos(angle) * periods,
        .along_y = sin(angle) * periods,
        .start_x = random_between(random, -1.5, 1.5),
        .start_y = random_between(random, -1.5, 1.5),
        .light_x = cos(from) * light / (double)image->width,
        .light_y = sin(from) * light / (double)image->height,
        .noise = (int)random_between(random, 5, 30),
    };

    /* From the middle: a ring's centre is on the image. */
    drawing.start_x -= right * drawing.along_x + down * drawing.along_y;
    drawing.start_y -= down * drawing.along_x - right * drawing.along_y;
    drawing.seed = random_next(random);
    choose_colours(&drawing, random);
    return drawing;
}

static struct drawing draw_lots(const struct settings *settings, uint64_t *random)
{
    size_t side = settings->width < settings->height ? settings->width : settings->height;
    double angle = random_between(random, 0, 3);
    double periods = random_between(random, 3, 6) / (double)side;
    struct drawing drawing = {
        .pattern = settings->pattern,
        .along_x = cos(angle) * periods,
        .along_y = sin(angle) * periods,
        .start_x = random_between(random, -1, 1),
        .start_y = random_between(random, -1, 1),
        .noise = 10,
        .seed = settings->seed,
    };

    for (int channel = 0; channel < IMAGE_CHANNELS; channel++) {
        drawing.colours[0][channel] = (int)random_between(random, 10, 110);
        drawing.colours[1][channel] = (int)random_between(random, 140, 240);
    }
    return drawing;
}

/* A number from 0 to 1 that belongs to a point of the grid. */
static double grid_number(uint64_t seed, double x, double y)
{
    uint64_t state = seed + (uint64_t)(int64_t)x * 0x9e3779b1 + (uint64_t)(int64_t)y * 0x85ebca77;

    random_next(&state);
    return random_between(&state, 0, 1);
}

/* Value noise: the grid's numbers, and between them a smooth passage from one to the next. */
static double smooth_noise(uint64_t seed, double u, double v)
{
    double left = floor(u), top = floor(v), x = u - left, y = v - top;
    double upper, lower;

    x *= x * (3 - 2 * x);
    y *= y * (3 - 2 * y);
    upper = (1 - x) * grid_number(seed, left, top) + x * grid_number(seed, left + 1, top);
    lower = (1 - x) * grid_number(seed, left, top + 1) + x * grid_number(seed, left + 1, top + 1);
    return (1 - y) * upper + y * lower;
}

/* Rows of half the bricks' length, every other one moved by half a brick. */
static int is_brick(double u, double v)
{
    double row = floor(2 * v), moved = u + fmod(fabs(row), 2) / 2;

    return moved - floor(moved) > 0.1 && 2 * v - row > 0.2;
}

/* Whether the point lies in the light part. */
static int is_light(const struct drawing *drawing, double x, double y)
{
    double u = drawing->start_x + x * drawing->along_x + y * drawing->along_y;
    double v = drawing->start_y + y * drawing->along_x - x * drawing->along_y;
    double across = u - floor(u) - 0.5, down = v - floor(v) - 0.5;

    if (strcmp(drawing->pattern, "checks") == 0)
        return (across > 0) != (down > 0);
    if (strcmp(drawing->pattern, "rings") == 0)
        return fmod(hypot(u, v), 1) > 0.5;
    if (strcmp(drawing->pattern, "dots") == 0)
        return hypot(across, down) < 0.25;
    if (strcmp(drawing->pattern, "bricks") == 0)
        return is_brick(u, v);
    if (strcmp(drawing->pattern, "blotches") == 0)
        return 2 * smooth_noise(drawing->seed, 2 * u, 2 * v) +
               smooth_noise(drawing->seed + 1, 5 * u, 5 * v) > 1.5;
    return across > 0;
}

static unsigned char clamp(int value)
{
    return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void colour_pixels(const struct drawing *drawing, uint64_t *random, struct image *image)
{
    unsigned char *pixel = image->pixels;
    double centre_x = (double)image->width / 2, centre_y = (double)image->height / 2;

    for (size_t y = 0; y < image->height; y++)
        for (size_t x = 0; x < image->width; x++, pixel += IMAGE_CHANNELS) {
            const int *colour = drawing->colours[is_light(drawing, (double)x, (double)y)];
            uint64_t choices = 2 * (uint64_t)drawing->noise + 1;
            int noise = (int)(random_next(random) % choices) - drawing->noise;
            double light = 1 + ((double)x - centre_x) * drawing->light_x +
                           ((double)y - centre_y) * drawing->light_y;

            for (int channel = 0; channel < IMAGE_CHANNELS; channel++)
                pixel[channel] = clamp((int)(colour[channel] * light) + noise);
        }
}

static int draw(const struct settings *settings, uint64_t seed, struct image *image,
                struct error *error)
{
    uint64_t random = seed;
    size_t width = settings->width, height = settings->height;
    struct drawing drawing;

    if (settings->varied) {
        width = (size_t)random_between(&random, 0.75 * (double)width, 1.25 * (double)width);
        height = (size_t)random_between(&random, 0.75 * (double)height, 1.25 * (double)height);
    }
    if (image_reserve(image, width > 0 ? width : 1, height > 0 ? height : 1, error) < 0)
        return FAILED;
    drawing = settings->varied ? draw_varied(settings, image, &random)
                               : draw_lots(settings, &random);
    colour_pixels(&drawing, &random, image);
    return 0;
}

/* ---- writing it ------------------------------------------------------------------------- */

/* The library's own error handling ends the program, which serves a tool of the tests well. */
static void write_jpeg(const struct image *image, FILE *stream)
{
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr manager;

    cinfo.err = jpeg_std_error(&manager);
    jpeg_create_compress(&cinfo);
    jpeg_stdio_dest(&cinfo, stream);
    cinfo.image_width = (JDIMENSION)image->width;
    cinfo.image_height = (JDIMENSION)image->height;
    cinfo.input_components = IMAGE_CHANNELS;
    cinfo.in_color_space = JCS_RGB;
    jpeg_set_defaults(&cinfo);
    jpeg_set_quality(&cinfo, QUALITY, TRUE);
    jpeg_start_compress(&cinfo, TRUE);
    while (cinfo.next_scanline < cinfo.image_height) {
        unsigned char *row = image->pixels + cinfo.next_scanline * image->width * IMAGE_CHANNELS;

        jpeg_write_scanlines(&cinfo, &row, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
}

static int write_png(const struct image *image, FILE *stream, struct error *error)
{
    png_image description = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};

    description.width = (png_uint_32)image->width;
    description.height = (png_uint_32)image->height;
    if (!png_image_write_to_stdio(&description, stream, 0, image->pixels, 0, NULL))
        return error_set(error, "cannot write a PNG: %s", description.message);
    return 0;
}

static int write_image(const struct settings *settings, const struct image *image,
                       const char *path, struct error *error)
{
    FILE *stream = fopen(path, "wb");
    int outcome = 0;

    if (stream == NULL)
        return error_set(error, "cannot write '%s': %s", path, strerror(errno));
    if (strcmp(settings->format, "png") == 0)
        outcome = write_png(image, stream, error);
    else
        write_jpeg(image, stream);
    if (fclose(stream) != 0 && outcome == 0)
        outcome = error_set(error, "cannot write '%s': %s", path, strerror(errno));
    return outcome;
}

static int write_folder(const struct settings *settings, struct image *image, const char *folder,
                        struct error *error)
{
    const char *ending = strcmp(settings->format, "png") == 0 ? "png" : "jpg";
    size_t size = strlen(folder) + NAME_LENGTH;
    char *path = memory_allocate(size, 1, error);
    int outcome = path != NULL ? 0 : FAILED;

    mkdir(folder, 0777);
    for (size_t i = 0; i < settings->count && outcome == 0; i++) {
        snprintf(path, size, "%s/%04zu.%s", folder, i, ending);
        outcome = draw(settings, settings->seed + i, image, error);
        if (outcome == 0)
            outcome = write_image(settings, image, path, error);
    }
    free(path);
    return outcome;
}

static int run(const struct settings *settings, const char *path, struct error *error)
{
    struct image image = {0};
    int outcome;

    if (settings->count > 0) {
        outcome = write_folder(settings, &image, path, error);
    } else {
        outcome = draw(settings, settings->seed, &image, error);
        if (outcome == 0)
            outcome = write_image(settings, &image, path, error);
    }
    image_release(&image);
    return outcome;
}

int main(int count, char **arguments)
{
    struct settings settings = {.pattern = "stripes", .format = "jpeg", .width = 64, .height = 48};
    struct text_list operands = {0};
    struct error error = {""};
    int status = EXIT_OK;
    int outcome = options_parse(table, count - 1, arguments + 1, &settings, &operands, &error);

    if (outcome == OPTIONS_HELP) {
        puts("usage: make_images [options] PATH");
        options_print(table, stdout);
    } else if (outcome < 0 || operands.count != 1) {
        fprintf(stderr, "make_images: %s\n", outcome < 0 ? error.text : "one PATH is needed");
        status = EXIT_USAGE;
    } else if (run(&settings, operands.items[0], &error) < 0) {
        fprintf(stderr, "make_images: %s\n", error.text);
        status = EXIT_FAILED;
    }
    text_list_release(&operands);
    return status;
}
