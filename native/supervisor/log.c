#define _GNU_SOURCE
#include "log.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../places.h"
#include "screen.h"

enum kind { OUTPUT, SIZE, COVER };

struct record {
    uint32_t kind;
    /* The bytes that follow, or columns and rows. */
    uint32_t value;
};

enum { COPY_BYTES = 64 * 1024 };

/* What can't be kept whole is worth nothing: a screen that is not the right one must not be shown. */
static void give_up(struct log *log) {
    close(log->fd);
    log->fd = -1;
}

static void add(struct log *log, enum kind kind, uint32_t value, const void *bytes, size_t length) {
    struct record record = {.kind = kind, .value = value};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)(uintptr_t)bytes, length}};
    if (log->fd < 0) return;
    ssize_t put = pwritev(log->fd, parts, length == 0 ? 1 : 2, (off_t)log->end);
    if (put == (ssize_t)(sizeof record + length)) log->end += (uint64_t)put;
    else give_up(log);
}

void log_open(struct log *log, const struct winsize *size, bool lossy) {
    log->fd = above_standard(memfd_create("kubeguard", MFD_CLOEXEC));
    log->end = 0;
    log->lossy = lossy;
    log_size(log, size);
}

void log_output(struct log *log, const uint8_t *at, size_t length) {
    if (log->lossy && log_is_overfull(log)) give_up(log);
    if (length > 0) add(log, OUTPUT, (uint32_t)length, at, length);
}

void log_size(struct log *log, const struct winsize *size) {
    add(log, SIZE, (uint32_t)size->ws_col << 16 | size->ws_row, NULL, 0);
}

/* False where it can't be read to its end. */
static bool copy(int from, uint64_t at, uint64_t end, struct log *log, void put(struct log *, const uint8_t *, size_t)) {
    static uint8_t bytes[COPY_BYTES];
    while (at < end && log->fd >= 0) {
        size_t wanted = end - at < COPY_BYTES ? (size_t)(end - at) : COPY_BYTES;
        ssize_t got = pread(from, bytes, wanted, (off_t)at);
        if (got <= 0) return false;
        put(log, bytes, (size_t)got);
        at += (uint64_t)got;
    }
    return true;
}

/* Records as they are. */
static void add_raw(struct log *log, const uint8_t *at, size_t length) {
    if (log->fd < 0) return;
    if (pwrite(log->fd, at, length, (off_t)log->end) == (ssize_t)length) log->end += length;
    else give_up(log);
}

void log_cover(struct log *log) {
    struct log fresh = {.fd = above_standard(memfd_create("kubeguard", MFD_CLOEXEC)), .lossy = log->lossy};
    if (log->fd >= 0 && copy(log->fd, 0, log->end, &fresh, add_raw)) add(&fresh, COVER, 0, NULL, 0);
    else if (fresh.fd >= 0) give_up(&fresh);
    if (log->fd >= 0) close(log->fd);
    *log = fresh;
}

void log_begin_with(struct log *log, const struct screen *screen, uint64_t length, bool unseen) {
    struct log fresh;
    if (log->fd < 0) return;
    log_open(&fresh, &screen->size, log->lossy);
    /* What is drawn first has scrolled out since. */
    if (unseen) add(&fresh, COVER, 0, NULL, 0);
    bool whole = copy(screen->drawn, 0, length, &fresh, log_output) &&
                 copy(log->fd, screen->followed, log->end, &fresh, add_raw);
    if (!whole && fresh.fd >= 0) give_up(&fresh);
    close(log->fd);
    *log = fresh;
}
