#include "common/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* ASCII's control characters, and the first byte of those that Unicode adds (U+0080 to U+009F,
 * among them an escape sequence of one character). Other bytes above 0x7f pass: they are letters
 * in the user's encoding. */
static bool is_control(const char *at)
{
    unsigned char byte = (unsigned char)at[0], next = (unsigned char)at[1];

    return byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next < 0xa0);
}

/* Writes `raw` into `text` with control characters escaped. */
static void write_escaped(char *text, size_t size, const char *raw)
{
    size_t used = 0;

    for (const char *at = raw; *at != '\0' && used + 5 <= size; at++) {
        unsigned char byte = (unsigned char)*at;

        if (byte == '\n' || byte == '\t') {
            text[used++] = '\\';
            text[used++] = byte == '\n' ? 'n' : 't';
        } else if (is_control(at)) {
            used += (size_t)snprintf(text + used, size - used, "\\x%02x", byte);
        } else {
            text[used++] = (char)byte;
        }
    }
    text[used] = '\0';
}

int error_set(struct error *error, const char *format, ...)
{
    char raw[sizeof error->text];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    write_escaped(error->text, sizeof error->text, raw);
    return FAILED;
}

int error_wrap(struct error *error, const char *format, ...)
{
    char context[sizeof error->text];
    char raw[2 * sizeof error->text + 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    snprintf(raw, sizeof raw, "%s: %s", context, error->text);
    write_escaped(error->text, sizeof error->text, raw);
    return FAILED;
}

int error_no_memory(struct error *error)
{
    return error_set(error, "out of memory");
}
