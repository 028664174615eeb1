#include "tests/fuzz/fuzz_network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/file.h"
#include "extract/formats/model.h"
#include "extract/network/bottleneck.h"
#include "extract/network/passes.h"

/* Images where the file leaves their size free. */
enum { FREE_SIZE = 32 };

/* A mapped file ends in a page of zeros that may be read without being noticed. The linker puts
 * these in the place of file_map_open and file_map_close, so that what a reader sees ends where
 * its file ends. */
int __real_file_map_open(const char *path, struct file_map *map, struct error *error);
void __real_file_map_close(struct file_map *map);
int __wrap_file_map_open(const char *path, struct file_map *map, struct error *error);
void __wrap_file_map_close(struct file_map *map);

static void *copy_of(const void *data, size_t size)
{
    void *copy = malloc(size);

    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    return copy;
}

int __wrap_file_map_open(const char *path, struct file_map *map, struct error *error)
{
    struct file_map mapped;

    *map = (struct file_map){0};
    if (__real_file_map_open(path, &mapped, error) < 0)
        return FAILED;
    *map = (struct file_map){copy_of(mapped.data, mapped.size), mapped.size};
    __real_file_map_close(&mapped);
    return 0;
}

void __wrap_file_map_close(struct file_map *map)
{
    union {
        const unsigned char *read_only;
        void *block;
    } same = {.read_only = map->data};

    free(same.block);
    *map = (struct file_map){0};
}

/* A file in memory; its path in `path`. */
static int create_file(struct bytes bytes, char path[static 32])
{
    int descriptor = memfd_create("fuzz", 0);

    if (descriptor < 0 || (bytes.size > 0 &&
                           write(descriptor, bytes.data, bytes.size) != (ssize_t)bytes.size))
        abort();
    snprintf(path, 32, "/proc/self/fd/%d", descriptor);
    return descriptor;
}

static int simplify(struct graph *graph, fuzz_work *work, struct error *error)
{
    size_t cut = bottleneck_find(graph);

    if (passes_run(graph, &cut, 1, error) < 0)
        return FAILED;
    if (work != NULL)
        work(graph, cut);
    return 0;
}

static size_t side_of(const struct model *model, size_t given)
{
    if (given > 0)
        return given;
    return model->usual_side > 0 ? model->usual_side : FREE_SIZE;
}

static int use(const char *path, const char *definition, fuzz_work *work, struct error *error)
{
    struct model model;
    struct graph graph = {0};
    int outcome = model_open(path, definition, &model, error);

    if (outcome == 0)
        outcome = model_read(&model, side_of(&model, model.input.height),
                             side_of(&model, model.input.width), &graph, error);
    if (outcome == 0)
        outcome = simplify(&graph, work, error);
    graph_release(&graph);
    model_close(&model);
    return outcome;
}

static void use_files(struct bytes file, struct bytes definition, fuzz_work *work)
{
    char path[32], definition_path[32];
    int descriptor = create_file(file, path), second = -1;
    struct error error = {""};

    if (definition.data != NULL)
        second = create_file(definition, definition_path);
    if (use(path, second >= 0 ? definition_path : NULL, work, &error) < 0 &&
        error.text[0] == '\0')
        abort();
    close(descriptor);
    if (second >= 0)
        close(second);
}

void fuzz_network(struct bytes file, struct bytes definition)
{
    use_files(file, definition, NULL);
}

void fuzz_network_with(struct bytes file, fuzz_work *work)
{
    use_files(file, (struct bytes){0}, work);
}

void fuzz_split(struct bytes both, struct bytes *first, struct bytes *second)
{
    static const char line[] = "\n----\n";
    const size_t length = sizeof line - 1;
    const unsigned char *at = memmem(both.data, both.size, line, length);

    *first = both;
    *second = (struct bytes){0};
    if (at != NULL) {
        first->size = (size_t)(at - both.data);
        *second = (struct bytes){at + length, both.size - first->size - length};
    }
}
