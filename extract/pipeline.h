/*
 * The whole way of the images: loaded ahead, their views gathered into batches, through the
 * network, into the database. A transaction writes vectors, images, samples and refusals
 * together, about twice a second and never less than a batch, so that a run that is killed loses
 * this much and nothing else, and starting again goes on there.
 */
#ifndef EXTRACT_PIPELINE_H
#define EXTRACT_PIPELINE_H

#include <signal.h>
#include <stdbool.h>

#include "common/store.h"
#include "extract/decode/decode.h"
#include "extract/network/network.h"
#include "extract/rules.h"
#include "extract/scan.h"
#include "extract/views.h"

enum pipeline_outcome {
    PIPELINE_EXTRACTED,
    PIPELINE_CACHED,       /* its content was in the database with all views, or came before in this
                              run */
    PIPELINE_REFUSED,
    PIPELINE_PASSED_OVER   /* found in a folder and plainly no image */
};

struct pipeline_counts {
    size_t extracted, cached, refused, passed_over;
    size_t views;  /* computed, of the images extracted */
};

/* Called for every sample in order, after what is known of it was committed. `reason` is NULL
 * unless it was refused. */
typedef void pipeline_report(void *context, const char *path, enum pipeline_outcome outcome,
                             const char *reason);

struct pipeline_request {
    struct store *store;
    struct network *network;         /* prepared */
    const int64_t *feature_set_ids;  /* one an output of the network */
    const struct preprocess_rule *rule;
    const struct views *views;       /* of every image; those that are cached are left alone */
    struct decode_limits limits;
    bool trust_times;                /* see loader.h */
    size_t threads;                  /* that load images */
    pipeline_report *report;
    void *report_context;
    const volatile sig_atomic_t *stop;  /* when it becomes nonzero, the batch in flight is
                                           finished and the run ends early */
};

enum { PIPELINE_STOPPED = 1 };

/* Fills in *counts, also when it fails. Returns 0, PIPELINE_STOPPED or FAILED. */
int pipeline_run(const struct pipeline_request *request, const struct scan *scan,
                 struct pipeline_counts *counts, struct error *error);

/* To be called before the run: forgets the samples and refusals below a folder whose files are
 * gone, and the refusals of folders, which the scan finds anew. Vectors stay. `folder` is cleaned,
 * "." the current one. *forgotten is increased by how many files are gone. */
int pipeline_forget_missing(struct store *store, const char *folder, size_t *forgotten,
                            struct error *error);

#endif
