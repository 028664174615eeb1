#include "extract/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/memory.h"
#include "common/paths.h"
#include "extract/labels.h"
#include "extract/text_pool.h"
#include "extract/walk.h"

struct scan_texts {
    struct text_pool pool;
    struct labels labels;
};

/* A sample with the place at which it was named or found, which decides between two of a path. */
struct found {
    struct sample sample;
    size_t order;
};

struct collector {
    const struct scan_request *request;
    struct scan *scan;
    struct found *found;
    size_t found_count, found_capacity, refusal_capacity, folder_capacity;
    const char *label, *split;  /* those last met, as the pool holds them */
    bool stdin_used;
};

/* Keeps a text in the pool, or finds it there when it is the one that was kept last. */
static int keep_text(struct collector *collector, const char *text, const char **last,
                     struct error *error)
{
    if (text == NULL || (*last != NULL && strcmp(*last, text) == 0))
        return 0;
    *last = text_pool_add(&collector->scan->texts->pool, text, error);
    return *last != NULL ? 0 : FAILED;
}

static int add_sample(struct collector *collector, const char *path, const char *label,
                      const char *split, bool named, struct error *error)
{
    struct text_pool *pool = &collector->scan->texts->pool;
    void *found = collector->found;
    const char *copy;

    if (memory_grow(&found, collector->found_count, &collector->found_capacity,
                    sizeof *collector->found, error) < 0)
        return FAILED;
    collector->found = found;
    copy = text_pool_add(pool, path, error);
    if (copy == NULL || keep_text(collector, label, &collector->label, error) < 0 ||
        keep_text(collector, split, &collector->split, error) < 0)
        return FAILED;
    collector->found[collector->found_count] = (struct found){
        .order = collector->found_count,
        .sample = {.path = copy, .label = label != NULL ? collector->label : NULL,
                   .split = split != NULL ? collector->split : NULL, .named = named},
    };
    collector->found_count++;
    return 0;
}

static int add_folder(struct collector *collector, const char *path, struct error *error)
{
    struct scan *scan = collector->scan;
    void *folders = scan->folders;
    const char *copy;

    if (memory_grow(&folders, scan->folder_count, &collector->folder_capacity,
                    sizeof *scan->folders, error) < 0)
        return FAILED;
    scan->folders = folders;
    copy = text_pool_add(&scan->texts->pool, path, error);
    if (copy == NULL)
        return FAILED;
    scan->folders[scan->folder_count++] = copy;
    return 0;
}

static int add_refusal(void *context, const char *path, const char *reason, struct error *error)
{
    struct collector *collector = context;
    struct scan *scan = collector->scan;
    struct scan_refusal refusal;
    void *refusals = scan->refusals;

    if (memory_grow(&refusals, scan->refusal_count, &collector->refusal_capacity,
                    sizeof *scan->refusals, error) < 0)
        return FAILED;
    scan->refusals = refusals;
    refusal.path = text_pool_add(&scan->texts->pool, path, error);
    refusal.reason = text_pool_add(&scan->texts->pool, reason, error);
    if (refusal.path == NULL || refusal.reason == NULL)
        return FAILED;
    scan->refusals[scan->refusal_count++] = refusal;
    return 0;
}

static int add_found_file(void *context, const char *path, const char *label, const char *split,
                          struct error *error)
{
    return add_sample(context, path, label, split, false, error);
}

/* A file or folder that the user named. */
static int add_path(struct collector *collector, const char *given, struct error *error)
{
    const struct walk_visitor visitor = {collector, add_found_file, add_refusal};
    char *path = memory_copy_text(given, error);
    struct stat status;
    int outcome;

    if (path == NULL)
        return FAILED;
    path_clean(path);
    if (stat(path, &status) != 0) {
        struct error reason;

        error_set(&reason, "cannot open '%s': %s", path, strerror(errno));
        outcome = add_refusal(collector, path, reason.text, error);
    } else if (S_ISDIR(status.st_mode)) {
        outcome = add_folder(collector, path, error);
        if (outcome == 0)
            outcome = walk_folder(path, &visitor, error);
    } else {
        outcome = add_sample(collector, path, NULL, NULL, true, error);
    }
    free(path);
    return outcome;
}

/* One entry of a list, `length` bytes with what separates it from the next. */
static int add_entry(struct collector *collector, const char *name, char *entry, size_t length,
                     struct error *error)
{
    bool nul_separated = collector->request->nul_separated;

    if (!nul_separated) {
        if (strlen(entry) != length)
            return error_set(error, "'%s' holds a NUL: with -0 paths are separated by NUL", name);
        if (length > 0 && entry[length - 1] == '\n')
            entry[--length] = '\0';
        if (length > 0 && entry[length - 1] == '\r')
            entry[--length] = '\0';
    }
    return entry[0] == '\0' ? 0 : add_path(collector, entry, error);
}

static int read_list(struct collector *collector, const char *name, FILE *stream,
                     struct error *error)
{
    int separator = collector->request->nul_separated ? '\0' : '\n', outcome = 0;
    char *entry = NULL;
    size_t capacity = 0;
    ssize_t length;

    while (outcome == 0 && (length = getdelim(&entry, &capacity, separator, stream)) > 0)
        outcome = add_entry(collector, name, entry, (size_t)length, error);
    if (outcome == 0 && ferror(stream))
        outcome = error_set(error, "cannot read '%s': %s", name, strerror(errno));
    free(entry);
    return outcome;
}

static int add_list(struct collector *collector, const char *path, struct error *error)
{
    FILE *stream;
    int outcome;

    if (strcmp(path, "-") == 0) {
        if (collector->stdin_used)
            return error_set(error, "standard input can be read only once");
        collector->stdin_used = true;
        return read_list(collector, "standard input", stdin, error);
    }
    stream = fopen(path, "re");
    if (stream == NULL)
        return error_set(error, "cannot open '%s': %s", path, strerror(errno));
    outcome = read_list(collector, path, stream, error);
    fclose(stream);
    return outcome;
}

/* A row's path, from the folder of the CSV file. NULL without memory; release with free(). */
static char *row_path(const struct label_row *row, const char *folder, struct error *error)
{
    return path_join(folder, row->path, error);
}

/* The CSV file says which files. They are not looked at: whoever reads them will say. */
static int add_rows(struct collector *collector, const char *folder, struct error *error)
{
    const struct labels *labels = &collector->scan->texts->labels;

    for (size_t i = 0; i < labels->count; i++) {
        char *path = row_path(&labels->rows[i], folder, error);
        int outcome = path == NULL ? FAILED : add_sample(collector, path, NULL, NULL, true, error);

        free(path);
        if (outcome < 0)
            return FAILED;
    }
    return 0;
}

static int compare_found(const void *a, const void *b)
{
    const struct found *first = a, *second = b;
    int order = strcmp(first->sample.path, second->sample.path);

    if (order != 0)
        return order;
    return first->order < second->order ? -1 : 1;
}

static int compare_refusals(const void *a, const void *b)
{
    const struct scan_refusal *first = a, *second = b;

    return strcmp(first->path, second->path);
}

/* Sorts what was found, makes one of several with the same path, and applies what the request
 * says of all. */
static int settle_samples(struct collector *collector, struct error *error)
{
    const struct scan_request *request = collector->request;
    struct scan *scan = collector->scan;
    struct sample *last = NULL;

    scan->samples = memory_allocate(collector->found_count, sizeof *scan->samples, error);
    if (scan->samples == NULL)
        return FAILED;
    if (collector->found_count > 0)
        qsort(collector->found, collector->found_count, sizeof *collector->found, compare_found);
    for (size_t i = 0; i < collector->found_count; i++) {
        const struct sample *sample = &collector->found[i].sample;

        if (last != NULL && strcmp(last->path, sample->path) == 0) {
            last->named = last->named || sample->named;
            if (last->label == NULL)
                last->label = sample->label;
            if (last->split == NULL)
                last->split = sample->split;
            continue;
        }
        last = &scan->samples[scan->sample_count++];
        *last = *sample;
    }
    for (size_t i = 0; i < scan->sample_count; i++) {
        struct sample *sample = &scan->samples[i];

        scan->found_splits = scan->found_splits || sample->split != NULL;
        if (request->label != NULL)
            sample->label = request->label;
        if (request->split != NULL)
            sample->split = request->split;
    }
    return 0;
}

static void settle_refusals(struct scan *scan)
{
    size_t kept = 0;

    if (scan->refusal_count > 0)
        qsort(scan->refusals, scan->refusal_count, sizeof *scan->refusals, compare_refusals);
    for (size_t i = 0; i < scan->refusal_count; i++)
        if (kept == 0 || strcmp(scan->refusals[kept - 1].path, scan->refusals[i].path) != 0)
            scan->refusals[kept++] = scan->refusals[i];
    scan->refusal_count = kept;
}

/* A row by the one spelling that all paths of its file share. */
struct keyed_row {
    const char *key;
    const struct label_row *row;
};

static int compare_keys(const void *a, const void *b)
{
    const struct keyed_row *first = a, *second = b;

    return strcmp(first->key, second->key);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int check_duplicates(const struct keyed_row *keyed, size_t count, const char *name,
                            struct error *error)
{
    for (size_t i = 1; i < count; i++) {
        const struct label_row *a = keyed[i - 1].row, *b = keyed[i].row;

        if (strcmp(keyed[i - 1].key, keyed[i].key) == 0 &&
            !(same_text(a->label, b->label) && same_text(a->split, b->split) &&
              same_text(a->group, b->group)))
            return error_set(error, "'%s' lines %zu and %zu say different things of '%s'", name,
                             a->line < b->line ? a->line : b->line,
                             a->line < b->line ? b->line : a->line, a->path);
    }
    return 0;
}

/* rows: keyed and sorted, to be released with free(); NULL without memory or with a fault. */
static struct keyed_row *key_rows(struct scan_texts *texts, const char *name, const char *folder,
                                  struct error *error)
{
    size_t count = texts->labels.count;
    struct keyed_row *keyed = memory_allocate(count, sizeof *keyed, error);
    int outcome = keyed == NULL ? FAILED : 0;

    for (size_t i = 0; i < count && outcome == 0; i++) {
        char *path = row_path(&texts->labels.rows[i], folder, error);
        char *absolute = path == NULL ? NULL : path_absolute(path, error);

        if (absolute == NULL)
            outcome = FAILED;
        else
            keyed[i] = (struct keyed_row){text_pool_add(&texts->pool, absolute, error),
                                          &texts->labels.rows[i]};
        if (outcome == 0 && keyed[i].key == NULL)
            outcome = FAILED;
        free(absolute);
        free(path);
    }
    if (outcome == 0 && count > 0) {
        qsort(keyed, count, sizeof *keyed, compare_keys);
        outcome = check_duplicates(keyed, count, name, error);
    }
    if (outcome == 0)
        return keyed;
    free(keyed);
    return NULL;
}

/* Finds the row of a sample and applies it. Returns 1 when there is one, 0 when not. */
static int apply_row(struct sample *sample, const struct keyed_row *keyed, size_t count,
                     struct error *error)
{
    char *absolute = path_absolute(sample->path, error);
    struct keyed_row wanted = {.key = absolute};
    const struct keyed_row *found;

    if (absolute == NULL)
        return FAILED;
    found = bsearch(&wanted, keyed, count, sizeof *keyed, compare_keys);
    free(absolute);
    if (found == NULL)
        return 0;
    if (found->row->label != NULL)
        sample->label = found->row->label;
    if (found->row->split != NULL)
        sample->split = found->row->split;
    sample->group = found->row->group;
    sample->named = true;
    return 1;
}

static int apply_labels(struct scan *scan, const char *name, const char *folder,
                        struct error *error)
{
    struct keyed_row *keyed = key_rows(scan->texts, name, folder, error);
    size_t matched = 0;
    int outcome = keyed == NULL ? FAILED : 0;

    for (size_t i = 0; i < scan->sample_count && outcome >= 0; i++) {
        outcome = apply_row(&scan->samples[i], keyed, scan->texts->labels.count, error);
        matched += outcome == 1;
    }
    free(keyed);
    if (outcome >= 0 && matched == 0 && scan->sample_count > 0)
        return error_set(error, "'%s' names none of the %zu files that were found; its paths are "
                                "relative to its own folder",
                         name, scan->sample_count);
    return outcome < 0 ? FAILED : 0;
}

static int collect(struct collector *collector, const char *folder, struct error *error)
{
    const struct scan_request *request = collector->request;

    for (size_t i = 0; i < request->path_count; i++) {
        const char *path = request->paths[i];
        int outcome = strcmp(path, "-") == 0 ? add_list(collector, path, error)
                                             : add_path(collector, path, error);

        if (outcome < 0)
            return FAILED;
    }
    if (request->files_from != NULL)
        return add_list(collector, request->files_from, error);
    if (request->path_count > 0)
        return 0;
    if (request->labels_file != NULL)
        return add_rows(collector, folder, error);
    return error_set(error, "no images were named");
}

static int run(struct collector *collector, struct error *error)
{
    const struct scan_request *request = collector->request;
    struct scan *scan = collector->scan;
    char *folder = NULL;
    int outcome = 0;

    scan->texts = memory_allocate(1, sizeof *scan->texts, error);
    if (scan->texts == NULL)
        return FAILED;
    if (request->labels_file != NULL) {
        folder = path_folder(request->labels_file, error);
        if (folder == NULL || labels_read(request->labels_file, &scan->texts->labels, error) < 0)
            outcome = FAILED;
    }
    if (outcome == 0)
        outcome = collect(collector, folder, error);
    if (outcome == 0)
        outcome = settle_samples(collector, error);
    settle_refusals(scan);
    if (outcome == 0 && folder != NULL)
        outcome = apply_labels(scan, request->labels_file, folder, error);
    free(folder);
    return outcome;
}

int scan_run(const struct scan_request *request, struct scan *scan, struct error *error)
{
    struct collector collector = {.request = request, .scan = scan};
    int outcome;

    *scan = (struct scan){0};
    outcome = run(&collector, error);
    free(collector.found);
    if (outcome < 0)
        scan_release(scan);
    return outcome;
}

void scan_release(struct scan *scan)
{
    free(scan->samples);
    free(scan->refusals);
    free(scan->folders);
    if (scan->texts != NULL) {
        text_pool_release(&scan->texts->pool);
        labels_release(&scan->texts->labels);
        free(scan->texts);
    }
    *scan = (struct scan){0};
}
