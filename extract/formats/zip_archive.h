/*
 * Zip archives (PKWARE's APPNOTE.TXT) as networks come in: read from a mapped file.
 *
 *     zip_archive_open(bytes, &archive, &error);
 *     if (zip_archive_find(archive, "archive/data.pkl", &entry) == 0)
 *         zip_archive_read(archive, entry, &pickle, &error);
 *     zip_archive_close(archive);
 *
 * What an entry holds is a view of the file where it is stored as it is; compressed it is a copy
 * that belongs to the archive. All copies together are bounded by a multiple of the file's size,
 * so that an archive of zeros cannot fill the memory.
 */
#ifndef EXTRACT_FORMATS_ZIP_ARCHIVE_H
#define EXTRACT_FORMATS_ZIP_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"

struct zip_archive;

/* True when the bytes begin as an archive with at least one entry does. */
bool zip_archive_is_file(struct bytes file);

/* True when the archive has an entry whose name ends in `ending`, as far as its raw bytes tell:
 * for recognising a format without the library. */
bool zip_archive_mentions(struct bytes file, const char *ending);

/* `file` must outlive the archive. FAILED when it is damaged or has a name twice, and when the
 * program was built without the library that reads zip archives; *archive is then NULL. */
int zip_archive_open(struct bytes file, struct zip_archive **archive, struct error *error);

/* NULL is allowed. */
void zip_archive_close(struct zip_archive *archive);

size_t zip_archive_count(const struct zip_archive *archive);
/* UTF-8, with the folders: "archive/data/0". */
const char *zip_archive_name(const struct zip_archive *archive, size_t index);
/* Unpacked, as the archive claims it; zip_archive_read gives no other number of bytes. */
size_t zip_archive_size(const struct zip_archive *archive, size_t index);

enum { ZIP_ARCHIVE_NOT_FOUND = -2 };

/* 0 and *index, or ZIP_ARCHIVE_NOT_FOUND. */
int zip_archive_find(const struct zip_archive *archive, const char *name, size_t *index);

/* The bytes of an entry; they live as long as the archive. The same entry is unpacked once.
 * FAILED when it is damaged, encrypted, compressed in a way that is not supported, or larger
 * than the bound allows; the message names it. */
int zip_archive_read(struct zip_archive *archive, size_t index, struct bytes *bytes,
                     struct error *error);

#endif
