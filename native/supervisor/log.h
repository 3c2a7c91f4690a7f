/*
 * What the program has written since a known screen, so that its screen can be told from it: in memory that goes
 * with this process, and bounded.
 */
#ifndef KG_LOG_H
#define KG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* From here on a new beginning is made of the screen. */
enum { LOSSY_FULL_BYTES = 4 * 1024 * 1024, LOG_FULL_BYTES = 8 * 1024 * 1024 };

struct log {
    /* A memfd of records (src/screen/read-log.ts), or -1: none is kept, or there was no memory. */
    int fd;
    /* What stood before has been given back. */
    uint64_t begin;
    uint64_t end;
    /* Behind this nothing but plain lines came, each of which moves all others up; 0 where it is not so. */
    uint64_t plain_since;
    /* Only for a line over the screen: given up when it is too long, where one for a lock screen has the program wait. */
    bool lossy;
};

/* Begins one for a terminal of this size. */
void log_open(struct log *log, const struct winsize *size, bool lossy);

void log_output(struct log *log, const uint8_t *at, size_t length);

/* Was all that was just taken in text, tabs and line ends, outside of any sequence, and does a new line move all others up? */
void log_note_plain(struct log *log, bool plain);

/*
 * Leaves out of a flood of plain lines what has scrolled out of what is kept, `lines` of them: the same as
 * src/screen/skip-scrolled-out.ts does, without a process. False where that can't be done.
 */
bool log_drop_scrolled(struct log *log, unsigned lines);

void log_size(struct log *log, const struct winsize *size);

/* From here on the program goes on unseen. In a new memfd: the account may have one open that was open to it before. */
void log_cover(struct log *log);

struct screen;

/*
 * Begins anew with a screen, `length` bytes of what was drawn of it, and what came since it was asked for that. `unseen`:
 * it is behind a lock screen, and what is drawn first has scrolled out since. True where the process that drew it can go on
 * reading the log from there; false where it reads another one now.
 */
bool log_begin_with(struct log *log, const struct screen *screen, uint64_t length, bool unseen);

static inline uint64_t log_full_bytes(const struct log *log) {
    return log->lossy ? LOSSY_FULL_BYTES : LOG_FULL_BYTES;
}

static inline bool log_is_full(const struct log *log) {
    return log->fd >= 0 && log->end - log->begin >= log_full_bytes(log);
}

/* At twice as much the log is given up, or the program has to wait for a new beginning. */
static inline bool log_is_overfull(const struct log *log) {
    return log->fd >= 0 && log->end - log->begin >= 2 * log_full_bytes(log);
}

#endif
