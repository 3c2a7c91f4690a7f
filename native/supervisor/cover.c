#define _GNU_SOURCE
#include "cover.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../protocol.h"
#include "../wire.h"
#include "lock-screen.h"
#include "overlay.h"
#include "signals.h"
#include "unlock-here.h"
#include "warning.h"

enum {
    /* A process that reads the log for longer than this stands still. */
    SCREEN_PATIENCE_MS = 10000,
    MOST_FAILURES = 3,
    /* A sequence that goes on for longer is not waited for. */
    BETWEEN_MS = 100,
    LOOK_MS = 20,
    /* Lines that scroll out unseen and are shown afterwards (src/screen/program-screen.ts). */
    MOST_SCROLLED = 1000,
    /* A log that fills within this is a flood’s. */
    FLOOD_MS = 1000,
};

static const char lost[] = "the screen can’t be brought back, and the session was ended\nrun: kubeguard doctor";

static void size_of(const struct supervised *all, struct winsize *size) {
    if (ioctl(all->inner.master, TIOCGWINSZ, size) != 0) *size = (struct winsize){.ws_row = 24, .ws_col = 80};
}

/* What was read for the terminal gets there, if it takes it: the lock screen comes after it. */
static bool show_rest(struct supervised *all) {
    const uint8_t *at = all->shown.bytes + all->shown.begin;
    bool shown = write_all(&all->outer, (const char *)at, all->shown.end - all->shown.begin);
    all->shown.begin = all->shown.end = 0;
    return shown;
}

static bool raise_screen(struct supervised *all) {
    struct modes *modes = &all->inner.shared->modes;
    if (all->cover.state == COVER_OFF && !show_rest(all)) return false;
    warning_drop(all);
    all->shown.begin = all->shown.end = 0;
    all->typed.begin = all->typed.end = 0;
    all->escape.held = false;
    all->notice[0] = '\0';
    return lock_screen_raise(&all->outer, modes);
}

/*
 * Nobody else of the account looks into what is kept from here on (prctl(2), PR_SET_DUMPABLE). A process that reads it
 * already has the log as it was.
 */
static void hide(struct supervised *all) {
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    screen_stop(&all->screen);
    log_cover(&all->log);
}

void cover_begin(struct supervised *all, const struct news *news) {
    struct cover *cover = &all->cover;
    bool possible = all->log.fd >= 0 && !all->hung_up && outer_is_ours(&all->outer);
    /* The daemon ends what does not say that it is covered. */
    if (!possible) return;
    memcpy(cover->lines, news->said, news->said_length);
    cover->lines[news->said_length] = '\0';
    memcpy(cover->policy, news->policy, sizeof cover->policy);
    bool raises = cover->state == COVER_OFF || cover->state == COVER_REDRAWING;
    if (raises) hide(all);
    bool stands = !raises || raise_screen(all);
    cover->state = COVER_ON;
    if (cover->asking == 0 && stands) stands = lock_screen_draw(&all->outer, cover->lines);
    if (stands) link_report_covered(&all->link);
}

static void end_question(struct cover *cover) {
    if (cover->asking == 0) return;
    kill(cover->asking, SIGKILL);
    waitpid(cover->asking, NULL, 0);
    cover->asking = 0;
}

static void take_keys_back(struct supervised *all) {
    tcflush(all->outer.fd, TCIFLUSH);
    outer_make_raw(&all->outer);
}

void cover_leave(struct supervised *all) {
    if (all->cover.state != COVER_ON) return;
    end_question(&all->cover);
    take_keys_back(all);
    all->cover.state = COVER_LEAVING;
    all->cover.left_ms = now_ms();
}

void cover_keys(struct supervised *all, const uint8_t *at, size_t length) {
    struct cover *cover = &all->cover;
    bool enter = false;
    for (size_t index = 0; index < length; index += 1) {
        bool begins = all->keys.state == KEY_GROUND;
        keys_typed(&all->keys, at + index, 1);
        if (begins && (at[index] == '\r' || at[index] == '\n')) enter = true;
    }
    if (!enter || cover->state != COVER_ON || cover->asking != 0) return;
    if (!lock_screen_draw(&all->outer, cover->lines) || !lock_screen_begin_question(&all->outer)) return;
    pid_t child = unlock_here(&all->outer, cover->policy, &all->unblocked);
    if (child > 0) cover->asking = child;
    else outer_make_raw(&all->outer);
}

void cover_again(struct supervised *all) {
    if (all->cover.state == COVER_ON && all->cover.asking == 0) lock_screen_draw(&all->outer, all->cover.lines);
}

void cover_look_at_child(struct supervised *all) {
    static const char again[] = "\033[?25l\r\npress Enter to try again";
    struct cover *cover = &all->cover;
    int status;
    if (cover->asking == 0 || waitpid(cover->asking, &status, WNOHANG | WUNTRACED) != cover->asking) return;
    if (WIFSTOPPED(status)) return end_question(cover);
    cover->asking = 0;
    take_keys_back(all);
    bool opened = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (cover->state != COVER_ON || opened) return;
    /* What it has said stays to be read. */
    write_all(&all->outer, again, sizeof again - 1);
}

static void fail_screen(struct supervised *all) {
    struct news end = {.kind = NEWS_END, .exit_code = KG_EXIT_LIVE_ENDED, .said_length = sizeof lost - 1};
    screen_stop(&all->screen);
    all->screen.failures += 1;
    if (all->screen.failures < MOST_FAILURES && all->log.fd >= 0) return;
    /* One that is in sight goes on, and will be ended at the lock. */
    if (all->log.fd >= 0) close(all->log.fd);
    all->log.fd = -1;
    if (all->cover.state == COVER_OFF) return;
    memcpy(end.said, lost, sizeof lost - 1);
    end_by_daemon(all, &end);
}

/* What brings a screen back is never given up: the program waits for a new beginning of it. */
static bool must_wait(const struct supervised *all) {
    return !all->log.lossy && log_is_overfull(&all->log);
}

/* What is half read, a sequence or a character, can't be drawn. */
static bool may_draw(const struct supervised *all) {
    if (is_between(all) || all->ended) return true;
    return all->cover.state == COVER_LEAVING ? now_ms() - all->cover.left_ms > BETWEEN_MS
                                             : must_wait(all);
}

static int ask_screen(struct supervised *all) {
    struct screen *screen = &all->screen;
    bool draws = all->cover.state == COVER_LEAVING || log_is_full(&all->log);
    if (draws && !may_draw(all)) return LOOK_MS;
    if (!draws && all->log.end == screen->followed) return -1;
    size_of(all, &screen->size);
    screen->covered = is_covered(all);
    screen->leaves = all->cover.state == COVER_LEAVING;
    if (!screen_ask(screen, &all->log, draws ? WISH_DRAW : WISH_FOLLOW, NULL)) fail_screen(all);
    return SCREEN_PATIENCE_MS;
}

/* A flood of plain lines needs no process. One that reads the log has read what would be left out. */
static void drop_scrolled(struct supervised *all) {
    struct winsize size;
    if (is_covered(all) || all->log.lossy || all->screen.pid > 0) return;
    size_of(all, &size);
    log_drop_scrolled(&all->log, MOST_SCROLLED + 2u * size.ws_row);
}

/* Not needed. One that was just now is kept for the next time: it takes longer to start than to read a full log. */
static int rest(struct supervised *all) {
    struct screen *screen = &all->screen;
    int64_t left = screen->pid > 0 && !screen->asked && all->overlay.state == OVERLAY_OFF ? screen->kept_ms - now_ms() : 0;
    return left > 0 ? (int)left : overlay_step(all);
}

int cover_step(struct supervised *all) {
    struct screen *screen = &all->screen;
    if (all->cover.state == COVER_REDRAWING) return -1;
    if (log_is_full(&all->log)) drop_scrolled(all);
    bool needed = is_covered(all) || log_is_full(&all->log);
    if (!needed) return rest(all);
    /* For an overlay alone no flood of output is to go slower: one that lasts makes the log end instead. */
    int quiet_ms = all->log.lossy ? quiet_within(all) : 0;
    if (quiet_ms > 0) return quiet_ms;
    if (screen->pid == 0 && !screen_start(screen, &all->log)) {
        fail_screen(all);
        return LOOK_MS;
    }
    if (!screen->asked) return ask_screen(all);
    int64_t left = screen->asked_ms + SCREEN_PATIENCE_MS - now_ms();
    if (left > 0) return (int)left;
    fail_screen(all);
    return LOOK_MS;
}

bool cover_holds(const struct supervised *all) {
    bool draws = all->cover.state == COVER_LEAVING && all->screen.asked && all->screen.leaves;
    return all->cover.state == COVER_REDRAWING || draws || must_wait(all);
}

static void begin_drawing(struct supervised *all, uint64_t length) {
    char redo[UNDO_BYTES];
    struct modes *modes = &all->inner.shared->modes;
    size_t more = modes_redo(modes, redo);
    log_begin_with(&all->log, &all->screen, length, false);
    if (pwrite(all->screen.drawn, redo, more, (off_t)length) != (ssize_t)more) return fail_screen(all);
    all->cover.drawn_at = 0;
    all->cover.drawn_end = length + more;
    all->shown.begin = 0;
    all->shown.end = lock_screen_lower((char *)all->shown.bytes);
    modes->covered = false;
    all->cover.state = COVER_REDRAWING;
}

void cover_draw_on(struct supervised *all) {
    struct cover *cover = &all->cover;
    struct buffer *shown = &all->shown;
    if (cover->state != COVER_REDRAWING) return;
    uint64_t left = cover->drawn_end - cover->drawn_at;
    size_t room = BUFFER_BYTES - shown->end;
    ssize_t got = pread(all->screen.drawn, shown->bytes + shown->end, left < room ? left : room,
                        (off_t)cover->drawn_at);
    if (got > 0) {
        shown->end += (size_t)got;
        cover->drawn_at += (uint64_t)got;
    }
    if (cover->drawn_at < cover->drawn_end && got >= 0) return;
    cover->state = COVER_OFF;
    screen_stop(&all->screen);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

void cover_read_screen(struct supervised *all) {
    struct screen *screen = &all->screen;
    struct drawn drawn;
    bool overlays = screen->wish == WISH_OVERLAY;
    if (!screen_read(screen, &drawn)) return overlays ? overlay_fail(all) : fail_screen(all);
    if (overlays) return overlay_take(all, &drawn);
    if (screen->wish == WISH_FOLLOW) return;
    /* It was locked again meanwhile, or has another size now. */
    if (screen->leaves && all->cover.state == COVER_LEAVING && all->log.end == screen->followed) {
        return begin_drawing(all, drawn.length);
    }
    if (screen->leaves && !log_is_full(&all->log)) return;
    bool goes_on = log_begin_with(&all->log, screen, drawn.length, screen->covered);
    if (!goes_on || all->log.lossy) return screen_stop(screen);
    screen->kept_ms = now_ms() + FLOOD_MS;
}

void cover_drop(struct supervised *all) {
    end_question(&all->cover);
    screen_stop(&all->screen);
}
