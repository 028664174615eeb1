#include "extract/labels.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* A line for each of ten million images. */
enum { MAXIMUM_BYTES = 1 << 30 };

enum column { COLUMN_PATH, COLUMN_LABEL, COLUMN_SPLIT, COLUMN_GROUP, COLUMNS };
static const char *const column_names[COLUMNS] = {"path", "label", "split", "group"};

/* The text that is still to be read; fields are unquoted where they stand. */
struct csv {
    const char *name;
    char *at, *end;  /* *end is NUL */
    size_t line;
    enum column columns[COLUMNS];  /* of the file, from the left */
    size_t column_count;
};

static bool at_line_end(const struct csv *csv)
{
    return csv->at == csv->end || *csv->at == '\n' ||
           (*csv->at == '\r' && (csv->at + 1 == csv->end || csv->at[1] == '\n'));
}

/* Steps over the line end, which becomes the end of the field before it. */
static void skip_line_end(struct csv *csv)
{
    if (csv->at < csv->end && *csv->at == '\r')
        *csv->at++ = '\0';
    if (csv->at < csv->end) {
        *csv->at++ = '\0';
        csv->line++;
    }
}

/* Begins behind the opening quote; *field becomes the text with "" as ". */
static int read_quoted(struct csv *csv, char **field, struct error *error)
{
    size_t line = csv->line;
    char *out = csv->at;

    *field = out;
    for (;;) {
        if (csv->at == csv->end)
            return error_set(error, "'%s' line %zu: a quote that does not end", csv->name, line);
        if (*csv->at == '\n')
            csv->line++;
        if (*csv->at == '"') {
            csv->at++;
            if (*csv->at != '"')
                break;
        }
        *out++ = *csv->at++;
    }
    if (*csv->at != ',' && !at_line_end(csv))
        return error_set(error, "'%s' line %zu: text after a closing quote", csv->name,
                         csv->line);
    *out = '\0';
    return 0;
}

/* Reads a field and what ends it; *last where that is the line. */
static int read_field(struct csv *csv, char **field, bool *last, struct error *error)
{
    if (*csv->at == '"') {
        csv->at++;
        if (read_quoted(csv, field, error) < 0)
            return FAILED;
    } else {
        *field = csv->at;
        while (*csv->at != ',' && !at_line_end(csv))
            csv->at++;
    }
    *last = at_line_end(csv);
    if (*last)
        skip_line_end(csv);
    else
        *csv->at++ = '\0';
    return 0;
}

static int add_column(struct csv *csv, const char *name, struct error *error)
{
    enum column column = COLUMN_PATH;

    while (column < COLUMNS && strcmp(name, column_names[column]) != 0)
        column++;
    if (column == COLUMNS)
        return error_set(error, "'%s': unknown column '%s'; the first line names the columns "
                                "path,label and maybe split,group",
                         csv->name, name);
    for (size_t i = 0; i < csv->column_count; i++)
        if (csv->columns[i] == column)
            return error_set(error, "'%s': two columns '%s'", csv->name, name);
    csv->columns[csv->column_count++] = column;
    return 0;
}

static int read_header(struct csv *csv, struct error *error)
{
    bool seen[COLUMNS] = {false};
    bool last = false;

    if (csv->end - csv->at >= 3 && memcmp(csv->at, "\xef\xbb\xbf", 3) == 0)
        csv->at += 3;
    while (!last) {
        char *name;

        if (read_field(csv, &name, &last, error) < 0 || add_column(csv, name, error) < 0)
            return FAILED;
        seen[csv->columns[csv->column_count - 1]] = true;
    }
    for (enum column column = COLUMN_PATH; column <= COLUMN_LABEL; column++)
        if (!seen[column])
            return error_set(error, "'%s': no column '%s'", csv->name, column_names[column]);
    return 0;
}

static void set_field(struct label_row *row, enum column column, const char *field)
{
    const char *value = *field != '\0' ? field : NULL;

    switch (column) {
    case COLUMN_PATH:
        row->path = value;
        break;
    case COLUMN_LABEL:
        row->label = value;
        break;
    case COLUMN_SPLIT:
        row->split = value;
        break;
    case COLUMN_GROUP:
        row->group = value;
        break;
    case COLUMNS:
        break;
    }
}

static int read_row(struct csv *csv, struct label_row *row, struct error *error)
{
    bool last = false;
    size_t fields = 0;

    *row = (struct label_row){.line = csv->line};
    while (!last) {
        char *field;

        if (read_field(csv, &field, &last, error) < 0)
            return FAILED;
        if (fields < csv->column_count)
            set_field(row, csv->columns[fields], field);
        fields++;
    }
    if (fields != csv->column_count)
        return error_set(error, "'%s' line %zu: %zu fields instead of %zu", csv->name, row->line,
                         fields, csv->column_count);
    if (row->path == NULL)
        return error_set(error, "'%s' line %zu: no path", csv->name, row->line);
    return 0;
}

static int read_rows(struct csv *csv, struct labels *labels, struct error *error)
{
    while (csv->at < csv->end) {
        void *rows = labels->rows;

        if (at_line_end(csv)) {
            skip_line_end(csv);
            continue;
        }
        if (memory_grow(&rows, labels->count, &labels->capacity, sizeof *labels->rows, error) < 0)
            return FAILED;
        labels->rows = rows;
        if (read_row(csv, &labels->rows[labels->count], error) < 0)
            return FAILED;
        labels->count++;
    }
    return 0;
}

static int parse(const char *path, struct labels *labels, struct error *error)
{
    struct csv csv = {.name = path, .line = 1};

    if (file_read(path, MAXIMUM_BYTES, &labels->text, NULL, error) < 0 ||
        buffer_reserve(&labels->text, labels->text.size + 1, error) < 0)
        return FAILED;
    csv.at = (char *)labels->text.data;
    csv.end = csv.at + labels->text.size;
    *csv.end = '\0';
    if (strlen(csv.at) != labels->text.size)
        return error_set(error, "'%s' is no CSV file: it holds a NUL", path);
    if (read_header(&csv, error) < 0)
        return FAILED;
    return read_rows(&csv, labels, error);
}

int labels_read(const char *path, struct labels *labels, struct error *error)
{
    int outcome;

    *labels = (struct labels){0};
    outcome = parse(path, labels, error);
    if (outcome < 0)
        labels_release(labels);
    return outcome;
}

void labels_release(struct labels *labels)
{
    free(labels->rows);
    buffer_release(&labels->text);
    *labels = (struct labels){0};
}
