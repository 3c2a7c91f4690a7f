#define _GNU_SOURCE
#include "signals.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../places.h"
#include "../protocol.h"
#include "../say.h"
#include "../wire.h"
#include "cover.h"
#include "notice.h"
#include "overlay.h"
#include "warning.h"

enum {
    /* The daemon's word and the reaper's signal come by different ways. */
    WORD_MS = 300,
    /* A program that stops is not told from one that is frozen to be ended. */
    FROZEN_MS = 30,
    /* What the program may take to end before it is killed; the reaper leaves us more. */
    GRACE_MS = 200,
};

static const char no_word[] = "the daemon does not answer, and the session is locked\nrun: kubeguard doctor";

int signals_open(sigset_t *before) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, before);
    return above_standard(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
}

/* It hides all of itself but its name (native/reaper/main.c), which the kernel cuts after 15 bytes. */
static bool is_reaper(pid_t pid) {
    static const char name[] = "kubeguard-reape\n";
    char path[32];
    char found[sizeof name];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t length = read(fd, found, sizeof found);
    close(fd);
    return length == sizeof name - 1 && memcmp(found, name, sizeof name - 1) == 0;
}

static void forward(struct supervised *all, int number) {
    if (!all->ended) kill(all->inner.warden, number);
}

void hang_up(struct supervised *all) {
    struct pollfd terminal = {.fd = all->outer.fd};
    bool gone = poll(&terminal, 1, 0) > 0 && (terminal.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
    if (all->hung_up || !gone) return;
    all->hung_up = true;
    link_report_hang_up(&all->link);
    forward(all, SIGHUP);
}

void hear_daemon(struct supervised *all) {
    struct news news;
    link_read_news(&all->link, &news);
    switch (news.kind) {
    case NEWS_END:
        end_by_daemon(all, &news);
    case NEWS_WARNING:
        return warning_begin(all, news.said, news.said_length);
    case NEWS_NOTICE:
        return notice_begin(all, news.said, news.said_length);
    case NEWS_COVER:
        return cover_begin(all, &news);
    case NEWS_UNCOVER:
        return cover_leave(all);
    }
}

/* By a lock, by `kubeguard kill`, or by whoever may send signals to the program. */
static void terminate(struct supervised *all, const struct signalfd_siginfo *facts) {
    struct news end = {.kind = NEWS_END, .exit_code = KG_EXIT_LIVE_ENDED, .said_length = sizeof no_word - 1};
    bool reaped = is_reaper((pid_t)facts->ssi_pid);
    /* What comes first may be something else than the end. */
    while (link_has_word(&all->link, reaped ? WORD_MS : 0)) hear_daemon(all);
    if (!reaped) return forward(all, SIGTERM);
    memcpy(end.said, no_word, sizeof no_word - 1);
    end_by_daemon(all, &end);
}

static void resize(struct supervised *all) {
    struct winsize size;
    overlay_give_way(all);
    all->output_ms = now_ms();
    inner_resize(&all->inner, &all->outer);
    if (ioctl(all->inner.master, TIOCGWINSZ, &size) == 0) log_size(&all->log, &size);
    cover_again(all);
}

static void resume(struct supervised *all) {
    if (all->cover.asking == 0) outer_make_raw(&all->outer);
    resize(all);
    forward(all, SIGCONT);
}

static bool is_being_ended(const struct supervised *all) {
    sigset_t pending;
    bool told = link_has_word(&all->link, FROZEN_MS);
    return told || (sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1);
}

/* As the kernel does by Ctrl-Z: all of the job is stopped, whoever has started us included. */
static void stop_job(struct supervised *all) {
    int number = all->inner.shared->stopped_by;
    if (is_being_ended(all)) return;
    overlay_drop(all);
    outer_restore(&all->outer);
    if (number == SIGTSTP) kill(0, SIGTSTP);
    sigset_t only;
    sigset_t before;
    sigemptyset(&only);
    sigaddset(&only, number);
    if (number != SIGTSTP) raise(number);
    sigprocmask(SIG_UNBLOCK, &only, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    resume(all);
}

static void look_at_warden(struct supervised *all) {
    int status;
    while (!all->ended && waitpid(all->inner.warden, &status, WNOHANG | WUNTRACED) == all->inner.warden) {
        if (WIFSTOPPED(status)) stop_job(all);
        else {
            all->ended = true;
            all->status = status;
        }
    }
}

/* Ctrl-C where the passphrase is asked for: no key gets through. */
static bool is_key(const struct signalfd_siginfo *facts) {
    unsigned number = facts->ssi_signo;
    return facts->ssi_code == SI_KERNEL && (number == SIGINT || number == SIGQUIT || number == SIGTSTP);
}

void obey_signals(struct supervised *all) {
    struct signalfd_siginfo facts;
    while (read(all->signals, &facts, sizeof facts) == sizeof facts) {
        if (is_covered(all) && is_key(&facts)) continue;
        switch (facts.ssi_signo) {
        case SIGTERM:
            terminate(all, &facts);
            break;
        case SIGCHLD:
            look_at_warden(all);
            cover_look_at_child(all);
            break;
        case SIGWINCH:
            resize(all);
            break;
        case SIGCONT:
            resume(all);
            break;
        case SIGTTIN:
        case SIGTTOU:
        case SIGPIPE:
            break;
        default:
            forward(all, (int)facts.ssi_signo);
        }
    }
}

/* Before anything is said: a terminal that takes no more (Ctrl-S, a reader that hangs) must not keep it alive. */
static void end_program(struct supervised *all) {
    sigset_t child;
    struct timespec patience = {.tv_nsec = GRACE_MS * 1000000L};
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    forward(all, SIGTERM);
    forward(all, SIGCONT);
    if (!all->ended) sigtimedwait(&child, NULL, &patience);
    /* 0 would be all of our own job. */
    if (all->inner.shared->program > 0) kill(-all->inner.shared->program, SIGKILL);
    if (!all->ended) kill(all->inner.warden, SIGKILL);
}

_Noreturn void end_by_daemon(struct supervised *all, const struct news *end) {
    end_program(all);
    cover_drop(all);
    warning_drop(all);
    outer_undo(&all->outer, &all->inner.shared->modes);
    outer_restore(&all->outer);
    if (!isatty(STDERR_FILENO)) dup2(all->outer.fd, STDERR_FILENO);
    if (!all->hung_up) {
        /* The program's last line may not have ended. */
        if (write(STDERR_FILENO, "\n", 1) == 1) say_text(end->said, end->said_length);
    }
    if (end->by_person) end_like(SIGTERM);
    _exit(end->exit_code);
}
