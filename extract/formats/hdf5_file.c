#include "extract/formats/hdf5_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/isolated.h"
#include "common/memory.h"
#include "extract/formats/hdf5_library.h"

/* What listing the objects of a file may take; the largest network has some 2 MB of them. */
enum { LIST_SECONDS = 2, LIST_MEMORY = 1 << 29, LIST_OUTPUT = 1 << 26 };

/* For reading elements: beside what they need themselves; and how many of their bytes a second
 * even a slow machine uncompresses. */
enum { READ_SECONDS = 5, READ_MEMORY = 1 << 28, READ_SPEED = 1 << 23 };

struct attribute {
    const char *name;
    const char **texts;
    size_t count;
};

struct entry {
    struct hdf5_object object;
    size_t first_attribute, attribute_count;
};

struct hdf5_file {
    struct bytes bytes;
    struct buffer listing;  /* what the library said; all texts are views of it */
    struct entry *entries;
    size_t entry_count, entry_capacity;
    struct attribute *attributes;
    size_t attribute_count, attribute_capacity;
    struct names paths;     /* to entries */
    bool given_up;          /* elements could not be read: the next ones would cost time again */
};

bool hdf5_is_file(struct bytes bytes)
{
    return bytes_begin_with(bytes, "\x89HDF\r\n\x1a\n", 8);
}

void hdf5_close(struct hdf5_file *file)
{
    if (file == NULL)
        return;
    for (size_t i = 0; i < file->attribute_count; i++)
        free(file->attributes[i].texts);
    free(file->attributes);
    free(file->entries);
    names_release(&file->paths);
    buffer_release(&file->listing);
    free(file);
}

/* ---- the records ------------------------------------------------------------------------ */

/* The process that wrote them had a damaged file before it: it is trusted no further. */
static int broken(struct error *error)
{
    return error_set(error, "its HDF5 structure is damaged");
}

/* Up to `size` bytes that end with the only NUL among them; NULL otherwise. */
static const char *take_text(struct cursor *cursor)
{
    struct bytes text = cursor_take(cursor, cursor_u32(cursor));

    if (text.size == 0 || memchr(text.data, '\0', text.size) != text.data + text.size - 1)
        return NULL;
    return (const char *)text.data;
}

static struct entry *add_entry(struct hdf5_file *file, enum hdf5_kind kind, const char *path,
                               struct error *error)
{
    void *entries = file->entries;
    struct entry *entry;
    size_t found;

    if (path == NULL) {
        broken(error);
        return NULL;
    }
    if (names_find(&file->paths, path, &found) == 0) {
        error_set(error, "it has '%s' twice", path);
        return NULL;
    }
    if (memory_grow(&entries, file->entry_count, &file->entry_capacity, sizeof *entry, error) < 0)
        return NULL;
    file->entries = entries;
    entry = &file->entries[file->entry_count];
    *entry = (struct entry){.object = {.path = path, .kind = kind},
                            .first_attribute = file->attribute_count};
    if (names_put(&file->paths, path, file->entry_count, error) < 0)
        return NULL;
    file->entry_count++;
    return entry;
}

/* A dataset of more dimensions or numbers than any weight has keeps the type OTHER. */
static int parse_dataset(struct hdf5_file *file, struct cursor *cursor, struct error *error)
{
    struct entry *entry = add_entry(file, HDF5_DATASET, take_text(cursor), error);
    struct tensor *tensor;
    int64_t shape[TENSOR_MAX_RANK];
    uint8_t type = cursor_u8(cursor);
    size_t rank = cursor_u8(cursor), size;
    uint64_t offset;
    struct error ignored;

    if (entry == NULL)
        return FAILED;
    tensor = &entry->object.tensor;
    tensor->type = type < TENSOR_OTHER && rank <= TENSOR_MAX_RANK ? (enum tensor_type)type
                                                                  : TENSOR_OTHER;
    for (size_t axis = 0; axis < rank; axis++) {
        uint64_t length = cursor_u64(cursor);

        if (axis < TENSOR_MAX_RANK)
            shape[axis] = length < INT64_MAX ? (int64_t)length : -1;
    }
    offset = cursor_u64(cursor);
    if (tensor->type == TENSOR_OTHER || tensor_set_shape(tensor, shape, rank, &ignored) < 0 ||
        !size_multiply(tensor->count, tensor_type_size(tensor->type), &size)) {
        *tensor = (struct tensor){.type = TENSOR_OTHER};
        return 0;
    }
    if (offset == HDF5_NOWHERE)
        return 0;
    if (offset > file->bytes.size || size > file->bytes.size - offset)
        return error_set(error, "its dataset '%s' lies behind the end of the file",
                         entry->object.path);
    tensor->bytes = (struct bytes){file->bytes.data + offset, size};
    return 0;
}

static int parse_attribute(struct hdf5_file *file, struct cursor *cursor, struct error *error)
{
    void *attributes = file->attributes;
    struct attribute attribute = {.name = take_text(cursor)};

    attribute.count = cursor_u32(cursor);
    if (attribute.name == NULL || file->entry_count == 0 ||
        attribute.count > cursor_left(cursor) / 5)
        return broken(error);
    if (memory_grow(&attributes, file->attribute_count, &file->attribute_capacity,
                    sizeof attribute, error) < 0)
        return FAILED;
    file->attributes = attributes;
    attribute.texts = memory_allocate(attribute.count, sizeof *attribute.texts, error);
    if (attribute.texts == NULL)
        return FAILED;
    file->attributes[file->attribute_count++] = attribute;
    file->entries[file->entry_count - 1].attribute_count++;
    for (size_t i = 0; i < attribute.count; i++) {
        attribute.texts[i] = take_text(cursor);
        if (attribute.texts[i] == NULL)
            return broken(error);
    }
    return 0;
}

static int parse_records(struct hdf5_file *file, struct error *error)
{
    struct cursor cursor = cursor_from((struct bytes){file->listing.data, file->listing.size});

    while (cursor_left(&cursor) > 0) {
        uint8_t kind = cursor_u8(&cursor);
        int outcome = FAILED;

        if (kind == 'G')
            outcome = add_entry(file, HDF5_GROUP, take_text(&cursor), error) != NULL ? 0 : FAILED;
        else if (kind == 'D')
            outcome = parse_dataset(file, &cursor, error);
        else if (kind == 'A')
            outcome = parse_attribute(file, &cursor, error);
        else
            broken(error);
        if (outcome < 0)
            return FAILED;
        if (cursor.damaged)
            return broken(error);
    }
    return 0;
}

int hdf5_open(struct bytes bytes, struct hdf5_file **out, struct error *error)
{
    struct hdf5_file *file = memory_allocate(1, sizeof *file, error);
    struct hdf5_job job = {.bytes = bytes};
    const struct isolated_limits limits = {
        .seconds = LIST_SECONDS, .memory = LIST_MEMORY, .output = LIST_OUTPUT};

    *out = NULL;
    if (file == NULL)
        return FAILED;
    file->bytes = bytes;
    if (isolated_run(hdf5_library_list, &job, &limits, &file->listing, error) < 0 ||
        parse_records(file, error) < 0) {
        hdf5_close(file);
        return FAILED;
    }
    *out = file;
    return 0;
}

/* ---- questions -------------------------------------------------------------------------- */

size_t hdf5_count(const struct hdf5_file *file)
{
    return file->entry_count;
}

const struct hdf5_object *hdf5_at(const struct hdf5_file *file, size_t index)
{
    return &file->entries[index].object;
}

static const struct entry *find_entry(const struct hdf5_file *file, const char *path)
{
    size_t index;

    return names_find(&file->paths, path, &index) == 0 ? &file->entries[index] : NULL;
}

const struct hdf5_object *hdf5_find(const struct hdf5_file *file, const char *path)
{
    const struct entry *entry = find_entry(file, path);

    return entry != NULL ? &entry->object : NULL;
}

static const struct attribute *find_attribute(const struct hdf5_file *file,
                                              const struct entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->attribute_count; i++) {
        const struct attribute *attribute = &file->attributes[entry->first_attribute + i];

        if (strcmp(attribute->name, name) == 0)
            return attribute;
    }
    return NULL;
}

const char *hdf5_text(const struct hdf5_file *file, const char *path, const char *name,
                      size_t index)
{
    const struct entry *entry = find_entry(file, path);
    const struct attribute *attribute = entry != NULL ? find_attribute(file, entry, name) : NULL;
    char part_name[64];

    if (attribute != NULL)
        return index < attribute->count ? attribute->texts[index] : NULL;
    for (size_t part = 0; entry != NULL; part++) {
        snprintf(part_name, sizeof part_name, "%s%zu", name, part);
        attribute = find_attribute(file, entry, part_name);
        if (attribute == NULL)
            return NULL;
        if (index < attribute->count)
            return attribute->texts[index];
        index -= attribute->count;
    }
    return NULL;
}

int hdf5_dataset(struct hdf5_file *file, const struct hdf5_object *object,
                 struct graph *graph, struct tensor *tensor, struct error *error)
{
    struct hdf5_job job = {.bytes = file->bytes, .path = object->path};
    struct isolated_limits limits = {.seconds = READ_SECONDS, .memory = READ_MEMORY};
    struct buffer elements = {0};

    *tensor = object->tensor;
    if (tensor->type == TENSOR_OTHER)
        return error_set(error, "its elements are not float, float16 or double");
    if (tensor->bytes.data != NULL || tensor->count == 0)
        return 0;
    limits.output = tensor->count * tensor_type_size(tensor->type);
    if (file->given_up)
        return error_set(error, "it is not read behind damaged ones");
    if (limits.output > HDF5_SMALL && limits.output / HDF5_MAX_GROWTH > file->bytes.size)
        return error_set(error, "it claims %zu numbers in a file of %zu bytes", tensor->count,
                         file->bytes.size);
    limits.seconds += limits.output / READ_SPEED;
    limits.memory += 2 * limits.output;
    if (isolated_run(hdf5_library_read, &job, &limits, &elements, error) < 0) {
        file->given_up = true;
        buffer_release(&elements);
        return FAILED;
    }
    tensor->bytes = (struct bytes){elements.data, elements.size};
    if (graph_adopt(graph, elements.data, error) < 0)
        return FAILED;
    return elements.size == limits.output ? 0 : broken(error);
}
