/* evaluate: how good a classifier on these vectors is, with an interval. */
#include "classify/command.h"

#include <stdlib.h>
#include <string.h>

#include "classify/evaluation.h"
#include "classify/report.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/parallel.h"

enum { DEFAULT_FOLDS = 5, DEFAULT_REPEATS = 10 };

/* A number that was not given. */
#define UNSET SIZE_MAX

struct settings {
    struct command_settings shared;
    size_t folds, repeats, seed;
    const char *train_split, *test_split;
    double c;
    const char *normalize;
    size_t threads;
    bool no_record;
};

static const struct settings defaults = {
    .shared = COMMAND_DEFAULTS,
    .folds = UNSET,
    .repeats = UNSET,
    .seed = UNSET,
    .c = 1,
    .normalize = "l2",
};

static const struct option options[] = {
    COMMAND_FIRST_OPTIONS(struct settings),
    {0, "folds", OPTION_COUNT, offsetof(struct settings, folds), .argument = "K",
     .minimum = 2, .maximum = 1e6, .help = "cross-validation in K folds (default 5)"},
    {0, "repeats", OPTION_COUNT, offsetof(struct settings, repeats), .argument = "N",
     .minimum = 1, .maximum = 1e4, .help = "so often, with new folds (default 10)"},
    {0, "seed", OPTION_COUNT, offsetof(struct settings, seed), .argument = "N",
     .minimum = 0, .maximum = 9007199254740992,
     .help = "decides the folds, on every machine (default 0)"},
    {0, "train-split", OPTION_TEXT, offsetof(struct settings, train_split), .argument = "NAME",
     .help = "instead of folds: train on this split ..."},
    {0, "test-split", OPTION_TEXT, offsetof(struct settings, test_split), .argument = "NAME",
     .help = "... and test on this one"},
    COMMAND_COST_OPTION(struct settings),
    COMMAND_NORMALIZE_OPTION(struct settings),
    COMMAND_THREADS_OPTION(struct settings),
    COMMAND_RECORD_OPTION(struct settings),
    COMMAND_LAST_OPTIONS(struct settings),
};

static int check_settings(const struct settings *settings, struct error *error)
{
    bool hold_out = settings->train_split != NULL;

    if (hold_out != (settings->test_split != NULL)) {
        error_set(error, "--train-split and --test-split belong together");
        return COMMAND_USAGE;
    }
    if (hold_out && strcmp(settings->train_split, settings->test_split) == 0) {
        error_set(error, "--train-split and --test-split are the same");
        return COMMAND_USAGE;
    }
    if (hold_out && (settings->folds != UNSET || settings->repeats != UNSET ||
                     settings->seed != UNSET)) {
        error_set(error, "--folds, --repeats and --seed have no meaning with --train-split");
        return COMMAND_USAGE;
    }
    return 0;
}

/* Samples of the test split stand behind those of the training split, which is found by name.
 * Both must be there. */
static int count_trained(const struct settings *settings, struct store *store,
                         const struct dataset *dataset, size_t *trained, struct error *error)
{
    *trained = 0;
    while (*trained < dataset->count &&
           strcmp(dataset->samples[*trained].split, settings->train_split) == 0)
        ++*trained;
    if (*trained == 0)
        return command_no_split(store, settings->train_split, error);
    if (*trained == dataset->count)
        return command_no_split(store, settings->test_split, error);
    return 0;
}

/* Takes images out of the training part that are in the test part too, or belong to a group that
 * is. *left_out says how many. */
static int separate(struct dataset *dataset, size_t *trained, size_t *left_out,
                    struct error *error)
{
    bool *tested = memory_allocate(dataset->unit_count, sizeof *tested, error);
    bool *keep = memory_allocate(dataset->count, sizeof *keep, error);
    int outcome = FAILED;

    *left_out = 0;
    if (tested == NULL || keep == NULL)
        goto out;
    for (size_t i = *trained; i < dataset->count; i++)
        tested[dataset->samples[i].unit] = true;
    for (size_t i = 0; i < dataset->count; i++) {
        keep[i] = i >= *trained || !tested[dataset->samples[i].unit];
        *left_out += !keep[i];
    }
    dataset_keep(dataset, keep);
    *trained -= *left_out;
    if (*trained > 0)
        outcome = 0;
    else
        error_set(error, "nothing to train on: every image of the training split is in the test "
                  "split too, or in a group with one");
out:
    free(tested);
    free(keep);
    return outcome;
}

static int hold_out(const struct settings *settings, struct store *store,
                    struct dataset *dataset, struct parallel *parallel,
                    struct evaluation *evaluation, struct report *report, struct error *error)
{
    size_t trained;

    if (count_trained(settings, store, dataset, &trained, error) < 0 ||
        separate(dataset, &trained, &report->left_out, error) < 0)
        return FAILED;
    return evaluation_hold_out(dataset, trained, report->settings, parallel, evaluation, error);
}

static void write_settings(const void *context, FILE *out)
{
    const struct report *report = context;
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    if (report->train_split != NULL) {
        json_text(&json, "protocol", "hold-out");
        json_text(&json, "train_split", report->train_split);
        json_text(&json, "test_split", report->test_split);
    } else {
        json_text(&json, "protocol", "cross-validation");
        json_integer(&json, "folds", (int64_t)report->settings->folds);
        json_integer(&json, "repeats", (int64_t)report->settings->repeats);
        json_integer(&json, "seed", (int64_t)report->settings->seed);
    }
    json_real(&json, "c", report->settings->c);
    json_text(&json, "normalize", normalize_names[report->normalize]);
    json_close(&json);
}

static void write_json(const void *context, FILE *out)
{
    report_json(context, out);
}

static void write_text(const void *context, FILE *out)
{
    report_text(context, out);
}

static int publish(const struct settings *settings, const struct report *report,
                   const struct command_streams *streams, struct error *error)
{
    const struct command_result result = {
        .command = "evaluate",
        .features = report->feature_set,
        .dataset = report->dataset,
        .record = !settings->no_record,
        .context = report,
        .write_settings = write_settings,
        .write_json = write_json,
        .write_text = write_text,
    };

    command_note_unlabelled(report->dataset, streams->notes);
    if (report->left_out > 0)
        fprintf(streams->notes, "%zu image%s left out of training: in the test split too\n",
                report->left_out, report->left_out == 1 ? "" : "s");
    return command_publish(&settings->shared, &result, streams, error);
}

static int evaluate(const struct settings *settings, struct command_database *database,
                    const struct command_streams *streams, struct error *error)
{
    const struct evaluation_settings protocol = {
        .folds = settings->folds != UNSET ? settings->folds : DEFAULT_FOLDS,
        .repeats = settings->repeats != UNSET ? settings->repeats : DEFAULT_REPEATS,
        .seed = settings->seed != UNSET ? settings->seed : 0,
        .c = settings->c,
    };
    struct dataset_request request = {
        .normalize = normalize_find(settings->normalize),
        .splits = {settings->train_split, settings->test_split},
        .labelled = true,
    };
    struct dataset dataset = {0};
    struct evaluation evaluation = {0};
    struct parallel *parallel = NULL;
    struct report report = {
        .dataset = &dataset, .evaluation = &evaluation, .settings = &protocol,
        .normalize = request.normalize,
        .train_split = settings->train_split, .test_split = settings->test_split,
    };
    int outcome = FAILED;

    if (feature_sets_choose(&database->sets, settings->shared.features,
                            settings->shared.database, &request.feature_set, error) < 0 ||
        dataset_load(database->store, &request, &dataset, error) < 0 ||
        parallel_create(settings->threads, &parallel, error) < 0)
        goto out;
    report.feature_set = request.feature_set;
    if (settings->train_split != NULL)
        outcome = hold_out(settings, database->store, &dataset, parallel, &evaluation, &report,
                           error);
    else
        outcome = evaluation_cross_validate(&dataset, &protocol, parallel, &evaluation, error);
    if (outcome == 0)
        outcome = evaluation_misclassified(&evaluation, &dataset, &report.misclassified,
                                           &report.misclassified_count, error);
    if (outcome == 0)
        outcome = publish(settings, &report, streams, error);
out:
    free(report.misclassified);
    evaluation_release(&evaluation);
    dataset_release(&dataset);
    parallel_free(parallel);
    return outcome;
}

static int run(const void *opaque, const struct text_list *operands,
               const struct command_streams *streams, struct error *error)
{
    const struct settings *settings = opaque;
    struct command_database database = {0};
    int outcome = check_settings(settings, error);

    (void)operands;
    if (outcome == 0)
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
        "by default with stratified folds, repeated; with --train-split and --test-split once.\n"
        "Identical images and images of one group never stand on both sides.\n"
        "\n"
        "The 95 % interval is the corrected resampled one for repeated folds, whose accuracies\n"
        "depend on each other (Nadeau and Bengio 2003), and Wilson's for a single split, or when\n"
        "all folds have the same accuracy.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};
