/* train: a classifier in a file of its own. */
#include "classify/command.h"

#include <stdlib.h>

#include "classify/display.h"
#include "classify/model_file.h"
#include "classify/training.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/parallel.h"

struct settings {
    struct command_settings shared;
    const char *output, *train_split;
    double c;
    const char *normalize;
    size_t threads;
    bool no_record;
};

static const struct settings defaults = {.shared = COMMAND_DEFAULTS, .c = 1, .normalize = "l2"};

static const struct option options[] = {
    {'o', "output", OPTION_TEXT, offsetof(struct settings, output), .argument = "FILE",
     .help = "the model to write"},
    COMMAND_FIRST_OPTIONS(struct settings),
    {0, "train-split", OPTION_TEXT, offsetof(struct settings, train_split), .argument = "NAME",
     .help = "train on this split only"},
    COMMAND_COST_OPTION(struct settings),
    COMMAND_NORMALIZE_OPTION(struct settings),
    COMMAND_THREADS_OPTION(struct settings),
    COMMAND_RECORD_OPTION(struct settings),
    COMMAND_LAST_OPTIONS(struct settings),
};

static int fit_all(const struct dataset *dataset, double c, struct parallel *parallel,
                   struct classifier *classifier, struct error *error)
{
    size_t *rows = memory_allocate(dataset->count, sizeof *rows, error);
    struct training training = {0};
    int outcome = FAILED;

    if (rows != NULL && training_create(dataset, dataset->count, parallel, &training, error) == 0) {
        for (size_t i = 0; i < dataset->count; i++)
            rows[i] = i;
        outcome = training_fit(&training, rows, dataset->count, c, classifier, error);
    }
    training_release(&training);
    free(rows);
    return outcome;
}

/* A model with where it went and what it came from. */
struct trained {
    const struct settings *settings;
    const struct dataset *dataset;
    const struct feature_set *features;
};

static void write_settings(const void *context, FILE *out)
{
    const struct settings *settings = ((const struct trained *)context)->settings;
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    json_text(&json, "train_split", settings->train_split);
    json_real(&json, "c", settings->c);
    json_text(&json, "normalize", settings->normalize);
    json_close(&json);
}

static void write_json(const void *context, FILE *out)
{
    const struct trained *trained = context;
    const struct dataset *dataset = trained->dataset;
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    json_text(&json, "model", trained->settings->output);
    feature_set_json(trained->features, "feature_set", &json);
    json_text(&json, "train_split", trained->settings->train_split);
    json_real(&json, "c", trained->settings->c);
    json_text(&json, "normalize", trained->settings->normalize);
    json_integer(&json, "images", (int64_t)dataset->count);
    json_integer(&json, "unlabelled", (int64_t)dataset->unlabelled);
    json_open(&json, "classes", '[');
    for (size_t class = 0; class < dataset->class_count; class++)
        json_text(&json, NULL, dataset->classes[class]);
    json_close(&json);
    json_close(&json);
}

static void write_text(const void *context, FILE *out)
{
    const struct trained *trained = context;
    char features[256];

    feature_set_describe(trained->features, features, sizeof features);
    display_write(out, trained->settings->output);
    fprintf(out, ": %zu images, %zu classes; ", trained->dataset->count,
            trained->dataset->class_count);
    display_write(out, features);
    fprintf(out, "; linear SVM, C = %g, %s\n", trained->settings->c,
            trained->settings->normalize);
}

static int publish(const struct trained *trained, const struct command_streams *streams,
                   struct error *error)
{
    const struct command_result result = {
        .command = "train",
        .features = trained->features,
        .dataset = trained->dataset,
        .record = !trained->settings->no_record,
        .context = trained,
        .write_settings = write_settings,
        .write_json = write_json,
        .write_text = write_text,
    };

    command_note_unlabelled(trained->dataset, streams->notes);
    return command_publish(&trained->settings->shared, &result, streams, error);
}

static int train(const struct settings *settings, struct command_database *database,
                 const struct command_streams *streams, struct error *error)
{
    struct dataset_request request = {
        .normalize = normalize_find(settings->normalize),
        .splits = {settings->train_split},
        .labelled = true,
    };
    struct dataset dataset = {0};
    struct classifier classifier = {0};
    struct parallel *parallel = NULL;
    int outcome = FAILED;

    if (feature_sets_choose(&database->sets, settings->shared.features,
                            settings->shared.database, &request.feature_set, error) < 0 ||
        dataset_load(database->store, &request, &dataset, error) < 0)
        goto out;
    if (dataset.count + dataset.unlabelled == 0 && settings->train_split != NULL) {
        command_no_split(database->store, settings->train_split, error);
        goto out;
    }
    if (parallel_create(settings->threads, &parallel, error) < 0 ||
        fit_all(&dataset, settings->c, parallel, &classifier, error) < 0)
        goto out;
    outcome = model_write(settings->output, &(struct model){
        .program = COMMAND_PROGRAM, .features = *request.feature_set,
        .normalize = request.normalize, .c = settings->c,
        .images = dataset.count, .labels = dataset.classes,
        .linear = classifier.linear,
    }, error);
    if (outcome == 0)
        outcome = publish(&(struct trained){settings, &dataset, request.feature_set}, streams,
                          error);
out:
    classifier_release(&classifier);
    dataset_release(&dataset);
    parallel_free(parallel);
    return outcome;
}

static int run(const void *opaque, const struct text_list *operands,
               const struct command_streams *streams, struct error *error)
{
    const struct settings *settings = opaque;
    struct command_database database = {0};
    int outcome;

    (void)operands;
    if (settings->output == NULL) {
        error_set(error, "no model to write: say -o FILE");
        return COMMAND_USAGE;
    }
    outcome = command_database_open(&settings->shared, &database, error);
    if (outcome == 0)
        outcome = train(settings, &database, streams, error);
    command_database_close(&database);
    return outcome;
}

const struct command command_train = {
    .name = "train",
    .operands = "",
    .summary = "a linear support vector machine, written to a file",
    .details =
        "Trains on every labelled image, or on those of one split. The file holds the weights\n"
        "exactly and needs no database: 'predict' takes it with any database that has vectors\n"
        "of the same feature set.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};
