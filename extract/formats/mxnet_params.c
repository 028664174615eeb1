#include "extract/formats/mxnet_params.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

static const uint64_t list_magic = 0x112;
static const uint32_t version_1 = 0xF993FAC8, version_2 = 0xF993FAC9, version_3 = 0xF993FACA;

enum { LIST_HEADER = 24, SMALLEST_ARRAY = 4, DENSE_STORAGE = 0 };

/* MXNet's numbers of types (mshadow/base.h). */
static const struct {
    enum tensor_type type;
    size_t size;
} types[] = {
    {TENSOR_FLOAT32, 4}, {TENSOR_FLOAT64, 8}, {TENSOR_FLOAT16, 2}, {TENSOR_OTHER, 1},
    {TENSOR_INT32, 4},   {TENSOR_OTHER, 1},   {TENSOR_INT64, 8},   {TENSOR_OTHER, 1},
};

bool mxnet_is_params(struct bytes bytes)
{
    struct cursor cursor = cursor_from(bytes);

    return bytes.size >= LIST_HEADER && cursor_u64(&cursor) == list_magic &&
           cursor_u64(&cursor) == 0;
}

/* The number of dimensions and their lengths, of `size` bytes each. */
static int read_shape(struct cursor *cursor, uint32_t rank, size_t size, struct tensor *tensor,
                      struct error *error)
{
    int64_t shape[TENSOR_MAX_RANK];

    if (rank > TENSOR_MAX_RANK)
        return error_set(error, "it has %lu dimensions", (unsigned long)rank);
    for (uint32_t axis = 0; axis < rank; axis++)
        shape[axis] = size == 4 ? (int64_t)cursor_u32(cursor) : (int64_t)cursor_u64(cursor);
    return tensor_set_shape(tensor, shape, rank, error);
}

/* What comes behind the shape: device, type, numbers. */
static int read_numbers(struct cursor *cursor, struct tensor *tensor, struct error *error)
{
    uint32_t type;
    size_t size;

    cursor_u64(cursor);
    type = cursor_u32(cursor);
    if (type >= sizeof types / sizeof types[0])
        return error_set(error, "its type has the unknown number %lu", (unsigned long)type);
    tensor->type = types[type].type;
    if (!size_multiply(tensor->count, types[type].size, &size))
        return error_set(error, "it is larger than any file");
    tensor->bytes = cursor_take(cursor, size);
    return 0;
}

/* An array without dimensions is one that was never filled, and ends there; in V3 it is a
 * single number, and a rank of -1 says that there is none. */
static int read_array(struct cursor *cursor, struct tensor *tensor, struct error *error)
{
    uint32_t version = cursor_u32(cursor), rank = version;
    size_t dimension_size = 4;

    *tensor = (struct tensor){0};
    if (version == version_1 || version == version_2 || version == version_3) {
        if (version != version_1 && cursor_u32(cursor) != DENSE_STORAGE)
            return error_set(error, "it is sparse, which is not supported");
        rank = cursor_u32(cursor);
        dimension_size = 8;
    }
    if (version == version_3 ? rank == UINT32_MAX : rank == 0)
        return 0;
    if (read_shape(cursor, rank, dimension_size, tensor, error) < 0)
        return FAILED;
    return read_numbers(cursor, tensor, error);
}

static int read_arrays(struct cursor *cursor, struct mxnet_params *params, struct error *error)
{
    uint64_t count = cursor_u64(cursor);

    if (count > cursor_left(cursor) / SMALLEST_ARRAY)
        return error_set(error, "it says that it has %llu arrays, and is too short for them",
                         (unsigned long long)count);
    params->arrays = memory_allocate((size_t)count, sizeof *params->arrays, error);
    if (params->arrays == NULL)
        return FAILED;
    params->count = (size_t)count;
    for (size_t i = 0; i < params->count; i++) {
        if (read_array(cursor, &params->arrays[i].tensor, error) < 0)
            return error_wrap(error, "its array %zu of %zu", i + 1, params->count);
        if (cursor->damaged)
            return error_set(error, "it ends within array %zu of %zu", i + 1, params->count);
    }
    return 0;
}

static char *copy_name(struct bytes text, struct error *error)
{
    char *name = memory_allocate(text.size + 1, 1, error);

    if (bytes_begin_with(text, "arg:", 4) || bytes_begin_with(text, "aux:", 4))
        text = (struct bytes){text.data + 4, text.size - 4};
    if (name != NULL && text.size > 0)
        memcpy(name, text.data, text.size);
    return name;
}

static int read_names(struct cursor *cursor, struct mxnet_params *params, struct error *error)
{
    uint64_t count = cursor_u64(cursor);

    if (cursor->damaged || count != params->count)
        return error_set(error, "it has %zu arrays and %llu names", params->count,
                         (unsigned long long)count);
    for (size_t i = 0; i < params->count; i++) {
        struct mxnet_array *array = &params->arrays[i];
        struct bytes text = cursor_take(cursor, cursor_u64(cursor));
        size_t other;

        if (cursor->damaged)
            return error_set(error, "it ends within name %zu of %zu", i + 1, params->count);
        array->name = copy_name(text, error);
        if (array->name == NULL)
            return FAILED;
        if (names_find(&params->names, array->name, &other) == 0)
            return error_set(error, "it has two arrays of the name '%s'", array->name);
        if (names_put(&params->names, array->name, i, error) < 0)
            return FAILED;
    }
    return 0;
}

int mxnet_params_parse(struct bytes bytes, struct mxnet_params *params, struct error *error)
{
    struct cursor cursor = cursor_from(bytes);

    *params = (struct mxnet_params){0};
    cursor_take(&cursor, LIST_HEADER - 8);
    if (!mxnet_is_params(bytes))
        return error_set(error, "it is no file of parameters (.params)");
    if (read_arrays(&cursor, params, error) < 0)
        return FAILED;
    return read_names(&cursor, params, error);
}

void mxnet_params_release(struct mxnet_params *params)
{
    for (size_t i = 0; i < params->count; i++)
        free(params->arrays[i].name);
    free(params->arrays);
    names_release(&params->names);
    *params = (struct mxnet_params){0};
}

const struct tensor *mxnet_params_find(const struct mxnet_params *params, const char *name)
{
    size_t index;

    return names_find(&params->names, name, &index) == 0 ? &params->arrays[index].tensor : NULL;
}
