/*
 * Labels and paths as text in a terminal and in tables: any bytes may be in them.
 */
#ifndef CLASSIFY_DISPLAY_H
#define CLASSIFY_DISPLAY_H

#include <stddef.h>
#include <stdio.h>

/* Writes `text` so that it can break neither a line nor a column: tab, newline, carriage return
 * and backslash as \t, \n, \r and \\, other control characters as \xNN. NULL writes nothing. */
void display_write(FILE *out, const char *text);

/* The columns that display_write takes on a terminal: combining characters none, East Asian wide
 * ones and emoji two (after Unicode Standard Annex 11). */
size_t display_width(const char *text);

/* display_write, then spaces up to `width` columns. */
void display_pad(FILE *out, const char *text, size_t width);

/* Spaces up to `width` columns, then display_write. */
void display_pad_left(FILE *out, const char *text, size_t width);

#endif
