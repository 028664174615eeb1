#include "classify/lineup.h"

#include <stdlib.h>
#include <string.h>

#include "classify/neighbours.h"
#include "classify/units.h"
#include "common/memory.h"

static int choose_features(const struct lineup_request *request, struct lineup *lineup,
                           struct error *error)
{
    const struct feature_sets *sets = &request->database->sets;
    size_t count = request->feature_count > 0 ? request->feature_count : sets->count;

    lineup->features = memory_allocate(count + 1, sizeof *lineup->features, error);
    if (lineup->features == NULL)
        return FAILED;
    /* With no feature set at all, the message says what to do. */
    if (count == 0)
        return feature_sets_choose(sets, 0, request->path, lineup->features, error);
    for (size_t i = 0; i < count; i++) {
        size_t id = request->feature_count > 0
                        ? (size_t)strtoull(request->features[i], NULL, 10)
                        : (size_t)sets->items[i].id;

        if (feature_sets_choose(sets, id, request->path, &lineup->features[i], error) < 0)
            return FAILED;
        lineup->feature_count++;
    }
    return 0;
}

/* One set of views for all: that of the use which asks for most. */
static int choose_views(const struct lineup_request *request, struct lineup *lineup,
                        struct error *error)
{
    struct learning learning = *request->learning;
    const struct examples_request wanted = {
        .database = request->database, .learning = &learning, .protocol = request->protocol,
    };

    learning.views = request->views[0];
    for (size_t i = 1; i < request->view_count; i++)
        if (augment_find(request->views[i]) > augment_find(learning.views))
            learning.views = request->views[i];
    return examples_choose_views(&wanted, lineup->features, lineup->feature_count,
                                 &lineup->augmentation, error);
}

/* The views as the representation uses them. */
static int read_one(const struct lineup_request *request, const struct lineup *lineup,
                    const struct feature_set *features, struct representation *one,
                    struct error *error)
{
    struct augmentation augmentation = lineup->augmentation;
    const struct examples_request wanted = {
        .database = request->database, .features = features, .learning = &one->learning,
        .protocol = request->protocol, .augmentation = &augmentation,
        .parallel = request->parallel,
    };

    if (one->learning.views != NULL)
        augmentation.use = augment_find(one->learning.views);
    if (augmentation.use == AUGMENT_NONE)
        augmentation.count = 0;
    return examples_read(&wanted, &one->examples, error);
}

static int read_all(const struct lineup_request *request, struct lineup *lineup,
                    struct error *error)
{
    const size_t views = request->view_count, normalizations = request->normalization_count;
    size_t count = lineup->feature_count * normalizations * views;

    lineup->representations = memory_allocate(count, sizeof *lineup->representations, error);
    if (lineup->representations == NULL)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        struct representation *one = &lineup->representations[i];

        one->learning = *request->learning;
        one->learning.views = request->views[i % views];
        one->learning.normalize = request->normalizations[i / views % normalizations];
        if (read_one(request, lineup, lineup->features[i / views / normalizations], one,
                     error) < 0)
            return FAILED;
        lineup->representation_count++;
    }
    return 0;
}

/* Whether a path stands in a list of samples, at *place or behind it; samples are sorted by split,
 * then by path, so the place only moves forward. */
static bool find_sample(const struct dataset *dataset, size_t from, size_t to, const char *path,
                        size_t *place)
{
    size_t low = from, high = to;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(dataset->samples[middle].path, path);

        if (order == 0) {
            *place = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Marks the samples of the first representation that all others have too, in the same part. */
static void mark_common(const struct lineup *lineup, bool *keep)
{
    const struct examples *first = &lineup->representations[0].examples;

    for (size_t i = 0; i < first->dataset.count; i++) {
        keep[i] = true;
        for (size_t r = 1; r < lineup->representation_count && keep[i]; r++) {
            const struct examples *other = &lineup->representations[r].examples;
            bool train = i < first->trained;
            size_t place;

            keep[i] = find_sample(&other->dataset, train ? 0 : other->trained,
                                  train ? other->trained : other->dataset.count,
                                  first->dataset.samples[i].path, &place);
        }
    }
}

static int keep_common(struct representation *one, const struct dataset *common,
                       size_t common_trained, struct error *error)
{
    struct examples *examples = &one->examples;
    bool *keep = memory_allocate(examples->dataset.count, sizeof *keep, error);
    size_t trained = 0;

    if (keep == NULL)
        return FAILED;
    for (size_t i = 0; i < examples->dataset.count; i++) {
        bool train = i < examples->trained;
        size_t place;

        keep[i] = find_sample(common, train ? 0 : common_trained,
                              train ? common_trained : common->count,
                              examples->dataset.samples[i].path, &place);
        trained += keep[i] && train;
    }
    dataset_keep(&examples->dataset, keep);
    examples->trained = trained;
    free(keep);
    return 0;
}

/* Leaves every representation with the samples that all have. */
static int intersect(const struct lineup_request *request, struct lineup *lineup,
                     struct error *error)
{
    struct examples *first = &lineup->representations[0].examples;
    bool *keep = memory_allocate(first->dataset.count, sizeof *keep, error);
    size_t trained = 0;

    if (keep == NULL)
        return FAILED;
    mark_common(lineup, keep);
    for (size_t i = 0; i < first->trained; i++)
        trained += keep[i];
    for (size_t r = 0; r < lineup->representation_count; r++)
        if (lineup->representations[r].examples.dataset.count > lineup->left_aside)
            lineup->left_aside = lineup->representations[r].examples.dataset.count;
    dataset_keep(&first->dataset, keep);
    first->trained = trained;
    free(keep);
    lineup->left_aside -= first->dataset.count;
    for (size_t r = 1; r < lineup->representation_count; r++)
        if (keep_common(&lineup->representations[r], &first->dataset, trained, error) < 0)
            return FAILED;
    if (first->dataset.count == 0 ||
        (request->protocol->train_split != NULL &&
         (trained == 0 || trained == first->dataset.count)))
        return error_set(error, "nothing to compare: the feature sets have no images in common");
    return 0;
}

/* What is near-identical in one representation stays together in all, so that all have the same
 * folds. */
static int join_near(const struct lineup_request *request, struct lineup *lineup,
                     struct error *error)
{
    if (request->learning->allow_duplicates ||
        lineup->representations[0].examples.dataset.count < NEIGHBOURS_LEAST)
        return 0;
    for (size_t r = 0; r < lineup->representation_count; r++) {
        struct dataset *dataset = &lineup->representations[r].examples.dataset;
        struct neighbours neighbours;
        int outcome = 0;

        if (neighbours_find(dataset, request->parallel, &neighbours, error) < 0)
            return FAILED;
        for (size_t other = 0; other < lineup->representation_count && outcome == 0; other++) {
            struct examples *examples = &lineup->representations[other].examples;
            size_t before = examples->near_identical;

            outcome = examples_join(examples, neighbours.pairs, neighbours.pair_count, error);
            examples->near_identical += before;
        }
        neighbours_release(&neighbours);
        if (outcome < 0)
            return FAILED;
    }
    return 0;
}

static int align(const struct lineup_request *request, struct lineup *lineup, struct error *error)
{
    if (intersect(request, lineup, error) < 0)
        return FAILED;
    /* Numbers the units of what was kept. */
    for (size_t r = 0; r < lineup->representation_count; r++)
        if (units_join(&lineup->representations[r].examples.dataset, NULL, 0, error) < 0)
            return FAILED;
    if (join_near(request, lineup, error) < 0)
        return FAILED;
    for (size_t r = 0; r < lineup->representation_count; r++)
        if (request->protocol->train_split != NULL &&
            examples_separate(&lineup->representations[r].examples, error) < 0)
            return FAILED;
    return 0;
}

static int list_candidates(const struct lineup_request *request, struct lineup *lineup,
                           struct error *error)
{
    size_t count = lineup->representation_count * request->cost_count;

    if (count < 2)
        return error_set(error, "nothing to compare: there is one feature set and one setting; "
                         "extract other layers or networks, or repeat --cost, --normalize or "
                         "--views");
    lineup->candidates = memory_allocate(count, sizeof *lineup->candidates, error);
    if (lineup->candidates == NULL)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        struct candidate *candidate = &lineup->candidates[i];

        candidate->representation = &lineup->representations[i / request->cost_count];
        candidate->learning = candidate->representation->learning;
        candidate->learning.cost = request->costs[i % request->cost_count];
    }
    lineup->count = count;
    return 0;
}

int lineup_create(const struct lineup_request *request, struct lineup *lineup,
                  struct error *error)
{
    *lineup = (struct lineup){0};
    if (choose_features(request, lineup, error) == 0 &&
        choose_views(request, lineup, error) == 0 && read_all(request, lineup, error) == 0 &&
        list_candidates(request, lineup, error) == 0 && align(request, lineup, error) == 0)
        return 0;
    lineup_release(lineup);
    return FAILED;
}

void lineup_release(struct lineup *lineup)
{
    for (size_t i = 0; i < lineup->representation_count; i++)
        examples_release(&lineup->representations[i].examples);
    free(lineup->representations);
    free(lineup->candidates);
    augmentation_release(&lineup->augmentation);
    free(lineup->features);
    *lineup = (struct lineup){0};
}
