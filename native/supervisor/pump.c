#define _GNU_SOURCE
#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../wire.h"
#include "cover.h"
#include "notice.h"
#include "overlay.h"
#include "signals.h"
#include "warning.h"

enum { OUTER, MASTER, SIGNALS, END, REPORT, SCREEN, POLLED };

static size_t filled(const struct buffer *buffer) {
    return buffer->end - buffer->begin;
}

static bool has_room(const struct buffer *buffer) {
    return buffer->begin > 0 || buffer->end < BUFFER_BYTES;
}

static void make_room(struct buffer *buffer) {
    if (buffer->begin == 0) return;
    for (size_t index = 0; index < filled(buffer); index += 1) {
        buffer->bytes[index] = buffer->bytes[buffer->begin + index];
    }
    buffer->end -= buffer->begin;
    buffer->begin = 0;
}

/* Reads what there is. False when there will be no more. */
static bool fill(int fd, struct buffer *buffer) {
    make_room(buffer);
    while (buffer->end < BUFFER_BYTES) {
        ssize_t got = read(fd, buffer->bytes + buffer->end, BUFFER_BYTES - buffer->end);
        if (got > 0) buffer->end += (size_t)got;
        else return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    return true;
}

/* Writes what is taken. False when nothing will be taken any more. */
static bool drain(int fd, struct buffer *buffer) {
    while (filled(buffer) > 0) {
        ssize_t put = write(fd, buffer->bytes + buffer->begin, filled(buffer));
        if (put > 0) buffer->begin += (size_t)put;
        else return put < 0 && (errno == EAGAIN || errno == EINTR);
    }
    buffer->begin = buffer->end = 0;
    return true;
}

/* Takes the keys that are meant for us out of those that were read, which stand in the buffer from `from` on. */
static void take_escape(struct supervised *all, size_t from, bool begins, bool typed) {
    struct buffer *buffer = &all->typed;
    uint8_t *at = buffer->bytes + from;
    const char *command;
    switch (escape_look(&all->escape, begins, typed, at, buffer->end - from, &command)) {
    case ESCAPE_PASS:
        return;
    case ESCAPE_ITSELF:
        buffer->end = from + 1;
        return;
    case ESCAPE_RELEASE:
        memmove(at + 1, at, buffer->end - from);
        *at = all->escape.key;
        buffer->end += 1;
        return;
    case ESCAPE_TAKE:
        buffer->end = from;
    }
    all->escape.held_ms = now_ms();
    if (command == NULL) return;
    all->link.command = command;
    /* The program saw none of it: it is at the start of its line as before. */
    all->keys.within_line = false;
}

/* A key that was held goes on: nothing came in time. */
static void expire_escape(struct supervised *all) {
    if (escape_due(&all->escape, now_ms()) != 0) return;
    all->escape.held = false;
    all->typed.bytes[all->typed.end] = all->escape.key;
    all->typed.end += 1;
}

static void read_keys(struct supervised *all) {
    make_room(&all->typed);
    size_t before = all->typed.end;
    bool begins = keys_at_line_start(&all->keys) && !modes_on_alternate(&all->inner.shared->modes);
    if (!fill(all->outer.fd, &all->typed)) hang_up(all);
    size_t length = all->typed.end - before;
    if (is_covered(all)) {
        all->typed.end = before;
        return cover_keys(all, all->typed.bytes + before, length);
    }
    all->link.keys += length;
    all->link.moved = all->link.moved || length > 0;
    bool typed = keys_typed(&all->keys, all->typed.bytes + before, length);
    if (all->escape.key != 0) take_escape(all, before, begins, typed);
    if (!typed) return;
    all->link.typed = true;
    warning_end(all);
}

/* Text, tabs and line ends alone; of what begins with 0xc2 some are controls. */
static bool is_plain(const uint8_t *at, size_t length) {
    static const bool plain[256] = {
        ['\t'] = true, ['\n'] = true, ['\r'] = true, [0x20 ... 0x7e] = true, [0x80 ... 0xc1] = true, [0xc3 ... 0xff] = true,
    };
    for (size_t index = 0; index < length; index += 1) {
        if (!plain[at[index]]) return false;
    }
    return true;
}

/* False when the inner terminal has nobody left who could write to it. */
static bool read_output(struct supervised *all) {
    make_room(&all->shown);
    overlay_give_way(all);
    all->output_ms = now_ms();
    size_t before = all->shown.end;
    bool more = fill(all->inner.master, &all->shown);
    size_t length = all->shown.end - before;
    struct modes *modes = &all->inner.shared->modes;
    modes_read(modes, all->shown.bytes + before, length);
    all->character_left = missing_bytes(all->shown.bytes + before, length, all->character_left);
    log_output(&all->log, all->shown.bytes + before, length);
    log_note_plain(&all->log, !modes->odd_lines && !modes->had_c1 && modes->state == OUT_GROUND && is_plain(all->shown.bytes + before, length));
    all->link.output += length;
    all->link.moved = all->link.moved || length > 0;
    if (is_covered(all)) {
        all->shown.end = before;
        return more;
    }
    warning_show(all);
    notice_show(all);
    return more;
}

static short wish(bool reads, bool writes) {
    return (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

/* In the background the terminal is not ours to read: that would stop us. */
static void set_wishes(const struct supervised *all, struct pollfd polled[POLLED], bool open) {
    bool reads = !all->hung_up && all->cover.asking == 0 && has_room(&all->typed) && outer_is_ours(&all->outer);
    short outer = wish(reads, filled(&all->shown) > 0);
    short master = wish(has_room(&all->shown) && !cover_holds(all), filled(&all->typed) > 0);
    polled[OUTER] = (struct pollfd){.fd = all->hung_up || outer == 0 ? -1 : all->outer.fd, .events = outer};
    polled[MASTER] = (struct pollfd){.fd = open && master != 0 ? all->inner.master : -1, .events = master};
    polled[SIGNALS] = (struct pollfd){.fd = all->signals, .events = POLLIN};
    polled[END] = (struct pollfd){.fd = all->link.wait_fd, .events = POLLIN};
    polled[REPORT] = (struct pollfd){.fd = all->link.report_fd, .events = POLLIN};
    polled[SCREEN] = (struct pollfd){.fd = all->screen.pid > 0 ? all->screen.line : -1, .events = POLLIN};
}

static void move_bytes(struct supervised *all, const struct pollfd polled[POLLED], bool *open) {
    if ((polled[MASTER].revents & ~POLLOUT) != 0) *open = read_output(all) && *open;
    if ((polled[OUTER].revents & (POLLHUP | POLLERR)) != 0) hang_up(all);
    else if ((polled[OUTER].revents & POLLIN) != 0) read_keys(all);
    if (*open && filled(&all->typed) > 0 && !drain(all->inner.master, &all->typed)) *open = false;
    if (all->hung_up) all->shown.begin = all->shown.end = 0;
    else if (filled(&all->shown) > 0 && !drain(all->outer.fd, &all->shown)) hang_up(all);
}

static int sooner(int one_ms, int other_ms) {
    if (one_ms < 0 || other_ms < 0) return one_ms < 0 ? other_ms : one_ms;
    return one_ms < other_ms ? one_ms : other_ms;
}

/* One that has ended unseen is shown first. */
static bool goes_on(const struct supervised *all, bool open) {
    return !all->ended || open || filled(&all->shown) > 0 || (is_covered(all) && !all->hung_up);
}

void pump(struct supervised *all) {
    struct pollfd polled[POLLED];
    /* Somebody may write to the inner terminal while the warden lives, or until all there is was read. */
    for (bool open = true; goes_on(all, open);) {
        int step_ms = cover_step(all);
        set_wishes(all, polled, open);
        int64_t now = now_ms();
        int wait_ms = sooner(link_report(&all->link, now), sooner(escape_due(&all->escape, now), step_ms));
        polled[REPORT].fd = all->link.report_fd;
        bool reads = polled[MASTER].fd >= 0 && (polled[MASTER].events & POLLIN) != 0;
        if (all->ended && reads) wait_ms = 0;
        if (poll(polled, POLLED, wait_ms) < 0 && errno != EINTR) break;
        if (polled[END].revents != 0) hear_daemon(all);
        if (polled[SIGNALS].revents != 0) obey_signals(all);
        if (polled[SCREEN].revents != 0 && all->screen.pid > 0) cover_read_screen(all);
        bool nothing_left = all->ended && reads && polled[MASTER].revents == 0;
        if (all->escape.held && (polled[OUTER].revents & POLLIN) == 0) expire_escape(all);
        cover_draw_on(all);
        move_bytes(all, polled, &open);
        if (nothing_left) open = false;
    }
}
