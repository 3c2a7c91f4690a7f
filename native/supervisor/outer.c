#define _GNU_SOURCE
#include "outer.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../places.h"

enum { PATIENCE_MS = 100 };

bool outer_open(struct outer *outer) {
    struct stat input;
    struct stat output;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return false;
    if (fstat(STDIN_FILENO, &input) != 0 || fstat(STDOUT_FILENO, &output) != 0) return false;
    if (input.st_rdev != output.st_rdev || tcgetsid(STDIN_FILENO) != getsid(0)) return false;
    if (tcgetattr(STDIN_FILENO, &outer->saved) != 0) return false;
    outer->raw = outer->saved;
    cfmakeraw(&outer->raw);
    outer->fd = above_standard(open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    return outer->fd >= 0 && outer_is_ours(outer);
}

bool outer_is_ours(const struct outer *outer) {
    return tcgetpgrp(outer->fd) == getpgrp();
}

void outer_make_raw(const struct outer *outer) {
    if (outer_is_ours(outer)) tcsetattr(outer->fd, TCSANOW, &outer->raw);
}

void outer_restore(const struct outer *outer) {
    if (outer_is_ours(outer)) tcsetattr(outer->fd, TCSANOW, &outer->saved);
}

void outer_undo(const struct outer *outer, const struct modes *modes) {
    char undo[UNDO_BYTES];
    size_t length = modes_undo(modes, undo);
    struct pollfd room = {.fd = outer->fd, .events = POLLOUT};
    if (length > 0 && poll(&room, 1, PATIENCE_MS) > 0 && write(outer->fd, undo, length) < 0) return;
}

static bool is_same(const struct termios *one, const struct termios *other) {
    return one->c_iflag == other->c_iflag && one->c_oflag == other->c_oflag && one->c_lflag == other->c_lflag &&
           memcmp(one->c_cc, other->c_cc, sizeof one->c_cc) == 0;
}

void outer_mend(const struct outer *outer, const struct modes *modes) {
    struct termios now;
    outer_undo(outer, modes);
    if (tcgetattr(outer->fd, &now) == 0 && is_same(&now, &outer->raw)) tcsetattr(outer->fd, TCSANOW, &outer->saved);
}
