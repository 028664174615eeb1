/*
 * A command of bottleneck-classify: what it is called, what it takes, what runs it. Each has a
 * file of its own, command_NAME.c; classify_main.c lists them.
 */
#ifndef CLASSIFY_COMMAND_H
#define CLASSIFY_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "classify/dataset.h"
#include "classify/feature_set.h"
#include "common/error.h"
#include "common/options.h"
#include "common/progress.h"
#include "common/store.h"
#include "common/version.h"

/* What a command returns beside EXIT_OK, EXIT_PARTIAL and FAILED: the message is about the
 * command line. */
enum { COMMAND_USAGE = -3 };

/* What models and experiments are signed with. */
#define COMMAND_PROGRAM "bottleneck-classify " BOTTLENECK_VERSION

struct command_streams {
    FILE *out;    /* the result, and nothing else */
    FILE *notes;  /* what the user should know beside it */
};

struct command {
    const char *name;
    const char *operands;  /* behind "COMMAND [options]", "" for none */
    const char *summary;   /* one line */
    const char *details;   /* what the help says before the options; lines end with \n */
    const struct option *options;
    const void *defaults;  /* settings as they are before the command line is read */
    size_t settings_size;
    size_t most_operands;
    int (*run)(const void *settings, const struct text_list *operands,
               const struct command_streams *streams, struct error *error);
};

extern const struct command command_evaluate, command_compare, command_curve, command_audit,
    command_train, command_predict, command_list, command_export, command_experiments;

/* The first member of every command's settings. */
struct command_settings {
    const char *database;
    size_t features;  /* 0: the only feature set */
    bool json;
    struct command_rehearsal *rehearsal;  /* NULL, or what wants the result instead of all that
                                             would be written, recorded or noted */
};

/* What a command would have recorded. */
struct command_rehearsal {
    char *result;         /* JSON; to be released with free() */
    struct hash samples;  /* as dataset_digest */
    struct hash scores;   /* as command_add_score, one after the other */
};

/* Adds one more score to a digest, which starts as zeros. 0 or FAILED. */
int command_add_score(struct hash *digest, const struct store_score *score, struct error *error);

/* Reads a command line into settings: [command->settings_size], which start as the defaults, and
 * operands. As options_parse; the caller calls command_settings_release in every case. */
int command_parse(const struct command *command, int count, char **arguments, void *settings,
                  struct text_list *operands, struct error *error);
/* Releases the lists that the settings hold. */
void command_settings_release(const struct command *command, void *settings);

#define COMMAND_DEFAULTS {.database = "features.db"}

/* The rows of an options table that every command has, first and last. */
#define COMMAND_FIRST_OPTIONS(settings) \
    {'d', "db", OPTION_TEXT, offsetof(settings, shared.database), .argument = "FILE", \
     .help = "the database (default features.db)"}, \
    {0, "features", OPTION_COUNT, offsetof(settings, shared.features), .argument = "ID", \
     .minimum = 1, .maximum = 1e15, \
     .help = "the feature set, where there are several; 'list' shows them"}
#define COMMAND_LAST_OPTIONS(settings) \
    {0, "json", OPTION_FLAG, offsetof(settings, shared.json), \
     .help = "print the result as one JSON object"}, \
    {'h', "help", OPTION_HELP, .help = "print this help"}, \
    {0}

#define COMMAND_THREADS_OPTION(settings) \
    {'t', "threads", OPTION_COUNT, offsetof(settings, threads), .argument = "N", \
     .minimum = 1, .maximum = 1024, \
     .help = "threads (default: one per processor); no result depends on it"}

/* The database of a command and its feature sets; start from {0}. */
struct command_database {
    struct store *store;
    struct feature_sets sets;
};

/* Opens the database for reading; one of an older version is migrated first. 0 or FAILED;
 * command_database_close in both cases. */
int command_database_open(const struct command_settings *settings,
                          struct command_database *database, struct error *error);
void command_database_close(struct command_database *database);

/* The message for a split that has no images with vectors: it names those that there are.
 * Returns FAILED. */
int command_no_split(struct store *store, const char *split, struct error *error);

/* "12 images without a label were passed over"; nothing for 0. */
void command_note_unlabelled(const struct dataset *dataset, FILE *notes);

/* A line on the terminal for what takes longer than two seconds. */
struct command_progress {
    struct progress line;
    const char *note;  /* NULL, or what is behind the count */
};

void command_progress_start(struct command_progress *progress, FILE *notes, const char *unit);
void command_progress_end(struct command_progress *progress);
/* Shows it; fits struct evaluation_progress. */
void command_progress_show(void *progress, size_t done, size_t total);

/* What was said about samples that were not trained on; struct evaluation and its dataset. */
struct evaluation;
struct command_scores {
    const struct evaluation *evaluation;
    const struct dataset *dataset;
};

/* What a command found out, with the ways to write it; each is called with `context`. */
struct command_result {
    const char *command;
    const struct feature_set *features;  /* NULL: several */
    const struct dataset *dataset;  /* the samples that were used */
    bool record;                    /* keep it in the table of experiments */
    const struct command_scores *scores;  /* [score_count]: what is kept with it, part by part */
    size_t score_count;
    const void *context;
    void (*write_settings)(const void *context, FILE *out);  /* one JSON object: what was asked */
    void (*write_json)(const void *context, FILE *out);      /* one JSON object: what came out */
    void (*write_text)(const void *context, FILE *out);      /* the same for a reader */
};

/* Writes the result, and records it in the database. Where that cannot be, because it is
 * read-only or locked, one line of notes says so. At a rehearsal the result goes there instead.
 * EXIT_OK or FAILED. */
int command_publish(const struct command_settings *settings, const struct command_result *result,
                    const struct command_streams *streams, struct error *error);

#endif
