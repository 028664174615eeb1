#include "extract/formats/zip_archive.h"

#include <string.h>

/* The signature of a local file header, "PK" 3 4; HEAD and TAIL hold the first and the last
 * names, in local headers and in the directory at the end. */
enum { SIGNATURE = 4, HEAD = 1 << 12, TAIL = 1 << 20 };

bool zip_archive_is_file(struct bytes file)
{
    return bytes_begin_with(file, "PK\3\4", SIGNATURE);
}

bool zip_archive_mentions(struct bytes file, const char *ending)
{
    size_t length = strlen(ending), head = file.size < HEAD ? file.size : HEAD;
    size_t tail = file.size < TAIL ? file.size : TAIL;

    return zip_archive_is_file(file) &&
           (memmem(file.data, head, ending, length) != NULL ||
            memmem(file.data + file.size - tail, tail, ending, length) != NULL);
}

#ifdef HAVE_LIBZIP

#include <stdlib.h>
#include <zip.h>

#include "common/memory.h"
#include "extract/graph/names.h"

/* Copies of compressed entries may take this many times the file's size, and a little for small
 * files: deflate goes up to 1032, weights stay below 2. PROBE bytes tell a view from a copy. */
enum { COPIES_FACTOR = 16, COPIES_FLOOR = 1 << 24, MAX_ENTRIES = 1 << 16, PROBE = 64 };

struct entry {
    const char *name;  /* libzip's */
    void *copy;
    size_t size;
    struct bytes bytes;
    bool read;
};

struct zip_archive {
    zip_t *zip;
    struct bytes file;
    /* What libzip reads from the file goes through here. */
    zip_error_t fault;
    size_t position, first_read;
    bool reading;
    struct entry *entries;
    size_t count, room_left;
    struct names names;
};

/* ---- the file, as libzip asks for it ---------------------------------------------------- */

static zip_int64_t read_file(struct zip_archive *archive, void *data, zip_uint64_t size)
{
    size_t left = archive->file.size - archive->position;
    size_t count = size < left ? (size_t)size : left;

    if (!archive->reading)
        archive->first_read = archive->position;
    archive->reading = true;
    memcpy(data, archive->file.data + archive->position, count);
    archive->position += count;
    return (zip_int64_t)count;
}

static zip_int64_t seek_file(struct zip_archive *archive, void *data, zip_uint64_t size)
{
    zip_int64_t offset = zip_source_seek_compute_offset(
        archive->position, archive->file.size, data, size, &archive->fault);

    if (offset < 0)
        return -1;
    archive->position = (size_t)offset;
    return 0;
}

static zip_int64_t stat_file(const struct zip_archive *archive, zip_stat_t *status)
{
    zip_stat_init(status);
    status->valid = ZIP_STAT_SIZE;
    status->size = archive->file.size;
    return sizeof *status;
}

static zip_int64_t serve(void *context, void *data, zip_uint64_t size, zip_source_cmd_t command)
{
    struct zip_archive *archive = context;

    switch (command) {
    case ZIP_SOURCE_OPEN:
        archive->position = 0;
        return 0;
    case ZIP_SOURCE_READ:
        return read_file(archive, data, size);
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
        return 0;
    case ZIP_SOURCE_STAT:
        return stat_file(archive, data);
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&archive->fault, data, size);
    case ZIP_SOURCE_SEEK:
        return seek_file(archive, data, size);
    case ZIP_SOURCE_TELL:
        return (zip_int64_t)archive->position;
    case ZIP_SOURCE_SUPPORTS:
        return ZIP_SOURCE_SUPPORTS_SEEKABLE;
    default:
        zip_error_set(&archive->fault, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

/* ---- opening ---------------------------------------------------------------------------- */

static int damaged(zip_error_t *fault, struct error *error)
{
    error_set(error, "it is damaged: %s", zip_error_strerror(fault));
    zip_error_fini(fault);
    return FAILED;
}

static int open_zip(struct zip_archive *archive, struct error *error)
{
    zip_error_t fault;
    zip_source_t *source;

    zip_error_init(&fault);
    source = zip_source_function_create(serve, archive, &fault);
    if (source == NULL)
        return damaged(&fault, error);
    archive->zip = zip_open_from_source(source, ZIP_RDONLY, &fault);
    if (archive->zip != NULL)
        return 0;
    zip_source_free(source);
    return damaged(&fault, error);
}

static int list_entries(struct zip_archive *archive, struct error *error)
{
    zip_int64_t count = zip_get_num_entries(archive->zip, 0);
    size_t other;

    if (count > MAX_ENTRIES)
        return error_set(error, "it has more than %d entries", MAX_ENTRIES);
    archive->count = (size_t)count;
    archive->entries = memory_allocate(archive->count, sizeof *archive->entries, error);
    if (archive->entries == NULL)
        return FAILED;
    for (size_t i = 0; i < archive->count; i++) {
        struct entry *entry = &archive->entries[i];
        zip_stat_t status;

        if (zip_stat_index(archive->zip, i, 0, &status) < 0)
            return error_set(error, "it is damaged: %s", zip_strerror(archive->zip));
        entry->name = status.name;
        entry->size = status.size;
        if (names_find(&archive->names, entry->name, &other) == 0)
            return error_set(error, "'%s' is there twice", entry->name);
        if (names_put(&archive->names, entry->name, i, error) < 0)
            return FAILED;
    }
    return 0;
}

int zip_archive_open(struct bytes file, struct zip_archive **result, struct error *error)
{
    struct zip_archive *archive = memory_allocate(1, sizeof *archive, error);

    *result = NULL;
    if (archive == NULL)
        return FAILED;
    archive->file = file;
    if (!size_multiply(file.size, COPIES_FACTOR, &archive->room_left) ||
        __builtin_add_overflow(archive->room_left, COPIES_FLOOR, &archive->room_left))
        archive->room_left = SIZE_MAX;
    zip_error_init(&archive->fault);
    if (open_zip(archive, error) < 0 || list_entries(archive, error) < 0) {
        zip_archive_close(archive);
        return FAILED;
    }
    *result = archive;
    return 0;
}

void zip_archive_close(struct zip_archive *archive)
{
    if (archive == NULL)
        return;
    for (size_t i = 0; archive->entries != NULL && i < archive->count; i++)
        free(archive->entries[i].copy);
    free(archive->entries);
    names_release(&archive->names);
    if (archive->zip != NULL)
        zip_discard(archive->zip);
    zip_error_fini(&archive->fault);
    free(archive);
}

size_t zip_archive_count(const struct zip_archive *archive)
{
    return archive->count;
}

const char *zip_archive_name(const struct zip_archive *archive, size_t index)
{
    return archive->entries[index].name;
}

size_t zip_archive_size(const struct zip_archive *archive, size_t index)
{
    return archive->entries[index].size;
}

int zip_archive_find(const struct zip_archive *archive, const char *name, size_t *index)
{
    return names_find(&archive->names, name, index) == 0 ? 0 : ZIP_ARCHIVE_NOT_FOUND;
}

/* ---- reading ---------------------------------------------------------------------------- */

/* libzip does not say where in the file an entry lies: it is where the first bytes were read
 * from, if these stand there. */
static bool find_view(const struct zip_archive *archive, const struct entry *entry,
                      const unsigned char *probe, size_t probed, struct bytes *bytes)
{
    size_t start = archive->first_read;

    if (!archive->reading || start > archive->file.size ||
        entry->size > archive->file.size - start ||
        memcmp(archive->file.data + start, probe, probed) != 0)
        return false;
    *bytes = (struct bytes){archive->file.data + start, entry->size};
    return true;
}

static int copy_entry(struct zip_archive *archive, struct entry *entry, zip_file_t *stream,
                      const unsigned char *probe, size_t probed, struct error *error)
{
    zip_int64_t count;
    char behind;

    if (entry->size > archive->room_left)
        return error_set(error, "it would unpack to %zu bytes, more than %d times the file",
                         entry->size, COPIES_FACTOR);
    entry->copy = memory_allocate(entry->size, 1, error);
    if (entry->copy == NULL)
        return FAILED;
    archive->room_left -= entry->size;
    memcpy(entry->copy, probe, probed);
    count = zip_fread(stream, (char *)entry->copy + probed, entry->size - probed);
    if (count < 0 || (size_t)count != entry->size - probed)
        return error_set(error, "it is damaged: %s",
                         count < 0 ? zip_file_strerror(stream) : "it ends too soon");
    /* At the end the library compares the checksum. */
    if (zip_fread(stream, &behind, 1) != 0)
        return error_set(error, "it is damaged: it does not end where it should");
    entry->bytes = (struct bytes){entry->copy, entry->size};
    return 0;
}

static int read_entry(struct zip_archive *archive, struct entry *entry, zip_file_t *stream,
                      bool stored, struct error *error)
{
    unsigned char probe[PROBE];
    size_t wanted = entry->size < PROBE ? entry->size : PROBE;
    zip_int64_t probed;

    archive->reading = false;
    probed = zip_fread(stream, probe, wanted);
    if (probed < 0 || (size_t)probed != wanted)
        return error_set(error, "it is damaged: %s",
                         probed < 0 ? zip_file_strerror(stream) : "it ends too soon");
    if (stored && find_view(archive, entry, probe, wanted, &entry->bytes))
        return 0;
    return copy_entry(archive, entry, stream, probe, wanted, error);
}

int zip_archive_read(struct zip_archive *archive, size_t index, struct bytes *bytes,
                     struct error *error)
{
    struct entry *entry = &archive->entries[index];
    zip_stat_t status;
    zip_file_t *stream;
    int outcome = 0;

    if (!entry->read) {
        stream = zip_fopen_index(archive->zip, index, 0);
        if (stream == NULL || zip_stat_index(archive->zip, index, 0, &status) < 0)
            outcome = error_set(error, "%s", zip_strerror(archive->zip));
        else
            outcome = read_entry(archive, entry, stream,
                                 status.comp_method == ZIP_CM_STORE &&
                                 status.encryption_method == ZIP_EM_NONE, error);
        if (stream != NULL)
            zip_fclose(stream);
    }
    if (outcome < 0) {
        free(entry->copy);
        entry->copy = NULL;
        return error_wrap(error, "'%s' in the archive", entry->name);
    }
    entry->read = true;
    *bytes = entry->bytes;
    return 0;
}

#else

int zip_archive_open(struct bytes file, struct zip_archive **archive, struct error *error)
{
    (void)file;
    *archive = NULL;
    return error_set(error, "it is a zip archive, and this program was built without libzip "
                            "(Debian's package libzip-dev)");
}

/* No archive can exist, and nothing is asked of one. */
void zip_archive_close(struct zip_archive *archive)
{
    (void)archive;
}

size_t zip_archive_count(const struct zip_archive *archive)
{
    (void)archive;
    return 0;
}

const char *zip_archive_name(const struct zip_archive *archive, size_t index)
{
    (void)archive;
    (void)index;
    return "";
}

size_t zip_archive_size(const struct zip_archive *archive, size_t index)
{
    (void)archive;
    (void)index;
    return 0;
}

int zip_archive_find(const struct zip_archive *archive, const char *name, size_t *index)
{
    (void)archive;
    (void)name;
    (void)index;
    return ZIP_ARCHIVE_NOT_FOUND;
}

int zip_archive_read(struct zip_archive *archive, size_t index, struct bytes *bytes,
                     struct error *error)
{
    (void)archive;
    (void)index;
    (void)bytes;
    return error_set(error, "zip archives cannot be read");
}

#endif
