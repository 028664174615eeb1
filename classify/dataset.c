#include "classify/dataset.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/gram.h"
#include "classify/matrix.h"
#include "classify/units.h"
#include "common/file.h"
#include "common/memory.h"

const char *const normalize_names[] = {
    [NORMALIZE_L2] = "l2", [NORMALIZE_STANDARD] = "standard", [NORMALIZE_POWER] = "power",
    [NORMALIZE_NONE] = "none", NULL,
};

enum normalize normalize_find(const char *name)
{
    size_t i = 0;

    while (strcmp(normalize_names[i], name) != 0)
        i++;
    return (enum normalize)i;
}

bool normalize_vector(enum normalize normalize, float *vector, size_t dimension)
{
    double squares, factor;

    for (size_t i = 0; normalize == NORMALIZE_POWER && i < dimension; i++)
        vector[i] = copysignf(sqrtf(fabsf(vector[i])), vector[i]);
    squares = matrix_squares(vector, dimension);
    if (!isfinite(squares))
        return false;
    if (normalize == NORMALIZE_NONE || normalize == NORMALIZE_STANDARD || !(squares > 0))
        return true;
    factor = 1 / sqrt(squares);
    for (size_t i = 0; i < dimension; i++)
        vector[i] = (float)((double)vector[i] * factor);
    return true;
}

static void release_sample(struct dataset_sample *sample)
{
    free(sample->path);
    free(sample->label);
    free(sample->split);
    free(sample->group);
    *sample = (struct dataset_sample){0};
}

void dataset_release(struct dataset *dataset)
{
    for (size_t i = 0; i < dataset->count; i++)
        release_sample(&dataset->samples[i]);
    for (size_t class = 0; class < dataset->class_count; class++)
        free(dataset->classes[class]);
    free(dataset->samples);
    free(dataset->vectors);
    free(dataset->all);
    free(dataset->gram);
    free(dataset->classes);
    *dataset = (struct dataset){0};
}

/* Makes room for one more row. The vectors grow by realloc, which moves large blocks by remapping
 * their pages. */
static int make_room(struct dataset *dataset, struct error *error)
{
    size_t capacity = dataset->capacity, numbers;
    void *samples = dataset->samples, *vectors;

    if (dataset->count < capacity)
        return 0;
    if (memory_grow(&samples, dataset->count, &capacity, sizeof *dataset->samples, error) < 0)
        return FAILED;
    dataset->samples = samples;
    if (!size_multiply(capacity, dataset->dimension, &numbers) ||
        numbers > SIZE_MAX / sizeof *dataset->vectors)
        return error_no_memory(error);
    vectors = realloc(dataset->vectors, numbers * sizeof *dataset->vectors);
    if (vectors == NULL)
        return error_no_memory(error);
    dataset->vectors = vectors;
    dataset->capacity = capacity;
    return 0;
}

static int copy_optional(const char *text, char **copy, struct error *error)
{
    *copy = text != NULL ? memory_copy_text(text, error) : NULL;
    return text != NULL && *copy == NULL ? FAILED : 0;
}

static int copy_sample(const struct store_sample *stored, struct dataset_sample *sample,
                       struct error *error)
{
    *sample = (struct dataset_sample){.image = stored->hash, .class = DATASET_NO_CLASS};
    if (copy_optional(stored->path, &sample->path, error) == 0 &&
        copy_optional(stored->label, &sample->label, error) == 0 &&
        copy_optional(stored->split, &sample->split, error) == 0 &&
        copy_optional(stored->group, &sample->group, error) == 0)
        return 0;
    release_sample(sample);
    return FAILED;
}

struct loading {
    const struct dataset_request *request;
    struct dataset *dataset;
    const char *view;  /* in hand, and which it is, where it is not the original */
    size_t place;
    size_t next, end;  /* the samples that must have it */
};

static bool is_wanted(void *context, const char *path)
{
    const struct loading *loading = context;
    const struct dataset_request *request = loading->request;

    return request->wanted == NULL || request->wanted(request->wanted_context, path);
}

static int add_sample(void *context, const struct store_sample *stored, const float *vector,
                      size_t dimension, struct error *error)
{
    const struct loading *loading = context;
    struct dataset *dataset = loading->dataset;

    if (loading->request->labelled && stored->label == NULL) {
        dataset->unlabelled++;
        return 0;
    }
    if (make_room(dataset, error) < 0 ||
        copy_sample(stored, &dataset->samples[dataset->count], error) < 0)
        return FAILED;
    memcpy(dataset->vectors + dataset->count++ * dimension, vector, dimension * sizeof *vector);
    return 0;
}

/* Rows as the store gave them, on their way to being normalised. */
struct normalizing {
    const struct dataset *dataset;
    float *rows;   /* [count of the dataset * views][dimension] */
    size_t views;  /* of a sample, the first of which are normalised already if there are several */
    bool *finite;  /* [count of the dataset * views] */
};

static void normalize_row(void *context, size_t task, size_t worker)
{
    const struct normalizing *job = context;
    const struct dataset *dataset = job->dataset;

    (void)worker;
    job->finite[task] = (job->views > 1 && task % job->views == 0) ||
                        normalize_vector(dataset->normalize, job->rows + task * dataset->dimension,
                                         dataset->dimension);
}

static int normalize_rows(const struct dataset_request *request, const struct dataset *dataset,
                          float *rows, size_t views, struct error *error)
{
    const size_t count = dataset->count * views;
    struct normalizing job = {
        .dataset = dataset, .rows = rows, .views = views,
        .finite = memory_allocate(count, sizeof *job.finite, error),
    };
    int outcome = 0;

    if (job.finite == NULL)
        return FAILED;
    parallel_for(request->parallel, count, normalize_row, &job);
    for (size_t i = 0; i < count && outcome == 0; i++)
        if (!job.finite[i])
            outcome = error_set(error, "the vector of '%s' holds numbers that are not finite: the "
                                "network '%s' is to blame", dataset->samples[i / views].path,
                                request->feature_set->network_name);
    free(job.finite);
    return outcome;
}

/* ---- views ------------------------------------------------------------------------------ */

size_t dataset_views(const struct dataset *dataset)
{
    return 1 + dataset->further;
}

size_t dataset_deciding(const struct dataset *dataset)
{
    return dataset->views_decide ? dataset_views(dataset) : 1;
}

const float *dataset_rows(const struct dataset *dataset)
{
    return dataset->all != NULL ? dataset->all : dataset->vectors;
}

void dataset_expand(const struct dataset *dataset, const size_t *samples, size_t count,
                    size_t *rows, size_t *classes)
{
    const size_t views = dataset_views(dataset);

    for (size_t i = 0; i < count * views; i++) {
        size_t sample = samples[i / views];

        rows[i] = sample * views + i % views;
        classes[i] = dataset->samples[sample].class;
    }
}

/* The next sample has no vector of the view in hand. */
static int lack_view(struct loading *loading, struct error *error)
{
    if (loading->request->allow_incomplete) {
        loading->dataset->samples[loading->next++].incomplete = true;
        return 0;
    }
    return error_set(error, "'%s' has no view '%s': run bottleneck-extract with it on this image, "
                     "or say --views none", loading->dataset->samples[loading->next].path,
                     loading->view);
}

/* The vector of the view in hand; they come in the order of the samples. */
static int add_view(void *context, const struct store_sample *stored, const float *vector,
                    size_t dimension, struct error *error)
{
    struct loading *loading = context;
    struct dataset *dataset = loading->dataset;
    size_t row;
    int order = -1;

    if (loading->request->labelled && stored->label == NULL)
        return 0;
    while (loading->next < loading->end) {
        order = strcmp(dataset->samples[loading->next].path, stored->path);
        if (order >= 0)
            break;
        if (lack_view(loading, error) < 0)
            return FAILED;
    }
    if (order != 0)
        return 0;
    row = loading->next++ * dataset_views(dataset) + loading->place;
    memcpy(dataset->all + row * dimension, vector, dimension * sizeof *vector);
    return 0;
}

/* Reads a view of one split, whose samples end before `end`. */
static int read_view(struct store *store, struct loading *loading, const char *split, size_t end,
                     struct error *error)
{
    loading->end = end;
    if (store_each_wanted_vector(store, loading->request->feature_set->id, loading->view, split,
                                 is_wanted, add_view, loading, error) < 0)
        return FAILED;
    while (loading->next < loading->end)
        if (lack_view(loading, error) < 0)
            return FAILED;
    return 0;
}

/* first: the samples of the first split. */
static int read_views(struct store *store, struct loading *loading, size_t first,
                      struct error *error)
{
    const struct dataset_request *request = loading->request;
    const struct augmentation *augmentation = request->augmentation;
    struct dataset *dataset = loading->dataset;
    size_t row = dataset->dimension, bytes;

    if (augmentation == NULL || augmentation->count == 0)
        return 0;
    dataset->further = augmentation->count;
    dataset->views_decide = augmentation->use == AUGMENT_BOTH;
    if (!size_multiply(dataset_views(dataset), row * sizeof *dataset->all, &bytes))
        return error_no_memory(error);
    dataset->all = memory_allocate(dataset->count, bytes, error);
    if (dataset->all == NULL)
        return FAILED;
    for (size_t i = 0; i < dataset->count; i++)
        memcpy(dataset->all + i * dataset_views(dataset) * row, dataset->vectors + i * row,
               row * sizeof *dataset->all);
    for (size_t view = 0; view < augmentation->count; view++) {
        loading->view = augmentation->views[view];
        loading->place = view + 1;
        loading->next = 0;
        if (read_view(store, loading, request->splits[0], first, error) < 0)
            return FAILED;
        if (request->splits[1] != NULL && dataset->views_decide &&
            read_view(store, loading, request->splits[1], dataset->count, error) < 0)
            return FAILED;
    }
    return normalize_rows(request, dataset, dataset->all, dataset_views(dataset), error);
}

/* ---- loading ---------------------------------------------------------------------------- */

static int compare_labels(const void *a, const void *b)
{
    const struct dataset_sample *const *left = a, *const *right = b;

    return strcmp((*left)->label, (*right)->label);
}

/* Numbers the labels that occur. order: [count], scratch. */
static int number_classes(struct dataset *dataset, struct dataset_sample **order,
                          struct error *error)
{
    size_t labelled = 0;

    for (size_t i = 0; i < dataset->count; i++)
        if (dataset->samples[i].label != NULL)
            order[labelled++] = &dataset->samples[i];
    qsort(order, labelled, sizeof(struct dataset_sample *), compare_labels);
    dataset->classes = memory_allocate(labelled, sizeof *dataset->classes, error);
    if (dataset->classes == NULL)
        return FAILED;
    for (size_t i = 0; i < labelled; i++) {
        if (i == 0 || strcmp(order[i]->label, order[i - 1]->label) != 0) {
            char *label = memory_copy_text(order[i]->label, error);

            if (label == NULL)
                return FAILED;
            dataset->classes[dataset->class_count++] = label;
        }
        order[i]->class = dataset->class_count - 1;
    }
    return 0;
}

int dataset_load(struct store *store, const struct dataset_request *request,
                 struct dataset *dataset, struct error *error)
{
    struct loading loading = {.request = request, .dataset = dataset};
    struct dataset_sample **order = NULL;
    int64_t id = request->feature_set->id;
    size_t split = 0, first = 0;

    *dataset = (struct dataset){
        .dimension = request->feature_set->dimension, .normalize = request->normalize,
    };
    do {
        if (store_each_wanted_vector(store, id, STORE_VIEW_ORIGINAL, request->splits[split],
                                     is_wanted, add_sample, &loading, error) < 0)
            goto failed;
        if (split++ == 0)
            first = dataset->count;
    } while (split < DATASET_SPLITS && request->splits[split] != NULL);
    if (normalize_rows(request, dataset, dataset->vectors, 1, error) < 0 ||
        read_views(store, &loading, first, error) < 0 ||
        (request->group_by != NULL && units_group_by(dataset, request->group_by, error) < 0))
        goto failed;
    order = memory_allocate(dataset->count, sizeof *order, error);
    if (order == NULL || number_classes(dataset, order, error) < 0 ||
        units_number(dataset, error) < 0)
        goto failed;
    free(order);
    return 0;
failed:
    free(order);
    dataset_release(dataset);
    return FAILED;
}

int dataset_compute_gram(struct dataset *dataset, struct parallel *parallel, struct error *error)
{
    if (dataset->gram != NULL || dataset->count > DATASET_LARGEST_GRAM)
        return 0;
    return gram_create(dataset->vectors, dataset->count, dataset->dimension, parallel,
                       &dataset->gram, error);
}

/* The products of the rows that stay, moved together. */
static void keep_products(struct dataset *dataset, const bool *keep)
{
    size_t kept = 0;

    if (dataset->gram == NULL)
        return;
    for (size_t i = 0; i < dataset->count; i++)
        for (size_t j = 0; j < dataset->count && keep[i]; j++)
            if (keep[j])
                dataset->gram[kept++] = dataset->gram[i * dataset->count + j];
}

void dataset_keep(struct dataset *dataset, const bool *keep)
{
    size_t kept = 0, row = dataset->dimension, rows = dataset_views(dataset) * row;

    keep_products(dataset, keep);
    for (size_t i = 0; i < dataset->count; i++) {
        if (!keep[i]) {
            release_sample(&dataset->samples[i]);
            continue;
        }
        if (kept != i) {
            dataset->samples[kept] = dataset->samples[i];
            memcpy(dataset->vectors + kept * row, dataset->vectors + i * row,
                   row * sizeof *dataset->vectors);
        }
        if (kept != i && dataset->all != NULL)
            memcpy(dataset->all + kept * rows, dataset->all + i * rows,
                   rows * sizeof *dataset->all);
        kept++;
    }
    dataset->count = kept;
}

static int append_bytes(struct buffer *bytes, const void *data, size_t size, struct error *error)
{
    if (bytes->size + size > bytes->capacity &&
        buffer_reserve(bytes, 2 * (bytes->size + size), error) < 0)
        return FAILED;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return 0;
}

int dataset_digest(const struct dataset *dataset, struct hash *digest, struct error *error)
{
    struct buffer bytes = {0};
    int outcome = 0;

    for (size_t i = 0; i < dataset->count && outcome == 0; i++) {
        const struct dataset_sample *sample = &dataset->samples[i];
        const char *label = sample->label != NULL ? sample->label : "";

        if (append_bytes(&bytes, sample->path, strlen(sample->path) + 1, error) < 0 ||
            append_bytes(&bytes, label, strlen(label) + 1, error) < 0 ||
            append_bytes(&bytes, sample->image.bytes, HASH_BYTES, error) < 0)
            outcome = FAILED;
    }
    *digest = hash_bytes(bytes.data, bytes.size);
    buffer_release(&bytes);
    return outcome;
}
