/*
 * What the commands that train have in common on their command lines: how is learned, and how it
 * is tested.
 *
 *     learning_check(&settings->learning, &error);                    before anything is done
 *     learning_resolve(&settings->learning, &dataset, &plan, &error);
 *     learning_plan_release(&plan);
 */
#ifndef CLASSIFY_LEARNING_H
#define CLASSIFY_LEARNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "classify/augmentation.h"
#include "classify/dataset.h"
#include "classify/evaluation.h"
#include "classify/training.h"
#include "common/error.h"
#include "common/json.h"
#include "common/options.h"

/* A number that was not given. */
#define LEARNING_UNSET SIZE_MAX

/* How is learned, as asked for. */
struct learning {
    const char *cost;                /* a number or "auto" */
    const char *normalize, *strategy;
    bool balanced, allow_duplicates;
    struct text_list class_weights;  /* LABEL=W */
    const char *group_by;
    const char *views;               /* of augment_names; NULL: what there is decides */
    struct text_list view_names;
    size_t seed, threads;
    bool no_record;
};

/* Views as given; or as the command line says. */
#define LEARNING_DEFAULTS_ON(which) \
    {.cost = "1", .normalize = "l2", .strategy = "ovo", .views = (which)}
#define LEARNING_DEFAULTS LEARNING_DEFAULTS_ON(NULL)

/* Rows of an options table. Compare repeats the first two. */
#define LEARNING_SETTING_OPTIONS(settings) \
    {'C', "cost", OPTION_TEXT, offsetof(settings, learning.cost), .argument = "C", \
     .help = "the price of a margin violation (default 1); 'auto' searches\n" \
             "0.01 to 100 inside every training part"}, \
    {0, "normalize", OPTION_CHOICE, offsetof(settings, learning.normalize), .argument = "HOW", \
     .choices = normalize_names, \
     .help = "l2 (default): every vector divided by its length;\n" \
             "standard: every number less its mean, by its deviation, of\n" \
             "the training part; power: signed square root, then l2; none"}
#define LEARNING_OPTIONS(settings) \
    {0, "strategy", OPTION_CHOICE, offsetof(settings, learning.strategy), .argument = "HOW", \
     .choices = strategy_names, \
     .help = "ovo (default): a machine for every pair of classes;\n" \
             "ovr: one for every class against the rest"}, \
    {0, "balanced", OPTION_FLAG, offsetof(settings, learning.balanced), \
     .help = "rare classes count as much as frequent ones"}, \
    {0, "class-weight", OPTION_LIST, offsetof(settings, learning.class_weights), \
     .argument = "LABEL=W", .help = "multiplies the price for a class; may be repeated"}, \
    {0, "group-by", OPTION_TEXT, offsetof(settings, learning.group_by), .argument = "REGEX", \
     .help = "images whose paths match alike (the first parenthesis, or\n" \
             "all of it) stand on one side of every split"}, \
    {0, "allow-duplicates", OPTION_FLAG, offsetof(settings, learning.allow_duplicates), \
     .help = "near-identical images may stand on both sides"}, \
    {0, "seed", OPTION_COUNT, offsetof(settings, learning.seed), .argument = "N", \
     .minimum = 0, .maximum = 9007199254740992, \
     .help = "decides all folds, on every machine (default 0)"}, \
    {'t', "threads", OPTION_COUNT, offsetof(settings, learning.threads), .argument = "N", \
     .minimum = 1, .maximum = 1024, \
     .help = "threads (default: one per processor); no result depends on it"}
#define LEARNING_VIEW_OPTION(settings) \
    {0, "view", OPTION_LIST, offsetof(settings, learning.view_names), .argument = "NAME", \
     .help = "only this view besides the original; may be repeated\n" \
             "(default: all that every image has; 'list' shows them)"}
#define LEARNING_VIEWS_OPTIONS(settings) \
    {0, "views", OPTION_CHOICE, offsetof(settings, learning.views), .argument = "WHICH", \
     .choices = augment_names, \
     .help = "none: originals alone; train: learn from all views of an\n" \
             "image, decide by its original; both: decide by the sum over\n" \
             "its views too (default where every image has views)"}, \
    LEARNING_VIEW_OPTION(settings)
#define LEARNING_RECORD_OPTION(settings) \
    {0, "no-record", OPTION_FLAG, offsetof(settings, learning.no_record), \
     .help = "do not record this in the database's table of experiments"}

/* How is tested, as asked for. */
struct protocol {
    size_t folds, repeats;  /* LEARNING_UNSET: not given */
    bool leave_one_out;
    const char *train_split, *test_split;
};

#define PROTOCOL_DEFAULTS {.folds = LEARNING_UNSET, .repeats = LEARNING_UNSET}

#define PROTOCOL_FOLD_OPTIONS(settings) \
    {0, "folds", OPTION_COUNT, offsetof(settings, protocol.folds), .argument = "K", \
     .minimum = 2, .maximum = 1e6, .help = "cross-validation in K folds (default 5)"}, \
    {0, "repeats", OPTION_COUNT, offsetof(settings, protocol.repeats), .argument = "N", \
     .minimum = 1, .maximum = 1e4, .help = "so often, with new folds (default 10)"}
#define PROTOCOL_OPTIONS(settings) \
    PROTOCOL_FOLD_OPTIONS(settings), \
    {0, "leave-one-out", OPTION_FLAG, offsetof(settings, protocol.leave_one_out), \
     .help = "instead of folds: every image is tested alone"}, \
    {0, "train-split", OPTION_TEXT, offsetof(settings, protocol.train_split), \
     .argument = "NAME", .help = "instead of folds: train on this split ..."}, \
    {0, "test-split", OPTION_TEXT, offsetof(settings, protocol.test_split), .argument = "NAME", \
     .help = "... and test on this one"}

enum { PROTOCOL_FOLDS = 5, PROTOCOL_REPEATS = 10 };

/* Whether texts are what they must be: 0, or FAILED with a message about the command line. */
int learning_check(const struct learning *learning, struct error *error);
int learning_check_cost(const char *cost, struct error *error);
/* Whether the options of a protocol go together. */
int protocol_check(const struct protocol *protocol, struct error *error);

/* Settings with what they point to. */
struct learning_plan {
    struct training_settings training;
    double *weights;  /* [class_count]; NULL: none were given */
};

/* FAILED when a weight is given for a label that does not occur, or memory is short. `learning` has
 * passed learning_check. */
int learning_resolve(const struct learning *learning, const struct dataset *dataset,
                     struct learning_plan *plan, struct error *error);
void learning_plan_release(struct learning_plan *plan);

/* Settings of an evaluation but for its progress; the plan's. */
struct evaluation_settings protocol_resolve(const struct protocol *protocol,
                                            const struct learning_plan *plan);

/* Writes c (a number or "auto"), normalize, strategy, balanced, class_weights, group_by,
 * allow_duplicates. */
void learning_json(const struct learning *learning, struct json *json);

/* Writes protocol ("cross-validation", "leave-one-out" or "hold-out"), folds, repeats (null for the
 * others), seed, train_split, test_split (null but for a hold-out). */
void protocol_json(const struct protocol *protocol, const struct learning *learning,
                   struct json *json);

/* Writes the options that ask for the same again, as texts of an open array: those of
 * LEARNING_OPTIONS, of LEARNING_SETTING_OPTIONS, and of the protocol. */
void learning_arguments(const struct learning *learning, struct json *json);
void learning_setting_arguments(const struct learning *learning, struct json *json);
void protocol_arguments(const struct protocol *protocol, struct json *json);
/* One option with a number. */
void learning_count_argument(const char *name, size_t value, struct json *json);

/* Writes "linear SVM, C = 1, l2" and what else is not the default; on_vectors: as struct
 * training's. */
void learning_describe(const struct learning *learning, bool on_vectors, FILE *out);

#endif
