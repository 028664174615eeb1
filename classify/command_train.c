/* train: a classifier in a file of its own. */
#include "classify/command.h"

#include <stdlib.h>
#include <string.h>

#include "classify/display.h"
#include "classify/examples.h"
#include "classify/learning.h"
#include "classify/model_file.h"
#include "classify/training.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/parallel.h"

struct settings {
    struct command_settings shared;
    struct learning learning;
    const char *output, *train_split;
    bool probability;
};

static const struct settings defaults = {
    .shared = COMMAND_DEFAULTS, .learning = LEARNING_DEFAULTS,
};

static const struct option options[] = {
    {'o', "output", OPTION_TEXT, offsetof(struct settings, output), .argument = "FILE",
     .help = "the model to write"},
    COMMAND_FIRST_OPTIONS(struct settings),
    {0, "train-split", OPTION_TEXT, offsetof(struct settings, train_split), .argument = "NAME",
     .help = "train on this split only"},
    LEARNING_SETTING_OPTIONS(struct settings),
    LEARNING_OPTIONS(struct settings),
    LEARNING_VIEWS_OPTIONS(struct settings),
    {0, "probability", OPTION_FLAG, offsetof(struct settings, probability),
     .help = "'predict' shall give probabilities too"},
    LEARNING_RECORD_OPTION(struct settings),
    COMMAND_LAST_OPTIONS(struct settings),
};

/* A classifier with what it came from. */
struct trained {
    const struct settings *settings;
    const struct examples *examples;
    const struct classifier *classifier;
    struct hash digest;  /* of the weights and biases */
};

static void write_settings(const void *context, FILE *out)
{
    const struct trained *trained = context;
    const struct settings *settings = trained->settings;
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    json_text(&json, "train_split", settings->train_split);
    learning_json(&settings->learning, &json);
    augmentation_json(&trained->examples->augmentation, &json);
    json_integer(&json, "seed", (int64_t)settings->learning.seed);
    json_boolean(&json, "probability", settings->probability);
    json_open(&json, "arguments", '[');
    learning_arguments(&settings->learning, &json);
    augmentation_arguments(&trained->examples->augmentation, &json);
    learning_setting_arguments(&settings->learning, &json);
    json_text(&json, NULL, "--output");
    json_text(&json, NULL, settings->output);
    if (settings->train_split != NULL) {
        json_text(&json, NULL, "--train-split");
        json_text(&json, NULL, settings->train_split);
    }
    if (settings->probability)
        json_text(&json, NULL, "--probability");
    json_close(&json);
    json_close(&json);
}

static void write_json(const void *context, FILE *out)
{
    const struct trained *trained = context;
    const struct dataset *dataset = &trained->examples->dataset;
    struct json json = {.out = out};
    char digest[HASH_TEXT];

    hash_to_text(&trained->digest, digest);
    json_open(&json, NULL, '{');
    json_text(&json, "model", trained->settings->output);
    feature_set_json(trained->examples->features, "feature_set", &json);
    json_text(&json, "train_split", trained->settings->train_split);
    learning_json(&trained->settings->learning, &json);
    augmentation_json(&trained->examples->augmentation, &json);
    json_text(&json, "solver", training_solver(trained->classifier->on_vectors));
    json_real(&json, "chosen", trained->classifier->c);
    json_boolean(&json, "probability", trained->settings->probability);
    json_integer(&json, "images", (int64_t)dataset->count);
    json_integer(&json, "unlabelled", (int64_t)dataset->unlabelled);
    json_open(&json, "classes", '[');
    for (size_t class = 0; class < dataset->class_count; class++)
        json_text(&json, NULL, dataset->classes[class]);
    json_close(&json);
    json_text(&json, "weights_sha256", digest);
    json_close(&json);
}

static void write_text(const void *context, FILE *out)
{
    const struct trained *trained = context;
    const struct dataset *dataset = &trained->examples->dataset;
    char features[256];

    feature_set_describe(trained->examples->features, features, sizeof features);
    display_write(out, trained->settings->output);
    fprintf(out, ": %zu images, %zu classes; ", dataset->count, dataset->class_count);
    display_write(out, features);
    fputs("; ", out);
    learning_describe(&trained->settings->learning, trained->classifier->on_vectors, out);
    augmentation_describe(&trained->examples->augmentation, "; ", out);
    if (strcmp(trained->settings->learning.cost, "auto") == 0)
        fprintf(out, "; C = %.3g chosen", trained->classifier->c);
    fputc('\n', out);
}

/* ---- training --------------------------------------------------------------------------- */

static int fit_all(const struct dataset *dataset, const struct training_settings *settings,
                   struct parallel *parallel, struct classifier *classifier, struct error *error)
{
    size_t *rows = memory_allocate(dataset->count, sizeof *rows, error);
    struct training training = {0};
    struct fit fit = {0};
    int outcome = FAILED;

    if (rows != NULL && training_create(dataset, dataset->count, settings, parallel, &training,
                                        error) == 0) {
        for (size_t i = 0; i < dataset->count; i++)
            rows[i] = i;
        outcome = training_fit(&training, rows, dataset->count, parallel, &fit, error);
    }
    if (outcome == 0)
        outcome = fit_classifier(&fit, classifier, error);
    fit_release(&fit);
    training_release(&training);
    free(rows);
    return outcome;
}

static struct hash digest_of(const struct linear *linear)
{
    struct hash parts[2] = {
        hash_bytes(linear->weights,
                   linear->decisions * linear->dimension * sizeof *linear->weights),
        hash_bytes(linear->bias, linear->decisions * sizeof *linear->bias),
    };

    return hash_bytes(parts, sizeof parts);
}

static int write_model(const struct trained *trained, struct error *error)
{
    const struct dataset *dataset = &trained->examples->dataset;

    if (trained->settings->shared.rehearsal != NULL)
        return 0;
    return model_write(trained->settings->output, &(struct model){
        .program = COMMAND_PROGRAM, .features = *trained->examples->features,
        .augmentation = trained->examples->augmentation,
        .normalize = dataset->normalize, .c = trained->classifier->c,
        .images = dataset->count, .labels = dataset->classes,
        .linear = trained->classifier->linear, .sigmoids = trained->classifier->sigmoids,
    }, error);
}

static int publish(const struct trained *trained, const struct command_streams *streams,
                   struct error *error)
{
    const struct settings *settings = trained->settings;
    const struct command_result result = {
        .command = "train",
        .features = trained->examples->features,
        .dataset = &trained->examples->dataset,
        .record = !settings->learning.no_record,
        .context = trained,
        .write_settings = write_settings,
        .write_json = write_json,
        .write_text = write_text,
    };

    if (settings->shared.rehearsal == NULL)
        command_note_unlabelled(&trained->examples->dataset, streams->notes);
    return command_publish(&settings->shared, &result, streams, error);
}

static int train_on(const struct settings *settings, const struct examples *examples,
                    struct parallel *parallel, const struct command_streams *streams,
                    struct error *error)
{
    struct learning_plan plan;
    struct classifier classifier = {0};
    struct trained trained = {settings, examples, &classifier, {{0}}};
    int outcome;

    if (learning_resolve(&settings->learning, &examples->dataset, &plan, error) < 0)
        return FAILED;
    plan.training.probability = settings->probability;
    outcome = fit_all(&examples->dataset, &plan.training, parallel, &classifier, error);
    if (outcome == 0) {
        trained.digest = digest_of(&classifier.linear);
        outcome = write_model(&trained, error);
    }
    if (outcome == 0)
        outcome = publish(&trained, streams, error);
    classifier_release(&classifier);
    learning_plan_release(&plan);
    return outcome;
}

static int train(const struct settings *settings, struct command_database *database,
                 const struct command_streams *streams, struct error *error)
{
    const struct protocol protocol = {.train_split = settings->train_split};
    struct examples_request request = {
        .database = database, .learning = &settings->learning, .protocol = &protocol,
    };
    struct examples examples = {0};
    int outcome = FAILED;

    if (feature_sets_choose(&database->sets, settings->shared.features,
                            settings->shared.database, &request.features, error) < 0 ||
        parallel_create(settings->learning.threads, &request.parallel, error) < 0)
        goto out;
    if (examples_load(&request, &examples, error) == 0) {
        if (examples.dataset.count + examples.dataset.unlabelled == 0 &&
            settings->train_split != NULL)
            command_no_split(database->store, settings->train_split, error);
        else
            outcome = train_on(settings, &examples, request.parallel, streams, error);
    }
out:
    examples_release(&examples);
    parallel_free(request.parallel);
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
    if (learning_check(&settings->learning, error) < 0)
        return COMMAND_USAGE;
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
        "of the same feature set. With '-C auto' the price is searched by cross-validation on the\n"
        "images that are trained on; --probability fits Platt's sigmoids in the same way.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};
