#define _GNU_SOURCE
#include "terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

/* Unix98 pseudo-terminals have the majors 136 to 143 (Documentation/admin-guide/devices.txt). */
enum { FIRST_MAJOR = 136, LAST_MAJOR = 143, MINORS_PER_MAJOR = 256 };

/* O_NOCTTY, and closed at once: the terminal must not become ours, nor stay open because of us. */
static int open_terminal(dev_t device) {
    char path[64];
    struct stat facts;
    if (major(device) < FIRST_MAJOR || major(device) > LAST_MAJOR) return -1;
    snprintf(path, sizeof path, "/dev/pts/%u", (major(device) - FIRST_MAJOR) * MINORS_PER_MAJOR + minor(device));
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    /* Another devpts has other terminals under the same names. */
    if (fd < 0 || (fstat(fd, &facts) == 0 && S_ISCHR(facts.st_mode) && facts.st_rdev == device)) return fd;
    close(fd);
    return -1;
}

void mend_terminal(const struct process *process) {
    struct termios settings;
    if (process->terminal == 0 || process->foreground != process->group) return;
    /* proc_pid_stat(5): the minor is in bits 31 to 20 and 7 to 0, the major in 15 to 8. */
    unsigned number = (unsigned)process->terminal;
    int fd = open_terminal(makedev(number >> 8 & 0xfff, (number & 0xff) | (number >> 12 & 0xfff00)));
    if (fd < 0) return;
    if (tcgetattr(fd, &settings) == 0 && (settings.c_lflag & ICANON) == 0) {
        /* What cfmakeraw(3) takes away, as `stty sane` gives it back. */
        settings.c_iflag |= BRKINT | ICRNL | IXON;
        settings.c_oflag |= OPOST | ONLCR;
        settings.c_lflag |= ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK;
        tcsetattr(fd, TCSANOW, &settings);
    }
    close(fd);
}
