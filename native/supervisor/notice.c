#define _GNU_SOURCE
#include "notice.h"

#include <string.h>

#include "cover.h"
#include "overlay.h"
#include "warning.h"

void notice_begin(struct supervised *all, const char *text, size_t length) {
    size_t put = 0;
    /* What was asked for just before a lock is nothing for the lock screen. */
    if (is_covered(all)) return;
    for (size_t at = 0; at < length && put < NOTICE_BYTES - 1; at += 1) {
        /* The terminal obeys none of it. */
        bool control = ((unsigned char)text[at] < 0x20 && text[at] != '\n') || text[at] == 0x7f;
        all->notice[put++] = control ? ' ' : text[at];
    }
    all->notice[put] = '\0';
    notice_show(all);
}

void notice_show(struct supervised *all) {
    /* Each end of a line takes two bytes on a raw terminal. */
    char lines[2 * NOTICE_BYTES + 4];
    size_t length = 0;
    if (all->notice[0] == '\0') return;
    if (modes_on_alternate(&all->inner.shared->modes)) {
        all->notice[0] = '\0';
        return;
    }
    lines[length++] = '\r';
    lines[length++] = '\n';
    for (const char *at = all->notice; *at != '\0'; at += 1) {
        if (*at == '\n') lines[length++] = '\r';
        lines[length++] = *at;
    }
    lines[length++] = '\r';
    lines[length++] = '\n';
    overlay_give_way(all);
    if (!put_between(all, lines, length)) return;
    /* They are on the screen as if the program had written them. */
    log_output(&all->log, (const uint8_t *)lines, length);
    all->notice[0] = '\0';
}
