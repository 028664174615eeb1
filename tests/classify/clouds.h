/*
 * Datasets for tests: clouds of points, one a class, that overlap more or less.
 */
#ifndef TESTS_CLASSIFY_CLOUDS_H
#define TESTS_CLASSIFY_CLOUDS_H

#include <stdio.h>
#include <stdlib.h>

#include "classify/dataset.h"
#include "classify/generator.h"
#include "common/parallel.h"
#include "tests/helpers.h"

enum { CLOUDS_MOST = 300, CLOUDS_CLASSES = 8, CLOUDS_DIMENSION = 48 };

struct clouds {
    struct dataset dataset;
    struct dataset_sample samples[CLOUDS_MOST];
    float vectors[CLOUDS_MOST * CLOUDS_DIMENSION];
    char names[CLOUDS_CLASSES][8], paths[CLOUDS_MOST][24];
    char *classes[CLOUDS_CLASSES];
};

/* `distance` is how far the centres lie from the common one, in units of the clouds' width. Every
 * sample is a unit and an image of its own; classes come in turn. To be released with free(). */
static inline struct clouds *clouds_make(size_t count, size_t classes, double distance,
                                         uint64_t seed)
{
    struct clouds *clouds = calloc(1, sizeof *clouds);
    struct generator generator = generator_seed(seed);

    assert_non_null(clouds);
    for (size_t class = 0; class < classes; class++) {
        snprintf(clouds->names[class], sizeof clouds->names[class], "c%zu", class);
        clouds->classes[class] = clouds->names[class];
    }
    for (size_t i = 0; i < count; i++) {
        struct dataset_sample *sample = &clouds->samples[i];
        float *vector = clouds->vectors + i * CLOUDS_DIMENSION;

        snprintf(clouds->paths[i], sizeof clouds->paths[i], "c%zu/%03zu.jpg", i % classes, i);
        *sample = (struct dataset_sample){
            .path = clouds->paths[i], .class = i % classes, .label = clouds->names[i % classes],
            .unit = i, .image = hash_bytes(&i, sizeof i),
        };
        for (size_t k = 0; k < CLOUDS_DIMENSION; k++)
            vector[k] = (float)((double)(generator_next(&generator) >> 40) / 16777216.0 +
                                (k == i % classes ? distance : 0));
        normalize_vector(NORMALIZE_L2, vector, CLOUDS_DIMENSION);
    }
    clouds->dataset = (struct dataset){
        .count = count, .dimension = CLOUDS_DIMENSION, .normalize = NORMALIZE_L2,
        .vectors = clouds->vectors, .samples = clouds->samples, .class_count = classes,
        .classes = clouds->classes, .unit_count = count,
    };
    return clouds;
}

static inline struct parallel *clouds_threads(size_t count)
{
    struct parallel *parallel;
    struct error error;

    assert_int_equal(parallel_create(count, &parallel, &error), 0);
    return parallel;
}

#endif
