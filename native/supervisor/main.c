/*
 * The supervisor: stands between a person's terminal and a program that streams one, as `kubectl exec -it` does. The
 * program has a terminal of its own; bytes go from one to the other as they are. So it can tell the daemon of keys, and
 * end the program by the daemon's word without leaving the terminal to it.
 *     kubeguard-supervisor PROGRAM ARGV0 ARGUMENT…
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../become.h"
#include "../protocol.h"
#include "../say.h"
#include "cover.h"
#include "pump.h"
#include "signals.h"
#include "warning.h"

/* Whoever looks for kubectl by name, as pkill(1) does, finds what stands for it. */
static void take_name(const char *called) {
    const char *slash = strrchr(called, '/');
    prctl(PR_SET_NAME, slash == NULL ? called : slash + 1, 0, 0, 0);
}

static void keep_log(struct supervised *all) {
    struct winsize size;
    if (ioctl(all->inner.master, TIOCGWINSZ, &size) == 0) log_open(&all->log, &size, !all->link.suspends);
}

int main(int argc, char *argv[]) {
    static struct supervised all;
    if (argc < 3) fail(KG_EXIT_USAGE, "this program is started by kubectl’s shim", "run: kubectl");
    struct command command = {.path = argv[1], .argc = argc - 2, .argv = argv + 2};
    /* Without a terminal, a pty or a daemon it runs as it would without us. */
    if (!outer_open(&all.outer) || !inner_open(&all.inner, &all.outer) ||
        !link_open(&all.link, all.inner.device, &all.escape.key)) {
        become_program(command.path, command.argc, command.argv);
    }
    take_name(command.argv[0]);
    all.log.fd = all.screen.line = all.screen.drawn = -1;
    all.signals = signals_open(&command.blocked);
    all.unblocked = command.blocked;
    /* Of another size that came before they were blocked nothing was heard. */
    inner_resize(&all.inner, &all.outer);
    if (all.signals < 0 || !inner_start(&all.inner, &all.outer, &command)) {
        sigprocmask(SIG_SETMASK, &command.blocked, NULL);
        become_program(command.path, command.argc, command.argv);
    }
    outer_make_raw(&all.outer);
    keep_log(&all);
    pump(&all);
    warning_drop(&all);
    cover_drop(&all);
    outer_restore(&all.outer);
    end_like(all.status);
}
