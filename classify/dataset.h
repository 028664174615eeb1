/*
 * Vectors and labels out of the store, ready to be learned from.
 *
 *     const struct dataset_request request = {.feature_set = set, .normalize = NORMALIZE_L2,
 *                                             .labelled = true};
 *     dataset_load(store, &request, &dataset, &error);
 *     dataset_release(&dataset);
 *
 * Rows are in the order of the splits asked for, then of the path in byte order, so that the same
 * samples always give the same arithmetic. Classes are the labels that occur, in byte order.
 */
#ifndef CLASSIFY_DATASET_H
#define CLASSIFY_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classify/augmentation.h"
#include "classify/feature_set.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/parallel.h"
#include "common/store.h"

enum normalize {
    NORMALIZE_L2,       /* every vector divided by its Euclidean length; a zero vector stays as it
                           is */
    NORMALIZE_STANDARD, /* as they are here; training_fit scales them (scaling.h) */
    NORMALIZE_POWER,    /* the signed square root of every number, then as l2 (Perronnin, Sanchez
                           and Mensink, ECCV 2010) */
    NORMALIZE_NONE
};

/* "l2", "standard", "power", "none"; NULL at the end. In the order of the enum. */
extern const char *const normalize_names[];

/* The normalisation with this name; `name` is one of normalize_names. */
enum normalize normalize_find(const char *name);

/* Normalises vector: [dimension] in place, as far as that takes nothing but the vector itself. The
 * arithmetic is double, rounded to float. False when a number is not finite. */
bool normalize_vector(enum normalize normalize, float *vector, size_t dimension);

/* The class of a sample without a label. */
#define DATASET_NO_CLASS SIZE_MAX

struct dataset_sample {
    char *path;
    char *label, *split, *group;  /* NULL: none */
    struct hash image;
    size_t class;                 /* DATASET_NO_CLASS without a label */
    bool incomplete;              /* lacks views that were asked for */
    size_t unit;                  /* equal for samples that must stand on one side of a split: those
                                     with the same image or the same group, see units.h */
};

struct dataset {
    size_t count, dimension;
    enum normalize normalize;
    float *vectors;               /* [count][dimension], normalised: the originals */
    size_t further;               /* views of a sample that are learned from beside its original */
    bool views_decide;            /* and that decide about it */
    float *all;                   /* [count][1 + further][dimension], the original first; zeros
                                     where it alone is needed. NULL without further views */
    float *gram;                  /* [count][count], their products; NULL: not computed */
    struct dataset_sample *samples;  /* [count] */
    size_t class_count;
    char **classes;               /* [class_count], the labels in byte order */
    size_t unit_count;            /* units are numbered from 0 in order of first appearance */
    size_t unlabelled;            /* samples passed over because they have no label */
    size_t capacity;              /* rows that there is room for */
};

enum {
    DATASET_SPLITS = 2,
    DATASET_LARGEST_GRAM = 5000  /* 100 MB */
};

struct dataset_request {
    const struct feature_set *feature_set;
    enum normalize normalize;
    const char *splits[DATASET_SPLITS];  /* one after the other; all NULL: every sample */
    bool labelled;                       /* pass over samples without a label, and count them */
    const char *group_by;                /* NULL: the groups of the store; else units_group_by */
    const struct augmentation *augmentation;  /* NULL: originals alone; else the first split, or
                                            every sample, has its views, and with AUGMENT_BOTH the
                                            second one too */
    bool allow_incomplete;               /* mark samples that lack a view instead of failing */
    store_path_filter *wanted;           /* NULL: every path; else only those, with what follows */
    void *wanted_context;
    struct parallel *parallel;           /* to normalise with; NULL: the caller's thread alone */
};

/* FAILED when a vector holds a number that is not finite (named with its network), a sample lacks a
 * view, the store cannot be read, or memory is short. No samples at all is no failure. */
int dataset_load(struct store *store, const struct dataset_request *request,
                 struct dataset *dataset, struct error *error);

void dataset_release(struct dataset *dataset);

/* The vectors of a sample that are learned from, those that decide about it, and all of them one
 * after the other: [count][dataset_views()][dimension]. */
size_t dataset_views(const struct dataset *dataset);
size_t dataset_deciding(const struct dataset *dataset);
const float *dataset_rows(const struct dataset *dataset);

/* The rows of some samples, as numbers of rows of dataset_rows, with their classes; rows, classes:
 * [count * dataset_views()]. */
void dataset_expand(const struct dataset *dataset, const size_t *samples, size_t count,
                    size_t *rows, size_t *classes);

/* Computes the products of the originals, unless they are there, or would be those of more than
 * DATASET_LARGEST_GRAM vectors. `parallel` may be NULL. FAILED as gram_create. */
int dataset_compute_gram(struct dataset *dataset, struct parallel *parallel, struct error *error);

/* Removes the rows with keep[row] false; keep: [count]. Classes and units stay numbered as they
 * are. */
void dataset_keep(struct dataset *dataset, const bool *keep);

/* The digest by which an experiment knows its samples: path, label and image of each, in order. */
int dataset_digest(const struct dataset *dataset, struct hash *digest, struct error *error);

#endif
