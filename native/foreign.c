#define _GNU_SOURCE
#include "foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "end-by-signal.h"
#include "places.h"
#include "protocol.h"
#include "say.h"

enum {
    MOST_OUTPUT = 1024 * 1024, /* a certificate chain and its key are some kilobytes */
    MOST_ERRORS = 64 * 1024,
    LOOK_EVERY_MS = 20,
    GRACE_MS = 2000,
    DRAIN_MS = 200,
    MOST_STRINGS = KG_LIMIT_FIELDS_PER_MESSAGE + 1,
};

extern char **environ;

/* Cuts at each NUL. Returns how many there are, or 0 where they are too many, or the last one is not ended. */
static size_t cut(struct bytes texts, char *out[], size_t most) {
    size_t count = 0;
    if (texts.length == 0 || texts.at[texts.length - 1] != '\0') return 0;
    for (size_t at = 0; at < texts.length; count += 1) {
        if (count == most) return 0;
        out[count] = (char *)(uintptr_t)(texts.at + at);
        at += strlen(out[count]) + 1;
    }
    return count;
}

static bool same_name(const char *one, const char *other) {
    const char *end = strchr(one, '=');
    return end != NULL && strncmp(one, other, (size_t)(end - one) + 1) == 0;
}

/* Ours, but for the variables that it is given. */
static char **environment_for(struct bytes given) {
    static char *variables[2 * MOST_STRINGS + 1];
    size_t own = cut(given, variables, MOST_STRINGS);
    size_t count = own;
    for (char **ours = environ; *ours != NULL && count < 2 * MOST_STRINGS; ours += 1) {
        bool replaced = false;
        for (size_t index = 0; index < own && !replaced; index += 1) replaced = same_name(variables[index], *ours);
        if (!replaced) variables[count++] = *ours;
    }
    variables[count] = NULL;
    return variables;
}

static bool is_program(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode) && (facts.st_mode & 0111) != 0;
}

static const char *value_of(char *const variables[], const char *name) {
    size_t length = strlen(name);
    for (; *variables != NULL; variables += 1) {
        if (strncmp(*variables, name, length) == 0 && (*variables)[length] == '=') return *variables + length + 1;
    }
    return NULL;
}

/* As Go's exec.LookPath, which client-go finds it by, in our PATH: what lies in the working directory is not taken. */
static bool find_program(struct bytes name, char path[PATH_MAX]) {
    if (name.length >= PATH_MAX || memchr(name.at, '\0', name.length) != NULL) return false;
    if (memchr(name.at, '/', name.length) != NULL) {
        memcpy(path, name.at, name.length);
        path[name.length] = '\0';
        return is_program(path);
    }
    const char *folder = value_of(environ, "PATH");
    while (folder != NULL && *folder != '\0') {
        const char *end = strchr(folder, ':');
        size_t length = end == NULL ? strlen(folder) : (size_t)(end - folder);
        if (folder[0] == '/' && length + 1 + name.length < PATH_MAX) {
            memcpy(path, folder, length);
            path[length] = '/';
            memcpy(path + length + 1, name.at, name.length);
            path[length + 1 + name.length] = '\0';
            if (is_program(path)) return true;
        }
        folder = end == NULL ? NULL : end + 1;
    }
    return false;
}

struct pipe_ends {
    int read;
    int write;
};

static struct pipe_ends open_pipe(void) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail(1, "no pipe can be made", KG_CURE_TICKET_REFUSED);
    return (struct pipe_ends){.read = above_standard(ends[0]), .write = above_standard(ends[1])};
}

struct started {
    pid_t child;
    int output;
    int errors; /* -1: it has ours */
};

static struct started start(const struct foreign_run *run, const char *path, char *argv[],
                            const struct held_signals *kept) {
    char **variables = environment_for(run->environment);
    struct pipe_ends output = open_pipe();
    struct pipe_ends errors = run->interactive ? (struct pipe_ends){-1, -1} : open_pipe();
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        restore_signals(kept);
        /* It must not outlive who is to hand on what it gives. */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(127);
        if (!run->interactive) {
            int nothing = above_standard(open("/dev/null", O_RDONLY | O_CLOEXEC));
            dup2(nothing, STDIN_FILENO);
            dup2(errors.write, STDERR_FILENO);
        }
        dup2(output.write, STDOUT_FILENO);
        execve(path, argv, variables);
        _exit(126);
    }
    close(output.write);
    if (errors.write >= 0) close(errors.write);
    if (child < 0) fail(1, "no process can be started", KG_CURE_TICKET_REFUSED);
    return (struct started){.child = child, .output = output.read, .errors = errors.read};
}

static uint8_t output[MOST_OUTPUT + 1];

/* Returns false when there is no more. */
static bool take_output(int fd, size_t *length) {
    ssize_t count = read(fd, output + *length, sizeof output - *length);
    if (count > 0) *length += (size_t)count;
    return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

/* The first of it is shown, the rest is read so that it can go on. */
static bool pass_errors(int fd, size_t *shown) {
    static uint8_t piece[4096];
    static const char rest[] = "\nkubeguard: the rest of what it says is left out\n";
    ssize_t count = read(fd, piece, sizeof piece);
    if (count <= 0) return count < 0 && (errno == EINTR || errno == EAGAIN);
    size_t length = (size_t)count;
    bool was_full = *shown == MOST_ERRORS;
    if (length > MOST_ERRORS - *shown) length = MOST_ERRORS - *shown;
    for (size_t at = 0; at < length;) {
        ssize_t written = write(STDERR_FILENO, piece + at, length - at);
        if (written > 0) at += (size_t)written;
        else if (!may_write_on(STDERR_FILENO)) break;
    }
    *shown += length;
    if (!was_full && *shown == MOST_ERRORS && write(STDERR_FILENO, rest, sizeof rest - 1) < 0) return true;
    return true;
}

static bool has_ended(pid_t child, int *status) {
    return waitpid(child, status, WNOHANG) == child;
}

/* TERM, so that it gives a terminal its echo back; then KILL. */
static void end_child(pid_t child, int *status) {
    int64_t deadline = now_ms() + GRACE_MS;
    kill(child, SIGTERM);
    kill(child, SIGCONT);
    while (now_ms() < deadline) {
        if (has_ended(child, status)) return;
        poll(NULL, 0, LOOK_EVERY_MS);
    }
    kill(child, SIGKILL);
    while (waitpid(child, status, 0) < 0 && errno == EINTR) continue;
}

enum { OUTPUT, ERRORS, KEEPER, SOURCES };

static int64_t earlier(int64_t one, int64_t other) {
    return one < other ? one : other;
}

/*
 * Reads until it has ended and its pipes are empty. What it left running may hold them open: that is not waited for.
 * Returns what is wrong, or NULL.
 */
static const char *watch(struct started *it, int keeper, uint64_t limit_ms, size_t *length, int *status) {
    struct pollfd sources[SOURCES] = {
        [OUTPUT] = {.fd = it->output, .events = POLLIN},
        [ERRORS] = {.fd = it->errors, .events = POLLIN},
        [KEEPER] = {.fd = keeper, .events = POLLIN | POLLRDHUP},
    };
    int64_t deadline = now_ms() + (int64_t)limit_ms;
    size_t shown = 0;
    bool ended = false;
    for (;;) {
        bool silent = sources[OUTPUT].fd < 0 && sources[ERRORS].fd < 0;
        int ready = poll(sources, SOURCES, ended ? 0 : silent ? 1 : LOOK_EVERY_MS);
        if (ready > 0) {
            if (sources[OUTPUT].revents != 0 && !take_output(it->output, length)) sources[OUTPUT].fd = -1;
            if (sources[ERRORS].revents != 0 && !pass_errors(it->errors, &shown)) sources[ERRORS].fd = -1;
            if (sources[KEEPER].revents != 0) return "gone";
        }
        if (*length > MOST_OUTPUT) return "endless";
        if (ended && (ready <= 0 || (sources[OUTPUT].fd < 0 && sources[ERRORS].fd < 0))) return NULL;
        if (now_ms() >= deadline) return ended ? NULL : "late";
        if (ended || !has_ended(it->child, status)) continue;
        ended = true;
        deadline = earlier(deadline, now_ms() + DRAIN_MS);
    }
}

/*
 * What a person or the client's end has broken off says nothing about the plugin: we go the same way, and whoever
 * waits has the turn.
 */
static void leave_with(pid_t client, int status) {
    static const int broken_off[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    for (size_t index = 0; index < sizeof broken_off / sizeof broken_off[0]; index += 1) {
        if (WIFSIGNALED(status) && WTERMSIG(status) == broken_off[index]) end_by_signal(broken_off[index]);
    }
    if (getppid() != client) _exit(KG_EXIT_TICKET_REFUSED);
}

void run_foreign(struct foreign_run *run, int keeper) {
    static char path[PATH_MAX];
    static char *argv[MOST_STRINGS + 1];
    size_t count = cut(run->argv, argv, MOST_STRINGS);
    argv[count] = NULL;
    run->output = (struct bytes){.at = output, .length = 0};
    run->outcome = "missing";
    run->code = 0;
    if (count == 0 || !find_program(run->program, path)) return;
    int status = 0;
    pid_t client = getppid();
    struct held_signals kept;
    hold_signals(&kept);
    struct started it = start(run, path, argv, &kept);
    const char *wrong = watch(&it, keeper, run->limit_ms, &run->output.length, &status);
    if (wrong != NULL) end_child(it.child, &status);
    restore_signals(&kept);
    if (wrong == NULL) leave_with(client, status);
    run->keeper_gone = wrong != NULL && strcmp(wrong, "gone") == 0;
    run->outcome = wrong != NULL ? wrong : WIFSIGNALED(status) ? "killed" : "exited";
    if (wrong == NULL) run->code = (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    else run->code = run->limit_ms;
    if (wrong != NULL) run->output.length = 0;
}
