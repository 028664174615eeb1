/*
 * Which views of the images are learned from, and which decide.
 *
 *     const struct augmentation_request request = {.feature_sets = &set, .count = 1,
 *                                                  .asked = "both", .labelled = true};
 *     augmentation_choose(store, &request, &augmentation, &error);
 *     augmentation_release(&augmentation);
 *
 * All views of an image always stand on one side of a split, and statistics count images: a view is
 * no further image, neither in training nor in testing.
 */
#ifndef CLASSIFY_AUGMENTATION_H
#define CLASSIFY_AUGMENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/json.h"
#include "common/options.h"
#include "common/store.h"

/* How many samples have each view. */
struct view_count {
    char *name;
    size_t samples;
};

struct view_counts {
    struct view_count *items;  /* [count], in byte order */
    size_t count, capacity;
};

/* Of a feature set, and of a split where that is not NULL. 0 or FAILED. */
int view_counts_load(struct store *store, int64_t feature_set, const char *split, bool labelled,
                     struct view_counts *counts, struct error *error);
/* NULL: no sample has it. */
const struct view_count *view_counts_find(const struct view_counts *counts, const char *name);
void view_counts_release(struct view_counts *counts);

enum augment {
    AUGMENT_NONE,   /* originals alone */
    AUGMENT_TRAIN,  /* learned from are all views, an image is decided about by its original */
    AUGMENT_BOTH    /* and by all of its views: by the mean of their decisions, which says what the
                       sum says, on the scale of one */
};

/* "none", "train", "both"; NULL at the end. In the order of the enum. */
extern const char *const augment_names[];
enum augment augment_find(const char *name);

struct augmentation {
    enum augment use;
    char **views;       /* [count] besides the original, in byte order; none with AUGMENT_NONE */
    size_t count;
    size_t left_aside;  /* views that some of the images have and others have not */
};

enum { AUGMENTATION_SPLITS = 2 };

struct augmentation_request {
    const int64_t *feature_sets;               /* [count]; the views must be in all of them */
    size_t count;
    const char *splits[AUGMENTATION_SPLITS];   /* trained on, tested; both NULL: every sample */
    bool labelled;                             /* only samples with a label are asked for views */
    const char *asked;                         /* of augment_names; NULL: both with the views that
                                                  every sample has, none where there are none */
    const struct text_list *names;             /* the views besides the original; empty or NULL: all
                                                  that every sample has */
};

/* FAILED, with what to do, when what is asked for is not cached for every sample that needs it, or
 * the store cannot be read. */
int augmentation_choose(struct store *store, const struct augmentation_request *request,
                        struct augmentation *augmentation, struct error *error);
int augmentation_copy(const struct augmentation *augmentation, struct augmentation *copy,
                      struct error *error);
void augmentation_release(struct augmentation *augmentation);

/* Writes `views` and `view_names`. */
void augmentation_json(const struct augmentation *augmentation, struct json *json);

/* Writes the options that ask for the same views again: --views, and --view for each. */
void augmentation_arguments(const struct augmentation *augmentation, struct json *json);
/* The latter alone. */
void augmentation_name_arguments(const struct augmentation *augmentation, struct json *json);

/* Writes `before` and "16 views of every image trained on, its score is their sum"; nothing for
 * none. */
void augmentation_describe(const struct augmentation *augmentation, const char *before, FILE *out);

/* Says on `notes` what was left aside. */
void augmentation_note(const struct augmentation *augmentation, FILE *notes);

#endif
