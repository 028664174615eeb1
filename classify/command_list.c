/* list: what the database holds. */
#include "classify/command.h"

#include <inttypes.h>

#include "classify/augmentation.h"
#include "classify/display.h"
#include "common/json.h"

struct settings {
    struct command_settings shared;
};

static const struct settings defaults = {.shared = COMMAND_DEFAULTS};

static const struct option options[] = {
    COMMAND_FIRST_OPTIONS(struct settings),
    COMMAND_LAST_OPTIONS(struct settings),
};

/* Where a row of the listing goes. */
struct listing {
    FILE *out;
    struct json json;
    size_t rows, samples;
    size_t label_width, split_width;
};

static bool is_wanted(const struct settings *settings, const struct feature_set *set)
{
    return settings->shared.features == 0 || set->id == (int64_t)settings->shared.features;
}

/* ---- text ------------------------------------------------------------------------------- */

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

static int measure_count(void *context, const struct store_count *count, struct error *error)
{
    struct listing *listing = context;
    size_t split = display_width(or_dash(count->split));
    size_t label = display_width(or_dash(count->label));

    (void)error;
    if (split > listing->split_width)
        listing->split_width = split;
    if (label > listing->label_width)
        listing->label_width = label;
    listing->samples += count->samples;
    return 0;
}

static int write_count(void *context, const struct store_count *count, struct error *error)
{
    struct listing *listing = context;

    (void)error;
    if (listing->rows++ == 0) {
        fputc('\n', listing->out);
        display_pad(listing->out, "split", listing->split_width);
        fputs("  ", listing->out);
        display_pad(listing->out, "label", listing->label_width);
        fputs("   images\n", listing->out);
    }
    display_pad(listing->out, or_dash(count->split), listing->split_width);
    fputs("  ", listing->out);
    display_pad(listing->out, or_dash(count->label), listing->label_width);
    fprintf(listing->out, "  %7zu\n", count->samples);
    return 0;
}

static int write_refusal(void *context, const char *path, const char *reason,
                         struct error *error)
{
    struct listing *listing = context;

    (void)error;
    if (listing->rows++ == 0)
        fputs("\nrefused\n", listing->out);
    display_write(listing->out, path);
    fputs(": ", listing->out);
    display_write(listing->out, reason);
    fputc('\n', listing->out);
    return 0;
}

/* "    views: flip, rotate=30 (80 of 120 images)", unless there is the original alone. */
static int write_views(struct store *store, int64_t feature_set, FILE *out, struct error *error)
{
    struct view_counts counts;
    const struct view_count *original;
    size_t written = 0;

    if (view_counts_load(store, feature_set, NULL, false, &counts, error) < 0)
        return FAILED;
    original = view_counts_find(&counts, STORE_VIEW_ORIGINAL);
    for (size_t i = 0; i < counts.count; i++) {
        const struct view_count *one = &counts.items[i];

        if (one == original)
            continue;
        fputs(written++ == 0 ? "    views besides the original: " : " ", out);
        display_write(out, one->name);
        if (original == NULL || one->samples != original->samples)
            fprintf(out, " (%zu of %zu images)", one->samples,
                    original != NULL ? original->samples : 0);
    }
    if (written > 0)
        fputc('\n', out);
    view_counts_release(&counts);
    return 0;
}

static int write_sets(const struct settings *settings, const struct command_database *database,
                      FILE *out, struct error *error)
{
    const struct feature_sets *sets = &database->sets;

    for (size_t i = 0; i < sets->count; i++) {
        const struct feature_set *set = &sets->items[i];
        char described[256];

        if (!is_wanted(settings, set))
            continue;
        feature_set_describe(set, described, sizeof described);
        fprintf(out, "feature set %" PRId64 ": ", set->id);
        display_write(out, described);
        fprintf(out, ", %zu vectors\n    ", set->vectors);
        display_write(out, set->preprocessing);
        fputc('\n', out);
        if (write_views(database->store, set->id, out, error) < 0)
            return FAILED;
    }
    return 0;
}

static int list_text(const struct settings *settings, struct command_database *database,
                     FILE *out, struct error *error)
{
    struct listing listing = {
        .out = out, .split_width = sizeof "split" - 1, .label_width = sizeof "label" - 1,
    };

    if (write_sets(settings, database, out, error) < 0 ||
        store_each_count(database->store, measure_count, &listing, error) < 0 ||
        store_each_count(database->store, write_count, &listing, error) < 0)
        return FAILED;
    if (database->sets.count == 0 && listing.samples == 0)
        fputs("no vectors and no images yet\n", out);
    else
        fprintf(out, "%zu image%s\n", listing.samples, listing.samples == 1 ? "" : "s");
    listing.rows = 0;
    return store_each_refusal(database->store, write_refusal, &listing, error);
}

/* ---- JSON ------------------------------------------------------------------------------- */

static int json_count(void *context, const struct store_count *count, struct error *error)
{
    struct listing *listing = context;

    (void)error;
    json_open(&listing->json, NULL, '{');
    json_text(&listing->json, "split", count->split);
    json_text(&listing->json, "label", count->label);
    json_integer(&listing->json, "images", (int64_t)count->samples);
    json_close(&listing->json);
    return 0;
}

static int json_refusal(void *context, const char *path, const char *reason, struct error *error)
{
    struct listing *listing = context;

    (void)error;
    json_open(&listing->json, NULL, '{');
    json_text(&listing->json, "path", path);
    json_text(&listing->json, "reason", reason);
    json_close(&listing->json);
    return 0;
}

static int json_views(struct store *store, int64_t feature_set, struct json *json,
                      struct error *error)
{
    struct view_counts counts;

    if (view_counts_load(store, feature_set, NULL, false, &counts, error) < 0)
        return FAILED;
    json_open(json, "views", '[');
    for (size_t i = 0; i < counts.count; i++) {
        json_open(json, NULL, '{');
        json_text(json, "view", counts.items[i].name);
        json_integer(json, "images", (int64_t)counts.items[i].samples);
        json_close(json);
    }
    json_close(json);
    view_counts_release(&counts);
    return 0;
}

static int list_json(const struct settings *settings, struct command_database *database,
                     FILE *out, struct error *error)
{
    struct listing listing = {.json = {.out = out}};
    struct json *json = &listing.json;

    json_open(json, NULL, '{');
    json_text(json, "database", settings->shared.database);
    json_open(json, "feature_sets", '[');
    for (size_t i = 0; i < database->sets.count; i++) {
        if (!is_wanted(settings, &database->sets.items[i]))
            continue;
        json_open(json, NULL, '{');
        feature_set_json(&database->sets.items[i], "feature_set", json);
        json_integer(json, "vectors", (int64_t)database->sets.items[i].vectors);
        if (json_views(database->store, database->sets.items[i].id, json, error) < 0)
            return FAILED;
        json_close(json);
    }
    json_close(json);
    json_open(json, "counts", '[');
    if (store_each_count(database->store, json_count, &listing, error) < 0)
        return FAILED;
    json_close(json);
    json_open(json, "refusals", '[');
    if (store_each_refusal(database->store, json_refusal, &listing, error) < 0)
        return FAILED;
    json_close(json);
    json_close(json);
    return 0;
}

static int run(const void *opaque, const struct text_list *operands,
               const struct command_streams *streams, struct error *error)
{
    const struct settings *settings = opaque;
    struct command_database database = {0};
    const struct feature_set *chosen;
    int outcome = command_database_open(&settings->shared, &database, error);

    (void)operands;
    if (outcome == 0 && settings->shared.features > 0)
        outcome = feature_sets_choose(&database.sets, settings->shared.features,
                                      settings->shared.database, &chosen, error);
    if (outcome == 0 && settings->shared.json)
        outcome = list_json(settings, &database, streams->out, error);
    else if (outcome == 0)
        outcome = list_text(settings, &database, streams->out, error);
    command_database_close(&database);
    return outcome;
}

const struct command command_list = {
    .name = "list",
    .operands = "",
    .summary = "feature sets, images per split and label, refused files",
    .details = "Shows what bottleneck-extract has put into the database.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};
