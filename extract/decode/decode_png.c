#include "extract/decode/decode_png.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/decode/exif.h"

/* What a chunk other than the image's data may occupy, Exif included. */
enum { MAXIMUM_CHUNK_BYTES = 8 << 20 };

/* Everything that outlives a longjmp out of the library. */
struct png_job {
    png_structp png;
    png_infop info;
    jmp_buf escape;
    const char *name;
    const unsigned char *bytes;
    size_t size, at, pixels;
    struct image *image;
    unsigned char **rows;  /* of an interlaced image; owned */
    int orientation;
    struct error *error;
};

static _Noreturn void escape(struct png_job *job)
{
    longjmp(job->escape, 1);
}

static _Noreturn void refuse(png_structp png, png_const_charp reason)
{
    struct png_job *job = png_get_error_ptr(png);

    error_set(job->error, "'%s' cannot be decoded as PNG: %s", job->name, reason);
    escape(job);
}

/* The library goes on after a warning without losing pixels. */
static void ignore_warning(png_structp png, png_const_charp reason)
{
    (void)png;
    (void)reason;
}

static void read_bytes(png_structp png, png_bytep data, size_t size)
{
    struct png_job *job = png_get_io_ptr(png);

    if (size > job->size - job->at) {
        error_set(job->error, "'%s' is a truncated PNG", job->name);
        escape(job);
    }
    memcpy(data, job->bytes + job->at, size);
    job->at += size;
}

/* Only what shapes the pixels is read; nothing else is unpacked or kept. A wrong checksum
 * anywhere refuses the file. */
static void set_policy(png_structp png)
{
    static const png_byte exif[] = "eXIf";

    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, exif, 1);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_chunk_malloc_max(png, MAXIMUM_CHUNK_BYTES);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
}

/* Every colour type and depth becomes RGB of 8 bits: 16 bits lose their low byte, 1, 2 and 4
 * bits are scaled to 255, a palette is looked up, transparency is dropped. */
static void set_transformations(png_structp png)
{
    png_set_strip_16(png);
    png_set_expand(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
}

/* Rows come once, from the top; those of an interlaced image in seven passes, which the library
 * merges when it has the whole image before it. */
static void read_rows(struct png_job *job)
{
    struct image *image = job->image;
    size_t row_bytes = image->width * IMAGE_CHANNELS;

    if (png_get_interlace_type(job->png, job->info) == PNG_INTERLACE_NONE) {
        for (size_t y = 0; y < image->height; y++)
            png_read_row(job->png, image->pixels + y * row_bytes, NULL);
        return;
    }
    job->rows = memory_allocate(image->height, sizeof *job->rows, job->error);
    if (job->rows == NULL)
        escape(job);
    for (size_t y = 0; y < image->height; y++)
        job->rows[y] = image->pixels + y * row_bytes;
    png_read_image(job->png, job->rows);
}

static int find_orientation(struct png_job *job)
{
    png_bytep exif;
    png_uint_32 size;

    if (png_get_eXIf_1(job->png, job->info, &size, &exif) == 0)
        return 1;
    return exif_orientation(exif, size);
}

/* The one function that the library's errors jump back to: all it touches is in *job. */
static int run(struct png_job *job)
{
    if (setjmp(job->escape) != 0)
        return FAILED;
    png_set_read_fn(job->png, job, read_bytes);
    set_policy(job->png);
    png_read_info(job->png, job->info);
    if (image_reserve_within(job->image, png_get_image_width(job->png, job->info),
                             png_get_image_height(job->png, job->info), job->pixels, job->name,
                             job->error) < 0)
        return FAILED;
    set_transformations(job->png);
    png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    if (png_get_rowbytes(job->png, job->info) != job->image->width * IMAGE_CHANNELS)
        png_error(job->png, "a colour type that is not known");
    read_rows(job);
    png_read_end(job->png, job->info);
    job->orientation = find_orientation(job);
    return 0;
}

int decode_png(const char *name, const unsigned char *bytes, size_t size,
               const struct decode_limits *limits, struct image *image, struct error *error)
{
    struct png_job job = {
        .name = name, .bytes = bytes, .size = size, .pixels = limits->pixels, .image = image,
        .error = error,
    };
    int outcome = FAILED;

    job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, refuse, ignore_warning);
    if (job.png != NULL)
        job.info = png_create_info_struct(job.png);
    if (job.info != NULL)
        outcome = run(&job);
    else
        error_no_memory(error);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    free(job.rows);
    return outcome == 0 ? image_orient(image, job.orientation, error) : FAILED;
}
