#include "extract/formats/onnx_external.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/paths.h"

/* Field numbers of onnx.proto: TensorProto.external_data is a list of keys and values. */
enum { TENSOR_EXTERNAL_DATA = 13, ENTRY_KEY = 1, ENTRY_VALUE = 2 };

/* Where a tensor's numbers lie. */
struct place {
    char *location;  /* relative to the network's folder */
    uint64_t offset, length;
    bool has_length;
};

static bool read_number(struct bytes text, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = text.data[i] - (unsigned)'0';

        if (digit > 9 || *value > (UINT64_MAX - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return text.size > 0;
}

static int read_entry(struct bytes entry, struct place *place, struct error *error)
{
    struct bytes key = protobuf_find(entry, ENTRY_KEY), value = protobuf_find(entry, ENTRY_VALUE);
    bool valid = true;

    if (bytes_are(key, "location")) {
        free(place->location);
        place->location = protobuf_copy_text(value, error);
        return place->location != NULL ? 0 : FAILED;
    }
    if (bytes_are(key, "offset"))
        valid = read_number(value, &place->offset);
    else if (bytes_are(key, "length"))
        valid = place->has_length = read_number(value, &place->length);
    return valid ? 0 : error_set(error, "the place of its weights in another file is no number");
}

/* place->location is to be released with free(), whatever the outcome. */
static int read_place(struct bytes tensor, struct place *place, struct error *error)
{
    struct protobuf message = protobuf_from(tensor);
    struct protobuf_field field;

    *place = (struct place){0};
    while (protobuf_next(&message, &field))
        if (field.number == TENSOR_EXTERNAL_DATA && field.type == PROTOBUF_BYTES &&
            read_entry(field.bytes, place, error) < 0)
            return FAILED;
    if (message.damaged)
        return protobuf_damaged(error);
    if (place->location == NULL || *place->location == '\0')
        return error_set(error, "its weights are in another file, which it does not name");
    return 0;
}

/* Nothing but what lies below the folder may be read: a network is a stranger's file. */
static bool stays_below(const char *location)
{
    const char *part = location;

    if (*part == '/')
        return false;
    while (part != NULL) {
        size_t length = strcspn(part, "/");

        if (length == 2 && strncmp(part, "..", 2) == 0)
            return false;
        part = part[length] == '/' ? part + length + 1 : NULL;
    }
    return true;
}

/* The number of the model's file with this path, which is mapped when it is not yet. */
static int find_file(struct model *model, const char *path, size_t *number, struct error *error)
{
    for (*number = 1; *number < model->file_count; ++*number)
        if (strcmp(model->files[*number].path, path) == 0)
            return 0;
    return model_add_file(model, path, error);
}

static int open_place(struct model *model, const struct place *place, size_t *number,
                      struct error *error)
{
    char *folder, *path = NULL;
    int outcome = FAILED;

    if (!stays_below(place->location))
        return error_set(error, "its weights are in '%s', which is not below the network's folder",
                         place->location);
    folder = path_folder(model->files[0].path, error);
    if (folder != NULL)
        path = path_join(folder, place->location, error);
    if (path != NULL)
        outcome = find_file(model, path, number, error);
    free(folder);
    free(path);
    return outcome;
}

static int bind_tensor(struct model *model, const struct place *place, struct tensor *tensor,
                       struct error *error)
{
    struct bytes bytes;
    size_t number = 0, size;

    if (open_place(model, place, &number, error) < 0)
        return FAILED;
    bytes = model_bytes(model, number);
    if (!size_multiply(tensor->count, tensor_type_size(tensor->type), &size))
        return error_set(error, "a tensor's shape is too large");
    if (place->has_length && place->length != size)
        return error_set(error, "a tensor has %llu bytes in '%s', its shape asks for %zu",
                         (unsigned long long)place->length, place->location, size);
    if (place->offset > bytes.size || size > bytes.size - place->offset)
        return error_set(error, "it wants %zu bytes from %llu on of '%s', which has %zu", size,
                         (unsigned long long)place->offset, place->location, bytes.size);
    tensor->bytes = (struct bytes){bytes.data + place->offset, size};
    return 0;
}

int onnx_bind_external(struct model *model, struct onnx_file *file, struct error *error)
{
    for (size_t i = 0; i < file->initialiser_count; i++) {
        struct onnx_initialiser *initialiser = &file->initialisers[i];
        struct place place;
        int outcome;

        if (initialiser->external.data == NULL || initialiser->tensor.type == TENSOR_OTHER)
            continue;
        outcome = read_place(initialiser->external, &place, error);
        if (outcome == 0)
            outcome = bind_tensor(model, &place, &initialiser->tensor, error);
        free(place.location);
        if (outcome < 0)
            return error_wrap(error, "initialiser '%s'", initialiser->name);
    }
    return 0;
}
