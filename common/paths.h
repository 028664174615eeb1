/*
 * Paths as texts; nothing here looks at the file system, except for the current folder.
 */
#ifndef COMMON_PATHS_H
#define COMMON_PATHS_H

#include "common/error.h"

/* Removes "./", doubled and trailing slashes in place: what is named stays the same. ".." stays,
 * since before a link it means another folder. Nothing left is ".". */
void path_clean(char *path);

/* "folder/name", cleaned; `name` alone where it is absolute or the folder is ".". NULL without
 * memory; release with free(). */
char *path_join(const char *folder, const char *name, struct error *error);

/* What a path names in its folder: the text behind its last slash, inside `path`. */
const char *path_name(const char *path);

/* The folder that a path lies in; "." where it names none. NULL without memory; release with
 * free(). */
char *path_folder(const char *path, struct error *error);

/* The absolute path with every ".." resolved as text: equal for all spellings of a path that has
 * no links. NULL without memory or current folder; release with free(). */
char *path_absolute(const char *path, struct error *error);

#endif
