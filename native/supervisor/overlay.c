#define _GNU_SOURCE
#include "overlay.h"

#include <string.h>
#include <unistd.h>

#include "../wire.h"
#include "cover.h"
#include "warning.h"

enum {
    QUIET_MS = 300,
    /* A process that answers later than this is not waited for. */
    PATIENCE_MS = 30000,
    MOST_FAILURES = 3,
    AGAIN_MS = 20,
    /* One line and what is around it. */
    MOST_OVER = 4096,
};

void overlay_begin(struct supervised *all, const char *line) {
    struct overlay *overlay = &all->overlay;
    overlay_give_way(all);
    strncpy(overlay->line, line, WARNING_BYTES - 1);
    overlay->state = OVERLAY_WANTED;
    overlay->uncertain = 0;
    overlay->failures = 0;
}

void overlay_give_way(struct supervised *all) {
    struct overlay *overlay = &all->overlay;
    struct buffer *shown = &all->shown;
    if (overlay->state != OVERLAY_SHOWN) return;
    overlay->state = OVERLAY_WANTED;
    /* There is room: what is shown beside it are a title and a notice. */
    if (overlay->back_length <= BUFFER_BYTES - shown->end) {
        memcpy(shown->bytes + shown->end, overlay->back, overlay->back_length);
        shown->end += overlay->back_length;
    }
}

void overlay_end(struct supervised *all) {
    overlay_give_way(all);
    all->overlay.state = OVERLAY_OFF;
}

void overlay_drop(struct supervised *all) {
    struct overlay *overlay = &all->overlay;
    if (overlay->state == OVERLAY_SHOWN && write_all(&all->outer, "\030", 1)) {
        write_all(&all->outer, overlay->back, overlay->back_length);
    }
    overlay->state = OVERLAY_OFF;
}

void overlay_fail(struct supervised *all) {
    struct overlay *overlay = &all->overlay;
    screen_stop(&all->screen);
    overlay_give_way(all);
    overlay->failures += 1;
    if (overlay->failures == MOST_FAILURES) overlay->state = OVERLAY_OFF;
}

int quiet_within(const struct supervised *all) {
    int64_t left = all->output_ms + QUIET_MS - now_ms();
    return left > 0 ? (int)left : 0;
}

/* Is the terminal ours, and has it all that there was? */
static bool may_show(const struct supervised *all) {
    return all->shown.end == 0 && is_between(all) && !all->hung_up && outer_is_ours(&all->outer);
}

static int ask(struct supervised *all) {
    struct screen *screen = &all->screen;
    int quiet_ms = quiet_within(all);
    if (quiet_ms > 0) return quiet_ms;
    /* The next output changes that. */
    if (all->overlay.uncertain == all->log.end || !may_show(all)) return -1;
    bool runs = screen->pid > 0 || screen_start(screen, &all->log);
    if (!runs || !screen_ask(screen, &all->log, WISH_OVERLAY, all->overlay.line)) {
        overlay_fail(all);
        return AGAIN_MS;
    }
    return PATIENCE_MS;
}

int overlay_step(struct supervised *all) {
    struct overlay *overlay = &all->overlay;
    struct screen *screen = &all->screen;
    /* Bell and title are all there is where the screen is not known. */
    if (all->log.fd < 0) overlay_end(all);
    if (overlay->state == OVERLAY_OFF && screen->pid > 0) screen_stop(screen);
    if (overlay->state != OVERLAY_WANTED) return -1;
    if (!screen->asked) return ask(all);
    int64_t left = screen->asked_ms + PATIENCE_MS - now_ms();
    if (left > 0) return (int)left;
    overlay_fail(all);
    return AGAIN_MS;
}

void overlay_take(struct supervised *all, const struct drawn *drawn) {
    struct overlay *overlay = &all->overlay;
    int from = all->screen.drawn;
    if (overlay->state != OVERLAY_WANTED || all->screen.followed != all->log.end) return;
    bool fits = drawn->length > 0 && drawn->length <= MOST_OVER && drawn->back <= BACK_BYTES;
    if (!fits) overlay->uncertain = all->log.end;
    if (!fits || !may_show(all)) return;
    if (pread(from, all->shown.bytes, drawn->length, 0) != (ssize_t)drawn->length) return;
    if (pread(from, overlay->back, drawn->back, (off_t)drawn->length) != (ssize_t)drawn->back) return;
    overlay->back_length = drawn->back;
    all->shown.begin = 0;
    all->shown.end = drawn->length;
    overlay->state = OVERLAY_SHOWN;
}
