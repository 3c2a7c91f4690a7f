#define _GNU_SOURCE
#include "shim.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "become.h"
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

/* A path that the gate named, which must be absolute. */
static char *read_path(struct bytes given, char path[PATH_MAX]) {
    if (given.at == NULL || given.length >= PATH_MAX || given.length == 0 || given.at[0] != '/' ||
        memchr(given.at, '\0', given.length) != NULL) {
        fail_exchange(EXCHANGE_UNREADABLE);
    }
    memcpy(path, given.at, given.length);
    path[given.length] = '\0';
    return path;
}

/*
 * An interactive stream on a terminal: a program of ours stays between the two (native/supervisor). Comes back where
 * it can't be started; the stream runs without it then.
 */
static void become_supervisor(char *supervisor, char *program, int argc, char *argv[]) {
    static char *arguments[KG_LIMIT_FIELDS_PER_MESSAGE + 3];
    arguments[0] = supervisor;
    arguments[1] = program;
    memcpy(arguments + 2, argv, ((size_t)argc + 1) * sizeof argv[0]);
    execve(supervisor, arguments, environ);
}

/* As the gate has allowed it. */
static _Noreturn void go_on(const struct bytes fields[REPLY_TAGS], int argc, char *argv[]) {
    static char path[PATH_MAX];
    static char between[PATH_MAX];
    char *program = read_path(fields[KG_GATE_CHECK_REPLY_PROGRAM], path);
    struct bytes supervisor = fields[KG_GATE_CHECK_REPLY_SUPERVISOR];
    if (supervisor.at != NULL) become_supervisor(read_path(supervisor, between), program, argc, argv);
    become_program(program, argc, argv);
}

int run_shim(int argc, char *argv[]) {
    static const uint32_t limits[] = KG_GATE_CHECK_REPLY_LIMITS;
    static const struct reply_form form = {KG_GATE_CHECK_REPLY, KG_GATE_CHECK_REPLY_TAGS, limits};
    const struct command_line line = {.argc = argc, .argv = argv};
    struct bytes fields[REPLY_TAGS];
    for (bool asked = false;; asked = true) {
        if (ask_daemon(&form, begin_question, &line, asked, fields)) go_on(fields, argc, argv);
        if (asked) fail(KG_EXIT_LOCKED, "still locked after the unlock", KG_CURE_LOCKED);
        int code = run_unlock(challenged_policy(fields), ERRORS_TO_OURS);
        if (code != 0) return code;
    }
}
