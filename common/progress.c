#include "common/progress.h"

#include <time.h>
#include <unistd.h>

static const double redraw_seconds = 1.0 / 6;

double progress_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_start(struct progress *progress, FILE *out, const char *unit)
{
    *progress = (struct progress){
        .out = out,
        .unit = unit,
        .terminal = isatty(fileno(out)) == 1,
        .started = progress_clock(),
    };
}

static void write_time_left(FILE *out, double seconds)
{
    if (seconds < 100)
        fprintf(out, ", %.0f s left", seconds);
    else if (seconds < 6000)
        fprintf(out, ", %.0f min left", seconds / 60);
    else
        fprintf(out, ", %.1f h left", seconds / 3600);
}

void progress_show(struct progress *progress, size_t done, size_t total, const char *note)
{
    double now = progress_clock();
    double elapsed = now - progress->started;

    if (!progress->terminal || now - progress->last < redraw_seconds)
        return;
    progress->last = now;
    progress->drawn = true;
    fprintf(progress->out, "\r\033[K%zu", done);
    if (total > 0)
        fprintf(progress->out, "/%zu", total);
    fprintf(progress->out, " %s", progress->unit);
    if (done > 0 && elapsed > 0) {
        fprintf(progress->out, ", %.1f/s", (double)done / elapsed);
        if (total > done)
            write_time_left(progress->out, elapsed / (double)done * (double)(total - done));
    }
    if (note != NULL && *note != '\0')
        fprintf(progress->out, ", %s", note);
    fflush(progress->out);
}

void progress_clear(struct progress *progress)
{
    if (!progress->drawn)
        return;
    fputs("\r\033[K", progress->out);
    fflush(progress->out);
    progress->drawn = false;
    progress->last = 0;
}

void progress_end(struct progress *progress)
{
    progress_clear(progress);
}
