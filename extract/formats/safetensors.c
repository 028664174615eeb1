#include <string.h>

#include "common/memory.h"
#include "extract/formats/json_tree.h"
#include "extract/formats/pytorch_file.h"

/* The header's length, and the header itself: JSON, which begins with its brace. */
enum { LENGTH_SIZE = 8, MAX_HEADER = 100 << 20 };

static const struct {
    const char *name;
    enum pytorch_type type;
} dtypes[] = {
    {"F32", PYTORCH_FLOAT},     {"F64", PYTORCH_DOUBLE},    {"F16", PYTORCH_HALF},
    {"BF16", PYTORCH_BFLOAT16}, {"I64", PYTORCH_INT64},     {"I32", PYTORCH_INT32},
    {"I16", PYTORCH_OTHER_2},   {"U16", PYTORCH_OTHER_2},   {"I8", PYTORCH_OTHER_1},
    {"U8", PYTORCH_OTHER_1},    {"BOOL", PYTORCH_OTHER_1},  {"F8_E4M3", PYTORCH_OTHER_1},
    {"F8_E5M2", PYTORCH_OTHER_1},
};

bool safetensors_is_file(struct bytes bytes)
{
    struct cursor cursor = cursor_from(bytes);
    uint64_t length = cursor_u64(&cursor);

    return bytes.size > LENGTH_SIZE && length >= 2 && length <= MAX_HEADER &&
           bytes.data[LENGTH_SIZE] == '{';
}

static int find_type(const struct json_value *value, const char *name, enum pytorch_type *type,
                     struct error *error)
{
    const char *text = json_tree_text(value);

    for (size_t i = 0; text != NULL && i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtypes[i].name, text) == 0) {
            *type = dtypes[i].type;
            return 0;
        }
    return error_set(error, "'%s' is of the unknown type '%s'", name, text != NULL ? text : "");
}

static int read_shape(const struct json_value *shape, const char *name,
                      struct pytorch_tensor *tensor, struct error *error)
{
    tensor->rank = json_tree_count(shape);
    tensor->count = 1;
    if (!json_tree_is_list(shape) || tensor->rank > TENSOR_MAX_RANK)
        return error_set(error, "'%s' has no shape, or one of more than %d dimensions", name,
                         TENSOR_MAX_RANK);
    for (size_t axis = tensor->rank; axis-- > 0;) {
        int64_t length = -1;

        json_tree_integer(json_tree_at(shape, axis), &length);
        tensor->stride[axis] = tensor->count;
        if (length < 0 || !size_multiply(tensor->count, (size_t)length, &tensor->count))
            return error_set(error, "'%s' has a shape that is none", name);
        tensor->shape[axis] = (size_t)length;
    }
    return 0;
}

static int read_tensor(struct pytorch_file *file, const struct json_member *member,
                       struct bytes data, struct error *error)
{
    const struct json_value *offsets = json_tree_get(member->value, "data_offsets");
    struct pytorch_tensor tensor = {0};
    struct pytorch_storage storage;
    int64_t begin = -1, end = -1;
    size_t size;
    char key[] = "";

    if (find_type(json_tree_get(member->value, "dtype"), member->key, &tensor.type, error) < 0 ||
        read_shape(json_tree_get(member->value, "shape"), member->key, &tensor, error) < 0)
        return FAILED;
    json_tree_integer(json_tree_at(offsets, 0), &begin);
    json_tree_integer(json_tree_at(offsets, 1), &end);
    if (begin < 0 || end < begin || (uint64_t)end > data.size)
        return error_set(error, "'%s' lies at %lld to %lld, outside of the file's %zu bytes of "
                         "data", member->key, (long long)begin, (long long)end, data.size);
    if (!size_multiply(tensor.count, pytorch_type_size(tensor.type), &size) ||
        size != (size_t)(end - begin))
        return error_set(error, "'%s' has %lld bytes, too many or too few for its shape",
                         member->key, (long long)(end - begin));
    storage = (struct pytorch_storage){
        .key = key, .type = tensor.type, .count = tensor.count,
        .bytes = {data.data + begin, size}};
    if (pytorch_add_storage(file, &storage, &tensor.storage, error) < 0)
        return FAILED;
    return pytorch_add_tensor(
        file, (struct bytes){(const unsigned char *)member->key, strlen(member->key)}, &tensor,
        error);
}

static int read_header(struct pytorch_file *file, const struct json_value *root,
                       struct bytes data, struct error *error)
{
    struct json_member member = json_tree_first(root);

    if (!json_tree_is_object(root))
        return error_set(error, "its header is no object");
    for (; member.key != NULL; member = json_tree_next(root, &member))
        if (strcmp(member.key, "__metadata__") != 0 &&
            read_tensor(file, &member, data, error) < 0)
            return FAILED;
    return 0;
}

int safetensors_parse(struct bytes bytes, struct pytorch_file *file, struct error *error)
{
    struct cursor cursor = cursor_from(bytes);
    struct bytes header = cursor_take(&cursor, cursor_u64(&cursor)), data;
    struct json_tree *tree;
    int outcome;

    *file = (struct pytorch_file){0};
    if (cursor.damaged)
        return error_set(error, "it ends within its header");
    data = cursor_take(&cursor, cursor_left(&cursor));
    if (json_tree_parse(header, &tree, error) < 0)
        return FAILED;
    outcome = read_header(file, json_tree_root(tree), data, error);
    json_tree_free(tree);
    return outcome;
}
