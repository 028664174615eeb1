/*
 * Walks folders: every regular file below one, with the sub-folder of the first level that it
 * lies in. Where a folder has two sub-folders or more and all are named as splits are (train,
 * training, val, valid, validation, test, testing, in any case), those are splits, and the level
 * below them is the first.
 */
#ifndef EXTRACT_WALK_H
#define EXTRACT_WALK_H

#include "common/error.h"

/* What a walk calls back, in no particular order. A negative outcome stops the walk. */
struct walk_visitor {
    void *context;
    /* `label`: the name of the first-level sub-folder; NULL for a file directly in the folder.
     * `split`: the name of the split's folder; NULL where there are none. */
    int (*file)(void *context, const char *path, const char *label, const char *split,
                struct error *error);
    /* A folder or link that could not be looked at; `reason` is the whole message. */
    int (*refusal)(void *context, const char *path, const char *reason, struct error *error);
};

/* Visits the files below `folder` (a cleaned path); paths begin with it, but with nothing for
 * ".". Names that begin with a dot, and what is neither file nor folder, are passed over. Links
 * are followed, except to a folder that the walk is in. 0, or FAILED with what stopped it. */
int walk_folder(const char *folder, const struct walk_visitor *visitor, struct error *error);

#endif
