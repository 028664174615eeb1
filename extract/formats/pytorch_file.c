#include "extract/formats/pytorch_file.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* Far above any layer's name. */
enum { MAX_NAME = 1000 };

static const struct {
    size_t size;
    enum tensor_type type;
} types[] = {
    [PYTORCH_FLOAT] = {4, TENSOR_FLOAT32}, [PYTORCH_DOUBLE] = {8, TENSOR_FLOAT64},
    [PYTORCH_HALF] = {2, TENSOR_FLOAT16},  [PYTORCH_BFLOAT16] = {2, TENSOR_FLOAT32},
    [PYTORCH_INT32] = {4, TENSOR_INT32},   [PYTORCH_INT64] = {8, TENSOR_INT64},
    [PYTORCH_OTHER_1] = {1, TENSOR_OTHER}, [PYTORCH_OTHER_2] = {2, TENSOR_OTHER},
};

size_t pytorch_type_size(enum pytorch_type type)
{
    return types[type].size;
}

static char *copy_bytes(struct bytes text, struct error *error)
{
    char *copy = memory_allocate(text.size + 1, 1, error);

    if (copy != NULL && text.size > 0)
        memcpy(copy, text.data, text.size);
    return copy;
}

int pytorch_add_storage(struct pytorch_file *file, const struct pytorch_storage *storage,
                        size_t *index, struct error *error)
{
    void *items = file->storages;

    if (memory_grow(&items, file->storage_count, &file->storage_capacity, sizeof *file->storages,
                    error) < 0)
        return FAILED;
    file->storages = items;
    *index = file->storage_count++;
    file->storages[*index] = *storage;
    file->storages[*index].key = memory_copy_text(storage->key, error);
    if (file->storages[*index].key == NULL)
        return FAILED;
    return names_put(&file->storage_names, file->storages[*index].key, *index, error);
}

/* The element farthest from the first, or false when that does not fit into a size_t. */
static bool find_extent(const struct pytorch_tensor *tensor, size_t *extent)
{
    *extent = 0;
    for (size_t axis = 0; axis < tensor->rank; axis++) {
        size_t reach;

        if (!size_multiply(tensor->shape[axis] - 1, tensor->stride[axis], &reach) ||
            __builtin_add_overflow(*extent, reach, extent))
            return false;
    }
    return true;
}

static int check_tensor(const struct pytorch_tensor *tensor, size_t elements, const char *name,
                        struct error *error)
{
    size_t extent;

    if (tensor->count == 0)
        return 0;
    if (tensor->count > elements)
        return error_set(error, "'%s' has %zu elements, its storage %zu", name, tensor->count,
                         elements);
    if (tensor->offset >= elements || !find_extent(tensor, &extent) ||
        extent >= elements - tensor->offset)
        return error_set(error, "'%s' reaches out of its storage", name);
    return 0;
}

int pytorch_add_tensor(struct pytorch_file *file, struct bytes name,
                       const struct pytorch_tensor *tensor, struct error *error)
{
    const struct pytorch_storage *storage = &file->storages[tensor->storage];
    size_t elements = storage->count * types[storage->type].size / types[tensor->type].size;
    void *items = file->tensors;
    struct pytorch_tensor *copy;

    if (name.size > MAX_NAME)
        return error_set(error, "a name is longer than %d characters", MAX_NAME);
    if (memory_grow(&items, file->tensor_count, &file->tensor_capacity, sizeof *file->tensors,
                    error) < 0)
        return FAILED;
    file->tensors = items;
    copy = &file->tensors[file->tensor_count++];
    *copy = *tensor;
    copy->name = copy_bytes(name, error);
    if (copy->name == NULL)
        return FAILED;
    return check_tensor(copy, elements, copy->name, error);
}

void pytorch_release(struct pytorch_file *file)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        free(file->tensors[i].name);
    for (size_t i = 0; i < file->storage_count; i++)
        free(file->storages[i].key);
    free(file->tensors);
    free(file->storages);
    names_release(&file->storage_names);
    zip_archive_close(file->archive);
    *file = (struct pytorch_file){0};
}

/* ---- numbers ---------------------------------------------------------------------------- */

static bool is_contiguous(const struct pytorch_tensor *tensor)
{
    size_t expected = 1;

    for (size_t axis = tensor->rank; axis-- > 0;) {
        if (tensor->shape[axis] != 1 && tensor->stride[axis] != expected)
            return false;
        expected *= tensor->shape[axis];
    }
    return true;
}

/* Copies the elements in the order of the shape; counts through it like an odometer. */
static void copy_strided(const struct pytorch_tensor *from, const unsigned char *data,
                         unsigned char *out)
{
    size_t size = types[from->type].size, place[TENSOR_MAX_RANK] = {0}, at = 0;

    for (size_t i = 0; i < from->count; i++) {
        memcpy(out + i * size, data + at * size, size);
        for (size_t axis = from->rank; axis-- > 0;) {
            at += from->stride[axis];
            if (++place[axis] < from->shape[axis])
                break;
            at -= place[axis] * from->stride[axis];
            place[axis] = 0;
        }
    }
}

/* A bfloat16 is the upper half of a float. */
static void widen(const unsigned char *data, size_t count, unsigned char *out)
{
    for (size_t i = count; i-- > 0;) {
        unsigned char low = data[2 * i], high = data[2 * i + 1];

        out[4 * i] = out[4 * i + 1] = 0;
        out[4 * i + 2] = low;
        out[4 * i + 3] = high;
    }
}

int pytorch_load(const struct pytorch_file *file, size_t index, struct graph *graph,
                 struct tensor *tensor, struct error *error)
{
    const struct pytorch_tensor *from = &file->tensors[index];
    const struct pytorch_storage *storage = &file->storages[from->storage];
    size_t size = types[from->type].size, out_size = size;
    struct bytes bytes = storage->bytes;
    const unsigned char *data;
    unsigned char *copy;

    *tensor = (struct tensor){
        .type = types[from->type].type, .rank = from->rank, .count = from->count};
    memcpy(tensor->shape, from->shape, sizeof from->shape);
    if (bytes.data == NULL && file->archive != NULL &&
        zip_archive_read(file->archive, storage->entry, &bytes, error) < 0)
        return FAILED;
    if (from->count == 0)
        return 0;
    data = bytes.data + from->offset * size;
    tensor->bytes = (struct bytes){data, from->count * size};
    if (is_contiguous(from) && from->type != PYTORCH_BFLOAT16)
        return 0;
    if (from->type == PYTORCH_BFLOAT16)
        out_size = types[PYTORCH_FLOAT].size;
    copy = graph_allocate(graph, from->count, out_size, error);
    if (copy == NULL)
        return FAILED;
    copy_strided(from, data, copy);
    if (from->type == PYTORCH_BFLOAT16)
        widen(copy, from->count, copy);
    tensor->bytes = (struct bytes){copy, from->count * out_size};
    return 0;
}
