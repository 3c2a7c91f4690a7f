#define _GNU_SOURCE
#include "warning.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "overlay.h"

/* XTWINOPS of xterm's ctlseqs: the title is put on a stack, and taken from it. */
#define PUSH_TITLE "\033[22;2t"
#define POP_TITLE "\033[23;2t"

void warning_begin(struct supervised *all, const char *text, size_t length) {
    if (length == 0) return warning_end(all);
    if (length >= WARNING_BYTES) length = WARNING_BYTES - 1;
    for (size_t at = 0; at < length; at += 1) {
        /* Nothing of it may end the title early. */
        bool control = (unsigned char)text[at] < 0x20 || text[at] == 0x7f;
        all->warning[at] = control ? ' ' : text[at];
    }
    all->warning[length] = '\0';
    overlay_begin(all, all->warning);
    warning_show(all);
}

static unsigned following(uint8_t lead) {
    if (lead < 0xc2 || lead > 0xf4) return 0;
    if (lead < 0xe0) return 1;
    return lead < 0xf0 ? 2 : 3;
}

enum { LONGEST_CHARACTER = 4 };

unsigned missing_bytes(const uint8_t *at, size_t length, unsigned before) {
    unsigned missing = length < LONGEST_CHARACTER ? before : 0;
    size_t from = length < LONGEST_CHARACTER ? 0 : length - LONGEST_CHARACTER;
    for (size_t index = from; index < length; index += 1) {
        bool continues = (at[index] & 0xc0) == 0x80;
        if (!continues) missing = following(at[index]);
        else if (missing > 0) missing -= 1;
    }
    return missing;
}

bool is_between(const struct supervised *all) {
    return all->inner.shared->modes.state == OUT_GROUND && all->character_left == 0;
}

bool put_between(struct supervised *all, const char *text, size_t length) {
    struct buffer *shown = &all->shown;
    if (!is_between(all) || length > BUFFER_BYTES - shown->end) return false;
    memcpy(shown->bytes + shown->end, text, length);
    shown->end += length;
    return true;
}

void warning_show(struct supervised *all) {
    char line[WARNING_BYTES + 32];
    if (all->warning[0] == '\0') return;
    const char *push = all->warned ? "" : PUSH_TITLE;
    int length = snprintf(line, sizeof line, "%s\033]2;%s\a\a", push, all->warning);
    if (!put_between(all, line, (size_t)length)) return;
    all->warned = true;
    all->warning[0] = '\0';
}

void warning_end(struct supervised *all) {
    all->warning[0] = '\0';
    overlay_end(all);
    if (!all->warned) return;
    /* Where it does not fit in now, the next key finds a better moment. */
    all->warned = !put_between(all, POP_TITLE, sizeof POP_TITLE - 1);
}

void warning_drop(struct supervised *all) {
    static const char cancelled[] = "\030" POP_TITLE;
    overlay_drop(all);
    if (all->warned && write(all->outer.fd, cancelled, sizeof cancelled - 1) > 0) all->warned = false;
}
