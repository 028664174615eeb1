/*
 * Errors as values: a function that can fail returns 0, or a negative outcome, and leaves a
 * message in the struct error that its caller supplies as the last argument.
 *
 *     struct error error;
 *     if (file_read(path, limit, &bytes, &error) < 0)
 *         return error_wrap(&error, "cannot read the labels");   -> "cannot read the labels: ..."
 *
 * A message is one line: lower case, the fault first, names in single quotes, the cause last, no
 * full stop. Control characters (a newline in a file name, an escape sequence) are written as
 * \n, \t or \xNN, so that a message can never break a line or drive a terminal.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

/* Program outcomes, the same for both programs. */
enum exit_status {
    EXIT_OK = 0,      /* everything asked for was done */
    EXIT_FAILED = 1,  /* it could not be done; the message on stderr says why */
    EXIT_USAGE = 2,   /* the command line is wrong; nothing was done */
    EXIT_PARTIAL = 3  /* done, but some images were refused (or, where asked, findings exist) */
};

/* What every failing function returns unless its header names a more particular outcome. */
enum { FAILED = -1 };

struct error {
    char text[1024];
};

/* Sets the message; a message that is too long is cut. Returns FAILED, so that a function can
 * say `return error_set(error, ...)`. `error` must not be NULL. */
int error_set(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the message that is already there. Returns FAILED. */
int error_wrap(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The message for memory that could not be had. Returns FAILED. */
int error_no_memory(struct error *error);

#endif
