#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "places.h"

/* The status file has a limit of its own (src/domain/shell-status.ts). */
enum { STATUS_BYTES = 256 * 1024, SHELL = 0, FILES, DAEMON, DEADLINE, WAITED };

struct watch {
    const char *state;
    char run[PATH_MAX];
    struct pollfd waited[WAITED];
    int lock_watch;
    int run_watch;
    /* What was read last: whose it is, the last notice, the states, the earliest end of an open session. */
    long pid;
    unsigned long long start;
    uint64_t news;
    long ends;
    bool signals;
    bool swept;
};

static char text[STATUS_BYTES];

/* Reads a file of ours into `text`. */
static bool read_own(const char *path) {
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    struct stat facts;
    ssize_t length = -1;
    if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_uid == getuid()) {
        length = read(fd, text, sizeof text - 1);
    }
    close(fd);
    if (length <= 0) return false;
    text[length] = '\0';
    return true;
}

/* The daemon's lock file names its socket; the status file lies beside that. Empty while no daemon runs. */
static void find_run_folder(struct watch *watch) {
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/daemon.lock", watch->state) >= sizeof path) return;
    /* It is never removed, so it is waited for once. */
    if (watch->lock_watch < 0) watch->lock_watch = inotify_add_watch(watch->waited[FILES].fd, path, IN_MODIFY);
    if (watch->lock_watch < 0) inotify_add_watch(watch->waited[FILES].fd, watch->state, IN_CREATE | IN_ONLYDIR);
    if (!read_own(path)) return;
    char *slash = strrchr(text, '/');
    if (text[0] != '/' || slash == text || (size_t)(slash - text) >= sizeof watch->run) return;
    *slash = '\0';
    if (strcmp(watch->run, text) == 0 && watch->run_watch >= 0) return;
    if (watch->run_watch >= 0) inotify_rm_watch(watch->waited[FILES].fd, watch->run_watch);
    strcpy(watch->run, text);
    watch->run_watch = inotify_add_watch(watch->waited[FILES].fd, watch->run, IN_MOVED_TO | IN_ONLYDIR);
}

/* A pid is used again; one with its start time (field 22 of /proc/PID/stat) is not. */
static bool has_started(long pid, unsigned long long start) {
    char path[64];
    char stat_text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t length = read(fd, stat_text, sizeof stat_text - 1);
    close(fd);
    if (length <= 0) return false;
    stat_text[length] = '\0';
    char *field = strrchr(stat_text, ')');
    for (int number = 2; field != NULL && number < 22; number += 1) field = strchr(field + 1, ' ');
    return field != NULL && strtoull(field, NULL, 10) == start;
}

static void follow_daemon(struct watch *watch, long pid, unsigned long long start) {
    if (pid == watch->pid && start == watch->start) return;
    if (watch->waited[DAEMON].fd >= 0) close(watch->waited[DAEMON].fd);
    watch->pid = pid;
    watch->start = start;
    watch->swept = false;
    watch->waited[DAEMON].fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (watch->waited[DAEMON].fd >= 0 && !has_started(pid, start)) {
        close(watch->waited[DAEMON].fd);
        watch->waited[DAEMON].fd = -1;
    }
}

/* FNV-1a, over the lines that a person is told of: states and notices, not the times. */
static void add_news(uint64_t *news, const char *line, size_t length) {
    for (size_t at = 0; at < length; at += 1) *news = (*news ^ (unsigned char)line[at]) * 0x100000001b3;
}

/* Returns whether there is news. */
static bool read_status(struct watch *watch) {
    char path[PATH_MAX + sizeof "/status"];
    snprintf(path, sizeof path, "%s/status", watch->run);
    if (watch->run[0] == '\0' || !read_own(path)) return false;
    long pid;
    unsigned long long start;
    if (sscanf(text, "kubeguard 1 %ld %llu", &pid, &start) != 2) return false;
    follow_daemon(watch, pid, start);
    uint64_t news = 0xcbf29ce484222325;
    watch->ends = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char policy[64];
        char state[16];
        long ends;
        if (sscanf(line, "session %63s %15s %ld", policy, state, &ends) == 3) {
            add_news(&news, policy, strlen(policy));
            add_news(&news, state, strlen(state));
            if (strcmp(state, "unlocked") == 0 && (watch->ends == 0 || ends < watch->ends)) watch->ends = ends;
        } else if (strncmp(line, "notice ", 7) == 0) {
            add_news(&news, line, strlen(line));
        }
    }
    bool changed = news != watch->news;
    watch->news = news;
    return changed;
}

/* Wakes us when the time of the session that ends first is over, where nobody else is left to see to it. */
static void set_deadline(struct watch *watch) {
    struct itimerspec when = {0};
    bool alone = watch->waited[DAEMON].fd < 0 && watch->ends > 0 && !watch->swept;
    FILE *uptime = alone ? fopen("/proc/uptime", "re") : NULL;
    double now = 0;
    if (uptime != NULL) {
        if (fscanf(uptime, "%lf", &now) != 1) now = (double)watch->ends;
        fclose(uptime);
        double left = (double)watch->ends - now;
        when.it_value.tv_sec = left > 0 ? (time_t)left + 1 : 0;
        when.it_value.tv_nsec = 1;
    }
    timerfd_settime(watch->waited[DEADLINE].fd, 0, &when, NULL);
}

static void sweep(struct watch *watch) {
    char launcher[PATH_MAX];
    watch->swept = true;
    if (!find_launcher(launcher, sizeof launcher)) return;
    pid_t child = fork();
    if (child == 0) {
        execl(launcher, "kubeguard", "sweep", (char *)NULL);
        _exit(127);
    }
    if (child > 0) waitpid(child, NULL, 0);
}

static void wake_shell(const struct watch *watch) {
    if (watch->signals) syscall(SYS_pidfd_send_signal, watch->waited[SHELL].fd, SIGURG, NULL, 0);
}

static void drain(int fd) {
    char events[4096];
    while (read(fd, events, sizeof events) > 0) continue;
}

static void go_on(struct watch *watch) {
    if (watch->waited[FILES].revents != 0) drain(watch->waited[FILES].fd);
    if (watch->waited[DAEMON].revents != 0) {
        close(watch->waited[DAEMON].fd);
        watch->waited[DAEMON].fd = -1;
        wake_shell(watch);
    }
    if (watch->waited[DEADLINE].revents != 0) {
        drain(watch->waited[DEADLINE].fd);
        sweep(watch);
    }
    find_run_folder(watch);
    if (read_status(watch)) wake_shell(watch);
    set_deadline(watch);
}

int run_watch(int argc, char *argv[]) {
    static struct watch watch = {.lock_watch = -1, .run_watch = -1};
    if (argc < 3) return 64;
    setsid();
    if (chdir("/") != 0) return 1;
    watch.state = argv[2];
    watch.signals = argc > 3;
    for (int kind = 0; kind < WAITED; kind += 1) watch.waited[kind] = (struct pollfd){.fd = -1, .events = POLLIN};
    watch.waited[SHELL].fd = (int)syscall(SYS_pidfd_open, (pid_t)atol(argv[1]), 0);
    watch.waited[FILES].fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    watch.waited[DEADLINE].fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (watch.waited[SHELL].fd < 0 || watch.waited[FILES].fd < 0 || watch.waited[DEADLINE].fd < 0) return 1;
    find_run_folder(&watch);
    read_status(&watch);
    set_deadline(&watch);
    for (;;) {
        if (poll(watch.waited, WAITED, -1) < 0 && errno != EINTR) return 1;
        if (watch.waited[SHELL].revents != 0) return 0;
        go_on(&watch);
    }
}
