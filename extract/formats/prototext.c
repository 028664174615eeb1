#include "extract/formats/prototext.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* ---- tokens ----------------------------------------------------------------------------- */

struct parser {
    struct prototext *text;
    const unsigned char *at, *end;
    size_t line;
    char *free;  /* where the next name or value is stored */
    struct error *error;
};

static int complain(const struct parser *parser, const char *what)
{
    return error_set(parser->error, "line %zu: %s", parser->line, what);
}

/* Skips spaces and comments. */
static void skip(struct parser *parser)
{
    for (; parser->at < parser->end; parser->at++) {
        if (*parser->at == '#')
            while (parser->at < parser->end && *parser->at != '\n')
                parser->at++;
        if (parser->at == parser->end || *parser->at == '\0' ||
            strchr(" \t\r\n\v\f", *parser->at) == NULL)
            return;
        if (*parser->at == '\n')
            parser->line++;
    }
}

static bool is_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The next character that counts, or 0 at the end. */
static unsigned char peek(struct parser *parser)
{
    skip(parser);
    return parser->at < parser->end ? *parser->at : 0;
}

/* Skips `c`, where it comes next. */
static bool take(struct parser *parser, unsigned char c)
{
    if (peek(parser) != c)
        return false;
    parser->at++;
    return true;
}

/* Stores the characters up to the first that `is_part` refuses. */
static const char *store(struct parser *parser, bool (*is_part)(unsigned char))
{
    char *start = parser->free;

    while (parser->at < parser->end && is_part(*parser->at))
        *parser->free++ = (char)*parser->at++;
    *parser->free++ = '\0';
    return start;
}

/* Of a number, a word, or either behind a minus sign. */
static bool is_scalar(unsigned char c)
{
    return is_word(c) || c == '.' || c == '-' || c == '+';
}

/* ---- quoted texts ----------------------------------------------------------------------- */

static int digit_of(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* At most `most` digits of `base`; -1 when there are none. */
static int read_digits(struct parser *parser, int base, int most)
{
    int value = -1;

    while (most-- > 0 && parser->at < parser->end && digit_of(*parser->at) < base)
        value = (value < 0 ? 0 : value) * base + digit_of(*parser->at++);
    return value;
}

/* Behind a backslash. */
static int read_escape(struct parser *parser)
{
    static const char letters[] = "abfnrtv\\'\"?", meanings[] = "\a\b\f\n\r\t\v\\'\"?";
    unsigned char c = parser->at < parser->end ? *parser->at : 0;
    const char *letter = c != 0 ? strchr(letters, c) : NULL;
    int value;

    if (letter != NULL) {
        parser->at++;
        value = meanings[letter - letters];
    } else if (c == 'x' || c == 'X') {
        parser->at++;
        value = read_digits(parser, 16, 2);
    } else {
        value = read_digits(parser, 8, 3);
    }
    /* A NUL would end the text early. */
    if (value < 1 || value > 255)
        return complain(parser, "a text has an escape sequence that is not known");
    *parser->free++ = (char)(unsigned char)value;
    return 0;
}

static int read_quoted(struct parser *parser)
{
    unsigned char quote = *parser->at++;

    while (parser->at < parser->end && *parser->at != quote) {
        unsigned char c = *parser->at++;

        if (c == '\n' || c == '\0')
            return complain(parser, "a text does not end on its line");
        if (c != '\\')
            *parser->free++ = (char)c;
        else if (read_escape(parser) < 0)
            return FAILED;
    }
    if (parser->at == parser->end)
        return complain(parser, "a text does not end");
    parser->at++;
    return 0;
}

/* Texts that follow each other are one. */
static int read_text(struct parser *parser, const char **value)
{
    *value = parser->free;
    while (peek(parser) == '"' || peek(parser) == '\'')
        if (read_quoted(parser) < 0)
            return FAILED;
    *parser->free++ = '\0';
    return 0;
}

/* ---- fields ----------------------------------------------------------------------------- */

/* Appends a field to the message whose last field is *last, 0 when it has none yet. */
static int append(struct parser *parser, uint32_t message, uint32_t *last,
                  const struct prototext_field *field)
{
    struct prototext *text = parser->text;
    void *fields = text->fields;
    uint32_t index = (uint32_t)text->count;

    if (text->count == PROTOTEXT_MAX_FIELDS)
        return complain(parser, "it has too many fields");
    if (memory_grow(&fields, text->count, &text->capacity, sizeof *text->fields,
                    parser->error) < 0)
        return FAILED;
    text->fields = fields;
    text->fields[text->count++] = *field;
    if (*last != 0)
        text->fields[*last].next = index;
    else if (index != message)
        text->fields[message].child = index;
    *last = index;
    return 0;
}

static int parse_fields(struct parser *parser, uint32_t message, size_t depth);

/* The fields in braces or angle brackets. */
static int parse_message(struct parser *parser, uint32_t message, size_t depth)
{
    unsigned char close = *parser->at == '{' ? '}' : '>';
    size_t line = parser->line;

    parser->at++;
    if (depth == PROTOTEXT_MAX_DEPTH)
        return complain(parser, "it is nested too deep");
    if (parse_fields(parser, message, depth + 1) < 0)
        return FAILED;
    if (!take(parser, close))
        return error_set(parser->error, "line %zu: the message that begins in line %zu does not "
                         "end with '%c'", parser->line, line, close);
    return 0;
}

/* One value or message; with a list, one element. */
static int parse_value(struct parser *parser, uint32_t message, uint32_t *last,
                       struct prototext_field field, bool message_only, size_t depth)
{
    unsigned char c = peek(parser);

    if (c == '{' || c == '<') {
        if (append(parser, message, last, &field) < 0)
            return FAILED;
        return parse_message(parser, *last, depth);
    }
    if (message_only)
        return error_set(parser->error, "line %zu: ':' or '{' is missing behind '%s'",
                         parser->line, field.name);
    field.quoted = c == '"' || c == '\'';
    if (field.quoted) {
        if (read_text(parser, &field.value) < 0)
            return FAILED;
    } else {
        field.value = store(parser, is_scalar);
    }
    if (!field.quoted && *field.value == '\0')
        return error_set(parser->error, "line %zu: the value of '%s' is missing", parser->line,
                         field.name);
    return append(parser, message, last, &field);
}

/* [value, value]: a repeated field in short. */
static int parse_list(struct parser *parser, uint32_t message, uint32_t *last,
                      struct prototext_field field, bool message_only, size_t depth)
{
    parser->at++;
    if (take(parser, ']'))
        return 0;
    do {
        if (parse_value(parser, message, last, field, message_only, depth) < 0)
            return FAILED;
    } while (take(parser, ','));
    return take(parser, ']') ? 0 : complain(parser, "a list does not end with ']'");
}

/* Up to the end of the file or a closing bracket. */
static int parse_fields(struct parser *parser, uint32_t message, size_t depth)
{
    uint32_t last = 0;

    for (;;) {
        struct prototext_field field = {0};
        unsigned char c = peek(parser);
        bool message_only;
        int outcome;

        if (parser->at == parser->end || c == '}' || c == '>')
            return 0;
        field.line = parser->line;
        field.name = store(parser, is_word);
        if (*field.name == '\0')
            return complain(parser, "the name of a field is expected");
        message_only = !take(parser, ':');
        outcome = peek(parser) == '['
                      ? parse_list(parser, message, &last, field, message_only, depth)
                      : parse_value(parser, message, &last, field, message_only, depth);
        if (outcome < 0)
            return FAILED;
        if (!take(parser, ','))
            take(parser, ';');
    }
}

int prototext_parse(struct bytes bytes, struct prototext *text, struct error *error)
{
    static const struct prototext_field root = {.name = "", .line = 1};
    struct parser parser = {.text = text, .at = bytes.data, .end = bytes.data + bytes.size,
                            .line = 1, .error = error};
    uint32_t last = 0;

    *text = (struct prototext){0};
    if (bytes.size > PROTOTEXT_MAX_SIZE)
        return error_set(error, "it has more than %d bytes", PROTOTEXT_MAX_SIZE);
    /* A name or value takes its characters and a NUL, and at least one character. */
    text->characters = memory_allocate(2 * bytes.size + 1, 1, error);
    if (text->characters == NULL)
        return FAILED;
    parser.free = text->characters;
    if (append(&parser, 0, &last, &root) < 0 || parse_fields(&parser, 0, 0) < 0)
        return FAILED;
    if (parser.at < parser.end)
        return complain(&parser, "a bracket closes that was not opened");
    text->root = text->fields;
    return 0;
}

void prototext_release(struct prototext *text)
{
    free(text->fields);
    free(text->characters);
    *text = (struct prototext){0};
}

/* ---- the tree --------------------------------------------------------------------------- */

const struct prototext_field *prototext_first(const struct prototext *text,
                                              const struct prototext_field *message)
{
    return message != NULL && message->child != 0 ? &text->fields[message->child] : NULL;
}

const struct prototext_field *prototext_next(const struct prototext *text,
                                             const struct prototext_field *field)
{
    return field->next != 0 ? &text->fields[field->next] : NULL;
}

static const struct prototext_field *named(const struct prototext *text,
                                           const struct prototext_field *field, const char *name)
{
    while (field != NULL && strcmp(field->name, name) != 0)
        field = prototext_next(text, field);
    return field;
}

const struct prototext_field *prototext_find(const struct prototext *text,
                                             const struct prototext_field *message,
                                             const char *name)
{
    return named(text, prototext_first(text, message), name);
}

const struct prototext_field *prototext_find_next(const struct prototext *text,
                                                  const struct prototext_field *field,
                                                  const char *name)
{
    return named(text, prototext_next(text, field), name);
}

/* ---- values ----------------------------------------------------------------------------- */

int prototext_blame(const struct prototext_field *field, struct error *error)
{
    return error_wrap(error, "line %zu", field->line);
}

static int unfit(const struct prototext_field *field, const char *wanted, struct error *error)
{
    return error_set(error, "line %zu: '%s' is %s%.60s%s, not %s", field->line, field->name,
                     field->quoted ? "\"" : "", field->value != NULL ? field->value : "a message",
                     field->quoted ? "\"" : "", wanted);
}

/* Decimal, hexadecimal (0x) or octal (0), as C writes them. */
static bool read_integer(const struct prototext_field *field, int64_t *value)
{
    char *end;

    if (field->value == NULL || field->quoted)
        return false;
    errno = 0;
    *value = strtoll(field->value, &end, 0);
    return end != field->value && *end == '\0' && errno == 0;
}

int prototext_integer_of(const struct prototext_field *field, int64_t minimum, int64_t maximum,
                         int64_t *value, struct error *error)
{
    int64_t number;

    if (!read_integer(field, &number))
        return unfit(field, "a whole number", error);
    if (number < minimum || number > maximum)
        return error_set(error, "line %zu: '%s' is %lld, out of the range from %lld to %lld",
                         field->line, field->name, (long long)number, (long long)minimum,
                         (long long)maximum);
    *value = number;
    return 0;
}

/* A float may end in "f". */
int prototext_float_of(const struct prototext_field *field, float *value, struct error *error)
{
    float number;
    char *end;

    if (field->value == NULL || field->quoted)
        return unfit(field, "a number", error);
    number = strtof(field->value, &end);
    if (end != field->value && (*end == 'f' || *end == 'F'))
        end++;
    if (end == field->value || *end != '\0' || !isfinite(number))
        return unfit(field, "a number", error);
    *value = number;
    return 0;
}

int prototext_text_of(const struct prototext_field *field, const char **value,
                      struct error *error)
{
    if (!field->quoted)
        return unfit(field, "a text in quotes", error);
    *value = field->value;
    return 0;
}

/* *field becomes NULL when it is not there. */
static int find_single(const struct prototext *text, const struct prototext_field *message,
                       const char *name, const struct prototext_field **field,
                       struct error *error)
{
    const struct prototext_field *second;

    *field = prototext_find(text, message, name);
    second = *field != NULL ? prototext_find_next(text, *field, name) : NULL;
    if (second == NULL)
        return 0;
    return error_set(error, "line %zu: '%s' stands twice, before in line %zu", second->line, name,
                     (*field)->line);
}

int prototext_integer(const struct prototext *text, const struct prototext_field *message,
                      const char *name, int64_t minimum, int64_t maximum, int64_t *value,
                      struct error *error)
{
    const struct prototext_field *field;

    if (find_single(text, message, name, &field, error) < 0)
        return FAILED;
    return field == NULL ? 0 : prototext_integer_of(field, minimum, maximum, value, error);
}

int prototext_unsigned(const struct prototext *text, const struct prototext_field *message,
                       const char *name, uint64_t minimum, uint64_t maximum, uint64_t *value,
                       struct error *error)
{
    int64_t number = (int64_t)*value;

    if (prototext_integer(text, message, name, (int64_t)minimum, (int64_t)maximum, &number,
                          error) < 0)
        return FAILED;
    *value = (uint64_t)number;
    return 0;
}

int prototext_float(const struct prototext *text, const struct prototext_field *message,
                    const char *name, float *value, struct error *error)
{
    const struct prototext_field *field;

    if (find_single(text, message, name, &field, error) < 0)
        return FAILED;
    return field == NULL ? 0 : prototext_float_of(field, value, error);
}

int prototext_text(const struct prototext *text, const struct prototext_field *message,
                   const char *name, const char **value, struct error *error)
{
    const struct prototext_field *field;

    if (find_single(text, message, name, &field, error) < 0)
        return FAILED;
    return field == NULL ? 0 : prototext_text_of(field, value, error);
}

/* The index of `value` among names that end with NULL, or -1. */
static int find_word(const char *const *names, const char *value)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], value) == 0)
            return i;
    return -1;
}

int prototext_bool(const struct prototext *text, const struct prototext_field *message,
                   const char *name, bool *value, struct error *error)
{
    static const char *const words[] = {"false", "true", "False", "True", "f", "t", "0", "1",
                                        NULL};
    const struct prototext_field *field;
    int word;

    if (find_single(text, message, name, &field, error) < 0)
        return FAILED;
    if (field == NULL)
        return 0;
    word = field->value != NULL && !field->quoted ? find_word(words, field->value) : -1;
    if (word < 0)
        return unfit(field, "true or false", error);
    *value = word % 2 == 1;
    return 0;
}

int prototext_enum(const struct prototext *text, const struct prototext_field *message,
                   const char *name, const char *const *names, size_t *value,
                   struct error *error)
{
    const struct prototext_field *field;
    int64_t count = 0, number;
    int word;

    if (find_single(text, message, name, &field, error) < 0)
        return FAILED;
    if (field == NULL)
        return 0;
    while (names[count] != NULL)
        count++;
    word = field->value != NULL && !field->quoted ? find_word(names, field->value) : -1;
    if (word >= 0) {
        *value = (size_t)word;
        return 0;
    }
    if (!read_integer(field, &number) || number < 0 || number >= count)
        return unfit(field, "a value that is known", error);
    *value = (size_t)number;
    return 0;
}
