#include "classify/metrics.h"

#include <stdlib.h>

#include "common/memory.h"

int metrics_create(size_t classes, struct metrics *metrics, struct error *error)
{
    size_t cells;

    *metrics = (struct metrics){.classes = classes};
    if (!size_multiply(classes, classes, &cells))
        return error_no_memory(error);
    metrics->confusion = memory_allocate(cells, sizeof *metrics->confusion, error);
    metrics->per_class = memory_allocate(classes, sizeof *metrics->per_class, error);
    if (metrics->confusion != NULL && metrics->per_class != NULL)
        return 0;
    metrics_release(metrics);
    return FAILED;
}

void metrics_count(struct metrics *metrics, size_t truth, size_t predicted)
{
    metrics->confusion[truth * metrics->classes + predicted]++;
}

static double ratio(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

void metrics_finish(struct metrics *metrics)
{
    const size_t classes = metrics->classes;
    size_t supported = 0;
    double recalls = 0, scores = 0;

    metrics->correct = metrics->total = 0;
    for (size_t class = 0; class < classes; class++) {
        struct class_metrics *one = &metrics->per_class[class];
        size_t correct = metrics->confusion[class * classes + class];

        *one = (struct class_metrics){0};
        for (size_t other = 0; other < classes; other++) {
            one->support += metrics->confusion[class * classes + other];
            one->predicted += metrics->confusion[other * classes + class];
        }
        one->precision = ratio(correct, one->predicted);
        one->recall = ratio(correct, one->support);
        one->f1 = ratio(2 * correct, one->support + one->predicted);
        supported += one->support > 0;
        recalls += one->recall;
        scores += one->support > 0 ? one->f1 : 0;
        metrics->correct += correct;
        metrics->total += one->support;
    }
    metrics->accuracy = ratio(metrics->correct, metrics->total);
    metrics->balanced_accuracy = supported > 0 ? recalls / (double)supported : 0;
    metrics->macro_f1 = supported > 0 ? scores / (double)supported : 0;
}

void metrics_release(struct metrics *metrics)
{
    free(metrics->confusion);
    free(metrics->per_class);
    *metrics = (struct metrics){0};
}
