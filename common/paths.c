#include "common/paths.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"

static bool is_dots(const char *part, size_t length, size_t dots)
{
    return length == dots && memcmp(part, "..", dots) == 0;
}

/* The path without its last part; never shorter than `least`. */
static size_t drop_part(const char *path, size_t length, size_t least)
{
    while (length > least && path[length - 1] != '/')
        length--;
    return length > least ? length - 1 : least;
}

/* Copies the path part by part onto itself. */
static void simplify(char *path, bool resolve_parents)
{
    size_t root = path[0] == '/', length = 0;
    const char *part = path;

    length = root;
    while (*part != '\0') {
        size_t size = strcspn(part, "/");

        if (resolve_parents && is_dots(part, size, 2)) {
            length = drop_part(path, length, root);
        } else if (size > 0 && !is_dots(part, size, 1)) {
            if (length > root)
                path[length++] = '/';
            memmove(path + length, part, size);
            length += size;
        }
        part += size + (part[size] == '/');
    }
    if (length == 0)
        path[length++] = '.';
    path[length] = '\0';
}

void path_clean(char *path)
{
    if (path[0] != '\0')
        simplify(path, false);
}

char *path_join(const char *folder, const char *name, struct error *error)
{
    size_t length = strlen(folder), size = strlen(name);
    char *path;

    if (name[0] == '/')
        length = 0;
    path = memory_allocate(length + size + 2, 1, error);
    if (path == NULL)
        return NULL;
    memcpy(path, folder, length);
    if (length > 0)
        path[length++] = '/';
    memcpy(path + length, name, size + 1);
    path_clean(path);
    return path;
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

char *path_folder(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    char *folder = memory_copy_text(slash == NULL ? "." : path, error);

    if (folder != NULL && slash != NULL)
        folder[slash > path ? slash - path : 1] = '\0';
    return folder;
}

char *path_absolute(const char *path, struct error *error)
{
    char *current = path[0] == '/' ? memory_copy_text("/", error) : getcwd(NULL, 0);
    char *absolute;

    if (current == NULL && path[0] != '/')
        error_set(error, "cannot tell the current folder: %s", strerror(errno));
    if (current == NULL)
        return NULL;
    absolute = path_join(current, path, error);
    if (absolute != NULL)
        simplify(absolute, true);
    free(current);
    return absolute;
}
