/*
 * bottleneck-extract: parses, wires, prints and chooses the exit status.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/background.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/parallel.h"
#include "common/paths.h"
#include "common/progress.h"
#include "common/store.h"
#include "common/version.h"
#include "extract/builtin/builtin_network.h"
#include "extract/geometry.h"
#include "extract/known_files.h"
#include "extract/network/network.h"
#include "extract/pipeline.h"
#include "extract/rules.h"
#include "extract/scan.h"
#include "extract/views.h"

/* Raised when the arithmetic of the engine changes by more than rounding: part of the key of
 * every feature set. */
enum { ENGINE_VERSION = 1 };

struct settings {
    const char *database, *network, *definition, *preprocess, *pooling, *split, *label, *labels;
    const char *files_from, *views, *views_file;
    struct text_list layers;
    size_t batch, threads, max_pixels;
    bool nul_separated, trust_times, describe, json, quiet, verbose, version;
};

static const char *const poolings[] = {
    [POOLING_AUTO] = "auto", [POOLING_NONE] = "none", [POOLING_AVERAGE] = "avg",
    [POOLING_MAX] = "max",   NULL,
};

#define PLACE(member) offsetof(struct settings, member)

static const struct option table[] = {
    {'m', "network", OPTION_TEXT, PLACE(network), .argument = "FILE",
     .help = "the pretrained network; default: a small one that is built in, for a\n"
             "first look (see below)"},
    {0, "definition", OPTION_TEXT, PLACE(definition), .argument = "FILE",
     .help = "the network's structure, where it is in a file apart from the weights\n"
             "and not beside them"},
    {'d', "db", OPTION_TEXT, PLACE(database), .argument = "FILE",
     .help = "the database (default features.db)"},
    {'s', "split", OPTION_TEXT, PLACE(split), .argument = "NAME",
     .help = "the part that these images are: train, val, new, ..."},
    {0, "label", OPTION_TEXT, PLACE(label), .argument = "NAME",
     .help = "the label of all these images, instead of their folder's name"},
    {0, "labels", OPTION_TEXT, PLACE(labels), .argument = "FILE.csv",
     .help = "labels from a table: path,label[,split][,group]"},
    {0, "files-from", OPTION_TEXT, PLACE(files_from), .argument = "FILE",
     .help = "read paths from a file, one a line; - is standard input"},
    {'0', "null", OPTION_FLAG, PLACE(nul_separated),
     .help = "the paths that are read are separated by NUL, as by find -print0"},
    {'l', "layer", OPTION_LIST, PLACE(layers), .argument = "NAME",
     .help = "cut at this tensor or node instead of the bottleneck; may be given\n"
             "several times, each gives a feature set"},
    {'p', "pool", OPTION_CHOICE, PLACE(pooling), .argument = "HOW", .choices = poolings,
     .help = "what becomes of a map: auto (as the network goes on), none (flattened),\n"
             "avg, max"},
    {0, "preprocess", OPTION_TEXT, PLACE(preprocess), .argument = "RULE",
     .help = "how images become numbers: a preset, changes to it, or both;\n"
             "default: what is known for the network's weights (see below)"},
    {0, "views", OPTION_CHOICE, PLACE(views), .argument = "WHICH", .choices = views_presets,
     .help = "versions of every image, each with a vector of its own (see below)"},
    {0, "views-file", OPTION_TEXT, PLACE(views_file), .argument = "FILE",
     .help = "views from a file, one a line (see below)"},
    {'b', "batch", OPTION_COUNT, PLACE(batch), .argument = "N", .minimum = 1, .maximum = 1024,
     .help = "images that go through the network together (default 8)"},
    {'t', "threads", OPTION_COUNT, PLACE(threads), .argument = "N", .minimum = 1,
     .maximum = 1024, .help = "default: one per processor"},
    {0, "max-pixels", OPTION_COUNT, PLACE(max_pixels), .argument = "N", .minimum = 1,
     .maximum = 4e9, .help = "refuse images with more pixels than this (default 100000000)"},
    {0, "trust-times", OPTION_FLAG, PLACE(trust_times),
     .help = "do not read files again whose size and time of change are as they were"},
    {0, "describe", OPTION_FLAG, PLACE(describe),
     .help = "print the network: layers, the cut, the preprocessing, digests"},
    {0, "json", OPTION_FLAG, PLACE(json), .help = "print the summary as JSON"},
    {'q', "quiet", OPTION_FLAG, PLACE(quiet), .help = "say nothing but errors that end the run"},
    {'v', "verbose", OPTION_FLAG, PLACE(verbose), .help = "a line for every image"},
    {'h', "help", OPTION_HELP, .help = "print this help"},
    {0, "version", OPTION_FLAG, PLACE(version), .help = "print the version"},
    {0},
};

static void print_help(void)
{
    printf("usage: bottleneck-extract [--network FILE] [options] PATH...\n\n"
           "Runs images through a pretrained network up to the layer before its classifier and\n"
           "keeps the vectors in a database for bottleneck-classify.\n\n"
           "PATH is an image (JPEG or PNG), a folder whose sub-folders are the labels (or splits,\n"
           "as train and val, with the labels in them), or - to read paths from standard input.\n"
           "Images that are in the database already are not computed again.\n\n");
    options_print(table, stdout);
    printf("\nnetworks:\n"
           "  bottleneck-extract photos/                         the built-in one: for a first\n"
           "      look, textures, coarse categories; there is nothing to download\n"
           "  bottleneck-extract --network vgg16-7.onnx photos/  a real one: for results, always;\n"
           "      the ONNX Model Zoo and torchvision publish VGG16, ResNet-50 and others\n");
    printf("\npreprocessing presets:\n");
    rule_print_presets(stdout, "  ");
    printf("  A RULE is NAME, NAME,KEY=VALUE,... or KEY=VALUE,...; keys: fit resize crop filter\n"
           "  order scale mean deviation. Example: torchvision,filter=bicubic,mean=0.5\n\n"
           "views, besides the original:\n");
    views_print_presets(stdout, "  ");
    printf("  A line of a --views-file joins by commas any of these, done in this order:\n"
           "  crop=LEFT:TOP:RIGHT:BOTTOM  a part of the image, edges as shares of its sides,\n"
           "                              resized as an image of its own\n"
           "  rotate=DEGREES              the resized image, counter-clockwise; black beyond it\n"
           "  crop=PLACE                  the network's crop at the top-left, top-right,\n"
           "                              bottom-left or bottom-right of the resized image\n"
           "  shift=RIGHT:DOWN            the network's crop moved by shares of its sides\n"
           "  flip                        the mirror\n"
           "  Shares are numbers such as 0.25 or 2/3; # begins a comment. Example:\n"
           "      crop=1/6:1/6:5/6:5/6,rotate=-15,flip   # the middle, turned and mirrored\n\n"
           "exit status: 0 all well, 1 failed, 2 wrong usage, 3 done but images were refused\n");
}

/* Everything that a run holds. */
struct extraction {
    struct settings settings;
    struct text_list paths;
    struct parallel *parallel;
    struct network *network;
    struct background *hashing; /* of the network's files, until the digests are there */
    struct hash digest;
    char md5[HASH_MD5_TEXT];
    struct known_network known;
    char preset[RULE_TEXT];    /* with the size that is usual for the network */
    struct preprocess_rule rule;
    char rule_text[RULE_TEXT];
    struct views views;
    struct scan scan;
    bool scanned;
    struct store *store;
    int64_t *feature_set_ids;  /* [outputs of the network] */
    struct pipeline_counts counts;
    size_t forgotten;
    struct progress progress;
    size_t settled;            /* samples reported so far */
    double seconds;
};

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

/* The first Ctrl-C finishes the batch, the second one ends the program at once. */
static void catch_interrupts(void)
{
    struct sigaction action = {.sa_flags = (int)SA_RESETHAND};

    action.sa_handler = request_stop;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- getting ready ---------------------------------------------------------------------- */

static enum pooling pooling_of(const char *name)
{
    enum pooling pooling = POOLING_AUTO;

    for (int i = 0; name != NULL && poolings[i] != NULL; i++)
        if (strcmp(poolings[i], name) == 0)
            pooling = (enum pooling)i;
    return pooling;
}

static bool is_empty(const char *text)
{
    return text != NULL && *text == '\0';
}

static size_t views_preset_of(const char *name)
{
    size_t preset = VIEWS_NONE;

    for (size_t i = 0; name != NULL && views_presets[i] != NULL; i++)
        if (strcmp(views_presets[i], name) == 0)
            preset = i;
    return preset;
}

static int check_usage(const struct extraction *extraction, struct error *error)
{
    const struct settings *settings = &extraction->settings;
    struct preprocess_rule rule;

    if (settings->network == NULL && settings->definition != NULL)
        return error_set(error, "--definition belongs to a --network FILE");
    if (is_empty(settings->label) || is_empty(settings->split))
        return error_set(error, "--label and --split take a name, not ''");
    /* For a network of any size and a preset that any change suits: what fails here would fail
     * with every network. */
    if (rule_parse(settings->preprocess, "keras-raw", 0, 0, &rule, error) < 0)
        return error_wrap(error, "--preprocess");
    if (settings->views != NULL && settings->views_file != NULL)
        return error_set(error, "--views and --views-file exclude each other");
    if (settings->quiet && settings->verbose)
        return error_set(error, "--quiet and --verbose exclude each other");
    if (settings->describe || extraction->paths.count > 0 || settings->files_from != NULL ||
        settings->labels != NULL)
        return 0;
    return error_set(error, "no images: name files or folders");
}

static const char *network_path(const struct extraction *extraction)
{
    const char *path = extraction->settings.network;

    return path != NULL ? path : BUILTIN_NETWORK_NAME;
}

static int open_network(struct extraction *extraction, struct error *error)
{
    const struct settings *settings = &extraction->settings;

    if (settings->network != NULL)
        return network_open(settings->network, settings->definition, &extraction->network, error);
    if (!settings->quiet)
        fprintf(stderr, "bottleneck-extract: using the built-in network, for a first look; for "
                        "results name a real one with --network FILE\n");
    return network_open_bytes(BUILTIN_NETWORK_NAME, builtin_network(), &extraction->network,
                              error);
}

static void hash_network(void *context)
{
    struct extraction *extraction = context;
    const struct model *model = network_model(extraction->network);

    extraction->digest = model_digest(model);
    known_file_md5(model_bytes(model, 0), extraction->md5);
}

/* What is known of the network that was opened, by its digest. */
static void recognise_network(struct extraction *extraction)
{
    const struct model *model = network_model(extraction->network);

    background_end(&extraction->hashing);
    model_rest(model);
    rule_for_network(&extraction->digest, extraction->md5, &extraction->known);
    if (builtin_network_is(model_bytes(model, 0)))
        extraction->known = (struct known_network){
            .preset = BUILTIN_NETWORK_PRESET, .name = "the built-in network",
            .publisher = "bottleneck", .file = "builtin.onnx"};
}

/* True when the preset was neither known nor named: a RULE that begins with a key names none. */
static bool assumes_preset(const struct extraction *extraction)
{
    const char *text = extraction->settings.preprocess;

    return extraction->known.assumed && (text == NULL || text[strcspn(text, "=,")] == '=');
}

static int choose_rule(struct extraction *extraction, struct error *error)
{
    const struct settings *settings = &extraction->settings;
    const struct network_input *input = network_input(extraction->network);
    const struct model *model = network_model(extraction->network);

    recognise_network(extraction);
    if (extraction->known.assumed && *model->preprocess != '\0') {
        extraction->known.preset = model->preprocess;
        extraction->known.assumed = model->assumes_preprocess;
    }
    if (model->usual_side > 0 && input->height == 0) {
        snprintf(extraction->preset, sizeof extraction->preset, "%s,crop=%zu",
                 extraction->known.preset, model->usual_side);
        extraction->known.preset = extraction->preset;
    }
    if (rule_parse(settings->preprocess, extraction->known.preset, input->height, input->width,
                   &extraction->rule, error) < 0)
        return error_wrap(error, "--preprocess");
    if (rule_take_channels(&extraction->rule, input->channels, error) < 0 && !settings->describe)
        return error_wrap(error, "the network '%s'", network_path(extraction));
    rule_to_text(&extraction->rule, extraction->rule_text);
    if (assumes_preset(extraction) && !settings->quiet)
        fprintf(stderr, "bottleneck-extract: '%s' is not a network that is known here: assuming "
                        "--preprocess %s\n", network_path(extraction),
                extraction->known.preset);
    return 0;
}

static int choose_views(struct extraction *extraction, struct error *error)
{
    const struct settings *settings = &extraction->settings;

    if (settings->views_file == NULL)
        views_preset(views_preset_of(settings->views), &extraction->views);
    else if (views_read(settings->views_file, &extraction->views, error) < 0)
        return FAILED;
    return geometry_check(&extraction->views, &extraction->rule, error);
}

/* For images of this size. */
static int prepare_for(struct extraction *extraction, size_t height, size_t width,
                       struct error *error)
{
    const struct settings *settings = &extraction->settings;
    struct network_request request = {
        .layers = settings->layers.items,
        .layer_count = settings->layers.count,
        .pooling = pooling_of(settings->pooling),
        .batch = settings->batch,
        .instruction_set = getenv("BOTTLENECK_INSTRUCTION_SET"),
        .parallel = extraction->parallel,
        .height = height,
        .width = width,
    };

    if (network_prepare(extraction->network, &request, error) < 0)
        return error_wrap(error, "'%s'", network_path(extraction));
    return 0;
}

/* Hashing half a gigabyte takes as long as preparing it: where the file itself says how large
 * images are, and not the rule, which the digest decides, both are done at once. */
static int prepare_network(struct extraction *extraction, struct error *error)
{
    const struct network_input *input;
    struct preprocess_rule *rule = &extraction->rule;
    bool is_fixed;

    if (open_network(extraction, error) < 0 ||
        parallel_create(extraction->settings.threads, &extraction->parallel, error) < 0 ||
        background_start(hash_network, extraction, &extraction->hashing, error) < 0)
        return FAILED;
    input = network_input(extraction->network);
    is_fixed = input->height > 0 && input->width > 0;
    if (is_fixed && prepare_for(extraction, input->height, input->width, error) < 0)
        return FAILED;
    if (choose_rule(extraction, error) < 0 || choose_views(extraction, error) < 0)
        return FAILED;
    return is_fixed ? 0 : prepare_for(extraction, rule->height, rule->width, error);
}

static int scan_paths(struct extraction *extraction, struct error *error)
{
    const struct settings *settings = &extraction->settings;
    struct scan_request request = {
        .paths = extraction->paths.items,
        .path_count = extraction->paths.count,
        .files_from = settings->files_from,
        .nul_separated = settings->nul_separated,
        .label = settings->label,
        .labels_file = settings->labels,
        .split = settings->split,
    };

    if (scan_run(&request, &extraction->scan, error) < 0)
        return FAILED;
    extraction->scanned = true;
    if (extraction->scan.found_splits && settings->split == NULL && !settings->quiet)
        fprintf(stderr, "bottleneck-extract: folders named as train, val and test are taken as "
                        "splits, the folders in them as labels\n");
    return 0;
}

static int put_feature_sets(struct extraction *extraction, struct error *error)
{
    struct store *store = extraction->store;
    struct store_network network = {
        .hash = extraction->digest,
        .name = path_name(network_path(extraction)),
        .format = network_model(extraction->network)->format->name,
        .bytes = model_size(network_model(extraction->network)),
    };
    int64_t network_id;

    if (store_put_network(store, &network, &network_id, error) < 0)
        return FAILED;
    for (size_t i = 0; i < network_output_count(extraction->network); i++) {
        const struct network_output *output = network_output(extraction->network, i);
        struct store_feature_set feature_set = {
            .network_id = network_id,
            .layer = output->layer,
            .pooling = poolings[output->pooling],
            .preprocessing = extraction->rule_text,
            .engine = ENGINE_VERSION,
            .dimension = output->dimension,
        };

        if (store_put_feature_set(store, &feature_set, &extraction->feature_set_ids[i], error) < 0)
            return FAILED;
    }
    return 0;
}

static int open_database(struct extraction *extraction, struct error *error)
{
    extraction->feature_set_ids =
        memory_allocate(network_output_count(extraction->network),
                        sizeof *extraction->feature_set_ids, error);
    if (extraction->feature_set_ids == NULL ||
        store_open(extraction->settings.database, STORE_CREATE, &extraction->store, error) < 0 ||
        store_begin(extraction->store, error) < 0)
        return FAILED;
    if (put_feature_sets(extraction, error) < 0) {
        store_rollback(extraction->store);
        return FAILED;
    }
    return store_commit(extraction->store, error);
}

/* ---- running ---------------------------------------------------------------------------- */

static void report_sample(void *context, const char *path, enum pipeline_outcome outcome,
                          const char *reason)
{
    struct extraction *extraction = context;
    const struct settings *settings = &extraction->settings;
    static const char *const words[] = {
        [PIPELINE_EXTRACTED] = "extracted", [PIPELINE_CACHED] = "cached",
        [PIPELINE_REFUSED] = "refused", [PIPELINE_PASSED_OVER] = "passed over"};
    char note[64] = "";

    extraction->settled++;
    if (settings->quiet)
        return;
    if (outcome == PIPELINE_REFUSED || settings->verbose) {
        struct error line;

        /* Through an error, so that odd names cannot break the line. */
        if (outcome == PIPELINE_REFUSED)
            error_set(&line, "refused: %s", reason);
        else
            error_set(&line, "%s: %s", words[outcome], path);
        progress_clear(&extraction->progress);
        fprintf(stderr, "%s\n", line.text);
    }
    if (extraction->counts.refused > 0)
        snprintf(note, sizeof note, "%zu refused", extraction->counts.refused);
    if (!settings->verbose)
        progress_show(&extraction->progress, extraction->settled,
                      extraction->scan.sample_count + extraction->scan.refusal_count, note);
}

static int forget_missing(struct extraction *extraction, struct error *error)
{
    int outcome = 0;

    for (size_t i = 0; i < extraction->scan.folder_count && outcome == 0; i++)
        outcome = pipeline_forget_missing(extraction->store, extraction->scan.folders[i],
                                          &extraction->forgotten, error);
    return outcome;
}

static int run(struct extraction *extraction, struct error *error)
{
    struct pipeline_request request = {
        .store = extraction->store,
        .network = extraction->network,
        .feature_set_ids = extraction->feature_set_ids,
        .rule = &extraction->rule,
        .views = &extraction->views,
        .limits = {.pixels = extraction->settings.max_pixels},
        .trust_times = extraction->settings.trust_times,
        .threads = parallel_threads(extraction->parallel),
        .report = report_sample,
        .report_context = extraction,
        .stop = &stop_requested,
    };
    int outcome;

    catch_interrupts();
    progress_start(&extraction->progress, stderr, "images");
    outcome = forget_missing(extraction, error);
    if (outcome == 0)
        outcome = pipeline_run(&request, &extraction->scan, &extraction->counts, error);
    progress_end(&extraction->progress);
    extraction->seconds = progress_clock() - extraction->progress.started;
    return outcome;
}

/* ---- the summary ------------------------------------------------------------------------ */

static size_t image_total(const struct extraction *extraction)
{
    const struct pipeline_counts *counts = &extraction->counts;

    return counts->extracted + counts->cached + counts->refused;
}

static double images_per_second(const struct extraction *extraction)
{
    return extraction->seconds > 0 ? (double)image_total(extraction) / extraction->seconds : 0;
}

/* Whether an output before this one is the same feature set: a layer that was named twice. */
static bool is_repeated(const struct extraction *extraction, size_t output)
{
    for (size_t i = 0; i < output; i++)
        if (extraction->feature_set_ids[i] == extraction->feature_set_ids[output])
            return true;
    return false;
}

static void print_json(const struct extraction *extraction)
{
    struct json json = {.out = stdout};

    json_open(&json, NULL, '{');
    json_text(&json, "database", extraction->settings.database);
    json_text(&json, "network", network_path(extraction));
    json_open(&json, "feature_sets", '[');
    for (size_t i = 0; i < network_output_count(extraction->network); i++) {
        const struct network_output *output = network_output(extraction->network, i);

        if (is_repeated(extraction, i))
            continue;
        json_open(&json, NULL, '{');
        json_integer(&json, "id", extraction->feature_set_ids[i]);
        json_text(&json, "layer", output->layer);
        json_text(&json, "pooling", poolings[output->pooling]);
        json_integer(&json, "dimension", (int64_t)output->dimension);
        json_text(&json, "preprocessing", extraction->rule_text);
        json_close(&json);
    }
    json_close(&json);
    json_open(&json, "views", '[');
    for (size_t i = 0; i < extraction->views.count; i++)
        json_text(&json, NULL, extraction->views.items[i].name);
    json_close(&json);
    json_integer(&json, "views_computed", (int64_t)extraction->counts.views);
    json_integer(&json, "images", (int64_t)image_total(extraction));
    json_integer(&json, "extracted", (int64_t)extraction->counts.extracted);
    json_integer(&json, "cached", (int64_t)extraction->counts.cached);
    json_integer(&json, "refused", (int64_t)extraction->counts.refused);
    json_integer(&json, "forgotten", (int64_t)extraction->forgotten);
    json_real(&json, "seconds", extraction->seconds);
    json_real(&json, "images_per_second", images_per_second(extraction));
    json_close(&json);
}

static void print_summary(const struct extraction *extraction)
{
    const struct pipeline_counts *counts = &extraction->counts;

    printf("images     %zu\nextracted  %zu\ncached     %zu%s\nrefused    %zu\n",
           image_total(extraction), counts->extracted, counts->cached,
           counts->extracted == 0 && counts->cached > 0 ? "  (the network was not run)" : "",
           counts->refused);
    if (extraction->views.count > 1)
        printf("views      %zu of every image  (%zu computed, %zu cached)\n",
               extraction->views.count, counts->views,
               (counts->extracted + counts->cached) * extraction->views.count - counts->views);
    if (extraction->forgotten > 0)
        printf("forgotten  %zu  (their files are gone)\n", extraction->forgotten);
    for (size_t i = 0; i < network_output_count(extraction->network); i++) {
        const struct network_output *output = network_output(extraction->network, i);

        if (is_repeated(extraction, i))
            continue;
        printf("dimension  %zu  (feature set %lld: %s, pooling %s)\n", output->dimension,
               (long long)extraction->feature_set_ids[i], output->layer,
               poolings[output->pooling]);
    }
    printf("seconds    %.2f  (%.1f images/s)\n", extraction->seconds,
           images_per_second(extraction));
}

static void describe(const struct extraction *extraction)
{
    const struct model *model = network_model(extraction->network);
    char digest[HASH_TEXT];

    hash_to_text(&extraction->digest, digest);
    network_describe(extraction->network, stdout);
    printf("file        %s\nsha256      %s\n", network_path(extraction), digest);
    if (*model->architecture != '\0')
        printf("weights of  %s\n", model->architecture);
    if (extraction->known.name != NULL)
        printf("known as    %s, %s (%s)\n", extraction->known.name, extraction->known.file,
               extraction->known.publisher);
    printf("preprocess  %s%s\n", extraction->rule_text,
           assumes_preset(extraction) ? "  (assumed)" : "");
}

static int extract(struct extraction *extraction, struct error *error)
{
    int outcome;

    if (prepare_network(extraction, error) < 0)
        return EXIT_FAILED;
    if (extraction->settings.describe) {
        describe(extraction);
        return EXIT_OK;
    }
    if (scan_paths(extraction, error) < 0 || open_database(extraction, error) < 0)
        return EXIT_FAILED;
    outcome = run(extraction, error);
    if (outcome == PIPELINE_STOPPED) {
        error_set(error, "stopped after %zu of %zu images; start again to go on",
                  extraction->settled,
                  extraction->scan.sample_count + extraction->scan.refusal_count);
        return EXIT_FAILED;
    }
    if (outcome < 0)
        return EXIT_FAILED;
    if (extraction->settings.json)
        print_json(extraction);
    else if (!extraction->settings.quiet)
        print_summary(extraction);
    return extraction->counts.refused > 0 ? EXIT_PARTIAL : EXIT_OK;
}

static void release(struct extraction *extraction)
{
    background_end(&extraction->hashing);
    store_close(extraction->store);
    if (extraction->scanned)
        scan_release(&extraction->scan);
    network_free(extraction->network);
    parallel_free(extraction->parallel);
    free(extraction->feature_set_ids);
    text_list_release(&extraction->settings.layers);
    text_list_release(&extraction->paths);
}

int main(int argc, char **argv)
{
    struct extraction extraction = {.settings = {.database = "features.db"}};
    struct error error = {""};
    int status = options_parse(table, argc - 1, argv + 1, &extraction.settings,
                               &extraction.paths, &error);

    if (status == OPTIONS_HELP) {
        print_help();
        status = EXIT_OK;
    } else if (status == 0 && extraction.settings.version) {
        printf("bottleneck-extract %s\n", BOTTLENECK_VERSION);
        status = EXIT_OK;
    } else if (status < 0 || check_usage(&extraction, &error) < 0) {
        status = EXIT_USAGE;
    } else {
        status = extract(&extraction, &error);
    }
    if (status == EXIT_FAILED || status == EXIT_USAGE)
        fprintf(stderr, "bottleneck-extract: %s\n", error.text);
    if (status == EXIT_USAGE)
        fputs("try 'bottleneck-extract --help'\n", stderr);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "bottleneck-extract: cannot write the result: %s\n", strerror(errno));
        status = EXIT_FAILED;
    }
    release(&extraction);
    return status;
}
