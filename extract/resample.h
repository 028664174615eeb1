/*
 * Resizing: the part of a resized image that a crop shows, and nothing else of it.
 *
 *     struct resample_window window = {.full_width = 341, .full_height = 256,
 *                                      .left = 58, .top = 16, .width = 224, .height = 224};
 *     resample_antialias(FILTER_BILINEAR, kernels_best(), &image, &window, out, stride, &scratch,
 *                        &error);
 *
 * `out` is the upper left corner of the window in an array of RGB rows that are `stride`
 * elements apart. Scratch memory is kept between calls: one struct per thread, from {0}. All
 * functions return 0, or FAILED without memory.
 */
#ifndef EXTRACT_RESAMPLE_H
#define EXTRACT_RESAMPLE_H

#include <stddef.h>

#include "common/error.h"
#include "common/file.h"
#include "extract/decode/image.h"
#include "extract/kernels/kernels.h"
#include "extract/rules.h"

struct resample_window {
    size_t full_width, full_height;  /* of the whole resized image */
    size_t left, top, width, height; /* of the window, which lies within it; not empty */
};

struct resample_scratch {
    struct buffer taps_x, taps_y;        /* which source pixels make a pixel */
    struct buffer weights_x, weights_y;  /* and how much of each */
    struct buffer edge, row, sums;
};

/* Gives back what an unusually large image needed. */
void resample_scratch_trim(struct resample_scratch *scratch);
void resample_scratch_release(struct resample_scratch *scratch);

/* The source pixels from *first to before *end are all that the window of an axis is made of, which
 * turns `in` pixels into `out` and shows `count` of them from `from` on. */
void resample_source(enum rule_filter filter, size_t in, size_t out, size_t from, size_t count,
                     size_t *first, size_t *end);

/* FILTER_BILINEAR, FILTER_BICUBIC, FILTER_LANCZOS: to the bit what Pillow's Image.resize gives
 * for 8 bits (libImaging/Resample.c): a separable filter, widened by the scale when it shrinks,
 * in fixed point, rows first, rounded to bytes between the two passes. The same bits with any
 * kernels. */
int resample_antialias(enum rule_filter filter, const struct kernels *kernels,
                       const struct image *image, const struct resample_window *window,
                       unsigned char *out, size_t stride, struct resample_scratch *scratch,
                       struct error *error);

/* FILTER_NEAREST as Pillow's. */
int resample_nearest(const struct image *image, const struct resample_window *window,
                     unsigned char *out, size_t stride, struct resample_scratch *scratch,
                     struct error *error);

/* FILTER_OPENCV_LINEAR: to the bit what OpenCV's cv::resize gives for 8 bits with INTER_LINEAR,
 * in fixed point, and the mean of 2 x 2 where both sides are halved. */
int resample_opencv(const struct image *image, const struct resample_window *window,
                    unsigned char *out, size_t stride, struct resample_scratch *scratch,
                    struct error *error);

/* FILTER_TF1_BILINEAR and FILTER_HALF_PIXEL_BILINEAR: TensorFlow's resize_bilinear in float,
 * align_corners false, half_pixel_centers false and true. */
int resample_float(enum rule_filter filter, const struct image *image,
                   const struct resample_window *window, float *out, size_t stride,
                   struct resample_scratch *scratch, struct error *error);

#endif
