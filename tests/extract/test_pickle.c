/*
 * Pickles as data: every opcode that is read, and programs that are damaged, hostile or ask for
 * more than they may. The expected values are written as text: see print_value.
 */
#include "extract/formats/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/helpers.h"

static const struct pickle_global globals[] = {
    {"collections.OrderedDict", PICKLE_DICTIONARY},
    {"torch.Size", PICKLE_CALL},
    {0},
};

enum { MAX_DEPTH = 8 };

/* 1, 'text', None, (a, b), [a, b], {k: v}, <name>, name(a, b), @identity; ... where it is deep */
static void print_value(const struct pickle_value *value, int depth, FILE *out)
{
    static const char *const open[] = {"", "", "", "(", "[", "{", "", "(", "@"};
    static const char *const close[] = {"", "", "", ")", "]", "}", "", ")", ""};

    if (depth == MAX_DEPTH) {
        fputs("...", out);
        return;
    }
    if (value->kind == PICKLE_NOTHING)
        fputs("None", out);
    if (value->kind == PICKLE_INTEGER)
        fprintf(out, "%lld", (long long)value->integer);
    if (value->kind == PICKLE_TEXT)
        fprintf(out, "'%.*s'", (int)value->text.size, (const char *)value->text.data);
    if (value->kind == PICKLE_GLOBAL)
        fprintf(out, "<%s>", value->global->name);
    if (value->kind == PICKLE_CALL)
        fputs(value->global->name, out);
    fputs(open[value->kind], out);
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0)
            fputs(value->kind == PICKLE_DICTIONARY && i % 2 == 1 ? ": " : ", ", out);
        print_value(value->items[i], depth + 1, out);
    }
    fputs(close[value->kind], out);
}

/* The value as text, or the message; to be released with free(). */
static char *read_program(const char *program, size_t size)
{
    struct pickle pickle = {.globals = globals};
    /* On the heap, so that the sanitizer sees a read behind its end. */
    unsigned char *copy = malloc(size + 1);
    struct cursor cursor;
    const struct pickle_value *value;
    struct error error = {""};
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(copy);
    assert_non_null(out);
    copy = realloc(memcpy(copy, program, size), size > 0 ? size : 1);
    cursor = cursor_from((struct bytes){copy, size});
    if (pickle_read(&pickle, &cursor, &value, &error) < 0)
        fprintf(out, "error: %s", error.text);
    else
        print_value(value, 0, out);
    fclose(out);
    pickle_release(&pickle);
    free(copy);
    return text;
}

struct program {
    const char *code;
    size_t size;
    const char *value;
};

/* Literals end in their own NUL, which is none of the code. */
#define PROGRAM(code, value) {code, sizeof code - 1, value}
#define DAMAGED "error: its pickle is damaged"
#define HINT \
    ", and only tensors and containers are read: nothing was run (a state dictionary can be " \
    "read, as torch.save(network.state_dict(), FILE) writes it)"

static const struct program programs[] = {
    PROGRAM("\x80\2N.", "None"),
    PROGRAM("\x88.", "1"),
    PROGRAM("\x89.", "0"),
    PROGRAM("J\xff\xff\xff\xff.", "-1"),
    PROGRAM("K\xff.", "255"),
    PROGRAM("M\xe9\3.", "1001"),
    PROGRAM("\x8a\0.", "0"),
    PROGRAM("\x8a\1\xff.", "-1"),
    PROGRAM("\x8a\2\xff\0.", "255"),
    PROGRAM("\x8a\x08\0\0\0\0\0\0\0\x80.", "-9223372036854775808"),
    PROGRAM("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "None"),
    PROGRAM("\x8b\2\0\0\0\0\1.", "256"),
    PROGRAM("G\0\0\0\0\0\0\0\0.", "None"),
    PROGRAM("X\2\0\0\0ab.", "'ab'"),
    PROGRAM("U\2ab.", "'ab'"),
    PROGRAM("\x8c\2ab.", "'ab'"),
    PROGRAM("\x8d\2\0\0\0\0\0\0\0ab.", "'ab'"),
    PROGRAM("C\2ab.", "None"),
    PROGRAM(").", "()"),
    PROGRAM("K\1\x85.", "(1)"),
    PROGRAM("K\1K\2\x86.", "(1, 2)"),
    PROGRAM("K\1K\2K\3\x87.", "(1, 2, 3)"),
    PROGRAM("(K\1K\2K\3K\4t.", "(1, 2, 3, 4)"),
    PROGRAM("].", "[]"),
    PROGRAM("]K\1aK\2a.", "[1, 2]"),
    PROGRAM("](K\1K\2e.", "[1, 2]"),
    PROGRAM("(K\1K\2l.", "[1, 2]"),
    PROGRAM("}.", "{}"),
    PROGRAM("}U\1aK\1s.", "{'a': 1}"),
    PROGRAM("}(U\1aK\1U\1bK\2u.", "{'a': 1, 'b': 2}"),
    PROGRAM("\x8f(K\1\x90.", "[1]"),
    PROGRAM("(K\1\x91.", "[1]"),
    PROGRAM("K\1K\0020.", "1"),
    PROGRAM("K\1(K\2K\0031.", "1"),
    PROGRAM("K\0012\x86.", "(1, 1)"),
    PROGRAM("U\1aq\0h\0h\0\x87.", "('a', 'a', 'a')"),
    PROGRAM("U\1ar\0\1\0\0j\0\1\0\0\x86.", "('a', 'a')"),
    PROGRAM("\x80\4\x95\x09\0\0\0\0\0\0\0\x8c\1a\x94h\0\x86.", "('a', 'a')"),
    PROGRAM("ctorch\nSize\n.", "<torch.Size>"),
    PROGRAM("\x8c\5torch\x8c\4Size\x93.", "<torch.Size>"),
    PROGRAM("ctorch\nSize\nK\1K\2\x86\x85R.", "torch.Size((1, 2))"),
    PROGRAM("ctorch\nSize\n)\x81.", "torch.Size()"),
    PROGRAM("ctorch\nSize\n)R}b.", "torch.Size()"),
    PROGRAM("ctorch\nSize\n)R(K\1e.", "torch.Size()"),
    PROGRAM("ccollections\nOrderedDict\n)R(U\1aK\1u.", "{'a': 1}"),
    PROGRAM("ccollections\nOrderedDict\n](U\1aK\1\x86" "e\x85R.", "{'a': 1}"),
    PROGRAM("U\1aQ.", "@'a'"),
    /* A list in itself. */
    PROGRAM("]q\0h\0a.", "[[[[[[[[...]]]]]]]]"),

    PROGRAM("cos\nsystem\nU\4trueR.", "error: its pickle asks for 'os.system'" HINT),
    PROGRAM("\x8c\2os\x8c\6system\x93.", "error: its pickle asks for 'os.system'" HINT),
    PROGRAM("c__builtin__\neval\n.", "error: its pickle asks for '__builtin__.eval'" HINT),
    PROGRAM("ctorch\nSiz\n.", "error: its pickle asks for 'torch.Siz'" HINT),
    PROGRAM("ctorch.Size\n\n.", "error: its pickle asks for 'torch.Size.'" HINT),
    PROGRAM("(U\4trueios\nsystem\n.", "error: its pickle has the opcode 0x69, which is not "
            "supported"),
    PROGRAM("\x82\1.", "error: its pickle has the opcode 0x82, which is not supported"),
    PROGRAM("", DAMAGED),
    PROGRAM(".", DAMAGED),
    PROGRAM("K\1K\2.", DAMAGED),
    PROGRAM("(K\1.", DAMAGED),
    PROGRAM("K\1", DAMAGED),
    PROGRAM("0.", DAMAGED),
    PROGRAM("1.", DAMAGED),
    PROGRAM("2.", DAMAGED),
    PROGRAM("t.", DAMAGED),
    PROGRAM("K\1(0.", DAMAGED),
    PROGRAM("K\1(a.", DAMAGED),
    PROGRAM("K\1a.", DAMAGED),
    PROGRAM("](K\1K\2u0.", DAMAGED),
    PROGRAM("}(K\1u.", DAMAGED),
    PROGRAM("K\1\x86.", DAMAGED),
    PROGRAM("K\1(K\2\x86.", DAMAGED),
    PROGRAM("h\0.", DAMAGED),
    PROGRAM("q\0.", DAMAGED),
    PROGRAM("K\1r\xff\xff\xff\xff.", DAMAGED),
    PROGRAM("K\1R.", DAMAGED),
    PROGRAM("K\1)R.", DAMAGED),
    PROGRAM("ctorch\nSize\nK\1R.", DAMAGED),
    PROGRAM("ctorch\nSize", DAMAGED),
    PROGRAM("K\1U\1a\x93.", DAMAGED),
    PROGRAM("Q.", DAMAGED),
    PROGRAM("ccollections\nOrderedDict\n](K\1\x85" "e\x85R.", DAMAGED),
    PROGRAM("X\xff\xff\xff\xff" "a.", DAMAGED),
    PROGRAM("\x8d\xff\xff\xff\xff\xff\xff\xff\x7f" "a.", DAMAGED),
    PROGRAM("\x8e\0\0\0\0\0\0\0\x80" "a.", DAMAGED),
    PROGRAM("\x8b\xff\xff\xff\xff.", DAMAGED),
};

/* A program that reaches behind a container's mark gets no further than that. */
static void test_programs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        char *value = read_program(programs[i].code, programs[i].size);

        if (strcmp(value, programs[i].value) != 0 &&
            !(strcmp(programs[i].value, DAMAGED) == 0 && strstr(value, DAMAGED) != NULL))
            fail_msg("program %zu gives %s, not %s", i, value, programs[i].value);
        free(value);
    }
}

static void test_cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        for (size_t size = 0; size < programs[i].size; size++) {
            char *value = read_program(programs[i].code, size);

            if (strncmp(value, "error: ", 7) != 0)
                fail_msg("the first %zu bytes of program %zu give %s", size, i, value);
            free(value);
        }
}

/* Repeats `piece` after `start`, then the end. */
static char *read_repeated(const char *start, const char *piece, size_t times, const char *end)
{
    size_t length = strlen(piece), size = strlen(start) + times * length + strlen(end);
    char *program = malloc(size + 1), *at = program, *value;

    assert_non_null(program);
    at = stpcpy(at, start);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, piece);
    strcpy(at, end);
    value = read_program(program, size);
    free(program);
    return value;
}

/* Deep nesting is no recursion here; too much of anything is refused. */
static void test_too_much(void **state)
{
    static const struct {
        const char *start, *piece;
        size_t times;
        const char *end, *value;
    } cases[] = {
        {"]", "]", 100000, "", "error: its pickle is damaged"},
        {"N", "\x85", 1000000, ".", "(((((((("},
        {"N", "\x85", 3000000, ".", "error: its pickle has more than 2097152 values"},
        {"", "(", 3000000, ".", "error: its pickle has more than 2097152 values"},
        {"N", "2", 3000000, ".", "error: its pickle is damaged"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *value = read_repeated(cases[i].start, cases[i].piece, cases[i].times, cases[i].end);

        if (strncmp(value, cases[i].value, strlen(cases[i].value)) != 0)
            fail_msg("case %zu gives %.100s", i, value);
        free(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_too_much),
    };

    return cmocka_run_group_tests_name("pickles", tests, NULL, NULL);
}
