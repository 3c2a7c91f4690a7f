/*
 * Stands on PATH as `kubectl`: notes everything that execve(2) hands on, then becomes the real kubectl. As
 * `watched` it is a parent: runs its arguments and notes each wait status, stops included.
 *
 * NOTES: the file that notes are added to; REAL: the program to become.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

static FILE *notes;
static char *noted;
static size_t noted_bytes;

/* `NAME LENGTH`, the bytes, a line end: values may hold anything. */
static void note(const char *name, const void *bytes, size_t length) {
    fprintf(notes, "%s %zu\n", name, length);
    fwrite(bytes, 1, length, notes);
    fputc('\n', notes);
}

static void note_number(const char *name, long long number) {
    char text[32];
    note(name, text, (size_t)snprintf(text, sizeof text, "%lld", number));
}

static void note_file(const char *name, const char *path) {
    char *text = NULL;
    size_t length = 0;
    FILE *copy = open_memstream(&text, &length);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char part[4096];
    for (ssize_t got; fd >= 0 && (got = read(fd, part, sizeof part)) > 0;) fwrite(part, 1, (size_t)got, copy);
    fclose(copy);
    note(name, text, length);
    free(text);
    if (fd >= 0) close(fd);
}

static void note_link(const char *name, const char *path) {
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof target);
    note(name, target, length < 0 ? 0 : (size_t)length);
}

/* Before anything of ours is opened. */
static size_t list_descriptors(int *open_fds, size_t most) {
    size_t count = 0;
    for (int fd = 0; fd < 1024 && count < most; fd += 1) {
        if (fcntl(fd, F_GETFD) >= 0) open_fds[count++] = fd;
    }
    return count;
}

static void note_descriptors(const int *open_fds, size_t count) {
    char name[64], path[64];
    for (size_t index = 0; index < count; index += 1) {
        snprintf(name, sizeof name, "fd %d", open_fds[index]);
        snprintf(path, sizeof path, "/proc/self/fd/%d", open_fds[index]);
        note_link(name, path);
        snprintf(name, sizeof name, "fdinfo %d", open_fds[index]);
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", open_fds[index]);
        note_file(name, path);
    }
}

/* A process as its number and the name of its program. */
static void note_process(const char *name, pid_t pid) {
    char path[32], of_program[32];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    snprintf(of_program, sizeof of_program, "program of %s", name);
    note_number(name, pid);
    note_file(of_program, path);
}

static void note_relations(void) {
    note_number("pid", getpid());
    note_process("parent", getppid());
    note_process("group", getpgrp());
    note_process("session", getsid(0));
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    note_number("has terminal", fd >= 0);
    if (fd < 0) return;
    struct termios settings;
    note_process("foreground", tcgetpgrp(fd));
    if (tcgetattr(fd, &settings) == 0) note("terminal", &settings, sizeof settings);
    close(fd);
}

static void note_attributes(void) {
    struct itimerval timer;
    int death_signal = 0, subreaper = 0;
    getitimer(ITIMER_REAL, &timer);
    prctl(PR_GET_PDEATHSIG, &death_signal);
    prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
    note_number("alarm set", timer.it_value.tv_sec > 0 || timer.it_value.tv_usec > 0);
    note_number("death signal", death_signal);
    note_number("subreaper", subreaper);
    note_number("dumpable", prctl(PR_GET_DUMPABLE));
    note_number("secure bits", prctl(PR_GET_SECUREBITS));
    note_number("nice", getpriority(PRIO_PROCESS, 0));
    note_number("io priority", syscall(SYS_ioprio_get, 1, 0));
    /* A child that we did not start would be one that the shim left. */
    note_number("children", waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 1);
}

static void note_start(int argc, char *argv[]) {
    static int open_fds[1024];
    size_t count = list_descriptors(open_fds, sizeof open_fds / sizeof open_fds[0]);
    notes = open_memstream(&noted, &noted_bytes);
    note_number("start", argc);
    for (int index = 0; index < argc; index += 1) note("argument", argv[index], strlen(argv[index]));
    for (char **entry = environ; *entry != NULL; entry += 1) note("variable", *entry, strlen(*entry));
    const char *called = (const char *)getauxval(AT_EXECFN);
    note("called", called, strlen(called));
    note_descriptors(open_fds, count);
    static const char *const links[] = {"cwd", "root", "exe"};
    static const char *const files[] = {
        "status", "limits", "comm",         "personality",     "timerslack_ns",
        "cgroup", "cpuset", "oom_score_adj", "coredump_filter", "loginuid",
    };
    char path[64];
    for (size_t index = 0; index < sizeof links / sizeof links[0]; index += 1) {
        snprintf(path, sizeof path, "/proc/self/%s", links[index]);
        note_link(links[index], path);
    }
    for (size_t index = 0; index < sizeof files / sizeof files[0]; index += 1) {
        snprintf(path, sizeof path, "/proc/self/%s", files[index]);
        note_file(files[index], path);
    }
    note_relations();
    note_attributes();
    note("end", "", 0);
    fclose(notes);
}

/* In one write: several at once must not mix. A limit on file sizes must not end us: it is kubectl's. */
static void write_notes(void) {
    struct rlimit kept, most;
    getrlimit(RLIMIT_FSIZE, &kept);
    most = (struct rlimit){.rlim_cur = kept.rlim_max, .rlim_max = kept.rlim_max};
    setrlimit(RLIMIT_FSIZE, &most);
    int fd = open(NOTES, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || write(fd, noted, noted_bytes) != (ssize_t)noted_bytes) _exit(99);
    close(fd);
    setrlimit(RLIMIT_FSIZE, &kept);
    free(noted);
}

static void note_status(const char *what, int number) {
    notes = open_memstream(&noted, &noted_bytes);
    note_number("wait", 1);
    note(what, "", 0);
    note_number("number", number);
    note("end", "", 0);
    fclose(notes);
    write_notes();
}

static int run_and_watch(char *argv[]) {
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    for (int status; waitpid(child, &status, WUNTRACED | WCONTINUED) == child;) {
        if (WIFSTOPPED(status)) note_status("stopped", WSTOPSIG(status));
        else if (WIFCONTINUED(status)) note_status("continued", 0);
        else if (WIFSIGNALED(status)) note_status("ended by signal", WTERMSIG(status));
        else note_status("exited", WEXITSTATUS(status));
        if (WIFEXITED(status) || WIFSIGNALED(status)) return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    }
    return 1;
}

int main(int argc, char *argv[]) {
    const char *called = (const char *)getauxval(AT_EXECFN);
    const char *slash = strrchr(called, '/');
    if (strcmp(slash == NULL ? called : slash + 1, "watched") == 0) return run_and_watch(argv);
    note_start(argc, argv);
    write_notes();
    execve(REAL, argv, environ);
    return 98;
}
