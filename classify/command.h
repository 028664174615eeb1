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

extern const struct command command_evaluate, command_train, command_predict, command_list,
    command_export;

/* The first member of every command's settings. */
struct command_settings {
    const char *database;
    size_t features;  /* 0: the only feature set */
    bool json;
};

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

/* The rows of what several commands have. */
#define COMMAND_COST_OPTION(settings) \
    {'C', "cost", OPTION_REAL, offsetof(settings, c), .argument = "C", \
     .minimum = 1e-9, .maximum = 1e9, \
     .help = "the price of a margin violation (default 1)"}
#define COMMAND_NORMALIZE_OPTION(settings) \
    {0, "normalize", OPTION_CHOICE, offsetof(settings, normalize), .argument = "HOW", \
     .choices = normalize_names, \
     .help = "l2 (default): every vector divided by its length; or none"}
#define COMMAND_THREADS_OPTION(settings) \
    {'t', "threads", OPTION_COUNT, offsetof(settings, threads), .argument = "N", \
     .minimum = 1, .maximum = 1024, \
     .help = "threads (default: one per processor); no result depends on it"}
#define COMMAND_RECORD_OPTION(settings) \
    {0, "no-record", OPTION_FLAG, offsetof(settings, no_record), \
     .help = "do not record this in the database's table of experiments"}

/* The database of a command and its feature sets; start from {0}. */
struct command_database {
    struct store *store;
    struct feature_sets sets;
};

/* Opens the database for reading. 0 or FAILED; command_database_close in both cases. */
int command_database_open(const struct command_settings *settings,
                          struct command_database *database, struct error *error);
void command_database_close(struct command_database *database);

/* The message for a split that has no images with vectors: it names those that there are.
 * Returns FAILED. */
int command_no_split(struct store *store, const char *split, struct error *error);

/* "12 images without a label were passed over"; nothing for 0. */
void command_note_unlabelled(const struct dataset *dataset, FILE *notes);

/* What a command found out, with the ways to write it; each is called with `context`. */
struct command_result {
    const char *command;
    const struct feature_set *features;
    const struct dataset *dataset;  /* the samples that were used */
    bool record;                    /* keep it in the table of experiments */
    const void *context;
    void (*write_settings)(const void *context, FILE *out);  /* one JSON object: what was asked */
    void (*write_json)(const void *context, FILE *out);      /* one JSON object: what came out */
    void (*write_text)(const void *context, FILE *out);      /* the same for a reader */
};

/* Writes the result, and records it in the database. Where that cannot be, because it is
 * read-only or locked, one line of notes says so. EXIT_OK or FAILED. */
int command_publish(const struct command_settings *settings, const struct command_result *result,
                    const struct command_streams *streams, struct error *error);

#endif
