/*
 * replay_READER FOLDER...
 *
 * Gives every file of the folders to the fuzz target of a reader, without libFuzzer: a crash or
 * a finding of the sanitizers ends the program. Prints how many files there were.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"
#include "tests/fuzz/fuzz_network.h"

enum { LIMIT = 1 << 26 };

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_folder(const char *folder, int *count, struct error *error)
{
    struct buffer file = {0};
    struct dirent **entries;
    int found = scandir(folder, &entries, is_visible, alphasort), outcome = 0;
    char path[4096];

    if (found < 0)
        return error_set(error, "cannot read the folder '%s'", folder);
    for (int i = 0; i < found; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (outcome == 0)
            outcome = file_read(path, LIMIT, &file, NULL, error);
        if (outcome == 0) {
            LLVMFuzzerTestOneInput(file.data, file.size);
            ++*count;
        }
        free(entries[i]);
    }
    free(entries);
    buffer_release(&file);
    return outcome;
}

int main(int argc, char **argv)
{
    struct error error;
    int count = 0;

    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i], &count, &error) < 0) {
            fprintf(stderr, "replay: %s\n", error.text);
            return EXIT_FAILED;
        }
    printf("%d files\n", count);
    return EXIT_OK;
}
