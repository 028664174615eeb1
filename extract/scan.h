/*
 * What the command line names becomes a list of samples: paths with label, split and group.
 *
 *     struct scan_request request = {.paths = operands.items, .path_count = operands.count};
 *     struct scan scan;
 *     scan_run(&request, &scan, &error);     scan.samples[0 .. scan.sample_count - 1], by path
 *     scan_release(&scan);
 *
 * A folder is walked: its first level of sub-folders are the labels of all that lies below them;
 * images directly in the folder have no label. Sub-folders that are named as splits, train and
 * val for example, are splits, and what lies in them the labels (walk.h). Hidden files and
 * folders, FIFOs, sockets and devices are passed over; links are followed, except into a folder
 * that is being walked. Only names are looked at: whether a file is an image is for its reader to
 * say.
 *
 * A list has a path a line, or ended by NUL; empty ones are passed over, and a carriage return
 * at the end of a line. What it names counts as if it stood on the command line, folders too.
 *
 * Paths are as given, without "./", doubled and trailing slashes, in byte order, each once. Where
 * a path is reached twice, the first that gives it a label decides, in the order of the command
 * line, then of the list. A label comes from the CSV file, else from --label, else from the
 * folder; a split from the CSV file, else from --split, else from the folder; a group from the CSV
 * file.
 */
#ifndef EXTRACT_SCAN_H
#define EXTRACT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct scan_request {
    const char *const *paths;  /* images, folders; "-" reads a list from stdin */
    size_t path_count;
    const char *files_from;    /* --files-from: a list of paths, "-" is stdin; NULL: none */
    bool nul_separated;        /* -0: the lists are separated by NUL instead of newline */
    const char *label;         /* --label; NULL: none */
    const char *labels_file;   /* --labels FILE.csv; NULL: none. See labels.h */
    const char *split;         /* --split; NULL: none */
};

struct sample {
    const char *path;
    const char *label, *split, *group;  /* NULL: none */
    bool named;  /* by the command line, a list or the CSV file: when it is no image, that is a
                    refusal; a file that was only found in a walk is then passed over */
};

/* A path that could not be looked at: it does not exist, or is a folder without permission. */
struct scan_refusal {
    const char *path;
    const char *reason;  /* the whole message, the path included */
};

struct scan_texts;

struct scan {
    struct sample *samples;         /* by path in byte order */
    size_t sample_count;
    struct scan_refusal *refusals;  /* by path in byte order, each path once */
    size_t refusal_count;
    const char **folders;           /* that were walked, cleaned; "." is the current one */
    size_t folder_count;
    bool found_splits;              /* some folder's sub-folders were taken for splits */
    struct scan_texts *texts;       /* owns what the others point to */
};

/* Without paths and lists, the CSV file alone says which files. The request's texts must outlive
 * the scan. FAILED when nothing was named, a list or the CSV file cannot be read, the CSV file
 * has a fault, gives a path two meanings or names none of the files that were found, or memory
 * is short; `scan` is then released. */
int scan_run(const struct scan_request *request, struct scan *scan, struct error *error);

void scan_release(struct scan *scan);

#endif
