/*
 * run_network [options] NETWORK IN.npy OUT.npy
 *
 * Runs a network over images that are preprocessed already, for tests and for whoever debugs a
 * network. IN: float32 [n][channels][height][width]; OUT: float32 [n][dimension]. Prints where
 * the network was cut, as one line: tensor, pooling, dimension, separated by tabs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/memory.h"
#include "common/npy.h"
#include "common/options.h"
#include "common/parallel.h"
#include "extract/network/network.h"

enum { OPERANDS = 3, IMAGE_RANK = 4 };

struct settings {
    const char *layer, *pooling, *instruction_set;
    size_t batch, threads;
};

static const char *const poolings[] = {
    [POOLING_AUTO] = "auto",
    [POOLING_NONE] = "none",
    [POOLING_AVERAGE] = "avg",
    [POOLING_MAX] = "max",
    NULL,
};
static const char *const instruction_sets[] = {"baseline", "avx2", "avx512", NULL};

static const struct option table[] = {
    {'l', "layer", OPTION_TEXT, offsetof(struct settings, layer), .argument = "NAME",
     .help = "cut at this tensor or node (default: the bottleneck)"},
    {'p', "pool", OPTION_CHOICE, offsetof(struct settings, pooling), .argument = "HOW",
     .choices = poolings, .help = "auto, none, avg or max (default auto)"},
    {'b', "batch", OPTION_COUNT, offsetof(struct settings, batch), .argument = "N",
     .minimum = 1, .maximum = 4096, .help = "images a run (default 8)"},
    {'t', "threads", OPTION_COUNT, offsetof(struct settings, threads), .argument = "N",
     .minimum = 1, .maximum = 1024, .help = "threads (default: one per processor)"},
    {0, "instruction-set", OPTION_CHOICE, offsetof(struct settings, instruction_set),
     .argument = "SET", .choices = instruction_sets,
     .help = "baseline, avx2 or avx512 (default: the best of this processor)"},
    {'h', "help", OPTION_HELP, .help = "show this help"},
    {0}
};

/* One run over a whole array. */
struct work {
    struct network *network;
    struct npy images;  /* [n][channels][height][width] */
    float *batch;       /* [network_batch][height][width][channels] */
    float *vectors;     /* [n][dimension] */
};

static enum pooling pooling_of(const char *name)
{
    enum pooling pooling = POOLING_AUTO;

    while (strcmp(poolings[pooling], name) != 0)
        pooling++;
    return pooling;
}

static int read_images(const char *path, struct npy *images, struct error *error)
{
    if (npy_read(path, images, error) < 0)
        return FAILED;
    if (images->type != NPY_FLOAT32 || images->rank != IMAGE_RANK)
        return error_set(error, "'%s' is not float32 [n][channels][height][width]", path);
    if (images->count == 0)
        return error_set(error, "'%s' holds no images", path);
    return 0;
}

static bool is_size(size_t wanted, size_t got)
{
    return wanted == 0 || wanted == got;
}

static int check_size(const struct network *network, const char *path, const size_t *shape,
                      struct error *error)
{
    const struct network_input *input = network_input(network);

    if (input->channels == shape[1] && is_size(input->height, shape[2]) &&
        is_size(input->width, shape[3]))
        return 0;
    return error_set(error, "the images of '%s' are %zux%zux%zu, the network takes %zux%zux%zu "
                     "(0: any)", path, shape[1], shape[2], shape[3], input->channels,
                     input->height, input->width);
}

/* From [channels][pixels] to [pixels][channels]. */
static void interleave(const float *image, size_t channels, size_t pixels, float *out)
{
    for (size_t pixel = 0; pixel < pixels; pixel++)
        for (size_t channel = 0; channel < channels; channel++)
            out[pixel * channels + channel] = image[channel * pixels + pixel];
}

static int run(struct work *work, struct error *error)
{
    const size_t *shape = work->images.shape;
    size_t pixels = shape[2] * shape[3], size = shape[1] * pixels;
    size_t dimension = network_output(work->network, 0)->dimension;
    size_t limit = network_batch(work->network), count;

    work->batch = memory_allocate_aligned(limit, size * sizeof *work->batch, error);
    if (work->batch == NULL)
        return FAILED;
    if (!size_multiply(shape[0], dimension, &count))
        return error_no_memory(error);
    work->vectors = memory_allocate(count, sizeof *work->vectors, error);
    if (work->vectors == NULL)
        return FAILED;
    for (size_t done = 0; done < shape[0]; done += count) {
        const float *images = (const float *)work->images.data + done * size;
        float *vectors = work->vectors + done * dimension;

        count = shape[0] - done < limit ? shape[0] - done : limit;
        for (size_t i = 0; i < count; i++)
            interleave(images + i * size, shape[1], pixels, work->batch + i * size);
        if (network_run(work->network, work->batch, count, &vectors, error) < 0)
            return FAILED;
    }
    return 0;
}

static int write_vectors(const struct work *work, const char *path, struct error *error)
{
    const size_t shape[] = {work->images.shape[0], network_output(work->network, 0)->dimension};
    struct file_output output;

    if (file_output_open(path, &output, error) < 0)
        return FAILED;
    npy_write_header(output.stream, NPY_FLOAT32, 2, shape);
    fwrite(work->vectors, sizeof *work->vectors, shape[0] * shape[1], output.stream);
    return file_output_commit(&output, error);
}

/* files: the network, the images and where the vectors go. */
static int run_files(const struct settings *settings, const char *const *files,
                     struct error *error)
{
    struct work work = {0};
    struct parallel *parallel = NULL;
    const struct network_output *cut;
    int outcome = FAILED;

    if (read_images(files[1], &work.images, error) < 0 ||
        parallel_create(settings->threads, &parallel, error) < 0 ||
        network_open(files[0], NULL, &work.network, error) < 0 ||
        check_size(work.network, files[1], work.images.shape, error) < 0)
        goto out;
    if (network_prepare(work.network, &(struct network_request){
            .layers = &settings->layer,
            .layer_count = settings->layer != NULL,
            .pooling = pooling_of(settings->pooling),
            .height = work.images.shape[2],
            .width = work.images.shape[3],
            .batch = settings->batch,
            .parallel = parallel,
            .instruction_set = settings->instruction_set,
        }, error) < 0)
        goto out;
    if (run(&work, error) < 0 || write_vectors(&work, files[2], error) < 0)
        goto out;
    cut = network_output(work.network, 0);
    printf("%s\t%s\t%zu\n", cut->layer, poolings[cut->pooling], cut->dimension);
    outcome = 0;
out:
    network_free(work.network);
    parallel_free(parallel);
    npy_release(&work.images);
    free(work.batch);
    free(work.vectors);
    return outcome;
}

static int report(enum exit_status status, const struct error *error)
{
    fprintf(stderr, "run_network: %s\n", error->text);
    if (status == EXIT_USAGE)
        fputs("usage: run_network [options] NETWORK IN.npy OUT.npy (--help says more)\n", stderr);
    return status;
}

static void print_help(void)
{
    puts("usage: run_network [options] NETWORK IN.npy OUT.npy\n\n"
         "Runs a network over preprocessed images: IN is float32 [n][channels][height][width],\n"
         "OUT float32 [n][dimension]. Prints tensor, pooling and dimension of the cut.\n");
    options_print(table, stdout);
}

int main(int argc, char **argv)
{
    struct settings settings = {.pooling = "auto", .batch = 8};
    struct text_list operands = {0};
    struct error error;
    int status = EXIT_OK;
    int parsed = options_parse(table, argc - 1, argv + 1, &settings, &operands, &error);

    if (parsed == 0 && operands.count != OPERANDS)
        parsed = error_set(&error, "a network, an input and an output are needed");
    if (parsed == OPTIONS_HELP)
        print_help();
    else if (parsed < 0)
        status = report(EXIT_USAGE, &error);
    else if (run_files(&settings, operands.items, &error) < 0)
        status = report(EXIT_FAILED, &error);
    text_list_release(&operands);
    return status;
}
