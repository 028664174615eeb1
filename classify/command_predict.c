/* predict: a model's opinion on every image that has the right vectors. */
#include "classify/command.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify/display.h"
#include "classify/model_file.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/parallel.h"
#include "common/paths.h"

struct settings {
    struct command_settings shared;
    const char *split, *views;
    size_t threads;
};

/* What --views takes: how the model was trained is done. */
static const char *const deciding[] = {"none", "both", NULL};

static const struct settings defaults = {.shared = COMMAND_DEFAULTS};

static const struct option options[] = {
    COMMAND_FIRST_OPTIONS(struct settings),
    {'s', "split", OPTION_TEXT, offsetof(struct settings, split), .argument = "NAME",
     .help = "only the images of this split"},
    {0, "views", OPTION_CHOICE, offsetof(struct settings, views), .argument = "WHICH",
     .choices = deciding,
     .help = "none: the originals decide; both: the sum over all views that\n"
             "the model was trained on (default: as it was trained)"},
    COMMAND_THREADS_OPTION(struct settings),
    COMMAND_LAST_OPTIONS(struct settings),
};

/* ---- which images ----------------------------------------------------------------------- */

/* Whether `path` is the named file, or lies in the named folder. */
static bool is_named(const char *path, const char *named)
{
    size_t length = strlen(named);

    if (strcmp(named, ".") == 0)
        return path[0] != '/';
    return strncmp(path, named, length) == 0 &&
           (path[length] == '\0' || path[length] == '/' || named[length - 1] == '/');
}

/* The files and folders that are asked for. */
struct named {
    char **names;  /* [count], as the store has paths; none: everything is asked for */
    bool *found;   /* [count]: there is a vector of it */
    size_t count;
    bool any;      /* there is a vector at all, asked for or not */
};

static void named_release(struct named *named)
{
    for (size_t n = 0; named->names != NULL && n < named->count; n++)
        free(named->names[n]);
    free(named->names);
    free(named->found);
}

static int named_create(const char *const *names, size_t count, struct named *named,
                        struct error *error)
{
    *named = (struct named){
        .names = memory_allocate(count, sizeof *named->names, error),
        .found = memory_allocate(count, sizeof *named->found, error),
    };
    if (named->names == NULL || named->found == NULL)
        return FAILED;
    for (size_t n = 0; n < count; n++) {
        named->names[n] = memory_copy_text(names[n], error);
        if (named->names[n] == NULL)
            return FAILED;
        path_clean(named->names[n]);
        named->count++;
    }
    return 0;
}

/* Fits store_path_filter. */
static bool is_asked_for(void *context, const char *path)
{
    struct named *named = context;
    bool asked = named->count == 0;

    named->any = true;
    for (size_t n = 0; n < named->count; n++)
        if (is_named(path, named->names[n]))
            named->found[n] = asked = true;
    return asked;
}

/* Notes the names that there is no vector for; returns how many. names: as they were given. */
static size_t note_missing(const struct named *named, const char *const *names,
                           const char *database, FILE *notes)
{
    size_t missing = 0;

    for (size_t n = 0; n < named->count; n++) {
        struct error note;

        if (named->found[n])
            continue;
        error_set(&note, "no vector of '%s' in '%s': run bottleneck-extract on it first", names[n],
                  database);
        fprintf(notes, "%s\n", note.text);
        missing++;
    }
    return missing;
}

/* Leaves out the samples that lack a view which decides; each is noted, and counted in *missing. */
static int keep_complete(struct dataset *dataset, FILE *notes, size_t *missing,
                         struct error *error)
{
    bool *keep = memory_allocate(dataset->count, sizeof *keep, error);

    if (keep == NULL)
        return FAILED;
    for (size_t i = 0; i < dataset->count; i++) {
        struct error note;

        keep[i] = !dataset->samples[i].incomplete;
        if (keep[i])
            continue;
        error_set(&note, "'%s' lacks views that the model decides by: run bottleneck-extract with "
                  "them on it, or say --views none", dataset->samples[i].path);
        fprintf(notes, "%s\n", note.text);
        ++*missing;
    }
    dataset_keep(dataset, keep);
    free(keep);
    return 0;
}

/* ---- deciding --------------------------------------------------------------------------- */

struct prediction {
    const struct model *model;
    const struct dataset *dataset;
    double *decisions;  /* [workers][decisions] */
    double *scratch;    /* [workers][probabilities_scratch(classes)] */
    double *scores;     /* [count][classes] */
    double *probabilities;  /* [count][classes]; NULL: the model gives none */
    size_t *classes;    /* [count] */
};

static void predict_sample(void *context, size_t task, size_t worker)
{
    struct prediction *prediction = context;
    const struct linear *linear = &prediction->model->linear;
    const struct dataset *dataset = prediction->dataset;
    double *decisions = prediction->decisions + worker * linear->decisions;

    linear_decide_mean(linear, dataset_rows(dataset) +
                                   task * dataset_views(dataset) * linear->dimension,
                       dataset_deciding(dataset), decisions);
    prediction->classes[task] = linear_vote(linear, decisions,
                                            prediction->scores + task * linear->classes);
    if (prediction->probabilities != NULL)
        probabilities_couple(linear->strategy, linear->classes, prediction->model->sigmoids,
                             decisions,
                             prediction->scratch + worker * probabilities_scratch(linear->classes),
                             prediction->probabilities + task * linear->classes);
}

static void prediction_release(struct prediction *prediction)
{
    free(prediction->decisions);
    free(prediction->scratch);
    free(prediction->scores);
    free(prediction->probabilities);
    free(prediction->classes);
}

static int allocate_probabilities(struct prediction *prediction, size_t workers, size_t scores,
                                  struct error *error)
{
    size_t scratch;

    if (prediction->model->sigmoids == NULL)
        return 0;
    if (!size_multiply(workers, probabilities_scratch(prediction->model->linear.classes),
                       &scratch))
        return error_no_memory(error);
    prediction->scratch = memory_allocate(scratch, sizeof *prediction->scratch, error);
    prediction->probabilities = memory_allocate(scores, sizeof *prediction->probabilities, error);
    return prediction->scratch != NULL && prediction->probabilities != NULL ? 0 : FAILED;
}

static int predict_all(struct prediction *prediction, struct parallel *parallel,
                       struct error *error)
{
    const struct linear *linear = &prediction->model->linear;
    size_t count = prediction->dataset->count, decisions, scores;

    if (!size_multiply(parallel_threads(parallel), linear->decisions, &decisions) ||
        !size_multiply(count, linear->classes, &scores))
        return error_no_memory(error);
    prediction->decisions = memory_allocate(decisions, sizeof *prediction->decisions, error);
    prediction->scores = memory_allocate(scores, sizeof *prediction->scores, error);
    prediction->classes = memory_allocate(count, sizeof *prediction->classes, error);
    if (prediction->decisions == NULL || prediction->scores == NULL ||
        prediction->classes == NULL ||
        allocate_probabilities(prediction, parallel_threads(parallel), scores, error) < 0)
        return FAILED;
    parallel_for(parallel, count, predict_sample, prediction);
    return 0;
}

/* ---- writing ---------------------------------------------------------------------------- */

static void write_table(const struct prediction *prediction, FILE *out)
{
    const struct model *model = prediction->model;

    fputs("path\tpredicted", out);
    for (size_t class = 0; class < model->linear.classes; class++) {
        fputc('\t', out);
        display_write(out, model->labels[class]);
    }
    for (size_t class = 0; prediction->probabilities != NULL && class < model->linear.classes;
         class++) {
        fputs("\tP ", out);
        display_write(out, model->labels[class]);
    }
    fputc('\n', out);
    for (size_t i = 0; i < prediction->dataset->count; i++) {
        display_write(out, prediction->dataset->samples[i].path);
        fputc('\t', out);
        display_write(out, model->labels[prediction->classes[i]]);
        for (size_t class = 0; class < model->linear.classes; class++)
            fprintf(out, "\t%.9g", prediction->scores[i * model->linear.classes + class]);
        for (size_t class = 0; prediction->probabilities != NULL && class < model->linear.classes;
             class++)
            fprintf(out, "\t%.6f", prediction->probabilities[i * model->linear.classes + class]);
        fputc('\n', out);
    }
}

static void write_probabilities(const struct prediction *prediction, size_t sample,
                                struct json *json)
{
    size_t classes = prediction->model->linear.classes;

    json_open(json, "probabilities", '[');
    for (size_t class = 0; class < classes; class++)
        json_real(json, NULL, prediction->probabilities[sample * classes + class]);
    json_close(json);
}

static void write_json(const struct settings *settings, const char *model_path,
                       const struct prediction *prediction, const struct feature_set *features,
                       const struct augmentation *augmentation, FILE *out)
{
    const struct model *model = prediction->model;
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    json_text(&json, "database", settings->shared.database);
    json_text(&json, "model", model_path);
    json_text(&json, "split", settings->split);
    augmentation_json(augmentation, &json);
    feature_set_json(features, "feature_set", &json);
    json_open(&json, "classes", '[');
    for (size_t class = 0; class < model->linear.classes; class++)
        json_text(&json, NULL, model->labels[class]);
    json_close(&json);
    json_open(&json, "predictions", '[');
    for (size_t i = 0; i < prediction->dataset->count; i++) {
        json_open(&json, NULL, '{');
        json_text(&json, "path", prediction->dataset->samples[i].path);
        json_text(&json, "label", prediction->dataset->samples[i].label);
        json_text(&json, "predicted", model->labels[prediction->classes[i]]);
        json_open(&json, "scores", '[');
        for (size_t class = 0; class < model->linear.classes; class++)
            json_real(&json, NULL, prediction->scores[i * model->linear.classes + class]);
        json_close(&json);
        if (prediction->probabilities != NULL)
            write_probabilities(prediction, i, &json);
        json_close(&json);
    }
    json_close(&json);
    json_close(&json);
}

/* ---- the command ------------------------------------------------------------------------ */

/* Loads what is asked for; at least one sample, or FAILED. */
static int load(const struct settings *settings, const struct text_list *operands,
                struct command_database *database, struct dataset_request *request,
                struct dataset *dataset, size_t *missing, FILE *notes, struct error *error)
{
    struct named named = {0};
    int outcome = FAILED;

    request->wanted = is_asked_for;
    request->wanted_context = &named;
    if (named_create(operands->items + 1, operands->count - 1, &named, error) < 0 ||
        dataset_load(database->store, request, dataset, error) < 0)
        goto out;
    if (!named.any && settings->split != NULL) {
        command_no_split(database->store, settings->split, error);
        goto out;
    }
    *missing = note_missing(&named, operands->items + 1, settings->shared.database, notes);
    if (keep_complete(dataset, notes, missing, error) < 0)
        goto out;
    if (dataset->count > 0)
        outcome = 0;
    else
        error_set(error, "nothing to predict: '%s' has no vectors of %s",
                  settings->shared.database, named.count > 0 ? "these paths" : "any image");
out:
    named_release(&named);
    return outcome;
}

/* The views that decide; of a model that was trained on views only the use changes. */
static int choose_views(const struct settings *settings, const char *model,
                        struct augmentation *augmentation, struct error *error)
{
    if (settings->views != NULL && strcmp(settings->views, "both") == 0) {
        if (augmentation->use == AUGMENT_NONE)
            return error_set(error, "--views both: '%s' was trained on originals alone", model);
        augmentation->use = AUGMENT_BOTH;
    } else if (settings->views != NULL) {
        augmentation->use = AUGMENT_NONE;
    }
    if (augmentation->use != AUGMENT_BOTH)
        augmentation->count = 0;
    return 0;
}

static int predict(const struct settings *settings, const struct text_list *operands,
                   struct command_database *database, const struct model *model,
                   const struct command_streams *streams, struct error *error)
{
    struct augmentation augmentation = model->augmentation;
    struct dataset_request request = {
        .normalize = model->normalize, .splits = {settings->split},
        .augmentation = &augmentation, .allow_incomplete = true,
    };
    struct dataset dataset = {0};
    struct prediction prediction = {.model = model, .dataset = &dataset};
    struct parallel *parallel = NULL;
    int outcome = FAILED;
    size_t missing = 0;

    if (choose_views(settings, operands->items[0], &augmentation, error) < 0 ||
        feature_sets_match(&database->sets, &model->features, settings->shared.features,
                           settings->shared.database, &request.feature_set, error) < 0 ||
        parallel_create(settings->threads, &parallel, error) < 0)
        goto out;
    request.parallel = parallel;
    if (load(settings, operands, database, &request, &dataset, &missing, streams->notes,
             error) < 0 ||
        predict_all(&prediction, parallel, error) < 0)
        goto out;
    if (settings->shared.json)
        write_json(settings, operands->items[0], &prediction, request.feature_set, &augmentation,
                   streams->out);
    else
        write_table(&prediction, streams->out);
    outcome = missing > 0 ? EXIT_PARTIAL : EXIT_OK;
out:
    prediction_release(&prediction);
    dataset_release(&dataset);
    parallel_free(parallel);
    return outcome;
}

static int run(const void *opaque, const struct text_list *operands,
               const struct command_streams *streams, struct error *error)
{
    const struct settings *settings = opaque;
    struct command_database database = {0};
    struct model model = {0};
    int outcome;

    if (operands->count == 0) {
        error_set(error, "no model named");
        return COMMAND_USAGE;
    }
    outcome = model_read(operands->items[0], &model, error);
    if (outcome == 0)
        outcome = command_database_open(&settings->shared, &database, error);
    if (outcome == 0)
        outcome = predict(settings, operands, &database, &model, streams, error);
    command_database_close(&database);
    model_release(&model);
    return outcome;
}

const struct command command_predict = {
    .name = "predict",
    .operands = "MODEL [PATH...]",
    .summary = "what a model says about the images of the database",
    .details =
        "Classifies every image that has vectors of the model's feature set, or those of a\n"
        "split, or the files and folders named; bottleneck-extract comes first. One line an\n"
        "image, as tab-separated values with a header: path, predicted label, and a score per\n"
        "class, higher for the likelier one (--json has all of its digits). With two classes the\n"
        "score is the signed decision; with more, it counts the decisions that a class wins\n"
        "against the others, plus less than 1/3 by how far. A model trained with --probability\n"
        "adds a column 'P label' per class; the predicted label is still that of the scores.\n"
        "A model trained with '--views both' decides by all of these views of an image.\n"
        "In paths and labels, tab, newline, carriage return and backslash are written as \\t,\n"
        "\\n, \\r and \\\\, other control characters as \\xNN.\n"
        "Exit status 3 says that some of the paths named have no vectors.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .most_operands = SIZE_MAX,
    .run = run,
};
