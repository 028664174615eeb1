#include "classify/command.h"

#include <stdlib.h>
#include <string.h>

#include "classify/evaluation.h"
#include "common/memory.h"

/* What is shorter needs no progress line. */
static const double patience_seconds = 2;

int command_parse(const struct command *command, int count, char **arguments, void *settings,
                  struct text_list *operands, struct error *error)
{
    memcpy(settings, command->defaults, command->settings_size);
    return options_parse(command->options, count, arguments, settings, operands, error);
}

void command_settings_release(const struct command *command, void *settings)
{
    for (const struct option *option = command->options; option->long_name != NULL; option++)
        if (option->type == OPTION_LIST)
            text_list_release((struct text_list *)(void *)((char *)settings + option->offset));
}

int command_database_open(const struct command_settings *settings,
                          struct command_database *database, struct error *error)
{
    int outcome = store_open(settings->database, STORE_READ, &database->store, error);

    if (outcome == STORE_OUTDATED) {
        if (store_open(settings->database, STORE_WRITE, &database->store, error) < 0)
            return error_wrap(error, "the database has to be brought up to date");
        store_close(database->store);
        outcome = store_open(settings->database, STORE_READ, &database->store, error);
    }
    if (outcome < 0)
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

void command_progress_start(struct command_progress *progress, FILE *notes, const char *unit)
{
    *progress = (struct command_progress){0};
    progress_start(&progress->line, notes, unit);
}

void command_progress_show(void *context, size_t done, size_t total)
{
    struct command_progress *progress = context;

    if (progress_clock() - progress->line.started > patience_seconds)
        progress_show(&progress->line, done, total, progress->note);
}

void command_progress_end(struct command_progress *progress)
{
    progress_end(&progress->line);
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

/* What is done with every score of a result. */
typedef int score_consumer(void *context, const struct store_score *score, struct error *error);

/* What an evaluation said about each sample. */
static int each_score(const struct command_scores *scores, int64_t part, score_consumer *consume,
                      void *context, struct error *error)
{
    const struct evaluation *evaluation = scores->evaluation;
    const size_t classes = evaluation->classes, row = evaluation->repeats * classes;
    double *numbers;
    int outcome = 0;

    if (evaluation->scores == NULL)
        return 0;
    numbers = memory_allocate(row, sizeof *numbers, error);
    if (numbers == NULL)
        return FAILED;
    for (size_t i = 0; i < evaluation->count && outcome == 0; i++) {
        const struct dataset_sample *sample = &scores->dataset->samples[evaluation->first + i];

        for (size_t repeat = 0; repeat < evaluation->repeats; repeat++)
            memcpy(numbers + repeat * classes,
                   evaluation->scores + (repeat * evaluation->count + i) * classes,
                   classes * sizeof *numbers);
        outcome = consume(context, &(struct store_score){
            .part = part, .position = (int64_t)i, .path = sample->path, .label = sample->label,
            .scores = numbers, .count = row,
        }, error);
    }
    free(numbers);
    return outcome;
}

static int each_part(const struct command_result *result, score_consumer *consume, void *context,
                     struct error *error)
{
    for (size_t part = 0; part < result->score_count; part++)
        if (each_score(&result->scores[part], (int64_t)part, consume, context, error) < 0)
            return FAILED;
    return 0;
}

struct recording {
    struct store *store;
    int64_t experiment;
};

static int put_score(void *context, const struct store_score *score, struct error *error)
{
    const struct recording *recording = context;

    return store_put_score(recording->store, recording->experiment, score, error);
}

static int add_score(void *context, const struct store_score *score, struct error *error)
{
    return command_add_score(context, score, error);
}

/* A chain: the digest so far and those of the parts of one more score. */
int command_add_score(struct hash *digest, const struct store_score *score, struct error *error)
{
    int64_t numbers[] = {score->part, score->position};
    struct hash links[] = {
        *digest,
        hash_bytes(numbers, sizeof numbers),
        hash_bytes(score->path, strlen(score->path)),
        hash_bytes(score->label, strlen(score->label)),
        hash_bytes(score->scores, score->count * sizeof *score->scores),
    };

    (void)error;
    *digest = hash_bytes(links, sizeof links);
    return 0;
}

static int put_all(struct store *store, const struct store_experiment *experiment,
                   const struct command_result *result, struct error *error)
{
    struct recording recording = {.store = store};

    if (store_begin(store, error) < 0 ||
        store_put_experiment(store, experiment, &recording.experiment, error) < 0 ||
        each_part(result, put_score, &recording, error) < 0)
        return FAILED;
    return store_commit(store, error);
}

static void record(const char *database, const struct store_experiment *experiment,
                   const struct command_result *result, FILE *notes)
{
    struct store *store = NULL;
    struct error error;

    if (store_open(database, STORE_WRITE, &store, &error) < 0 ||
        put_all(store, experiment, result, &error) < 0)
        fprintf(notes, "not recorded: %s\n", error.text);
    store_close(store);
}

int command_publish(const struct command_settings *settings, const struct command_result *result,
                    const struct command_streams *streams, struct error *error)
{
    char *asked = capture(result->write_settings, result->context, error);
    char *found = capture(result->write_json, result->context, error);
    struct store_experiment experiment = {
        .command = result->command,
        .feature_set_id = result->features != NULL ? result->features->id : 0,
        .settings = asked, .result = found, .program = COMMAND_PROGRAM,
    };
    int outcome = FAILED;

    if (asked == NULL || found == NULL ||
        dataset_digest(result->dataset, &experiment.samples, error) < 0)
        goto out;
    if (settings->rehearsal != NULL) {
        settings->rehearsal->samples = experiment.samples;
        settings->rehearsal->result = found;
        found = NULL;
        outcome = each_part(result, add_score, &settings->rehearsal->scores, error);
        goto out;
    }
    if (settings->json)
        fputs(found, streams->out);
    else
        result->write_text(result->context, streams->out);
    if (result->record)
        record(settings->database, &experiment, result, streams->notes);
    outcome = EXIT_OK;
out:
    free(asked);
    free(found);
    return outcome;
}
