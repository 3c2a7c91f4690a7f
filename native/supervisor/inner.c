#define _GNU_SOURCE
#include "inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../become.h"
#include "../end-by-signal.h"
#include "../places.h"

/* How long a program whose terminal is gone, and whose supervisor was killed, may take to end. */
enum { LAST_MS = 500 };

/* Not by its name: another devpts may have it, too (ioctl_tty(2)). Its flags are those that openpty(3) leaves. */
static int open_slave(int master) {
    if (grantpt(master) != 0 || unlockpt(master) != 0) return -1;
    int slave = above_standard(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    if (slave >= 0) fcntl(slave, F_SETFD, FD_CLOEXEC);
    return slave;
}

bool inner_open(struct inner *inner, const struct outer *outer) {
    struct stat facts;
    inner->master = above_standard(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (inner->master < 0) return false;
    inner->slave = open_slave(inner->master);
    if (inner->slave < 0 || fstat(inner->slave, &facts) != 0) return false;
    inner->device = facts.st_rdev;
    inner->shared =
        mmap(NULL, sizeof *inner->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (inner->shared == MAP_FAILED) return false;
    inner_resize(inner, outer);
    return tcsetattr(inner->slave, TCSANOW, &outer->saved) == 0;
}

void inner_resize(const struct inner *inner, const struct outer *outer) {
    struct winsize size;
    if (ioctl(outer->fd, TIOCGWINSZ, &size) == 0) ioctl(inner->master, TIOCSWINSZ, &size);
}

_Noreturn void end_like(int status) {
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    int number = WTERMSIG(status);
    /* The core that is worth keeping is the program's. */
    struct rlimit none = {0};
    setrlimit(RLIMIT_CORE, &none);
    end_by_signal(number);
    _exit(128 + number);
}

static void use_terminal(int slave, int fd, dev_t outer) {
    struct stat facts;
    if (fd == STDERR_FILENO && (fstat(fd, &facts) != 0 || facts.st_rdev != outer || !isatty(fd))) return;
    dup2(slave, fd);
}

/* In the child: as a shell starts a job in the foreground. */
static _Noreturn void be_program(const struct inner *inner, const struct command *command) {
    struct stat facts;
    setpgid(0, 0);
    tcsetpgrp(inner->slave, getpid());
    dev_t outer = fstat(STDIN_FILENO, &facts) == 0 ? facts.st_rdev : 0;
    for (int fd = STDERR_FILENO; fd >= STDIN_FILENO; fd -= 1) use_terminal(inner->slave, fd, outer);
    sigprocmask(SIG_SETMASK, &command->blocked, NULL);
    become_program(command->path, command->argc, command->argv);
}

/* The program stopped: so do we, and whoever waits for us learns of it. Nothing stops a job that no shell can continue. */
static void stop_like(struct shared *shared, int status) {
    shared->stopped_by = WSTOPSIG(status);
    raise(SIGSTOP);
}

static void wait_for_program(struct shared *shared) {
    int status;
    while (waitpid(shared->program, &status, WNOHANG | WUNTRACED) == shared->program) {
        if (!WIFSTOPPED(status)) end_like(status);
        stop_like(shared, status);
    }
}

static void continue_program(const struct inner *inner) {
    tcsetpgrp(inner->slave, inner->shared->program);
    kill(-inner->shared->program, SIGCONT);
}

/* The supervisor was killed: nobody but us can mend the terminal, or knows that the program has to end. */
static _Noreturn void end_orphaned(const struct inner *inner, const struct outer *outer) {
    sigset_t child;
    struct timespec patience = {.tv_nsec = LAST_MS * 1000000L};
    outer_mend(outer, &inner->shared->modes);
    kill(-inner->shared->program, SIGHUP);
    kill(-inner->shared->program, SIGCONT);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigtimedwait(&child, NULL, &patience);
    kill(-inner->shared->program, SIGKILL);
    _exit(128 + SIGHUP);
}

/* What was open for the program or the supervisor must not stay open because of us. */
static void close_others(int one, int other) {
#ifdef SYS_close_range
    unsigned low = (unsigned)(one < other ? one : other);
    unsigned high = (unsigned)(one < other ? other : one);
    if (low > STDERR_FILENO + 1u) (void)syscall(SYS_close_range, STDERR_FILENO + 1u, low - 1, 0u);
    if (high > low + 1) (void)syscall(SYS_close_range, low + 1, high - 1, 0u);
    (void)syscall(SYS_close_range, high + 1, ~0u, 0u);
#endif
}

/*
 * The inner terminal is closed when its other end is: the kernel says so before a supervisor that was killed has another
 * parent take its children (do_exit in kernel/exit.c: files first).
 */
static bool is_orphaned(pid_t supervisor, int number, const siginfo_t *facts) {
    bool closed = (number == SIGHUP || number == SIGCONT) && facts->si_code == SI_KERNEL;
    return closed || getppid() != supervisor;
}

static _Noreturn void be_warden(const struct inner *inner, const struct outer *outer,
                                const struct command *command, pid_t supervisor) {
    struct shared *shared = inner->shared;
    sigset_t all;
    sigfillset(&all);
    close(inner->master);
    setsid();
    ioctl(inner->slave, TIOCSCTTY, 0);
    pid_t program = fork();
    if (program == 0) be_program(inner, command);
    if (program < 0) _exit(126);
    /* Not in the child, which shares it. */
    shared->program = program;
    close_others(inner->slave, outer->fd);
    for (;;) {
        siginfo_t facts;
        int number = sigwaitinfo(&all, &facts);
        if (is_orphaned(supervisor, number, &facts)) end_orphaned(inner, outer);
        if (number == SIGCHLD) wait_for_program(shared);
        else if (number == SIGCONT) continue_program(inner);
        else if (number > 0) kill(shared->program, number);
    }
}

bool inner_start(struct inner *inner, const struct outer *outer, const struct command *command) {
    pid_t supervisor = getpid();
    inner->warden = fork();
    if (inner->warden == 0) be_warden(inner, outer, command, supervisor);
    if (inner->warden < 0) return false;
    /* Ours alone to write to; as soon as nobody has it open any more, the program and all it started are gone. */
    close(inner->slave);
    return true;
}
