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
    size_t size, pixels;
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

static void read_rows(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *cinfo = &job->cinfo;
    size_t row_bytes = job->image->width * IMAGE_CHANNELS;
    bool cmyk = cinfo->out_color_space == JCS_CMYK;
    JSAMPARRAY ink = NULL;

    if (cmyk)
        ink = cinfo->mem->alloc_sarray((j_common_ptr)cinfo, JPOOL_IMAGE,
                                       cinfo->output_width * CMYK_CHANNELS, 1);
    while (cinfo->output_scanline < cinfo->output_height) {
        unsigned char *row = job->image->pixels + cinfo->output_scanline * row_bytes;

        if (cmyk) {
            jpeg_read_scanlines(cinfo, ink, 1);
            cmyk_to_rgb(ink[0], row, job->image->width);
        } else {
            jpeg_read_scanlines(cinfo, &row, 1);
        }
    }
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
    if (image_reserve_within(job->image, cinfo->image_width, cinfo->image_height, job->pixels,
                             job->name, job->error) < 0)
        return FAILED;
    cinfo->out_color_space = cinfo->num_components == CMYK_CHANNELS ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(cinfo);
    read_rows(job);
    job->orientation = find_orientation(cinfo);
    jpeg_finish_decompress(cinfo);
    return 0;
}

int decode_jpeg(const char *name, const unsigned char *bytes, size_t size, size_t pixels,
                struct image *image, int *orientation, struct error *error)
{
    struct jpeg_job job = {
        .name = name, .bytes = bytes, .size = size, .pixels = pixels, .image = image,
        .error = error,
    };
    int outcome;

    job.cinfo.err = jpeg_std_error(&job.manager);
    job.cinfo.client_data = &job;
    job.manager.error_exit = refuse;
    job.manager.emit_message = judge_warning;
    job.progress.progress_monitor = limit_scans;
    outcome = run(&job);
    *orientation = job.orientation;
    jpeg_destroy_decompress(&job.cinfo);
    return outcome;
}
