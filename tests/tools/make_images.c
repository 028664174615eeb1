/*
 * make_images [options] PATH
 *
 * Writes images that are computed, so that tests need no photos: one file, or with --count a
 * folder of them, PATH/0000.jpg and so on. The pattern is what a classifier can learn; colours,
 * sizes, directions and noise follow from the seed, which rises by one from image to image. The
 * same options give the same pixels everywhere, and the same bytes with the same libraries.
 */
#include <errno.h>
#include <math.h>
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
};

static const char *const patterns[] = {"stripes", "checks", "rings", "dots", NULL};
static const char *const formats[] = {"jpeg", "png", NULL};

#define PLACE(member) offsetof(struct settings, member)

static const struct option table[] = {
    {'p', "pattern", OPTION_CHOICE, PLACE(pattern), .argument = "NAME", .choices = patterns,
     .help = "stripes, checks, rings or dots (default stripes)"},
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
    int colours[2][IMAGE_CHANNELS];
};

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
    };

    for (int channel = 0; channel < IMAGE_CHANNELS; channel++) {
        drawing.colours[0][channel] = (int)random_between(random, 10, 110);
        drawing.colours[1][channel] = (int)random_between(random, 140, 240);
    }
    return drawing;
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
    return across > 0;
}

static void draw(const struct settings *settings, uint64_t seed, struct image *image)
{
    uint64_t random = seed;
    struct drawing drawing = draw_lots(settings, &random);
    unsigned char *pixel = image->pixels;

    for (size_t y = 0; y < image->height; y++)
        for (size_t x = 0; x < image->width; x++, pixel += IMAGE_CHANNELS) {
            const int *colour = drawing.colours[is_light(&drawing, (double)x, (double)y)];
            int noise = (int)(random_next(&random) % 21) - 10;

            for (int channel = 0; channel < IMAGE_CHANNELS; channel++)
                pixel[channel] = (unsigned char)(colour[channel] + noise);
        }
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
        draw(settings, settings->seed + i, image);
        outcome = write_image(settings, image, path, error);
    }
    free(path);
    return outcome;
}

static int run(const struct settings *settings, const char *path, struct error *error)
{
    struct image image = {0};
    int outcome = image_reserve(&image, settings->width, settings->height, error);

    if (outcome == 0 && settings->count > 0) {
        outcome = write_folder(settings, &image, path, error);
    } else if (outcome == 0) {
        draw(settings, settings->seed, &image);
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
