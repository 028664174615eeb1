/* experiments: what was done, shown and done again. */
#include "classify/command.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/display.h"
#include "common/json.h"
#include "common/memory.h"

struct settings {
    struct command_settings shared;
};

static const struct settings defaults = {.shared = COMMAND_DEFAULTS};

static const struct option options[] = {
    {'d', "db", OPTION_TEXT, offsetof(struct settings, shared.database), .argument = "FILE",
     .help = "the database (default features.db)"},
    COMMAND_LAST_OPTIONS(struct settings),
};

/* Those that leave experiments behind. */
static const struct command *const recorders[] = {
    &command_evaluate, &command_compare, &command_curve, &command_train,
};

enum { RECORDERS = sizeof recorders / sizeof recorders[0] };

/* ---- all of them ------------------------------------------------------------------------ */

struct listing {
    struct store *store;
    FILE *out;
    struct json *json;  /* NULL: as text */
    size_t count;
};

static int write_argument(void *context, const char *argument, struct error *error)
{
    FILE *out = context;

    (void)error;
    fputc(' ', out);
    if (*argument == '\0' || strpbrk(argument, " \t\n\"'\\$&;|<>(){}*?[]#~`!") != NULL) {
        fputc('\'', out);
        display_write(out, argument);
        fputc('\'', out);
    } else {
        display_write(out, argument);
    }
    return 0;
}

static int write_line(const struct listing *listing, const struct store_experiment *experiment,
                      struct error *error)
{
    FILE *out = listing->out;

    if (listing->count == 1)
        fputs("   ID  created               accuracy  features  asked\n", out);
    fprintf(out, "%5" PRId64 "  ", experiment->id);
    display_write(out, experiment->created);
    if (isnan(experiment->accuracy))
        fputs("         -", out);
    else
        fprintf(out, "   %5.1f %%", 100 * experiment->accuracy);
    if (experiment->feature_set_id > 0)
        fprintf(out, "  %8" PRId64 "  ", experiment->feature_set_id);
    else
        fputs("         -  ", out);
    display_write(out, experiment->command);
    if (store_each_argument(listing->store, experiment->id, write_argument, out, error) < 0)
        return FAILED;
    fputc('\n', out);
    return 0;
}

static void json_header(const struct store_experiment *experiment, struct json *json)
{
    char samples[HASH_TEXT];

    hash_to_text(&experiment->samples, samples);
    json_integer(json, "id", experiment->id);
    json_text(json, "command", experiment->command);
    json_text(json, "created", experiment->created);
    json_text(json, "program", experiment->program);
    if (experiment->feature_set_id > 0)
        json_integer(json, "feature_set", experiment->feature_set_id);
    else
        json_text(json, "feature_set", NULL);
    json_text(json, "samples_sha256", samples);
    json_real(json, "accuracy", experiment->accuracy);
}

static int list_experiment(void *context, const struct store_experiment *experiment,
                           struct error *error)
{
    struct listing *listing = context;

    listing->count++;
    if (listing->json == NULL)
        return write_line(listing, experiment, error);
    json_open(listing->json, NULL, '{');
    json_header(experiment, listing->json);
    json_close(listing->json);
    return 0;
}

static int list_all(const struct settings *settings, struct store *store, FILE *out,
                    struct error *error)
{
    struct json json = {.out = out};
    struct listing listing = {store, out, settings->shared.json ? &json : NULL, 0};

    if (settings->shared.json)
        json_open(&json, NULL, '[');
    if (store_each_experiment(store, list_experiment, &listing, error) < 0)
        return FAILED;
    if (settings->shared.json)
        json_close(&json);
    else if (listing.count == 0)
        fputs("no experiments yet: 'evaluate', 'compare', 'curve' and 'train' leave them\n", out);
    return EXIT_OK;
}

/* ---- one of them ------------------------------------------------------------------------ */

static int show_text(const struct listing *listing, const struct store_experiment *experiment,
                     struct error *error)
{
    char samples[HASH_TEXT];
    FILE *out = listing->out;

    hash_to_text(&experiment->samples, samples);
    fprintf(out, "experiment %" PRId64 ", ", experiment->id);
    display_write(out, experiment->created);
    fputs(", ", out);
    display_write(out, experiment->program);
    fputs("\nasked:", out);
    write_argument(out, experiment->command, error);
    if (store_each_argument(listing->store, experiment->id, write_argument, out, error) < 0)
        return FAILED;
    if (experiment->feature_set_id > 0)
        fprintf(out, " --features %" PRId64, experiment->feature_set_id);
    fprintf(out, "\nsamples: sha256 %s\n%s", samples, experiment->result);
    return 0;
}

/* A value that is JSON already, behind the ones before it. */
static void write_raw(FILE *out, const char *key, const char *value)
{
    size_t length = strlen(value);

    while (length > 0 && value[length - 1] == '\n')
        length--;
    fprintf(out, ",\n  \"%s\": %.*s", key, (int)length, value);
}

static int show_experiment(void *context, const struct store_experiment *experiment,
                           struct error *error)
{
    struct listing *listing = context;

    if (listing->json == NULL)
        return show_text(listing, experiment, error);
    json_open(listing->json, NULL, '{');
    json_header(experiment, listing->json);
    write_raw(listing->out, "settings", experiment->settings);
    write_raw(listing->out, "result", experiment->result);
    return 0;
}

static int json_score(void *context, const struct store_score *score, struct error *error)
{
    struct json *json = context;

    (void)error;
    json_open(json, NULL, '{');
    json_integer(json, "part", score->part);
    json_text(json, "path", score->path);
    json_text(json, "label", score->label);
    json_open(json, "scores", '[');
    for (size_t i = 0; i < score->count; i++)
        json_real(json, NULL, score->scores[i]);
    json_close(json);
    json_close(json);
    return 0;
}

static int no_experiment(const struct settings *settings, int64_t id, struct error *error)
{
    return error_set(error, "'%s' has no experiment %" PRId64 "; 'experiments' lists them",
                     settings->shared.database, id);
}

static int show(const struct settings *settings, struct store *store, int64_t id, FILE *out,
                struct error *error)
{
    struct json json = {.out = out};
    struct listing listing = {store, out, settings->shared.json ? &json : NULL, 0};
    int outcome = store_find_experiment(store, id, show_experiment, &listing, error);

    if (outcome == STORE_NOT_FOUND)
        return no_experiment(settings, id, error);
    if (outcome < 0)
        return FAILED;
    if (!settings->shared.json)
        return EXIT_OK;
    json_open(&json, "scores", '[');
    if (store_each_score(store, id, json_score, &json, error) < 0)
        return FAILED;
    json_close(&json);
    json_close(&json);
    return EXIT_OK;
}

/* ---- again ------------------------------------------------------------------------------ */

/* An experiment as it was recorded. */
struct recorded {
    const struct command *command;
    char *name, *result, *program;
    int64_t feature_set;
    struct hash samples, scores;
    char **arguments;  /* [argument_count] */
    size_t argument_count, argument_capacity;
};

static void recorded_release(struct recorded *recorded)
{
    for (size_t i = 0; i < recorded->argument_count; i++)
        free(recorded->arguments[i]);
    free(recorded->arguments);
    free(recorded->name);
    free(recorded->result);
    free(recorded->program);
}

static int copy_experiment(void *context, const struct store_experiment *experiment,
                           struct error *error)
{
    struct recorded *recorded = context;

    for (size_t i = 0; i < RECORDERS; i++)
        if (strcmp(recorders[i]->name, experiment->command) == 0)
            recorded->command = recorders[i];
    recorded->name = memory_copy_text(experiment->command, error);
    recorded->result = memory_copy_text(experiment->result, error);
    recorded->program = memory_copy_text(experiment->program, error);
    recorded->feature_set = experiment->feature_set_id;
    recorded->samples = experiment->samples;
    return recorded->name != NULL && recorded->result != NULL && recorded->program != NULL
               ? 0 : FAILED;
}

static int copy_argument(void *context, const char *argument, struct error *error)
{
    struct recorded *recorded = context;
    void *arguments = recorded->arguments;

    if (memory_grow(&arguments, recorded->argument_count, &recorded->argument_capacity,
                    sizeof *recorded->arguments, error) < 0)
        return FAILED;
    recorded->arguments = arguments;
    recorded->arguments[recorded->argument_count] = memory_copy_text(argument, error);
    return recorded->arguments[recorded->argument_count++] != NULL ? 0 : FAILED;
}

static int add_score(void *context, const struct store_score *score, struct error *error)
{
    return command_add_score(context, score, error);
}

static int load_recorded(const struct settings *settings, struct store *store, int64_t id,
                         struct recorded *recorded, struct error *error)
{
    int outcome = store_find_experiment(store, id, copy_experiment, recorded, error);

    if (outcome == STORE_NOT_FOUND)
        return no_experiment(settings, id, error);
    if (outcome < 0 ||
        store_each_argument(store, id, copy_argument, recorded, error) < 0 ||
        store_each_score(store, id, add_score, &recorded->scores, error) < 0)
        return FAILED;
    if (recorded->command == NULL)
        return error_set(error, "experiment %" PRId64 " was a '%s', which this program does not "
                         "know", id, recorded->name);
    if (recorded->argument_count == 0)
        return error_set(error, "experiment %" PRId64 " was recorded by '%s' without the options "
                         "that would repeat it", id, recorded->program);
    if (recorded->feature_set == 0 && recorded->command != &command_compare)
        return error_set(error, "experiment %" PRId64 " cannot be repeated: its feature set was "
                         "deleted; 'experiments show %" PRId64 "' names the network and the layer, "
                         "extract them again and ask anew", id, id);
    return 0;
}

static int rehearse(const struct settings *settings, const struct recorded *recorded,
                    struct command_rehearsal *rehearsal, const struct command_streams *streams,
                    struct error *error)
{
    const struct command *command = recorded->command;
    struct text_list operands = {0};
    void *asked = memory_allocate(1, command->settings_size, error);
    struct command_settings *shared = asked;
    int outcome = FAILED;

    if (asked == NULL)
        return FAILED;
    if (command_parse(command, (int)recorded->argument_count, recorded->arguments, asked,
                      &operands, error) == 0) {
        shared->database = settings->shared.database;
        shared->features = (size_t)recorded->feature_set;
        shared->rehearsal = rehearsal;
        outcome = command->run(asked, &operands, streams, error);
    } else {
        error_wrap(error, "the recorded options are not understood");
    }
    text_list_release(&operands);
    command_settings_release(command, asked);
    free(asked);
    return outcome < 0 ? FAILED : outcome;
}

/* How a repeated experiment compares. */
struct verdict {
    int64_t id;
    bool samples, scores, result;
    const struct recorded *recorded;
};

static bool is_same(const struct verdict *verdict)
{
    return verdict->samples && verdict->scores && verdict->result;
}

static void write_verdict(const struct verdict *verdict, FILE *out)
{
    fprintf(out, "experiment %" PRId64 ": ", verdict->id);
    if (is_same(verdict)) {
        fputs("the same to the last digit\n", out);
        return;
    }
    if (!verdict->samples)
        fputs("different: the images are not those of then", out);
    else if (!verdict->scores)
        fputs("different: the scores have changed", out);
    else
        fputs("different: the scores are the same, but not what was made of them", out);
    if (strcmp(verdict->recorded->program, COMMAND_PROGRAM) != 0) {
        fputs("; it was recorded by ", out);
        display_write(out, verdict->recorded->program);
    }
    fputc('\n', out);
}

static void json_verdict(const struct verdict *verdict, FILE *out)
{
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    json_integer(&json, "id", verdict->id);
    json_boolean(&json, "same", is_same(verdict));
    json_boolean(&json, "same_samples", verdict->samples);
    json_boolean(&json, "same_scores", verdict->scores);
    json_boolean(&json, "same_result", verdict->result);
    json_text(&json, "program_then", verdict->recorded->program);
    json_text(&json, "program_now", COMMAND_PROGRAM);
    json_close(&json);
}

static int rerun(const struct settings *settings, struct store *store, int64_t id,
                 const struct command_streams *streams, struct error *error)
{
    struct recorded recorded = {0};
    struct command_rehearsal rehearsal = {0};
    int outcome = FAILED;

    if (load_recorded(settings, store, id, &recorded, error) == 0)
        outcome = rehearse(settings, &recorded, &rehearsal, streams, error);
    if (outcome == EXIT_OK) {
        const struct verdict verdict = {
            .id = id,
            .samples = hash_equal(&rehearsal.samples, &recorded.samples),
            .scores = hash_equal(&rehearsal.scores, &recorded.scores),
            .result = strcmp(rehearsal.result, recorded.result) == 0,
            .recorded = &recorded,
        };

        if (settings->shared.json)
            json_verdict(&verdict, streams->out);
        else
            write_verdict(&verdict, streams->out);
        outcome = is_same(&verdict) ? EXIT_OK : EXIT_PARTIAL;
    }
    free(rehearsal.result);
    recorded_release(&recorded);
    return outcome;
}

/* ---- the command ------------------------------------------------------------------------ */

static int parse_id(const char *text, int64_t *id, struct error *error)
{
    char *end;

    errno = 0;
    *id = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || *id < 1)
        return error_set(error, "'%s' is no number of an experiment", text);
    return 0;
}

static int run(const void *opaque, const struct text_list *operands,
               const struct command_streams *streams, struct error *error)
{
    const struct settings *settings = opaque;
    const char *verb = operands->count > 0 ? operands->items[0] : NULL;
    struct command_database database = {0};
    int64_t id = 0;
    int outcome;

    if (verb != NULL && strcmp(verb, "show") != 0 && strcmp(verb, "rerun") != 0) {
        error_set(error, "'%s' is neither 'show' nor 'rerun'", verb);
        return COMMAND_USAGE;
    }
    if (verb != NULL && operands->count < 2) {
        error_set(error, "which experiment? say %s ID", verb);
        return COMMAND_USAGE;
    }
    if (verb != NULL && parse_id(operands->items[1], &id, error) < 0)
        return COMMAND_USAGE;
    outcome = command_database_open(&settings->shared, &database, error);
    if (outcome == 0) {
        if (verb == NULL)
            outcome = list_all(settings, database.store, streams->out, error);
        else if (strcmp(verb, "show") == 0)
            outcome = show(settings, database.store, id, streams->out, error);
        else
            outcome = rerun(settings, database.store, id, streams, error);
    }
    command_database_close(&database);
    return outcome;
}

const struct command command_experiments = {
    .name = "experiments",
    .operands = "[show ID | rerun ID]",
    .summary = "what was done, shown and done again",
    .details =
        "Lists what 'evaluate', 'compare', 'curve' and 'train' have left in the database; 'show'\n"
        "prints one with its result (--json: with the scores of every image); 'rerun' repeats one\n"
        "and says whether images, scores and result are the same to the last digit. Exit status 3\n"
        "says that they are not.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .most_operands = 2,
    .run = run,
};
