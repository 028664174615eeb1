#include "extract/formats/hdf5_library.h"

#ifdef HAVE_HDF5

/* The functions as they are in the oldest library that this builds with. */
#define H5_USE_110_API
#include <hdf5.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/graph/tensor.h"

/* Far above any network's. A hard link may lead back to a group around it: the depth ends that. */
enum { MAX_OBJECTS = 1 << 16, MAX_DEPTH = 32, MAX_PATH = 4096, MAX_TEXTS = 1 << 16 };

struct listing {
    FILE *output;
    struct error *error;
    size_t objects;
    size_t depth;
    char path[MAX_PATH];  /* of the object at hand */
};

/* ---- errors ----------------------------------------------------------------------------- */

/* The first entry that a walk comes to is where the fault was found. */
static herr_t keep_first(unsigned level, const H5E_error2_t *entry, void *context)
{
    struct error *error = context;

    if (level == 0 && entry->desc != NULL)
        error_set(error, "%s", entry->desc);
    return 0;
}

/* Returns FAILED. */
static int damaged(struct error *error)
{
    error_set(error, "the library does not say why");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, error);
    return error_wrap(error, "its HDF5 structure is damaged");
}

/* ---- the file --------------------------------------------------------------------------- */

/* The library asks for room for its copies of the file; it gets the file itself, which it opens
 * for reading only. */
static void *share_image(size_t size, H5FD_file_image_op_t operation, void *context)
{
    const struct bytes *bytes = context;

    (void)operation;
    return size == bytes->size ? (void *)(uintptr_t)bytes->data : NULL;
}

static void *copy_nothing(void *to, const void *from, size_t size, H5FD_file_image_op_t operation,
                          void *context)
{
    (void)size;
    (void)operation;
    (void)context;
    return to == from ? to : NULL;
}

static void *grow_nothing(void *image, size_t size, H5FD_file_image_op_t operation, void *context)
{
    (void)image;
    (void)size;
    (void)operation;
    (void)context;
    return NULL;
}

static herr_t free_nothing(void *image, H5FD_file_image_op_t operation, void *context)
{
    (void)image;
    (void)operation;
    (void)context;
    return 0;
}

static void *share_context(void *context)
{
    return context;
}

static herr_t keep_context(void *context)
{
    (void)context;
    return 0;
}

/* Negative when it is damaged. Nothing is closed here and below: the process ends. */
static hid_t open_image(struct bytes *bytes)
{
    H5FD_file_image_callbacks_t callbacks = {
        .image_malloc = share_image, .image_memcpy = copy_nothing,
        .image_realloc = grow_nothing, .image_free = free_nothing,
        .udata_copy = share_context, .udata_free = keep_context, .udata = bytes,
    };
    hid_t access;

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0 || H5Pset_fapl_core(access, HDF5_SMALL, false) < 0 ||
        H5Pset_file_image_callbacks(access, &callbacks) < 0 ||
        H5Pset_file_image(access, (void *)(uintptr_t)bytes->data, bytes->size) < 0)
        return -1;
    return H5Fopen("image", H5F_ACC_RDONLY, access);
}

/* ---- records ---------------------------------------------------------------------------- */

static void put_number(FILE *output, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        putc((int)(number >> (8 * i) & 255), output);
}

static void put_text(FILE *output, const char *text, size_t length)
{
    put_number(output, length + 1, 4);
    fwrite(text, 1, length, output);
    putc('\0', output);
}

/* ---- attributes ------------------------------------------------------------------------- */

static int put_variable_texts(hid_t attribute, hid_t type, size_t count, struct listing *listing)
{
    char **texts = memory_allocate(count, sizeof *texts, listing->error);

    if (texts == NULL)
        return FAILED;
    if (H5Aread(attribute, type, texts) < 0)
        return damaged(listing->error);
    for (size_t i = 0; i < count; i++)
        put_text(listing->output, texts[i] != NULL ? texts[i] : "",
                 texts[i] != NULL ? strlen(texts[i]) : 0);
    return 0;
}

static int put_fixed_texts(hid_t attribute, hid_t type, size_t count, struct listing *listing)
{
    size_t size = H5Tget_size(type);
    char *texts = memory_allocate(count, size, listing->error);

    if (texts == NULL)
        return FAILED;
    if (H5Aread(attribute, type, texts) < 0)
        return damaged(listing->error);
    for (size_t i = 0; i < count; i++)
        put_text(listing->output, texts + i * size, strnlen(texts + i * size, size));
    return 0;
}

/* An attribute that is no text is passed over, but for an empty list, which has no type to speak
 * of. */
static herr_t list_attribute(hid_t owner, const char *name, const H5A_info_t *info, void *context)
{
    struct listing *listing = context;
    hid_t attribute = H5Aopen(owner, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    bool text = H5Tget_class(type) == H5T_STRING;
    int outcome;

    (void)info;
    if (attribute < 0 || type < 0 || count < 0)
        return damaged(listing->error);
    if (!text && count > 0)
        return 0;
    if (count > MAX_TEXTS)
        return error_set(listing->error, "its attribute '%s' of '%s' has more than %d texts",
                         name, listing->path, MAX_TEXTS);
    putc('A', listing->output);
    put_text(listing->output, name, strlen(name));
    put_number(listing->output, (uint64_t)count, 4);
    if (count == 0)
        outcome = 0;
    else if (H5Tis_variable_str(type) > 0)
        outcome = put_variable_texts(attribute, type, (size_t)count, listing);
    else
        outcome = put_fixed_texts(attribute, type, (size_t)count, listing);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return outcome;
}

/* ---- datasets --------------------------------------------------------------------------- */

/* IEEE 754 binary16, little-endian. */
static bool is_half(hid_t type)
{
    size_t sign, exponent, exponent_size, mantissa, mantissa_size;

    return H5Tget_size(type) == 2 && H5Tget_order(type) == H5T_ORDER_LE &&
           H5Tget_fields(type, &sign, &exponent, &exponent_size, &mantissa, &mantissa_size) >= 0 &&
           sign == 15 && exponent == 10 && exponent_size == 5 && mantissa == 0 &&
           mantissa_size == 10;
}

static enum tensor_type type_in_memory(hid_t type)
{
    if (H5Tequal(type, H5T_IEEE_F32LE) > 0)
        return TENSOR_FLOAT32;
    if (H5Tequal(type, H5T_IEEE_F64LE) > 0)
        return TENSOR_FLOAT64;
    if (H5Tequal(type, H5T_STD_I32LE) > 0)
        return TENSOR_INT32;
    if (H5Tequal(type, H5T_STD_I64LE) > 0)
        return TENSOR_INT64;
    return H5Tget_class(type) == H5T_FLOAT && is_half(type) ? TENSOR_FLOAT16 : TENSOR_OTHER;
}

/* The type as it is little-endian; negative when there is none. *turned says whether it was. */
static hid_t little_endian_type(hid_t type, bool *turned)
{
    hid_t copy = H5Tcopy(type);
    H5T_class_t class = H5Tget_class(type);

    *turned = H5Tget_order(type) == H5T_ORDER_BE;
    if (*turned && (class == H5T_FLOAT || class == H5T_INTEGER))
        H5Tset_order(copy, H5T_ORDER_LE);
    return copy;
}

/* True for elements that lie in this file, in one piece or in several. */
static bool is_own(hid_t properties)
{
    H5D_layout_t layout = H5Pget_layout(properties);

    return layout != H5D_VIRTUAL && layout != H5D_LAYOUT_ERROR &&
           H5Pget_external_count(properties) == 0;
}

static int list_dataset(hid_t dataset, struct listing *listing)
{
    bool turned;
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    hid_t properties = H5Dget_create_plist(dataset);
    hid_t memory = little_endian_type(type, &turned);
    hsize_t dims[H5S_MAX_RANK] = {0};
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    haddr_t offset = HADDR_UNDEF;

    if (type < 0 || rank < 0 || properties < 0 || memory < 0)
        return damaged(listing->error);
    if (!is_own(properties))
        return 0;
    if (H5Pget_layout(properties) == H5D_CONTIGUOUS && !turned)
        offset = H5Dget_offset(dataset);
    putc('D', listing->output);
    put_text(listing->output, listing->path, strlen(listing->path));
    put_number(listing->output, (uint64_t)type_in_memory(memory), 1);
    put_number(listing->output, (uint64_t)rank, 1);
    for (int axis = 0; axis < rank; axis++)
        put_number(listing->output, dims[axis], 8);
    put_number(listing->output, offset == HADDR_UNDEF ? HDF5_NOWHERE : offset, 8);
    H5Tclose(memory);
    H5Pclose(properties);
    H5Sclose(space);
    H5Tclose(type);
    return H5Aiterate2(dataset, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, list_attribute, listing) < 0
               ? FAILED : 0;
}

/* ---- groups ----------------------------------------------------------------------------- */

static int list_group(hid_t group, struct listing *listing);

static int list_object(hid_t object, struct listing *listing)
{
    H5I_type_t kind = H5Iget_type(object);

    if (object < 0)
        return damaged(listing->error);
    if (++listing->objects > MAX_OBJECTS)
        return error_set(listing->error, "it holds more than %d objects", MAX_OBJECTS);
    if (kind == H5I_DATASET)
        return list_dataset(object, listing);
    return kind == H5I_GROUP ? list_group(object, listing) : 0;
}

static herr_t list_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    struct listing *listing = context;
    size_t length = strlen(listing->path);
    size_t room = sizeof listing->path - length;
    hid_t object;
    int outcome;

    if (info->type != H5L_TYPE_HARD)
        return 0;
    if (strlen(name) + 2 > room || listing->depth == MAX_DEPTH)
        return error_set(listing->error, "its groups are nested too deep at '%s'", listing->path);
    snprintf(listing->path + length, room, "%s%s", length > 0 ? "/" : "", name);
    listing->depth++;
    object = H5Oopen(group, name, H5P_DEFAULT);
    outcome = list_object(object, listing);
    H5Oclose(object);
    listing->depth--;
    listing->path[length] = '\0';
    return outcome;
}

static int list_group(hid_t group, struct listing *listing)
{
    putc('G', listing->output);
    put_text(listing->output, listing->path, strlen(listing->path));
    if (H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, list_attribute, listing) < 0 ||
        H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, list_link, listing) < 0)
        return FAILED;
    return 0;
}

int hdf5_library_list(void *context, FILE *output, struct error *error)
{
    struct hdf5_job *job = context;
    struct listing listing = {.output = output, .error = error};
    hid_t file = open_image(&job->bytes), root;

    error->text[0] = '\0';
    if (file < 0)
        return damaged(error);
    root = H5Gopen2(file, "/", H5P_DEFAULT);
    if (root < 0)
        return damaged(error);
    if (list_group(root, &listing) == 0)
        return 0;
    return error->text[0] == '\0' ? damaged(error) : FAILED;
}

/* ---- elements --------------------------------------------------------------------------- */

/* Goes from group to group: a path that the library walks by itself could leave the file. */
static hid_t open_path(hid_t file, const char *path)
{
    hid_t place = H5Gopen2(file, "/", H5P_DEFAULT);

    while (place >= 0 && *path != '\0') {
        size_t length = strcspn(path, "/");
        char name[MAX_PATH];
        H5L_info_t info;

        snprintf(name, sizeof name, "%.*s", (int)length, path);
        if (H5Lget_info(place, name, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD)
            return -1;
        place = H5Oopen(place, name, H5P_DEFAULT);
        path += length + (path[length] == '/' ? 1 : 0);
    }
    return place;
}

/* The bytes of all elements in memory. */
static int measure(hid_t dataset, hid_t memory, size_t *size, struct error *error)
{
    hssize_t count = H5Sget_simple_extent_npoints(H5Dget_space(dataset));
    hsize_t stored = H5Dget_storage_size(dataset);

    if (count < 0 || memory < 0 || !is_own(H5Dget_create_plist(dataset)))
        return damaged(error);
    if (!size_multiply((size_t)count, H5Tget_size(memory), size) ||
        (*size > HDF5_SMALL && *size / HDF5_MAX_GROWTH > stored))
        return error_set(error, "it claims %lld numbers in %llu bytes", (long long)count,
                         (unsigned long long)stored);
    return 0;
}

int hdf5_library_read(void *context, FILE *output, struct error *error)
{
    struct hdf5_job *job = context;
    hid_t file = open_image(&job->bytes), dataset, memory;
    bool turned;
    size_t size;
    void *elements;

    if (file < 0)
        return damaged(error);
    dataset = open_path(file, job->path);
    if (dataset < 0 || H5Iget_type(dataset) != H5I_DATASET)
        return damaged(error);
    memory = little_endian_type(H5Dget_type(dataset), &turned);
    if (measure(dataset, memory, &size, error) < 0)
        return FAILED;
    elements = memory_allocate(size, 1, error);
    if (elements == NULL)
        return FAILED;
    if (H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements) < 0)
        return damaged(error);
    fwrite(elements, 1, size, output);
    return 0;
}

#else

static int refuse(struct error *error)
{
    return error_set(error, "this program was built without the library that reads HDF5; "
                     "Debian's package is libhdf5-dev");
}

int hdf5_library_list(void *context, FILE *output, struct error *error)
{
    (void)context;
    (void)output;
    return refuse(error);
}

int hdf5_library_read(void *context, FILE *output, struct error *error)
{
    (void)context;
    (void)output;
    return refuse(error);
}

#endif
