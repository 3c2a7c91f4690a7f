#define _GNU_SOURCE
#include "become.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "protocol.h"
#include "say.h"

extern char **environ;

/* A script without a first line `#!` is for the shell, as execvp(3) has it. */
static void run_as_script(char *program, int argc, char *argv[]) {
    static char *with_shell[KG_LIMIT_FIELDS_PER_MESSAGE + 2];
    with_shell[0] = "/bin/sh";
    with_shell[1] = program;
    memcpy(with_shell + 2, argv + 1, (size_t)argc * sizeof argv[0]);
    execve(with_shell[0], with_shell, environ);
}

_Noreturn void become_program(char *path, int argc, char *argv[]) {
    execve(path, argv, environ);
    if (errno == ENOEXEC) run_as_script(path, argc, argv);
    if (errno == E2BIG) fail(126, "the command line and the environment are too long together", "shorten them");
    fail_about(errno == ENOENT ? 127 : 126, path, " can’t be run", KG_CURE_PROGRAM_MISSING);
}
