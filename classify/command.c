#include "classify/command.h"

#include <stdlib.h>
#include <string.h>

int command_database_open(const struct command_settings *settings,
                          struct command_database *database, struct error *error)
{
    if (store_open(settings->database, STORE_READ, &database->store, error) < 0)
        return FAILED;
    return feature_sets_load(database->store, &database->sets, error);
}

void command_database_close(struct command_database *database)
{
    feature_sets_release(&database->sets);
    store_close(database->store);
    *database = (struct command_database){0};
}

/* A list of names that is cut when it is full. */
struct names {
    char text[512];
    size_t used;
};

/* Counts come by split, so equal ones are neighbours. */
static int append_split(void *context, const struct store_count *count, struct error *error)
{
    struct names *names = context;
    char quoted[sizeof names->text];
    size_t length;

    (void)error;
    if (count->split == NULL)
        return 0;
    length = (size_t)snprintf(quoted, sizeof quoted, "'%s'", count->split);
    if (length >= sizeof names->text - names->used - 2 ||
        (names->used >= length &&
         strcmp(names->text + names->used - length, quoted) == 0))
        return 0;
    names->used += (size_t)snprintf(names->text + names->used, sizeof names->text - names->used,
                                    "%s%s", names->used > 0 ? ", " : "", quoted);
    return 0;
}

int command_no_split(struct store *store, const char *split, struct error *error)
{
    struct names names = {0};

    if (store_each_count(store, append_split, &names, error) < 0)
        return FAILED;
    if (names.used == 0)
        return error_set(error, "no images in split '%s': none of the images has a split", split);
    return error_set(error, "no images with vectors of this feature set in split '%s': the "
                     "database has the splits %s", split, names.text);
}

void command_note_unlabelled(const struct dataset *dataset, FILE *notes)
{
    if (dataset->unlabelled > 0)
        fprintf(notes, "%zu image%s without a label passed over\n", dataset->unlabelled,
                dataset->unlabelled == 1 ? "" : "s");
}

/* What a writer writes, in memory; to be released with free(). NULL and a message when there is no
 * memory. */
static char *capture(void (*write)(const void *context, FILE *out), const void *context,
                     struct error *error)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    bool written = stream != NULL;

    if (stream != NULL) {
        write(context, stream);
        written = fclose(stream) == 0;
    }
    if (written)
        return text;
    free(text);
    error_no_memory(error);
    return NULL;
}

static void record(const char *database, const struct store_experiment *experiment, FILE *notes)
{
    struct store *store = NULL;
    struct error error;
    int64_t id;

    if (store_open(database, STORE_WRITE, &store, &error) < 0 ||
        store_begin(store, &error) < 0 ||
        store_put_experiment(store, experiment, &id, &error) < 0 ||
        store_commit(store, &error) < 0)
        fprintf(notes, "not recorded: %s\n", error.text);
    store_close(store);
}

int command_publish(const struct command_settings *settings, const struct command_result *result,
                    const struct command_streams *streams, struct error *error)
{
    char *asked = capture(result->write_settings, result->context, error);
    char *found = capture(result->write_json, result->context, error);
    struct store_experiment experiment = {
        .command = result->command, .feature_set_id = result->features->id,
        .settings = asked, .result = found, .program = COMMAND_PROGRAM,
    };
    int outcome = FAILED;

    if (asked == NULL || found == NULL ||
        dataset_digest(result->dataset, &experiment.samples, error) < 0)
        goto out;
    if (settings->json)
        fputs(found, streams->out);
    else
        result->write_text(result->context, streams->out);
    if (result->record)
        record(settings->database, &experiment, streams->notes);
    outcome = EXIT_OK;
out:
    free(asked);
    free(found);
    return outcome;
}
