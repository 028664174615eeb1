/*
 * Files: read whole, mapped, or written so that a reader sees the old file or the complete new
 * one. Directories, FIFOs and devices are refused by name wherever a regular file is expected.
 */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

/* Bytes that we own. The room is kept between uses: start from {0}, release once. */
struct buffer {
    unsigned char *data;
    size_t size, capacity;
};

/* Room for `capacity` bytes; the content stays. 0 or FAILED. */
int buffer_reserve(struct buffer *buffer, size_t capacity, struct error *error);
void buffer_release(struct buffer *buffer);

/* What identifies a file's state without reading it. */
struct file_times {
    uint64_t size;        /* bytes */
    int64_t modified_ns;  /* nanoseconds since 1970 */
};

/* Reads the whole file into `buffer`, replacing its content. `times` may be NULL. FAILED when it
 * cannot be opened or read, is not a regular file, or is longer than `limit` bytes. */
int file_read(const char *path, size_t limit, struct buffer *buffer, struct file_times *times,
              struct error *error);

/* As file_read, if `is_wanted` says so of the first `head` bytes, or all when there are fewer;
 * otherwise these alone are read, whatever comes behind them, and the outcome is FILE_UNWANTED. */
enum { FILE_UNWANTED = 1 };
typedef bool file_is_wanted(const struct buffer *head);
int file_read_if(const char *path, size_t head, file_is_wanted *is_wanted, size_t limit,
                 struct buffer *buffer, struct file_times *times, struct error *error);

/* Size and time of a regular file; FAILED as file_read. */
int file_stat(const char *path, struct file_times *times, struct error *error);

/* A file's bytes in place, read only. */
struct file_map {
    const unsigned char *data;
    size_t size;
};

/* Maps a regular file; an empty one is FAILED ("is empty"). */
int file_map_open(const char *path, struct file_map *map, struct error *error);
void file_map_close(struct file_map *map);
/* Gives back the memory of what was read so far; what is read again comes from the file again. */
void file_map_rest(const struct file_map *map);

/* A file in the making: written beside its destination, then renamed over it. A destination that
 * exists and is no regular file (/dev/null, /dev/stdout, a FIFO) is written directly. */
struct file_output {
    FILE *stream;
    char *path, *temporary;
};

int file_output_open(const char *path, struct file_output *output, struct error *error);
/* Flushes to the disk and renames. On FAILED (disk full) nothing is left behind. */
int file_output_commit(struct file_output *output, struct error *error);
/* Removes what was written; does nothing after a commit or a failed open. */
void file_output_discard(struct file_output *output);

#endif
