#include "modes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ESC = 0x1b, BEL = 0x07, CAN = 0x18, SUB = 0x1a };

/* DEC private modes (ctlseqs of xterm, DECSET), and how a shell wants each: `h` set, `l` reset. The screens come last. */
static const struct {
    unsigned number;
    char usual;
} known[] = {
    {1, 'l'},    {5, 'l'},    {6, 'l'},    {7, 'h'},    {9, 'l'},    {66, 'l'},   {69, 'l'},
    {1000, 'l'}, {1001, 'l'}, {1002, 'l'}, {1003, 'l'}, {1004, 'l'}, {1005, 'l'}, {1006, 'l'},
    {1015, 'l'}, {1016, 'l'}, {2004, 'l'}, {2026, 'l'}, {2031, 'l'}, {2048, 'l'}, {47, 'l'},
    {1047, 'l'}, {1049, 'l'}, {25, 'h'},
};
enum { KNOWN = sizeof known / sizeof known[0], ORIGIN = 6, WRAP = 7, MARGINS = 69, AT_ONCE = 2026, CURSOR = 25 };
_Static_assert(KNOWN <= 32, "modes");

static void switch_mode(struct modes *modes, unsigned number, char final) {
    for (size_t index = 0; index < KNOWN; index += 1) {
        if (known[index].number != number) continue;
        uint32_t bit = UINT32_C(1) << index;
        if (known[index].usual == final) modes->changed &= ~bit;
        else modes->changed |= bit;
    }
}

static void forget_all(struct modes *modes) {
    modes->changed = 0;
    modes->keypad = false;
    modes->drawn = false;
    modes->keyboards = 0;
    modes->other_keys = 0;
}

static void switch_modes(struct modes *modes, char final) {
    for (char *at = modes->parameters + 1; *at != '\0';) {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        if (end == at) break;
        switch_mode(modes, (unsigned)number, final);
        at = *end == ';' ? end + 1 : end;
    }
}

/* A control sequence is whole. */
static void obey(struct modes *modes, char final) {
    modes->parameters[modes->length] = '\0';
    char mark = modes->parameters[0];
    if (mark == '?' && (final == 'h' || final == 'l')) switch_modes(modes, final);
    if (final == 'm' && mark != '>') modes->drawn = true;
    /* XTMODKEYS: resource 4, and its value where there is one. */
    if (final == 'm' && strncmp(modes->parameters, ">4", 2) == 0) {
        modes->other_keys = modes->parameters[2] == ';' ? (unsigned)strtoul(modes->parameters + 3, NULL, 10) % 10 : 0;
    }
    if (final == 'p' && mark == '!') forget_all(modes);
    /* DECSTBM, and SM of any mode: how far each reaches is not told apart. */
    if (mark != '?' && (final == 'r' || final == 'h')) modes->odd_lines = true;
    /* The keyboard protocol that kitty has begun: levels are pushed and popped. */
    if (final == 'u' && mark == '>') modes->keyboards += modes->keyboards < 100 ? 1 : 0;
    if (final == 'u' && mark == '<') modes->keyboards -= modes->keyboards > 0 ? 1 : 0;
}

static void after_escape(struct modes *modes, uint8_t byte) {
    modes->state = OUT_GROUND;
    switch (byte) {
    case '[':
        modes->state = OUT_SEQUENCE;
        modes->length = 0;
        break;
    case 'P':
    case ']':
    case 'X':
    case '^':
    case '_':
        modes->state = OUT_STRING;
        break;
    case ESC:
        modes->state = OUT_ESCAPE;
        break;
    case 'c':
        forget_all(modes);
        modes->odd_lines = false;
        break;
    case '=':
    case '>':
        modes->keypad = byte == '=';
        break;
    case '(':
        modes->drawn = true;
        break;
    }
}

static void in_sequence(struct modes *modes, uint8_t byte) {
    if (byte == ESC) modes->state = OUT_ESCAPE;
    else if (byte >= 0x40 && byte < 0x7f) {
        modes->state = OUT_GROUND;
        obey(modes, (char)byte);
    } else if (byte == CAN || byte == SUB) modes->state = OUT_GROUND;
    else if (byte >= 0x20 && modes->length < PARAMETERS - 1) {
        modes->parameters[modes->length] = (char)byte;
        modes->length += 1;
    }
}

/* U+0080 to U+009F (ECMA-48, C1), whose first byte in UTF-8 is 0xc2: of that each byte is looked at as it comes. */
static void look_for_c1(struct modes *modes, const uint8_t *at, const uint8_t *end) {
    if (at == end) return;
    if (modes->may_be_c1 && (*at & 0xe0) == 0x80) modes->had_c1 = true;
    while (at < end && (at = memchr(at, 0xc2, (size_t)(end - at))) != NULL) {
        at += 1;
        if (at < end && (*at & 0xe0) == 0x80) modes->had_c1 = true;
    }
    modes->may_be_c1 = end[-1] == 0xc2;
}

void modes_read(struct modes *modes, const uint8_t *at, size_t length) {
    const uint8_t *end = at + length;
    look_for_c1(modes, at, end);
    while (at < end) {
        if (modes->state == OUT_GROUND) {
            const uint8_t *escape = memchr(at, ESC, (size_t)(end - at));
            if (escape == NULL) return;
            at = escape + 1;
            modes->state = OUT_ESCAPE;
            continue;
        }
        uint8_t byte = *at;
        at += 1;
        switch (modes->state) {
        case OUT_ESCAPE:
            after_escape(modes, byte);
            break;
        case OUT_SEQUENCE:
            in_sequence(modes, byte);
            break;
        case OUT_STRING:
            if (byte == ESC) modes->state = OUT_STRING_ESCAPE;
            else if (byte == BEL || byte == CAN || byte == SUB) modes->state = OUT_GROUND;
            break;
        case OUT_STRING_ESCAPE:
            if (byte == '\\') modes->state = OUT_GROUND;
            else after_escape(modes, byte);
            break;
        case OUT_GROUND:
            break;
        }
    }
}

static bool is_screen(unsigned number) {
    return number == 47 || number == 1047 || number == 1049;
}

static bool is_changed(const struct modes *modes, size_t index) {
    return (modes->changed & UINT32_C(1) << index) != 0;
}

static size_t undo_drawing(const struct modes *modes, char *undo) {
    size_t length = 0;
    /* What was begun is broken off. */
    if (modes->state != OUT_GROUND) undo[length++] = CAN;
    if (modes->drawn) length += (size_t)sprintf(undo + length, "\033[0m\033(B\017");
    if (modes->keypad) length += (size_t)sprintf(undo + length, "\033>");
    if (modes->other_keys > 0) length += (size_t)sprintf(undo + length, "\033[>4m");
    return length;
}

/* What lock_screen_raise() has switched. */
static size_t undo_cover(char *undo) {
    return (size_t)sprintf(undo, "\033[<1u\033[23;2t\033[?1049l\033[?25h");
}

size_t modes_undo(const struct modes *modes, char undo[UNDO_BYTES]) {
    size_t length = undo_drawing(modes, undo);
    if (modes->covered) length += undo_cover(undo + length);
    if (modes->keyboards > 0) length += (size_t)sprintf(undo + length, "\033[<%uu", modes->keyboards);
    for (size_t index = 0; index < KNOWN; index += 1) {
        if (!is_changed(modes, index)) continue;
        length += (size_t)sprintf(undo + length, "\033[?%u%c", known[index].number, known[index].usual);
    }
    return length;
}

bool modes_on_alternate(const struct modes *modes) {
    for (size_t index = 0; index < KNOWN; index += 1) {
        if (is_screen(known[index].number) && is_changed(modes, index)) return true;
    }
    return false;
}

size_t modes_put_aside(const struct modes *modes, char undo[UNDO_BYTES]) {
    size_t length = undo_drawing(modes, undo);
    for (size_t index = 0; index < KNOWN; index += 1) {
        if (!is_changed(modes, index) || is_screen(known[index].number)) continue;
        length += (size_t)sprintf(undo + length, "\033[?%u%c", known[index].number, known[index].usual);
    }
    return length;
}

/* These move the cursor, or how it moves: they are restored with what is drawn (src/screen/restore-screen.ts). */
static bool is_drawn(unsigned number) {
    return is_screen(number) || number == ORIGIN || number == WRAP || number == MARGINS || number == AT_ONCE;
}

size_t modes_redo(const struct modes *modes, char redo[UNDO_BYTES]) {
    size_t length = 0;
    for (size_t index = 0; index < KNOWN; index += 1) {
        bool set = is_changed(modes, index) == (known[index].usual == 'l');
        bool same = !is_changed(modes, index) && known[index].number != CURSOR;
        if (same || is_drawn(known[index].number)) continue;
        length += (size_t)sprintf(redo + length, "\033[?%u%c", known[index].number, set ? 'h' : 'l');
    }
    if (modes->keypad) length += (size_t)sprintf(redo + length, "\033=");
    if (modes->other_keys > 0) length += (size_t)sprintf(redo + length, "\033[>4;%um", modes->other_keys);
    return length;
}
