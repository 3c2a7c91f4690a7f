#define _GNU_SOURCE
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

enum { COPY_BYTES = 64 * 1024, TAIL_BYTES = 512 * 1024 };

/* What can't be kept whole is worth nothing: a screen that is not the right one must not be shown. */
static void give_up(struct log *log) {
    close(log->fd);
    log->fd = -1;
}

static void add(struct log *log, enum kind kind, uint32_t value, const void *bytes, size_t length) {
    struct record record = {.kind = kind, .value = value};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)(uintptr_t)bytes, length}};
    if (log->fd < 0) return;
    if (kind != OUTPUT) log->plain_since = 0;
    ssize_t put = pwritev(log->fd, parts, length == 0 ? 1 : 2, (off_t)log->end);
    if (put == (ssize_t)(sizeof record + length)) log->end += (uint64_t)put;
    else give_up(log);
}

void log_open(struct log *log, const struct winsize *size, bool lossy) {
    log->fd = above_standard(memfd_create("kubeguard", MFD_CLOEXEC));
    log->begin = log->end = log->plain_since = 0;
    log->lossy = lossy;
    log_size(log, size);
}

void log_output(struct log *log, const uint8_t *at, size_t length) {
    if (log->lossy && log_is_overfull(log)) give_up(log);
    if (length > 0) add(log, OUTPUT, (uint32_t)length, at, length);
}

void log_note_plain(struct log *log, bool plain) {
    if (!plain) log->plain_since = 0;
    else if (log->plain_since == 0) log->plain_since = log->end;
}

/* The end of the last `lines` line ends from the end on, or NULL where there are not so many. */
static const uint8_t *last_lines(const uint8_t *bytes, size_t length, unsigned lines) {
    const uint8_t *at = bytes + length;
    for (unsigned count = 0; count <= lines; count += 1) {
        do at = memrchr(bytes, '\n', (size_t)(at - bytes));
        while (at != NULL && (at == bytes || at[-1] != '\r'));
        if (at == NULL) return NULL;
    }
    return at + 1;
}

/* Reads the output at the end of the log, of records alone that are whole within `tail`. */
static size_t read_tail(const struct log *log, uint64_t from, uint8_t tail[TAIL_BYTES]) {
    struct record record;
    size_t length = 0;
    for (uint64_t at = from; at < log->end; at += sizeof record + record.value) {
        if (pread(log->fd, &record, sizeof record, (off_t)at) != sizeof record || record.kind != OUTPUT) return 0;
        if (log->end - at > TAIL_BYTES) continue;
        if (pread(log->fd, tail + length, record.value, (off_t)(at + sizeof record)) != (ssize_t)record.value) return 0;
        length += record.value;
    }
    return length;
}

bool log_drop_scrolled(struct log *log, unsigned lines) {
    static uint8_t tail[TAIL_BYTES], begin[COPY_BYTES];
    struct record first;
    uint64_t at = log->plain_since;
    if (log->fd < 0 || at == 0 || log->end - at < 2 * TAIL_BYTES) return false;
    if (pread(log->fd, &first, sizeof first, (off_t)at) != sizeof first || first.kind != OUTPUT) return false;
    size_t wanted = first.value < COPY_BYTES ? first.value : COPY_BYTES;
    if (pread(log->fd, begin, wanted, (off_t)(at + sizeof first)) != (ssize_t)wanted) return false;
    const uint8_t *first_end = memmem(begin, wanted, "\r\n", 2);
    size_t length = read_tail(log, at, tail);
    const uint8_t *kept = last_lines(tail, length, lines);
    if (first_end == NULL || kept == NULL) return false;
    log->end = at;
    add(log, OUTPUT, (uint32_t)(first_end + 2 - begin), begin, (size_t)(first_end + 2 - begin));
    for (size_t left = (size_t)(tail + length - kept); left > 0;) {
        size_t piece = left < COPY_BYTES ? left : COPY_BYTES;
        add(log, OUTPUT, (uint32_t)piece, kept, piece);
        kept += piece;
        left -= piece;
    }
    /* The room behind it is kept: a flood that lasts needs it again. */
    return log->fd >= 0;
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
    if (log->fd >= 0 && copy(log->fd, log->begin, log->end, &fresh, add_raw)) add(&fresh, COVER, 0, NULL, 0);
    else if (fresh.fd >= 0) give_up(&fresh);
    if (log->fd >= 0) close(log->fd);
    *log = fresh;
}

/* What is drawn, as records: the size, whether it was unseen, and the output in pieces. */
static uint64_t bytes_of_screen(uint64_t length, bool unseen) {
    uint64_t heads = 1 + (unseen ? 1 : 0) + (length + COPY_BYTES - 1) / COPY_BYTES;
    return length + heads * sizeof(struct record);
}

static bool put_screen(struct log *log, const struct screen *screen, uint64_t length, bool unseen) {
    log_size(log, &screen->size);
    /* What is drawn first has scrolled out since. */
    if (unseen) add(log, COVER, 0, NULL, 0);
    return copy(screen->drawn, 0, length, log, log_output);
}

/* Over the end of what the process has read, which is given back: nothing else is moved, and its place stays what it was. */
static bool begin_in_place(struct log *log, const struct screen *screen, uint64_t length, bool unseen) {
    uint64_t begin = screen->followed - bytes_of_screen(length, unseen);
    struct log over = {.fd = log->fd, .begin = begin, .end = begin};
    bool whole = put_screen(&over, screen, length, unseen) && over.end == screen->followed;
    log->begin = begin;
    log->plain_since = 0;
    log->fd = over.fd;
    if (!whole && log->fd >= 0) give_up(log);
    if (log->fd >= 0) fallocate(log->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)begin);
    return log->fd >= 0;
}

bool log_begin_with(struct log *log, const struct screen *screen, uint64_t length, bool unseen) {
    struct log fresh;
    if (log->fd < 0) return false;
    if (screen->followed - log->begin > bytes_of_screen(length, unseen)) {
        return begin_in_place(log, screen, length, unseen);
    }
    fresh = (struct log){.fd = above_standard(memfd_create("kubeguard", MFD_CLOEXEC)), .lossy = log->lossy};
    bool whole = put_screen(&fresh, screen, length, unseen) &&
                 copy(log->fd, screen->followed, log->end, &fresh, add_raw);
    if (!whole && fresh.fd >= 0) give_up(&fresh);
    close(log->fd);
    *log = fresh;
    return false;
}
