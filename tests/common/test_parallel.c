#include "tests/helpers.h"

#include <stdlib.h>
#include <string.h>

#include "common/parallel.h"

enum { MOST_THREADS = 8, MOST_TASKS = 40, LOOPS = 400 };

struct job {
    size_t threads;
    unsigned done[MOST_TASKS];            /* each task counts in its own place */
    size_t by_worker[MOST_THREADS][16];   /* each worker in its own cache lines */
    size_t wrong_worker[MOST_TASKS];
};

static void count_task(void *context, size_t task, size_t worker)
{
    struct job *job = context;

    job->done[task]++;
    if (worker < job->threads)
        job->by_worker[worker][0]++;
    else
        job->wrong_worker[task]++;
}

/* Many short loops after one another, which is where a wake-up can be lost or a late worker can
 * reach into the next loop. */
static void test_every_task_runs_once(void **state)
{
    struct error error;

    (void)state;
    for (size_t threads = 1; threads <= MOST_THREADS; threads++) {
        struct job job = {.threads = threads};
        struct parallel *parallel;
        size_t tasks = 0, by_workers = 0;

        assert_int_equal(parallel_create(threads, &parallel, &error), 0);
        assert_int_equal(parallel_threads(parallel), threads);
        for (size_t loop = 0; loop < LOOPS; loop++) {
            size_t count = loop % (MOST_TASKS + 1);

            memset(job.done, 0, sizeof job.done);
            parallel_for(parallel, count, count_task, &job);
            for (size_t task = 0; task < MOST_TASKS; task++)
                assert_int_equal(job.done[task], task < count);
            tasks += count;
        }
        for (size_t worker = 0; worker < threads; worker++)
            by_workers += job.by_worker[worker][0];
        assert_int_equal(by_workers, tasks);
        for (size_t task = 0; task < MOST_TASKS; task++)
            assert_int_equal(job.wrong_worker[task], 0);
        parallel_free(parallel);
    }
}

struct product {
    const double *in;
    double *out;
};

/* Uneven tasks: the later, the longer. */
static void sum_first(void *context, size_t task, size_t worker)
{
    const struct product *product = context;
    double sum = 0;

    (void)worker;
    for (size_t i = 0; i <= task; i++)
        sum += product->in[i];
    product->out[task] = sum;
}

static void test_result_does_not_depend_on_the_threads(void **state)
{
    enum { COUNT = 2000 };
    double *in = malloc(COUNT * sizeof *in), *out = malloc(COUNT * sizeof *out);
    double *first = malloc(COUNT * sizeof *first);
    struct product product = {in, out};
    struct error error;

    (void)state;
    assert_true(in != NULL && out != NULL && first != NULL);
    for (size_t i = 0; i < COUNT; i++)
        in[i] = 1.0 / (double)(i + 1);
    for (size_t threads = 1; threads <= MOST_THREADS; threads += 3) {
        struct parallel *parallel;

        memset(out, 0, COUNT * sizeof *out);
        assert_int_equal(parallel_create(threads, &parallel, &error), 0);
        parallel_for(parallel, COUNT, sum_first, &product);
        parallel_free(parallel);
        if (threads == 1)
            memcpy(first, out, COUNT * sizeof *out);
        assert_memory_equal(out, first, COUNT * sizeof *out);
    }
    memset(out, 0, COUNT * sizeof *out);
    parallel_for(NULL, COUNT, sum_first, &product);
    assert_memory_equal(out, first, COUNT * sizeof *out);
    free(in);
    free(out);
    free(first);
}

static void test_create_and_free(void **state)
{
    struct parallel *parallel;
    struct error error;

    (void)state;
    parallel_free(NULL);
    assert_true(parallel_processors() >= 1);
    assert_int_equal(parallel_threads(NULL), 1);
    assert_int_equal(parallel_create(0, &parallel, &error), 0);
    assert_int_equal(parallel_threads(parallel), parallel_processors());
    parallel_free(parallel);
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(parallel_create(3, &parallel, &error), 0);
        parallel_free(parallel);
    }
    assert_int_equal(parallel_create(SIZE_MAX, &parallel, &error), FAILED);
    assert_null(parallel);
    assert_string_equal(error.text, "out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_runs_once),
        cmocka_unit_test(test_result_does_not_depend_on_the_threads),
        cmocka_unit_test(test_create_and_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
