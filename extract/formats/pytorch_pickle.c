/*
 * State dictionaries as torch.save writes them, in a zip archive or as it was before: what their
 * pickles say about tensors. Source: pytorch's torch/serialization.py and torch/_utils.py.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/paths.h"
#include "extract/formats/pickle.h"
#include "extract/formats/pytorch_file.h"

/* How many dictionaries may lie around the state dictionary, and how long a text may be that
 * becomes part of a name in the archive. */
enum { MAX_NESTING = 4, MAX_KEY = 200 };

/* What a state dictionary and the checkpoints around it consist of. Those without a comment have
 * nothing to do with weights; they come along in checkpoints, and nothing is made of them. */
static const struct pickle_global globals[] = {
    {"collections.OrderedDict", PICKLE_DICTIONARY},
    {"collections.defaultdict", PICKLE_DICTIONARY},
    {"torch._utils._rebuild_tensor_v2", PICKLE_CALL}, /* storage, offset, shape, strides, ... */
    {"torch._utils._rebuild_tensor", PICKLE_CALL},    /* storage, offset, shape, strides */
    {"torch._utils._rebuild_parameter", PICKLE_CALL}, /* tensor, ... */
    {"torch.Size", PICKLE_CALL},                      /* shape */
    {"torch.FloatStorage", PICKLE_CALL},
    {"torch.DoubleStorage", PICKLE_CALL},
    {"torch.HalfStorage", PICKLE_CALL},
    {"torch.BFloat16Storage", PICKLE_CALL},
    {"torch.LongStorage", PICKLE_CALL},
    {"torch.IntStorage", PICKLE_CALL},
    {"torch.ShortStorage", PICKLE_CALL},
    {"torch.CharStorage", PICKLE_CALL},
    {"torch.ByteStorage", PICKLE_CALL},
    {"torch.BoolStorage", PICKLE_CALL},
    {"torch.device", PICKLE_CALL},
    {"argparse.Namespace", PICKLE_CALL},
    {"collections.Counter", PICKLE_CALL},
    {"_codecs.encode", PICKLE_CALL},
    {"numpy.dtype", PICKLE_CALL},
    {"numpy.ndarray", PICKLE_CALL},
    {"numpy.core.multiarray.scalar", PICKLE_CALL},
    {"numpy.core.multiarray._reconstruct", PICKLE_CALL},
    {"numpy._core.multiarray.scalar", PICKLE_CALL},
    {"numpy._core.multiarray._reconstruct", PICKLE_CALL},
    {0},
};

static const struct {
    const char *name;
    enum pytorch_type type;
} storage_types[] = {
    {"torch.FloatStorage", PYTORCH_FLOAT},   {"torch.DoubleStorage", PYTORCH_DOUBLE},
    {"torch.HalfStorage", PYTORCH_HALF},     {"torch.BFloat16Storage", PYTORCH_BFLOAT16},
    {"torch.LongStorage", PYTORCH_INT64},    {"torch.IntStorage", PYTORCH_INT32},
    {"torch.ShortStorage", PYTORCH_OTHER_2}, {"torch.CharStorage", PYTORCH_OTHER_1},
    {"torch.ByteStorage", PYTORCH_OTHER_1},  {"torch.BoolStorage", PYTORCH_OTHER_1},
};

/* Where checkpoints keep the state dictionary. */
static const char *const nests[] = {
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "module",
    "params", "weights",
};

/* Completes a storage that a pickle names: where its bytes are. */
typedef int place_storage(struct pytorch_file *file, struct pytorch_storage *storage,
                          const void *context, struct error *error);

struct parser {
    struct pytorch_file *file;
    place_storage *place;
    const void *context;
};

/* ---- values ----------------------------------------------------------------------------- */

static int odd_value(struct error *error)
{
    return error_set(error, "its pickle describes a tensor in an unknown way");
}

static bool is_integer(const struct pickle_value *value)
{
    return value->kind == PICKLE_INTEGER && value->integer >= 0;
}

static bool is_called(const struct pickle_value *value, const char *name)
{
    return value->kind == PICKLE_CALL && strcmp(value->global->name, name) == 0;
}

/* A parameter is a tensor with more around it. */
static const struct pickle_value *find_tensor(const struct pickle_value *value)
{
    if (is_called(value, "torch._utils._rebuild_parameter") && value->count > 0)
        value = value->items[0];
    if (is_called(value, "torch._utils._rebuild_tensor_v2") ||
        is_called(value, "torch._utils._rebuild_tensor"))
        return value;
    return NULL;
}

static bool find_storage_type(const struct pickle_value *value, enum pytorch_type *type)
{
    if (value->kind != PICKLE_GLOBAL)
        return false;
    for (size_t i = 0; i < sizeof storage_types / sizeof storage_types[0]; i++)
        if (strcmp(storage_types[i].name, value->global->name) == 0) {
            *type = storage_types[i].type;
            return true;
        }
    return false;
}

/* ---- tensors ---------------------------------------------------------------------------- */

/* The identity of a storage: ("storage", type, key, device, elements), and in old files the view
 * that it is of another one: (key, offset, elements) or None. */
static int read_storage(struct parser *parser, const struct pickle_value *value,
                        struct pytorch_tensor *tensor, struct error *error)
{
    const struct pickle_value *identity = value->kind == PICKLE_PERSISTENT ? value->items[0] : NULL;
    const struct pickle_value *const *parts;
    char key[MAX_KEY];
    struct pytorch_storage storage = {.key = key};

    if (identity == NULL || identity->kind != PICKLE_TUPLE || identity->count < 5)
        return odd_value(error);
    parts = identity->items;
    if (parts[0]->kind != PICKLE_TEXT || !bytes_are(parts[0]->text, "storage") ||
        !find_storage_type(parts[1], &tensor->type) || parts[2]->kind != PICKLE_TEXT ||
        parts[2]->text.size >= MAX_KEY || !is_integer(parts[4]))
        return odd_value(error);
    memcpy(key, parts[2]->text.data, parts[2]->text.size);
    key[parts[2]->text.size] = '\0';
    if (identity->count > 5 && parts[5]->kind == PICKLE_TUPLE &&
        (parts[5]->count != 3 || !is_integer(parts[5]->items[1]) ||
         __builtin_add_overflow(tensor->offset, (size_t)parts[5]->items[1]->integer,
                                &tensor->offset)))
        return odd_value(error);
    if (names_find(&parser->file->storage_names, key, &tensor->storage) == 0)
        return 0;
    storage.type = tensor->type;
    storage.count = (size_t)parts[4]->integer;
    if (parser->place(parser->file, &storage, parser->context, error) < 0)
        return FAILED;
    return pytorch_add_storage(parser->file, &storage, &tensor->storage, error);
}

static int read_sizes(const struct pickle_value *value, size_t *sizes, size_t *rank,
                      struct error *error)
{
    if (is_called(value, "torch.Size") && value->count == 1)
        value = value->items[0];
    if (value->kind != PICKLE_TUPLE && value->kind != PICKLE_LIST)
        return odd_value(error);
    if (value->count > TENSOR_MAX_RANK)
        return error_set(error, "a tensor of %zu dimensions is not supported", value->count);
    for (size_t i = 0; i < value->count; i++) {
        if (!is_integer(value->items[i]))
            return odd_value(error);
        sizes[i] = (size_t)value->items[i]->integer;
    }
    *rank = value->count;
    return 0;
}

static int read_tensor(struct parser *parser, struct bytes name, const struct pickle_value *value,
                       struct error *error)
{
    struct pytorch_tensor tensor = {.count = 1};
    size_t strides;

    if (value->count < 4 || !is_integer(value->items[1]))
        return odd_value(error);
    tensor.offset = (size_t)value->items[1]->integer;
    if (read_sizes(value->items[2], tensor.shape, &tensor.rank, error) < 0 ||
        read_sizes(value->items[3], tensor.stride, &strides, error) < 0)
        return FAILED;
    if (strides != tensor.rank)
        return odd_value(error);
    for (size_t axis = 0; axis < tensor.rank; axis++)
        if (!size_multiply(tensor.count, tensor.shape[axis], &tensor.count))
            return error_set(error, "a tensor's dimension %zu is %zu", axis, tensor.shape[axis]);
    if (read_storage(parser, value->items[0], &tensor, error) < 0)
        return FAILED;
    return pytorch_add_tensor(parser->file, name, &tensor, error);
}

/* ---- the state dictionary --------------------------------------------------------------- */

static size_t count_tensors(const struct pickle_value *dictionary)
{
    size_t tensors = 0;

    for (size_t i = 0; i + 1 < dictionary->count; i += 2)
        tensors += find_tensor(dictionary->items[i + 1]) != NULL;
    return tensors;
}

/* The dictionary in `around` that is, or holds, the state dictionary: by its key, else the first
 * that has tensors. NULL when there is none. */
static const struct pickle_value *find_nested(const struct pickle_value *around)
{
    for (size_t n = 0; n < sizeof nests / sizeof nests[0]; n++)
        for (size_t i = 0; i + 1 < around->count; i += 2)
            if (around->items[i]->kind == PICKLE_TEXT &&
                bytes_are(around->items[i]->text, nests[n]) &&
                around->items[i + 1]->kind == PICKLE_DICTIONARY)
                return around->items[i + 1];
    for (size_t i = 0; i + 1 < around->count; i += 2)
        if (around->items[i + 1]->kind == PICKLE_DICTIONARY &&
            count_tensors(around->items[i + 1]) > 0)
            return around->items[i + 1];
    return NULL;
}

static int read_dictionary(struct parser *parser, const struct pickle_value *value,
                           struct error *error)
{
    for (size_t nesting = 0; value != NULL && nesting < MAX_NESTING; nesting++) {
        if (value->kind != PICKLE_DICTIONARY)
            break;
        if (count_tensors(value) == 0) {
            value = find_nested(value);
            continue;
        }
        for (size_t i = 0; i + 1 < value->count; i += 2) {
            const struct pickle_value *tensor = find_tensor(value->items[i + 1]);

            if (tensor == NULL || value->items[i]->kind != PICKLE_TEXT)
                continue;
            if (read_tensor(parser, value->items[i]->text, tensor, error) < 0)
                return FAILED;
        }
        return 0;
    }
    return error_set(error, "it holds no state dictionary (names and tensors, as "
                            "torch.save(network.state_dict(), FILE) writes them)");
}

/* ---- in a zip archive ------------------------------------------------------------------- */

/* The name of the entry that every archive has, behind its folder. */
static const char pickle_entry[] = "data.pkl";

bool pytorch_is_zip(struct bytes bytes)
{
    return zip_archive_mentions(bytes, pickle_entry);
}

/* "folder/" of "folder/data.pkl". FAILED when there is none. */
static int find_folder(const struct zip_archive *archive, char folder[static MAX_KEY],
                       size_t *entry, struct error *error)
{
    for (size_t i = 0; i < zip_archive_count(archive); i++) {
        const char *name = zip_archive_name(archive, i), *file = path_name(name);

        if (strcmp(file, pickle_entry) == 0 && file - name < MAX_KEY) {
            memcpy(folder, name, (size_t)(file - name));
            folder[file - name] = '\0';
            *entry = i;
            return 0;
        }
    }
    return error_set(error, "it has no '%s'", pickle_entry);
}

static int find_in_folder(const struct zip_archive *archive, const char *folder, const char *name,
                          size_t *entry)
{
    char path[3 * MAX_KEY] = "";

    strncat(path, folder, MAX_KEY);
    strncat(path, name, MAX_KEY + 8);
    return zip_archive_find(archive, path, entry);
}

static int place_in_archive(struct pytorch_file *file, struct pytorch_storage *storage,
                            const void *context, struct error *error)
{
    char name[MAX_KEY + 8] = "data/";
    size_t size;

    strncat(name, storage->key, MAX_KEY);
    if (find_in_folder(file->archive, context, name, &storage->entry) < 0)
        return error_set(error, "'%s%s' is missing in the archive", (const char *)context, name);
    if (!size_multiply(storage->count, pytorch_type_size(storage->type), &size) ||
        size > zip_archive_size(file->archive, storage->entry))
        return error_set(error, "'%s%s' in the archive has %zu bytes, too few for %zu numbers",
                         (const char *)context, name,
                         zip_archive_size(file->archive, storage->entry), storage->count);
    return 0;
}

/* What else lies in the archive may say that it is not for us. */
static int check_folder(struct zip_archive *archive, const char *folder, struct error *error)
{
    struct bytes order;
    size_t entry;

    if (find_in_folder(archive, folder, "constants.pkl", &entry) == 0)
        return error_set(error, "it is a TorchScript program; a state dictionary can be read, as "
                                "torch.save(network.state_dict(), FILE) writes it");
    if (find_in_folder(archive, folder, "byteorder", &entry) == 0) {
        if (zip_archive_read(archive, entry, &order, error) < 0)
            return FAILED;
        if (!bytes_are(order, "little"))
            return error_set(error, "its numbers are not little-endian");
    }
    return 0;
}

int pytorch_parse_zip(struct bytes bytes, struct pytorch_file *file, struct error *error)
{
    struct pickle pickle = {.globals = globals};
    const struct pickle_value *value;
    char folder[MAX_KEY];
    struct parser parser = {file, place_in_archive, folder};
    struct cursor cursor;
    struct bytes program;
    size_t entry = 0;
    int outcome = FAILED;

    *file = (struct pytorch_file){0};
    if (zip_archive_open(bytes, &file->archive, error) < 0 ||
        find_folder(file->archive, folder, &entry, error) < 0 ||
        check_folder(file->archive, folder, error) < 0 ||
        zip_archive_read(file->archive, entry, &program, error) < 0)
        return FAILED;
    cursor = cursor_from(program);
    if (pickle_read(&pickle, &cursor, &value, error) == 0)
        outcome = read_dictionary(&parser, value, error);
    pickle_release(&pickle);
    return outcome;
}

/* ---- before zip archives ---------------------------------------------------------------- */

/* The file's first pickle: a number, 0x1950a86a20f9469cfc6c, in whatever protocol. */
static const unsigned char magic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
enum { MAGIC_AREA = 32, PROTOCOL = 1001 };

bool pytorch_is_legacy(struct bytes bytes)
{
    size_t area = bytes.size < MAGIC_AREA ? bytes.size : MAGIC_AREA;

    return bytes.size > 0 && bytes.data[0] == 0x80 &&
           memmem(bytes.data, area, magic, sizeof magic) != NULL;
}

/* The storages come behind the pickles; here they are only noted. */
static int place_later(struct pytorch_file *file, struct pytorch_storage *storage,
                       const void *context, struct error *error)
{
    const struct cursor *cursor = context;
    size_t size;

    (void)file;
    if (!size_multiply(storage->count, pytorch_type_size(storage->type), &size) ||
        size > cursor_left(cursor))
        return error_set(error, "the storage '%s' of %zu numbers does not fit into the file",
                         storage->key, storage->count);
    return 0;
}

/* Magic number, protocol, and what machine wrote it. */
static int read_preamble(struct pickle *pickle, struct cursor *cursor, struct error *error)
{
    const struct pickle_value *values[3];

    for (size_t i = 0; i < 3; i++)
        if (pickle_read(pickle, cursor, &values[i], error) < 0)
            return FAILED;
    if (values[1]->kind != PICKLE_INTEGER || values[1]->integer != PROTOCOL)
        return error_set(error, "it is not written in protocol %d", PROTOCOL);
    for (size_t i = 0; values[2]->kind == PICKLE_DICTIONARY && i + 1 < values[2]->count; i += 2)
        if (values[2]->items[i]->kind == PICKLE_TEXT &&
            bytes_are(values[2]->items[i]->text, "little_endian") &&
            values[2]->items[i + 1]->integer == 0)
            return error_set(error, "its numbers are not little-endian");
    return 0;
}

/* All storages are in the file, those of an optimiser too: what they are, only the pickle says. */
static int list_storages(struct parser *parser, const struct pickle *pickle, struct error *error)
{
    struct pytorch_tensor unused;

    for (size_t i = 0; i < pickle->outside_count; i++) {
        unused.offset = 0;
        if (read_storage(parser, pickle->outside[i], &unused, error) < 0)
            return FAILED;
    }
    return 0;
}

/* A list of keys; then, in its order, for each storage how many elements it has, and these. */
static int read_storages(struct pytorch_file *file, const struct pickle_value *keys,
                         struct cursor *cursor, struct error *error)
{
    if (keys->kind != PICKLE_LIST)
        return error_set(error, "it does not list its storages");
    for (size_t i = 0; i < keys->count; i++) {
        uint64_t count = cursor_u64(cursor);
        char key[MAX_KEY] = "";
        struct pytorch_storage *storage;
        size_t index;

        if (keys->items[i]->kind == PICKLE_TEXT && keys->items[i]->text.size < MAX_KEY)
            memcpy(key, keys->items[i]->text.data, keys->items[i]->text.size);
        if (names_find(&file->storage_names, key, &index) < 0)
            return error_set(error, "its storage '%s' is of no known type", key);
        storage = &file->storages[index];
        if (count != storage->count)
            return error_set(error, "its storage '%s' has %llu numbers, not %zu", key,
                             (unsigned long long)count, storage->count);
        storage->bytes =
            cursor_take(cursor, count * pytorch_type_size(storage->type));
        if (cursor->damaged)
            return error_set(error, "it ends within its storage '%s'", key);
    }
    for (size_t i = 0; i < file->storage_count; i++)
        if (file->storages[i].bytes.data == NULL)
            return error_set(error, "its storage '%s' is missing", file->storages[i].key);
    return 0;
}

int pytorch_parse_legacy(struct bytes bytes, struct pytorch_file *file, struct error *error)
{
    struct pickle pickle = {.globals = globals};
    const struct pickle_value *value, *keys;
    struct cursor cursor = cursor_from(bytes);
    struct parser parser = {file, place_later, &cursor};
    int outcome = FAILED;

    *file = (struct pytorch_file){0};
    if (read_preamble(&pickle, &cursor, error) == 0 &&
        pickle_read(&pickle, &cursor, &value, error) == 0 &&
        pickle_read(&pickle, &cursor, &keys, error) == 0 &&
        list_storages(&parser, &pickle, error) == 0 &&
        read_dictionary(&parser, value, error) == 0)
        outcome = read_storages(file, keys, &cursor, error);
    pickle_release(&pickle);
    return outcome;
}
