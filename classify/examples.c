#include "classify/examples.h"

#include <stdlib.h>
#include <string.h>

#include "classify/units.h"
#include "common/memory.h"

/* Samples of the test split stand behind those of the training split, which is found by name.
 * Both must be there. */
static int count_trained(const struct examples_request *request, struct examples *examples,
                         struct error *error)
{
    const struct dataset *dataset = &examples->dataset;
    const struct protocol *protocol = request->protocol;
    size_t trained = 0;

    while (trained < dataset->count &&
           strcmp(dataset->samples[trained].split, protocol->train_split) == 0)
        trained++;
    if (trained == 0)
        return command_no_split(request->database->store, protocol->train_split, error);
    if (trained == dataset->count)
        return command_no_split(request->database->store, protocol->test_split, error);
    examples->trained = trained;
    return 0;
}

int examples_choose_views(const struct examples_request *request,
                          const struct feature_set *const *sets, size_t count,
                          struct augmentation *augmentation, struct error *error)
{
    const struct learning *learning = request->learning;
    int64_t *ids = memory_allocate(count, sizeof *ids, error);
    struct augmentation_request wanted = {
        .feature_sets = ids, .count = count, .labelled = true, .asked = learning->views,
        .splits = {request->protocol->train_split, request->protocol->test_split},
        .names = &learning->view_names,
    };
    int outcome = FAILED;

    *augmentation = (struct augmentation){0};
    for (size_t i = 0; ids != NULL && i < count; i++)
        ids[i] = sets[i]->id;
    if (ids != NULL)
        outcome = augmentation_choose(request->database->store, &wanted, augmentation, error);
    free(ids);
    return outcome;
}

static int read_vectors(const struct examples_request *request, struct examples *examples,
                        struct error *error)
{
    const struct dataset_request wanted = {
        .feature_set = request->features,
        .normalize = normalize_find(request->learning->normalize),
        .splits = {request->protocol->train_split, request->protocol->test_split},
        .labelled = true,
        .group_by = request->learning->group_by,
        .augmentation = &examples->augmentation,
        .parallel = request->parallel,
    };

    if (dataset_load(request->database->store, &wanted, &examples->dataset, error) < 0)
        return FAILED;
    return request->protocol->test_split != NULL ? count_trained(request, examples, error) : 0;
}

int examples_read(const struct examples_request *request, struct examples *examples,
                  struct error *error)
{
    int outcome;

    *examples = (struct examples){.features = request->features};
    if (request->augmentation != NULL)
        outcome = augmentation_copy(request->augmentation, &examples->augmentation, error);
    else
        outcome = examples_choose_views(request, &request->features, 1, &examples->augmentation,
                                        error);
    if (outcome == 0 && read_vectors(request, examples, error) == 0)
        return 0;
    examples_release(examples);
    return FAILED;
}

int examples_join(struct examples *examples, const struct sample_pair *pairs, size_t count,
                  struct error *error)
{
    struct dataset *dataset = &examples->dataset;
    size_t before = dataset->unit_count;

    if (units_join(dataset, pairs, count, error) < 0)
        return FAILED;
    examples->near_identical = before - dataset->unit_count;
    return 0;
}

int examples_separate(struct examples *examples, struct error *error)
{
    struct dataset *dataset = &examples->dataset;
    bool *tested = memory_allocate(dataset->unit_count, sizeof *tested, error);
    bool *keep = memory_allocate(dataset->count, sizeof *keep, error);
    int outcome = FAILED;

    if (tested == NULL || keep == NULL)
        goto out;
    for (size_t i = examples->trained; i < dataset->count; i++)
        tested[dataset->samples[i].unit] = true;
    for (size_t i = 0; i < dataset->count; i++) {
        keep[i] = i >= examples->trained || !tested[dataset->samples[i].unit];
        examples->left_out += !keep[i];
    }
    dataset_keep(dataset, keep);
    examples->trained -= examples->left_out;
    if (examples->trained > 0)
        outcome = 0;
    else
        error_set(error, "nothing to train on: every image of the training split is in the test "
                  "split too, or near-identical to one, or in a group with one");
out:
    free(tested);
    free(keep);
    return outcome;
}

/* Finds near-identical images and joins them. */
static int join_near(const struct examples_request *request, struct examples *examples,
                     struct error *error)
{
    struct dataset *dataset = &examples->dataset;
    struct neighbours neighbours = {0};
    int outcome = FAILED;

    if (request->learning->allow_duplicates || dataset->count < NEIGHBOURS_LEAST)
        return 0;
    if (neighbours_find(dataset, request->parallel, &neighbours, error) == 0)
        outcome = examples_join(examples, neighbours.pairs, neighbours.pair_count, error);
    neighbours_release(&neighbours);
    return outcome;
}

int examples_load(const struct examples_request *request, struct examples *examples,
                  struct error *error)
{
    if (examples_read(request, examples, error) < 0)
        return FAILED;
    if (join_near(request, examples, error) == 0 &&
        (examples->trained == 0 || examples_separate(examples, error) == 0))
        return 0;
    examples_release(examples);
    return FAILED;
}

void examples_release(struct examples *examples)
{
    augmentation_release(&examples->augmentation);
    dataset_release(&examples->dataset);
    *examples = (struct examples){0};
}

int examples_evaluate(const struct examples *examples, const struct evaluation_settings *settings,
                      struct parallel *parallel, struct evaluation *evaluation,
                      struct error *error)
{
    int outcome;

    if (examples->trained > 0)
        return evaluation_hold_out(&examples->dataset, examples->trained, settings, parallel,
                                   evaluation, error);
    outcome = evaluation_cross_validate(&examples->dataset, settings, parallel, evaluation, error);
    if (outcome < 0 && examples->near_identical > 0)
        error_wrap(error, "%zu images are near-identical to others and stay with them "
                   "(--allow-duplicates parts them)", examples->near_identical);
    return outcome;
}

void examples_note(const struct examples *examples, FILE *notes)
{
    command_note_unlabelled(&examples->dataset, notes);
    augmentation_note(&examples->augmentation, notes);
    if (examples->near_identical > 0)
        fprintf(notes, "%zu image%s near-identical to another, kept on one side with it; 'audit' "
                "shows them\n", examples->near_identical,
                examples->near_identical == 1 ? "" : "s");
    if (examples->left_out > 0)
        fprintf(notes, "%zu image%s left out of training: in the test split too\n",
                examples->left_out, examples->left_out == 1 ? "" : "s");
}
