#include "common/npy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [NPY_FLOAT32] = {"<f4", 4},
    [NPY_FLOAT64] = {"<f8", 8},
    [NPY_UINT8] = {"|u1", 1},
    [NPY_INT64] = {"<i8", 8},
};

enum { TYPE_COUNT = sizeof types / sizeof types[0], MAGIC = 6, PREAMBLE = 10, HEADER_UNIT = 64 };

static const char magic[MAGIC] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

/* The value after "'key':" in the header's dictionary, or NULL. */
static const char *find_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);

    if (at == NULL)
        return NULL;
    at = strchr(at, ':');
    return at != NULL ? at + 1 + strspn(at + 1, " ") : NULL;
}

static int parse_type(const char *header, struct npy *npy)
{
    const char *value = find_value(header, "'descr'");

    for (int type = 0; value != NULL && type < TYPE_COUNT; type++) {
        if (*value == '\'' && strncmp(value + 1, types[type].name, 3) == 0 && value[4] == '\'') {
            npy->type = (enum npy_type)type;
            return 0;
        }
    }
    return FAILED;
}

static int parse_shape(const char *header, struct npy *npy)
{
    const char *value = find_value(header, "'shape'");

    if (value == NULL || *value != '(')
        return FAILED;
    npy->count = 1;
    for (value += 1 + strspn(value + 1, " "); *value >= '0' && *value <= '9';
         value += strspn(value, ", ")) {
        char *end;
        unsigned long long length = strtoull(value, &end, 10);

        if (npy->rank == NPY_MAX_RANK || !size_multiply(npy->count, length, &npy->count))
            return FAILED;
        npy->shape[npy->rank++] = (size_t)length;
        value = end;
    }
    return *value == ')' ? 0 : FAILED;
}

/* Reads magic, version and header; *offset is where the elements begin. */
static int parse_header(const struct buffer *file, struct npy *npy, size_t *offset)
{
    size_t start = PREAMBLE, length;
    const char *order;
    char *header;
    int outcome = FAILED;

    if (file->size < PREAMBLE + 2 || memcmp(file->data, magic, MAGIC) != 0 ||
        (file->data[6] != 1 && file->data[6] != 2))
        return FAILED;
    length = (size_t)file->data[8] | (size_t)file->data[9] << 8;
    if (file->data[6] == 2) {
        length |= (size_t)file->data[10] << 16 | (size_t)file->data[11] << 24;
        start += 2;
    }
    if (length > file->size - start)
        return FAILED;
    header = strndup((const char *)file->data + start, length);
    if (header == NULL)
        return FAILED;
    order = find_value(header, "'fortran_order'");
    if (order != NULL && strncmp(order, "False", 5) == 0 && parse_type(header, npy) == 0)
        outcome = parse_shape(header, npy);
    free(header);
    *offset = start + length;
    return outcome;
}

int npy_read(const char *path, struct npy *npy, struct error *error)
{
    struct buffer file = {0};
    size_t offset, bytes;
    int outcome = FAILED;

    *npy = (struct npy){0};
    if (file_read(path, SIZE_MAX / 2, &file, NULL, error) < 0)
        goto out;
    if (parse_header(&file, npy, &offset) < 0) {
        error_set(error, "'%s' is not a NumPy array of a type and order that is read here", path);
        goto out;
    }
    if (!size_multiply(npy->count, types[npy->type].size, &bytes) || bytes != file.size - offset) {
        error_set(error, "'%s' holds %zu bytes of elements, its shape asks for %zu", path,
                  file.size - offset, bytes);
        goto out;
    }
    npy->data = memory_allocate_aligned(bytes, 1, error);
    if (npy->data == NULL)
        goto out;
    memcpy(npy->data, file.data + offset, bytes);
    outcome = 0;
out:
    buffer_release(&file);
    return outcome;
}

void npy_release(struct npy *npy)
{
    free(npy->data);
    *npy = (struct npy){0};
}

void npy_write_header(FILE *out, enum npy_type type, size_t rank, const size_t *shape)
{
    char header[512];
    int length = snprintf(header, sizeof header,
                          "{'descr': '%s', 'fortran_order': False, 'shape': (", types[type].name);
    size_t padded;

    for (size_t axis = 0; axis < rank; axis++)
        length += snprintf(header + length, sizeof header - (size_t)length,
                           rank == 1 ? "%zu," : axis + 1 < rank ? "%zu, " : "%zu", shape[axis]);
    length += snprintf(header + length, sizeof header - (size_t)length, "), }");
    padded = (PREAMBLE + (size_t)length + 1 + HEADER_UNIT - 1) / HEADER_UNIT * HEADER_UNIT -
             PREAMBLE;
    fwrite(magic, 1, MAGIC, out);
    fputc(1, out);
    fputc(0, out);
    fputc((int)(padded & 0xff), out);
    fputc((int)(padded >> 8), out);
    fprintf(out, "%s%*s\n", header, (int)(padded - (size_t)length - 1), "");
}
