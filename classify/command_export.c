/* export: the vectors, as cached, for other programs. */
#include "classify/command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "classify/display.h"
#include "common/file.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/npy.h"

struct settings {
    struct command_settings shared;
    const char *format, *output, *split;
};

static const struct settings defaults = {.shared = COMMAND_DEFAULTS};

static const char *const formats[] = {"npy", "csv", "libsvm", NULL};

static const struct option options[] = {
    {0, "format", OPTION_CHOICE, offsetof(struct settings, format), .argument = "FORMAT",
     .choices = formats, .help = "npy, csv or libsvm"},
    {'o', "output", OPTION_TEXT, offsetof(struct settings, output), .argument = "PREFIX",
     .help = "the files' name without its ending"},
    COMMAND_FIRST_OPTIONS(struct settings),
    {'s', "split", OPTION_TEXT, offsetof(struct settings, split), .argument = "NAME",
     .help = "only the images of this split"},
    COMMAND_LAST_OPTIONS(struct settings),
};

/* ---- the formats ------------------------------------------------------------------------ */

static void write_npy(const struct dataset *dataset, FILE *out)
{
    const size_t shape[] = {dataset->count, dataset->dimension};

    npy_write_header(out, NPY_FLOAT32, 2, shape);
    for (size_t i = 0; i < dataset->count * dataset->dimension; i++) {
        unsigned char bytes[4];
        uint32_t bits;

        memcpy(&bits, &dataset->vectors[i], sizeof bits);
        for (int byte = 0; byte < 4; byte++)
            bytes[byte] = (unsigned char)(bits >> 8 * byte);
        fwrite(bytes, 1, sizeof bytes, out);
    }
}

/* A field of a CSV file (RFC 4180), quoted where it must be. */
static void write_field(const char *text, FILE *out)
{
    if (text == NULL)
        return;
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_csv(const struct dataset *dataset, FILE *out)
{
    fputs("path,label,split,group", out);
    for (size_t k = 0; k < dataset->dimension; k++)
        fprintf(out, ",v%zu", k);
    fputc('\n', out);
    for (size_t i = 0; i < dataset->count; i++) {
        const struct dataset_sample *sample = &dataset->samples[i];
        const float *vector = dataset->vectors + i * dataset->dimension;

        write_field(sample->path, out);
        fputc(',', out);
        write_field(sample->label, out);
        fputc(',', out);
        write_field(sample->split, out);
        fputc(',', out);
        write_field(sample->group, out);
        for (size_t k = 0; k < dataset->dimension; k++)
            fprintf(out, ",%.9g", (double)vector[k]);
        fputc('\n', out);
    }
}

/* The number of a class in LIBSVM's file: from 1, and 0 without a label. */
static size_t class_number(const struct dataset_sample *sample)
{
    return sample->class == DATASET_NO_CLASS ? 0 : sample->class + 1;
}

/* Zeros are left out, positions count from 1. */
static void write_libsvm(const struct dataset *dataset, FILE *out)
{
    for (size_t i = 0; i < dataset->count; i++) {
        const float *vector = dataset->vectors + i * dataset->dimension;

        fprintf(out, "%zu", class_number(&dataset->samples[i]));
        for (size_t k = 0; k < dataset->dimension; k++)
            if (vector[k] < 0 || vector[k] > 0)
                fprintf(out, " %zu:%.9g", k + 1, (double)vector[k]);
        fputc('\n', out);
    }
}

static void write_rows(const struct dataset *dataset, bool numbered, FILE *out)
{
    fprintf(out, "path\tlabel\tsplit\tgroup%s\n", numbered ? "\tclass" : "");
    for (size_t i = 0; i < dataset->count; i++) {
        const struct dataset_sample *sample = &dataset->samples[i];

        display_write(out, sample->path);
        fputc('\t', out);
        display_write(out, sample->label);
        fputc('\t', out);
        display_write(out, sample->split);
        fputc('\t', out);
        display_write(out, sample->group);
        if (numbered)
            fprintf(out, "\t%zu", class_number(sample));
        fputc('\n', out);
    }
}

static void write_npy_rows(const struct dataset *dataset, FILE *out)
{
    write_rows(dataset, false, out);
}

static void write_libsvm_rows(const struct dataset *dataset, FILE *out)
{
    write_rows(dataset, true, out);
}

/* ---- the command ------------------------------------------------------------------------ */

enum { FILES = 2 };

/* The files of a format: PREFIX.ending, and who writes it. */
static const struct {
    const char *format;
    struct {
        const char *ending;
        void (*write)(const struct dataset *dataset, FILE *out);
    } files[FILES];
} writers[] = {
    {"npy", {{"npy", write_npy}, {"tsv", write_npy_rows}}},
    {"csv", {{"csv", write_csv}}},
    {"libsvm", {{"libsvm", write_libsvm}, {"tsv", write_libsvm_rows}}},
};

static char *file_name(const char *prefix, const char *ending, struct error *error)
{
    size_t size = strlen(prefix) + strlen(ending) + 2;
    char *name = memory_allocate(size, 1, error);

    if (name != NULL)
        snprintf(name, size, "%s.%s", prefix, ending);
    return name;
}

static void write_summary(const struct settings *settings, const struct dataset *dataset,
                          char *const *names, size_t count, FILE *out)
{
    struct json json = {.out = out};

    if (settings->shared.json) {
        json_open(&json, NULL, '{');
        json_text(&json, "format", settings->format);
        json_open(&json, "files", '[');
        for (size_t i = 0; i < count; i++)
            json_text(&json, NULL, names[i]);
        json_close(&json);
        json_integer(&json, "images", (int64_t)dataset->count);
        json_integer(&json, "dimension", (int64_t)dataset->dimension);
        json_close(&json);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", out);
        display_write(out, names[i]);
    }
    fprintf(out, ": %zu images, %zu numbers each\n", dataset->count, dataset->dimension);
}

/* All files are written before the first one appears. */
static int write_files(const struct settings *settings, const struct dataset *dataset, FILE *out,
                       struct error *error)
{
    struct file_output outputs[FILES] = {{0}};
    char *names[FILES] = {0};
    size_t chosen = 0, count = 0;
    int outcome = 0;

    while (strcmp(writers[chosen].format, settings->format) != 0)
        chosen++;
    while (count < FILES && writers[chosen].files[count].ending != NULL && outcome == 0) {
        names[count] = file_name(settings->output, writers[chosen].files[count].ending, error);
        outcome = names[count] != NULL ? file_output_open(names[count], &outputs[count], error)
                                       : FAILED;
        if (outcome == 0)
            writers[chosen].files[count].write(dataset, outputs[count].stream);
        count++;
    }
    for (size_t i = 0; i < count && outcome == 0; i++)
        outcome = file_output_commit(&outputs[i], error);
    if (outcome == 0)
        write_summary(settings, dataset, names, count, out);
    for (size_t i = 0; i < count; i++) {
        file_output_discard(&outputs[i]);
        free(names[i]);
    }
    return outcome;
}

static int run(const void *opaque, const struct text_list *operands,
               const struct command_streams *streams, struct error *error)
{
    const struct settings *settings = opaque;
    struct dataset_request request = {.normalize = NORMALIZE_NONE, .splits = {settings->split}};
    struct command_database database = {0};
    struct dataset dataset = {0};
    int outcome = FAILED;

    (void)operands;
    if (settings->format == NULL || settings->output == NULL) {
        error_set(error, settings->format == NULL ? "no format chosen: say --format npy, csv or "
                  "libsvm" : "no files to write: say -o PREFIX");
        return COMMAND_USAGE;
    }
    if (command_database_open(&settings->shared, &database, error) < 0 ||
        feature_sets_choose(&database.sets, settings->shared.features, settings->shared.database,
                            &request.feature_set, error) < 0 ||
        dataset_load(database.store, &request, &dataset, error) < 0)
        goto out;
    if (dataset.count > 0)
        outcome = write_files(settings, &dataset, streams->out, error);
    else if (settings->split != NULL)
        command_no_split(database.store, settings->split, error);
    else
        error_set(error, "nothing to export: no image has a vector of this feature set");
out:
    dataset_release(&dataset);
    command_database_close(&database);
    return outcome;
}

const struct command command_export = {
    .name = "export",
    .operands = "",
    .summary = "the vectors for NumPy, a spreadsheet or LIBSVM's own tools",
    .details =
        "npy     PREFIX.npy, float32, images x dimension, and PREFIX.tsv: path, label, split and\n"
        "        group of each row\n"
        "csv     PREFIX.csv: path, label, split, group, v0, v1, ...\n"
        "libsvm  PREFIX.libsvm, and PREFIX.tsv, which also has the number of the class\n"
        "\n"
        "Vectors are written as they are cached, not normalised, by path in byte order. In .tsv\n"
        "files, tab, newline, carriage return and backslash in a text are written as \\t, \\n,\n"
        "\\r and \\\\, other control characters as \\xNN.\n",
    .options = options,
    .defaults = &defaults,
    .settings_size = sizeof defaults,
    .run = run,
};
