#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "protocol.h"
#include "say.h"

extern char **environ;

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

static bool add_variable(uint8_t tag, const char *name, size_t most) {
    const char *value = getenv(name);
    return value == NULL || request_add_text(tag, value, most);
}

/* A removed working directory is named "... (deleted)": absolute, and nothing is found below it. */
static bool add_cwd(void) {
    static char cwd[PATH_MAX];
    if (getcwd(cwd, sizeof cwd) == NULL || cwd[0] != '/') {
        ssize_t length = readlink("/proc/self/cwd", cwd, sizeof cwd - 1);
        cwd[length < 0 ? 0 : length] = '\0';
    }
    return request_add_text(KG_GATE_CHECK_CWD, cwd[0] == '/' ? cwd : "/", KG_GATE_CHECK_CWD_MAX);
}

struct command_line {
    int argc;
    char **argv;
};

static void begin_question(const void *what, struct so_far so_far) {
    const struct command_line *line = what;
    request_begin(KG_GATE_CHECK);
    bool fits = true;
    for (int index = 0; index < line->argc; index += 1) {
        fits = fits && request_add_text(KG_GATE_CHECK_ARGV, line->argv[index], KG_GATE_CHECK_ARGV_MAX);
    }
    fits = fits && add_cwd();
    fits = fits && add_variable(KG_GATE_CHECK_PATH, "PATH", KG_GATE_CHECK_PATH_MAX);
    fits = fits && add_variable(KG_GATE_CHECK_HOME, "HOME", KG_GATE_CHECK_HOME_MAX);
    fits = fits && add_variable(KG_GATE_CHECK_KUBECONFIG, "KUBECONFIG", KG_GATE_CHECK_KUBECONFIG_MAX);
    fits = fits && add_variable(KG_GATE_CHECK_KUBERC, "KUBERC", KG_GATE_CHECK_KUBERC_MAX);
    bool in_cluster = is_set("KUBERNETES_SERVICE_HOST") && is_set("KUBERNETES_SERVICE_PORT");
    fits = fits && request_add_flag(KG_GATE_CHECK_IN_CLUSTER, in_cluster);
    fits = fits && request_add_uint(KG_GATE_CHECK_TTYS, standard_terminals());
    fits = fits && request_add_flag(KG_GATE_CHECK_MAY_ASK, may_ask());
    fits = fits && request_add_flag(KG_GATE_CHECK_ASKED, so_far.asked);
    fits = fits && request_add_flag(KG_GATE_CHECK_MAY_WAIT, may_wait());
    fits = fits && request_add_flag(KG_GATE_CHECK_WAITS, so_far.waits);
    if (!fits) {
        fail(KG_EXIT_USAGE, "the command line is too long for kubeguard", "pass less at once, such as with xargs");
    }
}

/* A script without a first line `#!` is for the shell, as execvp(3) has it. */
static void run_as_script(char *program, int argc, char *argv[]) {
    static char *with_shell[KG_LIMIT_FIELDS_PER_MESSAGE + 2];
    with_shell[0] = "/bin/sh";
    with_shell[1] = program;
    memcpy(with_shell + 2, argv + 1, (size_t)argc * sizeof argv[0]);
    execve(with_shell[0], with_shell, environ);
}

static _Noreturn void become_program(struct bytes program, int argc, char *argv[]) {
    static char path[PATH_MAX];
    if (program.at == NULL || program.length >= sizeof path || program.length == 0 || program.at[0] != '/' ||
        memchr(program.at, '\0', program.length) != NULL) {
        fail_exchange(EXCHANGE_UNREADABLE);
    }
    memcpy(path, program.at, program.length);
    path[program.length] = '\0';
    execve(path, argv, environ);
    if (errno == ENOEXEC) run_as_script(path, argc, argv);
    if (errno == E2BIG) fail(126, "the command line and the environment are too long together", "shorten them");
    fail_about(errno == ENOENT ? 127 : 126, path, " can’t be run", KG_CURE_PROGRAM_MISSING);
}

int run_shim(int argc, char *argv[]) {
    static const uint32_t limits[] = KG_GATE_CHECK_REPLY_LIMITS;
    static const struct reply_form form = {KG_GATE_CHECK_REPLY, KG_GATE_CHECK_REPLY_TAGS, limits};
    const struct command_line line = {.argc = argc, .argv = argv};
    struct bytes fields[REPLY_TAGS];
    for (bool asked = false;; asked = true) {
        if (ask_daemon(&form, begin_question, &line, asked, fields)) {
            become_program(fields[KG_GATE_CHECK_REPLY_PROGRAM], argc, argv);
        }
        if (asked) fail(KG_EXIT_LOCKED, "still locked after the unlock", KG_CURE_LOCKED);
        int code = run_unlock(challenged_policy(fields), ERRORS_TO_OURS);
        if (code != 0) return code;
    }
}
