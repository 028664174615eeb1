/*
 * What is wrong with a set of images, as far as its vectors tell.
 *
 *     audit_photographs(&dataset, parallel, &audit, &error);     duplicates and outliers
 *     audit_labels(&dataset, &evaluation, &audit, &error);       labels that look wrong
 *     audit_release(&audit);
 */
#ifndef CLASSIFY_AUDIT_H
#define CLASSIFY_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "classify/dataset.h"
#include "classify/evaluation.h"
#include "classify/neighbours.h"
#include "common/error.h"
#include "common/parallel.h"

/* Samples that show the same photograph. */
struct audit_group {
    size_t start, size;  /* its members are audit->members[start .. start + size - 1] */
    double distance;     /* the largest 1 - cosine that joined it; 0 for identical files */
    bool identical;      /* all are the same file */
    bool splits;         /* they stand in different splits: a leak */
    bool labels;         /* they have different labels, or one has none: a contradiction */
};

/* An image whose nearest neighbour is far. */
struct audit_outlier {
    size_t sample, nearest;
    double distance;
};

struct audit {
    struct neighbours neighbours;
    size_t *members;                 /* samples, group by group, in the dataset's order */
    struct audit_group *groups;      /* [group_count], by their first member */
    size_t group_count;
    struct audit_outlier *outliers;  /* [outlier_count], the farthest first */
    size_t outlier_count;
    double fence;                    /* the distance beyond which an image is an outlier */
    struct misclassified *suspects;  /* [suspect_count]: misclassified in every repeat, the lowest
                                        margin first */
    size_t suspect_count;
};

/* Groups by content and by neighbours.h, whatever groups the user gave; outliers are farther from
 * their nearest neighbour than the third quartile of that by three times the distance between the
 * quartiles (Tukey's outer fence). FAILED as neighbours_find. */
int audit_photographs(struct dataset *dataset, struct parallel *parallel, struct audit *audit,
                      struct error *error);

/* Fills in the suspects: the samples of an evaluation of `dataset` that were never classified as
 * labelled. */
int audit_labels(const struct dataset *dataset, const struct evaluation *evaluation,
                 struct audit *audit, struct error *error);

void audit_release(struct audit *audit);

#endif
