/* The system calls that are used here, under the names and with the answers of the C library (section 2 of the manual). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int *__errno_location(void) {
    static int number;
    return &number;
}

static long raw(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#endif
}

/* The kernel answers an error as its negated number. */
static long checked(long result) {
    if (result < 0 && result >= -4095) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

#define CALL(number, a, b, c, d, e, f) \
    checked(raw(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))
#define CALL0(number) CALL(number, 0, 0, 0, 0, 0, 0)
#define CALL1(number, a) CALL(number, a, 0, 0, 0, 0, 0)
#define CALL2(number, a, b) CALL(number, a, b, 0, 0, 0, 0)
#define CALL3(number, a, b, c) CALL(number, a, b, c, 0, 0, 0)
#define CALL4(number, a, b, c, d) CALL(number, a, b, c, d, 0, 0)

long syscall(long number, ...) {
    long given[6];
    va_list list;
    va_start(list, number);
    for (int index = 0; index < 6; index += 1) given[index] = va_arg(list, long);
    va_end(list);
    return CALL(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

_Noreturn void _exit(int code) {
    for (;;) CALL1(SYS_exit_group, code);
}

/* Nothing is buffered, and nobody asked to be called. */
_Noreturn void exit(int code) {
    _exit(code);
}

/* None of our files is created: there is no mode to be given. */
int open(const char *path, int flags, ...) {
    return (int)CALL4(SYS_openat, AT_FDCWD, path, flags, 0);
}

int close(int fd) {
    return (int)CALL1(SYS_close, fd);
}

ssize_t read(int fd, void *bytes, size_t length) {
    return CALL3(SYS_read, fd, bytes, length);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t at) {
    return CALL4(SYS_pread64, fd, bytes, length, at);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    return CALL3(SYS_write, fd, bytes, length);
}

ssize_t readlink(const char *path, char *target, size_t size) {
    return CALL4(SYS_readlinkat, AT_FDCWD, path, target, size);
}

int stat(const char *restrict path, struct stat *restrict facts) {
    return (int)CALL4(SYS_newfstatat, AT_FDCWD, path, facts, 0);
}

int lstat(const char *restrict path, struct stat *restrict facts) {
    return (int)CALL4(SYS_newfstatat, AT_FDCWD, path, facts, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *facts) {
    return (int)CALL2(SYS_fstat, fd, facts);
}

char *getcwd(char *path, size_t size) {
    return CALL2(SYS_getcwd, path, size) < 0 ? NULL : path;
}

int isatty(int fd) {
    /* Larger than the kernel's struct termios on every processor. */
    char settings[128];
    enum { GET_SETTINGS = 0x5401 };
    return CALL3(SYS_ioctl, fd, GET_SETTINGS, settings) == 0;
}

int fcntl(int fd, int command, ...) {
    va_list list;
    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    return (int)CALL3(SYS_fcntl, fd, command, argument);
}

int dup2(int fd, int target) {
    return (int)CALL3(SYS_dup3, fd, target, 0);
}

int pipe2(int ends[2], int flags) {
    return (int)CALL2(SYS_pipe2, ends, flags);
}

int memfd_create(const char *name, unsigned flags) {
    return (int)CALL2(SYS_memfd_create, name, flags);
}

int socket(int domain, int type, int protocol) {
    return (int)CALL3(SYS_socket, domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    return (int)CALL3(SYS_connect, fd, address, length);
}

int getsockopt(int fd, int level, int option, void *restrict value, socklen_t *restrict length) {
    return (int)CALL(SYS_getsockopt, fd, level, option, value, length, 0);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length) {
    return (int)CALL(SYS_setsockopt, fd, level, option, value, length, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    return CALL3(SYS_sendmsg, fd, message, flags);
}

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
    return CALL(SYS_recvfrom, fd, bytes, length, flags, 0, 0);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
    struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    return (int)CALL(SYS_ppoll, fds, count, timeout_ms < 0 ? NULL : &timeout, 0, 0, 0);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    return (int)CALL2(SYS_clock_gettime, clock, now);
}

int nanosleep(const struct timespec *wanted, struct timespec *left) {
    return (int)CALL2(SYS_nanosleep, wanted, left);
}

uid_t getuid(void) {
    return (uid_t)CALL0(SYS_getuid);
}

pid_t getpid(void) {
    return (pid_t)CALL0(SYS_getpid);
}

pid_t getppid(void) {
    return (pid_t)CALL0(SYS_getppid);
}

pid_t fork(void) {
    return (pid_t)CALL1(SYS_clone, SIGCHLD);
}

int execve(const char *path, char *const argv[], char *const variables[]) {
    return (int)CALL3(SYS_execve, path, argv, variables);
}

pid_t waitpid(pid_t child, int *status, int options) {
    return (pid_t)CALL4(SYS_wait4, child, status, options, NULL);
}

int kill(pid_t process, int number) {
    return (int)CALL2(SYS_kill, process, number);
}

/* There is one thread. */
int raise(int number) {
    return kill(getpid(), number);
}

int prctl(int option, ...) {
    unsigned long given[4];
    va_list list;
    va_start(list, option);
    for (int index = 0; index < 4; index += 1) given[index] = va_arg(list, unsigned long);
    va_end(list);
    return (int)CALL(SYS_prctl, option, given[0], given[1], given[2], given[3], 0);
}

/* The header may name its first argument's type after the enumeration. */
int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) {
    return (int)CALL4(SYS_prlimit64, 0, resource, limit, NULL);
}

/* The kernel's struct sigaction and its set of 64 signals. Only SIG_DFL and SIG_IGN are ever set: no way back is needed. */
struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

int sigaction(int number, const struct sigaction *restrict wanted, struct sigaction *restrict before) {
    struct kernel_action set = {.handler = wanted == NULL ? SIG_DFL : wanted->sa_handler};
    struct kernel_action was;
    const struct kernel_action *given = wanted == NULL ? NULL : &set;
    if (CALL4(SYS_rt_sigaction, number, given, &was, sizeof set.mask) < 0) return -1;
    if (before != NULL) *before = (struct sigaction){.sa_handler = was.handler};
    return 0;
}

__sighandler_t signal(int number, __sighandler_t handler) {
    struct sigaction wanted = {.sa_handler = handler};
    struct sigaction before;
    return sigaction(number, &wanted, &before) < 0 ? SIG_ERR : before.sa_handler;
}

int sigemptyset(sigset_t *set) {
    memset(set, 0, sizeof *set);
    return 0;
}

int sigaddset(sigset_t *set, int number) {
    *(uint64_t *)set |= UINT64_C(1) << (number - 1);
    return 0;
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict before) {
    return (int)CALL4(SYS_rt_sigprocmask, how, set, before, sizeof(uint64_t));
}
