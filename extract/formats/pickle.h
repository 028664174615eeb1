/*
 * Python's pickles, read as data: nothing that a pickle asks for is ever run. Where Python would
 * import a name and call it, the value here is a call: the name and its arguments, for the reader
 * to look at. Names that are not on the reader's list are refused.
 *
 *     static const struct pickle_global known[] = {{"collections.OrderedDict", PICKLE_DICTIONARY},
 *                                                  {"torch.Size", PICKLE_CALL}, {0}};
 *     struct pickle pickle = {.globals = known};
 *     pickle_read(&pickle, &cursor, &value, &error);       the cursor stands behind it afterwards
 *     pickle_release(&pickle);                             and all values with it
 *
 * Source: Python's Lib/pickletools.py, protocols 1 to 5.
 */
#ifndef EXTRACT_FORMATS_PICKLE_H
#define EXTRACT_FORMATS_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

enum pickle_kind {
    PICKLE_NOTHING,     /* None, and what readers have no use for: real numbers, sets, bytes */
    PICKLE_INTEGER,     /* booleans too */
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICTIONARY,
    PICKLE_GLOBAL,      /* a name that was imported */
    PICKLE_CALL,        /* a global and its arguments */
    PICKLE_PERSISTENT   /* something that lies outside of the pickle: items[0] identifies it */
};

/* Lists, dictionaries and calls can contain themselves. */
struct pickle_value {
    enum pickle_kind kind;
    int64_t integer;
    struct bytes text;                         /* PICKLE_TEXT: a view of the pickle */
    const struct pickle_global *global;        /* PICKLE_GLOBAL, PICKLE_CALL */
    const struct pickle_value **items;         /* a dictionary's: key, value, key, value, ... */
    size_t count, capacity;
};

struct pickle_global {
    const char *name;         /* "module.name" */
    enum pickle_kind result;  /* of calling it: PICKLE_CALL, or PICKLE_DICTIONARY */
};

struct pickle {
    const struct pickle_global *globals;  /* those that are allowed; ends with {0} */
    struct pickle_block *blocks;
    size_t used;                          /* slots of values and items so far */
    const struct pickle_value **outside;  /* everything persistent, in the pickle's order */
    size_t outside_count, outside_capacity;
};

/* FAILED when the pickle is damaged, asks for a name that is not allowed (the message has it), or
 * has more values than any network's. Several pickles can be read into one struct. */
int pickle_read(struct pickle *pickle, struct cursor *cursor, const struct pickle_value **value,
                struct error *error);
void pickle_release(struct pickle *pickle);

#endif
