#include "extract/walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/memory.h"
#include "common/options.h"
#include "common/paths.h"

/* A folder that the walk is in, up to the one it began with. */
struct level {
    const struct level *above;
    const struct walk_visitor *visitor;
    const char *path;
    const char *label;  /* NULL where its sub-folders are labels */
    const char *split;  /* NULL where there are no splits */
    dev_t device;
    ino_t inode;
};

enum entry_kind { ENTRY_FILE, ENTRY_FOLDER, ENTRY_OTHER, ENTRY_REFUSED };

static int refuse(const struct level *level, const char *path, const char *what,
                  struct error *error)
{
    struct error reason;

    error_set(&reason, "cannot %s '%s': %s", what, path, strerror(errno));
    return level->visitor->refusal(level->visitor->context, path, reason.text, error);
}

/* Asks the file system only where the entry itself does not say. */
static enum entry_kind kind_of(const struct dirent *entry, const char *path)
{
    struct stat status;

    if (entry->d_type == DT_REG)
        return ENTRY_FILE;
    if (entry->d_type == DT_DIR)
        return ENTRY_FOLDER;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return ENTRY_OTHER;
    if (stat(path, &status) != 0)
        return ENTRY_REFUSED;
    return S_ISREG(status.st_mode) ? ENTRY_FILE : S_ISDIR(status.st_mode) ? ENTRY_FOLDER
                                                                          : ENTRY_OTHER;
}

/* Visits a file at once; remembers a folder for after this one was closed, so that a deep tree
 * does not hold a descriptor for every level. */
static int visit_entry(const struct level *level, const struct dirent *entry,
                       struct text_list *folders, struct error *error)
{
    char *path = path_join(level->path, entry->d_name, error);
    int outcome = 0;

    if (path == NULL)
        return FAILED;
    switch (kind_of(entry, path)) {
    case ENTRY_FILE:
        outcome = level->visitor->file(level->visitor->context, path, level->label,
                                       level->split, error);
        break;
    case ENTRY_FOLDER:
        outcome = text_list_append(folders, path, error);
        if (outcome == 0)
            return 0;
        break;
    case ENTRY_REFUSED:
        outcome = refuse(level, path, "open", error);
        break;
    case ENTRY_OTHER:
        break;
    }
    free(path);
    return outcome;
}

static int read_entries(const struct level *level, DIR *stream, struct text_list *folders,
                        struct error *error)
{
    for (;;) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(stream);
        if (entry == NULL && errno != 0)
            return refuse(level, level->path, "read folder", error);
        if (entry == NULL)
            return 0;
        if (entry->d_name[0] != '.' && visit_entry(level, entry, folders, error) < 0)
            return FAILED;
    }
}

static bool is_above(const struct level *level, const struct stat *status)
{
    for (; level != NULL; level = level->above)
        if (level->device == status->st_dev && level->inode == status->st_ino)
            return true;
    return false;
}

static bool names_split(const char *name)
{
    static const char *const names[] = {"train",      "training", "val",    "valid",
                                        "validation", "test",     "testing"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

/* Whether the folders below the one that the walk began with are splits and not labels. */
static bool are_splits(const struct level *level, const struct text_list *folders)
{
    if (level->above != NULL || folders->count < 2)
        return false;
    for (size_t i = 0; i < folders->count; i++)
        if (!names_split(path_name(folders->items[i])))
            return false;
    return true;
}

/* `level` has its path, what it means and what is above; the rest is filled in. */
static int walk_level(struct level *level, struct error *error)
{
    struct text_list folders = {0};
    struct stat status;
    DIR *stream = opendir(level->path);
    bool splits;
    int outcome = 0;

    if (stream == NULL || fstat(dirfd(stream), &status) != 0) {
        outcome = refuse(level, level->path, "open folder", error);
    } else if (!is_above(level->above, &status)) {
        level->device = status.st_dev;
        level->inode = status.st_ino;
        outcome = read_entries(level, stream, &folders, error);
    }
    if (stream != NULL)
        closedir(stream);
    splits = are_splits(level, &folders);
    for (size_t i = 0; i < folders.count && outcome == 0; i++) {
        struct level below = {.above = level, .visitor = level->visitor,
                              .path = folders.items[i], .label = level->label,
                              .split = level->split};

        if (splits)
            below.split = path_name(below.path);
        else if (level->label == NULL)
            below.label = path_name(below.path);
        outcome = walk_level(&below, error);
    }
    for (size_t i = 0; i < folders.count; i++)
        free((char *)(uintptr_t)folders.items[i]);
    text_list_release(&folders);
    return outcome;
}

int walk_folder(const char *folder, const struct walk_visitor *visitor, struct error *error)
{
    struct level top = {.visitor = visitor, .path = folder};

    return walk_level(&top, error);
}
