#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"

int buffer_reserve(struct buffer *buffer, size_t capacity, struct error *error)
{
    unsigned char *data;

    if (capacity <= buffer->capacity)
        return 0;
    data = realloc(buffer->data, capacity);
    if (data == NULL)
        return error_no_memory(error);
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

static const char *kind_of_file(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

static int check_regular(const char *path, const struct stat *status, struct error *error)
{
    if (S_ISREG(status->st_mode))
        return 0;
    return error_set(error, "cannot read '%s': it is %s", path, kind_of_file(status->st_mode));
}

/* Opens a regular file for reading. A FIFO without a writer would block for ever: O_NONBLOCK
 * lets the open return, and has no effect on regular files. */
static int open_regular(const char *path, struct stat *status, struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (descriptor < 0)
        return error_set(error, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(descriptor, status) != 0) {
        error_set(error, "cannot read '%s': %s", path, strerror(errno));
    } else if (check_regular(path, status, error) == 0) {
        return descriptor;
    }
    close(descriptor);
    return FAILED;
}

static struct file_times times_of(const struct stat *status)
{
    return (struct file_times){
        .size = (uint64_t)status->st_size,
        .modified_ns = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec,
    };
}

/* Reads at most `size` bytes into the room behind the content: 1, or 0 at the end of the file. */
static int read_more(int descriptor, const char *path, size_t size, struct buffer *buffer,
                     struct error *error)
{
    ssize_t got;

    do {
        got = read(descriptor, buffer->data + buffer->size, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set(error, "cannot read '%s': %s", path, strerror(errno));
    buffer->size += (size_t)got;
    return got > 0;
}

/* Reads on until the buffer holds `size` bytes or the file ends. */
static int read_head(int descriptor, const char *path, size_t size, struct buffer *buffer,
                     struct error *error)
{
    int outcome = buffer_reserve(buffer, size, error) < 0 ? FAILED : 1;

    while (outcome > 0 && buffer->size < size)
        outcome = read_more(descriptor, path, size - buffer->size, buffer, error);
    return outcome < 0 ? FAILED : 0;
}

/* Reads on to the end of the file, whatever size it had when it was opened. */
static int read_to_end(int descriptor, const char *path, size_t limit, struct buffer *buffer,
                       struct error *error)
{
    int outcome;

    do {
        if (buffer->size > limit)
            return error_set(error, "cannot read '%s': it is longer than %zu bytes", path, limit);
        if (buffer->size == buffer->capacity &&
            buffer_reserve(buffer, buffer->capacity * 2, error) < 0)
            return FAILED;
        outcome = read_more(descriptor, path, buffer->capacity - buffer->size, buffer, error);
    } while (outcome > 0);
    return outcome;
}

int file_read(const char *path, size_t limit, struct buffer *buffer, struct file_times *times,
              struct error *error)
{
    return file_read_if(path, 0, NULL, limit, buffer, times, error);
}

int file_read_if(const char *path, size_t head, file_is_wanted *is_wanted, size_t limit,
                 struct buffer *buffer, struct file_times *times, struct error *error)
{
    struct stat status;
    int descriptor = open_regular(path, &status, error);
    int outcome;

    if (descriptor < 0)
        return FAILED;
    if (times != NULL)
        *times = times_of(&status);
    buffer->size = 0;
    outcome = read_head(descriptor, path, head, buffer, error);
    if (outcome == 0 && is_wanted != NULL && !is_wanted(buffer))
        outcome = FILE_UNWANTED;
    else if (outcome == 0 && (uint64_t)status.st_size > limit)
        outcome = error_set(error, "cannot read '%s': it is longer than %zu bytes", path, limit);
    else if (outcome == 0 && buffer_reserve(buffer, (size_t)status.st_size + 1, error) < 0)
        outcome = FAILED;
    if (outcome == 0)
        outcome = read_to_end(descriptor, path, limit, buffer, error);
    close(descriptor);
    return outcome;
}

int file_stat(const char *path, struct file_times *times, struct error *error)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return error_set(error, "cannot open '%s': %s", path, strerror(errno));
    *times = times_of(&status);
    return check_regular(path, &status, error);
}

int file_map_open(const char *path, struct file_map *map, struct error *error)
{
    struct stat status;
    int descriptor = open_regular(path, &status, error);
    void *data;

    *map = (struct file_map){0};
    if (descriptor < 0)
        return FAILED;
    if (status.st_size == 0) {
        close(descriptor);
        return error_set(error, "cannot read '%s': it is empty", path);
    }
    data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (data == MAP_FAILED)
        return error_set(error, "cannot map '%s': %s", path, strerror(errno));
    map->data = data;
    map->size = (size_t)status.st_size;
    return 0;
}

void file_map_close(struct file_map *map)
{
    if (map->data != NULL)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct file_map){0};
}

void file_map_rest(const struct file_map *map)
{
    /* Advice: where the system does not take it, nothing is lost but memory. */
    (void)madvise((void *)(uintptr_t)map->data, map->size, MADV_DONTNEED);
}

/* Opens "path.XXXXXX" beside the destination, with the permissions a new file would have. */
static int open_temporary(struct file_output *output, struct error *error)
{
    size_t length = strlen(output->path);
    mode_t mask = umask(0);
    int descriptor;

    umask(mask);
    output->temporary = memory_allocate(length + sizeof ".XXXXXX", 1, error);
    if (output->temporary == NULL)
        return FAILED;
    memcpy(output->temporary, output->path, length);
    memcpy(output->temporary + length, ".XXXXXX", sizeof ".XXXXXX");
    descriptor = mkstemp(output->temporary);
    if (descriptor < 0) {
        error_set(error, "cannot create '%s': %s", output->path, strerror(errno));
        free(output->temporary);
        output->temporary = NULL;
        return FAILED;
    }
    fchmod(descriptor, 0666 & ~mask);
    output->stream = fdopen(descriptor, "w");
    if (output->stream == NULL) {
        close(descriptor);
        return error_no_memory(error);
    }
    return 0;
}

int file_output_open(const char *path, struct file_output *output, struct error *error)
{
    struct stat status;
    int outcome = 0;

    *output = (struct file_output){.path = memory_copy_text(path, error)};
    if (output->path == NULL)
        return FAILED;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        output->stream = fopen(path, "w");
        if (output->stream == NULL)
            outcome = error_set(error, "cannot write '%s': %s", path, strerror(errno));
    } else {
        outcome = open_temporary(output, error);
    }
    if (outcome < 0)
        file_output_discard(output);
    return outcome;
}

/* Everything to the disk and closed: 0, or errno, which a write that failed earlier has lost. */
static int finish(FILE *stream, bool sync)
{
    int cause = 0;

    if (ferror(stream))
        cause = EIO;
    else if (fflush(stream) != 0 || (sync && fsync(fileno(stream)) != 0))
        cause = errno;
    if (fclose(stream) != 0 && cause == 0)
        cause = errno;
    return cause;
}

int file_output_commit(struct file_output *output, struct error *error)
{
    bool direct = output->temporary == NULL;
    int cause = finish(output->stream, !direct);

    output->stream = NULL;
    if (cause == 0 && !direct && rename(output->temporary, output->path) != 0)
        cause = errno;
    if (cause == EIO)
        error_set(error, "cannot write '%s': a write failed, the disk may be full", output->path);
    else if (cause != 0)
        error_set(error, "cannot write '%s': %s", output->path, strerror(cause));
    if (cause == 0) {
        free(output->temporary);
        output->temporary = NULL;
    }
    file_output_discard(output);
    return cause == 0 ? 0 : FAILED;
}

void file_output_discard(struct file_output *output)
{
    if (output->stream != NULL)
        fclose(output->stream);
    if (output->temporary != NULL)
        unlink(output->temporary);
    free(output->temporary);
    free(output->path);
    *output = (struct file_output){0};
}
