#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "end-by-signal.h"
#include "places.h"

enum { START_TIMEOUT_MS = 20000, POLL_MS = 5, NO_TIMEOUT = -1, COMPLAINT_BYTES = 4096 };

extern char **environ;

bool may_wait(void) {
    const char *prompt = getenv("KUBEGUARD_PROMPT");
    return prompt == NULL || strcmp(prompt, "never") != 0;
}

bool may_ask(void) {
    if (!may_wait()) return false;
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return false;
    close(fd);
    return true;
}

unsigned standard_terminals(void) {
    unsigned terminals = 0;
    for (int fd = 0; fd <= 2; fd += 1) {
        if (isatty(fd)) terminals |= 1u << fd;
    }
    return terminals;
}

static const int held[HELD_SIGNALS] = {SIGINT, SIGQUIT, SIGCHLD};

void hold_signals(struct held_signals *kept) {
    for (int index = 0; index < HELD_SIGNALS; index += 1) {
        struct sigaction wanted = {.sa_handler = held[index] == SIGCHLD ? SIG_DFL : SIG_IGN};
        sigaction(held[index], &wanted, &kept->before[index]);
    }
}

void restore_signals(const struct held_signals *kept) {
    for (int index = 0; index < HELD_SIGNALS; index += 1) sigaction(held[index], &kept->before[index], NULL);
}

/* `fd` above the standard ones, or -1 for /dev/null. */
static void point_at(int target, int fd, int flags) {
    int source = fd >= 0 ? fd : open("/dev/null", flags);
    if (source < 0 || source == target) return;
    dup2(source, target);
    if (source > STDERR_FILENO) close(source);
}

/* In the child. Nothing that the command was given may stay open in a daemon that starts here. */
static _Noreturn void become_kubeguard(const char *launcher, char *const argv[], int errors) {
    point_at(STDIN_FILENO, -1, O_RDONLY);
    point_at(STDOUT_FILENO, -1, O_WRONLY);
    if (errors != STDERR_FILENO) point_at(STDERR_FILENO, errors, O_WRONLY);
#ifdef SYS_close_range
    (void)syscall(SYS_close_range, STDERR_FILENO + 1u, ~0u, 0u);
#endif
    execve(launcher, argv, environ);
    _exit(127);
}

static bool wait_until(pid_t child, int timeout_ms, int *status) {
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        pid_t ended = waitpid(child, status, timeout_ms == NO_TIMEOUT ? 0 : WNOHANG);
        if (ended == child) return true;
        if (ended < 0 && errno != EINTR) return false;
        if (ended != 0) continue;
        if (now_ms() >= deadline) {
            kill(child, SIGTERM);
            return false;
        }
        struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
}

/* `errors` is the descriptor for its standard error: ours, another, or -1 for none. */
static bool run_kubeguard(char *const argv[], int errors, int timeout_ms, int *status) {
    static char launcher[PATH_MAX];
    struct held_signals kept;
    if (!find_launcher(launcher, sizeof launcher)) return false;
    /* Node makes a pipe non-blocking for as long as it lives; the command must find it as it was. */
    int error_flags = fcntl(STDERR_FILENO, F_GETFL);
    pid_t parent = getpid();
    hold_signals(&kept);
    pid_t child = fork();
    if (child == 0) {
        restore_signals(&kept);
        /* A child that asks must not outlive the command it asks for. */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(127);
        become_kubeguard(launcher, argv, errors);
    }
    bool ended = child > 0 && wait_until(child, timeout_ms, status);
    restore_signals(&kept);
    if (error_flags >= 0) fcntl(STDERR_FILENO, F_SETFL, error_flags);
    return ended;
}

int start_daemon(struct bytes *complaint) {
    static uint8_t said[COMPLAINT_BYTES];
    char *const argv[] = {"kubeguard", "daemon", "start", NULL};
    int status = 0;
    /* Memory, not a pipe: whatever it says, nobody has to read along. */
    int errors = above_standard(memfd_create("kubeguard", MFD_CLOEXEC));
    bool ended = run_kubeguard(argv, errors, START_TIMEOUT_MS, &status);
    ssize_t length = errors < 0 ? 0 : pread(errors, said, sizeof said, 0);
    if (errors >= 0) close(errors);
    *complaint = (struct bytes){.at = said, .length = length < 0 ? 0 : (size_t)length};
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int run_unlock(const char *policy, enum child_errors errors) {
    char *const argv[] = {"kubeguard", "unlock", "--for-command", (char *)(uintptr_t)policy, NULL};
    int status = 0;
    int said = STDERR_FILENO;
    if (errors == ERRORS_TO_TERMINAL) said = above_standard(open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC));
    bool ended = run_kubeguard(argv, said, NO_TIMEOUT, &status);
    if (said > STDERR_FILENO) close(said);
    if (!ended) return 127;
    if (WIFSIGNALED(status)) end_by_signal(WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
