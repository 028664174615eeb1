/* evaluate: how good a classifier on these vectors is, with an interval. */
#include "classify/command.h"

#include <stdlib.h>

#include "classify/evaluation.h"
#include "classify/examples.h"
#include "classify/learning.h"
#include "classify/report.h"
#include "common/json.h"
#include "common/parallel.h"

enum { DEFAULT_TOP = 5 };

struct settings {
    struct command_settings shared;
    struct learning learning;
    struct protocol protocol;
    bool probability;
    size_t top;
};

static const struct settings defaults = {
    .shared = COMMAND_DEFAULTS,
    .learning = LEARNING_DEFAULTS,
    .protocol = PROTOCOL_DEFAULTS,
};

static const struct option options[] = {
    COMMAND_FIRST_OPTIONS(struct settings),
    PROTOCOL_OPTIONS(struct settings),
    LEARNING_SETTING_OPTIONS(struct settings),
    LEARNING_OPTIONS(struct settings),
    LEARNING_VIEWS_OPTIONS(struct settings),
    {0, "probability", OPTION_FLAG, offsetof(struct settings, probability),
     .help = "probabilities too, and what they are worth"},
    {0, "top", OPTION_COUNT, offsetof(struct settings, top), .argument = "K",
     .minimum = 1, .maximum = 1e6,
     .help = "how often the true class is among the first K\n(default 5, with more classes)"},
    LEARNING_RECORD_OPTION(struct settings),
    COMMAND_LAST_OPTIONS(struct settings),
};

/* An evaluation with what it was asked for. */
struct evaluated {
    const struct settings *settings;
    struct report report;
};

static void write_settings(const void *context, FILE *out)
{
    const struct evaluated *evaluated = context;
    const struct settings *settings = evaluated->settings;
    const struct augmentation *augmentation = &evaluated->report.examples->augmentation;
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    protocol_json(&settings->protocol, &settings->learning, &json);
    learning_json(&settings->learning, &json);
    augmentation_json(augmentation, &json);
    json_boolean(&json, "probability", settings->probability);
    json_open(&json, "arguments", '[');
    learning_arguments(&settings->learning, &json);
    augmentation_arguments(augmentation, &json);
    learning_setting_arguments(&settings->learning, &json);
    protocol_arguments(&settings->protocol, &json);
    if (settings->probability)
        json_text(&json, NULL, "--probability");
    if (settings->top > 0)
        learning_count_argument("--top", settings->top, &json);
    json_close(&json);
    json_close(&json);
}

static void write_json(const void *context, FILE *out)
{
    report_json(&((const struct evaluated *)context)->report, out);
}

static void write_text(const void *context, FILE *out)
{
    report_text(&((const struct evaluated *)context)->report, out);
}

static int publish(const struct evaluated *evaluated, const struct command_streams *streams,
                   struct error *error)
{
    const struct settings *settings = evaluated->settings;
    const struct examples *examples = evaluated->report.examples;
    const struct command_scores scores = {evaluated->report.evaluation, &examples->dataset};
    const struct command_result result = {
        .command = "evaluate",
        .features = examples->features,
        .dataset = &examples->dataset,
        .record = !settings->learning.no_record,
        .scores = &scores,
        .score_count = 1,
        .context = evaluated,
        .write_settings = write_settings,
        .write_json = write_json,
        .write_text = write_text,
    };

    if (settings->shared.rehearsal == NULL)
        examples_note(examples, streams->notes);
    return command_publish(&settings->shared, &result, streams, error);
}

static int evaluate_examples(const struct settings *settings, const struct examples *examples,
                             struct parallel *parallel, const struct command_streams *streams,
                             struct error *error)
{
    struct learning_plan plan;
    struct evaluation_settings protocol;
    struct evaluation evaluation = {0};
    struct command_progress progress;
    struct evaluated evaluated = {.settings = settings};
    struct report *report = &evaluated.report;
    int outcome;

    if (learning_resolve(&settings->learning, &examples->dataset, &plan, error) < 0)
        return FAILED;
    plan.training.probability = settings->probability;
    protocol = protocol_resolve(&settings->protocol, &plan);
    command_progress_start(&progress, streams->notes, "trainings");
    protocol.progress = (struct evaluation_progress){command_progress_show, &progress};
    outcome = examples_evaluate(examples, &protocol, parallel, &evaluation, error);
    command_progress_end(&progress);
    *report = (struct report){
        .examples = examples, .evaluation = &evaluation, .settings = &protocol,
        .learning = &settings->learning, .protocol = &settings->protocol, .top = settings->top,
    };
    if (report->top == 0 && examples->dataset.class_count > DEFAULT_TOP)
        report->top = DEFAULT_TOP;
    if (outcome == 0)
        outcome = evaluation_misclassified(&evaluation, &examples->dataset,
                                           &report->misclassified, &report->misclassified_count,
                                           error);
    if (outcome == 0)
        outcome = publish(&evaluated, streams, error);
    free(report->misclassified);
    evaluation_release(&evaluation);
    learning_plan_release(&plan);
    return outcome;
}

static int evaluate(const struct settings *settings, struct command_database *database,
                    const struct command_streams *streams, struct error *error)
{
    struct examples_request request = {
        .database = database, .learning = &settings->learning, .protocol = &settings->protocol,
    };
    struct examples examples = {0};
    int outcome = FAILED;

    if (feature_sets_choose(&database->sets, settings->shared.features,
                            settings->shared.database, &request.features, error) < 0 ||
        parallel_create(settings->learning.threads, &request.parallel, error) < 0)
        goto out;
    if (examples_load(&request, &examples, error) == 0)
        outcome = evaluate_examples(settings, &examples, request.parallel, streams, error);
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
    if (learning_check(&settings->learning, error) < 0 ||
        protocol_check(&settings->protocol, error) < 0)
        return COMMAND_USAGE;
    outcome = command_database_open(&settings->shared, &database, error);
    if (outcome == 0)
        outcome = evaluate(settings, &database, streams, error);
    command_database_close(&database);
    return outcome;
}

const struct command command_evaluate = {
    .name = "evaluate",
    .operands = "",
    .summary = "accuracy on images that were not trained on, with an interval",
    .details =
        "Trains linear support vector machines and tests each on images that it has not seen:\n"
        "by default with stratified folds, repeated; with --leave-one-out every image alone; with\n"
        "--train-split and --test-split once. Identical and near-identical images, and images of\n"
        "one group, never stand on both sides. What is searched or fitted ('-C auto', 'standard',\n"
        "--probability) sees the training part alone.\n"
        "\n"
        "The 95 % interval is the corrected resampled one for repeated folds, whose accuracies\n"
        "depend on each other, so that their spread alone would make it far too narrow (Nadeau\n"
        "and Bengio 2003); and Wilson's for a single split, for leave-one-out, or when all folds\n"
        "have the same accuracy: there every image is tested once, and Wilson's interval is\n"
        "honest for few images and for 100 %.\n"
        "\n"
        "Where every image has views ('bottleneck-extract --views'), all of them are learned from,\n"
        "each at the full price C, and an image's score is the sum over its views, divided by\n"
        "their number. All views of an image stand on one side of every split, and only images are\n"
        "counted. '--views none' takes the originals alone; many views take the time of as many\n"
        "images, most of all with '-C auto'.\n"
        "\n"
        "Probabilities are Platt's, fitted to scores of images that were not trained on, inside\n"
        "the training part, and coupled over the classes (Wu, Lin and Weng 2004). Labels still\n"
        "come from the scores. They need ten images of every class.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};
