/* bottleneck-classify: trains and evaluates a linear classifier on cached vectors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classify/command.h"
#include "common/memory.h"
#include "common/version.h"

#define PROGRAM "bottleneck-classify"

static const struct command *const commands[] = {
    &command_evaluate, &command_compare, &command_curve,  &command_audit, &command_train,
    &command_predict,  &command_list,    &command_export, &command_experiments,
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(void)
{
    printf("usage: %s COMMAND [options]\n\n"
           "Trains and evaluates a linear support vector machine on the vectors that\n"
           "bottleneck-extract has cached in a database.\n\n", PROGRAM);
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-11s  %s\n", commands[i]->name, commands[i]->summary);
    printf("\n'%s COMMAND --help' explains a command; --version prints the version.\n\n"
           "  bottleneck-extract --network squeezenet1.1.onnx --split train photos/train\n"
           "  %s evaluate -C auto\n"
           "  %s audit\n"
           "  %s train -o mine.model\n"
           "  bottleneck-extract --network squeezenet1.1.onnx --split new new/\n"
           "  %s predict mine.model --split new\n\n"
           "exit status: 0 all well, 1 failed, 2 wrong usage, 3 done but some paths have no "
           "vectors,\nor with 'audit --strict' something was found\n", PROGRAM, PROGRAM, PROGRAM,
           PROGRAM, PROGRAM);
}

static void print_command_help(const struct command *command)
{
    printf("usage: %s %s [options]%s%s\n\n%s\n", PROGRAM, command->name,
           *command->operands != '\0' ? " " : "", command->operands, command->details);
    options_print(command->options, stdout);
}

static enum exit_status fail(enum exit_status status, const struct error *error)
{
    fprintf(stderr, "%s: %s\n", PROGRAM, error->text);
    return status;
}

static enum exit_status fail_usage(const struct command *command, struct error *error)
{
    if (command != NULL)
        fprintf(stderr, "%s %s: %s; see '%s %s --help'\n", PROGRAM, command->name, error->text,
                PROGRAM, command->name);
    else
        fprintf(stderr, "%s: %s; see '%s --help'\n", PROGRAM, error->text, PROGRAM);
    return EXIT_USAGE;
}

/* What was printed must have arrived: a full disk is a failure. */
static enum exit_status finish(enum exit_status status)
{
    struct error error;

    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    error_set(&error, "cannot write the result: %s", strerror(errno));
    return fail(EXIT_FAILED, &error);
}

static enum exit_status run_command(const struct command *command, void *settings,
                                    const struct text_list *operands)
{
    const struct command_streams streams = {.out = stdout, .notes = stderr};
    struct error error;
    int outcome;

    if (operands->count > command->most_operands) {
        error_set(&error, "'%s' is one argument too many", operands->items[command->most_operands]);
        return fail_usage(command, &error);
    }
    outcome = command->run(settings, operands, &streams, &error);
    if (outcome == COMMAND_USAGE)
        return fail_usage(command, &error);
    if (outcome < 0)
        return fail(EXIT_FAILED, &error);
    return finish((enum exit_status)outcome);
}

static enum exit_status start_command(const struct command *command, int count, char **arguments)
{
    struct text_list operands = {0};
    enum exit_status status;
    struct error error;
    void *settings = memory_allocate(1, command->settings_size, &error);

    if (settings == NULL)
        return fail(EXIT_FAILED, &error);
    switch (command_parse(command, count, arguments, settings, &operands, &error)) {
    case 0:
        status = run_command(command, settings, &operands);
        break;
    case OPTIONS_HELP:
        print_command_help(command);
        status = finish(EXIT_OK);
        break;
    default:
        status = fail_usage(command, &error);
        break;
    }
    text_list_release(&operands);
    command_settings_release(command, settings);
    free(settings);
    return status;
}

int main(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : NULL;
    struct error error;

    if (name != NULL && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) {
        print_help();
        return finish(EXIT_OK);
    }
    if (name != NULL && strcmp(name, "--version") == 0) {
        printf("%s %s\n", PROGRAM, BOTTLENECK_VERSION);
        return finish(EXIT_OK);
    }
    for (size_t i = 0; name != NULL && i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return start_command(commands[i], count - 2, arguments + 2);
    if (name == NULL)
        error_set(&error, "no command given");
    else
        error_set(&error, "there is no command '%s'", name);
    return fail_usage(NULL, &error);
}
