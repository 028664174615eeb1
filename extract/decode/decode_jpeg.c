#include "extract/decode/decode_jpeg.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* jpeglib.h needs stdio.h before it, jerror.h needs jpeglib.h. */
#include <jpeglib.h>

#include <jerror.h>

#include "extract/decode/exif.h"

/* A progressive file may repeat its scans without end; encoders write about ten of them. */
enum { MAXIMUM_SCANS = 500 };

enum { CMYK_CHANNELS = 4 };

/* Everything that outlives a longjmp out of the library. */
struct jpeg_job {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    const char *name;
    const unsigned char *bytes;
    size_t size;
    const struct decode_limits *limits;
    struct image *image;
    int orientation;
    struct error *error;
};

static _Noreturn void escape(j_common_ptr cinfo)
{
    struct jpeg_job *job = cinfo->client_data;

    longjmp(job->escape, 1);
}

static _Noreturn void refuse(j_common_ptr cinfo)
{
    struct jpeg_job *job = cinfo->client_data;
    char reason[JMSG_LENGTH_MAX];

    cinfo->err->format_message(cinfo, reason);
    error_set(job->error, "'%s' cannot be decoded as JPEG: %s", job->name, reason);
    escape(cinfo);
}

/* A warning is something that the library can go on after, with invented pixels where the data
 * are missing or make no sense. These say that pixels would be invented; the others (bytes
 * between two markers, a JFIF version or an Adobe transform that is not known) are harmless. */
static void judge_warning(j_common_ptr cinfo, int level)
{
    struct jpeg_job *job = cinfo->client_data;

    if (level >= 0)
        return;
    switch (cinfo->err->msg_code) {
    case JWRN_JPEG_EOF:
        error_set(job->error, "'%s' is a truncated JPEG", job->name);
        escape(cinfo);
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_NOT_SEQUENTIAL:
        refuse(cinfo);
    default:
        return;
    }
}

static void limit_scans(j_common_ptr cinfo)
{
    struct jpeg_job *job = cinfo->client_data;

    if (job->cinfo.input_scan_number > MAXIMUM_SCANS) {
        error_set(job->error, "'%s' cannot be decoded as JPEG: it has more than %d scans",
                  job->name, MAXIMUM_SCANS);
        escape(cinfo);
    }
}

/* Exif 2.32, 4.7.2: an APP1 segment that begins with "Exif" and two zeros. */
static int find_orientation(const struct jpeg_decompress_struct *cinfo)
{
    for (jpeg_saved_marker_ptr marker = cinfo->marker_list; marker != NULL;
         marker = marker->next)
        if (marker->data_length > 6 && memcmp(marker->data, "Exif\0", 5) == 0)
            return exif_orientation(marker->data + 6, marker->data_length - 6);
    return 1;
}

/* a * b / 255, rounded. */
static int multiply_255(int a, int b)
{
    int product = a * b + 128;

    return ((product >> 8) + product) >> 8;
}

/* cmyk: [width][4], inverted as Adobe writes it (255 is no ink). rgb: [width][3]. The formula is
 * Pillow's: what the black ink leaves, less what each colour takes of it. */
static void cmyk_to_rgb(const unsigned char *cmyk, unsigned char *rgb, size_t width)
{
    for (size_t x = 0; x < width; x++, cmyk += CMYK_CHANNELS, rgb += IMAGE_CHANNELS)
        for (int channel = 0; channel < IMAGE_CHANNELS; channel++) {
            int light = cmyk[3];

            rgb[channel] = (unsigned char)(light - multiply_255(255 - cmyk[channel], light));
        }
}

/* The part of the stored image that is asked for. All of a progressive one: where its last bits are
 * missing, the library smooths its blocks, and does so wrongly beside what it leaves out. */
static struct image_window choose_part(const struct jpeg_job *job)
{
    const struct image *image = job->image;
    struct image_window window = {.width = image->width, .height = image->height};

    if (job->limits->choose_window != NULL && job->cinfo.progressive_mode == FALSE)
        window = job->limits->choose_window(job->limits->context, image->width, image->height);
    return image_stored_window(&window, job->orientation, job->cinfo.output_width,
                               job->cinfo.output_height);
}

/* Makes the library leave out what lies left and right of the part, which becomes as wide as its
 * blocks. Colours are interpolated between neighbours: the columns at the edges of what is decoded
 * differ, so that these lie outside of the part. */
static void leave_out_sides(struct jpeg_decompress_struct *cinfo, struct image_window *part)
{
    enum { EDGE = 2 };
    size_t right = part->left + part->width + EDGE;
    JDIMENSION left = (JDIMENSION)(part->left > EDGE ? part->left - EDGE : 0), width;

    if (right > cinfo->output_width)
        right = cinfo->output_width;
    width = (JDIMENSION)right - left;
    if (width < cinfo->output_width)
        jpeg_crop_scanline(cinfo, &left, &width);
    part->left = left;
    part->width = width;
}

/* ink: room for a row of CMYK; NULL for RGB. */
static void read_row(struct jpeg_decompress_struct *cinfo, JSAMPARRAY ink, unsigned char *row)
{
    if (ink != NULL) {
        jpeg_read_scanlines(cinfo, ink, 1);
        cmyk_to_rgb(ink[0], row, cinfo->output_width);
    } else {
        jpeg_read_scanlines(cinfo, &row, 1);
    }
}

/* Decodes a part of the image that stands upright to where it belongs. */
static void read_upright(struct jpeg_job *job, const struct image_window *part, JSAMPARRAY ink)
{
    size_t row = job->image->width * IMAGE_CHANNELS;
    unsigned char *out = job->image->pixels + part->top * row + part->left * IMAGE_CHANNELS;

    for (size_t y = 0; y < part->height; y++)
        read_row(&job->cinfo, ink, out + y * row);
}

static JSAMPARRAY allocate_rows(struct jpeg_decompress_struct *cinfo, size_t bytes, size_t count)
{
    return cinfo->mem->alloc_sarray((j_common_ptr)cinfo, JPOOL_IMAGE, (JDIMENSION)bytes,
                                    (JDIMENSION)count);
}

/* Strip by strip, since a strip stays in the cache until it has been turned. */
static void read_turned(struct jpeg_job *job, const struct image_window *part, JSAMPARRAY ink)
{
    enum { STRIP = 32 };
    JSAMPARRAY rows = allocate_rows(&job->cinfo, part->width * IMAGE_CHANNELS, STRIP);
    struct image_window strip = *part;
    size_t end = part->top + part->height;

    for (; strip.top < end; strip.top += strip.height) {
        strip.height = end - strip.top < STRIP ? end - strip.top : STRIP;
        for (size_t i = 0; i < strip.height; i++)
            read_row(&job->cinfo, ink, rows[i]);
        image_place(job->image, job->orientation, &strip, rows[0], (size_t)(rows[1] - rows[0]));
    }
}

/* The rows below the part are decoded as far as it takes to find damage in them: the library
 * takes no look at what is skipped up to the last row. */
static void check_rest(struct jpeg_decompress_struct *cinfo)
{
    JSAMPARRAY row = allocate_rows(cinfo, cinfo->output_width * (size_t)cinfo->output_components,
                                   1);

    if (cinfo->output_scanline + 1 < cinfo->output_height)
        jpeg_skip_scanlines(cinfo, cinfo->output_height - 1 - cinfo->output_scanline);
    if (cinfo->output_scanline < cinfo->output_height)
        jpeg_read_scanlines(cinfo, row, 1);
}

static void read_part(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *cinfo = &job->cinfo;
    struct image_window part = choose_part(job);
    JSAMPARRAY ink = NULL;

    leave_out_sides(cinfo, &part);
    if (part.top > 0)
        jpeg_skip_scanlines(cinfo, (JDIMENSION)part.top);
    if (cinfo->out_color_space == JCS_CMYK)
        ink = allocate_rows(cinfo, part.width * CMYK_CHANNELS, 1);
    if (job->orientation == 1)
        read_upright(job, &part, ink);
    else
        read_turned(job, &part, ink);
    check_rest(cinfo);
}

/* Room for the whole image as it will stand. */
static int reserve(struct jpeg_job *job)
{
    size_t width = job->cinfo.image_width, height = job->cinfo.image_height;

    if (image_exchanges_sides(job->orientation))
        return image_reserve_within(job->image, height, width, job->limits->pixels, job->name,
                                    job->error);
    return image_reserve_within(job->image, width, height, job->limits->pixels, job->name,
                                job->error);
}

/* The one function that the library's errors jump back to: all it touches is in *job. */
static int run(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *cinfo = &job->cinfo;

    if (setjmp(job->escape) != 0)
        return FAILED;
    jpeg_create_decompress(cinfo);
    cinfo->client_data = job;
    cinfo->progress = &job->progress;
    jpeg_mem_src(cinfo, job->bytes, job->size);
    jpeg_save_markers(cinfo, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(cinfo, TRUE);
    job->orientation = find_orientation(cinfo);
    if (reserve(job) < 0)
        return FAILED;
    cinfo->out_color_space = cinfo->num_components == CMYK_CHANNELS ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(cinfo);
    read_part(job);
    jpeg_finish_decompress(cinfo);
    return 0;
}

int decode_jpeg(const char *name, const unsigned char *bytes, size_t size,
                const struct decode_limits *limits, struct image *image, struct error *error)
{
    struct jpeg_job job = {
        .name = name, .bytes = bytes, .size = size, .limits = limits, .image = image,
        .error = error,
    };
    int outcome;

    job.cinfo.err = jpeg_std_error(&job.manager);
    job.cinfo.client_data = &job;
    job.manager.error_exit = refuse;
    job.manager.emit_message = judge_warning;
    job.progress.progress_monitor = limit_scans;
    outcome = run(&job);
    jpeg_destroy_decompress(&job.cinfo);
    return outcome;
}
