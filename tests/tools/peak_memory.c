/*
 * peak_memory FILE COMMAND [ARGUMENT...]
 *
 * Runs a command and writes the most memory that it ever held, in kilobytes, into FILE. Its exit
 * status is that of the command.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_RUN = 127, KILLED = 128 };

int main(int count, char **arguments)
{
    struct rusage usage;
    int status = 0;
    pid_t child;
    FILE *out;

    if (count < 3) {
        fputs("usage: peak_memory FILE COMMAND [ARGUMENT...]\n", stderr);
        return CANNOT_RUN;
    }
    child = fork();
    if (child == 0) {
        execvp(arguments[2], arguments + 2);
        perror(arguments[2]);
        _exit(CANNOT_RUN);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("peak_memory");
        return CANNOT_RUN;
    }
    out = fopen(arguments[1], "w");
    if (out == NULL || fprintf(out, "%ld\n", usage.ru_maxrss) < 0 || fclose(out) != 0) {
        perror(arguments[1]);
        return CANNOT_RUN;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED + WTERMSIG(status);
}
