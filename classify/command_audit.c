/* audit: duplicates, leaks, contradictions, labels that look wrong, images that do not belong. */
#include "classify/command.h"

#include <inttypes.h>
#include <stdlib.h>

#include "classify/audit.h"
#include "classify/display.h"
#include "classify/evaluation.h"
#include "classify/examples.h"
#include "classify/learning.h"
#include "common/json.h"
#include "common/parallel.h"

enum { DEFAULT_MOST = 20 };

struct settings {
    struct command_settings shared;
    struct learning learning;
    struct protocol protocol;
    size_t most;
    bool strict;
};

static const struct settings defaults = {
    .shared = COMMAND_DEFAULTS,
    .learning = LEARNING_DEFAULTS_ON("none"),
    .protocol = PROTOCOL_DEFAULTS,
    .most = DEFAULT_MOST,
};

static const struct option options[] = {
    COMMAND_FIRST_OPTIONS(struct settings),
    PROTOCOL_FOLD_OPTIONS(struct settings),
    LEARNING_SETTING_OPTIONS(struct settings),
    LEARNING_OPTIONS(struct settings),
    {0, "most", OPTION_COUNT, offsetof(struct settings, most), .argument = "N",
     .minimum = 1, .maximum = 1e9, .help = "lines of each kind (default 20; --json has all)"},
    {0, "strict", OPTION_FLAG, offsetof(struct settings, strict),
     .help = "exit status 3 when anything was found"},
    COMMAND_LAST_OPTIONS(struct settings),
};

struct finding {
    const struct settings *settings;
    const struct feature_set *features;
    const struct dataset *dataset;        /* every image, with a label or without */
    const struct dataset *labelled;       /* those with one */
    struct audit audit;
    struct evaluation evaluation;
    struct error not_checked;             /* why labels were not; empty when they were */
};

/* Which groups belong into a list. */
enum kind { IDENTICAL, NEAR, LEAKS, CONTRADICTIONS, KINDS };

static const struct {
    const char *name, *title;
} kinds[KINDS] = {
    [IDENTICAL] = {"identical", "identical files"},
    [NEAR] = {"near_identical", "near-identical images"},
    [LEAKS] = {"leaks", "the same photograph in several splits"},
    [CONTRADICTIONS] = {"contradictions", "the same photograph under several labels"},
};

static bool is_of_kind(const struct audit_group *group, enum kind kind)
{
    switch (kind) {
    case IDENTICAL:
        return group->identical;
    case NEAR:
        return !group->identical;
    case LEAKS:
        return group->splits;
    default:
        return group->labels;
    }
}

static size_t count_kind(const struct audit *audit, enum kind kind)
{
    size_t count = 0;

    for (size_t g = 0; g < audit->group_count; g++)
        count += is_of_kind(&audit->groups[g], kind);
    return count;
}

/* ---- as JSON ---------------------------------------------------------------------------- */

static void json_sample(const struct dataset_sample *sample, const char *key, struct json *json)
{
    json_open(json, key, '{');
    json_text(json, "path", sample->path);
    json_text(json, "label", sample->label);
    json_text(json, "split", sample->split);
    json_close(json);
}

static void json_groups(const struct finding *finding, enum kind kind, struct json *json)
{
    const struct audit *audit = &finding->audit;

    json_open(json, kinds[kind].name, '[');
    for (size_t g = 0; g < audit->group_count; g++) {
        const struct audit_group *group = &audit->groups[g];

        if (!is_of_kind(group, kind))
            continue;
        json_open(json, NULL, '{');
        json_boolean(json, "identical", group->identical);
        json_real(json, "cosine", 1 - group->distance);
        json_open(json, "images", '[');
        for (size_t m = 0; m < group->size; m++)
            json_sample(&finding->dataset->samples[audit->members[group->start + m]], NULL, json);
        json_close(json);
        json_close(json);
    }
    json_close(json);
}

static void json_suspects(const struct finding *finding, struct json *json)
{
    const struct audit *audit = &finding->audit;

    json_open(json, "suspicious_labels", '[');
    for (size_t i = 0; i < audit->suspect_count; i++) {
        const struct misclassified *suspect = &audit->suspects[i];

        json_open(json, NULL, '{');
        json_text(json, "path", finding->labelled->samples[suspect->sample].path);
        json_text(json, "label", finding->labelled->samples[suspect->sample].label);
        json_text(json, "looks_like", finding->labelled->classes[suspect->predicted]);
        json_real(json, "margin", suspect->margin);
        json_close(json);
    }
    json_close(json);
}

static void json_outliers(const struct finding *finding, struct json *json)
{
    const struct audit *audit = &finding->audit;

    json_open(json, "outliers", '[');
    for (size_t i = 0; i < audit->outlier_count; i++) {
        const struct audit_outlier *outlier = &audit->outliers[i];

        json_open(json, NULL, '{');
        json_text(json, "path", finding->dataset->samples[outlier->sample].path);
        json_text(json, "label", finding->dataset->samples[outlier->sample].label);
        json_text(json, "nearest", finding->dataset->samples[outlier->nearest].path);
        json_real(json, "cosine", 1 - outlier->distance);
        json_close(json);
    }
    json_close(json);
}

static void write_json(const struct finding *finding, FILE *out)
{
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    feature_set_json(finding->features, "feature_set", &json);
    json_integer(&json, "images", (int64_t)finding->dataset->count);
    for (int kind = 0; kind < KINDS; kind++)
        json_groups(finding, (enum kind)kind, &json);
    json_suspects(finding, &json);
    json_text(&json, "labels_not_checked",
              *finding->not_checked.text != '\0' ? finding->not_checked.text : NULL);
    json_outliers(finding, &json);
    json_close(&json);
}

/* ---- as text ---------------------------------------------------------------------------- */

static void write_title(const char *title, size_t count, FILE *out)
{
    if (count == 0)
        fprintf(out, "\n%s: none\n", title);
    else
        fprintf(out, "\n%s: %zu\n", title, count);
}

static void write_rest(size_t shown, size_t count, FILE *out)
{
    if (shown < count)
        fprintf(out, "  ... and %zu more (--most, --json)\n", count - shown);
}

static void write_groups(const struct finding *finding, enum kind kind, FILE *out)
{
    const struct audit *audit = &finding->audit;
    size_t count = count_kind(audit, kind), shown = 0;

    write_title(kinds[kind].title, count, out);
    for (size_t g = 0; g < audit->group_count && shown < finding->settings->most; g++) {
        const struct audit_group *group = &audit->groups[g];

        if (!is_of_kind(group, kind))
            continue;
        shown++;
        for (size_t m = 0; m < group->size; m++) {
            const struct dataset_sample *sample =
                &finding->dataset->samples[audit->members[group->start + m]];

            if (m > 0)
                fputs("          ", out);
            else if (group->identical)
                fputs("    same  ", out);
            else
                fprintf(out, "  %6.4f  ", 1 - group->distance);
            display_write(out, sample->path);
            if (kind == CONTRADICTIONS) {
                fputs("  (", out);
                display_write(out, sample->label != NULL ? sample->label : "no label");
                fputc(')', out);
            }
            fputc('\n', out);
        }
    }
    write_rest(shown, count, out);
}

static void write_suspects(const struct finding *finding, FILE *out)
{
    const struct audit *audit = &finding->audit;
    const struct dataset *dataset = finding->labelled;
    size_t shown = 0;

    if (*finding->not_checked.text != '\0') {
        fprintf(out, "\nlabels not checked: %s\n", finding->not_checked.text);
        return;
    }
    write_title("labels that look wrong, the most suspicious first", audit->suspect_count, out);
    for (; shown < audit->suspect_count && shown < finding->settings->most; shown++) {
        const struct misclassified *suspect = &audit->suspects[shown];

        fprintf(out, "  %+6.2f  ", suspect->margin);
        display_write(out, dataset->samples[suspect->sample].path);
        fputs("  labelled ", out);
        display_write(out, dataset->samples[suspect->sample].label);
        fputs(", looks like ", out);
        display_write(out, dataset->classes[suspect->predicted]);
        fputc('\n', out);
    }
    write_rest(shown, audit->suspect_count, out);
}

static void write_outliers(const struct finding *finding, FILE *out)
{
    const struct audit *audit = &finding->audit;
    size_t shown = 0;

    write_title("far from every other image", audit->outlier_count, out);
    for (; shown < audit->outlier_count && shown < finding->settings->most; shown++) {
        fprintf(out, "  %6.4f  ", 1 - audit->outliers[shown].distance);
        display_write(out, finding->dataset->samples[audit->outliers[shown].sample].path);
        fputc('\n', out);
    }
    write_rest(shown, audit->outlier_count, out);
}

static void write_text(const struct finding *finding, FILE *out)
{
    char set[256];

    feature_set_describe(finding->features, set, sizeof set);
    display_write(out, set);
    fprintf(out, " (feature set %" PRId64 "); %zu images\n", finding->features->id,
            finding->dataset->count);
    for (int kind = 0; kind < KINDS; kind++)
        write_groups(finding, (enum kind)kind, out);
    write_suspects(finding, out);
    write_outliers(finding, out);
}

/* ---- the command ------------------------------------------------------------------------ */

/* Labels are checked by classifiers that have not seen the image. Where that cannot be, the reason
 * is part of the result. */
static int check_labels(struct finding *finding, const struct examples *examples,
                        struct parallel *parallel, const struct command_streams *streams,
                        struct error *error)
{
    struct learning_plan plan;
    struct evaluation_settings settings;
    struct command_progress progress;
    int outcome;

    if (learning_resolve(&finding->settings->learning, &examples->dataset, &plan, error) < 0)
        return FAILED;
    settings = protocol_resolve(&finding->settings->protocol, &plan);
    command_progress_start(&progress, streams->notes, "trainings");
    settings.progress = (struct evaluation_progress){command_progress_show, &progress};
    outcome = examples_evaluate(examples, &settings, parallel, &finding->evaluation,
                                &finding->not_checked);
    command_progress_end(&progress);
    learning_plan_release(&plan);
    if (outcome < 0)
        return 0;
    finding->not_checked.text[0] = '\0';
    return audit_labels(&examples->dataset, &finding->evaluation, &finding->audit, error);
}

static bool found_anything(const struct audit *audit)
{
    return audit->group_count > 0 || audit->suspect_count > 0 || audit->outlier_count > 0;
}

static int report_findings(const struct finding *finding, const struct command_streams *streams)
{
    if (finding->settings->shared.json)
        write_json(finding, streams->out);
    else
        write_text(finding, streams->out);
    return finding->settings->strict && found_anything(&finding->audit) ? EXIT_PARTIAL : EXIT_OK;
}

static int audit_database(const struct examples_request *request, struct finding *finding,
                          const struct command_streams *streams, struct error *error)
{
    const struct dataset_request everything = {
        .feature_set = request->features,
        .normalize = normalize_find(request->learning->normalize),
        .parallel = request->parallel,
    };
    struct dataset dataset = {0};
    struct examples examples = {0};
    int outcome = FAILED;

    if (dataset_load(request->database->store, &everything, &dataset, error) < 0 ||
        audit_photographs(&dataset, request->parallel, &finding->audit, error) < 0 ||
        examples_load(request, &examples, error) < 0)
        goto out;
    finding->features = request->features;
    finding->dataset = &dataset;
    finding->labelled = &examples.dataset;
    if (check_labels(finding, &examples, request->parallel, streams, error) == 0)
        outcome = report_findings(finding, streams);
out:
    audit_release(&finding->audit);
    evaluation_release(&finding->evaluation);
    examples_release(&examples);
    dataset_release(&dataset);
    return outcome;
}

static int run(const void *opaque, const struct text_list *operands,
               const struct command_streams *streams, struct error *error)
{
    const struct settings *settings = opaque;
    struct command_database database = {0};
    struct examples_request request = {
        .database = &database, .learning = &settings->learning, .protocol = &settings->protocol,
    };
    struct finding finding = {.settings = settings};
    int outcome = FAILED;

    (void)operands;
    if (learning_check(&settings->learning, error) < 0)
        return COMMAND_USAGE;
    if (command_database_open(&settings->shared, &database, error) == 0 &&
        feature_sets_choose(&database.sets, settings->shared.features, settings->shared.database,
                            &request.features, error) == 0 &&
        parallel_create(settings->learning.threads, &request.parallel, error) == 0)
        outcome = audit_database(&request, &finding, streams, error);
    parallel_free(request.parallel);
    command_database_close(&database);
    return outcome;
}

const struct command command_audit = {
    .name = "audit",
    .operands = "",
    .summary = "duplicates, leaks, labels that look wrong, images that do not belong",
    .details =
        "Finds identical files; near-identical images (the same photograph saved again or scaled,\n"
        "or its neighbour in a burst), by the cosine of their vectors against that of the images\n"
        "around them; both where they stand in several splits, or under several labels; labels\n"
        "that look wrong: images that no classifier trained on the others takes for what they are\n"
        "labelled, in any repeat; and images far from every other one. A finding is a reason to\n"
        "look, not a verdict.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};
