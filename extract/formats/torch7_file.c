#include "extract/formats/torch7_file.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* The numbers that a value begins with. */
enum {
    TYPE_NIL = 0,
    TYPE_NUMBER = 1,
    TYPE_STRING = 2,
    TYPE_TABLE = 3,
    TYPE_TORCH = 4,
    TYPE_BOOLEAN = 5,
    TYPE_FUNCTION = 6,                   /* up to 2013, without an index */
    TYPE_LEGACY_RECURSIVE_FUNCTION = 7,
    TYPE_RECURSIVE_FUNCTION = 8
};

/* MAX_DEPTH bounds the recursion; trained networks need some tens. */
enum { MAX_DEPTH = 1000, SMALLEST_PAIR = 8, MAX_RANK = TENSOR_MAX_RANK };

/* A tensor's view of its storage, or a storage itself. */
struct torch7_numbers {
    enum tensor_type type;
    size_t count;                        /* storage: elements */
    struct bytes bytes;                  /* storage */
    size_t rank;
    int64_t size[MAX_RANK], stride[MAX_RANK], offset;  /* tensor: in elements, offset from 0 */
    const struct torch7_object *storage; /* tensor; NULL when it is empty */
};

struct parser {
    struct torch7_file *file;
    struct cursor cursor;
    bool short_long;
    size_t depth;
};

static int read_value(struct parser *parser, struct torch7_value *value, struct error *error);

/* ---- numbers and texts ------------------------------------------------------------------ */

static int64_t read_long(struct parser *parser)
{
    return parser->short_long ? (int64_t)(int32_t)cursor_u32(&parser->cursor)
                              : (int64_t)cursor_u64(&parser->cursor);
}

static int damaged(struct error *error)
{
    return error_set(error, "it is damaged, or ends too early");
}

/* A length and characters. A length below 0 lies behind the end of any file. */
static struct bytes read_text(struct parser *parser)
{
    return cursor_take(&parser->cursor, (uint64_t)(int64_t)(int32_t)cursor_u32(&parser->cursor));
}

/* ---- objects ---------------------------------------------------------------------------- */

/* Reads an index: an earlier object, or a new one and *is_new; NULL and a message. */
static struct torch7_object *read_reference(struct parser *parser, bool *is_new,
                                            struct error *error)
{
    struct torch7_file *file = parser->file;
    uint32_t index = cursor_u32(&parser->cursor);
    void *objects = file->objects;
    struct torch7_object *object;

    *is_new = index == file->object_count + 1;
    if (parser->cursor.damaged || index == 0 || index > file->object_count + 1) {
        damaged(error);
        return NULL;
    }
    if (!*is_new)
        return file->objects[index - 1];
    if (memory_grow(&objects, file->object_count, &file->object_capacity, sizeof *file->objects,
                    error) < 0)
        return NULL;
    file->objects = objects;
    object = memory_allocate(1, sizeof *object, error);
    if (object != NULL)
        file->objects[file->object_count++] = object;
    return object;
}

static int read_table(struct parser *parser, struct torch7_object *table, struct error *error)
{
    uint32_t count = cursor_u32(&parser->cursor);

    table->kind = TORCH7_TABLE;
    if (parser->cursor.damaged || count > cursor_left(&parser->cursor) / SMALLEST_PAIR)
        return damaged(error);
    table->pairs = memory_allocate(count, sizeof *table->pairs, error);
    if (table->pairs == NULL)
        return FAILED;
    for (; table->pair_count < count; table->pair_count++) {
        struct torch7_pair *pair = &table->pairs[table->pair_count];

        if (read_value(parser, &pair->key, error) < 0 ||
            read_value(parser, &pair->value, error) < 0)
            return FAILED;
    }
    return 0;
}

/* A function is its bytecode and a table of what it has captured, which may refer to objects that
 * are needed elsewhere. */
static int read_function(struct parser *parser, struct error *error)
{
    struct torch7_value captured;

    read_text(parser);
    if (parser->cursor.damaged)
        return damaged(error);
    return read_value(parser, &captured, error);
}

/* The name between "torch." and "Tensor" or "Storage". */
static const struct {
    const char *name;
    enum tensor_type type;
    size_t size;  /* 0: that of a long */
} number_types[] = {
    {"Float", TENSOR_FLOAT32, 4},     {"Double", TENSOR_FLOAT64, 8},
    {"Cuda", TENSOR_FLOAT32, 4},      {"CudaDouble", TENSOR_FLOAT64, 8},
    {"Half", TENSOR_FLOAT16, 2},      {"CudaHalf", TENSOR_FLOAT16, 2},
    {"Long", TENSOR_INT64, 0},        {"CudaLong", TENSOR_INT64, 0},
    {"Int", TENSOR_INT32, 4},         {"CudaInt", TENSOR_INT32, 4},
    {"Short", TENSOR_OTHER, 2},       {"CudaShort", TENSOR_OTHER, 2},
    {"Byte", TENSOR_OTHER, 1},        {"CudaByte", TENSOR_OTHER, 1},
    {"Char", TENSOR_OTHER, 1},        {"CudaChar", TENSOR_OTHER, 1},
};

enum { NUMBER_TYPES = sizeof number_types / sizeof number_types[0] };

/* The index of the type that "torch.<name><ending>" means, or -1. */
static int find_number_type(struct bytes class_name, const char *ending)
{
    size_t end = strlen(ending);
    struct bytes name;

    if (!bytes_begin_with(class_name, "torch.", 6) || class_name.size < 6 + end ||
        memcmp(class_name.data + class_name.size - end, ending, end) != 0)
        return -1;
    name = (struct bytes){class_name.data + 6, class_name.size - 6 - end};
    for (int i = 0; i < NUMBER_TYPES; i++)
        if (bytes_are(name, number_types[i].name))
            return i;
    return -1;
}

static int read_storage(struct parser *parser, int type, struct torch7_object *object,
                        struct error *error)
{
    struct torch7_numbers *numbers = memory_allocate(1, sizeof *numbers, error);
    size_t size = number_types[type].size, bytes;
    int64_t count = read_long(parser);

    object->kind = TORCH7_STORAGE;
    object->numbers = numbers;
    if (numbers == NULL)
        return FAILED;
    numbers->type = number_types[type].type;
    if (size == 0) {
        size = parser->short_long ? 4 : 8;
        numbers->type = parser->short_long ? TENSOR_INT32 : TENSOR_INT64;
    }
    if (count < 0 || !size_multiply((size_t)count, size, &bytes))
        return damaged(error);
    numbers->count = (size_t)count;
    numbers->bytes = cursor_take(&parser->cursor, bytes);
    return parser->cursor.damaged ? damaged(error) : 0;
}

static int read_tensor(struct parser *parser, struct torch7_object *object, struct error *error)
{
    struct torch7_numbers *numbers = memory_allocate(1, sizeof *numbers, error);
    uint32_t rank = cursor_u32(&parser->cursor);
    struct torch7_value storage;

    object->kind = TORCH7_TENSOR;
    object->numbers = numbers;
    if (numbers == NULL)
        return FAILED;
    if (rank > MAX_RANK)
        return error_set(error, "a tensor has %lu dimensions", (unsigned long)rank);
    numbers->rank = rank;
    for (size_t axis = 0; axis < rank; axis++)
        numbers->size[axis] = read_long(parser);
    for (size_t axis = 0; axis < rank; axis++)
        numbers->stride[axis] = read_long(parser);
    numbers->offset = read_long(parser);
    if (parser->cursor.damaged || numbers->offset < 0)
        return damaged(error);
    numbers->offset -= numbers->offset > 0;  /* Lua counts from 1 */
    if (read_value(parser, &storage, error) < 0)
        return FAILED;
    if (storage.kind != TORCH7_NIL && storage.kind != TORCH7_STORAGE)
        return damaged(error);
    if (storage.kind == TORCH7_STORAGE)
        numbers->storage = storage.object;
    return 0;
}

/* "V 1" and the name of a class; in the oldest files the name alone. */
static int read_class_name(struct parser *parser, struct bytes *name, struct error *error)
{
    *name = read_text(parser);
    if (bytes_begin_with(*name, "V ", 2))
        *name = read_text(parser);
    return parser->cursor.damaged ? damaged(error) : 0;
}

static int read_object(struct parser *parser, struct torch7_object *object, struct error *error)
{
    struct torch7_value fields;
    int type;

    object->kind = TORCH7_CLASS;
    if (read_class_name(parser, &object->class_name, error) < 0)
        return FAILED;
    type = find_number_type(object->class_name, "Storage");
    if (type >= 0)
        return read_storage(parser, type, object, error);
    if (find_number_type(object->class_name, "Tensor") >= 0)
        return read_tensor(parser, object, error);
    if (read_value(parser, &fields, error) < 0)
        return FAILED;
    if (fields.kind == TORCH7_TABLE)
        object->fields = fields.object;
    return 0;
}

/* An object is known before its content is read, so that the content may refer to it. */
static int read_indexed(struct parser *parser, uint32_t type, struct torch7_value *value,
                        struct error *error)
{
    bool is_new;
    struct torch7_object *object = read_reference(parser, &is_new, error);
    int outcome = 0;

    if (object == NULL)
        return FAILED;
    if (is_new && type == TYPE_TABLE) {
        outcome = read_table(parser, object, error);
    } else if (is_new && type == TYPE_TORCH) {
        outcome = read_object(parser, object, error);
    } else if (is_new) {
        object->kind = TORCH7_FUNCTION;
        outcome = read_function(parser, error);
    }
    *value = (struct torch7_value){.kind = object->kind, .object = object};
    return outcome;
}

static int read_typed(struct parser *parser, uint32_t type, struct torch7_value *value,
                      struct error *error)
{
    *value = (struct torch7_value){.kind = TORCH7_NIL};
    switch (type) {
    case TYPE_NIL:
        return 0;
    case TYPE_NUMBER:
        value->kind = TORCH7_NUMBER;
        value->number = cursor_double(&parser->cursor);
        return 0;
    case TYPE_STRING:
        value->kind = TORCH7_TEXT;
        value->text = read_text(parser);
        return 0;
    case TYPE_BOOLEAN:
        value->kind = TORCH7_BOOLEAN;
        value->boolean = cursor_u32(&parser->cursor) != 0;
        return 0;
    case TYPE_FUNCTION:
        return read_function(parser, error);
    case TYPE_TABLE:
    case TYPE_TORCH:
    case TYPE_LEGACY_RECURSIVE_FUNCTION:
    case TYPE_RECURSIVE_FUNCTION:
        return read_indexed(parser, type, value, error);
    default:
        return damaged(error);
    }
}

static int read_value(struct parser *parser, struct torch7_value *value, struct error *error)
{
    uint32_t type = cursor_u32(&parser->cursor);
    int outcome;

    if (parser->depth == MAX_DEPTH)
        return error_set(error, "its objects are nested deeper than %d", MAX_DEPTH);
    parser->depth++;
    outcome = read_typed(parser, type, value, error);
    parser->depth--;
    return outcome == 0 && parser->cursor.damaged ? damaged(error) : outcome;
}

/* ---- the file --------------------------------------------------------------------------- */

bool torch7_is_file(struct bytes bytes, bool *text)
{
    struct cursor cursor = cursor_from(bytes);
    uint32_t type = cursor_u32(&cursor), index = cursor_u32(&cursor), length = cursor_u32(&cursor);
    uint32_t next = cursor_u32(&cursor);

    *text = bytes_begin_with(bytes, "4\n1\n3\nV 1\n", 10) ||
            bytes_begin_with(bytes, "3\n1\n", 4);
    if (*text)
        return true;
    if (cursor.damaged || index != 1)
        return false;
    if (type == TYPE_TORCH)
        return length < 256 && (next & 0xff) >= ' ' && (next & 0xff) <= '~';
    return type == TYPE_TABLE && length < bytes.size &&
           (next == TYPE_NUMBER || next == TYPE_STRING);
}

int torch7_parse(struct bytes bytes, struct torch7_file *file, struct error *error)
{
    struct parser parser = {.file = file, .cursor = cursor_from(bytes)};
    struct error second;

    *file = (struct torch7_file){0};
    if (read_value(&parser, &file->root, error) == 0)
        return 0;
    torch7_release(file);
    parser = (struct parser){.file = file, .cursor = cursor_from(bytes), .short_long = true};
    if (read_value(&parser, &file->root, &second) < 0 || cursor_left(&parser.cursor) > 0)
        return FAILED;
    return 0;
}

void torch7_release(struct torch7_file *file)
{
    for (size_t i = 0; i < file->object_count; i++) {
        free(file->objects[i]->pairs);
        free(file->objects[i]->numbers);
        free(file->objects[i]);
    }
    free(file->objects);
    *file = (struct torch7_file){0};
}

/* ---- what readers ask ------------------------------------------------------------------- */

const struct torch7_value *torch7_field(const struct torch7_object *object, const char *name)
{
    const struct torch7_object *table =
        object != NULL && object->kind == TORCH7_CLASS ? object->fields : object;

    if (table == NULL || table->kind != TORCH7_TABLE)
        return NULL;
    for (size_t i = 0; i < table->pair_count; i++)
        if (table->pairs[i].key.kind == TORCH7_TEXT && bytes_are(table->pairs[i].key.text, name))
            return &table->pairs[i].value;
    return NULL;
}

double torch7_number(const struct torch7_object *object, const char *name, double fallback)
{
    const struct torch7_value *value = torch7_field(object, name);

    return value != NULL && value->kind == TORCH7_NUMBER ? value->number : fallback;
}

bool torch7_boolean(const struct torch7_object *object, const char *name, bool fallback)
{
    const struct torch7_value *value = torch7_field(object, name);

    return value != NULL && value->kind == TORCH7_BOOLEAN ? value->boolean : fallback;
}

struct bytes torch7_text(const struct torch7_object *object, const char *name)
{
    const struct torch7_value *value = torch7_field(object, name);

    return value != NULL && value->kind == TORCH7_TEXT ? value->text : (struct bytes){0};
}

const struct torch7_object *torch7_child(const struct torch7_object *object, const char *name)
{
    const struct torch7_value *value = torch7_field(object, name);

    return value != NULL && value->kind >= TORCH7_TABLE ? value->object : NULL;
}

int torch7_list(const struct torch7_object *table, const struct torch7_value ***items,
                size_t *count, struct error *error)
{
    size_t pairs = table != NULL && table->kind == TORCH7_TABLE ? table->pair_count : 0;

    *count = 0;
    *items = memory_allocate(pairs, sizeof **items, error);
    if (*items == NULL)
        return FAILED;
    for (size_t i = 0; i < pairs; i++) {
        const struct torch7_value *key = &table->pairs[i].key;

        if (key->kind == TORCH7_NUMBER && key->number >= 1 && key->number <= (double)pairs)
            (*items)[(size_t)key->number - 1] = &table->pairs[i].value;
    }
    while (*count < pairs && (*items)[*count] != NULL)
        ++*count;
    return 0;
}

/* ---- tensors ---------------------------------------------------------------------------- */

/* True when the elements lie one after the other, the last dimension fastest. */
static bool is_contiguous(const struct torch7_numbers *numbers)
{
    int64_t expected = 1;

    for (size_t axis = numbers->rank; axis-- > 0;) {
        if (numbers->size[axis] != 1 && numbers->stride[axis] != expected)
            return false;
        expected *= numbers->size[axis];
    }
    return true;
}

/* The place of the last element stays within the storage. */
static int check_places(const struct torch7_numbers *numbers, struct error *error)
{
    int64_t last = numbers->offset, reach;

    for (size_t axis = 0; axis < numbers->rank; axis++)
        if (numbers->stride[axis] < 0 ||
            __builtin_mul_overflow(numbers->size[axis] - 1, numbers->stride[axis], &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return error_set(error, "a tensor has strides that are not valid");
    if ((uint64_t)last >= numbers->storage->numbers->count)
        return error_set(error, "a tensor reaches outside of its storage");
    return 0;
}

/* Element by element, from wherever they are. */
static void gather(const struct torch7_numbers *numbers, const struct tensor *tensor,
                   unsigned char *out)
{
    size_t size = tensor_type_size(tensor->type);
    int64_t place[MAX_RANK] = {0}, at = numbers->offset;

    for (size_t i = 0; i < tensor->count; i++) {
        memcpy(out + i * size, numbers->storage->numbers->bytes.data + (size_t)at * size, size);
        for (size_t axis = numbers->rank; axis-- > 0;) {
            at += numbers->stride[axis];
            if (++place[axis] < numbers->size[axis])
                break;
            at -= numbers->size[axis] * numbers->stride[axis];
            place[axis] = 0;
        }
    }
}

int torch7_tensor(const struct torch7_object *object, struct graph *graph, struct tensor *tensor,
                  struct error *error)
{
    const struct torch7_numbers *numbers, *storage;
    size_t size;
    void *copy;

    *tensor = (struct tensor){.type = TENSOR_OTHER};
    if (object == NULL || (object->kind != TORCH7_TENSOR && object->kind != TORCH7_STORAGE))
        return error_set(error, "a tensor is missing");
    numbers = object->numbers;
    if (object->kind == TORCH7_STORAGE) {
        *tensor = (struct tensor){
            .type = numbers->type, .rank = 1, .shape = {numbers->count}, .count = numbers->count,
            .bytes = numbers->bytes,
        };
        return 0;
    }
    if (tensor_set_shape(tensor, numbers->size, numbers->rank, error) < 0)
        return FAILED;
    if (numbers->storage == NULL || numbers->rank == 0 || tensor->count == 0)
        return error_set(error, "a tensor is empty");
    storage = numbers->storage->numbers;
    tensor->type = storage->type;
    size = tensor_type_size(tensor->type);
    if (size == 0)
        return error_set(error, "a tensor is of a type of numbers that is not supported");
    if (tensor->count > storage->count)
        return error_set(error, "a tensor is larger than its storage");
    if (check_places(numbers, error) < 0)
        return FAILED;
    tensor->bytes = (struct bytes){storage->bytes.data + (size_t)numbers->offset * size,
                                   tensor->count * size};
    if (is_contiguous(numbers))
        return 0;
    copy = graph_allocate(graph, tensor->count, size, error);
    if (copy == NULL)
        return FAILED;
    gather(numbers, tensor, copy);
    tensor->bytes.data = copy;
    return 0;
}
