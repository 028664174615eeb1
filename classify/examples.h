/*
 * The images of an experiment: loaded, parted into what is trained on and what is tested, and those
 * that would give each other away kept together.
 *
 *     examples_load(&request, &examples, &error);
 *     examples_evaluate(&examples, &settings, parallel, &evaluation, &error);
 *     examples_release(&examples);
 */
#ifndef CLASSIFY_EXAMPLES_H
#define CLASSIFY_EXAMPLES_H

#include "classify/command.h"
#include "classify/dataset.h"
#include "classify/evaluation.h"
#include "classify/learning.h"
#include "classify/neighbours.h"

struct examples_request {
    const struct command_database *database;
    const struct feature_set *features;
    const struct learning *learning;
    const struct protocol *protocol;  /* its splits are what is loaded */
    const struct augmentation *augmentation;  /* NULL: chosen by `learning` */
    struct parallel *parallel;
};

struct examples {
    const struct feature_set *features;
    struct augmentation augmentation;
    struct dataset dataset;  /* of a hold-out, the training part stands first */
    size_t trained;          /* the size of that part; 0 without hold-out */
    size_t left_out;         /* images taken out of it, since the test part has the like */
    size_t near_identical;   /* images that are near-identical to an earlier one, though not the
                                same file, and stand on one side with it */
};

/* Which views the request asks for in feature sets: [count]. FAILED as augmentation_choose. */
int examples_choose_views(const struct examples_request *request,
                          const struct feature_set *const *sets, size_t count,
                          struct augmentation *augmentation, struct error *error);

/* Everything at once. FAILED as augmentation_choose and dataset_load, when a split has no images,
 * or when nothing is left to train on. */
int examples_load(const struct examples_request *request, struct examples *examples,
                  struct error *error);

/* The steps of it, for those who load several feature sets: the vectors; near-identical images
 * joined, unless they are allowed apart; and what is in the test part, or joined to it, out of the
 * training part. */
int examples_read(const struct examples_request *request, struct examples *examples,
                  struct error *error);
int examples_join(struct examples *examples, const struct sample_pair *pairs, size_t count,
                  struct error *error);
int examples_separate(struct examples *examples, struct error *error);

void examples_release(struct examples *examples);

/* By folds, or by the hold-out that was loaded. */
int examples_evaluate(const struct examples *examples, const struct evaluation_settings *settings,
                      struct parallel *parallel, struct evaluation *evaluation,
                      struct error *error);

/* Says on `notes` what was passed over, left out or joined. */
void examples_note(const struct examples *examples, FILE *notes);

#endif
