#include "classify/display.h"

#include <stdint.h>

/* What escapes a character, or NULL when it stands for itself. */
static const char *escape_of(unsigned char byte)
{
    switch (byte) {
    case '\t':
        return "\\t";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\\':
        return "\\\\";
    default:
        return NULL;
    }
}

void display_write(FILE *out, const char *text)
{
    if (text == NULL)
        return;
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        const char *escape = escape_of(byte);

        if (escape != NULL)
            fputs(escape, out);
        else if (byte < 0x20 || byte == 0x7f)
            fprintf(out, "\\x%02x", byte);
        else
            fputc(byte, out);
    }
}

struct range {
    uint32_t first, last;
};

static const struct range narrow[] = {
    {0x0300, 0x036f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0x1f3fb, 0x1f3ff}, {0xe0000, 0xe0fff},
};

static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
    {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
};

static size_t character_width(uint32_t character)
{
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++)
        if (character >= narrow[i].first && character <= narrow[i].last)
            return 0;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (character >= wide[i].first && character <= wide[i].last)
            return 2;
    return 1;
}

/* The character at `text` and how many bytes it takes; a byte that begins no UTF-8 sequence is a
 * character of its own. */
static size_t decode(const unsigned char *text, uint32_t *character)
{
    size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc0 ? 2 : 1;

    *character = text[0];
    if (length == 1)
        return 1;
    *character = text[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            *character = text[0];
            return 1;
        }
        *character = *character << 6 | (text[i] & 0x3f);
    }
    return length;
}

size_t display_width(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t width = 0;

    if (text == NULL)
        return 0;
    while (*at != '\0') {
        uint32_t character;

        if (escape_of(*at) != NULL) {
            width += 2;
            at++;
        } else if (*at < 0x20 || *at == 0x7f) {
            width += 4;
            at++;
        } else {
            at += decode(at, &character);
            width += character_width(character);
        }
    }
    return width;
}

static void write_spaces(FILE *out, size_t used, size_t width)
{
    for (; used < width; used++)
        fputc(' ', out);
}

void display_pad(FILE *out, const char *text, size_t width)
{
    display_write(out, text);
    write_spaces(out, display_width(text), width);
}

void display_pad_left(FILE *out, const char *text, size_t width)
{
    write_spaces(out, display_width(text), width);
    display_write(out, text);
}
