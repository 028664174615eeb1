/* curve: accuracy against the number of images trained on, and whether more would help. */
#include "classify/command.h"

#include <inttypes.h>
#include <stdlib.h>

#include "classify/comparison.h"
#include "classify/display.h"
#include "classify/evaluation.h"
#include "classify/examples.h"
#include "classify/learning.h"
#include "classify/report.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/parallel.h"

enum {
    MOST_POINTS = 32,  /* each has twice as many images as the one before */
    BAR = 30           /* columns */
};

/* From here on there is nothing that more images could change. */
static const double perfect = 0.995;

struct settings {
    struct command_settings shared;
    struct learning learning;
    struct protocol protocol;
};

static const struct settings defaults = {
    .shared = COMMAND_DEFAULTS,
    .learning = LEARNING_DEFAULTS,
    .protocol = PROTOCOL_DEFAULTS,
};

static const struct option options[] = {
    COMMAND_FIRST_OPTIONS(struct settings),
    PROTOCOL_FOLD_OPTIONS(struct settings),
    LEARNING_SETTING_OPTIONS(struct settings),
    LEARNING_OPTIONS(struct settings),
    LEARNING_VIEWS_OPTIONS(struct settings),
    LEARNING_RECORD_OPTION(struct settings),
    COMMAND_LAST_OPTIONS(struct settings),
};

struct curve {
    const struct settings *settings;
    const struct examples *examples;
    size_t count;
    size_t limits[MOST_POINTS];                  /* images of a class, ascending */
    struct evaluation evaluations[MOST_POINTS];  /* [count] */
    struct paired_test gain;                     /* of the last doubling */
};

/* The numbers of images: as many as the smallest class has in a training part, and halves of it,
 * down to one. */
static int choose_limits(struct curve *curve, size_t folds, struct error *error)
{
    const struct dataset *dataset = &curve->examples->dataset;
    size_t *sizes = memory_allocate(dataset->class_count, sizeof *sizes, error);
    size_t smallest = SIZE_MAX, limit;

    if (sizes == NULL)
        return FAILED;
    for (size_t i = 0; i < dataset->count; i++)
        sizes[dataset->samples[i].class]++;
    for (size_t class = 0; class < dataset->class_count; class++)
        smallest = sizes[class] < smallest ? sizes[class] : smallest;
    free(sizes);
    smallest = dataset->class_count > 0 ? smallest - (smallest + folds - 1) / folds : 0;
    if (smallest < 2)
        return error_set(error, "too few images for a curve: the smallest class has %zu in a "
                         "training part; at least 2 are needed", smallest);
    for (limit = smallest; limit > 0; limit /= 2)
        curve->count++;
    limit = smallest;
    for (size_t point = curve->count; point > 0; point--) {
        curve->limits[point - 1] = limit;
        limit /= 2;
    }
    return 0;
}

static int evaluate_points(struct curve *curve, const struct learning_plan *plan,
                           struct parallel *parallel, const struct command_streams *streams,
                           struct error *error)
{
    struct evaluation_settings settings = protocol_resolve(&curve->settings->protocol, plan);
    struct command_progress progress;
    int outcome = choose_limits(curve, settings.folds, error);

    command_progress_start(&progress, streams->notes, "trainings");
    settings.progress = (struct evaluation_progress){command_progress_show, &progress};
    for (size_t point = 0; point < curve->count && outcome == 0; point++) {
        char note[64];

        snprintf(note, sizeof note, "point %zu of %zu", point + 1, curve->count);
        progress.note = note;
        settings.limit = curve->limits[point];
        outcome = examples_evaluate(curve->examples, &settings, parallel,
                                    &curve->evaluations[point], error);
    }
    command_progress_end(&progress);
    if (outcome < 0)
        return FAILED;
    return comparison_test(&curve->evaluations[curve->count - 2],
                           &curve->evaluations[curve->count - 1], &curve->examples->dataset,
                           &curve->gain, error);
}

/* ---- writing ---------------------------------------------------------------------------- */

static void write_settings(const void *context, FILE *out)
{
    const struct curve *curve = context;
    const struct settings *settings = curve->settings;
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    protocol_json(&settings->protocol, &settings->learning, &json);
    learning_json(&settings->learning, &json);
    augmentation_json(&curve->examples->augmentation, &json);
    json_open(&json, "arguments", '[');
    learning_arguments(&settings->learning, &json);
    augmentation_arguments(&curve->examples->augmentation, &json);
    learning_setting_arguments(&settings->learning, &json);
    protocol_arguments(&settings->protocol, &json);
    json_close(&json);
    json_close(&json);
}

/* What the last doubling of the images says about the next one. */
enum outlook { OUTLOOK_PERFECT, OUTLOOK_MORE, OUTLOOK_FLAT };

static const char *const outlook_names[] = {
    [OUTLOOK_PERFECT] = "nothing left to gain",
    [OUTLOOK_MORE] = "more images are likely to help",
    [OUTLOOK_FLAT] = "more images are not likely to help much",
};

static enum outlook outlook_of(const struct curve *curve)
{
    if (curve->evaluations[curve->count - 1].metrics.accuracy >= perfect)
        return OUTLOOK_PERFECT;
    return curve->gain.difference > 0 && curve->gain.p <= COMPARISON_LEVEL ? OUTLOOK_MORE
                                                                           : OUTLOOK_FLAT;
}

static void json_point(const struct curve *curve, size_t point, struct json *json)
{
    const struct evaluation *evaluation = &curve->evaluations[point];

    json_open(json, NULL, '{');
    json_integer(json, "images_per_class", (int64_t)curve->limits[point]);
    json_real(json, "accuracy", evaluation->metrics.accuracy);
    json_integer(json, "correct", (int64_t)evaluation->metrics.correct);
    json_integer(json, "total", (int64_t)evaluation->metrics.total);
    json_real(json, "accuracy_low", evaluation->interval.low);
    json_real(json, "accuracy_high", evaluation->interval.high);
    json_text(json, "interval", report_interval_name(evaluation->method));
    json_real(json, "balanced_accuracy", evaluation->metrics.balanced_accuracy);
    json_close(json);
}

static void write_json(const void *context, FILE *out)
{
    const struct curve *curve = context;
    const struct dataset *dataset = &curve->examples->dataset;
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    feature_set_json(curve->examples->features, "feature_set", &json);
    protocol_json(&curve->settings->protocol, &curve->settings->learning, &json);
    learning_json(&curve->settings->learning, &json);
    augmentation_json(&curve->examples->augmentation, &json);
    json_text(&json, "solver", training_solver(curve->evaluations[0].on_vectors));
    json_integer(&json, "images", (int64_t)dataset->count);
    json_open(&json, "classes", '[');
    for (size_t class = 0; class < dataset->class_count; class++)
        json_text(&json, NULL, dataset->classes[class]);
    json_close(&json);
    json_open(&json, "points", '[');
    for (size_t point = 0; point < curve->count; point++)
        json_point(curve, point, &json);
    json_close(&json);
    json_open(&json, "last_doubling", '{');
    json_real(&json, "difference", curve->gain.difference);
    json_real(&json, "difference_low", curve->gain.interval.low);
    json_real(&json, "difference_high", curve->gain.interval.high);
    json_real(&json, "p", curve->gain.p);
    json_close(&json);
    json_text(&json, "outlook", outlook_names[outlook_of(curve)]);
    json_integer(&json, "unlabelled", (int64_t)dataset->unlabelled);
    json_integer(&json, "near_identical", (int64_t)curve->examples->near_identical);
    json_close(&json);
}

static void write_point(const struct curve *curve, size_t point, FILE *out)
{
    const struct evaluation *evaluation = &curve->evaluations[point];
    int bar = (int)(evaluation->metrics.accuracy * BAR + 0.5);

    fprintf(out, "%14zu   %6.1f %%   %5.1f to %5.1f   ", curve->limits[point],
            100 * evaluation->metrics.accuracy, 100 * evaluation->interval.low,
            100 * evaluation->interval.high);
    for (int column = 0; column < bar; column++)
        fputc('#', out);
    fputc('\n', out);
}

static void write_outlook(const struct curve *curve, FILE *out)
{
    const struct paired_test *gain = &curve->gain;

    fprintf(out, "\nFrom %zu to %zu images a class the accuracy changed by %+.1f points "
            "(%+.1f to %+.1f, p = %.4f): %s.\n", curve->limits[curve->count - 2],
            curve->limits[curve->count - 1], 100 * gain->difference, 100 * gain->interval.low,
            100 * gain->interval.high, gain->p, outlook_names[outlook_of(curve)]);
}

static void write_text(const void *context, FILE *out)
{
    const struct curve *curve = context;
    const struct evaluation *evaluation = &curve->evaluations[0];
    const struct feature_set *features = curve->examples->features;
    char set[256];

    feature_set_describe(features, set, sizeof set);
    display_write(out, set);
    fprintf(out, " (feature set %" PRId64 ")\n%zu trainings a point, seed %zu; %zu images, %zu "
            "classes; ", features->id, evaluation->fold_count, curve->settings->learning.seed,
            evaluation->count, evaluation->classes);
    learning_describe(&curve->settings->learning, evaluation->on_vectors, out);
    augmentation_describe(&curve->examples->augmentation, "\n", out);
    fputs("\n\nimages a class   accuracy   95 % interval\n", out);
    for (size_t point = 0; point < curve->count; point++)
        write_point(curve, point, out);
    write_outlook(curve, out);
}

static int publish(const struct curve *curve, const struct command_streams *streams,
                   struct error *error)
{
    const struct settings *settings = curve->settings;
    struct command_scores scores[MOST_POINTS];
    const struct command_result result = {
        .command = "curve",
        .features = curve->examples->features,
        .dataset = &curve->examples->dataset,
        .record = !settings->learning.no_record,
        .scores = scores,
        .score_count = curve->count,
        .context = curve,
        .write_settings = write_settings,
        .write_json = write_json,
        .write_text = write_text,
    };

    for (size_t point = 0; point < curve->count; point++)
        scores[point] = (struct command_scores){&curve->evaluations[point],
                                                &curve->examples->dataset};
    if (settings->shared.rehearsal == NULL)
        examples_note(curve->examples, streams->notes);
    return command_publish(&settings->shared, &result, streams, error);
}

/* ---- the command ------------------------------------------------------------------------ */

static int draw(const struct settings *settings, const struct examples *examples,
                struct parallel *parallel, const struct command_streams *streams,
                struct error *error)
{
    struct curve *curve = memory_allocate(1, sizeof *curve, error);
    struct learning_plan plan = {0};
    int outcome = FAILED;

    if (curve == NULL)
        return FAILED;
    curve->settings = settings;
    curve->examples = examples;
    if (learning_resolve(&settings->learning, &examples->dataset, &plan, error) == 0 &&
        evaluate_points(curve, &plan, parallel, streams, error) == 0)
        outcome = publish(curve, streams, error);
    for (size_t point = 0; point < curve->count; point++)
        evaluation_release(&curve->evaluations[point]);
    learning_plan_release(&plan);
    free(curve);
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
    struct examples examples = {0};
    int outcome = FAILED;

    (void)operands;
    if (learning_check(&settings->learning, error) < 0)
        return COMMAND_USAGE;
    if (command_database_open(&settings->shared, &database, error) == 0 &&
        feature_sets_choose(&database.sets, settings->shared.features, settings->shared.database,
                            &request.features, error) == 0 &&
        parallel_create(settings->learning.threads, &request.parallel, error) == 0 &&
        examples_load(&request, &examples, error) == 0)
        outcome = draw(settings, &examples, request.parallel, streams, error);
    examples_release(&examples);
    parallel_free(request.parallel);
    command_database_close(&database);
    return outcome;
}

const struct command command_curve = {
    .name = "curve",
    .operands = "",
    .summary = "accuracy against the number of images, and whether more would help",
    .details =
        "Evaluates with ever more training images of each class, each time twice as many, up to\n"
        "what the smallest class has; always tested on the same folds, the images of a smaller\n"
        "number among those of a larger one. The last doubling is tested by the corrected\n"
        "resampled t-test (Nadeau and Bengio 2003): what it brought is the best guess at what the\n"
        "next one would.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};
