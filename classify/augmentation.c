#include "classify/augmentation.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

const char *const augment_names[] = {
    [AUGMENT_NONE] = "none", [AUGMENT_TRAIN] = "train", [AUGMENT_BOTH] = "both", NULL,
};

enum augment augment_find(const char *name)
{
    size_t i = 0;

    while (strcmp(augment_names[i], name) != 0)
        i++;
    return (enum augment)i;
}

void augmentation_release(struct augmentation *augmentation)
{
    for (size_t i = 0; i < augmentation->count; i++)
        free(augmentation->views[i]);
    free(augmentation->views);
    *augmentation = (struct augmentation){0};
}

int augmentation_copy(const struct augmentation *augmentation, struct augmentation *copy,
                      struct error *error)
{
    *copy = (struct augmentation){
        .use = augmentation->use, .left_aside = augmentation->left_aside,
        .views = memory_allocate(augmentation->count, sizeof *copy->views, error),
    };
    while (copy->views != NULL && copy->count < augmentation->count) {
        copy->views[copy->count] = memory_copy_text(augmentation->views[copy->count], error);
        if (copy->views[copy->count] == NULL)
            break;
        copy->count++;
    }
    if (copy->views != NULL && copy->count == augmentation->count)
        return 0;
    augmentation_release(copy);
    return FAILED;
}

/* ---- what there is ---------------------------------------------------------------------- */

void view_counts_release(struct view_counts *counts)
{
    for (size_t i = 0; i < counts->count; i++)
        free(counts->items[i].name);
    free(counts->items);
    *counts = (struct view_counts){0};
}

const struct view_count *view_counts_find(const struct view_counts *counts, const char *name)
{
    for (size_t i = 0; i < counts->count; i++)
        if (strcmp(counts->items[i].name, name) == 0)
            return &counts->items[i];
    return NULL;
}

static int count_view(void *context, const char *view, struct error *error)
{
    struct view_counts *counts = context;
    const struct view_count *known = view_counts_find(counts, view);
    void *items = counts->items;

    if (known != NULL) {
        counts->items[known - counts->items].samples++;
        return 0;
    }
    if (memory_grow(&items, counts->count, &counts->capacity, sizeof *counts->items, error) < 0)
        return FAILED;
    counts->items = items;
    counts->items[counts->count] = (struct view_count){memory_copy_text(view, error), 1};
    return counts->items[counts->count++].name != NULL ? 0 : FAILED;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct view_count *)a)->name, ((const struct view_count *)b)->name);
}

int view_counts_load(struct store *store, int64_t feature_set, const char *split, bool labelled,
                     struct view_counts *counts, struct error *error)
{
    *counts = (struct view_counts){0};
    if (store_each_view(store, feature_set, split, labelled, count_view, counts, error) < 0) {
        view_counts_release(counts);
        return FAILED;
    }
    if (counts->count > 0)
        qsort(counts->items, counts->count, sizeof *counts->items, compare_names);
    return 0;
}

/* The places that were asked: splits of feature sets. */
struct survey {
    struct view_counts *places;  /* [count] */
    size_t count;
};

static void survey_release(struct survey *survey)
{
    for (size_t i = 0; i < survey->count; i++)
        view_counts_release(&survey->places[i]);
    free(survey->places);
}

/* `tested`: the test split too, where there is one. */
static int survey_all(struct store *store, const struct augmentation_request *request, bool tested,
                      struct survey *survey, struct error *error)
{
    size_t splits = tested && request->splits[1] != NULL ? 2 : 1;

    survey->places = memory_allocate(splits * request->count, sizeof *survey->places, error);
    if (survey->places == NULL)
        return FAILED;
    for (; survey->count < splits * request->count; survey->count++)
        if (view_counts_load(store, request->feature_sets[survey->count / splits],
                             request->splits[survey->count % splits], request->labelled,
                             &survey->places[survey->count], error) < 0)
            return FAILED;
    return 0;
}

/* How many of the samples lack a view, in the first place where some do. */
static size_t count_lacking(const struct survey *survey, const char *view)
{
    for (size_t i = 0; i < survey->count; i++) {
        const struct view_count *all = view_counts_find(&survey->places[i], STORE_VIEW_ORIGINAL);
        const struct view_count *one = view_counts_find(&survey->places[i], view);
        size_t wanted = all != NULL ? all->samples : 0, held = one != NULL ? one->samples : 0;

        if (held < wanted)
            return wanted - held;
    }
    return 0;
}

static bool is_anywhere(const struct survey *survey, const char *view)
{
    for (size_t i = 0; i < survey->count; i++)
        if (view_counts_find(&survey->places[i], view) != NULL)
            return true;
    return false;
}

/* ---- choosing --------------------------------------------------------------------------- */

static bool is_named(const struct text_list *names, const char *view)
{
    for (size_t i = 0; names != NULL && i < names->count; i++)
        if (strcmp(names->items[i], view) == 0)
            return true;
    return names == NULL || names->count == 0;
}

/* What was named must be there. */
static int check_names(const struct survey *survey, const struct text_list *names,
                       struct error *error)
{
    for (size_t i = 0; names != NULL && i < names->count; i++) {
        const char *name = names->items[i];
        size_t lacking = count_lacking(survey, name);

        if (!is_anywhere(survey, name))
            return error_set(error, "no image has a view '%s': 'list' shows the views that there "
                             "are, bottleneck-extract with --views or --views-file makes them",
                             name);
        if (lacking > 0)
            return error_set(error, "the view '%s' is missing for %zu of the images: run "
                             "bottleneck-extract with it on them too", name, lacking);
    }
    return 0;
}

static int no_views(const struct survey *survey, const struct augmentation_request *request,
                    const struct augmentation *augmentation, struct error *error)
{
    if (request->asked == NULL || !is_anywhere(survey, STORE_VIEW_ORIGINAL))
        return 0;
    return error_set(error, "--views %s: %s; run bottleneck-extract with --views flip, or others, "
                     "on all of them", request->asked,
                     augmentation->left_aside > 0
                         ? "no view besides the original is there for all of the images"
                         : "the images have no views besides the original");
}

/* Takes over what every sample has. */
static int take(const struct survey *survey, const struct augmentation_request *request,
                struct augmentation *augmentation, struct error *error)
{
    const struct view_counts *first = &survey->places[0];

    augmentation->views = memory_allocate(first->count, sizeof *augmentation->views, error);
    if (augmentation->views == NULL)
        return FAILED;
    for (size_t i = 0; i < first->count; i++) {
        const char *name = first->items[i].name;

        if (strcmp(name, STORE_VIEW_ORIGINAL) == 0 || !is_named(request->names, name))
            continue;
        if (count_lacking(survey, name) > 0) {
            augmentation->left_aside++;
            continue;
        }
        augmentation->views[augmentation->count] = memory_copy_text(name, error);
        if (augmentation->views[augmentation->count++] == NULL)
            return FAILED;
    }
    if (augmentation->count > 0)
        return 0;
    augmentation->use = AUGMENT_NONE;
    return no_views(survey, request, augmentation, error);
}

int augmentation_choose(struct store *store, const struct augmentation_request *request,
                        struct augmentation *augmentation, struct error *error)
{
    struct survey survey = {0};
    int outcome;

    *augmentation = (struct augmentation){
        .use = request->asked != NULL ? augment_find(request->asked) : AUGMENT_BOTH,
    };
    if (augmentation->use == AUGMENT_NONE)
        return 0;
    outcome = survey_all(store, request, augmentation->use == AUGMENT_BOTH, &survey, error);
    if (outcome == 0)
        outcome = check_names(&survey, request->names, error);
    if (outcome == 0)
        outcome = take(&survey, request, augmentation, error);
    survey_release(&survey);
    if (outcome < 0)
        augmentation_release(augmentation);
    return outcome;
}

/* ---- writing ---------------------------------------------------------------------------- */

void augmentation_json(const struct augmentation *augmentation, struct json *json)
{
    json_text(json, "views", augment_names[augmentation->use]);
    json_open(json, "view_names", '[');
    for (size_t i = 0; i < augmentation->count; i++)
        json_text(json, NULL, augmentation->views[i]);
    json_close(json);
}

void augmentation_arguments(const struct augmentation *augmentation, struct json *json)
{
    json_text(json, NULL, "--views");
    json_text(json, NULL, augment_names[augmentation->use]);
    augmentation_name_arguments(augmentation, json);
}

void augmentation_name_arguments(const struct augmentation *augmentation, struct json *json)
{
    for (size_t i = 0; i < augmentation->count; i++) {
        json_text(json, NULL, "--view");
        json_text(json, NULL, augmentation->views[i]);
    }
}

void augmentation_describe(const struct augmentation *augmentation, const char *before, FILE *out)
{
    if (augmentation->use == AUGMENT_NONE)
        return;
    fprintf(out, "%s%zu views of every image trained on, %s", before, augmentation->count + 1,
            augmentation->use == AUGMENT_BOTH ? "its score is their sum"
                                              : "its score is that of the original");
}

void augmentation_note(const struct augmentation *augmentation, FILE *notes)
{
    if (augmentation->left_aside > 0)
        fprintf(notes, "%zu view%s left aside: not every image has %s\n",
                augmentation->left_aside, augmentation->left_aside == 1 ? "" : "s",
                augmentation->left_aside == 1 ? "it" : "them");
}
