#include "extract/architectures/architecture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/architectures/builder.h"
#include "extract/architectures/families.h"

static const struct family *const families[] = {
    &alexnet_family,      &vgg_family,         &googlenet_family,    &inception_v3_family,
    &resnet_family,       &resnet_v2_family,   &squeezenet_family,   &densenet_family,
    &mobilenet_v1_family, &mobilenet_v2_family, &resnet_cifar_family, &lenet_family,
};

enum { FAMILIES = sizeof families / sizeof families[0] };

/* How well the weights fit one architecture. */
struct comparison {
    struct recognised found;
    struct error difference;      /* "" when there is none */
    size_t matched, different;    /* tensors that it shares, and those that only one of them has;
                                     classifiers do not count, they are all alike */
};

/* True when `layer` is one of the words of `list`, or lies below one. */
static bool is_listed(const char *layer, const char *list)
{
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, " ");

        if (strncmp(layer, list, length) == 0 && strchr("._/", layer[length]) != NULL)
            return true;
        list += length + strspn(list + length, " ");
    }
    return false;
}

/* Weights that the architecture does not have. */
static void count_others(const struct builder *builder, struct comparison *comparison)
{
    const struct weights *weights = builder->weights;

    for (size_t i = 0; i < weights->count; i++) {
        const struct weight *weight = &weights->items[i];

        if (builder->used[i] || is_listed(weight->layer, builder->dialect->classifier) ||
            is_listed(weight->layer, builder->dialect->training))
            continue;
        if (comparison->difference.text[0] == '\0')
            error_set(&comparison->difference, "it has no '%s'", weight->name);
        comparison->different++;
    }
}

static void compare(struct builder *builder, const struct family *family,
                    const struct architecture *architecture, struct comparison *comparison)
{
    struct result x;
    size_t missing;

    *comparison = (struct comparison){.found = {.family = family,
                                                .dialect = builder->dialect,
                                                .architecture = architecture,
                                                .preprocess = builder->dialect->preprocess}};
    x = family->features(builder, architecture->table);
    comparison->difference = builder->difference;
    comparison->matched = builder->matched;
    comparison->different = builder->wanted - builder->matched;
    missing = comparison->different;
    if (family->classifier != NULL)
        family->classifier(builder, architecture->table, x);
    comparison->found.headless = builder->wanted - builder->matched > missing;
    comparison->found.channels = builder->channels;
    comparison->found.side = builder->side;
    count_others(builder, comparison);
}

/* a better than b: a larger share of all tensors, of those in the file and those missing. */
static bool is_nearer(const struct comparison *a, const struct comparison *b)
{
    return (double)a->matched * (double)(b->matched + b->different) >
           (double)b->matched * (double)(a->matched + a->different);
}

static int compare_all(const struct weights *weights, struct comparison *nearest,
                       struct error *error)
{
    bool *used = memory_allocate(weights->count, sizeof *used, error);

    *nearest = (struct comparison){.different = 1};
    if (used == NULL)
        return FAILED;
    for (size_t i = 0; i < FAMILIES; i++) {
        const struct family *family = families[i];

        for (size_t j = 0; j < family->dialect_count * family->architecture_count; j++) {
            const struct dialect *dialect = &family->dialects[j / family->architecture_count];
            struct builder builder = {
                .weights = weights, .dialect = dialect, .used = used, .error = error};
            struct comparison comparison;

            if (dialect->framework != weights->framework)
                continue;
            memset(used, 0, weights->count * sizeof *used);
            compare(&builder, family, &family->architectures[j % family->architecture_count],
                    &comparison);
            if (is_nearer(&comparison, nearest))
                *nearest = comparison;
        }
    }
    free(used);
    return 0;
}

static void set_title(const struct weights *weights, struct recognised *found)
{
    struct builder builder = {.weights = weights, .dialect = found->dialect};
    char more[64] = "";

    if (found->family->describe != NULL)
        found->family->describe(&builder, more);
    snprintf(found->title, sizeof found->title, "%s%s (%s)", found->architecture->title, more,
             found->dialect->origin);
}

int architecture_recognise(const struct weights *weights, struct recognised *found,
                           struct error *error)
{
    struct comparison nearest;

    *found = (struct recognised){0};
    if (weights->count == 0)
        return error_set(error, "it holds no weights");
    if (compare_all(weights, &nearest, error) < 0)
        return FAILED;
    if (nearest.matched == 0)
        return error_set(error, "its weights are of no architecture that is known here; the first "
                         "is '%s'", weights->items[0].name);
    set_title(weights, &nearest.found);
    *found = nearest.found;
    found->likeness = (double)nearest.matched / (double)(nearest.matched + nearest.different);
    if (nearest.different > 0)
        return error_set(error, "its weights are of no architecture that is known here; the "
                         "nearest is %s, where %s", nearest.found.title,
                         nearest.difference.text);
    return 0;
}

/* A classifier that does not fit, to images of another size than it was made for, is an error
 * only where the cut needs it. */
static void build_classifier(struct builder *builder, const struct recognised *found,
                             struct result x)
{
    struct layer layer = {.kind = LAYER_UNSUPPORTED, .operator = "classifier",
                          .name = "classifier", .inputs = &x.layer, .input_count = 1};
    struct error reason;
    struct result scores;

    builder->error = &reason;
    scores = found->family->classifier(builder, found->architecture->table, x);
    builder->graph->output = scores.layer;
    if (builder->outcome == 0)
        return;
    layer.reason = reason.text;
    builder->outcome = graph_add(builder->graph, &layer, &builder->graph->output, &reason);
}

int architecture_build(const struct recognised *found, const struct weights *weights,
                       size_t height, size_t width, struct graph *graph, struct error *error)
{
    struct builder builder = {
        .weights = weights,
        .dialect = found->dialect,
        .graph = graph,
        .height = height,
        .width = width,
        .channels = found->channels,
        .error = error,
    };
    struct result x;

    builder.used = memory_allocate(weights->count, sizeof *builder.used, error);
    if (builder.used == NULL)
        return FAILED;
    graph->flatten_channels_last = weights->channels_last;
    x = found->family->features(&builder, found->architecture->table);
    graph->output = x.layer;
    if (found->family->classifier != NULL && !found->headless && builder.outcome == 0)
        build_classifier(&builder, found, x);
    free(builder.used);
    return builder.outcome;
}
