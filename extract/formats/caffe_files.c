#include "extract/formats/caffe_files.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"
#include "common/paths.h"

/* Where to look. */
struct place {
    char *folder;
    char *stem;   /* of the .caffemodel's name */
    char *short_stem;  /* without "-model" behind, or NULL */
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), size = strlen(end);

    return length >= size && strcmp(text + length - size, end) == 0;
}

static char *cut(const char *text, size_t behind, struct error *error)
{
    char *copy = memory_copy_text(text, error);

    if (copy != NULL)
        copy[strlen(copy) - behind] = '\0';
    return copy;
}

static void release_place(struct place *place)
{
    free(place->folder);
    free(place->stem);
    free(place->short_stem);
}

static int find_place(const char *weights, struct place *place, struct error *error)
{
    static const char suffix[] = ".caffemodel", model[] = "-model";
    const char *name = path_name(weights);

    *place = (struct place){.folder = path_folder(weights, error)};
    place->stem = cut(name, ends_with(name, suffix) ? sizeof suffix - 1 : 0, error);
    if (place->folder == NULL || place->stem == NULL)
        return FAILED;
    if (!ends_with(place->stem, model) && !ends_with(place->stem, "_model"))
        return 0;
    place->short_stem = cut(place->stem, sizeof model - 1, error);
    return place->short_stem != NULL ? 0 : FAILED;
}

/* *path becomes the regular file folder/STEMname; stays NULL when there is none. */
static int try_file(const struct place *place, const char *stem, const char *name, char **path,
                    struct error *error)
{
    size_t size = strlen(stem) + strlen(name) + 1;
    char *whole = memory_allocate(size, 1, error);
    struct file_times times;
    struct error ignored;

    if (whole == NULL)
        return FAILED;
    snprintf(whole, size, "%s%s", stem, name);
    *path = path_join(place->folder, whole, error);
    free(whole);
    if (*path == NULL)
        return FAILED;
    if (file_stat(*path, &times, &ignored) < 0) {
        free(*path);
        *path = NULL;
    }
    return 0;
}

/* *path becomes the only file of the folder with that ending whose name does not hold `but`. */
static int try_only(const struct place *place, const char *ending, const char *but, char **path,
                    struct error *error)
{
    DIR *folder = opendir(place->folder);
    const struct dirent *entry;
    char *only = NULL;
    size_t count = 0;
    int outcome = 0;

    if (folder == NULL)
        return 0;
    while (count < 2 && (entry = readdir(folder)) != NULL) {
        if (!ends_with(entry->d_name, ending) || strstr(entry->d_name, but) != NULL)
            continue;
        count++;
        free(only);
        only = memory_copy_text(entry->d_name, error);
        if (only == NULL)
            count = 2;
    }
    closedir(folder);
    if (count > 0 && only == NULL)
        outcome = FAILED;
    else if (count == 1)
        outcome = try_file(place, "", only, path, error);
    free(only);
    return outcome;
}

static int search_definition(const struct place *place, char **path, struct error *error)
{
    static const char *const endings[] = {".prototxt", "_deploy.prototxt", "-deploy.prototxt",
                                          "_train_test.prototxt", "_train_val.prototxt"};
    const char *stems[] = {place->stem, place->short_stem};

    for (size_t i = 0; i < 2 && stems[i] != NULL; i++)
        for (size_t j = 0; j < sizeof endings / sizeof endings[0] && *path == NULL; j++)
            if (try_file(place, stems[i], endings[j], path, error) < 0)
                return FAILED;
    if (*path == NULL && try_file(place, "", "deploy.prototxt", path, error) < 0)
        return FAILED;
    if (*path == NULL && try_only(place, ".prototxt", "solver", path, error) < 0)
        return FAILED;
    if (*path != NULL)
        return 0;
    return error_set(error, "its definition is missing: there is no '%s.prototxt', no "
                     "'deploy.prototxt' and no single .prototxt beside it, and no --definition "
                     "FILE was given", place->stem);
}

int caffe_find_definition(const char *weights, char **path, struct error *error)
{
    struct place place;
    int outcome = find_place(weights, &place, error);

    *path = NULL;
    if (outcome == 0)
        outcome = search_definition(&place, path, error);
    release_place(&place);
    return outcome;
}

static int search_mean(const struct place *place, const char *named, char **path,
                       struct error *error)
{
    const struct { const char *stem, *name; } tries[] = {
        {place->stem, "_mean.binaryproto"},
        {place->stem, ".binaryproto"},
        {place->short_stem, "_mean.binaryproto"},
        {"", named},
        {"", "mean.binaryproto"},
    };

    for (size_t i = 0; i < sizeof tries / sizeof tries[0] && *path == NULL; i++)
        if (tries[i].stem != NULL && *tries[i].name != '\0' &&
            try_file(place, tries[i].stem, tries[i].name, path, error) < 0)
            return FAILED;
    if (*path == NULL && *named != '\0')
        return try_only(place, ".binaryproto", "/", path, error);
    return 0;
}

int caffe_find_mean(const char *weights, const char *named, char **path, struct error *error)
{
    struct place place;
    int outcome = find_place(weights, &place, error);

    *path = NULL;
    if (outcome == 0)
        outcome = search_mean(&place, named, path, error);
    release_place(&place);
    return outcome;
}
