#include "extract/formats/pickle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* Slots of values and of items; the largest network with its optimiser has some 100,000. It
 * bounds the memory that a hostile file can ask for, as the memo's limit does. */
enum { MAX_SLOTS = 1 << 21, MAX_MEMO = 1 << 20, BLOCK = 256, MAX_NAME = 256 };

struct pickle_block {
    struct pickle_block *next;
    size_t count;
    struct pickle_value values[BLOCK];
};

/* The machine that Python's pickle is a program for. */
struct machine {
    struct pickle *pickle;
    struct cursor *cursor;
    struct pickle_value **stack;
    size_t depth, stack_capacity;
    size_t *marks;
    size_t mark_count, mark_capacity;
    struct pickle_value **memo;
    size_t memo_count, memo_filled;
    struct error *error;
};

static int damaged(struct machine *machine)
{
    return error_set(machine->error, "its pickle is damaged");
}

/* ---- values ----------------------------------------------------------------------------- */

static int count_slots(struct machine *machine, size_t count)
{
    if (count > MAX_SLOTS - machine->pickle->used)
        return error_set(machine->error, "its pickle has more than %d values", MAX_SLOTS);
    machine->pickle->used += count;
    return 0;
}

static struct pickle_value *create(struct machine *machine, enum pickle_kind kind)
{
    struct pickle_block *block = machine->pickle->blocks;
    struct pickle_value *value;

    if (count_slots(machine, 1) < 0)
        return NULL;
    if (block == NULL || block->count == BLOCK) {
        block = memory_allocate(1, sizeof *block, machine->error);
        if (block == NULL)
            return NULL;
        block->next = machine->pickle->blocks;
        machine->pickle->blocks = block;
    }
    value = &block->values[block->count++];
    value->kind = kind;
    return value;
}

static int append(struct machine *machine, struct pickle_value *list,
                  const struct pickle_value *item)
{
    void *items = list->items;

    if (count_slots(machine, 1) < 0 ||
        memory_grow(&items, list->count, &list->capacity, sizeof *list->items,
                    machine->error) < 0)
        return FAILED;
    list->items = items;
    list->items[list->count++] = item;
    return 0;
}

void pickle_release(struct pickle *pickle)
{
    while (pickle->blocks != NULL) {
        struct pickle_block *block = pickle->blocks;

        pickle->blocks = block->next;
        for (size_t i = 0; i < block->count; i++)
            free(block->values[i].items);
        free(block);
    }
    free(pickle->outside);
    *pickle = (struct pickle){0};
}

/* ---- stack, marks and memo -------------------------------------------------------------- */

static int push(struct machine *machine, struct pickle_value *value)
{
    void *stack = machine->stack;

    if (value == NULL)
        return FAILED;
    if (machine->depth == MAX_SLOTS)
        return damaged(machine);
    if (memory_grow(&stack, machine->depth, &machine->stack_capacity, sizeof *machine->stack,
                    machine->error) < 0)
        return FAILED;
    machine->stack = stack;
    machine->stack[machine->depth++] = value;
    return 0;
}

/* Values above the last mark only: what lies below belongs to somebody else. */
static size_t floor_of(const struct machine *machine)
{
    return machine->mark_count > 0 ? machine->marks[machine->mark_count - 1] : 0;
}

/* NULL when there is none; the pickle is then damaged. */
static struct pickle_value *pop(struct machine *machine)
{
    if (machine->depth == floor_of(machine)) {
        damaged(machine);
        return NULL;
    }
    return machine->stack[--machine->depth];
}

static struct pickle_value *top(struct machine *machine)
{
    if (machine->depth == floor_of(machine)) {
        damaged(machine);
        return NULL;
    }
    return machine->stack[machine->depth - 1];
}

static int push_mark(struct machine *machine)
{
    void *marks = machine->marks;

    if (count_slots(machine, 1) < 0 ||
        memory_grow(&marks, machine->mark_count, &machine->mark_capacity, sizeof *machine->marks,
                    machine->error) < 0)
        return FAILED;
    machine->marks = marks;
    machine->marks[machine->mark_count++] = machine->depth;
    return 0;
}

/* Takes the last mark away; the values above it begin at *first of the stack. */
static int pop_mark(struct machine *machine, size_t *first)
{
    if (machine->mark_count == 0)
        return damaged(machine);
    *first = machine->marks[--machine->mark_count];
    return 0;
}

static int memo_put(struct machine *machine, uint64_t index)
{
    struct pickle_value *value = top(machine);
    size_t count = machine->memo_count;
    void *memo;

    if (value == NULL)
        return FAILED;
    if (index >= MAX_MEMO)
        return damaged(machine);
    if (index >= count) {
        count = count * 2 > index + 1 ? count * 2 : (size_t)index + 1;
        memo = realloc(machine->memo, count * sizeof *machine->memo);
        if (memo == NULL)
            return error_no_memory(machine->error);
        machine->memo = memo;
        memset(machine->memo + machine->memo_count, 0,
               (count - machine->memo_count) * sizeof *machine->memo);
        machine->memo_count = count;
    }
    machine->memo_filled += machine->memo[index] == NULL;
    machine->memo[index] = value;
    return 0;
}

static int memo_get(struct machine *machine, uint64_t index)
{
    if (index >= machine->memo_count || machine->memo[index] == NULL)
        return damaged(machine);
    return push(machine, machine->memo[index]);
}

/* ---- simple values ---------------------------------------------------------------------- */

static int push_nothing(struct machine *machine)
{
    return push(machine, create(machine, PICKLE_NOTHING));
}

static int push_integer(struct machine *machine, int64_t integer)
{
    struct pickle_value *value = create(machine, PICKLE_INTEGER);

    if (value == NULL)
        return FAILED;
    value->integer = integer;
    return push(machine, value);
}

/* Little-endian in two's complement, `size` bytes; what does not fit is of no use here. */
static int push_long(struct machine *machine, uint64_t size)
{
    struct bytes bytes = cursor_take(machine->cursor, size);
    uint64_t bits = 0;

    if (bytes.size > 8)
        return push_nothing(machine);
    for (size_t i = 0; i < bytes.size; i++)
        bits |= (uint64_t)bytes.data[i] << (8 * i);
    if (bytes.size > 0 && bytes.size < 8 && (bytes.data[bytes.size - 1] & 0x80) != 0)
        bits |= UINT64_MAX << (8 * bytes.size);
    return push_integer(machine, (int64_t)bits);
}

static int push_text(struct machine *machine, uint64_t size)
{
    struct pickle_value *value = create(machine, PICKLE_TEXT);

    if (value == NULL)
        return FAILED;
    value->text = cursor_take(machine->cursor, size);
    return push(machine, value);
}

static int push_skipped(struct machine *machine, uint64_t size)
{
    cursor_take(machine->cursor, size);
    return push_nothing(machine);
}

/* ---- containers ------------------------------------------------------------------------- */

/* The `count` values at the top of the stack as a tuple or list in their place. */
static int gather(struct machine *machine, enum pickle_kind kind, size_t count)
{
    struct pickle_value *list = create(machine, kind);

    if (list == NULL)
        return FAILED;
    if (count > machine->depth - floor_of(machine))
        return damaged(machine);
    for (size_t i = machine->depth - count; i < machine->depth; i++)
        if (append(machine, list, machine->stack[i]) < 0)
            return FAILED;
    machine->depth -= count;
    return push(machine, list);
}

static int gather_marked(struct machine *machine, enum pickle_kind kind)
{
    size_t first = 0;

    if (pop_mark(machine, &first) < 0)
        return FAILED;
    return gather(machine, kind, machine->depth - first);
}

/* Hands the values from `first` on to the container below them. */
static int extend(struct machine *machine, size_t first)
{
    struct pickle_value *container;

    if (first == floor_of(machine) || first > machine->depth)
        return damaged(machine);
    container = machine->stack[first - 1];
    if (container->kind == PICKLE_DICTIONARY && (machine->depth - first) % 2 != 0)
        return damaged(machine);
    for (size_t i = first; i < machine->depth; i++)
        if ((container->kind == PICKLE_LIST || container->kind == PICKLE_DICTIONARY) &&
            append(machine, container, machine->stack[i]) < 0)
            return FAILED;
    machine->depth = first;
    return 0;
}

static int extend_marked(struct machine *machine)
{
    size_t first = 0;

    return pop_mark(machine, &first) < 0 ? FAILED : extend(machine, first);
}

static int extend_by(struct machine *machine, size_t count)
{
    if (machine->depth - floor_of(machine) <= count)
        return damaged(machine);
    return extend(machine, machine->depth - count);
}

/* ---- names ------------------------------------------------------------------------------ */

static const struct pickle_global *find_global(const struct pickle *pickle, struct bytes module,
                                               struct bytes name)
{
    const struct pickle_global *global = pickle->globals;

    for (; global->name != NULL; global++) {
        size_t length = strlen(global->name);

        if (length == module.size + 1 + name.size && global->name[module.size] == '.' &&
            memcmp(global->name, module.data, module.size) == 0 &&
            memcmp(global->name + module.size + 1, name.data, name.size) == 0)
            return global;
    }
    return NULL;
}

static int push_global(struct machine *machine, struct bytes module, struct bytes name)
{
    struct pickle_value *value = create(machine, PICKLE_GLOBAL);
    int module_length = module.size < MAX_NAME ? (int)module.size : MAX_NAME;
    int name_length = name.size < MAX_NAME ? (int)name.size : MAX_NAME;

    if (value == NULL)
        return FAILED;
    if (module.data == NULL || name.data == NULL)
        return damaged(machine);
    value->global = find_global(machine->pickle, module, name);
    if (value->global == NULL)
        return error_set(machine->error, "its pickle asks for '%.*s.%.*s', and only tensors and "
                         "containers are read: nothing was run (a state dictionary can be read, "
                         "as torch.save(network.state_dict(), FILE) writes it)", module_length,
                         (const char *)module.data, name_length, (const char *)name.data);
    return push(machine, value);
}

static struct bytes take_line(struct machine *machine)
{
    const unsigned char *end = memchr(machine->cursor->at, '\n', cursor_left(machine->cursor));
    struct bytes line = {0};

    if (end == NULL) {
        machine->cursor->damaged = true;
        return line;
    }
    line = cursor_take(machine->cursor, (uint64_t)(end - machine->cursor->at));
    cursor_take(machine->cursor, 1);
    return line;
}

static int push_named_global(struct machine *machine)
{
    struct bytes module = take_line(machine), name = take_line(machine);

    return push_global(machine, module, name);
}

static int push_stacked_global(struct machine *machine)
{
    struct pickle_value *name = pop(machine);
    struct pickle_value *module = name != NULL ? pop(machine) : NULL;

    if (module == NULL)
        return FAILED;
    if (module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT)
        return damaged(machine);
    return push_global(machine, module->text, name->text);
}

/* OrderedDict([(key, value), ...]), as Python 2 wrote it. */
static int fill_dictionary(struct machine *machine, struct pickle_value *dictionary,
                           const struct pickle_value *arguments)
{
    const struct pickle_value *pairs = arguments->count > 0 ? arguments->items[0] : NULL;

    if (pairs == NULL || pairs->kind != PICKLE_LIST)
        return 0;
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pickle_value *pair = pairs->items[i];

        if (pair->count != 2)
            return damaged(machine);
        if (append(machine, dictionary, pair->items[0]) < 0 ||
            append(machine, dictionary, pair->items[1]) < 0)
            return FAILED;
    }
    return 0;
}

/* A name and a tuple of arguments, as a call that is never made. */
static int call(struct machine *machine)
{
    struct pickle_value *arguments = pop(machine);
    struct pickle_value *function = arguments != NULL ? pop(machine) : NULL, *value;

    if (function == NULL)
        return FAILED;
    if (function->kind != PICKLE_GLOBAL || arguments->kind != PICKLE_TUPLE)
        return damaged(machine);
    value = create(machine, function->global->result);
    if (value == NULL)
        return FAILED;
    value->global = function->global;
    if (value->kind == PICKLE_DICTIONARY) {
        if (fill_dictionary(machine, value, arguments) < 0)
            return FAILED;
    } else {
        for (size_t i = 0; i < arguments->count; i++)
            if (append(machine, value, arguments->items[i]) < 0)
                return FAILED;
    }
    return push(machine, value);
}

static int push_persistent(struct machine *machine)
{
    struct pickle_value *identity = pop(machine);
    struct pickle_value *value = identity != NULL ? create(machine, PICKLE_PERSISTENT) : NULL;

    void *outside = machine->pickle->outside;

    if (value == NULL || append(machine, value, identity) < 0 ||
        memory_grow(&outside, machine->pickle->outside_count, &machine->pickle->outside_capacity,
                    sizeof *machine->pickle->outside, machine->error) < 0)
        return FAILED;
    machine->pickle->outside = outside;
    machine->pickle->outside[machine->pickle->outside_count++] = value;
    return push(machine, value);
}

/* ---- the opcodes ------------------------------------------------------------------------ */

static int drop(struct machine *machine)
{
    return pop(machine) != NULL ? 0 : FAILED;
}

static int drop_marked(struct machine *machine)
{
    return pop_mark(machine, &machine->depth);
}

static int push_number(struct machine *machine, unsigned char opcode)
{
    struct cursor *cursor = machine->cursor;

    switch (opcode) {
    case 'J': /* BININT */
        return push_integer(machine, (int32_t)cursor_u32(cursor));
    case 'K': /* BININT1 */
        return push_integer(machine, cursor_u8(cursor));
    case 'M': /* BININT2 */
        return push_integer(machine, cursor_u16(cursor));
    case 0x8a: /* LONG1 */
        return push_long(machine, cursor_u8(cursor));
    case 0x8b: /* LONG4 */
        return push_long(machine, cursor_u32(cursor));
    case 'G': /* BINFLOAT */
        return push_skipped(machine, 8);
    default: /* NEWTRUE, NEWFALSE */
        return push_integer(machine, opcode == 0x88);
    }
}

static int push_string(struct machine *machine, unsigned char opcode)
{
    struct cursor *cursor = machine->cursor;

    switch (opcode) {
    case 'X': case 'T': /* BINUNICODE, BINSTRING */
        return push_text(machine, cursor_u32(cursor));
    case 0x8c: case 'U': /* SHORT_BINUNICODE, SHORT_BINSTRING */
        return push_text(machine, cursor_u8(cursor));
    case 0x8d: /* BINUNICODE8 */
        return push_text(machine, cursor_u64(cursor));
    case 'B': /* BINBYTES */
        return push_skipped(machine, cursor_u32(cursor));
    case 'C': /* SHORT_BINBYTES */
        return push_skipped(machine, cursor_u8(cursor));
    default: /* BINBYTES8, BYTEARRAY8 */
        return push_skipped(machine, cursor_u64(cursor));
    }
}

static int refer(struct machine *machine, unsigned char opcode)
{
    struct cursor *cursor = machine->cursor;

    switch (opcode) {
    case 'h': /* BINGET */
        return memo_get(machine, cursor_u8(cursor));
    case 'j': /* LONG_BINGET */
        return memo_get(machine, cursor_u32(cursor));
    case 'q': /* BINPUT */
        return memo_put(machine, cursor_u8(cursor));
    case 'r': /* LONG_BINPUT */
        return memo_put(machine, cursor_u32(cursor));
    default: /* MEMOIZE */
        return memo_put(machine, machine->memo_filled);
    }
}

static int step(struct machine *machine, unsigned char opcode)
{
    switch (opcode) {
    case 0x80: /* PROTO */
        cursor_u8(machine->cursor);
        return 0;
    case 0x95: /* FRAME */
        cursor_u64(machine->cursor);
        return 0;
    case '(':
        return push_mark(machine);
    case '0': /* POP */
        return drop(machine);
    case '1': /* POP_MARK */
        return drop_marked(machine);
    case '2': /* DUP */
        return push(machine, top(machine));
    case 'N':
        return push_nothing(machine);
    case 'J': case 'K': case 'M': case 0x8a: case 0x8b: case 'G': case 0x88: case 0x89:
        return push_number(machine, opcode);
    case 'X': case 'T': case 0x8c: case 'U': case 0x8d: case 'B': case 'C': case 0x8e: case 0x96:
        return push_string(machine, opcode);
    case 'h': case 'j': case 'q': case 'r': case 0x94:
        return refer(machine, opcode);
    case ')': /* EMPTY_TUPLE */
        return gather(machine, PICKLE_TUPLE, 0);
    case 0x85: case 0x86: case 0x87: /* TUPLE1 to 3 */
        return gather(machine, PICKLE_TUPLE, opcode - 0x84u);
    case 't': /* TUPLE */
        return gather_marked(machine, PICKLE_TUPLE);
    case ']': /* EMPTY_LIST */
        return gather(machine, PICKLE_LIST, 0);
    case 'l': case 0x91: /* LIST, FROZENSET */
        return gather_marked(machine, PICKLE_LIST);
    case '}': case 0x8f: /* EMPTY_DICT, EMPTY_SET: a set takes what it is given as a list does */
        return gather(machine, opcode == '}' ? PICKLE_DICTIONARY : PICKLE_LIST, 0);
    case 'a': /* APPEND */
        return extend_by(machine, 1);
    case 's': /* SETITEM */
        return extend_by(machine, 2);
    case 'e': case 'u': case 0x90: /* APPENDS, SETITEMS, ADDITEMS */
        return extend_marked(machine);
    case 'c': /* GLOBAL */
        return push_named_global(machine);
    case 0x93: /* STACK_GLOBAL */
        return push_stacked_global(machine);
    case 'R': case 0x81: /* REDUCE, NEWOBJ */
        return call(machine);
    case 'b': /* BUILD: attributes of an object, which no tensor needs */
        return drop(machine);
    case 'Q': /* BINPERSID */
        return push_persistent(machine);
    default:
        return error_set(machine->error, "its pickle has the opcode 0x%02x, which is not "
                         "supported", opcode);
    }
}

int pickle_read(struct pickle *pickle, struct cursor *cursor, const struct pickle_value **value,
                struct error *error)
{
    struct machine machine = {.pickle = pickle, .cursor = cursor, .error = error};
    unsigned char opcode;
    int outcome = 0;

    *value = NULL;
    while (outcome == 0 && !cursor->damaged && (opcode = cursor_u8(cursor)) != '.')
        if (!cursor->damaged)
            outcome = step(&machine, opcode);
    if (outcome == 0 && (cursor->damaged || machine.depth != 1 || machine.mark_count != 0))
        outcome = damaged(&machine);
    if (outcome == 0)
        *value = machine.stack[0];
    free(machine.stack);
    free(machine.marks);
    free(machine.memo);
    return outcome;
}
