#include "classify/report.h"

#include <inttypes.h>

#include "classify/display.h"
#include "common/json.h"

enum {
    TERMINAL = 80,         /* columns */
    NUMBER = 9,            /* the width of a column of the table by class */
    CONFUSIONS = 20        /* so many are listed where the matrix is too wide */
};

static const struct {
    const char *name, *reference;
} methods[] = {
    [INTERVAL_WILSON] = {"wilson", "Wilson"},
    [INTERVAL_CORRECTED_RESAMPLED] = {"corrected resampled",
                                      "corrected resampled, Nadeau and Bengio 2003"},
};

const char *report_interval_name(enum interval_method method)
{
    return methods[method].name;
}

const char *report_interval_reference(enum interval_method method)
{
    return methods[method].reference;
}

size_t report_choices(const struct evaluation *evaluation, struct report_choice *choices)
{
    size_t count = 0;

    for (size_t i = 0; i < INNER_GRID; i++) {
        struct report_choice choice = {.c = inner_grid[i]};

        for (size_t fold = 0; fold < evaluation->fold_count; fold++)
            choice.folds += !(evaluation->chosen[fold] < choice.c) &&
                            !(evaluation->chosen[fold] > choice.c);
        if (choice.folds > 0)
            choices[count++] = choice;
    }
    return count;
}

static const struct dataset *dataset_of(const struct report *report)
{
    return &report->examples->dataset;
}

static size_t maximum(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t digits_of(size_t number)
{
    size_t digits = 1;

    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static size_t widest_label(const struct dataset *dataset)
{
    size_t widest = 0;

    for (size_t class = 0; class < dataset->class_count; class++)
        widest = maximum(widest, display_width(dataset->classes[class]));
    return widest;
}

static void write_choices(const struct report *report, FILE *out)
{
    struct report_choice choices[INNER_GRID];
    size_t count;

    if (!report->settings->training.search)
        return;
    count = report_choices(report->evaluation, choices);
    if (report->evaluation->fold_count == 1) {
        fprintf(out, "C = %.3g chosen inside the training part\n", choices[0].c);
        return;
    }
    fputs("C chosen inside every training part:", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s %.3g (%zu x)", i > 0 ? "," : "", choices[i].c, choices[i].folds);
    fputc('\n', out);
}

static void write_protocol(const struct report *report, FILE *out)
{
    const struct evaluation_settings *settings = report->settings;
    const struct evaluation *evaluation = report->evaluation;
    const struct feature_set *features = report->examples->features;
    size_t classes = dataset_of(report)->class_count;
    char set[256];

    feature_set_describe(features, set, sizeof set);
    display_write(out, set);
    fprintf(out, " (feature set %" PRId64 ")\n", features->id);
    if (report->protocol->train_split != NULL) {
        fprintf(out, "%zu image%s of '", evaluation->first, plural(evaluation->first));
        display_write(out, report->protocol->train_split);
        fprintf(out, "' trained on, %zu of '", evaluation->count);
        display_write(out, report->protocol->test_split);
        fprintf(out, "' tested, %zu classes", classes);
    } else if (settings->leave_one_out) {
        fprintf(out, "leave one out; %zu images, %zu classes", evaluation->count, classes);
    } else {
        fprintf(out, "%zu x stratified %zu-fold, seed %" PRIu64 "; %zu images, %zu classes",
                evaluation->repeats, settings->folds, settings->seed, evaluation->count, classes);
    }
    fputs("; ", out);
    learning_describe(report->learning, evaluation->on_vectors, out);
    augmentation_describe(&report->examples->augmentation, "\n", out);
    fputc('\n', out);
    write_choices(report, out);
}

static void write_accuracy(const struct report *report, FILE *out)
{
    const struct evaluation *evaluation = report->evaluation;
    const struct metrics *metrics = &evaluation->metrics;

    fprintf(out, "\naccuracy          %6.1f %%  (%zu/%zu)\n", 100 * metrics->accuracy,
            metrics->correct, metrics->total);
    fprintf(out, "95 %% interval     %6.1f to %.1f %%  (%s)\n", 100 * evaluation->interval.low,
            100 * evaluation->interval.high, methods[evaluation->method].reference);
    fprintf(out, "balanced accuracy %6.1f %%\n", 100 * metrics->balanced_accuracy);
    fprintf(out, "macro F1          %6.1f %%\n", 100 * metrics->macro_f1);
    if (report->top > 0)
        fprintf(out, "among first %-5zu %6.1f %%\n", report->top,
                100 * evaluation_top_accuracy(evaluation, report->top));
}

static void write_reliability(const struct report *report, FILE *out)
{
    struct reliability reliability;

    if (report->evaluation->probabilities == NULL)
        return;
    reliability = evaluation_reliability(report->evaluation, dataset_of(report));
    fprintf(out, "\nBrier score %.4f (0 is perfect, 2 the worst)\n"
            "probability given to the label  images  mean  right\n", reliability.brier);
    for (size_t bin = 0; bin < RELIABILITY_BINS; bin++) {
        if (reliability.bins[bin].count == 0)
            continue;
        fprintf(out, "%10.1f to %.1f %22zu  %.2f   %.2f\n", (double)bin / RELIABILITY_BINS,
                (double)(bin + 1) / RELIABILITY_BINS, reliability.bins[bin].count,
                reliability.bins[bin].probability, reliability.bins[bin].right);
    }
}

static void write_share(FILE *out, double share)
{
    fprintf(out, "  %*.1f %%", NUMBER - 2, 100 * share);
}

static void write_classes(const struct report *report, FILE *out)
{
    const struct metrics *metrics = &report->evaluation->metrics;
    size_t width = maximum(widest_label(dataset_of(report)), sizeof "class" - 1);

    fputc('\n', out);
    display_pad(out, "class", width);
    fprintf(out, "  %*s  %*s  %*s  %*s\n", NUMBER, "precision", NUMBER, "recall", NUMBER, "F1",
            NUMBER, "images");
    for (size_t class = 0; class < metrics->classes; class++) {
        const struct class_metrics *one = &metrics->per_class[class];

        display_pad(out, dataset_of(report)->classes[class], width);
        write_share(out, one->precision);
        write_share(out, one->recall);
        write_share(out, one->f1);
        fprintf(out, "  %*zu\n", NUMBER, one->support / report->evaluation->repeats);
    }
}

/* The matrix with columns headed by labels, or by the numbers of the rows. */
static void write_matrix(const struct report *report, size_t row_width, size_t column_width,
                         bool numbered, FILE *out)
{
    const struct metrics *metrics = &report->evaluation->metrics;
    size_t number_width = numbered ? digits_of(metrics->classes) + 1 : 0;

    fprintf(out, "%*s", (int)number_width, "");
    display_pad(out, "true", row_width);
    for (size_t class = 0; class < metrics->classes; class++) {
        fputs("  ", out);
        if (numbered)
            fprintf(out, "%*zu", (int)column_width, class + 1);
        else
            display_pad_left(out, dataset_of(report)->classes[class], column_width);
    }
    fputc('\n', out);
    for (size_t class = 0; class < metrics->classes; class++) {
        if (numbered)
            fprintf(out, "%*zu ", (int)number_width - 1, class + 1);
        display_pad(out, dataset_of(report)->classes[class], row_width);
        for (size_t other = 0; other < metrics->classes; other++)
            fprintf(out, "  %*zu", (int)column_width,
                    metrics->confusion[class * metrics->classes + other]);
        fputc('\n', out);
    }
}

/* The largest count outside the diagonal that comes after cell *after in order of size, then of
 * position; false when there is none. */
static bool next_confusion(const struct metrics *metrics, size_t *after)
{
    const size_t cells = metrics->classes * metrics->classes;
    size_t limit = *after < cells ? metrics->confusion[*after] : SIZE_MAX;
    size_t found = cells;

    for (size_t cell = 0; cell < cells; cell++) {
        size_t count = metrics->confusion[cell];
        bool later = count < limit || (count == limit && cell > *after);

        if (count == 0 || cell % (metrics->classes + 1) == 0 || !later)
            continue;
        if (found == cells || count > metrics->confusion[found])
            found = cell;
    }
    *after = found;
    return found < cells;
}

static void write_confusions(const struct report *report, size_t label_width, FILE *out)
{
    const struct metrics *metrics = &report->evaluation->metrics;
    size_t cell = metrics->classes * metrics->classes;

    for (int listed = 0; listed < CONFUSIONS && next_confusion(metrics, &cell); listed++) {
        fprintf(out, "%8zu  ", metrics->confusion[cell]);
        display_pad(out, dataset_of(report)->classes[cell / metrics->classes], label_width);
        fputs("  as  ", out);
        display_write(out, dataset_of(report)->classes[cell % metrics->classes]);
        fputc('\n', out);
    }
}

static void write_confusion(const struct report *report, FILE *out)
{
    const struct metrics *metrics = &report->evaluation->metrics;
    size_t labels = widest_label(dataset_of(report)), largest = 0;
    size_t row = maximum(labels, sizeof "true" - 1), counts, numbers;

    for (size_t i = 0; i < metrics->classes * metrics->classes; i++)
        largest = maximum(largest, metrics->confusion[i]);
    counts = digits_of(largest);
    numbers = maximum(counts, digits_of(metrics->classes));
    fprintf(out, "\nconfusion%s: rows are the true class, columns the predicted one\n",
            report->evaluation->repeats > 1 ? ", over all repeats" : "");
    if (row + metrics->classes * (maximum(labels, counts) + 2) <= TERMINAL) {
        write_matrix(report, row, maximum(labels, counts), false, out);
    } else if (row + numbers + 1 + metrics->classes * (numbers + 2) <= TERMINAL) {
        write_matrix(report, row, numbers, true, out);
    } else {
        fprintf(out, "(too wide a matrix: its largest errors; --json has all)\n");
        write_confusions(report, labels, out);
    }
}

static void write_misclassified(const struct report *report, FILE *out)
{
    const struct dataset *dataset = dataset_of(report);
    size_t repeats = report->evaluation->repeats, label_width = 0, predicted_width = 0;

    if (report->misclassified_count == 0) {
        fputs("\nmisclassified: none\n", out);
        return;
    }
    fprintf(out, "\nmisclassified: %zu of %zu image%s%s\n", report->misclassified_count,
            report->evaluation->count, plural(report->evaluation->count),
            repeats > 1 ? ", and in how many repeats" : "");
    for (size_t i = 0; i < report->misclassified_count; i++) {
        const struct misclassified *one = &report->misclassified[i];

        label_width = maximum(label_width, display_width(dataset->samples[one->sample].label));
        predicted_width = maximum(predicted_width,
                                  display_width(dataset->classes[one->predicted]));
    }
    for (size_t i = 0; i < report->misclassified_count; i++) {
        const struct misclassified *one = &report->misclassified[i];

        if (repeats > 1)
            fprintf(out, "%*zu/%zu  ", (int)digits_of(repeats), one->wrong, repeats);
        display_pad(out, dataset->samples[one->sample].label, label_width);
        fputs(" as ", out);
        display_pad(out, dataset->classes[one->predicted], predicted_width);
        fputs("  ", out);
        display_write(out, dataset->samples[one->sample].path);
        fputc('\n', out);
    }
}

void report_text(const struct report *report, FILE *out)
{
    write_protocol(report, out);
    write_accuracy(report, out);
    write_classes(report, out);
    write_confusion(report, out);
    write_reliability(report, out);
    write_misclassified(report, out);
}

static void json_choices(const struct report *report, struct json *json)
{
    struct report_choice choices[INNER_GRID];
    size_t count;

    if (!report->settings->training.search) {
        json_text(json, "chosen", NULL);
        return;
    }
    count = report_choices(report->evaluation, choices);
    json_open(json, "chosen", '[');
    for (size_t i = 0; i < count; i++) {
        json_open(json, NULL, '{');
        json_real(json, "c", choices[i].c);
        json_integer(json, "folds", (int64_t)choices[i].folds);
        json_close(json);
    }
    json_close(json);
}

static void json_protocol(const struct report *report, struct json *json)
{
    feature_set_json(report->examples->features, "feature_set", json);
    protocol_json(report->protocol, report->learning, json);
    learning_json(report->learning, json);
    augmentation_json(&report->examples->augmentation, json);
    json_text(json, "solver", training_solver(report->evaluation->on_vectors));
    json_choices(report, json);
    json_integer(json, "images", (int64_t)report->evaluation->count);
    if (report->protocol->train_split != NULL)
        json_integer(json, "trained", (int64_t)report->evaluation->first);
    else
        json_text(json, "trained", NULL);
    json_open(json, "classes", '[');
    for (size_t class = 0; class < dataset_of(report)->class_count; class++)
        json_text(json, NULL, dataset_of(report)->classes[class]);
    json_close(json);
}

static void json_reliability(const struct report *report, struct json *json)
{
    struct reliability reliability;

    if (report->evaluation->probabilities == NULL) {
        json_text(json, "brier", NULL);
        json_text(json, "reliability", NULL);
        return;
    }
    reliability = evaluation_reliability(report->evaluation, dataset_of(report));
    json_real(json, "brier", reliability.brier);
    json_open(json, "reliability", '[');
    for (size_t bin = 0; bin < RELIABILITY_BINS; bin++) {
        json_open(json, NULL, '{');
        json_real(json, "from", (double)bin / RELIABILITY_BINS);
        json_real(json, "to", (double)(bin + 1) / RELIABILITY_BINS);
        json_integer(json, "count", (int64_t)reliability.bins[bin].count);
        json_real(json, "probability", reliability.bins[bin].probability);
        json_real(json, "right", reliability.bins[bin].right);
        json_close(json);
    }
    json_close(json);
}

static void json_top(const struct report *report, struct json *json)
{
    if (report->top > 0) {
        json_integer(json, "top", (int64_t)report->top);
        json_real(json, "top_accuracy", evaluation_top_accuracy(report->evaluation, report->top));
    } else {
        json_text(json, "top", NULL);
        json_text(json, "top_accuracy", NULL);
    }
}

static void json_confusion(const struct metrics *metrics, struct json *json)
{
    json_open(json, "confusion", '[');
    for (size_t class = 0; class < metrics->classes; class++) {
        json_open(json, NULL, '[');
        for (size_t other = 0; other < metrics->classes; other++)
            json_integer(json, NULL,
                         (int64_t)metrics->confusion[class * metrics->classes + other]);
        json_close(json);
    }
    json_close(json);
}

static void json_metrics(const struct report *report, struct json *json)
{
    const struct evaluation *evaluation = report->evaluation;
    const struct metrics *metrics = &evaluation->metrics;

    json_real(json, "accuracy", metrics->accuracy);
    json_integer(json, "correct", (int64_t)metrics->correct);
    json_integer(json, "total", (int64_t)metrics->total);
    json_real(json, "accuracy_low", evaluation->interval.low);
    json_real(json, "accuracy_high", evaluation->interval.high);
    json_text(json, "interval", methods[evaluation->method].name);
    json_real(json, "balanced_accuracy", metrics->balanced_accuracy);
    json_real(json, "macro_f1", metrics->macro_f1);
    json_top(report, json);
    json_reliability(report, json);
    json_confusion(metrics, json);
    json_open(json, "per_class", '[');
    for (size_t class = 0; class < metrics->classes; class++) {
        const struct class_metrics *one = &metrics->per_class[class];

        json_open(json, NULL, '{');
        json_text(json, "label", dataset_of(report)->classes[class]);
        json_real(json, "precision", one->precision);
        json_real(json, "recall", one->recall);
        json_real(json, "f1", one->f1);
        json_integer(json, "support", (int64_t)(one->support / evaluation->repeats));
        json_close(json);
    }
    json_close(json);
}

static void json_misclassified(const struct report *report, struct json *json)
{
    const struct dataset *dataset = dataset_of(report);

    json_open(json, "misclassified", '[');
    for (size_t i = 0; i < report->misclassified_count; i++) {
        const struct misclassified *one = &report->misclassified[i];

        json_open(json, NULL, '{');
        json_text(json, "path", dataset->samples[one->sample].path);
        json_text(json, "label", dataset->samples[one->sample].label);
        json_text(json, "predicted", dataset->classes[one->predicted]);
        json_integer(json, "wrong", (int64_t)one->wrong);
        json_integer(json, "repeats", (int64_t)report->evaluation->repeats);
        json_real(json, "margin", one->margin);
        json_close(json);
    }
    json_close(json);
}

void report_json(const struct report *report, FILE *out)
{
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    json_protocol(report, &json);
    json_metrics(report, &json);
    json_misclassified(report, &json);
    json_integer(&json, "unlabelled", (int64_t)dataset_of(report)->unlabelled);
    json_integer(&json, "near_identical", (int64_t)report->examples->near_identical);
    json_integer(&json, "left_out", (int64_t)report->examples->left_out);
    json_close(&json);
}
