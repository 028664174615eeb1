/*
 * One line on a terminal that is rewritten as work goes on: count, rate, time left.
 *
 *     struct progress progress;
 *     progress_start(&progress, stderr, "images");        draws only when stderr is a terminal
 *     progress_show(&progress, done, total, "2 refused");
 *     progress_end(&progress);                            removes the line
 */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct progress {
    FILE *out;
    const char *unit;
    bool terminal, drawn;
    double started, last;  /* seconds, progress_clock() */
};

/* Seconds on a clock that never goes back. */
double progress_clock(void);

void progress_start(struct progress *progress, FILE *out, const char *unit);

/* Redraws at most six times a second. `total` 0: not known yet. `note` may be NULL or empty. */
void progress_show(struct progress *progress, size_t done, size_t total, const char *note);

/* Clears the line, so that a message can be written; the next progress_show draws it again. */
void progress_clear(struct progress *progress);

void progress_end(struct progress *progress);

#endif
