/* compare: which feature set, which setting, and is it more than luck. */
#include "classify/command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "classify/comparison.h"
#include "classify/display.h"
#include "classify/evaluation.h"
#include "classify/learning.h"
#include "classify/lineup.h"
#include "classify/report.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/parallel.h"

struct settings {
    struct command_settings shared;
    struct learning learning;
    struct protocol protocol;
    struct text_list features, costs, normalizations, views;
};

static const struct settings defaults = {
    .shared = COMMAND_DEFAULTS,
    .learning = LEARNING_DEFAULTS,
    .protocol = PROTOCOL_DEFAULTS,
};

static const struct option options[] = {
    {'d', "db", OPTION_TEXT, offsetof(struct settings, shared.database), .argument = "FILE",
     .help = "the database (default features.db)"},
    {0, "features", OPTION_LIST, offsetof(struct settings, features), .argument = "ID",
     .help = "a feature set to compare; may be repeated (default: all)"},
    {'C', "cost", OPTION_LIST, offsetof(struct settings, costs), .argument = "C",
     .help = "the price of a margin violation, or 'auto'; may be repeated\n(default 1)"},
    {0, "normalize", OPTION_LIST, offsetof(struct settings, normalizations), .argument = "HOW",
     .help = "l2 (default), standard, power or none; may be repeated"},
    {0, "views", OPTION_LIST, offsetof(struct settings, views), .argument = "WHICH",
     .help = "none, train or both, as 'evaluate --help' explains; may be\nrepeated"},
    LEARNING_VIEW_OPTION(struct settings),
    PROTOCOL_OPTIONS(struct settings),
    LEARNING_OPTIONS(struct settings),
    LEARNING_RECORD_OPTION(struct settings),
    COMMAND_LAST_OPTIONS(struct settings),
};

struct comparing {
    const struct settings *settings;
    const struct command_streams *streams;
    struct parallel *parallel;
    struct lineup lineup;
    struct evaluation *evaluations;  /* [evaluated] of lineup.count */
    size_t evaluated;
    struct comparison comparison;
};

/* ---- what is compared ------------------------------------------------------------------- */

static const char *const default_costs[] = {"1"}, *const default_normalizations[] = {"l2"},
                  *const default_views[] = {NULL};

static const char *const *costs_of(const struct settings *settings, size_t *count)
{
    *count = settings->costs.count > 0 ? settings->costs.count : 1;
    return settings->costs.count > 0 ? settings->costs.items : default_costs;
}

static const char *const *normalizations_of(const struct settings *settings, size_t *count)
{
    *count = settings->normalizations.count > 0 ? settings->normalizations.count : 1;
    return settings->normalizations.count > 0 ? settings->normalizations.items
                                              : default_normalizations;
}

static const char *const *views_of(const struct settings *settings, size_t *count)
{
    *count = settings->views.count > 0 ? settings->views.count : 1;
    return settings->views.count > 0 ? settings->views.items : default_views;
}

/* names: what there is, up to a NULL; choices: the same as a text. */
static int check_choices(const struct text_list *given, const char *const *names,
                         const char *option, const char *choices, struct error *error)
{
    for (size_t i = 0; i < given->count; i++) {
        size_t known = 0;

        while (names[known] != NULL && strcmp(names[known], given->items[i]) != 0)
            known++;
        if (names[known] == NULL)
            return error_set(error, "%s takes one of %s, not '%s'", option, choices,
                             given->items[i]);
    }
    return 0;
}

static int check_settings(const struct settings *settings, struct error *error)
{
    for (size_t i = 0; i < settings->costs.count; i++)
        if (learning_check_cost(settings->costs.items[i], error) < 0)
            return FAILED;
    if (check_choices(&settings->normalizations, normalize_names, "--normalize",
                      "l2, standard, power, none", error) < 0 ||
        check_choices(&settings->views, augment_names, "--views", "none, train, both", error) < 0)
        return FAILED;
    for (size_t i = 0; i < settings->features.count; i++) {
        const char *text = settings->features.items[i];

        if (strlen(text) == 0 || strlen(text) > 15 ||
            strspn(text, "0123456789") != strlen(text) || strtoull(text, NULL, 10) == 0)
            return error_set(error, "--features takes the number of a feature set, not '%s'",
                             text);
    }
    if (learning_check(&settings->learning, error) < 0)
        return FAILED;
    return protocol_check(&settings->protocol, error);
}

/* ---- evaluating ------------------------------------------------------------------------- */

static int evaluate_all(struct comparing *comparing, struct error *error)
{
    struct command_progress progress;
    const size_t count = comparing->lineup.count;
    int outcome = 0;

    comparing->evaluations = memory_allocate(count, sizeof *comparing->evaluations, error);
    if (comparing->evaluations == NULL)
        return FAILED;
    command_progress_start(&progress, comparing->streams->notes, "trainings");
    for (size_t i = 0; i < count && outcome == 0; i++) {
        const struct candidate *candidate = &comparing->lineup.candidates[i];
        const struct examples *examples = &candidate->representation->examples;
        struct learning_plan plan;
        struct evaluation_settings settings;
        char note[64];

        outcome = learning_resolve(&candidate->learning, &examples->dataset, &plan, error);
        if (outcome < 0)
            break;
        snprintf(note, sizeof note, "%zu of %zu compared", i, count);
        progress.note = note;
        settings = protocol_resolve(&comparing->settings->protocol, &plan);
        settings.progress = (struct evaluation_progress){command_progress_show, &progress};
        outcome = examples_evaluate(examples, &settings, comparing->parallel,
                                    &comparing->evaluations[i], error);
        comparing->evaluated += outcome == 0;
        learning_plan_release(&plan);
    }
    command_progress_end(&progress);
    if (outcome < 0)
        return FAILED;
    return comparison_rank(comparing->evaluations, count,
                           &comparing->lineup.representations[0].examples.dataset,
                           &comparing->comparison, error);
}

/* ---- writing ---------------------------------------------------------------------------- */

/* What was not said is recorded as what it came to. */
static void view_arguments(const struct comparing *comparing, struct json *json)
{
    const struct augmentation *augmentation = &comparing->lineup.augmentation;
    const struct text_list *views = &comparing->settings->views;

    if (views->count == 0) {
        augmentation_arguments(augmentation, json);
        return;
    }
    for (size_t i = 0; i < views->count; i++) {
        json_text(json, NULL, "--views");
        json_text(json, NULL, views->items[i]);
    }
    augmentation_name_arguments(augmentation, json);
}

static void write_settings(const void *context, FILE *out)
{
    const struct comparing *comparing = context;
    const struct settings *settings = comparing->settings;
    struct json json = {.out = out};
    size_t costs, normalizations;

    costs_of(settings, &costs);
    normalizations_of(settings, &normalizations);
    json_open(&json, NULL, '{');
    protocol_json(&settings->protocol, &settings->learning, &json);
    json_open(&json, "feature_sets", '[');
    for (size_t i = 0; i < comparing->lineup.feature_count; i++)
        json_integer(&json, NULL, comparing->lineup.features[i]->id);
    json_close(&json);
    json_open(&json, "arguments", '[');
    learning_arguments(&settings->learning, &json);
    protocol_arguments(&settings->protocol, &json);
    for (size_t i = 0; i < comparing->lineup.feature_count; i++)
        learning_count_argument("--features", (size_t)comparing->lineup.features[i]->id, &json);
    for (size_t i = 0; i < costs; i++) {
        json_text(&json, NULL, "--cost");
        json_text(&json, NULL, costs_of(settings, &costs)[i]);
    }
    for (size_t i = 0; i < normalizations; i++) {
        json_text(&json, NULL, "--normalize");
        json_text(&json, NULL, normalizations_of(settings, &normalizations)[i]);
    }
    view_arguments(comparing, &json);
    json_close(&json);
    json_close(&json);
}

static void json_entry(const struct comparing *comparing, size_t place, struct json *json)
{
    const struct comparison_entry *entry = &comparing->comparison.entries[place];
    const struct candidate *candidate = &comparing->lineup.candidates[entry->evaluation];
    const struct evaluation *evaluation = &comparing->evaluations[entry->evaluation];

    json_open(json, NULL, '{');
    feature_set_json(candidate->representation->examples.features, "feature_set", json);
    learning_json(&candidate->learning, json);
    augmentation_json(&candidate->representation->examples.augmentation, json);
    json_text(json, "solver", training_solver(evaluation->on_vectors));
    json_integer(json, "part", (int64_t)entry->evaluation);
    json_real(json, "accuracy", evaluation->metrics.accuracy);
    json_integer(json, "correct", (int64_t)evaluation->metrics.correct);
    json_integer(json, "total", (int64_t)evaluation->metrics.total);
    json_real(json, "accuracy_low", evaluation->interval.low);
    json_real(json, "accuracy_high", evaluation->interval.high);
    json_text(json, "interval", report_interval_name(evaluation->method));
    json_real(json, "balanced_accuracy", evaluation->metrics.balanced_accuracy);
    if (place > 0) {
        json_real(json, "difference", entry->test.difference);
        json_real(json, "difference_low", entry->test.interval.low);
        json_real(json, "difference_high", entry->test.interval.high);
        json_real(json, "p", entry->test.p);
        json_real(json, "p_adjusted", entry->adjusted);
        json_boolean(json, "tie", entry->tie);
    }
    json_close(json);
}

static void write_json(const void *context, FILE *out)
{
    const struct comparing *comparing = context;
    const struct settings *settings = comparing->settings;
    const struct examples *examples = &comparing->lineup.representations[0].examples;
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    protocol_json(&settings->protocol, &settings->learning, &json);
    json_integer(&json, "images", (int64_t)comparing->evaluations[0].count);
    json_text(&json, "test", comparing->comparison.exact ? "mcnemar exact"
                                                         : "corrected resampled t");
    json_open(&json, "classes", '[');
    for (size_t class = 0; class < examples->dataset.class_count; class++)
        json_text(&json, NULL, examples->dataset.classes[class]);
    json_close(&json);
    json_open(&json, "compared", '[');
    for (size_t i = 0; i < comparing->lineup.count; i++)
        json_entry(comparing, i, &json);
    json_close(&json);
    json_integer(&json, "unlabelled", (int64_t)examples->dataset.unlabelled);
    json_integer(&json, "near_identical", (int64_t)examples->near_identical);
    json_integer(&json, "left_out", (int64_t)examples->left_out);
    json_integer(&json, "not_in_all", (int64_t)comparing->lineup.left_aside);
    json_close(&json);
}

static void write_heading(const struct comparing *comparing, FILE *out)
{
    const struct settings *settings = comparing->settings;
    const struct examples *examples = &comparing->lineup.representations[0].examples;
    const struct evaluation *evaluation = &comparing->evaluations[0];

    if (settings->protocol.train_split != NULL)
        fprintf(out, "%zu images trained on, %zu tested", examples->trained, evaluation->count);
    else if (settings->protocol.leave_one_out)
        fprintf(out, "leave one out; %zu images", evaluation->count);
    else
        fprintf(out, "%zu trainings each on the same stratified folds, seed %zu; %zu images",
                evaluation->fold_count, settings->learning.seed, evaluation->count);
    fprintf(out, ", %zu classes; linear SVM", examples->dataset.class_count);
    if (evaluation->on_vectors)
        fprintf(out, ", by %s", training_solver(true));
    if (settings->views.count < 2)
        augmentation_describe(&comparing->lineup.augmentation, "\n", out);
    fputs("\n\n", out);
    fputs("accuracy   95 % interval   against the best         p\n", out);
}

/* "12 mobilenet_v2.onnx layer avg, C = 1, l2, views both", but only what is not the same for
 * all. */
static void write_name(const struct comparing *comparing, const struct candidate *candidate,
                       FILE *out)
{
    const struct feature_set *features = candidate->representation->examples.features;
    size_t costs, normalizations;
    char text[256];

    feature_set_describe(features, text, sizeof text);
    fprintf(out, "%" PRId64 ": ", features->id);
    display_write(out, text);
    costs_of(comparing->settings, &costs);
    normalizations_of(comparing->settings, &normalizations);
    if (costs > 1)
        fprintf(out, ", C = %s", candidate->learning.cost);
    if (normalizations > 1)
        fprintf(out, ", %s", candidate->learning.normalize);
    if (comparing->settings->views.count > 1)
        fprintf(out, ", views %s", candidate->learning.views);
    fputc('\n', out);
}

static void write_entry(const struct comparing *comparing, size_t place, FILE *out)
{
    const struct comparison_entry *entry = &comparing->comparison.entries[place];
    const struct evaluation *evaluation = &comparing->evaluations[entry->evaluation];

    fprintf(out, "%6.1f %%   %5.1f to %5.1f   ", 100 * evaluation->metrics.accuracy,
            100 * evaluation->interval.low, 100 * evaluation->interval.high);
    if (place == 0)
        fprintf(out, "%-26s ", "the best");
    else
        fprintf(out, "%+5.1f (%+5.1f to %+5.1f)  %6.4f  ", 100 * entry->test.difference,
                100 * entry->test.interval.low, 100 * entry->test.interval.high,
                entry->adjusted);
    fprintf(out, "%s", place == 0 ? "      " : entry->tie ? "tie   " : "worse ");
    write_name(comparing, &comparing->lineup.candidates[entry->evaluation], out);
}

static void write_text(const void *context, FILE *out)
{
    const struct comparing *comparing = context;
    const struct comparison *comparison = &comparing->comparison;
    size_t ties = 0;

    write_heading(comparing, out);
    for (size_t i = 0; i < comparison->count; i++) {
        write_entry(comparing, i, out);
        ties += i > 0 && comparison->entries[i].tie;
    }
    fprintf(out, "\n%s%s; a tie: p above %g\n",
            comparison->exact ? "exact McNemar test on the images"
                              : "corrected resampled t-test on the folds (Nadeau and Bengio 2003)",
            comparison->count > 2 ? ", p for all tests together (Holm)" : "", COMPARISON_LEVEL);
    if (ties + 1 == comparison->count)
        fputs("All are tied: these images do not tell them apart.\n", out);
    else if (ties > 0)
        fprintf(out, "%zu tied with the best: choose by cost.\n", ties);
}

static int publish(struct comparing *comparing, struct error *error)
{
    const struct settings *settings = comparing->settings;
    const struct lineup *lineup = &comparing->lineup;
    const struct examples *examples = &lineup->representations[0].examples;
    struct command_scores *scores = memory_allocate(lineup->count, sizeof *scores, error);
    struct command_result result = {
        .command = "compare",
        .features = lineup->feature_count == 1 ? lineup->features[0] : NULL,
        .dataset = &examples->dataset,
        .record = !settings->learning.no_record,
        .scores = scores,
        .score_count = lineup->count,
        .context = comparing,
        .write_settings = write_settings,
        .write_json = write_json,
        .write_text = write_text,
    };
    int outcome;

    if (scores == NULL)
        return FAILED;
    for (size_t i = 0; i < lineup->count; i++)
        scores[i] = (struct command_scores){
            &comparing->evaluations[i], &lineup->candidates[i].representation->examples.dataset,
        };
    if (settings->shared.rehearsal == NULL) {
        examples_note(examples, comparing->streams->notes);
        if (lineup->left_aside > 0)
            fprintf(comparing->streams->notes, "%zu image%s left aside: not in all of the feature "
                    "sets\n", lineup->left_aside, lineup->left_aside == 1 ? "" : "s");
    }
    outcome = command_publish(&settings->shared, &result, comparing->streams, error);
    free(scores);
    return outcome;
}

/* ---- the command ------------------------------------------------------------------------ */

static int compare(struct comparing *comparing, const struct command_database *database,
                   struct error *error)
{
    const struct settings *settings = comparing->settings;
    struct lineup_request request = {
        .path = settings->shared.database,
        .database = database,
        .learning = &settings->learning,
        .protocol = &settings->protocol,
        .parallel = comparing->parallel,
        .features = settings->features.items,
        .feature_count = settings->features.count,
    };

    request.costs = costs_of(settings, &request.cost_count);
    request.normalizations = normalizations_of(settings, &request.normalization_count);
    request.views = views_of(settings, &request.view_count);
    if (lineup_create(&request, &comparing->lineup, error) < 0 ||
        evaluate_all(comparing, error) < 0)
        return FAILED;
    return publish(comparing, error);
}

static void comparing_release(struct comparing *comparing)
{
    comparison_release(&comparing->comparison);
    for (size_t i = 0; i < comparing->evaluated; i++)
        evaluation_release(&comparing->evaluations[i]);
    free(comparing->evaluations);
    lineup_release(&comparing->lineup);
    parallel_free(comparing->parallel);
}

static int run(const void *opaque, const struct text_list *operands,
               const struct command_streams *streams, struct error *error)
{
    const struct settings *settings = opaque;
    struct command_database database = {0};
    struct comparing comparing = {.settings = settings, .streams = streams};
    int outcome = FAILED;

    (void)operands;
    if (check_settings(settings, error) < 0)
        return COMMAND_USAGE;
    if (command_database_open(&settings->shared, &database, error) == 0 &&
        parallel_create(settings->learning.threads, &comparing.parallel, error) == 0)
        outcome = compare(&comparing, &database, error);
    comparing_release(&comparing);
    command_database_close(&database);
    return outcome;
}

const struct command command_compare = {
    .name = "compare",
    .operands = "",
    .summary = "feature sets or settings on the same folds, and whether it is luck",
    .details =
        "Evaluates every feature set with every --cost, --normalize and --views that are given,\n"
        "all on the same images and folds, and prints one table, the best first, with the\n"
        "difference to the best, its 95 % interval and p. What is not told apart is called a tie.\n"
        "\n"
        "With folds it is the corrected resampled t-test on the folds' differences (Nadeau and\n"
        "Bengio 2003); with --train-split or --leave-one-out McNemar's exact test on the images,\n"
        "with Newcombe's interval. Where more than two are compared, p is corrected for the\n"
        "number of tests (Holm 1979).\n"
        "\n"
        "Which layer to cut at: bottleneck-extract -l A -l B -l C ..., then compare.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};
