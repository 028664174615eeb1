#include "common/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

enum { HELP_COLUMN = 28 };

int text_list_append(struct text_list *list, const char *text, struct error *error)
{
    void *items = list->items;

    if (memory_grow(&items, list->count, &list->capacity, sizeof *list->items, error) < 0)
        return FAILED;
    list->items = items;
    list->items[list->count++] = text;
    return 0;
}

void text_list_release(struct text_list *list)
{
    free(list->items);
    *list = (struct text_list){0};
}

static int set_count(const struct option *option, const char *text, size_t *value,
                     struct error *error)
{
    char *end;
    unsigned long long number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
        (double)number < option->minimum || (double)number > option->maximum)
        return error_set(error, "--%s takes a whole number from %.0f to %.0f, not '%s'",
                         option->long_name, option->minimum, option->maximum, text);
    *value = (size_t)number;
    return 0;
}

static int set_real(const struct option *option, const char *text, double *value,
                    struct error *error)
{
    char *end;
    double number;

    errno = 0;
    number = strtod(text, &end);
    if (end == text || *end != '\0' || isspace((unsigned char)*text) || errno == ERANGE ||
        !isfinite(number) || number < option->minimum || number > option->maximum)
        return error_set(error, "--%s takes a number from %g to %g, not '%s'",
                         option->long_name, option->minimum, option->maximum, text);
    *value = number;
    return 0;
}

static int set_choice(const struct option *option, const char *text, const char **value,
                      struct error *error)
{
    char known[512] = "";
    size_t used = 0;

    for (const char *const *choice = option->choices; *choice != NULL; choice++) {
        if (strcmp(*choice, text) == 0) {
            *value = *choice;
            return 0;
        }
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                     used > 0 ? ", " : "", *choice);
    }
    return error_set(error, "--%s takes one of %s, not '%s'", option->long_name, known, text);
}

/* Stores one value; `text` is NULL for flags. */
static int set_value(const struct option *option, const char *text, void *settings,
                     struct error *error)
{
    void *place = (char *)settings + option->offset;

    switch (option->type) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)place = text;
        return 0;
    case OPTION_CHOICE:
        return set_choice(option, text, place, error);
    case OPTION_COUNT:
        return set_count(option, text, place, error);
    case OPTION_REAL:
        return set_real(option, text, place, error);
    case OPTION_LIST:
        return text_list_append(place, text, error);
    case OPTION_HELP:
        break;
    }
    return OPTIONS_HELP;
}

static bool takes_value(const struct option *option)
{
    return option->type != OPTION_FLAG && option->type != OPTION_HELP;
}

static const struct option *find_long(const struct option *table, const char *name, size_t length)
{
    for (; table->long_name != NULL; table++)
        if (strlen(table->long_name) == length && strncmp(table->long_name, name, length) == 0)
            return table;
    return NULL;
}

static const struct option *find_short(const struct option *table, char name)
{
    for (; table->long_name != NULL; table++)
        if (table->short_name == name)
            return table;
    return NULL;
}

/* The arguments that are still to be read. */
struct cursor {
    int left;
    char **next;
};

static const char *take(struct cursor *cursor)
{
    if (cursor->left == 0)
        return NULL;
    cursor->left--;
    return *cursor->next++;
}

static int parse_long(const struct option *table, const char *name, struct cursor *cursor,
                      void *settings, struct error *error)
{
    size_t length = strcspn(name, "=");
    const struct option *option = find_long(table, name, length);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;

    if (option == NULL)
        return error_set(error, "unknown option '--%.*s'", (int)length, name);
    if (!takes_value(option)) {
        if (value != NULL)
            return error_set(error, "--%s takes no value", option->long_name);
        return set_value(option, NULL, settings, error);
    }
    if (value == NULL)
        value = take(cursor);
    if (value == NULL)
        return error_set(error, "--%s needs a value: %s", option->long_name, option->argument);
    return set_value(option, value, settings, error);
}

static int parse_short(const struct option *table, const char *names, struct cursor *cursor,
                       void *settings, struct error *error)
{
    for (; *names != '\0'; names++) {
        const struct option *option = find_short(table, *names);
        int outcome;

        if (option == NULL)
            return error_set(error, "unknown option '-%c'", *names);
        if (takes_value(option)) {
            const char *value = names[1] != '\0' ? names + 1 : take(cursor);

            if (value == NULL)
                return error_set(error, "-%c needs a value: %s", *names, option->argument);
            return set_value(option, value, settings, error);
        }
        outcome = set_value(option, NULL, settings, error);
        if (outcome != 0)
            return outcome;
    }
    return 0;
}

int options_parse(const struct option *table, int count, char **arguments, void *settings,
                  struct text_list *operands, struct error *error)
{
    struct cursor cursor = {count, arguments};
    bool options_ended = false;
    const char *argument;

    while ((argument = take(&cursor)) != NULL) {
        int outcome;

        if (options_ended || argument[0] != '-' || argument[1] == '\0') {
            outcome = text_list_append(operands, argument, error);
        } else if (strcmp(argument, "--") == 0) {
            options_ended = true;
            outcome = 0;
        } else if (argument[1] == '-') {
            outcome = parse_long(table, argument + 2, &cursor, settings, error);
        } else {
            outcome = parse_short(table, argument + 1, &cursor, settings, error);
        }
        if (outcome != 0)
            return outcome;
    }
    return 0;
}

/* Writes the help text, each line of it beginning at the help column. */
static void print_help_text(const char *help, FILE *out)
{
    for (; *help != '\0'; help++) {
        fputc(*help, out);
        if (*help == '\n')
            fprintf(out, "%*s", HELP_COLUMN, "");
    }
    fputc('\n', out);
}

void options_print(const struct option *table, FILE *out)
{
    for (; table->long_name != NULL; table++) {
        char name[128];
        int width;

        if (table->short_name != 0)
            width = snprintf(name, sizeof name, "  -%c, --%s", table->short_name,
                             table->long_name);
        else
            width = snprintf(name, sizeof name, "      --%s", table->long_name);
        if (table->argument != NULL)
            width += snprintf(name + width, sizeof name - (size_t)width, " %s", table->argument);
        if (width < HELP_COLUMN - 1)
            fprintf(out, "%-*s", HELP_COLUMN, name);
        else
            fprintf(out, "%s\n%*s", name, HELP_COLUMN, "");
        print_help_text(table->help, out);
    }
}
