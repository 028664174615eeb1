#include "extract/graph/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

enum { FIRST_CAPACITY = 64 };

struct names_entry {
    const char *name;  /* NULL: free */
    size_t value;
};

void names_release(struct names *names)
{
    free(names->entries);
    *names = (struct names){0};
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

/* The entry of `name`, or the free one where it belongs. */
static struct names_entry *find_place(const struct names *names, const char *name)
{
    size_t mask = names->capacity - 1;
    size_t place = (size_t)hash_name(name) & mask;

    while (names->entries[place].name != NULL && strcmp(names->entries[place].name, name) != 0)
        place = (place + 1) & mask;
    return &names->entries[place];
}

static int grow(struct names *names, struct error *error)
{
    struct names grown = {.capacity = names->capacity > 0 ? names->capacity * 2 : FIRST_CAPACITY};

    grown.entries = memory_allocate(grown.capacity, sizeof *grown.entries, error);
    if (grown.entries == NULL)
        return FAILED;
    for (size_t i = 0; i < names->capacity; i++)
        if (names->entries[i].name != NULL)
            *find_place(&grown, names->entries[i].name) = names->entries[i];
    grown.count = names->count;
    free(names->entries);
    *names = grown;
    return 0;
}

int names_put(struct names *names, const char *name, size_t value, struct error *error)
{
    struct names_entry *entry;

    /* At most half full, so that a search ends soon. */
    if (names->count * 2 >= names->capacity && grow(names, error) < 0)
        return FAILED;
    entry = find_place(names, name);
    if (entry->name == NULL)
        names->count++;
    *entry = (struct names_entry){name, value};
    return 0;
}

int names_find(const struct names *names, const char *name, size_t *value)
{
    const struct names_entry *entry;

    if (names->capacity == 0)
        return NAMES_NOT_FOUND;
    entry = find_place(names, name);
    if (entry->name == NULL)
        return NAMES_NOT_FOUND;
    *value = entry->value;
    return 0;
}
