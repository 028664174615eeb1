/*
 * Command lines from one table: the same table parses, checks and prints the help.
 *
 *     struct settings { const char *database; size_t batch; bool quiet; };
 *     static const struct option table[] = {
 *         {'d', "db", OPTION_TEXT, offsetof(struct settings, database), .argument = "FILE",
 *          .help = "the database (default features.db)"},
 *         {'b', "batch", OPTION_COUNT, offsetof(struct settings, batch), .argument = "N",
 *          .minimum = 1, .maximum = 4096, .help = "images a batch"},
 *         {'q', "quiet", OPTION_FLAG, offsetof(struct settings, quiet), .help = "say nothing"},
 *         {0}
 *     };
 *     struct settings settings = {.database = "features.db", .batch = 8};
 *     switch (options_parse(table, argc - 1, argv + 1, &settings, &operands, &error)) ...
 *
 * Options may stand among the operands, short flags may be joined (-qv), values follow as
 * `-b 8`, `-b8`, `--batch 8` or `--batch=8`; `--` ends the options, a lone `-` is an operand.
 * Numbers are read whole and checked against their range. Values point into argv.
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

enum option_type {
    OPTION_FLAG,    /* bool: set to true */
    OPTION_TEXT,    /* const char * */
    OPTION_CHOICE,  /* const char *: one of .choices */
    OPTION_COUNT,   /* size_t within [minimum, maximum] */
    OPTION_REAL,    /* double within [minimum, maximum], finite */
    OPTION_LIST,    /* struct text_list: every occurrence appends */
    OPTION_HELP     /* options_parse returns OPTIONS_HELP at once; no place for a value */
};

/* Texts in the order in which they were given. The array is ours, the texts are not. */
struct text_list {
    const char **items;
    size_t count, capacity;
};

/* Appends; 0 or FAILED. */
int text_list_append(struct text_list *list, const char *text, struct error *error);
void text_list_release(struct text_list *list);

struct option {
    char short_name;        /* 0 = none */
    const char *long_name;  /* without the dashes; NULL ends the table */
    enum option_type type;
    size_t offset;          /* of the value in the settings */
    const char *argument;   /* what the help calls the value; NULL for flags */
    const char *help;
    double minimum, maximum;
    const char *const *choices;  /* OPTION_CHOICE: ends with NULL */
};

enum { OPTIONS_HELP = 1 };

/* Reads `arguments` (without the program's name) into *settings and the operands. Returns 0,
 * OPTIONS_HELP when help was asked for, or FAILED with a message that names the option. The
 * caller releases `operands` and every OPTION_LIST with text_list_release, in every case. */
int options_parse(const struct option *table, int count, char **arguments, void *settings,
                  struct text_list *operands, struct error *error);

/* Writes the table as aligned help lines. */
void options_print(const struct option *table, FILE *out);

#endif
