/*
 * bench_network [options] FILE
 *
 * Times a network to its bottleneck: ms an image over a number of runs after one warm-up, and the
 * GFLOP/s that this makes of the direct computation's multiply-adds (two operations each), beside
 * the machine's own peak. The peak is measured between the runs, on every processor, so that both
 * figures come from the same seconds of a machine whose speed may drift.
 */
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/json.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/parallel.h"
#include "common/progress.h"
#include "extract/kernels/kernels.h"
#include "extract/network/network.h"

struct settings {
    const char *layer, *instruction_set;
    size_t batch, threads, runs;
    bool json, layers, no_header;
};

static const char *const instruction_sets[] = {"baseline", "avx2", "avx512", NULL};

static const struct option table[] = {
    {'b', "batch", OPTION_COUNT, offsetof(struct settings, batch), .argument = "N",
     .minimum = 1, .maximum = 4096, .help = "images a run (default 8)"},
    {'t', "threads", OPTION_COUNT, offsetof(struct settings, threads), .argument = "N",
     .minimum = 1, .maximum = 1024, .help = "threads (default: one per processor)"},
    {'r', "runs", OPTION_COUNT, offsetof(struct settings, runs), .argument = "N",
     .minimum = 1, .maximum = 100000, .help = "runs that are timed (default 7)"},
    {'l', "layer", OPTION_TEXT, offsetof(struct settings, layer), .argument = "NAME",
     .help = "cut at this tensor or node (default: the bottleneck)"},
    {0, "layers", OPTION_FLAG, offsetof(struct settings, layers),
     .help = "a row for every layer as well: medians of the runs"},
    {0, "instruction-set", OPTION_CHOICE, offsetof(struct settings, instruction_set),
     .argument = "SET", .choices = instruction_sets,
     .help = "baseline, avx2 or avx512 (default: the best of this processor)"},
    {0, "no-header", OPTION_FLAG, offsetof(struct settings, no_header),
     .help = "leave out the line that names the columns"},
    {0, "json", OPTION_FLAG, offsetof(struct settings, json), .help = "print JSON"},
    {'h', "help", OPTION_HELP, .help = "show this help"},
    {0}
};

/* ---- the machine's peak ----------------------------------------------------------------- */

/* A tile this deep spends 98 % of its time in independent multiply-adds on registers; its weights
 * (128 KB at most) stay in the second-level cache. */
enum { PEAK_DEPTH = 512, PEAK_WIDTH = KERNEL_MAX_VECTORS * KERNEL_MAX_LANES };

/* Tiles of a task, tasks of a thread, and trials between two runs. A trial takes about a
 * millisecond, so that some fall between what else the machine has to do. */
enum { PEAK_TILES = 100, PEAK_TASKS = 4, PEAK_TRIALS = 25 };

struct peak {
    const struct kernels *kernels;
    struct parallel *parallel;
    float *packed;  /* [PEAK_DEPTH][PEAK_WIDTH] */
    double gflops;  /* the best so far */
};

static int peak_create(struct peak *peak, struct error *error)
{
    peak->kernels = kernels_best();
    peak->packed = memory_allocate_aligned(PEAK_DEPTH * PEAK_WIDTH, sizeof(float), error);
    if (peak->packed == NULL)
        return FAILED;
    for (size_t i = 0; i < PEAK_DEPTH * PEAK_WIDTH; i++)
        peak->packed[i] = 1;
    return parallel_create(0, &peak->parallel, error);
}

static void peak_release(struct peak *peak)
{
    parallel_free(peak->parallel);
    free(peak->packed);
}

static void multiply_tiles(void *context, size_t task, size_t worker)
{
    const struct peak *peak = context;
    const struct kernels *kernels = peak->kernels;
    const float row[PEAK_DEPTH] = {0}, shift[PEAK_WIDTH] = {0};
    const float *in[KERNEL_MAX_ROWS];
    float result[KERNEL_MAX_ROWS][PEAK_WIDTH], *out[KERNEL_MAX_ROWS];
    const struct tile tile = {
        .in = in,
        .in_stride = KERNEL_MAX_ROWS,
        .runs = 1,
        .run_length = PEAK_DEPTH,
        .packed = peak->packed,
        .shift = shift,
        .out = out,
        .columns = kernels->max_vectors * kernels->lanes,
        .low = -INFINITY,
        .high = INFINITY,
    };

    (void)task;
    (void)worker;
    for (size_t i = 0; i < KERNEL_MAX_ROWS; i++) {
        in[i] = row;
        out[i] = result[i];
    }
    for (size_t i = 0; i < PEAK_TILES; i++)
        kernels->tiles[kernels->max_vectors](&tile);
}

/* The best of all trials counts. */
static void peak_measure(struct peak *peak)
{
    const struct kernels *kernels = peak->kernels;
    size_t tasks = PEAK_TASKS * parallel_threads(peak->parallel);
    size_t tile = kernels->tile_rows[kernels->max_vectors] * kernels->max_vectors * kernels->lanes;
    double multiply_adds = (double)PEAK_DEPTH * PEAK_TILES * (double)(tasks * tile);

    for (size_t i = 0; i < PEAK_TRIALS; i++) {
        double started = progress_clock(), gflops;

        parallel_for(peak->parallel, tasks, multiply_tiles, peak);
        gflops = 2 * multiply_adds / (progress_clock() - started) / 1e9;
        if (gflops > peak->gflops)
            peak->gflops = gflops;
    }
}

/* ---- the network ------------------------------------------------------------------------ */

struct bench {
    const char *name;
    struct settings settings;
    struct network *network;
    struct peak peak;
    float *images;      /* [batch][height][width][channels] */
    float *vectors;     /* [batch][dimension] */
    double *run_ms;     /* [runs], for an image; sorted in the end */
    double *layer_ms;   /* [layers][runs], likewise; NULL unless asked for */
    double load_ms;
};

static int prepare(struct bench *bench, const char *path, struct parallel *parallel,
                   struct error *error)
{
    const struct settings *settings = &bench->settings;
    struct network_request request = {
        .layers = &settings->layer,
        .layer_count = settings->layer != NULL,
        .batch = settings->batch,
        .parallel = parallel,
        .instruction_set = settings->instruction_set,
    };
    double started = progress_clock();

    if (network_open(path, NULL, &bench->network, error) < 0 ||
        network_prepare(bench->network, &request, error) < 0)
        return FAILED;
    bench->load_ms = (progress_clock() - started) * 1e3;
    return settings->layers ? network_measure(bench->network, error) : 0;
}

/* Two waves over the images in the order [batch][channels][height][width]: what the bench of
 * another engine can feed in as well. */
static void fill_images(const struct network_input *input, size_t batch, float *images)
{
    size_t pixels = input->height * input->width, index = 0;

    for (size_t image = 0; image < batch; image++)
        for (size_t channel = 0; channel < input->channels; channel++)
            for (size_t pixel = 0; pixel < pixels; pixel++, index++)
                images[(image * pixels + pixel) * input->channels + channel] =
                    (float)(sin((double)index * 0.37) + cos((double)index * 0.011));
}

static int allocate(struct bench *bench, struct error *error)
{
    const struct settings *settings = &bench->settings;
    const struct network_input *input = network_input(bench->network);
    size_t size = input->channels * input->height * input->width;
    size_t layers = settings->layers ? network_layer_count(bench->network) : 0;

    bench->images = memory_allocate_aligned(settings->batch, size * sizeof(float), error);
    bench->vectors = memory_allocate(
        settings->batch, network_output(bench->network, 0)->dimension * sizeof(float), error);
    bench->run_ms = memory_allocate(settings->runs, sizeof(double), error);
    bench->layer_ms = memory_allocate(layers, settings->runs * sizeof(double), error);
    if (bench->images == NULL || bench->vectors == NULL || bench->run_ms == NULL ||
        bench->layer_ms == NULL)
        return FAILED;
    fill_images(input, settings->batch, bench->images);
    return peak_create(&bench->peak, error);
}

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

/* All runs, the first of them not timed. */
static int run(struct bench *bench, struct error *error)
{
    const struct settings *settings = &bench->settings;
    size_t layers = settings->layers ? network_layer_count(bench->network) : 0;

    if (network_run(bench->network, bench->images, settings->batch, &bench->vectors, error) < 0)
        return FAILED;
    for (size_t i = 0; i < settings->runs; i++) {
        double started;

        peak_measure(&bench->peak);
        started = progress_clock();
        if (network_run(bench->network, bench->images, settings->batch, &bench->vectors,
                        error) < 0)
            return FAILED;
        bench->run_ms[i] = (progress_clock() - started) * 1e3 / (double)settings->batch;
        for (size_t layer = 0; layer < layers; layer++)
            bench->layer_ms[layer * settings->runs + i] =
                network_layer(bench->network, layer).seconds * 1e3;
    }
    qsort(bench->run_ms, settings->runs, sizeof(double), ascending);
    for (size_t layer = 0; layer < layers; layer++)
        qsort(bench->layer_ms + layer * settings->runs, settings->runs, sizeof(double), ascending);
    return 0;
}

/* ---- the result ------------------------------------------------------------------------- */

struct figures {
    double min_ms, median_ms, gflops, peak_rss_mb;
};

static double gflops_of(double multiply_adds, double ms)
{
    return ms > 0 ? 2 * multiply_adds / ms / 1e6 : 0;
}

static struct figures figures_of(const struct bench *bench)
{
    struct figures figures = {
        .min_ms = bench->run_ms[0],
        .median_ms = bench->run_ms[bench->settings.runs / 2],
    };
    struct rusage usage;
    double multiply_adds = 0;

    for (size_t i = 0; i < network_layer_count(bench->network); i++)
        multiply_adds += network_layer(bench->network, i).multiply_adds;
    figures.gflops = gflops_of(multiply_adds, figures.median_ms);
    getrusage(RUSAGE_SELF, &usage);
    figures.peak_rss_mb = (double)usage.ru_maxrss * 1024 / 1e6;
    return figures;
}

static double layer_median(const struct bench *bench, size_t layer)
{
    return bench->layer_ms[layer * bench->settings.runs + bench->settings.runs / 2];
}

static void print_layers(const struct bench *bench, const struct figures *figures)
{
    printf("\n%4s  %-36s %-13s %-22s %9s %8s %8s %6s  %s\n", "", "layer", "result", "computed as",
           "M mult-add", "ms", "GFLOP/s", "share", "name");
    for (size_t i = 0; i < network_layer_count(bench->network); i++) {
        struct network_layer layer = network_layer(bench->network, i);
        double ms = layer_median(bench, i);

        printf("%4zu  %-36s %-13s %-22s %10.2f %8.3f %8.1f %5.1f%%  %s\n", i, layer.operation,
               layer.result, layer.kernel, layer.multiply_adds / 1e6, ms,
               gflops_of(layer.multiply_adds, ms), 100 * ms / figures->median_ms, layer.name);
    }
}

static void print_table(const struct bench *bench, size_t threads)
{
    struct figures figures = figures_of(bench);

    if (!bench->settings.no_header)
        printf("%-28s %5s %7s %8s %8s %9s %8s %8s %6s %8s %8s\n", "network", "batch", "threads",
               "min ms", "median", "images/s", "GFLOP/s", "peak", "share", "load ms", "MB");
    printf("%-28s %5zu %7zu %8.2f %8.2f %9.2f %8.1f %8.1f %5.1f%% %8.1f %8.1f\n", bench->name,
           bench->settings.batch, threads, figures.min_ms, figures.median_ms,
           1e3 / figures.median_ms, figures.gflops, bench->peak.gflops,
           100 * figures.gflops / bench->peak.gflops, bench->load_ms, figures.peak_rss_mb);
    if (bench->settings.layers)
        print_layers(bench, &figures);
}

static void write_layers(const struct bench *bench, struct json *json)
{
    json_open(json, "layers", '[');
    for (size_t i = 0; i < network_layer_count(bench->network); i++) {
        struct network_layer layer = network_layer(bench->network, i);
        double ms = layer_median(bench, i);

        json_open(json, NULL, '{');
        json_text(json, "name", layer.name);
        json_text(json, "operation", layer.operation);
        json_text(json, "result", layer.result);
        json_text(json, "kernel", layer.kernel);
        json_real(json, "multiply_adds", layer.multiply_adds);
        json_real(json, "median_ms", ms);
        json_real(json, "gflops", gflops_of(layer.multiply_adds, ms));
        json_close(json);
    }
    json_close(json);
}

static void write_json(const struct bench *bench, size_t threads)
{
    struct figures figures = figures_of(bench);
    struct json json = {.out = stdout};

    json_open(&json, NULL, '{');
    json_text(&json, "network", bench->name);
    json_integer(&json, "batch", (int64_t)bench->settings.batch);
    json_integer(&json, "threads", (int64_t)threads);
    json_real(&json, "load_ms", bench->load_ms);
    json_real(&json, "min_ms", figures.min_ms);
    json_real(&json, "median_ms", figures.median_ms);
    json_real(&json, "images_per_s", 1e3 / figures.median_ms);
    json_real(&json, "gflops", figures.gflops);
    json_real(&json, "peak_gflops", bench->peak.gflops);
    json_real(&json, "peak_rss_mb", figures.peak_rss_mb);
    if (bench->settings.layers)
        write_layers(bench, &json);
    json_close(&json);
}

static int run_file(const struct settings *settings, const char *path, struct error *error)
{
    struct bench bench = {.settings = *settings};
    struct parallel *parallel = NULL;
    char *copy = memory_copy_text(path, error);
    int outcome = FAILED;

    if (copy == NULL || parallel_create(settings->threads, &parallel, error) < 0 ||
        prepare(&bench, path, parallel, error) < 0 || allocate(&bench, error) < 0 ||
        run(&bench, error) < 0)
        goto out;
    bench.name = basename(copy);
    if (settings->json)
        write_json(&bench, parallel_threads(parallel));
    else
        print_table(&bench, parallel_threads(parallel));
    outcome = 0;
out:
    network_free(bench.network);
    peak_release(&bench.peak);
    parallel_free(parallel);
    free(bench.images);
    free(bench.vectors);
    free(bench.run_ms);
    free(bench.layer_ms);
    free(copy);
    return outcome;
}

static int report(enum exit_status status, const struct error *error)
{
    fprintf(stderr, "bench_network: %s\n", error->text);
    if (status == EXIT_USAGE)
        fputs("usage: bench_network [options] FILE (--help says more)\n", stderr);
    return status;
}

static void print_help(void)
{
    puts("usage: bench_network [options] FILE\n\n"
         "Times a network to its bottleneck: ms an image (minimum and median of the runs),\n"
         "images a second, GFLOP/s of the direct computation and their share of the peak of all\n"
         "processors, load time and peak memory.\n");
    options_print(table, stdout);
}

int main(int argc, char **argv)
{
    struct settings settings = {.batch = 8, .runs = 7};
    struct text_list operands = {0};
    struct error error;
    int status = EXIT_OK;
    int parsed = options_parse(table, argc - 1, argv + 1, &settings, &operands, &error);

    if (parsed == 0 && operands.count != 1)
        parsed = error_set(&error, "one network file is needed");
    if (parsed == OPTIONS_HELP)
        print_help();
    else if (parsed < 0)
        status = report(EXIT_USAGE, &error);
    else if (run_file(&settings, operands.items[0], &error) < 0)
        status = report(EXIT_FAILED, &error);
    text_list_release(&operands);
    return status;
}
