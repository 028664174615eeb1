/*
 * Labels from a CSV file (RFC 4180): the first line names the columns, `path` and `label`, and
 * where wanted `split` and `group`, in any order.
 *
 *     path,label,split
 *     ants/1.jpg,ants,train
 *     "bees/the ""queen"", close.jpg",bees,val
 *
 * A path is relative to the folder of the CSV file. An empty field says nothing. A byte order
 * mark, CRLF line ends and empty lines are allowed.
 */
#ifndef EXTRACT_LABELS_H
#define EXTRACT_LABELS_H

#include <stddef.h>

#include "common/error.h"
#include "common/file.h"

struct label_row {
    const char *path;                   /* as written; not empty */
    const char *label, *split, *group;  /* NULL: none */
    size_t line;                        /* where the row begins, from 1 */
};

struct labels {
    struct label_row *rows;  /* in the order of the file */
    size_t count, capacity;
    struct buffer text;      /* the file's content, which the rows point into */
};

/* FAILED, with file and line, when it cannot be read, lacks a column, has an unknown one or one
 * twice, or a row has too few or too many fields, a quote that does not end or no path; `labels`
 * is then released. */
int labels_read(const char *path, struct labels *labels, struct error *error);

void labels_release(struct labels *labels);

#endif
