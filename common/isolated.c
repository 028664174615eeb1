#include "common/isolated.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_ROOM = 1 << 16 };

/* What the process says at its end, in memory that both have. */
struct report {
    bool finished;
    int outcome;
    struct error error;
};

/* ---- in the process --------------------------------------------------------------------- */

/* The address space that is in use, in bytes; 0 when the system does not tell. */
static size_t used_memory(void)
{
    FILE *status = fopen("/proc/self/statm", "r");
    size_t pages = 0;

    if (status == NULL)
        return 0;
    if (fscanf(status, "%zu", &pages) != 1)
        pages = 0;
    fclose(status);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The signal that tells of a soft limit comes before the end at the hard one. */
static void set_limit(int resource, size_t value)
{
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value + 1};

    setrlimit(resource, &limit);
}

static void restrict_process(const struct isolated_limits *limits)
{
    size_t used = used_memory();

    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_CPU, limits->seconds);
    if (used > 0)
        set_limit(RLIMIT_AS, used + limits->memory);
}

/* A crash is an answer here: no handler of the caller's may make more of it. Ctrl-C is for the
 * caller, which waits for this process. */
static void reset_signals(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGXCPU,
                                 SIGTERM, SIGALRM};

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        signal(faults[i], SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_DFL);
}

static void silence(void)
{
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (nothing >= 0) {
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
    }
}

static _Noreturn void run_process(isolated_work *work, void *context,
                                  const struct isolated_limits *limits, int descriptor,
                                  struct report *report)
{
    FILE *output;

    reset_signals();
    silence();
    restrict_process(limits);
    output = fdopen(descriptor, "wb");
    if (output == NULL) {
        report->outcome = error_no_memory(&report->error);
    } else {
        report->outcome = work(context, output, &report->error);
        if (fflush(output) != 0 && report->outcome == 0)
            report->outcome = error_set(&report->error, "cannot pass on what was read: %s",
                                        strerror(errno));
    }
    report->finished = true;
    _exit(0);
}

/* ---- in the caller ---------------------------------------------------------------------- */

/* Everything up to the end of the pipe. */
static int collect(int descriptor, size_t limit, struct buffer *output, struct error *error)
{
    output->size = 0;
    for (;;) {
        ssize_t got;

        if (output->size == output->capacity &&
            buffer_reserve(output, output->capacity > 0 ? output->capacity * 2 : FIRST_ROOM,
                           error) < 0)
            return FAILED;
        got = read(descriptor, output->data + output->size, output->capacity - output->size);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return error_set(error, "cannot read from a process: %s", strerror(errno));
        output->size += got > 0 ? (size_t)got : 0;
        if (output->size > limit)
            return error_set(error, "it gives more than %zu bytes", limit);
    }
}

static void wait_for(pid_t process, int *status)
{
    while (waitpid(process, status, 0) < 0 && errno == EINTR)
        ;
}

static int judge(int status, const struct report *report, struct error *error)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return error_set(error, "reading it takes too long");
    if (WIFSIGNALED(status) && !report->finished)
        return error_set(error, "reading it ended with '%s'", strsignal(WTERMSIG(status)));
    if (!report->finished)
        return error_set(error, "reading it ended without a result");
    if (report->outcome < 0) {
        *error = report->error;
        error->text[sizeof error->text - 1] = '\0';
        return FAILED;
    }
    return 0;
}

/* The pipe is open; closes its end for writing. */
static int run_with(isolated_work *work, void *context, const struct isolated_limits *limits,
                    const int *ends, struct report *report, struct buffer *output,
                    struct error *error)
{
    pid_t process = fork();
    int status = 0, outcome;

    if (process == 0)
        run_process(work, context, limits, ends[1], report);
    close(ends[1]);
    if (process < 0)
        return error_set(error, "cannot start a process: %s", strerror(errno));
    outcome = collect(ends[0], limits->output, output, error);
    if (outcome < 0)
        kill(process, SIGKILL);
    wait_for(process, &status);
    return outcome < 0 ? FAILED : judge(status, report, error);
}

int isolated_run(isolated_work *work, void *context, const struct isolated_limits *limits,
                 struct buffer *output, struct error *error)
{
    struct report *report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2], outcome;

    if (report == MAP_FAILED)
        return error_no_memory(error);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        munmap(report, sizeof *report);
        return error_set(error, "cannot make a pipe: %s", strerror(errno));
    }
    outcome = run_with(work, context, limits, ends, report, output, error);
    close(ends[0]);
    munmap(report, sizeof *report);
    return outcome;
}
